//! What stock Spin makes of the application: it composes what `spin.toml` names, and all that is
//! left to import is what it offers, by name, version and type.

use std::collections::BTreeSet;
use std::fs;

use loci_tests::server::repository;
use wac_graph::types::{Package, SubtypeChecker};
use wac_graph::{CompositionGraph, EncodeOptions};
use wit_component::{DecodedWasm, decode, targets};
use wit_parser::{PackageId, Resolve, WorldId};

/// What Spin gives a component that an HTTP trigger reaches, and expects of it: Spin's own world.
const WORLD: &str = "package loci:spin; world offered { include spin:up/http-trigger@4.1.0; }";

/// Spin's published WIT, and the world above in it.
fn spin() -> (Resolve, WorldId) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("world.wit"), WORLD).expect("it can be written");
    let vendored = repository().join("wit/deps");
    std::os::unix::fs::symlink(vendored, folder.path().join("deps")).expect("it can be linked");
    let mut resolve = Resolve::default();
    let (package, _): (PackageId, _) =
        resolve.push_dir(folder.path()).expect("the vendored WIT is valid");
    let world = resolve.select_world(&[package], None).expect("it has one world");
    (resolve, world)
}

fn manifest() -> toml::Table {
    let path = repository().join("spin.toml");
    let text = fs::read_to_string(path).expect("there is a manifest");
    text.parse().expect("the manifest is TOML")
}

fn read(path: &str) -> Vec<u8> {
    fs::read(repository().join(path)).unwrap_or_else(|error| {
        panic!("`{path}` cannot be read ({error}); `cargo xtask build --spin` makes it")
    })
}

/// The names of what a component imports.
fn imports(component: &[u8]) -> BTreeSet<String> {
    let DecodedWasm::Component(resolve, world) = decode(component).expect("it is a component")
    else {
        panic!("it is a WIT package");
    };
    resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key)).collect()
}

/// Composes a component of the manifest with its dependencies, step by step as Spin does.
fn composed(name: &str) -> Vec<u8> {
    let manifest = manifest();
    let component = &manifest["component"][name];
    let mut graph = CompositionGraph::new();
    let mut register = |name: &str, path: &toml::Value| {
        let bytes = read(path.as_str().expect("it is a path"));
        let package =
            Package::from_bytes(name, None, bytes, graph.types_mut()).expect("it is a component");
        let world = package.ty();
        // Spin registers each dependency under the name of its package: a second one is an error.
        let package = graph.register_package(package).expect("no other has this name");
        (world, graph.instantiate(package))
    };
    let (world, instance) = register(name, &component["source"]);
    let mut dependencies = Vec::new();
    for (key, dependency) in component["dependencies"].as_table().expect("it has dependencies") {
        let (package, version) = key.split_once('@').expect("a dependency has a version");
        let registered = register(package, &dependency["path"]);
        dependencies.push((package.to_string(), version.to_string(), registered));
    }
    let mut cache = Default::default();
    let mut checker = SubtypeChecker::new(&mut cache);
    for (package, version, (dependency_world, dependency)) in dependencies {
        let imports: Vec<String> = graph.types()[world].imports.keys().cloned().collect();
        let matching = imports.iter().filter(|import| {
            import.starts_with(&format!("{package}/")) && import.ends_with(&format!("@{version}"))
        });
        for import in matching {
            let types = graph.types();
            let export = types[dependency_world].exports.get(import);
            let export =
                *export.unwrap_or_else(|| panic!("`{package}` does not export `{import}`"));
            checker
                .is_subtype(export, types, types[world].imports[import], types)
                .unwrap_or_else(|error| panic!("`{import}` is of another type: {error:#}"));
            let node = graph.alias_instance_export(dependency, import).expect("it is exported");
            graph.set_instantiation_argument(instance, import, node).expect("it fits");
        }
    }
    let exports: Vec<String> = graph.types()[world].exports.keys().cloned().collect();
    for export in exports {
        let node = graph.alias_instance_export(instance, &export).expect("it is exported");
        graph.export(node, &export).expect("it is the only one of this name");
    }
    graph.encode(EncodeOptions::default()).expect("the whole is a component")
}

#[test]
fn the_composed_application_imports_only_what_spin_offers() {
    let (resolve, world) = spin();
    let offered: BTreeSet<String> =
        resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key)).collect();
    let asked = imports(&composed("api"));
    assert!(asked.contains("spin:sqlite/sqlite@3.1.0"), "{asked:?}");
    let unknown: Vec<&String> = asked.difference(&offered).collect();
    assert!(unknown.is_empty(), "Spin does not offer {unknown:?}");
}

#[test]
fn the_composed_application_fits_spins_world_type_by_type() {
    let (resolve, world) = spin();
    if let Err(error) = targets(&resolve, world, &composed("api")) {
        panic!("{error:#}");
    }
}

#[test]
fn the_page_fits_spins_world_too() {
    let (resolve, world) = spin();
    if let Err(error) = targets(&resolve, world, &read("target/components/page.wasm")) {
        panic!("{error:#}");
    }
}

#[test]
fn the_check_against_spins_world_finds_what_does_not_fit() {
    let (resolve, world) = spin();
    // Alone, the api imports what Spin does not offer.
    assert!(targets(&resolve, world, &read("target/components/api.wasm")).is_err());
    // And the adapter does not export what Spin calls.
    assert!(targets(&resolve, world, &read("target/components/inference-adapter.wasm")).is_err());
}

#[test]
fn the_adapter_imports_http_variables_the_model_of_spin_and_what_rust_needs() {
    let allowed = ["fermyon:spin/llm@2.0.0", "spin:variables/variables@3.0.0"];
    for import in imports(&read("target/components/inference-adapter.wasm")) {
        let package = import.split('/').next().unwrap_or_default();
        let from_rust = ["wasi:cli", "wasi:clocks", "wasi:io", "wasi:random"].contains(&package);
        assert!(
            allowed.contains(&import.as_str()) || package == "wasi:http" || from_rust,
            "it imports `{import}`"
        );
    }
}
