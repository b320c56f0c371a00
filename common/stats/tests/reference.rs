//! Every row of estimates.csv against straightforward loops over the whole matrix, written from
//! the definitions alone.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use proptest::prelude::*;
use tailsweep_stats::{
    Estimate, Estimator, Layer, NoiseShape, Permutation, Problem, Scope, Treatment, Treatments,
    student_t_quantile, summarise,
};

const EPSILON: f64 = 1.0 / (1_u64 << 52) as f64;
const EULER: f64 = 0.577_215_664_901_532_9;

/// Named means of one pair: what each value or block adds, with the cluster it belongs to.
#[derive(Default)]
struct Means {
    x: Vec<(usize, f64)>,
    y: Vec<(usize, f64)>,
}

struct Expected {
    theta: Option<f64>,
    theta_std_error: Option<f64>,
    samples: u64,
    blocks: u64,
}

impl Means {
    fn theta_without(&self, cluster: Option<usize>) -> Option<f64> {
        let mean = |values: &[(usize, f64)]| {
            let kept: Vec<f64> = values
                .iter()
                .filter(|(own, _)| Some(*own) != cluster)
                .map(|(_, ln)| *ln)
                .collect();
            (!kept.is_empty()).then(|| kept.iter().sum::<f64>() / kept.len() as f64)
        };
        Some(mean(&self.y)? - mean(&self.x)?)
    }

    fn expected(&self, ratio: f64, clusters: usize) -> Expected {
        let scale = ratio.ln();
        let deleted: Option<Vec<f64>> = (0..clusters)
            .map(|cluster| self.theta_without(Some(cluster)).map(|theta| theta / scale))
            .collect();
        let std_error = deleted.filter(|_| clusters >= 5).map(|deleted| {
            let g = clusters as f64;
            let mean = deleted.iter().sum::<f64>() / g;
            ((g - 1.0) / g
                * deleted
                    .iter()
                    .map(|theta| (theta - mean).powi(2))
                    .sum::<f64>())
            .sqrt()
        });
        Expected {
            theta: self.theta_without(None).map(|theta| theta / scale),
            theta_std_error: std_error,
            samples: self.x.len() as u64,
            blocks: self.y.len() as u64,
        }
    }
}

/// The noise matrix and all that the definitions speak of.
struct Noise {
    shape: NoiseShape,
    u: Vec<Vec<f64>>,
}

impl Noise {
    fn of(shape: &NoiseShape, rows: &[Vec<f32>]) -> Self {
        let (p, m) = (rows.len(), shape.params());
        let mut centre = vec![0.0; m];
        for (j, centre) in centre.iter_mut().enumerate() {
            let mut total = 0.0;
            for run in rows.chunks(32) {
                total += run.iter().map(|row| f64::from(row[j])).sum::<f64>();
            }
            *centre = total / p as f64;
        }
        let u = rows
            .iter()
            .map(|row| (0..m).map(|j| f64::from(row[j]) - centre[j]).collect())
            .collect();
        Self {
            shape: shape.clone(),
            u,
        }
    }

    fn cluster(&self, row: usize) -> usize {
        let (p, g) = (self.u.len(), self.u.len().min(64));
        (0..g)
            .find(|r| (r * p / g..(r + 1) * p / g).contains(&row))
            .unwrap()
    }

    fn columns(&self, layer: Option<usize>) -> std::ops::Range<usize> {
        match layer {
            None => 0..self.shape.params(),
            Some(index) => self.shape.columns().nth(index).unwrap(),
        }
    }

    /// Blocks that run on over a flattened sequence.
    fn flattened(&self, layer: Option<usize>, k1: usize, dropped: bool) -> Means {
        let mut sequence = Vec::new();
        for (i, row) in self.u.iter().enumerate() {
            for value in &row[self.columns(layer)] {
                if !dropped || *value != 0.0 {
                    sequence.push((i, *value));
                }
            }
        }
        let ln = |x: f64| {
            if dropped {
                x.abs().ln()
            } else {
                (x.abs() + EPSILON).ln()
            }
        };
        let mut means = Means::default();
        for block in sequence.chunks_exact(k1) {
            for (i, value) in block {
                means.x.push((self.cluster(*i), ln(*value)));
            }
            let mut y = 0.0;
            for i in block[0].0..=block[k1 - 1].0 {
                let own = block.iter().filter(|(row, _)| *row == i);
                y += own.map(|(_, value)| value).sum::<f64>();
            }
            if !dropped || y != 0.0 {
                means.y.push((self.cluster(block[0].0), ln(y)));
            }
        }
        means
    }

    /// Blocks that restart in each row of `matrix`.
    fn restarted(
        &self,
        matrix: &[Vec<f64>],
        columns: std::ops::Range<usize>,
        k1: usize,
        epsilon: bool,
    ) -> Means {
        let mut means = Means::default();
        for (i, row) in matrix.iter().enumerate() {
            let cluster = self.cluster(i);
            for block in row[columns.clone()].chunks_exact(k1) {
                for value in block {
                    if epsilon {
                        means.x.push((cluster, (value.abs() + EPSILON).ln()));
                    } else if *value != 0.0 {
                        means.x.push((cluster, value.abs().ln()));
                    }
                }
                let y: f64 = match k1.is_power_of_two() {
                    true => pairwise(block),
                    false => block.iter().sum(),
                };
                if epsilon {
                    means.y.push((cluster, (y.abs() + EPSILON).ln()));
                } else if y != 0.0 {
                    means.y.push((cluster, y.abs().ln()));
                }
            }
        }
        means
    }

    fn permuted(&self, matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let sources = Permutation::new(self.shape.params()).sources();
        matrix
            .iter()
            .map(|row| {
                sources
                    .iter()
                    .map(|(from, negated)| if *negated { -row[*from] } else { row[*from] })
                    .collect()
            })
            .collect()
    }

    fn standardised(&self) -> Vec<Vec<f64>> {
        let p = self.u.len() as f64;
        let scales: Vec<f64> = (0..self.shape.params())
            .map(|j| (self.u.iter().map(|row| row[j] * row[j]).sum::<f64>() / p).sqrt())
            .collect();
        let scaled = |row: &Vec<f64>| {
            row.iter()
                .zip(&scales)
                .map(|(value, scale)| if *scale == 0.0 { 0.0 } else { value / scale })
                .collect()
        };
        self.u.iter().map(scaled).collect()
    }

    fn surrogate(&self, layer: Option<usize>, k1: usize) -> Expected {
        let p = self.u.len() as f64;
        let l = |v: f64| match v > 0.0 {
            true => 0.5 * v.ln() - (EULER + 2_f64.ln()) / 2.0,
            false => EPSILON.ln(),
        };
        let columns = self.columns(layer);
        let blocks = columns.len() / k1;
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for b in 0..blocks {
            let own = columns.start + b * k1..columns.start + (b + 1) * k1;
            for j in own.clone() {
                x.push(l(self.u.iter().map(|row| row[j] * row[j]).sum::<f64>() / p));
            }
            let square = |row: &Vec<f64>| row[own.clone()].iter().sum::<f64>().powi(2);
            y.push(l(self.u.iter().map(square).sum::<f64>() / p));
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        Expected {
            theta: Some((mean(&y) - mean(&x)) / (k1 as f64).ln()),
            theta_std_error: None,
            samples: x.len() as u64,
            blocks: y.len() as u64,
        }
    }

    /// What a row of the table must say: a value or a problem.
    fn expect(&self, estimate: &Estimate) -> Result<Expected, Problem> {
        let clusters = self.u.len().min(64);
        let layer = match &estimate.scope {
            Scope::All => None,
            Scope::Layer(name) => Some(
                self.shape
                    .layers()
                    .iter()
                    .position(|layer| layer.name == *name)
                    .unwrap(),
            ),
        };
        let k1 = estimate.k1.unwrap() as usize;
        let columns = self.columns(layer);
        let runs_on = [Treatment::Published, Treatment::ZerosDropped];
        if estimate.estimator == Estimator::LocalSlope {
            let permuted = self.permuted(&self.u);
            let lower = self.restarted(&permuted, columns.clone(), k1, false);
            let upper = self.restarted(&permuted, columns, 2 * k1, false);
            let means = Means {
                x: lower.y,
                y: upper.y,
            };
            let expected = means.expected(2.0, clusters);
            return match expected.blocks {
                0 if expected.samples == 0 => Err(Problem::NoValues),
                ..30 => Err(Problem::TooFewBlocks),
                _ => check(expected),
            };
        }
        if k1 == 1 {
            return Err(Problem::BlockLengthOne);
        }
        if k1 > columns.len() && !runs_on.contains(&estimate.treatment) {
            return Err(Problem::BlockLongerThanRow);
        }
        let at_published = estimate.k1 == Some(self.shape.block_length() as u64);
        let (means, on_ladder) = match estimate.treatment {
            Treatment::Published => (self.flattened(layer, k1, false), false),
            Treatment::ZerosDropped => (self.flattened(layer, k1, true), false),
            Treatment::PublishedRows => {
                let on_ladder = layer.is_none() && !at_published;
                (self.restarted(&self.u, columns, k1, true), on_ladder)
            }
            Treatment::Permuted => (
                self.restarted(&self.permuted(&self.u), columns, k1, false),
                true,
            ),
            Treatment::Standardised => (
                self.restarted(&self.standardised(), columns, k1, false),
                false,
            ),
            Treatment::StandardisedPermuted => {
                let matrix = self.permuted(&self.standardised());
                (self.restarted(&matrix, columns, k1, false), false)
            }
            Treatment::GaussianSurrogate => return check(self.surrogate(layer, k1)),
            Treatment::Paired => unreachable!("tested in its module"),
        };
        let expected = means.expected(k1 as f64, clusters);
        if expected.samples == 0 || expected.blocks == 0 && !on_ladder {
            return Err(Problem::NoValues);
        }
        if on_ladder && expected.blocks < 30 {
            return Err(Problem::TooFewBlocks);
        }
        check(expected)
    }
}

fn check(expected: Expected) -> Result<Expected, Problem> {
    match expected.theta {
        None => Err(Problem::NoValues),
        Some(theta) if theta.abs() < 1e-12 => Err(Problem::NoGrowth),
        Some(_) => Ok(expected),
    }
}

/// Halves first: the order in which the ladder adds.
fn pairwise(block: &[f64]) -> f64 {
    match block {
        [value] => *value,
        _ => {
            let (left, right) = block.split_at(block.len() / 2);
            pairwise(left) + pairwise(right)
        }
    }
}

fn close(read: f64, expected: f64) -> bool {
    (read - expected).abs() <= 1e-10 * (1.0 + expected.abs())
}

/// Compares all rows of a matrix with the definitions.
fn compare(shape: NoiseShape, rows: &[Vec<f32>]) -> Vec<Estimate> {
    let noise = Noise::of(&shape, rows);
    let estimates = summarise(Arc::new(shape), rows).estimates().unwrap();
    for estimate in estimates
        .iter()
        .filter(|row| row.treatment != Treatment::Paired && row.k1.is_some())
    {
        match noise.expect(estimate) {
            Err(problem) => {
                assert_eq!(estimate.problem, Some(problem), "{estimate:?}");
                assert_eq!(estimate.alpha, None, "{estimate:?}");
                assert_eq!(estimate.interval, None, "{estimate:?}");
            }
            Ok(expected) => {
                let theta = expected.theta.unwrap();
                assert!(
                    close(estimate.theta.unwrap(), theta),
                    "{theta}: {estimate:?}"
                );
                assert_eq!(estimate.problem, None);
                assert_eq!(estimate.samples, expected.samples, "{estimate:?}");
                assert_eq!(estimate.blocks, expected.blocks, "{estimate:?}");
                let alpha = 1.0 / estimate.theta.unwrap();
                assert_eq!(estimate.alpha, Some(alpha));
                match expected.theta_std_error {
                    None => {
                        assert_eq!(estimate.std_error, None, "{estimate:?}");
                        assert_eq!(estimate.interval, None, "{estimate:?}");
                    }
                    Some(error) => {
                        assert!(
                            (estimate.theta_std_error.unwrap() - error).abs() < 1e-9,
                            "{error}: {estimate:?}"
                        );
                        interval_is_right(estimate, rows.len().min(64));
                    }
                }
            }
        }
    }
    estimates
}

fn interval_is_right(estimate: &Estimate, clusters: usize) {
    let (theta, error) = (estimate.theta.unwrap(), estimate.theta_std_error.unwrap());
    let degrees = estimate.degrees.unwrap();
    assert_eq!(degrees as usize, clusters - 1);
    let reach = student_t_quantile(0.975, f64::from(degrees)) * error;
    // To the letter: the ends of θ mapped, open above where the lower one is not positive.
    let wanted = (theta + reach != 0.0).then(|| {
        let high = match theta - reach > 0.0 {
            true => 1.0 / (theta - reach),
            false => f64::INFINITY,
        };
        (1.0 / (theta + reach), high)
    });
    let read = estimate
        .interval
        .map(|interval| (interval.low, interval.high));
    assert_eq!(read, wanted);
    let alpha = estimate.alpha.unwrap();
    assert_eq!(estimate.std_error, Some(alpha * alpha * error));
}

fn layer(name: &str, len: usize, fan_in: usize, bias: bool) -> Layer {
    Layer {
        name: name.into(),
        len,
        fan_in,
        bias,
    }
}

fn every() -> Treatments {
    Treatment::ALL.into_iter().collect()
}

/// Values with zeros, wholly dead columns and unequal scales.
fn matrix(minibatches: usize, params: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut state = seed | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let scales: Vec<f32> = (0..params)
        .map(|_| match next() {
            dead if dead < -0.4 => 0.0,
            other => (8.0 * other).exp(),
        })
        .collect();
    (0..minibatches)
        .map(|_| {
            scales
                .iter()
                .map(|scale| if next() < -0.45 { 0.0 } else { scale * next() })
                .collect()
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn every_row_is_as_defined(
        minibatches in 1_usize..75,
        lens in prop::collection::vec((1_usize..120, 1_usize..20, any::<bool>()), 1..5),
        last_is_short in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let layers: Vec<Layer> = lens
            .iter()
            .enumerate()
            .map(|(index, (len, fan_in, bias))| layer(&format!("l{index}"), *len, *fan_in, *bias))
            .collect();
        let shape = NoiseShape::new(minibatches, last_is_short, layers, every()).unwrap();
        let rows = matrix(minibatches, shape.params(), seed);
        if minibatches > 1 {
            compare(shape, &rows);
        }
    }

    #[test]
    fn blocks_over_many_short_rows_are_as_defined(
        minibatches in 30_usize..400,
        len in 1_usize..6,
        seed in any::<u64>(),
    ) {
        let shape =
            NoiseShape::new(minibatches, false, vec![layer("w", len, 4, false)], every()).unwrap();
        compare(shape, &matrix(minibatches, len, seed));
    }
}

#[test]
fn rows_of_many_chunks_are_as_defined() {
    for (minibatches, lens) in [
        (6, vec![4096, 4096]),
        (7, vec![5000, 3191, 4097, 12]),
        (5, vec![1, 4095, 8192]),
        (9, vec![20_001]),
    ] {
        let layers: Vec<Layer> = lens
            .iter()
            .enumerate()
            .map(|(index, len)| layer(&format!("l{index}"), *len, 64, *len < 20))
            .collect();
        let shape = NoiseShape::new(minibatches, true, layers, every()).unwrap();
        let rows = matrix(minibatches, shape.params(), 7 + minibatches as u64);
        compare(shape, &rows);
    }
}

#[test]
fn the_order_of_rows_is_that_of_the_table() {
    let layers = vec![layer("w", 60, 4, false), layer("b", 4, 4, true)];
    let shape = NoiseShape::new(8, false, layers, Treatments::default()).unwrap();
    assert_eq!(shape.block_length(), 16);
    let rows = matrix(8, 64, 3);
    let read: Vec<String> = compare(shape, &rows)
        .iter()
        .map(|row| {
            let k1 = row.k1.map_or(String::new(), |k1| k1.to_string());
            format!("{} {} {} {k1}", row.scope, row.estimator, row.treatment)
        })
        .collect();
    let expected = "\
all mohammadi published 16
all mohammadi published_rows 16
all mohammadi zeros_dropped 16
all mohammadi gaussian_surrogate 16
all mohammadi published_rows 2
all mohammadi published_rows 4
all mohammadi published_rows 8
all mohammadi published_rows 32
all mohammadi published_rows 64
all mohammadi permuted 2
all mohammadi permuted 4
all mohammadi permuted 8
all mohammadi permuted 16
all mohammadi permuted 32
all mohammadi permuted 64
all local_slope permuted 1
all local_slope permuted 2
all local_slope permuted 4
all local_slope permuted 8
all local_slope permuted 16
all local_slope permuted 32
all within_coordinate paired \n\
all across_minibatches paired \n\
all local_slope paired 2
all local_slope paired 4
all log_moment published_rows \n\
all flom published_rows \n\
all ecf published_rows \n\
all mcculloch published_rows \n\
all hill published_rows \n\
all dedh published_rows \n\
all dehaan_peng published_rows \n\
all pickands published_rows \n\
w mohammadi published_rows 4
w mohammadi zeros_dropped 4
w mohammadi gaussian_surrogate 4
w within_coordinate paired \n\
w across_minibatches paired \n\
b within_coordinate paired \n\
b across_minibatches paired ";
    assert_eq!(read.join("\n"), expected);
}
