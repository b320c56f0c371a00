//! The keys of a sweep file: their names, and where they belong.

use super::levy_sde::LevyKey;
use super::synthetic::SyntheticKey;
use super::value::Family;

/// A part of the file that has keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Top,
    Train,
    Measure,
    Synthetic,
    LevySde,
    Stop,
    Block,
}

impl Place {
    pub(super) const ALL: [Self; 7] = [
        Self::Top,
        Self::Train,
        Self::Measure,
        Self::Synthetic,
        Self::LevySde,
        Self::Stop,
        Self::Block,
    ];

    /// The keys that stand there.
    pub(super) fn keys(self) -> Vec<&'static str> {
        match self {
            Self::Top => vec![
                "version",
                "name",
                "seeds",
                "max_attempts",
                "max_losses",
                "max_failures",
                "priority",
                "requires",
                "train",
                "measure",
                "synthetic",
                "levy_sde",
                "stop",
                "block",
            ],
            Self::Train => {
                let mut keys = vec!["protocol", "time_limit"];
                keys.extend(Key::TRAIN.map(Key::word));
                keys
            }
            Self::Measure => Key::MEASURE.map(Key::word).to_vec(),
            Self::Synthetic => SyntheticKey::ALL
                .map(|key| Key::Synthetic(key).word())
                .to_vec(),
            Self::LevySde => LevyKey::ALL.map(|key| Key::Levy(key).word()).to_vec(),
            Self::Stop => vec!["alpha_ci"],
            Self::Block => {
                let mut keys = Key::AXES.map(Key::word).to_vec();
                keys.extend(["zip", "exclude", "when", "sample"]);
                keys
            }
        }
    }

    /// The table of the file that it is, if it is one table.
    pub(super) fn section(self) -> Option<&'static str> {
        match self {
            Self::Top | Self::Block => None,
            Self::Train => Some("train"),
            Self::Measure => Some("measure"),
            Self::Synthetic => Some("synthetic"),
            Self::LevySde => Some("levy_sde"),
            Self::Stop => Some("stop"),
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Top => "the top of the file",
            Self::Train => "`[train]`",
            Self::Measure => "`[measure]`",
            Self::Synthetic => "`[synthetic]`",
            Self::LevySde => "`[levy_sde]`",
            Self::Stop => "`[stop]`",
            Self::Block => "a `[[block]]`",
        }
    }
}

/// What varies from point to point: an axis, or a key of `[train]`, `[measure]`, `[synthetic]` or
/// `[levy_sde]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Dataset,
    Architecture,
    Width,
    Depth,
    BatchSize,
    LearningRate,
    Loss,
    Steps,
    Sampling,
    Momentum,
    WeightDecay,
    Dropout,
    Schedule,
    StopAtTrainAccuracy,
    Init,
    Every,
    Splits,
    Minibatches,
    Treatments,
    Iterates,
    Dump,
    Synthetic(SyntheticKey),
    Levy(LevyKey),
}

impl Key {
    /// The axes that every block may have, in the order in which they vary.
    pub(super) const AXES: [Self; 7] = [
        Self::Dataset,
        Self::Architecture,
        Self::Width,
        Self::Depth,
        Self::BatchSize,
        Self::LearningRate,
        Self::Loss,
    ];

    /// The keys of `[train]` that can be axes.
    pub(super) const TRAIN: [Self; 8] = [
        Self::Steps,
        Self::Sampling,
        Self::Momentum,
        Self::WeightDecay,
        Self::Dropout,
        Self::Schedule,
        Self::StopAtTrainAccuracy,
        Self::Init,
    ];

    /// The keys of `[measure]`.
    pub(super) const MEASURE: [Self; 6] = [
        Self::Every,
        Self::Splits,
        Self::Minibatches,
        Self::Treatments,
        Self::Iterates,
        Self::Dump,
    ];

    /// As written in its own part of the file.
    pub(super) fn word(self) -> &'static str {
        let name = self.name();
        name.split_once('.').map_or(name, |(_, word)| word)
    }

    /// As written in a block, and as a column is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::Architecture => "architecture",
            Self::Width => "width",
            Self::Depth => "depth",
            Self::BatchSize => "batch_size",
            Self::LearningRate => "learning_rate",
            Self::Loss => "loss",
            Self::Steps => "train.steps",
            Self::Sampling => "train.sampling",
            Self::Momentum => "train.momentum",
            Self::WeightDecay => "train.weight_decay",
            Self::Dropout => "train.dropout",
            Self::Schedule => "train.schedule",
            Self::StopAtTrainAccuracy => "train.stop_at_train_accuracy",
            Self::Init => "train.init",
            Self::Every => "measure.every",
            Self::Splits => "measure.splits",
            Self::Minibatches => "measure.minibatches",
            Self::Treatments => "measure.treatments",
            Self::Iterates => "measure.iterates",
            Self::Dump => "measure.dump",
            Self::Synthetic(key) => key.name(),
            Self::Levy(key) => key.name(),
        }
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        Self::AXES
            .into_iter()
            .chain(Self::TRAIN)
            .chain(Self::MEASURE)
            .chain(SyntheticKey::ALL.map(Self::Synthetic))
            .chain(LevyKey::ALL.map(Self::Levy))
    }

    /// The axis that is written so in a block.
    pub(super) fn of_axis(name: &str) -> Option<Self> {
        Self::all().find(|key| key.name() == name)
    }

    /// The key that is written so in a block or in its section.
    pub(super) fn written(word: &str) -> Option<Self> {
        Self::all().find(|key| key.name() == word || key.word() == word)
    }

    /// The section that has the key; the block where it is an axis that every block may have.
    pub(super) fn home(self) -> Place {
        match self {
            Self::Synthetic(_) => Place::Synthetic,
            Self::Levy(_) => Place::LevySde,
            key if Self::TRAIN.contains(&key) => Place::Train,
            key if Self::MEASURE.contains(&key) => Place::Measure,
            _ => Place::Block,
        }
    }

    /// The key of a section that is written so there.
    pub(super) fn of_setting(place: Place, word: &str) -> Option<Self> {
        Self::all().find(|key| key.is_own_axis() && key.home() == place && key.word() == word)
    }

    /// Whether runs of this family depend on the key.
    pub(super) fn is_for(self, family: Family) -> bool {
        let common = matches!(
            self,
            Self::Architecture | Self::BatchSize | Self::LearningRate | Self::Steps | Self::Every
        );
        match (self, family) {
            _ if common => true,
            (Self::Synthetic(_), family) => family == Family::Synthetic,
            (Self::Levy(_), family) => family == Family::LevySde,
            (_, Family::LevySde) => false,
            (Self::Splits | Self::Minibatches | Self::Treatments, _) => true,
            (_, Family::Synthetic) => false,
            (Self::Width, family) => family.has_width(),
            (Self::Depth, family) => family.has_depth(),
            _ => true,
        }
    }

    /// Whether each value is a list.
    pub(super) fn is_list(self) -> bool {
        match self {
            Self::Splits | Self::Treatments | Self::Dump => true,
            Self::Levy(key) => key.is_list(),
            _ => false,
        }
    }

    /// Whether it is a key of a section, made an axis by quoting.
    pub(super) fn is_own_axis(self) -> bool {
        self.name().contains('.')
    }
}
