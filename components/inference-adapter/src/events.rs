//! Server-sent events, as they come: in chunks that end anywhere, inside a character even.

/// The longest event, in bytes. A server that sends more is not one that Loci can talk to.
const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// The stream is not one of server-sent events.
#[derive(Debug, PartialEq)]
pub enum Broken {
    /// An event is longer than 1,048,576 bytes.
    TooLong,
    /// An event is not UTF-8.
    NotUtf8,
}

/// Cuts bytes into events.
#[derive(Default)]
pub struct Events {
    /// Bytes of a line that has not ended yet.
    line: Vec<u8>,
    /// The data of an event that has not ended yet.
    data: Option<Vec<u8>>,
    /// The last byte was a carriage return: a line feed after it ends no second line.
    after_return: bool,
}

impl Events {
    /// Takes the next bytes, and returns the data of the events that ended in them.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, Broken> {
        let mut ended = Vec::new();
        for &byte in bytes {
            let second_half = self.after_return && byte == b'\n';
            self.after_return = byte == b'\r';
            match byte {
                _ if second_half => {}
                b'\r' | b'\n' => ended.extend(self.end_line()?),
                _ => self.line.push(byte),
            }
            if self.line.len() + self.data.as_ref().map_or(0, Vec::len) > EVENT_BYTES_MAX {
                return Err(Broken::TooLong);
            }
        }
        Ok(ended)
    }

    /// Takes a line; an empty one ends the event.
    fn end_line(&mut self) -> Result<Option<String>, Broken> {
        if self.line.is_empty() {
            let Some(data) = self.data.take() else { return Ok(None) };
            return String::from_utf8(data).map(Some).map_err(|_| Broken::NotUtf8);
        }
        let line = std::mem::take(&mut self.line);
        // Comments and the names, numbers and delays of events carry nothing that is needed here.
        if let Some(value) = line.strip_prefix(b"data:") {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": a comment\n\ndata: {\"a\":\"Grüße 🦀\"}\n\nevent: x\r\ndata:one\r\n\
                          data: two\r\n\r\nid: 7\n\ndata: [DONE]\n\n";

    fn expected() -> Vec<String> {
        vec!["{\"a\":\"Grüße 🦀\"}".into(), "one\ntwo".into(), "[DONE]".into()]
    }

    #[test]
    fn events_are_the_same_wherever_the_chunks_end() {
        for size in 1..=STREAM.len() {
            let mut events = Events::default();
            let found: Vec<String> = STREAM
                .as_bytes()
                .chunks(size)
                .flat_map(|chunk| events.push(chunk).expect("the stream is well formed"))
                .collect();
            assert_eq!(found, expected(), "in chunks of {size}");
        }
    }

    #[test]
    fn an_event_without_its_empty_line_is_not_an_event() {
        assert_eq!(Events::default().push(b"data: half\n"), Ok(vec![]));
    }

    #[test]
    fn what_is_not_utf8_is_refused() {
        assert_eq!(Events::default().push(b"data: \xff\n\n"), Err(Broken::NotUtf8));
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut events = Events::default();
        let chunk = vec![b'x'; EVENT_BYTES_MAX];
        assert_eq!(events.push(&chunk), Ok(vec![]));
        assert_eq!(events.push(b"x"), Err(Broken::TooLong));
    }
}
