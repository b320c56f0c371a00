//! `tailsweep worker`

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZero;
use std::thread;
use std::time::Duration;

use tailsweep_worker::Device;

use crate::args::WorkerArgs;
use crate::failure::Failure;
use crate::settings::{self, Settings};
use crate::signals::serve_until_stopped;
use crate::terminal::human_bytes;

/// Time between checkpoints of a run: what a killed worker costs at most.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

pub(crate) async fn run(args: WorkerArgs, settings: &Settings) -> Result<(), Failure> {
    let unusable = |problem| Failure::Usage(format!("error: {problem}"));
    args.device.check().map_err(unusable)?;
    let mut worker = worker_settings(settings);
    worker.device = args.device;
    worker.dump_dir = args.dump_dir;
    if let Some(name) = args.name {
        worker.name = name;
    }
    worker.memory = args.memory.or(worker.memory);
    worker.labels = args.label;
    worker.fetch = args.compute.fetch;
    worker.idle_timeout = settings::time("--idle-timeout", args.idle_timeout.as_deref())?;
    worker.time_limit = settings::time("--time-limit", args.time_limit.as_deref())?;
    let coordinator = settings.coordinator.dialer()?.connect_lazy();
    tracing::info!("found {}", found());
    tracing::info!(
        name = worker.name,
        device = %worker.device,
        slots = worker.slots,
        memory = worker.memory.map_or("any".to_owned(), human_bytes),
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

/// What there is to compute on.
fn found() -> String {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let devices = Device::found().into_iter().map(|device| device.to_string());
    let devices: Vec<String> = devices.collect();
    let (devices, kind) = (devices.join(", "), Device::Cpu.kind());
    let memory = tailsweep_worker::memory_here().map_or(String::new(), |bytes| {
        format!(", {} of memory for runs", human_bytes(bytes))
    });
    format!("the devices {devices}; {cores} cores of kind {kind}{memory}")
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
        device: Device::Cpu,
        data_dir: settings.data_dir.clone(),
        dump_dir: "tailsweep-dump".into(),
        fetch: false,
        idle_timeout: None,
        time_limit: None,
        checkpoint_every: CHECKPOINT_EVERY,
    }
}
