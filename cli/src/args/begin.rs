//! What hands in sweeps: `plan`, `run`, `submit`, `extend`.

use std::path::PathBuf;

use clap::ArgAction;

use super::shared::{ComputeArgs, CoordinatorUrl, FinishArgs, SaidArgs, SizeArgs, SpecArgs};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep plan sweep.toml
  tailsweep plan sweep.toml --set 'depth=range(2,6)' --set train.steps=500
  tailsweep plan sweep.toml --diff last                  what is new, what is missing
  tailsweep plan sweep.toml --json")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
    /// Compare with a sweep of the coordinator, run by run: `last`, a name, or the beginning of an id
    #[arg(long, value_name = "SWEEP")]
    pub(crate) diff: Option<String>,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep run sweeps/quickstart.toml --out out/quickstart
  tailsweep run sweep.toml --set train.steps=100 --set 'width=8,16'    a smaller one first
  tailsweep run sweep.toml --json | jq '.points[0].alpha'

A second call with the same folder continues where the first one stopped; known runs are never
computed again. Runs that failed `max_attempts` times stay failed; with a changed file, such as one
with another `max_attempts` or `time_limit`, they are tried afresh. Ctrl-C saves every run and leaves
a state to continue from.")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// Folder of the report; the state lies in its `state` [default: tailsweep-out/NAME]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Number of workers
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) workers: u32,
    #[command(flatten)]
    pub(crate) size: SizeArgs,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    #[command(flatten)]
    pub(crate) said: SaidArgs,
    #[command(flatten)]
    pub(crate) finish: FinishArgs,
    /// Keep the state on a network file system, where a database can be damaged without a word
    #[arg(long)]
    pub(crate) allow_network_fs: bool,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep submit sweep.toml                            prints the id of the sweep
  tailsweep submit sweep.toml --watch --set seeds=5
  tailsweep submit sweep.toml --tag paper --notes preliminary
  tailsweep submit - < sweep.toml

The same file again names the sweep that is known; its known runs are not computed again. `--watch`
ends as `tailsweep watch` does.")]
pub(crate) struct SubmitArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// Follow the sweep until it is over
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) size: SizeArgs,
    #[command(flatten)]
    pub(crate) said: SaidArgs,
    #[command(flatten)]
    pub(crate) finish: FinishArgs,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep extend last sweep.toml
  tailsweep extend last sweep.toml --watch")]
pub(crate) struct ExtendArgs {
    /// `last` (submitted latest), a name, or the beginning of an id
    pub(crate) sweep: String,
    /// The larger one, which has all runs of the sweep
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// Follow the sweep until it is over
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) size: SizeArgs,
    #[command(flatten)]
    pub(crate) said: SaidArgs,
    #[command(flatten)]
    pub(crate) finish: FinishArgs,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}
