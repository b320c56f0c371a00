//! `blobs` and `gaussian_regression`: data that are drawn when they are needed.
//!
//! What is drawn is a function of the settings alone. The centres (or weights), the training
//! examples and the test examples have random streams of their own, so more examples never change
//! those before them.

use ndarray::Array2;
use tailsweep_common::measurement::Split;
use tailsweep_common::run::{Blobs, GaussianRegression};

use super::{Examples, Label};
use crate::random::Stream;

/// The first `examples` of a split.
pub(super) fn blobs(settings: &Blobs, split: Split, examples: usize) -> Examples {
    let &Blobs {
        classes,
        features,
        spread,
        seed,
        ..
    } = settings;
    let sizes = [u64::from(classes), u64::from(features)];
    let mut stream = Stream::new("blobs: centres", seed, &sizes, 0);
    let centres: Vec<f64> = (0..u64::from(classes) * u64::from(features))
        .map(|_| stream.normal())
        .collect();

    let features = features as usize;
    let mut stream = Stream::new("blobs: examples", seed, &sizes, split as u64);
    let mut numbers = Vec::with_capacity(examples * features);
    let labels = (0..examples)
        .map(|_| {
            let class = stream.below(classes);
            let start = class as usize * features;
            numbers.extend(
                centres[start..start + features]
                    .iter()
                    .map(|centre| (centre + spread.0 * stream.normal()) as f32),
            );
            Label::Class(class)
        })
        .collect();
    Examples {
        images: matrix(numbers, examples, features),
        labels,
    }
}

/// The first `examples` of a split.
pub(super) fn gaussian_regression(
    settings: &GaussianRegression,
    split: Split,
    examples: usize,
) -> Examples {
    let &GaussianRegression {
        features,
        weights: weight,
        noise,
        seed,
        ..
    } = settings;
    let sizes = [u64::from(features)];
    let mut stream = Stream::new("gaussian_regression: weights", seed, &sizes, 0);
    let weights: Vec<f64> = (0..features).map(|_| weight.0 * stream.normal()).collect();

    let purpose = "gaussian_regression: examples";
    let mut stream = Stream::new(purpose, seed, &sizes, split as u64);
    let mut numbers = Vec::with_capacity(examples * weights.len());
    let labels = (0..examples)
        .map(|_| {
            let mut value = 0.0;
            for weight in &weights {
                // The value belongs to the number that the network sees.
                let number = stream.normal() as f32;
                value += weight * f64::from(number);
                numbers.push(number);
            }
            Label::Value((value + noise.0 * stream.normal()) as f32)
        })
        .collect();
    Examples {
        images: matrix(numbers, examples, weights.len()),
        labels,
    }
}

fn matrix(numbers: Vec<f32>, examples: usize, features: usize) -> Array2<f32> {
    Array2::from_shape_vec((examples, features), numbers).expect("as many numbers for each example")
}
