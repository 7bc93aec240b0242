//! What the projects are made of.

use clap::ValueEnum;

/// A language that there is a project for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Rust.
    Rust,
    /// JavaScript, with the engine SpiderMonkey in the component.
    Js,
    /// Python, with CPython in the component.
    Python,
}

/// What the policy is called in the templates.
const NAME: &str = "my-policy";

/// The files of the contract.
pub const WIT: [(&str, &str); 9] = [
    ("assembly.wit", include_str!("../../../wit/policy/assembly.wit")),
    ("chunking.wit", include_str!("../../../wit/policy/chunking.wit")),
    ("condensation.wit", include_str!("../../../wit/policy/condensation.wit")),
    ("extraction.wit", include_str!("../../../wit/policy/extraction.wit")),
    ("ranking.wit", include_str!("../../../wit/policy/ranking.wit")),
    ("truncation.wit", include_str!("../../../wit/policy/truncation.wit")),
    ("types.wit", include_str!("../../../wit/policy/types.wit")),
    ("versions.wit", include_str!("../../../wit/policy/versions.wit")),
    ("worlds.wit", include_str!("../../../wit/policy/worlds.wit")),
];

const RUST: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("templates/rust/manifest.toml")),
    (".cargo/config.toml", include_str!("templates/rust/config.toml")),
    (".gitignore", "/target\n*.wasm\n"),
    ("src/lib.rs", include_str!("templates/rust/policy.txt")),
    ("README.md", include_str!("templates/rust/README.md")),
];

const JS: [(&str, &str); 4] = [
    ("package.json", include_str!("templates/js/package.json")),
    (".gitignore", "/node_modules\n*.wasm\n"),
    ("policy.js", include_str!("templates/js/policy.js")),
    ("README.md", include_str!("templates/js/README.md")),
];

const PYTHON: [(&str, &str); 4] = [
    ("requirements.txt", include_str!("templates/python/requirements.txt")),
    (".gitignore", "/venv\n*.wasm\n__pycache__\n"),
    ("policy.py", include_str!("templates/python/policy.py")),
    ("README.md", include_str!("templates/python/README.md")),
];

/// The files of a project of this name, each with its path in the project.
pub fn files(language: Language, name: &str) -> Vec<(String, String)> {
    let files = match language {
        Language::Rust => &RUST[..],
        Language::Js => &JS,
        Language::Python => &PYTHON,
    };
    let named = |text: &str| {
        text.replace(NAME, name).replace(&NAME.replace('-', "_"), &name.replace('-', "_"))
    };
    files.iter().map(|(file, text)| ((*file).to_owned(), named(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_has_the_whole_contract() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/policy");
        for file in std::fs::read_dir(folder).expect("the contract") {
            let file = file.expect("it can be listed").file_name();
            let is_wit = file.to_string_lossy().ends_with(".wit");
            assert!(!is_wit || WIT.iter().any(|(known, _)| *known == file), "{}", file.display());
        }
    }

    #[test]
    fn a_project_bears_its_name_everywhere() {
        for language in [Language::Rust, Language::Js, Language::Python] {
            let files = files(language, "tea-time");
            let all: String = files.iter().map(|(_, text)| text.as_str()).collect();
            assert!(all.contains("tea-time") && !all.contains("my-policy"));
            assert!(!all.contains("my_policy"));
        }
    }
}
