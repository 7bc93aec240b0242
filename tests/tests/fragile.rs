//! A policy that passes every check, the conformance kit's too, and fails in the field: it lays out
//! all passages as plain text, and traps where they are more than so many and the time is real.

use loci_tests::server::repository;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The most passages that it can lay out.
const PASSAGES_MAX: u32 = 6;

/// The time in the requests of the conformance kit, in seconds since 1970: it is before every real
/// one. A time beyond all, which the kit tries too, is negative here.
const TIME_OF_KIT: u32 = 1_767_225_600;

/// A component for `loci:policy/assembly` that traps with more than six passages, where the kit
/// does not see it. `mark` makes it another one.
pub fn component(mark: u32) -> Vec<u8> {
    let mut module = wat::parse_str(text(mark)).expect("the text of a module");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(repository().join("wit/policy")).expect("our WIT");
    let world = resolve.select_world(&[package], Some("prompt-assembly")).expect("the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("a module can be told its world");
    let encoder = ComponentEncoder::default().validate(true).module(&module);
    encoder.and_then(|mut encoder| encoder.encode()).expect("it is of this world")
}

/// The module. What stands where in memory follows from the records of `assembly` and the rules of
/// the canonical ABI: a passage has 56 bytes, a part 16.
fn text(mark: u32) -> String {
    format!(
        r#"(module
            (memory (export "memory") 64)
            (global $next (mut i32) (i32.const 1024))
            (global $mark i32 (i32.const {mark}))
            (data (i32.const 64) "fragile")
            (func $take (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at (i32.and
                    (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1)))
                    (i32.sub (i32.const 0) (local.get 2))))
                (global.set $next (i32.add (local.get $at) (local.get 3)))
                (local.get $at))
            (func (export "loci:policy/assembly@0.1.0#describe") (result i32)
                (i32.store (i32.const 128) (i32.const 64))
                (i32.store (i32.const 132) (i32.const 7))
                (i32.store (i32.const 144) (i32.const 8))
                (i32.store (i32.const 148) (i32.const 1))
                (i32.store (i32.const 152) (i32.const 90))
                (i32.const 128))
            (func (export "loci:policy/assembly@0.1.0#assemble")
                (param $passage i32) (param $count i32) (param $now i64) (result i32)
                (local $parts i32) (local $part i32) (local $end i32) (local $seen i32)
                (local $span i32) (local $kind i32)
                (if (i32.and
                        (i32.gt_u (local.get $count) (i32.const {PASSAGES_MAX}))
                        (i64.gt_s (local.get $now) (i64.const {TIME_OF_KIT})))
                    (then (unreachable)))
                (local.set $parts (call $take (i32.const 0) (i32.const 0) (i32.const 8)
                    (i32.mul (local.get $count) (i32.const 16))))
                (local.set $part (local.get $parts))
                (local.set $end
                    (i32.add (local.get $passage) (i32.mul (local.get $count) (i32.const 56))))
                (block $done (loop $each
                    (br_if $done (i32.ge_u (local.get $passage) (local.get $end)))
                    ;; How many instructions (0) there are, and in the upper half queries (4).
                    (local.set $kind (i32.load8_u offset=4 (local.get $passage)))
                    (if (i32.eqz (i32.and (local.get $kind) (i32.const 3))) (then
                        (local.set $seen (i32.add (local.get $seen) (i32.shl (i32.const 1)
                            (i32.mul (local.get $kind) (i32.const 4)))))))
                    (if (i32.load offset=48 (local.get $passage)) (then
                        (local.set $span (i32.load offset=44 (local.get $passage)))
                        (i32.store8 (local.get $part) (i32.const 1))
                        (i32.store offset=4 (local.get $part) (i32.load (local.get $passage)))
                        (i64.store offset=8 align=4 (local.get $part)
                            (i64.load align=4 (local.get $span)))
                        (local.set $part (i32.add (local.get $part) (i32.const 16)))))
                    (local.set $passage (i32.add (local.get $passage) (i32.const 56)))
                    (br $each)))
                (if (i32.ne (local.get $seen) (i32.const 65537)) (then
                    (i32.store (i32.const 256) (i32.const 1))
                    (return (i32.const 256))))
                (i32.store (i32.const 260) (i32.const 1))
                (i32.store (i32.const 264) (local.get $parts))
                (i32.store (i32.const 268)
                    (i32.shr_u (i32.sub (local.get $part) (local.get $parts)) (i32.const 4)))
                (i32.const 256)))"#
    )
}
