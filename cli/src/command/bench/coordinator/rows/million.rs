//! N7: a sweep of a million runs is handed in, kept in memory, and there after a restart.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::super::Effort;
use super::super::home::{Home, Sweep};
use super::super::line::{Bound, Line, Unit};
use crate::client::Client;
use crate::failure::Failure;
use crate::terminal::human_count;

const GIBIBYTE: f64 = (1_u64 << 30) as f64;

pub(super) async fn measure(effort: Effort) -> Result<Vec<Line>, Failure> {
    let side = if effort.quick { 100 } else { 1000 };
    let many_seeds = Sweep {
        widths: side,
        batch_sizes: 1,
        seeds: side,
        steps: 10,
    };
    let many_points = Sweep {
        widths: side,
        batch_sizes: side,
        seeds: 1,
        steps: 10,
    };
    let mut lines = Vec::new();
    for sweep in [many_seeds, many_points] {
        lines.extend(one(&effort, &sweep).await?);
    }
    Ok(lines)
}

async fn one(effort: &Effort, sweep: &Sweep) -> Result<Vec<Line>, Failure> {
    let count = |number| human_count(f64::from(number));
    let points = sweep.widths * sweep.batch_sizes;
    let name = format!("{} points × {} seeds", count(points), count(sweep.seeds));
    let line = |what: &str, measured, unit, bound| Line {
        row: "N7",
        what: format!("{name}: {what}"),
        measured,
        unit,
        bound,
    };
    let mut home = Home::start(effort, Duration::from_secs(15)).await?;
    let asking = Asking::start(home.client().await?);
    let submitted = home.submit(sweep).await?;
    let slowest = asking.end().await?;
    let unknown = || Failure::error("this system does not tell the memory of a process");
    let time = Bound::AtMost(15.0, 7.5);
    let memory = Bound::AtMost(GIBIBYTE, GIBIBYTE / 2.0);
    let peak = home.peak_memory().ok_or_else(unknown)?;
    let mut lines = vec![
        line("`submit`", submitted.as_secs_f64(), Unit::Seconds, time),
        line(
            "slowest answer to others meanwhile",
            slowest.as_secs_f64(),
            Unit::Seconds,
            Bound::Shown,
        ),
        line(
            "memory of the coordinator after it, at most",
            peak,
            Unit::Bytes,
            memory,
        ),
    ];
    home.kill()?;
    let restarted = home.restart().await?;
    let peak = home.peak_memory().ok_or_else(unknown)?;
    let seconds = restarted.as_secs_f64();
    lines.push(line(
        "restart after kill -9, until it answers",
        seconds,
        Unit::Seconds,
        time,
    ));
    lines.push(line(
        "memory of the restarted one, at most",
        peak,
        Unit::Bytes,
        memory,
    ));
    Ok(lines)
}

/// Somebody who asks again and again.
struct Asking {
    over: watch::Sender<bool>,
    asking: JoinHandle<Result<Duration, Failure>>,
}

impl Asking {
    fn start(mut client: Client) -> Self {
        let (over, told) = watch::channel(false);
        let asking = tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            while !*told.borrow() {
                let asked = Instant::now();
                client.workers().await?;
                slowest = slowest.max(asked.elapsed());
                sleep(Duration::from_millis(5)).await;
            }
            Ok(slowest)
        });
        Self { over, asking }
    }

    /// How long the slowest answer took.
    async fn end(self) -> Result<Duration, Failure> {
        self.over.send_replace(true);
        self.asking.await.map_err(Failure::error)?
    }
}
