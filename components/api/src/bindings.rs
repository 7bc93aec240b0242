//! The interfaces of Loci that this component imports. Nothing else.

spin_sdk::wit_bindgen::generate!({
    path: ["../../wit/policy", "../../wit/search", "../../wit/inference", "wit"],
    world: "loci:api/imports",
    runtime_path: "spin_sdk::wit_bindgen::rt",
    additional_derives: [Clone, PartialEq],
    additional_derives_ignore: ["generation"],
    generate_all,
});

pub use loci::{inference, policy, search};
