//! Asking the assembly policy for a prompt.

use std::cell::RefCell;
use std::rc::Rc;

use super::degraded::{Degraded, reason};
use super::passages::Source;
use super::policies::Policies;
use super::{builtin, check};
use crate::bindings::policy::assembly::{self, Description, Plan, Request};
use crate::bindings::policy::types::Passage;
use crate::bindings::policy::versions::Hook;
use crate::http::error::ApiError;

/// The policies whose descriptions are remembered.
const DESCRIBED_MAX: usize = 16;

/// A plan, and the policy that made it.
#[derive(Debug)]
pub struct Assembled {
    /// The plan.
    pub plan: Plan,
    /// Who made it: it holds the literals that the plan refers to.
    pub policy: Rc<Description>,
}

thread_local! {
    /// The policies that were asked last, the latest last.
    static DESCRIBED: RefCell<Vec<Rc<Description>>> = const { RefCell::new(Vec::new()) };
}

/// Who the policy of this turn is. One whose description breaks a rule is replaced by the built-in
/// one, and noted.
///
/// Fails if the turn is to fail with its policy.
pub fn policy(
    policies: &Policies,
    degraded: &mut Vec<Degraded>,
) -> Result<Rc<Description>, ApiError> {
    match describe(policies) {
        Ok(described) => Ok(described),
        Err(reason) => {
            policies.failed(Hook::Assembly, reason, degraded)?;
            Ok(Rc::new(builtin::describe()))
        }
    }
}

fn describe(policies: &Policies) -> Result<Rc<Description>, String> {
    let digest = policies.digest(Hook::Assembly);
    policies.ask_about(Hook::Assembly, || {
        let known = |known: &Vec<Rc<Description>>| {
            known.iter().find(|description| description.digest == digest).cloned()
        };
        if let Some(known) = DESCRIBED.with_borrow(known) {
            return Ok(known);
        }
        let described = Rc::new(assembly::describe());
        check::description(&described)?;
        if described.digest != digest {
            return Err("another policy answered in its place".to_owned());
        }
        DESCRIBED.with_borrow_mut(|known| {
            if known.len() == DESCRIBED_MAX {
                known.remove(0);
            }
            known.push(described.clone());
        });
        Ok(described)
    })
}

/// Has the policy lay out the prompt; the built-in one does where it fails or breaks a rule.
///
/// Fails if the turn is to fail with its policy.
pub fn assemble(
    sources: &[Source],
    now: u64,
    policies: &Policies,
    degraded: &mut Vec<Degraded>,
) -> Result<Assembled, ApiError> {
    let request = request(sources, now);
    match ask(&request, sources, policies) {
        Ok(assembled) => Ok(assembled),
        Err(reason) => {
            policies.failed(Hook::Assembly, reason, degraded)?;
            let plan = builtin::assemble(&request)?;
            Ok(Assembled { plan, policy: Rc::new(builtin::describe()) })
        }
    }
}

/// The layout of one of the built-in policies, by its name.
///
/// Fails with 500 if the passages are not those of a turn.
pub fn built_in(name: &str, sources: &[Source], now: u64) -> Result<Assembled, ApiError> {
    if name == builtin::describe_classic().name {
        return classic(sources, now);
    }
    let plan = builtin::assemble(&request(sources, now))?;
    Ok(Assembled { plan, policy: Rc::new(builtin::describe()) })
}

/// The layout that every model can read: the seed's, as plain text.
///
/// Fails with 500 if the passages are not those of a turn.
pub fn classic(sources: &[Source], now: u64) -> Result<Assembled, ApiError> {
    let plan = builtin::assemble_classic(&request(sources, now))?;
    Ok(Assembled { plan, policy: Rc::new(builtin::describe_classic()) })
}

fn request(sources: &[Source], now: u64) -> Request {
    let passages: Vec<Passage> = sources.iter().map(|source| source.passage.clone()).collect();
    Request { passages, now }
}

fn ask(request: &Request, sources: &[Source], policies: &Policies) -> Result<Assembled, String> {
    let policy = describe(policies)?;
    let plan = policies.ask(Hook::Assembly, || {
        assembly::assemble(request).map_err(|error| match error {
            assembly::Error::Failed(failure) => reason(failure),
            assembly::Error::IncompleteRequest => "it finds the request incomplete".to_owned(),
        })
    })?;
    if plan.digest != policy.digest {
        return Err("another policy answered in its place".to_owned());
    }
    check::plan(&plan, sources, policy.literals.len())?;
    Ok(Assembled { plan, policy })
}
