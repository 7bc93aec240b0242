//! Hot swap: compile, link, try, replace one pointer. The only place that replaces a component.
//!
//! A slot holds one policy. Each call runs in a fresh store, with so many instructions, so much
//! memory and so much time, and nothing that it could reach: its linker is empty, or has a WASI
//! that is deaf and blind. A call ends with the policy that it began with, whatever is loaded in
//! the meantime.

mod deaf;
mod limits;
mod linked;
mod outside;
mod place;
pub mod refusal;
mod size;

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wasmtime::component::{Component, ComponentExportIndex, ComponentNamedList};
use wasmtime::component::{Instance, Lift, Lower, TypedFunc};
use wasmtime::{Engine, Store};

use crate::bindings::policy::types::Failure;
use crate::engine::POLICY_STACK_BYTES;
use limits::{Limits, failure};
use linked::Pre;
pub use linked::{Linked, exports};
pub use place::{Place, Told};
pub use refusal::Refusal;
pub use size::{Grant, Size};

/// What a policy may be, and what one call of it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The component, in bytes.
    pub component_bytes: usize,
    /// Units of fuel (about one for each instruction). Fuel is the same on every machine, so it is
    /// what ends a call; the rest is there for what fuel does not see.
    pub fuel: u64,
    /// Units of fuel for each byte of the request, besides.
    pub fuel_per_byte: u64,
    /// Time, in ticks of the epoch (10 ms each).
    pub ticks: u64,
    /// Linear memory, in bytes.
    pub memory_bytes: usize,
    /// The bytes of the stack; one number for all policies, since the engine has it.
    pub stack_bytes: usize,
    /// What a request may have, in bytes, as [`Interface::measure`] counts them.
    pub request_bytes: usize,
    /// What an answer may take in the host's memory, in bytes. A list in a guest's memory can be
    /// much smaller than what it stands for, since its elements may all lie in the same place.
    pub answer_bytes: usize,
    /// The elements of one table.
    pub table_elements: usize,
    /// The core instances that it may consist of, and their tables. A component that brings the
    /// engine of another language has dozens.
    pub core_instances: usize,
    /// See `core_instances`.
    pub tables: usize,
    /// Whether somebody waits for the answer in a turn; then settings may say otherwise.
    pub is_of_a_turn: bool,
}

/// The fuel of a call, where a policy has limits of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Fuel {
    /// See [`Allowance::fuel`].
    pub fuel: u64,
    /// See [`Allowance::fuel_per_byte`].
    pub fuel_per_byte: u64,
}

/// What a decision in the middle of a turn may take: it is over in microseconds as a rule.
pub const OF_A_TURN: Allowance = Allowance {
    component_bytes: 8 << 20,
    fuel: 50_000_000,
    fuel_per_byte: 200,
    ticks: 200,
    memory_bytes: 64 << 20,
    stack_bytes: POLICY_STACK_BYTES,
    request_bytes: 32 << 20,
    answer_bytes: 1 << 20,
    table_elements: 10_000,
    core_instances: 8,
    tables: 4,
    is_of_a_turn: true,
};

/// What a call uses in a few milliseconds, at most.
pub const SHORT_FUEL: u64 = 5_000_000;

/// The size of a request that is read in a few milliseconds, in bytes.
const SHORT_REQUEST_BYTES: usize = 256 << 10;

/// The largest policy, in bytes, wherever policies may be large.
pub const POLICY_BYTES_MAX: usize = 32 << 20;

/// The policies that a slot keeps compiled, the one in use among them.
const KEPT_MAX: usize = 8;

/// An interface that policies implement: what a slot must know of it.
///
/// The types are those that `bindgen!` makes for the api's *import*. They are structural, so the
/// export takes and returns them unchanged.
pub trait Interface: Send + Sync + Sized + 'static {
    /// The interface, as it is exported.
    const NAME: &'static str;
    /// The function that decides.
    const FUNCTION: &'static str;
    /// What one call may take.
    const ALLOWANCE: Allowance = OF_A_TURN;
    /// What the function takes.
    type Request: Lower + Send + Sync + 'static;
    /// What the function returns.
    type Answer: Lift + Send + Sync + 'static;
    /// What a policy tells about itself once.
    type Facts: Send + Sync + 'static;

    /// What people call a policy that told this about itself.
    fn name(_facts: &Self::Facts) -> Option<&str> {
        None
    }

    /// Asks a policy about itself, through `probe`.
    fn describe(probe: &Probe<'_, Self>) -> Result<Self::Facts, Refusal>;

    /// The size of a request in bytes.
    ///
    /// # Errors
    ///
    /// Fails with `request-too-large` if it is larger than the interface allows.
    fn measure(request: &Self::Request) -> Result<usize, Failure>;

    /// Checks an answer against the rules of the interface.
    ///
    /// # Errors
    ///
    /// Fails with the rule that is broken.
    fn check(
        facts: &Self::Facts,
        request: &Self::Request,
        answer: &Self::Answer,
    ) -> Result<(), &'static str>;

    /// Requests that every policy can answer, to try one with before it is used.
    fn trials() -> Vec<Self::Request>;
}

/// The place of one policy, which can be replaced while it is in use.
pub struct Slot<I: Interface> {
    engine: Engine,
    allowance: Allowance,
    current: ArcSwap<Policy<I>>,
    /// Those that were loaded last, the latest first.
    kept: Mutex<Vec<Arc<Policy<I>>>>,
}

impl<I: Interface> Slot<I> {
    /// Makes a slot that holds this component. Compiles: it blocks for up to seconds.
    ///
    /// # Errors
    ///
    /// Fails if the component is no policy of this interface; see [`Refusal`].
    pub fn new(engine: &Engine, bytes: &[u8], grant: Grant) -> Result<Self, Refusal> {
        let allowance = grant.of(I::ALLOWANCE);
        let policy = Arc::new(Policy::load(engine, bytes, &allowance)?);
        let current = ArcSwap::new(Arc::clone(&policy));
        Ok(Self { engine: engine.clone(), allowance, current, kept: Mutex::new(vec![policy]) })
    }

    /// The policy of this moment. Whoever holds it can call it, even after it was replaced.
    pub fn current(&self) -> Arc<Policy<I>> {
        self.current.load_full()
    }

    fn keep(&self, policy: Arc<Policy<I>>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| other.digest != policy.digest);
        kept.insert(0, policy);
        kept.truncate(KEPT_MAX);
    }

    /// The policy that is in use, or one of those that were loaded last, by its digest.
    pub fn find(&self, digest: &str) -> Option<Arc<Policy<I>>> {
        let current = self.current();
        if current.digest == digest {
            return Some(current);
        }
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|policy| policy.digest == digest).cloned()
    }
}

/// A policy that was compiled, linked and tried.
pub struct Policy<I: Interface> {
    digest: String,
    facts: I::Facts,
    pre: Pre,
    function: ComponentExportIndex,
    allowance: Allowance,
    /// The fuel that is enough for it, once somebody has measured that.
    enough: OnceLock<Fuel>,
}

/// A call that has ended, and what it took.
pub struct Call<A> {
    /// The answer, or why there is none.
    pub answer: Result<A, Ended>,
    /// Units of fuel.
    pub fuel: u64,
    /// The size of the request in bytes, as the allowance of fuel counts it.
    pub request_bytes: usize,
    /// Linear memory at its largest, in bytes.
    pub memory_bytes: usize,
}

/// Why a call has no answer that is of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was ended, or never begun.
    Failed(Failure),
    /// Its answer breaks this rule.
    Broke(&'static str),
}

impl From<Ended> for Failure {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Failed(failure) => failure,
            Ended::Broke(_) => Self::InvalidAnswer,
        }
    }
}

impl<I: Interface> Policy<I> {
    /// The sha256 of the component, in lower-case hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    fn told(&self) -> Told {
        Told { digest: self.digest.clone(), name: I::name(&self.facts).map(str::to_owned) }
    }

    /// What it told about itself.
    pub fn facts(&self) -> &I::Facts {
        &self.facts
    }

    /// What one call may take.
    pub fn allowance(&self) -> Allowance {
        match self.enough.get() {
            None => self.allowance,
            Some(enough) => Allowance {
                fuel: enough.fuel.min(self.allowance.fuel),
                fuel_per_byte: enough.fuel_per_byte.min(self.allowance.fuel_per_byte),
                ..self.allowance
            },
        }
    }

    /// Whether a call may take more than a few milliseconds: it was seen to need more fuel than
    /// that, or the request is so large.
    pub fn may_be_long(&self, request: &I::Request) -> bool {
        self.enough.get().is_some_and(|enough| enough.fuel > SHORT_FUEL)
            || I::measure(request).is_ok_and(|bytes| bytes > SHORT_REQUEST_BYTES)
    }

    /// Asks the policy, in a store of its own. Blocks for as long as the policy computes.
    ///
    /// # Errors
    ///
    /// Fails as the cases of `failure` say.
    pub fn call(&self, request: &I::Request) -> Result<I::Answer, Failure> {
        self.call_measured(request).answer.map_err(Failure::from)
    }

    /// As [`Policy::call`], with the units of fuel that it took.
    pub fn measured_call(&self, request: &I::Request) -> (Result<I::Answer, Failure>, u64) {
        let call = self.call_measured(request);
        (call.answer.map_err(Failure::from), call.fuel)
    }

    /// Asks the policy, and tells what it took. Blocks as [`Self::call`] does.
    pub fn call_measured(&self, request: &I::Request) -> Call<I::Answer> {
        let allowance = self.allowance();
        let request_bytes = match I::measure(request) {
            Ok(bytes) if bytes <= allowance.request_bytes => bytes,
            Ok(_) | Err(_) => {
                let answer = Err(Ended::Failed(Failure::RequestTooLarge));
                return Call { answer, fuel: 0, request_bytes: 0, memory_bytes: 0 };
            }
        };
        let (answer, spent) = run::<_, (I::Answer,)>(
            &self.pre,
            &self.function,
            (request,),
            request_bytes,
            &allowance,
        );
        let answer = match answer {
            Err(failure) => Err(Ended::Failed(failure)),
            Ok((answer,)) => match I::check(&self.facts, request, &answer) {
                Err(rule) => Err(Ended::Broke(rule)),
                Ok(()) => Ok(answer),
            },
        };
        Call { answer, fuel: spent.fuel, request_bytes, memory_bytes: spent.memory_bytes }
    }

    /// Compiles, links and tries a component, within this allowance. Blocks for up to seconds.
    ///
    /// # Errors
    ///
    /// Fails if it is no policy of this interface; see [`Refusal`].
    pub fn load(engine: &Engine, bytes: &[u8], allowance: &Allowance) -> Result<Self, Refusal> {
        let linked = Linked::new(engine, bytes, allowance.component_bytes)?;
        let policy = Self::open(&linked, allowance)?;
        for (index, request) in I::trials().iter().enumerate() {
            let answer = policy.call_measured(request).answer;
            let limits = |ended: Ended| refusal::limits(ended.into(), allowance);
            answer.map_err(|ended| Refusal::Trial { index, ended, limits: limits(ended) })?;
        }
        Ok(policy)
    }

    /// Asks a component about itself, but nothing else.
    ///
    /// # Errors
    ///
    /// Fails as [`Self::load`] does, but with no [`Refusal::Trial`].
    pub fn open(linked: &Linked, allowance: &Allowance) -> Result<Self, Refusal> {
        let (digest, pre) = (linked.digest().to_owned(), linked.pre().clone());
        let interface = find_interface::<I>(&linked.exports(), pre.component())?;
        let of = PhantomData;
        let probe = Probe { pre: &pre, interface: &interface, digest: &digest, allowance, of };
        let facts = I::describe(&probe)?;
        let function = probe.function::<(&I::Request,), (I::Answer,)>(I::FUNCTION)?;
        let enough = OnceLock::new();
        Ok(Self { digest, facts, pre, function, allowance: *allowance, enough })
    }
}

/// The sha256 of a component, in lower-case hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A policy that is being loaded.
pub struct Probe<'a, I> {
    pre: &'a Pre,
    interface: &'a ComponentExportIndex,
    digest: &'a String,
    allowance: &'a Allowance,
    of: PhantomData<fn() -> I>,
}

impl<I: Interface> Probe<'_, I> {
    /// The sha256 of the component, in lower-case hexadecimal.
    pub fn digest(&self) -> &str {
        self.digest
    }

    /// Calls a function without parameters.
    ///
    /// # Errors
    ///
    /// Fails if the policy does not export it with this type, or if the call fails.
    pub fn ask<R>(&self, name: &'static str) -> Result<R, Refusal>
    where
        R: Lift + Send + Sync + 'static,
    {
        let function = self.function::<(), (R,)>(name)?;
        let (answer, _) = run::<(), (R,)>(self.pre, &function, (), 0, self.allowance);
        answer.map(|(answer,)| answer).map_err(|failure| Refusal::Describe {
            function: name,
            failure,
            limits: refusal::limits(failure, self.allowance),
        })
    }

    /// Finds a function that has these parameters and results.
    fn function<P, R>(&self, name: &'static str) -> Result<ComponentExportIndex, Refusal>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let missing = || Refusal::NoFunction { interface: I::NAME, function: name };
        let component = self.pre.component();
        let index = component.get_export_index(Some(self.interface), name).ok_or_else(missing)?;
        let mut store = store(self.pre.engine(), 0, self.allowance);
        let instance = start(&mut store, self.pre).map_err(|failure| {
            let limits = refusal::limits(failure, self.allowance);
            Refusal::Start { failure, limits }
        })?;
        match instance.get_typed_func::<P, R>(&mut store, &index) {
            Ok(_) => Ok(index),
            Err(error) => Err(Refusal::WrongType {
                interface: I::NAME,
                function: name,
                cause: format!("{error:#}"),
            }),
        }
    }
}

fn find_interface<I: Interface>(
    exports: &[String],
    component: &Component,
) -> Result<ComponentExportIndex, Refusal> {
    component
        .get_export_index(None, I::NAME)
        .ok_or_else(|| Refusal::NoInterface { interface: I::NAME, exports: exports.to_vec() })
}

/// What a call took.
struct Spent {
    fuel: u64,
    memory_bytes: usize,
}

/// Calls a function in a store of its own.
fn run<P, R>(
    pre: &Pre,
    function: &ComponentExportIndex,
    params: P,
    request_bytes: usize,
    allowance: &Allowance,
) -> (Result<R, Failure>, Spent)
where
    P: ComponentNamedList + Lower + Send + Sync,
    R: ComponentNamedList + Lift + Send + Sync + 'static,
{
    let mut store = store(pre.engine(), request_bytes, allowance);
    let granted = store.get_fuel().unwrap_or(0);
    let answer = start(&mut store, pre).and_then(|instance| {
        let function: TypedFunc<P, R> = instance
            .get_typed_func(&mut store, function)
            .expect("the function's type was checked when the policy was loaded");
        pre.call(&mut store, &function, params).map_err(|error| failure(&error, store.data()))
    });
    let fuel = granted - store.get_fuel().unwrap_or(0);
    (answer, Spent { fuel, memory_bytes: store.data().largest_bytes() })
}

fn start(store: &mut Store<Limits>, pre: &Pre) -> Result<Instance, Failure> {
    pre.start(store).map_err(|error| match failure(&error, store.data()) {
        // It consists of more than one call may hold.
        Failure::InvalidAnswer => Failure::OutOfMemory,
        failure => failure,
    })
}

/// A store for one call with a request of this size.
fn store(engine: &Engine, request_bytes: usize, allowance: &Allowance) -> Store<Limits> {
    let limits = Limits::new(allowance);
    let mut store = Store::new(engine, limits);
    store.limiter(|limits| limits);
    store.set_epoch_deadline(allowance.ticks);
    store.set_hostcall_fuel(allowance.answer_bytes);
    let bytes = u64::try_from(request_bytes).unwrap_or(u64::MAX);
    let fuel = allowance.fuel.saturating_add(allowance.fuel_per_byte.saturating_mul(bytes));
    store.set_fuel(fuel).expect("the engine of policies counts fuel");
    store
}

#[cfg(test)]
mod tests;
