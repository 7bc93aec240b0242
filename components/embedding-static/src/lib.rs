//! Embeds texts with a static table of token vectors.
//!
//! `table` is the file that ships, `model` what is done with it. How the table was made stands in
//! `models/embedding-static`.

mod model;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod seeds;
mod table;

pub use bindings::exports::loci::inference::{embeddings, types};
pub use model::{Model, TEXT_BYTES_MAX, TEXTS_MAX};

/// The types of the world, which the model speaks in, natively too.
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/inference",
        world: "text-embedding",
        // Nothing here waits for anything: a caller that waits gets its answer at once.
        async: ["-all"],
        additional_derives: [PartialEq],
        pub_export_macro: true,
        // What links this crate natively, or as a library, must not inherit its world.
        disable_custom_section_link_helpers: true,
    });
}

/// The component. The model is set up at its first use and lives as long as the instance.
#[cfg(all(target_family = "wasm", target_os = "unknown", feature = "component"))]
mod component {
    use super::embeddings::{EmbeddingModel, Guest, Purpose};
    use super::types::Error;
    use super::{Model, bindings};

    thread_local! {
        static MODEL: Model = Model::bundled();
    }

    struct Embeddings;

    impl Guest for Embeddings {
        fn describe() -> Result<EmbeddingModel, Error> {
            Ok(Model::describe_bundled())
        }

        fn embed(texts: Vec<String>, _purpose: Purpose) -> Result<Vec<Vec<f32>>, Error> {
            MODEL.with(|model| model.embed(&texts))
        }

        fn count(texts: Vec<String>) -> Result<Vec<u32>, Error> {
            MODEL.with(|model| model.count(&texts))
        }
    }

    bindings::export!(Embeddings with_types_in bindings);
}
