//! When something was said, as people and programs write it.

/// The months, by their first three letters.
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The first and the last year that a conversation is taken to be of.
const YEARS: std::ops::RangeInclusive<u32> = 1970..=2200;

/// A time in RFC 3339, in UTC, out of a text like `8 May 2023, 1:56 pm`, `March-15-2024` or
/// `2023/05/08 13:56`. None where there is no day in it.
pub fn rfc3339(text: &str) -> Option<String> {
    let text = text.to_lowercase();
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric() && c != ':').filter(|w| !w.is_empty()).collect();
    let (mut month, mut numbers, mut time) = (None, Vec::new(), None);
    for (at, word) in words.iter().enumerate() {
        if let Some(clock) = clock(word, words.get(at + 1).copied()) {
            time.get_or_insert(clock);
        } else if let Some(number) = number(word) {
            numbers.push(number);
        } else if let Some((day, rest)) = word.split_once('t').filter(|_| word.contains(':')) {
            // As in `08t13:56:00z`.
            numbers.extend(number(day));
            time = time.or(clock(rest.trim_end_matches('z'), None));
        } else if let Some(at) = word.get(..3).and_then(|w| MONTHS.iter().position(|m| *m == w)) {
            month.get_or_insert(at as u32 + 1);
        }
    }
    let at = numbers.iter().position(|number| YEARS.contains(number))?;
    let year = numbers.remove(at);
    let (month, day) = match (month, numbers.as_slice()) {
        (Some(month), [day, ..]) => (month, *day),
        (None, [month, day, ..]) if at == 0 => (*month, *day),
        _ => return None,
    };
    let (hour, minute) = time.unwrap_or((0, 0));
    let is_day = (1..=12).contains(&month) && (1..=31).contains(&day);
    is_day.then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z"))
}

/// A number, also as in `8th`.
fn number(word: &str) -> Option<u32> {
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|end| word.strip_suffix(end));
    digits.unwrap_or(word).parse().ok()
}

/// Hour and minute, as in `13:56`, or `1:56` before `pm`.
fn clock(word: &str, next: Option<&str>) -> Option<(u32, u32)> {
    let half = ["am", "pm"].iter().find(|half| word.ends_with(**half) || next == Some(**half));
    let (hour, rest) = word.trim_end_matches(['a', 'p', 'm']).split_once(':')?;
    let hour: u32 = hour.parse().ok()?;
    let minute: u32 = rest.get(..2)?.parse().ok()?;
    let hour = match half.copied() {
        Some("am") => hour % 12,
        Some("pm") => hour % 12 + 12,
        _ => hour,
    };
    (hour < 24 && minute < 60).then_some((hour, minute))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_understood_as_it_is_often_written() {
        for (text, time) in [
            ("March-15-2024", "2024-03-15T00:00:00Z"),
            ("1:56 pm on 8 May, 2023", "2023-05-08T13:56:00Z"),
            ("12:05am on 1 Sept 2023", "2023-09-01T00:05:00Z"),
            ("2023/05/20 (Sat) 02:21", "2023-05-20T02:21:00Z"),
            ("2023-05-08T13:56:00Z", "2023-05-08T13:56:00Z"),
            ("the 3rd of June 2021", "2021-06-03T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(text).as_deref(), Some(time), "{text}");
        }
        for text in ["", "yesterday", "May 2023", "13/45/2023", "2023-13-01", "12 of 99"] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
    }
}
