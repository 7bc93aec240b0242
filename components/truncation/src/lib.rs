//! Decides what is cut so that the prompt fits.

mod truncate;

pub use bindings::exports::loci::policy::{truncation, types};
pub use truncate::truncate;

/// The types of the world, which the decision speaks in, natively too.
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/policy",
        world: "prompt-truncation",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        // What links this crate natively, or as a library, must not inherit its world.
        disable_custom_section_link_helpers: true,
    });
}

/// The component. Not for `wasm32-wasip2`: there this crate is a library within another component,
/// which must not export what this one does.
#[cfg(all(target_family = "wasm", target_os = "unknown", feature = "component"))]
mod component {
    use super::{bindings, truncation};

    struct Policy;

    impl truncation::Guest for Policy {
        fn truncate(
            request: truncation::Request,
        ) -> Result<Vec<truncation::Kept>, truncation::Error> {
            super::truncate(&request)
        }
    }

    bindings::export!(Policy with_types_in bindings);
}
