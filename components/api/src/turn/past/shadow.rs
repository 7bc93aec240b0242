//! A candidate lays out turns of the past, without any model being asked to answer: how many of
//! their prompts would have been others, and how.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::again::Again;
use super::difference::{Hunk, difference};
use super::{By, Past};
use crate::bindings::inference::models;
use crate::bindings::policy::versions::{self, Hook, Trial, Version};
use crate::db::Database;
use crate::db::receipts::{self, Latest};
use crate::http::error::ApiError;
use crate::limits;
use crate::turn::policies::{name, version};
use crate::turn::prompt::Prompt;
use crate::turn::record::Kept;
use crate::turn::replay;
use crate::turn::scale::Scale;

/// How a candidate did.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The sha256 of the candidate.
    digest: String,
    /// The hook that it was tried for.
    interface: &'static str,
    /// The turns that were laid out again.
    turns: u32,
    /// Those of them whose prompt became another.
    changed: u32,
    /// Those of them that the candidate failed, or where it broke a rule. Their prompts are not
    /// counted below.
    refused: u32,
    /// The turns that could not be laid out again, whoever does it, by the reason.
    skipped: BTreeMap<String, u32>,
    /// Passages, of whichever kind.
    passages: Passages,
    /// The tokens of all prompts.
    prompt_tokens: Pair,
    /// The tokens with which a prompt begins as the one of the turn before does: what a model need
    /// not evaluate again. Only where both turns are among those that were laid out.
    reusable_tokens: Pair,
    /// The fuel of all calls; 0 where nobody counts.
    fuel: Pair,
    /// The turns whose prompts became others or that were refused, the latest first.
    examples: Vec<Example>,
}

/// A number as it was, and as it would have been.
#[derive(Debug, Default, Serialize)]
struct Pair {
    before: u64,
    after: u64,
}

#[derive(Debug, Default, Serialize)]
struct Passages {
    /// In the prompt as before.
    kept: u32,
    /// Not in the prompt any more.
    lost: u32,
    /// In the prompt, and were not before.
    gained: u32,
}

/// One turn.
#[derive(Debug, Serialize)]
struct Example {
    session_id: String,
    message_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    prompt_tokens: Pair,
    /// Passages that are not in the prompt any more: as kind, and id where they have one.
    lost: Vec<Value>,
    gained: Vec<Value>,
    difference: Vec<Hunk>,
}

/// The prompts of the turn after this one, in the order in which they are looked at.
struct Later {
    turn: u32,
    before: Prompt,
    after: Prompt,
}

/// Which turns of the past a candidate lays out.
#[derive(Debug, PartialEq)]
pub struct Wanted {
    /// How many: the latest.
    turns: u32,
    /// Of this session; of any where there is none.
    session: Option<String>,
}

impl Wanted {
    /// Takes it out of a body.
    ///
    /// Fails with 400 if a field is of another type or out of range.
    pub fn of(fields: &Map<String, Value>) -> Result<Self, ApiError> {
        let most = limits::SHADOW_TURNS_MAX;
        let known = |field: &&String| ["turns", "session_id"].contains(&field.as_str());
        if let Some(field) = fields.keys().find(|field| !known(field)) {
            let shown: String = field.chars().take(64).collect();
            let message = format!("there is no field `{shown}` here, but `turns` and `session_id`");
            return Err(ApiError::new(400, "invalid_value", message));
        }
        let turns = match fields.get("turns") {
            None | Some(Value::Null) => Some(limits::SHADOW_TURNS_DEFAULT),
            Some(value) => value.as_u64().and_then(|turns| u32::try_from(turns).ok()),
        };
        let turns = turns.filter(|turns| (1..=most).contains(turns)).ok_or_else(|| {
            ApiError::invalid("turns", format!("`turns` must be a whole number from 1 to {most}"))
        })?;
        let session = match fields.get("session_id") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => {
                return Err(ApiError::invalid("session_id", "`session_id` must be a string"));
            }
        };
        Ok(Self { turns, session })
    }
}

/// Has a candidate lay out the latest turns, with the passages that were chosen then and everything
/// else as it was. Whoever decides about it keeps how it did.
///
/// Fails with 404 if there is no such policy or session, with 409 if it is for a hook of which
/// receipts hold too little, with 503 if the model is not ready to
/// measure, and with 501 where policies cannot be replaced.
pub async fn shadow(
    database: &Database,
    digest: &str,
    wanted: &Wanted,
) -> Result<Report, ApiError> {
    let candidate = version(digest)?;
    if !matches!(candidate.hook, Hook::Assembly | Hook::Truncation) {
        return Err(not_tried(&candidate));
    }
    let model = crate::turn::decide::ready_model().await?;
    let latest = receipts::latest(database, wanted.session.as_deref(), wanted.turns).await?;
    let mut report = Report {
        interface: name(candidate.hook),
        digest: candidate.digest.clone(),
        ..Report::default()
    };
    let mut later: HashMap<i64, Later> = HashMap::new();
    for turn in latest {
        match lay_out(database, &turn, &candidate, &model.digest).await {
            Ok(pair) => report.take(&turn, pair, &mut later),
            Err(error) => *report.skipped.entry(error.message).or_default() += 1,
        }
    }
    versions::note(&Trial {
        digest: candidate.digest,
        turns: report.turns,
        changed: report.changed,
        refused: report.refused,
        tokens_before: report.prompt_tokens.before,
        tokens_after: report.prompt_tokens.after,
    });
    Ok(report)
}

/// A receipt has the passages that were laid out, and what was kept of them.
fn not_tried(candidate: &Version) -> ApiError {
    let message = format!(
        "a policy for `{}` cannot be tried on past turns: their receipts hold what was chosen \
         then, not what it was chosen from; give it a share of the sessions instead",
        name(candidate.hook)
    );
    ApiError::new(409, "not_to_be_tried", message)
}

/// A turn as it was, and as the candidate has it, or why that is nothing.
struct LaidOut {
    past: Past,
    before: Again,
    after: Result<Again, String>,
}

/// Lays one turn out twice.
///
/// Fails if it cannot be laid out as it was.
async fn lay_out(
    database: &Database,
    turn: &Latest,
    candidate: &Version,
    model: &str,
) -> Result<LaidOut, ApiError> {
    let past = Past::of(database, turn.session, &turn.body).await?;
    past.check_model(model)?;
    let then = past.by();
    then.check()?;
    let sources = past.sources()?;
    let mut tape = Scale::Tape(past.record.tape.clone().into());
    let before = past.put_together(&sources, &then, &mut tape).await?;
    let with = match candidate.hook {
        Hook::Assembly => By { assembly: candidate.digest.clone(), ..then },
        Hook::Truncation => By { truncation: candidate.digest.clone(), ..then },
        Hook::Ranking | Hook::Condensation => return Err(not_tried(candidate)),
    };
    let after = past.put_together(&sources, &with, &mut Scale::of_model(model)).await;
    // It may have been replaced in between.
    past.check_model(&models::status().await.digest)?;
    let after = after.map_err(|error| error.message);
    let after = after.and_then(|after| match after.degraded.first() {
        Some(it) => Err(format!("{}: {}", it.part, it.reason)),
        None => Ok(after),
    });
    Ok(LaidOut { past, before, after })
}

impl Report {
    /// Counts a turn.
    fn take(&mut self, turn: &Latest, laid_out: LaidOut, later: &mut HashMap<i64, Later>) {
        let LaidOut { past, before, after } = laid_out;
        self.turns += 1;
        let mut example = Example {
            session_id: turn.session_id.clone(),
            message_id: turn.message,
            refused: None,
            prompt_tokens: Pair { before: before.prompt.tokens.into(), after: 0 },
            lost: Vec::new(),
            gained: Vec::new(),
            difference: Vec::new(),
        };
        let after = match after {
            Ok(after) => after,
            Err(reason) => {
                self.refused += 1;
                example.refused = Some(reason);
                return self.show(example);
            }
        };
        self.compare(&past.record.sources, &before.prompt, &after.prompt, &mut example);
        self.prompt_tokens.add(before.prompt.tokens, after.prompt.tokens);
        example.prompt_tokens.after = after.prompt.tokens.into();
        self.fuel.before += before.fuel;
        self.fuel.after += after.fuel;
        if let Some(next) = later.get(&turn.session).filter(|next| next.turn == turn.turn + 1) {
            let pair = [(&next.before, &before.prompt), (&next.after, &after.prompt)];
            let [before, after] = pair.map(|(next, this)| shared(next, this));
            self.reusable_tokens.add(before, after);
        }
        if before.prompt.sha256() != after.prompt.sha256() {
            self.changed += 1;
            if self.examples.len() < limits::SHADOW_EXAMPLES_MAX {
                let text = replay::prompt(&after.lines, after.prompt.is_chat, &past.texts);
                example.difference = difference(&past.prompt(), &text);
            }
            self.show(example);
        }
        let prompts = Later { turn: turn.turn, before: before.prompt, after: after.prompt };
        later.insert(turn.session, prompts);
    }

    /// Counts which passages stand in both prompts, and notes which do not.
    fn compare(&mut self, kept: &[Kept], before: &Prompt, after: &Prompt, example: &mut Example) {
        let pairs = before.kept(kept.len()).into_iter().zip(after.kept(kept.len()));
        for (passage, (was, is)) in kept.iter().zip(pairs) {
            match (was > 0, is > 0) {
                (true, true) => self.passages.kept += 1,
                (true, false) => {
                    self.passages.lost += 1;
                    example.lost.push(told(passage));
                }
                (false, true) => {
                    self.passages.gained += 1;
                    example.gained.push(told(passage));
                }
                (false, false) => {}
            }
        }
    }

    fn show(&mut self, example: Example) {
        if self.examples.len() < limits::SHADOW_EXAMPLES_MAX {
            self.examples.push(example);
        }
    }
}

impl Pair {
    fn add(&mut self, before: u32, after: u32) {
        self.before += u64::from(before);
        self.after += u64::from(after);
    }
}

/// A passage, for people: its kind, and the message or the passage of a document that it is.
fn told(kept: &Kept) -> Value {
    let kind = match kept {
        Kept::Instruction(..) => "instruction",
        Kept::Document(..) => "document",
        Kept::Memory(..) => "memory",
        Kept::History(..) => "history",
        Kept::Query(..) => "query",
    };
    json!({ "kind": kind, "message_id": kept.message(), "passage_id": kept.passage() })
}

/// The tokens of the pieces with which two prompts begin alike.
fn shared(one: &Prompt, other: &Prompt) -> u32 {
    let pieces = |prompt: &Prompt| -> Vec<(u8, String, u32)> {
        let lines = prompt.lines.iter();
        let line = lines.flat_map(|line| line.pieces.iter().map(move |piece| (line.role, piece)));
        line.map(|(role, piece)| (role as u8, piece.text.clone(), piece.tokens)).collect()
    };
    let (one, other) = (pieces(one), pieces(other));
    one.iter().zip(&other).take_while(|(one, other)| one == other).map(|((.., it), _)| it).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(body: Value) -> Result<Wanted, u16> {
        let Value::Object(fields) = body else { panic!("an object") };
        Wanted::of(&fields).map_err(|error| error.status)
    }

    #[test]
    fn how_many_turns_of_which_session_can_be_said() {
        let turns = limits::SHADOW_TURNS_DEFAULT;
        assert_eq!(wanted(json!({})), Ok(Wanted { turns, session: None }));
        let session = Some("a".to_owned());
        let body = json!({ "turns": 7, "session_id": "a" });
        assert_eq!(wanted(body), Ok(Wanted { turns: 7, session }));
        for bad in [json!({ "turns": 0 }), json!({ "turns": 501 }), json!({ "turn": 5 })] {
            assert_eq!(wanted(bad.clone()), Err(400), "{bad}");
        }
    }
}
