//! What a guest's statement may not do, told to SQLite as an authorizer, and the clock that ends
//! it.
//!
//! All guests of a database share its connections. So a statement must leave no state on one: no
//! transaction, no temporary table, no setting. What would is refused with a text that says what to
//! do instead; the same statements are those that a remote SQLite cannot do either.

use super::limits::CLOCK_STEPS;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Pragmas that only look, so that any argument is harmless.
const PRAGMAS_TO_READ: &[&str] = &[
    "collation_list",
    "compile_options",
    "data_version",
    "foreign_key_check",
    "foreign_key_list",
    "freelist_count",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "module_list",
    "page_count",
    "pragma_list",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Pragmas that only look as long as they are given no value.
const PRAGMAS_WITHOUT_VALUE: &[&str] = &[
    "auto_vacuum",
    "encoding",
    "foreign_keys",
    "journal_mode",
    "page_size",
    "schema_version",
    "synchronous",
];

/// Pragmas that write a number into the database's header, where an application keeps its version.
const PRAGMAS_TO_WRITE: &[&str] = &["application_id", "user_version"];

/// Settings that hold anyway: guests written for any SQLite ask for them.
const PRAGMAS_THAT_HOLD: &[(&str, &[&str])] =
    &[("foreign_keys", &["on", "1", "true", "yes"]), ("journal_mode", &["wal"])];

/// Modules of virtual tables that keep all they have in the database itself.
const MODULES: &[&str] = &["fts5", "fts5vocab", "rtree", "rtree_i32"];

/// Watches one connection. Shared with the callbacks that SQLite calls.
#[derive(Clone)]
pub(super) struct Guard {
    shared: Arc<Shared>,
}

struct Shared {
    /// The host's own statements pass: they begin and end the batches.
    trusted: AtomicBool,
    /// Why the last refusal was one. SQLite itself only says "not authorized".
    refusal: Mutex<Option<String>>,
    /// When the running statement must end, in nanoseconds since `start`.
    deadline: AtomicU64,
    start: Instant,
}

impl Guard {
    /// Installs the authorizer and the clock on `connection`.
    pub(super) fn install(connection: &mut rusqlite::Connection) -> rusqlite::Result<Self> {
        let shared = Arc::new(Shared {
            trusted: AtomicBool::new(false),
            refusal: Mutex::new(None),
            deadline: AtomicU64::new(u64::MAX),
            start: Instant::now(),
        });
        let watched = shared.clone();
        connection.authorizer(Some(move |context: AuthContext<'_>| watched.authorize(&context)))?;
        let watched = shared.clone();
        connection.progress_handler(CLOCK_STEPS, Some(move || watched.is_late()))?;
        Ok(Self { shared })
    }

    /// Lets the host's own statements through while `work` runs.
    pub(super) fn trusting<T>(&self, work: impl FnOnce() -> T) -> T {
        self.shared.trusted.store(true, Ordering::Relaxed);
        let result = work();
        self.shared.trusted.store(false, Ordering::Relaxed);
        result
    }

    /// From now on the statement has `time`.
    pub(super) fn start_clock(&self, time: Duration) {
        let end = self.shared.start.elapsed().saturating_add(time);
        let end = u64::try_from(end.as_nanos()).unwrap_or(u64::MAX);
        self.shared.deadline.store(end, Ordering::Relaxed);
    }

    /// No statement of a guest runs any more.
    pub(super) fn stop_clock(&self) {
        self.shared.deadline.store(u64::MAX, Ordering::Relaxed);
    }

    /// Why the last refusal was one, if there was one since the last call.
    pub(super) fn take_refusal(&self) -> Option<String> {
        self.shared.refusal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Shared {
    fn authorize(&self, context: &AuthContext<'_>) -> Authorization {
        if self.trusted.load(Ordering::Relaxed) {
            return Authorization::Allow;
        }
        match refusal(context) {
            None => Authorization::Allow,
            Some(reason) => {
                *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
                Authorization::Deny
            }
        }
    }

    fn is_late(&self) -> bool {
        let deadline = self.deadline.load(Ordering::Relaxed);
        deadline != u64::MAX && self.start.elapsed().as_nanos() > u128::from(deadline)
    }
}

/// Why an action is refused; none for what may go on.
fn refusal(context: &AuthContext<'_>) -> Option<String> {
    match context.action {
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => {
            Some("`ATTACH`, `DETACH` and `VACUUM` are closed; a database is a single file".into())
        }
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => Some(
            "a transaction cannot span several calls; each statement is atomic by itself, and a \
             trigger or `json_each` puts several changes into one"
                .into(),
        ),
        AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::DropTempIndex { .. }
        | AuthAction::DropTempTable { .. }
        | AuthAction::DropTempTrigger { .. }
        | AuthAction::DropTempView { .. } => Some(
            "temporary tables, views and triggers do not outlive a call; use `WITH` or a table"
                .into(),
        ),
        AuthAction::CreateVtable { module_name, .. } if !is_in(MODULES, module_name) => {
            Some(format!("no module `{module_name}`; those granted are `fts5` and `rtree`"))
        }
        AuthAction::Function { function_name } => {
            refused_function(function_name, context.accessor.is_some())
        }
        AuthAction::Pragma { pragma_name, pragma_value } => {
            refused_pragma(pragma_name, pragma_value)
        }
        AuthAction::Unknown { code, .. } => {
            Some(format!("action {code} of SQLite is not one that a component is granted"))
        }
        _ => None,
    }
}

/// `changes()` in a trigger counts what the trigger did. Outside of one it would count the last
/// change of whichever guest used the connection before, so it is refused.
fn refused_function(name: &str, in_trigger: bool) -> Option<String> {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "load_extension" => Some("`load_extension` is closed".into()),
        "fts3_tokenizer" => Some("`fts3_tokenizer` is closed".into()),
        "changes" | "total_changes" if !in_trigger => Some(format!(
            "`{name}()` cannot tell this connection's changes from others'; call the connection's \
             `changes` or use `RETURNING`"
        )),
        _ => None,
    }
}

fn refused_pragma(name: &str, value: Option<&str>) -> Option<String> {
    if is_in(PRAGMAS_TO_READ, name) || is_in(PRAGMAS_TO_WRITE, name) {
        return None;
    }
    let Some(value) = value else {
        let refused = !is_in(PRAGMAS_WITHOUT_VALUE, name);
        return refused.then(|| format!("`PRAGMA {name}` is not one that a component is granted"));
    };
    let holds = PRAGMAS_THAT_HOLD
        .iter()
        .any(|(pragma, values)| pragma.eq_ignore_ascii_case(name) && is_in(values, value));
    (!holds).then(|| {
        format!(
            "`PRAGMA {name}` is not one that a component may set; the host has set foreign keys \
             on, the journal to WAL and every commit to be synced"
        )
    })
}

fn is_in(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}
