//! A hub that is a server of this test: it sends on to a second one, as hubs do, and breaks off as
//! often as it is told.

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::StreamExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use wasmtime_wasi_http::io::TokioIo;

use super::*;

/// What the hub holds, and how it behaves.
#[derive(Clone)]
struct Stand {
    content: Bytes,
    /// What it says that the content's SHA-256 is.
    tag: String,
    /// The token that it wants to see.
    token: Option<&'static str>,
    /// After how many bytes each of the next answers breaks off.
    breaks: Arc<Mutex<Vec<usize>>>,
    /// Whether the second server can go on in the middle.
    ranges: bool,
    /// Method, path, and whether a token came along and which range was asked for.
    seen: Arc<Mutex<Vec<Seen>>>,
}

type Seen = (String, bool, Option<String>);

impl Stand {
    fn new(content: &[u8]) -> Self {
        Self {
            content: Bytes::copy_from_slice(content),
            tag: hex(content),
            token: None,
            breaks: Arc::default(),
            ranges: true,
            seen: Arc::default(),
        }
    }

    /// Starts both servers, and returns the address of the first.
    async fn start(&self) -> String {
        let second = serve(self.clone(), String::new()).await;
        serve(self.clone(), second).await
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn hex(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn serve(stand: Stand, sends_to: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (stand, sends_to) = (stand.clone(), sends_to.clone());
            let service = service_fn(move |request| {
                let answer = answer(&stand, &sends_to, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

type Answer = http::Response<UnsyncBoxBody<Bytes, std::io::Error>>;

fn answer(stand: &Stand, sends_to: &str, request: &http::Request<Incoming>) -> Answer {
    let headers = request.headers();
    let token = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let range = headers.get("range").map(|value| value.to_str().unwrap().to_owned());
    let what = format!("{} {}", request.method(), request.uri().path());
    stand.seen.lock().unwrap().push((what, token.is_some(), range.clone()));
    let response = http::Response::builder();
    let empty = || Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync();
    if !sends_to.is_empty() {
        if stand.token.is_some_and(|wanted| token != Some(format!("Bearer {wanted}"))) {
            return response.status(401).body(empty()).unwrap();
        }
        if request.uri().path() != "/own/er-2/resolve/main/sub/m.gguf" {
            return response.status(404).body(empty()).unwrap();
        }
        return response
            .status(302)
            .header("location", format!("{sends_to}/blob"))
            .header("x-linked-etag", format!("\"{}\"", stand.tag))
            .header("x-linked-size", stand.content.len())
            .body(empty())
            .unwrap();
    }
    let start = range.filter(|_| stand.ranges).map_or(0, |range| {
        range.strip_prefix("bytes=").unwrap().trim_end_matches('-').parse().unwrap()
    });
    let rest = stand.content.slice(start..);
    let length = rest.len();
    let mut breaks = stand.breaks.lock().unwrap();
    let sent = if breaks.is_empty() { length } else { breaks.remove(0).min(length) };
    let broken = (sent < length).then(|| Err(std::io::Error::other("broken off")));
    let frames = [Ok(Frame::data(rest.slice(..sent)))].into_iter().chain(broken);
    // In between, what came before is sent.
    let frames = futures::stream::iter(frames).then(|frame| async {
        tokio::task::yield_now().await;
        frame
    });
    let body = StreamBody::new(frames).boxed_unsync();
    let total = stand.content.len();
    let response = response.header("content-length", length);
    let response = match start {
        0 => response.status(200),
        _ => response
            .status(206)
            .header("content-range", format!("bytes {start}-{}/{total}", total - 1)),
    };
    response.body(body).unwrap()
}

/// Shows nothing, and counts the attempts that failed.
#[derive(Default)]
struct Quiet(Mutex<u32>);

impl Progress for Quiet {
    fn at(&self, _: u64) {}
    fn again(&self, _: &str) {
        *self.0.lock().unwrap() += 1;
    }
    fn checking(&self) {}
}

fn reference() -> Reference {
    Reference::parse("hf:own/er-2/sub/m.gguf").unwrap().unwrap()
}

async fn fetch(address: &str, token: Option<&str>, folder: &Path) -> Result<Vec<u8>, String> {
    let hub = Hub::new(address, token)?;
    let facts = hub.ask(&reference()).await?;
    let path = hub.fetch(&reference(), &facts, folder, &Quiet::default()).await?;
    Ok(std::fs::read(path).unwrap())
}

fn content() -> Vec<u8> {
    (0..100_000_u32).flat_map(u32::to_le_bytes).collect()
}

#[test]
fn a_reference_has_an_owner_a_repository_and_a_file() {
    let parsed = Reference::parse("hf:a/b@v1.0/c/d.gguf").unwrap().unwrap();
    assert_eq!(parsed.to_string(), "hf:a/b@v1.0/c/d.gguf");
    assert_eq!((parsed.file_name(), reference().revision.as_str()), ("d.gguf", "main"));
    assert!(Reference::parse("a/b/c.gguf").is_none());
    for wrong in [
        "hf:a/b",
        "hf:a/b/c.bin",
        "hf:a//c.gguf",
        "hf:a/../c.gguf",
        "hf:a/b/../../c.gguf",
        "hf:a/b@/c.gguf",
        "hf:a/b/c?x=.gguf",
    ] {
        let error = Reference::parse(wrong).unwrap().unwrap_err();
        assert!(error.contains("OWNER/REPOSITORY"), "{error}");
    }
}

#[tokio::test]
async fn a_file_is_fetched_from_where_the_hub_says_and_the_token_stays_with_the_hub() {
    let stand = Stand { token: Some("secret"), ..Stand::new(&content()) };
    let address = stand.start().await;
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(fetch(&address, Some("secret"), folder.path()).await.unwrap(), content());
    let path = "/own/er-2/resolve/main/sub/m.gguf";
    let seen = stand.seen();
    let expected = [
        (format!("HEAD {path}"), true),
        (format!("GET {path}"), true),
        ("GET /blob".into(), false),
    ];
    assert_eq!(
        seen.into_iter().map(|(what, token, _)| (what, token)).collect::<Vec<_>>(),
        expected
    );
    let error = fetch(&address, None, folder.path()).await.unwrap_err();
    assert!(error.contains("`HF_TOKEN`") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn what_breaks_off_goes_on_where_it_was() {
    let stand = Stand::new(&content());
    *stand.breaks.lock().unwrap() = vec![150_000, 50_000];
    let address = stand.start().await;
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(fetch(&address, None, folder.path()).await.unwrap(), content());
    let ranges: Vec<_> = stand.seen().into_iter().filter_map(|(_, _, range)| range).collect();
    // Asked of the hub, and of the server that it sends on to. How much of a broken answer came
    // through is up to the network.
    assert!(ranges.len() >= 2, "{ranges:?}");
    assert!(ranges.iter().all(|range| range != "bytes=0-"), "{ranges:?}");
}

#[tokio::test]
async fn a_later_call_goes_on_and_a_server_without_ranges_begins_anew() {
    for ranges in [true, false] {
        let stand = Stand { ranges, ..Stand::new(&content()) };
        let address = stand.start().await;
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::new(&address, None).unwrap();
        let facts = hub.ask(&reference()).await.unwrap();
        let path = hub.fetch(&reference(), &facts, folder.path(), &Quiet::default()).await.unwrap();
        std::fs::write(&path, &content()[..100_000]).unwrap();
        let again =
            hub.fetch(&reference(), &facts, folder.path(), &Quiet::default()).await.unwrap();
        assert_eq!((std::fs::read(&again).unwrap(), &again), (content(), &path));
        let asked = stand.seen().last().unwrap().2.clone();
        assert_eq!(asked.as_deref(), Some("bytes=100000-"));
    }
}

#[tokio::test]
async fn what_is_not_what_was_promised_is_thrown_away() {
    let stand = Stand { tag: hex(b"something else"), ..Stand::new(&content()) };
    let address = stand.start().await;
    let folder = tempfile::tempdir().unwrap();
    let error = fetch(&address, None, folder.path()).await.unwrap_err();
    assert!(error.contains("SHA-256") && error.contains("try again"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let stand = Stand::new(b"x");
    let address = stand.start().await;
    let hub = Hub::new(&address, None).unwrap();
    let other = Reference::parse("hf:own/er-2/other.gguf").unwrap().unwrap();
    let error = hub.ask(&other).await.unwrap_err();
    assert!(error.contains("`hf:own/er-2@main/other.gguf`"), "{error}");
    let nobody = Hub::new("http://127.0.0.1:1", None).unwrap();
    assert!(nobody.ask(&other).await.unwrap_err().contains("cannot be reached"));
    assert!(Hub::new("ftp://host", None).is_err());
}
