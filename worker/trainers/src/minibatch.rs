//! The examples of one minibatch, ready for the tape: owned, cheap to make, cheap to clone.

use std::ops::{Deref, Range};
use std::sync::Arc;

use tailsweep_common::measurement::Split;

use crate::data::{Data, Label};

/// Images and labels of one minibatch.
#[derive(Clone, Debug)]
pub(crate) struct Minibatch {
    pub(crate) images: Images,
    pub(crate) labels: Vec<Label>,
}

/// [examples, features] in C order: consecutive examples are not copied.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    numbers: Numbers,
    examples: usize,
}

#[derive(Clone, Debug)]
enum Numbers {
    Consecutive {
        data: Arc<Data>,
        split: Split,
        range: Range<usize>,
    },
    Gathered(Arc<Vec<f32>>),
}

impl Minibatch {
    /// Examples that follow one another in the file.
    pub(crate) fn consecutive(data: &Arc<Data>, split: Split, range: Range<usize>) -> Self {
        let labels = data.split(split).labels()[range.clone()].to_vec();
        let features = data.dataset.features();
        let examples = range.len();
        let range = range.start * features..range.end * features;
        let numbers = Numbers::Consecutive {
            data: Arc::clone(data),
            split,
            range,
        };
        Self {
            images: Images { numbers, examples },
            labels,
        }
    }

    /// Any training examples, in the order given.
    pub(crate) fn gathered(data: &Data, indices: &[u32]) -> Self {
        let features = data.dataset.features();
        let pixels = data.train.pixels();
        let mut numbers = Vec::with_capacity(indices.len() * features);
        let mut labels = Vec::with_capacity(indices.len());
        for index in indices {
            let index = *index as usize;
            numbers.extend_from_slice(&pixels[index * features..(index + 1) * features]);
            labels.push(data.train.labels()[index]);
        }
        Self {
            images: Images::of(numbers, indices.len()),
            labels,
        }
    }
}

impl Images {
    /// `examples` images, one after the other.
    pub(crate) fn of(numbers: Vec<f32>, examples: usize) -> Self {
        Self {
            numbers: Numbers::Gathered(Arc::new(numbers)),
            examples,
        }
    }

    pub(crate) fn examples(&self) -> usize {
        self.examples
    }
}

impl Deref for Images {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &self.numbers {
            Numbers::Consecutive { data, split, range } => {
                &data.split(*split).pixels()[range.clone()]
            }
            Numbers::Gathered(numbers) => numbers,
        }
    }
}
