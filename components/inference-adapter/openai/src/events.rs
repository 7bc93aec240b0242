//! Server-sent events, as they come: in chunks that end anywhere, inside a character even.

use memchr::memchr2;

use crate::Broken;

/// The longest event, in bytes. A server that sends more is not one that Loci can talk to.
const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// Cuts bytes into events.
#[derive(Default)]
pub struct Events {
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    /// The data of an event that has not ended yet.
    data: Vec<u8>,
    /// Whether the event has data at all; it may be empty.
    has_data: bool,
    /// The last byte was a carriage return: a line feed after it ends no second line.
    after_return: bool,
}

impl Events {
    /// Takes the next bytes, and hands the data of every event that ends in them to `take`, until
    /// that says (with false) that it wants no more.
    ///
    /// Fails if the bytes are no events, and as `take` does.
    pub fn push(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(&str) -> Result<bool, Broken>,
    ) -> Result<(), Broken> {
        if self.after_return && !bytes.is_empty() {
            self.after_return = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = memchr2(b'\r', b'\n', bytes) {
            let wanted = if self.line.is_empty() {
                self.end_line(&bytes[..end], &mut take)?
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&bytes[..end]);
                let wanted = self.end_line(&line, &mut take)?;
                line.clear();
                self.line = line;
                wanted
            };
            let is_return = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if is_return {
                self.after_return = bytes.is_empty();
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
            if !wanted {
                return Ok(());
            }
        }
        self.line.extend_from_slice(bytes);
        self.check(0)
    }

    fn check(&self, more: usize) -> Result<(), Broken> {
        let length = self.line.len() + self.data.len() + more;
        if length > EVENT_BYTES_MAX { Err(Broken::TooLong) } else { Ok(()) }
    }

    /// Takes a line; an empty one ends the event.
    fn end_line(
        &mut self,
        line: &[u8],
        take: &mut impl FnMut(&str) -> Result<bool, Broken>,
    ) -> Result<bool, Broken> {
        if line.is_empty() {
            if !std::mem::take(&mut self.has_data) {
                return Ok(true);
            }
            let wanted = match str::from_utf8(&self.data) {
                Ok(data) => take(data),
                Err(_) => Err(Broken::NotUtf8),
            };
            self.data.clear();
            return wanted;
        }
        // Comments and the names, numbers and delays of events carry nothing that is needed here.
        if let Some(value) = line.strip_prefix(b"data:") {
            if std::mem::replace(&mut self.has_data, true) {
                self.data.push(b'\n');
            }
            self.check(value.len())?;
            self.data.extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": a comment\n\ndata: {\"a\":\"Grüße 🦀\"}\n\nevent: x\r\ndata:one\r\n\
                          data: two\r\n\r\nid: 7\n\ndata:\n\ndata: \rdata: x\r\rdata: [DONE]\n\n";

    fn expected() -> Vec<String> {
        ["{\"a\":\"Grüße 🦀\"}", "one\ntwo", "", "\nx", "[DONE]"].map(str::to_string).to_vec()
    }

    fn push(events: &mut Events, bytes: &[u8]) -> Result<Vec<String>, Broken> {
        let mut found = Vec::new();
        events.push(bytes, |data| {
            found.push(data.to_string());
            Ok(true)
        })?;
        Ok(found)
    }

    #[test]
    fn events_are_the_same_wherever_the_chunks_end() {
        for size in 1..=STREAM.len() {
            let mut events = Events::default();
            let found: Vec<String> = STREAM
                .as_bytes()
                .chunks(size)
                .flat_map(|chunk| push(&mut events, chunk).expect("the stream is well formed"))
                .collect();
            assert_eq!(found, expected(), "in chunks of {size}");
        }
    }

    #[test]
    fn an_event_without_its_empty_line_is_not_an_event() {
        assert_eq!(push(&mut Events::default(), b"data: half\n"), Ok(vec![]));
    }

    #[test]
    fn who_has_heard_enough_hears_no_more() {
        let mut heard = 0;
        let pushed = Events::default().push(b"data: 1\n\ndata: 2\n\n", |_| {
            heard += 1;
            Ok(false)
        });
        assert_eq!((pushed, heard), (Ok(()), 1));
    }

    #[test]
    fn what_is_not_utf8_is_refused() {
        assert_eq!(push(&mut Events::default(), b"data: \xff\n\n"), Err(Broken::NotUtf8));
    }

    #[test]
    fn an_endless_line_is_refused_and_so_is_an_endless_event() {
        let mut events = Events::default();
        let chunk = vec![b'x'; EVENT_BYTES_MAX];
        assert_eq!(push(&mut events, &chunk), Ok(vec![]));
        assert_eq!(push(&mut events, b"x"), Err(Broken::TooLong));

        let mut line = b"data:".to_vec();
        line.extend(vec![b'x'; EVENT_BYTES_MAX / 2]);
        line.push(b'\n');
        let mut events = Events::default();
        assert_eq!(push(&mut events, &line), Ok(vec![]));
        assert_eq!(push(&mut events, &line), Err(Broken::TooLong));
    }
}
