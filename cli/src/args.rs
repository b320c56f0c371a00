//! The command line.

mod begin;
mod control;
mod data;
mod look;
mod own;
mod results;
mod serve;
mod shared;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use self::begin::*;
pub(crate) use self::control::*;
pub(crate) use self::data::*;
pub(crate) use self::look::*;
pub(crate) use self::own::*;
pub(crate) use self::results::*;
pub(crate) use self::serve::*;
pub(crate) use self::shared::*;

/// Sweeps of neural-network trainings over many machines that measure how heavy the tails of the
/// stochastic gradient noise are.
#[derive(Debug, Parser)]
#[command(
    name = "tailsweep",
    version,
    propagate_version = true,
    max_term_width = 100
)]
#[command(after_help = "\
Examples:
  tailsweep plan sweeps/quickstart.toml              what a sweep would do
  tailsweep run sweeps/quickstart.toml               all of it on this machine
  tailsweep coordinator                              serve; then, elsewhere:
  tailsweep worker                                   join and compute
  tailsweep submit sweeps/quickstart.toml --watch    hand a sweep in and wait for it
  tailsweep report --out out/quickstart              collect the results

Settings come from flags, then TAILSWEEP_* variables, then a config file, then defaults;
`tailsweep config` shows them all.
Exit codes: 0 all done, 1 something failed, 2 bad usage or sweep file, 3 no coordinator, \
130 after Ctrl-C.")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Config file [env: TAILSWEEP_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// What is logged on stderr: off, error, warn, info, debug, trace, or a filter such as
    /// `info,tailsweep_worker=debug` [env: TAILSWEEP_LOG]
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a sweep on this machine and write its report
    Run(RunArgs),
    /// Serve workers and users
    Coordinator(CoordinatorArgs),
    /// Join a coordinator and compute
    Worker(WorkerArgs),
    /// Hand in a sweep; prints its id
    Submit(SubmitArgs),
    /// Follow a sweep until it is over
    Watch(WatchArgs),
    /// Show where a sweep stands
    Status(StatusArgs),
    /// List the sweeps of the coordinator, newest first
    Sweeps(SweepsArgs),
    /// List the workers of the coordinator, or ask one to leave
    Workers(WorkersArgs),
    /// Write the report of a sweep, also of an unfinished one
    Report(ReportArgs),
    /// List the runs of a sweep
    Runs(RunsArgs),
    /// Say where a run stands, why it waits, and what became of each attempt
    Explain(ExplainArgs),
    /// Show what was kept of the attempts at a run: what happened, and what was said
    Logs(LogsArgs),
    /// Hand out the weights of a run at a step, as a safetensors file
    Weights(WeightsArgs),
    /// End a sweep; runs in computation stop unless another sweep wants them
    #[command(after_help = "\
Examples:
  tailsweep cancel
  tailsweep cancel fcn-width-depth")]
    Cancel(ControlArgs),
    /// Begin no more runs of a sweep; those in computation go on
    #[command(after_help = "\
Examples:
  tailsweep pause last")]
    Pause(ControlArgs),
    /// Go on with a sweep that was paused, cancelled or stopped
    #[command(after_help = "\
Examples:
  tailsweep resume last")]
    Resume(ControlArgs),
    /// Try failed runs afresh, and go on with a sweep that was cancelled, paused or stopped
    Retry(RetryArgs),
    /// Give a sweep another priority
    Priority(PriorityArgs),
    /// Put a larger sweep file in the place of a sweep; only what is new is computed
    Extend(ExtendArgs),
    /// Forget a sweep and all results that no other sweep has
    Rm(RmArgs),
    /// Remove old sweeps by a policy, and give room back to the disk
    Gc(GcArgs),
    /// Write a sweep and its results into a file, for another coordinator
    Export(ExportArgs),
    /// Take in a sweep and its results that `export` wrote
    Import(ImportArgs),
    /// Show what a sweep file means: runs, cost, predicted time
    Plan(PlanArgs),
    /// Compute chosen runs of a report again, and compare its tables byte by byte
    Verify(VerifyArgs),
    /// Ask the tables of reports in SQL; needs a program built with `--features query`
    Query(QueryArgs),
    /// Tail indices of numbers that you already have
    Estimate(EstimateArgs),
    /// List, download and verify official data sets
    Data {
        #[command(subcommand)]
        data: DataCommand,
    },
    /// Show the settings in force and where each comes from
    Config(ConfigArgs),
    /// Measure the program itself
    Bench {
        #[command(subcommand)]
        bench: Bench,
    },
    /// Print the JSON Schema of the sweep file, for editors
    #[command(after_help = "\
Examples:
  tailsweep schema > sweep.schema.json")]
    Schema,
    /// Write man pages of all commands
    Man(ManArgs),
    /// Certificates, keys and tokens for a coordinator that other machines reach
    Tls {
        #[command(subcommand)]
        tls: Tls,
    },
    /// Print a script that completes this command line in a shell
    #[command(after_help = "\
Examples:
  tailsweep completions bash > ~/.local/share/bash-completion/completions/tailsweep
  tailsweep completions zsh > ~/.zfunc/_tailsweep")]
    Completions {
        /// The shell
        shell: Shell,
    },
}
