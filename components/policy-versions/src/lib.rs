//! Stands in where policies cannot be replaced: on stock Spin, where they are composed into the
//! application. There is one policy for each hook then, so there is nothing to choose.

/// The types of the world.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/policy",
        world: "policy-versions",
    });
}

/// The component.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod component {
    use super::bindings;
    use super::bindings::exports::loci::policy::versions::{Choice, Guest, Hook, Trial, Version};

    struct Versions;

    impl Guest for Versions {
        fn choose(_: String) -> Vec<Choice> {
            Vec::new()
        }

        fn find(_: String) -> Option<Version> {
            None
        }

        fn select(_: Hook, digest: String) -> bool {
            digest.is_empty()
        }

        fn tell(_: Hook, _: String, _: bool) {}

        fn spent() -> u64 {
            0
        }

        fn note(_: Trial) {}
    }

    bindings::export!(Versions with_types_in bindings);
}
