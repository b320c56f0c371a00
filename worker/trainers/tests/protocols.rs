//! The protocols as trainings: which rate each update uses, what is measured, and when it ends.

#![allow(clippy::unwrap_used, reason = "in tests")]

mod support;

use std::collections::BTreeMap;

use support::{excerpt, results};
use tailsweep_common::measurement::Split;
use tailsweep_common::run::Run;
use tailsweep_common::state::Ending;
use tailsweep_common::sweep::parse;

/// The one run of a sweep over 200 images with these keys.
fn only_run(train: &str, measure: &str, block: &str) -> Run {
    let source = format!(
        "version = 1\nname = \"p\"\nseeds = 1\n[train]\n{train}\n[measure]\n{measure}\n[[block]]\n{block}\n\
         dataset = {{ name = \"mnist-excerpt\", train_limit = 200, test_limit = 100 }}\n\
         architecture = \"fcn\"\nwidth = 32\ndepth = 2\n"
    );
    let sweep = parse(&source, "p.toml", &BTreeMap::new()).unwrap();
    sweep.runs().next().unwrap()
}

#[test]
fn code_halves_its_rate_at_both_thirds() {
    let data = excerpt(200, 100);
    let halved = only_run("protocol = \"code\"\nsteps = 7", "", "");
    let constant = only_run(
        "protocol = \"code\"\nsteps = 7\nschedule = \"constant\"",
        "",
        "",
    );
    let point = halved.point.network().unwrap();
    let rates = (0..7).map(|step| point.train.learning_rate(point.learning_rate, step));
    let rates: Vec<f64> = rates.collect();
    assert_eq!(rates, [0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.025]);

    let (measurements, losses, ending) = results(&halved, &data);
    let (_, other, _) = results(&constant, &data);
    // The loss of update 3 is the first one that update 2, with half the rate, has moved.
    let equal: Vec<bool> = losses.iter().zip(&other).map(|(a, b)| a == b).collect();
    assert_eq!(equal, [true, true, true, false, false, false, false]);
    let steps: Vec<u64> = measurements.iter().map(|taken| taken.step).collect();
    assert_eq!(steps, [0, 7]);
    let done = Ending::Done {
        steps: 7,
        accuracy_reached: false,
    };
    assert_eq!(ending, done);
}

#[test]
fn paper_ends_at_the_first_measured_step_of_full_accuracy() {
    let data = excerpt(200, 100);
    let run = only_run(
        "protocol = \"paper\"\nsteps = 2000",
        "every = 20\nminibatches = 2",
        "batch_size = 50",
    );
    let (measurements, losses, ending) = results(&run, &data);
    let Ending::Done {
        steps,
        accuracy_reached: true,
    } = ending
    else {
        panic!("{ending:?}");
    };
    assert!(steps < 2000 && steps % 20 == 0, "{steps}");
    assert_eq!(losses.len() as u64, steps);
    let accuracy = |at: usize| measurements[at].split(Split::Train).unwrap().accuracy;
    let last = measurements.len() - 1;
    assert_eq!(measurements[last].step, steps);
    assert_eq!(accuracy(last), Some(1.0));
    assert!((0..last).all(|at| accuracy(at) < Some(1.0)));
}
