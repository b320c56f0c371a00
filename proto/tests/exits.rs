//! Exits from wells survive the way over the wire, and nonsense is refused by its field.

use prost::Message as _;
use tailsweep_common::exits::{Exits, Path, WellExits};
use tailsweep_common::measurement::Measurement;
use tailsweep_proto::wire;

fn measurement() -> Measurement {
    let well = WellExits {
        left: 3,
        right: 4,
        steps: 70,
        squares: 1e3,
        median: Some(9.5),
        unfinished: 1,
        unfinished_steps: 6,
        inside: 80,
        reached: vec![0, 7],
    };
    Measurement {
        step: 40,
        splits: Vec::new(),
        iterates: None,
        exits: Some(Exits {
            wells: vec![well, WellExits::none(2)],
            running: 2,
            paths: vec![Path {
                stride: 2,
                places: vec![-1.0, 0.25],
            }],
        }),
    }
}

#[test]
fn exits_survive_the_wire() {
    let bytes = wire::Measurement::from(&measurement()).encode_to_vec();
    let read = wire::Measurement::decode(&*bytes).expect("a message");
    assert_eq!(Measurement::try_from(read), Ok(measurement()));
}

#[test]
fn exits_that_contradict_themselves_are_refused() {
    let problem = |change: fn(&mut wire::Exits)| {
        let mut wire = wire::Measurement::from(&measurement());
        change(wire.exits.as_mut().expect("exits"));
        Measurement::try_from(wire).unwrap_err().to_string()
    };
    for (field, change) in [
        (
            "wells",
            (|exits| exits.wells.clear()) as fn(&mut wire::Exits),
        ),
        ("reached", |exits| exits.wells[0].reached.push(1)),
        ("right", |exits| exits.wells[0].right = u64::MAX),
        ("squares", |exits| exits.wells[0].squares = f64::NAN),
        ("median", |exits| exits.wells[0].median = Some(-1.0)),
        ("stride", |exits| exits.paths[0].stride = 0),
        ("places", |exits| exits.paths[0].places[0] = f64::INFINITY),
    ] {
        assert!(problem(change).contains(field), "{}", problem(change));
    }
    let nothing = wire::Measurement::default();
    assert!(Measurement::try_from(nothing).is_err());
}
