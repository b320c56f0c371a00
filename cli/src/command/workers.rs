//! `tailsweep workers`

use serde_json::{Value, json};
use tailsweep_proto::wire::WorkerStatus;

use crate::args::ListArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal;

pub(crate) async fn run(args: ListArgs, settings: &Settings) -> Result<(), Failure> {
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
        ]
    });
    let header = [
        "worker",
        "kind",
        "state",
        "slots",
        "computing",
        "prefetched",
    ];
    terminal::print(&terminal::table(header, &[3, 4, 5], rows))
}

fn state(worker: &WorkerStatus) -> &'static str {
    match (worker.connected, worker.draining) {
        (false, _) => "disconnected",
        (true, true) => "leaving",
        (true, false) => "connected",
    }
}

fn to_json(worker: &WorkerStatus) -> Value {
    json!({
        "id": worker.id,
        "kind": worker.kind,
        "state": state(worker),
        "slots": worker.slots,
        "computing": worker.computing,
        "prefetched": worker.prefetched,
    })
}
