//! How every end-to-end test starts.

use std::path::PathBuf;
use std::sync::OnceLock;

use loci_tests::server::Server;

/// The tiny model: random weights, an exact tokenizer, microseconds per token. Written once a run.
pub fn tiny_model() -> &'static str {
    static MODEL: OnceLock<(tempfile::TempDir, String)> = OnceLock::new();
    let (_, path) = MODEL.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path: PathBuf = folder.path().join("tiny.gguf");
        loci_tests::tiny_gguf::write(&path).expect("the tiny model can be written");
        let path = path.to_str().expect("a temporary path is UTF-8").to_owned();
        (folder, path)
    });
    path
}

/// A server with the tiny model and an empty database.
pub fn server() -> Server {
    Server::start(&["--model", tiny_model()]).expect("the server starts")
}
