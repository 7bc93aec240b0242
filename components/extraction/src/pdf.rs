//! PDF: pages of glyphs at places. `page` reads the glyphs, `lines` makes lines and blocks of them.

mod fonts;
mod lines;
mod page;

use lopdf::{Document, Object};

use crate::builder::Builder;
use crate::decode::clean;
use crate::extraction::{Error, Extracted, Format, GapReason};
use lines::Line;

/// The most lines of a document.
const LINES_MAX: usize = 1 << 18;

/// Reads a PDF file.
pub fn extract(file: &[u8]) -> Result<Extracted, Error> {
    let document = Document::load_mem(file).map_err(|error| match error {
        lopdf::Error::InvalidPassword | lopdf::Error::Decryption(_) => Error::Encrypted,
        _ => Error::Damaged(Format::Pdf),
    })?;
    // A file that opens with the empty password has been decrypted by now.
    if document.is_encrypted() && document.encryption_state.is_none() {
        return Err(Error::Encrypted);
    }
    let pages = document.get_pages();
    if pages.is_empty() {
        return Err(Error::Damaged(Format::Pdf));
    }
    let mut builder = Builder::default();
    if let Some(title) = title(&document) {
        builder.title(&clean(&title));
    }
    let mut all: Vec<Line> = Vec::new();
    for (number, id) in &pages {
        match page::read(&document, *id) {
            Ok(glyphs) => {
                let lines = lines::of_page(glyphs, *number);
                if lines.is_empty() {
                    builder.gap(*number, GapReason::NoText);
                }
                all.extend(lines);
            }
            Err(_) => builder.gap(*number, GapReason::Damaged),
        }
        if all.len() > LINES_MAX {
            return Err(Error::TooMuchText);
        }
    }
    lines::push(&mut builder, &all)?;
    let extracted = builder.finish(Format::Pdf, "", pages.len() as u32);
    match extracted.text.is_empty() {
        false => Ok(extracted),
        true if extracted.gaps.iter().any(|gap| gap.reason == GapReason::Damaged) => {
            Err(Error::Damaged(Format::Pdf))
        }
        true => Err(Error::NoText),
    }
}

/// What the document says that it is called.
fn title(document: &Document) -> Option<String> {
    let information = document.trailer.get_deref(b"Info", document).ok()?.as_dict().ok()?;
    match information.get_deref(b"Title", document).ok()? {
        title @ Object::String(..) => lopdf::decode_text_string(title).ok(),
        _ => None,
    }
}
