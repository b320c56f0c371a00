//! Shapiro and Wilk's and Anderson and Darling's tests against SciPy, and of Gaussian noise.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use tailsweep_stats::stable::{SplitMix64, Stable};
use tailsweep_stats::{
    Gaussianity, NoiseShape, Problem, Treatments, anderson_darling, shapiro_wilk, summarise,
};

/// The samples of `data/make_normality.py`.
fn sample(law: &str, n: usize, seed: u64) -> Vec<f64> {
    let mut words = SplitMix64::new(seed);
    let mut u = || (words.next_word() >> 11) as f64 / (1_u64 << 53) as f64;
    let mut value = || match law {
        "sum12" => (0..12).fold(0.0, |sum, _| sum + u()),
        "uniform" => u(),
        "ratio" => {
            let u = u();
            (u - 0.5) / (1.0625 - u)
        }
        "cauchy" => {
            let (first, second) = (u(), u());
            (first - 0.5) / (second * second)
        }
        law => panic!("no law {law}"),
    };
    (0..n).map(|_| 3.0 + 0.25 * value()).collect()
}

#[test]
fn statistics_are_those_of_scipy() {
    let references = include_str!("data/normality.csv").lines().skip(1);
    let mut compared = 0;
    for line in references {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |index: usize| cells[index].parse::<f64>().unwrap();
        let n = number(1) as usize;
        let values = sample(cells[0], n, number(2) as u64);

        let test = shapiro_wilk(&values).unwrap();
        assert!(
            (test.statistic - number(3)).abs() < 1e-13,
            "{line}: {test:?}"
        );
        // SciPy's own W is off in the ninth digit.
        let (w, p) = (number(4), number(5));
        assert!((test.statistic - w).abs() < 3e-9, "{line}: {test:?}");
        assert!(
            (test.p_value - p).abs() < 1e-5 * p.max(1e-9),
            "{line}: {test:?}"
        );

        match anderson_darling(&values) {
            Ok(test) => {
                let a_squared = number(6);
                let off = (test.statistic - a_squared).abs();
                assert!(off < 1e-9 * (1.0 + a_squared), "{line}: {test:?}");
            }
            Err(problem) => assert!(n < 8 && problem == Problem::TooFewValues, "{line}"),
        }
        compared += 1;
    }
    assert_eq!(compared, 60);
}

#[test]
fn what_has_no_shape_has_no_test() {
    let tests = |values: &[f64]| {
        let p = |test: tailsweep_stats::NormalityTest| test.p_value;
        [shapiro_wilk(values).map(p), anderson_darling(values).map(p)]
    };
    assert_eq!(tests(&[]), [Err(Problem::TooFewValues); 2]);
    assert_eq!(tests(&[1.0, 2.0]), [Err(Problem::TooFewValues); 2]);
    for value in [0.0, 0.1, -3e200, 5e-324] {
        assert_eq!(tests(&[value; 20]), [Err(Problem::Degenerate); 2]);
    }
    for value in [f64::NAN, f64::INFINITY] {
        let mut values = vec![1.0; 20];
        values[3] = value;
        assert_eq!(tests(&values), [Err(Problem::NonFinite); 2]);
    }
    let many: Vec<f64> = (0..5001).map(f64::from).collect();
    assert_eq!(shapiro_wilk(&many), Err(Problem::TooManyValues));
    assert!(anderson_darling(&many).is_ok());

    // One value far away is as far from Gaussian as can be, at any size.
    for size in [1.0, 1e-150, 1e150] {
        let mut values = vec![0.0; 4000];
        values[7] = size;
        let p_values = tests(&values).map(|p| p.unwrap());
        assert!(
            p_values.iter().all(|p| (0.0..1e-9).contains(p)),
            "{p_values:?}"
        );
    }
}

/// Draws of a law of unit size; the stable ones of α = 2 have variance 2.
fn gaussianity(law: &Stable, scale_of_columns: f64, params: usize, seed: u64) -> Gaussianity {
    let mut words = SplitMix64::new(seed);
    let mut draw = || {
        let mut word = || words.next_word();
        law.sample(&mut word)
    };
    let rows: Vec<Vec<f64>> = (0..100)
        .map(|_| {
            (0..params)
                .map(|column| scale_of_columns.powi(column as i32 % 7) * draw())
                .collect()
        })
        .collect();
    let shape = NoiseShape::without_layers(100, params, Treatments::NONE).unwrap();
    summarise(Arc::new(shape), &rows).gaussianity().unwrap()
}

#[test]
fn of_gaussian_noise_95_percent_of_projections_are_accepted() {
    const REPEATS: u64 = 100;
    let gaussian = Stable::symmetric(2.0, 1.0).unwrap();
    let read = (0..REPEATS).map(|seed| gaussianity(&gaussian, 1.5, 100, 7 * seed));
    let read: Vec<Gaussianity> = read.collect();
    assert!(
        read.iter()
            .all(|read| (read.projections, read.rows) == (16, 100))
    );
    let mean = |of: fn(&Gaussianity) -> f64| read.iter().map(of).sum::<f64>() / REPEATS as f64;
    let rates = [
        mean(|read| read.shapiro_wilk),
        mean(|read| read.anderson_darling),
    ];
    println!("accepted: {rates:?}");
    // 1,600 tests: the standard error is 0.0055.
    assert!(
        rates.iter().all(|rate| (rate - 0.95).abs() < 0.02),
        "{rates:?}"
    );
}

#[test]
fn stable_noise_is_hardly_ever_accepted() {
    let stable = Stable::symmetric(1.5, 1.0).unwrap();
    for seed in 0..10 {
        let read = gaussianity(&stable, 1.0, 500, 7 * seed);
        let most = read.shapiro_wilk.max(read.anderson_darling);
        assert!(most <= 0.25, "{read:?}");
    }
}

#[test]
fn where_no_projection_can_be_tested_there_is_a_word() {
    let shape = |minibatches| {
        let shape = NoiseShape::without_layers(minibatches, 70, Treatments::NONE);
        Arc::new(shape.unwrap())
    };
    let read = |minibatches, value: f32| {
        let rows = vec![vec![value; 70]; minibatches];
        summarise(shape(minibatches), &rows).gaussianity()
    };
    assert_eq!(read(7, 0.1), Err(Problem::TooFewBatches));
    assert_eq!(read(8, 0.1), Err(Problem::Degenerate));
    assert_eq!(read(8, f32::NAN), Err(Problem::NonFinite));
}
