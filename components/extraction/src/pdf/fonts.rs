//! Fonts: what the bytes of a text mean, and how wide they are.

use std::collections::HashMap;

use lopdf::{Dictionary, Document, Encoding, Object};

/// The width of a glyph that nobody tells, in thousandths of the font's size.
const WIDTH: f32 = 500.0;
/// The widths that are read of one font.
const WIDTHS_MAX: usize = 65_536;

/// A font.
pub struct Font<'a> {
    encoding: Encoding<'a>,
    widths: HashMap<u32, f32>,
    default_width: f32,
    /// The bytes of one code.
    code_bytes: usize,
}

impl<'a> Font<'a> {
    /// Reads a font; none if what it writes cannot be told.
    pub fn read(document: &'a Document, font: &'a Dictionary) -> Option<Self> {
        let encoding = font.get_font_encoding(document).ok()?;
        let is_composite = font.get(b"Subtype").and_then(Object::as_name).ok() == Some(b"Type0");
        let mut read = Self {
            encoding,
            widths: HashMap::new(),
            default_width: WIDTH,
            code_bytes: if is_composite { 2 } else { 1 },
        };
        if is_composite {
            read.composite_widths(document, font);
        } else {
            read.simple_widths(document, font);
        }
        Some(read)
    }

    /// The text of some bytes, and its width in thousandths of the font's size, without spacing.
    pub fn text(&self, bytes: &[u8]) -> (String, f32) {
        let text = self.encoding.bytes_to_string(bytes).unwrap_or_default();
        let code =
            |chunk: &[u8]| chunk.iter().fold(0_u32, |code, byte| code << 8 | u32::from(*byte));
        let width = |chunk: &[u8]| self.widths.get(&code(chunk)).unwrap_or(&self.default_width);
        (text, bytes.chunks(self.code_bytes).map(width).sum())
    }

    /// How many codes some bytes are.
    pub fn codes(&self, bytes: &[u8]) -> usize {
        bytes.len().div_ceil(self.code_bytes)
    }

    fn simple_widths(&mut self, document: &Document, font: &Dictionary) -> Option<()> {
        let first = font.get_deref(b"FirstChar", document).ok()?.as_i64().ok()?;
        let widths = font.get_deref(b"Widths", document).ok()?.as_array().ok()?;
        for (at, width) in widths.iter().take(256).enumerate() {
            let code = u32::try_from(first.checked_add(at as i64)?).ok()?;
            self.widths.insert(code, number(document, width)?);
        }
        Some(())
    }

    /// `[ first [w w w] first last w ... ]`.
    fn composite_widths(&mut self, document: &Document, font: &Dictionary) -> Option<()> {
        let descendants = font.get_deref(b"DescendantFonts", document).ok()?.as_array().ok()?;
        let descendant = dereference(document, descendants.first()?).as_dict().ok()?;
        self.default_width = 1_000.0;
        if let Ok(width) = descendant.get_deref(b"DW", document) {
            self.default_width = number(document, width)?;
        }
        let list = descendant.get_deref(b"W", document).ok()?.as_array().ok()?;
        let mut items = list.iter();
        while let Some(first) = items.next() {
            let first = number(document, first)? as u32;
            match dereference(document, items.next()?) {
                Object::Array(widths) => {
                    for (at, width) in widths.iter().take(WIDTHS_MAX).enumerate() {
                        let width = number(document, width)?;
                        self.widths.insert(first.checked_add(at as u32)?, width);
                    }
                }
                last => {
                    let last = number(document, last)? as u32;
                    let width = number(document, items.next()?)?;
                    let last = last.min(first.saturating_add(WIDTHS_MAX as u32));
                    (first..=last).for_each(|code| _ = self.widths.insert(code, width));
                }
            }
            if self.widths.len() > WIDTHS_MAX {
                return None;
            }
        }
        Some(())
    }
}

fn dereference<'a>(document: &'a Document, object: &'a Object) -> &'a Object {
    document.dereference(object).map_or(object, |(_, object)| object)
}

/// A number, directly or by reference.
pub fn number(document: &Document, object: &Object) -> Option<f32> {
    match dereference(document, object) {
        Object::Integer(value) => Some(*value as f32),
        Object::Real(value) => Some(*value),
        _ => None,
    }
}
