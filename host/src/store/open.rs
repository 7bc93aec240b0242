//! Opening a database file: that it is one, that nobody else serves it, and how it is set up.

use super::limits::{
    CACHED_STATEMENTS, Limits, PARAMETERS_MAX, STATEMENT_BYTES_MAX, WAL_RESERVED_BYTES,
};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use std::ffi::OsString;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The first bytes of every SQLite database that is not empty.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Why a database could not be opened. Nothing was written to the file.
#[derive(Debug)]
pub struct OpenError {
    path: PathBuf,
    reason: String,
}

impl fmt::Display for OpenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "cannot open the database `{}`: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for OpenError {}

impl OpenError {
    pub(super) fn new(path: &Path, reason: impl fmt::Display) -> Self {
        Self { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// A database file that this process, and no other Loci, serves.
pub(super) struct Claim {
    path: PathBuf,
    /// The lock is the operating system's and ends with the process, however it ends. It is not on
    /// the database itself: closing any handle of that file would drop SQLite's own locks.
    _lock: File,
}

impl Claim {
    /// Creates the folder if it is missing, takes the lock beside the file, and looks at the file.
    pub(super) fn take(path: &Path) -> Result<Self, OpenError> {
        let fail = |reason: &dyn fmt::Display| OpenError::new(path, reason);
        let path = std::path::absolute(path).map_err(|error| fail(&error))?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| fail(&format_args!("cannot create its folder: {error}")))?;
        }
        let mut name: OsString = path.clone().into_os_string();
        name.push(".lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&name)
            .map_err(|error| fail(&format_args!("cannot create its lock file: {error}")))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => fail(
                &"another running `loci` serves it; stop that one or choose another folder with \
                  `--data`",
            ),
            TryLockError::Error(error) => fail(&format_args!("cannot lock it: {error}")),
        })?;
        look_at(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// The file, as an absolute path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Refuses what is there and is no SQLite database.
fn look_at(path: &Path) -> Result<(), OpenError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(OpenError::new(path, error)),
    };
    let mut start = Vec::with_capacity(MAGIC.len());
    let read = file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut start);
    read.map_err(|error| OpenError::new(path, error))?;
    if start.is_empty() || start == MAGIC {
        return Ok(());
    }
    Err(OpenError::new(
        path,
        "the file is not a SQLite database; move it away or choose another folder with \
             `--data`",
    ))
}

/// Opens the connection that writes, and puts the database into the state that readers rely on.
pub(super) fn open_writer(path: &Path, limits: &Limits) -> Result<Connection, OpenError> {
    let connection = connect(path, limits, true).map_err(|error| refuse(path, error))?;
    let mode = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))
        .map_err(|error| refuse(path, error))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(OpenError::new(
            path,
            format!(
                "its file system has no shared memory for a write-ahead log (journal is `{mode}`)"
            ),
        ));
    }
    let setup = || -> rusqlite::Result<()> {
        // Synced at every commit: what was acknowledged survives a power cut as well.
        connection.pragma_update(None, "synchronous", "FULL")?;
        // The checkpointer does it, so that no caller waits for it.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        connection.pragma_update(None, "cache_size", -8192)?;
        let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let most = i64::try_from(limits.database_bytes).unwrap_or(i64::MAX);
        let pages = most / page_bytes.max(1);
        connection
            .pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, i64>(0))?;
        // Reads the header and the schema, and so finds a file that is damaged there.
        connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
        Ok(())
    };
    setup().map_err(|error| refuse(path, error))?;
    reserve_log(&connection, path)?;
    Ok(connection)
}

/// Makes the log as long as it will be, with zeros. A sync of a file that grows also syncs what the
/// file system notes about it, and that doubles what a commit costs. To SQLite the zeros are frames
/// that were never written.
fn reserve_log(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    // Nobody adds to the log while this transaction holds its write lock.
    connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| refuse(path, error))?;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let extended = extend(Path::new(&log), WAL_RESERVED_BYTES);
    connection.execute_batch("ROLLBACK").map_err(|error| refuse(path, error))?;
    extended.map_err(|error| OpenError::new(path, format!("cannot extend its log: {error}")))
}

/// Writes zeros from the end of a file up to `bytes`.
fn extend(path: &Path, bytes: u64) -> std::io::Result<()> {
    let mut file = File::options().append(true).open(path)?;
    let missing = bytes.saturating_sub(file.metadata()?.len());
    std::io::copy(&mut std::io::repeat(0).take(missing), &mut file)?;
    file.sync_all()
}

/// Opens a connection that only reads. The writer must be open already.
pub(super) fn open_reader(path: &Path, limits: &Limits) -> Result<Connection, OpenError> {
    connect(path, limits, false)
        .and_then(|connection| {
            connection.pragma_update(None, "query_only", true)?;
            Ok(connection)
        })
        .map_err(|error| refuse(path, error))
}

/// Opens the connection that carries pages from the log into the database.
pub(super) fn open_checkpointer(path: &Path, limits: &Limits) -> Result<Connection, OpenError> {
    connect(path, limits, false).map_err(|error| refuse(path, error))
}

fn connect(path: &Path, limits: &Limits, create: bool) -> rusqlite::Result<Connection> {
    // No mutex: each connection lives on one thread.
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, create);
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(limits.busy_time)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    connection.pragma_update(None, "foreign_keys", true)?;
    // No writing to the schema's table, to the shadow tables of FTS5, or past the journal.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // Without it, a statement with `LIMIT ?` is parsed and planned anew at each call, since the
    // planner looks at the value; a plan that is kept costs a tenth of that.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let set =
        |limit, value: usize| connection.set_limit(limit, i32::try_from(value).unwrap_or(i32::MAX));
    set(Limit::SQLITE_LIMIT_LENGTH, limits.value_bytes)?;
    set(Limit::SQLITE_LIMIT_SQL_LENGTH, STATEMENT_BYTES_MAX)?;
    set(Limit::SQLITE_LIMIT_VARIABLE_NUMBER, PARAMETERS_MAX)?;
    set(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    set(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;
    set(Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 64)?;
    Ok(connection)
}

fn refuse(path: &Path, error: rusqlite::Error) -> OpenError {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::new(
            path,
            "the file is not a SQLite database; move it away or choose another folder with \
             `--data`",
        ),
        Some(ErrorCode::DatabaseCorrupt) => OpenError::new(
            path,
            format!("the file is damaged ({error}); restore a backup or move it away"),
        ),
        Some(ErrorCode::DatabaseBusy) => {
            OpenError::new(path, "another process holds it locked; close it there and try again")
        }
        _ => OpenError::new(path, error),
    }
}
