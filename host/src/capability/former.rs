//! `loci:inference/former-embeddings@0.1.0`: embedding with models other than the active one, so
//! that the index of one of them can be read until the active one's is complete.

use std::sync::Arc;

use wasmtime::component::{Accessor, HasData, Linker};

use crate::bindings::inference::former_embeddings::{self, FormerModel};
use crate::bindings::inference::types::{self, Purpose};
use crate::capability::embeddings::{TEXT_BYTES_MAX, TEXTS_MAX};
use crate::model::{self, Embedder};

/// The models that a component may embed with besides the active one. Cheap to clone.
#[derive(Clone, Default)]
pub struct Ctx {
    embedders: Arc<[Arc<dyn Embedder>]>,
}

impl Ctx {
    /// Grants the use of `embedders`.
    pub fn new(embedders: impl IntoIterator<Item = Arc<dyn Embedder>>) -> Self {
        Self { embedders: embedders.into_iter().collect() }
    }

    /// What one call borrows.
    pub fn view(&mut self) -> View<'_> {
        View { ctx: self }
    }
}

/// What one call borrows of the store.
pub struct View<'a> {
    ctx: &'a Ctx,
}

struct Former;

impl HasData for Former {
    type Data<'a> = View<'a>;
}

fn embedders_of<T>(accessor: &Accessor<T, Former>) -> Arc<[Arc<dyn Embedder>]> {
    accessor.with(|mut access| Arc::clone(&access.get().ctx.embedders))
}

impl former_embeddings::Host for View<'_> {}

impl<T: Send> former_embeddings::HostWithStore<T> for Former {
    async fn former_models(accessor: &Accessor<T, Self>) -> wasmtime::Result<Vec<FormerModel>> {
        let embedders = embedders_of(accessor);
        // One that is still being loaded, or cannot be, is not there.
        let models = embedders.iter().filter_map(|embedder| embedder.describe().ok());
        let model = |it: model::EmbeddingModel| FormerModel {
            name: it.name,
            digest: it.digest,
            dimensions: it.dimensions,
        };
        Ok(models.map(model).collect())
    }

    async fn embed_with(
        accessor: &Accessor<T, Self>,
        digest: String,
        texts: Vec<String>,
        purpose: Purpose,
    ) -> wasmtime::Result<Result<Vec<Vec<f32>>, types::Error>> {
        if texts.len() > TEXTS_MAX || texts.iter().any(|text| text.len() > TEXT_BYTES_MAX) {
            return Ok(Err(types::Error::InvalidRequest));
        }
        let purpose = match purpose {
            Purpose::Passage => model::Purpose::Passage,
            Purpose::Query => model::Purpose::Query,
        };
        let embedders = embedders_of(accessor);
        let has_it =
            |embedder: &&Arc<dyn Embedder>| embedder.describe().is_ok_and(|it| it.digest == digest);
        match embedders.iter().find(has_it) {
            Some(embedder) => Ok(embedder.embed(texts, purpose).await.map_err(types::Error::from)),
            None => Ok(Err(types::Error::NoModel)),
        }
    }
}

/// Gives a component the former models. The errors are those of `loci:inference/types`, which the
/// capability of the chat model adds.
///
/// # Errors
///
/// Fails if the linker has the interface already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_>,
) -> wasmtime::Result<()> {
    former_embeddings::add_to_linker::<T, Former>(linker, view)
}
