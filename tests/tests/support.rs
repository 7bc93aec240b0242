//! How every end-to-end test starts.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use loci_tests::server::Server;
use loci_tests::tiny_gguf::TinyGguf;

/// A written model, for as long as the tests run.
struct Model {
    _folder: tempfile::TempDir,
    path: String,
}

impl Model {
    fn write(model: &TinyGguf) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("model.gguf");
        model.write(&path).expect("the model can be written");
        let path = path.to_str().expect("a temporary path is UTF-8").to_owned();
        Self { _folder: folder, path }
    }
}

/// The tiny model: random weights, one token per byte, microseconds per token.
pub fn tiny_model() -> &'static str {
    static MODEL: OnceLock<Model> = OnceLock::new();
    // As many tokens as bytes: 40 turns and what is recalled need more than a tiny context.
    let model = || Model::write(&TinyGguf { context: 16_384, ..TinyGguf::chat() });
    &MODEL.get_or_init(model).path
}

/// A model that takes milliseconds for a token and hardly ever ends by itself: what is broken off
/// is broken off in the middle.
pub fn slow_model() -> &'static str {
    static MODEL: OnceLock<Model> = OnceLock::new();
    &MODEL.get_or_init(|| Model::write(&TinyGguf::bench_25m())).path
}

/// A server with the tiny model and an empty database.
pub fn server() -> Server {
    Server::start(&["--model", tiny_model()]).expect("the server starts")
}

/// A server with the slow model and an empty database.
pub fn slow_server() -> Server {
    Server::start(&["--model", slow_model()]).expect("the server starts")
}

/// Ends those who talk, whatever happens here: a failure must not leave them talking for ever.
pub struct EndsOnDrop<'a>(pub &'a AtomicBool);

impl Drop for EndsOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
