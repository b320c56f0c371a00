//! What is about the program itself.

use std::path::PathBuf;

use clap::{ArgAction, Subcommand};

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
