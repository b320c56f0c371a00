//! What runs without a network take: draws of noise, and steps of paths.

use super::{Cost, FIXED_BYTES, measurements_of, seconds_per_value};
use crate::run::{LevyPoint, SyntheticPoint};

/// A stable number takes two uniform ones, some trigonometry and two powers.
const SECONDS_PER_DRAW: f64 = 7.5e-8;
/// Operations of a draw, about.
const FLOPS_PER_DRAW: f64 = 100.0;
/// The sums of a split, packed, kept and read again, however small the matrix.
const SECONDS_PER_SPLIT: f64 = 2e-2;
/// A step of a path is a draw, a slope and the book-keeping of wells.
const SECONDS_PER_STEP: f64 = 9e-8;
/// What the noise statistics hold for each parameter.
const FLOATS_PER_PARAMETER: u64 = 24;
/// What a path holds.
const BYTES_PER_PATH: u64 = 1 << 10;

pub(super) fn of_synthetic(point: &SyntheticPoint) -> Cost {
    let measurements = measurements_of(point.steps, point.measure.every) as f64;
    let params = u64::from(point.params);
    let splits = point.measure.splits.iter();
    let rows: usize = splits.map(|split| point.minibatches(*split)).sum();
    let values = rows as f64 * params as f64;
    // A sum of stable numbers is drawn at once.
    let summed = match point.law.is_stable() {
        true => 1.0,
        false => f64::from(point.batch_size),
    };
    let draws = measurements * values * summed;
    let kept = point.all_minibatches() as u64 * params;
    Cost {
        params,
        training_flops: 0.0,
        measuring_flops: draws * FLOPS_PER_DRAW,
        memory_bytes: FIXED_BYTES + 8 * kept + 4 * FLOATS_PER_PARAMETER * params,
        kept_bytes: 0,
        seconds: draws * SECONDS_PER_DRAW
            + measurements * values * seconds_per_value(point.measure.treatments)
            + measurements * point.measure.splits.len() as f64 * SECONDS_PER_SPLIT,
    }
}

pub(super) fn of_levy_sde(point: &LevyPoint) -> Cost {
    let most = point.steps as f64;
    let steps = match point
        .theory()
        .filter(|_| point.first_exit && point.clip.is_none())
    {
        // Of exponential times that end at `most`.
        Some(theory) => {
            let well = point.start.unwrap_or(0) as usize;
            let rate = point.learning_rate;
            let mean = theory.mean_exit_time(well, rate) / rate;
            match mean.is_finite() {
                true => mean * -(-most / mean).exp_m1(),
                false => most,
            }
        }
        None => most,
    };
    let draws = steps * f64::from(point.paths);
    Cost {
        params: 1,
        training_flops: draws * FLOPS_PER_DRAW,
        measuring_flops: 0.0,
        memory_bytes: FIXED_BYTES + BYTES_PER_PATH * u64::from(point.paths),
        kept_bytes: 0,
        seconds: draws * SECONDS_PER_STEP,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::cost::{Cost, predict};
    use crate::sweep::parse;

    fn cost(block: &str) -> Cost {
        let source = format!(
            "version = 1\nname = \"cost\"\n[train]\nsteps = 1000000\n[measure]\nevery = 100000\n\
             [[block]]\n{block}\n"
        );
        let sweep = parse(&source, "cost.toml", &BTreeMap::new()).expect("a right file");
        predict(&sweep.points[0])
    }

    #[test]
    fn paths_that_end_with_their_exit_take_the_time_that_they_last() {
        let base = "architecture = \"levy_sde\"\n\"levy_sde.epsilon\" = 0.1\n\"levy_sde.alpha\" = ";
        let seconds = |alpha| cost(&format!("{base}{alpha}")).seconds;
        // Mean exit times of 28.5 and 79.3, steps of 0.01, 300 paths.
        let ratio = seconds("1.5") / seconds("1.2");
        assert!((ratio - 79.3 / 28.5).abs() < 0.01, "{ratio}");
        let steps = seconds("1.2") / super::SECONDS_PER_STEP / 300.0;
        assert!((steps - 2850.0).abs() < 10.0, "{steps}");
    }

    #[test]
    fn paths_that_never_leave_take_all_their_steps() {
        let wide = "architecture = \"levy_sde\"\n\"levy_sde.epsilon\" = 0.1\n\"levy_sde.alpha\" = 1.5\n\
                    \"levy_sde.a\" = 1e300";
        let steps = cost(wide).seconds / super::SECONDS_PER_STEP / 300.0;
        assert!((steps - 1e6).abs() < 1.0, "{steps}");
    }

    #[test]
    fn means_of_other_laws_than_stable_ones_are_drawn_one_by_one() {
        let seconds = |law: &str| {
            let block = format!("architecture = \"synthetic\"\nbatch_size = 50\n{law}");
            cost(&block).seconds
        };
        let [one, many] =
            ["gaussian", "laplace"].map(|law| seconds(&format!("\"synthetic.law\" = \"{law}\"")));
        assert!(many > 10.0 * one);
    }
}
