//! A receipt with all texts that it refers to: what another server needs to replay it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Past, record};
use crate::db::memory::Found;
use crate::db::messages;
use crate::db::passages::Text;
use crate::http::error::ApiError;
use crate::turn::record::{Kept, Record, Texts};

/// The most passages and pieces of passages, numbers and tokens of a receipt from elsewhere: far
/// more than a turn has, and so few that their sum is a number.
const SOURCES_MAX: usize = 512;
const SPANS_MAX: usize = 4_096;
const NUMBERS_MAX: usize = 65_536;
const NUMBER_MAX: u32 = 1 << 18;

/// What an exported receipt says that it is.
const FORMAT: &str = "loci-receipt";
/// The version of that.
const VERSION: u64 = 1;

/// An exported receipt.
#[derive(Deserialize, Serialize)]
struct Export {
    format: String,
    version: u64,
    receipt: Value,
    messages: Vec<Message>,
    passages: Vec<Passage>,
}

/// A message, as an exported receipt has it.
#[derive(Deserialize, Serialize)]
struct Message {
    id: u64,
    turn: u32,
    role: String,
    /// Microseconds since 1970-01-01 UTC.
    timestamp: i64,
    content: String,
}

/// A passage of a document, as an exported receipt has it.
#[derive(Deserialize, Serialize)]
struct Passage {
    id: u64,
    document: String,
    content: String,
}

impl Past {
    /// The turn of an exported receipt.
    ///
    /// Fails with 400 if it is none, and with 409 if it is too old to be replayed.
    pub fn import(body: Value) -> Result<Self, ApiError> {
        let wrong = |cause: String| {
            ApiError::new(400, "no_receipt", format!("this is no exported receipt: {cause}"))
        };
        if body["format"] != FORMAT || body["version"] != VERSION {
            let expected = format!("`format` must be `{FORMAT}` and `version` {VERSION}");
            return Err(wrong(expected));
        }
        let export: Export =
            serde_json::from_value(body).map_err(|cause| wrong(cause.to_string()))?;
        let record = record(&export.receipt)?;
        check_shape(&record).and_then(|()| check_size(&record)).map_err(wrong)?;
        let message = |one: Message| {
            let role = messages::role(&one.role);
            let (message, turn, timestamp, content) =
                (one.id, one.turn, one.timestamp, one.content);
            (message, Found { message, turn, role, timestamp, tokens: None, content })
        };
        let passage =
            |one: Passage| (one.id, Text { content: one.content, document: one.document });
        let texts = Texts {
            messages: export.messages.into_iter().map(message).collect(),
            passages: export.passages.into_iter().map(passage).collect(),
        };
        Ok(Self { stored: export.receipt, record, texts })
    }

    /// The receipt with all texts that it refers to, for [`Past::import`].
    pub fn export(self) -> Value {
        let mut messages: Vec<Found> = self.texts.messages.into_values().collect();
        messages.sort_by_key(|one| one.message);
        let message = |one: Found| Message {
            id: one.message,
            turn: one.turn,
            role: one.role.to_owned(),
            timestamp: one.timestamp,
            content: one.content,
        };
        let passage = |(id, text): (u64, Text)| Passage {
            id,
            document: text.document,
            content: text.content,
        };
        let mut passages: Vec<Passage> = self.texts.passages.into_iter().map(passage).collect();
        passages.sort_by_key(|one| one.id);
        let export = Export {
            format: FORMAT.to_owned(),
            version: VERSION,
            receipt: self.stored,
            messages: messages.into_iter().map(message).collect(),
            passages,
        };
        serde_json::to_value(export).expect("texts and numbers are always JSON")
    }
}

/// Every prompt has one instruction and one message of the user, and no policy lays out another.
fn check_shape(record: &Record) -> Result<(), String> {
    let count = |is: fn(&Kept) -> bool| record.sources.iter().filter(|kept| is(kept)).count();
    for (what, found) in [
        ("instruction", count(|kept| matches!(kept, Kept::Instruction(..)))),
        ("query", count(|kept| matches!(kept, Kept::Query(..)))),
    ] {
        if found != 1 {
            return Err(format!("`sources` must have exactly one `{what}`, and has {found}"));
        }
    }
    Ok(())
}

/// What came from elsewhere may claim anything.
fn check_size(record: &Record) -> Result<(), String> {
    let spans: usize = record.sources.iter().map(|kept| kept.tokens().count()).sum();
    let numbers: usize = record.tape.iter().map(|entry| entry.numbers().len()).sum();
    for (what, found, most) in [
        ("passages", record.sources.len(), SOURCES_MAX),
        ("pieces of passages", spans, SPANS_MAX),
        ("measurements", record.tape.len().max(numbers), NUMBERS_MAX),
    ] {
        if found > most {
            return Err(format!("it has {found} {what}, and at most {most} are taken"));
        }
    }
    let counted = record.sources.iter().flat_map(Kept::tokens);
    let measured = record.tape.iter().flat_map(|entry| entry.numbers().iter().copied());
    match counted.chain(measured).find(|number| *number > NUMBER_MAX) {
        Some(number) => Err(format!("`{number}` cannot be the length of anything in it")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn exported() -> Value {
        json!({
            "format": FORMAT,
            "version": VERSION,
            "receipt": {
                "record": {
                    "now": 5,
                    "sources": [{ "instruction": ["Be kind.", 3] }, { "query": [9, 2] }],
                    "tape": [[2, 2, 1], null],
                },
            },
            "messages": [
                { "id": 9, "turn": 1, "role": "user", "timestamp": 5_000_000, "content": "Tea?" },
            ],
            "passages": [{ "id": 4, "document": "d", "content": "Tea grows" }],
        })
    }

    #[test]
    fn what_was_exported_is_read_and_exported_as_it_was() {
        let past = Past::import(exported()).unwrap();
        assert_eq!(past.sources().unwrap().len(), 2);
        assert_eq!(past.export(), exported());
    }

    #[test]
    fn what_is_no_receipt_or_too_much_is_refused_with_the_reason() {
        let mut many = vec![json!({ "history": [9, 2] }); SOURCES_MAX - 1];
        many.extend([json!({ "instruction": ["Be kind.", 3] }), json!({ "query": [9, 2] })]);
        for (at, value, reason) in [
            ("/format", json!("other"), "`format` must be"),
            ("/version", json!(2), "`version` 1"),
            ("/messages", json!({}), "sequence"),
            ("/receipt/record/sources", json!(many), "513 passages"),
            ("/receipt/record/sources", json!([]), "one `instruction`, and has 0"),
            ("/receipt/record/sources/1", json!({ "history": [9, 2] }), "one `query`, and has 0"),
            ("/receipt/record/sources/0", json!({ "query": [9, 2] }), "one `instruction`"),
            ("/receipt/record/sources/1/query/1", json!(NUMBER_MAX + 1), "`262145`"),
            ("/receipt/record/tape/0/1", json!(u32::MAX), "`4294967295`"),
            ("/receipt/record", json!({}), "older version"),
        ] {
            let mut body = exported();
            *body.pointer_mut(at).unwrap() = value;
            let error = Past::import(body).err().unwrap();
            assert!(error.message.contains(reason), "{at}: {}", error.message);
        }
    }
}
