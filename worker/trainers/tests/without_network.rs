//! Runs without a network: noise of a known law, and paths of an equation.

#![allow(clippy::unwrap_used, reason = "in tests")]

use std::collections::BTreeMap;

use tailsweep_common::exits::{Exits, WellExits};
use tailsweep_common::measurement::{Measurement, Split};
use tailsweep_common::run::Run;
use tailsweep_common::state::Ending;
use tailsweep_common::sweep::parse;
use tailsweep_stats::{Estimate, Estimator, Treatment};
use tailsweep_trainers::{Computation, Device, Event};

/// The runs of one block.
fn runs(steps: u64, every: u64, block: &str) -> Vec<Run> {
    let source = format!(
        "version = 1\nname = \"test\"\n[train]\nsteps = {steps}\n[measure]\nevery = {every}\n\
         treatments = [\"published\", \"published_rows\", \"permuted\", \"paired\", \"zeros_dropped\", \
         \"gaussian_surrogate\"]\n[[block]]\n{block}\n"
    );
    let sweep = parse(&source, "test.toml", &BTreeMap::new());
    let sweep = sweep.unwrap_or_else(|problems| panic!("{problems}"));
    sweep.runs().collect()
}

fn run(steps: u64, every: u64, block: &str) -> Run {
    runs(steps, every, block).swap_remove(0)
}

/// The measurements of a run that is stopped and resumed after every `unbroken` units of work.
fn results(run: &Run, unbroken: usize) -> (Vec<Measurement>, Ending) {
    let mut computation = Computation::new(Device::Cpu, run, None, None).unwrap();
    let mut measurements = Vec::new();
    for unit in 1.. {
        match computation.advance(&|| false).unwrap() {
            Event::Measured(measurement) => measurements.push(*measurement),
            Event::Ended(ending) => return (measurements, ending),
            Event::Advanced => {}
            event => panic!("{event:?}"),
        }
        if unit % unbroken == 0 {
            let checkpoint = computation.checkpoint();
            computation = Computation::resume(Device::Cpu, run, None, &checkpoint).unwrap();
        }
    }
    unreachable!()
}

fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(work)
}

fn is_the_same_however_it_is_computed(run: &Run) {
    let known = in_pool(1, || results(run, usize::MAX));
    assert_eq!(in_pool(3, || results(run, usize::MAX)), known);
    assert_eq!(in_pool(2, || results(run, 1)), known);
    assert_eq!(in_pool(2, || results(run, 3)), known);
}

fn estimates(measurement: &Measurement) -> Vec<Estimate> {
    let noise = &measurement.split(Split::Train).unwrap().noise;
    noise.estimates().unwrap()
}

fn alpha(estimates: &[Estimate], estimator: Estimator, treatment: Treatment) -> f64 {
    let found = estimates
        .iter()
        .find(|estimate| (estimate.estimator, estimate.treatment) == (estimator, treatment));
    found.unwrap().alpha.unwrap()
}

/// The exits of the last measurement.
fn exits(run: &Run) -> Exits {
    let (measurements, _) = results(run, usize::MAX);
    measurements.last().unwrap().exits.clone().unwrap()
}

fn well(run: &Run) -> WellExits {
    exits(run).wells.swap_remove(0)
}

const NOISE: &str = "architecture = \"synthetic\"\n\"synthetic.params\" = 500\n\
                     \"synthetic.minibatches\" = 20\n";

#[test]
fn draws_are_the_same_for_any_threads_and_interruptions() {
    let block = format!(
        "{NOISE}\"synthetic.alpha\" = 1.5\n\"synthetic.scale_spread\" = 1\n\
         \"synthetic.correlation\" = 0.1\n\"synthetic.group\" = 70\n\"synthetic.zeros\" = 0.1"
    );
    let run = run(7, 3, &block);
    is_the_same_however_it_is_computed(&run);
    let (measurements, ending) = results(&run, usize::MAX);
    let steps: Vec<u64> = measurements.iter().map(|one| one.step).collect();
    assert_eq!(steps, [0, 3, 6, 7]);
    assert!(matches!(ending, Ending::Done { steps: 7, .. }));
    assert_ne!(measurements[0].splits, measurements[1].splits);
}

#[test]
fn a_draw_has_the_shares_and_the_index_that_were_asked_for() {
    let block = format!(
        "{NOISE}\"synthetic.alpha\" = 1.5\n\"synthetic.zeros\" = 0.2\n\
         \"synthetic.dead_groups\" = 0.25\n\"synthetic.group\" = 5\n\
         \"synthetic.scale_spread\" = 1"
    );
    let block = block.replace("= 500", "= 20000");
    let (measurements, _) = results(&run(1, 1, &block), usize::MAX);
    let noise = &measurements[0].split(Split::Train).unwrap().noise;
    let zeros = noise.zero_fraction().unwrap();
    assert!((zeros - 0.4).abs() < 0.015, "{zeros}");
    let within = alpha(
        &estimates(&measurements[0]),
        Estimator::WithinCoordinate,
        Treatment::Paired,
    );
    assert!((within - 1.5).abs() < 0.1, "{within}");
}

#[test]
fn noise_that_is_not_centred_reads_its_index() {
    let block = format!("{NOISE}\"synthetic.alpha\" = 1.2\n\"synthetic.centred\" = false");
    let (measurements, _) = results(&run(19, 1, &block), usize::MAX);
    let read = |measurement| {
        let estimates = estimates(measurement);
        alpha(&estimates, Estimator::Mohammadi, Treatment::Published)
    };
    let mean = measurements.iter().map(read).sum::<f64>() / measurements.len() as f64;
    assert!((mean - 1.2).abs() < 0.03, "{mean}");
}

#[test]
fn means_of_minibatches_come_near_the_law_of_large_ones() {
    let block = |batch: u32| {
        format!(
            "architecture = \"synthetic\"\n\"synthetic.params\" = 20000\n\
             \"synthetic.minibatches\" = 40\n\"synthetic.law\" = \"laplace\"\n\
             batch_size = {batch}"
        )
    };
    let within = |batch| {
        let (measurements, _) = results(&run(1, 1, &block(batch)), usize::MAX);
        let estimates = estimates(&measurements[0]);
        alpha(&estimates, Estimator::WithinCoordinate, Treatment::Paired)
    };
    let (one, many) = (within(1), within(64));
    assert!(one < 1.8 && (many - 2.0).abs() < 0.05, "{one} {many}");
}

#[test]
fn a_shorter_last_minibatch_is_no_pair() {
    let block = "architecture = \"synthetic\"\n\"synthetic.params\" = 50\nbatch_size = 10\n\
                 \"synthetic.alpha\" = 1.5\n\"synthetic.examples\" = ";
    let [short, whole] = [75, 80].map(|examples| {
        let (measurements, _) = results(&run(1, 1, &format!("{block}{examples}")), usize::MAX);
        let noise = measurements[0].split(Split::Train).unwrap().noise.clone();
        assert_eq!(noise.minibatches(), 8);
        let estimates = estimates(&measurements[0]);
        let paired = estimates
            .iter()
            .find(|estimate| estimate.estimator == Estimator::WithinCoordinate);
        paired.unwrap().blocks
    });
    assert_eq!((short, whole), (1, 2));
}

const PATHS: &str = "architecture = \"levy_sde\"\n\"levy_sde.alpha\" = 1.5\n";

#[test]
fn paths_are_the_same_for_any_threads_and_interruptions() {
    let wells = "\"levy_sde.epsilon\" = 0.3\n\"levy_sde.potential\" = \"wells\"\n\
                 \"levy_sde.minima\" = [[-2.5, 0, 2]]\n\"levy_sde.separators\" = [[-1.5, 1]]\n\
                 \"levy_sde.paths\" = 30";
    is_the_same_however_it_is_computed(&run(5000, 700, &format!("{PATHS}{wells}")));
    let one = "\"levy_sde.epsilon\" = 0.3\n\"levy_sde.paths\" = 30";
    let run = run(1_000_000, 700, &format!("{PATHS}{one}"));
    is_the_same_however_it_is_computed(&run);
    let (measurements, ending) = results(&run, usize::MAX);
    let last = measurements.last().unwrap();
    let exits = last.exits.as_ref().unwrap();
    assert_eq!((exits.running, exits.wells[0].exits()), (0, 30));
    assert!(last.step < 1_000_000);
    assert!(matches!(ending, Ending::Done { steps, .. } if steps == last.step));
    assert_eq!(exits.paths.len(), 4);
    assert!(exits.paths.iter().all(|path| path.places.len() <= 1026));
}

#[test]
fn what_is_counted_adds_up() {
    let block = "\"levy_sde.epsilon\" = 0.4\n\"levy_sde.potential\" = \"double_well\"\n\
                 \"levy_sde.paths\" = 25\n\"levy_sde.start\" = 2";
    let exits = exits(&run(20_000, 20_000, &format!("{PATHS}{block}")));
    let inside: u64 = exits.wells.iter().map(|well| well.inside).sum();
    assert_eq!(inside, 25 * 20_000);
    let reached: u64 = exits.wells.iter().flat_map(|well| &well.reached).sum();
    let left: u64 = exits.wells.iter().map(WellExits::exits).sum();
    let unfinished: u64 = exits.wells.iter().map(|well| well.unfinished).sum();
    assert!(left > 100);
    // Each path visits a well at first, and one more each time that it comes home.
    assert_eq!(25 + reached, left + unfinished);
    assert_eq!(exits.wells[0].left + exits.wells[1].right, 0);
}

/// Mean exit times of M w²/2 from [−a, a] against the formula, within 3 standard errors and 8 %.
#[test]
fn exit_times_are_those_of_the_theory() {
    for (alpha, a, curvature) in [
        (1.5, 1.0, 1.0),
        (1.5, 1.0, 4.0),
        (1.5, 2.0, 1.0),
        (1.2, 1.0, 1.0),
        (1.8, 1.0, 4.0),
    ] {
        let run = run(
            10_000_000,
            10_000_000,
            &format!(
                "architecture = \"levy_sde\"\n\"levy_sde.alpha\" = {alpha}\n\
                 \"levy_sde.epsilon\" = 0.1\n\"levy_sde.a\" = {a}\n\
                 \"levy_sde.curvature\" = {curvature}"
            ),
        );
        let well = well(&run);
        let theory = run.point.levy_sde().unwrap().theory().unwrap();
        let expected = theory.mean_exit_time(0, 0.01);
        let (mean, error) = (
            well.mean().unwrap() * 0.01,
            well.std_error().unwrap() * 0.01,
        );
        assert!(
            (mean - expected).abs() < 3.0 * error + 0.08 * expected,
            "{mean} ± {error} for {expected}"
        );
        let median = well.median.unwrap() * 0.01;
        assert!(
            (median / (mean * 2.0_f64.ln()) - 1.0).abs() < 0.25,
            "{median}"
        );
    }
}

/// The same for Brownian motion, whose exit times depend on the height, and for the side of exits
/// from an interval that is not symmetric.
#[test]
fn brownian_motion_leaves_as_theory_says() {
    for (curvature, b) in [(1.0, 1.0), (2.0, 1.0), (1.0, 1.3)] {
        let run = run(
            10_000_000,
            10_000_000,
            &format!(
                "architecture = \"levy_sde\"\nlearning_rate = 0.002\n\"levy_sde.alpha\" = 2\n\
                 \"levy_sde.epsilon\" = 0.5\n\"levy_sde.curvature\" = {curvature}\n\
                 \"levy_sde.b\" = {b}\n\"levy_sde.paths\" = 1000"
            ),
        );
        let well = well(&run);
        let theory = run.point.levy_sde().unwrap().theory().unwrap();
        let expected = theory.mean_exit_time(0, 0.002);
        let (mean, error) = (
            well.mean().unwrap() * 0.002,
            well.std_error().unwrap() * 0.002,
        );
        assert!(
            (mean - expected).abs() < 3.0 * error + 0.02 * expected,
            "{mean} ± {error} for {expected}"
        );
        let right = well.right as f64 / well.exits() as f64;
        let expected = theory.exits_to_the_right(0);
        assert!((right - expected).abs() < 0.05, "{right} for {expected}");
    }
}

#[test]
fn clipped_steps_keep_paths_in_their_well() {
    let block = format!("{PATHS}\"levy_sde.epsilon\" = 0.1\n\"levy_sde.paths\" = 50\n");
    let free = well(&run(20_000, 20_000, &block));
    let clipped = well(&run(
        20_000,
        20_000,
        &format!("{block}\"levy_sde.clip\" = 10"),
    ));
    assert!(free.exits() > 40);
    assert_eq!(clipped.exits(), 0);
}

#[test]
fn a_checkpoint_of_paths_that_is_damaged_or_foreign_is_refused() {
    let block = format!("{PATHS}\"levy_sde.epsilon\" = [0.1, 0.2]\n\"levy_sde.paths\" = 5");
    let runs = runs(1000, 100, &block);
    let mut computation = Computation::new(Device::Cpu, &runs[0], None, None).unwrap();
    for _ in 0..4 {
        computation.advance(&|| false).unwrap();
    }
    let checkpoint = computation.checkpoint();
    assert!(Computation::resume(Device::Cpu, &runs[0], None, &checkpoint).is_ok());
    assert!(Computation::resume(Device::Cpu, &runs[1], None, &checkpoint).is_err());
    for place in [40, 60, checkpoint.len() - 1] {
        let mut damaged = checkpoint.clone();
        damaged[place] ^= 1;
        assert!(Computation::resume(Device::Cpu, &runs[0], None, &damaged).is_err());
    }
}
