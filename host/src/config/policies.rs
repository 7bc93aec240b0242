//! The arguments of `loci policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The arguments of `loci policy`.
#[derive(Debug, Args)]
pub struct PolicyArguments {
    /// The server whose policies are meant
    #[arg(
        long,
        value_name = "URL",
        env = "LOCI_SERVER",
        default_value = "http://127.0.0.1:3000",
        global = true
    )]
    pub server: String,
    /// Write what the server answers, as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: PolicyCommand,
}

/// What can be done with policies. A digest may be shortened to its first 8 characters.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// List the policies, those in use first
    List,
    /// Add a policy; it is checked and tried, and waits until it is activated
    Add {
        /// The component, a `.wasm` file
        file: PathBuf,
        /// What to call it [default: what it calls itself]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Put it in use as well
        #[arg(long)]
        activate: bool,
    },
    /// Put a policy in use, from the next turn on
    Activate {
        /// Its digest
        digest: String,
    },
    /// Put the policy in use that was before
    Rollback {
        /// The hook, as in `assembly`
        interface: String,
    },
    /// Tell about a policy, and what was done with it
    Info {
        /// Its digest
        digest: String,
    },
    /// Remove a policy that is not in use
    Remove {
        /// Its digest
        digest: String,
    },
    /// Put the prompt of an exported receipt together again, and tell whether it is the same
    Replay {
        /// What `GET /api/v1/sessions/ID/messages/ID/receipt/export` answered
        file: PathBuf,
    },
    /// Tell what was done with policies, the latest first
    Log,
}
