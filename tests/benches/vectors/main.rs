//! Vector search beside its peers, on real text: `cargo xtask bench vectors --data FILE`.
//!
//! FILE has conversations in the form that `data` reads; their sentences are embedded by the
//! bundled model. `--python PROGRAM` names a Python that has hnswlib, usearch, chromadb and numpy:
//! they then run on the same vectors, right after. Only figures of one run can be compared.

mod component;
mod data;
mod measure;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use vector_search::{Library, Limits, vectors};

use component::Component;
use data::Data;
use measure::{Times, exact, recall};

/// How many of the nearest are asked for.
const MOST: u32 = 10;
/// The vectors of one session.
const SESSION: usize = 500;
/// Vectors that are inserted one at a time into an index that is full.
const LIVE: usize = 200;
/// Up to so many a scope is scanned whole.
const SCANNED_MAX: usize = 32_768;

struct Arguments {
    data: PathBuf,
    sizes: Vec<usize>,
    python: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = arguments()?;
    let data = Data::read(&arguments.data)?;
    println!("{} sentences, {} questions", data.passages.len(), data.queries.len());
    for &size in &arguments.sizes {
        let count = size.min(data.passages.len().saturating_sub(LIVE + SESSION));
        ensure!(count > 0, "`{}` has too few sentences", arguments.data.display());
        println!("\n{count} vectors of {} numbers", data::DIMENSIONS);
        bench(&data, count)?;
        if let Some(python) = &arguments.python {
            peers(&data, count, python)?;
        }
    }
    Ok(())
}

fn arguments() -> Result<Arguments> {
    let (mut data, mut python, mut sizes) = (None, None, vec![1_000, 10_000, 30_000, 100_000]);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("`{word}` needs a value"));
        match word.as_str() {
            "--data" => data = Some(value()?.into()),
            "--python" => python = Some(value()?.into()),
            "--sizes" => {
                let list = value()?;
                sizes = list.split(',').map(str::parse).collect::<Result<_, _>>()?;
            }
            // What cargo says to every benchmark.
            "--bench" => {}
            _ => bail!("there is no argument `{word}`, only `--data`, `--sizes` and `--python`"),
        }
    }
    let data = data.context("`--data FILE` names a file of conversations")?;
    Ok(Arguments { data, sizes, python })
}

/// Both forms of the same code: native, and as the component that ships.
enum Index {
    Native(Box<Library>),
    Wasm(Box<Component>),
}

impl Index {
    fn insert(&mut self, scope: &str, entries: Vec<vectors::Entry>) -> Result<()> {
        match self {
            Self::Native(library) => {
                let done = library.insert(0, scope, &entries, 1);
                done.map_err(|error| anyhow::anyhow!("{error:?}"))
            }
            Self::Wasm(component) => component.insert(scope, entries),
        }
    }

    fn restore(&mut self, scope: &str, part: &[u8]) -> Result<()> {
        match self {
            Self::Native(library) => {
                let done = library.restore(0, scope, part);
                done.map_err(|error| anyhow::anyhow!("{error:?}"))
            }
            Self::Wasm(component) => component.restore(scope, part),
        }
    }

    fn search(&mut self, scope: &str, query: &[f32]) -> Result<Vec<u64>> {
        match self {
            Self::Native(library) => {
                let hits = library.search(0, &[scope.to_owned()], query, MOST);
                let hits = hits.map_err(|error| anyhow::anyhow!("{error:?}"))?;
                Ok(hits.into_iter().map(|hit| hit.id).collect())
            }
            Self::Wasm(component) => component.search(scope, query, MOST),
        }
    }

    fn candidates(&mut self, scope: &str, query: &[f32]) -> Result<Vec<u64>> {
        match self {
            Self::Native(library) => {
                let found = library.candidates(0, &[scope.to_owned()], query, MOST);
                let found = found.map_err(|error| anyhow::anyhow!("{error:?}"))?;
                Ok(found.into_iter().map(|one| one.id).collect())
            }
            Self::Wasm(component) => component.candidates(scope, query, MOST),
        }
    }
}

fn bench(data: &Data, count: usize) -> Result<()> {
    let passages = &data.passages[..count];
    let truth: Vec<Vec<u64>> =
        data.queries.iter().map(|query| exact(passages, query, MOST as usize)).collect();
    let limits = Limits::default();
    let mut library = Library::new(limits);
    library.open("bench", data::DIMENSIONS).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let mut native = Index::Native(Box::new(library));
    let mut wasm = Index::Wasm(Box::new(Component::start()?));
    for index in [&mut native, &mut wasm] {
        fill(index, "all", passages)?;
        fill(index, "session", &data.passages[count..count + SESSION])?;
    }
    let graph = if count > SCANNED_MAX { graph(&native)? } else { Vec::new() };
    for (name, index) in [("native", &mut native), ("wasm", &mut wasm)] {
        for part in &graph {
            index.restore("all", part)?;
        }
        let (times, found) = measure::each(&data.queries, |query| index.search("all", query))?;
        println!("{name:6} search         {times}   recall@10 {:.4}", recall(&truth, &found));
        rescored(name, index, data, passages, &truth)?;
        let (times, _) = measure::each(&data.queries, |query| index.search("session", query))?;
        println!("{name:6} one session    {times}");
        live(name, index, data, count)?;
    }
    if let Index::Native(library) = &native {
        let statistics = library.statistics(0);
        let each = statistics.bytes as f64 / statistics.vectors as f64;
        let share = each / f64::from(data::DIMENSIONS);
        println!("memory {each:.0} bytes a vector, {share:.2} times its numbers");
    }
    Ok(())
}

fn fill(index: &mut Index, scope: &str, passages: &[Vec<f32>]) -> Result<()> {
    for (number, some) in passages.chunks(1_024).enumerate() {
        let first = number * 1_024;
        let entry = |(at, vector): (usize, &Vec<f32>)| vectors::Entry {
            id: (first + at) as u64,
            vector: vector.clone(),
        };
        index.insert(scope, some.iter().enumerate().map(entry).collect())?;
    }
    Ok(())
}

/// The exact answer: the candidates, compared with the query by their full vectors.
fn rescored(
    name: &str,
    index: &mut Index,
    data: &Data,
    passages: &[Vec<f32>],
    truth: &[Vec<u64>],
) -> Result<()> {
    let mut candidates = 0;
    let (times, found) = measure::each(&data.queries, |query| {
        let found = index.candidates("all", query)?;
        candidates += found.len();
        let full = found.iter().map(|&id| (id, passages[id as usize].as_slice()));
        Ok(measure::best(full, query, MOST as usize))
    })?;
    let each = candidates as f64 / (measure::ROUNDS * data.queries.len()) as f64;
    let recall = recall(truth, &found);
    println!("{name:6} and rescored   {times}   recall@10 {recall:.4}, {each:.1} candidates");
    ensure!(
        passages.len() > SCANNED_MAX || recall == 1.0,
        "the answer is not exact, and it should be in {} vectors",
        passages.len()
    );
    Ok(())
}

/// Inserts one at a time, and removes them again.
fn live(name: &str, index: &mut Index, data: &Data, count: usize) -> Result<()> {
    let new = &data.passages[count..count + LIVE];
    let mut times = Vec::with_capacity(LIVE);
    for (at, vector) in new.iter().enumerate() {
        let entry = vectors::Entry { id: (count + at) as u64, vector: vector.clone() };
        let (time, done) = measure::time(|| index.insert("all", vec![entry]));
        done?;
        times.push(time);
    }
    println!("{name:6} live insert    {}", Times::of(times));
    Ok(())
}

/// A graph of the scope, made natively: its parts are the same bytes everywhere.
fn graph(native: &Index) -> Result<Vec<Vec<u8>>> {
    let Index::Native(library) = native else {
        bail!("the graph is made natively");
    };
    let parts: Vec<Vec<u8>> = (0..).map_while(|part| library.snapshot(0, "all", part)).collect();
    let (time, graph) = measure::time(|| vector_search::build(&parts));
    println!("native graph built in {:.1} s", time / 1e6);
    graph.map_err(|error| anyhow::anyhow!("{error:?}"))
}

/// Runs the peers on the same vectors.
fn peers(data: &Data, count: usize, python: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    data::write(&folder.path().join("passages.f32"), &data.passages[..count])?;
    data::write(&folder.path().join("queries.f32"), &data.queries)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/vectors/peers.py");
    let status = Command::new(python)
        .arg(script)
        .arg(folder.path())
        .arg(data::DIMENSIONS.to_string())
        .arg(SESSION.to_string())
        .status()
        .with_context(|| format!("`{}` could not be started", python.display()))?;
    ensure!(status.success(), "the peers failed: {status}");
    Ok(())
}
