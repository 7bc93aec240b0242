//! The JavaScript package of the policies, in Node, held to the components: the same input, the
//! same answer, down to the last bit.

use std::io::Write;
use std::process::{Command, Stdio};

use loci_tests::server::repository;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Number, Value, json};
use wasmtime::component::{Component, Instance, Linker, Val};
use wasmtime::{Config, Engine, Store};

use super::component::compiled;
use super::dynamic::{lift, lower};
use super::model::{Anchor, Content, Lengths, Passage, Prompt};
use super::properties::{lengths, prompt};

/// Inputs of each kind.
const CASES: usize = 150;

/// A component that runs, for calls whose values are JSON.
struct Asked {
    store: Store<()>,
    instance: Instance,
    interface: &'static str,
}

impl Asked {
    fn start(name: &str, interface: &'static str) -> Self {
        let mut config = Config::new();
        config.cranelift_nan_canonicalization(true).wasm_component_model_async(true);
        let engine = Engine::new(&config).expect("an engine");
        let component = Component::from_binary(&engine, &compiled(name)).expect("a component");
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &component);
        Self { instance: instance.expect("it imports nothing"), store, interface }
    }

    /// Calls a function, whose first arguments are values that JSON has not.
    fn call(&mut self, function: &str, first: &[Val], given: &[Value]) -> Val {
        let Self { store, instance, interface } = self;
        let interface = instance.get_export_index(&mut *store, None, interface);
        let export = instance
            .get_export_index(&mut *store, Some(&interface.expect("its interface")), function)
            .expect("a function of its interface");
        let function = instance.get_func(&mut *store, export).expect("a function");
        let types = function.ty(&*store);
        let rest = types.params().skip(first.len()).zip(given);
        let mut arguments = first.to_vec();
        arguments.extend(rest.map(|((_, ty), json)| lower(json, &ty)));
        let mut answer = vec![Val::Bool(false); types.results().len()];
        function.call(store, &arguments, &mut answer).expect("it does not trap");
        answer.pop().unwrap_or(Val::Bool(true))
    }

    /// Calls a function, and returns what it answers as the package should: `{ ok }` or
    /// `{ error }`.
    fn ask(&mut self, function: &str, given: &[Value]) -> Value {
        match self.call(function, &[], given) {
            answer @ Val::Result(_) => lift(&answer),
            answer => json!({ "ok": lift(&answer) }),
        }
    }
}

/// What the package answers to these calls.
fn node(calls: &[(&str, Vec<Value>)]) -> Vec<Value> {
    let calls: Vec<Value> =
        calls.iter().map(|(call, given)| json!({ "call": call, "given": given })).collect();
    let mut node = Command::new("node")
        .arg(repository().join("tests/clients/policies.mjs"))
        .arg(repository().join("target/policies"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`node` can be started; `cargo xtask test` installs it");
    let mut stdin = node.stdin.take().expect("it is piped");
    // It reads everything before it answers anything.
    stdin.write_all(&serde_json::to_vec(&calls).expect("JSON")).expect("it reads");
    drop(stdin);
    let output = node.wait_with_output().expect("it ends");
    assert!(output.status.success(), "`node` failed; what it printed above says why");
    serde_json::from_slice(&output.stdout).expect("it answers in JSON")
}

/// Asks both, one call after the other, and compares.
fn compare(component: &mut Asked, function: &str, name: Option<&str>, inputs: Vec<Value>) {
    let call = |input: &Value| {
        let name = name.map(|name| json!(name));
        (function, name.into_iter().chain([input.clone()]).collect())
    };
    let answers = node(&inputs.iter().map(call).collect::<Vec<_>>());
    assert_eq!(answers.len(), inputs.len());
    for (input, answer) in inputs.iter().zip(answers) {
        let expected = component.ask(function, std::slice::from_ref(input));
        same(&format!("{function} of {input}"), &answer, &expected);
    }
}

/// Fails at the first place where they differ; whole answers are too long to read.
fn same(place: &str, answer: &Value, expected: &Value) {
    match (answer, expected) {
        (Value::Array(one), Value::Array(other)) => {
            assert_eq!(one.len(), other.len(), "items of {place}");
            for (at, (one, other)) in one.iter().zip(other).enumerate() {
                same(&format!("{place}[{at}]"), one, other);
            }
        }
        (Value::Object(one), Value::Object(other)) => {
            assert!(one.keys().eq(other.keys()), "fields of {place}: {one:?}, {other:?}");
            for (name, one) in one {
                same(&format!("{place}.{name}"), one, &other[name]);
            }
        }
        (Value::Number(one), Value::Number(other)) => {
            assert_eq!(number(one), number(other), "{place}");
        }
        (one, other) => assert_eq!(one, other, "{place}"),
    }
}

/// A number, whole or of 32 bits: JavaScript has one kind only, and reading decimals into 64 bits
/// may be off in the last one.
fn number(number: &Number) -> f64 {
    let number = number.as_f64().expect("a number");
    if number.fract() == 0.0 { number } else { f64::from(number as f32) }
}

/// So many values, the same ones in every run.
fn samples<T>(count: usize, strategy: &(impl Strategy<Value = T> + ?Sized)) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    let mut sample = || strategy.new_tree(&mut runner).expect("a value").current();
    (0..count).map(|_| sample()).collect()
}

fn assembly_request(prompt: &Prompt) -> Value {
    let passage = |it: &Passage| {
        let mut passage = json!({
            "id": it.id, "kind": it.kind, "role": it.role, "turn": it.turn, "score": 0.5,
            "tokens": 3, "text": it.text,
            "kept": it.spans().iter()
                .map(|(start, end)| json!({ "start": start, "end": end })).collect::<Value>(),
        });
        if let Some(said_at) = it.said_at {
            passage["saidAt"] = json!(said_at);
        }
        passage
    };
    let passages = prompt.passages.iter().map(passage).collect::<Value>();
    json!({ "now": 1_700_000_000, "passages": passages })
}

fn truncation_request(lengths: &Lengths) -> Value {
    let anchor = |anchor| match anchor {
        Anchor::Always => json!({ "tag": "always" }),
        Anchor::Section(kind) => json!({ "tag": "section", "val": kind }),
        Anchor::Passage(id) => json!({ "tag": "passage", "val": id }),
    };
    let items = lengths.items.iter().map(|item| {
        let content = match item.content {
            Content::Fixed(to) => json!({ "tag": "fixed", "val": anchor(to) }),
            Content::Excerpt { passage, kind } => {
                json!({ "tag": "excerpt", "val": { "passage": passage, "kind": kind } })
            }
        };
        json!({ "content": content, "tokens": item.tokens })
    });
    json!({ "budget": lengths.budget, "items": items.collect::<Value>() })
}

#[test]
fn the_package_lays_out_prompts_as_the_components_do() {
    for ending in ["", "-classic", "-compact", "-recency"] {
        let name = &format!("prompt-assembly{ending}");
        let mut component = Asked::start(name, "loci:policy/assembly@0.1.0");
        let description = component.ask("describe", &[]);
        let answer = node(&[("describe", vec![json!(name)])]).remove(0);
        same(&format!("{name}.describe"), &answer, &description);
        let prompts = samples(CASES, &prompt());
        let mut inputs: Vec<Value> = prompts.iter().map(assembly_request).collect();
        // One without its query is refused.
        let mut incomplete = inputs[0].clone();
        incomplete["passages"].as_array_mut().expect("a list").pop();
        inputs.push(incomplete);
        compare(&mut component, "assemble", Some(name), inputs);
    }
}

#[test]
fn the_package_cuts_as_the_component_does() {
    let mut component = Asked::start("truncation", "loci:policy/truncation@0.1.0");
    let lengths = samples(4 * CASES, &lengths());
    compare(&mut component, "truncate", None, lengths.iter().map(truncation_request).collect());
}

#[test]
fn the_package_chooses_and_condenses_as_the_components_do() {
    let words = "([a-eé犬]{1,4}[ .,\n]){0,40}";
    let candidate = (
        (select(&["document", "memory"][..]), select(&["user", "assistant"][..])),
        (of(-1.0_f32..1.0), of(0.0_f32..30.0), of(0..2_000_000_000_u64)),
        (of(-1.0_f32..1.0), of(0..40_u32), of(words)),
        words,
    );
    let choice = (words, vec(candidate, 0..40), 0..12_u32).prop_map(|(query, found, most)| {
        let candidates = found.into_iter().zip(0..).map(|(it, id)| {
            let ((kind, role), (dense, lexical, said_at), (common, follows, name), text) = it;
            json!({
                "id": id, "kind": kind, "role": role, "dense": dense, "lexical": lexical,
                "saidAt": said_at, "common": common, "follows": follows, "name": name,
                "bytes": 7 * text.len(), "text": text,
            })
        });
        let candidates = candidates.collect::<Value>();
        json!({ "query": query, "now": 1_800_000_000, "candidates": candidates, "most": most })
    });
    let mut component = Asked::start("ranking", "loci:policy/ranking@0.1.0");
    compare(&mut component, "rank", None, samples(CASES, &choice));

    let source = (words, 0..80_u32, 1..80_u32);
    let condensed = (words, vec(source, 0..6)).prop_map(|(query, sources)| {
        let sources = sources.into_iter().map(|(text, tokens, tokens_max)| {
            json!({ "text": text, "tokens": tokens, "tokensMax": tokens_max })
        });
        json!({ "query": query, "sources": sources.collect::<Value>() })
    });
    let mut component = Asked::start("condensation", "loci:policy/condensation@0.1.0");
    compare(&mut component, "condense", None, samples(CASES, &condensed));
}

#[test]
fn the_package_embeds_as_the_component_does() {
    let mut texts: Vec<String> = samples(100, "([a-zA-Zé犬'-]{1,9}[ .,\n]){0,30}");
    texts.push("My sister Oriane keeps her violin in the blue cupboard.".to_owned());
    let calls = [("embed", vec![json!(texts)]), ("count", vec![json!(texts)]), ("digest", vec![])];
    let answers = node(&calls);
    let mut component = Asked::start("embedding-static", "loci:inference/embeddings@0.1.0");
    let embedded = component.ask("embed", &[json!(texts), json!("query")]);
    let described = component.ask("describe", &[]);
    let counted = component.ask("count", &[json!(texts)]);
    same("embed", &answers[0], &embedded);
    same("count", &answers[1], &counted);
    assert_eq!(answers[2]["ok"], described["ok"]["digest"]);
}

#[test]
fn the_package_searches_as_the_component_does() {
    const DIMENSIONS: usize = 48;
    let vectors = samples(400, &vec(-1.0_f32..1.0, DIMENSIONS));
    let (queries, stored) = vectors.split_at(20);
    let entries = stored.iter().zip(1_u64..);
    let entries: Value =
        entries.map(|(vector, id)| json!({ "id": id, "vector": vector })).collect();
    let removed = json!([3, 200, 4_000]);
    let given = json!({
        "dimensions": DIMENSIONS, "entries": entries, "removed": removed, "queries": queries,
        "most": 10,
    });
    let answer = node(&[("vectors", vec![given])]).remove(0);

    let mut component = Asked::start("vector-search", "loci:search/vectors@0.1.0");
    let opened = component.call("[static]index.open", &[], &[json!("index"), json!(DIMENSIONS)]);
    let Val::Result(Ok(Some(index))) = opened else { panic!("it opens: {opened:?}") };
    let mut ask = |method: &str, given: &[Value]| {
        let answer = component.call(&format!("[method]index.{method}"), &[*index.clone()], given);
        let lifted = lift(&answer);
        if matches!(answer, Val::Result(_)) { lifted["ok"].clone() } else { lifted }
    };
    ask("insert", &[json!("scope"), entries, json!(7)]);
    ask("remove", &[json!("scope"), removed]);
    let scopes = json!(["scope", "none"]);
    let mut near = Vec::new();
    for query in queries {
        let given = [scopes.clone(), json!(query), json!(10)];
        near.push(json!([ask("search", &given), ask("candidates", &given)]));
    }
    let mark = ask("mark", &[json!("scope")]);
    let snapshot = ask("snapshot", &[json!("scope"), json!(0)]);
    let expected = json!({ "ok": { "mark": mark, "near": near, "snapshot": snapshot } });
    same("vectors", &answer, &expected);
}
