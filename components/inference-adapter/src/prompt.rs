//! A prompt as the interface has it: its limits, its length, and its form for a server.

use openai_wire::{self as wire, estimate};
use serde_json::Value;

use crate::bindings::exports::loci::inference::chat::{Constraint, Options, Prompt};
use crate::bindings::exports::loci::inference::types::{Error, Role};

/// The longest prompt, in bytes over all its pieces.
const PROMPT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The most messages of a prompt.
const MESSAGES_MAX: usize = 1024;
/// The most stop texts, and the most bytes of one.
const STOPS_MAX: usize = 8;
const STOP_BYTES_MAX: usize = 128;

/// Writes a call for a prompt.
///
/// Fails with `constraint-refused` if the constraint is none that servers know.
pub fn call(model: &str, prompt: &Prompt, options: &Options) -> Result<wire::Call, Error> {
    let schema = schema(prompt, options)?;
    let prompt = match prompt {
        Prompt::Messages(messages) => {
            let messages =
                messages.iter().map(|it| wire::Message { role: role(it.role), pieces: &it.pieces });
            wire::Prompt::Messages(messages.collect())
        }
        Prompt::Text(pieces) => wire::Prompt::Text(pieces),
    };
    let options = wire::Options {
        reply_tokens_max: options.reply_tokens_max,
        temperature: options.temperature,
        top_p: options.top_p,
        top_k: options.top_k,
        min_p: options.min_p,
        repeat_penalty: options.repeat_penalty,
        seed: options.seed,
        stop: &options.stop,
        schema: schema.as_ref(),
    };
    Ok(wire::call(model, &prompt, &options, wire::Dialect::default()))
}

/// The schema of an answer, if it is to have one.
fn schema(prompt: &Prompt, options: &Options) -> Result<Option<Value>, Error> {
    let refused = |why: String| Err(Error::ConstraintRefused(why));
    match (&options.constraint, prompt) {
        (None, _) => Ok(None),
        (Some(Constraint::JsonSchema(schema)), Prompt::Messages(_)) => {
            let parsed = serde_json::from_str(schema);
            parsed.map(Some).or_else(|error| refused(format!("the schema is no JSON: {error}")))
        }
        (Some(_), _) => refused("this model's server knows JSON schemas of conversations".into()),
    }
}

fn role(role: Role) -> wire::Role {
    match role {
        Role::System => wire::Role::System,
        Role::User => wire::Role::User,
        Role::Assistant => wire::Role::Assistant,
    }
}

/// Refuses what is beyond the limits of the interface.
pub fn check(prompt: &Prompt, options: &Options) -> Result<(), Error> {
    let within = |value: Option<f32>, low: f32, high: f32| {
        value.is_none_or(|value| (low..=high).contains(&value))
    };
    let bytes: usize = pieces(prompt).map(String::len).sum();
    let messages = match prompt {
        Prompt::Messages(messages) => messages.len(),
        Prompt::Text(_) => 1,
    };
    let fine = (1..=MESSAGES_MAX).contains(&messages)
        && bytes <= PROMPT_BYTES_MAX
        && options.reply_tokens_max >= 1
        && within(options.temperature, 0.0, 2.0)
        && within(options.top_p, f32::MIN_POSITIVE, 1.0)
        && within(options.min_p, 0.0, 1.0)
        && within(options.repeat_penalty, 1.0, 2.0)
        && options.stop.len() <= STOPS_MAX
        && options.stop.iter().all(|stop| (1..=STOP_BYTES_MAX).contains(&stop.len()));
    if fine { Ok(()) } else { Err(Error::InvalidRequest) }
}

/// Estimates the tokens of a prompt: the same sum that its maker has measured.
pub fn tokens(prompt: &Prompt) -> u32 {
    let frames = match prompt {
        Prompt::Messages(messages) => estimate::frame(messages.len()),
        Prompt::Text(_) => estimate::frame(0),
    };
    let counts = pieces(prompt).map(|piece| estimate::count(piece));
    counts.chain(frames).fold(0, u32::saturating_add)
}

fn pieces(prompt: &Prompt) -> Box<dyn Iterator<Item = &String> + '_> {
    match prompt {
        Prompt::Messages(messages) => Box::new(messages.iter().flat_map(|message| &message.pieces)),
        Prompt::Text(pieces) => Box::new(pieces.iter()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::exports::loci::inference::chat::{Message, Priority};

    fn options() -> Options {
        Options {
            digest: String::new(),
            thread: String::new(),
            reply_tokens_max: 64,
            temperature: None,
            top_p: None,
            top_k: None,
            min_p: None,
            repeat_penalty: None,
            seed: None,
            stop: vec![],
            priority: Priority::Chat,
            time_ms_max: None,
            constraint: None,
        }
    }

    fn prompt() -> Prompt {
        let message =
            |role, pieces: [&str; 2]| Message { role, pieces: pieces.map(str::to_string).to_vec() };
        Prompt::Messages(vec![
            message(Role::System, ["Be ", "kind."]),
            message(Role::User, ["Notes: none.\n\n", "Hello"]),
        ])
    }

    #[test]
    fn what_passes_a_limit_is_refused() {
        assert!(check(&prompt(), &options()).is_ok());
        let refused = [
            Options { reply_tokens_max: 0, ..options() },
            Options { temperature: Some(2.1), ..options() },
            Options { temperature: Some(f32::NAN), ..options() },
            Options { top_p: Some(0.0), ..options() },
            Options { min_p: Some(-0.1), ..options() },
            Options { repeat_penalty: Some(0.9), ..options() },
            Options { stop: vec!["x".into(); STOPS_MAX + 1], ..options() },
            Options { stop: vec!["x".repeat(STOP_BYTES_MAX + 1)], ..options() },
            Options { stop: vec![String::new()], ..options() },
        ];
        for options in refused {
            assert!(
                matches!(check(&prompt(), &options), Err(Error::InvalidRequest)),
                "{options:?}"
            );
        }
        let long = Prompt::Text(vec!["x".repeat(PROMPT_BYTES_MAX), "x".into()]);
        assert!(matches!(check(&long, &options()), Err(Error::InvalidRequest)));
        assert!(matches!(check(&Prompt::Messages(vec![]), &options()), Err(Error::InvalidRequest)));
    }

    #[test]
    fn a_prompt_has_the_tokens_of_its_pieces_and_its_frames() {
        let measured: u32 =
            ["Be ", "kind.", "Notes: none.\n\n", "Hello"].map(estimate::count).iter().sum();
        let frames: u32 = estimate::frame(2).iter().sum();
        assert_eq!(tokens(&prompt()), measured + frames);
    }
}
