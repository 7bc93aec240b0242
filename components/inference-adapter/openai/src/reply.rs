//! What a server's events say: thoughts, text, how it ended, what it cost, or that it failed.

use serde::Deserialize;

use crate::Broken;
use crate::fault::{code, unreadable};

/// The event after which nothing follows.
const DONE: &str = "[DONE]";

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model was done, or met a stop text.
    Stop,
    /// The most tokens were reached that it may say.
    Length,
}

/// How an answer ended. What the server did not count is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Why.
    pub finish: Finish,
    /// The tokens of the prompt.
    pub prompt_tokens: Option<u32>,
    /// How many of them had been evaluated before; 0 where the server does not say.
    pub cached_tokens: u32,
    /// The tokens of the answer.
    pub reply_tokens: Option<u32>,
}

/// Collects what the events of one answer say besides its text.
#[derive(Debug, Default)]
pub struct Reply {
    finish: Option<Finish>,
    usage: Option<Usage>,
    done: bool,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice {
    /// In a conversation.
    delta: Option<Delta>,
    /// In a conversation that a server answers as a whole, though asked to stream.
    message: Option<Delta>,
    /// In the completion of plain text.
    text: Option<String>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    /// What the model thinks before it answers, where the server tells it apart: some call it so,
    reasoning_content: Option<serde_json::Value>,
    /// and some so. Others mean something else by it.
    reasoning: Option<serde_json::Value>,
}

/// What an event adds to an answer.
#[derive(Debug, Default, PartialEq)]
pub struct Said {
    /// What the model thinks.
    pub thought: String,
    /// What it says.
    pub text: String,
}

#[derive(Debug, Deserialize)]
struct Usage {
    prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
    prompt_tokens_details: Option<Details>,
}

#[derive(Debug, Deserialize)]
struct Details {
    cached_tokens: Option<u32>,
}

impl Reply {
    /// Takes an event's data, and adds what is said in it to `said`.
    ///
    /// Fails if the event cannot be read, or says that the server failed.
    pub fn push(&mut self, data: &str, said: &mut Said) -> Result<(), Broken> {
        if data == DONE {
            self.done = true;
            return Ok(());
        }
        let event: Event =
            serde_json::from_str(data).map_err(|error| Broken::Unreadable(unreadable(&error)))?;
        if let Some(error) = event.error {
            return Err(Broken::Failed(code(&error)));
        }
        if event.usage.is_some() {
            self.usage = event.usage;
        }
        for choice in event.choices {
            if let Some(delta) = choice.delta.or(choice.message) {
                let thought = [delta.reasoning_content, delta.reasoning].into_iter().flatten();
                let thought = thought.filter_map(|it| it.as_str().map(str::to_owned)).next();
                said.thought.extend(thought);
                said.text.extend(delta.content);
            }
            said.text.extend(choice.text);
            if let Some(reason) = choice.finish_reason {
                self.finish = Some(if reason == "length" { Finish::Length } else { Finish::Stop });
            }
        }
        Ok(())
    }

    /// Whether the server has said that nothing follows.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// How the answer went, once the stream has ended. `stopped` says that the reader ended it.
    ///
    /// Fails with `Off` if the server did not end it itself.
    pub fn ended(&self, stopped: bool) -> Result<Ended, Broken> {
        let finish = match self.finish {
            _ if stopped => Finish::Stop,
            Some(finish) => finish,
            None if self.done => Finish::Stop,
            None => return Err(Broken::Off),
        };
        let usage = self.usage.as_ref();
        let details = usage.and_then(|usage| usage.prompt_tokens_details.as_ref());
        Ok(Ended {
            finish,
            prompt_tokens: usage.and_then(|usage| usage.prompt_tokens),
            cached_tokens: details.and_then(|details| details.cached_tokens).unwrap_or(0),
            reply_tokens: usage.and_then(|usage| usage.completion_tokens),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(reply: &mut Reply, events: &[&str]) -> Result<String, Broken> {
        let mut said = Said::default();
        events.iter().try_for_each(|data| reply.push(data, &mut said))?;
        Ok(said.text)
    }

    #[test]
    fn a_thought_is_told_apart_whatever_a_server_calls_it() {
        let (mut reply, mut said) = (Reply::default(), Said::default());
        for event in [
            r#"{"choices":[{"delta":{"reasoning_content":"Hm, ","content":null}}]}"#,
            r#"{"choices":[{"delta":{"reasoning":"well. "}}]}"#,
            r#"{"choices":[{"delta":{"reasoning":"Twice","reasoning_content":"Twice"}}]}"#,
            r#"{"choices":[{"delta":{"content":"Yes","reasoning":{"effort":"low"}}}]}"#,
        ] {
            reply.push(event, &mut said).expect("it is an event");
        }
        let expected = Said { thought: "Hm, well. Twice".into(), text: "Yes".into() };
        assert_eq!(said, expected);
    }

    #[test]
    fn an_answer_is_its_deltas_and_ends_with_its_usage() {
        let mut reply = Reply::default();
        let text = push(
            &mut reply,
            &[
                r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
                r#"{"choices":[{"index":0,"delta":{"content":"Good "},"finish_reason":null}]}"#,
                r#"{"choices":[{"index":0,"delta":{"content":"day"}}],"usage":null}"#,
                r#"{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#,
                r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,
                    "prompt_tokens_details":{"cached_tokens":5}}}"#,
                DONE,
            ],
        );
        assert_eq!(text.as_deref(), Ok("Good day"));
        assert!(reply.is_done());
        assert_eq!(
            reply.ended(false),
            Ok(Ended {
                finish: Finish::Length,
                prompt_tokens: Some(9),
                cached_tokens: 5,
                reply_tokens: Some(2)
            })
        );
    }

    #[test]
    fn the_completion_of_plain_text_has_its_text_beside_the_choice() {
        let mut reply = Reply::default();
        let text = push(&mut reply, &[r#"{"choices":[{"text":"Yes","finish_reason":"stop"}]}"#]);
        assert_eq!(text.as_deref(), Ok("Yes"));
        let ended = reply.ended(false).expect("the answer ended");
        assert_eq!((ended.finish, ended.prompt_tokens), (Finish::Stop, None));
    }

    #[test]
    fn an_answer_that_is_not_streamed_is_one_event() {
        let whole = r#"{"object":"chat.completion","choices":[{"index":0,"finish_reason":"stop",
            "message":{"role":"assistant","content":"Good day"}}],"usage":{"prompt_tokens":9}}"#;
        let mut reply = Reply::default();
        assert_eq!(push(&mut reply, &[whole]).as_deref(), Ok("Good day"));
        assert_eq!(reply.ended(false).map(|ended| ended.prompt_tokens), Ok(Some(9)));
    }

    #[test]
    fn an_error_in_mid_answer_ends_it_with_the_servers_code() {
        let failed = |data| push(&mut Reply::default(), &[data]);
        let error = failed(r#"{"error":{"message":"out of secret","code":500}}"#);
        assert_eq!(error, Err(Broken::Failed(Some("500".into()))));
        assert_eq!(failed(r#"{"error":"secret"}"#), Err(Broken::Failed(None)));
        for data in ["<secret>", r#"{"choices":"secret"}"#] {
            let Err(Broken::Unreadable(how)) = failed(data) else { panic!("it is no event") };
            assert!(how.contains("line 1") && !how.contains("secret"), "{how}");
        }
    }

    #[test]
    fn a_stream_that_just_ends_was_broken_off() {
        let mut reply = Reply::default();
        push(&mut reply, &[r#"{"choices":[{"delta":{"content":"Go"}}]}"#]).expect("it is an event");
        assert_eq!(reply.ended(false), Err(Broken::Off));
        assert!(reply.ended(true).is_ok(), "unless the reader ended it");
        push(&mut reply, &[r#"{"choices":[{"finish_reason":"stop"}]}"#]).expect("it is an event");
        assert!(reply.ended(false).is_ok(), "or `[DONE]` alone is missing");
    }
}
