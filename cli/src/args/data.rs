//! `data`.

use std::path::PathBuf;

use clap::{ArgAction, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// List the data sets, and which of them are here
    List(DataListArgs),
    /// Download data sets; goes on where an earlier download stopped
    Fetch(DataFetchArgs),
    /// Hold the files against the official ones, by SHA-256
    Verify(DataVerifyArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep data list
  tailsweep data list --json")]
pub(crate) struct DataListArgs {
    /// Where data sets lie [env: TAILSWEEP_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep data fetch mnist cifar10")]
pub(crate) struct DataFetchArgs {
    /// Which data sets
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
    /// Where data sets lie [env: TAILSWEEP_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Try this place before the official ones: URL/mnist/train-images-idx3-ubyte.gz,
    /// URL/cifar-10-binary.tar.gz, …
    #[arg(long, value_name = "URL")]
    pub(crate) mirror: Option<String>,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep data verify mnist")]
pub(crate) struct DataVerifyArgs {
    /// Which data sets [default: those that are here]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Where data sets lie [env: TAILSWEEP_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}
