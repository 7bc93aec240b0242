//! Ends an answer at a stop text, wherever the pieces of the answer end.

/// Looks for stop texts in an answer that comes in pieces.
pub struct Stops {
    texts: Vec<String>,
    /// The end of the answer so far, held back because a stop text may begin in it.
    held: String,
}

/// What may be passed on after a piece.
#[derive(Debug, PartialEq)]
pub struct Passed {
    /// Text before any stop text; may be empty.
    pub text: String,
    /// Whether a stop text followed it: the answer has ended.
    pub stopped: bool,
}

impl Stops {
    /// Stop texts; empty ones are ignored.
    pub fn new(texts: Vec<String>) -> Self {
        let texts = texts.into_iter().filter(|text| !text.is_empty()).collect();
        Self { texts, held: String::new() }
    }

    /// Takes a piece of the answer.
    pub fn push(&mut self, piece: &str) -> Passed {
        self.held.push_str(piece);
        let found = self.texts.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        if let Some(at) = found {
            self.held.truncate(at);
            return Passed { text: std::mem::take(&mut self.held), stopped: true };
        }
        let kept = self.held.split_off(self.beginning_of_a_stop());
        Passed { text: std::mem::replace(&mut self.held, kept), stopped: false }
    }

    /// What was held back, when the answer ends without a stop text.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Where the longest end begins that a stop text begins with.
    fn beginning_of_a_stop(&self) -> usize {
        let starts = self.held.char_indices().map(|(at, _)| at);
        let mut starts =
            starts.filter(|&at| self.texts.iter().any(|stop| stop.starts_with(&self.held[at..])));
        starts.next().unwrap_or(self.held.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole answer and whether it was stopped, when it comes in pieces of this many
    /// characters.
    fn answer(stops: &[&str], text: &str, size: usize) -> (String, bool) {
        let mut stops = Stops::new(stops.iter().map(|stop| (*stop).to_string()).collect());
        let characters: Vec<char> = text.chars().collect();
        let mut answer = String::new();
        for piece in characters.chunks(size) {
            let passed = stops.push(&piece.iter().collect::<String>());
            answer.push_str(&passed.text);
            if passed.stopped {
                return (answer, true);
            }
        }
        answer.push_str(&stops.finish());
        (answer, false)
    }

    #[test]
    fn an_answer_ends_before_its_first_stop_text_however_it_is_cut() {
        for size in 1..12 {
            assert_eq!(
                answer(&["\nUser:", "###"], "Hi ##\nUser: no ###", size),
                ("Hi ##".into(), true)
            );
            assert_eq!(answer(&["ßü"], "Grüße ß!", size), ("Grüße ß!".into(), false));
            assert_eq!(answer(&["aab"], "aaab", size), ("a".into(), true));
            assert_eq!(answer(&[], "all of it", size), ("all of it".into(), false));
            assert_eq!(answer(&[""], "all of it", size), ("all of it".into(), false));
        }
    }

    #[test]
    fn text_is_held_back_only_where_a_stop_text_may_begin() {
        let mut stops = Stops::new(vec!["END".into()]);
        assert_eq!(stops.push("one E"), Passed { text: "one ".into(), stopped: false });
        assert_eq!(stops.push("x"), Passed { text: "Ex".into(), stopped: false });
    }
}
