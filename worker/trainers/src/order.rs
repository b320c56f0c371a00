//! Which examples make minibatch k, as a function of (sampling, seed, number of examples, k)
//! alone: nothing has to be saved to go on at any step.
//!
//! - `file_order`: minibatch k mod B of the file, B = ⌈n/b⌉; the last one may be shorter.
//! - `shuffled`: the same cuts of a permutation that is new in each epoch ⌊k/B⌋ (Fisher–Yates,
//!   part ⌊k/B⌋ of its random stream).
//! - `with_replacement`: b examples drawn independently (part k of its random stream).

use std::ops::Range;
use std::sync::Arc;

use tailsweep_common::measurement::Split;
use tailsweep_common::run::Sampling;

use crate::data::Data;
use crate::minibatch::Minibatch;
use crate::random::Stream;

/// The order of the minibatches of a run.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    sampling: Sampling,
    seed: u64,
    examples: usize,
    batch_size: usize,
    /// The permutation that was used last, and its epoch.
    permutation: Option<(u64, Vec<u32>)>,
}

impl Order {
    /// `examples` and `batch_size` are at least 1, and `examples` fit into 32 bits.
    pub(crate) fn new(sampling: Sampling, seed: u64, examples: usize, batch_size: usize) -> Self {
        Self {
            sampling,
            seed,
            examples,
            batch_size,
            permutation: None,
        }
    }

    /// The minibatch of update `step`, counted from 0.
    pub(crate) fn minibatch(&mut self, data: &Arc<Data>, step: u64) -> Minibatch {
        let batches = self.examples.div_ceil(self.batch_size) as u64;
        let (epoch, batch) = (step / batches, (step % batches) as usize);
        let cut = self.cut(batch);
        match self.sampling {
            Sampling::FileOrder => Minibatch::consecutive(data, Split::Train, cut),
            Sampling::Shuffled => Minibatch::gathered(data, &self.permutation(epoch)[cut]),
            Sampling::WithReplacement => {
                let purpose = "examples with replacement";
                let mut stream = Stream::new(purpose, self.seed, &[self.examples as u64], step);
                let examples = self.examples as u32;
                let drawn: Vec<u32> = (0..self.batch_size)
                    .map(|_| stream.below(examples))
                    .collect();
                Minibatch::gathered(data, &drawn)
            }
        }
    }

    fn cut(&self, batch: usize) -> Range<usize> {
        let start = batch * self.batch_size;
        start..self.examples.min(start + self.batch_size)
    }

    fn permutation(&mut self, epoch: u64) -> &[u32] {
        if self
            .permutation
            .as_ref()
            .is_none_or(|(known, _)| *known != epoch)
        {
            let purpose = "order of the examples";
            let mut stream = Stream::new(purpose, self.seed, &[self.examples as u64], epoch);
            let mut permutation: Vec<u32> = (0..self.examples as u32).collect();
            for last in (1..permutation.len()).rev() {
                permutation.swap(last, stream.below(last as u32 + 1) as usize);
            }
            self.permutation = Some((epoch, permutation));
        }
        &self.permutation.as_ref().expect("just made").1
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tailsweep_common::run::{Dataset, DatasetName};

    use crate::data::Label;

    use super::*;
    use crate::data;

    fn data() -> Arc<Data> {
        let dataset = Dataset {
            source: DatasetName::MnistExcerpt.into(),
            train_limit: Some(10),
            test_limit: Some(0),
        };
        Arc::new(data::load(&dataset, Path::new("")).unwrap())
    }

    /// Which examples the steps use.
    fn examples(order: &mut Order, steps: Range<u64>) -> Vec<Vec<usize>> {
        let data = data();
        let features = 28 * 28;
        let pixels = data.train.pixels();
        steps
            .map(|step| {
                let minibatch = order.minibatch(&data, step);
                let find = |image: &[f32]| {
                    pixels
                        .chunks_exact(features)
                        .position(|known| known == image)
                        .unwrap()
                };
                let found: Vec<usize> = minibatch.images.chunks_exact(features).map(find).collect();
                let labels: Vec<Label> = found
                    .iter()
                    .map(|example| data.train.labels()[*example])
                    .collect();
                assert_eq!(labels, minibatch.labels);
                found
            })
            .collect()
    }

    #[test]
    fn file_order_repeats_itself_with_a_short_last_minibatch() {
        let mut order = Order::new(Sampling::FileOrder, 0, 10, 4);
        let found = examples(&mut order, 0..4);
        assert_eq!(
            found,
            [
                vec![0, 1, 2, 3],
                vec![4, 5, 6, 7],
                vec![8, 9],
                vec![0, 1, 2, 3]
            ]
        );
    }

    #[test]
    fn each_epoch_is_a_new_permutation() {
        let mut order = Order::new(Sampling::Shuffled, 0, 10, 4);
        let epochs: Vec<Vec<usize>> = (0..3)
            .map(|epoch| examples(&mut order, 3 * epoch..3 * epoch + 3).concat())
            .collect();
        for epoch in &epochs {
            let mut sorted = epoch.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..10).collect::<Vec<_>>());
        }
        assert_ne!(epochs[0], epochs[1]);
        assert_ne!(epochs[1], epochs[2]);
    }

    #[test]
    fn with_replacement_all_minibatches_are_full_and_their_own() {
        let mut order = Order::new(Sampling::WithReplacement, 0, 10, 4);
        let found = examples(&mut order, 0..50);
        assert!(found.iter().all(|minibatch| minibatch.len() == 4));
        let mut counts = [0; 10];
        found
            .concat()
            .iter()
            .for_each(|example| counts[*example] += 1);
        assert!(
            counts.iter().all(|count| (5..40).contains(count)),
            "{counts:?}"
        );
        assert_eq!(
            examples(&mut order, 20..21)[0],
            found[20],
            "any step is reached at once"
        );
    }
}
