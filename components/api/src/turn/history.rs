//! The recent turns that stand in the prompt verbatim.

use crate::bindings::policy::assembly::Window;

/// Where the window starts, given the turns that may stand in it, oldest first: as many as it holds
/// and one more, if there are so many.
///
/// Turns are numbered as they are said, and those that failed or were replaced leave gaps. So what
/// counts are the turns that are left, and the window starts with the first of a block of numbers:
/// it moves once in `block` turns, and more often only where turns are missing.
pub fn window_start(turns: &[u32], window: &Window) -> u32 {
    let block = |turn: &u32| turn.saturating_sub(1) / window.block.max(1);
    let first = match turns.len() <= window.turns as usize {
        true => turns.first(),
        false => {
            let moves = |pair: &&[u32]| block(&pair[0]) < block(&pair[1]);
            turns.windows(2).find(moves).map_or(turns.last(), |pair| pair.get(1))
        }
    };
    first.map_or(1, |first| block(first) * window.block.max(1) + 1)
}

/// Moves the start of the window on until its messages, `(turn, tokens)` in order, take at most
/// `tokens_max`, in steps that are as large as can be: `block` turns, or half of it, and so on.
/// `end` is one past its latest turn.
///
/// The start is one more than a multiple of the step. So it stays where it is while the
/// conversation goes on, until the window is too long again. A step after which less than a third
/// of `tokens_max` would be left is too large. The latest turn stays: if it alone is too long, it
/// is for truncation to cut.
pub fn slide(start: u32, end: u32, block: u32, tokens: &[(u32, u32)], tokens_max: u32) -> u32 {
    let sum = |from: u32, to: u32| -> u64 {
        let within = tokens.iter().filter(|(at, _)| (from..to).contains(at));
        within.map(|(_, n)| u64::from(*n)).sum()
    };
    let most = u64::from(tokens_max);
    if start >= end {
        return start;
    }
    let mut step = block.max(1);
    loop {
        let fits = (start..end).step_by(step as usize).find(|at| sum(*at, end) <= most);
        match fits {
            Some(at) if at == start || step == 1 => return at,
            Some(at) => {
                // What was left when the window moved here, which is the same for as long as it
                // stays here.
                let before = at - step;
                let moved = (at..=end).find(|until| sum(before, *until) > most).unwrap_or(end);
                if 3 * sum(at, moved) >= most {
                    return at;
                }
            }
            None if step == 1 => return end - 1,
            None => {}
        }
        step = if step.is_multiple_of(2) { step / 2 } else { 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(turns: u32, block: u32) -> Window {
        Window { turns, block, percent: 50 }
    }

    /// The start of a window of such turns.
    fn start_of(turns: impl DoubleEndedIterator<Item = u32>, window: &Window) -> u32 {
        let mut latest: Vec<u32> = turns.rev().take(window.turns as usize + 1).collect();
        latest.reverse();
        window_start(&latest, window)
    }

    /// The start of the window before a turn, none of those before it missing.
    fn start_before(turn: u32, window: &Window) -> u32 {
        start_of(1..turn, window)
    }

    #[test]
    fn the_window_starts_one_after_a_multiple_of_the_block() {
        for turn in 1..200 {
            let start = start_before(turn, &window(32, 8));
            assert_eq!((start - 1) % 8, 0, "turn {turn}");
            assert!(turn - start <= 32, "turn {turn} sees {} turns", turn - start);
            assert!(turn <= 33 || turn - start >= 25, "turn {turn} sees {} turns", turn - start);
        }
    }

    #[test]
    fn the_window_moves_once_in_a_block() {
        let starts: Vec<u32> = (100..108).map(|turn| start_before(turn, &window(32, 8))).collect();
        let moves = starts.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(moves, 1);
    }

    #[test]
    fn a_block_of_one_moves_with_each_turn() {
        assert_eq!(start_before(10, &window(2, 1)), 8);
        assert_eq!(start_before(11, &window(2, 1)), 9);
        assert_eq!(start_before(2, &window(2, 1)), 1);
    }

    #[test]
    fn turns_that_are_gone_take_no_place_in_the_window() {
        // The fifth turn was said anew forty times.
        assert_eq!(start_of((1..5).chain([45]), &window(32, 8)), 1);
        assert_eq!(start_of([45, 46].into_iter(), &window(32, 8)), 41);
        // Half of the turns are gone: as many as ever are left, give or take a block.
        for last in 100..200 {
            let turns = || (1..last).filter(|turn| turn % 2 == 0);
            let start = start_of(turns(), &window(32, 8));
            let shown = turns().filter(|turn| *turn >= start).count();
            assert!((25..=32).contains(&shown), "{shown} turns before turn {last}");
        }
    }

    /// Where a window of turns of so many tokens starts, before each turn up to `turns`.
    fn starts(turns: u32, tokens: impl Fn(u32) -> u32, tokens_max: u32) -> Vec<(u32, u32)> {
        let all: Vec<(u32, u32)> = (1..turns).map(|turn| (turn, tokens(turn))).collect();
        let shown = |turn: u32| {
            let start = start_before(turn, &window(32, 8));
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
}
