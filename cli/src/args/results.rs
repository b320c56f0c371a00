//! What reads and moves results.

use std::path::PathBuf;

use clap::{ArgAction, value_parser};
use tailsweep_stats::{Estimator, NotATreatment, Treatment};
use tailsweep_worker::Device;

use super::shared::{ComputeArgs, CoordinatorUrl, Selector};

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
  tailsweep verify out/quickstart                        three runs, spread over the sweep
  tailsweep verify out/quickstart --runs 10 --json
  tailsweep verify out/quickstart --run 3f2a --run 91c0

The folder tells which sweep made it (`sweep.json`). Rows of runs.csv, measurements.csv and
estimates.csv (and of exits.csv and transitions.csv) are compared for every run that is computed. points.csv,
decomposition.csv and calibration.csv follow from the others: they are made again from the folder's own rows, and all of
their rows are compared. What is drawn from the tables (report.html, figures, other forms) is not. A table may be packed (`estimates.csv.gz`). Trainings are equal to
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
