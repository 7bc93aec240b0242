//! `spin:sqlite@3.1.0`: the databases that the manifest grants a component, by label.
//!
//! Each call is one statement and one transaction, run by the threads of [`crate::store`]; the
//! async functions let other requests of the instance go on meanwhile. A result is gathered whole
//! before the call returns, so an error is the call's own answer, the stream of rows never waits,
//! and whoever drops it early or reads it slowly keeps nothing busy.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::component::{
    Accessor, FutureReader, HasData, Linker, Resource, ResourceTable, StreamReader,
};

use crate::bindings::sqlite::sqlite::{self, Error, QueryResult, RowResult, Value};
use crate::store;
use crate::store::limits::CONNECTIONS_MAX;

/// The databases of one component. Cheap to clone; clones share the count of open connections.
#[derive(Clone)]
pub struct Ctx {
    granted: Arc<BTreeSet<String>>,
    databases: Arc<HashMap<String, store::Database>>,
    open: Arc<AtomicUsize>,
}

impl Ctx {
    /// Grants the labels in `granted` (`sqlite_databases` of the manifest) out of `databases`,
    /// which has those that this host keeps.
    pub fn new(
        granted: impl IntoIterator<Item = String>,
        databases: Arc<HashMap<String, store::Database>>,
    ) -> Self {
        let granted = Arc::new(granted.into_iter().collect());
        Self { granted, databases, open: Arc::default() }
    }

    /// What one call borrows: the grants, and the table of the instance's resources.
    pub fn view<'a>(&'a self, table: &'a mut ResourceTable) -> View<'a> {
        View { ctx: self, table }
    }

    fn connect(&self, label: &str) -> Result<Connection, Error> {
        if !self.granted.contains(label) {
            return Err(Error::AccessDenied);
        }
        let database = self.databases.get(label).ok_or(Error::NoSuchDatabase)?;
        let slot = Slot::take(&self.open)?;
        Ok(Connection { connection: database.connect(), _slot: slot })
    }
}

/// One of the connections that a component may have open at a time.
struct Slot(Arc<AtomicUsize>);

impl Slot {
    fn take(open: &Arc<AtomicUsize>) -> Result<Self, Error> {
        // Held from here on, so that a refusal gives it back.
        let slot = Self(open.clone());
        if open.fetch_add(1, Ordering::Relaxed) < CONNECTIONS_MAX {
            return Ok(slot);
        }
        Err(Error::Io(format!(
            "{CONNECTIONS_MAX} connections are open, which is the most; drop those not in use"
        )))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that a guest holds.
pub struct Connection {
    connection: store::Connection,
    _slot: Slot,
}

/// What one call borrows of the store.
pub struct View<'a> {
    ctx: &'a Ctx,
    table: &'a mut ResourceTable,
}

impl View<'_> {
    fn open(&mut self, label: &str) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        match self.ctx.connect(label) {
            Ok(connection) => Ok(Ok(self.table.push(connection)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn get(&self, connection: &Resource<Connection>) -> wasmtime::Result<store::Connection> {
        Ok(self.table.get(connection)?.connection.clone())
    }
}

/// Runs a statement and gives it in the words of the WIT.
async fn execute(
    connection: &store::Connection,
    statement: String,
    parameters: Vec<Value>,
) -> Result<QueryResult, Error> {
    let parameters = parameters.into_iter().map(from_guest).collect();
    let result = connection.execute(statement, parameters).await.map_err(error_to_guest)?;
    let to_row = |row: Vec<store::Value>| RowResult {
        values: row.into_iter().map(value_to_guest).collect(),
    };
    Ok(QueryResult { columns: result.columns, rows: result.rows.into_iter().map(to_row).collect() })
}

fn from_guest(value: Value) -> store::Value {
    match value {
        Value::Integer(integer) => store::Value::Integer(integer),
        Value::Real(real) => store::Value::Real(real),
        Value::Text(text) => store::Value::Text(text),
        Value::Blob(blob) => store::Value::Blob(blob),
        Value::Null => store::Value::Null,
    }
}

fn value_to_guest(value: store::Value) -> Value {
    match value {
        store::Value::Integer(integer) => Value::Integer(integer),
        store::Value::Real(real) => Value::Real(real),
        store::Value::Text(text) => Value::Text(text),
        store::Value::Blob(blob) => Value::Blob(blob),
        store::Value::Null => Value::Null,
    }
}

fn error_to_guest(error: store::Error) -> Error {
    match error {
        store::Error::Full => Error::DatabaseFull,
        other => Error::Io(other.to_string()),
    }
}

struct Sqlite;

impl HasData for Sqlite {
    type Data<'a> = View<'a>;
}

impl sqlite::Host for View<'_> {}

impl sqlite::HostConnection for View<'_> {
    async fn open(
        &mut self,
        database: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        View::open(self, &database)
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        let connection = self.get(&connection)?;
        Ok(execute(&connection, statement, parameters).await)
    }

    async fn last_insert_rowid(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        Ok(self.get(&connection)?.last_insert_rowid())
    }

    async fn changes(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        Ok(self.get(&connection)?.changes())
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

/// What `execute-async` answers: the columns, the rows, and how the statement ended.
type Answer = (Vec<String>, StreamReader<RowResult>, FutureReader<Result<(), Error>>);

impl<T: Send> sqlite::HostConnectionWithStore<T> for Sqlite {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        database: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        accessor.with(|mut access| access.get().open(&database))
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<Answer, Error>> {
        let connection = accessor.with(|mut access| access.get().get(&connection))?;
        let result = match execute(&connection, statement, parameters).await {
            Ok(result) => result,
            Err(error) => return Ok(Err(error)),
        };
        accessor.with(|mut access| {
            let rows = StreamReader::new(&mut access, result.rows)?;
            let end = FutureReader::new(&mut access, async { wasmtime::error::Ok(Ok(())) })?;
            Ok(Ok((result.columns, rows, end)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        accessor.with(|mut access| Ok(access.get().get(&connection)?.last_insert_rowid()))
    }

    async fn changes_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<u64> {
        accessor.with(|mut access| Ok(access.get().get(&connection)?.changes()))
    }
}

/// Gives a component its databases.
///
/// # Errors
///
/// Fails if the linker has the interface already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_>,
) -> wasmtime::Result<()> {
    sqlite::add_to_linker::<T, Sqlite>(linker, view)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::sqlite::sqlite::{HostConnection as _, HostConnectionWithStore as _};
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use tokio::sync::{mpsc, oneshot};
    use wasmtime::component::{FutureConsumer, Source, StreamConsumer, StreamResult};
    use wasmtime::{Engine, Store, StoreContextMut};

    struct Guest {
        table: ResourceTable,
        sqlite: Ctx,
    }

    fn view(guest: &mut Guest) -> View<'_> {
        guest.sqlite.view(&mut guest.table)
    }

    /// An instance that is granted `default` and `lost`, of which the host keeps `default` only.
    fn instance() -> (Store<Guest>, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("test.db");
        let database = store::Database::open(&path, store::Limits::default()).expect("a database");
        let databases = Arc::new(HashMap::from([("default".to_owned(), database)]));
        let sqlite = Ctx::new(["default".to_owned(), "lost".to_owned()], databases);
        let mut config = wasmtime::Config::new();
        config.wasm_component_model_async(true);
        let engine = Engine::new(&config).expect("an engine");
        (Store::new(&engine, Guest { table: ResourceTable::new(), sqlite }), folder)
    }

    /// Sends on what a reader of rows, or of the end, is given.
    struct Rows(mpsc::UnboundedSender<RowResult>);
    struct End(Option<oneshot::Sender<Result<(), Error>>>);

    impl<D> StreamConsumer<D> for Rows {
        type Item = RowResult;

        fn poll_consume(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            store: StoreContextMut<D>,
            mut source: Source<'_, RowResult>,
            _: bool,
        ) -> Poll<wasmtime::Result<StreamResult>> {
            // One at a time, as guests read them.
            let mut row = Vec::with_capacity(1);
            source.read(store, &mut row)?;
            row.into_iter().for_each(|row| self.0.send(row).expect("a listener"));
            Poll::Ready(Ok(StreamResult::Completed))
        }
    }

    impl<D> FutureConsumer<D> for End {
        type Item = Result<(), Error>;

        fn poll_consume(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            store: StoreContextMut<D>,
            mut source: Source<'_, Self::Item>,
            _: bool,
        ) -> Poll<wasmtime::Result<()>> {
            let mut end = None;
            source.read(store, &mut end)?;
            if let (Some(end), Some(listener)) = (end, self.0.take()) {
                listener.send(end).expect("a listener");
            }
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn only_what_is_granted_and_kept_opens() {
        let (mut store, _folder) = instance();
        let mut view = view(store.data_mut());
        let open = |view: &mut View<'_>, label| view.open(label).expect("no trap").map(drop);
        assert!(matches!(open(&mut view, "default"), Ok(())));
        assert!(matches!(open(&mut view, "lost"), Err(Error::NoSuchDatabase)));
        assert!(matches!(open(&mut view, "other"), Err(Error::AccessDenied)));
        assert!(matches!(open(&mut view, ""), Err(Error::AccessDenied)));
    }

    #[tokio::test]
    async fn a_component_may_hold_so_many_connections_and_gives_them_back() {
        let (mut store, _folder) = instance();
        let mut view = view(store.data_mut());
        let mut open = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            open.push(view.open("default").expect("no trap").expect("a connection"));
        }
        let refused = view.open("default").expect("no trap").map(drop);
        assert!(matches!(refused, Err(Error::Io(text)) if text.contains("4096 connections")));
        view.drop(open.pop().expect("one of them")).await.expect("no trap");
        view.open("default").expect("no trap").expect("the place of the one given back");
    }

    #[tokio::test]
    async fn rows_come_in_order_and_then_the_end() {
        let (mut store, _folder) = instance();
        let (rows, mut listener) = mpsc::unbounded_channel();
        let (end, ended) = oneshot::channel();
        let columns = store
            .run_concurrent(async |accessor| {
                let accessor = accessor.with_getter::<Sqlite>(view);
                let connection = Sqlite::open_async(&accessor, "default".into()).await??;
                let sql = "SELECT value AS n, 'said ' || value, ?1 FROM json_each('[1,2,3,4,5]')";
                let given = vec![Value::Blob(vec![7; 3])];
                let answer = Sqlite::execute_async(&accessor, connection, sql.into(), given);
                let (columns, stream, future) = answer.await??;
                accessor.with(|mut access| {
                    stream.pipe(&mut access, Rows(rows))?;
                    future.pipe(&mut access, End(Some(end)))
                })?;
                let mut got = Vec::new();
                while let Some(row) = listener.recv().await {
                    got.push(row.values);
                }
                assert!(matches!(ended.await, Ok(Ok(()))));
                assert_eq!(got.len(), 5);
                for (number, row) in (1..).zip(got) {
                    assert!(matches!(row[0], Value::Integer(n) if n == number));
                    assert!(matches!(&row[1], Value::Text(t) if *t == format!("said {number}")));
                    assert!(matches!(&row[2], Value::Blob(b) if *b == [7; 3]));
                }
                wasmtime::error::Ok(columns)
            })
            .await
            .expect("no trap")
            .expect("no trap");
        assert_eq!(columns, ["n", "'said ' || value", "?1"]);
    }

    #[tokio::test]
    async fn an_error_is_the_calls_own_answer_and_readers_may_go_early() {
        let (mut store, _folder) = instance();
        let outcome = store.run_concurrent(async |accessor| {
            let accessor = accessor.with_getter::<Sqlite>(view);
            let open = Sqlite::open_async(&accessor, "default".into()).await??;
            let execute = async |sql: &str| {
                let connection = Resource::new_borrow(open.rep());
                Sqlite::execute_async(&accessor, connection, sql.into(), vec![]).await
            };
            let failed = execute("SELECT * FROM nowhere").await?.map(drop);
            assert!(matches!(failed, Err(Error::Io(text)) if text.contains("no such table")));
            for _ in 0..100 {
                let sql = "SELECT zeroblob(10000) FROM json_each('[1,2,3,4,5,6,7,8,9]')";
                let (_, mut rows, mut end) = execute(sql).await??;
                accessor.with(|mut access| {
                    rows.close(&mut access)?;
                    end.close(&mut access)
                })?;
            }
            execute("CREATE TABLE t (a)").await??;
            execute("INSERT INTO t VALUES (1), (2)").await??;
            let connection = || Resource::new_borrow(open.rep());
            assert_eq!(Sqlite::changes_async(&accessor, connection()).await?, 2);
            assert_eq!(Sqlite::last_insert_rowid_async(&accessor, connection()).await?, 2);
            wasmtime::error::Ok(())
        });
        outcome.await.expect("no trap").expect("no trap");
    }
}
