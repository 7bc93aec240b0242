//! The arguments of `loci eval`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The arguments of `loci eval`.
#[derive(Debug, Args)]
pub struct EvalArguments {
    /// What to measure.
    #[command(subcommand)]
    pub command: EvalCommand,
}

/// What can be measured.
#[derive(Debug, Subcommand)]
pub enum EvalCommand {
    /// Ask the memory of conversations for what is known to be in it, and count what it finds
    Recall(RecallArguments),
}

/// The arguments of `loci eval recall`.
#[derive(Debug, Args)]
pub struct RecallArguments {
    /// The conversations, one in each line, as JSON: `{"conversation", "messages": [{"id", "role",
    /// "name"?, "said_at"?, "content"}], "questions": [{"question", "kind", "evidence": [id]}]}`
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// The model that embeds, a GGUF file [default: the component `embedding-static`]
    #[arg(long, value_name = "FILE")]
    pub embedding_model: Option<PathBuf>,
    /// The manifest of the application, with the policies to measure [default: the nearest
    /// `spin.toml` in a folder around this program]
    #[arg(long, value_name = "FILE")]
    pub app: Option<PathBuf>,
    /// Write JSON
    #[arg(long)]
    pub json: bool,
    /// A folder for the database, which must be empty or missing, and stays [default: a temporary
    /// one, which is removed]
    #[arg(long, value_name = "FOLDER")]
    pub keep: Option<PathBuf>,
}
