//! Days, months and years in seconds since 1970-01-01 UTC, by the Gregorian calendar.

/// The seconds of a day.
pub const DAY: u64 = 86_400;

/// The months, by their first three letters.
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const NAMES: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// A month of the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month(u32);

impl Month {
    /// The month with this name, in lower case: `march`, `mar` or `sept`.
    pub fn of(name: &str) -> Option<Self> {
        let at = NAMES.iter().position(|month| *month == name);
        let at = at.or_else(|| MONTHS.iter().position(|month| *month == name));
        let at = at.or_else(|| (name == "sept").then_some(8));
        at.map(|at| Self(at as u32 + 1))
    }

    /// Its number: 1 for January.
    pub fn number(self) -> u32 {
        self.0
    }

    /// One past its last second in this year.
    pub fn end(self, year: u32) -> u64 {
        if self.0 == 12 { month_start(year + 1, 1) } else { month_start(year, self.0 + 1) }
    }
}

/// The day of the week with this name, in lower case: 0 for Sunday.
pub fn weekday(name: &str) -> Option<u64> {
    WEEKDAYS.iter().position(|day| *day == name).map(|at| at as u64)
}

/// The first second of a month from 1970 on; that of 1970 for earlier ones.
pub fn month_start(year: u32, month: u32) -> u64 {
    days_before(year, month) * DAY
}

/// The first second of a day; none if there is no such day from 1970 on.
pub fn day_start(year: u32, month: u32, day: u32) -> Option<u64> {
    if year < 1970 || !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let start = month_start(year, month) + u64::from(day - 1) * DAY;
    (start < Month(month).end(year)).then_some(start)
}

/// Year, month and day of a time. Years beyond 9999 are taken for that.
pub fn ymd(seconds: u64) -> (u32, u32, u32) {
    let days = seconds / DAY;
    let mut year = (1970 + days / 366).min(9_999) as u32;
    while year < 9_999 && days_before(year + 1, 1) <= days {
        year += 1;
    }
    let month = (1..=12).rev().find(|month| days_before(year, *month) <= days).unwrap_or(1);
    let day = days.saturating_sub(days_before(year, month)).min(30) as u32 + 1;
    (year, month, day)
}

/// The days from 1970-01-01 to the first of a month.
fn days_before(year: u32, month: u32) -> u64 {
    const DAYS: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let year = u64::from(year.max(1970));
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let is_leap = leap_days(year) > leap_days(year - 1);
    let days = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
    let month = month.clamp(1, 12);
    days + DAYS[month as usize - 1] + u64::from(is_leap && month > 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_where_the_calendar_has_them() {
        for (seconds, date) in [
            (0, (1970, 1, 1)),
            (951_782_400, (2000, 2, 29)),
            (951_868_800, (2000, 3, 1)),
            (1_715_774_400, (2024, 5, 15)),
            (1_735_689_599, (2024, 12, 31)),
            (4_107_542_400, (2100, 3, 1)),
        ] {
            assert_eq!(ymd(seconds), date);
            let start = day_start(date.0, date.1, date.2);
            assert_eq!(start, Some(seconds - seconds % DAY));
        }
        for (year, month, day) in [(2023, 2, 29), (2024, 13, 1), (2024, 4, 31), (1969, 1, 1)] {
            assert_eq!(day_start(year, month, day), None);
        }
        assert_eq!(ymd(u64::MAX).0, 9_999);
        assert_eq!((Month::of("sept"), Month::of("maybe")), (Month::of("september"), None));
    }
}
