//! The decisions of the shipped policies, for browsers and other JavaScript.
//!
//! `shapes` is what JavaScript passes and gets: the records of `wit/policy` as the usual bindings
//! of components write them, in camel case, with variants as `{ tag, val }`. `decide` is the same
//! code as in the components, asked in these shapes. `exports` is what wasm-bindgen makes of it.

pub mod decide;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod exports;
pub mod shapes;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod vectors;
