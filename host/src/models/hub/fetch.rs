//! Fetching one file: as much of it as is there already is not fetched again.

use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{CONTENT_RANGE, HeaderMap, HeaderValue, RANGE};
use reqwest::{Method, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use super::{Facts, Hub, Reference, chain, refuse, text};

/// How often a download that gets nowhere is tried again, and the pause before the first time. It
/// doubles with each one more.
const ATTEMPTS_MAX: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);

/// What is read from the disk at once, in bytes.
const PART_BYTES: usize = 1 << 20;

/// Shows how far it is.
pub trait Progress {
    /// So many bytes are there.
    fn at(&self, bytes: u64);
    /// An attempt failed, for this reason, and another one follows.
    fn again(&self, reason: &str);
    /// All is there, and is being checked.
    fn checking(&self);
}

/// Why an attempt ended early.
enum Broken {
    /// Another one may go on from there.
    Off(String),
    /// Nothing will help.
    Refused(String),
}

impl Hub {
    /// Fetches a file into `folder`, and returns where it lies there under a name that is not its
    /// own yet. What another call left behind is completed.
    ///
    /// # Errors
    ///
    /// Fails with a sentence if the hub refuses it, breaks off again and again (what came is kept),
    /// or sends something else than it promised (what came is thrown away then).
    pub async fn fetch(
        &self,
        file: &Reference,
        facts: &Facts,
        folder: &Path,
        progress: &dyn Progress,
    ) -> Result<PathBuf, String> {
        let path = folder.join(format!("{}.part", name(file, facts)));
        let failed = |error: io::Error| format!("`{}`: {error}", path.display());
        fs::create_dir_all(folder).map_err(failed)?;
        let mut part = File::options().create(true).append(true).read(true).open(&path);
        let part = part.as_mut().map_err(|error| format!("`{}`: {error}", path.display()))?;
        if part.try_lock().is_err() {
            return Err(format!("`{file}` is being downloaded by another `loci models add`"));
        }
        let mut attempts = 0;
        loop {
            let before = part.metadata().map_err(failed)?.len();
            match self.attempt(file, facts, part, progress).await {
                Ok(()) => break,
                Err(Broken::Refused(reason)) => return Err(reason),
                Err(Broken::Off(reason)) => {
                    let has_grown = part.metadata().map_err(failed)?.len() > before;
                    attempts = if has_grown { 1 } else { attempts + 1 };
                    if attempts == ATTEMPTS_MAX {
                        return Err(format!("{reason}; run the same command again to go on"));
                    }
                    progress.again(&reason);
                    tokio::time::sleep(PAUSE * 2_u32.pow(attempts - 1)).await;
                }
            }
        }
        part.sync_all().map_err(failed)?;
        progress.checking();
        check(part, facts).map_err(failed)?.map_err(|reason| {
            // Going on from what is wrong would never make it right.
            drop(fs::remove_file(&path));
            format!("`{file}` {reason}; what came was thrown away: try again")
        })?;
        Ok(path)
    }

    /// Appends to `part` what is missing.
    async fn attempt(
        &self,
        file: &Reference,
        facts: &Facts,
        part: &mut File,
        progress: &dyn Progress,
    ) -> Result<(), Broken> {
        let disk = |error: io::Error| Broken::Refused(format!("it cannot be stored: {error}"));
        let mut have = part.metadata().map_err(disk)?.len();
        if have > facts.bytes {
            part.set_len(0).map_err(disk)?;
            have = 0;
        }
        progress.at(have);
        if have == facts.bytes {
            return Ok(());
        }
        let mut headers = HeaderMap::new();
        if have > 0 {
            let range = HeaderValue::from_str(&format!("bytes={have}-"));
            headers.insert(RANGE, range.map_err(|error| Broken::Refused(error.to_string()))?);
        }
        let sent = self.send(&self.fetching, Method::GET, facts.url.clone(), headers).await;
        let mut answer = sent.map_err(Broken::Off)?;
        if answer.status().is_server_error() {
            let status = answer.status().as_u16();
            return Err(Broken::Off(format!("the hub answered with status {status}")));
        }
        refuse(&answer, file).map_err(Broken::Refused)?;
        if !goes_on_at(&answer, have) {
            part.set_len(0).map_err(disk)?;
            have = 0;
        }
        loop {
            let chunk = answer.chunk().await;
            let chunk = chunk.map_err(|error| {
                Broken::Off(format!("the download broke off: {}", chain(&error)))
            })?;
            let Some(chunk) = chunk else { break };
            have += chunk.len() as u64;
            if have > facts.bytes {
                part.set_len(0).map_err(disk)?;
                let message =
                    format!("the hub sends more than the {} bytes it promised", facts.bytes);
                return Err(Broken::Refused(message));
            }
            part.write_all(&chunk).map_err(disk)?;
            progress.at(have);
        }
        match have == facts.bytes {
            true => Ok(()),
            false => Err(Broken::Off("the download broke off".to_owned())),
        }
    }
}

/// Whether an answer goes on where we are; another one begins anew.
fn goes_on_at(answer: &Response, have: u64) -> bool {
    let range = text(answer.headers(), CONTENT_RANGE.as_str()).unwrap_or_default();
    answer.status() == StatusCode::PARTIAL_CONTENT
        && range.strip_prefix("bytes ").is_some_and(|range| range.starts_with(&format!("{have}-")))
}

/// What a part is called: another version of the file has another name.
fn name(file: &Reference, facts: &Facts) -> String {
    let mut hash = Sha256::new();
    hash.update(facts.tag.as_bytes());
    hash.update(facts.bytes.to_le_bytes());
    let tag: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{}.{tag}", file.file_name())
}

/// Whether a file that has come is the one that was promised. The inner error says what it is not.
fn check(part: &mut File, facts: &Facts) -> io::Result<Result<(), String>> {
    let Some(promised) = &facts.sha256 else { return Ok(Ok(())) };
    let found = sha256(part)?;
    Ok(match found == *promised {
        true => Ok(()),
        false => Err(format!("came with the SHA-256 {found}, and the hub promised {promised}")),
    })
}

/// The SHA-256 of a file, from its beginning, in hexadecimal digits.
fn sha256(file: &mut File) -> io::Result<String> {
    file.seek(SeekFrom::Start(0))?;
    let mut hash = Sha256::new();
    let mut part = vec![0; PART_BYTES];
    loop {
        match file.read(&mut part)? {
            0 => break,
            count => hash.update(&part[..count]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
