//! Which file answers a request, in which encoding, and whether the client has it already.

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, IF_NONE_MATCH};
use http::{HeaderMap, Method, StatusCode};
use spin_sdk::http::FullBody;

/// A response of this component.
pub type Response = http::Response<FullBody<Bytes>>;

/// Nothing is loaded from elsewhere, run from a string, or shown inside another site. WebAssembly
/// of its own may be compiled: the policies, with which a prompt is tried.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'; object-src 'none'";

/// A built file.
#[derive(Debug)]
pub struct File {
    /// Where it is served, with the slash at the beginning.
    pub path: &'static str,
    /// Its content type.
    pub kind: &'static str,
    /// What tells its content from any other: a digest in quotes.
    pub etag: &'static str,
    /// Whether the path belongs to this content for ever, since it has a digest in its name.
    pub immutable: bool,
    /// Its content.
    pub plain: &'static [u8],
    /// Its content in gzip, where that is shorter.
    pub gzip: Option<&'static [u8]>,
    /// Its content in Brotli, where that is shorter.
    pub brotli: Option<&'static [u8]>,
}

/// Answers a request with one of the files.
pub fn serve(files: &[File], method: &Method, path: &str, headers: &HeaderMap) -> Response {
    let path = if path == "/" { "/index.html" } else { path };
    let Some(file) = files.iter().find(|file| file.path == path) else {
        return error(StatusCode::NOT_FOUND, &format!("there is nothing at `{path}`"));
    };
    if method != Method::GET && method != Method::HEAD {
        let message = format!("`{path}` does not answer to `{method}`, but to GET, HEAD");
        let mut response = error(StatusCode::METHOD_NOT_ALLOWED, &message);
        response.headers_mut().insert("allow", http::HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let cache = if file.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let head = http::Response::builder()
        .header("etag", file.etag)
        .header("cache-control", cache)
        .header("vary", "accept-encoding")
        .header("content-security-policy", POLICY)
        .header("x-content-type-options", "nosniff")
        .header("referrer-policy", "no-referrer");
    if has_already(headers, file.etag) {
        return build(head.status(StatusCode::NOT_MODIFIED), Bytes::new());
    }
    let (encoding, content) = encoded(file, headers);
    let mut head = head.header("content-type", file.kind).header("content-length", content.len());
    if let Some(encoding) = encoding {
        head = head.header("content-encoding", encoding);
    }
    let body = if method == Method::HEAD { Bytes::new() } else { Bytes::from_static(content) };
    build(head, body)
}

/// The shortest form of a file that the client can read.
fn encoded(file: &File, headers: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
    if let Some(content) = file.brotli.filter(|_| accepts(headers, "br")) {
        return (Some("br"), content);
    }
    if let Some(content) = file.gzip.filter(|_| accepts(headers, "gzip")) {
        return (Some("gzip"), content);
    }
    (None, file.plain)
}

/// Whether the client named an encoding, and did not refuse it by `q=0`.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    list(headers, ACCEPT_ENCODING).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        named && weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0))
    })
}

/// Whether the client holds this version.
fn has_already(headers: &HeaderMap, etag: &str) -> bool {
    list(headers, IF_NONE_MATCH).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// The items of all headers of one name that hold lists.
fn list(headers: &HeaderMap, name: http::HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// An error in the shape that the API has too.
fn error(status: StatusCode, message: &str) -> Response {
    let code = if status == StatusCode::NOT_FOUND { "not_found" } else { "method_not_allowed" };
    let kind =
        if status == StatusCode::NOT_FOUND { "not_found_error" } else { "invalid_request_error" };
    let message = message.replace('\\', "\\\\").replace('"', "\\\"");
    let body = format!(
        "{{\"error\":{{\"message\":\"{message}\",\"type\":\"{kind}\",\"param\":null,\
         \"code\":\"{code}\"}}}}"
    );
    let head = http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("content-length", body.len());
    build(head, body.into())
}

fn build(head: http::response::Builder, body: Bytes) -> Response {
    head.body(FullBody::new(body)).expect("statuses and headers are constants or numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [File; 2] = [
        File {
            path: "/index.html",
            kind: "text/html; charset=utf-8",
            etag: "\"one\"",
            immutable: false,
            plain: b"plain",
            gzip: Some(b"gzip"),
            brotli: Some(b"br"),
        },
        File {
            path: "/assets/a-1.js",
            kind: "text/javascript; charset=utf-8",
            etag: "\"two\"",
            immutable: true,
            plain: b"script",
            gzip: None,
            brotli: None,
        },
    ];

    fn get(path: &str, headers: &[(&'static str, &str)]) -> Response {
        ask(&Method::GET, path, headers)
    }

    fn ask(method: &Method, path: &str, headers: &[(&'static str, &str)]) -> Response {
        let value = |text: &str| http::HeaderValue::from_str(text).expect("a header");
        let headers =
            headers.iter().map(|(name, text)| (http::HeaderName::from_static(name), value(text)));
        serve(&FILES, method, path, &headers.collect())
    }

    fn encoding(accepted: &str) -> Option<String> {
        let response = get("/", &[("accept-encoding", accepted)]);
        let encoding = response.headers().get("content-encoding");
        encoding.map(|encoding| encoding.to_str().expect("text").to_owned())
    }

    #[test]
    fn the_shortest_encoding_that_the_client_reads_is_taken() {
        assert_eq!(encoding("gzip, deflate, br, zstd").as_deref(), Some("br"));
        assert_eq!(encoding("gzip").as_deref(), Some("gzip"));
        assert_eq!(encoding("br;q=0, gzip;q=0.5").as_deref(), Some("gzip"));
        assert_eq!(encoding("identity"), None);
        assert_eq!(encoding(""), None);
        let response = get("/assets/a-1.js", &[("accept-encoding", "br")]);
        assert!(response.headers().get("content-encoding").is_none());
        assert_eq!(response.headers()["content-length"], "6");
    }

    #[test]
    fn what_has_its_digest_in_its_name_is_kept_for_ever_and_the_rest_is_asked_for() {
        let cache = |path| get(path, &[]).headers()["cache-control"].clone();
        assert_eq!(cache("/"), "no-cache");
        assert!(cache("/assets/a-1.js").to_str().expect("text").contains("immutable"));
    }

    #[test]
    fn who_has_it_already_gets_no_body() {
        for tags in ["\"one\"", "W/\"one\"", "\"x\", \"one\"", "*"] {
            let response = get("/", &[("if-none-match", tags)]);
            assert_eq!(response.status(), 304, "{tags}");
            assert_eq!(response.headers()["etag"], "\"one\"");
        }
        assert_eq!(get("/", &[("if-none-match", "\"two\"")]).status(), 200);
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        let response = get("/", &[]);
        let policy = response.headers()["content-security-policy"].to_str().expect("text");
        assert!(policy.starts_with("default-src 'self';"), "{policy}");
        // The page compiles policies to try them. It evaluates no text, and no style is inline.
        assert!(!policy.contains("'unsafe-"), "{policy}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    }

    #[test]
    fn what_is_not_there_is_said_in_the_shape_of_the_api() {
        let response = get("/no\"where", &[]);
        assert_eq!(
            (response.status(), &response.headers()["content-type"]),
            (StatusCode::NOT_FOUND, &http::HeaderValue::from_static("application/json"),)
        );
        let response = ask(&Method::POST, "/", &[]);
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], "GET, HEAD");
    }

    #[test]
    fn head_has_the_length_and_no_body() {
        use http_body::Body as _;
        let response = ask(&Method::HEAD, "/", &[]);
        assert_eq!(response.headers()["content-length"], "5");
        assert!(response.body().is_end_stream());
    }
}
