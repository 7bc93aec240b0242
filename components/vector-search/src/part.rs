//! The parts of a snapshot: each a run of bytes that tells what it is, and whether it is whole.
//!
//! All numbers are little-endian. A part begins with `MAGIC`, the version, its kind, the dimensions
//! and the count of its rows, and ends with a checksum of all that. Between them stand, for the
//! kind *vectors*: ids, units, slacks, numbers. For the kind *graph*: the print of the whole graph,
//! its count of nodes, the number of its layers and the count of nodes of each, the first node of
//! this part, ids and prints of its nodes; then for each layer the count of links of each of its
//! nodes, and the links.

use std::ops::Range;

use twox_hash::XxHash64;

use crate::graph::Layer;
use crate::vector::{Measure, stride};
use crate::vectors::Error;

const MAGIC: &[u8; 8] = b"locivecs";
const VERSION: u16 = 1;
const HEADER: usize = 8 + 2 + 2 + 4 + 4;
const CHECKSUM: usize = 8;
/// About the bytes of one part.
const PART_BYTES: usize = 1 << 20;
/// The nodes in a part of a graph.
const NODES: usize = 4_096;
/// The layers of a graph: each has at most a third of the nodes of the one below.
const LAYERS_MAX: usize = 24;

/// What a part holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Vectors and their ids.
    Vectors,
    /// Nodes of a graph and their links.
    Graph,
}

/// A part that is whole, and of this version.
pub struct Part<'a> {
    /// What it holds.
    pub kind: Kind,
    /// The dimensions of the vectors.
    pub dimensions: u32,
    count: usize,
    body: &'a [u8],
}

/// Vectors in their stored form, with their ids.
#[derive(Default)]
pub struct Vectors {
    /// The ids.
    pub ids: Vec<u64>,
    /// A measure for each.
    pub measures: Vec<Measure>,
    /// The stored numbers, side by side.
    pub numbers: Vec<i8>,
}

impl Vectors {
    /// Takes those of another in.
    pub fn append(&mut self, mut other: Self) {
        self.ids.append(&mut other.ids);
        self.measures.append(&mut other.measures);
        self.numbers.append(&mut other.numbers);
    }
}

/// The nodes of a graph, by what they are the vectors of: places differ from index to index.
#[derive(Default)]
pub struct Nodes {
    /// Tells their graph from others.
    pub graph: u64,
    /// How many nodes the graph has in each layer.
    counts: Vec<u32>,
    /// The ids of the nodes.
    pub ids: Vec<u64>,
    /// The prints of their vectors.
    pub prints: Vec<u64>,
    /// The layers, the one with all nodes first.
    pub layers: Vec<Layer>,
}

/// Tells one stored vector from another.
pub fn print(numbers: &[i8], measure: Measure) -> u64 {
    let bytes: Vec<u8> = numbers.iter().map(|&number| number as u8).collect();
    XxHash64::oneshot(u64::from(measure.unit.abs().to_bits()), &bytes)
}

/// How many places go into one part of vectors with these dimensions: whole blocks of `block`.
pub fn places(dimensions: usize, block: usize) -> usize {
    (PART_BYTES / (stride(dimensions) * block)).max(1) * block
}

/// Looks whether a part is whole and of this version.
///
/// Fails with `damaged` or `other-version`.
pub fn open(bytes: &[u8]) -> Result<Part<'_>, Error> {
    let Some((rest, checksum)) = bytes.split_last_chunk::<CHECKSUM>() else {
        return Err(Error::Damaged);
    };
    let mut reader = Reader(rest);
    if reader.take(MAGIC.len())? != MAGIC {
        return Err(Error::Damaged);
    }
    // The version first: what another version takes for a checksum is its own affair.
    if reader.number::<2>()? != u64::from(VERSION) {
        return Err(Error::OtherVersion);
    }
    if XxHash64::oneshot(0, rest) != u64::from_le_bytes(*checksum) {
        return Err(Error::Damaged);
    }
    let kind = match reader.number::<2>()? {
        1 => Kind::Vectors,
        2 => Kind::Graph,
        _ => return Err(Error::Damaged),
    };
    let dimensions = reader.number::<4>()? as u32;
    let count = reader.number::<4>()? as usize;
    Ok(Part { kind, dimensions, count, body: reader.0 })
}

/// Writes a part of vectors, none of which need to be there.
pub fn of_vectors<'a>(
    dimensions: u32,
    rows: impl Iterator<Item = (u64, Measure, &'a [i8])> + Clone,
) -> Vec<u8> {
    let count = rows.clone().count();
    let mut bytes = begin(Kind::Vectors, dimensions, count);
    bytes.reserve_exact(count * (16 + stride(dimensions as usize)) + CHECKSUM);
    rows.clone().for_each(|(id, ..)| bytes.extend(id.to_le_bytes()));
    rows.clone().for_each(|(_, measure, _)| bytes.extend(measure.unit.to_le_bytes()));
    rows.clone().for_each(|(_, measure, _)| bytes.extend(measure.slack.to_le_bytes()));
    rows.for_each(|(.., numbers)| bytes.extend(numbers.iter().map(|&number| number as u8)));
    end(bytes)
}

/// The vectors of a part.
///
/// Fails with `damaged` if there is another number of them than it says, or if one has a measure
/// that no vector has.
pub fn vectors(part: &Part<'_>) -> Result<Vectors, Error> {
    let mut reader = Reader(part.body);
    let ids = reader.longs(part.count)?;
    let units = reader.words(part.count)?;
    let slacks = reader.words(part.count)?;
    let numbers = part.count.checked_mul(stride(part.dimensions as usize));
    let numbers = reader.take(numbers.ok_or(Error::Damaged)?)?;
    reader.end()?;
    let measure = |(unit, slack): (u32, u32)| {
        let (unit, slack) = (f32::from_bits(unit), f32::from_bits(slack));
        let sound = (0.0..=1.0).contains(&unit) && (0.0..=1.0).contains(&slack);
        sound.then_some(Measure { unit, slack }).ok_or(Error::Damaged)
    };
    Ok(Vectors {
        ids,
        measures: units.into_iter().zip(slacks).map(measure).collect::<Result<_, _>>()?,
        numbers: numbers.iter().map(|&byte| byte as i8).collect(),
    })
}

/// How many parts a graph of so many nodes has.
pub fn parts_of_graph(nodes: usize) -> usize {
    nodes.div_ceil(NODES)
}

/// The nodes in a part of a graph.
pub fn nodes_of_part(part: usize, nodes: usize) -> Range<usize> {
    part * NODES..nodes.min((part + 1) * NODES)
}

/// Writes a part of a graph: its print, its layers, the first of the nodes of this part, and their
/// ids and prints.
pub fn of_graph(
    dimensions: u32,
    graph: u64,
    layers: &[Layer],
    first: usize,
    nodes: impl Iterator<Item = (u64, u64)> + Clone,
) -> Vec<u8> {
    let count = nodes.clone().count();
    let mut bytes = begin(Kind::Graph, dimensions, count);
    bytes.extend(graph.to_le_bytes());
    bytes.extend((layers.len() as u32).to_le_bytes());
    layers.iter().for_each(|layer| bytes.extend((layer.len() as u32).to_le_bytes()));
    bytes.extend((first as u32).to_le_bytes());
    nodes.clone().for_each(|(id, _)| bytes.extend(id.to_le_bytes()));
    nodes.for_each(|(_, print)| bytes.extend(print.to_le_bytes()));
    for layer in layers {
        let here = || first..layer.len().min(first + count);
        here().for_each(|node| bytes.push(layer.of(node as u32).len() as u8));
        here().for_each(|node| {
            layer.of(node as u32).iter().for_each(|link| bytes.extend(link.to_le_bytes()));
        });
    }
    end(bytes)
}

impl Nodes {
    /// A whole graph.
    pub fn new(ids: Vec<u64>, prints: Vec<u64>, layers: Vec<Layer>) -> Self {
        let bytes: Vec<u8> = prints.iter().flat_map(|print| print.to_le_bytes()).collect();
        Self { graph: XxHash64::oneshot(0, &bytes), counts: Vec::new(), ids, prints, layers }
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        (self.ids.capacity() + self.prints.capacity()) * size_of::<u64>()
            + self.layers.iter().map(Layer::bytes).sum::<usize>()
    }

    /// Takes in the next part of a graph; the first part of another graph begins anew. Tells
    /// whether the graph is complete.
    ///
    /// Fails with `damaged` if it is no part that can come next; nothing is kept then.
    pub fn append(&mut self, part: &Part<'_>) -> Result<bool, Error> {
        let done = self.try_append(part);
        if done.is_err() {
            *self = Self::default();
        }
        done
    }

    fn try_append(&mut self, part: &Part<'_>) -> Result<bool, Error> {
        let mut reader = Reader(part.body);
        let graph = reader.number::<8>()?;
        let layers = reader.number::<4>()? as usize;
        if layers == 0 || layers > LAYERS_MAX {
            return Err(Error::Damaged);
        }
        let counts = reader.words(layers)?;
        let first = reader.number::<4>()? as usize;
        if first == 0 {
            *self = Self { graph, counts: counts.clone(), ..Self::default() };
            self.layers.resize_with(layers, Layer::default);
        }
        let sparser = counts.is_sorted_by(|below, above| below >= above);
        if self.graph != graph || self.counts != counts || self.ids.len() != first || !sparser {
            return Err(Error::Damaged);
        }
        self.ids.extend(reader.longs(part.count)?);
        self.prints.extend(reader.longs(part.count)?);
        let all = self.ids.len();
        for (layer, &count) in self.layers.iter_mut().zip(&counts) {
            let here = all.min(count as usize).saturating_sub(layer.len());
            for &links in reader.take(here)? {
                let links = reader.words(usize::from(links))?;
                if links.iter().any(|&link| link >= count) {
                    return Err(Error::Damaged);
                }
                layer.push(links);
            }
        }
        reader.end()?;
        if all > counts[0] as usize { Err(Error::Damaged) } else { Ok(all == counts[0] as usize) }
    }
}

fn begin(kind: Kind, dimensions: u32, count: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER);
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    let kind: u16 = match kind {
        Kind::Vectors => 1,
        Kind::Graph => 2,
    };
    bytes.extend(kind.to_le_bytes());
    bytes.extend(dimensions.to_le_bytes());
    bytes.extend((count as u32).to_le_bytes());
    bytes
}

fn end(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = XxHash64::oneshot(0, &bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes
}

/// What is left to read. Whatever ends too early is damaged.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Error::Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number<const N: usize>(&mut self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        bytes[..N].copy_from_slice(self.take(N)?);
        Ok(u64::from_le_bytes(bytes))
    }

    fn longs(&mut self, count: usize) -> Result<Vec<u64>, Error> {
        let bytes = self.take(count.checked_mul(8).ok_or(Error::Damaged)?)?;
        Ok(bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())
    }

    fn words(&mut self, count: usize) -> Result<Vec<u32>, Error> {
        let bytes = self.take(count.checked_mul(4).ok_or(Error::Damaged)?)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
    }

    fn end(&self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Damaged) }
    }
}
