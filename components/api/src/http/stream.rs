//! Answers that come as they are made.

use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, select};
use spin_sdk::wasip3::spawn;

use super::error::ApiError;
use super::response::{self, Response};
use super::sse::EventBody;
use crate::db::Database;
use crate::limits;
use crate::turn::Turn;
use crate::turn::sink::{Form, Signal, Sink};

/// Answers with a stream of what `run` sends. What fails before its first event, and soon, is
/// answered with a status of its own instead.
///
/// Fails as `run` does before its first event.
pub async fn stream(
    form: Form,
    run: impl AsyncFnOnce(Sink) + 'static,
) -> Result<Response, ApiError> {
    let lines = matches!(&form, Form::Chunks(chunks) if chunks.are_lines());
    let (sink, mut events) = Sink::stream(form);
    spawn(async move { run(sink).await });
    let patience = spin_sdk::time::sleep(Duration::from_millis(limits::STREAM_DECISION_MILLIS));
    let first = match select(events.next(), Box::pin(patience)).await {
        Either::Left((Some(Signal::Failed(error, _)), _)) => return Err(error),
        Either::Left((first, _)) => first.map(Signal::into_frame),
        Either::Right(_) => None,
    };
    let body = EventBody::new(first, events);
    Ok(if lines { response::lines(body) } else { response::events(body) })
}

/// Answers with the stream of a turn.
///
/// Fails as the turn does before its first event.
pub async fn turn(turn: Turn, form: Form, database: Rc<Database>) -> Result<Response, ApiError> {
    let run = async move |mut sink: Sink| {
        let answered = turn.run(&mut sink).await;
        // The client need not wait for what comes now.
        drop(sink);
        if let Ok(answered) = answered {
            answered.remember(&database).await;
        }
    };
    stream(form, run).await
}
