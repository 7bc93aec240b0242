//! The conformance kit: what the project ships passes it, and each guest of `tests/programs`, which
//! is wrong on purpose, fails it by name. The program is asked, as people ask it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use loci_tests::server::{binary, repository};
use loci_tests::zoo::guest;
use serde_json::Value;

/// By how much the fuel of a call may exceed what was written down, in percent: another version of
/// the compiler finds other instructions for the same work.
const FUEL_PERCENT_MORE: u64 = 10;

fn check(file: &Path) -> (bool, Value) {
    let output = run(&["policy", "check", "--json", file.to_str().unwrap()]);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    (output.status.success(), report)
}

fn run(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).output().expect("the program can be started")
}

#[test]
fn what_the_project_ships_passes_the_kit_for_the_golden_fuel() {
    let mut fuel = BTreeMap::new();
    for (name, world) in [
        ("prompt-assembly", "prompt-assembly"),
        ("prompt-assembly-classic", "prompt-assembly"),
        ("prompt-assembly-recency", "prompt-assembly"),
        ("prompt-assembly-compact", "prompt-assembly"),
        ("truncation", "prompt-truncation"),
        ("ranking", "passage-ranking"),
        ("condensation", "passage-condensation"),
        ("extraction", "text-extraction"),
        ("chunking", "document-chunking"),
    ] {
        let (passed, report) = check(&repository().join(format!("target/components/{name}.wasm")));
        assert!(passed && report["passed"] == true, "{name}: {report:#}");
        assert_eq!(report["world"], world, "{name}");
        let share = report["profile"]["fuel_percent"].as_f64().expect("a number");
        assert!(share > 0.0 && share < 100.0, "{name} uses {share} % of its fuel");
        let taken = ["fuel_median", "fuel_max"].map(|key| report["profile"][key].as_u64().unwrap());
        fuel.insert(name, taken);
    }
    hold_fuel(&fuel);
}

/// Holds what calls take, at the median and at most, to what was written down: fuel is the same on
/// every machine, so more of it is more work. `BLESS=1` writes it.
fn hold_fuel(fuel: &BTreeMap<&str, [u64; 2]>) {
    let file = repository().join("tests/goldens/fuel.json");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, serde_json::to_string_pretty(fuel).unwrap() + "\n").unwrap();
    }
    let before = fs::read_to_string(&file).expect("`cargo xtask bless` writes it");
    let before: BTreeMap<&str, [u64; 2]> = serde_json::from_str(&before).unwrap();
    assert!(before.keys().eq(fuel.keys()), "{before:?} is of others than {fuel:?}");
    for (name, taken) in fuel {
        for (now, then) in taken.iter().zip(before[name]) {
            let most = then + then * FUEL_PERCENT_MORE / 100;
            assert!(
                *now <= most,
                "`{name}` takes {now} of fuel, and took {then}; if it is worth that, `cargo xtask \
                 bless` writes it down"
            );
        }
    }
}

#[test]
fn what_is_wrong_on_purpose_fails_by_name() {
    let query = "instruction and query appear once each and whole";
    let span = "a span is not empty, lies in its text, and ends on characters";
    let folder = tempfile::tempdir().unwrap();
    for (world, fault, what, message) in [
        ("truncation", "loop", "out-of-fuel", "`out-of-fuel`"),
        ("truncation", "recursion", "out-of-memory", "`out-of-memory`"),
        ("truncation", "growth", "out-of-memory", "`out-of-memory`"),
        ("truncation", "trap", "trapped", "`trapped`"),
        ("truncation", "giant-answer", "invalid-answer", "`invalid-answer`"),
        ("truncation", "over-budget", "broken-rule", "never over the budget"),
        ("truncation", "cuts-the-query", "broken-rule", "instruction and query are whole"),
        ("truncation", "not-monotone", "not-monotone", "more budget never keeps less"),
        ("assembly", "loop", "out-of-fuel", "`out-of-fuel`"),
        ("assembly", "giant-answer", "invalid-answer", "`invalid-answer`"),
        ("assembly", "bad-name", "not-loaded", "`name` is in kebab-case"),
        ("assembly", "wrong-span", "broken-rule", span),
        ("assembly", "foreign-id", "broken-rule", "only ids of passages that it was given"),
        ("assembly", "rises-to-system", "broken-rule", "only the instruction stands under"),
        ("assembly", "forgets-the-query", "broken-rule", query),
        ("assembly", "turns-history-around", "broken-rule", "in the order of its turns"),
        ("ranking", "trap", "trapped", "`trapped`"),
        ("ranking", "not-a-number", "broken-rule", "a score is a finite number"),
        ("ranking", "foreign-id", "broken-rule", "a candidate that was given, once"),
        ("ranking", "chooses-twice", "broken-rule", "a candidate that was given, once"),
        ("ranking", "more-than-most", "broken-rule", "at most `most` are chosen"),
        ("ranking", "worst-first", "broken-rule", "best first"),
        ("condensation", "growth", "out-of-memory", "`out-of-memory`"),
        ("condensation", "cuts-a-character", "broken-rule", span),
        ("condensation", "past-the-end", "broken-rule", span),
        ("condensation", "repeats", "broken-rule", "do not overlap"),
        ("condensation", "forgets-a-source", "broken-rule", "one list of spans for each source"),
    ] {
        let file = folder.path().join(format!("{world}-{fault}.wasm"));
        fs::write(&file, guest(world, fault)).unwrap();
        let (passed, report) = check(&file);
        let findings = report["findings"].as_array().expect("findings");
        let named = findings.iter().any(|finding| {
            finding["what"] == what && finding["message"].as_str().unwrap().contains(message)
        });
        assert!(!passed && named, "{world} with {fault}: {report:#}");
        // Whoever reads it can try the input again.
        let shown = |finding: &Value| !finding["input"].as_str().unwrap().is_empty();
        assert!(findings.iter().all(shown) || what == "not-loaded", "{report:#}");
    }
}

#[test]
fn each_limit_can_be_set_and_is_named_where_it_is_met() {
    let file = repository().join("target/components/prompt-assembly.wasm");
    let file = file.to_str().unwrap();
    for (setting, value, told) in [
        ("policy-fuel", "1000", "may use 1000 units of fuel"),
        ("policy-memory-bytes", "65536", "may have 65536 bytes of memory"),
        ("policy-bytes", "1000", "at most 1000 are taken"),
        ("policy-request-bytes", "1024", "a request may have 1024 bytes"),
        ("policy-answer-bytes", "1024", "takes at most 1024 bytes"),
    ] {
        let output = run(&["policy", "check", file, &format!("--{setting}"), value]);
        let said = String::from_utf8_lossy(&output.stdout);
        let named = said.contains(told) && said.contains(&format!("(`{setting}`)"));
        assert!(!output.status.success() && named, "{setting}: {said}");
    }
}

#[test]
fn a_guest_without_a_fault_passes() {
    let folder = tempfile::tempdir().unwrap();
    for world in ["assembly", "truncation", "ranking", "condensation"] {
        let file = folder.path().join(format!("{world}.wasm"));
        fs::write(&file, guest(world, "none")).unwrap();
        let (passed, report) = check(&file);
        assert!(passed, "{report:#}");
    }
}

#[test]
fn what_is_no_policy_is_told_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let truncation = fs::read(repository().join("target/components/truncation.wasm")).unwrap();
    let wrong = [
        ("core module", b"\0asm\x01\0\0\0".to_vec(), "is a core module"),
        ("text", b"(component)".to_vec(), "is no WebAssembly component"),
        ("truncated", truncation[..truncation.len() / 2].to_vec(), "no valid component"),
        ("empty", b"\0asm\x0d\0\x01\0".to_vec(), "exports nothing"),
    ];
    for (name, bytes, message) in wrong {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let output = run(&["policy", "check", file.to_str().unwrap()]);
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && told.contains(message), "{name}: {told}");
    }
    // Components of other worlds, and one that wants files, the clock and the network.
    for (name, arguments, message) in [
        ("vector-search", &[][..], "a policy exports one of `loci:policy/assembly@0.1.0`"),
        ("truncation", &["--world", "prompt-assembly"][..], "must export `loci:policy/assembly"),
        ("truncation", &["--world", "weather"][..], "no world `weather`"),
        (
            "api",
            &[][..],
            "a policy imports nothing but WASI 0.2, which tells it nothing, and this one imports",
        ),
    ] {
        let file = repository().join(format!("target/components/{name}.wasm"));
        let file = file.to_str().unwrap();
        let output = run(&[&["policy", "check", file], arguments].concat());
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && told.contains(message), "{name}: {told}");
    }
}
