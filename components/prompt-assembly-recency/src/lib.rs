//! Lays out the prompt with more of the recent turns, and the latest notes first.

mod assemble;

pub use assemble::{assemble, describe};
pub use bindings::exports::loci::policy::{assembly, types};

/// The types of the world, which the decision speaks in, natively too.
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/policy",
        world: "prompt-assembly",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        // What links this crate natively, or as a library, must not inherit its world.
        disable_custom_section_link_helpers: true,
        // Two policies of one world in one component would write the same section twice.
        type_section_suffix: "-recency",
    });
}

/// The component. Not for `wasm32-wasip2`: there this crate is a library within another component,
/// which must not export what this one does.
#[cfg(all(target_family = "wasm", target_os = "unknown", feature = "component"))]
mod component {
    use super::{assembly, bindings};

    struct Policy;

    impl assembly::Guest for Policy {
        fn describe() -> assembly::Description {
            super::describe()
        }

        fn assemble(request: assembly::Request) -> Result<assembly::Plan, assembly::Error> {
            super::assemble(&request)
        }
    }

    bindings::export!(Policy with_types_in bindings);
}
