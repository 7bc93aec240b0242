//! Answers that must look like something, by a model whose own answers are noise.

use serde_json::{Value, json};

use super::*;
use crate::model::{Constraint, Finish};

fn schema(schema: &Value) -> Options {
    let constraint = Some(Constraint::JsonSchema(schema.to_string()));
    Options { constraint, ..Options::new(400) }
}

fn grammar(grammar: &str) -> Options {
    Options { constraint: Some(Constraint::Grammar(grammar.into())), ..Options::new(400) }
}

#[test]
fn noise_in_the_shape_of_a_schema_is_json() {
    let model = load(&TinyGguf::chat(), 1_024);
    let person = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "minLength": 1, "maxLength": 8 },
            "age": { "type": "integer", "minimum": 0, "maximum": 150 },
            "moods": { "type": "array", "items": { "enum": ["glad", "sad"] }, "maxItems": 3 },
        },
        "required": ["name", "age", "moods"],
        "additionalProperties": false,
    });
    run(async {
        for seed in 0..8 {
            let greedily = if seed == 0 { Some(0.0) } else { Some(1.5) };
            let penalty = Some(1.3).filter(|_| seed > 4);
            let options = Options {
                seed: Some(seed),
                temperature: greedily,
                repeat_penalty: penalty,
                ..schema(&person)
            };
            let (text, outcome) = answer(&model.chat, turns(&["Who is it?"]), options).await;
            assert_eq!(outcome.finish, Finish::Stop, "{text}");
            let value: Value = serde_json::from_str(&text).expect(&text);
            let name = value["name"].as_str().expect(&text);
            assert!((1..=8).contains(&name.chars().count()), "{text}");
            assert!(value["age"].as_u64().expect(&text) <= 150, "{text}");
            let moods = value["moods"].as_array().expect(&text);
            assert!(moods.len() <= 3 && moods.iter().all(|it| it == "glad" || it == "sad"));
            assert_eq!(value.as_object().map(|fields| fields.len()), Some(3), "{text}");
        }
    });
}

#[test]
fn a_grammar_leaves_no_other_answers() {
    let model = load(&TinyGguf::says(&["I", " am", " noise"]), 1_024);
    run(async {
        let options = || grammar("start: \"yes\" | \"no\" | \"maybe \" NUMBER\nNUMBER: /[0-9]{3}/");
        for seed in 0..8 {
            let options = Options { seed: Some(seed), ..options() };
            let (text, outcome) = answer(&model.chat, turns(&["Is it?"]), options).await;
            assert_eq!(outcome.finish, Finish::Stop, "{text}");
            let number = text.strip_prefix("maybe ").filter(|number| number.len() == 3);
            let is_number = number.is_some_and(|number| number.parse::<u16>().is_ok());
            assert!(text == "yes" || text == "no" || is_number, "{text}");
        }
        let cut = Options { reply_tokens_max: 1, ..options() };
        let (text, outcome) = answer(&model.chat, turns(&["Is it?"]), cut).await;
        assert_eq!((text.len(), outcome.finish), (1, Finish::Length));
    });
}

#[test]
fn a_constraint_that_is_wrong_is_refused_with_the_reason() {
    let model = load(&TinyGguf::chat(), 1_024);
    run(async {
        let no_json =
            Options { constraint: Some(Constraint::JsonSchema("{".into())), ..Options::new(8) };
        let never = json!({ "type": "string", "minLength": 3, "maxLength": 2 });
        for (options, told) in [
            (no_json, "no JSON"),
            (schema(&json!({ "type": "nonsense" })), "nonsense"),
            (schema(&json!(false)), ""),
            (schema(&never), ""),
            (grammar("start: <<<"), ""),
            (grammar("begin: \"a\""), "start"),
            (grammar("start: nobody"), "nobody"),
            (grammar("start: /(((/"), ""),
        ] {
            let what = options.constraint.clone();
            match model.chat.generate(turns(&["hello"]), options).await.err() {
                Some(ModelError::ConstraintRefused(why)) => {
                    assert!(!why.is_empty() && why.contains(told), "{what:?}: {why}");
                }
                other => panic!("{what:?}: {other:?}"),
            }
        }
        assert_eq!(model.chat.status().queued, 0);
    });
}
