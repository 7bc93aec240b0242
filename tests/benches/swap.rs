//! What it costs others when a policy is replaced: `cargo xtask bench swap`.
//!
//! Sixty-four clients talk all the time, over a model that answers at once. In every other interval
//! a policy is put in use each second. The intervals alternate, so that whatever else the machine
//! does falls on both alike.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use loci_tests::client::Client;
use loci_tests::server::Server;
use loci_tests::stand_in::{MODEL, StandIn};
use loci_tests::zoo::{component, marked};
use reqwest::Method;
use serde_json::json;

/// Clients that talk at once.
const CLIENTS: usize = 64;
/// Intervals of each kind, and how long each is.
const INTERVALS: usize = 6;
const INTERVAL: Duration = Duration::from_secs(10);
/// How often a policy is put in use.
const SWAP_EVERY: Duration = Duration::from_secs(1);

/// What is going on: nothing is measured, nobody swaps, somebody does, everybody stops.
const WARMING: usize = 0;
const CALM: usize = 1;
const SWAPPING: usize = 2;
const OVER: usize = 3;

fn main() -> Result<()> {
    let model = StandIn::instant()?;
    let server = Server::start(&["--model-url", &model.url(), "--model-name", MODEL])?.unaudited();
    let client = server.client();
    let policies = [
        add(&client, "prompt-assembly", "a")?,
        add(&client, "prompt-assembly", "b")?,
        add(&client, "prompt-assembly", "c")?,
    ];
    let now = AtomicUsize::new(WARMING);
    let measured: Mutex<[Vec<Duration>; 2]> = Mutex::default();
    std::thread::scope(|scope| -> Result<()> {
        let talks: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| talk(&server.client(), &now, &measured))).collect();
        let swapped = swap(&client, &policies, &now);
        now.store(OVER, Ordering::Relaxed);
        for talk in talks {
            talk.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
        }
        swapped
    })?;
    let [calm, swapping] = measured.into_inner().expect("nobody panicked");
    let [calm_half, calm_most] = told("nobody swaps", calm)?;
    let [half, most] = told("one swap a second", swapping)?;
    println!("ratio: p50 {:.2}, p99 {:.2}", half / calm_half, most / calm_most);
    Ok(())
}

/// Adds a component of the build that does the same as it, under another digest.
fn add(client: &Client, name: &str, mark: &str) -> Result<String> {
    let bytes = marked(component(name), mark);
    let request = client.request(Method::POST, "/api/v1/policies");
    let request = request.header("content-type", "application/wasm").body(bytes);
    let row = Client::answer(request)?.expect(201)?;
    Ok(row["digest"].as_str().context("a policy without a digest")?.to_owned())
}

/// Lets the intervals pass, and puts policies in use in every other one.
fn swap(client: &Client, policies: &[String], now: &AtomicUsize) -> Result<()> {
    std::thread::sleep(INTERVAL);
    let mut swaps = 0;
    for _ in 0..INTERVALS {
        now.store(CALM, Ordering::Relaxed);
        std::thread::sleep(INTERVAL);
        now.store(SWAPPING, Ordering::Relaxed);
        let began = Instant::now();
        while began.elapsed() < INTERVAL {
            let path = format!("/api/v1/policies/{}/activate", policies[swaps % policies.len()]);
            client.post(&path, &json!({}))?.expect(200)?;
            swaps += 1;
            std::thread::sleep(SWAP_EVERY);
        }
    }
    println!("{swaps} swaps under {CLIENTS} clients");
    Ok(())
}

/// Talks until it is over. Fails with the first turn that does.
fn talk(client: &Client, now: &AtomicUsize, all: &Mutex<[Vec<Duration>; 2]>) -> Result<()> {
    let session = client.create_session("swap")?;
    let mut measured = [Vec::new(), Vec::new()];
    loop {
        let (before, began) = (now.load(Ordering::Relaxed), Instant::now());
        if before == OVER {
            break;
        }
        let reply = client.say(&session, "And what about the tea?")?;
        ensure!(reply["metadata"]["degraded"] == json!([]), "{reply}");
        // A turn on the border of two intervals belongs to neither.
        if before != WARMING && now.load(Ordering::Relaxed) == before {
            measured[before - CALM].push(began.elapsed());
        }
    }
    let mut all = all.lock().expect("nobody panicked");
    all.iter_mut().zip(measured).for_each(|(all, mut one)| all.append(&mut one));
    Ok(())
}

/// Tells the median and the 99th percentile, and returns them in ms.
fn told(what: &str, mut turns: Vec<Duration>) -> Result<[f64; 2]> {
    ensure!(!turns.is_empty(), "no turn was measured: {what}");
    turns.sort_unstable();
    let at = |part: usize| turns[(turns.len() - 1) * part / 100].as_secs_f64() * 1_000.0;
    let [half, most] = [at(50), at(99)];
    let count = turns.len();
    println!("{what:18} {count:>7} turns, none failed   p50 {half:>7.2} ms   p99 {most:>7.2} ms");
    Ok([half, most])
}
