//! API keys: who may use this server, and whose sessions and documents are whose. A key is a long
//! random text, so its hash tells nothing about it; only the hash is kept.

pub mod command;

use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::file::{Readers, replace};

/// What every key begins with, so that it is known for one where it should not be.
pub const PREFIX: &str = "loci-";

/// The file, in the data folder.
const FILE: &str = "keys.json";
/// The random bytes of a key.
const KEY_BYTES: usize = 24;
/// The random bytes of the name of an owner.
const OWNER_BYTES: usize = 8;
/// The most bytes of the name of a key.
const NAME_BYTES_MAX: usize = 64;
/// The most keys.
const KEYS_MAX: usize = 10_000;
/// The most bytes of the file: anything longer was not written here.
const BYTES_MAX: u64 = 8 << 20;

/// A key, as far as it is kept.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// What people call it.
    pub name: String,
    /// The SHA-256 of its text, in hexadecimal.
    pub sha256: String,
    /// Whose sessions and documents it opens.
    pub owner: String,
    /// Whether it may do what concerns everybody.
    #[serde(default)]
    pub admin: bool,
    /// The most requests in a minute; none for no limit.
    #[serde(default)]
    pub per_minute: Option<NonZeroU32>,
}

/// All keys of a data folder.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// The keys, in the order in which they were made.
    pub keys: Vec<Key>,
}

/// What a new key may do.
#[derive(Debug, Default)]
pub struct Grants {
    /// Whether it may do what concerns everybody.
    pub admin: bool,
    /// The other key whose sessions and documents it opens.
    pub shares: Option<String>,
    /// The most requests in a minute; none for no limit.
    pub per_minute: Option<NonZeroU32>,
}

/// The file with the keys of a data folder.
pub fn file(data: &Path) -> PathBuf {
    data.join(FILE)
}

/// What is kept of the text of a key.
pub fn hash(key: &str) -> String {
    hexadecimal(&Sha256::digest(key.as_bytes()))
}

impl Keys {
    /// Reads a file of keys; there are none where there is no file. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read, or holds something else.
    pub fn read(file: &Path) -> Result<Self> {
        let name = || format!("`{}`", file.display());
        match fs::metadata(file) {
            Ok(found) => {
                ensure!(found.len() <= BYTES_MAX, "{} has more than {BYTES_MAX} bytes", name());
                let text = fs::read_to_string(file).with_context(name)?;
                serde_json::from_str(&text).with_context(|| format!("{} is damaged", name()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", name())),
        }
    }

    /// Writes the file, for nobody else to read. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written; the old one is still there then.
    pub fn write(&self, file: &Path) -> Result<()> {
        replace(file, &serde_json::to_vec_pretty(self)?, Readers::Owner)
            .with_context(|| format!("`{}` cannot be written", file.display()))
    }

    /// Makes a key, and returns its text, which is kept nowhere.
    ///
    /// # Errors
    ///
    /// Fails if the name cannot be one or is taken, if the key to share with is not there, or if
    /// there are too many keys.
    pub fn add(&mut self, name: &str, grants: Grants) -> Result<String> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_name = (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(fits);
        ensure!(is_name, "a name has 1 to {NAME_BYTES_MAX} letters, digits, `-`, `_` or `.`");
        ensure!(self.find(name).is_none(), "there is a key `{name}` already");
        ensure!(self.keys.len() < KEYS_MAX, "there are {KEYS_MAX} keys, and no more may be");
        let owner = match &grants.shares {
            Some(other) => match self.find(other) {
                Some(key) => key.owner.clone(),
                None => bail!("there is no key `{other}` to share with"),
            },
            None => random(OWNER_BYTES)?,
        };
        let text = format!("{PREFIX}{}", random(KEY_BYTES)?);
        let (sha256, name) = (hash(&text), name.to_owned());
        let Grants { admin, per_minute, .. } = grants;
        self.keys.push(Key { name, sha256, owner, admin, per_minute });
        Ok(text)
    }

    /// Removes a key, and returns it.
    ///
    /// # Errors
    ///
    /// Fails if there is none of this name.
    pub fn remove(&mut self, name: &str) -> Result<Key> {
        match self.keys.iter().position(|key| key.name == name) {
            Some(at) => Ok(self.keys.remove(at)),
            None => bail!("there is no key `{name}`; `loci keys list` shows all"),
        }
    }

    fn find(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

fn random(bytes: usize) -> Result<String> {
    let mut found = vec![0; bytes];
    getrandom::fill(&mut found).context("this machine gives no random numbers")?;
    Ok(hexadecimal(&found))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_as_its_hash_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = file(folder.path());
        let mut keys = Keys::read(&file).expect("there are none");
        let text = keys.add("ada", Grants::default()).expect("a key");
        keys.write(&file).expect("written");
        assert!(text.starts_with(PREFIX) && text.len() > 40);
        let kept = fs::read_to_string(&file).expect("the file");
        assert!(!kept.contains(text.trim_start_matches(PREFIX)), "{kept}");
        assert_eq!(Keys::read(&file).expect("the file"), keys);
        assert_eq!(keys.keys[0].sha256, hash(&text));
    }

    #[test]
    fn each_key_has_an_owner_of_its_own_unless_it_shares() {
        let mut keys = Keys::default();
        let shares = Grants { shares: Some("ada".to_owned()), ..Grants::default() };
        for (name, grants) in [("ada", Grants::default()), ("bob", Grants::default())] {
            keys.add(name, grants).expect("a key");
        }
        keys.add("phone", shares).expect("a key");
        let owner = |name: &str| keys.find(name).expect("it is there").owner.clone();
        assert_ne!(owner("ada"), owner("bob"));
        assert_eq!(owner("ada"), owner("phone"));
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can() {
        let mut keys = Keys::default();
        keys.add("ada", Grants::default()).expect("a key");
        let stranger = Grants { shares: Some("eve".to_owned()), ..Grants::default() };
        for (name, grants, told) in [
            ("ada", Grants::default(), "already"),
            ("", Grants::default(), "1 to 64"),
            ("a b", Grants::default(), "letters"),
            ("new", stranger, "`eve`"),
        ] {
            let error = keys.add(name, grants).expect_err("refused").to_string();
            assert!(error.contains(told), "{error}");
        }
        assert!(keys.remove("eve").is_err());
        keys.remove("ada").expect("it was there");
        assert!(keys.keys.is_empty());
    }

    #[test]
    fn a_damaged_file_is_no_file_without_keys() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = file(folder.path());
        fs::write(&file, "{").expect("written");
        assert!(Keys::read(&file).is_err());
    }
}
