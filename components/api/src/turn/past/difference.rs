//! How two prompts differ, line by line.

use serde::Serialize;

/// The lines of one side of a difference that are compared one by one; longer ones are shown as
/// replaced as a whole.
const COMPARED_MAX: usize = 600;

/// Lines that stand in one prompt only.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Hunk {
    /// The line of the first prompt that it begins at; 1 is the first.
    pub line: usize,
    /// What stands in the first prompt only.
    pub removed: Vec<String>,
    /// What stands in the second prompt only.
    pub added: Vec<String>,
}

/// How the second text differs from the first. Nothing: it does not.
pub fn difference(before: &str, after: &str) -> Vec<Hunk> {
    let before: Vec<&str> = before.split('\n').collect();
    let after: Vec<&str> = after.split('\n').collect();
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let start = before.iter().zip(&after).take_while(same).count();
    let (before, after) = (&before[start..], &after[start..]);
    let end = before.iter().rev().zip(after.iter().rev()).take_while(same).count();
    let (before, after) = (&before[..before.len() - end], &after[..after.len() - end]);
    let kept = match before.len().max(after.len()) {
        0..=COMPARED_MAX => common(before, after),
        _ => Vec::new(),
    };
    hunks(before, after, &kept, start)
}

/// The longest common subsequence of two lists: pairs of places.
fn common(before: &[&str], after: &[&str]) -> Vec<(usize, usize)> {
    let width = after.len() + 1;
    // The length of the longest one from each pair of places on.
    let mut longest = vec![0_u32; (before.len() + 1) * width];
    for one in (0..before.len()).rev() {
        for other in (0..after.len()).rev() {
            longest[one * width + other] = match before[one] == after[other] {
                true => longest[(one + 1) * width + other + 1] + 1,
                false => longest[(one + 1) * width + other].max(longest[one * width + other + 1]),
            };
        }
    }
    let (mut one, mut other, mut pairs) = (0, 0, Vec::new());
    while one < before.len() && other < after.len() {
        if before[one] == after[other] {
            pairs.push((one, other));
            (one, other) = (one + 1, other + 1);
        } else if longest[(one + 1) * width + other] >= longest[one * width + other + 1] {
            one += 1;
        } else {
            other += 1;
        }
    }
    pairs
}

/// What stands between the pairs.
fn hunks(before: &[&str], after: &[&str], pairs: &[(usize, usize)], start: usize) -> Vec<Hunk> {
    let mut hunks = Vec::new();
    let (mut one, mut other) = (0, 0);
    let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    for (next_one, next_other) in pairs.iter().copied().chain([(before.len(), after.len())]) {
        if one < next_one || other < next_other {
            hunks.push(Hunk {
                line: start + one + 1,
                removed: owned(&before[one..next_one]),
                added: owned(&after[other..next_other]),
            });
        }
        (one, other) = (next_one + 1, next_other + 1);
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunk(line: usize, removed: &[&str], added: &[&str]) -> Hunk {
        let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        Hunk { line, removed: owned(removed), added: owned(added) }
    }

    #[test]
    fn what_stands_in_one_only_is_shown_with_its_place() {
        assert_eq!(difference("a\nb", "a\nb"), []);
        assert_eq!(difference("a\nb\nc", "a\nc"), [hunk(2, &["b"], &[])]);
        assert_eq!(difference("a\nc", "a\nb\nc"), [hunk(2, &[], &["b"])]);
        let both = [hunk(1, &["a"], &["x"]), hunk(3, &["c"], &["z", "z"])];
        assert_eq!(difference("a\nb\nc\nd", "x\nb\nz\nz\nd"), both);
        assert_eq!(difference("", "a"), [hunk(1, &[""], &["a"])]);
    }

    #[test]
    fn what_is_too_long_is_replaced_as_a_whole() {
        let before: Vec<String> = (0..=COMPARED_MAX).map(|line| format!("old {line}")).collect();
        let after = before.join("\n").replace("old", "new");
        let hunks = difference(&before.join("\n"), &after);
        assert_eq!((hunks.len(), hunks[0].removed.len()), (1, COMPARED_MAX + 1));
    }
}
