//! Who may come in, and on whose behalf. Everything that is anybody's stands behind this one gate.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use anyhow::{Result, ensure};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tracing::error;

use crate::keys::{self, Key, Keys, PREFIX};
use crate::serve::admin::Refusal;
use crate::serve::foreign;

/// The header by which a component is told on whose behalf a request comes. Clients cannot send it:
/// it is taken away from what they send.
const OWNER: HeaderName = HeaderName::from_static("x-loci-owner");

/// The other header that a key may come in.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose sessions and documents are seen; empty for whoever needs no key.
    owner: String,
    /// Whether what concerns everybody may be done.
    pub admin: bool,
}

/// The gate of a server.
pub struct Gate {
    file: PathBuf,
    listen: SocketAddr,
    required: bool,
    known: Mutex<Known>,
}

/// The keys as they were read last, and how often each was used lately.
struct Known {
    /// What tells whether the file is still the one that was read.
    stamp: Option<(SystemTime, u64)>,
    by_hash: HashMap<String, Key>,
    /// By the hash of the key.
    buckets: HashMap<String, Bucket>,
}

/// The requests that a key has left.
struct Bucket {
    left: f64,
    filled: Instant,
}

impl Gate {
    /// The gate of a server that listens at `listen`. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if the keys cannot be read, or if keys are required and there are none.
    pub fn open(data: &Path, listen: SocketAddr, require: bool) -> Result<Self> {
        let file = keys::file(data);
        let beyond = !listen.ip().is_loopback();
        let known = Known::read(&file)?;
        ensure!(
            !known.by_hash.is_empty() || !beyond,
            "`{listen}` can be reached from other machines, so clients need a key, and there is \
             none: `loci keys add NAME --data {}` makes one",
            data.display()
        );
        ensure!(
            !known.by_hash.is_empty() || !require,
            "clients need a key, and there is none: `loci keys add NAME --data {}` makes one",
            data.display()
        );
        let (required, known) = (beyond || require, Mutex::new(known));
        Ok(Self { file, listen, required, known })
    }

    /// Finds out who sent a request with these headers, and counts it.
    ///
    /// # Errors
    ///
    /// Fails with 401 without a key that is needed, or with a wrong one, with 429 if the key was
    /// used too often, and with 403 if there is no key and a page of another site may have asked.
    pub fn admit(&self, headers: &HeaderMap, now: Instant) -> Result<Caller, Refusal> {
        let shown = key(headers);
        // Libraries want a key to send, whether anybody wants it or not.
        let shown = shown.filter(|key| self.required || key.starts_with(PREFIX));
        let Some(shown) = shown else {
            if self.required {
                return Err(unauthorized("this server wants an API key"));
            }
            foreign::refuse(headers, self.listen)?;
            return Ok(Caller { owner: String::new(), admin: true });
        };
        let hash = keys::hash(shown);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.refresh(&self.file);
        let Some(key) = known.by_hash.get(&hash).cloned() else {
            return Err(unauthorized("this API key is not known here"));
        };
        if let Some(most) = key.per_minute {
            known.count(hash, most.get().into(), now)?;
        }
        Ok(Caller { owner: key.owner, admin: key.admin })
    }
}

/// Lets the headers of a request say on whose behalf it comes, whatever they said before.
pub fn mark(headers: &mut HeaderMap, caller: &Caller) {
    headers.remove(OWNER);
    // A key is nobody's business behind the gate.
    headers.remove(header::AUTHORIZATION);
    headers.remove(API_KEY);
    if let Ok(owner) = HeaderValue::from_str(&caller.owner)
        && !caller.owner.is_empty()
    {
        headers.insert(OWNER, owner);
    }
}

/// The refusal of what only an admin may do.
pub fn admins_only() -> Refusal {
    let message = "this concerns everybody who uses this server: it wants the key of an admin, \
        which `loci keys add NAME --admin` makes";
    Refusal::new(StatusCode::FORBIDDEN, "admin_required", message)
}

impl Caller {
    /// Whoever asks for what is nobody's.
    pub fn nobody() -> Self {
        Self { owner: String::new(), admin: false }
    }
}

impl Known {
    fn read(file: &Path) -> Result<Self> {
        let stamp = stamp(file);
        let keys = Keys::read(file)?.keys;
        let by_hash = keys.into_iter().map(|key| (key.sha256.clone(), key)).collect();
        Ok(Self { stamp, by_hash, buckets: HashMap::new() })
    }

    /// Reads the file again if it is another one. A file that cannot be read changes nothing.
    fn refresh(&mut self, file: &Path) {
        let now = stamp(file);
        if now == self.stamp {
            return;
        }
        match Self::read(file) {
            Ok(new) => self.by_hash = new.by_hash,
            Err(error) => error!("The API keys stay as they were: {error:#}"),
        }
        self.buckets.retain(|hash, _| self.by_hash.contains_key(hash));
        self.stamp = now;
    }

    /// Takes one of the requests that a key has left of `most` a minute.
    fn count(&mut self, hash: String, most: f64, now: Instant) -> Result<(), Refusal> {
        let bucket = self.buckets.entry(hash).or_insert(Bucket { left: most, filled: now });
        let passed = now.saturating_duration_since(bucket.filled).as_secs_f64();
        bucket.left = (bucket.left + passed * most / 60.0).min(most);
        bucket.filled = now;
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        let wait = ((1.0 - bucket.left) * 60.0 / most).ceil().max(1.0);
        let message = format!("this API key may make {most} requests a minute");
        let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", message);
        Err(refusal.header(header::RETRY_AFTER, &format!("{wait}")))
    }
}

/// What tells one version of a file from another; none where there is no file.
fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let found = std::fs::metadata(file).ok()?;
    Some((found.modified().ok()?, found.len()))
}

/// The key that a client shows.
fn key(headers: &HeaderMap) -> Option<&str> {
    if let Some(shown) = headers.get(API_KEY) {
        return shown.to_str().ok().map(str::trim);
    }
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn unauthorized(what: &str) -> Refusal {
    let message = format!("{what}: send one as `Authorization: Bearer KEY`");
    Refusal::new(StatusCode::UNAUTHORIZED, "invalid_api_key", message)
        .header(header::WWW_AUTHENTICATE, "Bearer")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Grants;
    use std::time::Duration;

    const LOOPBACK: &str = "127.0.0.1:3000";

    /// A folder with the keys `ada` (an admin) and `bob` (two requests a minute), and their texts.
    fn folder() -> (tempfile::TempDir, String, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut keys = Keys::default();
        let admin = Grants { admin: true, ..Grants::default() };
        let few = Grants { per_minute: std::num::NonZeroU32::new(2), ..Grants::default() };
        let ada = keys.add("ada", admin).expect("a key");
        let bob = keys.add("bob", few).expect("a key");
        keys.write(&keys::file(folder.path())).expect("written");
        (folder, ada, bob)
    }

    fn gate(data: &Path, listen: &str, require: bool) -> Result<Gate> {
        Gate::open(data, listen.parse().expect("an address"), require)
    }

    fn bearer(key: &str) -> HeaderMap {
        let value = HeaderValue::from_str(&format!("Bearer {key}")).expect("a header");
        HeaderMap::from_iter([(header::AUTHORIZATION, value)])
    }

    #[test]
    fn beyond_loopback_there_is_no_server_without_keys() {
        let empty = tempfile::tempdir().expect("a folder");
        for (listen, require) in [("0.0.0.0:3000", false), ("[::]:3000", false), (LOOPBACK, true)] {
            let error = gate(empty.path(), listen, require).err().expect("refused").to_string();
            assert!(error.contains("loci keys add"), "{error}");
        }
        assert!(gate(empty.path(), LOOPBACK, false).is_ok());
        let (folder, ada, _) = folder();
        let gate = gate(folder.path(), "0.0.0.0:3000", false).expect("a gate");
        assert_eq!(gate.admit(&HeaderMap::new(), Instant::now()).expect_err("401").status, 401);
        assert!(gate.admit(&bearer("none"), Instant::now()).is_err());
        assert!(gate.admit(&bearer(&ada), Instant::now()).expect("ada").admin);
    }

    #[test]
    fn on_loopback_a_key_is_taken_and_none_is_wanted() {
        let (folder, ada, bob) = folder();
        let gate = gate(folder.path(), LOOPBACK, false).expect("a gate");
        let admit = |headers: &HeaderMap| gate.admit(headers, Instant::now());
        let local = Caller { owner: String::new(), admin: true };
        let by_name = |headers: &HeaderMap| {
            let mut headers = headers.clone();
            headers.insert(header::HOST, HeaderValue::from_static("loci.example"));
            gate.admit(&headers, Instant::now())
        };
        assert_eq!(by_name(&bearer("none")).expect_err("403").status, 403);
        assert!(by_name(&bearer(&ada)).expect("a key is a key anywhere").admin);
        assert_eq!(admit(&HeaderMap::new()).expect("anybody"), local);
        assert_eq!(admit(&bearer("none")).expect("what libraries send"), local);
        assert_eq!(admit(&bearer("loci-wrong")).expect_err("401").status, 401);
        let (ada, bob) = (admit(&bearer(&ada)).expect("ada"), admit(&bearer(&bob)).expect("bob"));
        assert!(ada.owner != bob.owner && !ada.owner.is_empty() && !bob.admin);
    }

    #[test]
    fn a_key_that_is_used_too_often_waits() {
        let (folder, _, bob) = folder();
        let gate = gate(folder.path(), LOOPBACK, true).expect("a gate");
        let start = Instant::now();
        let at = |seconds| gate.admit(&bearer(&bob), start + Duration::from_secs(seconds));
        assert!(at(0).is_ok() && at(0).is_ok());
        let refused = at(0).expect_err("429").into_response();
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.headers()[header::RETRY_AFTER], "30");
        assert!(at(29).is_err());
        assert!(at(30).is_ok() && at(30).is_err());
    }

    #[test]
    fn keys_that_come_and_go_are_noticed() {
        let (folder, ada, _) = folder();
        let gate = gate(folder.path(), LOOPBACK, true).expect("a gate");
        assert!(gate.admit(&bearer(&ada), Instant::now()).is_ok());
        let file = keys::file(folder.path());
        let mut keys = Keys::read(&file).expect("the file");
        keys.remove("ada").expect("it is there");
        let eve = keys.add("eve", Grants::default()).expect("a key");
        keys.write(&file).expect("written");
        assert!(gate.admit(&bearer(&ada), Instant::now()).is_err());
        assert!(gate.admit(&bearer(&eve), Instant::now()).is_ok());
        std::fs::write(&file, "damaged").expect("written");
        assert!(gate.admit(&bearer(&eve), Instant::now()).is_ok());
    }

    #[test]
    fn nobody_says_himself_who_he_is() {
        let mut headers = bearer("loci-key");
        headers.insert(OWNER, HeaderValue::from_static("ada"));
        mark(&mut headers, &Caller::nobody());
        assert!(headers.is_empty(), "{headers:?}");
        let bob = Caller { owner: "bob".to_owned(), admin: false };
        mark(&mut headers, &bob);
        assert_eq!(headers[OWNER], "bob");
    }
}
