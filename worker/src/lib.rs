//! The worker's shell: a session with the coordinator around the trainers.
//!
//! One task owns what the worker holds. The link task keeps the session alive, a thread for
//! each slot in use computes. A worker goes on computing while the coordinator is away, and says
//! again what was not acknowledged once it is back.

mod attempt;
mod datasets;
mod dump;
mod held;
mod link;
mod memory;
pub mod official;
mod recompute;
mod room;
mod said;
mod worker;

use std::path::PathBuf;
use std::time::Duration;

pub use datasets::check_data;
pub use memory::memory_here;
pub use recompute::{RecomputeError, Recomputed, Recomputer};
pub use said::{keep_panics, stderr};
pub use tailsweep_trainers::data::DataError;
pub use tailsweep_trainers::{
    Device, DeviceError, TrainError, Training, WeightsError, check_weights,
};
pub use worker::{Stopped, run};

/// How a worker works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name that it gives itself, unique among workers and kept over reconnects.
    pub name: String,
    /// Tells two processes of one name apart: random.
    pub instance: u64,
    /// The machine, for people.
    pub host: String,
    /// Runs that it computes at a time.
    pub slots: u32,
    /// Bytes that its runs may take together, with their data; `None`: as much as they like.
    pub memory: Option<u64>,
    /// What it is good for; sweeps may ask for it.
    pub labels: Vec<String>,
    /// Where networks are computed.
    pub device: Device,
    /// Where data sets lie.
    pub data_dir: PathBuf,
    /// Where the gradients of dumped steps are written, a folder for each run.
    pub dump_dir: PathBuf,
    /// Whether official files that are missing there are downloaded.
    pub fetch: bool,
    /// Leaves after so long without work.
    pub idle_timeout: Option<Duration>,
    /// Leaves after so long, handing back what it holds.
    pub time_limit: Option<Duration>,
    /// Time between checkpoints of a run.
    pub checkpoint_every: Duration,
}
