//! The GGUF file format, version 3, as far as these models need it.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

const ALIGNMENT: u64 = 32;
/// Weights in one block of `Q8_0`.
const BLOCK: usize = 32;

/// How the weights of a matrix are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// Blocks of 32 bytes with a 16-bit scale (`Q8_0`).
    Q8,
}

impl Precision {
    fn code(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q8 => 8,
        }
    }

    fn bytes(self, weights: u64) -> u64 {
        match self {
            Self::F32 => weights * 4,
            Self::F16 => weights * 2,
            Self::Q8 => weights / BLOCK as u64 * 34,
        }
    }

    fn encode(self, row: &[f32], out: &mut Vec<u8>) {
        match self {
            Self::F32 => row.iter().for_each(|v| out.extend(v.to_le_bytes())),
            Self::F16 => row.iter().for_each(|v| out.extend(half(*v).to_le_bytes())),
            Self::Q8 => row.chunks(BLOCK).for_each(|block| {
                let top = block.iter().fold(0f32, |top, v| top.max(v.abs()));
                let scale = top / 127.0;
                let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
                out.extend(half(scale).to_le_bytes());
                out.extend(block.iter().map(|v| (v * inverse).round() as i8 as u8));
            }),
        }
    }
}

/// A 32-bit float as a 16-bit one, rounded to nearest; what is too small becomes 0.
fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let exponent = ((bits >> 23) & 0xFF) as i32 - 127 + 15;
    if exponent <= 0 {
        return sign;
    }
    let mantissa = (bits & 0x007F_FFFF) + 0x1000;
    let rounded = ((exponent as u32) << 10) + (mantissa >> 13);
    sign | rounded.min(0x7BFF) as u16
}

/// Keys and values in the order in which they are added.
#[derive(Default)]
pub struct Metadata {
    count: u64,
    bytes: Vec<u8>,
}

impl Metadata {
    fn key(&mut self, key: &str, kind: u32) {
        self.count += 1;
        text(&mut self.bytes, key);
        self.bytes.extend(kind.to_le_bytes());
    }

    /// Adds a number.
    pub fn u32(&mut self, key: &str, value: u32) {
        self.key(key, 4);
        self.bytes.extend(value.to_le_bytes());
    }

    /// Adds a float.
    pub fn f32(&mut self, key: &str, value: f32) {
        self.key(key, 6);
        self.bytes.extend(value.to_le_bytes());
    }

    /// Adds a truth value.
    pub fn bool(&mut self, key: &str, value: bool) {
        self.key(key, 7);
        self.bytes.push(u8::from(value));
    }

    /// Adds a text.
    pub fn string(&mut self, key: &str, value: &str) {
        self.key(key, 8);
        text(&mut self.bytes, value);
    }

    fn array(&mut self, key: &str, kind: u32, length: usize) {
        self.key(key, 9);
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend((length as u64).to_le_bytes());
    }

    /// Adds a list of texts.
    pub fn strings<'a>(&mut self, key: &str, values: impl ExactSizeIterator<Item = &'a str>) {
        self.array(key, 8, values.len());
        values.for_each(|value| text(&mut self.bytes, value));
    }

    /// Adds a list of numbers.
    pub fn i32s(&mut self, key: &str, values: impl ExactSizeIterator<Item = i32>) {
        self.array(key, 5, values.len());
        values.for_each(|value| self.bytes.extend(value.to_le_bytes()));
    }

    /// Adds a list of floats.
    pub fn f32s(&mut self, key: &str, values: impl ExactSizeIterator<Item = f32>) {
        self.array(key, 6, values.len());
        values.for_each(|value| self.bytes.extend(value.to_le_bytes()));
    }
}

fn text(out: &mut Vec<u8>, value: &str) {
    out.extend((value.len() as u64).to_le_bytes());
    out.extend(value.as_bytes());
}

/// Gives the weight at a row and a column; asked row by row.
pub type Fill = Box<dyn FnMut(u64, u64) -> f32>;

struct Tensor {
    dimensions: Vec<u64>,
    precision: Precision,
    fill: Fill,
}

/// Gathers metadata and tensors, then writes them.
pub struct Writer {
    metadata: Metadata,
    infos: Vec<u8>,
    offset: u64,
    tensors: Vec<Tensor>,
}

impl Writer {
    /// A file with this metadata and no tensors yet.
    pub fn new(metadata: Metadata) -> Self {
        Self { metadata, infos: Vec::new(), offset: 0, tensors: Vec::new() }
    }

    /// Adds a tensor of `dimensions`, the row length first.
    pub fn tensor(&mut self, name: &str, dimensions: &[u64], precision: Precision, fill: Fill) {
        text(&mut self.infos, name);
        self.infos.extend((dimensions.len() as u32).to_le_bytes());
        dimensions.iter().for_each(|n| self.infos.extend(n.to_le_bytes()));
        self.infos.extend(precision.code().to_le_bytes());
        self.infos.extend(self.offset.to_le_bytes());
        let bytes = precision.bytes(dimensions.iter().product());
        self.offset += bytes.next_multiple_of(ALIGNMENT);
        self.tensors.push(Tensor { dimensions: dimensions.to_vec(), precision, fill });
    }

    /// Writes the file and returns its size in bytes.
    pub fn write(mut self, path: &Path) -> io::Result<u64> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let mut head = Vec::new();
        head.extend(b"GGUF");
        head.extend(3u32.to_le_bytes());
        head.extend((self.tensors.len() as u64).to_le_bytes());
        head.extend(self.metadata.count.to_le_bytes());
        head.extend(&self.metadata.bytes);
        head.extend(&self.infos);
        head.resize(head.len().next_multiple_of(ALIGNMENT as usize), 0);
        out.write_all(&head)?;
        for tensor in &mut self.tensors {
            tensor.write(&mut out)?;
        }
        out.flush()?;
        Ok(head.len() as u64 + self.offset)
    }
}

impl Tensor {
    fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        let columns = self.dimensions[0];
        let rows: u64 = self.dimensions[1..].iter().product();
        let (mut row, mut bytes) = (Vec::new(), Vec::new());
        for r in 0..rows {
            row.clear();
            row.extend((0..columns).map(|c| (self.fill)(r, c)));
            bytes.clear();
            self.precision.encode(&row, &mut bytes);
            out.write_all(&bytes)?;
        }
        let size = self.precision.bytes(rows * columns);
        let padding = size.next_multiple_of(ALIGNMENT) - size;
        out.write_all(&vec![0; padding as usize])
    }
}
