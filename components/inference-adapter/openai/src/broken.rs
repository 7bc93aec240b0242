//! What can be wrong with an answer that began well.

use std::fmt;

/// Why an answer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// An event is longer than 1,048,576 bytes.
    TooLong,
    /// An event is not UTF-8.
    NotUtf8,
    /// An event is not what the interface says: how, without anything that stands in it.
    Unreadable(String),
    /// The server says that it failed: its code for that, if it has one.
    Failed(Option<String>),
    /// The stream ended before the answer did.
    Off,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "it sent an event of more than 1048576 bytes"),
            Self::NotUtf8 => write!(f, "it sent an event that is not UTF-8"),
            Self::Unreadable(how) => write!(f, "it sent an event that cannot be read: {how}"),
            Self::Failed(Some(code)) => write!(f, "it failed in mid-answer with `{code}`"),
            Self::Failed(None) => write!(f, "it failed in mid-answer, without a code"),
            Self::Off => write!(f, "it broke off in mid-answer"),
        }
    }
}
