//! DOCX: XML in a zip archive. Only two of its files matter: the styles, which say what a heading
//! is, and the document.

use std::collections::HashMap;

use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use rawzip::{CompressionMethod, ZipArchive};

use crate::builder::Builder;
use crate::decode::clean;
use crate::extraction::{Error, Extracted, Format};
use crate::rows::push_row;
use crate::types::BlockKind;

/// The most bytes that one file of an archive may unpack to.
const UNPACKED_BYTES_MAX: usize = 48 << 20;
/// Files of an archive that are looked at.
const FILES_MAX: usize = 65_536;

const DAMAGED: Error = Error::Damaged(Format::Docx);

/// Reads a zip archive that should be a DOCX file.
pub fn extract(file: &[u8]) -> Result<Extracted, Error> {
    // Documents of office programs that are encrypted are no archives; an archive without this
    // file is something else.
    let document = unpack(file, b"word/document.xml")?.ok_or(Error::UnknownFormat)?;
    let styles = unpack(file, b"word/styles.xml").ok().flatten();
    let mut builder = Builder::default();
    if let Ok(Some(core)) = unpack(file, b"docProps/core.xml") {
        builder.title(&title(&core));
    }
    let levels = styles.map(|styles| levels(&styles)).unwrap_or_default();
    let mut body = Body { builder, levels, ..Body::default() };
    body.read(&document)?;
    let extracted = body.builder.finish(Format::Docx, "", 0);
    if extracted.text.is_empty() { Err(Error::NoText) } else { Ok(extracted) }
}

/// Unpacks one file of an archive; none if there is no such file.
fn unpack(file: &[u8], name: &[u8]) -> Result<Option<String>, Error> {
    let archive = ZipArchive::from_slice(file).map_err(|_| DAMAGED)?;
    let mut entries = archive.entries();
    for _ in 0..FILES_MAX {
        let Some(entry) = entries.next_entry().map_err(|_| DAMAGED)? else { return Ok(None) };
        if entry.file_path().as_ref() != name {
            continue;
        }
        let packed = archive.get_entry(entry.wayfinder()).map_err(|_| DAMAGED)?;
        return match entry.compression_method() {
            CompressionMethod::STORE => Ok(Some(text_of(packed.data()))),
            CompressionMethod::DEFLATE => inflate(packed.data()).map(|xml| Some(text_of(&xml))),
            _ => Err(DAMAGED),
        };
    }
    Ok(None)
}

fn inflate(packed: &[u8]) -> Result<Vec<u8>, Error> {
    decompress_to_vec_with_limit(packed, UNPACKED_BYTES_MAX).map_err(|error| match error.status {
        TINFLStatus::HasMoreOutput => Error::TooMuchText,
        _ => DAMAGED,
    })
}

/// XML as text. It is UTF-8 in every file that an office program writes.
fn text_of(xml: &[u8]) -> String {
    String::from_utf8_lossy(xml).into_owned()
}

/// What the properties of a document say that it is called.
fn title(xml: &str) -> String {
    let mut reader = Reader::from_str(xml);
    let mut inside = false;
    let mut title = String::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => inside = tag.local_name().as_ref() == "title",
            Ok(Event::End(_)) => inside = false,
            Ok(Event::Text(text)) if inside => title.push_str(&text),
            Ok(Event::Eof) | Err(_) => return clean(&title),
            Ok(_) => {}
        }
    }
}

/// The level of each style that is a heading.
fn levels(xml: &str) -> HashMap<String, u8> {
    let mut reader = Reader::from_str(xml);
    let mut levels = HashMap::new();
    let mut style: Option<String> = None;
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag) | Event::Empty(tag)) => match tag.local_name().as_ref() {
                "style" => style = attribute(&tag, "styleId"),
                "outlineLvl" => {
                    if let (Some(style), Some(level)) = (&style, number(&tag)) {
                        levels.insert(style.clone(), level.saturating_add(1));
                    }
                }
                "name" => {
                    let name = attribute(&tag, "val").unwrap_or_default();
                    if let (Some(style), Some(level)) = (&style, heading(&name)) {
                        levels.entry(style.clone()).or_insert(level);
                    }
                }
                _ => {}
            },
            Ok(Event::Eof) | Err(_) => return levels,
            Ok(_) => {}
        }
    }
}

/// The level that the name of a style tells: `heading 2`, `Heading2`, `Title`.
fn heading(name: &str) -> Option<u8> {
    let name = name.to_lowercase();
    if name == "title" {
        return Some(1);
    }
    name.strip_prefix("heading")?.trim().parse().ok().filter(|level| (1..=9).contains(level))
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = tag.attributes().flatten();
    let found = attributes.find(|attribute| attribute.key.local_name().as_ref() == name)?;
    Some(found.value.into_owned())
}

/// The attribute `val` of a tag, as a small number.
fn number(tag: &BytesStart<'_>) -> Option<u8> {
    attribute(tag, "val")?.parse().ok().filter(|level| *level < 9)
}

/// The body of a document, paragraph by paragraph.
#[derive(Default)]
struct Body {
    builder: Builder,
    levels: HashMap<String, u8>,
    text: String,
    in_text: bool,
    level: u8,
    is_item: bool,
    /// Tables around this place; their columns and rows are those of the outermost.
    tables: u32,
    columns: Vec<String>,
    row: Vec<String>,
    rows: u32,
}

impl Body {
    fn read(&mut self, xml: &str) -> Result<(), Error> {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().check_end_names = false;
        loop {
            match reader.read_event() {
                Ok(Event::Start(tag)) => self.open(&tag, false),
                Ok(Event::Empty(tag)) => self.open(&tag, true),
                Ok(Event::End(tag)) => self.close(tag.local_name().as_ref())?,
                Ok(Event::Text(text)) if self.in_text => {
                    self.text.push_str(&text);
                }
                Ok(Event::GeneralRef(name)) if self.in_text => self.reference(&name),
                Ok(Event::Eof) => return self.paragraph(),
                Ok(_) => {}
                // What was read until here is worth having.
                Err(_) if !self.builder.text().is_empty() => return self.paragraph(),
                Err(_) => return Err(DAMAGED),
            }
        }
    }

    /// `&amp;`, `&#8217;` and their like.
    fn reference(&mut self, name: &quick_xml::events::BytesRef<'_>) {
        if let Ok(Some(character)) = name.resolve_char_ref() {
            self.text.push(character);
            return;
        }
        let known = match &name[..] {
            "amp" => "&",
            "lt" => "<",
            "gt" => ">",
            "quot" => "\"",
            "apos" => "'",
            _ => "",
        };
        self.text.push_str(known);
    }

    fn open(&mut self, tag: &BytesStart<'_>, is_empty: bool) {
        match tag.local_name().as_ref() {
            "t" => self.in_text = !is_empty,
            "tab" => self.text.push('\t'),
            "br" | "cr" => self.text.push('\n'),
            "pStyle" => {
                let style = attribute(tag, "val").unwrap_or_default();
                let level = self.levels.get(&style).copied().or_else(|| heading(&style));
                self.level = level.unwrap_or(self.level);
            }
            "outlineLvl" => self.level = number(tag).map_or(self.level, |level| level + 1),
            "numPr" => self.is_item = true,
            "tbl" if !is_empty => {
                self.tables += 1;
                if self.tables == 1 {
                    self.rows = 0;
                    self.columns.clear();
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) -> Result<(), Error> {
        match name {
            "t" => self.in_text = false,
            "p" if self.tables == 0 => self.paragraph()?,
            "p" => self.text.push(' '),
            "tc" if self.tables == 1 => {
                let cell = std::mem::take(&mut self.text);
                self.row.push(clean(&cell).split_whitespace().collect::<Vec<_>>().join(" "));
            }
            "tr" if self.tables == 1 => {
                let row = std::mem::take(&mut self.row);
                if self.rows == 0 && row.len() > 1 && row.iter().all(|name| name.len() <= 64) {
                    self.columns = row;
                } else {
                    push_row(&mut self.builder, &self.columns, &row)?;
                }
                self.rows += 1;
            }
            "tbl" => {
                self.tables = self.tables.saturating_sub(1);
                // A table of one row names nothing: the row is all there is.
                if self.tables == 0 && self.rows == 1 {
                    push_row(&mut self.builder, &[], &std::mem::take(&mut self.columns))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends a paragraph.
    fn paragraph(&mut self) -> Result<(), Error> {
        let text = std::mem::take(&mut self.text);
        let level = std::mem::take(&mut self.level);
        let is_item = std::mem::take(&mut self.is_item);
        let kind = match level {
            1.. => BlockKind::Heading,
            0 if is_item => BlockKind::Item,
            0 => BlockKind::Paragraph,
        };
        self.builder.push(kind, level, &clean(&text))
    }
}
