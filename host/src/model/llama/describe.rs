//! What a GGUF file says of its model, for people who choose one.

use std::collections::BTreeMap;
use std::path::Path;

use super::file::{GgufFile, Head};
use super::log;

/// What is in a GGUF file.
#[derive(Clone, Debug)]
pub struct Description {
    /// The name that the file gives its model, or else the file's own.
    pub title: String,
    /// See [`GgufFile::digest`].
    pub digest: String,
    /// The length of the file, in bytes.
    pub bytes: u64,
    /// Whether the model embeds texts rather than continues them.
    pub embeds: bool,
    /// The kind of network, for example `llama`.
    pub architecture: String,
    /// The type of most of its weights, for example `q4_K`.
    pub quantization: String,
    /// How many weights it has.
    pub parameters: u64,
    /// The context that it was trained for, in tokens; 0 where the file does not say.
    pub context_tokens: u32,
    /// The length of the vectors inside it, which for a model that embeds are its answers.
    pub dimensions: u32,
    /// The licence, where the file says.
    pub license: Option<String>,
}

/// Reads the head of the file at `path`.
///
/// # Errors
///
/// Fails with a sentence for the operator if it cannot be read, is no GGUF, or is cut off.
pub fn describe(path: &Path) -> Result<Description, String> {
    // What it has to say goes to the log, not straight to a person.
    log::backend();
    let file = GgufFile::open(path)?;
    let head = Head::read(path)?;
    let architecture = head.string("general.architecture").unwrap_or_default();
    let of_it = |key: &str| head.number(&format!("{architecture}.{key}")).unwrap_or(0);
    let tensors = head.tensors();
    let mut bytes_of: BTreeMap<&str, u64> = BTreeMap::new();
    for (kind, _, bytes) in &tensors {
        *bytes_of.entry(kind).or_default() += bytes;
    }
    let most = bytes_of.iter().max_by_key(|(_, bytes)| **bytes);
    Ok(Description {
        title: file.name,
        digest: file.digest,
        bytes: file.bytes,
        embeds: file.embeds,
        context_tokens: of_it("context_length"),
        dimensions: of_it("embedding_length"),
        quantization: most.map(|(kind, _)| (*kind).to_owned()).unwrap_or_default(),
        parameters: tensors.iter().map(|(_, weights, _)| weights).sum(),
        license: head.string("general.license"),
        architecture,
    })
}
