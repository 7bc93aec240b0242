//! Values in and out, as SQLite has them: five kinds, and a result of rows.

use super::error::Error;
use super::limits::{Limits, VALUE_OVERHEAD_BYTES};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

/// One value: a parameter, or a column of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number of 64 bits.
    Integer(i64),
    /// A number; SQLite keeps "not a number" as `Null`.
    Real(f64),
    /// Text in UTF-8.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
    /// No value.
    Null,
}

impl Value {
    /// Bytes of the text or blob; 0 for the other kinds.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Blob(blob) => blob.len(),
            Self::Integer(_) | Self::Real(_) | Self::Null => 0,
        }
    }
}

/// SQLite copies what is bound, so the value is lent and not given.
impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Real(real) => ValueRef::Real(*real),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(blob) => ValueRef::Blob(blob),
            Self::Null => ValueRef::Null,
        }))
    }
}

/// What a statement gave back: its columns, and its rows with one value for each column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Names of the columns, in order; empty for a statement that returns nothing.
    pub columns: Vec<String>,
    /// The rows, in the order in which SQLite gave them.
    pub rows: Vec<Vec<Value>>,
}

/// Gathers a result and stops where it passes a limit.
pub(super) struct Collector<'a> {
    limits: &'a Limits,
    bytes: usize,
    rows: Vec<Vec<Value>>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { limits, bytes: 0, rows: Vec::new() }
    }

    /// Takes one row of `columns` values.
    pub(super) fn push(&mut self, row: &rusqlite::Row<'_>, columns: usize) -> Result<(), Error> {
        if self.rows.len() == self.limits.result_rows {
            let rows = self.limits.result_rows;
            return Err(Error::Limit(format!(
                "the result has more than {rows} rows; ask for it in pages with `LIMIT`"
            )));
        }
        let mut values = Vec::with_capacity(columns);
        for column in 0..columns {
            let value = value_of(row, column)?;
            self.bytes += value.bytes() + VALUE_OVERHEAD_BYTES;
            values.push(value);
        }
        if self.bytes > self.limits.result_bytes {
            let bytes = self.limits.result_bytes;
            return Err(Error::Limit(format!(
                "the result has more than {bytes} bytes; ask for it in pages with `LIMIT`"
            )));
        }
        self.rows.push(values);
        Ok(())
    }

    pub(super) fn into_rows(self) -> Vec<Vec<Value>> {
        self.rows
    }
}

fn value_of(row: &rusqlite::Row<'_>, column: usize) -> Result<Value, Error> {
    Ok(match row.get_ref(column).map_err(Error::from_sqlite)? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => {
                return Err(Error::Failed(format!(
                    "column {} holds a text that is not UTF-8; `CAST(… AS BLOB)` reads its bytes",
                    column + 1
                )));
            }
        },
    })
}

#[cfg(test)]
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}
