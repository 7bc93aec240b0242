//! Many rows as one: to hand a row over costs more than to read it, so what a statement tells of
//! many messages comes as one row, with a list for each column.

/// The whole numbers of a list that has nothing else in it but spaces. A search reads thousands of
/// them, so each digit is looked at once.
pub fn numbers(list: &str) -> impl Iterator<Item = i64> {
    let digits = list.as_bytes().split(|byte| *byte == b' ').filter(|digits| !digits.is_empty());
    digits.map(|digits| {
        let (is_negative, digits) = match digits {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let number = digits.iter().fold(0_i64, |number, digit| {
            number.wrapping_mul(10).wrapping_add(i64::from(digit.wrapping_sub(b'0')))
        });
        if is_negative { number.wrapping_neg() } else { number }
    })
}

/// Texts that stand one behind the other, taken from the front.
pub struct Texts<'a>(&'a str);

impl<'a> Texts<'a> {
    /// All of them.
    pub fn of(all: &'a str) -> Self {
        Self(all)
    }

    /// The next one, which has so many bytes; nothing where there are not so many.
    pub fn next(&mut self, bytes: u32) -> &'a str {
        let (next, rest) = self.0.split_at_checked(bytes as usize).unwrap_or_default();
        self.0 = rest;
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_their_signs() {
        let list = format!("7 -12  0 {} {}", i64::MAX, i64::MIN);
        assert_eq!(numbers(&list).collect::<Vec<_>>(), [7, -12, 0, i64::MAX, i64::MIN]);
        assert_eq!(numbers("").next(), None);
    }

    #[test]
    fn texts_are_taken_by_their_bytes() {
        let mut texts = Texts::of("übermorgen");
        assert_eq!([texts.next(6), texts.next(0), texts.next(5)], ["überm", "", "orgen"]);
        assert_eq!(texts.next(1), "");
        // No place between two characters, or none that there is: nothing is left then.
        let mut broken = Texts::of("über");
        assert_eq!((broken.next(1), broken.next(4)), ("", ""));
    }
}
