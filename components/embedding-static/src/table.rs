//! The token table as it ships. `models/embedding-static/table.py` documents the format.

/// Where the numbers of the header stand: after the magic and the digest.
const HEADER: usize = 40;
/// Where the scales begin.
const SCALES: usize = HEADER + 16;

/// Views into the file, which stays where it is.
pub struct Table {
    /// SHA-256 of all but the first 40 bytes: it changes exactly when a vector can.
    pub digest: &'static [u8],
    /// The length of a vector.
    pub dimensions: usize,
    /// The most tokens of a text that are looked at.
    pub tokens_max: usize,
    /// The tokens, one a line, in the order of their rows.
    pub vocabulary: &'static str,
    scales: &'static [[u8; 4]],
    values: &'static [u8],
}

impl Table {
    /// The table that is part of the component.
    pub fn bundled() -> Self {
        Self::parse(include_bytes!("../../../models/embedding-static/table.bin"))
            .expect("the bundled table is one: a test reads it")
    }

    /// Reads a table, or nothing if the file is none.
    pub fn parse(file: &'static [u8]) -> Option<Self> {
        let number = |place: usize| -> Option<usize> {
            let bytes = file.get(HEADER + 4 * place..)?.first_chunk::<4>()?;
            usize::try_from(u32::from_le_bytes(*bytes)).ok()
        };
        let (rows, dimensions) = (number(0)?, number(1)?);
        let (tokens_max, words) = (number(2)?, number(3)?);
        let (scales, rest) = file.get(SCALES..)?.split_at_checked(rows.checked_mul(4)?)?;
        let (values, rest) = rest.split_at_checked(rows.checked_mul(dimensions)?)?;
        let table = Self {
            digest: file.get(8..HEADER)?,
            dimensions,
            tokens_max,
            scales: scales.as_chunks().0,
            values,
            vocabulary: str::from_utf8(rest).ok()?,
        };
        let whole = file.starts_with(b"LOCISTE1")
            && rest.len() == words
            && dimensions > 0
            && table.vocabulary.split('\n').count() == rows;
        whole.then_some(table)
    }

    /// Adds a token's vector to `sum`, which has `dimensions` numbers. An unknown row adds nothing.
    #[inline]
    pub fn add(&self, row: u32, sum: &mut [f32]) {
        let row = row as usize;
        let Some(scale) = self.scales.get(row) else {
            return;
        };
        let scale = f32::from_le_bytes(*scale);
        let values = &self.values[row * self.dimensions..(row + 1) * self.dimensions];
        // Simple enough that the compiler makes SIMD of it.
        for (sum, &value) in sum.iter_mut().zip(values) {
            *sum += scale * f32::from(value as i8);
        }
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    const FILE: &[u8] = include_bytes!("../../../models/embedding-static/table.bin");

    #[test]
    fn the_bundled_table_is_whole_and_named_by_its_digest() {
        let table = Table::parse(FILE).unwrap();
        assert_eq!(table.digest, Sha256::digest(&FILE[HEADER..]).as_slice());
        assert_eq!(table.scales.len() * table.dimensions, table.values.len());
        assert_eq!(table.vocabulary.lines().count(), table.scales.len());
        assert!(FILE.len() <= 9_000_000, "{} bytes", FILE.len());
    }

    #[test]
    fn a_damaged_table_is_none() {
        for len in [0, 7, 41, SCALES, 1_000, FILE.len() - 1] {
            assert!(Table::parse(&FILE[..len]).is_none(), "{len} bytes");
        }
        assert!(Table::parse(&FILE[1..]).is_none());
    }
}
