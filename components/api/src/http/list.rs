//! Lists whose rows may be long: they are read and sent in parts, so that no list has to be in
//! memory as a whole.

use std::mem::take;

use bytes::Bytes;
use serde::Serialize;
use spin_sdk::wasip3::spawn;

use super::error::ApiError;
use super::response::{self, Response};
use super::route::Page;
use super::sse::EventBody;
use crate::limits;
use crate::turn::sink::{Gone, Sink};

/// Where a list goes on: behind this many rows, of those from this turn on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// The turn; none for the beginning of the list.
    pub turn: Option<u32>,
    /// How many rows, and how many of them are passed over.
    pub page: Page,
}

/// Answers with a list of the rows of turns. `read` is asked for a few rows at a time.
///
/// Fails as `read` does when it is first asked. Where it fails later, the list breaks off and is no
/// JSON.
pub async fn of_turns<T: Serialize + 'static>(
    page: Page,
    turn: fn(&T) -> u32,
    read: impl AsyncFn(Part) -> Result<Vec<T>, ApiError> + 'static,
) -> Result<Response, ApiError> {
    let step = page.limit.min(limits::LIST_ROWS_READ);
    let mut from = Part { turn: None, page: Page { limit: step, skip: page.skip } };
    let rows = read(from).await?;
    if (rows.len() as u32) < limits::LIST_ROWS_READ {
        return Ok(response::json(200, &rows));
    }
    let (sink, parts) = Sink::parts();
    spawn(async move {
        let mut writer = Writer { sink, waiting: Vec::new(), rows: 0 };
        let mut rows = rows;
        loop {
            let count = rows.len() as u32;
            from = next(from, rows.iter().map(turn), page.limit - writer.rows - count);
            if writer.add(rows).await.is_err() {
                return;
            }
            if count < limits::LIST_ROWS_READ || from.page.limit == 0 {
                return writer.end().await;
            }
            let Ok(more) = read(from).await else { return };
            rows = more;
        }
    });
    Ok(response::json_parts(EventBody::new(None, parts)))
}

/// Where the list goes on behind rows of these turns, if so many rows are left.
fn next(from: Part, turns: impl DoubleEndedIterator<Item = u32>, left: u32) -> Part {
    let mut turns = turns.rev().peekable();
    let limit = left.min(limits::LIST_ROWS_READ);
    let Some(last) = turns.peek().copied() else { return from };
    let mut skip = turns.take_while(|turn| *turn == last).count() as u32;
    if from.turn == Some(last) {
        skip += from.page.skip;
    }
    Part { turn: Some(last), page: Page { limit, skip } }
}

/// Writes a list.
struct Writer {
    sink: Sink,
    waiting: Vec<u8>,
    rows: u32,
}

impl Writer {
    async fn add<T: Serialize>(&mut self, rows: Vec<T>) -> Result<(), Gone> {
        for row in rows {
            self.waiting.push(if self.rows == 0 { b'[' } else { b',' });
            self.rows += 1;
            serde_json::to_writer(&mut self.waiting, &row).map_err(|_| Gone)?;
            if self.waiting.len() > limits::LIST_BYTES_WAITING {
                self.sink.write(Bytes::from(take(&mut self.waiting))).await?;
            }
        }
        Ok(())
    }

    /// What was added is a list with at least one row.
    async fn end(mut self) {
        self.waiting.push(b']');
        // A client that left needs no end.
        let _ = self.sink.write(Bytes::from(self.waiting)).await;
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use futures::executor::block_on;

    use super::*;
    use crate::turn::sink::Form;

    #[test]
    fn a_list_goes_on_behind_the_last_row() {
        let limit = limits::LIST_ROWS_READ;
        let from = Part { turn: None, page: Page { limit, skip: 7 } };
        let of = |turn, limit, skip| Part { turn: Some(turn), page: Page { limit, skip } };
        assert_eq!(next(from, [1, 1, 2, 2].into_iter(), 900), of(2, limit, 2));
        assert_eq!(next(from, [1, 1, 2].into_iter(), 3), of(2, 3, 1));
        // One row of the turn was passed over already.
        assert_eq!(next(of(2, limit, 1), [2].into_iter(), 900), of(2, limit, 2));
        assert_eq!(next(of(2, limit, 1), [2, 3].into_iter(), 900), of(3, limit, 1));
    }

    #[test]
    fn what_is_sent_in_parts_is_one_list() {
        let (sink, parts) = Sink::stream(Form::Events);
        let mut writer = Writer { sink, waiting: Vec::new(), rows: 0 };
        let long = "x".repeat(limits::LIST_BYTES_WAITING);
        let written = async {
            writer.add(vec![long.clone(), "b".to_owned()]).await.unwrap();
            writer.add(vec!["c".to_owned()]).await.unwrap();
            writer.end().await;
        };
        let read = parts.map(|part| part.into_frame().into_data().unwrap()).collect::<Vec<Bytes>>();
        let ((), parts) = block_on(futures::future::join(written, read));
        assert_eq!(parts.len(), 2);
        let list: Vec<String> = serde_json::from_slice(&parts.concat()).unwrap();
        assert_eq!(list, [long, "b".to_owned(), "c".to_owned()]);
    }
}
