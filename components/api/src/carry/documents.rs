//! The documents that a session reads travel with it: as the files that they are made of, since
//! another Loci may read, cut and embed them better.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::db::{Database, documents, files, sessions};
use crate::http::error::ApiError;
use crate::limits;

/// Base64 as everybody writes it; bits behind the end mean nothing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// A document that comes with a session.
#[derive(Debug, PartialEq)]
pub struct Carried {
    /// What people call it.
    name: String,
    /// The file.
    content: Vec<u8>,
}

/// The documents that a session reads, written down: at most `bytes_max` bytes of it.
///
/// Fails with 413 if they need more.
pub async fn export(
    database: &Database,
    session: i64,
    bytes_max: usize,
) -> Result<Vec<Value>, ApiError> {
    let listed = files::of_session(database, session).await?;
    let written = |bytes: usize| base64::encoded_len(bytes, true).unwrap_or(usize::MAX);
    let needed = listed.iter().fold(0_usize, |sum, file| {
        sum.saturating_add(written(file.bytes)).saturating_add(2 * limits::NAME_BYTES_MAX)
    });
    if needed > bytes_max {
        let message = "the session and its documents are longer than the file of a session may be: \
             `documents=false` leaves them out";
        return Err(ApiError::new(413, "session_too_long", message));
    }
    let mut carried = Vec::with_capacity(listed.len());
    for file in listed {
        let content = files::content(database, file.number).await?;
        carried.push(json!({ "name": file.name, "content": BASE64.encode(content) }));
    }
    Ok(carried)
}

/// Takes the documents out of the file of a session; none where it has none.
///
/// Fails with 400 if they are not as [`export`] writes them.
pub fn read(file: &Map<String, Value>) -> Result<Vec<Carried>, ApiError> {
    let most = limits::SESSION_DOCUMENTS_MAX;
    let list = match file.get("documents") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() <= most => list,
        Some(_) => {
            let message = format!("`documents` must be a list of at most {most} documents");
            return Err(ApiError::invalid("documents", message));
        }
    };
    list.iter().enumerate().map(|(at, one)| carried(at, one)).collect()
}

fn carried(at: usize, one: &Value) -> Result<Carried, ApiError> {
    let wrong = |field: &str, right: &str| {
        ApiError::invalid("documents", format!("`documents[{at}].{field}` must be {right}"))
    };
    let longest = limits::NAME_BYTES_MAX;
    let name = one["name"].as_str().filter(|name| name.len() <= longest);
    let name = name.filter(|name| !name.trim().is_empty()).ok_or_else(|| {
        wrong("name", &format!("a text of at most {longest} bytes that is not empty"))
    })?;
    let content = one["content"].as_str().and_then(|content| BASE64.decode(content).ok());
    let content = content.ok_or_else(|| wrong("content", "a file in base64"))?;
    if content.len() > limits::DOCUMENT_BYTES_MAX {
        return Err(wrong("content", &format!("of {} bytes at most", limits::DOCUMENT_BYTES_MAX)));
    }
    Ok(Carried { name: name.to_owned(), content })
}

/// Stores documents, and lets the session with this number read them. One whose content is there
/// already is that one.
///
/// Fails with 500 if the database does.
pub async fn store(
    database: &Database,
    session: i64,
    carried: Vec<Carried>,
) -> Result<(), ApiError> {
    let mut ids = Vec::with_capacity(carried.len());
    for Carried { name, content } in carried {
        let digest = Sha256::digest(&content);
        let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let id = sessions::new_id();
        ids.push(documents::store(database, &id, &name, &sha256, content).await?.id);
    }
    let found = documents::numbers(database, &ids).await?;
    documents::link(database, session, &found).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(documents: Value) -> Result<Vec<Carried>, ApiError> {
        read(json!({ "documents": documents }).as_object().unwrap())
    }

    #[test]
    fn a_document_has_a_name_and_a_content() {
        let carried = Carried { name: "a.txt".to_owned(), content: b"hello".to_vec() };
        let written = json!([{ "name": "a.txt", "content": BASE64.encode("hello") }]);
        assert_eq!(taken(written), Ok(vec![carried]));
        assert_eq!(taken(Value::Null), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_document_is_told_with_its_place() {
        let good = json!({ "name": "a", "content": "" });
        for (field, bad) in [
            ("name", json!(" ")),
            ("name", json!("x".repeat(limits::NAME_BYTES_MAX + 1))),
            ("content", json!("*")),
            ("content", json!(7)),
        ] {
            let mut document = good.clone();
            document[field] = bad;
            let error = taken(json!([good, document])).unwrap_err();
            assert_eq!((error.status, error.param), (400, Some("documents")));
            let place = format!("`documents[1].{field}`");
            assert!(error.message.contains(&place), "{}", error.message);
        }
        let many = vec![good; limits::SESSION_DOCUMENTS_MAX + 1];
        assert!(taken(json!(many)).is_err() && taken(json!({})).is_err());
    }
}
