//! Chooses among what the searches found.

mod calendar;
mod period;
mod question;
mod rank;
mod score;
mod words;

pub use bindings::exports::loci::policy::{ranking, types};
pub use period::{Period, period};
pub use rank::rank;

/// The types of the world, which the decision speaks in, natively too.
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/policy",
        world: "passage-ranking",
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
    use super::{bindings, ranking};

    struct Policy;

    impl ranking::Guest for Policy {
        fn rank(request: ranking::Request) -> Result<Vec<ranking::Choice>, ranking::Error> {
            super::rank(&request)
        }
    }

    bindings::export!(Policy with_types_in bindings);
}
