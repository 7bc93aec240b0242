//! `fermyon:spin/llm@2.0.0`: a prompt in, a text out, by the same models as `loci:inference`. A
//! name of a model is a grant: every name in the component's `ai_models` stands for the host's own
//! model.

use std::collections::BTreeSet;
use std::sync::Arc;

use wasmtime::component::{HasData, Linker};

use crate::bindings::llm::llm::{
    self, EmbeddingsResult, EmbeddingsUsage, Error, InferencingParams, InferencingResult,
    InferencingUsage,
};
use crate::model::{ChatBackend, Embedder, Message, ModelError, Options, Prompt, Purpose, Role};

/// The length of a prompt, in bytes.
const PROMPT_BYTES_MAX: usize = 1 << 20;
/// Texts in one call of `generate-embeddings`.
const TEXTS_MAX: usize = 256;
/// The length of a text to be embedded, in bytes.
const TEXT_BYTES_MAX: usize = 65_536;
/// The answer's length if the component does not say, in tokens: that of Spin's SDK.
const REPLY_TOKENS: u32 = 100;

/// The models that a component may use. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    chat: Arc<dyn ChatBackend>,
    embedder: Arc<dyn Embedder>,
    granted: Arc<BTreeSet<String>>,
}

impl Ctx {
    /// Grants the use of `chat` and `embedder` under the names in `granted`, the `ai_models` of the
    /// component's manifest.
    pub fn new(
        chat: Arc<dyn ChatBackend>,
        embedder: Arc<dyn Embedder>,
        granted: impl IntoIterator<Item = String>,
    ) -> Self {
        Self { chat, embedder, granted: Arc::new(granted.into_iter().collect()) }
    }

    /// What one call borrows.
    pub fn view(&mut self) -> View<'_> {
        View { ctx: self }
    }
}

/// What one call borrows of the store.
pub struct View<'a> {
    ctx: &'a Ctx,
}

struct Llm;

impl HasData for Llm {
    type Data<'a> = View<'a>;
}

impl View<'_> {
    fn check(&self, model: &str) -> Result<(), Error> {
        if self.ctx.granted.contains(model) {
            return Ok(());
        }
        Err(Error::InvalidInput(format!(
            "the component may not use the model `{model}`; name it in its `ai_models`"
        )))
    }

    async fn answer(
        &self,
        prompt: String,
        params: Option<InferencingParams>,
    ) -> Result<InferencingResult, ModelError> {
        let message = Message { role: Role::User, pieces: vec![prompt] };
        let options = options(params);
        let mut answer = self.ctx.chat.generate(Prompt::Messages(vec![message]), options).await?;
        let mut text = String::new();
        while let Some(piece) = answer.pieces.recv().await {
            text.push_str(&piece);
        }
        let outcome = answer
            .outcome
            .await
            .unwrap_or_else(|_| Err(ModelError::EngineFailed("its thread has ended".into())))?;
        Ok(InferencingResult {
            text,
            usage: InferencingUsage {
                prompt_token_count: outcome.prompt_tokens,
                generated_token_count: outcome.reply_tokens,
            },
        })
    }
}

impl llm::Host for View<'_> {
    async fn infer(
        &mut self,
        model: String,
        prompt: String,
        params: Option<InferencingParams>,
    ) -> wasmtime::Result<Result<InferencingResult, Error>> {
        if let Err(error) = self.check(&model) {
            return Ok(Err(error));
        }
        if prompt.len() > PROMPT_BYTES_MAX {
            let limit = format!("a prompt has at most {PROMPT_BYTES_MAX} bytes");
            return Ok(Err(Error::InvalidInput(limit)));
        }
        Ok(self.answer(prompt, params).await.map_err(failure))
    }

    async fn generate_embeddings(
        &mut self,
        model: String,
        text: Vec<String>,
    ) -> wasmtime::Result<Result<EmbeddingsResult, Error>> {
        if let Err(error) = self.check(&model) {
            return Ok(Err(error));
        }
        if text.len() > TEXTS_MAX || text.iter().any(|text| text.len() > TEXT_BYTES_MAX) {
            let limit = format!("at most {TEXTS_MAX} texts of {TEXT_BYTES_MAX} bytes are embedded");
            return Ok(Err(Error::InvalidInput(limit)));
        }
        // This interface does not say what for; most of what is embedded is to be found.
        let embeddings = self.ctx.embedder.embed(text, Purpose::Passage).await;
        // Embedding models do not tell how many tokens they read.
        let usage = EmbeddingsUsage { prompt_token_count: 0 };
        Ok(embeddings.map(|embeddings| EmbeddingsResult { embeddings, usage }).map_err(failure))
    }
}

fn options(params: Option<InferencingParams>) -> Options {
    let Some(params) = params else { return Options::new(REPLY_TOKENS) };
    Options {
        temperature: Some(params.temperature),
        top_p: Some(params.top_p),
        top_k: Some(params.top_k),
        repeat_penalty: Some(params.repeat_penalty),
        ..Options::new(params.max_tokens)
    }
}

fn failure(error: ModelError) -> Error {
    match error {
        ModelError::NoModel => Error::ModelNotSupported,
        ModelError::InvalidRequest(_)
        | ModelError::ConstraintRefused(_)
        | ModelError::ContextExceeded { .. } => Error::InvalidInput(error.to_string()),
        _ => Error::RuntimeError(error.to_string()),
    }
}

/// Gives a component the models under their Spin interface.
///
/// # Errors
///
/// Fails if the linker has the interface already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_>,
) -> wasmtime::Result<()> {
    llm::add_to_linker::<T, Llm>(linker, view)
}

#[cfg(test)]
mod tests {
    use futures::future::{BoxFuture, FutureExt};

    use super::*;
    use crate::bindings::llm::llm::Host as _;
    use crate::model::{Absent, EmbeddingModel};

    /// Embeds every text as its length.
    struct Lengths;

    impl Embedder for Lengths {
        fn describe(&self) -> Result<EmbeddingModel, ModelError> {
            Err(ModelError::NoModel)
        }

        fn embed(
            &self,
            texts: Vec<String>,
            _: Purpose,
        ) -> BoxFuture<'_, Result<Vec<Vec<f32>>, ModelError>> {
            async move { Ok(texts.iter().map(|text| vec![text.len() as f32]).collect()) }.boxed()
        }
    }

    fn ctx() -> Ctx {
        Ctx::new(Arc::new(Absent), Arc::new(Lengths), ["granted".to_owned()])
    }

    fn embed(model: &str, texts: Vec<String>) -> Result<EmbeddingsResult, Error> {
        let embedded =
            futures::executor::block_on(ctx().view().generate_embeddings(model.to_owned(), texts));
        embedded.expect("no trap")
    }

    #[test]
    fn a_model_that_the_manifest_does_not_name_is_not_used() {
        let texts = || vec!["four".to_owned(), String::new()];
        assert_eq!(embed("granted", texts()).expect("it is").embeddings, [[4.0], [0.0]]);
        let Err(Error::InvalidInput(why)) = embed("other", texts()) else {
            panic!("it was used");
        };
        assert!(why.contains("`other`") && why.contains("`ai_models`"), "{why}");
    }

    #[test]
    fn too_much_to_embed_is_refused() {
        assert!(embed("granted", vec![String::new(); TEXTS_MAX]).is_ok());
        let many = embed("granted", vec![String::new(); TEXTS_MAX + 1]);
        assert!(matches!(many, Err(Error::InvalidInput(_))));
        let long = embed("granted", vec!["x".repeat(TEXT_BYTES_MAX + 1)]);
        assert!(matches!(long, Err(Error::InvalidInput(_))));
    }

    #[test]
    fn without_a_model_nothing_is_inferred() {
        let mut ctx = ctx();
        let mut view = ctx.view();
        let answer = view.infer("granted".to_owned(), "hello".to_owned(), None);
        let answer = futures::executor::block_on(answer).expect("no trap");
        assert!(matches!(answer, Err(Error::ModelNotSupported)));
    }
}
