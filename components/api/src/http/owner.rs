//! Whose request it is.

use http::HeaderMap;

use super::error::ApiError;
use crate::limits;

/// The header by which Loci's host says whose request it is.
pub const OWNER_HEADER: &str = "x-loci-owner";

/// Whose request it is: what a host says that names its runs, since it takes the header away from
/// clients. Where there is no such host, anybody could write it, so it means nothing: all sessions
/// and documents are one owner's then.
///
/// Fails with 400 if the owner is no name of a key.
pub fn owner(headers: &HeaderMap, host_run: &str) -> Result<String, ApiError> {
    let Some(value) = headers.get(OWNER_HEADER).filter(|_| !host_run.is_empty()) else {
        return Ok(String::new());
    };
    match value.to_str() {
        Ok(owner) if owner.len() <= limits::OWNER_BYTES_MAX => Ok(owner.to_owned()),
        _ => Err(ApiError::new(400, "invalid_owner", "the request's owner is no name of a key")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_that_names_its_runs_says_whose_request_it_is() {
        let mut headers = HeaderMap::new();
        assert_eq!(owner(&headers, "run"), Ok(String::new()));
        headers.insert(OWNER_HEADER, "ada".parse().unwrap());
        assert_eq!(owner(&headers, "run"), Ok("ada".to_owned()));
        assert_eq!(owner(&headers, ""), Ok(String::new()));
        headers.insert(OWNER_HEADER, "x".repeat(65).parse().unwrap());
        assert_eq!(owner(&headers, "run").unwrap_err().status, 400);
    }
}
