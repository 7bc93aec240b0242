//! How the chat model answers where a request does not say: what an operator may set while the
//! server runs. What a request says goes before it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::options::{STOP_BYTES_MAX, STOPS_MAX, Sampling};
use super::{ModelError, Options};

/// The most tokens of a reply that can be set.
pub const REPLY_TOKENS_MAX: u64 = 1_048_576;

/// The names of all settings, as they stand in JSON.
const NAMES: [&str; 8] =
    ["max_tokens", "temperature", "top_p", "top_k", "min_p", "repeat_penalty", "seed", "stop"];

/// What an operator has set. What is `None` has the value that [`Sampling`] gives it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct GenerationConfig {
    /// The most tokens of a reply.
    pub max_tokens: Option<u32>,
    /// See `Options::temperature`.
    pub temperature: Option<f32>,
    /// See `Options::top_p`.
    pub top_p: Option<f32>,
    /// See `Options::top_k`.
    pub top_k: Option<u32>,
    /// See `Options::min_p`.
    pub min_p: Option<f32>,
    /// See `Options::repeat_penalty`.
    pub repeat_penalty: Option<f32>,
    /// See `Options::seed`.
    pub seed: Option<u32>,
    /// See `Options::stop`.
    pub stop: Vec<String>,
}

/// A setting that cannot be as it was wanted.
#[derive(Debug, PartialEq)]
pub struct Wrong {
    /// The setting, if the name is one.
    pub param: Option<&'static str>,
    /// What would be right.
    pub message: String,
}

impl GenerationConfig {
    /// These settings with those of `changes` in their place: `null` takes a setting back to its
    /// default, and what is not named stays.
    ///
    /// # Errors
    ///
    /// Fails if there is no such setting, or if one has another type or is out of its range.
    pub fn changed(&self, changes: &Map<String, Value>) -> Result<Self, Wrong> {
        let mut all = self.clone();
        for (name, value) in changes {
            let Some(param) = NAMES.iter().find(|known| *known == name) else {
                let shown: String = name.chars().take(32).collect();
                let names = NAMES.map(|name| format!("`{name}`")).join(", ");
                let message = format!("there is no setting `{shown}`, but {names}");
                return Err(Wrong { param: None, message });
            };
            all.change(param, value)?;
        }
        Ok(all)
    }

    fn change(&mut self, name: &'static str, value: &Value) -> Result<(), Wrong> {
        match name {
            "max_tokens" => self.max_tokens = whole(name, value, 1, REPLY_TOKENS_MAX)?,
            "temperature" => self.temperature = decimal(name, value, 0.0, 2.0)?,
            "top_p" => {
                let wrong = || wrong(name, "a number above 0 and at most 1");
                if value.as_f64() == Some(0.0) {
                    return Err(wrong());
                }
                let top_p = decimal(name, value, 0.0, 1.0).map_err(|_| wrong())?;
                // What is above 0 stays so, however near.
                self.top_p = top_p.map(|top_p| top_p.max(f32::MIN_POSITIVE));
            }
            "top_k" => self.top_k = whole(name, value, 0, i32::MAX as u64)?,
            "min_p" => self.min_p = decimal(name, value, 0.0, 1.0)?,
            "repeat_penalty" => self.repeat_penalty = decimal(name, value, 1.0, 2.0)?,
            "seed" => self.seed = whole(name, value, 0, u64::from(u32::MAX))?,
            _ => self.stop = stop(value)?,
        }
        Ok(())
    }

    /// Puts what was set into what `options` leave open.
    pub fn fill(&self, options: &mut Options) {
        options.temperature = options.temperature.or(self.temperature);
        options.top_p = options.top_p.or(self.top_p);
        options.top_k = options.top_k.or(self.top_k);
        options.min_p = options.min_p.or(self.min_p);
        options.repeat_penalty = options.repeat_penalty.or(self.repeat_penalty);
        options.seed = options.seed.or(self.seed);
        if options.stop.is_empty() {
            options.stop.clone_from(&self.stop);
        }
    }

    /// The settings in force, as JSON. `max_tokens` is null where it is left to the application,
    /// `seed` where every answer has its own.
    pub fn in_force(&self) -> Value {
        let mut options = Options::new(1);
        self.fill(&mut options);
        let sampling = Sampling::of(&options);
        json!({
            "max_tokens": self.max_tokens,
            "temperature": decimals(sampling.temperature),
            "top_p": decimals(sampling.top_p),
            "top_k": sampling.top_k,
            "min_p": decimals(sampling.min_p),
            "repeat_penalty": decimals(sampling.repeat_penalty),
            "seed": self.seed,
            "stop": self.stop,
        })
    }

    /// Fails with `InvalidRequest` if a value is out of its range: a file may have been edited.
    pub fn check(&self) -> Result<(), ModelError> {
        let tokens = u64::from(self.max_tokens.unwrap_or(1));
        if !(1..=REPLY_TOKENS_MAX).contains(&tokens) {
            let message = format!("`max_tokens` is 1 to {REPLY_TOKENS_MAX}");
            return Err(ModelError::InvalidRequest(message));
        }
        let mut options = Options::new(1);
        self.fill(&mut options);
        options.check()
    }
}

/// A number as people write it: 0.8, not 0.800000011920929.
fn decimals(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

fn wrong(param: &'static str, right: &str) -> Wrong {
    Wrong { param: Some(param), message: format!("`{param}` must be {right}") }
}

fn whole(name: &'static str, value: &Value, least: u64, most: u64) -> Result<Option<u32>, Wrong> {
    if value.is_null() {
        return Ok(None);
    }
    let found = value.as_u64().filter(|number| (least..=most).contains(number));
    match found.and_then(|number| u32::try_from(number).ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(wrong(name, &format!("a whole number from {least} to {most}"))),
    }
}

fn decimal(name: &'static str, value: &Value, least: f64, most: f64) -> Result<Option<f32>, Wrong> {
    if value.is_null() {
        return Ok(None);
    }
    match value.as_f64().filter(|number| (least..=most).contains(number)) {
        Some(number) => Ok(Some(number as f32)),
        None => Err(wrong(name, &format!("a number from {least} to {most}"))),
    }
}

fn stop(value: &Value) -> Result<Vec<String>, Wrong> {
    let texts: Option<Vec<String>> = match value {
        Value::Null => Some(Vec::new()),
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(list) => list.iter().map(|text| text.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    let short = |text: &String| (1..=STOP_BYTES_MAX).contains(&text.len());
    texts.filter(|texts| texts.len() <= STOPS_MAX && texts.iter().all(short)).ok_or_else(|| {
        let right =
            format!("a string or at most {STOPS_MAX} strings, of 1 to {STOP_BYTES_MAX} bytes each");
        wrong("stop", &right)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(of: &GenerationConfig, changes: Value) -> Result<GenerationConfig, Wrong> {
        of.changed(changes.as_object().expect("an object"))
    }

    #[test]
    fn what_is_named_changes_and_null_takes_it_back() {
        let all = GenerationConfig::default();
        let some = change(&all, json!({ "temperature": 0, "stop": "END", "seed": 7 })).unwrap();
        let more = change(&some, json!({ "top_k": 5, "seed": null })).unwrap();
        assert_eq!(more.temperature, Some(0.0));
        assert_eq!((more.top_k, more.seed), (Some(5), None));
        let shown = more.in_force();
        assert_eq!(shown["temperature"], 0.0);
        assert_eq!(shown["top_p"], 0.95);
        assert_eq!(shown["stop"], json!(["END"]));
        assert!(shown["max_tokens"].is_null());
        assert_eq!(NAMES.len(), shown.as_object().expect("an object").len());
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (name, bad) in [
            ("max_tokens", json!(0)),
            ("max_tokens", json!(1_048_577)),
            ("temperature", json!(2.1)),
            ("temperature", json!("hot")),
            ("top_p", json!(0)),
            ("top_k", json!(-1)),
            ("top_k", json!(2_147_483_648_u64)),
            ("min_p", json!(1.5)),
            ("repeat_penalty", json!(0.9)),
            ("seed", json!(1.5)),
            ("stop", json!(["a", 7])),
            ("stop", json!("")),
            ("stop", json!(vec!["x"; 9])),
        ] {
            let error = change(&GenerationConfig::default(), json!({ name: bad })).unwrap_err();
            assert_eq!(error.param, Some(name), "{}", error.message);
        }
        let error = change(&GenerationConfig::default(), json!({ "colour": 1 })).unwrap_err();
        assert!(error.param.is_none() && error.message.contains("`temperature`"));
    }

    #[test]
    fn what_a_request_says_goes_before() {
        let set = change(&GenerationConfig::default(), json!({ "temperature": 0.1, "stop": "a" }));
        let mut options = Options::new(1);
        options.temperature = Some(1.0);
        set.unwrap().fill(&mut options);
        assert_eq!(options.temperature, Some(1.0));
        assert_eq!(options.stop, ["a"]);
    }

    #[test]
    fn whatever_can_be_set_can_be_answered_with() {
        for edge in [
            json!({ "temperature": 2, "top_p": 1, "min_p": 1, "repeat_penalty": 2 }),
            json!({ "temperature": 0, "top_k": 2_147_483_647, "max_tokens": 1_048_576 }),
        ] {
            assert_eq!(change(&GenerationConfig::default(), edge).unwrap().check(), Ok(()));
        }
        assert!(
            GenerationConfig { top_p: Some(0.0), ..GenerationConfig::default() }.check().is_err()
        );
    }
}
