//! Components asked in JSON: what their types call a value is what their bindings for JavaScript
//! call it, records in camel case, variants as `{ tag, val }`, and what is none left out.

use serde_json::{Map, Number, Value, json};
use wasmtime::component::{Type, Val};

/// A value of this type.
pub fn lower(json: &Value, ty: &Type) -> Val {
    let whole = || json.as_u64().expect("a whole number");
    match ty {
        Type::Bool => Val::Bool(json.as_bool().expect("a bool")),
        Type::U8 => Val::U8(u8::try_from(whole()).expect("a byte")),
        Type::U32 => Val::U32(u32::try_from(whole()).expect("32 bits")),
        Type::U64 => Val::U64(whole()),
        Type::Float32 => Val::Float32(json.as_f64().expect("a number") as f32),
        Type::String => Val::String(text(json)),
        Type::Enum(_) => Val::Enum(text(json)),
        Type::List(list) => {
            let items = json.as_array().expect("a list").iter();
            Val::List(items.map(|item| lower(item, &list.ty())).collect())
        }
        Type::Record(record) => {
            let field = |field: wasmtime::component::types::Field<'_>| {
                let value = json.get(camel(field.name)).unwrap_or(&Value::Null);
                (field.name.to_owned(), lower(value, &field.ty))
            };
            Val::Record(record.fields().map(field).collect())
        }
        Type::Option(option) => {
            let some = (!json.is_null()).then(|| Box::new(lower(json, &option.ty())));
            Val::Option(some)
        }
        Type::Variant(variant) => {
            let tag = text(&json["tag"]);
            let case = variant.cases().find(|case| case.name == tag).expect("a case of its type");
            let inner = case.ty.map(|ty| Box::new(lower(&json["val"], &ty)));
            Val::Variant(tag, inner)
        }
        other => panic!("no request holds a {other:?}"),
    }
}

/// What a component answered.
pub fn lift(val: &Val) -> Value {
    match val {
        Val::Bool(it) => json!(it),
        Val::U8(it) => json!(it),
        Val::U32(it) => json!(it),
        Val::U64(it) => json!(it),
        Val::Float32(it) => Number::from_f64(f64::from(*it)).map_or(Value::Null, Value::Number),
        Val::String(it) | Val::Enum(it) => json!(it),
        Val::List(items) => items.iter().map(lift).collect(),
        Val::Record(fields) => {
            let there = fields.iter().filter(|(_, value)| !matches!(value, Val::Option(None)));
            let object = there.map(|(name, value)| (camel(name), lift(value)));
            Value::Object(object.collect::<Map<_, _>>())
        }
        Val::Option(it) => it.as_deref().map_or(Value::Null, lift),
        Val::Variant(tag, None) => json!({ "tag": tag }),
        Val::Variant(tag, Some(it)) => json!({ "tag": tag, "val": lift(it) }),
        Val::Result(Ok(it)) => json!({ "ok": it.as_deref().map_or(Value::Null, lift) }),
        Val::Result(Err(it)) => json!({ "error": it.as_deref().map_or(Value::Null, lift) }),
        other => panic!("no answer holds a {other:?}"),
    }
}

fn text(json: &Value) -> String {
    json.as_str().expect("a text").to_owned()
}

/// `tokens-max` as `tokensMax`.
fn camel(name: &str) -> String {
    let mut words = name.split('-');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(1);
        camel += &first.to_uppercase();
        camel += rest;
    }
    camel
}
