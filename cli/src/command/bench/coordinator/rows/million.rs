//! N7: a sweep of a million runs is handed in, kept in memory, and there after a restart.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::super::Effort;
use super::super::home::{Home, Sweep};
use super::super::line::{Bound, Line, Unit};
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
    let over = Cell::new(false);
    let submit = async {
        let submitted = home.submit(sweep).await;
        over.set(true);
        submitted
    };
    let (submitted, slowest) = tokio::try_join!(submit, slowest_answer(&home, &over))?;
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

/// How long somebody waits at most who asks again and again until it is over.
async fn slowest_answer(home: &Home, over: &Cell<bool>) -> Result<Duration, Failure> {
    let mut client = home.client().await?;
    let mut slowest = Duration::ZERO;
    while !over.get() {
        let asked = Instant::now();
        client.workers().await?;
        slowest = slowest.max(asked.elapsed());
        sleep(Duration::from_millis(5)).await;
    }
    Ok(slowest)
}
