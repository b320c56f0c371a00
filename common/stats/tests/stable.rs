//! `tailsweep_stats::stable` against references of 20 digits, and its laws.

#![allow(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use tailsweep_stats::stable::{NotStable, SplitMix64, Stable};

/// Made by data/make_stable.py with another method; data/stable.md says how and what SciPy reads there.
const REFERENCES: &str = include_str!("data/stable.csv");

/// Below this an error is taken against it.
const TINY: f64 = 1e-30;

struct Row {
    alpha: f64,
    beta: f64,
    x: f64,
    density: f64,
    below: f64,
    above: f64,
}

fn references() -> Vec<Row> {
    let rows = REFERENCES.lines().skip(1).map(|line| {
        let values: Vec<f64> = line
            .split(',')
            .map(|value| value.parse().unwrap())
            .collect();
        let [alpha, beta, x, density, below, above] = values[..] else {
            panic!("six values in `{line}`")
        };
        Row {
            alpha,
            beta,
            x,
            density,
            below,
            above,
        }
    });
    rows.collect()
}

/// The worst error so far and where it was.
#[derive(Default)]
struct Worst(f64, String);

impl Worst {
    fn see(&mut self, error: f64, at: impl FnOnce() -> String) {
        if error > self.0 || error.is_nan() {
            *self = Self(error, at());
        }
    }
}

fn relative(value: f64, reference: f64) -> f64 {
    (value - reference).abs() / reference.abs().max(TINY)
}

#[test]
fn density_and_distribution_are_the_references() {
    let mut worst: Vec<(f64, [Worst; 3])> = Vec::new();
    for row in references() {
        if worst.last().is_none_or(|(alpha, _)| *alpha != row.alpha) {
            worst.push((row.alpha, Default::default()));
        }
        let law = Stable::new(row.alpha, row.beta, 1.0, 0.0).unwrap();
        let found = [
            (law.density(row.x), row.density),
            (law.distribution(row.x), row.below),
            (law.survival(row.x), row.above),
        ];
        let (_, errors) = worst.last_mut().unwrap();
        for ((value, reference), worst) in found.into_iter().zip(errors) {
            worst.see(relative(value, reference), || {
                format!("beta {} x {}: {value:e} for {reference:e}", row.beta, row.x)
            });
        }
    }
    let mut table = String::new();
    for (alpha, errors) in &worst {
        for (name, Worst(error, at)) in ["density", "below", "above"].iter().zip(errors) {
            table += &format!("alpha {alpha:4} {name:8} {error:.1e} at {at}\n");
        }
    }
    println!("{table}");
    for (_, errors) in &worst {
        assert!(errors.iter().all(|worst| worst.0 < 1e-11), "\n{table}");
    }
}

/// Laws over the whole range, with names for messages.
fn laws() -> Vec<Stable> {
    let mut laws = Vec::new();
    for alpha in [
        0.2, 0.35, 0.5, 0.7, 0.9, 0.99, 1.0, 1.01, 1.1, 1.3, 1.5, 1.7, 1.9, 1.99, 2.0,
    ] {
        for beta in [-1.0, -0.7, 0.0, 0.01, 0.5, 1.0] {
            laws.push(Stable::from_s0(alpha, beta, 1.0, 0.0).unwrap());
        }
    }
    laws
}

/// A name of a law.
fn named(law: &Stable) -> String {
    format!("alpha {} beta {}", law.alpha(), law.beta())
}

#[test]
fn quantiles_are_inverses() {
    let mut worst = Worst::default();
    for law in laws() {
        let levels = [
            1e-10, 1e-5, 0.001, 0.05, 0.25, 0.4, 0.5, 0.6, 0.75, 0.95, 0.999,
        ];
        for level in levels {
            let lower = law.quantile(level);
            // Near the end of a support the values themselves are too coarse: P moves between neighbours.
            let grain = |x: f64| 4.0 * f64::EPSILON * x.abs() * law.density(x);
            let slack = grain(lower) / level;
            let error = relative(law.distribution(lower), level) - slack;
            worst.see(error.max(0.0), || {
                format!("{} p {level}: {lower}", named(&law))
            });
            let upper = law.upper_quantile(level);
            let slack = grain(upper) / level;
            let error = relative(law.survival(upper), level) - slack;
            worst.see(error.max(0.0), || {
                format!("{} q {level}: {upper}", named(&law))
            });
        }
    }
    println!("{:e} at {}", worst.0, worst.1);
    assert!(worst.0 < 1e-10, "{:e} at {}", worst.0, worst.1);
}

#[test]
fn quantiles_find_the_references() {
    let mut worst = Worst::default();
    for row in references() {
        let law = Stable::new(row.alpha, row.beta, 1.0, 0.0).unwrap();
        let lower = row.below < row.above;
        let level = row.below.min(row.above);
        if level < 1e-30 {
            continue;
        }
        let x = if lower {
            law.quantile(level)
        } else {
            law.upper_quantile(level)
        };
        // The rounding of the level, carried to x.
        let slack = 4.0 * f64::EPSILON * level / row.density;
        let error = ((x - row.x).abs() - slack).max(0.0) / row.x.abs().max(1e-9);
        worst.see(error, || {
            format!("{} level {level:e}: {x} for {}", named(&law), row.x)
        });
    }
    println!("{:e} at {}", worst.0, worst.1);
    assert!(worst.0 < 1e-9, "{:e} at {}", worst.0, worst.1);
}

#[test]
fn quantiles_at_the_ends() {
    let law = Stable::new(1.5, 0.3, 1.0, 0.0).unwrap();
    assert_eq!(law.quantile(0.0), f64::NEG_INFINITY);
    assert_eq!(law.quantile(1.0), f64::INFINITY);
    assert!(law.quantile(-0.1).is_nan() && law.quantile(1.1).is_nan());
    assert!(law.quantile(f64::NAN).is_nan());
    for alpha in [0.5, 0.8] {
        let positive = Stable::new(alpha, 1.0, 2.0, 7.0).unwrap();
        assert_eq!(positive.quantile(0.0), 7.0);
        assert_eq!(positive.quantile(1.0), f64::INFINITY);
    }
    assert_eq!(Stable::symmetric(1.3, 1.0).unwrap().quantile(0.5), 0.0);
}

#[test]
fn nothing_lies_outside_the_support() {
    for alpha in [0.2, 0.5, 0.9] {
        let law = Stable::new(alpha, 1.0, 1.0, 3.0).unwrap();
        for x in [-1e9, 0.0, 2.999] {
            assert_eq!(
                (law.density(x), law.distribution(x)),
                (0.0, 0.0),
                "{alpha} {x}"
            );
            assert_eq!(law.survival(x), 1.0);
        }
        assert!(law.distribution(1e6) > 0.0);
    }
}

#[test]
fn infinite_and_missing_arguments() {
    for law in laws() {
        assert_eq!(law.distribution(f64::NEG_INFINITY), 0.0);
        assert_eq!(law.distribution(f64::INFINITY), 1.0);
        assert_eq!(law.survival(f64::INFINITY), 0.0);
        assert_eq!(law.density(f64::INFINITY), 0.0);
        assert!(law.density(f64::NAN).is_nan() && law.distribution(f64::NAN).is_nan());
        assert!(law.survival(f64::NAN).is_nan());
    }
}

/// A length over which neither the density at `x` nor the probability `tail` beyond it changes much.
fn reach(law: &Stable, x: f64, tail: f64) -> f64 {
    // For small α the mode is a spike: f(0)/f''(0) = Γ(1/α)/Γ(3/α) for β = 0.
    let spike = if law.alpha() < 0.5 { 1e-6 } else { 0.1 };
    let near = (x - law.location()).abs().max(spike);
    (tail / law.density(x)).min(near)
}

#[test]
fn density_is_the_derivative() {
    let mut worst = Worst::default();
    for law in laws() {
        for level in [0.001, 0.02, 0.2, 0.5, 0.8, 0.98, 0.999] {
            let x = law.quantile(level);
            let density = law.density(x);
            // Richardson's scheme.
            let step = 0.01 * reach(&law, x, level.min(1.0 - level));
            let slope = |h: f64| (law.distribution(x + h) - law.distribution(x - h)) / (2.0 * h);
            let (one, two, four) = (slope(step), slope(2.0 * step), slope(4.0 * step));
            let (fine, coarse) = ((4.0 * one - two) / 3.0, (4.0 * two - four) / 3.0);
            let slope = (16.0 * fine - coarse) / 15.0;
            worst.see(relative(slope, density), || {
                format!("{} p {level}", named(&law))
            });
        }
    }
    println!("{:e} at {}", worst.0, worst.1);
    assert!(worst.0 < 1e-6, "{:e} at {}", worst.0, worst.1);
}

#[test]
fn s0_is_continuous_at_index_one() {
    for beta in [-1.0, 0.3, 0.8] {
        let at = |alpha: f64, x: f64| {
            let law = Stable::from_s0(alpha, beta, 1.5, -0.5).unwrap();
            (law.density(x), law.distribution(x))
        };
        for x in [-20.0, -2.0, 0.0, 1.0, 15.0] {
            let ((d, p), (d1, p1), (d2, p2)) = (at(1.0, x), at(0.999, x), at(1.001, x));
            // The mean of the two sides is off by the second order only.
            assert!(
                (0.5 * (d1 + d2) - d).abs() < 1e-5 * (1.0 + d),
                "density at {x}, beta {beta}"
            );
            assert!(
                (0.5 * (p1 + p2) - p).abs() < 1e-5,
                "distribution at {x}, beta {beta}"
            );
        }
    }
}

#[test]
fn locations_convert_both_ways() {
    for alpha in [0.4, 1.0, 1.2, 2.0] {
        let law = Stable::from_s0(alpha, 0.6, 2.5, 1.25).unwrap();
        assert!((law.location_s0() - 1.25).abs() < 1e-14, "{alpha}");
        let same = Stable::new(alpha, 0.6, 2.5, law.location()).unwrap();
        assert!((same.location_s0() - 1.25).abs() < 1e-14);
        assert!((same.density(0.7) / law.density(0.7) - 1.0).abs() < 1e-13);
    }
    // Nolan: δ₀ = δ + βγ tan(πα/2), and δ + βγ (2/π) ln γ.
    let law = Stable::new(0.5, 0.6, 2.5, 1.0).unwrap();
    assert!((law.location_s0() - 2.5).abs() < 1e-14);
    let law = Stable::new(1.0, 0.5, std::f64::consts::E, 0.0).unwrap();
    assert!((law.location_s0() - std::f64::consts::E / std::f64::consts::PI).abs() < 1e-14);
}

/// Sums of stable variables are stable: the law of 2X + 3Y by its parameters, against scale and location.
#[test]
fn a_scaled_law_is_the_law_of_the_scaled_variable() {
    for alpha in [0.6, 1.0, 1.4] {
        let unit = Stable::new(alpha, -0.4, 1.0, 0.0).unwrap();
        let scaled = Stable::new(alpha, -0.4, 3.0, 5.0).unwrap();
        // For α = 1 scaling a value of S1 moves its location: 3X has δ = −β·3·(2/π) ln 3.
        let moved = if alpha == 1.0 {
            -(-0.4) * 3.0 * std::f64::consts::FRAC_2_PI * 3.0_f64.ln()
        } else {
            0.0
        };
        for x in [-7.0, -0.2, 0.0, 1.0, 30.0] {
            let there = 3.0 * x + 5.0 - moved;
            assert!(
                (scaled.distribution(there) - unit.distribution(x)).abs() < 1e-12,
                "{alpha} {x}"
            );
            let density = 3.0 * scaled.density(there);
            assert!(
                (density - unit.density(x)).abs() < 1e-12 * density.max(1.0),
                "{alpha} {x}"
            );
        }
    }
}

#[test]
fn what_is_not_stable_is_refused() {
    assert_eq!(Stable::new(0.0, 0.0, 1.0, 0.0), Err(NotStable::Alpha(0.0)));
    assert!(matches!(
        Stable::new(f64::NAN, 0.0, 1.0, 0.0),
        Err(NotStable::Alpha(_))
    ));
    assert_eq!(
        Stable::from_s0(2.1, 0.0, 1.0, 0.0),
        Err(NotStable::Alpha(2.1))
    );
    assert_eq!(Stable::new(1.0, 1.5, 1.0, 0.0), Err(NotStable::Beta(1.5)));
    assert_eq!(Stable::symmetric(1.0, 0.0), Err(NotStable::Scale(0.0)));
    assert_eq!(
        Stable::new(1.0, 0.0, 1.0, f64::INFINITY),
        Err(NotStable::Location(f64::INFINITY))
    );
    let message = Stable::symmetric(3.0, 1.0).unwrap_err().to_string();
    assert_eq!(message, "`alpha` = 3 is not in (0, 2]");
}

#[test]
fn samples_follow_the_law() {
    const SAMPLES: usize = 1000;
    let mut worst = Worst::default();
    for (index, law) in laws().into_iter().enumerate() {
        let mut words = SplitMix64::new(index as u64);
        let mut values: Vec<f64> = (0..SAMPLES)
            .map(|_| law.sample(|| words.next_word()))
            .collect();
        values.sort_unstable_by(f64::total_cmp);
        let distances = values.iter().enumerate().map(|(rank, value)| {
            let p = law.distribution(*value);
            let (low, high) = (rank as f64, rank as f64 + 1.0);
            (p - low / SAMPLES as f64).max(high / SAMPLES as f64 - p)
        });
        let distance = distances.fold(0.0, f64::max);
        worst.see(distance * (SAMPLES as f64).sqrt(), || named(&law));
    }
    // Kolmogorov's law: 2.23 is passed once in 10,000 times; there are 90 laws.
    println!("{} at {}", worst.0, worst.1);
    assert!(worst.0 < 2.23, "{} at {}", worst.0, worst.1);
}

#[test]
fn symmetric_samples_are_those_of_the_formula() {
    for (index, alpha) in [0.3, 0.9, 1.0, 1.5, 2.0].into_iter().enumerate() {
        let law = Stable::symmetric(alpha, 1.0).unwrap();
        let mut words = SplitMix64::new(index as u64);
        let mut same = words.clone();
        for _ in 0..100 {
            let mut uniform = || ((same.next_word() >> 12) as f64 + 0.5) / 4_503_599_627_370_496.0;
            let v = std::f64::consts::PI * (uniform() - 0.5);
            let w = -uniform().ln();
            let expected = if alpha == 1.0 {
                v.tan()
            } else if alpha == 2.0 {
                2.0 * w.sqrt() * v.sin()
            } else {
                (alpha * v).sin() / v.cos().powf(1.0 / alpha)
                    * (((1.0 - alpha) * v).cos() / w).powf((1.0 - alpha) / alpha)
            };
            assert_eq!(law.sample(|| words.next_word()), expected);
        }
    }
}

#[test]
fn the_extreme_words_give_finite_samples() {
    for law in laws() {
        for angle in [0, 1 << 63, u64::MAX] {
            for time in [0, u64::MAX] {
                let mut words = [angle, time].into_iter();
                let value = law.sample(|| words.next().unwrap());
                assert!(value.is_finite(), "{} {angle} {time}: {value}", named(&law));
            }
        }
    }
}

#[test]
fn tails_become_powers() {
    for law in laws() {
        let (lower, upper) = law.tail_constants();
        let x: f64 = 1e60;
        let power = x.powf(-law.alpha());
        for (found, constant) in [(law.distribution(-x), lower), (law.survival(x), upper)] {
            assert!(
                (found - constant * power).abs() <= 1e-9 * found,
                "{}: {found:e}",
                named(&law)
            );
        }
    }
}

/// α with |α − 1| ≥ 0.01, or 1.
fn index() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 0.2..0.99,
        4 => 1.01..2.0,
        1 => Just(1.0),
        1 => Just(2.0),
        // Two scales in one integral: a Gaussian centre with a faint tail.
        2 => (1.0..12.0_f64).prop_map(|digits| 2.0 - 10.0_f64.powf(-digits)),
    ]
}

/// β, also next to its bounds and to 0.
fn skewness() -> impl Strategy<Value = f64> {
    let near = (1.0..15.0_f64).prop_map(|digits| 10.0_f64.powf(-digits));
    prop_oneof![
        4 => -1.0..=1.0,
        1 => Just(-1.0),
        1 => Just(1.0),
        1 => near.clone(),
        1 => near.clone().prop_map(|gap| 1.0 - gap),
        1 => near.prop_map(|gap| gap - 1.0),
    ]
}

/// Places of all sizes on both sides.
fn place() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => -10.0..10.0,
        1 => (-12.0..12.0_f64).prop_map(|digits| 10.0_f64.powf(digits)),
        1 => (-12.0..12.0_f64).prop_map(|digits| -(10.0_f64.powf(digits))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn distribution_rises_and_its_ends_add_to_one(
        alpha in index(), beta in skewness(), a in place(), b in place(),
    ) {
        let law = Stable::from_s0(alpha, beta, 1.0, 0.0).unwrap();
        let (a, b) = (a.min(b), a.max(b));
        let (below, above) = (law.distribution(a), law.distribution(b));
        prop_assert!((0.0..=1.0 + 1e-13).contains(&below), "{below}");
        prop_assert!(below <= above + 1e-13 * above, "{below} {above}");
        let (right, left) = (law.survival(b), law.survival(a));
        prop_assert!(right <= left + 1e-13 * left, "{left} {right}");
        prop_assert!((below + left - 1.0).abs() < 1e-12, "{}", below + left - 1.0);
        prop_assert!((above + right - 1.0).abs() < 1e-12, "{}", above + right - 1.0);
    }

    #[test]
    fn reflection_turns_the_skewness(alpha in index(), beta in skewness(), x in place()) {
        let law = Stable::new(alpha, beta, 2.0, 0.0).unwrap();
        let turned = Stable::new(alpha, -beta, 2.0, 0.0).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-13 * a.abs();
        prop_assert!(near(law.density(x), turned.density(-x)));
        prop_assert!(near(law.distribution(x), turned.survival(-x)));
        prop_assert!(near(law.survival(x), turned.distribution(-x)));
    }

    /// The mean value theorem: P(a < X ≤ b) lies between the bounds that the densities set, for small b − a.
    #[test]
    fn small_steps_of_the_distribution_are_densities(
        alpha in index(), beta in skewness(), level in 1e-6..1.0_f64, upper in any::<bool>(),
    ) {
        let law = Stable::from_s0(alpha, beta, 1.0, 0.0).unwrap();
        let x = if upper { law.upper_quantile(level) } else { law.quantile(level) };
        let density = law.density(x);
        let h = 0.003 * reach(&law, x, level.min(1.0 - level).max(1e-6));
        let probability = |x| if upper { -law.survival(x) } else { law.distribution(x) };
        let slope = |h: f64| (probability(x + h) - probability(x - h)) / (2.0 * h);
        let slope = (4.0 * slope(h) - slope(2.0 * h)) / 3.0;
        prop_assert!((slope / density - 1.0).abs() < 1e-5, "{slope} {density} at {x}");
    }
}
