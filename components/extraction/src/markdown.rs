//! Markdown. The text stays as it was written; the parser says where its blocks are.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::builder::Builder;
use crate::extraction::Error;
use crate::types::BlockKind;

/// Whether a text has marks that only Markdown has.
pub fn is_markdown(text: &str) -> bool {
    let mut lines = 0;
    let mut marks = 0;
    for line in text.lines().take(400).map(str::trim_start).filter(|line| !line.is_empty()) {
        lines += 1;
        let heading = line.trim_start_matches('#');
        let hashes = line.len() - heading.len();
        if (1..=6).contains(&hashes) && heading.starts_with(' ') {
            marks += 3;
        }
        if line.starts_with("```") || line.starts_with("~~~") || line.starts_with("|--") {
            marks += 3;
        }
        if line.contains("](") || line.contains("**") {
            marks += 2;
        }
        if ["- ", "* ", "> ", "| "].iter().any(|mark| line.starts_with(mark)) || line.contains('`')
        {
            marks += 1;
        }
    }
    marks >= 3 && marks * 12 >= lines
}

/// Marks the blocks of a Markdown text. Quotes and lists are told by what stands in them.
pub fn mark(builder: &mut Builder) -> Result<(), Error> {
    let text = builder.text().to_owned();
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    let mut items: Vec<usize> = Vec::new();
    for (event, range) in Parser::new_ext(&text, options).into_offset_iter() {
        let (start, end) = (range.start, range.end);
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                builder.mark(BlockKind::Heading, level_of(level), start, end)?;
            }
            Event::Start(Tag::Item) => items.push(start),
            Event::End(TagEnd::Item) => {
                let begin = items.pop().unwrap_or(start);
                builder.mark(BlockKind::Item, 0, begin, end)?;
            }
            // What stands in an item is part of it, up to an inner list.
            Event::Start(Tag::List(_)) => {
                if let Some(begin) = items.last().copied() {
                    builder.mark(BlockKind::Item, 0, begin, start)?;
                }
            }
            Event::Start(Tag::CodeBlock(_)) if items.is_empty() => {
                builder.mark(BlockKind::Code, 0, start, end)?;
            }
            Event::Start(Tag::TableHead | Tag::TableRow) => {
                builder.mark(BlockKind::Row, 0, start, end)?;
            }
            Event::Start(Tag::Paragraph | Tag::HtmlBlock | Tag::FootnoteDefinition(_))
                if items.is_empty() =>
            {
                builder.mark(BlockKind::Paragraph, 0, start, end)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn level_of(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extraction::Format;

    const TEXT: &str = "# Boats\n\nThey **float**.\n\n## Kinds\n\n- small\n- large\n  - larger\n\n\
        ```sh\n# no heading\nrow\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";

    #[test]
    fn blocks_are_what_the_parser_sees() {
        assert!(is_markdown(TEXT));
        assert!(!is_markdown("It rained. We stayed - as always - at home.\n"));
        let mut builder = Builder::of(TEXT.to_owned()).unwrap();
        mark(&mut builder).unwrap();
        let found = builder.finish(Format::Markdown, "UTF-8", 0);
        assert_eq!(found.text, TEXT);
        assert_eq!(found.title, "Boats");
        let blocks: Vec<(BlockKind, &str)> = found
            .blocks
            .iter()
            .map(|b| (b.kind, &found.text[b.span.start as usize..b.span.end as usize]))
            .collect();
        assert_eq!(blocks[0], (BlockKind::Heading, "# Boats"));
        assert_eq!(blocks[1], (BlockKind::Paragraph, "They **float**."));
        assert_eq!(blocks[3], (BlockKind::Item, "- small"));
        assert!(blocks.iter().any(|b| b.0 == BlockKind::Code && b.1.contains("# no heading")));
        assert!(blocks.iter().any(|b| b.0 == BlockKind::Row && b.1.contains("| 1 | 2")));
        let spans = found.blocks.windows(2);
        assert!(spans.into_iter().all(|pair| pair[0].span.end <= pair[1].span.start));
    }
}
