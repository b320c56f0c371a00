//! What several commands take.

use std::path::PathBuf;

use clap::ArgAction;
use tailsweep_common::label::is_label;

/// Which sweep file, and what is different in it.
#[derive(Debug, clap::Args)]
pub(crate) struct SpecArgs {
    /// The sweep file; `-` is stdin
    #[arg(value_name = "SPEC")]
    pub(crate) spec: PathBuf,
    /// Set a value as if it stood in the file, such as `learning_rate=0.1,0.01`,
    /// `depth=range(2,6)`, `train.steps=100` or `block.2.width=8`; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// How users and workers reach a coordinator.
#[derive(Debug, clap::Args)]
pub(crate) struct CoordinatorUrl {
    /// Where the coordinator is [default: http://127.0.0.1:7171] [env: TAILSWEEP_COORDINATOR]
    #[arg(long, value_name = "URL")]
    pub(crate) coordinator: Option<String>,
    /// Folder that `tls init` made for this part: authority, certificate, key, token
    /// [env: TAILSWEEP_CREDENTIALS; TAILSWEEP_TOKEN for a token alone]
    #[arg(long, value_name = "DIR")]
    pub(crate) credentials: Option<PathBuf>,
}

/// What a user says of a sweep. It changes no result and no id.
#[derive(Debug, clap::Args)]
pub(crate) struct SaidArgs {
    /// A word to find the sweep by (again for more); `keep` keeps it from `gc`
    #[arg(long, value_name = "TAG", value_parser = label)]
    pub(crate) tag: Vec<String>,
    /// What is worth to be known of it; `status` shows it
    #[arg(long, value_name = "TEXT")]
    pub(crate) notes: Option<String>,
}

/// What is done once a sweep is over.
#[derive(Debug, clap::Args)]
pub(crate) struct FinishArgs {
    /// Run this shell command here, where the sweep is waited for, once it is over; it finds
    /// TAILSWEEP_SWEEP_ID, TAILSWEEP_SWEEP_NAME and TAILSWEEP_RESULT (`ok` or `failed`), and
    /// TAILSWEEP_OUT after `run`
    #[arg(long, value_name = "COMMAND")]
    pub(crate) on_finish: Option<String>,
}

/// How large a sweep may be without a second thought.
#[derive(Debug, clap::Args)]
pub(crate) struct SizeArgs {
    /// Refuse a sweep of more runs
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(crate) max_runs: usize,
}

/// How runs are computed here.
#[derive(Debug, clap::Args)]
pub(crate) struct ComputeArgs {
    /// Where data sets lie [env: TAILSWEEP_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Download official files that are missing
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) fetch: bool,
    /// Runs that a worker computes at a time [default: number of cores] [env: TAILSWEEP_SLOTS]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) slots: Option<u32>,
}

/// Which sweep.
#[derive(Debug, clap::Args)]
pub(crate) struct Selector {
    /// `last` (submitted latest), a name, or the beginning of an id
    #[arg(default_value = "last")]
    pub(crate) sweep: String,
}

pub(super) fn label(text: &str) -> Result<String, String> {
    if is_label(text) {
        Ok(text.to_owned())
    } else {
        Err(tailsweep_common::label::HELP.to_owned())
    }
}
