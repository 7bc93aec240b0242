//! What a model thinks, between the marks that `loci:inference/chat` wants around it.

/// What stands before a thought, and behind it.
pub const BEGIN: &str = "<think>";
const END: &str = "</think>";

/// Joins thoughts and text, as they come, to one text.
#[derive(Debug, Default)]
pub struct Marks {
    /// Whether a thought has begun and not ended.
    within: bool,
    /// Whether there was text. A thought behind it is no part of the answer.
    answering: bool,
}

impl Marks {
    /// What is passed on of a thought and of the text behind it.
    pub fn join(&mut self, thought: &str, text: &str) -> String {
        let mut joined = String::new();
        if !thought.is_empty() && !self.answering {
            if !std::mem::replace(&mut self.within, true) {
                joined.push_str(BEGIN);
            }
            joined.push_str(thought);
        }
        if !text.is_empty() {
            if std::mem::take(&mut self.within) {
                joined.push_str(END);
            }
            self.answering = true;
            joined.push_str(text);
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thought_stands_between_its_marks() {
        let mut marks = Marks::default();
        let said = [("", ""), ("Hm, ", ""), ("well.", "Yes"), ("late", ""), ("", " or no")];
        let joined: String = said.iter().map(|(thought, text)| marks.join(thought, text)).collect();
        assert_eq!(joined, "<think>Hm, well.</think>Yes or no");
        assert_eq!(Marks::default().join("", "Yes"), "Yes");
        assert_eq!(Marks::default().join("Hm", ""), "<think>Hm");
    }
}
