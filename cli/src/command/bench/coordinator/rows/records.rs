//! N6: measurements per second, each on disk before it is acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tailsweep_common::measurement::{Measurement, Split, SplitMeasurement};
use tailsweep_proto::wire;
use tailsweep_proto::wire::coordinator_message::Message as Answer;
use tailsweep_proto::wire::worker_message::Message as Word;
use tailsweep_stats::{Layer, NoiseShape, Treatment, Treatments, summarise};
use tokio::task::JoinSet;

use super::super::Effort;
use super::super::home::{Home, Sweep};
use super::super::line::{Bound, Line, Unit};
use super::super::peer::{Hello, Peer};
use crate::failure::Failure;
use crate::terminal::human_bytes;

/// Workers that send at once.
const WORKERS: u32 = 8;

pub(super) async fn measure(effort: Effort) -> Result<Vec<Line>, Failure> {
    let small = wire_size_of(&small()?);
    let records = if effort.quick { 2_000 } else { 50_000 };
    let sent = send(&effort, small.0, records, 256).await?;
    let mut lines = vec![Line {
        row: "N6",
        what: format!(
            "measurements of {}, kept, then acknowledged; {WORKERS} workers",
            human_bytes(small.1)
        ),
        measured: sent.rate,
        unit: Unit::PerSecond,
        bound: Bound::AtLeast(20_000.0, 100_000.0),
    }];

    let full = wire_size_of(&full()?);
    let records = if effort.quick { 25 } else { 250 };
    let sent = send(&effort, full.0, records, 16).await?;
    let size = human_bytes(full.1);
    lines.push(Line {
        row: "N6",
        what: format!("measurements of {size} (both splits, default treatments)"),
        measured: sent.rate * full.1 as f64,
        unit: Unit::BytesPerSecond,
        bound: Bound::Shown,
    });
    lines.push(Line {
        row: "N6",
        what: format!("their size on disk over {size}"),
        measured: sent.on_disk / full.1 as f64,
        unit: Unit::Ratio,
        bound: Bound::Shown,
    });
    Ok(lines)
}

fn wire_size_of(measurement: &Measurement) -> (wire::Measurement, u64) {
    let wire = wire::Measurement::from(measurement);
    let size = tailsweep_proto::size_of(&wire) as u64;
    (wire, size)
}

struct Sent {
    /// Records per second.
    rate: f64,
    /// Bytes of the state per record.
    on_disk: f64,
}

/// `records` from each worker, of which at most `window` are not acknowledged.
async fn send(
    effort: &Effort,
    measurement: wire::Measurement,
    records: u64,
    window: u64,
) -> Result<Sent, Failure> {
    let home = Home::start(effort, Duration::from_secs(15)).await?;
    // As many as all workers take, those ahead of time included.
    home.submit(&Sweep::of_seeds(3 * WORKERS)).await?;
    let mut peers = Vec::new();
    for number in 0..WORKERS {
        let hello = Hello {
            name: format!("peer-{number}"),
            slots: 1,
            holds: Vec::new(),
        };
        let mut peer = Peer::join(home.connection().await?, hello).await?;
        let lease = peer.hear_lease().await?;
        peer.say(Word::Started(lease.clone())).await?;
        peers.push((peer, lease));
    }
    let size_before = home.state_size();
    let start = Instant::now();
    let mut sending = JoinSet::new();
    for (peer, lease) in peers {
        sending.spawn(stream(peer, lease, measurement.clone(), records, window));
    }
    while let Some(sent) = sending.join_next().await {
        sent.map_err(Failure::error)??;
    }
    let all = (records * u64::from(WORKERS)) as f64;
    Ok(Sent {
        rate: all / start.elapsed().as_secs_f64(),
        on_disk: (home.state_size() - size_before) / all,
    })
}

async fn stream(
    mut peer: Peer,
    attempt: wire::AttemptKey,
    measurement: wire::Measurement,
    records: u64,
    window: u64,
) -> Result<(), Failure> {
    let (mut said, mut kept) = (0, 0);
    while kept < records {
        while said < records && said - kept < window {
            let record = wire::Record {
                attempt: Some(attempt.clone()),
                measurement: Some(wire::Measurement {
                    step: said,
                    ..measurement.clone()
                }),
            };
            peer.say(Word::Record(record)).await?;
            said += 1;
        }
        match peer.hear().await? {
            Answer::RecordStored(_) => kept += 1,
            Answer::Stale(_) => return Err(Failure::error("a lease was taken back")),
            _ => {}
        }
    }
    Ok(())
}

/// One split, four minibatches, the published treatment alone.
fn small() -> Result<Measurement, Failure> {
    let published = [Treatment::Published].into_iter().collect();
    Ok(Measurement {
        step: 0,
        splits: vec![split(Split::Train, 4, 4, 1, published)?],
        iterates: None,
        exits: None,
    })
}

/// What a run of an FCN of three layers on the whole of MNIST sends at a step.
fn full() -> Result<Measurement, Failure> {
    let split = |which, minibatches| split(which, minibatches, 1024, 3, Treatments::default());
    Ok(Measurement {
        step: 0,
        splits: vec![split(Split::Train, 600)?, split(Split::Test, 100)?],
        iterates: None,
        exits: None,
    })
}

fn split(
    split: Split,
    minibatches: usize,
    len: usize,
    layers: usize,
    treatments: Treatments,
) -> Result<SplitMeasurement, Failure> {
    let layer = |index: usize| Layer {
        name: format!("layer{index}"),
        len,
        fan_in: len,
        bias: false,
    };
    let layers: Vec<Layer> = (0..layers).map(layer).collect();
    let params = layers.iter().map(|layer| layer.len).sum();
    let shape = NoiseShape::new(minibatches, false, layers, treatments).map_err(Failure::error)?;
    let mut state = 1_u64;
    let mut next = || {
        // The multiplier and increment of Knuth's MMIX.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let rows: Vec<Vec<f32>> = (0..minibatches)
        .map(|_| (0..params).map(|_| next() * next()).collect())
        .collect();
    Ok(SplitMeasurement {
        split,
        loss: Some(0.5),
        accuracy: Some(0.5),
        noise: summarise(Arc::new(shape), &rows),
        spectrum: None,
    })
}
