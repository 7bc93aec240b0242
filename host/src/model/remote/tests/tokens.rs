//! Measuring: by the model's tokenizer where its file is named, by an estimate where it is not.

use super::*;

/// A tokenizer that splits at spaces and has a token for each word of one text.
const TOKENIZER: &str = r#"{
    "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
    "post_processor": null, "decoder": null,
    "added_tokens": [{"id": 4, "content": "<|end|>", "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false, "special": true}],
    "pre_tokenizer": {"type": "Split", "pattern": {"Regex": " ?[a-z]+|."}, "behavior": "Isolated",
        "invert": false},
    "model": {"type": "WordLevel", "unk_token": "?",
        "vocab": {"?": 0, "blue": 1, " cup": 2, " board": 3}}
}"#;

fn file(content: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tokenizer.json");
    std::fs::write(&path, content).expect("a file");
    (folder, path)
}

#[test]
fn the_models_own_tokenizer_counts_and_cuts() {
    run(async {
        let server = StandIn::start(|_| Answer::says("Yes")).expect("a server");
        let (_folder, path) = file(TOKENIZER);
        let chat = chat_of(endpoint(&server.url(), PATIENCE), Some(path)).await;
        let counts = chat.count(vec!["blue cup board".into(), String::new()]).await;
        assert_eq!(counts, Ok(vec![3, 0]));
        let counts = chat.count(vec!["<|end|>".into()]).await.expect("counts");
        assert!(counts[0] > 1, "what looks like a control token is text: {counts:?}");
        let clip = async |side| chat.clip("blue cup board".into(), 2, side).await.expect("a span");
        let beginning = clip(Side::Beginning).await;
        assert_eq!((beginning.start, beginning.end), (0, 8));
        let end = clip(Side::End).await;
        assert_eq!(end.end, 14);
        assert!((4..=5).contains(&end.start), "{end:?}");
        let estimated = super::chat(&server).await;
        assert_ne!(chat.status().digest, estimated.status().digest);
    });
}

/// As a hub hands it out; `<|end|>` is a token of the tokenizer above.
const CONFIG: &str = r#"{
    "chat_template": [{"name": "tools", "template": "{{ 1 / 0 }}"}, {"name": "default", "template":
        "{{ bos_token }}{% for m in messages %}blue {{ m['content'] }}<|end|>{% endfor %} board"}],
    "bos_token": {"content": "<|end|>", "lstrip": false}, "eos_token": null
}"#;

#[test]
fn the_template_beside_the_tokenizer_is_counted_too() {
    run(async {
        let server = StandIn::start(|_| Answer::says("Yes")).expect("a server");
        let (folder, path) = file(TOKENIZER);
        let chat = chat_of(endpoint(&server.url(), PATIENCE), Some(path.clone())).await;
        assert!(!chat.status().exact_counts, "the template is not known");
        assert_eq!(chat.frame(vec![Role::User]).await, Ok(vec![8, 48]));

        std::fs::write(folder.path().join("tokenizer_config.json"), CONFIG).expect("a file");
        let framed = chat_of(endpoint(&server.url(), PATIENCE), Some(path.clone())).await;
        assert!(framed.status().exact_counts);
        assert_ne!(framed.status().digest, chat.status().digest);
        // The beginning, "blue" and a space; then the end, again "blue" and a space; then the end
        // and " board".
        let frame = framed.frame(vec![Role::User, Role::Assistant]).await;
        assert_eq!(frame, Ok(vec![3, 3, 2]));
        assert_eq!(framed.frame(Vec::new()).await, Ok(vec![1]));

        let jinja = folder.path().join("chat_template.jinja");
        std::fs::write(&jinja, "{{ messages[0]['content'] }}blue").expect("a file");
        let other = chat_of(endpoint(&server.url(), PATIENCE), Some(path)).await;
        assert_eq!(other.frame(vec![Role::User]).await, Ok(vec![0, 1]));
    });
}

#[test]
fn a_tokenizer_that_cannot_be_read_is_a_model_that_failed() {
    run(async {
        let server = StandIn::start(|_| Answer::says("Yes")).expect("a server");
        let (_folder, path) = file("{\"model\":");
        let chat = RemoteChat::connect(endpoint(&server.url(), PATIENCE), None, Some(path.clone()));
        let is_failed = |state: &State| matches!(state, State::Failed(_));
        let State::Failed(reason) = settle(|| chat.status().state, is_failed).await else {
            panic!("it has failed");
        };
        assert!(reason.contains(path.to_str().expect("UTF-8")), "{reason}");
        assert_eq!(chat.count(vec!["a".into()]).await, Err(ModelError::LoadFailed));
    });
}

#[test]
fn without_a_tokenizer_counts_are_estimates_and_say_so() {
    run(async {
        let server = StandIn::start(|_| Answer::says("Yes")).expect("a server");
        let chat = chat(&server).await;
        assert!(!chat.status().exact_counts);
        assert_eq!(chat.count(vec!["1234".into()]).await, Ok(vec![4]));
        assert_eq!(chat.frame(vec![Role::System, Role::User]).await, Ok(vec![8, 8, 48]));
        assert_eq!(chat.frame(Vec::new()).await, Ok(vec![1]));
    });
}
