//! Makes a graph. That takes long, a minute for 100,000 vectors, so it is a call of its own, which
//! needs no index: what it is made from and what comes out are parts of a snapshot.
//!
//! `instant-distance` makes it. That crate cannot insert or delete, keeps a copy of the vectors,
//! and searches only as widely as was said when the graph was made, so what is taken from it is the
//! graph alone, in the form that it gives itself for serde; `graph` walks it.

use std::fmt;

use instant_distance::{Builder, Heuristic, Point};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::graph::Layer;
use crate::part::{self, Nodes, Vectors};
use crate::vector;
use crate::vectors::Error;

/// How many nodes a build keeps in sight when it looks for links. The more, the better they are.
const SIGHT: usize = 200;
/// Only those links are kept that lead where no other link does. To fill the 64 places of a node up
/// with others takes five times as long, and four times the memory, and a search that follows them
/// all compares twice as many vectors for the same recall.
const LINKS: Heuristic = Heuristic { extend_candidates: false, keep_pruned: false };
/// The vectors of a graph: more than fit into the memory of a scope.
const NODES_MAX: usize = 4 << 20;

/// A stored vector.
#[derive(Clone)]
struct Stored<'a> {
    numbers: &'a [i8],
    unit: f32,
}

impl Point for Stored<'_> {
    fn distance(&self, other: &Self) -> f32 {
        1.0 - vector::dot_stored(self.numbers, other.numbers) as f32 * self.unit * other.unit
    }
}

/// Vectors are not part of what is taken out.
impl Serialize for Stored<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

/// A graph as `instant-distance` serializes it: field for field.
#[derive(Deserialize)]
struct Built {
    _sight: usize,
    _points: Vec<()>,
    lowest: Vec<Links<64>>,
    above: Vec<Vec<Links<32>>>,
}

/// The links of a node; places that are not used hold `u32::MAX`.
struct Links<const N: usize>([u32; N]);

impl<const N: usize> Links<N> {
    fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().copied().take_while(|&link| link != u32::MAX)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Links<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<const N: usize>;
        impl<'de, const N: usize> Visitor<'de> for Each<N> {
            type Value = [u32; N];

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{N} links")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<[u32; N], A::Error> {
                let mut links = [u32::MAX; N];
                for (place, link) in links.iter_mut().enumerate() {
                    *link = seq
                        .next_element()?
                        .ok_or_else(|| serde::de::Error::invalid_length(place, &self))?;
                }
                Ok(links)
            }
        }
        deserializer.deserialize_tuple(N, Each::<N>).map(Self)
    }
}

/// Makes the parts of a graph from the parts of a snapshot; those that hold no vectors do not
/// matter.
///
/// Fails with `damaged` or `other-version` if a part is, or if the parts have no vector of one
/// length in common.
pub fn build(parts: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Error> {
    let mut dimensions = None;
    let mut all = Vectors::default();
    for bytes in parts {
        let header = part::open(bytes)?;
        let known = *dimensions.get_or_insert(header.dimensions);
        if known != header.dimensions {
            return Err(Error::Damaged);
        }
        if let part::Kind::Vectors = header.kind {
            all.append(part::vectors(&header)?);
        }
    }
    let dimensions = dimensions.ok_or(Error::Damaged)?;
    if all.ids.len() > NODES_MAX {
        return Err(Error::TooMany(NODES_MAX as u32));
    }
    let nodes = linked(&all, vector::stride(dimensions as usize))?;
    let part = |number| {
        let range = part::nodes_of_part(number, nodes.ids.len());
        let ids = nodes.ids[range.clone()].iter().copied();
        let rows = ids.zip(nodes.prints[range.clone()].iter().copied());
        part::of_graph(dimensions, nodes.graph, &nodes.layers, range.start, rows)
    };
    Ok((0..part::parts_of_graph(nodes.ids.len())).map(part).collect())
}

fn linked(vectors: &Vectors, stride: usize) -> Result<Nodes, Error> {
    // A vector of zeros is near nothing.
    let used: Vec<usize> =
        (0..vectors.ids.len()).filter(|&row| vectors.measures[row].unit > 0.0).collect();
    let row = |row: usize| &vectors.numbers[row * stride..][..stride];
    let points =
        used.iter().map(|&at| Stored { numbers: row(at), unit: vectors.measures[at].unit });
    let points: Vec<Stored> = points.collect();
    // A seed of our own: the same vectors make the same graph.
    let builder = Builder::default().seed(0).ef_construction(SIGHT).select_heuristic(Some(LINKS));
    let (built, order) = builder.build_hnsw(points);
    let bytes = postcard::to_allocvec(&built).map_err(|_| Error::Failed)?;
    drop(built);
    let built: Built = postcard::from_bytes(&bytes).map_err(|_| Error::Failed)?;
    let (mut ids, mut prints) = (vec![0; used.len()], vec![0; used.len()]);
    for (&at, node) in used.iter().zip(order) {
        let node = node.into_inner() as usize;
        ids[node] = vectors.ids[at];
        prints[node] = part::print(row(at), vectors.measures[at]);
    }
    let mut lowest = Layer::default();
    built.lowest.iter().for_each(|links| lowest.push(links.iter()));
    let mut layers = vec![lowest];
    for above in built.above {
        let mut layer = Layer::default();
        above.iter().for_each(|links| layer.push(links.iter()));
        layers.push(layer);
    }
    Ok(Nodes::new(ids, prints, layers))
}

/// What `rand` asks for a seed, which is then not used. A component that imports nothing has nobody
/// to ask.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod seeds {
    fn none(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
        bytes.fill(0);
        Ok(())
    }

    getrandom::register_custom_getrandom!(none);
}
