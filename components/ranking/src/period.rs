//! The time that a question asks about: "what did I say last March", "in May 2023", "two weeks
//! ago". Only English and ISO dates are understood; elsewhere there is none.

use crate::calendar::{DAY, Month, day_start, month_start, weekday, ymd};
use crate::words::words;

/// What is told about a time is often told a little later, in seconds.
const TOLD_WITHIN: u64 = 3 * DAY;

/// A time that a question asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its first second since 1970-01-01 UTC.
    pub from: u64,
    /// One past its last second.
    pub until: u64,
    /// Whether it has two ends, as "in March" has and "before March" has not.
    pub is_bounded: bool,
}

impl Period {
    /// Whether what was said at this time may be meant.
    pub fn holds(&self, said_at: u64) -> bool {
        (self.from..self.until_told()).contains(&said_at)
    }

    /// One past the last second at which something about it may have been said.
    pub fn until_told(&self) -> u64 {
        if self.is_bounded { self.until + TOLD_WITHIN } else { self.until }
    }
}

/// The time that a question asks about, if it does. `now` is in seconds since 1970-01-01 UTC.
pub fn period(question: &str, now: u64) -> Option<Period> {
    let words: Vec<String> = words(question).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (at, from, until) = (0..words.len()).find_map(|at| {
        let (from, until) = expression(&words, at, now)?;
        Some((at, from, until))
    })?;
    let before = at.checked_sub(1).map_or("", |before| words[before]);
    let period = match before {
        "before" | "until" => Period { from: 0, until: from, is_bounded: false },
        "after" => Period { from: until, until: u64::MAX, is_bounded: false },
        "since" => Period { from, until: u64::MAX, is_bounded: false },
        _ => Period { from, until, is_bounded: true },
    };
    // What is yet to come was not said then.
    (period.from <= now).then_some(period)
}

/// The time that the words from a place on mean.
fn expression(words: &[&str], at: usize, now: u64) -> Option<(u64, u64)> {
    let today = now - now % DAY;
    let next = |step: usize| words.get(at + step).copied().unwrap_or_default();
    match words[at] {
        "today" => Some((today, today + DAY)),
        "yesterday" => Some((today.checked_sub(DAY)?, today)),
        which @ ("last" | "this") => relative(which == "last", next(1), now),
        _ => ago(words, at, now).or_else(|| date(words, at, now)),
    }
}

/// "last week", "this year", "last March", "last Friday".
fn relative(is_last: bool, unit: &str, now: u64) -> Option<(u64, u64)> {
    let today = now - now % DAY;
    let (year, month, _) = ymd(now);
    let back = u64::from(is_last);
    if let Some(named) = Month::of(unit) {
        return Some(latest(named, now));
    }
    if let Some(day) = weekday(unit) {
        let since = (today / DAY + 4 + 7 - day) % 7;
        let start = today.checked_sub(if since == 0 && is_last { 7 } else { since } * DAY)?;
        return Some((start, start + DAY));
    }
    match unit {
        "week" => {
            let monday = today.checked_sub((today / DAY + 3) % 7 * DAY)?;
            let start = monday.checked_sub(back * 7 * DAY)?;
            Some((start, start + 7 * DAY))
        }
        "month" => {
            let months = u64::from(year) * 12 + u64::from(month) - 1 - back;
            let start = |months: u64| month_start((months / 12) as u32, (months % 12) as u32 + 1);
            Some((start(months), start(months + 1)))
        }
        "year" => {
            let year = year - back as u32;
            Some((month_start(year, 1), month_start(year + 1, 1)))
        }
        _ => None,
    }
}

/// "two weeks ago", "3 months ago": as exact as the unit is.
fn ago(words: &[&str], at: usize, now: u64) -> Option<(u64, u64)> {
    const NUMBERS: [&str; 11] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    if words.get(at + 2).copied() != Some("ago") {
        return None;
    }
    let number = NUMBERS.iter().position(|word| *word == words[at]).map(|at| at as u64);
    let number = number.or_else(|| matches!(words[at], "a" | "an").then_some(1));
    let number = number.or_else(|| words[at].parse().ok()).filter(|number| *number < 1_000)?;
    let unit = match words[at + 1] {
        "day" | "days" => DAY,
        "week" | "weeks" => 7 * DAY,
        "month" | "months" => 30 * DAY,
        "year" | "years" => 365 * DAY,
        _ => return None,
    };
    let day = (now - now % DAY).checked_sub(number * unit)?;
    Some((day.saturating_sub(unit / 2), day + DAY + unit / 2))
}

/// "March 2024", "8 May 2023", "May 8", "in March", "in 2023", "2024-03-15".
fn date(words: &[&str], at: usize, now: u64) -> Option<(u64, u64)> {
    let word = |place: Option<usize>| place.and_then(|place| words.get(place)).copied();
    let before = word(at.checked_sub(1)).unwrap_or_default();
    let one_day = |year: u32, month: u32, day: u32| {
        let start = day_start(year, month, day)?;
        Some((start, start + DAY))
    };
    if let Some(year) = year(words[at]) {
        let numbers = [1, 2].map(|step| word(Some(at + step)).and_then(|word| word.parse().ok()));
        return match numbers {
            [Some(month), Some(day)] => one_day(year, month, day),
            _ if before == "in" || matches!(before, "since" | "before" | "after" | "until") => {
                Some((month_start(year, 1), month_start(year + 1, 1)))
            }
            _ => None,
        };
    }
    // A day before its month: "8 May", "the 8th of May".
    let (day, at) = match day(words[at]) {
        Some(day) => {
            let of = usize::from(word(Some(at + 1)) == Some("of"));
            (Some(day), at + 1 + of)
        }
        None => (None, at),
    };
    let month = Month::of(word(Some(at))?)?;
    let (day, at) = match (day, word(Some(at + 1)).and_then(self::day)) {
        (None, Some(day)) => (Some(day), at + 1),
        _ => (day, at),
    };
    let year = word(Some(at + 1)).and_then(year);
    // "may" and "march" are not always months.
    let is_asked_for = day.is_some()
        || year.is_some()
        || matches!(before, "in" | "since" | "before" | "after" | "until" | "during" | "of");
    if !is_asked_for {
        return None;
    }
    let (latest_start, latest_end) = latest(month, now);
    match (year, day) {
        (Some(year), Some(day)) => one_day(year, month.number(), day),
        (None, Some(day)) => one_day(ymd(latest_start).0, month.number(), day),
        (Some(year), None) => {
            let start = month_start(year, month.number());
            Some((start, month.end(year)))
        }
        (None, None) => Some((latest_start, latest_end)),
    }
}

/// The last time that this month began.
fn latest(month: Month, now: u64) -> (u64, u64) {
    let (year, current, _) = ymd(now);
    let year = if month.number() <= current { year } else { year - 1 };
    (month_start(year, month.number()), month.end(year))
}

/// A year that a person speaks of.
fn year(word: &str) -> Option<u32> {
    let year = word.parse().ok().filter(|_| word.len() == 4);
    year.filter(|year| (1970..=2200).contains(year))
}

/// A day of a month, also as in `8th`.
fn day(word: &str) -> Option<u32> {
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|end| word.strip_suffix(end));
    digits.unwrap_or(word).parse().ok().filter(|day| (1..=31).contains(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noon of Wednesday, 15 May 2024.
    const NOW: u64 = 1_715_774_400;

    fn at(year: u32, month: u32, day: u32) -> u64 {
        day_start(year, month, day).expect("a day")
    }

    #[test]
    fn a_time_that_is_asked_about_has_a_beginning_and_an_end() {
        for (question, from, until) in [
            ("What did I say yesterday?", at(2024, 5, 14), at(2024, 5, 15)),
            ("what happened last March", at(2024, 3, 1), at(2024, 4, 1)),
            ("Where was I last June?", at(2023, 6, 1), at(2023, 7, 1)),
            ("who came in December?", at(2023, 12, 1), at(2024, 1, 1)),
            ("What did we plan in March 2023?", at(2023, 3, 1), at(2023, 4, 1)),
            ("On 8 May 2023, what did Ann do?", at(2023, 5, 8), at(2023, 5, 9)),
            ("On May 8th, what did Ann do?", at(2024, 5, 8), at(2024, 5, 9)),
            ("and on the 3rd of February?", at(2024, 2, 3), at(2024, 2, 4)),
            ("what about 2024-03-15?", at(2024, 3, 15), at(2024, 3, 16)),
            ("Which trips were there in 2022?", at(2022, 1, 1), at(2023, 1, 1)),
            ("what did I eat last week", at(2024, 5, 6), at(2024, 5, 13)),
            ("the plan of this month", at(2024, 5, 1), at(2024, 6, 1)),
            ("last year's plan", at(2023, 1, 1), at(2024, 1, 1)),
            ("who called last Friday?", at(2024, 5, 10), at(2024, 5, 11)),
            ("who called last Wednesday?", at(2024, 5, 8), at(2024, 5, 9)),
            ("what was it three days ago?", at(2024, 5, 12) - DAY / 2, at(2024, 5, 13) + DAY / 2),
        ] {
            let is_bounded = true;
            assert_eq!(
                period(question, NOW),
                Some(Period { from, until, is_bounded }),
                "{question}"
            );
        }
    }

    #[test]
    fn a_time_may_have_one_end() {
        let before = period("Where did I live before March 2023?", NOW).expect("a time");
        assert!(before.holds(0) && before.holds(at(2023, 2, 28)) && !before.holds(at(2023, 3, 1)));
        let after = period("What changed after 2022?", NOW).expect("a time");
        assert!(!after.holds(at(2022, 12, 31)) && after.holds(at(2023, 1, 1)));
        let since = period("what has he said since yesterday", NOW).expect("a time");
        assert!(since.holds(NOW) && !since.holds(at(2024, 5, 13)) && !since.is_bounded);
        // What is told of a day is often told on the next.
        let day = period("What happened on 8 May?", NOW).expect("a time");
        assert!(day.holds(at(2024, 5, 10)) && !day.holds(at(2024, 5, 20)));
    }

    #[test]
    fn most_questions_ask_about_no_time() {
        for question in [
            "May I see it?",
            "Where does the march of the penguins begin?",
            "How many of the 31 chairs are red?",
            "What is due in June 2190?",
            "What did she last say?",
            "Which is the 2024 model?",
            "in the second of 3000 days ago",
            "",
        ] {
            assert_eq!(period(question, NOW), None, "{question}");
        }
        assert_eq!(period("yesterday, 5 days ago, last week, last month", 0), None);
    }
}
