//! N8: workers that stay connected and keep their leases.

use std::time::{Duration, Instant};

use tailsweep_coordinator::Role;
use tailsweep_proto::wire;
use tailsweep_proto::wire::coordinator_message::Message as Answer;
use tailsweep_proto::wire::worker_message::Message as Word;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use super::super::Effort;
use super::super::home::{Home, Sweep};
use super::super::line::{Bound, Line, Unit};
use super::super::peer::{Hello, Peer, finished};
use crate::failure::Failure;
use crate::remote::Remote;

/// Leases run out twice while it is measured, if they are not renewed.
const LEASE: Duration = Duration::from_secs(5);

pub(super) async fn measure(effort: Effort) -> Result<Vec<Line>, Failure> {
    let workers = if effort.quick { 200 } else { 2_000 };
    let mut home = Home::start(&effort, LEASE).await?;
    home.submit(&Sweep::of_seeds(workers * 3)).await?;
    let (phase, phases) = watch::channel(Phase::Hold);
    let mut holders = JoinSet::new();
    let start = Instant::now();
    for number in 0..workers {
        holders.spawn(hold(home.remote(Role::Worker), number, phases.clone()));
    }
    until_connected(&home, workers).await?;
    let joined = start.elapsed();

    let (before, start) = (home.processor_time(), Instant::now());
    let mut slowest = Duration::ZERO;
    while start.elapsed() < 2 * LEASE + Duration::from_secs(1) {
        let asked = Instant::now();
        home.client().await?.status("last").await?;
        slowest = slowest.max(asked.elapsed());
        sleep(Duration::from_millis(100)).await;
    }
    let busy = before
        .zip(home.processor_time())
        .map(|(before, after)| after - before);
    let share = busy.map(|busy| busy / start.elapsed().as_secs_f64());

    home.kill()?;
    let start = Instant::now();
    home.restart().await?;
    until_connected(&home, workers).await?;
    let back = start.elapsed();

    phase.send_replace(Phase::Finish);
    let mut kept = 0;
    while let Some(holder) = holders.join_next().await {
        kept += u32::from(holder.map_err(Failure::error)??);
    }
    let line = |what: String, measured, unit, bound| Line {
        row: "N8",
        what,
        measured,
        unit,
        bound,
    };
    let (least, aim) = if effort.quick {
        (200.0, 200.0)
    } else {
        (2_000.0, 10_000.0)
    };
    let mut lines = vec![
        line(
            "workers connected whose leases were renewed, also over a restart".to_owned(),
            f64::from(kept),
            Unit::Count,
            Bound::AtLeast(least, aim),
        ),
        line(
            format!("{workers} workers join"),
            joined.as_secs_f64(),
            Unit::Seconds,
            Bound::Shown,
        ),
        line(
            format!("the slowest `status` beside {workers} workers"),
            slowest.as_secs_f64(),
            Unit::Seconds,
            Bound::Shown,
        ),
        line(
            format!("coordinator killed: all {workers} workers are back"),
            back.as_secs_f64(),
            Unit::Seconds,
            Bound::Shown,
        ),
    ];
    lines.extend(share.map(|share| {
        line(
            format!(
                "cores that {workers} workers with a lease of {} s cost",
                LEASE.as_secs()
            ),
            share,
            Unit::Ratio,
            Bound::Shown,
        )
    }));
    Ok(lines)
}

/// What the holders are to do.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Hold,
    Finish,
}

async fn until_connected(home: &Home, workers: u32) -> Result<(), Failure> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let known = home.client().await?.workers().await?;
        let connected = known.iter().filter(|worker| worker.connected).count();
        if connected == workers as usize {
            return Ok(());
        }
        if Instant::now() > deadline {
            let problem = format!("only {connected} of {workers} workers could connect");
            return Err(Failure::error(problem));
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Holds its first lease over breaks of the session, and finishes it when told; whether it was
/// taken.
async fn hold(
    remote: Remote,
    number: u32,
    mut phases: watch::Receiver<Phase>,
) -> Result<bool, Failure> {
    let mut holds: Option<wire::AttemptKey> = None;
    loop {
        if let Ok(settled) = session(&remote, number, &mut holds, &mut phases).await {
            return Ok(settled);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

async fn session(
    remote: &Remote,
    number: u32,
    holds: &mut Option<wire::AttemptKey>,
    phases: &mut watch::Receiver<Phase>,
) -> Result<bool, Failure> {
    let connection = remote.dialer()?.connect().await.map_err(Failure::error)?;
    let hello = Hello {
        name: format!("peer-{number}"),
        slots: 1,
        holds: holds.iter().cloned().collect(),
    };
    let mut peer = Peer::join(connection, hello).await?;
    let mut heartbeat = interval(LEASE / 10);
    let mut finishing = false;
    loop {
        tokio::select! {
            answer = peer.hear() => match answer? {
                Answer::Lease(lease) if holds.is_none() => {
                    holds.clone_from(&lease.attempt);
                    if let Some(attempt) = lease.attempt {
                        peer.say(Word::Started(attempt)).await?;
                    }
                }
                Answer::Settled(key) if Some(&key) == holds.as_ref() => return Ok(true),
                Answer::Stale(key) if Some(&key) == holds.as_ref() => return Ok(false),
                _ => {}
            },
            _ = heartbeat.tick() => {
                peer.say(Word::Heartbeat(wire::Heartbeat::default())).await?;
            }
            () = until_finish(phases), if holds.is_some() && !finishing => {
                finishing = true;
                let attempt = holds.clone().unwrap_or_default();
                peer.say(Word::Finished(finished(attempt))).await?;
            }
        }
    }
}

async fn until_finish(phases: &mut watch::Receiver<Phase>) {
    // An error means that the sender is gone: nothing more is to be held.
    let _ = phases.wait_for(|phase| *phase == Phase::Finish).await;
}
