//! What was done with policies, in the order in which it was done: one line of JSON for each event,
//! only ever appended to. The log is the state: what is there and what is active is what the events
//! add up to, so a crash between two writes has nothing that it could leave undone.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::health::Counts;
use super::rollout::{Canary, OnFailure};
use crate::slot::Fuel;

/// The file, in the folder of policies.
const FILE: &str = "log.jsonl";

/// The largest log that is read, in bytes, and twice what is written: some two million events.
const BYTES_MAX: u64 = 1 << 30;

/// The longest note of an event, in bytes; what is longer is shortened.
const NOTE_BYTES_MAX: usize = 512;

/// What was done.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A component passed its checks, and can be put in use.
    Added,
    /// A component was refused.
    Refused,
    /// A policy was put in use.
    Activated,
    /// The policy that was in use before was put in use again.
    RolledBack,
    /// The file of a policy was removed.
    Removed,
    /// A policy was tried on turns of the past.
    Tried,
    /// A policy was given a share of the sessions.
    CanaryBegun,
    /// What was asked of a candidate up to now.
    CanaryCounted,
    /// A policy was taken back from its share of the sessions.
    CanaryEnded,
    /// It was said what becomes of a turn whose policy fails.
    OnFailure,
    /// The policy that was in use could not be loaded at start; the shipped one stands in.
    Lost,
}

/// How a policy did on turns of the past, beside what really stood in their prompts.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Tried {
    /// The turns that were laid out again.
    pub turns: u32,
    /// Those of them whose prompt became another.
    pub changed: u32,
    /// Those of them that it failed, or where it broke a rule.
    pub refused: u32,
    /// The tokens of their prompts, as they were.
    pub tokens_before: u64,
    /// The tokens of their prompts, as it has them.
    pub tokens_after: u64,
}

impl std::fmt::Display for Tried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} turns, {} changed, {} refused", self.turns, self.changed, self.refused)
    }
}

/// One event.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Event {
    /// When, as in `2026-03-12T10:11:12.123456Z`.
    pub at: String,
    /// What was done.
    pub what: What,
    /// The interface that it was done to, as in `assembly`; empty for a component that is of none.
    pub interface: String,
    /// The sha256 of the component.
    pub digest: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it is the one that comes with the application, whatever that is by now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shipped: bool,
    /// How it did, where it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Tried>,
    /// Its share of the sessions, where it was given one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// What was asked of it since it has its share, where that was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// What becomes of a turn whose policy fails, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// The fuel that is enough for a call of it, as the conformance kit found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enough: Option<Fuel>,
    /// Why, where there is more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Event {
    /// An event of now.
    pub fn now(what: What, interface: &str, digest: &str) -> Self {
        let (interface, digest) = (interface.to_owned(), digest.to_owned());
        Self {
            at: now(),
            what,
            interface,
            digest,
            name: None,
            shipped: false,
            tried: None,
            canary: None,
            counts: None,
            on_failure: None,
            enough: None,
            note: None,
        }
    }

    /// With this name.
    pub fn named(self, name: Option<&str>) -> Self {
        Self { name: name.map(str::to_owned), ..self }
    }

    /// With this note.
    pub fn noted(self, note: &str) -> Self {
        let end = note.floor_char_boundary(NOTE_BYTES_MAX);
        Self { note: Some(note[..end].to_owned()), ..self }
    }
}

/// Now, as in `2026-03-12T10:11:12.123456Z`.
pub fn now() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}

/// The log of one folder.
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Opens the log of a folder, which is made if there is none, and hands its events to `each`. A
    /// last line that was not written to its end never happened, and is taken away. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read or written, or holds something else.
    pub fn open(folder: &Path, each: impl FnMut(Event)) -> Result<Self> {
        let path = folder.join(FILE);
        let at = || format!("`{}`", path.display());
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(&path).with_context(at)?;
        ensure!(file.metadata()?.len() <= BYTES_MAX, "{} has more than {BYTES_MAX} bytes", at());
        let length = read(&file, each).with_context(at)?;
        file.set_len(length).with_context(at)?;
        file.seek(SeekFrom::End(0)).with_context(at)?;
        // Of a new file, its name must outlast a power cut too.
        File::open(folder).and_then(|folder| folder.sync_all()).with_context(at)?;
        Ok(Self { path, file })
    }

    /// Appends an event. It is on the disk when this returns. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written; it has not happened then.
    pub fn append(&mut self, event: &Event) -> Result<()> {
        let before = self.file.metadata()?.len();
        ensure!(before < BYTES_MAX / 2, "`{}` is full", self.path.display());
        self.write(event).or_else(|error| {
            // What is half there would be read as one line with the next event.
            self.file.set_len(before)?;
            Err(error).with_context(|| format!("`{}` cannot be written", self.path.display()))
        })
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        Ok(())
    }
}

/// Reads the events of a log. Returns the bytes that they take.
fn read(file: &File, mut each: impl FnMut(Event)) -> Result<u64> {
    let mut length = 0;
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let bytes = lines.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            break;
        }
        let event = serde_json::from_slice(&line);
        each(event.with_context(|| format!("line {number} is damaged"))?);
        length += bytes as u64;
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path) -> (Log, Vec<Event>) {
        let mut events = Vec::new();
        let log = Log::open(folder, |event| events.push(event)).expect("a log");
        (log, events)
    }

    #[test]
    fn events_are_there_again_and_half_a_line_never_happened() {
        let folder = tempfile::tempdir().expect("a folder");
        let added = Event::now(What::Added, "assembly", "aa").named(Some("calm"));
        let put = Event::now(What::Activated, "assembly", "aa").noted("by hand");
        let (mut log, none) = open(folder.path());
        assert!(none.is_empty());
        log.append(&added).expect("written");
        log.file.write_all(b"{\"at\":\"2026").expect("torn");
        let (mut log, events) = open(folder.path());
        assert_eq!(events, std::slice::from_ref(&added));
        log.append(&put).expect("written");
        let (_, events) = open(folder.path());
        assert_eq!(events, [added, put]);
    }

    #[test]
    fn a_damaged_line_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(FILE), "{\"at\":1}\n").expect("a file");
        let error = Log::open(folder.path(), drop).err().expect("damaged");
        assert!(format!("{error:#}").contains("line 1 is damaged"), "{error:#}");
    }

    #[test]
    fn a_note_is_cut_on_the_border_of_a_character() {
        let event = Event::now(What::Refused, "", "aa").noted(&"é".repeat(400));
        assert_eq!(event.note.map(|note| note.len()), Some(NOTE_BYTES_MAX));
    }
}
