//! Writing a GGUF file of version 3, as far as this model needs it.

use std::io::{self, Write};

/// Where tensors begin, in bytes.
const ALIGNMENT: u64 = 32;

/// Keys and values, in the order in which they are added.
#[derive(Default)]
pub struct Metadata {
    count: u64,
    bytes: Vec<u8>,
}

impl Metadata {
    fn key(&mut self, key: &str, kind: u32) {
        self.count += 1;
        put_text(&mut self.bytes, key);
        self.bytes.extend(kind.to_le_bytes());
    }

    /// Adds a number.
    pub fn number(&mut self, key: &str, value: u32) {
        self.key(key, 4);
        self.bytes.extend(value.to_le_bytes());
    }

    /// Adds a float.
    pub fn float(&mut self, key: &str, value: f32) {
        self.key(key, 6);
        self.bytes.extend(value.to_le_bytes());
    }

    /// Adds a truth value.
    pub fn truth(&mut self, key: &str, value: bool) {
        self.key(key, 7);
        self.bytes.push(u8::from(value));
    }

    /// Adds a text.
    pub fn text(&mut self, key: &str, value: &str) {
        self.key(key, 8);
        put_text(&mut self.bytes, value);
    }

    /// Adds a list of texts.
    pub fn texts(&mut self, key: &str, values: &[String]) {
        self.list(key, 8, values.len());
        values.iter().for_each(|value| put_text(&mut self.bytes, value));
    }

    /// Adds a list of numbers.
    pub fn integers(&mut self, key: &str, values: &[i32]) {
        self.list(key, 5, values.len());
        values.iter().for_each(|value| self.bytes.extend(value.to_le_bytes()));
    }

    fn list(&mut self, key: &str, kind: u32, length: usize) {
        self.key(key, 9);
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend((length as u64).to_le_bytes());
    }
}

/// Numbers with a name and a shape.
pub struct Tensor {
    name: String,
    /// Rows first, as everywhere but in the file.
    shape: Vec<usize>,
    kind: u32,
    bytes: Vec<u8>,
}

impl Tensor {
    /// A tensor of these values, stored in 16 bits each if `half`, and in 32 otherwise.
    pub fn new(name: String, shape: &[usize], values: Vec<f32>, half: bool) -> Self {
        let bytes = match half {
            true => values.iter().flat_map(|value| to_half(*value).to_le_bytes()).collect(),
            false => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        };
        Self { name, shape: shape.to_vec(), kind: u32::from(half), bytes }
    }
}

/// Writes a file.
///
/// # Errors
///
/// Fails if `out` does.
pub fn write(out: &mut impl Write, metadata: &Metadata, tensors: &[Tensor]) -> io::Result<()> {
    let mut head = b"GGUF".to_vec();
    head.extend(3_u32.to_le_bytes());
    head.extend((tensors.len() as u64).to_le_bytes());
    head.extend(metadata.count.to_le_bytes());
    head.extend(&metadata.bytes);
    let mut offset = 0;
    for tensor in tensors {
        put_text(&mut head, &tensor.name);
        head.extend((tensor.shape.len() as u32).to_le_bytes());
        tensor.shape.iter().rev().for_each(|size| head.extend((*size as u64).to_le_bytes()));
        head.extend(tensor.kind.to_le_bytes());
        head.extend(u64::to_le_bytes(offset));
        offset += (tensor.bytes.len() as u64).next_multiple_of(ALIGNMENT);
    }
    for bytes in [&head].into_iter().chain(tensors.iter().map(|tensor| &tensor.bytes)) {
        out.write_all(bytes)?;
        let length = bytes.len() as u64;
        let padding = length.next_multiple_of(ALIGNMENT) - length;
        out.write_all(&vec![0; padding as usize])?;
    }
    Ok(())
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

/// The nearest number of 16 bits; of two that are as near, the even one.
fn to_half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let exponent = ((bits >> 23) & 0xFF) as i32 - 112;
    let mantissa = bits & 0x007F_FFFF;
    if exponent >= 31 {
        let is_nan = exponent == 143 && mantissa != 0;
        return sign | if is_nan { 0x7E00 } else { 0x7C00 };
    }
    // The digits that are kept, and those that are rounded away.
    let (kept, dropped, digits) = if exponent > 0 {
        (((exponent as u32) << 10) | (mantissa >> 13), mantissa & 0x1FFF, 13)
    } else if exponent > -11 {
        let digits = (14 - exponent) as u32;
        let mantissa = mantissa | 0x0080_0000;
        (mantissa >> digits, mantissa & ((1 << digits) - 1), digits)
    } else {
        (0, 0, 1)
    };
    let middle = 1_u32 << (digits - 1);
    let is_up = dropped > middle || (dropped == middle && kept & 1 == 1);
    sign | (kept + u32::from(is_up)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_the_nearest_ones() {
        for (value, half) in [
            (0.0, 0x0000),
            (-0.0, 0x8000),
            (1.0, 0x3C00),
            (-2.0, 0xC000),
            (65_504.0, 0x7BFF),
            (65_520.0, 0x7C00),
            (f32::INFINITY, 0x7C00),
            // The smallest of all, half of it (even: zero), and a bit more than half.
            (5.960_464_5e-8, 0x0001),
            (2.980_232_2e-8, 0x0000),
            (2.980_233e-8, 0x0001),
            // Between two: to the even one.
            (1.0 + 1.0 / 2_048.0, 0x3C00),
            (1.0 + 3.0 / 2_048.0, 0x3C02),
            (6.097_555e-5, 0x03FF),
            (6.103_516e-5, 0x0400),
        ] {
            assert_eq!(to_half(value), half, "{value}");
        }
        assert_eq!(to_half(f32::NAN) & 0x7E00, 0x7E00);
    }

    #[test]
    fn what_is_written_can_be_described() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.gguf");
        let mut metadata = Metadata::default();
        metadata.text("general.architecture", "bert");
        metadata.text("general.license", "apache-2.0");
        metadata.number("bert.context_length", 256);
        metadata.texts("tokenizer.ggml.tokens", &["a".to_owned(), "b".to_owned()]);
        metadata.integers("tokenizer.ggml.token_type", &[1, 3]);
        let tensors = [
            Tensor::new("a.weight".to_owned(), &[3, 64], vec![0.5; 192], true),
            Tensor::new("b.weight".to_owned(), &[7], vec![1.5; 7], false),
        ];
        write(&mut std::fs::File::create(&path).expect("a file"), &metadata, &tensors)
            .expect("written");
        let told = crate::model::llama::describe(&path).expect("a description");
        assert_eq!((told.parameters, told.quantization.as_str()), (199, "f16"));
        assert_eq!((told.context_tokens, told.embeds), (256, true));
        assert_eq!(told.license.as_deref(), Some("apache-2.0"));
    }
}
