//! What a statement, its values and its result may measure at most. Passing a limit is an error.

use std::time::Duration;

/// Bytes of one SQL text.
pub const STATEMENT_BYTES_MAX: usize = 256 << 10;

/// Parameters bound to one statement.
pub const PARAMETERS_MAX: usize = 4096;

/// Bytes of one text or blob, and of one row: given as a parameter or made by a statement.
pub const VALUE_BYTES_MAX: usize = 16 << 20;

/// Rows in one result.
pub const RESULT_ROWS_MAX: usize = 262_144;

/// Bytes of one result: its texts and blobs, and `VALUE_OVERHEAD_BYTES` for each value.
pub const RESULT_BYTES_MAX: usize = 64 << 20;

/// What one value of a result costs beside its text or blob, in bytes.
pub const VALUE_OVERHEAD_BYTES: usize = 32;

/// How long one statement may run.
pub const STATEMENT_TIME_MAX: Duration = Duration::from_secs(30);

/// Statements that may wait for the writer, and as many for the readers.
pub const QUEUE_STATEMENTS_MAX: usize = 4096;

/// Bytes of one database file.
pub const DATABASE_BYTES_MAX: u64 = 256 << 30;

/// Connections that the guests of one application may hold at the same time.
pub const CONNECTIONS_MAX: usize = 4096;

/// Statements in one commit. Beyond it the first callers would wait for the last ones.
pub(super) const BATCH_STATEMENTS_MAX: usize = 512;

/// How long a batch may take in what has arrived meanwhile, before it commits.
pub(super) const BATCH_TIME_MAX: Duration = Duration::from_millis(4);

/// How long to wait for a lock that another process holds (a backup, a `sqlite3` shell).
pub const BUSY_TIME_MAX: Duration = Duration::from_secs(5);

/// Steps of SQLite's virtual machine between two looks at the clock.
pub(super) const CLOCK_STEPS: i32 = 1024;

/// Texts up to this size keep their prepared statement and their classification. Longer ones are
/// made on the fly as a rule, and would fill the caches with what never comes back.
pub(super) const CACHED_STATEMENT_BYTES_MAX: usize = 16 << 10;

/// Prepared statements that each connection keeps.
pub(super) const CACHED_STATEMENTS: usize = 128;

/// Classifications that a database keeps.
pub(super) const CACHED_CLASSES: usize = 1024;

/// Threads that serve what only reads, and takes long.
pub(super) const READERS: usize = 4;

/// Connections for short reads, which run on the threads of those who ask.
pub(super) const NEAR_READERS: usize = 4;

/// How long a read may keep the thread of who asks; then one of [`READERS`] begins it anew.
pub(super) const NEAR_TIME_MAX: Duration = Duration::from_millis(1);

/// How often in a row a read may take longer than that before it is taken for a long one. A thread
/// that was set aside in the middle of a short one took long as well.
pub(super) const NEAR_LATE_MAX: u8 = 3;

/// Pages in the write-ahead log that wake the checkpointer: 4 MiB.
pub(super) const CHECKPOINT_PAGES: u32 = 1000;

/// Bytes of the write-ahead log that are written ahead of need: what it measures when the
/// checkpointer wakes, and half as much again.
pub(super) const WAL_RESERVED_BYTES: u64 = 6 << 20;

/// Pages in the write-ahead log from which the writer itself makes it start anew: 64 MiB.
pub(super) const WAL_PAGES_MAX: u32 = 16 << 10;

/// How long the writer waits, then, for readers to leave the log.
pub(super) const WAL_RESTART_TIME_MAX: Duration = Duration::from_millis(100);

/// Limits that one database may narrow, so that its owner (or a test) can ask for less.
#[derive(Clone, Debug)]
pub struct Limits {
    /// See [`VALUE_BYTES_MAX`].
    pub value_bytes: usize,
    /// See [`RESULT_ROWS_MAX`].
    pub result_rows: usize,
    /// See [`RESULT_BYTES_MAX`].
    pub result_bytes: usize,
    /// See [`STATEMENT_TIME_MAX`].
    pub statement_time: Duration,
    /// See [`BUSY_TIME_MAX`].
    pub busy_time: Duration,
    /// See [`QUEUE_STATEMENTS_MAX`].
    pub queue_statements: usize,
    /// See [`DATABASE_BYTES_MAX`].
    pub database_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            value_bytes: VALUE_BYTES_MAX,
            result_rows: RESULT_ROWS_MAX,
            result_bytes: RESULT_BYTES_MAX,
            statement_time: STATEMENT_TIME_MAX,
            busy_time: BUSY_TIME_MAX,
            queue_statements: QUEUE_STATEMENTS_MAX,
            database_bytes: DATABASE_BYTES_MAX,
        }
    }
}
