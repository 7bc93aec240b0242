//! Which model chats, from the application's variables.

use openai_wire::Base;
use spin_sdk::variables;

/// The context where `inference_context_tokens` is empty, in tokens: what the most modest servers
/// offer without being asked for more.
const CONTEXT_TOKENS_DEFAULT: u32 = 4096;
/// The smallest and largest context that can be configured, in tokens.
const CONTEXT_TOKENS_MIN: u32 = 256;
const CONTEXT_TOKENS_MAX: u32 = 16 * 1024 * 1024;

/// The model and how it is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The name that the server knows it by.
    pub model: String,
    /// The context of one conversation, in tokens.
    pub context_tokens: u32,
    /// Who runs it.
    pub backend: Backend,
}

/// Who runs the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Backend {
    /// An OpenAI-compatible server.
    Server(Server),
    /// Spin, behind `fermyon:spin/llm`.
    Spin,
}

/// An OpenAI-compatible server.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Where it is.
    pub base: Base,
    /// The key that it wants to see; empty for none.
    pub key: String,
}

/// Why no model chats.
#[derive(Debug, PartialEq)]
pub enum Unusable {
    /// None is configured.
    Unset,
    /// The configuration is wrong: a sentence for the operator.
    Wrong(String),
}

impl Config {
    /// What answers, in the words of the interface.
    pub fn backend_name(&self) -> &'static str {
        match self.backend {
            Backend::Server(_) => "openai",
            Backend::Spin => "spin",
        }
    }

    /// Identifies model and measure: what was estimated under one digest holds under no other.
    pub fn digest(&self) -> String {
        let server = match &self.backend {
            Backend::Server(server) => server.base.authority.as_str(),
            Backend::Spin => "",
        };
        format!(
            "estimate-1:{}:{server}:{}:{}",
            self.backend_name(),
            self.model,
            self.context_tokens
        )
    }
}

/// Reads the variables.
pub async fn read() -> Result<Config, Unusable> {
    let url = variable("inference_url").await?;
    let model = variable("inference_model").await?;
    let key = variable("inference_key").await?;
    let context = variable("inference_context_tokens").await?;
    parse(&url, &model, &key, &context)
}

/// A variable; empty if there is none of this name.
async fn variable(name: &str) -> Result<String, Unusable> {
    match variables::get(name).await {
        Ok(value) => Ok(value.trim().to_string()),
        Err(variables::Error::Undefined(_)) => Ok(String::new()),
        Err(error) => Err(Unusable::Wrong(format!("variable `{name}` cannot be read: {error}"))),
    }
}

fn parse(url: &str, model: &str, key: &str, context: &str) -> Result<Config, Unusable> {
    if model.is_empty() {
        return Err(if url.is_empty() {
            Unusable::Unset
        } else {
            wrong("`inference_url` is set, so `inference_model` must name a model of that server")
        });
    }
    let context_tokens = match context {
        "" => CONTEXT_TOKENS_DEFAULT,
        digits => digits
            .parse()
            .ok()
            .filter(|tokens| (CONTEXT_TOKENS_MIN..=CONTEXT_TOKENS_MAX).contains(tokens))
            .ok_or_else(|| {
                wrong(&format!(
                    "`inference_context_tokens` is `{digits}`, but must be a number of tokens \
                     from {CONTEXT_TOKENS_MIN} to {CONTEXT_TOKENS_MAX}"
                ))
            })?,
    };
    if key.chars().any(|character| !('!'..='~').contains(&character)) {
        return Err(wrong("`inference_key` may hold visible ASCII characters only"));
    }
    let backend = match url {
        "" => Backend::Spin,
        url => Backend::Server(server(url, key)?),
    };
    Ok(Config { model: model.to_string(), context_tokens, backend })
}

fn server(url: &str, key: &str) -> Result<Server, Unusable> {
    let base = Base::parse(url).ok_or_else(|| {
        wrong(&format!("`inference_url` is `{url}`, but must be like `http://host:port`"))
    })?;
    Ok(Server { base, key: key.to_string() })
}

fn wrong(reason: &str) -> Unusable {
    Unusable::Wrong(reason.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_told_by_its_url() {
        let server = |url| match parse(url, "m", "k", "") {
            Ok(Config { backend: Backend::Server(server), .. }) => server,
            other => panic!("`{url}` gives {other:?}"),
        };
        let plain = server("http://127.0.0.1:8080");
        assert_eq!(
            (plain.base.url("").as_str(), plain.key.as_str()),
            ("http://127.0.0.1:8080/v1", "k")
        );
    }

    #[test]
    fn a_model_without_a_url_is_one_of_spin() {
        let config = parse("", "llama2-chat", "", "2048").expect("it is a configuration");
        assert_eq!((config.backend, config.context_tokens), (Backend::Spin, 2048));
    }

    #[test]
    fn nothing_at_all_is_no_model_and_anything_wrong_is_named() {
        assert_eq!(parse("", "", "", ""), Err(Unusable::Unset));
        for (url, model, key, context, named) in [
            ("http://h", "", "", "", "`inference_model`"),
            ("h:80", "m", "", "", "`h:80`"),
            ("ftp://h", "m", "", "", "`ftp://h`"),
            ("http://", "m", "", "", "`http://`"),
            ("http://u:p@h", "m", "", "", "`inference_url`"),
            ("http://h/v1?x", "m", "", "", "`inference_url`"),
            ("http://h", "m", "a\nb", "", "`inference_key`"),
            ("http://h", "m", "", "many", "`many`"),
            ("http://h", "m", "", "255", "`255`"),
        ] {
            match parse(url, model, key, context) {
                Err(Unusable::Wrong(reason)) => assert!(reason.contains(named), "{reason}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn another_model_has_another_digest() {
        let digest =
            |url, model| parse(url, model, "", "").expect("it is a configuration").digest();
        let digests =
            [digest("http://a", "m"), digest("http://b", "m"), digest("", "m"), digest("", "n")];
        for (index, digest) in digests.iter().enumerate() {
            assert!(!digests[..index].contains(digest), "{digest}");
        }
    }
}
