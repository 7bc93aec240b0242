//! Models on other servers: what is said of them in arguments and in the environment.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use openai_wire::Base;

use crate::model::EMBEDDED_TOKENS_MAX;
use crate::model::remote::{EmbeddingSettings, Endpoint, Key};

/// Where the keys are, if nobody says otherwise.
const MODEL_KEY: &str = "LOCI_MODEL_KEY";
const EMBEDDING_KEY: &str = "LOCI_EMBEDDING_KEY";

/// The longest prefix, in bytes.
const PREFIX_BYTES_MAX: usize = 256;

/// The arguments about models on OpenAI-compatible servers.
#[derive(Debug, Args)]
pub struct RemoteArguments {
    /// The OpenAI-compatible server of the chat model, as `http://host:port`; `/v1` is added unless
    /// the URL has a path
    #[arg(
        long,
        value_name = "URL",
        env = "LOCI_MODEL_URL",
        conflicts_with = "model",
        requires = "model_name"
    )]
    model_url: Option<String>,
    /// The name that this server knows the chat model by
    #[arg(long, value_name = "NAME", env = "LOCI_MODEL_NAME", requires = "model_url")]
    model_name: Option<String>,
    /// The variable of the environment that holds the key for this server [default: LOCI_MODEL_KEY]
    #[arg(long, value_name = "VARIABLE", env = "LOCI_MODEL_KEY_ENV", requires = "model_url")]
    model_key_env: Option<String>,
    /// The `tokenizer.json` of the chat model; without it, its tokens are estimated
    #[arg(long, value_name = "FILE", env = "LOCI_MODEL_TOKENIZER", requires = "model_url")]
    model_tokenizer: Option<PathBuf>,
    /// How long the server of the chat model may be silent, before its answer and within it
    #[arg(
        long,
        value_name = "SECONDS",
        env = "LOCI_MODEL_SILENCE",
        default_value_t = 300,
        value_parser = clap::value_parser!(u64).range(1..=3_600)
    )]
    model_silence: u64,
    /// The OpenAI-compatible server of the embedding model
    #[arg(
        long,
        value_name = "URL",
        env = "LOCI_EMBEDDING_URL",
        conflicts_with = "embedding_model",
        requires = "embedding_name"
    )]
    embedding_url: Option<String>,
    /// The name that this server knows the embedding model by
    #[arg(long, value_name = "NAME", env = "LOCI_EMBEDDING_NAME", requires = "embedding_url")]
    embedding_name: Option<String>,
    /// The variable of the environment that holds the key for this server [default:
    /// LOCI_EMBEDDING_KEY]
    #[arg(
        long,
        value_name = "VARIABLE",
        env = "LOCI_EMBEDDING_KEY_ENV",
        requires = "embedding_url"
    )]
    embedding_key_env: Option<String>,
    /// The most tokens of a text that this server embeds; the rest of a longer one is not seen
    #[arg(
        long,
        value_name = "TOKENS",
        env = "LOCI_EMBEDDING_TOKENS",
        default_value_t = EMBEDDED_TOKENS_MAX,
        value_parser = clap::value_parser!(u32).range(16..=65_536)
    )]
    embedding_tokens: u32,
    /// What this model wants to read before a text that is to be found, like `passage: `
    #[arg(long, value_name = "TEXT", env = "LOCI_EMBEDDING_PASSAGE_PREFIX", default_value = "")]
    embedding_passage_prefix: String,
    /// What this model wants to read before a text that is to find, like `query: `
    #[arg(long, value_name = "TEXT", env = "LOCI_EMBEDDING_QUERY_PREFIX", default_value = "")]
    embedding_query_prefix: String,
    /// How long the server of the embedding model may be silent
    #[arg(
        long,
        value_name = "SECONDS",
        env = "LOCI_EMBEDDING_SILENCE",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=3_600)
    )]
    embedding_silence: u64,
}

/// The models that are on other servers.
#[derive(Clone, Debug, Default)]
pub struct Remote {
    /// The model that chats.
    pub chat: Option<RemoteChatConfig>,
    /// The model that embeds.
    pub embedding: Option<RemoteEmbeddingConfig>,
}

/// A chat model on a server.
#[derive(Clone, Debug)]
pub struct RemoteChatConfig {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Its `tokenizer.json`, if there is one.
    pub tokenizer: Option<PathBuf>,
}

/// An embedding model on a server.
#[derive(Clone, Debug)]
pub struct RemoteEmbeddingConfig {
    /// Where it is.
    pub endpoint: Endpoint,
    /// What else is known of it.
    pub settings: EmbeddingSettings,
}

impl RemoteArguments {
    /// Checks what was said, and looks up the keys: `variable` reads the environment.
    ///
    /// # Errors
    ///
    /// Fails if a URL is none, a key is missing that was announced, or a file does not exist.
    pub fn complete(self, variable: impl Fn(&str) -> Option<String>) -> Result<Remote> {
        if let Some(file) = &self.model_tokenizer {
            ensure!(file.is_file(), "there is no tokenizer `{}`", file.display());
        }
        let (key, silence) = (self.model_key_env, Duration::from_secs(self.model_silence));
        let chat = self.model_url.zip(self.model_name).map(|(url, model)| {
            let key = find_key(key, MODEL_KEY, "--model-key-env", &variable)?;
            let base = base("--model-url", &url)?;
            let endpoint = Endpoint { base, model, key, silence };
            anyhow::Ok(RemoteChatConfig { endpoint, tokenizer: self.model_tokenizer })
        });
        let (key, silence) = (self.embedding_key_env, Duration::from_secs(self.embedding_silence));
        let embedding = self.embedding_url.zip(self.embedding_name).map(|(url, model)| {
            let key = find_key(key, EMBEDDING_KEY, "--embedding-key-env", &variable)?;
            let base = base("--embedding-url", &url)?;
            let endpoint = Endpoint { base, model, key, silence };
            let settings = EmbeddingSettings {
                tokens_max: self.embedding_tokens,
                passage_prefix: prefix(
                    "--embedding-passage-prefix",
                    self.embedding_passage_prefix,
                )?,
                query_prefix: prefix("--embedding-query-prefix", self.embedding_query_prefix)?,
            };
            anyhow::Ok(RemoteEmbeddingConfig { endpoint, settings })
        });
        Ok(Remote { chat: chat.transpose()?, embedding: embedding.transpose()? })
    }
}

fn base(argument: &str, url: &str) -> Result<Base> {
    Base::parse(url)
        .with_context(|| format!("`{argument}` is `{url}`, but must be like `http://host:port`"))
}

/// A prefix, if it leaves room for the text.
fn prefix(argument: &str, text: String) -> Result<String> {
    ensure!(
        text.len() <= PREFIX_BYTES_MAX,
        "`{argument}` has {} bytes, at most {PREFIX_BYTES_MAX} may be",
        text.len()
    );
    Ok(text)
}

/// The key in the variable of this name, or else in the usual one, if that has one.
fn find_key(
    name: Option<String>,
    usual: &str,
    argument: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Key> {
    let text = match &name {
        Some(name) => variable(name).with_context(|| {
            format!("`{argument}` names the variable `{name}`, which is not set")
        })?,
        None => variable(usual).unwrap_or_default(),
    };
    let name = name.as_deref().unwrap_or(usual);
    Key::new(&text).with_context(|| {
        format!("the key in the variable `{name}` may hold visible ASCII characters only")
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[arg(long)]
        model: Option<PathBuf>,
        #[arg(long)]
        embedding_model: Option<PathBuf>,
        #[command(flatten)]
        remote: RemoteArguments,
    }

    fn parse(arguments: &[&str]) -> Result<Remote> {
        let all = ["loci"].iter().chain(arguments);
        let only = Only::try_parse_from(all)?;
        let variable = |name: &str| match name {
            "LOCI_MODEL_KEY" => Some("usual".to_owned()),
            "MINE" => Some("sk-mine\n".to_owned()),
            "BROKEN" => Some("a b".to_owned()),
            _ => None,
        };
        only.remote.complete(variable)
    }

    #[test]
    fn without_a_url_no_model_is_on_a_server() {
        let remote = parse(&[]).expect("it is a configuration");
        assert!(remote.chat.is_none() && remote.embedding.is_none());
    }

    #[test]
    fn a_server_has_a_name_for_the_model_and_a_key_that_is_not_shown() {
        let given = ["--model-url", "http://h:1", "--model-name", "m", "--embedding-url"];
        let mut all = given.to_vec();
        all.extend(["https://e/api", "--embedding-name", "n", "--embedding-key-env", "MINE"]);
        let remote = parse(&all).expect("it is a configuration");
        let shown = format!("{remote:?}");
        assert!(!shown.contains("usual") && !shown.contains("sk-mine"), "{shown}");
        let chat = remote.chat.expect("a chat model");
        assert_eq!(chat.endpoint.base.url("/x"), "http://h:1/v1/x");
        assert_eq!(chat.endpoint.key.hide("usual".into()), "[key]");
        let embedding = remote.embedding.expect("an embedding model");
        assert_eq!(embedding.endpoint.base.url(""), "https://e/api");
        assert_eq!(embedding.endpoint.key.hide("sk-mine".into()), "[key]");
    }

    #[test]
    fn what_does_not_go_together_is_refused_by_name() {
        let url = ["--model-url", "http://h", "--model-name", "m"];
        let with = |more: &[&'static str]| url.iter().chain(more).copied().collect::<Vec<_>>();
        for (arguments, named) in [
            (with(&["--model", "x.gguf"]), "--model"),
            (vec!["--model-url", "http://h"], "--model-name"),
            (vec!["--model-name", "m"], "--model-url"),
            (vec!["--embedding-url", "http://h"], "--embedding-name"),
            (vec!["--model-url", "h:80", "--model-name", "m"], "`h:80`"),
            (with(&["--model-key-env", "NOWHERE"]), "`NOWHERE`"),
            (with(&["--model-key-env", "BROKEN"]), "`BROKEN`"),
            (with(&["--model-tokenizer", "no.json"]), "`no.json`"),
            (with(&["--model-silence", "0"]), "--model-silence"),
        ] {
            let error = parse(&arguments).expect_err("it is refused").to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
