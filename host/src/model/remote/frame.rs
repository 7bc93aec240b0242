//! What the chat template of a model writes around messages, in tokens: read from the files that
//! lie beside its tokenizer, as model hubs hand them out.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use tokenizers::Tokenizer;

use crate::model::template::{self, ChatTemplate};
use crate::model::{ModelError, Role};

/// The files that hold templates: one is nothing else, the other has more to say.
const TEMPLATE: &str = "chat_template.jinja";
const CONFIG: &str = "tokenizer_config.json";
/// The longest of these files, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// The name of the template that is meant where there are several.
const USUAL: &str = "default";
/// Sequences of roles whose frames are kept.
const SHAPES_MAX: usize = 1_024;

/// Frames by the day and the roles.
type Shapes = HashMap<(i64, Vec<Role>), Arc<Vec<u32>>>;

/// A chat template, and the texts that are a token each wherever they stand in it.
pub struct Frame {
    template: ChatTemplate,
    controls: Vec<String>,
    shapes: Mutex<Shapes>,
}

#[derive(Default, Deserialize)]
struct Config {
    chat_template: Option<Templates>,
    bos_token: Option<Token>,
    eos_token: Option<Token>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Templates {
    One(String),
    Several(Vec<Named>),
}

#[derive(Deserialize)]
struct Named {
    name: String,
    template: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Token {
    Plain(String),
    Described { content: String },
}

impl Frame {
    /// Looks for the template beside the tokenizer's file. Blocks. None if there is none.
    ///
    /// Fails with a sentence for the operator if there is one that cannot be used.
    pub fn beside(path: &Path, tokenizer: &Tokenizer) -> Result<Option<Self>, String> {
        let config = match read(&path.with_file_name(CONFIG))? {
            Some(text) => serde_json::from_str(&text)
                .map_err(|error| format!("the file `{CONFIG}` cannot be used: {error}"))?,
            None => Config::default(),
        };
        let source = read(&path.with_file_name(TEMPLATE))?.or(match config.chat_template {
            Some(Templates::One(source)) => Some(source),
            Some(Templates::Several(all)) => {
                all.into_iter().find(|it| it.name == USUAL).map(|it| it.template)
            }
            None => None,
        });
        let Some(source) = source else { return Ok(None) };
        let text = |token: Option<Token>| match token {
            Some(Token::Plain(text) | Token::Described { content: text }) => text,
            None => String::new(),
        };
        let (bos, eos) = (text(config.bos_token), text(config.eos_token));
        let template = ChatTemplate::new(Some(&source), &bos, &eos)?;
        let added = tokenizer.get_added_tokens_decoder();
        let mut controls: Vec<String> = added
            .into_values()
            .map(|token| token.content)
            .filter(|text| !text.is_empty())
            .collect();
        // Of two that begin alike, the longer one is meant.
        controls.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Ok(Some(Self { template, controls, shapes: Mutex::default() }))
    }

    /// See `ChatBackend::frame`; `count` counts text.
    pub fn count(
        &self,
        roles: &[Role],
        count: impl Fn(&str) -> u32,
    ) -> Result<Arc<Vec<u32>>, ModelError> {
        let key = (template::today(), roles.to_vec());
        let mut shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shape) = shapes.get(&key) {
            return Ok(Arc::clone(shape));
        }
        let literals = self.template.literals(roles, key.0)?;
        let counts = literals.iter().map(|literal| self.literal(literal, &count));
        let shape = Arc::new(counts.collect::<Vec<u32>>());
        if shapes.len() >= SHAPES_MAX {
            shapes.clear();
        }
        shapes.insert(key, Arc::clone(&shape));
        Ok(shape)
    }

    /// The tokens of the template's own text, in which control tokens are just that.
    fn literal(&self, mut text: &str, count: &impl Fn(&str) -> u32) -> u32 {
        let mut tokens = 0;
        let first = |text: &str| {
            let found = self.controls.iter().filter_map(|it| Some((text.find(it)?, it.len())));
            found.min_by_key(|(at, length)| (*at, std::cmp::Reverse(*length)))
        };
        while let Some((at, length)) = first(text) {
            tokens += count(&text[..at]) + 1;
            text = &text[at + length..];
        }
        tokens + count(text)
    }
}

/// Reads a file, if there is one.
fn read(path: &Path) -> Result<Option<String>, String> {
    let cannot = |why: String| format!("the file `{}` cannot be used: {why}", path.display());
    let Ok(described) = std::fs::metadata(path) else { return Ok(None) };
    if described.len() > FILE_BYTES_MAX {
        return Err(cannot(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    std::fs::read_to_string(path).map(Some).map_err(|error| cannot(error.to_string()))
}
