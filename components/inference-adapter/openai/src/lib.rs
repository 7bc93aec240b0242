//! What is said to an OpenAI-compatible server, and what it says. No input, no output: the adapter
//! for stock Spin brings the bytes there through `wasi:http`, Loci's own host over its own sockets.

mod base;
mod broken;
pub mod estimate;
mod events;
mod fault;
mod marks;
mod reply;
mod request;
mod retry;
mod stops;

pub use base::Base;
pub use broken::Broken;
pub use events::Events;
pub use fault::{error_code, unreadable};
pub use marks::{BEGIN as THOUGHT_BEGIN, Marks};
pub use reply::{Ended, Finish, Reply, Said};
pub use request::{Call, Dialect, Message, Options, Prompt, Role, call};
pub use retry::{RETRY_MS, RETRY_MS_MAX, retry_ms};
pub use stops::{Passed, Stops};
