//! Which component answers which path, by the rules of Spin: `/a/b` is exact, `/a/...` is `/a` and
//! all below it, and `:name` stands for any one segment. The more exact route wins: segment by
//! segment, a word goes before a name, and a name before the rest of the path.

use std::cmp::Ordering;

use anyhow::{Result, ensure};

/// The most segments of a route.
const SEGMENTS_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    // In the order of precedence.
    Word(String),
    Name,
    Rest,
}

/// Routes, each with what it leads to.
#[derive(Debug)]
pub struct Routes<T> {
    /// The more exact ones first.
    routes: Vec<(Vec<Segment>, T)>,
}

impl<T> Routes<T> {
    /// Orders routes.
    ///
    /// # Errors
    ///
    /// Fails if a route has more than 64 segments, or if two match the same paths.
    pub fn new(routes: impl IntoIterator<Item = (String, T)>) -> Result<Self> {
        let mut parsed: Vec<(Vec<Segment>, T)> = Vec::new();
        for (route, target) in routes {
            let segments = parse(&route)?;
            ensure!(
                !parsed.iter().any(|(other, _)| *other == segments),
                "route `{route}` matches the same paths as another route"
            );
            parsed.push((segments, target));
        }
        parsed.sort_by(|(one, _), (other, _)| precedence(one, other));
        Ok(Self { routes: parsed })
    }

    /// Finds what a path leads to.
    pub fn find(&self, path: &str) -> Option<&T> {
        let found = self.routes.iter().find(|(segments, _)| matches(segments, path));
        found.map(|(_, target)| target)
    }
}

fn parse(route: &str) -> Result<Vec<Segment>> {
    let segments: Vec<&str> = split(route).collect();
    ensure!(
        segments.len() <= SEGMENTS_MAX,
        "route `{route}` has {} segments, and at most {SEGMENTS_MAX} are allowed",
        segments.len()
    );
    let last = segments.len().saturating_sub(1);
    let parse = |(at, segment): (usize, &&str)| match *segment {
        "..." | "*" if at == last => Segment::Rest,
        name if name.starts_with(':') => Segment::Name,
        word => Segment::Word(word.to_owned()),
    };
    Ok(segments.iter().enumerate().map(parse).collect())
}

/// The segments of a path. A `/` at its end does not matter.
fn split(path: &str) -> impl Iterator<Item = &str> {
    path.trim_matches('/').split('/').filter(|segment| !segment.is_empty())
}

/// Whether a path is `folder` or below it.
pub fn is_below(folder: &str, path: &str) -> bool {
    let mut path = split(path);
    split(folder).all(|segment| path.next() == Some(segment))
}

/// What stands in a path for each `:name` of the route that it matches.
pub fn names(route: &'static str, path: &str) -> Vec<(&'static str, String)> {
    let name = |(segment, value): (&'static str, &str)| {
        segment.strip_prefix(':').map(|name| (name, value.to_owned()))
    };
    split(route).zip(split(path)).filter_map(name).collect()
}

fn precedence(one: &[Segment], other: &[Segment]) -> Ordering {
    for (one, other) in one.iter().zip(other) {
        match one.cmp(other) {
            Ordering::Equal => {}
            order => return order,
        }
    }
    other.len().cmp(&one.len())
}

fn matches(segments: &[Segment], path: &str) -> bool {
    let mut path = split(path);
    for segment in segments {
        match segment {
            Segment::Rest => return true,
            Segment::Word(word) if path.next() == Some(word) => {}
            Segment::Name if path.next().is_some() => {}
            _ => return false,
        }
    }
    path.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(routes: &[&str], path: &str) -> Option<String> {
        let routes = routes.iter().map(|route| ((*route).to_owned(), (*route).to_owned()));
        Routes::new(routes).expect("routes").find(path).cloned()
    }

    #[test]
    fn the_more_exact_route_wins() {
        let routes = ["/...", "/api/...", "/api/v1/sessions/:id", "/api/v1/sessions/new", "/:any"];
        for (path, route) in [
            ("/", "/..."),
            ("/x/y", "/..."),
            ("/x", "/:any"),
            ("/api", "/api/..."),
            ("/api/", "/api/..."),
            ("/api/v1/sessions/7", "/api/v1/sessions/:id"),
            ("/api/v1/sessions/new", "/api/v1/sessions/new"),
            ("/api/v1/sessions/7/messages", "/api/..."),
            ("/apis/v1", "/..."),
        ] {
            assert_eq!(find(&routes, path).as_deref(), Some(route), "{path}");
        }
    }

    #[test]
    fn a_path_without_a_route_leads_nowhere() {
        assert_eq!(find(&["/api/..."], "/"), None);
        assert_eq!(find(&["/health"], "/health/x"), None);
        assert_eq!(find(&["/a/:b"], "/a"), None);
        assert_eq!(find(&["/health"], "/health").as_deref(), Some("/health"));
        assert_eq!(find(&["/"], "/").as_deref(), Some("/"));
    }

    #[test]
    fn a_folder_has_what_is_below_it() {
        for path in ["/a/b", "/a/b/", "/a//b/c", "//a/b//c"] {
            assert!(is_below("/a/b", path), "{path}");
        }
        for path in ["/", "/a", "/a/bc", "/b/a/b"] {
            assert!(!is_below("/a/b", path), "{path}");
        }
    }

    #[test]
    fn routes_that_mean_the_same_are_refused() {
        for routes in [["/a/:b", "/a/:c"], ["/a/*", "/a/..."]] {
            let routes = routes.map(|route| (route.to_owned(), ()));
            assert!(Routes::new(routes).is_err());
        }
    }
}
