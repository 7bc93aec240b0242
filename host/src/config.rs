//! The arguments, checked and completed: what the rest of the host may rely on.

mod backup;
mod eval;
mod file;
mod keys;
mod models;
mod policies;
mod remote;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Parser, Subcommand};

use crate::file::private_folder;
use crate::manifest;
use crate::model::llama::Kind;
use crate::slot::Grant;
pub use backup::BackupArguments;
pub use eval::{EvalArguments, EvalCommand, RecallArguments};
pub use keys::{KeysArguments, KeysCommand};
pub use models::{AddArguments, ModelsArguments, ModelsCommand};
pub use policies::{
    CheckArguments, NewArguments, PackArguments, PolicyArguments, PolicyCommand, PolicyTask,
};
pub use remote::Remote;
use remote::RemoteArguments;

/// The name of the chat model's file, beside the manifest, that is used if none is given.
const DEFAULT_MODEL: &str = "models/chat.gguf";

/// A chat server that remembers
#[derive(Debug, Parser)]
#[command(name = "loci", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// The arguments of this program, with what the file of settings says where they and the
    /// environment say nothing. Ends the program if they are wrong, or if somebody wants help.
    ///
    /// # Errors
    ///
    /// Fails if the file of settings cannot be read, or has a setting that there is not.
    pub fn read() -> Result<Self> {
        Ok(Self::parse_from(file::complete(std::env::args_os().collect())?))
    }
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the application until Ctrl-C or SIGTERM
    Serve(Box<ServeArguments>),
    /// List, add and remove models
    Models(ModelsArguments),
    /// Check policies; list, add, activate and remove those of a running server
    Policy(PolicyArguments),
    /// Measure how good the application is, on data of yours
    Eval(EvalArguments),
    /// List, add and remove API keys
    Keys(KeysArguments),
    /// Make a backup of a data folder, whether it is served or not
    Backup(BackupArguments),
    /// Make a data folder of a backup
    Restore(BackupArguments),
    /// Try a model, in a process that this may end: `serve` does it before it loads one
    #[command(hide = true)]
    Probe {
        /// What the model is for.
        kind: Kind,
        /// Its GGUF file.
        model: PathBuf,
    },
}

/// The arguments of `loci serve`.
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// A TOML file with settings under the names of these arguments; what is said here or in the
    /// environment goes before it
    #[arg(long, value_name = "FILE", env = "LOCI_CONFIG")]
    config: Option<PathBuf>,
    /// Where to listen: an IP address and a port; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", env = "LOCI_LISTEN", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Want an API key of every client, as is always done beyond loopback
    #[arg(long, env = "LOCI_REQUIRE_KEYS")]
    require_keys: bool,
    /// The folder of the database and of compiled code; made if it is missing
    #[arg(long, value_name = "FOLDER", env = "LOCI_DATA", default_value = ".loci")]
    data: PathBuf,
    /// The model that chats, a GGUF file [default: `models/chat.gguf` beside the manifest, if any]
    #[arg(long, value_name = "FILE", env = "LOCI_MODEL")]
    model: Option<PathBuf>,
    /// The model that embeds, a GGUF file [default: the component `embedding-static`]
    #[arg(long, value_name = "FILE", env = "LOCI_EMBEDDING_MODEL")]
    embedding_model: Option<PathBuf>,
    #[command(flatten)]
    remote: RemoteArguments,
    /// The context of one conversation, in tokens [default: the model's own, at most 8192; of a
    /// model on a server what that tells, or 4096]
    #[arg(
        long,
        value_name = "TOKENS",
        env = "LOCI_CONTEXT_TOKENS",
        value_parser = clap::value_parser!(u32).range(256..=1_048_576)
    )]
    context_tokens: Option<u32>,
    /// Conversations that the chat model answers at once; others wait [default: up to 16, as the
    /// memory has room]
    #[arg(
        long,
        value_name = "COUNT",
        env = "LOCI_SLOTS",
        value_parser = clap::value_parser!(u32).range(1..=64)
    )]
    slots: Option<u32>,
    /// Layers of the models that a GPU evaluates, where this program was built for one
    /// [default: all]
    #[arg(long, value_name = "LAYERS", env = "LOCI_GPU_LAYERS")]
    gpu_layers: Option<u32>,
    /// The most tokens of a reply; sets the application's variable `reply_tokens_max`
    #[arg(
        long,
        value_name = "TOKENS",
        env = "LOCI_REPLY_TOKENS",
        value_parser = clap::value_parser!(u32).range(1..=1_048_576)
    )]
    reply_tokens: Option<u32>,
    /// What the model is told to be and do, where a session does not say; sets the application's
    /// variable `instruction`
    #[arg(long, value_name = "TEXT", env = "LOCI_INSTRUCTION")]
    instruction: Option<String>,
    #[command(flatten)]
    policies: Grant,
    /// The manifest of the application [default: the nearest `spin.toml` in a folder around this
    /// program]
    #[arg(long, value_name = "FILE", env = "LOCI_APP")]
    app: Option<PathBuf>,
    /// The form of the log, whose level `RUST_LOG` says
    #[arg(long, value_name = "FORM", env = "LOCI_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// Who takes traces, by OpenTelemetry's protocol over HTTP, as `http://127.0.0.1:4318`;
    /// `/v1/traces` is added unless the URL has a path
    #[arg(long, value_name = "URL", env = "LOCI_TRACES_URL")]
    traces_url: Option<String>,
    /// How long answers that have begun may take to end once the server was asked to
    #[arg(
        long,
        value_name = "SECONDS",
        env = "LOCI_STOP_SECONDS",
        default_value_t = 20,
        value_parser = clap::value_parser!(u64).range(0..=3_600)
    )]
    stop_seconds: u64,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// An object of JSON on each line
    Json,
}

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whether every client needs a key, wherever the server listens.
    pub require_keys: bool,
    /// The folder of the database and of compiled code. It exists.
    pub data: PathBuf,
    /// The model that chats, if there is one.
    pub model: Option<PathBuf>,
    /// The model that comes with the program, if it is there.
    pub bundled_model: Option<PathBuf>,
    /// The model that embeds, if it is not a component.
    pub embedding_model: Option<PathBuf>,
    /// The models that are on other servers. They go before those in files.
    pub remote: Remote,
    /// The context of one conversation, in tokens; none for the model's own.
    pub context_tokens: Option<u32>,
    /// Conversations that the chat model answers at once; none for what the memory has room for.
    pub slots: Option<u32>,
    /// Layers of the models that a GPU evaluates; none for all.
    pub gpu_layers: Option<u32>,
    /// The most tokens of a reply; none for what the application thinks best.
    pub reply_tokens: Option<u32>,
    /// What the model is told to be and do; none for what the application thinks best.
    pub instruction: Option<String>,
    /// Who takes traces, if anybody does.
    pub traces_url: Option<String>,
    /// How long answers that have begun may take to end once the server was asked to.
    pub stop_time_max: Duration,
    /// What policies may be and take.
    pub policies: Grant,
    /// The manifest.
    pub app: PathBuf,
}

impl ServeArguments {
    /// Finds what was left open, and makes the data folder.
    ///
    /// # Errors
    ///
    /// Fails if there is no manifest, if a file that was named does not exist, or if the data
    /// folder cannot be made.
    pub fn complete(self) -> Result<ServeConfig> {
        let app = find_app(self.app)?;
        for model in [&self.model, &self.embedding_model].into_iter().flatten() {
            ensure!(model.is_file(), "there is no model `{}`", model.display());
        }
        let remote = self.remote.complete(|name| std::env::var(name).ok())?;
        let bundled_model = app.parent().map(|folder| folder.join(DEFAULT_MODEL));
        let bundled_model = bundled_model.filter(|model| model.is_file());
        let model = self.model.or_else(|| bundled_model.clone());
        private_folder(&self.data)
            .with_context(|| format!("cannot make the folder `{}`", self.data.display()))?;
        let data = self
            .data
            .canonicalize()
            .with_context(|| format!("cannot use the folder `{}`", self.data.display()))?;
        Ok(ServeConfig {
            listen: self.listen,
            require_keys: self.require_keys,
            data,
            model,
            bundled_model,
            embedding_model: self.embedding_model,
            remote,
            context_tokens: self.context_tokens,
            slots: self.slots,
            gpu_layers: self.gpu_layers,
            reply_tokens: self.reply_tokens,
            instruction: self.instruction,
            traces_url: self.traces_url,
            stop_time_max: Duration::from_secs(self.stop_seconds),
            policies: self.policies,
            app,
        })
    }
}

impl ServeConfig {
    /// An application that nobody chats with: no model answers, and no port is listened on.
    ///
    /// # Errors
    ///
    /// Fails if there is no manifest, or if a file that was named does not exist.
    pub fn without_chat(
        app: Option<PathBuf>,
        data: PathBuf,
        embedding_model: Option<PathBuf>,
    ) -> Result<Self> {
        if let Some(model) = &embedding_model {
            ensure!(model.is_file(), "there is no model `{}`", model.display());
        }
        Ok(Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            require_keys: false,
            data,
            model: None,
            bundled_model: None,
            embedding_model,
            remote: Remote::default(),
            context_tokens: None,
            slots: None,
            gpu_layers: None,
            reply_tokens: None,
            instruction: None,
            traces_url: None,
            stop_time_max: Duration::ZERO,
            policies: Grant::default(),
            app: find_app(app)?,
        })
    }
}

/// The manifest: the one that was named, in a folder or not, or the nearest.
fn find_app(named: Option<PathBuf>) -> Result<PathBuf> {
    let app = match named {
        Some(app) if app.is_dir() => app.join("spin.toml"),
        Some(app) => app,
        None => find_manifest()?,
    };
    ensure!(app.is_file(), "there is no manifest `{}`", app.display());
    app.canonicalize().with_context(|| format!("cannot use `{}`", app.display()))
}

fn find_manifest() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    manifest::find_upward(&program).with_context(|| {
        format!(
            "there is no `spin.toml` in a folder around `{}`; name one with `--app`",
            program.display()
        )
    })
}

#[cfg(test)]
mod tests;
