//! What a web page of somebody else's could have a browser ask of a server that wants no key: such
//! requests come from this machine too, so where they come from says nothing.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, StatusCode, header};

use crate::near::is_this_machine;
use crate::serve::admin::Refusal;

/// What browsers say of the page that asks. No page can set it.
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a request that a page of another site sent, or that came by a name which its owner may
/// have made to lead here. `listen`: where this server is.
///
/// # Errors
///
/// Fails with 403 if `Host` is not this machine, or if a browser says that the page is not ours.
pub fn refuse(headers: &HeaderMap, listen: SocketAddr) -> Result<(), Refusal> {
    let hosts = || headers.get_all(header::HOST).iter().map(|host| host.to_str());
    // Without the header it is no browser.
    if !hosts().all(|host| host.is_ok_and(is_this_machine)) {
        return Err(refusal("foreign_host", "must come to an address of this machine", listen));
    }
    let is_ours = match (headers.get(SITE), headers.get(header::ORIGIN)) {
        // By its address bar, or of a page that came from here, by a proxy or without one.
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, None) => true,
        // An older browser.
        (None, Some(origin)) => {
            let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            let host = hosts().next().and_then(Result::ok);
            matches!((origin, host), (Some((_, origin)), Some(host)) if origin == host)
        }
    };
    if is_ours {
        return Ok(());
    }
    Err(refusal("foreign_origin", "must not come from a page of another site", listen))
}

fn refusal(code: &'static str, what: &str, listen: SocketAddr) -> Refusal {
    let message = format!(
        "a request without an API key {what}: open or ask `http://{listen}` itself, or make a key \
         with `loci keys add NAME` and send it as `Authorization: Bearer KEY`"
    );
    Refusal::new(StatusCode::FORBIDDEN, code, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn answer(said: &[(&'static str, &'static str)]) -> Result<(), &'static str> {
        let header = |&(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut headers = HeaderMap::new();
        headers.extend(said.iter().map(header));
        let listen = "127.0.0.1:3000".parse().expect("an address");
        refuse(&headers, listen).map_err(|refusal| {
            assert_eq!(refusal.status, 403);
            assert!(refusal.message.contains("http://127.0.0.1:3000"), "{}", refusal.message);
            assert!(refusal.message.contains("loci keys add"), "{}", refusal.message);
            refusal.code
        })
    }

    #[test]
    fn programs_and_the_own_page_are_let_in() {
        for host in ["127.0.0.1:3000", "localhost:3000", "localhost", "[::1]:3000", "127.0.0.2:1"] {
            assert_eq!(answer(&[("host", host)]), Ok(()), "{host}");
            for site in ["same-origin", "none"] {
                // A proxy in development: the page's own address is another.
                let page = ("origin", "http://localhost:5173");
                assert_eq!(answer(&[("host", host), page, ("sec-fetch-site", site)]), Ok(()));
            }
        }
        let own = [("host", "localhost:3000"), ("origin", "http://localhost:3000")];
        assert_eq!(answer(&own), Ok(()));
        assert_eq!(answer(&[]), Ok(()));
    }

    #[test]
    fn a_name_that_only_leads_here_is_refused() {
        for host in ["evil.example:3000", "localhost.evil.example", "10.0.0.7:3000", "0.0.0.0"] {
            let own = format!("http://{host}");
            let origin: &'static str = own.leak();
            for more in [&[][..], &[("origin", origin)], &[("sec-fetch-site", "same-origin")]] {
                let all = [&[("host", host)], more].concat();
                assert_eq!(answer(&all), Err("foreign_host"), "{all:?}");
            }
        }
        let two = [("host", "localhost:3000"), ("host", "evil.example")];
        assert_eq!(answer(&two), Err("foreign_host"));
    }

    #[test]
    fn a_page_of_another_site_is_refused() {
        let here = ("host", "127.0.0.1:3000");
        for more in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:8000")],
            &[("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:3000")],
            &[("origin", "http://evil.example")],
            &[("origin", "http://127.0.0.1:8000")],
            &[("origin", "http://localhost:3000")],
            &[("origin", "null")],
        ] {
            let all = [&[here], more].concat();
            assert_eq!(answer(&all), Err("foreign_origin"), "{all:?}");
        }
    }
}
