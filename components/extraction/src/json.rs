//! JSON: every value a line that begins with its path, so that it can be understood alone.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::builder::{Builder, TEXT_BYTES_MAX};
use crate::extraction::Error;
use crate::types::BlockKind;

/// Lines that must be JSON for a text to be JSON lines.
const PROBE_LINES: usize = 8;

/// A JSON value whose fields stand in the order of the file.
pub enum Value {
    Object(Vec<(String, Self)>),
    Array(Vec<Self>),
    Text(String),
    /// A number, true, false or null.
    Plain(String),
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Plain(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Plain(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Plain(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Plain(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Plain("null".to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Value::Object(fields))
    }
}

/// The values of a JSON text: one, or one for each line. None if it is neither, or if it nests
/// deeper than the parser goes (128 levels): it is read as it stands then.
pub fn parse(text: &str) -> Option<Vec<Value>> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    if let Ok(value) = serde_json::from_str(text) {
        return Some(vec![value]);
    }
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_object = |line: &str| line.starts_with('{') && line.ends_with('}');
    if lines().count() < 2 || !lines().take(PROBE_LINES).all(is_object) {
        return None;
    }
    lines().map(|line| serde_json::from_str(line).ok()).collect()
}

/// Adds the values.
pub fn push(builder: &mut Builder, values: &[Value]) -> Result<(), Error> {
    let many = values.len() > 1;
    for (at, value) in values.iter().enumerate() {
        let mut path = if many { format!("[{at}]") } else { String::new() };
        walk(builder, &mut path, value)?;
    }
    Ok(())
}

/// Adds a value and what is in it. The parser has settled how deep this can go.
fn walk(builder: &mut Builder, path: &mut String, value: &Value) -> Result<(), Error> {
    let length = path.len();
    match value {
        Value::Object(fields)
            if is_flat(fields.iter().map(|(_, value)| value)) && !fields.is_empty() =>
        {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}: {}", plain(value))).collect();
            return line(builder, path, &fields.join(" | "));
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
                walk(builder, path, value)?;
                path.truncate(length);
            }
        }
        Value::Array(values) if is_flat(values.iter()) && !values.is_empty() => {
            let values: Vec<String> = values.iter().map(plain).collect();
            return line(builder, path, &values.join(", "));
        }
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                path.push_str(&format!("[{at}]"));
                walk(builder, path, value)?;
                path.truncate(length);
            }
        }
        value => return line(builder, path, &plain(value)),
    }
    Ok(())
}

/// Whether there are few values, and none has others in it: then they are read together.
fn is_flat<'a>(values: impl ExactSizeIterator<Item = &'a Value>) -> bool {
    values.len() <= 32
        && values.into_iter().all(|value| match value {
            Value::Object(_) | Value::Array(_) => false,
            Value::Text(text) => text.len() <= 256,
            _ => true,
        })
}

fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Plain(text) => text.clone(),
        Value::Object(_) | Value::Array(_) => String::new(),
    }
}

fn line(builder: &mut Builder, path: &str, text: &str) -> Result<(), Error> {
    if builder.text().len() + path.len() + text.len() > TEXT_BYTES_MAX {
        return Err(Error::TooMuchText);
    }
    let gap = if path.is_empty() || text.is_empty() { "" } else { ": " };
    builder.push(BlockKind::Row, 0, &crate::decode::clean(&format!("{path}{gap}{text}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extraction::Format;

    fn read(text: &str) -> Option<String> {
        let values = parse(text)?;
        let mut builder = Builder::default();
        push(&mut builder, &values).unwrap();
        Some(builder.finish(Format::Json, "UTF-8", 0).text)
    }

    #[test]
    fn values_stand_behind_their_paths() {
        let text = r#"{"users":[{"name":"Oriane","age":41},{"name":"Ida","pets":{"cat":"Tom"}}]}"#;
        let expected =
            "users[0]: name: Oriane | age: 41\nusers[1].name: Ida\nusers[1].pets: cat: Tom";
        assert_eq!(read(text).unwrap(), expected);
        assert_eq!(read("{\"a\":1}\n{\"a\":2}\n").unwrap(), "[0]: a: 1\n[1]: a: 2");
        assert_eq!(read("[1, 2, 3]").unwrap(), "1, 2, 3");
    }

    #[test]
    fn what_is_not_json_or_nests_too_deep_is_not_read() {
        assert_eq!(read("{ this is no json"), None);
        assert_eq!(read(&"[".repeat(200_000)), None);
        let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
        assert_eq!(read(&deep), None);
    }
}
