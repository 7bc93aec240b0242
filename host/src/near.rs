//! Whether a name leads to this machine, without asking anybody: what a resolver says of any other
//! name may be another thing tomorrow.

use std::net::IpAddr;

/// Whether an authority (`HOST` or `HOST:PORT`) is on this machine: `localhost` or a loopback
/// address.
pub fn is_this_machine(authority: &str) -> bool {
    let has_port = authority.rfind(':').is_some_and(|at| !authority[at..].contains(']'));
    let host = if has_port { authority.rsplit_once(':').map_or("", |it| it.0) } else { authority };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_names() {
        for near in ["localhost:1", "LocalHost", "127.0.0.1:80", "127.9.9.9", "[::1]:80", "[::1]"] {
            assert!(is_this_machine(near), "{near}");
        }
        for far in ["example.org", "10.0.0.1:80", "localhost.example.org", "[fe80::1]:1", "", ":"] {
            assert!(!is_this_machine(far), "{far}");
        }
    }
}
