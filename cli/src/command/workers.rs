//! `tailsweep workers`

use serde_json::{Value, json};
use tailsweep_proto::wire::WorkerStatus;

use crate::args::{ListArgs, StopArgs, WorkersArgs, WorkersCommand};
use crate::client::Client;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal::{self, human_bytes};

pub(crate) async fn run(args: WorkersArgs, settings: &Settings) -> Result<(), Failure> {
    match args.command {
        Some(WorkersCommand::Stop(args)) => stop(&args, settings).await,
        None => list(args.list, settings).await,
    }
}

async fn stop(args: &StopArgs, settings: &Settings) -> Result<(), Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    let worker = client.stop_worker(&args.worker).await?;
    eprintln!("`{worker}` hands its runs back, and ends");
    if args.json {
        terminal::print_json(&json!({ "version": 1, "worker": worker }))?;
    }
    Ok(())
}

async fn list(args: ListArgs, settings: &Settings) -> Result<(), Failure> {
    let workers = Client::connect(&settings.coordinator)
        .await?
        .workers()
        .await?;
    if args.json {
        let workers: Vec<Value> = workers.iter().map(to_json).collect();
        return terminal::print_json(&json!({ "version": 1, "workers": workers }));
    }
    let rows = workers.iter().map(|worker| {
        [
            worker.id.clone(),
            worker.kind.clone(),
            state(worker).to_owned(),
            worker.slots.to_string(),
            worker.computing.to_string(),
            worker.prefetched.to_string(),
            worker.memory.map_or_else(String::new, |memory| {
                let used = human_bytes(worker.memory_used);
                format!("{used} of {}", human_bytes(memory))
            }),
            worker.labels.join(" "),
        ]
    });
    let header = [
        "worker",
        "kind",
        "state",
        "slots",
        "computing",
        "prefetched",
        "memory",
        "labels",
    ];
    terminal::print(&terminal::table(header, &[3, 4, 5, 6], rows))
}

fn state(worker: &WorkerStatus) -> &'static str {
    match (worker.connected, worker.draining, worker.resting) {
        (false, ..) => "disconnected",
        (true, true, _) => "leaving",
        (true, false, true) => "resting",
        (true, false, false) => "connected",
    }
}

/// The documented shape of a worker.
pub(crate) fn to_json(worker: &WorkerStatus) -> Value {
    json!({
        "id": worker.id,
        "kind": worker.kind,
        "state": state(worker),
        "slots": worker.slots,
        "computing": worker.computing,
        "prefetched": worker.prefetched,
        "memory": worker.memory,
        "memory_used": worker.memory_used,
        "labels": worker.labels,
    })
}
