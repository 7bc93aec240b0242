//! `loci eval recall`: conversations become memories as they do in a chat, and are asked for as a
//! turn asks, but for the model's answer.

use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::conversations::{self, Conversation};
use super::scores::{DEPTHS, Scores};
use crate::config::{RecallArguments, ServeConfig};
use crate::file::{private_folder, temporary_folder};
use crate::serve::{local::Local, shutdown};

/// Messages that are imported at once: so many, of so many bytes.
const BATCH_MESSAGES_MAX: usize = 64;
const BATCH_BYTES_MAX: usize = 256 << 10;

/// How often it is asked whether the embedding model is ready.
const AGAIN: Duration = Duration::from_millis(100);

/// Measures, and tells it on the standard output. Blocks.
///
/// # Errors
///
/// Fails if the data cannot be read, or the application does not do what it is asked.
pub fn run(arguments: &RecallArguments) -> Result<()> {
    let conversations = conversations::read(&arguments.data)?;
    let folder = Folder::open(arguments.keep.as_deref())?;
    let config = ServeConfig::without_chat(
        arguments.app.clone(),
        folder.path.clone(),
        arguments.embedding_model.clone(),
    )?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let mut stop = shutdown::on_signal().context("cannot listen for signals")?;
        let local = Local::open(config).await?;
        let report = tokio::select! {
            () = stop.asked() => bail!("it was asked to end before all was measured"),
            report = measure(&local, &conversations) => report,
        };
        tokio::task::spawn_blocking(move || local.close()).await?;
        report
    })?;
    drop(folder);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report.to_json())?);
    } else {
        println!("{}", report.text());
    }
    Ok(())
}

/// What was measured.
struct Report {
    embedding_model: String,
    conversations: usize,
    messages: usize,
    cut: usize,
    indexing: Duration,
    scores: Scores,
}

impl Report {
    fn text(&self) -> String {
        let mut text = format!(
            "{} messages in {} conversations, embedded by `{}`, {:.2} ms each\n{}",
            self.messages,
            self.conversations,
            self.embedding_model,
            self.message_ms(),
            self.scores.table()
        );
        if self.cut > 0 {
            text += &format!("\n{} messages were too long, and lost their end", self.cut);
        }
        text
    }

    fn to_json(&self) -> Value {
        let mut all = self.scores.to_json();
        all["embedding_model"] = json!(self.embedding_model);
        all["conversations"] = json!(self.conversations);
        all["messages"] = json!(self.messages);
        all["messages_cut"] = json!(self.cut);
        all["message_ms"] = json!(self.message_ms());
        all
    }

    /// What it took to store, embed and index a message.
    fn message_ms(&self) -> f64 {
        self.indexing.as_secs_f64() * 1e3 / self.messages.max(1) as f64
    }
}

async fn measure(local: &Local, conversations: &[Conversation]) -> Result<Report> {
    let embedding_model = embedding_model(local).await?;
    let messages = conversations.iter().map(|one| one.messages.len()).sum();
    let questions: usize = conversations.iter().map(|one| one.questions.len()).sum();
    let bar = bar(messages + questions);
    let (mut scores, mut indexing) = (Scores::default(), Duration::ZERO);
    for conversation in conversations {
        let start = Instant::now();
        let session = create(local).await?;
        let ids = import(local, &session, &conversation.messages, &bar).await?;
        indexing += start.elapsed();
        for question in &conversation.questions {
            let start = Instant::now();
            let found = recall(local, &session, &question.text).await?;
            let evidence: Vec<u64> = question.evidence.iter().map(|place| ids[*place]).collect();
            scores.add(&question.kind, &evidence, &found, start.elapsed());
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let cut = conversations.iter().map(|one| one.cut).sum();
    let conversations = conversations.len();
    Ok(Report { embedding_model, conversations, messages, cut, indexing, scores })
}

/// Waits until the embedding model is ready, and tells its name.
async fn embedding_model(local: &Local) -> Result<String> {
    loop {
        let status = ask(local, Method::GET, "/api/v1/llm/status", None).await?;
        let model = &status["embedding_model"];
        if model["status"] == "ready" {
            return Ok(model["name"].as_str().unwrap_or_default().to_owned());
        }
        let error = model["error"].as_str().unwrap_or("it does not say why");
        ensure!(error.contains("loading"), "there is no embedding model: {error}");
        tokio::time::sleep(AGAIN).await;
    }
}

async fn create(local: &Local) -> Result<String> {
    let session = ask(local, Method::POST, "/api/v1/sessions", Some(json!({}))).await?;
    Ok(session["id"].as_str().context("a session without an id")?.to_owned())
}

/// Imports messages, and sees to it that all of them can be recalled. Returns their ids.
async fn import(
    local: &Local,
    session: &str,
    messages: &[Value],
    bar: &ProgressBar,
) -> Result<Vec<u64>> {
    let path = format!("/api/v1/sessions/{session}/messages/import");
    let mut ids = Vec::with_capacity(messages.len());
    for batch in batches(messages) {
        let answer = ask(local, Method::POST, &path, Some(json!({ "messages": batch }))).await?;
        ensure!(
            answer["indexed"] == batch.len(),
            "only {} of {} messages could be embedded",
            answer["indexed"],
            batch.len()
        );
        let stored = answer["message_ids"].as_array().context("an import without ids")?;
        ids.extend(stored.iter().filter_map(Value::as_u64));
        bar.inc(batch.len() as u64);
    }
    Ok(ids)
}

/// Cuts messages into what one request takes. A question and its answer stay together.
fn batches(messages: &[Value]) -> Vec<&[Value]> {
    let mut all = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, message) in messages.iter().enumerate() {
        let size = message["content"].as_str().map_or(0, str::len);
        let is_full = at - start >= BATCH_MESSAGES_MAX || bytes + size > BATCH_BYTES_MAX;
        if is_full && message["role"] == "user" && at > start {
            all.push(&messages[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += size;
    }
    all.push(&messages[start..]);
    all.retain(|batch| !batch.is_empty());
    all
}

/// What a turn with this message would recall, best first.
async fn recall(local: &Local, session: &str, query: &str) -> Result<Vec<u64>> {
    let (most, query) = (DEPTHS[DEPTHS.len() - 1], encode(query));
    let target = format!("/api/v1/sessions/{session}/memories?limit={most}&query={query}");
    let found = ask(local, Method::GET, &target, None).await?;
    let found = found.as_array().context("memories that are no list")?;
    Ok(found.iter().filter_map(|one| one["message_id"].as_u64()).collect())
}

/// A text as it stands in a query string.
fn encode(text: &str) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

async fn ask(local: &Local, method: Method, target: &str, body: Option<Value>) -> Result<Value> {
    let (status, answer) = local.ask(method, target, body).await?;
    ensure!(status.is_success(), "the application answered with {status}: {answer}");
    Ok(answer)
}

fn bar(steps: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {eta}");
    ProgressBar::new(steps as u64).with_style(style.expect("this template is well formed"))
}

/// The folder of the database.
struct Folder {
    path: PathBuf,
    /// What removes it in the end, unless it is to be kept. Nobody else can read or foresee it: it
    /// holds conversations, and code that is run.
    _temporary: Option<tempfile::TempDir>,
}

impl Folder {
    fn open(keep: Option<&Path>) -> Result<Self> {
        let (path, temporary) = match keep {
            Some(path) => (path.to_owned(), None),
            None => {
                let folder = temporary_folder("loci-eval-", &std::env::temp_dir())?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        let failed = || format!("cannot use the folder `{}`", path.display());
        private_folder(&path).with_context(failed)?;
        let is_empty = fs::read_dir(&path).with_context(failed)?.next().is_none();
        ensure!(is_empty, "the folder `{}` is not empty", path.display());
        Ok(Self { path: path.canonicalize().with_context(failed)?, _temporary: temporary })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded_byte_by_byte() {
        assert_eq!(encode("Où, a&b=1?"), "O%C3%B9%2C%20a%26b%3D1%3F");
    }

    #[test]
    fn a_question_is_not_parted_from_its_answer() {
        let mut messages = Vec::new();
        for _ in 0..40 {
            messages.push(json!({ "role": "user", "content": "a" }));
            messages.push(json!({ "role": "assistant", "content": "b".repeat(10_000) }));
        }
        let batches = batches(&messages);
        assert!(batches.len() > 1);
        assert!(batches.iter().all(|batch| batch[0]["role"] == "user"));
        assert_eq!(batches.concat(), messages);
    }

    #[test]
    fn a_folder_is_nobody_elses_and_goes_unless_it_is_kept() {
        use std::os::unix::fs::PermissionsExt as _;
        let (one, other) = (Folder::open(None).expect("one"), Folder::open(None).expect("two"));
        assert_ne!(one.path, other.path);
        let mode = fs::metadata(&one.path).expect("a folder").permissions().mode();
        assert_eq!(mode & 0o077, 0);
        let (path, kept) = (one.path.clone(), other.path.join("kept"));
        drop(one);
        assert!(!path.exists());
        drop(Folder::open(Some(&kept)).expect("a folder"));
        assert!(kept.exists());
        fs::write(kept.join("file"), "").expect("written");
        assert!(Folder::open(Some(&kept)).is_err(), "it is not empty");
    }
}
