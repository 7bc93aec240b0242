//! The policies of this host: those that come with the application, and those that were added while
//! it runs. Which of them is in use, what was before, and the log of all that.

pub mod command;
mod fault;
mod health;
mod log;
mod rollout;
mod server;
mod shelf;
mod shown;
mod state;
#[cfg(test)]
mod tests;
mod told;
mod watch;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tracing::{info, warn};

use crate::kit::Report;
use crate::slot::{self, Fuel, Place, Told};
pub use fault::Fault;
use health::Watch;
pub use log::Tried;
use log::{Event, Log, What};

pub use rollout::{Chosen, ERRORS_MAX, OnFailure, Thresholds};
use shelf::Shelf;
use shown::{Step, Work};
use state::{Choice, State};

/// The folder, in the data folder.
const FOLDER: &str = "policies";

/// The most policies on the shelf.
pub const POLICIES_MAX: usize = 256;

/// The longest name of a policy, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// The fewest characters of a digest that name a policy.
const DIGEST_CHARS_MIN: usize = 8;

/// A place for a policy, and the one that comes with the application.
pub struct Hook {
    place: Arc<dyn Place>,
    shipped: Told,
    bytes: Arc<[u8]>,
}

impl Hook {
    /// The hook of a place that holds the shipped policy, which is made of these bytes.
    pub fn new(place: Arc<dyn Place>, bytes: &[u8]) -> Self {
        Self { shipped: place.current(), place, bytes: bytes.into() }
    }

    /// Its name, as in `assembly`.
    fn name(&self) -> &'static str {
        short(self.place.interface())
    }
}

/// A policy, as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The sha256 of the component, in lower-case hexadecimal.
    pub digest: String,
    /// The hook that it is for, as in `assembly`.
    pub interface: String,
    /// What people call it.
    pub name: Option<String>,
    /// `active`; `canary` if it has a share of the sessions; `retired` if it was active once;
    /// `shadow` if it was tried on turns of the past; or `staged`.
    pub state: &'static str,
    /// Whether it comes with the application.
    pub is_shipped: bool,
    /// When it was added.
    pub added_at: Option<String>,
    /// When it was last put in use by somebody.
    pub activated_at: Option<String>,
    /// The fuel that a call of it may use, where the conformance kit found that less than the limit
    /// of its hook is enough.
    pub enough: Option<Fuel>,
    /// How it did when it was last tried on turns of the past.
    pub tried: Option<Tried>,
}

/// The conformance kit, for components of this host's engine and size. Blocks for up to seconds.
pub type Kit = Box<dyn Fn(&[u8]) -> Report + Send + Sync>;

/// All policies.
pub struct Registry {
    kit: Kit,
    hooks: Vec<Hook>,
    shelf: Shelf,
    /// Held for as long as something is changed.
    log: Mutex<Log>,
    state: Mutex<State>,
    watch: Watch,
    work: Mutex<Vec<Work>>,
}

impl Registry {
    /// Reads what was done before, and puts the policies in use that were. One that cannot be
    /// loaded any more is replaced by the shipped one. Compiles: it blocks for up to seconds.
    ///
    /// # Errors
    ///
    /// Fails if the folder cannot be used, or its log is damaged.
    pub fn open(data: &Path, hooks: Vec<Hook>, kit: Kit) -> Result<Self> {
        let folder = data.join(FOLDER);
        let at = || format!("cannot use the folder `{}`", folder.display());
        let shelf = Shelf::open(&folder).with_context(at)?;
        let mut state = State::default();
        let log = Log::open(&folder, |event| state.apply(event)).with_context(at)?;
        let registry = Self {
            kit,
            hooks,
            shelf,
            log: Mutex::new(log),
            state: Mutex::new(state),
            watch: Watch::default(),
            work: Mutex::default(),
        };
        registry.restore()?;
        registry.restore_counts();
        Ok(registry)
    }

    fn restore(&self) -> Result<()> {
        let mut log = lock(&self.log);
        for hook in &self.hooks {
            let Choice::Kept(digest) = lock(&self.state).current(hook.name()) else { continue };
            match self.load(hook, &digest) {
                Ok(_) => {
                    hook.place.put(&digest);
                    info!("The policy for {} is `{digest}`, which was chosen before", hook.name());
                }
                Err(fault) => {
                    warn!("The policy `{digest}` for {} is lost: {fault}", hook.name());
                    let event = shipped(What::Lost, hook).noted(&format!("{digest}: {fault}"));
                    self.done(&mut log, event)?;
                }
            }
        }
        Ok(())
    }

    /// All policies, those in use first.
    pub fn list(&self) -> Vec<Row> {
        let state = lock(&self.state);
        let shipped = self.hooks.iter().map(|hook| row_of_shipped(hook, &state));
        let kept = state.known.iter().filter_map(|(digest, known)| {
            let hook = self.hooks.iter().find(|hook| hook.name() == known.interface)?;
            (hook.shipped.digest != *digest).then(|| Row {
                digest: digest.clone(),
                interface: known.interface.clone(),
                name: known.name.clone(),
                state: in_state(hook, digest, &state),
                is_shipped: false,
                added_at: Some(known.added_at.clone()),
                activated_at: state.activated_at.get(digest).cloned(),
                enough: known.enough,
                tried: state.tried.get(digest).copied(),
            })
        });
        let mut rows: Vec<Row> = shipped.chain(kept).collect();
        let place = |row: &Row| self.hooks.iter().position(|hook| hook.name() == row.interface);
        rows.sort_by_key(|row| (row.state != "active", place(row), row.added_at.clone()));
        rows
    }

    /// The policy with this digest, or the only one whose digest begins so.
    ///
    /// # Errors
    ///
    /// Fails if there is none, or several.
    pub fn find(&self, digest: &str) -> Result<Row, Fault> {
        let mut rows = self.list();
        rows.retain(|row| row.digest.starts_with(digest));
        match rows.len() {
            1 if digest.len() >= DIGEST_CHARS_MIN => Ok(rows.remove(0)),
            0 | 1 => Err(Fault::NotFound(digest.to_owned())),
            _ => Err(Fault::Ambiguous(digest.to_owned())),
        }
    }

    /// Checks a component and puts it on the shelf. Returns it, and whether it is new there.
    /// Compiles, and runs the conformance kit: it blocks for up to seconds.
    ///
    /// # Errors
    ///
    /// Fails if it is no policy, if it does not keep the contract, or if it cannot be kept.
    pub fn add(&self, bytes: &[u8], name: Option<&str>) -> Result<(Row, bool), Fault> {
        let digest = slot::digest(bytes);
        if let Ok(row) = self.find(&digest) {
            return Ok((row, false));
        }
        // Nothing else waits for the kit.
        let checked = {
            let _work = self.begin(&digest, Step::Checking);
            self.check(bytes)
        };
        let mut log = lock(&self.log);
        if let Ok(row) = self.find(&digest) {
            return Ok((row, false));
        }
        if lock(&self.state).known.len() >= POLICIES_MAX {
            return Err(Fault::TooMany);
        }
        let (hook, told, report) = checked.inspect_err(|fault| {
            let refused = Event::now(What::Refused, "", &digest).named(name);
            if let Err(error) = self.done(&mut log, refused.noted(&fault.to_string())) {
                warn!("{error:#}");
            }
        })?;
        self.shelf.store(&digest, bytes).context("the policy could not be stored")?;
        let name = name.or(told.name.as_deref());
        let added = Event::now(What::Added, hook.name(), &digest).named(name);
        // What a file takes to be read, other files tell little about.
        let enough = report.enough().filter(|_| hook.place.allowance().is_of_a_turn);
        let added = Event { enough, ..added };
        self.done(&mut log, added.noted(&report.summary()))?;
        self.limit(hook, &digest);
        Ok((self.find(&digest)?, true))
    }

    /// Makes a policy ready to be asked, beside the one that is in use. Returns whether it is one
    /// of this hook, and there. Blocks for up to seconds.
    pub fn make_ready(&self, interface: &str, digest: &str) -> bool {
        let is_there =
            self.list().iter().any(|row| row.digest == digest && row.interface == interface);
        let hook = self.hook(interface).ok().filter(|_| is_there);
        hook.is_some_and(|hook| self.load(hook, digest).is_ok())
    }

    /// Keeps how a policy did on turns of the past. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if there is no such policy, or if it cannot be written.
    pub fn note(&self, digest: &str, tried: Tried) -> Result<(), Fault> {
        let mut log = lock(&self.log);
        let row = self.find(digest)?;
        let event = Event::now(What::Tried, &row.interface, &row.digest);
        let event = event.named(row.name.as_deref()).noted(&tried.to_string());
        Ok(self.done(&mut log, Event { tried: Some(tried), ..event })?)
    }

    /// Finds the hook that a component is for, tries it there, and runs the kit.
    fn check(&self, bytes: &[u8]) -> Result<(&Hook, Told, Report), Fault> {
        let most = self.hooks.iter().map(|hook| hook.place.allowance().component_bytes).max();
        let exports = slot::exports(bytes, most.unwrap_or(0))?;
        let is_for = |hook: &&Hook| exports.iter().any(|export| export == hook.place.interface());
        let hooks: Vec<&Hook> = self.hooks.iter().filter(is_for).collect();
        let [hook] = hooks.as_slice() else {
            let known = self.hooks.iter().map(|hook| hook.place.interface()).collect();
            return Err(Fault::NotOneInterface { known, exports });
        };
        let told = hook.place.prepare(bytes)?;
        let report = (self.kit)(bytes);
        match report.passed {
            true => Ok((*hook, told, report)),
            false => Err(Fault::BreaksContract(Box::new(report))),
        }
    }

    /// Puts a policy in use, if it kept these thresholds when it was last tried: calls that have
    /// begun end with the one that they began with. Blocks, for up to seconds if the policy was not
    /// used for long.
    ///
    /// # Errors
    ///
    /// Fails if there is no such policy, if it missed a threshold, or if it cannot be loaded any
    /// more. Nothing has changed then.
    pub fn activate(&self, digest: &str, required: &Thresholds) -> Result<Row, Fault> {
        let mut log = lock(&self.log);
        let row = self.find(digest)?;
        Self::check_thresholds(&row, required)?;
        let hook = self.hook(&row.interface)?;
        self.load(hook, &row.digest)?;
        if row.state != "active" {
            let event = Event {
                shipped: row.is_shipped,
                ..Event::now(What::Activated, hook.name(), &row.digest)
            };
            self.done(&mut log, event.named(row.name.as_deref()))?;
            hook.place.put(&row.digest);
        }
        self.find(&row.digest)
    }

    /// Puts the policy in use that was before the current one. Blocks as [`Registry::activate`].
    ///
    /// # Errors
    ///
    /// Fails if there is no such hook, if nothing was in use before, or if that cannot be loaded
    /// any more. Nothing has changed then.
    pub fn roll_back(&self, interface: &str) -> Result<Row, Fault> {
        let mut log = lock(&self.log);
        let hook = self.hook(interface)?;
        let previous = lock(&self.state).previous(hook.name());
        let digest = match previous.ok_or(Fault::NothingBefore(hook.name()))? {
            Choice::Shipped => hook.shipped.digest.clone(),
            Choice::Kept(digest) => digest,
        };
        let told = self.load(hook, &digest)?;
        let event = Event::now(What::RolledBack, hook.name(), &digest);
        self.done(&mut log, event.named(told.name.as_deref()))?;
        hook.place.put(&digest);
        self.find(&digest)
    }

    /// Takes a policy off the shelf. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if there is no such policy, or if it is in use or comes with the application.
    pub fn remove(&self, digest: &str) -> Result<Row, Fault> {
        let mut log = lock(&self.log);
        let row = self.find(digest)?;
        let has_share = lock(&self.state).candidate(&row.interface) == Some(&row.digest);
        let in_use = row.state == "active" || has_share;
        if row.is_shipped || in_use {
            return Err(Fault::InUse(row.digest));
        }
        // The event first: a file without a policy is only room, a policy without a file is a lie.
        let event = Event::now(What::Removed, &row.interface, &row.digest);
        self.done(&mut log, event.named(row.name.as_deref()))?;
        self.shelf.remove(&row.digest).context("the file of the policy could not be removed")?;
        Ok(row)
    }

    /// What was done last, the latest first: at most `most` events.
    pub fn log(&self, most: usize) -> Value {
        let state = lock(&self.state);
        state.latest(most).map(|event| json!(event)).collect()
    }

    fn hook(&self, interface: &str) -> Result<&Hook, Fault> {
        let found = self.hooks.iter().find(|hook| hook.name() == interface);
        found.ok_or_else(|| Fault::NoHook {
            asked: interface.to_owned(),
            known: self.hooks.iter().map(Hook::name).collect(),
        })
    }

    /// Makes a policy ready to be put in use.
    fn load(&self, hook: &Hook, digest: &str) -> Result<Told, Fault> {
        let _work = self.begin(digest, Step::Loading);
        let told = hook.place.prepare(&self.bytes(hook, digest)?)?;
        self.limit(hook, digest);
        Ok(told)
    }

    /// Holds a policy that is loaded to the fuel that was found to be enough for it.
    fn limit(&self, hook: &Hook, digest: &str) {
        let enough = lock(&self.state).known.get(digest).and_then(|known| known.enough);
        if let Some(enough) = enough {
            hook.place.suffices(digest, enough);
        }
    }

    /// The component of a policy.
    fn bytes(&self, hook: &Hook, digest: &str) -> Result<Arc<[u8]>, Fault> {
        if hook.shipped.digest == digest {
            return Ok(Arc::clone(&hook.bytes));
        }
        let bytes = self.shelf.read(digest).context("the file of the policy cannot be used")?;
        Ok(bytes.into())
    }

    fn done(&self, log: &mut Log, event: Event) -> Result<()> {
        log.append(&event)?;
        lock(&self.state).apply(event);
        Ok(())
    }
}

/// An event of the shipped policy of a hook.
fn shipped(what: What, hook: &Hook) -> Event {
    Event { shipped: true, ..Event::now(what, hook.name(), &hook.shipped.digest) }
}

fn row_of_shipped(hook: &Hook, state: &State) -> Row {
    let digest = &hook.shipped.digest;
    Row {
        digest: digest.clone(),
        interface: hook.name().to_owned(),
        name: hook.shipped.name.clone(),
        state: in_state(hook, digest, state),
        is_shipped: true,
        added_at: None,
        activated_at: state.activated_at.get(digest).cloned(),
        enough: None,
        tried: state.tried.get(digest).copied(),
    }
}

fn in_state(hook: &Hook, digest: &str, state: &State) -> &'static str {
    let is_shipped = hook.shipped.digest == digest;
    let active = match state.current(hook.name()) {
        Choice::Shipped => is_shipped,
        Choice::Kept(current) => current == digest,
    };
    match active {
        true => "active",
        false if state.candidate(hook.name()).is_some_and(|share| share == digest) => "canary",
        // The shipped one is in use until it is replaced.
        false if is_shipped || state.activated_at.contains_key(digest) => "retired",
        false if state.tried.contains_key(digest) => "shadow",
        false => "staged",
    }
}

/// `assembly` of `loci:policy/assembly@0.1.0`.
fn short(interface: &'static str) -> &'static str {
    let name = interface.rsplit('/').next().unwrap_or(interface);
    name.split('@').next().unwrap_or(name)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
