//! The cost of a turn, beside the budgets of the design: `cargo xtask bench`.
//!
//! Twice: over a stand-in for a model's server, which answers at once and is a process of its own,
//! so that what is left is the turn's own cost; and over the tests' tiny model in this host's own
//! engine, told to answer with one token. What the model costs is measured by the server
//! (`generate` in the receipt) and taken off where a turn's *own* cost is asked for. All of it runs
//! on one machine, so the processor time of each process is told.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use loci_tests::client::{Client, concurrent};
use loci_tests::server::Server;
use loci_tests::stand_in::{MODEL, StandIn};
use loci_tests::tiny_gguf::{TinyGguf, Vocabulary};
use serde_json::{Value, json};

/// Turns in the deep session.
const DEPTH: usize = 500;
/// Turns at either end of it that are compared.
const SAMPLE: usize = 20;
/// Sessions at once, and the turns of each, for throughput.
const SESSIONS: usize = 16;
const TURNS_EACH: usize = 60;
/// The argument that makes this program the stand-in.
const AS_STAND_IN: &str = "--as-stand-in";
/// Ticks of the processor's time in a second, as Linux tells it to programs.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() -> Result<()> {
    if std::env::args().any(|argument| argument == AS_STAND_IN) {
        return stand_in();
    }
    let model = InstantModel::start()?;
    let arguments = ["--model-url", &model.url, "--model-name", MODEL];
    heading("a model that answers at once, in a process of its own");
    start(&arguments)?;
    measure(&arguments, Some(model.process.id()))?;

    let folder = tempfile::tempdir()?;
    let path = folder.path().join("tiny.gguf");
    instant_model().write(&path)?;
    heading("the tiny model in the host's own engine");
    measure(&["--model", path.to_str().context("a temporary path is UTF-8")?], None)
}

fn heading(text: &str) {
    println!("\n== {text}");
}

/// How long the server takes to start.
fn start(arguments: &[&str]) -> Result<()> {
    let began = Instant::now();
    let mut server = Server::start(arguments)?;
    println!("start to healthy, first (compiles)   {:>9.1} ms", millis(began.elapsed()));
    server.terminate()?;
    let began = Instant::now();
    server.restart()?;
    println!("start to healthy, again              {:>9.1} ms", millis(began.elapsed()));
    Ok(())
}

/// What turns cost over a model; `model` is its process, if it has one.
fn measure(arguments: &[&str], model: Option<u32>) -> Result<()> {
    // Where this is set for the tests, wasmtime walks the stack whenever a fiber of it ends.
    let environment = [("RUST_LIB_BACKTRACE", "0")];
    let server = Server::start_with(arguments, &environment)?.unaudited();
    println!("memory at rest (resident)            {:>9.1} MB", resident_megabytes(&server)?);
    let client = server.client();
    let processes = Processes { server: server.process_id(), model };
    depth(&client, &processes)?;
    throughput(server.address(), &processes)?;
    println!("memory after all turns (resident)    {:>9.1} MB", resident_megabytes(&server)?);
    Ok(())
}

/// Answers until whoever started this ends, or closes the pipe.
fn stand_in() -> Result<()> {
    let server = StandIn::instant()?;
    println!("{}", server.url());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// The stand-in as a process of its own. It ends with the pipe to it.
struct InstantModel {
    process: Child,
    url: String,
    _output: BufReader<ChildStdout>,
}

impl InstantModel {
    fn start() -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(AS_STAND_IN)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(process.stdout.take().context("it has an output")?);
        let mut url = String::new();
        output.read_line(&mut url)?;
        Ok(Self { process, url: url.trim().to_owned(), _output: output })
    }
}

impl Drop for InstantModel {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whose time is counted.
struct Processes {
    server: u32,
    model: Option<u32>,
}

impl Processes {
    /// The time that processors have worked so far for the server, the model and this, in ms.
    fn work(&self) -> Result<[f64; 3]> {
        let model = self.model.map_or(Ok(0.0), processor_millis)?;
        Ok([processor_millis(self.server)?, model, processor_millis(std::process::id())?])
    }

    /// Prints what so many turns since `before` had processors do.
    fn tell(&self, before: [f64; 3], turns: usize) -> Result<()> {
        let now = self.work()?;
        let [server, model, client] = [0, 1, 2].map(|at| (now[at] - before[at]) / turns as f64);
        println!(
            "processor time per turn: server {server:>6.2} ms, model's process {model:.2} ms, \
             client {client:.2} ms"
        );
        Ok(())
    }
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
fn depth(client: &Client, processes: &Processes) -> Result<()> {
    let before = processes.work()?;
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
    processes.tell(before, DEPTH)
}

/// Turns per second with `SESSIONS` sessions at once, whose clients have one thread.
fn throughput(address: &str, processes: &Processes) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let before = processes.work()?;
    let began = Instant::now();
    runtime.block_on(async {
        let client = concurrent();
        let mut talks = tokio::task::JoinSet::new();
        for _ in 0..SESSIONS {
            talks.spawn(talk(client.clone(), address.to_owned()));
        }
        while let Some(talked) = talks.join_next().await {
            talked??;
        }
        anyhow::Ok(())
    })?;
    let turns = SESSIONS * TURNS_EACH;
    let rate = turns as f64 / began.elapsed().as_secs_f64();
    println!("turns per second, {SESSIONS} sessions at once {rate:>9.0} /s, no error in {turns}");
    processes.tell(before, turns)
}

/// One of many sessions, from its first turn to its last.
async fn talk(client: reqwest::Client, address: String) -> Result<()> {
    let sessions = format!("{address}/api/v1/sessions");
    let post = async |url: &str, body: &Value| -> Result<Value> {
        let answer = client.post(url).json(body).send().await?;
        ensure!(answer.status() == 201, "expected status 201, got {}", answer.status());
        Ok(answer.json().await?)
    };
    let session = post(&sessions, &json!({})).await?;
    let id = session["id"].as_str().context("a session without an id")?;
    let url = format!("{sessions}/{id}/messages");
    for number in 0..TURNS_EACH {
        post(&url, &message(number)).await?;
    }
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

/// What is said in a turn.
fn message(number: usize) -> Value {
    let content = format!(
        "Note {number}: on day {number} I met person {} near the {} bridge and we spoke of boats.",
        number * 7 % 101,
        ["old", "new", "iron", "stone"][number % 4],
    );
    json!({ "role": "user", "content": content, "max_tokens": 1, "temperature": 0 })
}

fn turn(client: &Client, session: &str, number: usize) -> Result<Cost> {
    let path = format!("/api/v1/sessions/{session}/messages");
    let began = Instant::now();
    let reply = client.post(&path, &message(number))?.expect(201)?;
    let whole = millis(began.elapsed());
    let stages = reply["metadata"]["stages_us"].clone();
    let model = stages["generate"].as_f64().context("a reply without its stage times")? / 1_000.0;
    Ok(Cost { whole, own: whole - model, stages })
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// The time that processors have worked for a process, in ms.
fn processor_millis(process: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program comes before, in brackets, and may hold anything.
    let (_, rest) = stat.rsplit_once(')').context("no name in the statistics")?;
    let ticks: Vec<f64> =
        rest.split_whitespace().skip(11).take(2).filter_map(|it| it.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() * 1_000.0 / TICKS_PER_SECOND)
}

fn resident_megabytes(server: &Server) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id()))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kilobytes / 1_024.0)
}
