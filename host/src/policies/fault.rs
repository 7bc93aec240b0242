//! Why something could not be done with a policy.

use std::fmt;

use super::{DIGEST_CHARS_MIN, POLICIES_MAX};
use crate::kit::Report;
use crate::slot::Refusal;

/// Why something could not be done with a policy. Whoever asked for it reads this.
#[derive(Debug)]
pub enum Fault {
    /// The component is no policy.
    Refused(Refusal),
    /// The component implements none of these interfaces, or several, but exports those.
    NotOneInterface { known: Vec<&'static str>, exports: Vec<String> },
    /// The component does not keep the contract of its interface.
    BreaksContract(Box<Report>),
    /// There is no policy with this digest.
    NotFound(String),
    /// Several digests begin so.
    Ambiguous(String),
    /// There is no hook of this name, but these.
    NoHook { asked: String, known: Vec<&'static str> },
    /// Nothing was in use for this hook before.
    NothingBefore(&'static str),
    /// The policy with this digest is in use, or comes with the application.
    InUse(String),
    /// The policy with this digest has no share of the sessions.
    NoCanary(String),
    /// This hook has one policy for all turns.
    NotChosen(&'static str),
    /// The policy with this digest missed a threshold, for this reason.
    Missed { digest: String, cause: String },
    /// The shelf is full.
    TooMany,
    /// Something of ours failed.
    Broken(anyhow::Error),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::NotOneInterface { known, exports } => {
                let what = if exports.is_empty() { "nothing".to_owned() } else { list(exports) };
                write!(f, "a policy exports one of {}, and this one exports {what}", list(known))
            }
            Self::BreaksContract(report) => write!(
                f,
                "the policy does not keep its contract: {}; `loci policy check FILE` tells all",
                report.summary()
            ),
            Self::NotFound(digest) => write!(
                f,
                "no policy has the digest `{}`: at least the first {DIGEST_CHARS_MIN} characters \
                 of it name one",
                shown(digest)
            ),
            Self::Ambiguous(digest) => {
                write!(f, "several policies have a digest that begins with `{}`", shown(digest))
            }
            Self::NoHook { asked, known } => {
                write!(f, "there is no hook `{}`, but {}", shown(asked), list(known))
            }
            Self::NothingBefore(hook) => {
                write!(f, "there is nothing to go back to: no policy for `{hook}` was replaced")
            }
            Self::InUse(digest) => write!(
                f,
                "the policy `{digest}` is in use or comes with the application, and stays"
            ),
            Self::NoCanary(digest) => {
                write!(f, "the policy `{digest}` has no share of the sessions that could end")
            }
            Self::NotChosen(hook) => write!(
                f,
                "`{hook}` has one policy for all turns; only {} can be chosen turn by turn",
                list(&super::rollout::CHOSEN)
            ),
            Self::Missed { digest, cause } => {
                write!(f, "the policy `{digest}` was not put in use: {cause}")
            }
            Self::TooMany => write!(
                f,
                "there are {POLICIES_MAX} policies already, and no more are kept: remove one"
            ),
            Self::Broken(error) => write!(f, "{error:#}"),
        }
    }
}

fn list(names: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    quoted.join(", ")
}

fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}
