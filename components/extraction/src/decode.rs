//! From bytes to characters, where nobody says which encoding they are in.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes that are looked at to tell text from what is none.
const PROBE_BYTES: usize = 64 << 10;

/// A text, and the name of the encoding that it was in; none for what is no text.
///
/// Line breaks come out as line feeds, and control characters not at all.
pub fn decode(bytes: &[u8]) -> Option<(String, &'static str)> {
    let encoding = encoding_of(bytes)?;
    let (text, _, _) = encoding.decode(bytes);
    let probe: Vec<char> = text.chars().take(PROBE_BYTES).collect();
    // Texts have hardly a character that cannot be shown; pictures and programs are full of them.
    let strange = probe.iter().filter(|c| is_strange(**c) || **c == '\u{fffd}').count();
    if strange * 50 > probe.len() {
        return None;
    }
    Some((clean(&text), encoding.name()))
}

/// Whether a character is a control character that no text needs.
fn is_strange(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{85}' | '\u{1b}')
}

/// Line breaks as line feeds, and no control characters besides tabs.
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' => {
                characters.next_if_eq(&'\n');
                clean.push('\n');
            }
            '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => clean.push('\n'),
            '\n' | '\t' => clean.push(c),
            '\u{feff}' => {}
            c if c.is_control() => {}
            c => clean.push(c),
        }
    }
    clean
}

fn encoding_of(bytes: &[u8]) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return Some(encoding);
    }
    let probe = &bytes[..bytes.len().min(PROBE_BYTES)];
    if probe.contains(&0) {
        return wide(probe);
    }
    if std::str::from_utf8(bytes).is_ok() {
        return Some(UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    Some(detector.guess(None, Utf8Detection::Allow))
}

/// Which UTF-16 this is, without a mark: every other byte of most texts is zero then.
fn wide(probe: &[u8]) -> Option<&'static Encoding> {
    let zeros = |from: usize| probe.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let half = probe.len() / 2;
    match () {
        () if odd * 10 > half * 6 && even * 20 < half => Some(UTF_16LE),
        () if even * 10 > half * 6 && odd * 20 < half => Some(UTF_16BE),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_by_the_bytes() {
        assert_eq!(decode("naïve".as_bytes()), Some(("naïve".to_owned(), "UTF-8")));
        let wide: Vec<u8> = "plain text".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&wide), Some(("plain text".to_owned(), "UTF-16LE")));
        let wide: Vec<u8> = "plain text".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&wide), Some(("plain text".to_owned(), "UTF-16BE")));
        let (text, name) =
            decode(b"Die Stra\xdfe f\xfchrt \xfcber die Br\xfccke nach K\xf6ln.").unwrap();
        assert_eq!(
            (text.as_str(), name),
            ("Die Straße führt über die Brücke nach Köln.", "windows-1252")
        );
        let (text, _, _) =
            encoding_rs::SHIFT_JIS.encode("東京は日本の首都です。とても大きな街です。");
        assert_eq!(decode(&text).unwrap().0, "東京は日本の首都です。とても大きな街です。");
    }

    #[test]
    fn what_is_no_text_is_told_so() {
        assert_eq!(decode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0"), None);
        let noise: Vec<u8> =
            (0..10_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert_eq!(decode(&noise), None);
    }

    #[test]
    fn breaks_are_line_feeds_and_controls_are_gone() {
        assert_eq!(clean("a\r\nb\rc\u{2028}d\u{0}\u{7}e\tf"), "a\nb\nc\nde\tf");
    }
}
