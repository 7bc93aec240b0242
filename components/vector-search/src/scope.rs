//! What the index holds under one key.

use crate::best::Sink;
use crate::graph::{GONE, Graph};
use crate::part::{self, Kind, Nodes, Part};
use crate::store::{BLOCK, Places, Store};
use crate::vector::{self, Query};
use crate::vectors::{Entry, Error, Likeness};
use crate::words::Words;

/// The vectors and words of one session or document, and how far they have been loaded.
pub struct Scope {
    /// The mark of the last insert; none before it.
    pub mark: Option<u64>,
    /// When it was last used, on the library's clock.
    pub used: u64,
    /// The words of its texts.
    pub words: Words,
    /// The mark of the last words; none before them.
    pub worded: Option<u64>,
    store: Store,
    graph: Option<Graph>,
    /// The places that the graph leads to. They keep their vectors as long as it is there.
    sealed: Places,
    /// Vectors in these places.
    sealed_live: usize,
    /// The parts of a graph that have come so far.
    coming: Nodes,
}

impl Scope {
    /// An empty scope for vectors of this stored length.
    pub fn new(stride: usize) -> Self {
        Self {
            mark: None,
            used: 0,
            words: Words::default(),
            worded: None,
            store: Store::new(stride),
            graph: None,
            sealed: Places::default(),
            sealed_live: 0,
            coming: Nodes::default(),
        }
    }

    /// How many vectors it holds.
    pub fn len(&self) -> usize {
        self.store.len()
    }

    /// Memory for vectors, ids, graph and words, in bytes.
    pub fn bytes(&self) -> usize {
        self.store.bytes()
            + self.words.bytes()
            + self.graph.as_ref().map_or(0, Graph::bytes)
            + self.coming.bytes()
    }

    /// Whether it holds this id.
    pub fn holds(&self, id: u64) -> bool {
        self.store.place(id).is_some()
    }

    /// Puts vectors in; of two with one id, the later stays.
    pub fn insert(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.unseal(entry.id);
            self.store.insert(entry.id, &entry.vector, &self.sealed);
        }
    }

    /// Forgets ids, and returns how many vectors there were.
    pub fn remove(&mut self, ids: &[u64]) -> usize {
        let mut removed = 0;
        for &id in ids {
            self.unseal(id);
            removed += usize::from(self.store.remove(id, &self.sealed));
            self.words.remove(id);
        }
        if self.store.is_sparse() {
            self.store = self.store.compacted();
            self.graph = None;
            self.sealed = Places::default();
            self.sealed_live = 0;
        }
        removed
    }

    /// Counts an id that the graph will not lead to any more.
    fn unseal(&mut self, id: u64) {
        if self.store.place(id).is_some_and(|place| self.sealed.contains(place)) {
            self.sealed_live -= 1;
        }
    }

    /// Offers to `sink` whatever can matter, of which `most` are wanted. A scope of up to
    /// `scanned_max` vectors is scanned whole.
    pub fn search(
        &self,
        query: &Query,
        number: u32,
        most: usize,
        scanned_max: usize,
        sink: &mut impl Sink,
    ) {
        match &self.graph {
            Some(graph) if self.len() > scanned_max => {
                graph.search(&self.store, query, number, most, sink);
                self.store.scan(query, number, &self.sealed, sink);
            }
            _ => self.store.scan(query, number, &Places::default(), sink),
        }
    }

    /// Compares entries with a query, and with the mean direction of the `typical` ones; none for
    /// one that is not held, or has no direction.
    pub fn compare(
        &self,
        query: &Query,
        dimensions: usize,
        ids: &[u64],
        typical: &[u64],
    ) -> Vec<Option<Likeness>> {
        let place = |id: &u64| self.store.place(*id);
        let directed = |place: &u32| self.store.measure(*place).unit > 0.0;
        let mut mean = vec![0.0; dimensions];
        let mut count = 0;
        for place in typical.iter().filter_map(place).filter(directed) {
            let unit = self.store.measure(place).unit;
            let numbers = self.store.numbers(place);
            mean.iter_mut().zip(numbers).for_each(|(sum, &x)| *sum += f32::from(x) * unit);
            count += 1;
        }
        mean.iter_mut().for_each(|sum| *sum /= count.max(1) as f32);
        // A query has length 1, and a mean of directions mostly less.
        let (common, length) = (Query::new(&mean), vector::length(&mean) as f32);
        let likeness = |place: u32| {
            let (unit, numbers) = (self.store.measure(place).unit, self.store.numbers(place));
            let score = |query: &Query| query.score(query.dot(numbers), unit);
            Likeness {
                score: score(query),
                common: common.as_ref().map_or(0.0, |mean| score(mean) * length),
            }
        };
        ids.iter().map(|id| place(id).filter(directed).map(likeness)).collect()
    }

    /// Whether a new graph would make searches much shorter: what has to be scanned beside the one
    /// there is has become too much.
    pub fn wants_graph(&self, scanned_max: usize) -> bool {
        let scanned = self.len() - self.sealed_live;
        self.len() > scanned_max && scanned > scanned_max.max(self.sealed_live) / 4
    }

    /// Writes a part of a snapshot: vectors first, then the graph; none beyond the last.
    pub fn snapshot(&self, dimensions: u32, part: usize) -> Option<Vec<u8>> {
        let places = part::places(dimensions as usize, BLOCK);
        let before = self.store.taken().div_ceil(places);
        if part < before {
            let rows = self.store.rows(part * places..(part + 1) * places);
            return Some(part::of_vectors(dimensions, rows));
        }
        let graph = self.graph.as_ref()?;
        let part = part - before;
        if part >= part::parts_of_graph(graph.nodes.len()) {
            return None;
        }
        let range = part::nodes_of_part(part, graph.nodes.len());
        let print = |place: &u32| match *place {
            GONE => (0, 0),
            place => {
                let (id, measure, numbers) = self.store.row(place);
                (id, part::print(numbers, measure))
            }
        };
        let nodes = graph.nodes[range.clone()].iter().map(print);
        Some(part::of_graph(dimensions, graph.print, &graph.layers, range.start, nodes))
    }

    /// Takes a part of a snapshot in. Vectors whose id is held are left out: what is held is newer.
    /// A graph is used from its last part on.
    ///
    /// Fails with `damaged`.
    pub fn restore(&mut self, part: &Part<'_>) -> Result<(), Error> {
        match part.kind {
            Kind::Vectors => {
                let vectors = part::vectors(part)?;
                let rows = vectors.numbers.chunks_exact(self.store.stride());
                for ((&id, &measure), numbers) in
                    vectors.ids.iter().zip(&vectors.measures).zip(rows)
                {
                    if !self.holds(id) {
                        self.store.put(id, numbers, measure, &self.sealed);
                    }
                }
            }
            Kind::Graph => {
                if self.coming.append(part)? {
                    let nodes = std::mem::take(&mut self.coming);
                    self.adopt(nodes);
                }
            }
        }
        Ok(())
    }

    /// Begins to use a graph, as far as it is about vectors that are still what they were when it
    /// was made. What it does not lead to is scanned. Where that is most, or most of the graph
    /// leads nowhere, it is no use.
    fn adopt(&mut self, nodes: Nodes) {
        let place = |(&id, &print): (&u64, &u64)| {
            let place = self.store.place(id)?;
            let (_, measure, numbers) = self.store.row(place);
            (part::print(numbers, measure) == print).then_some(place)
        };
        let places: Vec<u32> =
            nodes.ids.iter().zip(&nodes.prints).map(|node| place(node).unwrap_or(GONE)).collect();
        let mut layers = nodes.layers;
        layers.iter_mut().for_each(|layer| layer.shrink());
        let graph = Graph { print: nodes.graph, nodes: places, layers };
        let reached = graph.reached();
        let live = reached.len();
        let all = self.len().max(graph.nodes.len());
        if live > all / 2 && live >= self.sealed_live {
            self.store.free_all_but(&reached);
            self.graph = Some(graph);
            self.sealed = reached;
            self.sealed_live = live;
        }
    }
}
