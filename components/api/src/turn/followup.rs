//! Questions that are understood only by what was said right before: "and her sister?". What is
//! searched for is then both.

use crate::db::{Database, messages};
use crate::http::error::ApiError;
use crate::limits;
use crate::terms::terms;

/// The most terms of a question that refers back. One with more speaks for itself.
const TERMS_MAX: u32 = 4;

/// Words that stand for what was said before.
const PRONOUNS: [&str; 22] = [
    "he", "him", "his", "she", "her", "hers", "it", "its", "they", "them", "their", "theirs",
    "this", "that", "these", "those", "one", "ones", "there", "then", "same", "else",
];

/// Words that begin what goes on.
const BEGINNINGS: [&str; 8] = ["and", "but", "or", "also", "so", "then", "why", "ok"];

/// Whether a question refers to what was said before it. Beyond English, only one without a single
/// word that tells anything does.
pub fn refers_back(text: &str) -> bool {
    let length = terms(text).length;
    if length == 0 {
        return true;
    }
    let words: Vec<String> = text
        .split(|symbol: char| !symbol.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    let goes_on =
        BEGINNINGS.contains(&word(0)) || (matches!(word(0), "what" | "how") && word(1) == "about");
    let stands_for = words.iter().any(|word| PRONOUNS.contains(&word.as_str()));
    length <= TERMS_MAX && (goes_on || stands_for)
}

/// What to search for when this is asked in a turn: the question, after what it refers to.
///
/// Fails with 500 if the database does.
pub async fn searched(
    database: &Database,
    session: i64,
    turn: u32,
    text: &str,
) -> Result<String, ApiError> {
    if turn <= 1 || !refers_back(text) {
        return Ok(text.to_owned());
    }
    let said = messages::said_before(database, session, turn, limits::FOLLOWED_MAX).await?;
    Ok(joined(said, text))
}

/// The question after what it refers to. What was said before is told latest first; it is followed
/// up to what speaks for itself.
fn joined(said: Vec<String>, text: &str) -> String {
    let speaks = said.iter().position(|one| !refers_back(one)).map_or(said.len(), |at| at + 1);
    let mut lines: Vec<&str> = said[..speaks].iter().rev().map(|one| beginning(one)).collect();
    lines.push(text);
    lines.join("\n")
}

/// As much of a message as a question can refer to: of a long one, nobody knows which part.
fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(limits::FOLLOWED_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_question_with_a_pronoun_refers_back() {
        for text in ["And her sister?", "Why?", "What about the red one?", "where is it", "…?"] {
            assert!(refers_back(text), "{text}");
        }
        for text in [
            "Where is the violin?",
            "My dog is called Rex.",
            "When did she say that the harbour master sold his old wooden boat?",
            "¿Dónde está el violín?",
        ] {
            assert!(!refers_back(text), "{text}");
        }
    }

    #[test]
    fn a_chain_of_questions_is_followed_to_what_speaks_for_itself() {
        let said = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let chain = said(&["And her mother?", "Where does Oriane live?", "My dog is Rex."]);
        assert_eq!(joined(chain, "And why?"), "Where does Oriane live?\nAnd her mother?\nAnd why?");
        assert_eq!(joined(vec![], "And why?"), "And why?");
        let long = "é".repeat(limits::FOLLOWED_BYTES_MAX);
        assert!(joined(vec![long], "Why?").len() <= limits::FOLLOWED_BYTES_MAX + 5);
    }
}
