//! What a question is about. "Summarize what we discussed about the garden" is about the garden:
//! its other words tell what is to be done with what is found, and would find whatever else speaks
//! of summaries. Only English is understood; elsewhere a question is about all of its words.

use std::borrow::Cow;

use crate::terms::terms;

/// The most words of a question that is looked at. A longer text tells something itself.
const WORDS_MAX: usize = 64;

/// Words by which a question speaks of the conversation that it is asked in.
const OF_TALK: [&str; 19] = [
    "chat",
    "chats",
    "conversation",
    "conversations",
    "discussed",
    "discussion",
    "discussions",
    "mention",
    "mentioned",
    "mentioning",
    "overview",
    "recap",
    "summaries",
    "summarise",
    "summarize",
    "summarized",
    "summarizing",
    "summary",
    "throughout",
];

/// Words that tell nothing of the matter where a question speaks of the conversation.
const BESIDE: [&str; 12] = [
    "across",
    "asked",
    "aspect",
    "aspects",
    "comprehensive",
    "different",
    "items",
    "only",
    "raised",
    "said",
    "told",
    "various",
];

/// The same, of two words together.
const PAIRS: [[&str; 2]; 4] =
    [["brought", "up"], ["bring", "up"], ["order", "in"], ["in", "order"]];

/// A question without what it says about the asking, or all of it where nothing else is left.
pub fn of(question: &str) -> Cow<'_, str> {
    let words: Vec<&str> = question.split_whitespace().take(WORDS_MAX + 1).collect();
    let plain: Vec<String> = words.iter().map(|word| plain(word)).collect();
    let speaks_of_talk = plain.iter().any(|word| OF_TALK.contains(&word.as_str()));
    if words.len() > WORDS_MAX || !speaks_of_talk {
        return question.into();
    }
    let is_pair =
        |at: usize| plain.get(at..at + 2).is_some_and(|two| PAIRS.iter().any(|pair| pair == two));
    let is_beside = |at: usize| {
        let word = plain[at].as_str();
        OF_TALK.contains(&word)
            || BESIDE.contains(&word)
            || is_pair(at)
            || at.checked_sub(1).is_some_and(is_pair)
    };
    let kept: Vec<&str> =
        words.iter().enumerate().filter(|(at, _)| !is_beside(*at)).map(|(_, word)| *word).collect();
    let kept = kept.join(" ");
    if terms(&kept).length == 0 { question.into() } else { kept.into() }
}

/// A word in lower case, without the marks around it.
fn plain(word: &str) -> String {
    word.trim_matches(|symbol: char| !symbol.is_alphanumeric()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_done_with_what_is_found_is_no_subject() {
        for (question, subject) in [
            (
                "Can you summarize our discussions about the garden?",
                "Can you our about the garden?",
            ),
            (
                "List the order in which I brought up different boats across our chats, in order.",
                "List the which I boats our",
            ),
            ("How many boats have I mentioned across our chats?", "How many boats have I our"),
        ] {
            assert_eq!(of(question), subject);
        }
    }

    #[test]
    fn a_question_that_does_not_speak_of_the_talk_is_all_subject() {
        for question in [
            "Which different orders did the shop list?",
            "Where is the violin?",
            // Nothing else is left.
            "Can you summarize our conversation?",
            "Wovon war im Gespräch die Rede?",
        ] {
            assert_eq!(of(question), question);
        }
        let long = "We discussed only boats. ".repeat(WORDS_MAX);
        assert_eq!(of(&long), long);
    }
}
