//! When a busy server wants to be asked again.

/// When to try again where a busy server does not say, in milliseconds.
pub const RETRY_MS: u32 = 1_000;
/// The longest wait that is passed on, in milliseconds.
pub const RETRY_MS_MAX: u32 = 600_000;

/// The header `retry-after`, where it is a number of seconds, in milliseconds.
pub fn retry_ms(value: &[u8]) -> Option<u32> {
    let seconds: u32 = str::from_utf8(value).ok()?.trim().parse().ok()?;
    Some(seconds.saturating_mul(1000).clamp(RETRY_MS, RETRY_MS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_server_says_in_seconds_when_to_come_again() {
        assert_eq!(retry_ms(b"7"), Some(7_000));
        assert_eq!(retry_ms(b"0"), Some(RETRY_MS));
        assert_eq!(retry_ms(b"4294967295"), Some(RETRY_MS_MAX));
        assert_eq!(retry_ms(b"Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(retry_ms(b""), None);
    }
}
