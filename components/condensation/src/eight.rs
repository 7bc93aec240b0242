//! Eight bytes at a time, in the lanes of one number: every byte of every text is looked at, and
//! this is what a call costs.

/// The bytes that are looked at together.
pub const LANES: usize = 8;

/// A one in each lane.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each lane, which stands for a yes, and of a byte says that it is not ASCII.
const YES: u64 = 0x80 * ONES;

/// The first eight bytes of a text, the first of them lowest; zeros beyond its end.
pub fn load(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<LANES>() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)),
    }
}

/// The letters of ASCII in lower case; digits stay what they are, and other bytes may not.
pub fn lower(bytes: u64) -> u64 {
    bytes | (0x20 * ONES)
}

/// Whether the last so many lanes, or all, hold letters, after [`lower`].
pub fn letters(bytes: u64, lanes: usize) -> bool {
    let others = !within(bytes & !YES, b'a', b'z') & YES | bytes & YES;
    others >> (8 * LANES.saturating_sub(lanes)) == 0
}

/// The lanes of letters, digits, and whatever is not ASCII, as eight bits.
pub fn words(bytes: u64) -> u64 {
    let ascii = bytes & !YES;
    let is_word = within(lower(ascii), b'a', b'z') | within(ascii, b'0', b'9') | bytes & YES;
    // Moves bit 8n to bit 56 + n; no two products of the others meet.
    ((is_word >> 7).wrapping_mul(0x0102_0408_1020_4080)) >> 56
}

/// The place of the first full stop, exclamation or question mark, or byte that is not ASCII.
pub fn find_mark(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        let eight = load(&bytes[at..]);
        let marks = equal(eight, b'.') | equal(eight, b'!') | equal(eight, b'?') | eight & YES;
        if marks != 0 {
            return Some(at + marks.trailing_zeros() as usize / 8);
        }
        at += LANES;
    }
    None
}

/// The lanes that hold this byte. Lanes above one that does may say so without.
fn equal(bytes: u64, byte: u8) -> u64 {
    let zero = bytes ^ (u64::from(byte) * ONES);
    zero.wrapping_sub(ONES) & !zero & YES
}

/// The lanes from one byte to another. All are ASCII, so nothing is carried from lane to lane.
fn within(bytes: u64, from: u8, to: u8) -> u64 {
    let at_least = |least: u8| bytes + u64::from(0x80 - least) * ONES;
    at_least(from) & !at_least(to + 1) & YES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_what_it_is_in_each_lane() {
        for byte in 0..=u8::MAX {
            for lane in 0..LANES {
                let mut text = [b'-'; LANES];
                text[lane] = byte;
                let is_word = byte.is_ascii_alphanumeric() || !byte.is_ascii();
                let expected = u64::from(is_word) << lane;
                assert_eq!(words(load(&text)), expected, "{byte} in lane {lane}");
                let is_mark = matches!(byte, b'.' | b'!' | b'?') || !byte.is_ascii();
                let mark = is_mark.then_some(lane);
                assert_eq!(find_mark(&text), mark, "{byte} in lane {lane}");
            }
        }
        assert_eq!(words(load(b"Rex 4 ev")), 0b1101_0111);
        assert!(letters(lower(load(b"12345Rex")), 3) && !letters(lower(load(b"Rex4")), 8));
    }

    #[test]
    fn what_is_shorter_ends_where_it_ends() {
        assert_eq!(load(b""), 0);
        assert_eq!(load(b"ab"), 0x6261);
        assert_eq!(find_mark(b"a long way to go"), None);
        assert_eq!(find_mark(b"a long way to go."), Some(16));
        assert_eq!(find_mark("a long way to gö".as_bytes()), Some(15));
    }
}
