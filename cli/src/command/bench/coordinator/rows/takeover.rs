//! N9: how long it takes until work goes on after a `kill -9`.

use std::collections::BTreeSet;
use std::process::Child;
use std::time::{Duration, Instant};

use tailsweep_proto::wire::RunningRun;
use tokio::time::sleep;

use super::super::Effort;
use super::super::home::{self, Home, Sweep};
use super::super::line::{Bound, Line, Unit};
use crate::failure::Failure;

/// Real workers, one slot each.
const WORKERS: usize = 4;
/// A run that does not go on within this time is not going to.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn measure(effort: Effort) -> Result<Vec<Line>, Failure> {
    let times = if effort.quick { 1 } else { 3 };
    let (mut elsewhere, mut back) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..times {
        let (once_elsewhere, once_back) = once(&effort).await?;
        elsewhere = elsewhere.max(once_elsewhere);
        back = back.max(once_back);
    }
    let line = |what: &str, measured: Duration, bound| Line {
        row: "N9",
        what: format!("{what}; the slowest of {times}"),
        measured: measured.as_secs_f64(),
        unit: Unit::Seconds,
        bound,
    };
    Ok(vec![
        line(
            "worker killed: its run goes on elsewhere (lease 15 s)",
            elsewhere,
            Bound::AtMost(15.0, 5.0),
        ),
        line(
            &format!("coordinator killed: all {WORKERS} workers at work after its restart"),
            back,
            Bound::AtMost(5.0, 1.0),
        ),
    ])
}

async fn once(effort: &Effort) -> Result<(Duration, Duration), Failure> {
    let mut home = Home::start(effort, Duration::from_secs(15)).await?;
    // Two more workers than runs wait for one to fall.
    let sweep = Sweep {
        steps: 1_000_000_000,
        ..Sweep::of_seeds(WORKERS as u32 - 2)
    };
    home.submit(&sweep).await?;
    let mut workers = Workers::default();
    for number in 0..WORKERS {
        let name = format!("worker-{number}");
        workers.0.push((name.clone(), home.worker(&name)?));
    }
    let all = WORKERS - 2;
    let running = until(&home, |running| at_work(running).len() == all).await?;
    let Some(victim) = running.first() else {
        return Err(Failure::error("no run is in computation"));
    };
    let run = victim
        .progress
        .clone()
        .and_then(|progress| progress.attempt);
    let run = run.map(|attempt| attempt.run_id).unwrap_or_default();
    let victim = victim.worker.clone();

    let start = Instant::now();
    workers.kill(&victim)?;
    let is_elsewhere = |running: &[RunningRun]| {
        running.iter().any(|now| {
            let of = now
                .progress
                .as_ref()
                .and_then(|progress| progress.attempt.as_ref());
            now.worker != victim && of.is_some_and(|attempt| attempt.run_id == run)
        })
    };
    until(&home, is_elsewhere).await?;
    let elsewhere = start.elapsed();

    until(&home, |running| at_work(running).len() == all).await?;
    home.kill()?;
    let start = Instant::now();
    home.restart().await?;
    // A restarted coordinator has no news of a run before its worker is back.
    until(&home, |running| at_work(running).len() == all).await?;
    Ok((elsewhere, start.elapsed()))
}

/// The workers that have told of a step.
fn at_work(running: &[RunningRun]) -> BTreeSet<&str> {
    let told = |run: &&RunningRun| run.progress.as_ref().is_some_and(|told| told.step > 0);
    running
        .iter()
        .filter(told)
        .map(|run| run.worker.as_str())
        .collect()
}

async fn until(
    home: &Home,
    is_so: impl Fn(&[RunningRun]) -> bool,
) -> Result<Vec<RunningRun>, Failure> {
    let deadline = Instant::now() + PATIENCE;
    let mut client = home.client().await?;
    while Instant::now() < deadline {
        let status = client.status("last").await?;
        if is_so(&status.running) {
            return Ok(status.running);
        }
        sleep(Duration::from_millis(5)).await;
    }
    Err(Failure::error(
        "work did not go on after a process was killed",
    ))
}

/// They end with the measurement.
#[derive(Default)]
struct Workers(Vec<(String, Child)>);

impl Workers {
    fn kill(&mut self, name: &str) -> Result<(), Failure> {
        match self.0.iter_mut().find(|(worker, _)| worker == name) {
            Some((_, process)) => home::kill(process),
            None => Err(Failure::error(format!("no worker `{name}`"))),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for (_, process) in &mut self.0 {
            // It may have been killed already.
            let _ = home::kill(process);
        }
    }
}
