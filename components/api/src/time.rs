//! Time, as the database, people and policies write it.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Now, in microseconds since 1970-01-01 UTC.
pub fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Microseconds as whole seconds, which is what policies see.
pub fn seconds(micros: i64) -> u64 {
    u64::try_from(micros / 1_000_000).unwrap_or(0)
}

/// As in `2026-03-12T10:11:12.123456Z` (RFC 3339).
pub fn rfc3339(micros: i64) -> String {
    let time = Timestamp::from_microsecond(micros).unwrap_or_default();
    format!("{time:.6}")
}

/// A time as in `2026-03-12T10:11:12Z` (RFC 3339), in microseconds; none for anything else, and for
/// what was before 1970.
pub fn of_rfc3339(text: &str) -> Option<i64> {
    let time: Timestamp = text.parse().ok()?;
    Some(time.as_microsecond()).filter(|micros| *micros >= 0)
}

/// As in `12 March 2026`: the day in UTC.
pub fn day(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|s| Timestamp::from_second(s).ok());
    let date: Date = time.unwrap_or_default().to_zoned(TimeZone::UTC).date();
    format!(
        "{} {} {}",
        date.day(),
        MONTHS[usize::from(date.month().unsigned_abs()) - 1],
        date.year()
    )
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(rfc3339(1_773_310_272_123_456), "2026-03-12T10:11:12.123456Z");
        assert_eq!(of_rfc3339("2026-03-12T11:11:12.123456+01:00"), Some(1_773_310_272_123_456));
        assert_eq!((of_rfc3339("12 March 2026"), of_rfc3339("1969-12-31T00:00:00Z")), (None, None));
    }

    #[test]
    fn a_day_is_written_as_people_say_it() {
        assert_eq!(day(1_773_310_272), "12 March 2026");
        assert_eq!(day(0), "1 January 1970");
    }
}
