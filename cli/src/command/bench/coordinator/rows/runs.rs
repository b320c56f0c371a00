//! N5: no-op runs per second. A run is leased, started and finished, both on disk. And of N7, since a
//! million runs are finished then: how long it takes until they are there after a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::super::Effort;
use super::super::home::{Home, Sweep};
use super::super::line::{Bound, Line, Unit};
use super::super::peer::{Hello, Peer};
use crate::failure::Failure;
use crate::terminal::human_count;

/// Slots of all workers together.
const SLOTS: u32 = 1024;

pub(super) async fn measure(effort: Effort) -> Result<Vec<Line>, Failure> {
    let (middle, runs): (u32, &[u32]) = if effort.quick {
        (10_000, &[2_000, 20_000])
    } else {
        (100_000, &[10_000, 1_000_000])
    };
    let mut lines = Vec::new();
    for workers in [1, 4, 16, 64] {
        let (rate, _) = finish(&effort, workers, middle, false).await?;
        lines.push(line(workers, middle, rate));
    }
    for workers in [1, 16, 64] {
        let (rate, _) = finish(&effort, workers, middle, true).await?;
        let mut with_tls = line(workers, middle, rate);
        with_tls.what += ", with TLS";
        lines.push(with_tls);
    }
    let mut rates = Vec::new();
    for runs in runs {
        let (rate, home) = finish(&effort, 16, *runs, false).await?;
        lines.push(line(16, *runs, rate));
        rates.push(rate);
        if *runs > middle {
            lines.push(restart(home, *runs).await?);
        }
    }
    if let [few, many] = rates[..] {
        lines.push(Line {
            row: "N5",
            what: format!(
                "the rate with {} runs over that with {}",
                human_count(f64::from(runs[1])),
                human_count(f64::from(runs[0]))
            ),
            measured: many / few,
            unit: Unit::Ratio,
            bound: Bound::AtLeast(0.8, 1.0),
        });
    }
    Ok(lines)
}

fn line(workers: u32, runs: u32, rate: f64) -> Line {
    let slots = SLOTS / workers;
    let runs = human_count(f64::from(runs));
    Line {
        row: "N5",
        what: format!("{runs} no-op runs, {slots} slots of each of {workers} worker(s)"),
        measured: rate,
        unit: Unit::PerSecond,
        bound: Bound::AtLeast(10_000.0, 50_000.0),
    }
}

/// Kills a coordinator all of whose runs are finished, and starts it again.
async fn restart(mut home: Home, runs: u32) -> Result<Line, Failure> {
    home.kill()?;
    let restarted = home.restart().await?;
    Ok(Line {
        row: "N7",
        what: format!(
            "{} finished runs: restart after kill -9, until it answers",
            human_count(f64::from(runs))
        ),
        measured: restarted.as_secs_f64(),
        unit: Unit::Seconds,
        bound: Bound::AtMost(15.0, 7.5),
    })
}

/// Finishes so many runs: how many in a second, and the coordinator that has them.
async fn finish(
    effort: &Effort,
    workers: u32,
    runs: u32,
    tls: bool,
) -> Result<(f64, Home), Failure> {
    let lease = Duration::from_secs(15);
    let home = if tls {
        Home::start_with_tls(effort, lease).await?
    } else {
        Home::start(effort, lease).await?
    };
    home.submit(&Sweep::of_seeds(runs)).await?;
    let left = Arc::new(AtomicU64::new(u64::from(runs)));
    let (over, _) = watch::channel(false);
    let mut peers = JoinSet::new();
    let mut connections = Vec::new();
    for _ in 0..workers {
        connections.push(home.connection().await?);
    }
    let start = Instant::now();
    for (number, connection) in connections.into_iter().enumerate() {
        let (left, over) = (Arc::clone(&left), over.clone());
        let mut ended = over.subscribe();
        let hello = Hello {
            name: format!("peer-{number}"),
            slots: SLOTS / workers,
            holds: Vec::new(),
        };
        peers.spawn(async move {
            let mut peer = Peer::join(connection, hello).await?;
            let settled = || {
                let was_last = left.fetch_sub(1, Ordering::Relaxed) == 1;
                if was_last {
                    over.send_replace(true);
                }
                was_last
            };
            tokio::select! {
                worked = peer.work(settled) => worked,
                _ = ended.wait_for(|ended| *ended) => Ok(()),
            }
        });
    }
    while let Some(peer) = peers.join_next().await {
        peer.map_err(Failure::error)??;
    }
    let rate = f64::from(runs) / start.elapsed().as_secs_f64();
    Ok((rate, home))
}
