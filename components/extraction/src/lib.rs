//! Reads the text out of files.
//!
//! `extract` tells what a file is and has it read; each format stands in a file of its own.

mod builder;
mod code;
mod decode;
mod docx;
mod extract;
mod html;
mod json;
mod markdown;
mod pdf;
mod plain;
mod rows;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod seeds;

pub use bindings::exports::loci::policy::{extraction, types};
pub use extract::extract;

/// The types of the world, which the decision speaks in, natively too.
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/policy",
        world: "text-extraction",
        // Nothing here waits for anything: a caller that waits gets its answer at once.
        async: ["-all"],
        additional_derives: [PartialEq],
        pub_export_macro: true,
        // What links this crate natively, or as a library, must not inherit its world.
        disable_custom_section_link_helpers: true,
    });
}

/// The component. Not for `wasm32-wasip2`: there this crate is a library within another component,
/// which must not export what this one does.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod component {
    use super::{bindings, extraction};

    struct Policy;

    impl extraction::Guest for Policy {
        fn extract(file: Vec<u8>) -> Result<extraction::Extracted, extraction::Error> {
            super::extract(&file)
        }
    }

    bindings::export!(Policy with_types_in bindings);
}
