//! `loci:policy@0.1.0`: what policies decide, each in a slot of its own.
//!
//! Calls in the middle of a turn do not wait: such a policy takes microseconds, and the slot ends
//! it if it takes much more. What may take milliseconds hands the thread's other work to another
//! thread first. Reading and cutting a document takes longer, on a thread of its own.

mod documents;
mod interfaces;
mod rules;
mod versions;

use std::sync::Arc;

use tokio::runtime::RuntimeFlavor;
use wasmtime::Engine;
use wasmtime::component::{HasData, Linker};

use crate::bindings::policy::{
    assembly, chunking, condensation, extraction, ranking, truncation, types, versions as chosen,
};
use crate::policies::{Hook, Registry};
use crate::slot::{Grant, Interface, Policy, Refusal, Slot};
pub use documents::{Chunking, Extraction};
pub use interfaces::{Assembly, Condensation, Ranking, Truncation};
use versions::Selected;

/// The policies of the application. Cheap to clone; all clones share the slots.
#[derive(Clone)]
pub struct Ctx {
    assembly: Arc<Slot<Assembly>>,
    truncation: Arc<Slot<Truncation>>,
    ranking: Arc<Slot<Ranking>>,
    condensation: Arc<Slot<Condensation>>,
    extraction: Arc<Slot<Extraction>>,
    chunking: Arc<Slot<Chunking>>,
    /// The versions of them; none before they were read.
    registry: Option<Arc<Registry>>,
    /// What this instance has selected.
    selected: Selected,
}

/// The components to begin with.
pub struct Components<'a> {
    /// Exports `loci:policy/assembly@0.1.0`.
    pub assembly: &'a [u8],
    /// Exports `loci:policy/truncation@0.1.0`.
    pub truncation: &'a [u8],
    /// Exports `loci:policy/ranking@0.1.0`.
    pub ranking: &'a [u8],
    /// Exports `loci:policy/condensation@0.1.0`.
    pub condensation: &'a [u8],
    /// Exports `loci:policy/extraction@0.1.0`.
    pub extraction: &'a [u8],
    /// Exports `loci:policy/chunking@0.1.0`.
    pub chunking: &'a [u8],
}

impl Ctx {
    /// Fills the slots. `engine` must count fuel. Compiles: it blocks for up to seconds.
    ///
    /// # Errors
    ///
    /// Fails if a component is no policy of its interface; see [`Refusal`].
    pub fn new(
        engine: &Engine,
        components: &Components<'_>,
        grant: Grant,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            assembly: Arc::new(Slot::new(engine, components.assembly, grant)?),
            truncation: Arc::new(Slot::new(engine, components.truncation, grant)?),
            ranking: Arc::new(Slot::new(engine, components.ranking, grant)?),
            condensation: Arc::new(Slot::new(engine, components.condensation, grant)?),
            extraction: Arc::new(Slot::new(engine, components.extraction, grant)?),
            chunking: Arc::new(Slot::new(engine, components.chunking, grant)?),
            registry: None,
            selected: Selected::default(),
        })
    }

    /// The same slots, whose versions are those of this registry.
    pub fn with(self, registry: Arc<Registry>) -> Self {
        Self { registry: Some(registry), ..self }
    }

    /// The slots, each with the component that it began with.
    pub fn hooks(&self, components: &Components<'_>) -> Vec<Hook> {
        vec![
            Hook::new(Arc::clone(&self.assembly) as _, components.assembly),
            Hook::new(Arc::clone(&self.truncation) as _, components.truncation),
            Hook::new(Arc::clone(&self.ranking) as _, components.ranking),
            Hook::new(Arc::clone(&self.condensation) as _, components.condensation),
            Hook::new(Arc::clone(&self.extraction) as _, components.extraction),
            Hook::new(Arc::clone(&self.chunking) as _, components.chunking),
        ]
    }

    /// What one call borrows.
    pub fn view(&mut self) -> View<'_> {
        View { ctx: self }
    }
}

/// What one call borrows of the store.
pub struct View<'a> {
    ctx: &'a mut Ctx,
}

struct Policies;

impl HasData for Policies {
    type Data<'a> = View<'a>;
}

impl types::Host for View<'_> {}

impl assembly::Host for View<'_> {
    async fn describe(&mut self) -> wasmtime::Result<assembly::Description> {
        Ok(self.assembly().facts().clone())
    }

    async fn assemble(
        &mut self,
        request: assembly::Request,
    ) -> wasmtime::Result<Result<assembly::Plan, assembly::Error>> {
        let policy = self.assembly();
        let answer = self.count(ask(&policy, &request));
        let plan = answer.unwrap_or_else(|failure| Err(assembly::Error::Failed(failure)));
        Ok(plan.map(|plan| assembly::Plan { digest: policy.digest().to_owned(), ..plan }))
    }
}

impl truncation::Host for View<'_> {
    async fn truncate(
        &mut self,
        request: truncation::Request,
    ) -> wasmtime::Result<Result<Vec<truncation::Kept>, truncation::Error>> {
        let policy = self.truncation();
        let answer = self.count(ask(&policy, &request));
        Ok(answer.unwrap_or_else(|failure| Err(truncation::Error::Failed(failure))))
    }
}

impl ranking::Host for View<'_> {
    async fn rank(
        &mut self,
        request: ranking::Request,
    ) -> wasmtime::Result<Result<Vec<ranking::Choice>, ranking::Error>> {
        let policy = self.ranking();
        let answer = self.count(ask(&policy, &request));
        Ok(answer.unwrap_or_else(|failure| Err(ranking::Error::Failed(failure))))
    }
}

impl condensation::Host for View<'_> {
    async fn condense(
        &mut self,
        request: condensation::Request,
    ) -> wasmtime::Result<Result<Vec<Vec<types::Span>>, condensation::Error>> {
        let policy = self.condensation();
        let answer = self.count(ask(&policy, &request));
        Ok(answer.unwrap_or_else(|failure| Err(condensation::Error::Failed(failure))))
    }
}

/// Asks a policy. Whoever else is served by this thread does not wait for a call that may be long.
fn ask<I: Interface>(
    policy: &Policy<I>,
    request: &I::Request,
) -> (Result<I::Answer, types::Failure>, u64) {
    let may_step_aside = || {
        let runtime = tokio::runtime::Handle::try_current();
        runtime.is_ok_and(|it| it.runtime_flavor() == RuntimeFlavor::MultiThread)
    };
    match policy.may_be_long(request) && may_step_aside() {
        true => tokio::task::block_in_place(|| policy.measured_call(request)),
        false => policy.measured_call(request),
    }
}

/// Gives a component the policies.
///
/// # Errors
///
/// Fails if the linker has one of the interfaces already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_>,
) -> wasmtime::Result<()> {
    types::add_to_linker::<T, Policies>(linker, view)?;
    chosen::add_to_linker::<T, Policies>(linker, view)?;
    assembly::add_to_linker::<T, Policies>(linker, view)?;
    truncation::add_to_linker::<T, Policies>(linker, view)?;
    ranking::add_to_linker::<T, Policies>(linker, view)?;
    condensation::add_to_linker::<T, Policies>(linker, view)?;
    extraction::add_to_linker::<T, Policies>(linker, view)?;
    chunking::add_to_linker::<T, Policies>(linker, view)
}
