//! Where a server is.

/// Where an OpenAI-compatible server has its API, unless the URL has a path of its own.
const BASE_PATH: &str = "/v1";

/// A server's address, from a URL like `http://host:port` or `https://host/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// TLS or not.
    pub https: bool,
    /// Host and port.
    pub authority: String,
    /// What stands before `/chat/completions`: empty, or beginning with a slash.
    pub path: String,
}

impl Base {
    /// Reads a URL. None if it is not one of a server: another scheme, no host, a user, a query.
    pub fn parse(url: &str) -> Option<Self> {
        let (https, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return None,
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let is_plain =
            |text: &str| text.chars().all(|c| c.is_ascii_graphic() && !"?#@\\".contains(c));
        if authority.is_empty() || !is_plain(authority) || !is_plain(path) {
            return None;
        }
        let path = match path.trim_end_matches('/') {
            "" => BASE_PATH,
            path => path,
        };
        Some(Self { https, authority: authority.to_string(), path: path.to_string() })
    }

    /// The whole URL of a path below it, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}{}{path}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_told_by_its_url() {
        let plain = Base::parse("http://127.0.0.1:8080").expect("it is a server");
        assert_eq!((plain.https, plain.authority.as_str()), (false, "127.0.0.1:8080"));
        assert_eq!(plain.url("/models"), "http://127.0.0.1:8080/v1/models");
        let path = |url| Base::parse(url).expect("it is a server").path;
        assert_eq!(path("https://example.org/"), "/v1");
        assert_eq!(path("https://example.org/api/v3/"), "/api/v3");
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused() {
        for url in ["h:80", "ftp://h", "http://", "http://u:p@h", "http://h/v1?x", "http://h\n"] {
            assert_eq!(Base::parse(url), None, "{url}");
        }
    }
}
