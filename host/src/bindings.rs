//! Every `bindgen!` of the host, one module per capability. Nothing else.
//!
//! Interfaces are generated as *imports* of the api component, so each has a `Host` trait (and, for
//! `async` functions, a `HostWithStore` trait) that a file of `capability/` implements. The types
//! are structural: where a guest *exports* the same interface, `Instance::get_typed_func` takes
//! them unchanged, and a call is handed on without a conversion.
//!
//! Every function may trap (`wasmtime::Result`): the guest's mistake is a WIT case, ours is a trap.

/// `spin:sqlite@3.1.0`: databases that the manifest grants by label.
pub mod sqlite {
    wasmtime::component::bindgen!({
        path: "../wit/deps/spin-sqlite@3.1.0",
        inline: "
            package loci:host-sqlite;
            world imports { import spin:sqlite/sqlite@3.1.0; }
        ",
        world: "loci:host-sqlite/imports",
        imports: { default: async | trappable },
        with: { "spin:sqlite/sqlite.connection": crate::capability::sqlite::Connection },
    });
    pub use spin::sqlite::sqlite;
}

/// `spin:variables@3.0.0`: the application's variables.
pub mod variables {
    wasmtime::component::bindgen!({
        path: "../wit/deps/spin-variables@3.0.0",
        inline: "
            package loci:host-variables;
            world imports { import spin:variables/variables@3.0.0; }
        ",
        world: "loci:host-variables/imports",
        imports: { default: async | trappable },
    });
    pub use spin::variables::variables;
}

/// `fermyon:spin/llm@2.0.0`: a prompt in, a text out. The other packages are those that the worlds
/// of its package name; nothing of them is generated.
pub mod llm {
    wasmtime::component::bindgen!({
        path: [
            "../wit/deps/io@0.2.0",
            "../wit/deps/clocks@0.2.0",
            "../wit/deps/random@0.2.0",
            "../wit/deps/filesystem@0.2.0",
            "../wit/deps/sockets@0.2.0",
            "../wit/deps/cli@0.2.0",
            "../wit/deps/http@0.2.0",
            "../wit/deps/io-2023-10-18",
            "../wit/deps/clocks-2023-10-18",
            "../wit/deps/random-2023-10-18",
            "../wit/deps/filesystem-2023-10-18",
            "../wit/deps/sockets-2023-10-18",
            "../wit/deps/cli-2023-10-18",
            "../wit/deps/http-2023-10-18",
            "../wit/deps/spin@2.0.0",
        ],
        inline: "
            package loci:host-llm;
            world imports { import fermyon:spin/llm@2.0.0; }
        ",
        world: "loci:host-llm/imports",
        imports: { default: async | trappable },
    });
    pub use fermyon::spin::llm;
}

/// `loci:policy@0.1.0`: what the policies decide, each behind a slot.
pub mod policy {
    wasmtime::component::bindgen!({
        path: "../wit/policy",
        inline: "
            package loci:host-policy;
            world imports {
                import loci:policy/assembly@0.1.0;
                import loci:policy/truncation@0.1.0;
                import loci:policy/ranking@0.1.0;
                import loci:policy/condensation@0.1.0;
                import loci:policy/extraction@0.1.0;
                import loci:policy/chunking@0.1.0;
                import loci:policy/versions@0.1.0;
            }
        ",
        world: "loci:host-policy/imports",
        imports: { default: async | trappable },
        additional_derives: [Clone, PartialEq],
    });
    pub use loci::policy::{
        assembly, chunking, condensation, extraction, ranking, truncation, types, versions,
    };
}

/// `loci:search@0.1.0`: the vector index, shared by all instances of the api.
pub mod search {
    wasmtime::component::bindgen!({
        path: "../wit/search",
        inline: "
            package loci:host-search;
            world imports { import loci:search/vectors@0.1.0; }
        ",
        world: "loci:host-search/imports",
        imports: { default: async | trappable },
        additional_derives: [Clone, PartialEq],
    });
    pub use loci::search::vectors;
}

/// `loci:inference@0.1.0`: what a model can do.
pub mod inference {
    wasmtime::component::bindgen!({
        path: "../wit/inference",
        inline: "
            package loci:host-inference;
            world imports {
                import loci:inference/models@0.1.0;
                import loci:inference/tokenizer@0.1.0;
                import loci:inference/chat@0.1.0;
                import loci:inference/embeddings@0.1.0;
                import loci:inference/former-embeddings@0.1.0;
            }
        ",
        world: "loci:host-inference/imports",
        imports: { default: async | trappable },
    });
    pub use loci::inference::{chat, embeddings, former_embeddings, models, tokenizer, types};
}
