//! The evaluated state of threads on disk: one file each, in a folder per model. What is read is
//! what was written, or it is not used: a file bears the model, the thread and a checksum.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use llama_cpp_2::token::LlamaToken;
use sha2::{Digest, Sha256};

use super::parking::Parked;

/// The version of llama.cpp whose states these are: another one may write them otherwise.
const LLAMA_CPP: &str = "0.1.161";
/// State that is kept on disk at most, in bytes.
const BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// States that wait to be written. If more come than the disk can take, they are not kept.
const WRITES_MAX: usize = 4;
/// The beginning of a file, followed by the checksum of all that comes after it.
const MAGIC: &[u8; 8] = b"LOCIKV01";
const CHECKSUM_BYTES: usize = 32;
/// The length of a digest, and so of the name of a thread in a file, in bytes.
const NAME_BYTES: usize = 64;
/// How files are named, and those that are being written.
const EXTENSION: &str = "state";
const UNFINISHED: &str = "part";

struct Entry {
    name: String,
    bytes: u64,
    /// The state, until it is written.
    unwritten: Weak<Parked>,
    is_wanted: Arc<AtomicBool>,
}

struct Write {
    name: String,
    parked: Arc<Parked>,
    is_wanted: Arc<AtomicBool>,
}

/// The states of one model's threads.
pub struct Shelf {
    folder: PathBuf,
    digest: String,
    /// The oldest first.
    entries: VecDeque<Entry>,
    bytes: u64,
    bytes_max: u64,
    writes: SyncSender<Write>,
}

impl Shelf {
    /// The shelf of the model with this digest below the folder `states`. Everything else there is
    /// removed: states of other models, of other versions of llama.cpp, and what was not finished.
    ///
    /// Fails if the folder cannot be made or read, or no thread can be started.
    pub fn open(states: &Path, digest: &str) -> io::Result<Self> {
        let own = format!("{}-{LLAMA_CPP}", &digest[..digest.len().min(16)]);
        let folder = states.join(own);
        fs::create_dir_all(&folder)?;
        for other in fs::read_dir(states)?.flatten().filter(|other| other.path() != folder) {
            let path = other.path();
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            if let Err(error) = removed {
                tracing::warn!("`{}` could not be removed: {error}", path.display());
            }
        }
        let entries = found(&folder)?;
        let (writes, received) = sync_channel(WRITES_MAX);
        let (path, name) = (folder.clone(), digest.to_owned());
        let writer = move || write_all(&path, &name, &received);
        std::thread::Builder::new().name("llama-states".into()).spawn(writer)?;
        let bytes = entries.iter().map(|entry| entry.bytes).sum();
        let digest = digest.to_owned();
        Ok(Self { folder, digest, entries, bytes, bytes_max: BYTES_MAX, writes })
    }

    /// Keeps the state of a thread, unless the disk is slower than states come. Does not wait for
    /// the disk.
    pub fn put(&mut self, thread: &str, parked: Parked) {
        self.forget(thread);
        let bytes = (parked.state.len() + parked.tokens.len() * 4) as u64;
        if bytes > self.bytes_max {
            return;
        }
        while self.bytes + bytes > self.bytes_max {
            self.remove(0);
        }
        let parked = Arc::new(parked);
        let (name, is_wanted) = (name_of(thread), Arc::new(AtomicBool::new(true)));
        let unwritten = Arc::downgrade(&parked);
        let write = Write { name: name.clone(), parked, is_wanted: Arc::clone(&is_wanted) };
        if self.writes.try_send(write).is_ok() {
            self.bytes += bytes;
            self.entries.push_back(Entry { name, bytes, unwritten, is_wanted });
        }
    }

    /// Takes out the state of a thread, if there is any that can be trusted. Waits for the disk.
    pub fn take(&mut self, thread: &str) -> Option<Parked> {
        let name = name_of(thread);
        let index = self.entries.iter().position(|entry| entry.name == name)?;
        let unwritten = self.entries[index].unwritten.upgrade();
        let path = self.path(&name);
        let parked = unwritten.map(|parked| (*parked).clone()).or_else(|| {
            let read = fs::read(&path).map_err(|error| error.to_string());
            read.and_then(|bytes| decode(&bytes, &self.digest, &name))
                .inspect_err(|why| tracing::warn!("`{}` is not used: {why}", path.display()))
                .ok()
        });
        self.remove(index);
        parked
    }

    /// Forgets the state of a thread.
    pub fn forget(&mut self, thread: &str) {
        let name = name_of(thread);
        if let Some(index) = self.entries.iter().position(|entry| entry.name == name) {
            self.remove(index);
        }
    }

    fn remove(&mut self, index: usize) {
        if let Some(entry) = self.entries.remove(index) {
            // In this order: what is written from now on removes itself.
            entry.is_wanted.store(false, Ordering::SeqCst);
            drop(fs::remove_file(self.path(&entry.name)));
            self.bytes -= entry.bytes;
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_extension(EXTENSION)
    }
}

/// Removes the states of a thread below the folder `states`, whichever model they are of: for when
/// no model is there to do it.
pub fn forget(states: &Path, thread: &str) {
    let file = Path::new(&name_of(thread)).with_extension(EXTENSION);
    for folder in fs::read_dir(states).into_iter().flatten().flatten() {
        drop(fs::remove_file(folder.path().join(&file)));
    }
}

/// The states in a folder, the oldest first. What was not finished is removed.
fn found(folder: &Path) -> io::Result<VecDeque<Entry>> {
    let mut found: Vec<(SystemTime, Entry)> = Vec::new();
    for file in fs::read_dir(folder)?.flatten() {
        let path = file.path();
        let metadata = file.metadata()?;
        if path.extension().is_none_or(|extension| extension != EXTENSION) {
            fs::remove_file(&path)?;
            continue;
        }
        let entry = Entry {
            name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            bytes: metadata.len(),
            unwritten: Weak::new(),
            is_wanted: Arc::new(AtomicBool::new(true)),
        };
        found.push((metadata.modified()?, entry));
    }
    found.sort_by_key(|(modified, _)| *modified);
    Ok(found.into_iter().map(|(_, entry)| entry).collect())
}

fn name_of(thread: &str) -> String {
    hexadecimal(&Sha256::digest(thread.as_bytes()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes until nobody can ask any more.
fn write_all(folder: &Path, digest: &str, writes: &Receiver<Write>) {
    for Write { name, parked, is_wanted } in writes {
        let path = folder.join(&name).with_extension(EXTENSION);
        if let Err(error) = write(&path, digest, &name, &parked, &is_wanted) {
            tracing::warn!("`{}` could not be written: {error}", path.display());
        }
        // Only now may it be looked for on the disk.
        drop(parked);
    }
}

fn write(
    path: &Path,
    digest: &str,
    name: &str,
    parked: &Parked,
    is_wanted: &AtomicBool,
) -> io::Result<()> {
    if !is_wanted.load(Ordering::SeqCst) {
        return Ok(());
    }
    let mut body = Vec::with_capacity(2 * NAME_BYTES + 4 + parked.tokens.len() * 4);
    body.extend_from_slice(digest.as_bytes());
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(&(parked.tokens.len() as u32).to_le_bytes());
    parked.tokens.iter().for_each(|token| body.extend_from_slice(&token.0.to_le_bytes()));
    let checksum = Sha256::new().chain_update(&body).chain_update(&parked.state).finalize();
    let unfinished = path.with_extension(UNFINISHED);
    let mut file = fs::File::create(&unfinished)?;
    for part in [&MAGIC[..], &checksum, &body, &parked.state] {
        file.write_all(part)?;
    }
    fs::rename(&unfinished, path)?;
    if !is_wanted.load(Ordering::SeqCst) {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Fails with a sentence if the file is damaged, or belongs to another model or thread.
fn decode(bytes: &[u8], digest: &str, name: &str) -> Result<Parked, String> {
    let damaged = || "it is damaged".to_owned();
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
    let (checksum, body) = rest.split_at_checked(CHECKSUM_BYTES).ok_or_else(damaged)?;
    if checksum != &Sha256::digest(body)[..] {
        return Err(damaged());
    }
    let (of_model, body) = body.split_at_checked(NAME_BYTES).ok_or_else(damaged)?;
    let (of_thread, body) = body.split_at_checked(NAME_BYTES).ok_or_else(damaged)?;
    if of_model != digest.as_bytes() || of_thread != name.as_bytes() {
        return Err("it belongs to another model or thread".to_owned());
    }
    let (count, body) = body.split_first_chunk::<4>().ok_or_else(damaged)?;
    let count = u32::from_le_bytes(*count) as usize;
    let (tokens, state) = body.split_at_checked(count.saturating_mul(4)).ok_or_else(damaged)?;
    let tokens = tokens.chunks_exact(4).map(|four| {
        LlamaToken(i32::from_le_bytes(four.try_into().expect("chunks of 4 have 4 bytes")))
    });
    Ok(Parked { tokens: tokens.collect(), state: state.to_vec() })
}

#[cfg(test)]
mod tests;
