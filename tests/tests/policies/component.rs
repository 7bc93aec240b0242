//! The policies as components, each linked with nothing.

use std::fs;
use std::sync::OnceLock;

use loci_tests::server::repository;
use wasmtime::component::{Component, ComponentNamedList, InstancePre, Lift, Linker, Lower};
use wasmtime::{Config, Engine, Store};

use super::model;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit/policy",
        inline: "
            package loci:test-policies;
            world imports {
                import loci:policy/assembly@0.1.0;
                import loci:policy/truncation@0.1.0;
                import loci:policy/ranking@0.1.0;
                import loci:policy/condensation@0.1.0;
            }
        ",
        world: "loci:test-policies/imports",
        additional_derives: [Clone, PartialEq],
    });
    pub use loci::policy::{assembly, condensation, ranking, truncation, types};
}

pub use bindings::{condensation, ranking};
model::conversions!(types bindings::types, assembly bindings::assembly);
model::conversions!(types bindings::types, truncation bindings::truncation);

/// A policy that was compiled.
pub struct Policy(InstancePre<()>);

impl Policy {
    fn load(name: &str) -> Self {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        let engine = ENGINE.get_or_init(|| {
            let mut config = Config::new();
            config.cranelift_nan_canonicalization(true);
            Engine::new(&config).expect("an engine")
        });
        let component = Component::from_binary(engine, &compiled(name)).expect("a component");
        Self(Linker::new(engine).instantiate_pre(&component).expect("it imports nothing"))
    }

    fn call<P, R>(&self, interface: &str, function: &str, params: P) -> R
    where
        P: ComponentNamedList + Lower,
        R: Lift + 'static,
    {
        let mut store = Store::new(self.0.engine(), ());
        let instance = self.0.instantiate(&mut store).expect("it starts");
        let name = format!("loci:policy/{interface}@0.1.0");
        let export = instance.get_export_index(&mut store, None, &name).expect("its interface");
        let export = instance
            .get_export_index(&mut store, Some(&export), function)
            .expect("a function of its interface");
        let function =
            instance.get_typed_func::<P, (R,)>(&mut store, &export).expect("the function's type");
        function.call(&mut store, params).expect("it does not trap").0
    }
}

/// The component of this name that `cargo xtask build` made.
pub fn compiled(name: &str) -> Vec<u8> {
    let path = repository().join(format!("target/components/{name}.wasm"));
    fs::read(&path).unwrap_or_else(|error| {
        panic!("`{}` cannot be read ({error}); `cargo xtask build` makes it", path.display())
    })
}

/// The policy of this name, compiled once.
pub fn policy(name: &str) -> &'static Policy {
    const NAMES: [&str; 7] = [
        "prompt-assembly",
        "prompt-assembly-classic",
        "prompt-assembly-recency",
        "prompt-assembly-compact",
        "truncation",
        "ranking",
        "condensation",
    ];
    static POLICIES: [OnceLock<Policy>; NAMES.len()] = [const { OnceLock::new() }; NAMES.len()];
    let place = NAMES.iter().position(|known| *known == name);
    POLICIES[place.expect("a policy of this project")].get_or_init(|| Policy::load(name))
}

pub fn describe(name: &str) -> assembly::Description {
    policy(name).call("assembly", "describe", ())
}

pub fn literals(name: &str) -> Vec<String> {
    describe(name).literals
}

pub fn assemble(prompt: &model::Prompt) -> Option<model::Layout> {
    let request = assembly_request(prompt);
    layout(policy(&prompt.policy).call("assembly", "assemble", (&request,)))
}

pub fn truncate(lengths: &model::Lengths) -> model::Kept {
    let request = truncation_request(lengths);
    kept(lengths, policy("truncation").call("truncation", "truncate", (&request,)))
}

pub fn rank(request: &ranking::Request) -> Vec<ranking::Choice> {
    let answer: Result<Vec<ranking::Choice>, ranking::Error> =
        policy("ranking").call("ranking", "rank", (request,));
    answer.expect("ranking has no error of its own")
}

pub fn condense(request: &condensation::Request) -> Vec<Vec<model::Span>> {
    let answer: Result<Vec<Vec<types::Span>>, condensation::Error> =
        policy("condensation").call("condensation", "condense", (request,));
    let spans = |spans: Vec<types::Span>| spans.iter().map(|span| (span.start, span.end)).collect();
    answer.expect("condensing has no error of its own").into_iter().map(spans).collect()
}
