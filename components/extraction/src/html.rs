//! HTML: what a reader would see of it.

use std::cell::RefCell;

use html5ever::LocalName;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use crate::builder::Builder;
use crate::decode::clean;
use crate::extraction::{Error, Extracted, Format};
use crate::rows::push_row;
use crate::types::BlockKind;

/// How far from its beginning a text is looked at, in characters.
const PROBE_CHARS: usize = 4_096;

/// What a reader does not see.
const HIDDEN: [&str; 10] = [
    "script", "style", "template", "noscript", "svg", "iframe", "object", "select", "button", "nav",
];

/// What begins a paragraph, and ends one.
const BLOCKS: [&str; 26] = [
    "p",
    "div",
    "section",
    "article",
    "main",
    "aside",
    "header",
    "footer",
    "blockquote",
    "figure",
    "figcaption",
    "address",
    "ul",
    "ol",
    "dl",
    "dt",
    "dd",
    "table",
    "thead",
    "tbody",
    "form",
    "fieldset",
    "details",
    "summary",
    "hr",
    "body",
];

/// Whether a text is HTML.
pub fn is_html(text: &str) -> bool {
    let probe: String = text.trim_start().chars().take(PROBE_CHARS).collect();
    let probe = probe.to_ascii_lowercase();
    if probe.starts_with("<!doctype html") || probe.starts_with("<html") {
        return true;
    }
    let tags = [
        "<html", "<head", "<body", "</p>", "</div>", "</a>", "</h1>", "</h2>", "</li>", "</td>",
        "</span>",
    ];
    probe.starts_with('<') && tags.iter().any(|tag| probe.contains(tag))
}

/// Reads an HTML text. A tokenizer is enough, and cannot be led into depths: what begins a block
/// ends the one before it, closed or not.
pub fn extract(text: &str, encoding: &str) -> Result<Extracted, Error> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(text));
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let sink = tokenizer.sink;
    if let Some(error) = sink.error.into_inner() {
        return Err(error);
    }
    let mut reader = sink.reader.into_inner();
    reader.end(reader.kind(), 0)?;
    Ok(reader.builder.finish(Format::Html, encoding, 0))
}

/// Hands tokens to the reader.
#[derive(Default)]
struct Sink {
    reader: RefCell<Reader>,
    /// The element around this place that a reader does not see, and how often it was opened.
    hidden: RefCell<Option<(LocalName, u32)>>,
    error: RefCell<Option<Error>>,
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if self.error.borrow().is_some() {
            return TokenSinkResult::Continue;
        }
        match token {
            Token::CharacterTokens(text) if self.hidden.borrow().is_none() => {
                self.reader.borrow_mut().text(&text);
            }
            Token::TagToken(tag) => return self.tag(&tag),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Sink {
    fn tag(&self, tag: &Tag) -> TokenSinkResult<()> {
        let opens = tag.kind == TagKind::StartTag;
        let mut hidden = self.hidden.borrow_mut();
        match &mut *hidden {
            Some((name, depth)) if *name == tag.name => {
                *depth = if opens { *depth + 1 } else { *depth - 1 };
                if *depth == 0 {
                    *hidden = None;
                }
            }
            Some(_) => {}
            None if opens && !tag.self_closing && HIDDEN.contains(&&*tag.name) => {
                *hidden = Some((tag.name.clone(), 1));
            }
            None => {
                let mut reader = self.reader.borrow_mut();
                let read = if opens { reader.open(&tag.name) } else { reader.close(&tag.name) };
                *self.error.borrow_mut() = read.err();
            }
        }
        // What stands in these is no HTML.
        match &*tag.name {
            "script" if opens => TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "iframe" | "noframes" | "xmp" if opens => {
                TokenSinkResult::RawData(RawKind::Rawtext)
            }
            "title" | "textarea" if opens => TokenSinkResult::RawData(RawKind::Rcdata),
            _ => TokenSinkResult::Continue,
        }
    }
}

/// Reads element by element.
#[derive(Default)]
struct Reader {
    builder: Builder,
    /// The text of the block that is being read.
    text: String,
    /// Elements around this place in which white space counts.
    preformatted: u32,
    /// Lists around this place.
    lists: u32,
    in_title: bool,
    /// The names of the columns of the table, and the row that is being read.
    columns: Vec<String>,
    row: Option<Vec<String>>,
    is_head: bool,
}

impl Reader {
    fn text(&mut self, text: &str) {
        if self.preformatted > 0 {
            self.text.push_str(text);
            return;
        }
        // White space of any length is one space, and none at the beginning.
        for (at, word) in text.split(|c: char| c.is_whitespace()).enumerate() {
            if at > 0 && !self.text.is_empty() && !self.text.ends_with([' ', '\n']) {
                self.text.push(' ');
            }
            self.text.push_str(word);
        }
    }

    fn open(&mut self, name: &str) -> Result<(), Error> {
        match name {
            "title" => {
                self.in_title = true;
                self.text.clear();
            }
            "br" => self.text.push('\n'),
            "pre" => {
                self.end(self.kind(), 0)?;
                self.preformatted += 1;
            }
            "ul" | "ol" if self.row.is_none() => {
                self.end(self.kind(), 0)?;
                self.lists += 1;
            }
            "li" => self.end(self.kind(), 0)?,
            "tr" => {
                self.end_row()?;
                self.end(self.kind(), 0)?;
                self.row = Some(Vec::new());
                self.is_head = false;
            }
            "th" | "td" => {
                self.end_cell();
                self.is_head = name == "th";
            }
            "table" => {
                self.end_row()?;
                self.end(self.kind(), 0)?;
                self.columns.clear();
            }
            _ if level(name) > 0 || (self.row.is_none() && BLOCKS.contains(&name)) => {
                self.end(self.kind(), 0)?;
            }
            // A cell may hold paragraphs; they are parts of its row.
            _ if BLOCKS.contains(&name) => self.text.push(' '),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), Error> {
        match name {
            "title" => {
                let title = std::mem::take(&mut self.text);
                if std::mem::take(&mut self.in_title) {
                    self.builder.title(&clean(&title));
                }
            }
            "pre" => {
                self.end(BlockKind::Code, 0)?;
                self.preformatted = self.preformatted.saturating_sub(1);
            }
            "ul" | "ol" if self.row.is_none() => {
                self.end(self.kind(), 0)?;
                self.lists = self.lists.saturating_sub(1);
            }
            "li" => self.end(self.kind(), 0)?,
            "td" | "th" => self.end_cell(),
            "tr" | "table" => self.end_row()?,
            _ if level(name) > 0 => self.end(BlockKind::Heading, level(name))?,
            _ if self.row.is_none() && BLOCKS.contains(&name) => self.end(self.kind(), 0)?,
            _ => {}
        }
        Ok(())
    }

    fn end_cell(&mut self) {
        if let Some(row) = &mut self.row {
            let cell = clean(&std::mem::take(&mut self.text));
            let cell = cell.split_whitespace().collect::<Vec<_>>().join(" ");
            // What stands before the first cell is none.
            if !(row.is_empty() && cell.is_empty()) {
                row.push(cell);
            }
        }
    }

    fn end_row(&mut self) -> Result<(), Error> {
        if !self.text.trim().is_empty() {
            self.end_cell();
        }
        let Some(row) = self.row.take() else { return Ok(()) };
        self.text.clear();
        if self.is_head && self.columns.is_empty() && row.len() > 1 {
            self.columns = row;
            return Ok(());
        }
        push_row(&mut self.builder, &self.columns, &row)
    }

    fn kind(&self) -> BlockKind {
        match () {
            () if self.preformatted > 0 => BlockKind::Code,
            () if self.lists > 0 => BlockKind::Item,
            () => BlockKind::Paragraph,
        }
    }

    /// Ends the block that was being read.
    fn end(&mut self, kind: BlockKind, level: u8) -> Result<(), Error> {
        if self.row.is_some() {
            return Ok(());
        }
        let text = std::mem::take(&mut self.text);
        self.builder.push(kind, level, &clean(&text))
    }
}

/// The level of a heading; 0 for other elements.
fn level(name: &str) -> u8 {
    match name.as_bytes() {
        [b'h', digit @ b'1'..=b'6'] => digit - b'0',
        _ => 0,
    }
}
