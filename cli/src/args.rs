//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand, value_parser};
use clap_complete::Shell;
use tailsweep_common::label::is_label;
use tailsweep_common::state::RunState;
use tailsweep_common::sweep::parse_duration;
use tailsweep_stats::{Estimator, NotATreatment, Treatment};
use tailsweep_worker::Device;

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

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep coordinator                                  for workers and users on this machine
  tailsweep coordinator --listen 127.0.0.1:7272 --state /data/tailsweep")]
pub(crate) struct CoordinatorArgs {
    /// Address to listen on [default: 127.0.0.1:7171] [env: TAILSWEEP_LISTEN]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Folder of the durable state [env: TAILSWEEP_STATE]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// How long a worker may be silent before its runs go elsewhere [default: 15s]
    /// [env: TAILSWEEP_LEASE]
    #[arg(long, value_name = "TIME")]
    pub(crate) lease: Option<String>,
    /// Folder that `tls init` made for the coordinator: certificate, key, tokens
    /// [env: TAILSWEEP_CREDENTIALS]
    #[arg(long, value_name = "DIR")]
    pub(crate) credentials: Option<PathBuf>,
    /// Name under which browsers ask for the page, besides addresses and `localhost`; may be given
    /// again [env: TAILSWEEP_HOSTS, with spaces between them]
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Vec<String>,
    /// Keep the state on a network file system, where a database can be damaged without a word
    #[arg(long)]
    pub(crate) allow_network_fs: bool,
    /// Let the database grow no further, MiB; the limit is answered like a full disk
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    pub(crate) max_state_mib: Option<u64>,
    /// Listen on an address that other machines can reach, without authentication
    #[arg(long)]
    pub(crate) insecure: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep worker --slots 4
  tailsweep worker --device cuda:0                       networks on the first GPU
  tailsweep worker --idle-timeout 10m --time-limit 12h   inside the limits of a batch job

SIGTERM hands its runs back after a checkpoint; they go on elsewhere.")]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    /// Where gradients of the steps in `measure.dump` are written, a folder for each run
    #[arg(long, value_name = "DIR", default_value = "tailsweep-dump")]
    pub(crate) dump_dir: PathBuf,
    /// Where networks are computed: `cpu`, or `cuda:0` for the first GPU of NVIDIA
    #[arg(long, default_value = "cpu")]
    pub(crate) device: Device,
    /// Name of this worker, unique among workers [default: HOST-PID-RANDOM]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Memory that its runs may take together, such as `8GiB` [default: nine tenths of the
    /// machine's, or of what its control group is allowed]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<u64>,
    /// What it is good for, such as `gpu` or `zone=a` (again for more); sweeps ask for it by
    /// `requires`
    #[arg(long, value_name = "LABEL", value_parser = label)]
    pub(crate) label: Vec<String>,
    /// Leave after so long without work, such as `10m`
    #[arg(long, value_name = "TIME")]
    pub(crate) idle_timeout: Option<String>,
    /// Leave after so long, handing back what is not done
    #[arg(long, value_name = "TIME")]
    pub(crate) time_limit: Option<String>,
}

fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text[digits.len()..].trim() {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return Err("write a size such as `512MiB` or `8GiB`".to_owned()),
    };
    let number: Option<u64> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(1 << unit))
        .ok_or_else(|| "write a size such as `512MiB` or `8GiB`".to_owned())
}

fn label(text: &str) -> Result<String, String> {
    if is_label(text) {
        Ok(text.to_owned())
    } else {
        Err(tailsweep_common::label::HELP.to_owned())
    }
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

/// Which sweep.
#[derive(Debug, clap::Args)]
pub(crate) struct Selector {
    /// `last` (submitted latest), a name, or the beginning of an id
    #[arg(default_value = "last")]
    pub(crate) sweep: String,
}

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
    /// cancelled
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

#[derive(Debug, clap::Args)]
pub(crate) struct ControlArgs {
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
  tailsweep retry
  tailsweep retry fcn-width-depth --failed")]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    pub(crate) selector: Selector,
    /// Only the failed runs: a paused sweep stays paused
    #[arg(long)]
    pub(crate) failed: bool,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep priority last 10")]
pub(crate) struct PriorityArgs {
    /// `last` (submitted latest), a name, or the beginning of an id
    pub(crate) sweep: String,
    /// Larger goes first
    #[arg(allow_negative_numbers = true)]
    pub(crate) priority: i32,
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

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep rm fcn-width-depth")]
pub(crate) struct RmArgs {
    /// `last` (submitted latest), names, or beginnings of ids
    #[arg(required = true)]
    pub(crate) sweep: Vec<String>,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON, a line for each sweep
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep gc                                           only give room back
  tailsweep gc --older-than 90d --keep-last 10 --dry-run
  tailsweep gc --older-than 90d --keep-last 10

A sweep is old when it is over and nothing has happened to it for so long. One with the tag `keep`
stays. Results that another sweep has stay with that one. Nothing is kept while room is given back,
which may take as much room again for a while; workers go on meanwhile.")]
pub(crate) struct GcArgs {
    /// Remove sweeps that are over and as old as this, such as `90d` [default: none]
    #[arg(long, value_name = "TIME", value_parser = age)]
    pub(crate) older_than: Option<Duration>,
    /// But not the newest ones, so many of all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) keep_last: u32,
    /// Say what would go, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

fn age(text: &str) -> Result<Duration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
    let days = days.map(|days: u32| Duration::from_secs(86_400) * days);
    days.or_else(|| parse_duration(text))
        .ok_or_else(|| "write a time such as `90d` or `12h`".to_owned())
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep export fcn-width-depth --out fcn.tailsweep   on the cluster
  tailsweep import fcn.tailsweep                         on the laptop; then:
  tailsweep report fcn-width-depth --out out/fcn

The file has the sweep file, the files that it names, and every result so far, with a digest over
all of it.")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) selector: Selector,
    /// File to write; one that is there is replaced once the new one is whole
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep import fcn.tailsweep

The file is checked as a whole before anything is sent. Runs that have a result keep it, so importing
twice changes nothing. A sweep that was not known is paused: `tailsweep resume` computes what is
missing.")]
pub(crate) struct ImportArgs {
    /// What `export` wrote
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON, a line for each file
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep report --out out/last
  tailsweep report fcn-width-depth --out out/fcn --json
  tailsweep report --out out/k1 --k1 64,256              without training again
  tailsweep report --out out/few --estimators mohammadi,within_coordinate
  tailsweep report --state tailsweep-out/quickstart/state --out out/again --k1 16
  tailsweep report --out out/last --tensorboard out/events   tensorboard --logdir out/events
  tailsweep report --out out/last --mlflow mlruns        mlflow ui --backend-store-uri mlruns

MLflow 3.17 reads such a folder only with MLFLOW_ALLOW_FILE_STORE=true.")]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) selector: Selector,
    /// Folder to write; an older report in it is replaced
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Give the ladder of block lengths at these powers of two alone, besides the published one
    #[arg(long, value_name = "K1,…", value_delimiter = ',', value_parser = value_parser!(u64).range(1..))]
    pub(crate) k1: Vec<u64>,
    /// Give these estimators alone, such as `within_coordinate`
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = estimator)]
    pub(crate) estimators: Vec<Estimator>,
    /// Write event files of TensorBoard, too: a folder for each run
    #[arg(long, value_name = "DIR")]
    pub(crate) tensorboard: Option<PathBuf>,
    /// Write into a folder of MLflow's file store, too: an experiment for the sweep
    #[arg(long, value_name = "DIR")]
    pub(crate) mlflow: Option<PathBuf>,
    /// Read this folder of state, of a finished `run` or of a coordinator that is not running
    #[arg(long, value_name = "DIR", conflicts_with = "coordinator")]
    pub(crate) state: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

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
  tailsweep verify out/quickstart                        three runs, spread over the sweep
  tailsweep verify out/quickstart --runs 10 --json
  tailsweep verify out/quickstart --run 3f2a --run 91c0

The folder tells which sweep made it (`sweep.json`). Rows of runs.csv, measurements.csv and
estimates.csv (and of exits.csv and transitions.csv) are compared for every run that is computed. points.csv and calibration.csv
follow from the others: they are made again from the folder's own rows, and all of their rows are compared. What is drawn
from the tables (report.html, figures, other forms) is not. A table may be packed (`estimates.csv.gz`). Trainings are equal to
the byte on one kind of machine. The exit code is 0 when all is equal, 1 when something differs.")]
pub(crate) struct VerifyArgs {
    /// Folder of the report
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// How many runs: the sweep is cut into so many equal stretches, and of each the run that is
    /// predicted to take the least time is computed
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// The beginning of the id of a run to compute (again for another one)
    #[arg(long, value_name = "ID", conflicts_with = "runs")]
    pub(crate) run: Vec<String>,
    /// Where the files lie that the sweep file names, such as initial weights [default: DIR]
    #[arg(long, value_name = "DIR")]
    pub(crate) files: Option<PathBuf>,
    /// Where networks are computed: `cpu`, or `cuda:0` for the first GPU of NVIDIA
    #[arg(long, default_value = "cpu")]
    pub(crate) device: Device,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The tables are points, runs, measurements and estimates (decomposition, calibration, exits and
transitions where a report has them), with the columns of docs/tables.md; before them `sweep`, the name of the sweep, after
them `report`, the folder (or the id, with --sweep). Names with a dot stand in double quotes: \"train.momentum\". Rows come in the
order of the folders and tables unless ORDER BY says otherwise.

Examples:
  tailsweep query 'DESCRIBE points' out/quickstart
  tailsweep query 'SELECT sweep, width, alpha FROM points' out/fcn out/alexnet --csv
  tailsweep query - --sweep fcn-width-depth --sweep 3f2a --json")]
pub(crate) struct QueryArgs {
    /// One SQL query; `-` is stdin
    #[arg(value_name = "SQL")]
    pub(crate) sql: String,
    /// Folders of reports
    #[arg(value_name = "REPORT")]
    pub(crate) reports: Vec<PathBuf>,
    /// The report of a sweep of the coordinator, also of an unfinished one: `last`, a name, or the
    /// beginning of an id; may be given several times [default: `last`, without folders]
    #[arg(long, value_name = "SWEEP")]
    pub(crate) sweep: Vec<String>,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print CSV, as in the tables of a report
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A vector (also a table of one column or one line) is noise already, of one minibatch. A matrix holds
a gradient in each row, flattened: minibatches × parameters; in Parquet also as one column of lists.
Its mean row is subtracted, unless --noise says that this was done. What needs two or four minibatches says so where there are fewer.

The rows are those of estimates.csv in a report (docs/estimators.md); the interval is one of 95 %.
Examples:
  numpy.save(\"gradients.npy\", gradients)     in Python: float32 or float64, any memory order
  tailsweep estimate gradients.npy --plot gradients.svg
  tailsweep estimate --json - < noise.csv")]
pub(crate) struct EstimateArgs {
    /// .npy, CSV or Parquet, whatever their names; `-` is stdin
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// A matrix is noise already: don't subtract its mean row
    #[arg(long)]
    pub(crate) noise: bool,
    /// Block length in place of the published one, the largest divisor of the number of values up to
    /// its root
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) k1: Option<u32>,
    /// What is done to the noise before estimating [default: all but the standardised ones]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = treatment)]
    pub(crate) treatments: Vec<Treatment>,
    /// Draw α over K1, the Hill plot and quantiles
    #[arg(long, value_name = "SVG")]
    pub(crate) plot: Option<PathBuf>,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

fn estimator(word: &str) -> Result<Estimator, String> {
    let known = Estimator::ALL.iter().find(|known| known.as_str() == word);
    known.copied().ok_or_else(|| {
        let names: Vec<&str> = Estimator::ALL.iter().map(|known| known.as_str()).collect();
        format!("there is none of that name, but {}", names.join(", "))
    })
}

fn treatment(word: &str) -> Result<Treatment, String> {
    word.parse().map_err(|problem: NotATreatment| {
        let known = Treatment::ALL.map(Treatment::as_str).join(", ");
        format!("{problem}; there are {known}")
    })
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tls {
    /// Make a private authority, and a folder each for coordinator, workers and users
    Init(TlsInitArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep tls init
  tailsweep tls init --out keys --host node-1.example.org")]
pub(crate) struct TlsInitArgs {
    /// Folder to make; nothing is overwritten
    #[arg(long, value_name = "DIR", default_value = "tailsweep-tls")]
    pub(crate) out: PathBuf,
    /// Name or address under which the coordinator is reached, besides this machine's name and
    /// loopback; may be given again
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Vec<String>,
    /// How long the certificates are valid
    #[arg(long, value_name = "DAYS", default_value_t = 825, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub(crate) days: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Measure how fast this machine is, for the times that `plan` predicts
    Calibrate(CalibrateArgs),
    /// Hold the estimators against known laws and closed forms
    Statistics(StatisticsArgs),
    /// Measure how fast a durable coordinator is
    Coordinator(CoordinatorBenchArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
One short run is trained and measured, some seconds on one thread. How long it took, in processor
time, beside what was predicted is the speed of this machine; it is written to the config file as
`speed`. From then on the times of `plan` and `verify` are for this machine. They are predictions
still: benchmarks/training.md says how good. What is computed, and in which order, does not depend on it.

Examples:
  tailsweep bench calibrate
  tailsweep bench calibrate --dry-run --json
  TAILSWEEP_SPEED=0.5 tailsweep plan sweep.toml          for a machine half as fast as that of the model")]
pub(crate) struct CalibrateArgs {
    /// Write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Unit vectors (A0), the paper's Figure 4 (A1), biases of known size (A2), the published number beside
its controls (A13), and the coverage of intervals (A14), all on drawn numbers; some minutes on two
cores. The table is the same for any number of threads. The exit code is 1 when a line fails; lines
that are `shown` are not judged.

Examples:
  tailsweep bench statistics --quick")]
pub(crate) struct StatisticsArgs {
    /// Draw less: seconds, with wider tolerances
    #[arg(long)]
    pub(crate) quick: bool,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
No-op runs per second (N5), measurements per second (N6), a million runs (N7), workers that stay
connected (N8), and the time until work goes on after a `kill -9` (N9): a coordinator in a process
of its own, its state on the disk of --dir, over loopback. Some minutes on two cores. The exit code
is 1 when a number is not reached; lines that are `shown` are not judged.

Examples:
  tailsweep bench coordinator N5 N6 --quick")]
pub(crate) struct CoordinatorBenchArgs {
    /// Smaller numbers: about a minute
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only these rows
    #[arg(value_parser = ["N5", "N6", "N7", "N8", "N9"])]
    pub(crate) only: Vec<String>,
    /// Folder whose disk holds the states; they are removed at the end [default: the system's
    /// folder for temporary files]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep config
  tailsweep config --json")]
pub(crate) struct ConfigArgs {
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep man --out ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Folder to write to
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}
