//! Tests of the database as its callers see it. What a kill leaves behind is tested end to end.

mod guard;
mod limits;
mod near;
mod open;
mod writer;

use super::{Connection, Database, Error, Limits, Rows, Value};
use tempfile::TempDir;

/// A database in a folder that goes when the test ends.
struct Fixture {
    database: Database,
    connection: Connection,
    /// Dropped after the database.
    folder: TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("test.db"), limits).unwrap();
        let connection = database.connect();
        Self { database, connection, folder }
    }

    /// Keeps the writer waiting for the database's lock, so that what is sent makes one batch.
    fn hold_writer(&self) -> rusqlite::Connection {
        let other = rusqlite::Connection::open(self.folder.path().join("test.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        other
    }

    async fn run(&self, sql: &str) -> Result<Rows, Error> {
        self.connection.execute(sql.into(), Vec::new()).await
    }

    async fn number(&self, sql: &str) -> i64 {
        let rows = self.run(sql).await.unwrap();
        match rows.rows[0][0] {
            Value::Integer(number) => number,
            ref other => panic!("`{sql}` gave {other:?}"),
        }
    }
}

/// Lets the writer go, once the tasks that were spawned have sent their statements.
async fn release_when_sent(held: rusqlite::Connection) {
    for _ in 0..128 {
        tokio::task::yield_now().await;
    }
    held.execute_batch("ROLLBACK").unwrap();
}

fn text(value: &str) -> Value {
    Value::Text(value.into())
}
