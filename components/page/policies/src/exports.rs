//! What JavaScript calls. Values come and go as plain objects; `types.d.ts` says which.

use js_sys::{Error as JsError, Reflect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

use crate::decide::{self, Assembly};
use crate::shapes::Error;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.d.ts");

/// Who the layout of this name is.
///
/// @throws if no layout of this name ships.
#[wasm_bindgen(unchecked_return_type = "Description")]
pub fn describe(
    #[wasm_bindgen(unchecked_param_type = "AssemblyName")] name: &str,
) -> Result<JsValue, JsValue> {
    give(&assembly(name)?.describe())
}

/// Lays out a prompt. Nothing is cut: `truncate` does that.
///
/// @throws an `Error` whose `payload` is a `PolicyError` if the request has not exactly one
/// instruction and one query, and one without if no layout of this name ships.
#[wasm_bindgen(unchecked_return_type = "Plan")]
pub fn assemble(
    #[wasm_bindgen(unchecked_param_type = "AssemblyName")] name: &str,
    #[wasm_bindgen(unchecked_param_type = "AssemblyRequest")] request: JsValue,
) -> Result<JsValue, JsValue> {
    let plan = assembly(name)?.assemble(take(request)?);
    give(&plan.map_err(|error| refuse(&error))?)
}

/// Decides what is kept of each item.
///
/// @throws an `Error` whose `payload` is a `PolicyError` if what must stay does not fit.
#[wasm_bindgen(unchecked_return_type = "Kept[]")]
pub fn truncate(
    #[wasm_bindgen(unchecked_param_type = "TruncationRequest")] request: JsValue,
) -> Result<JsValue, JsValue> {
    give(&decide::truncate(&take(request)?).map_err(|error| refuse(&error))?)
}

/// Chooses candidates, best first.
#[wasm_bindgen(unchecked_return_type = "Choice[]")]
pub fn rank(
    #[wasm_bindgen(unchecked_param_type = "RankingRequest")] request: JsValue,
) -> Result<JsValue, JsValue> {
    give(&decide::rank(take(request)?))
}

/// Chooses what to keep of each source.
#[wasm_bindgen(unchecked_return_type = "Span[][]")]
pub fn condense(
    #[wasm_bindgen(unchecked_param_type = "CondensationRequest")] request: JsValue,
) -> Result<JsValue, JsValue> {
    give(&decide::condense(take(request)?))
}

fn assembly(name: &str) -> Result<Assembly, JsValue> {
    let message = || {
        let shown: String = name.chars().take(64).collect();
        format!(
            "`{shown}` is not a layout that ships: `prompt-assembly`, or it with `-classic`, \
             `-compact` or `-recency`"
        )
    };
    Assembly::named(name).ok_or_else(|| JsError::new(&message()).into())
}

/// Reads an argument.
fn take<T: DeserializeOwned>(value: JsValue) -> Result<T, JsValue> {
    let read = serde_wasm_bindgen::from_value(value);
    read.map_err(|error| JsError::new(&format!("the request has another shape: {error}")).into())
}

/// Writes an answer: numbers as numbers, what is none left out.
fn give<T: Serialize>(value: &T) -> Result<JsValue, JsValue> {
    value.serialize(&Serializer::new()).map_err(JsValue::from)
}

/// What is thrown where a policy refuses.
fn refuse(error: &Error) -> JsValue {
    let message = match error {
        Error::IncompleteRequest => {
            "a request has exactly one instruction and one query".to_owned()
        }
        Error::DoesNotFit(short) => {
            format!("{} tokens must stay, and {} are allowed", short.needed, short.budget)
        }
    };
    let thrown = JsError::new(&message);
    if let Ok(payload) = give(error) {
        // An object that was made just now takes a property.
        let _ = Reflect::set(&thrown, &"payload".into(), &payload);
    }
    thrown.into()
}
