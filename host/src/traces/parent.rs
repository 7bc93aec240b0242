//! The trace that a client says its request is a part of: <https://www.w3.org/TR/trace-context/>.

use http::HeaderMap;

/// The header that tells of it.
const HEADER: &str = "traceparent";

/// What a request belongs to.
#[derive(Debug, PartialEq)]
pub struct Parent {
    /// The id of the trace, 32 hexadecimal digits: a new one where the client tells of none.
    pub trace: String,
    /// The id of the span around, 16 hexadecimal digits; empty where there is none.
    pub span: String,
    /// Whether somebody wants the trace.
    pub is_wanted: bool,
}

impl Parent {
    /// What the headers of a request tell. What is no such header tells nothing.
    pub fn of(headers: &HeaderMap) -> Self {
        let told = headers.get(HEADER).and_then(|told| told.to_str().ok());
        told.and_then(Self::read).unwrap_or_else(|| Self {
            trace: id() + &id(),
            span: String::new(),
            is_wanted: true,
        })
    }

    fn read(told: &str) -> Option<Self> {
        let mut parts = told.split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |text: &str, length: usize| {
            text.len() == length
                && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        let is_id = |text: &str, length| is_hex(text, length) && text.bytes().any(|it| it != b'0');
        let is_right = is_hex(version, 2) && version != "ff" && is_hex(flags, 2);
        let is_wanted = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        (is_right && is_id(trace, 32) && is_id(span, 16)).then(|| Self {
            trace: trace.to_owned(),
            span: span.to_owned(),
            is_wanted,
        })
    }
}

/// A random id of 16 hexadecimal digits, which is never 0.
pub fn id() -> String {
    format!("{:016x}", getrandom::u64().unwrap_or(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_tells_of_its_trace() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let read = |told: &str| Parent::read(told);
        let found =
            |is_wanted| Some(Parent { trace: trace.to_owned(), span: span.to_owned(), is_wanted });
        assert_eq!(read(&format!("00-{trace}-{span}-01")), found(true));
        assert_eq!(read(&format!("00-{trace}-{span}-00")), found(false));
        assert_eq!(read(&format!("01-{trace}-{span}-01-more")), found(true));
        for wrong in [
            String::new(),
            format!("ff-{trace}-{span}-01"),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{trace}-{span}"),
        ] {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
        let new = Parent::of(&HeaderMap::new());
        assert!(new.is_wanted && new.span.is_empty() && new.trace.len() == 32, "{new:?}");
    }
}
