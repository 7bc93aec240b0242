//! Weights in the format of safetensors: the length of a JSON header, the header, the numbers.

use std::collections::HashMap;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// All weights of a file.
pub struct Weights<'a> {
    places: HashMap<String, Place>,
    numbers: &'a [u8],
}

#[derive(Deserialize)]
struct Place {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

impl<'a> Weights<'a> {
    /// Reads the header of a file.
    ///
    /// # Errors
    ///
    /// Fails if it is damaged.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let damaged = "the weights are damaged";
        let (length, rest) = bytes.split_first_chunk::<8>().context(damaged)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).context(damaged)?;
        let (header, numbers) = rest.split_at_checked(length).context(damaged)?;
        let header: HashMap<String, Value> = serde_json::from_slice(header).context(damaged)?;
        let tensors = header.into_iter().filter(|(name, _)| name != "__metadata__");
        let read = |(name, value)| Ok((name, serde_json::from_value(value).context(damaged)?));
        Ok(Self { places: tensors.map(read).collect::<Result<_>>()?, numbers })
    }

    /// The numbers of a tensor, row by row. It may have more rows than `shape` says: the first ones
    /// are taken then.
    ///
    /// # Errors
    ///
    /// Fails if there is no such tensor, or it has another shape.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let place = self.places.get(name).with_context(|| format!("there is no `{name}`"))?;
        let fits = place.dtype == "F32"
            && place.shape.len() == shape.len()
            && place.shape.first() >= shape.first()
            && place.shape.get(1..) == shape.get(1..);
        ensure!(fits, "`{name}` has the shape {:?}, not {shape:?}", place.shape);
        let count = shape.iter().product::<usize>();
        let bytes = self.numbers.get(place.data_offsets.0..place.data_offsets.1);
        let bytes = bytes.and_then(|bytes| bytes.get(..count * 4));
        let bytes = bytes.with_context(|| format!("`{name}` is cut off"))?;
        let (numbers, _) = bytes.as_chunks::<4>();
        Ok(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, numbers: &[f32]) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        numbers.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        bytes
    }

    #[test]
    fn numbers_are_found_by_name_and_what_does_not_fit_is_refused() {
        let header = r#"{"__metadata__":{"format":"pt"},
            "a":{"dtype":"F32","shape":[3,2],"data_offsets":[0,24]},
            "b":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},
            "c":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}"#;
        let bytes = file(header, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let weights = Weights::parse(&bytes).expect("weights");
        assert_eq!(weights.get("a", &[3, 2]).expect("all"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(weights.get("a", &[1, 2]).expect("the first row"), [1.0, 2.0]);
        for (name, shape) in
            [("a", &[2, 3][..]), ("a", &[4, 2]), ("b", &[1]), ("c", &[9]), ("d", &[1])]
        {
            assert!(weights.get(name, shape).is_err(), "{name}");
        }
        assert!(Weights::parse(&bytes[..20]).is_err());
        assert!(Weights::parse(b"short").is_err());
    }
}
