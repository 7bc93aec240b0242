//! `loci eval`: how good an application is at what it promises, on data that one has.

mod conversations;
mod recall;
mod scores;
mod when;

use anyhow::Result;

use crate::config::{EvalArguments, EvalCommand};

/// Measures what the arguments say, and tells it on the standard output. Blocks.
///
/// # Errors
///
/// Fails if the data cannot be read, or the application does not do what it is asked.
pub fn run(arguments: EvalArguments) -> Result<()> {
    match arguments.command {
        EvalCommand::Recall(arguments) => recall::run(&arguments),
    }
}
