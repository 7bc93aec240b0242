//! Rows of fields. Each becomes a line that names its columns: a row that is found alone says what
//! its numbers are.

use csv_core::ReadRecordResult;

use crate::builder::Builder;
use crate::extraction::Error;
use crate::types::BlockKind;

/// Lines that are looked at to tell what divides the fields.
const PROBE_LINES: usize = 40;
/// The most bytes of a probe.
const PROBE_BYTES: usize = 64 << 10;
/// The most bytes of a column's name. Longer ones are no names.
const NAME_BYTES_MAX: usize = 64;

/// What divides the fields of a text; none if it is no table.
pub fn divider(text: &str) -> Option<u8> {
    let end = (0..=text.len().min(PROBE_BYTES)).rev().find(|at| text.is_char_boundary(*at))?;
    let whole = end == text.len();
    let probe = &text[..end];
    let count = |divider: u8| {
        let rows: Vec<Vec<String>> = Rows::new(probe, divider).take(PROBE_LINES).collect();
        let mut widths: Vec<usize> = rows.iter().map(Vec::len).collect();
        if !whole && widths.len() < PROBE_LINES {
            // The last row of a probe may be half a row.
            widths.pop();
        }
        let width = *widths.first()?;
        let alike = widths.iter().filter(|one| **one == width).count();
        let head = rows.first()?;
        let named = head.iter().all(|name| (1..=NAME_BYTES_MAX).contains(&name.len()))
            && head.iter().all(|name| !name.ends_with(['.', '!', '?', ';', '{']));
        // Two rows of two fields may be prose; three are hardly so.
        let enough = widths.len() >= 2 && width >= 2 && widths.len() + width >= 5;
        (enough && named && alike == widths.len()).then_some(width)
    };
    let found = [b'\t', b';', b',', b'|'].into_iter().filter_map(|one| Some((count(one)?, one)));
    found.max_by_key(|(width, _)| *width).map(|(_, divider)| divider)
}

/// The rows of a text, with their fields on one line each.
struct Rows<'a> {
    reader: csv_core::Reader,
    rest: &'a [u8],
    output: Vec<u8>,
    ends: Vec<usize>,
}

impl<'a> Rows<'a> {
    fn new(text: &'a str, divider: u8) -> Self {
        let reader = csv_core::ReaderBuilder::new().delimiter(divider).build();
        Self { reader, rest: text.as_bytes(), output: vec![0; 1_024], ends: vec![0; 16] }
    }
}

impl Iterator for Rows<'_> {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        let (mut written, mut fields) = (0, 0);
        loop {
            let (result, read, wrote, ended) = self.reader.read_record(
                self.rest,
                &mut self.output[written..],
                &mut self.ends[fields..],
            );
            self.rest = &self.rest[read..];
            written += wrote;
            fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.output.resize(2 * self.output.len(), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return None,
            }
        }
        let mut start = 0;
        let field = |end: &usize| {
            let field = String::from_utf8_lossy(&self.output[start..*end]);
            start = *end;
            field.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        Some(self.ends[..fields].iter().map(field).collect())
    }
}

/// Adds the rows of a table.
pub fn push(builder: &mut Builder, text: &str, divider: u8) -> Result<(), Error> {
    let mut names: Option<Vec<String>> = None;
    for row in Rows::new(text, divider) {
        match &names {
            // A first row with numbers in it is no row of names.
            None if row.iter().all(|name| name.parse::<f64>().is_err()) => names = Some(row),
            None => {
                names = Some(Vec::new());
                push_row(builder, &[], &row)?;
            }
            Some(names) => push_row(builder, names, &row)?,
        }
    }
    Ok(())
}

/// Adds a row as a line: each field behind the name of its column. Empty fields say nothing.
pub fn push_row(builder: &mut Builder, names: &[String], row: &[String]) -> Result<(), Error> {
    let field = |(at, field): (usize, &String)| match names.get(at) {
        _ if field.is_empty() => None,
        Some(name) if !name.is_empty() => Some(format!("{name}: {field}")),
        _ => Some(field.clone()),
    };
    let line: Vec<String> = row.iter().enumerate().filter_map(field).collect();
    builder.push(BlockKind::Row, 0, &line.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extraction::Format;

    #[test]
    fn a_table_is_told_from_prose_with_commas() {
        assert_eq!(divider("name,age,town\nAda,36,London\nIda,7,Oslo\n"), Some(b','));
        assert_eq!(divider("name;note\nAda;a, b, c\nIda;d\n"), Some(b';'));
        assert_eq!(divider("a\tb\n1\t2\n3\t4\n"), Some(b'\t'));
        assert_eq!(
            divider("Dear Ada, it rained.\nWe went home, and slept.\nIn the end, it passed."),
            None
        );
        assert_eq!(divider("one line only, with commas, and more"), None);
    }

    #[test]
    fn every_row_names_its_columns() {
        let mut builder = Builder::default();
        push(&mut builder, "name,age\n\"Ada, L.\",36\nIda,\n", b',').unwrap();
        let found = builder.finish(Format::Csv, "UTF-8", 0);
        assert_eq!(found.text, "name: Ada, L. | age: 36\nname: Ida");
        assert_eq!(found.blocks.len(), 2);
    }
}
