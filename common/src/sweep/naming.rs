//! What tells the runs of a sweep apart, in words: `w32 d4 momentum=0.9 seed0`.
//!
//! A run is called by the settings in which the points of its sweep differ, and by its seed: what
//! is the same for all of them would push out of sight what is not. So a run has as many names as
//! there are sweeps that have it; its id is what it is called everywhere.

use crate::run::{Dataset, Loss, Point, Run};

use super::{Sweep, shortest};

/// A setting that every point may have, as a word; limits and sizes with a sign before the number.
type Word = fn(&Point) -> Option<String>;

const LISTED: [Word; 9] = [
    |point| point.dataset().map(Dataset::name),
    |point| limit("train", point.dataset()?.train_limit),
    |point| limit("test", point.dataset()?.test_limit),
    |point| Some(point.architecture().to_owned()),
    |point| point.width().map(|width| format!("w{width}")),
    |point| point.depth().map(|depth| format!("d{depth}")),
    |point| Some(format!("b{}", point.batch_size())),
    |point| Some(format!("lr{}", shortest(point.learning_rate()))),
    |point| point.loss().map(Loss::as_str).map(str::to_owned),
];

fn limit(split: &str, limit: Option<u32>) -> Option<String> {
    limit.map(|limit| format!("{split}{limit}"))
}

/// How the runs of one sweep are called.
#[derive(Clone, Debug)]
pub struct Naming {
    /// The listed settings in which its points differ.
    listed: Vec<Word>,
    /// The own axes in which they do.
    own_axes: Vec<String>,
}

impl Naming {
    /// For the runs of this sweep.
    pub fn of(sweep: &Sweep) -> Self {
        let listed = LISTED.into_iter().filter(|word| differ(sweep, word));
        let own_axes = sweep.own_axes.iter();
        let own_axes = own_axes.filter(|axis| differ(sweep, |point| point.setting(axis)));
        Self {
            listed: listed.collect(),
            own_axes: own_axes.cloned().collect(),
        }
    }

    /// The name of a run of the sweep.
    pub fn name(&self, run: &Run) -> String {
        let point = &run.point;
        let listed = self.listed.iter().filter_map(|word| word(point));
        let own = self.own_axes.iter().filter_map(|axis| {
            let key = axis.rsplit('.').next().unwrap_or(axis);
            let value = point.setting(axis)?.replace([' ', '"'], "");
            Some(format!("{key}={value}"))
        });
        let words = listed.chain(own).chain([format!("seed{}", run.seed)]);
        words.collect::<Vec<String>>().join(" ")
    }
}

/// Whether the points of a sweep have different words.
fn differ(sweep: &Sweep, word: impl Fn(&Point) -> Option<String>) -> bool {
    let mut words = sweep.points.iter().map(|point| word(point));
    let first = words.next();
    words.any(|word| Some(word) != first)
}
