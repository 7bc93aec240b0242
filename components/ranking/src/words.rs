//! What the words of a text tell without understanding it.

use std::cmp::Ordering;

/// The words of a text in lower case: runs of letters and digits.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|symbol: char| !symbol.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

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

/// Whether a question asks for what the assistant said ("what did you recommend", "your advice")
/// rather than for what the person did. Only English is understood; elsewhere the answer is no.
pub fn asks_what_assistant_said(query: &str) -> bool {
    let words: Vec<String> = words(query).collect();
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

/// How much of a text is compared, in bytes. Two texts that agree so far are the same to a reader.
const COMPARED_BYTES_MAX: usize = 4_096;

/// The words of a text, as a set to compare with others.
pub struct WordSet {
    /// A number for each word, sorted, each once. Odd if the word has a digit.
    words: Vec<u64>,
    /// The bytes of the whole text.
    bytes: usize,
}

impl WordSet {
    /// The words of the beginning of this text.
    pub fn of(text: &str) -> Self {
        let end = text.floor_char_boundary(COMPARED_BYTES_MAX);
        let runs = text[..end].split(|symbol: char| !symbol.is_alphanumeric());
        let mut words: Vec<u64> = runs.filter(|run| !run.is_empty()).map(number).collect();
        words.sort_unstable();
        words.dedup();
        Self { words, bytes: text.len() }
    }

    /// Whether the two texts say the same in the same words: at most one word in twenty differs,
    /// none of them a number, and neither is much longer. A fact that was corrected often differs
    /// from the old one by a number only.
    pub fn nearly_equals(&self, other: &Self) -> bool {
        let (short, long) = (self.bytes.min(other.bytes), self.bytes.max(other.bytes));
        if short * 10 < long * 8 || (self.words.is_empty() && other.words.is_empty()) {
            return short == long && self.words.is_empty() && other.words.is_empty();
        }
        let (mut left, mut right) = (self.words.iter().peekable(), other.words.iter().peekable());
        let (mut common, mut different) = (0_usize, 0_usize);
        while let (Some(one), Some(two)) = (left.peek(), right.peek()) {
            let order = one.cmp(two);
            let word = if order == Ordering::Greater { **two } else { **one };
            left.next_if(|_| order != Ordering::Greater);
            right.next_if(|_| order != Ordering::Less);
            match order {
                Ordering::Equal => common += 1,
                Ordering::Less | Ordering::Greater if has_digit(word) => return false,
                Ordering::Less | Ordering::Greater => different += 1,
            }
        }
        let rest: Vec<u64> = left.chain(right).copied().collect();
        different += rest.len();
        common * 20 >= (common + different) * 19 && !rest.into_iter().any(has_digit)
    }
}

/// A number for a word, the same whatever its case (FNV-1a). Two words with one number are as rare
/// as they are harmless here.
fn number(word: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut mix = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    if word.is_ascii() {
        word.bytes().for_each(|byte| mix(byte.to_ascii_lowercase()));
    } else {
        word.to_lowercase().bytes().for_each(mix);
    }
    let digit = word.contains(|symbol: char| symbol.is_numeric());
    hash & !1 | u64::from(digit)
}

fn has_digit(word: u64) -> bool {
    word & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn texts_that_differ_in_a_number_are_not_the_same() {
        let said = |text: &str| WordSet::of(text);
        let long = "a b c d e f g h i j k l m n o p q r s t u v w x y z";
        let (one, two) = (format!("{long} 50"), format!("{long} 60"));
        assert!(!said(&one).nearly_equals(&said(&two)));
        assert!(said("My dog is Rex.").nearly_equals(&said("my dog is Rex")));
        assert!(!said("My dog is Rex").nearly_equals(&said("My dog is Max")));
        let more = format!("{long} one");
        assert!(said(long).nearly_equals(&said(&more)));
        assert!(!said("!").nearly_equals(&said("Yes")));
        assert!(said("!").nearly_equals(&said("?")));
    }

    #[test]
    fn it_compares_only_the_beginning_of_a_long_text() {
        let begin = format!("x{}", "é ".repeat(COMPARED_BYTES_MAX / 3));
        let said = |end: &str| WordSet::of(&format!("{begin}{end}"));
        assert!(said("1").nearly_equals(&said("2")));
    }
}
