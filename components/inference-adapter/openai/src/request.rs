//! What is asked of a server.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// The most stop texts that servers take. The reader of an answer looks for all of them by itself;
/// the server saves work if it knows of some.
const SERVER_STOPS_MAX: usize = 4;

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The operator.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Message<'a> {
    /// Who says it.
    pub role: Role,
    /// Its content, in pieces that are joined.
    #[serde(rename = "content", serialize_with = "joined")]
    pub pieces: &'a [String],
}

/// What the model reads.
#[derive(Clone, Debug)]
pub enum Prompt<'a> {
    /// A conversation. The server writes it with the model's chat template.
    Messages(Vec<Message<'a>>),
    /// Plain text, in pieces that are joined.
    Text(&'a [String]),
}

/// How to answer. What is none is left to the server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// The most tokens to answer with.
    pub reply_tokens_max: u32,
    /// Sampling temperature.
    pub temperature: Option<f32>,
    /// Nucleus sampling.
    pub top_p: Option<f32>,
    /// How many of the most likely tokens are considered. Not every server knows it.
    pub top_k: Option<u32>,
    /// Drops unlikely tokens. Not every server knows it.
    pub min_p: Option<f32>,
    /// Divides the score of tokens that appeared lately. Not every server knows it.
    pub repeat_penalty: Option<f32>,
    /// The same seed gives the same text.
    pub seed: Option<u32>,
    /// Texts that end the answer.
    pub stop: &'a [String],
    /// The JSON schema of the answer. Servers know it for conversations only.
    pub schema: Option<&'a Value>,
}

/// What a server does not take, though most do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// It wants `max_completion_tokens` in the place of `max_tokens`: OpenAI's newer models.
    pub completion_tokens: bool,
    /// It does not know `stream_options`: older servers.
    pub no_stream_options: bool,
}

impl Dialect {
    /// What is learnt from the words of a server that refused a call with 400 or 422; none if
    /// that is nothing new.
    pub fn learn(self, words: &str) -> Option<Self> {
        let learnt = Self {
            completion_tokens: self.completion_tokens || words.contains("max_completion_tokens"),
            no_stream_options: self.no_stream_options || words.contains("stream_options"),
        };
        (learnt != self).then_some(learnt)
    }
}

/// The path below the server's base, and the body.
#[derive(Debug)]
pub struct Call {
    /// Begins with a slash.
    pub path: &'static str,
    /// JSON.
    pub body: String,
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<&'a [Message<'a>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<Joined<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
}

#[derive(Serialize)]
struct ResponseFormat<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    json_schema: NamedSchema<'a>,
}

#[derive(Serialize)]
struct NamedSchema<'a> {
    name: &'static str,
    schema: &'a Value,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// Pieces as one text.
struct Joined<'a>(&'a [String]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| f.write_str(piece))
    }
}

impl Serialize for Joined<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn joined<S: Serializer>(pieces: &&[String], serializer: S) -> Result<S::Ok, S::Error> {
    Joined(pieces).serialize(serializer)
}

/// Writes a call for a prompt, whose answer is to be streamed.
pub fn call(model: &str, prompt: &Prompt<'_>, options: &Options<'_>, dialect: Dialect) -> Call {
    let tokens = Some(options.reply_tokens_max);
    let (path, messages, prompt) = match prompt {
        Prompt::Messages(messages) => ("/chat/completions", Some(messages.as_slice()), None),
        Prompt::Text(pieces) => ("/completions", None, Some(Joined(pieces))),
    };
    let body = Body {
        model,
        messages,
        prompt,
        stream: true,
        stream_options: (!dialect.no_stream_options)
            .then_some(StreamOptions { include_usage: true }),
        max_tokens: tokens.filter(|_| !dialect.completion_tokens),
        max_completion_tokens: tokens.filter(|_| dialect.completion_tokens),
        temperature: options.temperature.and_then(decimal),
        top_p: options.top_p.and_then(decimal),
        min_p: options.min_p.and_then(decimal),
        repeat_penalty: options.repeat_penalty.and_then(decimal),
        top_k: options.top_k,
        seed: options.seed,
        stop: &options.stop[..options.stop.len().min(SERVER_STOPS_MAX)],
        response_format: options.schema.map(|schema| ResponseFormat {
            kind: "json_schema",
            json_schema: NamedSchema { name: "answer", schema },
        }),
    };
    let body = serde_json::to_string(&body).expect("texts and numbers are always JSON");
    Call { path, body }
}

/// By way of its decimal form: as a double, 0.7 would be sent as 0.699999988079071.
fn decimal(number: f32) -> Option<f64> {
    number.to_string().parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn json_of(call: &Call) -> Value {
        serde_json::from_str(&call.body).expect("a call is JSON")
    }

    #[test]
    fn a_schema_is_sent_as_servers_know_it() {
        let schema = json!({ "type": "object" });
        let options = Options { reply_tokens_max: 64, schema: Some(&schema), ..Options::default() };
        let call = call("m", &Prompt::Messages(Vec::new()), &options, Dialect::default());
        let expected = json!({
            "type": "json_schema",
            "json_schema": { "name": "answer", "schema": { "type": "object" } },
        });
        assert_eq!(json_of(&call)["response_format"], expected);
    }

    #[test]
    fn a_conversation_is_sent_with_its_pieces_joined() {
        let [system, user] =
            [["Be ", "kind."], ["Notes: \"none\".\n\n", "Hello"]].map(|it| it.map(str::to_string));
        let prompt = Prompt::Messages(vec![
            Message { role: Role::System, pieces: &system },
            Message { role: Role::User, pieces: &user },
        ]);
        let options = Options { reply_tokens_max: 64, ..Options::default() };
        let call = call("m", &prompt, &options, Dialect::default());
        assert_eq!(call.path, "/chat/completions");
        assert_eq!(
            json_of(&call),
            json!({
                "model": "m",
                "messages": [
                    { "role": "system", "content": "Be kind." },
                    { "role": "user", "content": "Notes: \"none\".\n\nHello" },
                ],
                "stream": true,
                "stream_options": { "include_usage": true },
                "max_tokens": 64,
            })
        );
    }

    #[test]
    fn plain_text_is_sent_as_a_completion_with_what_was_asked_for() {
        let stop = ["1", "2", "3", "4", "5"].map(str::to_string);
        let options = Options {
            reply_tokens_max: 64,
            temperature: Some(0.7),
            top_k: Some(40),
            seed: Some(1),
            stop: &stop,
            ..Options::default()
        };
        let call =
            call("m", &Prompt::Text(&["a".into(), "b".into()]), &options, Dialect::default());
        assert_eq!(call.path, "/completions");
        assert_eq!(
            json_of(&call),
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
    fn what_a_server_does_not_take_is_learnt_from_its_words() {
        let words = "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                     'max_completion_tokens' instead.";
        let dialect = Dialect::default().learn(words).expect("something new");
        assert_eq!(dialect.learn(words), None);
        let dialect = dialect.learn("unknown field `stream_options`").expect("something new");
        assert_eq!(dialect.learn("no such model"), None);
        let options = Options { reply_tokens_max: 5, ..Options::default() };
        let call = call("m", &Prompt::Text(&["a".into()]), &options, dialect);
        assert_eq!(
            json_of(&call),
            json!({ "model": "m", "prompt": "a", "stream": true, "max_completion_tokens": 5 })
        );
    }
}
