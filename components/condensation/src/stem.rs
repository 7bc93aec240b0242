//! The stem of a word: what its inflections have in common, as far as English goes.

use crate::eight::{LANES, letters, load, lower};

/// A stem: the beginning of a word, whatever its case, and perhaps a `y` behind it. It is made for
/// many words and compared with few, so nothing is copied.
#[derive(Clone, Copy)]
pub struct Stem<'a> {
    begins: &'a str,
    with_y: bool,
    key: u64,
}

impl<'a> Stem<'a> {
    /// The stem of a word of so many bytes, at least one, that `text` begins with: without the
    /// commonest English endings, as long as three letters remain.
    pub fn of(text: &'a str, bytes: usize) -> Self {
        let first = lower(load(text.as_bytes()));
        // The last eight bytes, or, of a shorter word, zeros before it.
        let last = match bytes {
            0..LANES => first << (8 * (LANES - bytes)),
            _ => lower(load(&text.as_bytes()[bytes - LANES..])),
        };
        let before = &text.as_bytes()[..bytes.saturating_sub(LANES)];
        // Neither numbers nor what is not ASCII have endings.
        let inflects = letters(last, bytes) && before.iter().all(u8::is_ascii_alphabetic);
        let (kept, with_y) = if inflects { inflected(last, bytes) } else { (bytes, false) };
        let y = match kept {
            0..LANES if with_y => u64::from(b'y') << (8 * kept),
            _ => 0,
        };
        Self { begins: &text[..kept], with_y, key: cut(first, kept) | y }
    }

    /// The first eight bytes: of two stems that are one, they are the same.
    pub fn key(&self) -> u64 {
        self.key
    }

    /// Whether it is this one.
    pub fn is(&self, stem: &str) -> bool {
        let stem = if self.with_y { stem.strip_suffix('y') } else { Some(stem) };
        stem.is_some_and(|stem| self.begins.eq_ignore_ascii_case(stem))
    }

    /// It, in lower case.
    pub fn text(&self) -> String {
        let mut text = self.begins.to_ascii_lowercase();
        text.extend(self.with_y.then_some('y'));
        text
    }
}

/// The key of a stem that is written out.
pub fn key(stem: &str) -> u64 {
    cut(lower(load(stem.as_bytes())), stem.len())
}

/// Whether a stem is the only one with its key: short, and ASCII.
pub fn is_its_key(stem: &str) -> bool {
    stem.len() < LANES && stem.is_ascii()
}

/// The first so many lanes, or all; zeros behind them.
fn cut(eight: u64, lanes: usize) -> u64 {
    match lanes {
        0..LANES => eight & ((1 << (8 * lanes)) - 1),
        _ => eight,
    }
}

/// How many letters of a word stay, and whether a `y` follows them. `last` are its last eight.
fn inflected(last: u64, bytes: usize) -> (usize, bool) {
    let end = last.to_le_bytes();
    // How many letters go, whether a `y` comes instead, and whether what stands before may be
    // doubled.
    let (gone, with_y, may_double) = match end {
        [.., b'i', b'e', b's' | b'd'] => (3, true, false),
        [.., b's', b's', b'e', b's'] | [.., b'x', b'e', b's'] => (2, false, false),
        [.., b'c' | b's', b'h', b'e', b's'] => (2, false, false),
        [.., b'i', b'n', b'g'] => (3, false, true),
        [.., b'e', b'd'] => (2, false, true),
        [.., b'l', b'y'] => (2, false, false),
        [.., b's' | b'u' | b'i', b's'] => (0, false, false),
        [.., b's'] => (1, false, false),
        _ => (0, false, false),
    };
    if bytes + usize::from(with_y) < 3 + gone {
        return (bytes, false);
    }
    let back = |letters: usize| end[LANES - 1 - gone - letters];
    let doubled = may_double && back(0) == back(1) && !matches!(back(0), b'l' | b's' | b'e');
    let kept = bytes - gone - usize::from(doubled);
    // "move", "moved" and "moving" are one word.
    let with_e = kept > 3 && !with_y && back(usize::from(doubled)) == b'e';
    (kept - usize::from(with_e), with_y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflections_of_a_word_are_one_word() {
        for [one, two] in [
            ["move", "moving"],
            ["Moved", "moves"],
            ["dog", "DOGS"],
            ["city", "cities"],
            ["university", "Universities"],
            ["running", "run"],
            ["painted", "paint"],
            ["boxes", "box"],
            ["classes", "class"],
            ["watches", "watch"],
        ] {
            let (one, two) = (Stem::of(one, one.len()), Stem::of(two, two.len()));
            assert_eq!(one.text(), two.text());
            assert!(one.is(&two.text()) && one.key() == key(&two.text()));
        }
        for [one, two] in [["bus", "bu"], ["is", "i"], ["sing", "s"], ["red", "r"], ["v2s", "v2"]] {
            assert_ne!(Stem::of(one, one.len()).text(), two);
        }
    }
}
