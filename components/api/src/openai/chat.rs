//! `POST /v1/chat/completions`: a conversation that the client keeps, or a turn of a session.

use std::rc::Rc;

use http::HeaderMap;
use serde_json::{Map, Value, json};
use spin_sdk::http::Request;
use spin_sdk::wasip3::spawn;

use super::chunks::{Chunks, Kind};
use super::request::{self, Asked, Message};
use super::{complete, models};
use crate::bindings::inference::types::Role;
use crate::db::Database;
use crate::http::error::ApiError;
use crate::http::request::NewMessage;
use crate::http::response::{self, Response};
use crate::http::{request as body, stream};
use crate::limits;
use crate::settings::Settings;
use crate::turn::decide::ready_model;
use crate::turn::sink::{Form, Sink};
use crate::turn::{self, Turn};

/// Answers a conversation. If the request names a session, its last message becomes a turn of that.
///
/// Fails with 400 for a field that is wrong, 404 for an unknown session and for another model than
/// the active one, and as the turn does.
pub async fn answer(
    database: Rc<Database>,
    settings: Rc<Settings>,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let fields = body::object_of(&head.headers, body, limits::CONVERSATION_BYTES_MAX).await?;
    answer_fields(Kind::Chat, &head.headers, &fields, database, settings).await
}

/// As [`answer`], for a body that was read already, in the form of `kind`.
pub async fn answer_fields(
    kind: Kind,
    headers: &HeaderMap,
    fields: &Map<String, Value>,
    database: Rc<Database>,
    settings: Rc<Settings>,
) -> Result<Response, ApiError> {
    let asked = request::asked(fields)?;
    let messages = request::messages(fields)?;
    match request::session(headers, fields)? {
        None => complete::alone(kind, complete::prompt(messages), asked, &settings).await,
        Some(id) => {
            let model = ready_model().await?;
            models::check(asked.model.as_deref(), &model.name)?;
            let chunks = Chunks::new(kind, &model.name, asked.include_usage);
            let stream = asked.stream;
            let message = new_message(messages, asked)?;
            let turn = turn::post(database.clone(), settings, &id, message).await?;
            in_session(turn, chunks, stream, database).await
        }
    }
}

/// The message of a turn. What was said before it the session knows itself; what the model is told
/// to be holds for this turn.
fn new_message(mut messages: Vec<Message>, asked: Asked) -> Result<NewMessage, ApiError> {
    let last = messages.pop().filter(|last| last.role == Role::User).ok_or_else(|| {
        ApiError::invalid("messages", "in a session, the last message must be the user's")
    })?;
    let content = last.text;
    if content.len() > limits::MESSAGE_BYTES_MAX {
        return Err(ApiError::message_too_long(content.len()));
    }
    if content.trim().is_empty() {
        return Err(ApiError::invalid("messages", "the last message must not be empty"));
    }
    let told: Vec<String> =
        messages.into_iter().filter(|it| it.role == Role::System).map(|it| it.text).collect();
    let instruction = Some(told.join("\n\n")).filter(|text| !text.trim().is_empty());
    if instruction.as_ref().is_some_and(|text| text.len() > limits::MESSAGE_BYTES_MAX) {
        let most = limits::MESSAGE_BYTES_MAX;
        let message = format!("the system messages may have at most {most} bytes together");
        return Err(ApiError::invalid("messages", message));
    }
    let (stream, options) = (asked.stream, asked.options);
    Ok(NewMessage { content, stream, supersedes: None, instruction, options })
}

async fn in_session(
    turn: Turn,
    chunks: Chunks,
    stream: bool,
    database: Rc<Database>,
) -> Result<Response, ApiError> {
    if stream {
        return stream::turn(turn, Form::Chunks(chunks), database).await;
    }
    let answered = turn.run(&mut Sink::Quiet).await?;
    let usage = serde_json::to_value(&answered.usage).unwrap_or(Value::Null);
    let end = serde_json::to_value(&answered.message).unwrap_or_else(|_| json!({}));
    let response = response::json(200, &chunks.whole(&answered.message.content, &usage, &end));
    let response = response::timed(response, &answered.timing);
    spawn(async move { answered.remember(&database).await });
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Options;

    fn read(messages: &[(Role, &str)]) -> Result<NewMessage, ApiError> {
        let message =
            |(role, text): &(Role, &str)| Message { role: *role, text: (*text).to_owned() };
        let asked =
            Asked { model: None, stream: false, include_usage: false, options: Options::default() };
        new_message(messages.iter().map(message).collect(), asked)
    }

    #[test]
    fn the_last_message_is_the_turn_and_the_system_tells_it_how() {
        let found = read(&[
            (Role::System, "Be brief."),
            (Role::User, "Before"),
            (Role::Assistant, "Yes"),
            (Role::System, "Rhyme."),
            (Role::User, "Now"),
        ]);
        let found = found.unwrap();
        assert_eq!(found.content, "Now");
        assert_eq!(found.instruction.as_deref(), Some("Be brief.\n\nRhyme."));
        assert_eq!(read(&[(Role::User, "Now")]).unwrap().instruction, None);
    }

    #[test]
    fn a_turn_needs_a_message_of_the_user() {
        assert_eq!(read(&[(Role::Assistant, "I said")]).unwrap_err().param, Some("messages"));
        assert_eq!(read(&[(Role::User, "  ")]).unwrap_err().status, 400);
        let long = "x".repeat(limits::MESSAGE_BYTES_MAX + 1);
        assert_eq!(read(&[(Role::User, &long)]).unwrap_err().status, 413);
        assert_eq!(read(&[(Role::System, &long), (Role::User, "x")]).unwrap_err().status, 400);
    }
}
