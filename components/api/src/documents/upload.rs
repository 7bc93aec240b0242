//! Files, as a form brings them: one after the other, each kept no longer than until it is stored.

use bytes::Bytes;
use futures::SinkExt;
use futures::channel::mpsc::{Receiver, Sender, channel};
use futures::future::{Either, select};
use http::HeaderMap;
use http_body::Body;
use multer::{Constraints, Multipart, SizeLimit};
use std::pin::pin;

use crate::http::error::ApiError;
use crate::limits;

/// A file of a form.
pub struct File {
    /// The name that the client gave it.
    pub name: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// Reads the files of a form and hands each to `take`. Returns how many there were.
///
/// Fails with 415 if the body is no form, with 413 if a file or the form is too long, with 400 if
/// it breaks off or has no file or too many, and as `take` does. What was taken before stays taken.
pub async fn each<B>(
    headers: &HeaderMap,
    body: B,
    take: impl AsyncFnMut(File) -> Result<(), ApiError>,
) -> Result<usize, ApiError>
where
    B: Body,
    B::Error: std::fmt::Display,
{
    let declared = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("");
    let boundary = multer::parse_boundary(declared).map_err(|_| {
        let message = "the content type must be `multipart/form-data` with a boundary";
        ApiError::new(415, "unsupported_content_type", message)
    })?;
    // The parser wants what can go to another thread, and a body cannot: so it gets a channel.
    let (sender, receiver) = channel(limits::FORM_FRAMES_WAITING_MAX);
    let parsing = pin!(parse(receiver, boundary, take));
    let sending = pin!(send(body, sender));
    match select(parsing, sending).await {
        Either::Left((parsed, _)) => parsed,
        Either::Right(((), parsing)) => parsing.await,
    }
}

async fn parse(
    frames: Receiver<Result<Bytes, String>>,
    boundary: String,
    mut take: impl AsyncFnMut(File) -> Result<(), ApiError>,
) -> Result<usize, ApiError> {
    let size = SizeLimit::new()
        .whole_stream(limits::FORM_BYTES_MAX)
        .per_field(limits::DOCUMENT_BYTES_MAX as u64);
    let constraints = Constraints::new().size_limit(size);
    let mut form = Multipart::with_constraints(frames, boundary, constraints);
    let mut files = 0;
    while let Some(mut field) = form.next_field().await.map_err(refusal)? {
        check_name(field.name().unwrap_or_default())?;
        let Some(name) = field.file_name().map(name_of).transpose()? else {
            // A field that is no file means nothing here; it is read over.
            while field.chunk().await.map_err(refusal)?.is_some() {}
            continue;
        };
        if files == limits::FORM_FILES_MAX {
            let most = limits::FORM_FILES_MAX;
            let message = format!("a form may have at most {most} files");
            return Err(ApiError::new(400, "too_many_files", message));
        }
        let mut content = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(|error| refusal_of(&name, error))? {
            content.extend_from_slice(&chunk);
        }
        take(File { name, content }).await?;
        files += 1;
    }
    if files == 0 {
        let message = "the form has no file: send each as a field with a `filename`";
        return Err(ApiError::invalid("file", message));
    }
    Ok(files)
}

/// Fails with 400 if a field has no name, or one of other signs than forms are made with.
fn check_name(name: &str) -> Result<(), ApiError> {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"._-[]".contains(&byte);
    let most = limits::FIELD_NAME_BYTES_MAX;
    if (1..=most).contains(&name.len()) && name.bytes().all(is_sign) {
        return Ok(());
    }
    let message =
        format!("the name of a field of a form must be 1 to {most} letters, digits and `._-[]`");
    Err(ApiError::new(400, "invalid_form", message))
}

/// The last part of a path.
///
/// Fails with 400 if that is too long.
fn name_of(path: &str) -> Result<String, ApiError> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or("").trim();
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let most = limits::NAME_BYTES_MAX;
    if name.len() > most {
        let message = format!("the name of a file may have at most {most} bytes");
        return Err(ApiError::invalid("file", message));
    }
    Ok(if name.is_empty() { "untitled".to_owned() } else { name })
}

/// Of several files, the one that is refused is named.
fn refusal_of(name: &str, error: multer::Error) -> ApiError {
    let multer::Error::FieldSizeExceeded { .. } = error else { return refusal(error) };
    let most = limits::DOCUMENT_BYTES_MAX;
    let message = format!("`{name}` is too long: a file may have at most {most} bytes");
    ApiError { param: Some("file"), ..ApiError::new(413, "document_too_long", message) }
}

fn refusal(error: multer::Error) -> ApiError {
    match error {
        multer::Error::FieldSizeExceeded { .. } => {
            let most = limits::DOCUMENT_BYTES_MAX;
            let message = format!("a field may have at most {most} bytes");
            ApiError::new(413, "document_too_long", message)
        }
        multer::Error::StreamSizeExceeded { .. } => {
            let message = format!("a form may have at most {} bytes", limits::FORM_BYTES_MAX);
            ApiError::new(413, "body_too_long", message)
        }
        error => ApiError::new(400, "invalid_form", format!("the form cannot be read: {error}")),
    }
}

/// Hands on the bytes of a body as they come, until nobody takes them.
async fn send<B>(body: B, mut sender: Sender<Result<Bytes, String>>)
where
    B: Body,
    B::Error: std::fmt::Display,
{
    let mut body = pin!(body);
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let bytes = match frame {
            Ok(frame) => {
                let Ok(mut data) = frame.into_data() else { continue };
                let length = bytes::Buf::remaining(&data);
                Ok(bytes::Buf::copy_to_bytes(&mut data, length))
            }
            Err(error) => Err(error.to_string()),
        };
        if sender.send(bytes).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    struct Whole(Option<Bytes>);

    impl Body for Whole {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            std::task::Poll::Ready(self.0.take().map(|bytes| Ok(http_body::Frame::data(bytes))))
        }
    }

    fn read(kind: &str, body: &str) -> Result<Vec<(String, usize)>, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", kind.parse().unwrap());
        let mut files = Vec::new();
        let body = Whole(Some(Bytes::from(body.to_owned())));
        let read = each(&headers, body, async |file: File| {
            files.push((file.name, file.content.len()));
            Ok(())
        });
        block_on(pin!(read))?;
        Ok(files)
    }

    const FORM: &str = "multipart/form-data; boundary=x";

    fn part(disposition: &str, content: &str) -> String {
        format!("--x\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n")
    }

    #[test]
    fn every_file_of_a_form_is_read() {
        let one = part("name=\"file\"; filename=\"C:\\\\docs\\\\a.txt\"", "hello");
        let note = part("name=\"note\"", "no file");
        let two = part("name=\"file\"; filename=\"b\"", "");
        let files = read(FORM, &format!("{one}{note}{two}--x--\r\n")).unwrap();
        assert_eq!(files, [("a.txt".to_owned(), 5), ("b".to_owned(), 0)]);
    }

    #[test]
    fn what_is_no_form_or_has_no_file_is_refused() {
        assert_eq!(read("application/json", "{}").unwrap_err().status, 415);
        assert_eq!(read(FORM, "--x--\r\n").unwrap_err().code, "invalid_value");
        for name in ["", "a b", &"x".repeat(limits::FIELD_NAME_BYTES_MAX + 1)] {
            let file = part(&format!("name=\"{name}\"; filename=\"a\""), "hello");
            let error = read(FORM, &format!("{file}--x--\r\n")).unwrap_err();
            assert_eq!((error.status, error.code), (400, "invalid_form"), "`{name}`");
        }
        let name = "n".repeat(limits::NAME_BYTES_MAX + 1);
        let named = part(&format!("name=\"file\"; filename=\"{name}\""), "hello");
        let refused = read(FORM, &format!("{named}--x--\r\n")).unwrap_err();
        assert_eq!((refused.status, refused.param), (400, Some("file")), "{}", refused.message);
        let cut = part("name=\"file\"; filename=\"a\"", "hello");
        assert_eq!(read(FORM, &cut[..cut.len() - 4]).unwrap_err().code, "invalid_form");
        let long = "y".repeat(limits::DOCUMENT_BYTES_MAX + 1);
        let long = part("name=\"file\"; filename=\"a\"", &long);
        let error = read(FORM, &format!("{long}--x--\r\n")).unwrap_err();
        assert_eq!((error.status, error.code), (413, "document_too_long"));
        assert!(error.message.starts_with("`a` is too long"), "{}", error.message);
    }
}
