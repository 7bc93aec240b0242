//! Hostile guests, and those that are wrong on purpose: the policies of `tests/programs`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use wit_component::ComponentEncoder;

use crate::programs;
use crate::server::repository;

/// How a fault is told to a guest; it stands in the guest's data, filled up with underscores.
const NO_FAULT: &[u8; 32] = b"fault:none______________________";

/// What a server refuses to take, and the error that says why.
pub struct Refused {
    /// What it does.
    pub name: &'static str,
    /// What is uploaded.
    pub bytes: Vec<u8>,
    /// The error's `code`.
    pub code: &'static str,
    /// Words of the error's `message`.
    pub reason: &'static str,
}

/// All that a server refuses to take.
///
/// # Panics
///
/// Panics if a guest cannot be built, or the components of the project were not.
pub fn refused() -> Vec<Refused> {
    const REFUSED: &str = "policy_refused";
    let truncation = component("truncation");
    let faulty = [
        ("assembly", "loop", "`out-of-fuel`; a call may use 50000000 units"),
        ("truncation", "recursion", "524288 of stack (`policy-stack-bytes`)"),
        ("condensation", "growth", "memory (`policy-memory-bytes`)"),
        ("ranking", "trap", "`trapped`"),
        ("assembly", "giant-answer", "bytes (`policy-answer-bytes`)"),
        ("assembly", "wrong-span", "`invalid-answer`, the rule is: a span"),
        ("assembly", "foreign-id", "a plan names only ids of passages"),
        ("truncation", "not-monotone", "never keeps less"),
    ];
    let faulty = faulty.map(|(world, name, reason)| {
        let code = if name == "not-monotone" { "policy_breaks_contract" } else { REFUSED };
        Refused { name, bytes: guest(world, name), code, reason }
    });
    let others = [
        ("imports a database", component("api"), "imports nothing but WASI"),
        ("another world", component("vector-search"), "a policy exports one of"),
        ("a core module", b"\0asm\x01\0\0\0".to_vec(), "core module"),
        ("a truncated file", truncation[..truncation.len() / 2].to_vec(), "no valid component"),
    ];
    let others = others.map(|(name, bytes, reason)| Refused { name, bytes, code: REFUSED, reason });
    faulty.into_iter().chain(others).collect()
}

/// A guest of this world with this fault.
///
/// # Panics
///
/// Panics if it cannot be built.
pub fn guest(world: &str, fault: &str) -> Vec<u8> {
    let file = guests().join(format!("wrong_{world}.wasm"));
    let module = fs::read(&file).expect("a guest that was built");
    let encoder = ComponentEncoder::default().module(&module).expect("a module with its world");
    let mut component = encoder.validate(true).encode().expect("a component");
    let at = component.windows(NO_FAULT.len()).position(|bytes| bytes == NO_FAULT);
    let at = at.expect("the place of the fault");
    let text = format!("{:_<32}", format!("fault:{fault}"));
    component[at..at + NO_FAULT.len()].copy_from_slice(text.as_bytes());
    component
}

/// A component that does the same under another digest: with one more custom section.
///
/// # Panics
///
/// Panics if the mark has more than 100 bytes.
pub fn marked(mut component: Vec<u8>, mark: &str) -> Vec<u8> {
    // Its length, the length of its name, its name.
    let length = u8::try_from(mark.len()).ok().filter(|length| *length <= 100);
    let length = length.expect("a short mark");
    component.extend([0, length + 1, length]);
    component.extend(mark.as_bytes());
    component
}

/// A component of the project.
///
/// # Panics
///
/// Panics if it was not built.
pub fn component(name: &str) -> Vec<u8> {
    let file = repository().join(format!("target/components/{name}.wasm"));
    fs::read(file).expect("`cargo xtask build` makes it")
}

/// The guests that are wrong on purpose, as modules without a fault yet.
fn guests() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| programs::build("wasm32-unknown-unknown", &[]))
}
