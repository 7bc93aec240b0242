//! What a question asks for, as far as its words tell. Only English is understood; elsewhere the
//! answer is no.

use crate::period::{Period, period};
use crate::words::words;

/// Words that may stand between "you" and what "you" did.
const FILLERS: [&str; 9] =
    ["ve", "d", "had", "have", "just", "already", "previously", "earlier", "once"];

/// What an assistant does, in the past.
const DID: [&str; 20] = [
    "said",
    "told",
    "suggested",
    "recommended",
    "mentioned",
    "advised",
    "explained",
    "answered",
    "proposed",
    "gave",
    "listed",
    "wrote",
    "described",
    "replied",
    "called",
    "promised",
    "offered",
    "showed",
    "came",
    "stated",
];

/// The same after "did" or "have".
const DO: [&str; 22] = [
    "say",
    "tell",
    "suggest",
    "recommend",
    "mention",
    "advise",
    "explain",
    "answer",
    "propose",
    "give",
    "given",
    "list",
    "write",
    "written",
    "describe",
    "reply",
    "call",
    "promise",
    "offer",
    "show",
    "come",
    "state",
];

/// What an assistant leaves behind.
const MADE: [&str; 12] = [
    "answer",
    "answers",
    "advice",
    "suggestion",
    "suggestions",
    "recommendation",
    "recommendations",
    "reply",
    "response",
    "explanation",
    "proposal",
    "list",
];

/// What asks for everything that was said on a matter, whoever said it.
const ALL: [&str; 9] = [
    "summary",
    "summaries",
    "summarize",
    "summarise",
    "summarized",
    "summarizing",
    "overview",
    "recap",
    "recapitulate",
];

/// A question.
pub struct Question {
    words: Vec<String>,
    asks_what_assistant_said: bool,
    asks_for_all: bool,
    period: Option<Period>,
}

impl Question {
    /// What this text asks for at a time, in seconds since 1970-01-01 UTC.
    pub fn of(text: &str, now: u64) -> Self {
        let words: Vec<String> = words(text).collect();
        let asks_what_assistant_said = asks_what_assistant_said(&words);
        let asks_for_all = words.iter().any(|word| ALL.contains(&word.as_str()));
        Self { words, asks_what_assistant_said, asks_for_all, period: period(text, now) }
    }

    /// Whether it asks for what the assistant said ("what did you recommend", "your advice") rather
    /// than for what the person did.
    pub fn asks_what_assistant_said(&self) -> bool {
        self.asks_what_assistant_said
    }

    /// Whether it asks for all that was said on a matter ("summarize", "an overview").
    pub fn asks_for_all(&self) -> bool {
        self.asks_for_all
    }

    /// The time that it asks about.
    pub fn period(&self) -> Option<Period> {
        self.period
    }

    /// Whether it names somebody: by the first word of the name.
    pub fn names(&self, name: &str) -> bool {
        words(name).next().is_some_and(|first| self.words.contains(&first))
    }
}

fn asks_what_assistant_said(words: &[String]) -> bool {
    words.iter().enumerate().any(|(place, word)| {
        let mut next = words[place + 1..].iter().map(String::as_str);
        match word.as_str() {
            "you" => {
                let before = place.checked_sub(1).map_or("", |before| words[before].as_str());
                let asked = matches!(before, "did" | "have" | "had");
                let verb = next.find(|word| !FILLERS.contains(word)).unwrap_or_default();
                DID.contains(&verb) || (asked && DO.contains(&verb))
            }
            "your" => next.next().is_some_and(|word| MADE.contains(&word)),
            "assistant" => {
                next.next().is_some_and(|word| DID.contains(&word) || DO.contains(&word))
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks_what_assistant_said(text: &str) -> bool {
        Question::of(text, 0).asks_what_assistant_said()
    }

    #[test]
    fn it_hears_when_the_assistant_is_asked_for_what_it_said() {
        for query in [
            "What did you recommend for dinner?",
            "You told me about a hotel",
            "which library have you already suggested",
            "Remind me of your advice, please",
            "you've mentioned a book",
            "What has the assistant said?",
        ] {
            assert!(asks_what_assistant_said(query), "{query}");
        }
        for query in [
            "What is my dog's name?",
            "Can you recommend a hotel?",
            "What did I tell you about Rex?",
            "Do you know what I said?",
            "your dog",
            "",
        ] {
            assert!(!asks_what_assistant_said(query), "{query}");
        }
    }

    #[test]
    fn it_hears_a_name_and_a_wish_for_everything() {
        let question = Question::of("When was Ann's trip to the sea?", 0);
        assert!(question.names("Ann") && question.names("ANN Baker"));
        assert!(!question.names("Anna") && !question.names(""));
        assert!(Question::of("Give me an overview of the trip", 0).asks_for_all());
        assert!(!question.asks_for_all());
    }
}
