//! What a file is, and its text.

use crate::builder::Builder;
use crate::extraction::{Error, Extracted, Format};
use crate::{code, decode, docx, html, json, markdown, pdf, plain, rows};

/// How far from its beginning a PDF may say that it is one, in bytes.
const PDF_MARK_MAX: usize = 1_024;

/// Reads a file.
///
/// Fails as `extraction.error` says.
pub fn extract(file: &[u8]) -> Result<Extracted, Error> {
    if file.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::Empty);
    }
    let head = &file[..file.len().min(PDF_MARK_MAX)];
    if head.windows(5).any(|window| window == b"%PDF-") {
        return pdf::extract(file);
    }
    if file.starts_with(b"PK\x03\x04") {
        return docx::extract(file);
    }
    let (text, encoding) = decode::decode(file).ok_or(Error::UnknownFormat)?;
    if text.trim().is_empty() {
        return Err(Error::Empty);
    }
    let extracted = read(text, encoding)?;
    if extracted.text.trim().is_empty() { Err(Error::NoText) } else { Ok(extracted) }
}

/// Marks the blocks of a text that stays as it is.
type Mark = fn(&mut Builder) -> Result<(), Error>;

/// Reads a text. What has the strictest form is tried first.
fn read(text: String, encoding: &str) -> Result<Extracted, Error> {
    if html::is_html(&text) {
        return html::extract(&text, encoding);
    }
    if let Some(values) = json::parse(&text) {
        let mut builder = Builder::default();
        json::push(&mut builder, &values)?;
        return Ok(builder.finish(Format::Json, encoding, 0));
    }
    if let Some(divider) = rows::divider(&text) {
        let mut builder = Builder::default();
        rows::push(&mut builder, &text, divider)?;
        return Ok(builder.finish(Format::Csv, encoding, 0));
    }
    let (format, mark): (Format, Mark) = if code::is_code(&text) {
        (Format::Code, code::mark)
    } else if markdown::is_markdown(&text) {
        (Format::Markdown, markdown::mark)
    } else {
        (Format::Plain, plain::mark)
    };
    let mut builder = Builder::of(text)?;
    mark(&mut builder)?;
    Ok(builder.finish(format, encoding, 0))
}

#[cfg(test)]
mod tests;
