//! Where a document is cut.

use crate::chunking::{Chunk, Error, Request};
use crate::lengths::Lengths;
use crate::types::Span;
use crate::units::{Border, Unit, units};

/// The most chunks of one document.
const CHUNKS_MAX: usize = 131_072;

/// Cuts a document: at every heading that text has come before, and within a section where it is
/// full, at the best place in the second half of what fits.
///
/// A document of so many sections that they would be too many chunks is cut by length alone.
pub fn cut(request: &Request) -> Result<Vec<Chunk>, Error> {
    let lengths = Lengths::new(&request.measures);
    let most = u64::from(request.tokens_max);
    let units = units(&request.text, &request.blocks, &lengths, most);
    let chunks = sections(&units, &lengths, most, true);
    if chunks.len() > CHUNKS_MAX {
        return Ok(sections(&units, &lengths, most, false));
    }
    Ok(chunks)
}

fn sections(units: &[Unit], lengths: &Lengths, most: u64, at_headings: bool) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut path: Vec<(u32, u8)> = Vec::new();
    let mut start = 0;
    while start < units.len() {
        let end = end_of(units, start, lengths, most, at_headings);
        let first = &units[start];
        // A heading of this level or a lower one that came before does not hold this one.
        let level = first.heading.map_or(u8::MAX, |(_, level)| level);
        let held = path.iter().filter(|(_, above)| *above < level).map(|(at, _)| *at);
        chunks.push(Chunk {
            span: Span { start: first.span.start as u32, end: units[end - 1].span.end as u32 },
            headings: held.collect(),
            page: first.page,
        });
        for (at, level) in units[start..end].iter().filter_map(|unit| unit.heading) {
            path.retain(|(_, above)| *above < level);
            path.push((at, level));
        }
        start = end;
    }
    chunks
}

/// One past the last unit of the chunk that begins with the unit `start`.
fn end_of(units: &[Unit], start: usize, lengths: &Lengths, most: u64, at_headings: bool) -> usize {
    let tokens = |end: usize| lengths.tokens(units[start].span.start..units[end - 1].span.end);
    let mut has_body = units[start].heading.is_none();
    let mut end = start + 1;
    while end < units.len() {
        let unit = &units[end];
        if at_headings && unit.border == Border::Heading && has_body {
            return end;
        }
        if tokens(end + 1) > most {
            return best(units, start, end, |end| 2 * tokens(end) >= most);
        }
        has_body |= unit.heading.is_none();
        end += 1;
    }
    end
}

/// The best place to cut between `start` and `end`, and of equal ones the last; what is less than
/// half full is cut there only if nothing else is left. A heading is not left behind alone.
fn best(units: &[Unit], start: usize, end: usize, is_full: impl Fn(usize) -> bool) -> usize {
    let candidates = (start + 1..=end).filter(|at| is_full(*at));
    let alone = |at: usize| units[at - 1].heading.is_some();
    let best = candidates.max_by_key(|at| (!alone(*at), units[*at].border, *at));
    best.unwrap_or(end)
}

#[cfg(test)]
mod tests;
