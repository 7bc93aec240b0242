//! What the words of a text tell without understanding it.

use std::cmp::Ordering;

/// The words of a text in lower case: runs of letters and digits.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|symbol: char| !symbol.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// How much of a text is compared, in bytes. Two texts that agree so far are the same to a reader.
const COMPARED_BYTES_MAX: usize = 4_096;

/// The words of a text, as a set to compare with others.
pub struct WordSet {
    /// A number for each word, sorted, each once. Odd if the word has a digit.
    words: Vec<u64>,
    /// The bytes of the whole text.
    bytes: u32,
}

impl WordSet {
    /// The words of a text of so many bytes, of which this is the beginning.
    pub fn of(text: &str, bytes: u32) -> Self {
        let end = text.floor_char_boundary(COMPARED_BYTES_MAX);
        let runs = text[..end].split(|symbol: char| !symbol.is_alphanumeric());
        let mut words: Vec<u64> = runs.filter(|run| !run.is_empty()).map(number).collect();
        words.sort_unstable();
        words.dedup();
        Self { words, bytes }
    }

    /// Whether the two texts say the same in the same words: at most one word in twenty differs,
    /// none of them a number, and neither is much longer. A fact that was corrected often differs
    /// from the old one by a number only.
    pub fn nearly_equals(&self, other: &Self) -> bool {
        let (short, long) = (self.bytes.min(other.bytes), self.bytes.max(other.bytes));
        if u64::from(short) * 10 < u64::from(long) * 8
            || (self.words.is_empty() && other.words.is_empty())
        {
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
    fn texts_that_differ_in_a_number_are_not_the_same() {
        let said = |text: &str| WordSet::of(text, text.len() as u32);
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
        let said = |end: &str| WordSet::of(&format!("{begin}{end}"), begin.len() as u32);
        assert!(said("1").nearly_equals(&said("2")));
    }
}
