//! What cannot be loaded, and what a person is told then.

use super::*;
use loci_tests::tiny_gguf::Weights;

fn written(gguf: &TinyGguf) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.gguf");
    gguf.write(&path).expect("it can be written");
    (folder, path)
}

#[test]
fn a_file_that_is_no_model_is_named_with_what_is_wrong() {
    let (folder, path) = written(&TinyGguf::chat());
    let missing = folder.path().join("missing.gguf");
    assert!(refusal(&missing).starts_with("there is no file `"));
    let text = folder.path().join("text.gguf");
    std::fs::write(&text, "GGML? no").expect("it can be written");
    assert!(refusal(&text).ends_with("is not a GGUF file"));
    assert!(refusal(folder.path()).ends_with("is not a GGUF file"));

    let whole = std::fs::read(&path).expect("it can be read");
    let cut = folder.path().join("cut.gguf");
    std::fs::write(&cut, &whole[..whole.len() - 40_000]).expect("it can be written");
    let reason = refusal(&cut);
    assert!(reason.contains("is cut off") && reason.contains("download it again"), "{reason}");
    for length in [4, 20, 300, 2_000] {
        std::fs::write(&cut, &whole[..length]).expect("it can be written");
        let reason = refusal(&cut);
        assert!(reason.contains("is not a usable GGUF file"), "{length}: {reason}");
    }
}

#[test]
fn a_model_of_another_kind_is_refused_by_name() {
    let (_folder, path) = written(&TinyGguf::embedding());
    let reason = refusal(&path);
    assert!(reason.contains("is an embedding model"), "{reason}");
    let odd = TinyGguf { architecture: "no-such".into(), ..TinyGguf::chat() };
    let (_folder, path) = written(&odd);
    let reason = refusal(&path);
    assert!(reason.contains("cannot be loaded") && reason.contains("no-such"), "{reason}");
}

#[test]
fn a_context_that_the_model_does_not_know_is_refused() {
    let (_folder, path) = written(&TinyGguf { context: 512, ..TinyGguf::chat() });
    let chat = LlamaChat::load(path.clone(), sized(513));
    let State::Failed(reason) = settle(&chat) else { panic!("it was loaded") };
    assert!(reason.contains("513") && reason.contains("512"), "{reason}");
    let error = run(chat.count(vec!["a".into()])).err();
    assert_eq!(error, Some(ModelError::LoadFailed));
    assert_eq!(settle(&LlamaChat::load(path, Setup::default())), State::Ready);
}

#[test]
fn a_context_for_which_there_is_no_memory_is_refused() {
    // 64 TB of state for one conversation.
    let context = 1 << 30;
    let huge = TinyGguf { context, layers: 128, ..TinyGguf::chat() };
    let (_folder, path) = written(&huge);
    let State::Failed(reason) = settle(&LlamaChat::load(path, sized(context))) else {
        panic!("it was loaded")
    };
    assert!(reason.contains("MB are free"), "{reason}");
}

#[test]
fn a_file_that_breaks_the_loader_is_a_failure_and_not_the_end() {
    // More tokens of context than llama.cpp's own type for them holds.
    let (_folder, path) = written(&TinyGguf { context: u32::MAX, ..TinyGguf::chat() });
    let reason = refusal(&path);
    assert!(reason.contains("panicked"), "{reason}");
}

#[test]
fn a_digest_names_one_model() {
    let (_folder, first) = written(&TinyGguf::chat());
    let (_folder, again) = written(&TinyGguf::chat());
    let weights = Weights::Random { seed: 2 };
    let (_folder, other) = written(&TinyGguf { weights, ..TinyGguf::chat() });
    let (_folder, template) = written(&TinyGguf { template: None, ..TinyGguf::chat() });
    let digest = |path: &Path| GgufFile::open(path).expect("it is a model").digest;
    assert_eq!(digest(&first), digest(&again));
    assert_ne!(digest(&first), digest(&other));
    assert_ne!(digest(&first), digest(&template));
    assert_eq!(digest(&first).len(), 64);
}
