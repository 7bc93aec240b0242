//! Where a model is, what it is called there, and the key that opens the door.

use std::fmt;
use std::time::Duration;

use openai_wire::Base;
use reqwest::header::HeaderValue;

/// What stands in a text where a key stood.
const HIDDEN: &str = "[key]";
/// Keys shorter than this are not looked for in texts: they would be found everywhere.
const KEY_BYTES_TELLING: usize = 4;

/// A model on an OpenAI-compatible server.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Where the server is.
    pub base: Base,
    /// The name that it knows the model by.
    pub model: String,
    /// The key that it wants to see.
    pub key: Key,
    /// How long it may be silent: before its answer begins, and between two parts of it.
    pub silence: Duration,
}

/// A secret, or none. It is shown to the server and to nobody else.
#[derive(Clone, Default)]
pub struct Key(String);

impl Key {
    /// A key; an empty one is none. None if it has characters that no header can carry.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_visible = text.chars().all(|character| ('!'..='~').contains(&character));
        is_visible.then(|| Self(text.to_owned()))
    }

    /// The value of the header `authorization`, if there is a key.
    pub fn header(&self) -> Option<HeaderValue> {
        if self.0.is_empty() {
            return None;
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// A text without the key: servers repeat it in their errors.
    pub fn hide(&self, text: String) -> String {
        if self.0.len() < KEY_BYTES_TELLING { text } else { text.replace(&self.0, HIDDEN) }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { HIDDEN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let key = Key::new(" sk-secret\n").expect("it is a key");
        assert_eq!(format!("{key:?}"), "[key]");
        assert_eq!(key.hide("`sk-secret` is wrong".into()), "`[key]` is wrong");
        let header = key.header().expect("there is a key");
        assert_eq!(header.to_str().ok(), Some("Bearer sk-secret"));
        assert!(!format!("{header:?}").contains("secret"));
    }

    #[test]
    fn no_key_is_no_header_and_a_key_has_no_control_characters() {
        assert!(Key::new("").expect("none is fine").header().is_none());
        assert!(Key::new("a\nb").is_none() && Key::new("ü").is_none());
    }
}
