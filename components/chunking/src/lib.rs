//! Cuts documents into passages.

mod cut;
mod lengths;
mod units;

pub use bindings::exports::loci::policy::{chunking, types};
pub use cut::cut;

/// The types of the world, which the decision speaks in, natively too.
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/policy",
        world: "document-chunking",
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
    use super::{bindings, chunking};

    struct Policy;

    impl chunking::Guest for Policy {
        fn cut(request: chunking::Request) -> Result<Vec<chunking::Chunk>, chunking::Error> {
            super::cut(&request)
        }
    }

    bindings::export!(Policy with_types_in bindings);
}
