//! Asking the assembly policy for a prompt.

use std::cell::RefCell;
use std::rc::Rc;

use super::degraded::{Degraded, reason};
use super::passages::Source;
use super::{builtin, check};
use crate::bindings::policy::assembly::{self, Description, Plan, Request};
use crate::bindings::policy::types::Passage;

/// How often a policy may be replaced between describing itself and being asked, in one turn.
const DESCRIPTIONS_MAX: usize = 4;

/// A plan, and the policy that made it.
#[derive(Debug)]
pub struct Assembled {
    /// The plan.
    pub plan: Plan,
    /// Who made it: it holds the literals that the plan refers to.
    pub policy: Rc<Description>,
}

thread_local! {
    /// The policy that was asked last. A plan bears the digest of who made it, so a policy that was
    /// replaced is noticed.
    static DESCRIBED: RefCell<Option<Rc<Description>>> = const { RefCell::new(None) };
}

/// Who the active policy is, as far as this instance knows. A policy whose description breaks a
/// rule is replaced by the built-in one, and noted.
pub fn policy(degraded: &mut Vec<Degraded>) -> Rc<Description> {
    if let Some(known) = DESCRIBED.with_borrow(Clone::clone) {
        return known;
    }
    describe().unwrap_or_else(|reason| {
        degraded.push(Degraded::new("assembly", reason));
        Rc::new(builtin::describe())
    })
}

fn describe() -> Result<Rc<Description>, String> {
    let described = Rc::new(assembly::describe());
    check::description(&described)?;
    DESCRIBED.set(Some(described.clone()));
    Ok(described)
}

/// Has the policy lay out the prompt; the built-in one does where it fails or breaks a rule.
pub fn assemble(sources: &[Source], now: u64, degraded: &mut Vec<Degraded>) -> Assembled {
    let passages: Vec<Passage> = sources.iter().map(|source| source.passage.clone()).collect();
    let request = Request { passages, now };
    ask(&request, sources).unwrap_or_else(|reason| {
        degraded.push(Degraded::new("assembly", reason));
        let plan = builtin::assemble(&request);
        Assembled { plan, policy: Rc::new(builtin::describe()) }
    })
}

/// The layout that every model can read: the seed's, as plain text.
pub fn classic(sources: &[Source], now: u64) -> Assembled {
    let passages: Vec<Passage> = sources.iter().map(|source| source.passage.clone()).collect();
    let plan = builtin::assemble_classic(&Request { passages, now });
    Assembled { plan, policy: Rc::new(builtin::describe_classic()) }
}

fn ask(request: &Request, sources: &[Source]) -> Result<Assembled, String> {
    for _ in 0..DESCRIPTIONS_MAX {
        let known = DESCRIBED.with_borrow(Clone::clone);
        let policy = known.map_or_else(describe, Ok)?;
        let plan = assembly::assemble(request).map_err(|error| match error {
            assembly::Error::Failed(failure) => reason(failure),
            assembly::Error::IncompleteRequest => "it finds the request incomplete".to_owned(),
        })?;
        if plan.digest != policy.digest {
            DESCRIBED.set(None);
            continue;
        }
        check::plan(&plan, sources, policy.literals.len())?;
        return Ok(Assembled { plan, policy });
    }
    Err("it was replaced again and again during this turn".to_owned())
}
