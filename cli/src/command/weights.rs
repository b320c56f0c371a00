//! `tailsweep weights`

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use tailsweep_common::id::BlobId;
use tailsweep_common::run::{Init, Point, Run};
use tailsweep_common::state::RunState;
use tailsweep_proto::wire::{RunDetail, RunStatus};
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
    let id = run.id().to_string();
    let (step, content) = match source(&detail, args.step, args.recompute)? {
        Source::Checkpoint(step) => {
            let checkpoint = client.checkpoint(&id, step).await?;
            let content = Training::weights_of(&run, &checkpoint).map_err(Failure::error)?;
            (step, content)
        }
        Source::Training(step) => {
            if let Some(problem) = made_elsewhere(&detail) {
                tracing::warn!("{problem}");
            }
            let files = files(&mut client, &run).await?;
            (step, recompute(run, step, files, settings).await?)
        }
    };
    let path = args
        .out
        .unwrap_or_else(|| PathBuf::from(format!("{}-{step}.safetensors", short(&detail))));
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

/// Where weights come from, and after how many updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Checkpoint(u64),
    Training(u64),
}

/// Of a run that is over no checkpoint is kept, so it is trained again without being asked.
fn source(detail: &RunDetail, wanted: Option<u64>, recompute: bool) -> Result<Source, Failure> {
    let run = detail.run.clone().unwrap_or_default();
    let has_result = RunState::from_word(&run.state).is_some_and(RunState::has_result);
    match (wanted, detail.checkpoint) {
        (Some(step), _) if has_result && step > run.step => Err(Failure::error(format!(
            "run {} has no step {step}: it is {} and ended at step {}",
            short(detail),
            run.state,
            run.step
        ))),
        (wanted, _) if has_result => Ok(Source::Training(wanted.unwrap_or(run.step))),
        (Some(step), _) if recompute => Ok(Source::Training(step)),
        (wanted, Some(step)) if wanted.is_none_or(|wanted| wanted == step) => {
            Ok(Source::Checkpoint(step))
        }
        (_, stored) => Err(Failure::error(missing(&run, stored))),
    }
}

/// What there is instead, and what to do.
fn missing(run: &RunStatus, stored: Option<u64>) -> String {
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

/// The beginning of the id of a run.
fn short(detail: &RunDetail) -> String {
    let run = detail.run.as_ref();
    run.map_or(String::new(), |run| run.id.chars().take(12).collect())
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

/// Why weights that are trained here may not be those of the run to the bit.
fn made_elsewhere(detail: &RunDetail) -> Option<String> {
    let here = Device::Cpu.kind();
    let there = &detail.attempts.last()?.kind;
    (*there != here).then(|| {
        format!(
            "run {} was computed on `{there}`, this machine is `{here}`: its weights come \
             out with other rounding here",
            short(detail)
        )
    })
}

/// What travelled with the sweep of a run: its initial weights and its data.
async fn files(client: &mut Client, run: &Run) -> Result<BTreeMap<BlobId, Vec<u8>>, Failure> {
    let mut ids = run.point.dataset().map_or(Vec::new(), |data| data.files());
    if let Some(Init::Weights(id)) = run.point.network().map(|point| &point.train.init) {
        ids.push(*id);
    }
    let mut files = BTreeMap::new();
    for id in ids {
        files.insert(id, client.file(id).await?);
    }
    Ok(files)
}

async fn recompute(
    run: Run,
    step: u64,
    files: BTreeMap<BlobId, Vec<u8>>,
    settings: &Settings,
) -> Result<Vec<u8>, Failure> {
    let data_dir = settings.data_dir.clone();
    let computed = tokio::task::spawn_blocking(move || {
        Recomputer::new(Device::Cpu, data_dir, false, files).weights(&run, step)
    });
    let computed = computed.await.map_err(Failure::error)?;
    computed.map_err(Failure::error)
}
