//! The arguments of `loci policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::authoring::Language;
use crate::slot::Grant;

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
    pub command: PolicyTask,
}

/// What can be done about policies.
#[derive(Debug, Subcommand)]
pub enum PolicyTask {
    /// Write a project of a policy into a new folder; needs no server
    New(NewArguments),
    /// Make a component of a core module that Rust compiled; needs no server
    Pack(PackArguments),
    /// Try whether a component keeps the contract of its world; needs no server
    Check(CheckArguments),
    /// What a server does.
    #[command(flatten)]
    Server(PolicyCommand),
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
        /// What it must have shown before.
        #[command(flatten)]
        require: Required,
    },
    /// Have a policy lay out past turns again, and tell how their prompts would have been others
    Shadow {
        /// Its digest
        digest: String,
        /// How many turns: the latest
        #[arg(long, value_name = "TURNS", default_value_t = 50)]
        turns: u32,
        /// Of this session only
        #[arg(long, value_name = "ID")]
        session: Option<String>,
    },
    /// Give a policy a share of the sessions; what fails too often is taken back
    Canary {
        /// Its digest
        digest: String,
        /// How many of a hundred sessions; 0 takes it back
        #[arg(long, value_name = "PERCENT")]
        percent: u32,
        /// The failed calls that it may have
        #[arg(long, value_name = "CALLS")]
        errors_max: Option<u32>,
    },
    /// Say what becomes of a turn whose policy fails
    OnFailure {
        /// The hook: `assembly` or `truncation`
        interface: String,
        /// `built-in` (the built-in policy answers), `closed` (the turn fails), or `reload` (as
        /// `built-in`, and the policy is set aside for a while)
        what: String,
    },
    /// Watch a folder: what is saved there as `.wasm` is added and put in use at once
    Watch {
        /// The folder
        folder: PathBuf,
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

/// The arguments of `loci policy check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The component, a `.wasm` file
    pub file: PathBuf,
    /// The world it must be of, `prompt-assembly` for example [default: the one that it exports]
    #[arg(long, value_name = "WORLD")]
    pub world: Option<String>,
    /// What policies may be and use on the server that it is for.
    #[command(flatten)]
    pub policies: Grant,
    /// Also tell how long a call with 40 passages takes here
    #[arg(long)]
    pub time: bool,
}

/// The arguments of `loci policy new`.
#[derive(Debug, Args)]
pub struct NewArguments {
    /// What the policy and its folder are called, in kebab-case
    pub name: String,
    /// The language
    #[arg(long, value_name = "LANGUAGE")]
    pub lang: Language,
}

/// The arguments of `loci policy pack`.
#[derive(Debug, Args)]
pub struct PackArguments {
    /// The module, a `.wasm` file that was built for `wasm32-unknown-unknown`
    pub module: PathBuf,
    /// Where the component goes [default: the name of the module, in kebab-case, in this folder]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What a policy must have shown on past turns before it is put in use.
#[derive(Debug, Default, Args, Serialize)]
pub struct Required {
    /// Only if it was tried on so many past turns, with `shadow`
    #[arg(long, value_name = "TURNS")]
    pub turns_min: Option<u32>,
    /// Only if so many of a hundred prompts became others there, at most
    #[arg(long, value_name = "PERCENT")]
    pub changed_percent_max: Option<u32>,
    /// Only if so many turns were refused there, at most
    #[arg(long, value_name = "TURNS")]
    pub refused_max: Option<u32>,
    /// Only if the prompts have so many tokens there, of a hundred as they were, at most
    #[arg(long, value_name = "PERCENT")]
    pub tokens_percent_max: Option<u32>,
}
