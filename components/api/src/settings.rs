//! What an operator can set, through `spin:variables`. Read once per instance: a value cannot
//! change while its host runs.

use std::cell::RefCell;
use std::rc::Rc;

use spin_sdk::variables::{self, Error};

use crate::bindings::inference::models::ChatModel;
use crate::http::error::ApiError;
use crate::limits;

/// What the model is told to be and do, where nobody says otherwise.
const INSTRUCTION: &str = "You are a helpful AI assistant. Respond to the user's query based on \
    the provided context and chat history.";

/// What an operator can set.
#[derive(Debug, PartialEq)]
pub struct Settings {
    /// Names this run of the host; empty where the host has no name for it.
    pub host_run: String,
    /// What the model is told to be and do.
    pub instruction: String,
    /// The most tokens of a reply, where the client does not say.
    pub reply_tokens_max: u32,
    /// The most memories that one turn may recall.
    pub recall_memories_max: u32,
    /// The most passages of documents that one turn may recall.
    pub recall_passages_max: u32,
}

impl Settings {
    /// The most tokens of a reply, where the client does not say: what was set for the model while
    /// it serves goes before what was set at the start.
    pub fn reply_tokens(&self, model: &ChatModel) -> u32 {
        match model.reply_tokens {
            0 => self.reply_tokens_max,
            set => set.min(limits::REPLY_TOKENS_MAX),
        }
    }
}

thread_local! {
    static SETTINGS: RefCell<Option<Rc<Settings>>> = const { RefCell::new(None) };
}

/// The settings of this instance.
///
/// Fails with 500 if a variable has a value that it cannot have.
pub async fn settings() -> Result<Rc<Settings>, ApiError> {
    if let Some(settings) = SETTINGS.with_borrow(Clone::clone) {
        return Ok(settings);
    }
    let instruction = variable("instruction").await?;
    let settings = Settings {
        host_run: variable("host_run").await?.unwrap_or_default(),
        instruction: instruction
            .filter(|text| !text.trim().is_empty())
            .unwrap_or_else(|| INSTRUCTION.to_owned()),
        reply_tokens_max: number("reply_tokens_max", 512, 1, limits::REPLY_TOKENS_MAX).await?,
        recall_memories_max: number("recall_memories_max", 8, 1, limits::MEMORIES_PER_TURN_MAX)
            .await?,
        recall_passages_max: number("recall_passages_max", 6, 1, limits::PASSAGES_PER_TURN_MAX)
            .await?,
    };
    if settings.instruction.len() > limits::MESSAGE_BYTES_MAX {
        let message = format!(
            "the variable `instruction` may have at most {} bytes",
            limits::MESSAGE_BYTES_MAX
        );
        return Err(ApiError::new(500, "bad_configuration", message));
    }
    let settings = Rc::new(settings);
    SETTINGS.set(Some(settings.clone()));
    Ok(settings)
}

async fn variable(name: &'static str) -> Result<Option<String>, ApiError> {
    match variables::get(name).await {
        Ok(value) => Ok(Some(value)),
        Err(Error::Undefined(_)) => Ok(None),
        Err(cause) => Err(ApiError::internal("the configuration could not be read", cause)),
    }
}

async fn number(name: &'static str, default: u32, least: u32, most: u32) -> Result<u32, ApiError> {
    parse(name, variable(name).await?.as_deref(), default, least, most)
}

fn parse(
    name: &str,
    value: Option<&str>,
    default: u32,
    least: u32,
    most: u32,
) -> Result<u32, ApiError> {
    let Some(text) = value.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(default);
    };
    text.parse().ok().filter(|value| (least..=most).contains(value)).ok_or_else(|| {
        let message =
            format!("the variable `{name}` must be a whole number from {least} to {most}");
        ApiError::new(500, "bad_configuration", message)
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_number_has_a_default_and_a_range() {
        let read = |value| parse("reply_tokens_max", value, 512, 1, 1_000);
        assert_eq!(read(None), Ok(512));
        assert_eq!(read(Some("")), Ok(512));
        assert_eq!(read(Some(" 64 ")), Ok(64));
        for bad in ["0", "1001", "many", "-1"] {
            let error = read(Some(bad)).unwrap_err();
            assert!(error.message.contains("`reply_tokens_max`"), "{}", error.message);
        }
    }
}
