//! `tailsweep worker`

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::args::WorkerArgs;
use crate::failure::Failure;
use crate::settings::{self, Settings};
use crate::signals::serve_until_stopped;

/// Time between checkpoints of a run: what a killed worker costs at most.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

pub(crate) async fn run(args: WorkerArgs, settings: &Settings) -> Result<(), Failure> {
    let mut worker = worker_settings(settings);
    if let Some(name) = args.name {
        worker.name = name;
    }
    worker.memory = args.memory.or(worker.memory);
    worker.labels = args.label;
    worker.fetch = args.compute.fetch;
    worker.idle_timeout = settings::time("--idle-timeout", args.idle_timeout.as_deref())?;
    worker.time_limit = settings::time("--time-limit", args.time_limit.as_deref())?;
    let coordinator = settings.coordinator.dialer()?.connect_lazy();
    tracing::info!(
        name = worker.name,
        slots = worker.slots,
        coordinator = %settings.coordinator,
        "worker started"
    );
    serve_until_stopped(async |stop| {
        tailsweep_worker::run(worker, coordinator, stop)
            .await
            .map_err(Failure::error)
    })
    .await
}

/// A worker on this machine, with a name that no other one has.
pub(crate) fn worker_settings(settings: &Settings) -> tailsweep_worker::Settings {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() {
        "host"
    } else {
        host.trim()
    }
    .to_owned();
    // Keyed by the system's random numbers; names need no more.
    let random = RandomState::new().hash_one(0);
    tailsweep_worker::Settings {
        name: format!("{host}-{}-{:08x}", std::process::id(), random as u32),
        instance: random,
        host,
        slots: settings.slots,
        memory: tailsweep_worker::memory_here(),
        labels: Vec::new(),
        data_dir: settings.data_dir.clone(),
        fetch: false,
        idle_timeout: None,
        time_limit: None,
        checkpoint_every: CHECKPOINT_EVERY,
    }
}
