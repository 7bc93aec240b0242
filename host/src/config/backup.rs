//! The arguments of `loci backup` and `loci restore`.

use std::path::PathBuf;

use clap::Args;

/// The arguments of `loci backup` and `loci restore`.
#[derive(Debug, Args)]
pub struct BackupArguments {
    /// The folder of the backup
    #[arg(value_name = "BACKUP")]
    pub backup: PathBuf,
    /// The data folder
    #[arg(long, value_name = "FOLDER", env = "LOCI_DATA", default_value = ".loci")]
    pub data: PathBuf,
}
