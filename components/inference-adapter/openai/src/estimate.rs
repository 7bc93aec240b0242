//! How many tokens a text has, without the tokenizer that counts them.
//!
//! The server's tokenizer is out of reach, so this errs on the side of too many. The byte-pair
//! tokenizers of today (32,000 entries and more) need fewer tokens than this for prose and code in
//! nearly every language:
//!
//! - a run of ASCII letters: 1, and 1 more for every 3 letters; a capital letter begins a new run;
//! - a space in front of an ASCII letter: 0, since tokens begin with one;
//! - any other ASCII character (digit, punctuation, line break, space): 1;
//! - beyond ASCII, a letter of two bytes: 1; any other character of two or three bytes: 2; a
//!   character of four bytes: 4.
//!
//! No prefix and no suffix of a text counts more than the text, so cutting only ever helps.

/// What a server's chat template may write around one message, in tokens: markers of begin and end,
/// the name of the role, line breaks. The known templates need 4 to 7.
const MESSAGE_FRAME_TOKENS: u32 = 8;

/// What a server's chat template may add once (a date, a standing instruction, the header of the
/// answer), in tokens.
const CONVERSATION_FRAME_TOKENS: u32 = 48;

/// The marker that plain text begins with, in tokens.
const TEXT_FRAME_TOKENS: u32 = 1;

/// Estimates the tokens of a text.
pub fn count(text: &str) -> u32 {
    let mut tokens = 0_u32;
    let mut run = 0_u32;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character.is_ascii_alphabetic() {
            run = if character.is_ascii_uppercase() { 1 } else { run + 1 };
            tokens += u32::from(run == 1) + u32::from(run.is_multiple_of(3));
            continue;
        }
        run = 0;
        tokens += match character.len_utf8() {
            1 if character == ' ' => {
                let merges = characters.peek().is_some_and(char::is_ascii_alphabetic);
                u32::from(!merges)
            }
            1 => 1,
            2 if character.is_alphabetic() => 1,
            2 | 3 => 2,
            _ => 4,
        };
    }
    tokens
}

/// The longest beginning (or end) of a text that counts at most `tokens_max`, as a byte range.
pub fn clip(text: &str, tokens_max: u32, keep_end: bool) -> (usize, usize) {
    let mut borders: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    borders.push(text.len());
    let part = |border: usize| if keep_end { &text[border..] } else { &text[..border] };
    if keep_end {
        // From the longest end to the empty one: the first that fits.
        let first = borders.partition_point(|&border| count(part(border)) > tokens_max);
        let start = borders.get(first).copied().unwrap_or(text.len());
        (start, text.len())
    } else {
        let beyond = borders.partition_point(|&border| count(part(border)) <= tokens_max);
        (0, beyond.checked_sub(1).map_or(0, |last| borders[last]))
    }
}

/// Estimates what a chat template writes: before each of so many messages, and after the last.
/// Without messages: what stands before plain text.
pub fn frame(messages: usize) -> Vec<u32> {
    if messages == 0 {
        return vec![TEXT_FRAME_TOKENS];
    }
    let mut tokens = vec![MESSAGE_FRAME_TOKENS; messages];
    tokens.push(CONVERSATION_FRAME_TOKENS);
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With what a tokenizer needs that splits digits and indents one by one, knows the common
    /// words of English, and of other scripts hardly more than single characters.
    #[test]
    fn it_never_counts_fewer_than_a_plain_tokenizer() {
        for (text, real) in [
            ("Hello, world!", 4),
            ("The quick brown fox jumps over the lazy dog.", 10),
            ("antidisestablishmentarianism", 7),
            ("1234567890", 10),
            ("    if x == 1:\n        return None\n", 19),
            ("Grüße aus München", 9),
            ("Привет", 6),
            ("你好", 4),
        ] {
            assert!(count(text) >= real, "`{text}` counts {} of {real}", count(text));
        }
    }

    #[test]
    fn prose_counts_less_than_twice_as_much() {
        let prose = "It was the best of times, it was the worst of times, it was the age of \
                     wisdom, it was the age of foolishness, it was the epoch of belief.";
        let words_and_punctuation = 35;
        let counted = count(prose);
        assert!((words_and_punctuation..2 * words_and_punctuation).contains(&counted), "{counted}");
    }

    #[test]
    fn an_empty_text_has_no_tokens() {
        assert_eq!(count(""), 0);
        assert_eq!(clip("", 5, false), (0, 0));
        assert_eq!(clip("", 5, true), (0, 0));
    }

    #[test]
    fn no_prefix_and_no_suffix_counts_more_than_the_whole() {
        for text in samples() {
            let borders: Vec<usize> =
                text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            for pair in borders.windows(2) {
                assert!(count(&text[..pair[0]]) <= count(&text[..pair[1]]), "`{text}`");
                assert!(count(&text[pair[0]..]) >= count(&text[pair[1]..]), "`{text}`");
            }
        }
    }

    #[test]
    fn a_clip_fits_and_one_more_character_would_not() {
        for text in samples() {
            for tokens_max in 0..count(&text) {
                let (start, end) = clip(&text, tokens_max, false);
                assert_eq!(start, 0);
                assert!(count(&text[..end]) <= tokens_max);
                let next = text[end..].chars().next().expect("a clip is shorter").len_utf8();
                assert!(count(&text[..end + next]) > tokens_max, "`{text}` to {tokens_max}");

                let (start, end) = clip(&text, tokens_max, true);
                assert_eq!(end, text.len());
                assert!(count(&text[start..]) <= tokens_max);
                let last = text[..start].chars().next_back().expect("a clip is shorter").len_utf8();
                assert!(count(&text[start - last..]) > tokens_max, "`{text}` to {tokens_max}");
            }
            assert_eq!(clip(&text, count(&text), false), (0, text.len()));
            assert_eq!(clip(&text, count(&text), true), (0, text.len()));
        }
    }

    #[test]
    fn every_message_and_the_conversation_have_a_frame() {
        assert_eq!(frame(2), [8, 8, 48]);
        assert_eq!(frame(0), [1]);
    }

    /// Texts from an alphabet of every class of characters, the same ones in every run.
    fn samples() -> Vec<String> {
        let alphabet =
            ['a', 'b', 'z', 'A', 'Q', '1', '.', ' ', ' ', '\n', 'é', '×', '“', '你', '🦀'];
        let mut state = 0x2545_f491_u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as usize
        };
        (0..64)
            .map(|length| (0..length).map(|_| alphabet[next() % alphabet.len()]).collect())
            .collect()
    }
}
