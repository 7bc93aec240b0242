//! Shortens what was recalled to what matters for the query.

mod condense;
mod eight;
mod split;
mod stem;
mod words;

pub use bindings::exports::loci::policy::{condensation, types};
pub use condense::condense;

/// The types of the world, which the decision speaks in, natively too.
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/policy",
        world: "passage-condensation",
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
    use super::{bindings, condensation};

    struct Policy;

    impl condensation::Guest for Policy {
        fn condense(
            request: condensation::Request,
        ) -> Result<Vec<Vec<super::types::Span>>, condensation::Error> {
            super::condense(&request)
        }
    }

    bindings::export!(Policy with_types_in bindings);
}
