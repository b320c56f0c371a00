//! What is done to the noise before estimating.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is done to the noise before estimating.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Treatment {
    /// Flattened row by row, blocks run on across rows, ln(|x| + 2⁻⁵²): as in the paper's code.
    Published,
    /// The same, but blocks restart in each row.
    PublishedRows,
    /// Exact zeros are removed from the flattened sequence; no 2⁻⁵².
    ZerosDropped,
    /// One fixed permutation and sign of the coordinates in all rows.
    Permuted,
    /// Each coordinate divided by its standard deviation over the minibatches.
    Standardised,
    /// Both.
    StandardisedPermuted,
    /// What Gaussian noise of the same second moments and zeros would read, in closed form.
    GaussianSurrogate,
    /// Differences of neighbouring minibatches.
    Paired,
}

impl Treatment {
    /// Every treatment, in the order of tables.
    pub const ALL: [Self; 8] = [
        Self::Published,
        Self::PublishedRows,
        Self::ZerosDropped,
        Self::Permuted,
        Self::Standardised,
        Self::StandardisedPermuted,
        Self::GaussianSurrogate,
        Self::Paired,
    ];

    /// As written in files and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::PublishedRows => "published_rows",
            Self::ZerosDropped => "zeros_dropped",
            Self::Permuted => "permuted",
            Self::Standardised => "standardised",
            Self::StandardisedPermuted => "standardised_permuted",
            Self::GaussianSurrogate => "gaussian_surrogate",
            Self::Paired => "paired",
        }
    }
}

impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is not a treatment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown treatment `{0}`")]
pub struct NotATreatment(String);

impl FromStr for Treatment {
    type Err = NotATreatment;

    fn from_str(word: &str) -> Result<Self, NotATreatment> {
        let known = Self::ALL
            .into_iter()
            .find(|treatment| treatment.as_str() == word);
        known.ok_or_else(|| NotATreatment(word.to_owned()))
    }
}

/// A set of treatments.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "Vec<String>", try_from = "Vec<String>")]
pub struct Treatments(u8);

impl Treatments {
    /// No treatment.
    pub const NONE: Self = Self(0);

    /// Whether the treatment is in the set.
    pub fn contains(self, treatment: Treatment) -> bool {
        self.0 & bit(treatment) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The treatments in the order of tables.
    pub fn iter(self) -> impl Iterator<Item = Treatment> {
        Treatment::ALL
            .into_iter()
            .filter(move |treatment| self.contains(*treatment))
    }
}

fn bit(treatment: Treatment) -> u8 {
    1 << treatment as u8
}

impl Default for Treatments {
    /// All but the standardised ones.
    fn default() -> Self {
        let standardised = [Treatment::Standardised, Treatment::StandardisedPermuted];
        Treatment::ALL
            .into_iter()
            .filter(|treatment| !standardised.contains(treatment))
            .collect()
    }
}

impl FromIterator<Treatment> for Treatments {
    fn from_iter<I: IntoIterator<Item = Treatment>>(treatments: I) -> Self {
        Self(
            treatments
                .into_iter()
                .fold(0, |set, treatment| set | bit(treatment)),
        )
    }
}

impl fmt::Debug for Treatments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl From<Treatments> for Vec<String> {
    fn from(treatments: Treatments) -> Self {
        treatments
            .iter()
            .map(|treatment| treatment.as_str().to_owned())
            .collect()
    }
}

impl TryFrom<Vec<String>> for Treatments {
    type Error = NotATreatment;

    fn try_from(words: Vec<String>) -> Result<Self, NotATreatment> {
        words.iter().map(|word| word.parse::<Treatment>()).collect()
    }
}
