//! Writing a conversation with a model's own chat template, contents and template text apart.
//!
//! The template is rendered once per sequence of roles, with a mark in place of each content, and
//! the result is cut at the marks. What remains are the literals: the template's own text, which
//! may hold control tokens, while contents never pass through the template and stay data.

use std::time::SystemTime;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, Value, context};
use openai_wire::THOUGHT_BEGIN;

use super::{ModelError, Role};

/// What is used where a model brings no template.
const CHATML: &str = "{% for message in messages %}\
    {{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}\
    {% endfor %}{{ '<|im_start|>assistant\\n' }}";
/// What stands between contents that share a message.
const JOINT: &str = "\n\n";
/// Steps of the template engine for one rendering; 1,024 messages need fewer than 200,000.
const FUEL: u64 = 5_000_000;
const NAME: &str = "chat";

/// Days since 1 January 1970, in UTC.
pub fn today() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (since.as_secs() / 86_400) as i64
}

/// A compiled chat template.
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

impl ChatTemplate {
    /// Compiles a template, or ChatML if there is none. `bos` and `eos` are the texts of the
    /// model's tokens of these names, empty if it has none.
    ///
    /// Fails with the reason if the template cannot be compiled.
    pub fn new(source: Option<&str>, bos: &str, eos: &str) -> Result<Self, String> {
        let mut environment = Environment::new();
        // As the Python library sets it that templates are written for.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| error.to_string())?);
        environment.set_fuel(Some(FUEL));
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise);
        let source = source.unwrap_or(CHATML).to_owned();
        environment
            .add_template_owned(NAME, source)
            .map_err(|error| format!("the chat template cannot be compiled: {error}"))?;
        Ok(Self { environment, bos: bos.to_owned(), eos: eos.to_owned() })
    }

    /// The template's text around messages with these roles: one literal before each content, and
    /// one after the last. `day` counts from 1 January 1970, for templates that tell the date.
    ///
    /// Fails with `InvalidRequest` if the template cannot express these roles in this order.
    pub fn literals(&self, roles: &[Role], day: i64) -> Result<Vec<String>, ModelError> {
        let mut reason = String::new();
        for messages in arrangements(roles) {
            match self.render(&messages, day).and_then(|text| cut(&text, roles.len())) {
                Ok(literals) => return Ok(literals),
                Err(error) if reason.is_empty() => reason = error,
                Err(_) => {}
            }
        }
        Err(ModelError::InvalidRequest(format!(
            "the model's chat template cannot express these roles in this order: {reason}"
        )))
    }

    /// Whether the template itself has the model begin with a thought: then the mark before that is
    /// the template's, and not part of what the model says.
    pub fn opens_thought(&self) -> bool {
        let literals = self.literals(&[Role::User], 0).unwrap_or_default();
        literals.last().is_some_and(|last| last.trim_end().ends_with(THOUGHT_BEGIN))
    }

    fn render(&self, messages: &[(Role, Vec<usize>)], day: i64) -> Result<String, String> {
        let messages: Vec<Value> = messages
            .iter()
            .map(|(role, contents)| {
                let marks: Vec<String> = contents.iter().map(|index| mark(*index)).collect();
                context! { role => role_name(*role), content => marks.join(JOINT) }
            })
            .collect();
        let now = Value::from_function(move |format: &str| date(day, format));
        let template = self.environment.get_template(NAME).map_err(|e| e.to_string())?;
        template
            .render(context! {
                messages,
                bos_token => &self.bos,
                eos_token => &self.eos,
                add_generation_prompt => true,
                tools => (),
                documents => (),
                strftime_now => now,
            })
            .map_err(|error| error.to_string())
    }
}

fn raise(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

/// The ways to spread contents over messages, the plainest first: one each; neighbours of one role
/// joined (many templates insist that roles alternate, and a question whose answer failed stands
/// beside the next one); and the instruction at the head of the first user message, for models
/// that know no system role.
fn arrangements(roles: &[Role]) -> Vec<Vec<(Role, Vec<usize>)>> {
    let plain: Vec<_> = roles.iter().enumerate().map(|(i, role)| (*role, vec![i])).collect();
    let mut joined: Vec<(Role, Vec<usize>)> = Vec::new();
    for (index, role) in roles.iter().enumerate() {
        match joined.last_mut() {
            Some((last, contents)) if last == role => contents.push(index),
            _ => joined.push((*role, vec![index])),
        }
    }
    let mut folded = joined.clone();
    if folded.len() > 1 && folded[0].0 == Role::System && folded[1].0 == Role::User {
        let (_, mut contents) = folded.remove(0);
        contents.append(&mut folded[0].1);
        folded[0].1 = contents;
    }
    let mut all = vec![plain, joined, folded];
    all.dedup();
    all
}

/// A text that no template writes and that trimming leaves alone: private-use characters.
fn mark(index: usize) -> String {
    format!("\u{F8F0}{index}\u{F8F1}")
}

/// Cuts a rendered text at the marks of `contents` contents, which must stand in it once each and
/// in order.
fn cut(text: &str, contents: usize) -> Result<Vec<String>, String> {
    let mut literals = Vec::with_capacity(contents + 1);
    let mut rest = text;
    for index in 0..contents {
        let (literal, after) = rest
            .split_once(&mark(index))
            .ok_or_else(|| format!("it drops or moves message {}", index + 1))?;
        literals.push(literal.to_owned());
        rest = after;
    }
    literals.push(rest.to_owned());
    if literals.iter().any(|literal| literal.contains('\u{F8F0}')) {
        return Err("it repeats or moves a message".into());
    }
    Ok(literals)
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] =
    ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

/// A day (counted from 1 January 1970) in C's `strftime` notation. The time of day is always
/// midnight: a prompt that changes every minute could never be reused.
fn date(day: i64, format: &str) -> String {
    // Howard Hinnant's civil_from_days: years begin in March, so that leap days come last.
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let month_name = MONTHS[month as usize - 1];
    let weekday = WEEKDAYS[day.rem_euclid(7) as usize];

    let mut text = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('Y') => text.push_str(&year.to_string()),
            Some('y') => text.push_str(&format!("{:02}", year.rem_euclid(100))),
            Some('m') => text.push_str(&format!("{month:02}")),
            Some('d') => text.push_str(&format!("{day_of_month:02}")),
            Some('e') => text.push_str(&format!("{day_of_month:2}")),
            Some('B') => text.push_str(month_name),
            Some('b') => text.push_str(&month_name[..3]),
            Some('A') => text.push_str(weekday),
            Some('a') => text.push_str(&weekday[..3]),
            Some('H' | 'M' | 'S') => text.push_str("00"),
            Some(other) => text.push(other),
            None => text.push('%'),
        }
    }
    text
}

#[cfg(test)]
mod tests;
