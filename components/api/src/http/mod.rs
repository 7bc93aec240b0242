//! HTTP: what was asked, and how it is answered.

pub mod error;
pub mod format;
pub mod import;
pub mod list;
pub mod owner;
pub mod request;
pub mod response;
pub mod route;
pub mod sse;
pub mod stream;
