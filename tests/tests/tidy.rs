//! The rules of the house that a machine can check.

use std::fs;
use std::path::{Path, PathBuf};

use loci_tests::server::repository;
use wit_component::{DecodedWasm, decode};
use wit_parser::{Resolve, Type, TypeDefKind};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;
const ROOT_NAMES_MAX: usize = 13;
const XTASK_LINES_MAX: usize = 499;

/// The components that may import something.
const WITH_IMPORTS: [&str; 3] = ["api", "inference-adapter", "page"];

/// A file of the repository: its path from the root, with slashes, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The lines that are not comments, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn is(&self, extension: &str) -> bool {
        self.path.ends_with(&format!(".{extension}"))
    }
}

/// All files with this extension that are ours: what is built, hidden or vendored is not.
fn sources(extension: &str) -> Vec<Source> {
    let root = repository();
    let mut sources = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            let name = path.strip_prefix(&root).expect("it lies in the repository");
            let name = name.to_str().expect("names are UTF-8").replace('\\', "/");
            let foreign = ["target", "wit/deps", "components/page/node_modules"];
            let hidden =
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if hidden || foreign.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = fs::read_to_string(&path).expect("source files are text");
                sources.push(Source { path: name, text });
            }
        }
    }
    assert!(!sources.is_empty(), "there are no `.{extension}` files in {}", root.display());
    sources
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("folders can be read");
    entries.map(|entry| entry.expect("entries can be read").path()).collect()
}

/// Fails with all findings at once.
fn none(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn files_functions_and_lines_are_short() {
    let mut findings = Vec::new();
    for source in sources("rs").into_iter().chain(sources("wit")) {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            findings.push(format!("{} has {lines} lines, {FILE_LINES_MAX} may be", source.path));
        }
        for (number, line) in source.text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > COLUMNS_MAX {
                findings.push(format!("{}:{} has {columns} columns", source.path, number + 1));
            }
        }
        if source.is("rs") {
            findings.extend(long_functions(&source));
        }
    }
    none(findings);
}

/// Functions that are too long. The sources are formatted, so a function ends at the first closing
/// brace that stands as far left as it began.
fn long_functions(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut findings = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_function = words.iter().take(5).any(|word| *word == "fn")
            && !line.trim_start().starts_with("//")
            && !line.ends_with(['}', ';']);
        if !is_function {
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = lines[start..].iter().position(|line| *line == format!("{indent}}}"));
        let length = end.map_or(0, |end| end + 1);
        if length > FUNCTION_LINES_MAX {
            findings.push(format!("{}:{} is a function of {length} lines", source.path, start + 1));
        }
    }
    findings
}

#[test]
fn nothing_is_left_over_and_no_lint_is_silenced() {
    // In two parts, or this file would break its own rule.
    let forbidden = [
        concat!("#[", "allow("),
        concat!("#![", "allow("),
        concat!("#[", "ignore"),
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("db", "g!("),
    ];
    let in_comments = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
    let mut findings = Vec::new();
    for source in sources("rs").into_iter().chain(sources("wit")) {
        for (number, line) in source.code() {
            for word in forbidden.iter().filter(|word| line.contains(**word)) {
                findings.push(format!("{}:{} has `{word}`", source.path, number + 1));
            }
        }
        for word in in_comments.iter().filter(|word| source.text.contains(**word)) {
            findings.push(format!("{} has `{word}`", source.path));
        }
    }
    none(findings);
}

#[test]
fn every_source_file_belongs_to_a_crate() {
    let mut findings = Vec::new();
    for source in sources("rs") {
        let path = repository().join(&source.path);
        let stem = path.file_stem().expect("files have names").to_string_lossy().into_owned();
        let folder = path.parent().expect("files lie in folders");
        let is_root = ["lib", "main", "build"].contains(&stem.as_str())
            || folder.ends_with("benches")
            || folder.ends_with("bin");
        if is_root {
            continue;
        }
        let (parents, name) = if stem == "mod" {
            let name = folder.file_name().expect("folders have names").to_string_lossy();
            (declarers(folder.parent().expect("folders lie in folders")), name.into_owned())
        } else {
            (declarers(folder), stem)
        };
        let declared = parents.iter().any(|parent| {
            fs::read_to_string(parent).is_ok_and(|text| {
                text.lines().any(|line| line.trim().ends_with(&format!("mod {name};")))
            })
        });
        if !declared {
            findings.push(format!("{} belongs to no module", source.path));
        }
    }
    none(findings);
}

/// The files in which the modules of a folder may be declared.
fn declarers(folder: &Path) -> Vec<PathBuf> {
    let inside = ["lib.rs", "main.rs", "mod.rs"].map(|name| folder.join(name));
    inside.into_iter().chain([folder.with_extension("rs")]).collect()
}

#[test]
fn what_is_native_is_named_in_its_own_room_only() {
    let rooms = [
        (concat!("rus", "qlite"), &["host/src/store/"][..]),
        (concat!("llama_", "cpp_2"), &["host/src/model/llama/", "host/src/model/llama.rs"]),
        (concat!("bindgen", "!"), &["host/src/bindings.rs", "tests/"]),
        // Whoever could reach other servers: models that are there, models that are fetched, and
        // the command that asks a running Loci, and traces on their way.
        (
            concat!("req", "west"),
            &[
                "host/src/model/remote/",
                "host/src/models/hub/",
                "host/src/policies/server.rs",
                "host/src/traces/send.rs",
                "tests/",
            ],
        ),
    ];
    let mut findings = Vec::new();
    for source in sources("rs") {
        for (name, rooms) in rooms {
            // Tests may look at a database with other eyes than the code they test.
            let is_test = name.starts_with("rus") && source.path.contains("tests");
            let at_home = is_test || rooms.iter().any(|room| source.path.starts_with(room));
            let lines = source.code().filter(|(_, line)| !at_home && line.contains(name));
            findings.extend(lines.map(|(line, _)| {
                format!("{}:{} names `{name}`, which belongs in {rooms:?}", source.path, line + 1)
            }));
        }
    }
    none(findings);
}

#[test]
fn no_component_depends_on_the_host() {
    let mut findings = Vec::new();
    for source in sources("toml") {
        let is_component = source.path.starts_with("components/");
        if !is_component || !source.path.ends_with("Cargo.toml") {
            continue;
        }
        let manifest: toml::Table = source.text.parse().expect("it is TOML");
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let dependencies = manifest.get(table).and_then(toml::Value::as_table);
            for (name, value) in dependencies.into_iter().flatten() {
                let path = value.get("path").and_then(toml::Value::as_str).unwrap_or_default();
                if name == "loci" || path.contains("host") {
                    findings.push(format!("{} depends on the host as `{name}`", source.path));
                }
            }
        }
    }
    none(findings);
}

#[test]
fn no_build_script_runs_cargo() {
    let scripts = sources("rs").into_iter().filter(|source| source.path.ends_with("/build.rs"));
    let running = scripts.filter(|script| script.text.contains("Command"));
    none(running.map(|script| format!("{} runs a command", script.path)).collect());
}

#[test]
fn the_root_fits_on_a_screen_and_xtask_on_a_few() {
    let names: Vec<String> = entries(&repository())
        .iter()
        .map(|path| path.file_name().expect("it has a name").to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    assert!(names.len() <= ROOT_NAMES_MAX, "{} names at the root: {names:?}", names.len());

    let xtask = sources("rs").into_iter().filter(|source| source.path.starts_with("xtask/"));
    let lines: usize = xtask.map(|source| source.text.lines().count()).sum();
    assert!(lines <= XTASK_LINES_MAX, "xtask has {lines} lines");
}

#[test]
fn our_wit_says_more_than_it_declares() {
    let mut findings = Vec::new();
    for package in ["policy", "search", "inference"] {
        let folder = format!("wit/{package}/");
        let files = sources("wit").into_iter().filter(|source| source.path.starts_with(&folder));
        let text: String = files.map(|file| file.text).collect();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let (documentation, code): (Vec<&str>, Vec<&str>) =
            lines.partition(|line| line.starts_with("//"));
        // What closes a brace, names the package or dates an item declares nothing.
        let declares = |line: &&&str| {
            **line != "}" && !line.starts_with("package ") && !line.starts_with("@since")
        };
        let code = code.iter().filter(declares).count();
        let documentation = documentation.len();
        if documentation < code {
            findings.push(format!("{folder}: {documentation} lines for {code}"));
        }
    }
    none(findings);
}

#[test]
fn no_function_of_ours_fails_with_a_string() {
    let mut findings = Vec::new();
    for package in ["policy", "search", "inference"] {
        let mut resolve = Resolve::default();
        resolve.push_dir(repository().join("wit").join(package)).expect("our WIT is valid");
        for (_, definition) in &resolve.types {
            if let TypeDefKind::Result(result) = &definition.kind
                && matches!(result.err, Some(Type::String))
            {
                findings.push(format!("`{package}` has a result whose error is a string"));
            }
        }
    }
    none(findings);
}

#[test]
fn a_component_without_grants_imports_nothing() {
    let components = entries(&repository().join("components"));
    let names = components.iter().filter(|path| path.join("Cargo.toml").exists());
    let mut findings = Vec::new();
    let mut checked = 0;
    for name in names.map(|path| path.file_name().expect("it has a name").to_string_lossy()) {
        if WITH_IMPORTS.contains(&name.as_ref()) {
            continue;
        }
        let path = repository().join(format!("target/components/{name}.wasm"));
        let bytes = fs::read(&path).unwrap_or_else(|error| {
            panic!("`{}` cannot be read ({error}); `cargo xtask build` makes it", path.display())
        });
        let DecodedWasm::Component(resolve, world) = decode(&bytes).expect("it is a component")
        else {
            panic!("`{}` is a WIT package", path.display());
        };
        for key in resolve.worlds[world].imports.keys() {
            findings.push(format!("{name} imports `{}`", resolve.name_world_key(key)));
        }
        checked += 1;
    }
    assert!(checked > 0, "there is no component without grants");
    none(findings);
}
