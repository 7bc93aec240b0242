//! From the bytes of tokens to text that may be shown: whole characters, and nothing that may yet
//! turn out to be a stop text.

/// What came of a token.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// This text may be shown; it may be empty.
    Text(String),
    /// A stop text was met; this is what stood before it.
    Stopped(String),
}

/// Puts the text of an answer together.
pub struct Assembler {
    /// The beginning of a character whose end has not come yet: at most 3 bytes.
    bytes: Vec<u8>,
    /// Text that is held back because a stop text may have begun in it.
    held: String,
    stops: Vec<String>,
}

impl Assembler {
    /// Text that ends before the first of `stops`, none of which is empty.
    pub fn new(stops: Vec<String>) -> Self {
        Self { bytes: Vec::new(), held: String::new(), stops }
    }

    /// Takes the bytes of the next token.
    pub fn push(&mut self, bytes: &[u8]) -> Step {
        self.bytes.extend_from_slice(bytes);
        self.decode();
        let found = self.stops.iter().filter_map(|stop| self.held.find(stop)).min();
        if let Some(end) = found {
            self.held.truncate(end);
            return Step::Stopped(std::mem::take(&mut self.held));
        }
        let kept = self.begun();
        let kept = self.held.split_off(self.held.len() - kept);
        Step::Text(std::mem::replace(&mut self.held, kept))
    }

    /// What was held back, now that nothing follows. Half a character is dropped.
    pub fn finish(&mut self) -> String {
        self.bytes.clear();
        std::mem::take(&mut self.held)
    }

    /// Moves whole characters from `bytes` to `held`; bytes that are no text become U+FFFD.
    fn decode(&mut self) {
        let mut taken = 0;
        for chunk in self.bytes.utf8_chunks() {
            self.held.push_str(chunk.valid());
            taken += chunk.valid().len();
            let invalid = chunk.invalid();
            let unfinished = taken + invalid.len() == self.bytes.len()
                && std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            if invalid.is_empty() || unfinished {
                break;
            }
            self.held.push(char::REPLACEMENT_CHARACTER);
            taken += invalid.len();
        }
        self.bytes.drain(..taken);
    }

    /// The length of the longest end of `held` with which a stop text begins, in bytes.
    fn begun(&self) -> usize {
        let longest = |stop: &String| {
            (1..stop.len().min(self.held.len() + 1))
                .rev()
                .find(|length| self.held.as_bytes().ends_with(&stop.as_bytes()[..*length]))
        };
        // Such an end begins with the first byte of a character, so this is a character border.
        self.stops.iter().filter_map(longest).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text that is shown when the tokens are these, and whether it was stopped.
    fn shown(tokens: &[&[u8]], stops: &[&str]) -> (Vec<String>, bool) {
        let mut assembler = Assembler::new(stops.iter().map(|s| (*s).to_owned()).collect());
        let mut texts = Vec::new();
        for token in tokens {
            match assembler.push(token) {
                Step::Text(text) => texts.push(text),
                Step::Stopped(text) => {
                    texts.push(text);
                    return (texts, true);
                }
            }
        }
        texts.push(assembler.finish());
        (texts, false)
    }

    #[test]
    fn characters_are_never_split() {
        let (texts, _) = shown(&[b"a\xF0", b"\x9F\x98", b"\x80b"], &[]);
        assert_eq!(texts, ["a", "", "😀b", ""]);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_once_that_is_sure() {
        let (texts, _) = shown(&[b"\xFFa", b"\xC3", b"(", b"\xE2\x82"], &[]);
        assert_eq!(texts, ["\u{FFFD}a", "", "\u{FFFD}(", "", ""]);
    }

    #[test]
    fn a_stop_text_is_found_across_tokens_and_never_shown() {
        let (texts, stopped) = shown(&[b"one\nU", b"ser", b": two"], &["\nUser:"]);
        assert_eq!((texts.concat().as_str(), stopped), ("one", true));
        assert_eq!(texts[0], "one");
    }

    #[test]
    fn what_only_looked_like_a_stop_text_is_shown() {
        let (texts, stopped) = shown(&[b"a", b"ab", b"x", b"aa"], &["aab!"]);
        assert_eq!(texts, ["", "", "aabx", "", "aa"]);
        assert!(!stopped);
    }

    #[test]
    fn the_earliest_of_several_stop_texts_ends_the_answer() {
        let (texts, stopped) = shown(&[b"1 END 2 STOP 3"], &["STOP", "END"]);
        assert_eq!((texts.concat().as_str(), stopped), ("1 ", true));
    }

    #[test]
    fn characters_that_share_a_byte_with_a_stop_text_are_shown_whole() {
        // "é" is C3 A9 and "è" is C3 A8.
        let (texts, stopped) = shown(&["caf\u{E8}".as_bytes(), b"s"], &["\u{E9}s"]);
        assert_eq!((texts.concat().as_str(), stopped), ("caf\u{E8}s", false));
        let (texts, stopped) = shown(&["caf\u{E9}".as_bytes(), b"s"], &["\u{E9}s"]);
        assert_eq!((texts.concat().as_str(), stopped), ("caf", true));
    }
}
