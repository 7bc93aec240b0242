//! Models of a Hugging Face-compatible hub: `hf:owner/repository/file.gguf`.
//!
//! The hub says how long a file is and what its SHA-256 is; then it is fetched, in as many attempts
//! as it takes, and what was fetched stays until it is whole.

mod fetch;

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, ETAG, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response, StatusCode, Url, redirect};

pub use fetch::Progress;

/// The variable of the environment that holds the token.
pub const TOKEN: &str = "HF_TOKEN";

/// The longest name of a file on a hub, all of it, in bytes.
const REFERENCE_BYTES_MAX: usize = 1_024;

/// How long a connection may take to be made, and a server may be silent.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(20);
const SILENCE_TIME_MAX: Duration = Duration::from_secs(60);

/// How often the hub may send us to another address of its own.
const REDIRECTS_MAX: usize = 5;

/// A file on a hub.
#[derive(Debug, PartialEq)]
pub struct Reference {
    owner: String,
    repository: String,
    revision: String,
    file: String,
}

impl Reference {
    /// Reads `hf:owner/repository/file` or `hf:owner/repository@revision/file`. None if it does not
    /// begin with `hf:`.
    ///
    /// # Errors
    ///
    /// Fails with a sentence if a part is missing, or has characters that names do not have.
    pub fn parse(text: &str) -> Option<Result<Self, String>> {
        let rest = text.strip_prefix("hf:")?;
        let wrong = || {
            format!(
                "`{text}` is no file of a hub: it must be like `hf:OWNER/REPOSITORY/FILE.gguf` or \
                 `hf:OWNER/REPOSITORY@REVISION/FILE.gguf`"
            )
        };
        let mut parts = rest.splitn(3, '/');
        let (owner, repository, file) = (parts.next(), parts.next(), parts.next());
        let (Some(owner), Some(repository), Some(file)) = (owner, repository, file) else {
            return Some(Err(wrong()));
        };
        let (repository, revision) = repository.split_once('@').unwrap_or((repository, "main"));
        let parts = [owner, repository, revision].into_iter().chain(file.split('/'));
        let sound = |part: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+ ".contains(&byte);
            !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain)
        };
        let is_sound = rest.len() <= REFERENCE_BYTES_MAX && parts.into_iter().all(sound);
        if !is_sound || !file.ends_with(".gguf") {
            return Some(Err(wrong()));
        }
        Some(Ok(Self {
            owner: owner.to_owned(),
            repository: repository.to_owned(),
            revision: revision.to_owned(),
            file: file.to_owned(),
        }))
    }

    /// The name of the file alone.
    pub fn file_name(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or(&self.file)
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "hf:{}/{}@{}/{}", self.owner, self.repository, self.revision, self.file)
    }
}

/// A hub, and who asks it.
pub struct Hub {
    base: Url,
    token: Option<HeaderValue>,
    /// Follows no redirect: the answer itself is what tells.
    asking: Client,
    /// Follows them; the token goes to no other server.
    fetching: Client,
}

/// What a hub says of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    url: Url,
    /// Names this version of the file.
    tag: String,
    /// Its length, in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal digits, where the hub knows it.
    pub sha256: Option<String>,
}

impl Hub {
    /// The hub at `endpoint`, asked with this token.
    ///
    /// # Errors
    ///
    /// Fails with a sentence if the URL is none, or the token cannot be sent.
    pub fn new(endpoint: &str, token: Option<&str>) -> Result<Self, String> {
        let wrong = || format!("`{endpoint}` is no URL of a hub: it must be like `https://host`");
        let mut base = Url::parse(endpoint).map_err(|_| wrong())?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(wrong());
        }
        base.set_path(base.path().trim_end_matches('/').to_owned().as_str());
        let token = token.map(|token| {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim()))
                .map_err(|_| format!("`{TOKEN}` may hold visible ASCII characters only"))?;
            value.set_sensitive(true);
            Ok::<_, String>(value)
        });
        // A client that was made before has set it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = |policy| {
            let builder = Client::builder()
                .user_agent(concat!("loci/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT_TIME_MAX)
                .read_timeout(SILENCE_TIME_MAX)
                .redirect(policy);
            builder.build().map_err(|error| chain(&error))
        };
        Ok(Self {
            base,
            token: token.transpose()?,
            asking: client(redirect::Policy::none())?,
            fetching: client(redirect::Policy::limited(REDIRECTS_MAX))?,
        })
    }

    /// Asks what there is to know of a file.
    ///
    /// # Errors
    ///
    /// Fails with a sentence if the hub cannot be reached, has no such file, or does not give it to
    /// us.
    pub async fn ask(&self, file: &Reference) -> Result<Facts, String> {
        let mut url = self.url(file)?;
        for _ in 0..=REDIRECTS_MAX {
            let answer =
                self.send(&self.asking, Method::HEAD, url.clone(), HeaderMap::new()).await?;
            let location = text(answer.headers(), LOCATION.as_str());
            let moved = location.and_then(|location| url.join(&location).ok());
            // A file that was moved within the hub, unlike one that lies on another server.
            if let Some(moved) = moved
                && answer.status().is_redirection()
                && !answer.headers().contains_key("x-linked-etag")
                && moved.origin() == url.origin()
            {
                url = moved;
                continue;
            }
            if !answer.status().is_redirection() {
                refuse(&answer, file)?;
            }
            return facts(url, answer.headers())
                .ok_or_else(|| format!("the hub does not say how long `{file}` is"));
        }
        Err(format!("the hub sends us in circles for `{file}`"))
    }

    fn url(&self, file: &Reference) -> Result<Url, String> {
        let mut url = self.base.clone();
        let mut path =
            url.path_segments_mut().map_err(|()| format!("`{}` has no path", self.base))?;
        path.pop_if_empty();
        path.extend([&file.owner, &file.repository, "resolve", &file.revision]);
        path.extend(file.file.split('/'));
        drop(path);
        Ok(url)
    }

    async fn send(
        &self,
        client: &Client,
        method: Method,
        url: Url,
        mut headers: HeaderMap,
    ) -> Result<Response, String> {
        if let Some(token) = &self.token
            && url.origin() == self.base.origin()
        {
            headers.insert(AUTHORIZATION, token.clone());
        }
        let sent = client.request(method, url).headers(headers).send().await;
        sent.map_err(|error| format!("the hub cannot be reached: {}", chain(&error)))
    }
}

/// Fails with a sentence if the hub said no.
fn refuse(answer: &Response, file: &Reference) -> Result<(), String> {
    Err(match answer.status() {
        status if status.is_success() => return Ok(()),
        StatusCode::NOT_FOUND => format!("the hub has no file `{file}`"),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => format!(
            "the hub does not give `{file}` to everyone: set `{TOKEN}` to a token that may read \
             it, and accept its licence on the hub if it asks for that"
        ),
        StatusCode::TOO_MANY_REQUESTS => "the hub has had too many requests; try later".to_owned(),
        status => format!("the hub answered with status {} for `{file}`", status.as_u16()),
    })
}

fn facts(url: Url, headers: &HeaderMap) -> Option<Facts> {
    let tag = text(headers, "x-linked-etag").or_else(|| text(headers, ETAG.as_str()))?;
    let tag = tag.trim_start_matches("W/").trim_matches('"').to_ascii_lowercase();
    let bytes =
        text(headers, "x-linked-size").or_else(|| text(headers, CONTENT_LENGTH.as_str()))?;
    let is_sha256 = tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some(Facts { url, bytes: bytes.parse().ok()?, sha256: is_sha256.then(|| tag.clone()), tag })
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// An error with its causes: the first alone says little. It names no header, so no token.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests;
