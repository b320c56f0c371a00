//! The tail index of averaged iterates.
//!
//! SGD may converge to a heavy-tailed law of its *weights*, whatever the noise of its gradients
//! (Gurbuzbalaban, Simsekli, Zhu 2021, arXiv 2006.04740). By the generalised central limit theorem
//! the mean of many iterates is then stable with the same α, and the weights of one layer are taken
//! for draws from one law. X are the averaged weights minus their mean over the layer, and
//!
//! ```text
//! 1/α = (mean ln|Y| − mean ln|X|)/ln K1,   Y the sums of blocks of K1 consecutive X.
//! ```
//!
//! Scope `all`: all layers, each about its own mean, one after the other; K1 is the largest divisor
//! of M that is at most √M. A layer: its K1 is the largest power of two ≤ min(√M_l, fan-in); biases
//! have no row of their own. The tail that fills no block is left out of both means, and so are
//! zeros.
//!
//! *Absent*: a standard error. The weights of one network depend on each other, so what the spread
//! of the blocks says of the error is not known; the spread between seeds is.

use serde::{Deserialize, Serialize};

use crate::block_length::{layer_block_length, published_block_length};
use crate::estimate::{Problem, Scope};
use crate::log_sum::sum_ln_abs;
use crate::shape::Layer;

/// What is kept of averaged iterates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IterateSummary {
    /// How many iterates were averaged.
    pub steps: u64,
    /// All parameters, then the layers in module order.
    pub scopes: Vec<IterateMeans>,
}

/// The two means of one scope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IterateMeans {
    /// Which weights.
    pub scope: Scope,
    /// Block length.
    pub k1: u64,
    /// Number of X that are not zero.
    pub samples: u64,
    /// Mean of ln|X|; 0 without samples.
    pub ln_x: f64,
    /// Number of Y that are not zero.
    pub blocks: u64,
    /// Mean of ln|Y|; 0 without blocks.
    pub ln_y: f64,
}

/// A tail index of averaged iterates, or a named reason why there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct IterateEstimate {
    /// Which weights.
    pub scope: Scope,
    /// Block length.
    pub k1: u64,
    /// α.
    pub alpha: Option<f64>,
    /// Number of X in the mean.
    pub samples: u64,
    /// Number of Y in the mean.
    pub blocks: u64,
    /// Why there is no α.
    pub problem: Option<Problem>,
}

impl IterateSummary {
    /// Of the mean of `steps` iterates, the weights of all `layers` one after the other.
    ///
    /// # Panics
    ///
    /// Unless there are as many numbers as the layers have.
    pub fn new(average: &[f64], layers: &[Layer], steps: u64) -> Self {
        let mut centred = Vec::with_capacity(average.len());
        let mut rest = average;
        for layer in layers {
            let (own, others) = rest.split_at(layer.len);
            let mean = own.iter().sum::<f64>() / own.len() as f64;
            centred.extend(own.iter().map(|weight| weight - mean));
            rest = others;
        }
        assert!(rest.is_empty(), "the layers hold all weights");
        let k1 = published_block_length(centred.len() as u64);
        let mut scopes = vec![IterateMeans::new(Scope::All, &centred, k1)];
        let mut rest = &*centred;
        for layer in layers {
            let (own, others) = rest.split_at(layer.len);
            rest = others;
            if !layer.bias {
                let k1 = layer_block_length(layer.len as u64, layer.fan_in as u64);
                let scope = Scope::Layer(layer.name.clone());
                scopes.push(IterateMeans::new(scope, own, k1));
            }
        }
        Self { steps, scopes }
    }

    /// α of each scope.
    pub fn estimates(&self) -> Vec<IterateEstimate> {
        self.scopes.iter().map(IterateMeans::estimate).collect()
    }
}

impl IterateMeans {
    fn new(scope: Scope, values: &[f64], k1: u64) -> Self {
        let blocks = values.chunks_exact(k1 as usize);
        let used = &values[..values.len() - blocks.remainder().len()];
        let sums: Vec<f64> = blocks.map(|block| block.iter().sum()).collect();
        let mean = |values: &[f64]| {
            let (sum, nonzero, _) = sum_ln_abs(values);
            (
                nonzero,
                if nonzero == 0 {
                    0.0
                } else {
                    sum / nonzero as f64
                },
            )
        };
        let ((samples, ln_x), (blocks, ln_y)) = (mean(used), mean(&sums));
        Self {
            scope,
            k1,
            samples,
            ln_x,
            blocks,
            ln_y,
        }
    }

    fn estimate(&self) -> IterateEstimate {
        let theta = (self.ln_y - self.ln_x) / (self.k1 as f64).ln();
        let problem = if self.k1 < 2 {
            Some(Problem::BlockLengthOne)
        } else if self.samples == 0 || self.blocks == 0 {
            Some(Problem::NoValues)
        } else if !theta.is_finite() {
            Some(Problem::NonFinite)
        } else if theta.abs() < 1e-12 {
            Some(Problem::NoGrowth)
        } else {
            None
        };
        IterateEstimate {
            scope: self.scope.clone(),
            k1: self.k1,
            alpha: problem.is_none().then_some(1.0 / theta),
            samples: self.samples,
            blocks: self.blocks,
            problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stable::SplitMix64;

    fn layer(name: &str, len: usize, fan_in: usize, bias: bool) -> Layer {
        Layer {
            name: name.into(),
            len,
            fan_in,
            bias,
        }
    }

    #[test]
    fn each_layer_is_taken_about_its_own_mean() {
        let layers = [
            layer("a", 8, 4, false),
            layer("b", 4, 4, true),
            layer("c", 4, 2, false),
        ];
        let weights: Vec<f64> = (0..16_u32).map(|i| f64::from(i * i % 7)).collect();
        let shifted: Vec<f64> = weights
            .iter()
            .enumerate()
            .map(|(i, w)| w + [16.0, -8.0, 4.0][[0, 0, 1, 2][i / 4]])
            .collect();
        let summary = IterateSummary::new(&weights, &layers, 3);
        assert_eq!(summary, IterateSummary::new(&shifted, &layers, 3));
        let scopes: Vec<(String, u64)> = summary
            .scopes
            .iter()
            .map(|means| (means.scope.to_string(), means.k1))
            .collect();
        let expected = [("all", 4), ("a", 2), ("c", 2)];
        assert_eq!(scopes, expected.map(|(name, k1)| (name.to_owned(), k1)));
    }

    #[test]
    fn stable_weights_read_their_index() {
        for alpha in [1.2, 1.6, 2.0] {
            let mut generator = SplitMix64::new(5);
            let law = crate::stable::Stable::symmetric(alpha, 1.0).unwrap();
            let weights: Vec<f64> = (0..90_000)
                .map(|_| law.sample(|| generator.next_word()))
                .collect();
            let summary = IterateSummary::new(&weights, &[layer("w", 90_000, 300, false)], 1);
            for estimate in summary.estimates() {
                let read = estimate.alpha.unwrap();
                assert!((read - alpha).abs() < 0.12, "{read} for {alpha}");
            }
        }
    }

    #[test]
    fn equal_weights_and_single_ones_have_a_problem() {
        let problem = |weights: &[f64]| {
            let layers = [layer("w", weights.len(), weights.len(), false)];
            IterateSummary::new(weights, &layers, 1).estimates()[0].problem
        };
        assert_eq!(problem(&[3.0; 16]), Some(Problem::NoValues));
        assert_eq!(problem(&[1.0, 2.0, 4.0]), Some(Problem::BlockLengthOne));
    }
}
