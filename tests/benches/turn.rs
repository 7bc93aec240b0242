//! The cost of a turn, beside the budgets of the design: `cargo xtask bench`.
//!
//! The model is the tests' tiny one, told to answer with one token: as near to an instant model as
//! a real one comes. What it still costs is measured by the server (`generate` in the receipt) and
//! taken off where a turn's *own* cost is asked for.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use loci_tests::client::Client;
use loci_tests::server::Server;
use loci_tests::tiny_gguf::{TinyGguf, Vocabulary};
use serde_json::{Value, json};

/// Turns in the deep session.
const DEPTH: usize = 500;
/// Turns at either end of it that are compared.
const SAMPLE: usize = 20;
/// Sessions at once, and the turns of each, for throughput.
const SESSIONS: usize = 16;
const TURNS_EACH: usize = 60;

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let model = folder.path().join("tiny.gguf");
    instant_model().write(&model)?;
    let model = model.to_str().context("a temporary path is UTF-8")?;
    let began = Instant::now();
    let server = Server::start(&["--model", model])?;
    println!("start to healthy, first (compiles)   {:>9.1} ms", millis(began.elapsed()));
    drop(server);

    let mut server = Server::start(&["--model", model])?;
    server.terminate()?;
    let began = Instant::now();
    server.restart()?;
    println!("start to healthy, again              {:>9.1} ms", millis(began.elapsed()));
    println!("memory at rest (resident)            {:>9.1} MB", resident_megabytes(&server)?);

    let client = server.client();
    depth(&client)?;
    throughput(&client)?;
    println!("memory after all turns (resident)    {:>9.1} MB", resident_megabytes(&server)?);
    Ok(())
}

/// One narrow layer and a small context: what a model of this engine costs at the very least.
fn instant_model() -> TinyGguf {
    TinyGguf {
        name: "instant".into(),
        vocabulary: Vocabulary::merged(1_000),
        context: 2_048,
        embedding: 32,
        layers: 1,
        heads: 1,
        feed_forward: 32,
        ..TinyGguf::chat()
    }
}

/// One session, `DEPTH` turns deep: the first turns beside the last ones.
fn depth(client: &Client) -> Result<()> {
    let session = client.create_session("deep")?;
    let mut turns = Vec::with_capacity(DEPTH);
    for number in 0..DEPTH {
        turns.push(turn(client, &session, number)?);
    }
    let first = Cost::median(&turns[..SAMPLE]);
    let last = Cost::median(&turns[DEPTH - SAMPLE..]);
    println!("turn, first {SAMPLE}: whole {:>7.2} ms, own {:>6.2} ms", first.whole, first.own);
    println!("turn, last {SAMPLE}:  whole {:>7.2} ms, own {:>6.2} ms", last.whole, last.own);
    println!("own cost at depth {DEPTH} / at the start   {:>9.2} ×", last.own / first.own);
    let receipt = &turns[DEPTH - 1].stages;
    println!("stages of the last turn (µs): {receipt}");
    Ok(())
}

/// Turns per second with `SESSIONS` sessions at once.
fn throughput(client: &Client) -> Result<()> {
    let began = Instant::now();
    let results: Vec<Result<()>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..SESSIONS)
            .map(|worker| {
                let client = client.clone();
                scope.spawn(move || {
                    let session = client.create_session(&format!("worker {worker}"))?;
                    (0..TURNS_EACH).try_for_each(|n| turn(&client, &session, n).map(drop))
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker panicked")).collect()
    });
    results.into_iter().collect::<Result<()>>()?;
    let turns = SESSIONS * TURNS_EACH;
    let rate = turns as f64 / began.elapsed().as_secs_f64();
    println!("turns per second, {SESSIONS} sessions at once {rate:>9.0} /s, no error in {turns}");
    Ok(())
}

/// What one turn cost, in milliseconds.
struct Cost {
    /// As the client saw it.
    whole: f64,
    /// Less the time in the model.
    own: f64,
    /// Time per stage, as the receipt tells.
    stages: Value,
}

impl Cost {
    fn median(turns: &[Self]) -> Self {
        let middle = |pick: fn(&Self) -> f64| {
            let mut values: Vec<f64> = turns.iter().map(pick).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        Self { whole: middle(|c| c.whole), own: middle(|c| c.own), stages: Value::Null }
    }
}

fn turn(client: &Client, session: &str, number: usize) -> Result<Cost> {
    let content = format!(
        "Note {number}: on day {number} I met person {} near the {} bridge and we spoke of boats.",
        number * 7 % 101,
        ["old", "new", "iron", "stone"][number % 4],
    );
    let body = json!({ "role": "user", "content": content, "max_tokens": 1, "temperature": 0 });
    let path = format!("/api/v1/sessions/{session}/messages");
    let began = Instant::now();
    let reply = client.post(&path, &body)?.expect(201)?;
    let whole = millis(began.elapsed());
    let stages = reply["metadata"]["stages_us"].clone();
    let model = stages["generate"].as_f64().context("a reply without its stage times")? / 1_000.0;
    Ok(Cost { whole, own: whole - model, stages })
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

fn resident_megabytes(server: &Server) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id()))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kilobytes / 1_024.0)
}
