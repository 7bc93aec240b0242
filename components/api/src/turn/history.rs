//! The recent turns that stand in the prompt verbatim.

use crate::bindings::policy::assembly::Window;
use crate::db::memory::Found;

/// The first turn of the window before `turn`: one more than a multiple of `block`, so that it
/// moves once in `block` turns. `turn` itself where no history is wanted.
pub fn window_start(turn: u32, window: &Window) -> u32 {
    let last = turn.saturating_sub(1);
    if window.turns == 0 || last == 0 {
        return turn;
    }
    let first = last.saturating_sub(window.turns - 1).max(1);
    let block = window.block.max(1);
    (first - 1).div_ceil(block) * block + 1
}

/// Moves the start of the window on until its messages, `(turn, tokens)` in order, take at most
/// `tokens_max`, in steps that are as large as can be: `block` turns, or half of it, and so on.
///
/// The start is one more than a multiple of the step. So it stays where it is while the
/// conversation goes on, until the window is too long again. A step after which less than a third
/// of `tokens_max` would be left is too large. The latest turn stays: if it alone is too long, it
/// is for truncation to cut.
pub fn slide(start: u32, turn: u32, block: u32, tokens: &[(u32, u32)], tokens_max: u32) -> u32 {
    let sum = |from: u32, to: u32| -> u64 {
        let within = tokens.iter().filter(|(at, _)| (from..to).contains(at));
        within.map(|(_, n)| u64::from(*n)).sum()
    };
    let most = u64::from(tokens_max);
    if start >= turn {
        return start;
    }
    let mut step = block.max(1);
    loop {
        let fits = (start..turn).step_by(step as usize).find(|at| sum(*at, turn) <= most);
        match fits {
            Some(at) if at == start || step == 1 => return at,
            Some(at) => {
                // What was left when the window moved here, which is the same for as long as it
                // stays here.
                let before = at - step;
                let moved = (at..=turn).find(|end| sum(before, *end) > most).unwrap_or(turn);
                if 3 * sum(at, moved) >= most {
                    return at;
                }
            }
            None if step == 1 => return turn - 1,
            None => {}
        }
        step = if step.is_multiple_of(2) { step / 2 } else { 1 };
    }
}

/// Leaves only turns that have both a message and an answer with something in it: what has no
/// answer, or an empty one, would break the alternation that chat templates rely on.
pub fn whole_turns(messages: Vec<Found>) -> Vec<Found> {
    let mut whole = Vec::with_capacity(messages.len());
    let mut messages = messages.into_iter().peekable();
    while let Some(message) = messages.next() {
        if message.role != "user" {
            continue;
        }
        let answers = |next: &Found| {
            next.role == "assistant" && next.turn == message.turn && !next.content.is_empty()
        };
        if let Some(answer) = messages.next_if(answers) {
            whole.push(message);
            whole.push(answer);
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(turns: u32, block: u32) -> Window {
        Window { turns, block, percent: 50 }
    }

    #[test]
    fn the_window_starts_one_after_a_multiple_of_the_block() {
        for turn in 1..200 {
            let start = window_start(turn, &window(32, 8));
            assert_eq!((start - 1) % 8, 0, "turn {turn}");
            assert!(turn - start <= 32, "turn {turn} sees {} turns", turn - start);
            assert!(turn <= 33 || turn - start >= 25, "turn {turn} sees {} turns", turn - start);
        }
    }

    #[test]
    fn the_window_moves_once_in_a_block() {
        let starts: Vec<u32> = (100..108).map(|turn| window_start(turn, &window(32, 8))).collect();
        let moves = starts.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(moves, 1);
    }

    #[test]
    fn a_block_of_one_moves_with_each_turn() {
        assert_eq!(window_start(10, &window(2, 1)), 8);
        assert_eq!(window_start(11, &window(2, 1)), 9);
        assert_eq!(window_start(2, &window(2, 1)), 1);
    }

    #[test]
    fn no_history_is_no_window() {
        assert_eq!(window_start(10, &window(0, 1)), 10);
        assert_eq!(window_start(1, &window(32, 8)), 1);
    }

    /// Where a window of turns of so many tokens starts, before each turn up to `turns`.
    fn starts(turns: u32, tokens: impl Fn(u32) -> u32, tokens_max: u32) -> Vec<(u32, u32)> {
        let all: Vec<(u32, u32)> = (1..turns).map(|turn| (turn, tokens(turn))).collect();
        let shown = |turn: u32| {
            let start = window_start(turn, &window(32, 8));
            let known: Vec<(u32, u32)> =
                all.iter().filter(|(at, _)| (start..turn).contains(at)).copied().collect();
            (turn, slide(start, turn, 8, &known, tokens_max))
        };
        (2..=turns).map(shown).collect()
    }

    #[test]
    fn a_window_that_takes_too_much_moves_on_in_large_steps() {
        let tokens: Vec<(u32, u32)> = (1..20).map(|turn| (turn, 10)).collect();
        assert_eq!(slide(1, 20, 8, &tokens, 1_000), 1);
        assert_eq!(slide(1, 20, 8, &tokens, 180), 9);
        // After steps of 8 turns, 3 of 10 would be left; so they are steps of 4.
        assert_eq!(slide(1, 20, 8, &tokens, 100), 13);
        // The latest turn stays, however long it is.
        assert_eq!(slide(1, 20, 8, &tokens, 5), 19);
        assert_eq!(slide(1, 1, 8, &[], 5), 1);
        assert_eq!(slide(1, 20, 1, &tokens, 25), 18);
    }

    #[test]
    fn a_window_moves_seldom_never_back_and_keeps_a_third() {
        for tokens_max in [230, 370, 1_000, 1_280, 2_400] {
            // Of 100 tokens each; of 40 and 160 in turn; all but every tenth short.
            let shapes: [fn(u32) -> u32; 3] = [
                |_| 100,
                |turn| if turn % 2 == 0 { 40 } else { 160 },
                |turn| if turn % 10 == 0 { 200 } else { 60 },
            ];
            for tokens in shapes {
                let starts = starts(400, tokens, tokens_max);
                let mut moves = 0;
                for pair in starts.windows(2) {
                    assert!(pair[0].1 <= pair[1].1, "{tokens_max}: {pair:?}");
                    moves += u32::from(pair[0].1 != pair[1].1);
                }
                for (turn, start) in &starts[40..] {
                    let sum: u32 = (*start..*turn).map(tokens).sum();
                    let fits = sum <= tokens_max && 3 * (sum + 200) >= tokens_max;
                    assert!(fits, "{tokens_max}: {sum} tokens before turn {turn}");
                }
                // In the time in which so much is said, it moves at most three times.
                let windows = 400 * 100 / tokens_max;
                assert!(moves <= 3 * windows, "{tokens_max}: {moves} moves");
            }
        }
    }

    fn said(turn: u32, role: &'static str, content: &str) -> Found {
        let content = content.to_owned();
        Found { message: 0, turn, role, timestamp: 0, tokens: None, content }
    }

    #[test]
    fn only_turns_with_an_answer_are_shown() {
        let messages = vec![
            said(1, "user", "a"),
            said(1, "assistant", "b"),
            said(2, "user", "no answer"),
            said(3, "user", "c"),
            said(3, "assistant", ""),
            said(4, "assistant", "no question"),
            said(5, "user", "d"),
            said(5, "assistant", "e"),
        ];
        let shown: Vec<String> = whole_turns(messages).into_iter().map(|m| m.content).collect();
        assert_eq!(shown, ["a", "b", "d", "e"]);
    }
}
