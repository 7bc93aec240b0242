//! Components that abuse a slot, written as text.

use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use super::*;
use crate::engine::Engines;

/// An interface for these tests: the request says what the component is to do.
struct Echo;

impl Interface for Echo {
    const NAME: &'static str = "loci:test/echo@0.1.0";
    const FUNCTION: &'static str = "answer";
    const ALLOWANCE: Allowance = Allowance { request_bytes: usize::MAX, ..OF_A_TURN };
    type Request = u32;
    type Answer = Vec<u32>;
    type Facts = ();

    fn describe(_: &Probe<'_, Self>) -> Result<(), Refusal> {
        Ok(())
    }

    fn measure(request: &u32) -> Result<usize, Failure> {
        match *request {
            TOO_LARGE => Err(Failure::RequestTooLarge),
            // So much fuel that only time is left to end it.
            LOOP_WITH_FUEL => Ok(usize::MAX),
            _ => Ok(0),
        }
    }

    fn check((): &(), _: &u32, answer: &Vec<u32>) -> Result<(), &'static str> {
        if answer.len() == 1 { Ok(()) } else { Err("an answer is one number") }
    }

    fn trials() -> Vec<u32> {
        vec![ANSWER]
    }
}

const ANSWER: u32 = 0;
const LOOP: u32 = 1;
const GROW: u32 = 2;
const RECURSE: u32 = 3;
const TRAP: u32 = 4;
const GIANT_LIST: u32 = 5;
const LIST_OUTSIDE: u32 = 6;
const BREAK_RULE: u32 = 7;
const LOOP_WITH_FUEL: u32 = 8;
const TOO_LARGE: u32 = 9;

/// A component that answers with `version`, or does what it is told. `body` goes first.
fn component(version: u32, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (core module $m
                (memory (export "memory") 1)
                (data (i32.const 0) "\10\00\00\00\01\00\00\00")
                (data (i32.const 16) "\{version:02x}\00\00\00")
                (func $recurse (param i32) (result i32)
                    (i32.add (i32.const 1) (call $recurse (local.get 0))))
                (func (export "answer") (param $n i32) (result i32)
                    {body}
                    (if (i32.or (i32.eq (local.get $n) (i32.const {LOOP}))
                                (i32.eq (local.get $n) (i32.const {LOOP_WITH_FUEL})))
                        (then (loop $l (br $l))))
                    (if (i32.eq (local.get $n) (i32.const {GROW}))
                        (then (loop $l
                            (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))
                            (unreachable))))
                    (if (i32.eq (local.get $n) (i32.const {RECURSE}))
                        (then (return (call $recurse (local.get $n)))))
                    (if (i32.eq (local.get $n) (i32.const {TRAP})) (then (unreachable)))
                    (if (i32.eq (local.get $n) (i32.const {GIANT_LIST}))
                        (then
                            (drop (memory.grow (i32.const 160)))
                            (i32.store (i32.const 4) (i32.const 2000000))))
                    (if (i32.eq (local.get $n) (i32.const {LIST_OUTSIDE}))
                        (then (i32.store (i32.const 4) (i32.const 1000000))))
                    (if (i32.eq (local.get $n) (i32.const {BREAK_RULE}))
                        (then (i32.store (i32.const 4) (i32.const 0))))
                    (i32.const 0)))
            (core instance $i (instantiate $m))
            (func $answer (param "n" u32) (result (list u32))
                (canon lift (core func $i "answer") (memory (core memory $i "memory"))))
            (instance $echo (export "answer" (func $answer)))
            (export "loci:test/echo@0.1.0" (instance $echo)))"#
    );
    binary(&text)
}

fn binary(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the text of a component")
}

fn engines() -> (Engines, TempDir) {
    let folder = TempDir::new().expect("a folder");
    (Engines::new(folder.path()).expect("engines"), folder)
}

fn load(slot: &Slot<Echo>, bytes: &[u8]) {
    let told = slot.prepare(bytes).expect("a policy");
    assert!(slot.put(&told.digest));
}

fn refusal(bytes: &[u8]) -> String {
    let (engines, _folder) = engines();
    Slot::<Echo>::new(engines.policies(), bytes, Grant::default())
        .err()
        .expect("a refusal")
        .to_string()
}

#[test]
fn each_abuse_ends_with_its_own_case() {
    let (engines, _folder) = engines();
    let slot = Slot::<Echo>::new(engines.policies(), &component(42, ""), Grant::default())
        .expect("a policy");
    for (request, expected) in [
        (LOOP, Failure::OutOfFuel),
        (GROW, Failure::OutOfMemory),
        (RECURSE, Failure::OutOfMemory),
        (TRAP, Failure::Trapped),
        (GIANT_LIST, Failure::InvalidAnswer),
        (LIST_OUTSIDE, Failure::InvalidAnswer),
        (BREAK_RULE, Failure::InvalidAnswer),
        (LOOP_WITH_FUEL, Failure::OutOfTime),
        (TOO_LARGE, Failure::RequestTooLarge),
    ] {
        assert_eq!(slot.current().call(&request), Err(expected), "request {request}");
        assert_eq!(slot.current().call(&ANSWER), Ok(vec![42]), "after request {request}");
    }
}

#[test]
fn a_policy_gets_no_more_fuel_than_was_found_to_be_enough() {
    let (engines, _folder) = engines();
    let slot = Slot::<Echo>::new(engines.policies(), &component(42, ""), Grant::default())
        .expect("a policy");
    let policy = slot.current();
    let looped = |at_most: u64| {
        let (answer, fuel) = policy.measured_call(&LOOP);
        assert_eq!(answer, Err(Failure::OutOfFuel));
        assert!(fuel <= at_most, "{fuel} of {at_most}");
        fuel
    };
    assert!(looped(OF_A_TURN.fuel) > 10_000);
    assert!(!policy.may_be_long(&LOOP) && policy.may_be_long(&LOOP_WITH_FUEL));
    slot.suffices(policy.digest(), Fuel { fuel: 10_000, fuel_per_byte: 0 });
    looped(10_000);
    assert_eq!(policy.call(&ANSWER), Ok(vec![42]));
    let told = refusal::limits(Failure::OutOfFuel, &policy.allowance());
    assert!(told.contains("10000 units of fuel (`policy-fuel`)"), "{told}");
}

#[test]
fn what_is_no_policy_is_refused_by_name() {
    let (engines, _folder) = engines();
    let good = component(1, "");
    let compiled = engines.policies().precompile_component(&good).expect("compiled");
    let wasi = "(component (import \"wasi:http/types@0.2.0\" (instance)))";
    for (bytes, expected) in [
        (vec![0; OF_A_TURN.component_bytes + 1], "8388609 bytes"),
        (compiled, "compiled already"),
        (binary("(module)"), "is a core module"),
        (b"(component)".to_vec(), "no WebAssembly component"),
        (good[..good.len() / 2].to_vec(), "no valid component"),
        (binary(wasi), "imports `wasi:http/types@0.2.0`"),
        (binary("(component)"), "must export `loci:test/echo@0.1.0`, and exports nothing"),
    ] {
        let refusal = refusal(&bytes);
        assert!(refusal.contains(expected), "{refusal}");
    }
}

#[test]
fn what_exports_something_else_is_refused_by_name() {
    let other = |interface: &str, function: &str, result: &str| {
        binary(&format!(
            r#"(component
                (core module $m (func (export "f") (param i32) (result i32) (i32.const 0)))
                (core instance $i (instantiate $m))
                (func $f (param "n" u32) (result {result}) (canon lift (core func $i "f")))
                (instance $e (export "{function}" (func $f)))
                (export "{interface}" (instance $e)))"#
        ))
    };
    for (bytes, expected) in [
        (other("loci:test/other@0.1.0", "answer", "u32"), "and exports `loci:test/other@0.1.0`"),
        (other(Echo::NAME, "reply", "u32"), "without its function `answer`"),
        (other(Echo::NAME, "answer", "u32"), "has another type"),
    ] {
        let refusal = refusal(&bytes);
        assert!(refusal.contains(expected), "{refusal}");
    }
}

#[test]
fn what_cannot_start_or_fails_its_trial_is_refused() {
    let memories = r#"(component
        (core module $m (memory 1))
        (core instance (instantiate $m))
        (core instance (instantiate $m))
        (core module $n (memory (export "memory") 1)
            (func (export "f") (param i32) (result i32) (i32.const 0)))
        (core instance $i (instantiate $n))
        (func $f (param "n" u32) (result (list u32))
            (canon lift (core func $i "f") (memory (core memory $i "memory"))))
        (instance $e (export "answer" (func $f)))
        (export "loci:test/echo@0.1.0" (instance $e)))"#;
    for (bytes, expected) in [
        (binary(memories), "cannot be started: `out-of-memory`"),
        (component(1, "(loop $l (br $l))"), "request 0 of its trial: `out-of-fuel`"),
        (component(1, "(unreachable)"), "request 0 of its trial: `trapped`"),
        (
            component(1, "(local.set $n (i32.const 7))"),
            "its trial: `invalid-answer`, the rule is: an answer is one number",
        ),
    ] {
        let refusal = refusal(&bytes);
        assert!(refusal.contains(expected), "{refusal}");
    }
}

#[test]
fn a_refused_component_leaves_the_slot_as_it_was() {
    let (engines, _folder) = engines();
    let slot = Slot::<Echo>::new(engines.policies(), &component(1, ""), Grant::default())
        .expect("a policy");
    assert!(slot.prepare(&binary("(component)")).is_err());
    assert_eq!(slot.current().call(&ANSWER), Ok(vec![1]));
}

#[test]
fn a_call_ends_with_the_policy_that_it_began_with() {
    let (engines, _folder) = engines();
    let slot = Slot::<Echo>::new(engines.policies(), &component(1, ""), Grant::default())
        .expect("a policy");
    let before = slot.current();
    load(&slot, &component(2, ""));
    assert_eq!(before.call(&ANSWER), Ok(vec![1]));
    assert_eq!(slot.current().call(&ANSWER), Ok(vec![2]));
    assert_ne!(before.digest(), slot.current().digest());
}

#[test]
fn replacing_a_policy_under_load_fails_no_call() {
    let (engines, _folder) = engines();
    let slot = Slot::<Echo>::new(engines.policies(), &component(1, ""), Grant::default())
        .expect("a policy");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let caller = || {
            let mut versions = [false; 4];
            // The last round begins after the last replacement, however late this thread runs.
            loop {
                let last = done.load(Ordering::Acquire);
                let answer = slot.current().call(&ANSWER).expect("an answer");
                versions[answer[0] as usize] = true;
                if last {
                    return versions;
                }
            }
        };
        let callers = [scope.spawn(caller), scope.spawn(caller)];
        for version in [2, 3, 2, 3] {
            load(&slot, &component(version, ""));
        }
        done.store(true, Ordering::Release);
        for caller in callers {
            let versions = caller.join().expect("no call fails");
            assert!(versions[3] && !versions[0]);
        }
    });
    assert_eq!(slot.current().call(&ANSWER), Ok(vec![3]));
}

#[test]
fn what_one_call_leaves_in_memory_the_next_does_not_find() {
    let (engines, _folder) = engines();
    let remember = "(i32.store (i32.const 16)
        (i32.add (i32.load (i32.const 16)) (i32.const 1)))";
    let slot = Slot::<Echo>::new(engines.policies(), &component(1, remember), Grant::default())
        .expect("a policy");
    assert_eq!(slot.current().call(&ANSWER), Ok(vec![2]));
    assert_eq!(slot.current().call(&ANSWER), Ok(vec![2]));
}
