//! The vector index, and the static embedding, for JavaScript.

use js_sys::{Error as JsError, Float32Array, Uint8Array};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use vector_search::vectors::{Entry, Error};
use vector_search::{Library, Limits};
use wasm_bindgen::prelude::*;

/// A vector index of its own: `loci:search/vectors` for one name.
#[wasm_bindgen]
pub struct VectorIndex {
    library: Library,
    index: usize,
    dimensions: usize,
}

/// What `search` and `candidates` return.
#[derive(Serialize)]
struct Hit {
    scope: u32,
    id: u64,
    score: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    slack: Option<f32>,
}

#[wasm_bindgen]
impl VectorIndex {
    /// An empty index of vectors of this length.
    ///
    /// @throws if there are 0 or more than 4,096 dimensions.
    #[wasm_bindgen(constructor)]
    pub fn new(dimensions: u32) -> Result<Self, JsValue> {
        let mut library = Library::new(Limits::default());
        let index = library.open("index", dimensions).map_err(|error| refuse(&error))?;
        Ok(Self { library, index, dimensions: dimensions as usize })
    }

    /// Inserts vectors, which stand one after the other, under these ids.
    ///
    /// @throws if a vector has the wrong length or a number that is not finite, if there are too
    /// many, or if the scope is full; nothing is changed then.
    pub fn insert(
        &mut self,
        scope: &str,
        ids: &[u64],
        vectors: &[f32],
        mark: u64,
    ) -> Result<(), JsValue> {
        if vectors.len() != ids.len().saturating_mul(self.dimensions) {
            let message = format!(
                "{} vectors of {} numbers are {} numbers, not {}",
                ids.len(),
                self.dimensions,
                ids.len().saturating_mul(self.dimensions),
                vectors.len()
            );
            return Err(JsError::new(&message).into());
        }
        let vectors = vectors.chunks_exact(self.dimensions);
        let entry = |(id, vector): (&u64, &[f32])| Entry { id: *id, vector: vector.to_vec() };
        let entries: Vec<Entry> = ids.iter().zip(vectors).map(entry).collect();
        let inserted = self.library.insert(self.index, scope, &entries, mark);
        inserted.map_err(|error| refuse(&error))
    }

    /// How far the scope has been loaded: the mark of its last insert, if it is held.
    pub fn mark(&self, scope: &str) -> Option<u64> {
        self.library.mark(self.index, scope)
    }

    /// Removes entries, and returns how many there were.
    pub fn remove(&mut self, scope: &str, ids: &[u64]) -> u32 {
        self.library.remove(self.index, scope, ids)
    }

    /// Drops a scope with everything in it.
    #[wasm_bindgen(js_name = dropScope)]
    pub fn drop_scope(&mut self, scope: &str) {
        self.library.drop_scope(self.index, scope);
    }

    /// The nearest entries of these scopes, best first.
    ///
    /// @throws if the query has the wrong length or a number that is not finite, or if there are
    /// too many scopes or hits.
    #[wasm_bindgen(unchecked_return_type = "Hit[]")]
    pub fn search(
        &mut self,
        scopes: Vec<String>,
        query: &[f32],
        most: u32,
    ) -> Result<JsValue, JsValue> {
        let hits = self.library.search(self.index, &scopes, query, most);
        let hits = hits.map_err(|error| refuse(&error))?.into_iter();
        give(hits.map(|it| Hit { scope: it.scope, id: it.id, score: it.score, slack: None }))
    }

    /// Every entry that may be among the nearest, however vectors are rounded in memory.
    ///
    /// @throws as `search` does, and if there are too many such entries.
    #[wasm_bindgen(unchecked_return_type = "Hit[]")]
    pub fn candidates(
        &mut self,
        scopes: Vec<String>,
        query: &[f32],
        most: u32,
    ) -> Result<JsValue, JsValue> {
        let found = self.library.candidates(self.index, &scopes, query, most);
        let found = found.map_err(|error| refuse(&error))?.into_iter();
        give(found.map(|it| Hit {
            scope: it.scope,
            id: it.id,
            score: it.score,
            slack: Some(it.slack),
        }))
    }

    /// A part of a snapshot of the scope: part 0 is the first; none beyond the last.
    pub fn snapshot(&self, scope: &str, part: u32) -> Option<Uint8Array> {
        let part = self.library.snapshot(self.index, scope, part);
        part.map(|bytes| Uint8Array::from(&bytes[..]))
    }

    /// Takes a part of a snapshot into the scope.
    ///
    /// @throws if these bytes are no such part, or if it does not fit.
    pub fn restore(&mut self, scope: &str, part: &[u8]) -> Result<(), JsValue> {
        self.library.restore(self.index, scope, part).map_err(|error| refuse(&error))
    }
}

/// The static embedding: a table of vectors of tokens, and how texts become tokens.
#[wasm_bindgen]
pub struct StaticEmbedding(embedding_static::Model);

#[wasm_bindgen]
impl StaticEmbedding {
    /// The embedding of this table, which stays in memory: one is enough.
    ///
    /// @throws if these bytes are no such table.
    #[wasm_bindgen(constructor)]
    pub fn new(table: Box<[u8]>) -> Result<Self, JsValue> {
        let model = embedding_static::Model::of(Box::leak(table));
        let message = "these bytes are no token table, as `embedding-static.bin` is one";
        model.map(Self).ok_or_else(|| JsError::new(message).into())
    }

    /// Identifies the embedding: vectors made under one digest compare with no other's.
    #[wasm_bindgen(getter)]
    pub fn digest(&self) -> String {
        self.0.describe().digest
    }

    /// The length of a vector.
    #[wasm_bindgen(getter)]
    pub fn dimensions(&self) -> u32 {
        self.0.describe().dimensions
    }

    /// One vector for each text: of length 1, or zeros where no token is known.
    ///
    /// @throws if there are more than 256 texts, or one has more than 65,536 bytes.
    pub fn embed(&self, texts: Vec<String>) -> Result<Vec<Float32Array>, JsValue> {
        let vectors = self.0.embed(&texts).map_err(|_| too_much(256))?;
        Ok(vectors.iter().map(|vector| Float32Array::from(&vector[..])).collect())
    }

    /// The tokens of each text: those of this embedding, not of a chat model.
    ///
    /// @throws if there are more than 1,024 texts, or one has more than 65,536 bytes.
    pub fn count(&self, texts: Vec<String>) -> Result<Vec<u32>, JsValue> {
        self.0.count(&texts).map_err(|_| too_much(1_024))
    }
}

fn too_much(texts: u32) -> JsValue {
    JsError::new(&format!("at most {texts} texts of at most 65,536 bytes can be given at once"))
        .into()
}

/// Hits: ids are whole numbers of 64 bits, which only a `bigint` holds.
fn give(hits: impl Iterator<Item = Hit>) -> Result<JsValue, JsValue> {
    let serializer = Serializer::new().serialize_large_number_types_as_bigints(true);
    hits.collect::<Vec<_>>().serialize(&serializer).map_err(JsValue::from)
}

fn refuse(error: &Error) -> JsValue {
    let message = match error {
        Error::Dimensions(most) => {
            format!("an index has 1 to 4,096 dimensions, and these are {most}")
        }
        Error::BadVector(at) => format!("vector {at} has another length, or a number not finite"),
        Error::BadScope => "the name of a scope has 1 to 128 bytes".to_owned(),
        Error::TooMany(most) => format!("there may be at most {most} at once"),
        Error::ScopeFull(bytes) => format!("one scope may take at most {bytes} bytes"),
        Error::Damaged => "these bytes are no part of a snapshot that can come next".to_owned(),
        Error::OtherVersion => "another version wrote this part of a snapshot".to_owned(),
        Error::BadText(_) => unreachable!("nobody inserts words here"),
        Error::Failed => unreachable!("only a host fails a call, and there is none here"),
    };
    JsError::new(&message).into()
}
