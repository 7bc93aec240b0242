//! What is asked of an OpenAI-compatible server, and what must not be asked of it.

use serde_json::{Map, Value, json};

use crate::bindings::exports::loci::inference::chat::{Message, Options, Prompt};
use crate::bindings::exports::loci::inference::types::{Error, Role};
use crate::estimate;

/// The longest prompt, in bytes over all its pieces.
const PROMPT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The most messages of a prompt.
const MESSAGES_MAX: usize = 1024;
/// The most stop texts, and the most bytes of one.
const STOPS_MAX: usize = 8;
const STOP_BYTES_MAX: usize = 128;
/// The most stop texts that servers take. The adapter looks for all of them by itself; the server
/// saves work if it knows of some.
const SERVER_STOPS_MAX: usize = 4;

/// The path below the server's base, and the body.
#[derive(Debug)]
pub struct Call {
    /// Begins with a slash.
    pub path: &'static str,
    /// JSON.
    pub body: String,
}

/// Writes a call for a prompt.
pub fn call(model: &str, prompt: &Prompt, options: &Options) -> Call {
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    let path = match prompt {
        Prompt::Messages(messages) => {
            let messages: Vec<Value> = messages.iter().map(message).collect();
            body.insert("messages".into(), messages.into());
            "/chat/completions"
        }
        Prompt::Text(pieces) => {
            body.insert("prompt".into(), pieces.concat().into());
            "/completions"
        }
    };
    body.insert("stream".into(), true.into());
    body.insert("stream_options".into(), json!({ "include_usage": true }));
    body.insert("max_tokens".into(), options.reply_tokens_max.into());
    let numbers = [
        ("temperature", options.temperature),
        ("top_p", options.top_p),
        ("min_p", options.min_p),
        ("repeat_penalty", options.repeat_penalty),
    ];
    for (name, value) in numbers {
        // By way of its decimal form: as a double, 0.7 would be sent as 0.699999988079071.
        let value = value.and_then(|number| number.to_string().parse::<f64>().ok());
        body.extend(value.map(|number| (name.into(), number.into())));
    }
    body.extend(options.top_k.map(|number| ("top_k".into(), number.into())));
    body.extend(options.seed.map(|number| ("seed".into(), number.into())));
    let stops: Vec<&String> = options.stop.iter().take(SERVER_STOPS_MAX).collect();
    if !stops.is_empty() {
        body.insert("stop".into(), json!(stops));
    }
    Call { path, body: Value::Object(body).to_string() }
}

fn message(message: &Message) -> Value {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    json!({ "role": role, "content": message.pieces.concat() })
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
    fn a_conversation_is_sent_with_its_pieces_joined() {
        let call = call("m", &prompt(), &options());
        assert_eq!(call.path, "/chat/completions");
        assert_eq!(
            serde_json::from_str::<Value>(&call.body).expect("a call is JSON"),
            json!({
                "model": "m",
                "messages": [
                    { "role": "system", "content": "Be kind." },
                    { "role": "user", "content": "Notes: none.\n\nHello" },
                ],
                "stream": true,
                "stream_options": { "include_usage": true },
                "max_tokens": 64,
            })
        );
    }

    #[test]
    fn plain_text_is_sent_as_a_completion_with_what_was_asked_for() {
        let options = Options {
            temperature: Some(0.7),
            top_k: Some(40),
            seed: Some(1),
            stop: ["1", "2", "3", "4", "5"].map(str::to_string).to_vec(),
            ..options()
        };
        let call = call("m", &Prompt::Text(vec!["a".into(), "b".into()]), &options);
        assert_eq!(call.path, "/completions");
        assert_eq!(
            serde_json::from_str::<Value>(&call.body).expect("a call is JSON"),
            json!({
                "model": "m",
                "prompt": "ab",
                "stream": true,
                "stream_options": { "include_usage": true },
                "max_tokens": 64,
                "temperature": 0.7,
                "top_k": 40,
                "seed": 1,
                "stop": ["1", "2", "3", "4"],
            })
        );
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
