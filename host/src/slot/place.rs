//! A slot without its interface: what a list of all policies needs of it.

use std::sync::Arc;

use super::{Allowance, Fuel, Interface, Policy, Refusal, Slot, digest};

/// What is known of a policy that was loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The sha256 of the component, in lower-case hexadecimal.
    pub digest: String,
    /// What it calls itself, if its interface has a word for that.
    pub name: Option<String>,
}

/// A slot, whatever its interface is.
pub trait Place: Send + Sync {
    /// The interface, as it is exported.
    fn interface(&self) -> &'static str;

    /// What one call may take.
    fn allowance(&self) -> Allowance;

    /// The policy that is in use.
    fn current(&self) -> Told;

    /// Compiles a component, links it and tries it. It can be put in use at once then. Blocks for
    /// up to seconds, and calls go on meanwhile.
    ///
    /// # Errors
    ///
    /// Fails if the component is no policy of this interface.
    fn prepare(&self, bytes: &[u8]) -> Result<Told, Refusal>;

    /// As [`Place::prepare`], but from the component anew; where it is the one in use, what was
    /// loaded takes its place. Blocks for up to seconds.
    ///
    /// # Errors
    ///
    /// Fails if the component is no policy of this interface.
    fn renew(&self, bytes: &[u8]) -> Result<Told, Refusal>;

    /// Says what fuel is enough for a policy that was prepared: a call gets no more of it. It is
    /// said once.
    fn suffices(&self, digest: &str, enough: Fuel);

    /// Puts one of the policies that were prepared last in use. Returns whether it is there.
    fn put(&self, digest: &str) -> bool;
}

impl<I: Interface> Place for Slot<I> {
    fn interface(&self) -> &'static str {
        I::NAME
    }

    fn allowance(&self) -> Allowance {
        self.allowance
    }

    fn current(&self) -> Told {
        Slot::current(self).told()
    }

    fn prepare(&self, bytes: &[u8]) -> Result<Told, Refusal> {
        let policy = match self.find(&digest(bytes)) {
            Some(policy) => policy,
            None => Arc::new(Policy::load(&self.engine, bytes, &self.allowance)?),
        };
        let told = policy.told();
        self.keep(policy);
        Ok(told)
    }

    fn renew(&self, bytes: &[u8]) -> Result<Told, Refusal> {
        let policy = Arc::new(Policy::load(&self.engine, bytes, &self.allowance)?);
        let told = policy.told();
        self.keep(Arc::clone(&policy));
        // Somebody may have put another in use by now.
        self.current.rcu(|current| match current.digest == policy.digest {
            true => Arc::clone(&policy),
            false => Arc::clone(current),
        });
        Ok(told)
    }

    fn suffices(&self, digest: &str, enough: Fuel) {
        if let Some(policy) = self.find(digest) {
            policy.enough.get_or_init(|| enough);
        }
    }

    fn put(&self, digest: &str) -> bool {
        let Some(policy) = self.find(digest) else { return false };
        self.current.store(policy);
        true
    }
}
