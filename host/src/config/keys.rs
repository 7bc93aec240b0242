//! The arguments of `loci keys`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The arguments of `loci keys`.
#[derive(Debug, Args)]
pub struct KeysArguments {
    /// The data folder that the keys are for
    #[arg(long, value_name = "FOLDER", env = "LOCI_DATA", default_value = ".loci", global = true)]
    pub data: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys
    List {
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a key and write it to standard output, this once
    Add {
        /// What to call it: 1 to 64 letters, digits, `-`, `_` or `.`
        name: String,
        /// Let it choose models, change settings, swap policies and read metrics
        #[arg(long)]
        admin: bool,
        /// Give it the sessions and documents of this other key, instead of its own
        #[arg(long, value_name = "NAME")]
        shares: Option<String>,
        /// The most requests in a minute [default: no limit]
        #[arg(long, value_name = "REQUESTS")]
        per_minute: Option<NonZeroU32>,
    },
    /// Remove a key; what it stored stays, for a key that shares it
    Remove {
        /// Its name in the list
        name: String,
    },
}
