//! What an answer must look like: JSON schemas and grammars, as a mask over the next token.

use std::sync::{Arc, OnceLock};

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llguidance::api::TopLevelGrammar;
use llguidance::{Matcher, ParserFactory};
use serde_json::{Value, json};

use crate::model::{Constraint, ModelError};

/// The most of what is said about a constraint that is wrong, in characters.
const REASON_CHARS: usize = 500;

/// Makes the masks of a model's answers.
pub struct Constraints {
    model: Arc<LlamaModel>,
    /// All tokens as one tree. Only made once somebody asks: it takes time and memory.
    factory: OnceLock<Result<ParserFactory, String>>,
}

impl Constraints {
    /// Of the tokens of `model`.
    pub fn new(model: Arc<LlamaModel>) -> Self {
        Self { model, factory: OnceLock::new() }
    }

    /// Reads a constraint. Blocks: up to a second the first time, milliseconds later.
    ///
    /// Fails with `ConstraintRefused` if it is wrong, or too large to be worked with.
    pub fn read(&self, constraint: &Constraint) -> Result<Matcher, ModelError> {
        let grammar = match constraint {
            Constraint::JsonSchema(schema) => TopLevelGrammar::from_json_schema(parse(schema)?),
            Constraint::Grammar(grammar) => TopLevelGrammar::from_lark(grammar.clone()),
        };
        let factory = self.factory.get_or_init(|| self.factory()).as_ref();
        let factory = factory.map_err(|why| ModelError::ConstraintRefused(why.clone()))?;
        // It is dropped first: what is made of the schema is checked by making the parser.
        let matcher = Matcher::new(factory.create_parser(grammar));
        match matcher.get_error() {
            Some(why) => Err(refused(&why)),
            None => Ok(matcher),
        }
    }

    fn factory(&self) -> Result<ParserFactory, String> {
        let vocabulary = self.model.vocab();
        if vocabulary.eos().0 < 0 && vocabulary.eot().0 < 0 {
            return Err("the model has no token that ends an answer".into());
        }
        let tokens = LlamaSampler::llguidance_tok_env(&self.model);
        let mut factory = ParserFactory::new_simple(&tokens).map_err(|error| error.to_string())?;
        factory.quiet();
        Ok(factory)
    }
}

/// Reads a schema, and bounds the white space between its parts: a model that is small, or hot, may
/// otherwise write nothing else to the end of its answer.
fn parse(schema: &str) -> Result<Value, ModelError> {
    let mut schema: Value = serde_json::from_str(schema)
        .map_err(|error| refused(&format!("the JSON schema is no JSON: {error}")))?;
    if schema == Value::Bool(true) {
        schema = json!({});
    }
    if let Some(fields) = schema.as_object_mut() {
        let spaces = json!({ "whitespace_pattern": r"[\x20\x0A]{0,16}" });
        fields.entry("x-guidance").or_insert(spaces);
    }
    Ok(schema)
}

fn refused(why: &str) -> ModelError {
    let line = why.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it is wrong");
    ModelError::ConstraintRefused(line.chars().take(REASON_CHARS).collect())
}
