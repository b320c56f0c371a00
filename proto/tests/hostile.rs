//! No bytes make the decoding of a message panic, however strange or however nearly right.
//!
//! Each law runs 500 cases; `TAILSWEEP_FUZZ_CASES=100000` runs more. What can be decoded is
//! converted, and what can be converted is used as the coordinator and the report use it.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use proptest::sample::Index;
use prost::Message;
use tailsweep_common::id::RunId;
use tailsweep_common::measurement::{Measurement, Split, SplitMeasurement};
use tailsweep_common::run::Run;
use tailsweep_common::state::Ending;
use tailsweep_common::sweep;
use tailsweep_proto::convert::{AttemptKey, Lease};
use tailsweep_proto::wire;
use tailsweep_stats::{
    Layer, NoiseShape, NoiseSummary, Spectrum, Treatment, Treatments, summarise,
};
use wire::export_part::Part;
use wire::worker_message::Message as Word;

fn cases() -> u32 {
    std::env::var("TAILSWEEP_FUZZ_CASES").map_or(500, |text| text.parse().expect("a number"))
}

fn summary(treatments: Treatments) -> NoiseSummary {
    let layer = |index: usize| Layer {
        name: format!("layer{index}"),
        len: 24,
        fan_in: 6,
        bias: index == 1,
    };
    let shape = NoiseShape::new(6, true, (0..2).map(layer).collect(), treatments).unwrap();
    let value = |row: usize, column: usize| ((row * 31 + column * 17) % 101) as f32 - 50.0;
    let rows: Vec<Vec<f32>> = (0..6)
        .map(|row| (0..48).map(|column| value(row, column)).collect())
        .collect();
    summarise(Arc::new(shape), &rows)
}

fn measurement() -> Measurement {
    let split = |split, treatments| SplitMeasurement {
        split,
        loss: Some(0.5),
        accuracy: Some(0.25),
        noise: summary(treatments),
        spectrum: Some(Spectrum {
            rows: 6,
            trace: 9.0,
            leading: vec![5.0, 2.0, 1.0],
        }),
    };
    let all: Treatments = Treatment::ALL.into_iter().collect();
    Measurement {
        step: 7,
        splits: vec![
            split(Split::Train, all),
            split(Split::Test, Treatments::default()),
        ],
        exits: None,
        iterates: None,
    }
}

fn run() -> Run {
    let source = "version = 1\nname = \"a\"\n[train]\nsteps = 10\n[[block]]\n\
                  dataset = \"mnist-excerpt\"\narchitecture = \"fcn\"\nwidth = 4\ndepth = 2\n\
                  batch_size = 100\nlearning_rate = 0.1\n";
    let none = std::collections::BTreeMap::new();
    sweep::parse(source, "a.toml", &none)
        .unwrap()
        .run(0)
        .unwrap()
}

/// Proper messages, encoded: the seeds of those that are nearly right.
static PROPER: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let key = (RunId::of(b"run"), 3);
    let attempt = Some(wire::AttemptKey::new(key.0, key.1));
    let word = |word| {
        wire::WorkerMessage {
            message: Some(word),
        }
        .encode_to_vec()
    };
    let run = run();
    let lease = Lease {
        key: (run.id(), 1),
        run,
        resume: Some(5),
        time_limit: Some(std::time::Duration::from_secs(60)),
    };
    let measurement = wire::Measurement::from(&measurement());
    let hello = wire::Hello {
        protocol: 1,
        worker: "worker".to_owned(),
        slots: 4,
        holds: vec![wire::AttemptKey::new(key.0, 1)],
        ..wire::Hello::default()
    };
    let ending = Ending::Done {
        steps: 10,
        accuracy_reached: true,
    };
    let recorded = measurement.encode_to_vec();
    vec![
        recorded.clone(),
        word(Word::Record(wire::Record {
            attempt: attempt.clone(),
            measurement: Some(measurement),
        })),
        word(Word::Hello(hello)),
        word(Word::Finished(wire::Finished::new(key, ending))),
        word(Word::Failed(wire::Failed {
            attempt: attempt.clone(),
            reason: "panic".to_owned(),
            message: "é".repeat(100),
        })),
        word(Word::Checkpoint(wire::CheckpointPart {
            attempt,
            step: 3,
            content: vec![1; 64].into(),
            last: true,
        })),
        wire::Lease::from(&lease).encode_to_vec(),
        wire::ExportPart {
            part: Some(Part::Record(recorded.into())),
        }
        .encode_to_vec(),
        wire::ExportPart {
            part: Some(Part::Run(wire::ExportedRun {
                finished: Some(wire::Finished::new(key, ending)),
                kind: "cpu".to_owned(),
                nondeterministic: false,
                records: 2,
            })),
        }
        .encode_to_vec(),
    ]
});

/// A change of an encoded message.
#[derive(Clone, Debug)]
enum Edit {
    Flip(Index, u8),
    Cut(Index),
    Drop(Index, Index),
    Repeat(Index, Index),
    Insert(Index, Vec<u8>),
    /// A number as long as numbers get.
    Largest(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let place = any::<Index>;
    prop_oneof![
        4 => (place(), 0..8_u8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        1 => place().prop_map(Edit::Cut),
        1 => (place(), place()).prop_map(|(a, b)| Edit::Drop(a, b)),
        1 => (place(), place()).prop_map(|(a, b)| Edit::Repeat(a, b)),
        2 => (place(), prop::collection::vec(any::<u8>(), 1..12))
            .prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        1 => place().prop_map(Edit::Largest),
    ]
}

fn edited(mut bytes: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
    for edit in edits {
        if bytes.is_empty() {
            break;
        }
        let range = |a: &Index, b: &Index| {
            let (a, b) = (a.index(bytes.len()), b.index(bytes.len()));
            // Near to one another: something is left to be understood.
            (a.min(b), (a.min(b) + 40).min(a.max(b)))
        };
        match edit {
            Edit::Flip(at, bit) => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Edit::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Edit::Drop(a, b) => {
                let (a, b) = range(a, b);
                bytes.drain(a..b);
            }
            Edit::Repeat(a, b) => {
                let (a, b) = range(a, b);
                let part = bytes[a..b].to_vec();
                bytes.splice(b..b, part);
            }
            Edit::Insert(at, more) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, more.iter().copied());
            }
            Edit::Largest(at) => {
                let at = at.index(bytes.len());
                let largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
                bytes.splice(at..at, largest);
            }
        }
    }
    bytes
}

/// Decodes the bytes as every message of the protocol, and goes on with what that gives.
fn survives(bytes: &[u8]) {
    if let Ok(message) = wire::WorkerMessage::decode(bytes) {
        worker_said(message);
    }
    if let Ok(message) = wire::Measurement::decode(bytes) {
        measured(message);
    }
    if let Ok(lease) = wire::Lease::decode(bytes)
        && let Ok(lease) = Lease::try_from(lease)
    {
        assert_eq!(lease.run.id(), lease.key.0);
    }
    if let Ok(key) = wire::AttemptKey::decode(bytes) {
        let _ = AttemptKey::try_from(key);
    }
    if let Ok(part) = wire::ExportPart::decode(bytes) {
        exported(part);
    }
    // Messages without a conversion of their own.
    let _ = wire::CoordinatorMessage::decode(bytes);
    let _ = wire::SubmitPart::decode(bytes);
    let _ = wire::SubmitReply::decode(bytes);
    let _ = wire::SweepStatus::decode(bytes);
    let _ = wire::GetSweepRequest::decode(bytes);
    let _ = wire::ListSweepsRequest::decode(bytes);
    let _ = wire::ListSweepsReply::decode(bytes);
    let _ = wire::ListWorkersRequest::decode(bytes);
    let _ = wire::ListWorkersReply::decode(bytes);
    let _ = wire::ListRunsRequest::decode(bytes);
    let _ = wire::ListRunsReply::decode(bytes);
    let _ = wire::GetRunRequest::decode(bytes);
    let _ = wire::RunDetail::decode(bytes);
    let _ = wire::ControlRequest::decode(bytes);
    let _ = wire::GetReportRequest::decode(bytes);
    let _ = wire::StopWorkerRequest::decode(bytes);
    let _ = wire::CollectRequest::decode(bytes);
    let _ = wire::CollectReply::decode(bytes);
    let _ = wire::ImportReply::decode(bytes);
    let _ = wire::ReportPart::decode(bytes);
    let _ = wire::FetchFileRequest::decode(bytes);
    let _ = wire::FetchCheckpointRequest::decode(bytes);
    let _ = wire::Part::decode(bytes);
}

fn exported(part: wire::ExportPart) {
    match part.part {
        Some(Part::Run(run)) => {
            if let Some(finished) = run.finished {
                let _: Result<(AttemptKey, Ending), _> = finished.try_into();
            }
        }
        Some(Part::Record(record)) => {
            if let Ok(measurement) = wire::Measurement::decode(&*record) {
                measured(measurement);
            }
        }
        _ => {}
    }
}

fn worker_said(message: wire::WorkerMessage) {
    match message.message {
        Some(Word::Record(record)) => {
            if let Some(measurement) = record.measurement {
                measured(measurement);
            }
        }
        Some(Word::Finished(finished)) => {
            let _: Result<(AttemptKey, Ending), _> = finished.try_into();
        }
        Some(Word::Started(key) | Word::HandBack(key)) => {
            let _ = AttemptKey::try_from(key);
        }
        _ => {}
    }
}

fn measured(message: wire::Measurement) {
    let Ok(measurement) = Measurement::try_from(message) else {
        return;
    };
    for split in &measurement.splits {
        if split.noise.is_complete() {
            let _ = split.noise.estimates();
        }
        let mut twice = split.noise.clone();
        let _ = twice.merge(&split.noise);
    }
    // What was understood is written as it was understood.
    let again = wire::Measurement::from(&measurement).encode_to_vec();
    let read = wire::Measurement::decode(&again[..]).unwrap();
    assert!(
        Measurement::try_from(read).is_ok(),
        "written, and not read back"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survives(&bytes);
    }

    #[test]
    fn nearly_right_messages_never_panic(
        which in any::<Index>(),
        edits in prop::collection::vec(edit(), 1..6),
    ) {
        survives(&edited(PROPER[which.index(PROPER.len())].clone(), &edits));
    }

    #[test]
    fn two_messages_in_one_never_panic(
        first in any::<Index>(),
        then in any::<Index>(),
        edits in prop::collection::vec(edit(), 0..4),
    ) {
        let both = [first, then].map(|index| PROPER[index.index(PROPER.len())].clone());
        survives(&edited(both.concat(), &edits));
    }
}

#[test]
fn the_proper_messages_are_understood() {
    assert!(Measurement::try_from(wire::Measurement::decode(&PROPER[0][..]).unwrap()).is_ok());
    let lease = wire::Lease::decode(&PROPER[6][..]).unwrap();
    assert!(Lease::try_from(lease).is_ok());
    eprintln!("each law ran {} cases", cases());
}
