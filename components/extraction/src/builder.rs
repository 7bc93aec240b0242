//! The text and its blocks, as they grow, within the limits of the interface.

use crate::extraction::{Error, Extracted, Format, Gap, GapReason};
use crate::types::{Block, BlockKind, Span};

/// The length of the text, in bytes.
pub const TEXT_BYTES_MAX: usize = 8 << 20;
/// The blocks of one text.
pub const BLOCKS_MAX: usize = 1 << 18;
/// The parts that could not be read.
const GAPS_MAX: usize = 4_096;
/// The title, in bytes.
const TITLE_BYTES_MAX: usize = 512;
/// The lowest level of a heading.
const LEVEL_MAX: u8 = 6;

/// A text that grows block by block.
#[derive(Default)]
pub struct Builder {
    text: String,
    blocks: Vec<Block>,
    gaps: Vec<Gap>,
    title: String,
    /// The page that new blocks stand on.
    pub page: u32,
}

impl Builder {
    /// Takes a text that stays as it is; its blocks are marked afterwards.
    pub fn of(text: String) -> Result<Self, Error> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(Error::TooMuchText);
        }
        Ok(Self { text, ..Self::default() })
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds a block with a text of its own. White space around it is left out; nothing is added if
    /// that is all. Blocks of the same kind that are lines follow each other line by line.
    pub fn push(&mut self, kind: BlockKind, level: u8, text: &str) -> Result<(), Error> {
        let text = if kind == BlockKind::Code { text.trim_matches('\n') } else { text.trim() };
        if text.trim().is_empty() {
            return Ok(());
        }
        let is_line = matches!(kind, BlockKind::Row | BlockKind::Item);
        let follows = self.blocks.last().is_some_and(|last| last.kind == kind && is_line);
        if !self.text.is_empty() {
            self.text.push_str(if follows { "\n" } else { "\n\n" });
        }
        let start = self.text.len();
        if start + text.len() > TEXT_BYTES_MAX {
            return Err(Error::TooMuchText);
        }
        self.text.push_str(text);
        self.mark(kind, level, start, start + text.len())
    }

    /// Marks a part of the text as a block, without the white space around it. What begins before
    /// the end of the last block is cut there.
    pub fn mark(
        &mut self,
        kind: BlockKind,
        level: u8,
        start: usize,
        end: usize,
    ) -> Result<(), Error> {
        let start = start.max(self.blocks.last().map_or(0, |last| last.span.end as usize));
        let Some(part) = self.text.get(start..end) else { return Ok(()) };
        let body = part.trim();
        if body.is_empty() {
            return Ok(());
        }
        // The indentation of the first line of code is part of it.
        let lead = part.len() - part.trim_start().len();
        let lead = if kind == BlockKind::Code {
            part[..lead].rfind('\n').map_or(0, |at| at + 1)
        } else {
            lead
        };
        let span =
            Span { start: (start + lead) as u32, end: (start + part.trim_end().len()) as u32 };
        if self.blocks.len() == BLOCKS_MAX {
            return Err(Error::TooMuchText);
        }
        let level = if kind == BlockKind::Heading { level.clamp(1, LEVEL_MAX) } else { 0 };
        self.blocks.push(Block { kind, level, page: self.page, span });
        Ok(())
    }

    /// Notes that a part of the file could not be read.
    pub fn gap(&mut self, page: u32, reason: GapReason) {
        if self.gaps.len() < GAPS_MAX {
            self.gaps.push(Gap { page, reason });
        }
    }

    /// Notes what the file calls itself, as far as there is room.
    pub fn title(&mut self, title: &str) {
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        let end =
            (0..=title.len().min(TITLE_BYTES_MAX)).rev().find(|at| title.is_char_boundary(*at));
        self.title = title[..end.unwrap_or(0)].to_owned();
    }

    /// What came of it. A text without a title is called by its first heading of the first level.
    pub fn finish(mut self, format: Format, encoding: &str, pages: u32) -> Extracted {
        let first = self.blocks.iter().find(|block| block.level == 1);
        if self.title.is_empty()
            && let Some(span) = first.map(|block| block.span)
        {
            let heading = self.text[span.start as usize..span.end as usize].to_owned();
            self.title(heading.trim_start_matches('#'));
        }
        Extracted {
            format,
            encoding: encoding.to_owned(),
            title: self.title,
            pages,
            text: self.text,
            blocks: self.blocks,
            gaps: self.gaps,
        }
    }
}
