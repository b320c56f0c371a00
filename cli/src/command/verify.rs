//! `tailsweep verify`: chosen runs of a report computed again, and their rows compared.
//!
//! The folder says by itself which sweep made it. Runs are computed by the same steps that a worker
//! takes, their tables are made by the same report, and rows are compared byte by byte. The tables
//! about points follow from the others without any run: they are made again from the folder's own
//! rows, and compared as a whole.

mod choice;
mod compare;
pub(super) mod folder;
mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tailsweep_common::id::BlobId;
use tailsweep_common::run::{NUMERICS, Run};
use tailsweep_report::{ReportBuilder, ReportFile, RunResult, SweepText, ToldRun};
use tailsweep_worker::{Recomputed, Recomputer};
use tokio::sync::oneshot;

use super::run::check_data;
use crate::args::VerifyArgs;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::signals::stop_signal;
use crate::sweep_file::SweepFile;
use crate::terminal::human_time;

use compare::Comparison;
use folder::Folder;

/// The tables each of whose rows belongs to one run.
const BY_RUN: [&str; 5] = [
    "runs.csv",
    "measurements.csv",
    "estimates.csv",
    "exits.csv",
    "transitions.csv",
];

/// The tables that follow from those, without any run.
const POOLED: [&str; 3] = ["points.csv", "decomposition.csv", "calibration.csv"];

pub(crate) async fn run(args: VerifyArgs, settings: &Settings) -> Result<(), Failure> {
    args.device.check().map_err(Failure::error)?;
    let folder = Folder::read(&args.dir)?;
    if let Some(numerics) = folder.numerics.filter(|numerics| *numerics != NUMERICS) {
        return Err(Failure::Error(format!(
            "`{}` was computed by tailsweep {}, whose arithmetic has the number {numerics}; here is \
             tailsweep {} with the number {NUMERICS}: other arithmetic gives other bytes. Verify it \
             with the version that made it",
            args.dir.display(),
            folder.tailsweep,
            env!("CARGO_PKG_VERSION"),
        )));
    }
    let beside = args.files.as_deref().unwrap_or(&args.dir);
    let shown = format!("the sweep file in {}", folder.sweep_path.display());
    let file = SweepFile::of_report(folder.source.clone(), shown, beside)?;
    let listed = choice::listed(&folder, &file.sweep)?;
    let chosen = choice::chosen(&listed, &args)?;

    let datasets = chosen.iter().filter_map(|run| run.run.point.needed_data());
    check_data(datasets.collect(), settings, args.compute.fetch).await?;

    let seconds = chosen
        .iter()
        .map(|run| settings.predict(&run.run.point).seconds);
    let seconds: f64 = seconds.sum();
    let seconds = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    eprintln!(
        "computing {} of {} runs again, about {} on one core",
        chosen.len(),
        listed.len(),
        human_time(seconds)
    );
    let files: BTreeMap<BlobId, Vec<u8>> = file
        .files()?
        .into_iter()
        .map(|(_, content)| (BlobId::of(&content), content))
        .collect();
    let recomputer = Recomputer::new(
        args.device,
        settings.data_dir.clone(),
        args.compute.fetch,
        files,
    );
    let runs: Vec<Run> = chosen.iter().map(|chosen| chosen.run.clone()).collect();
    let slots = settings.slots as usize;
    let (done, results) = oneshot::channel();
    // It ends with the process, whatever it is at.
    thread::Builder::new()
        .name("verify".to_owned())
        .spawn(move || done.send(compute(&recomputer, &runs, slots)))
        .map_err(Failure::error)?;
    let interrupted = stop_signal()?;
    let results = tokio::select! {
        results = results => results.map_err(|_| Failure::error("the computation panicked"))??,
        () = interrupted => return Err(Failure::Interrupted),
    };

    let text = SweepText {
        source: file.source.clone(),
        sweep: file.sweep.into(),
    };
    let computed = report(&text, &folder, &chosen, &results);
    let ids: BTreeSet<String> = chosen.iter().map(|chosen| chosen.id.to_string()).collect();
    let mut comparison = Comparison::default();
    for name in BY_RUN {
        match computed.get(name) {
            Some(computed) => comparison.runs(name, &folder.table(name)?, computed, &ids)?,
            None if folder.has(name) => comparison.none(name, &folder.table(name)?)?,
            None => {}
        }
    }
    for file in pooled(&folder, &listed, text)? {
        comparison.whole(&file.path, &folder.table(&file.path)?, &file.bytes)?;
    }
    tell::tell(&folder, &listed, &chosen, &comparison, &args)?;
    match comparison.is_equal() {
        true => Ok(()),
        false => Err(Failure::error(tell::verdict(
            &folder,
            &chosen,
            &comparison,
            args.device,
        ))),
    }
}

/// Every run, in the order given, on so many threads. The first error ends it.
fn compute(
    recomputer: &Recomputer,
    runs: &[Run],
    slots: usize,
) -> Result<Vec<Recomputed>, Failure> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let results = Mutex::new(BTreeMap::new());
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(run) = runs.get(index) else {
                return;
            };
            let result = recomputer.compute(run);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            let result = result.map_err(|problem| format!("run {}: {problem}", run.id()));
            eprintln!("  {} computed", run.id());
            if let Ok(mut results) = results.lock() {
                results.insert(index, result);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..slots.clamp(1, runs.len().max(1)) {
            scope.spawn(work);
        }
    });
    let results = results.into_inner().map_err(Failure::error)?;
    results
        .into_values()
        .map(|result| result.map_err(Failure::error))
        .collect()
}

/// The tables that the folder's own rows give.
fn pooled(
    folder: &Folder,
    listed: &[choice::Listed],
    text: SweepText,
) -> Result<Vec<ReportFile>, Failure> {
    let runs = listed.iter().map(|listed| ToldRun {
        id: listed.id,
        run: listed.run.clone(),
        state: listed.state,
    });
    let measurements = folder.table("measurements.csv")?;
    let estimates = folder.table("estimates.csv")?;
    tailsweep_report::pooled(text, runs.collect(), &measurements, &estimates)
        .map_err(|problem| Failure::error(format!("different: {problem}")))
}

/// The CSV tables of the computed runs.
fn report(
    text: &SweepText,
    folder: &Folder,
    chosen: &[choice::Listed],
    results: &[Recomputed],
) -> BTreeMap<String, Vec<u8>> {
    let mut builder = ReportBuilder::new(text.clone()).with_choice(folder.choice.clone());
    let mut runs: Vec<_> = chosen.iter().zip(results).collect();
    runs.sort_by_key(|(chosen, _)| chosen.index);
    for (chosen, result) in runs {
        builder.add(RunResult {
            id: chosen.id,
            run: chosen.run.clone(),
            state: result.ending.state(),
            reason: result.ending.reason(),
            steps: Some(result.ending.steps()),
            measurements: result.measurements.clone(),
        });
    }
    builder
        .finish()
        .each_file()
        .filter(|file| file.path.ends_with(".csv"))
        .map(|file| (file.path, file.bytes))
        .collect()
}
