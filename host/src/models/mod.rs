//! The models that an operator may choose from: those of the data folder, those that were named at
//! start, and those that come with the program. How they got there, and what was chosen.

mod add;
mod catalog;
pub mod command;
mod hub;
mod kept;
mod minilm;
mod origin;

pub use catalog::{Catalog, Entry, Source};
pub use kept::{Chosen, Kept};
