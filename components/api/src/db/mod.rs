//! The database: the one place where anything lasts. Reached only through `spin:sqlite`, one atomic
//! statement at a time.

pub mod candidates;
pub mod documents;
pub mod files;
pub mod found;
pub mod generations;
pub mod imports;
pub mod indexing;
pub mod memory;
pub mod messages;
pub mod migrations;
pub mod packed;
pub mod passages;
pub mod reading;
pub mod receipts;
pub mod sessions;
pub mod snapshots;
pub mod superseded;
pub mod ties;
pub mod unfinished;
pub mod window;

#[cfg(test)]
mod tests;

use std::cell::RefCell;

use spin_sdk::sqlite::{Connection, Error, RowResult, Value};
use spin_sdk::wit_bindgen::StreamResult;

use crate::http::error::ApiError;
use crate::limits;

/// A parameter list.
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$(spin_sdk::sqlite::Value::from($value)),*] };
}
pub(crate) use params;

thread_local! {
    /// Connections that no request uses. Opening one costs more than a statement.
    static IDLE: RefCell<Vec<Connection>> = const { RefCell::new(Vec::new()) };
}

/// A connection, for as long as one request needs it, and on whose behalf it is used.
pub struct Database {
    /// Always there until the drop.
    connection: Option<Connection>,
    owner: String,
}

impl Database {
    /// Takes an idle connection, or opens one, for work that is nobody's in particular.
    ///
    /// Fails with 503 if the database cannot be opened.
    pub async fn open() -> Result<Self, ApiError> {
        Self::open_for(String::new()).await
    }

    /// Takes an idle connection, or opens one, for this owner's request. What finds a session or a
    /// document by its id, or lists them, finds those of this owner only.
    ///
    /// Fails with 503 if the database cannot be opened.
    pub async fn open_for(owner: String) -> Result<Self, ApiError> {
        let idle = IDLE.with_borrow_mut(Vec::pop);
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::open_default().await.map_err(|cause| {
                eprintln!("the database cannot be opened: {cause}");
                ApiError::new(503, "database_unavailable", "the database cannot be opened")
            })?,
        };
        Ok(Self { connection: Some(connection), owner })
    }

    /// On whose behalf this is used; empty where no key is needed.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Runs one statement and reads all of its rows.
    ///
    /// Fails with what the database says.
    pub async fn run(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>, Error> {
        let connection = self.connection.as_ref().expect("a connection until the drop");
        let result = connection.execute(sql, parameters).await?;
        let (_, mut stream, end) = result.into_inner();
        // The rows are there already, so what counts is how often they are asked for.
        let mut rows = Vec::with_capacity(limits::STREAM_READ_MAX);
        loop {
            let (status, read) = stream.read(rows).await;
            rows = read;
            if !matches!(status, StreamResult::Complete(_)) {
                break;
            }
            if rows.len() == rows.capacity() {
                rows.reserve(limits::STREAM_READ_MAX);
            }
        }
        end.await?;
        Ok(rows.into_iter().map(Row).collect())
    }

    /// As [`Database::run`]; a failure is logged, and the client hears `what`.
    pub async fn query(
        &self,
        what: &str,
        sql: &str,
        parameters: Vec<Value>,
    ) -> Result<Vec<Row>, ApiError> {
        self.run(sql, parameters).await.map_err(|cause| ApiError::internal(what, cause))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        IDLE.with_borrow_mut(|idle| {
            if idle.len() < limits::CONNECTIONS_KEPT_MAX {
                idle.extend(self.connection.take());
            }
        });
    }
}

/// One row. Columns are read in the order of the statement; what is not there reads as nothing.
pub struct Row(RowResult);

impl Row {
    /// An integer; 0 for anything else.
    pub fn int(&self, column: usize) -> i64 {
        match self.0.values.get(column) {
            Some(Value::Integer(value)) => *value,
            _ => 0,
        }
    }

    /// An integer as an id or a count; 0 for anything else.
    pub fn id(&self, column: usize) -> u64 {
        u64::try_from(self.int(column)).unwrap_or(0)
    }

    /// A small integer; 0 for anything else.
    pub fn small(&self, column: usize) -> u32 {
        u32::try_from(self.int(column)).unwrap_or(0)
    }

    /// Whether the column is a number other than 0.
    pub fn flag(&self, column: usize) -> bool {
        self.int(column) != 0
    }

    /// Takes a text out of the row; none for anything else.
    pub fn take_text(&mut self, column: usize) -> Option<String> {
        match self.0.values.get_mut(column) {
            Some(Value::Text(text)) => Some(std::mem::take(text)),
            _ => None,
        }
    }

    /// Takes a text out of the row; empty for anything else.
    pub fn text(&mut self, column: usize) -> String {
        self.take_text(column).unwrap_or_default()
    }

    /// Bytes; none for anything else.
    pub fn bytes(&self, column: usize) -> &[u8] {
        match self.0.values.get(column) {
            Some(Value::Blob(bytes)) => bytes,
            _ => &[],
        }
    }
}
