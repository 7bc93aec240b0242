//! Folders of input and expected output. `BLESS=1` writes what is expected.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use loci_tests::server::repository;
use serde::de::DeserializeOwned;

use super::model::{Content, Kept, Lengths, Prompt};
use super::{component, native, write};

/// Checks every folder of `tests/goldens/{name}`: `answer` makes files of the input, which must be
/// those that stand there.
fn check<I: DeserializeOwned>(name: &str, answer: impl Fn(&I) -> Vec<(&'static str, String)>) {
    let folder = repository().join("tests/goldens").join(name);
    let mut wrong = Vec::new();
    let mut cases = 0;
    for case in fs::read_dir(&folder).expect("a folder of goldens") {
        let case = case.expect("a folder can be listed").path();
        let input = fs::read_to_string(case.join("input.json")).expect("each has an input");
        let input: I = serde_json::from_str(&input)
            .unwrap_or_else(|error| panic!("{}: {error}", case.display()));
        wrong.extend(differences(&case, &answer(&input)));
        cases += 1;
    }
    assert!(cases > 0, "`{}` has no goldens", folder.display());
    assert!(wrong.is_empty(), "{}\nBLESS=1 writes what is expected", wrong.join("\n"));
}

/// The differences between these files and those of a folder; none after a blessing.
fn differences(case: &Path, files: &[(&'static str, String)]) -> Vec<String> {
    let stands = fs::read_dir(case).expect("a folder can be listed").map(|file| {
        file.expect("a folder can be listed").file_name().into_string().expect("UTF-8")
    });
    let stale: Vec<String> = stands
        .filter(|name| name != "input.json" && !files.iter().any(|(known, _)| known == name))
        .collect();
    if std::env::var_os("BLESS").is_some() {
        stale.iter().for_each(|name| fs::remove_file(case.join(name)).expect("it can be removed"));
        for (name, text) in files {
            fs::write(case.join(name), text).expect("it can be written");
        }
        return Vec::new();
    }
    let stale = stale.into_iter().map(|name| format!("{}: `{name}` is stale", case.display()));
    let changed = files.iter().filter_map(|(name, text)| {
        let expected = fs::read_to_string(case.join(name)).unwrap_or_default();
        (expected != *text)
            .then(|| format!("{}: `{name}` was\n{expected}\nand is\n{text}", case.display()))
    });
    stale.chain(changed).collect()
}

#[test]
fn prompts_are_laid_out_and_cut_as_the_goldens_say() {
    check("assembly", |input: &Prompt| {
        let layout = component::assemble(input);
        let natively = match input.policy.as_str() {
            "prompt-assembly" => native::default::assemble(input),
            _ => native::classic::assemble(input),
        };
        assert_eq!(layout, natively, "the component decides as the native code does");
        let Some(layout) = layout else {
            return vec![("error.txt", "incomplete-request\n".to_owned())];
        };
        let literals = component::literals(&input.policy);
        let pieces = write::pieces(input, &layout, &literals);
        let lengths = write::lengths(&pieces, input.budget);
        let kept = truncate(&lengths);
        let text = write::prompt(&pieces, &kept);
        vec![("plan.txt", write::plan(&layout, &literals)), ("prompt.txt", text)]
    });
}

#[test]
fn lengths_are_cut_as_the_goldens_say() {
    check("truncation", |input: &Lengths| vec![("kept.txt", table(input, &truncate(input)))]);
}

fn truncate(lengths: &Lengths) -> Kept {
    let kept = component::truncate(lengths);
    assert_eq!(kept, native::truncate(lengths), "the component decides as the native code does");
    kept
}

/// What is kept of each item, as people read it.
fn table(lengths: &Lengths, kept: &Kept) -> String {
    let kept = match kept {
        Ok(kept) => kept,
        Err(needed) => {
            return format!("does-not-fit: {needed} must stay, {} allowed\n", lengths.budget);
        }
    };
    let mut table = String::new();
    for (item, (first, count)) in lengths.items.iter().zip(kept) {
        let what = match item.content {
            Content::Excerpt { passage, kind } => {
                format!("{} {passage}", format!("{kind:?}").to_lowercase())
            }
            Content::Fixed(anchor) => format!("words {}", write::holder(anchor)),
        };
        let tokens = item.tokens;
        let kept = match *count {
            0 => "dropped".to_owned(),
            count if count == tokens => "whole".to_owned(),
            count => format!("tokens {first}..{}", first + count),
        };
        writeln!(table, "{what}: {kept} of {tokens}").expect("a string takes everything");
    }
    let total: u64 = kept.iter().map(|(_, count)| u64::from(*count)).sum();
    writeln!(table, "{total} of {}", lengths.budget).expect("a string takes everything");
    table
}
