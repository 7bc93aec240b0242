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

/// Moves the start of the window on, block by block, until its messages take at most `tokens_max`.
/// At least the block with the latest turn stays: what is too long in it is for truncation to cut.
pub fn shrink(start: u32, turn: u32, block: u32, tokens: &[(u32, u32)], tokens_max: u32) -> u32 {
    let block = block.max(1);
    let mut start = start;
    let sum = |from: u32| -> u64 {
        tokens.iter().filter(|(at, _)| *at >= from).map(|(_, n)| u64::from(*n)).sum()
    };
    while start + block < turn && sum(start) > u64::from(tokens_max) {
        start += block;
    }
    start
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

    #[test]
    fn a_window_that_takes_too_much_moves_on_block_by_block() {
        let tokens: Vec<(u32, u32)> = (1..20).map(|turn| (turn, 10)).collect();
        assert_eq!(shrink(1, 20, 4, &tokens, 1_000), 1);
        assert_eq!(shrink(1, 20, 4, &tokens, 120), 9);
        // The block with the latest turn stays, however long it is.
        assert_eq!(shrink(1, 20, 4, &tokens, 5), 17);
        assert_eq!(shrink(17, 18, 4, &[(17, 9_999)], 5), 17);
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
