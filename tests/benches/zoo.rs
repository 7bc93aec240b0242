//! How fast the server is done with hostile guests, and whether others notice:
//! `cargo xtask bench zoo`.
//!
//! Each is uploaded again and again, each time under another digest, so that nothing is known of
//! it. Meanwhile one client talks, over a model that answers at once; it also talks before, while
//! nobody uploads anything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use loci_tests::client::Client;
use loci_tests::server::Server;
use loci_tests::stand_in::{MODEL, StandIn};
use loci_tests::zoo::{guest, marked, refused};
use reqwest::Method;
use serde_json::json;

/// The most that each may take, in milliseconds.
const BUDGET: f64 = 250.0;
/// How often each is uploaded.
const UPLOADS: usize = 10;
/// What a policy does once it is in use, which it did not while it was tried.
const CUES: [&str; 6] =
    ["loop", "recursion", "growth", "trap", "giant-answer", "forgets-the-query"];

fn main() -> Result<()> {
    let model = StandIn::instant()?;
    let server = Server::start(&["--model-url", &model.url(), "--model-name", MODEL])?.unaudited();
    let client = server.client();
    println!("each ends in its own named error; the budget is {BUDGET} ms\n");
    let calm = talking(&client, || {
        std::thread::sleep(Duration::from_secs(3));
        Ok(())
    })?;
    let disturbed = talking(&client, || uploads(&client))?;
    awake(&client)?;
    println!("\na turn of somebody else  p50 ms  p99 ms");
    for (when, turns) in [("while nothing is uploaded", calm), ("while the zoo is", disturbed)] {
        let [half, most] = [50, 99].map(|part| turns[(turns.len() - 1) * part / 100]);
        println!("{when:25} {half:>5.1} {most:>7.1}   {} turns, none failed", turns.len());
    }
    Ok(())
}

/// Uploads all that is refused.
fn uploads(client: &Client) -> Result<()> {
    println!("{:22} {:>7} {:>7}", "upload", "p50 ms", "most ms");
    for animal in refused() {
        let mut took = Vec::new();
        for number in 0..UPLOADS {
            let body = marked(animal.bytes.clone(), &format!("{number}"));
            let request = client.request(Method::POST, "/api/v1/policies");
            let request = request.header("content-type", "application/wasm").body(body);
            let began = Instant::now();
            let answer = Client::answer(request)?;
            took.push(millis(began));
            let error = &answer.body["error"];
            let message = error["message"].as_str().unwrap_or_default();
            ensure!(error["code"] == animal.code && message.contains(animal.reason), "{message}");
        }
        tell(animal.name, took);
    }
    Ok(())
}

/// Puts a policy in use that does no wrong until it is told to, and tells it to.
fn awake(client: &Client) -> Result<()> {
    let request = client.request(Method::POST, "/api/v1/policies");
    let request = request.header("content-type", "application/wasm");
    let row = Client::answer(request.body(guest("assembly", "sleeper")))?.expect(201)?;
    let digest = row["digest"].as_str().context("a policy without a digest")?;
    client.post(&format!("/api/v1/policies/{digest}/activate"), &json!({}))?.expect(200)?;
    println!("\n{:22} {:>7} {:>7}", "turn, once in use", "p50 ms", "most ms");
    for cue in CUES {
        let session = client.create_session(cue)?;
        let mut took = Vec::new();
        for _ in 0..UPLOADS {
            let began = Instant::now();
            let reply = client.say(&session, &format!("Now: {cue}"))?;
            took.push(millis(began));
            ensure!(reply["metadata"]["degraded"][0]["part"] == "assembly", "{reply}");
        }
        tell(cue, took);
    }
    Ok(())
}

/// Talks while something is done. Returns what each turn took in milliseconds, in order.
fn talking(client: &Client, work: impl FnOnce() -> Result<()>) -> Result<Vec<f64>> {
    let done = AtomicBool::new(false);
    let session = client.create_session("somebody else")?;
    let mut turns = std::thread::scope(|scope| {
        let talk = scope.spawn(|| -> Result<Vec<f64>> {
            let mut turns = Vec::new();
            while turns.is_empty() || !done.load(Ordering::Relaxed) {
                let began = Instant::now();
                let reply = client.say(&session, "And what about the tea?")?;
                turns.push(millis(began));
                ensure!(reply["metadata"]["degraded"] == json!([]), "{reply}");
            }
            Ok(turns)
        });
        let worked = work();
        done.store(true, Ordering::Relaxed);
        let turns = talk.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
        worked.map(|()| turns)
    })?;
    turns.sort_by(f64::total_cmp);
    Ok(turns)
}

fn tell(name: &str, mut took: Vec<f64>) {
    took.sort_by(f64::total_cmp);
    let (half, most) = (took[took.len() / 2], took[took.len() - 1]);
    let mark = if most <= BUDGET { "" } else { "   over the budget" };
    println!("{name:22} {half:>7.1} {most:>7.1}{mark}");
}

fn millis(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}
