//! Spin's own LLM interface: text in, text out, no roles, no stream, one call at a time.

use openai_wire::Stops;
use spin_sdk::llm::{self, InferencingModel, InferencingParams};

use crate::bindings::exports::loci::inference::chat::{Finish, Options, Outcome, Prompt};
use crate::bindings::exports::loci::inference::types::{Error, Role};

/// Where the answer begins in a flattened conversation; and what a model writes that goes on to
/// play the user's part.
const ANSWER: &str = "Assistant:";
const NEXT_TURN: &str = "\nUser:";

/// Answers a prompt: the whole text, and how it went. Blocks the instance until it is there.
///
/// Fails with `constraint-refused` if there is a constraint, with `no-model` if Spin does not run
/// this model for the application, and with `engine-failed` if it tried and failed.
pub fn infer(model: &str, prompt: &Prompt, options: &Options) -> Result<(String, Outcome), Error> {
    if options.constraint.is_some() {
        let why = "the language model of this Spin host knows no constraints";
        return Err(Error::ConstraintRefused(why.to_owned()));
    }
    let text = flatten(prompt);
    let params = params(options);
    let result = llm::infer_with_options(InferencingModel::Other(model), &text, params)
        .map_err(|error| failure(&error))?;
    let mut stop = options.stop.clone();
    if matches!(prompt, Prompt::Messages(_)) {
        stop.push(NEXT_TURN.to_string());
    }
    let finish = if result.usage.generated_token_count < options.reply_tokens_max {
        Finish::Stop
    } else {
        Finish::Length
    };
    let (answer, stopped) = answer(&text, &result.text, stop);
    let outcome = Outcome {
        finish: if stopped { Finish::Stop } else { finish },
        prompt_tokens: result.usage.prompt_token_count,
        cached_tokens: 0,
        reply_tokens: result.usage.generated_token_count,
    };
    Ok((answer, outcome))
}

/// Writes a conversation as one text.
fn flatten(prompt: &Prompt) -> String {
    let messages = match prompt {
        Prompt::Text(pieces) => return pieces.concat(),
        Prompt::Messages(messages) => messages,
    };
    let mut text = String::new();
    for message in messages {
        text.push_str(match message.role {
            Role::System => "",
            Role::User => "User: ",
            Role::Assistant => "Assistant: ",
        });
        text.push_str(&message.pieces.concat());
        text.push_str("\n\n");
    }
    text.push_str(ANSWER);
    text
}

/// The answer in what the model returned: some engines repeat the prompt before it.
fn answer(prompt: &str, returned: &str, stop: Vec<String>) -> (String, bool) {
    let text = returned.strip_prefix(prompt).unwrap_or(returned);
    let mut stops = Stops::new(stop);
    let passed = stops.push(text);
    let answer = if passed.stopped { passed.text } else { passed.text + &stops.finish() };
    (answer.trim_start().to_string(), passed.stopped)
}

fn params(options: &Options) -> InferencingParams {
    let default = InferencingParams::default();
    InferencingParams {
        max_tokens: options.reply_tokens_max,
        repeat_penalty: options.repeat_penalty.unwrap_or(default.repeat_penalty),
        repeat_penalty_last_n_token_count: default.repeat_penalty_last_n_token_count,
        temperature: options.temperature.unwrap_or(default.temperature),
        top_k: options.top_k.unwrap_or(default.top_k),
        top_p: options.top_p.unwrap_or(default.top_p),
    }
}

fn failure(error: &llm::Error) -> Error {
    eprintln!("Spin's model did not answer: {error:?}");
    match error {
        llm::Error::ModelNotSupported | llm::Error::InvalidInput(_) => Error::NoModel,
        llm::Error::RuntimeError(_) => Error::EngineFailed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::exports::loci::inference::chat::Message;

    #[test]
    fn roles_become_words() {
        let message =
            |role, text: &str| Message { role, pieces: vec![text.to_string(), ".".to_string()] };
        let prompt = Prompt::Messages(vec![
            message(Role::System, "Be kind"),
            message(Role::User, "Hello"),
            message(Role::Assistant, "Good day"),
            message(Role::User, "Who are you"),
        ]);
        assert_eq!(
            flatten(&prompt),
            "Be kind.\n\nUser: Hello.\n\nAssistant: Good day.\n\nUser: Who are you.\n\nAssistant:"
        );
        assert_eq!(flatten(&Prompt::Text(vec!["a".into(), "b".into()])), "ab");
    }

    #[test]
    fn an_answer_loses_the_prompt_and_what_follows_a_stop_text() {
        let stop = || vec![NEXT_TURN.to_string()];
        assert_eq!(answer("Q\n\nAssistant:", "Q\n\nAssistant: Yes", stop()), ("Yes".into(), false));
        assert_eq!(answer("Q", " Yes\nUser: And?", stop()), ("Yes".into(), true));
    }
}
