//! What looks at sweeps, runs and workers.

use std::path::PathBuf;

use clap::{ArgAction, Subcommand};
use tailsweep_common::state::RunState;

use super::shared::{CoordinatorUrl, FinishArgs, Selector};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep watch                                        the sweep that was submitted last
  tailsweep watch fcn-width-depth
  tailsweep watch 3f2a --json                            a status on each line
  tailsweep watch --on-finish ./tell-me.sh

Ends with 0 once every run that is needed has a result, with 1 if one failed or was cancelled, with 3
if no coordinator is there for the first 10 s; one that goes away later is waited for. Ctrl-C ends the
watching, not the sweep.")]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) selector: Selector,
    #[command(flatten)]
    pub(crate) finish: FinishArgs,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON: each change on a line of its own
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep status
  tailsweep status fcn-width-depth --json")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) selector: Selector,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep sweeps
  tailsweep sweeps --json")]
pub(crate) struct SweepsArgs {
    /// Only sweeps with this tag
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<String>,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  tailsweep workers
  tailsweep workers --json
  tailsweep workers stop node-7")]
pub(crate) struct WorkersArgs {
    #[command(subcommand)]
    pub(crate) command: Option<WorkersCommand>,
    #[command(flatten)]
    pub(crate) list: ListArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkersCommand {
    /// Ask a worker to save what it computes, hand it back, and end
    Stop(StopArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep workers stop node-7")]
pub(crate) struct StopArgs {
    /// The name of a worker, or an unambiguous beginning of it
    pub(crate) worker: String,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep runs
  tailsweep runs fcn-width-depth --json")]
pub(crate) struct RunsArgs {
    #[command(flatten)]
    pub(crate) selector: Selector,
    /// Only runs in this state (again for another one): waiting, running, done, diverged, failed,
    /// cancelled, not_needed
    #[arg(long, value_name = "STATE", value_parser = state)]
    pub(crate) state: Vec<RunState>,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON, a line for each run
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

fn state(word: &str) -> Result<RunState, String> {
    let known = || RunState::ALL.iter().map(|state| state.as_str());
    RunState::from_word(word)
        .ok_or_else(|| format!("write one of {}", known().collect::<Vec<_>>().join(", ")))
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep explain 3fa2
  tailsweep explain 3fa2 --json")]
pub(crate) struct ExplainArgs {
    /// The beginning of the id of a run; `tailsweep runs` lists them
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep logs 3fa2")]
pub(crate) struct LogsArgs {
    /// Go on until the run is over
    #[arg(long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) of: ExplainArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep weights 3fa9                          as they are now, or at the end of a run that is done
  tailsweep weights 3fa9 --step 500 --recompute   trained here again up to step 500

Tensors are named as in PyTorch, `fc.0.weight`: `init = { weights = FILE }` reads such a file. The
coordinator keeps the latest checkpoint of a run until the run is done. The weights of one that is done
are trained here again, without `--recompute`: to the bit where this machine is of the same kind as
the one that computed it.")]
pub(crate) struct WeightsArgs {
    /// The beginning of the id of a run; `tailsweep runs` lists them
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// After so many updates [default: those of the stored checkpoint, or of the whole run]
    #[arg(long)]
    pub(crate) step: Option<u64>,
    /// Train the run here up to the step, instead of reading a checkpoint
    #[arg(long, requires = "step")]
    pub(crate) recompute: bool,
    /// Where data sets lie, to train the run here [env: TAILSWEEP_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The file to write [default: RUN-STEP.safetensors]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}
