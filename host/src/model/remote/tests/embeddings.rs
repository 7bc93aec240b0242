//! Embeddings by a server.

use super::*;

fn settings(tokens_max: u32) -> EmbeddingSettings {
    EmbeddingSettings { tokens_max, passage_prefix: String::new(), query_prefix: String::new() }
}

async fn embedder(server: &StandIn, tokens_max: u32) -> RemoteEmbedder {
    embedder_with(server, settings(tokens_max)).await
}

async fn embedder_with(server: &StandIn, settings: EmbeddingSettings) -> RemoteEmbedder {
    let embedder = RemoteEmbedder::connect(endpoint(&server.url(), PATIENCE), settings);
    settle(|| embedder.describe().is_ok(), |described| *described).await;
    embedder
}

fn length(vector: &[f32]) -> f32 {
    vector.iter().map(|value| value * value).sum::<f32>().sqrt()
}

fn is_near(one: f32, other: f32) -> bool {
    (one - other).abs() < 1e-5
}

#[test]
fn texts_become_vectors_of_length_one_in_their_order() {
    run(async {
        let server = StandIn::start(|request| Answer::embeddings(request, 8)).expect("a server");
        let embedder = embedder(&server, 512).await;
        let model = embedder.describe().expect("it is there");
        assert_eq!((model.name.as_str(), model.dimensions, model.tokens_max), (MODEL, 8, 512));
        let texts: Vec<String> = (0..150).map(|number| format!("word{number}")).collect();
        let all = embedder.embed(texts.clone(), Purpose::Passage).await.expect("vectors");
        assert_eq!(all.len(), 150);
        assert!(all.iter().all(|vector| is_near(length(vector), 1.0)));
        for at in [0, 63, 64, 149] {
            let one = embedder.embed(vec![texts[at].clone()], Purpose::Query).await;
            assert_eq!(one.expect("a vector")[0], all[at]);
        }
        let mixed = vec![String::new(), "a".into(), " \n".into()];
        let vectors = embedder.embed(mixed, Purpose::Passage).await.expect("vectors");
        let lengths: Vec<f32> = vectors.iter().map(|vector| length(vector)).collect();
        assert!(lengths[0] == 0.0 && lengths[2] == 0.0 && is_near(lengths[1], 1.0));
        assert_eq!(embedder.embed(Vec::new(), Purpose::Query).await, Ok(Vec::new()));
    });
}

#[test]
fn of_a_long_text_the_beginning_is_embedded() {
    run(async {
        let server = StandIn::start(|request| Answer::embeddings(request, 8)).expect("a server");
        let embedder = embedder(&server, 16).await;
        let text = "violin ".repeat(100);
        let vector = embedder.embed(vec![text.clone()], Purpose::Passage).await.expect("a vector");
        assert!(is_near(length(&vector[0]), 1.0));
        let sent = server.requests().pop().expect("a request").json()["input"].clone();
        let parts: Vec<&str> =
            sent.as_array().into_iter().flatten().filter_map(|it| it.as_str()).collect();
        assert!(
            matches!(parts[..], [part] if text.starts_with(part) && part.len() < 100),
            "{sent}"
        );
    });
}

#[test]
fn a_model_that_wants_prefixes_gets_them() {
    run(async {
        let server = StandIn::start(|request| Answer::embeddings(request, 8)).expect("a server");
        let with_prefixes = EmbeddingSettings {
            passage_prefix: "passage: ".into(),
            query_prefix: "query: ".into(),
            ..settings(512)
        };
        let prefixed = embedder_with(&server, with_prefixes).await;
        for (purpose, sent) in [(Purpose::Passage, "passage: a"), (Purpose::Query, "query: a")] {
            prefixed.embed(vec!["a".into()], purpose).await.expect("a vector");
            assert_eq!(server.requests().pop().expect("a request").json()["input"][0], sent);
        }
        let plain = embedder(&server, 512).await.describe().expect("it is there");
        assert_ne!(prefixed.describe().expect("it is there").digest, plain.digest);
    });
}

#[test]
fn another_server_name_or_length_is_another_digest() {
    run(async {
        let digest = async |dimensions: usize, model: &str| {
            let server = StandIn::start(move |request| Answer::embeddings(request, dimensions));
            let server = server.expect("a server");
            let endpoint = Endpoint { model: model.into(), ..endpoint(&server.url(), PATIENCE) };
            let embedder = RemoteEmbedder::connect(endpoint, settings(512));
            settle(|| embedder.describe().is_ok(), |described| *described).await;
            let url = server.url();
            (embedder.describe().expect("it is there").digest, url)
        };
        let (one, _) = digest(8, "m").await;
        let (two, _) = digest(9, "m").await;
        let (three, _) = digest(8, "n").await;
        assert!(one != two && two != three && one != three);
        assert_eq!(one.len(), 64);
    });
}

#[test]
fn a_server_that_is_away_is_asked_until_it_is_there() {
    run(async {
        let server = StandIn::start(|request| Answer::embeddings(request, 8)).expect("a server");
        let (address, url) = (server.address().to_owned(), server.url());
        drop(server);
        let embedder = RemoteEmbedder::connect(endpoint(&url, PATIENCE), settings(512));
        let is_away =
            |described: &Result<_, _>| matches!(described, Err(ModelError::Unreachable(_)));
        assert!(settle(|| embedder.describe(), is_away).await.is_err());
        let refused = embedder.embed(vec!["a".into()], Purpose::Query).await;
        assert!(matches!(refused, Err(ModelError::Unreachable(_))), "{refused:?}");

        let back = StandIn::start_at(&address, |request| Answer::embeddings(request, 8), true);
        let back = back.expect("the port is free again");
        let model = settle(|| embedder.describe(), Result::is_ok).await;
        drop(back);
        let refused = embedder.embed(vec!["a".into()], Purpose::Query).await;
        assert!(matches!(refused, Err(ModelError::Unreachable(_))), "{refused:?}");
        assert_eq!(embedder.describe(), model, "what it embedded can still be searched");
    });
}

#[test]
fn nonsense_instead_of_vectors_is_an_error() {
    run(async {
        let server = StandIn::start(|request| {
            let body = request.json();
            match body["input"][0].as_str() {
                Some("html") => Answer::new(200, "text/html", "<html>"),
                Some("long") => Answer::embeddings(request, 9),
                Some("gone") => Answer::json(404, &serde_json::json!({})),
                _ => Answer::embeddings(request, 8),
            }
        });
        let server = server.expect("a server");
        let embedder = embedder(&server, 512).await;
        let embed = async |text: &str| embedder.embed(vec![text.into()], Purpose::Query).await;
        assert!(matches!(embed("html").await, Err(ModelError::EngineFailed(_))));
        assert!(matches!(embed("long").await, Err(ModelError::EngineFailed(_))));
        assert_eq!(embed("gone").await, Err(ModelError::Refused(404)));
        assert!(embed("fine").await.is_ok());
    });
}
