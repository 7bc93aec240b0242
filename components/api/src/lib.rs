//! The HTTP API: parses, orchestrates a turn, answers.

pub mod answer;
pub mod bindings;
pub mod carry;
pub mod db;
pub mod describe;
pub mod documents;
pub mod draft;
pub mod generation;
pub mod http;
pub mod index;
pub mod limits;
pub mod measure;
pub mod ollama;
pub mod openai;
pub mod settings;
pub mod status;
pub mod terms;
pub mod time;
pub mod turn;

/// The component. Not for native tests: they have no host to export to.
#[cfg(target_family = "wasm")]
#[spin_sdk::http_service]
async fn handle(request: spin_sdk::http::Request) -> http::response::Response {
    answer::answer(request).await
}
