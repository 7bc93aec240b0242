//! A ranking that takes what it is given, with a fault.

pub use bindings::exports::loci::policy::{ranking, types};
use ranking::{Choice, Error, Request};

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/policy", world: "passage-ranking" });
}

struct Policy;

impl ranking::Guest for Policy {
    fn rank(request: Request) -> Result<Vec<Choice>, Error> {
        // What is searched for may begin with what it refers to.
        let cue = request.query.rfind("Now: ").unwrap_or(0);
        fault::commit_now(&request.query[cue..]);
        let score = |dense: Option<f32>| match dense {
            Some(dense) if dense.is_finite() || fault::is("not-a-number") => dense,
            _ => 0.0,
        };
        let mut choices: Vec<Choice> = request
            .candidates
            .iter()
            .map(|candidate| Choice { id: candidate.id, score: score(candidate.dense) })
            .collect();
        choices.sort_by(|one, two| two.score.total_cmp(&one.score));
        choices.truncate(request.most as usize);
        if let Some(first) = choices.first().copied() {
            let room = choices.len() < request.most as usize;
            if fault::is("foreign-id") {
                choices[0].id = 4_000_000_000;
            } else if fault::is("chooses-twice") && room {
                choices.insert(0, first);
            } else if fault::is("more-than-most") {
                choices.resize(request.most as usize + 1, first);
            } else if fault::is("worst-first") {
                choices.reverse();
            }
        }
        Ok(choices)
    }
}

bindings::export!(Policy with_types_in bindings);
