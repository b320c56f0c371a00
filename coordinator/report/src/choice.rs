//! Which of the estimates that the stored sums allow a report gives.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tailsweep_stats::{Estimator, Treatment};

use crate::facts::Told;

/// A choice among the estimates; by default all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Block lengths of the ladder (powers of two); the published one of each point always stays,
    /// as do estimates that have no block length. Empty: all.
    pub k1: Vec<u64>,
    /// Empty: all.
    pub estimators: Vec<Estimator>,
}

/// A block length at which no sums are kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no sums are kept at the block length {k1}, but at {kept}")]
pub struct NoSuchBlockLength {
    /// What was asked for.
    pub k1: u64,
    /// What there is, in words.
    pub kept: String,
}

impl Choice {
    /// Whether an estimate is given, of a noise with this published K1.
    pub(crate) fn takes(&self, told: &Told, published: u64) -> bool {
        let has_k1 = |k1| k1 == published || self.k1.contains(&k1);
        (self.estimators.is_empty() || self.estimators.contains(&told.estimator))
            && (self.k1.is_empty() || !is_of_ladder(told) || told.k1.is_some_and(has_k1))
    }

    /// In words, for a reader of the report; `None`: all.
    pub(crate) fn words(&self) -> Option<String> {
        let join = |words: Vec<String>| words.join(", ");
        let mut parts = Vec::new();
        if !self.k1.is_empty() {
            let k1 = self.k1.iter().map(u64::to_string).collect();
            parts.push(format!(
                "of the ladder K₁ = {} and the published one",
                join(k1)
            ));
        }
        if !self.estimators.is_empty() {
            let names = self.estimators.iter().map(|name| name.to_string());
            parts.push(format!("the estimators {}", join(names.collect())));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// `kept`: the block lengths of the ladders; without any there is nothing to say yet.
    pub(crate) fn check(&self, kept: &BTreeSet<u64>) -> Result<(), NoSuchBlockLength> {
        let missing = self.k1.iter().find(|k1| !kept.contains(k1));
        match missing.filter(|_| !kept.is_empty()) {
            None => Ok(()),
            Some(k1) => {
                let kept: Vec<String> = kept.iter().map(u64::to_string).collect();
                Err(NoSuchBlockLength {
                    k1: *k1,
                    kept: kept.join(", "),
                })
            }
        }
    }
}

/// Whether an estimate is one of several of the same noise at different block lengths. Its scope
/// is all columns: layers have one block length each.
pub(crate) fn is_of_ladder(told: &Told) -> bool {
    &*told.scope == crate::facts::ALL
        && matches!(
            told.treatment,
            Some(Treatment::PublishedRows | Treatment::Permuted)
        )
        && matches!(told.estimator, Estimator::Mohammadi | Estimator::LocalSlope)
}
