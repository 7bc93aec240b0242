//! What a model thinks before it answers, told apart from the answer: it is shown, and is no part
//! of what was said. `loci:inference/chat` has it first, between two marks.

/// What stands before a thought, and behind it.
const BEGIN: &str = "<think>";
const END: &str = "</think>";

/// Tells the two apart in a text that comes in pieces.
pub struct Thought {
    state: State,
    /// What may yet turn out to be a mark.
    held: String,
}

#[derive(Debug, PartialEq)]
enum State {
    /// Nothing was said but white space.
    Before,
    /// The mark came, and after it nothing but white space.
    Begun,
    /// The model thinks.
    Within,
    /// It thought, and has said nothing since.
    Behind,
    /// It answers; marks mean nothing any more.
    Answering,
}

/// What a piece holds.
#[derive(Debug, Default, PartialEq)]
pub struct Part {
    /// A thought.
    pub thought: String,
    /// The answer.
    pub text: String,
}

impl Thought {
    /// For an answer that may begin with a thought.
    pub fn first() -> Self {
        Self { state: State::Before, held: String::new() }
    }

    /// For a text that is taken as it comes.
    pub fn never() -> Self {
        Self { state: State::Answering, held: String::new() }
    }

    /// Takes what comes next.
    pub fn push(&mut self, said: &str) -> Part {
        if self.state == State::Answering {
            return Part { text: said.to_owned(), ..Part::default() };
        }
        self.held.push_str(said);
        let mut part = Part::default();
        while self.step(&mut part) {}
        part
    }

    /// What was held back, now that nothing follows.
    pub fn finish(&mut self) -> Part {
        let held = std::mem::take(&mut self.held);
        match self.state {
            State::Begun | State::Within => Part { thought: held, ..Part::default() },
            State::Before | State::Answering => Part { text: held, ..Part::default() },
            State::Behind => Part::default(),
        }
    }

    /// Takes what it can of what is held. Returns whether there may be more to take.
    fn step(&mut self, part: &mut Part) -> bool {
        match self.state {
            State::Before => {
                let begun = self.held.trim_start();
                if let Some(rest) = begun.strip_prefix(BEGIN) {
                    self.held = rest.to_owned();
                    self.state = State::Begun;
                    return true;
                }
                if !BEGIN.starts_with(begun) {
                    self.state = State::Answering;
                    return true;
                }
                false
            }
            State::Begun | State::Behind => {
                self.held = self.held.trim_start().to_owned();
                if self.held.is_empty() {
                    return false;
                }
                let behind = self.state == State::Behind;
                self.state = if behind { State::Answering } else { State::Within };
                true
            }
            State::Within => {
                if let Some(end) = self.held.find(END) {
                    part.thought.push_str(&self.held[..end]);
                    self.held.drain(..end + END.len());
                    self.state = State::Behind;
                    return true;
                }
                let sure = self.held.len() - beginning_of_end(&self.held);
                part.thought.extend(self.held.drain(..sure));
                false
            }
            State::Answering => {
                part.text.push_str(&std::mem::take(&mut self.held));
                false
            }
        }
    }
}

/// The length of the longest end of `text` with which the mark behind a thought begins, in bytes.
fn beginning_of_end(text: &str) -> usize {
    (1..END.len()).rev().find(|length| text.ends_with(&END[..*length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The thought and the answer, where the text comes in pieces of so many characters.
    fn parts(text: &str, size: usize) -> (String, String) {
        let mut thought = Thought::first();
        let characters: Vec<char> = text.chars().collect();
        let mut all = Part::default();
        let mut add = |part: Part| {
            all.thought.push_str(&part.thought);
            all.text.push_str(&part.text);
        };
        for piece in characters.chunks(size) {
            add(thought.push(&piece.iter().collect::<String>()));
        }
        add(thought.finish());
        (all.thought, all.text)
    }

    #[test]
    fn a_thought_is_told_apart_however_it_is_cut() {
        for size in 1..24 {
            for (said, thought, text) in [
                ("\n<think>\nHm, </thin </b>?\n</think>\n\nYes é.", "Hm, </thin </b>?\n", "Yes é."),
                ("<think></think>\n\nYes", "", "Yes"),
                ("<think>\n\n</think>", "", ""),
                ("<think>never done </thi", "never done </thi", ""),
                ("<think>", "", ""),
                ("No <think>thought</think>.", "", "No <think>thought</think>."),
                ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
                ("  <thin ice", "", "  <thin ice"),
                ("<th", "", "<th"),
                (" ", "", " "),
            ] {
                let found = parts(said, size);
                assert_eq!(found, (thought.into(), text.into()), "`{said}` in pieces of {size}");
            }
        }
    }

    #[test]
    fn what_cannot_be_a_mark_is_not_held_back() {
        let mut thought = Thought::first();
        assert_eq!(thought.push("Yes").text, "Yes");
        let mut thought = Thought::first();
        assert_eq!(thought.push("<think>a<").thought, "a");
        assert_eq!(thought.push("b").thought, "<b");
    }

    #[test]
    fn a_text_that_is_taken_as_it_comes_has_no_thoughts() {
        assert_eq!(Thought::never().push("<think>a</think>").text, "<think>a</think>");
    }
}
