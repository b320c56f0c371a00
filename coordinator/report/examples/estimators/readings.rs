//! A figure for each estimator: what it reads on noise of three kinds, over what may fool it.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use tailsweep_report::picture::{Curves, Picture, Reading};
use tailsweep_stats::{
    Estimator, NoiseShape, NoiseSummary, Scope, Treatment, Treatments, mohammadi_vectors, summarise,
};

use super::{Words, normal, stable};

const MINIBATCHES: usize = 48;
const PARAMS: usize = 1_000;
const REPEATS: u64 = 12;

/// Larger readings are drawn here.
const MOST: f64 = 4.0;

/// Noise that was drawn, summed up.
struct Draw {
    summary: NoiseSummary,
    /// α of neighbouring minibatches' differences as vectors, two of them summed.
    of_vectors: Option<f64>,
}

/// What is read from a draw.
type Read = Box<dyn Fn(&Draw) -> Option<f64>>;

/// A kind of noise, with one number that is varied.
struct Family {
    title: &'static str,
    x: &'static str,
    values: Vec<f64>,
    /// A row of noise with scales e^z.
    draw: fn(&mut Words, f64, &[f64]) -> Vec<f64>,
}

/// A figure: its file, what y is, the y that should be read of finite variance, and its curves.
struct Plan {
    file: &'static str,
    y: &'static str,
    /// Whether y is an α, which stable noise has.
    is_index: bool,
    rule: Option<f64>,
    /// Whether it is an exponent of the tail, which Student's t has, too.
    of_tail: bool,
    curves: Vec<(&'static str, Read)>,
}

fn families() -> [Family; 3] {
    [
        Family {
            title: "Stable noise",
            x: "its α",
            values: vec![0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0],
            draw: |words, alpha, scales| scales.iter().map(|_| stable(words, alpha)).collect(),
        },
        Family {
            title: "Gaussian noise of unequal scales",
            x: "standard deviation of ln σ over the parameters",
            values: vec![0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5],
            draw: |words, spread, scales| {
                let value = |z: &f64| (spread * z).exp() * normal(words);
                scales.iter().map(value).collect()
            },
        },
        Family {
            title: "Student’s t",
            x: "degrees of freedom: tails fall as |x|^−ν",
            values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
            draw: |words, degrees, scales| {
                let value = |_: &f64| {
                    let squares = (0..degrees as u32).map(|_| normal(words).powi(2));
                    let square: f64 = squares.sum();
                    normal(words) / (square / degrees).sqrt()
                };
                scales.iter().map(value).collect()
            },
        },
    ]
}

/// α of an estimator at a block length, or at the only one.
fn alpha(estimator: Estimator, treatment: Treatment, k1: Option<u64>) -> Read {
    Box::new(move |draw| {
        let estimates = draw.summary.estimates().ok()?;
        let found = estimates.into_iter().find(|estimate| {
            estimate.scope == Scope::All
                && estimate.estimator == estimator
                && estimate.treatment == treatment
                && (k1.is_none() || estimate.k1 == k1)
        })?;
        found.alpha
    })
}

fn index(file: &'static str, curves: Vec<(&'static str, Read)>) -> Plan {
    Plan {
        file,
        y: "α that is read",
        is_index: true,
        rule: Some(2.0),
        of_tail: ["hill", "dedh", "dehaan_peng", "pickands"].contains(&file),
        curves,
    }
}

fn plans() -> Vec<Plan> {
    use Estimator::{AcrossMinibatches, LocalSlope, Mohammadi, WithinCoordinate};
    use Treatment::{GaussianSurrogate, Paired, Permuted, Published, PublishedRows};
    let single = |file, estimator| index(file, vec![(file, alpha(estimator, PublishedRows, None))]);
    vec![
        index(
            "mohammadi",
            vec![
                ("mohammadi, published", alpha(Mohammadi, Published, None)),
                (
                    "its Gaussian surrogate",
                    alpha(Mohammadi, GaussianSurrogate, None),
                ),
            ],
        ),
        index(
            "local_slope",
            vec![
                ("2 → 4 parameters", alpha(LocalSlope, Permuted, Some(2))),
                ("32 → 64 parameters", alpha(LocalSlope, Permuted, Some(32))),
                ("1 → 2 minibatch pairs", alpha(LocalSlope, Paired, Some(2))),
                ("4 → 8 minibatch pairs", alpha(LocalSlope, Paired, Some(8))),
            ],
        ),
        index(
            "within_coordinate",
            vec![("within_coordinate", alpha(WithinCoordinate, Paired, None))],
        ),
        index(
            "across_minibatches",
            vec![("across_minibatches", alpha(AcrossMinibatches, Paired, None))],
        ),
        index(
            "vectors",
            vec![(
                "mohammadi_vectors, K1 = 2",
                Box::new(|draw: &Draw| draw.of_vectors) as Read,
            )],
        ),
        single("log_moment", Estimator::LogMoment),
        single("flom", Estimator::Flom),
        single("ecf", Estimator::Ecf),
        single("mcculloch", Estimator::Mcculloch),
        single("hill", Estimator::Hill),
        single("dedh", Estimator::Dedh),
        single("dehaan_peng", Estimator::DehaanPeng),
        single("pickands", Estimator::Pickands),
        Plan {
            file: "moments",
            y: "share",
            is_index: false,
            rule: None,
            of_tail: false,
            curves: vec![
                ("max x²/Σ x²", Box::new(|draw| draw.summary.max_to_sum_2())),
                ("max x⁴/Σ x⁴", Box::new(|draw| draw.summary.max_to_sum_4())),
                (
                    "kurtosis/number of values",
                    Box::new(|draw| Some(draw.summary.kurtosis()? / (MINIBATCHES * PARAMS) as f64)),
                ),
            ],
        },
        Plan {
            file: "normality",
            y: "projections that look Gaussian",
            is_index: false,
            rule: Some(0.95),
            of_tail: false,
            curves: vec![
                (
                    "Shapiro–Wilk",
                    Box::new(|draw| Some(draw.summary.gaussianity().ok()?.shapiro_wilk)),
                ),
                (
                    "Anderson–Darling",
                    Box::new(|draw| Some(draw.summary.gaussianity().ok()?.anderson_darling)),
                ),
            ],
        },
    ]
}

/// Draws all figures and prints what they show.
pub(super) fn draw(out: &Path) -> Result<(), Box<dyn Error>> {
    let families = families();
    // Every figure is of the same draws.
    let mut drawn: Vec<Vec<Vec<Draw>>> = Vec::new();
    for family in &families {
        let mut of_family = Vec::new();
        for value in &family.values {
            let draws = (0..REPEATS).map(|seed| draw_once(family, *value, seed));
            of_family.push(draws.collect::<Result<_, _>>()?);
        }
        drawn.push(of_family);
    }
    for plan in plans() {
        let panels = families.iter().zip(&drawn).enumerate();
        let panels = panels.map(|(number, (family, drawn))| panel(&plan, number, family, drawn));
        let picture = Picture {
            title: format!("What {} reads", plan.file),
            panels: panels.collect(),
        };
        std::fs::write(out.join(format!("{}.svg", plan.file)), picture.svg())?;
    }
    Ok(())
}

fn draw_once(family: &Family, value: f64, seed: u64) -> Result<Draw, Box<dyn Error>> {
    let mut words = Words(1 + seed);
    let scales: Vec<f64> = (0..PARAMS).map(|_| normal(&mut words)).collect();
    let rows: Vec<Vec<f64>> = (0..MINIBATCHES)
        .map(|_| (family.draw)(&mut words, value, &scales))
        .collect();
    let shape = NoiseShape::without_layers(MINIBATCHES, PARAMS, Treatments::default())?;
    let differences = rows.as_chunks::<2>().0.iter().flat_map(|[left, right]| {
        let pairs = left.iter().zip(right);
        pairs.map(|(left, right)| left - right)
    });
    let differences: Vec<f64> = differences.collect();
    Ok(Draw {
        summary: summarise(Arc::new(shape), &rows),
        of_vectors: mohammadi_vectors(&differences, PARAMS, 2).ok(),
    })
}

fn panel(plan: &Plan, number: usize, family: &Family, drawn: &[Vec<Draw>]) -> Curves {
    let is_stable = number == 0;
    let curves = plan.curves.iter().map(|(name, read)| {
        let readings = family.values.iter().zip(drawn).filter_map(|(x, draws)| {
            let values: Vec<f64> = draws.iter().filter_map(read).collect();
            println!(
                "{} {name} {} {x}: {}",
                plan.file,
                family.title,
                told(&values)
            );
            (2 * values.len() > draws.len()).then(|| reading(*x, &values))
        });
        ((*name).to_owned(), readings.collect())
    });
    Curves {
        title: family.title.to_owned(),
        x: family.x.to_owned(),
        y: plan.y.to_owned(),
        curves: curves.collect(),
        rule: plan.rule,
        diagonal: plan.is_index && (is_stable || number == 2 && plan.of_tail),
        least: if plan.is_index {
            [1.0, 2.1]
        } else {
            [0.0, 1.0]
        },
    }
}

/// The median, and the middle half.
fn reading(x: f64, values: &[f64]) -> Reading {
    let [low, middle, high] = quartiles(values).map(|y| y.clamp(0.0, MOST));
    Reading {
        x,
        y: middle,
        ends: [low, high],
    }
}

fn told(values: &[f64]) -> String {
    if values.is_empty() {
        return "none".to_owned();
    }
    let [low, middle, high] = quartiles(values);
    let draws = values.len();
    format!("{middle:.3} [{low:.3}, {high:.3}] of {draws} draws")
}

/// Of at least one number.
fn quartiles(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    [0.25, 0.5, 0.75].map(|share| {
        let place = share * (sorted.len() - 1) as f64;
        let (below, rest) = (place.floor() as usize, place.fract());
        let above = (below + 1).min(sorted.len() - 1);
        sorted[below] * (1.0 - rest) + sorted[above] * rest
    })
}
