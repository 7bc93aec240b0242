//! Words, as far as one needs them to see that two texts speak of the same thing.

/// Words that say nothing about what a text is about. English only: a query in another language
/// merely keeps all of its words.
const STOP_WORDS: [&str; 129] = [
    "a", "about", "after", "again", "all", "also", "am", "an", "and", "any", "are", "as", "at",
    "be", "because", "been", "before", "being", "but", "by", "can", "could", "d", "did", "do",
    "does", "doing", "don", "down", "during", "each", "few", "for", "from", "further", "had",
    "has", "have", "having", "he", "her", "here", "hers", "him", "his", "how", "i", "if", "in",
    "into", "is", "it", "its", "just", "ll", "m", "me", "more", "most", "my", "no", "nor", "not",
    "now", "of", "off", "on", "once", "only", "or", "other", "our", "ours", "out", "over", "own",
    "please", "re", "s", "same", "she", "should", "so", "some", "such", "t", "tell", "than",
    "that", "the", "their", "theirs", "them", "then", "there", "these", "they", "this", "those",
    "through", "to", "too", "under", "until", "up", "us", "ve", "very", "was", "we", "were",
    "what", "when", "where", "which", "while", "who", "whom", "why", "will", "with", "would",
    "you", "your", "yours", "yourself", "let", "shall", "may",
];

/// Calls `visit` with each word of a text: lower case, without the endings that English inflects
/// with. Characters of scripts that are written without spaces are words by themselves.
///
/// Words whose first byte, in lower case, is not `wanted` are passed over: most words of a text
/// have nothing to do with the query, and this is told before any work is done on them.
pub fn each_stem(text: &str, wanted: impl Fn(u8) -> bool, mut visit: impl FnMut(&str)) {
    let mut word = String::new();
    for run in text.split(|symbol: char| !symbol.is_alphanumeric()) {
        let Some(first) = run.bytes().next() else { continue };
        if run.is_ascii() {
            if wanted(first.to_ascii_lowercase()) {
                word.clear();
                word.push_str(run);
                word.make_ascii_lowercase();
                stem(&mut word);
                visit(&word);
            }
            continue;
        }
        for piece in run.split_inclusive(is_ideograph) {
            let last = piece.char_indices().last().filter(|(_, symbol)| is_ideograph(*symbol));
            let (before, symbol) = piece.split_at(last.map_or(piece.len(), |(at, _)| at));
            for part in [stemmed(&before.to_lowercase()), symbol.to_owned()] {
                if part.bytes().next().is_some_and(&wanted) {
                    visit(&part);
                }
            }
        }
    }
}

/// The distinct words of a query that say what it is about, at most `most`; all of its words if
/// none does.
pub fn query_stems(query: &str, most: usize) -> Vec<String> {
    let stop: Vec<String> = STOP_WORDS.iter().map(|word| stemmed(word)).collect();
    let mut all: Vec<String> = Vec::new();
    each_stem(
        query,
        |_| true,
        |word| {
            if all.len() < most && !all.iter().any(|known| known == word) {
                all.push(word.to_owned());
            }
        },
    );
    let telling: Vec<String> = all.iter().filter(|word| !stop.contains(word)).cloned().collect();
    if telling.is_empty() { all } else { telling }
}

fn stemmed(word: &str) -> String {
    let mut word = word.to_owned();
    stem(&mut word);
    word
}

/// Cuts the commonest English endings off, as long as three letters remain.
fn stem(word: &mut String) {
    if !word.is_ascii() || word.bytes().any(|byte| byte.is_ascii_digit()) {
        return;
    }
    for (ending, instead) in [
        ("ies", "y"),
        ("ied", "y"),
        ("sses", "ss"),
        ("xes", "x"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("ing", ""),
        ("ed", ""),
        ("ly", ""),
        ("ss", "ss"),
        ("us", "us"),
        ("is", "is"),
        ("s", ""),
    ] {
        let Some(rest) = word.strip_suffix(ending) else { continue };
        if rest.len() + instead.len() < 3 {
            return;
        }
        let doubled = matches!(ending, "ing" | "ed")
            && rest.as_bytes().last() == rest.as_bytes().get(rest.len() - 2)
            && !rest.ends_with(['l', 's', 'e']);
        let rest = rest.len() - usize::from(doubled);
        word.truncate(rest);
        word.push_str(instead);
        break;
    }
    // "move", "moved" and "moving" are one word.
    if word.len() > 3 && word.ends_with('e') {
        word.pop();
    }
}

/// Whether a character is a word by itself: Chinese, Japanese and Korean.
fn is_ideograph(symbol: char) -> bool {
    matches!(symbol, '\u{3040}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflections_of_a_word_are_one_word() {
        for [one, two] in [
            ["move", "moving"],
            ["moved", "moves"],
            ["dog", "dogs"],
            ["city", "cities"],
            ["running", "run"],
            ["painted", "paint"],
            ["boxes", "box"],
            ["classes", "class"],
            ["watches", "watch"],
        ] {
            assert_eq!(stemmed(one), stemmed(two));
        }
        for [one, two] in [["bus", "bu"], ["is", "i"], ["sing", "s"], ["red", "r"], ["v2s", "v2"]] {
            assert_ne!(stemmed(one), two);
        }
    }

    #[test]
    fn a_query_is_about_its_telling_words() {
        assert_eq!(query_stems("What is the name of my dog? My dog!", 9), ["nam", "dog"]);
        assert_eq!(query_stems("who are you", 9), ["who", "are", "you"]);
        assert_eq!(query_stems("東京 is big", 9), ["東", "京", "big"]);
        assert_eq!(query_stems("one two three", 2), ["one", "two"]);
        assert!(query_stems("?!", 9).is_empty());
    }
}
