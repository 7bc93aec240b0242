//! The arguments, checked and completed: what the rest of the host may rely on.

mod eval;
mod keys;
mod models;
mod policies;
mod remote;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Parser, Subcommand};

use crate::manifest;
use crate::model::llama::Kind;
pub use eval::{EvalArguments, EvalCommand, RecallArguments};
pub use keys::{KeysArguments, KeysCommand};
pub use models::{AddArguments, ModelsArguments, ModelsCommand};
pub use policies::{PolicyArguments, PolicyCommand};
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

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the application until Ctrl-C or SIGTERM
    Serve(Box<ServeArguments>),
    /// List, add and remove models
    Models(ModelsArguments),
    /// List, add, activate and remove policies of a running server
    Policy(PolicyArguments),
    /// Measure how good the application is, on data of yours
    Eval(EvalArguments),
    /// List, add and remove API keys
    Keys(KeysArguments),
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
    /// Where to listen: an IP address and a port; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Want an API key of every client, as is always done beyond loopback
    #[arg(long)]
    require_keys: bool,
    /// The folder of the database and of compiled code; made if it is missing
    #[arg(long, value_name = "FOLDER", default_value = ".loci")]
    data: PathBuf,
    /// The model that chats, a GGUF file [default: `models/chat.gguf` beside the manifest, if any]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// The model that embeds, a GGUF file [default: the component `embedding-static`]
    #[arg(long, value_name = "FILE")]
    embedding_model: Option<PathBuf>,
    #[command(flatten)]
    remote: RemoteArguments,
    /// The context of one conversation, in tokens [default: the model's own, at most 8192; of a
    /// model on a server what that tells, or 4096]
    #[arg(
        long,
        value_name = "TOKENS",
        value_parser = clap::value_parser!(u32).range(256..=1_048_576)
    )]
    context_tokens: Option<u32>,
    /// Conversations that the chat model answers at once; others wait [default: up to 16, as the
    /// memory has room]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=64))]
    slots: Option<u32>,
    /// Layers of the models that a GPU evaluates, where this program was built for one
    /// [default: all]
    #[arg(long, value_name = "LAYERS")]
    gpu_layers: Option<u32>,
    /// The most tokens of a reply; sets the application's variable `reply_tokens_max`
    #[arg(
        long,
        value_name = "TOKENS",
        value_parser = clap::value_parser!(u32).range(1..=1_048_576)
    )]
    reply_tokens: Option<u32>,
    /// The manifest of the application [default: the nearest `spin.toml` in a folder around this
    /// program]
    #[arg(long, value_name = "FILE")]
    app: Option<PathBuf>,
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
        std::fs::create_dir_all(&self.data)
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
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> ServeArguments {
        let all = ["loci", "serve"].iter().chain(arguments);
        match Arguments::try_parse_from(all).expect("arguments").command {
            Command::Serve(serve) => *serve,
            other => panic!("this is {other:?}"),
        }
    }

    #[test]
    fn everything_can_be_left_out() {
        let serve = parse(&[]);
        assert_eq!(serve.listen.to_string(), "127.0.0.1:3000");
        assert_eq!(serve.data, PathBuf::from(".loci"));
        assert!(serve.model.is_none() && serve.app.is_none() && serve.context_tokens.is_none());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for wrong in [["--listen", "localhost"], ["--context-tokens", "0"], ["--colour", "red"]] {
            let all = ["loci", "serve"].iter().chain(&wrong);
            assert!(Arguments::try_parse_from(all).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_model_that_is_named_must_exist() {
        let folder = std::env::temp_dir().join(format!("loci-config-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("models")).expect("a folder");
        std::fs::write(folder.join("spin.toml"), "").expect("a file");
        let (data, app) = (folder.join("data"), folder.join("spin.toml"));
        let given = ["--data", data.to_str().expect("text"), "--app", app.to_str().expect("text")];
        assert!(parse(&given).complete().expect("a configuration").model.is_none());
        std::fs::write(folder.join(DEFAULT_MODEL), "").expect("a file");
        let model = parse(&given).complete().expect("a configuration").model.expect("a model");
        assert!(model.ends_with(DEFAULT_MODEL) && model.is_absolute());
        let mut other = given.to_vec();
        other.extend(["--model", "no-such.gguf"]);
        let error = parse(&other).complete().expect_err("refused").to_string();
        assert!(error.contains("`no-such.gguf`"), "{error}");
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
