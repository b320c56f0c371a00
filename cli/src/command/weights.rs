//! `tailsweep weights`

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use tailsweep_common::run::{Point, Run};
use tailsweep_proto::wire::RunDetail;
use tailsweep_worker::{Device, Recomputer, Training};

use crate::args::WeightsArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal;

/// Writes the weights of a run, of its stored checkpoint or trained here again.
pub(crate) async fn run(args: WeightsArgs, settings: &Settings) -> Result<(), Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    let detail = client.run(&args.run).await?;
    let run = run_of(&detail)?;
    let id = run.id();
    let stored = detail.checkpoint;
    let (step, content) = match (args.step, stored) {
        (Some(step), _) if args.recompute => (step, recompute(run, step, settings).await?),
        (wanted, Some(step)) if wanted.is_none_or(|wanted| wanted == step) => {
            let checkpoint = client.checkpoint(&id.to_string(), step).await?;
            let content = Training::weights_of(&run, &checkpoint).map_err(Failure::error)?;
            (step, content)
        }
        (_, stored) => return Err(Failure::error(missing(&detail, stored))),
    };
    let short = id.to_string()[..12].to_owned();
    let path = args
        .out
        .unwrap_or_else(|| PathBuf::from(format!("{short}-{step}.safetensors")));
    let part = path.with_extension("safetensors.part");
    let written = fs::write(&part, content).and_then(|()| fs::rename(&part, &path));
    let unwritable = |problem| format!("can't write `{}`: {problem}", path.display());
    written.map_err(|problem| Failure::error(unwritable(problem)))?;
    let file = path.display().to_string();
    if args.json {
        let document = json!({ "version": 1, "file": file, "run_id": id, "step": step });
        return terminal::print_json(&document);
    }
    terminal::print(&format!("{file}\n"))
}

fn run_of(detail: &RunDetail) -> Result<Run, Failure> {
    let point: Point = serde_json::from_str(&detail.point).map_err(|problem| {
        Failure::error(format!(
            "the coordinator tells no run of this version: {problem}"
        ))
    })?;
    Ok(Run {
        point: Arc::new(point),
        seed: detail.seed,
    })
}

/// What there is instead, and what to do.
fn missing(detail: &RunDetail, stored: Option<u64>) -> String {
    let run = detail.run.clone().unwrap_or_default();
    let here = match stored {
        Some(step) => format!("its one stored checkpoint is of step {step}: write `--step {step}`"),
        None => format!("it is {}, and no checkpoint of it is stored", run.state),
    };
    format!(
        "run {} has no weights at that step: {here}; or train it here again with `--step K \
         --recompute`",
        run.id.get(..12).unwrap_or(&run.id)
    )
}

async fn recompute(run: Run, step: u64, settings: &Settings) -> Result<Vec<u8>, Failure> {
    let data_dir = settings.data_dir.clone();
    let computed = tokio::task::spawn_blocking(move || {
        Recomputer::new(Device::Cpu, data_dir, false, BTreeMap::new()).weights(&run, step)
    });
    let computed = computed.await.map_err(Failure::error)?;
    computed.map_err(Failure::error)
}
