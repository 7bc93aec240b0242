//! Which fault a guest has: a test writes its name into the component.

use std::hint::black_box;

/// What stands here is replaced before the component is loaded.
static FAULT: [u8; 32] = *b"fault:none______________________";

/// Whether the guest has the fault of this name.
pub fn is(name: &str) -> bool {
    let fault = black_box(&FAULT)[6..].split(|byte| *byte == b'_').next();
    fault == Some(name.as_bytes())
}

/// Whether the guest has the fault of this name, or sleeps until a text of its request names one.
pub fn is_now(name: &str, text: &str) -> bool {
    is(name) || is("sleeper") && text.strip_prefix("Now: ") == Some(name)
}

/// Does what every guest can do wrong, if it is that.
pub fn commit() {
    commit_now("");
}

/// Does what every guest can do wrong, if it is that, or if this text wakes it.
pub fn commit_now(text: &str) {
    let is = |name: &str| is_now(name, text);
    if is("loop") {
        let mut turns = 0_u64;
        while black_box(true) {
            turns = black_box(turns + 1);
        }
    }
    if is("recursion") {
        black_box(deeper(black_box(1)));
    }
    if is("growth") {
        let mut all = Vec::new();
        loop {
            // Not written to: memory is to end before fuel does.
            all.push(black_box(Vec::<u8>::with_capacity(1 << 20)));
        }
    }
    if is("trap") {
        black_box(None::<u32>).expect("this guest traps");
    }
}

/// Calls itself until there is no stack left.
#[expect(unconditional_recursion, reason = "it is what this guest does wrong")]
fn deeper(depth: u64) -> u64 {
    // Nothing that lies in memory, or the guest's own stack in there would end first.
    deeper(depth.wrapping_mul(depth | 3)).wrapping_mul(depth | 1) ^ depth
}
