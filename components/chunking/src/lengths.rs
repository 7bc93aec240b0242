//! How long a span is, by the pieces that were measured.

use crate::chunking::Measure;
use std::ops::Range;

/// The pieces of a text, summed up.
pub struct Lengths {
    /// One past the last byte of each piece.
    ends: Vec<u32>,
    /// The tokens before each piece, and those of all.
    before: Vec<u64>,
}

impl Lengths {
    /// Sums up pieces that follow each other.
    pub fn new(measures: &[Measure]) -> Self {
        let mut sum = 0;
        let mut before = vec![0];
        before.extend(measures.iter().map(|measure| {
            sum += u64::from(measure.tokens);
            sum
        }));
        Self { ends: measures.iter().map(|measure| measure.end).collect(), before }
    }

    /// The tokens of all pieces that a span has a part of.
    pub fn tokens(&self, span: Range<usize>) -> u64 {
        if span.is_empty() {
            return 0;
        }
        let last = self.piece(span.end - 1);
        self.before[(last + 1).min(self.ends.len())] - self.before[self.piece(span.start)]
    }

    /// Where the piece with this byte ends.
    pub fn end_of_piece(&self, byte: usize) -> usize {
        self.ends.get(self.piece(byte)).map_or(usize::MAX, |end| *end as usize)
    }

    /// The place of the piece that has this byte.
    fn piece(&self, byte: usize) -> usize {
        let at = self.ends.partition_point(|end| *end as usize <= byte);
        at.min(self.ends.len().saturating_sub(1))
    }
}
