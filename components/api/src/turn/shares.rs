//! How the tokens of a prompt are shared out before anything is laid out.
//!
//! An engine reuses what it has evaluated up to the first token that differs. Truncation cuts to
//! the token, so what it cuts of the history begins elsewhere in every turn, and nothing is reused.
//! Here room is left for all else, so that the history hardly ever has to be cut.

use super::passages::Meter;
use crate::bindings::inference::types::{Error, Role};
use crate::bindings::policy::assembly::Description;
use crate::measure;

/// As long as the day of a note can be.
const DAY: &str = "30 September 2026";

/// What a turn may bring into the prompt besides instruction and history.
pub struct Request {
    /// The tokens that the prompt may have.
    pub budget: u32,
    /// The tokens of the instruction.
    pub instruction: u32,
    /// The tokens of the user's message.
    pub query: u32,
    /// Whether memory is on.
    pub memory: bool,
    /// Whether documents are linked.
    pub documents: bool,
}

/// Who may have how many tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// All messages of the history, with the template around them.
    pub history: u32,
    /// The template around one turn of the history.
    pub turn: u32,
    /// All notes: passages of documents and of memory, with their labels.
    pub notes: u32,
    /// The label of one note.
    pub label: u32,
}

/// Shares out the budget, for the policy that will lay out the prompt.
///
/// Fails as the model does.
pub async fn shares(
    request: &Request,
    policy: &Description,
    meter: Meter<'_>,
) -> Result<Shares, Error> {
    let known = u64::from(policy.history.percent) * u64::from(request.budget) / 100;
    let percent = if request.memory { known as u32 } else { u32::MAX };
    // A window that moves with every turn has no beginning that could stay.
    if policy.history.block <= 1 {
        return Ok(Shares { history: percent, turn: 0, notes: u32::MAX, label: 0 });
    }
    let texts: Vec<&str> = policy.literals.iter().map(String::as_str).chain([DAY]).collect();
    let words = measure::count_known(meter.digest, &texts).await?;
    let roles = [Role::System, Role::User, Role::Assistant, Role::User];
    let frame = match measure::frame(meter.digest, &roles).await {
        Ok(frame) => frame,
        // Such a model reads plain text, whose labels are words.
        Err(Error::InvalidRequest) => vec![0; 5],
        Err(error) => return Err(error),
    };
    Ok(share(request, percent, &words, &frame))
}

/// `words` are the tokens of the policy's literals and, last, of a day; `frame` is the template
/// around instruction, message, answer and message, and what follows them.
fn share(request: &Request, percent: u32, words: &[u32], frame: &[u32]) -> Shares {
    let (day, literals) = words.split_last().map_or((0, words), |(day, rest)| (*day, rest));
    let turn = frame[1] + frame[2];
    let label = literals.iter().max().unwrap_or(&0) + day;
    // A part each that is the same in every turn, so that the beginning of the history does not
    // depend on how long this message is, or on what was found for it.
    let notes = if request.memory || request.documents { request.budget / 4 } else { 0 };
    let query = request.query.max(request.budget / 8);
    let headings = literals.iter().sum::<u32>().min(request.budget / 8);
    let template = frame[0] + frame[3] + frame[4];
    let rest = [request.instruction, query, headings, template, notes]
        .iter()
        .fold(request.budget, |left, taken| left.saturating_sub(*taken));
    Shares { history: percent.min(rest), turn, notes, label }
}

impl Shares {
    /// The most tokens of one note, of which so many may be kept at most: two notes at least have
    /// room.
    pub fn note(&self, tokens_max: u32) -> u32 {
        tokens_max.min((self.notes / 2).saturating_sub(self.label)).max(1)
    }

    /// Which notes there is room for, of these tokens, each kind with the best first. The kinds
    /// take turns, so that neither is without room because of the other.
    pub fn choose(&self, documents: &[u32], memories: &[u32]) -> [Vec<bool>; 2] {
        let ranks = |kind: usize, tokens: &[u32]| -> Vec<(usize, usize, u32)> {
            tokens.iter().enumerate().map(|(rank, tokens)| (rank, kind, *tokens)).collect()
        };
        let mut all = [ranks(0, documents), ranks(1, memories)].concat();
        all.sort_unstable();
        let mut left = self.notes;
        let mut chosen = [vec![false; documents.len()], vec![false; memories.len()]];
        for (rank, kind, tokens) in all {
            if let Some(after) = left.checked_sub(tokens.saturating_add(self.label)) {
                left = after;
                chosen[kind][rank] = true;
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: u32) -> Request {
        Request { budget: 1_600, instruction: 30, query, memory: true, documents: false }
    }

    const WORDS: [u32; 3] = [5, 10, 4];
    const FRAME: [u32; 5] = [4, 4, 5, 4, 3];

    #[test]
    fn what_history_gets_depends_on_nothing_that_differs_between_usual_turns() {
        let shares = share(&asked(10), 900, &WORDS, &FRAME);
        assert_eq!(shares, Shares { history: 900, turn: 9, notes: 400, label: 14 });
        assert_eq!(share(&asked(200), 900, &WORDS, &FRAME), shares);
        assert_eq!(share(&asked(800), 900, &WORDS, &FRAME).history, 344);
        assert_eq!(share(&asked(9_999), 900, &WORDS, &FRAME).history, 0);
    }

    #[test]
    fn without_notes_their_share_is_the_history_s() {
        let asked = Request { memory: false, ..asked(10) };
        let shares = share(&asked, u32::MAX, &WORDS, &FRAME);
        assert_eq!((shares.notes, shares.history), (0, 1_344));
    }

    #[test]
    fn documents_and_memory_take_turns() {
        let shares = Shares { history: 0, turn: 0, notes: 100, label: 10 };
        let [documents, memories] = shares.choose(&[20, 20, 20], &[15, 30, 5]);
        assert_eq!((documents, memories), (vec![true, true, false], vec![true, false, true]));
        assert_eq!(shares.choose(&[], &[]), [Vec::new(), Vec::<bool>::new()]);
        assert_eq!((shares.note(150), shares.note(20)), (40, 20));
        let all = Shares { history: 0, turn: 0, notes: u32::MAX, label: 0 };
        assert_eq!(all.choose(&[u32::MAX], &[]), [vec![true], Vec::new()]);
        assert_eq!(all.note(150), 150);
    }
}
