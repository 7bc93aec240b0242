//! Having the model answer a prompt that stands alone. Nothing of it is stored.

use std::rc::Rc;

use serde_json::{Value, json};
use spin_sdk::http::Request;

use super::chunks::{Chunks, Kind};
use super::models;
use super::request::{self, Asked, SESSION_HEADER};
use crate::bindings::inference::chat::{Generation, Message, Options, Prompt};
use crate::bindings::inference::models::ChatModel;
use crate::bindings::inference::tokenizer;
use crate::bindings::inference::types::{Error as ModelError, Role};
use crate::http::error::ApiError;
use crate::http::response::{self, Response};
use crate::http::{request as body, stream};
use crate::limits;
use crate::settings::Settings;
use crate::turn::decide::ready_model;
use crate::turn::reply::{self, Ended, Reply};
use crate::turn::sink::{Form, Sink};
use crate::turn::thought::Thought;

/// Answers `POST /v1/completions`.
///
/// Fails with 400 for a field that is wrong, 404 for another model than the active one, and as the
/// model does.
pub async fn answer(settings: Rc<Settings>, request: Request) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let fields = body::object_of(&head.headers, body, limits::CONVERSATION_BYTES_MAX).await?;
    if request::session(&head.headers, &fields)?.is_some() {
        let message = format!(
            "a plain text is no turn of a session: post to `/v1/chat/completions`, or leave \
             `{SESSION_HEADER}` out"
        );
        return Err(ApiError::new(400, "session_not_supported", message));
    }
    let asked = request::asked(&fields)?;
    let prompt = match fields.get("prompt") {
        Some(Value::String(text)) => text,
        Some(Value::Array(list)) => match list.as_slice() {
            [Value::String(text)] => text,
            _ => return Err(wrong("`prompt` must be one string here: one prompt a request")),
        },
        _ => return Err(wrong("`prompt` must be a string")),
    };
    if prompt.is_empty() {
        return Err(wrong("`prompt` must not be empty: there would be nothing to go on from"));
    }
    let prompt = Prompt::Text(vec![prompt.clone()]);
    alone(Kind::Text, prompt, asked, &settings).await
}

fn wrong(message: &str) -> ApiError {
    ApiError::invalid("prompt", message)
}

/// Answers a prompt by itself.
///
/// Fails with 404 for another model than the active one, and as the model does.
pub async fn alone(
    kind: Kind,
    prompt: Prompt,
    asked: Asked,
    settings: &Settings,
) -> Result<Response, ApiError> {
    let model = ready_model().await?;
    models::check(asked.model.as_deref(), &model.name)?;
    let chunks = Chunks::new(kind, &model.name, asked.include_usage);
    let alone = Alone::new(kind, prompt, &asked, &model, settings);
    if asked.stream {
        let run = async move |mut sink: Sink| {
            // A failure was told already.
            let _ = alone.run(&mut sink).await;
        };
        return stream::stream(Form::Chunks(chunks), run).await;
    }
    let said = alone.run(&mut Sink::Quiet).await?;
    Ok(response::json(200, &chunks.whole(&said.text, &said.usage, &said.end)))
}

/// A prompt that the model is to answer.
struct Alone {
    kind: Kind,
    prompt: Prompt,
    options: Options,
    /// Whether the client said how long the answer may be.
    length_asked: bool,
}

/// What the model said, and how it went.
struct Said {
    text: String,
    usage: Value,
    end: Value,
}

impl Alone {
    fn new(
        kind: Kind,
        prompt: Prompt,
        asked: &Asked,
        model: &ChatModel,
        settings: &Settings,
    ) -> Self {
        let usual = settings.reply_tokens(model).min(model.context_tokens).max(1);
        let most = asked.options.max_tokens.unwrap_or(usual);
        // No name for what the model evaluates: it is kept under none.
        let options = reply::options(&asked.options, most, "", "");
        Self { kind, prompt, options, length_asked: asked.options.max_tokens.is_some() }
    }

    /// Answers. The events go to the sink, which hears of a failure too.
    async fn run(self, sink: &mut Sink) -> Result<Said, ApiError> {
        let said = self.answer(sink).await;
        if let Err(error) = &said {
            sink.fail(error).await;
        }
        said
    }

    async fn answer(self, sink: &mut Sink) -> Result<Said, ApiError> {
        let generation = self.begin().await?;
        // A client that left is noticed as soon as the model speaks.
        let _ = sink.send("message.start", &json!({})).await;
        let thought = match self.kind {
            // What goes on from a text is all of it.
            Kind::Text => Thought::never(),
            Kind::Chat | Kind::Lines => Thought::first(),
        };
        let reply = reply::listen(generation, thought, async || false, sink).await;
        let Reply { text, thought, ended, outcome } = reply;
        if let Ended::Failed(error) = &ended {
            return Err(ApiError::of_model(error));
        }
        let usage = match outcome {
            Some(it) => json!({
                "prompt_tokens": it.prompt_tokens,
                "cached_tokens": it.cached_tokens,
                "completion_tokens": it.reply_tokens,
                "total_tokens": it.prompt_tokens + it.reply_tokens,
            }),
            None => Value::Null,
        };
        let end = json!({ "metadata": { "finish_reason": ended.reason(), "reasoning": thought } });
        let _ = sink.send("usage", &usage).await;
        let _ = sink.send("message.end", &end).await;
        Ok(Said { text, usage, end })
    }

    /// Has the model begin. A length that nobody asked for gives way to a long prompt.
    async fn begin(&self) -> Result<Generation, ApiError> {
        let begin = |reply_tokens_max| {
            let options = Options { reply_tokens_max, ..self.options.clone() };
            reply::begin(self.prompt.clone(), options, async || {})
        };
        let most = self.options.reply_tokens_max;
        let begun = match begin(most).await {
            Err(ModelError::ContextExceeded(by)) if !self.length_asked => {
                match by.limit.checked_sub(by.needed.saturating_sub(most)).filter(|left| *left > 0)
                {
                    Some(left) => begin(left).await,
                    None => Err(ModelError::ContextExceeded(by)),
                }
            }
            begun => begun,
        };
        match begun {
            Ok(generation) => Ok(generation),
            Err(error) => Err(self.explain(error).await),
        }
    }

    /// The error of a model, in the words of this request.
    async fn explain(&self, error: ModelError) -> ApiError {
        let param = if self.kind == Kind::Text { "prompt" } else { "messages" };
        match (&error, &self.prompt) {
            (ModelError::ContextExceeded(by), _) => {
                let message = format!(
                    "`{param}` and the answer need {} tokens, and the model's context has {}: \
                     shorten `{param}` or lower `max_tokens`",
                    by.needed, by.limit
                );
                let error = ApiError::new(400, "context_length_exceeded", message);
                ApiError { param: Some(param), ..error }
            }
            (ModelError::InvalidRequest, Prompt::Messages(messages)) => {
                let roles: Vec<Role> = messages.iter().map(|message| message.role).collect();
                match tokenizer::frame(roles).await {
                    Err(ModelError::InvalidRequest) => ApiError::invalid(
                        param,
                        "the model's chat template cannot express these roles in this order",
                    ),
                    _ => ApiError::of_model(&error),
                }
            }
            _ => ApiError::of_model(&error),
        }
    }
}

/// A conversation as the model takes it.
pub fn prompt(messages: Vec<request::Message>) -> Prompt {
    let message = |it: request::Message| Message { role: it.role, pieces: vec![it.text] };
    Prompt::Messages(messages.into_iter().map(message).collect())
}
