//! What a server's events say: text, how it ended, what it cost, or that it failed.

use serde::Deserialize;

use crate::bindings::exports::loci::inference::chat::{Finish, Outcome};
use crate::bindings::exports::loci::inference::types::Error;

/// The event after which nothing follows.
const DONE: &str = "[DONE]";

/// Collects what the events of one answer say besides its text.
#[derive(Debug, Default)]
pub struct Reply {
    finish: Option<Finish>,
    usage: Option<Usage>,
    done: bool,
}

#[derive(Debug, Deserialize)]
struct Event {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    error: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    /// In a conversation.
    delta: Option<Delta>,
    /// In the completion of plain text.
    text: Option<String>,
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Delta {
    content: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u32,
    #[serde(default)]
    completion_tokens: u32,
    prompt_tokens_details: Option<Details>,
}

#[derive(Debug, Deserialize)]
struct Details {
    cached_tokens: Option<u32>,
}

impl Reply {
    /// Takes an event's data, and returns the text in it.
    pub fn push(&mut self, data: &str) -> Result<String, Error> {
        if data == DONE {
            self.done = true;
            return Ok(String::new());
        }
        let event: Event = serde_json::from_str(data).map_err(|error| {
            eprintln!("the model's server sent an event that cannot be read: {error}");
            Error::EngineFailed
        })?;
        if let Some(error) = event.error {
            eprintln!("the model's server failed in mid-answer: {error}");
            return Err(Error::EngineFailed);
        }
        if event.usage.is_some() {
            self.usage = event.usage;
        }
        let mut text = String::new();
        for choice in event.choices {
            text.extend(choice.delta.and_then(|delta| delta.content));
            text.extend(choice.text);
            if let Some(reason) = choice.finish_reason {
                self.finish = Some(if reason == "length" { Finish::Length } else { Finish::Stop });
            }
        }
        Ok(text)
    }

    /// Whether the server has said that nothing follows.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// How the answer went, once the stream has ended. `stopped` says that the adapter ended it at
    /// a stop text; the estimates stand in where the server did not say what it counted.
    ///
    /// Fails with `unreachable` if the server broke off.
    pub fn outcome(
        &self,
        stopped: bool,
        prompt_estimate: u32,
        reply_estimate: u32,
    ) -> Result<Outcome, Error> {
        let finish = match self.finish {
            _ if stopped => Finish::Stop,
            Some(finish) => finish,
            None if self.done => Finish::Stop,
            None => return Err(Error::Unreachable),
        };
        let details = self.usage.as_ref().and_then(|usage| usage.prompt_tokens_details.as_ref());
        Ok(Outcome {
            finish,
            prompt_tokens: self.usage.as_ref().map_or(prompt_estimate, |usage| usage.prompt_tokens),
            cached_tokens: details.and_then(|details| details.cached_tokens).unwrap_or(0),
            reply_tokens: self
                .usage
                .as_ref()
                .map_or(reply_estimate, |usage| usage.completion_tokens),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_deltas_and_ends_with_its_usage() {
        let mut reply = Reply::default();
        let text: String = [
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"Good "},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"day"}}],"usage":null}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,
                "prompt_tokens_details":{"cached_tokens":5}}}"#,
            DONE,
        ]
        .iter()
        .map(|data| reply.push(data).expect("the events are well formed"))
        .collect();
        assert_eq!(text, "Good day");
        assert!(reply.is_done());
        let outcome = reply.outcome(false, 0, 0).expect("the answer ended");
        assert_eq!(outcome.finish, Finish::Length);
        assert_eq!((outcome.prompt_tokens, outcome.cached_tokens, outcome.reply_tokens), (9, 5, 2));
    }

    #[test]
    fn the_completion_of_plain_text_has_its_text_beside_the_choice() {
        let mut reply = Reply::default();
        let text = reply.push(r#"{"choices":[{"text":"Yes","finish_reason":"stop"}]}"#);
        assert_eq!(text.expect("the event is well formed"), "Yes");
        let outcome = reply.outcome(false, 30, 1).expect("the answer ended");
        assert_eq!((outcome.prompt_tokens, outcome.reply_tokens), (30, 1));
    }

    #[test]
    fn an_error_in_mid_answer_ends_it() {
        let error = Reply::default().push(r#"{"error":{"message":"out of memory","code":500}}"#);
        assert!(matches!(error, Err(Error::EngineFailed)));
        assert!(matches!(Reply::default().push("<html>"), Err(Error::EngineFailed)));
    }

    #[test]
    fn a_stream_that_just_ends_was_broken_off() {
        let mut reply = Reply::default();
        reply
            .push(r#"{"choices":[{"delta":{"content":"Go"}}]}"#)
            .expect("the event is well formed");
        assert!(matches!(reply.outcome(false, 0, 0), Err(Error::Unreachable)));
        assert!(reply.outcome(true, 0, 0).is_ok(), "unless the adapter ended it");
    }
}
