//! Trying a file in a process of its own before it is loaded here. llama.cpp ends its process where
//! a file contradicts itself in a way that it does not expect; then it had better not be this one.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::load::{self, Sizes, Weights};
use super::{Setup, embed};

/// Files up to this length are tried with all of their weights, in bytes; of larger ones, only what
/// stands beside the weights.
const WEIGHTS_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// The context in which a model is tried, in tokens.
const TRIAL_TOKENS: u32 = 256;
/// How long a trial may take. The file is read from a disk that may be slow.
const TRIAL_TIME_MAX: Duration = Duration::from_secs(300);
/// How often the parent looks whether a trial is over.
const LOOK_TIME: Duration = Duration::from_millis(4);
/// What is kept of what a trial writes, in bytes.
const OUTPUT_BYTES_MAX: u64 = 64 * 1024;
/// The name of the command that a trial is started with.
pub const COMMAND: &str = "probe";

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// To chat.
    Chat,
    /// To embed.
    Embedding,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding => "embedding",
        }
    }
}

/// Has another process try the file at `path`. Returns when that is over, or when `is_wanted` says
/// that nobody waits for it.
///
/// Fails with a sentence for the operator if the file cannot be used.
pub fn ask(
    setup: &Setup,
    kind: Kind,
    path: &Path,
    is_wanted: impl Fn() -> bool,
) -> Result<(), String> {
    let Some(program) = &setup.prober else { return Ok(()) };
    let begun = Command::new(program)
        .args([COMMAND, kind.name()])
        .arg(path)
        // llama.cpp would start a debugger to describe its end.
        .env("GGML_NO_BACKTRACE", "1")
        .env("RUST_BACKTRACE", "0")
        .env("OMP_NUM_THREADS", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let shown = path.display();
    let mut child =
        begun.map_err(|error| format!("`{shown}` cannot be tried: no process: {error}"))?;
    let (said, complained) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let ended = wait(&mut child, is_wanted);
    let (said, complained) = (text(said), text(complained));
    match ended.map_err(|why| format!("`{shown}` cannot be tried: {why}"))? {
        Some(0) => Ok(()),
        // It went as it should, and this is the reason.
        Some(1) if !said.trim().is_empty() => Err(said.trim().to_owned()),
        _ => Err(format!(
            "`{shown}` is damaged, or not what it says it is: llama.cpp gave up on it ({})",
            last_words(&complained)
        )),
    }
}

/// Waits for the end of a trial: its exit code, none if it was ended by a signal.
fn wait(child: &mut Child, is_wanted: impl Fn() -> bool) -> Result<Option<i32>, String> {
    let deadline = Instant::now() + TRIAL_TIME_MAX;
    loop {
        let late = Instant::now() >= deadline;
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.code()),
            Ok(None) if is_wanted() && !late => thread::sleep(LOOK_TIME),
            Ok(None) => {
                // It may have ended meanwhile, which is as good.
                drop(child.kill());
                drop(child.wait());
                let why = if late { "it took longer than 300 s" } else { "nobody waits for it" };
                return Err(why.to_owned());
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

type Collected = thread::JoinHandle<Vec<u8>>;

/// Reads what a process writes, so that it never waits for a reader.
fn collect(stream: Option<impl Read + Send + 'static>) -> Option<Collected> {
    let mut stream = stream?;
    Some(thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before a failure is all that there is.
        drop(stream.by_ref().take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes));
        drop(std::io::copy(&mut stream, &mut std::io::sink()));
        bytes
    }))
}

fn text(collected: Option<Collected>) -> String {
    let bytes = collected.and_then(|reader| reader.join().ok()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The line that tells most of why a process ended: what it asserted, or the last one.
fn last_words(complained: &str) -> String {
    let lines = || complained.lines().map(str::trim).filter(|line| !line.is_empty());
    let telling = ["GGML_ASSERT", "GGML_ABORT", "what():", "panicked", ".cpp:", ".c:"];
    let line = telling
        .iter()
        .find_map(|mark| lines().find(|line| line.contains(mark)))
        .or_else(|| lines().next_back())
        .unwrap_or("it does not say why");
    // The folder in which llama.cpp was built tells an operator nothing.
    let line = line.rsplit_once('/').map_or(line, |(_, rest)| rest);
    line.chars().take(300).collect()
}

/// Tries a file in this process, which may end it: what the child does. The reason, if there is
/// one, goes to standard output.
pub fn run(kind: Kind, path: &Path) -> ExitCode {
    match attempt(kind, path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn attempt(kind: Kind, path: &Path) -> Result<(), String> {
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let is_small = length <= WEIGHTS_BYTES_MAX;
    let weights = if is_small { Weights::Trial } else { Weights::Shapes };
    if kind == Kind::Embedding {
        return embed::attempt(path, weights);
    }
    let parts = super::open(path, weights, |_| true)?;
    let trained = parts.model.n_ctx_train();
    let sizes = Sizes { context_tokens: TRIAL_TOKENS.min(trained), slots: 1, memory_bytes: 0 };
    let mut ctx = load::context(&parts.model, &sizes)?;
    if is_small {
        load::warm_up(&mut ctx)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_tells_why_is_found() {
        let aborted = "loading\n/a/folder/ggml.c:12: GGML_ASSERT(n > 0) failed\nAborted\n";
        assert_eq!(last_words(aborted), "ggml.c:12: GGML_ASSERT(n > 0) failed");
        let thrown = "terminate called after throwing\n  what():  vector::_M_range_check\n\n";
        assert_eq!(last_words(thrown), "what():  vector::_M_range_check");
        assert_eq!(last_words("one\ntwo\n"), "two");
        assert_eq!(last_words(""), "it does not say why");
    }

    #[test]
    fn a_program_that_cannot_be_started_is_named_as_the_reason() {
        let setup = Setup { prober: Some("/no/such/program".into()), ..Setup::default() };
        let error = ask(&setup, Kind::Chat, Path::new("a.gguf"), || true).expect_err("refused");
        assert!(error.contains("`a.gguf`") && error.contains("no process"), "{error}");
    }

    #[test]
    fn a_trial_that_nobody_waits_for_is_ended() {
        let mut child = Command::new("sleep").arg("600").spawn().expect("it begins");
        let error = wait(&mut child, || false).expect_err("it was ended");
        assert!(error.contains("nobody waits"), "{error}");
        assert!(child.try_wait().expect("it is known").is_some());
    }
}
