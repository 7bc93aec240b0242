//! Tests of the database as its callers see it. What a kill leaves behind is tested end to end.

mod guard;
mod limits;
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

fn text(value: &str) -> Value {
    Value::Text(value.into())
}
