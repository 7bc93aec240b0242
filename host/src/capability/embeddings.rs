//! `loci:inference/embeddings@0.1.0`: texts to vectors, by whatever model embeds here. A capability
//! apart from the chat model's, so that an embedding never waits for a chat.

#[cfg(test)]
mod tests;
mod warm;

use std::sync::Arc;

use wasmtime::component::{Accessor, HasData, Linker};

use crate::bindings::inference::embeddings::{self, EmbeddingModel, Purpose};
use crate::bindings::inference::types;
use crate::model::{self, Embedder};
pub use warm::StaticEmbedder;

/// Texts in one call of `embed`.
pub const TEXTS_MAX: usize = 256;
/// Texts in one call of `count`.
const COUNTED_TEXTS_MAX: usize = 1_024;
/// The length of one text, in bytes.
pub const TEXT_BYTES_MAX: usize = 65_536;

/// The embedding model that a component may use. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    embedder: Arc<dyn Embedder>,
}

impl Ctx {
    /// Grants the use of `embedder`.
    pub fn new(embedder: Arc<dyn Embedder>) -> Self {
        Self { embedder }
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

struct Embeddings;

impl HasData for Embeddings {
    type Data<'a> = View<'a>;
}

fn embedder_of<T>(accessor: &Accessor<T, Embeddings>) -> Arc<dyn Embedder> {
    accessor.with(|mut access| Arc::clone(&access.get().ctx.embedder))
}

impl embeddings::Host for View<'_> {}

impl<T: Send> embeddings::HostWithStore<T> for Embeddings {
    async fn describe(
        accessor: &Accessor<T, Self>,
    ) -> wasmtime::Result<Result<EmbeddingModel, types::Error>> {
        let model = embedder_of(accessor).describe().map_err(types::Error::from);
        Ok(model.map(|model| EmbeddingModel {
            name: model.name,
            digest: model.digest,
            dimensions: model.dimensions,
            tokens_max: model.tokens_max,
        }))
    }

    async fn embed(
        accessor: &Accessor<T, Self>,
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
        Ok(embedder_of(accessor).embed(texts, purpose).await.map_err(types::Error::from))
    }

    async fn count(
        accessor: &Accessor<T, Self>,
        texts: Vec<String>,
    ) -> wasmtime::Result<Result<Vec<u32>, types::Error>> {
        let too_long = |text: &String| text.len() > TEXT_BYTES_MAX;
        if texts.len() > COUNTED_TEXTS_MAX || texts.iter().any(too_long) {
            return Ok(Err(types::Error::InvalidRequest));
        }
        Ok(embedder_of(accessor).count(texts).await.map_err(types::Error::from))
    }
}

/// Gives a component the embedding model. Its errors are those of `loci:inference/types`, which the
/// capability of the chat model adds.
///
/// # Errors
///
/// Fails if the linker has the interface already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_>,
) -> wasmtime::Result<()> {
    embeddings::add_to_linker::<T, Embeddings>(linker, view)
}
