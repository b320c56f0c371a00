//! The keys of a sweep file: their names, where they belong, and which one was meant.

use super::levy_sde::LevyKey;
use super::problem::{Problem, Span, listed, quoted};
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
    const ALL: [Self; 7] = [
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

    fn title(self) -> &'static str {
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

/// What other programs call it.
const ALIASES: [(&str, &str); 30] = [
    ("arch", "architecture"),
    ("model", "architecture"),
    ("network", "architecture"),
    ("bs", "batch_size"),
    ("batch", "batch_size"),
    ("minibatch_size", "batch_size"),
    ("data", "dataset"),
    ("datasets", "dataset"),
    ("layers", "depth"),
    ("num_layers", "depth"),
    ("channels", "width"),
    ("hidden", "width"),
    ("hidden_size", "width"),
    ("units", "width"),
    ("criterion", "loss"),
    ("eta", "learning_rate"),
    ("lr", "learning_rate"),
    ("rate", "learning_rate"),
    ("num_seeds", "seeds"),
    ("repeats", "seeds"),
    ("iterations", "steps"),
    ("max_steps", "steps"),
    ("updates", "steps"),
    ("wd", "weight_decay"),
    ("l2", "weight_decay"),
    ("lr_schedule", "schedule"),
    ("scheduler", "schedule"),
    ("order", "sampling"),
    ("timeout", "time_limit"),
    ("retries", "max_attempts"),
];

/// The key of `place` that was probably meant by a word that is none.
pub(super) fn meant(place: Place, word: &str) -> Option<&'static str> {
    let keys = place.keys();
    // The first words of a key are nearer than a key of the same name elsewhere.
    let mut longer = keys.iter().filter(|key| {
        let rest = key.strip_prefix(plain(word).as_str());
        rest.is_some_and(|rest| rest.starts_with('_'))
    });
    if let (Some(key), None) = (longer.next(), longer.next()) {
        return Some(key);
    }
    if belongs(place, word).is_some() {
        return None;
    }
    let own_axis = || {
        if place == Place::Block {
            closest_own_axis(word)
        } else {
            None
        }
    };
    alias(word)
        .filter(|key| keys.contains(key))
        .or_else(own_axis)
        .or_else(|| closest(word, keys.iter().copied()))
}

fn alias(word: &str) -> Option<&'static str> {
    ALIASES
        .iter()
        .find(|(other, _)| *other == plain(word))
        .map(|(_, key)| *key)
}

/// What other programs call `word`, if it is one of `known` or the last part of one.
pub(super) fn alias_among<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let meant = alias(word)?;
    let bare = |key: &str| {
        key.split_once('.')
            .map_or(key == meant, |(_, bare)| bare == meant)
    };
    known.iter().find(|key| bare(key)).copied()
}

/// The problem of a key that does not exist at `place`, with the one that was probably meant.
pub(super) fn unknown_key(place: Place, word: &str, span: Span) -> Problem {
    let keys = place.keys();
    let alias = alias(word);
    let bare = word.split_once('.').map_or(word, |(_, bare)| bare);
    let help = if let Some(key) = meant(place, word) {
        let quote = if key.contains('.') { "\"" } else { "" };
        format!("did you mean `{quote}{key}{quote}`?")
    } else if let Some(elsewhere) = belongs(place, word) {
        elsewhere
    } else if let Some(elsewhere) = alias.and_then(|key| belongs(place, key)) {
        elsewhere
    } else if let Some(elsewhere) = Place::ALL
        .into_iter()
        .find_map(|other| closest(bare, other.keys()).and_then(|key| belongs(place, key)))
    {
        elsewhere
    } else {
        format!("the keys here are {}", listed(keys, "and"))
    };
    Problem::at(span, format!("unknown key {}", quoted(word)))
        .label(format!("not a key of {}", place.title()))
        .help(help)
}

/// Where a key belongs that stands at a wrong place.
fn belongs(place: Place, word: &str) -> Option<String> {
    let home = Place::ALL
        .into_iter()
        .find(|home| *home != place && home.keys().contains(&word))?;
    let own_axis = Key::of_setting(home, word).filter(|_| place == Place::Block);
    Some(match own_axis {
        Some(key) => format!(
            "`{word}` belongs to {}; as an axis of a block it is written `\"{}\"`",
            home.title(),
            key.name()
        ),
        None => format!("`{word}` belongs to {}", home.title()),
    })
}

fn closest_own_axis(word: &str) -> Option<&'static str> {
    if !word.contains('.') {
        return None;
    }
    closest(
        word,
        Key::all().filter(|key| key.is_own_axis()).map(Key::name),
    )
}

/// Lower case, with `-` and spaces as `_`.
fn plain(word: &str) -> String {
    word.to_lowercase().replace(['-', ' '], "_")
}

/// The candidate that was probably meant by `word`, if one is near.
pub(super) fn closest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Long texts are never slips of the pen, and the distance takes the product of the lengths.
    if word.len() > 64 {
        return None;
    }
    let squeezed = |text: &str| plain(text).replace('_', "");
    let meant = squeezed(word);
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&meant, &squeezed(candidate));
            (distance, candidate)
        })
        .filter(|(distance, candidate)| *distance <= candidate.len().max(meant.len()).div_ceil(4))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The problem of a word that is not one of `known`.
pub(super) fn unknown_word<'a>(
    what: &str,
    word: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Problem {
    let help = match closest(word, known.clone()) {
        Some(near) => format!("did you mean `\"{near}\"`?"),
        None => format!("write one of {}", listed(known, "or")),
    };
    Problem::at(span, format!("unknown {what} {}", quoted(word))).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(place: Place, word: &str) -> String {
        unknown_key(place, word, 0..0).help
    }

    #[test]
    fn a_slip_of_the_pen_names_the_key_that_was_meant() {
        assert_eq!(
            help(Place::Block, "batchsize"),
            "did you mean `batch_size`?"
        );
        assert_eq!(
            help(Place::Block, "batch-size"),
            "did you mean `batch_size`?"
        );
        assert_eq!(help(Place::Block, "Width"), "did you mean `width`?");
        assert_eq!(help(Place::Train, "step"), "did you mean `steps`?");
        assert_eq!(help(Place::Block, "lr"), "did you mean `learning_rate`?");
        assert_eq!(
            help(Place::Block, "train.momentun"),
            "did you mean `\"train.momentum\"`?"
        );
    }

    #[test]
    fn a_key_at_a_wrong_place_is_told_where_it_belongs() {
        assert_eq!(help(Place::Top, "steps"), "`steps` belongs to `[train]`");
        assert_eq!(
            help(Place::Block, "seeds"),
            "`seeds` belongs to the top of the file"
        );
        assert_eq!(
            help(Place::Block, "momentum"),
            "`momentum` belongs to `[train]`; as an axis of a block it is written \
             `\"train.momentum\"`"
        );
        assert_eq!(help(Place::Train, "evry"), "`every` belongs to `[measure]`");
        assert_eq!(help(Place::Stop, "alpha"), "did you mean `alpha_ci`?");
    }

    #[test]
    fn a_word_like_no_other_is_shown_what_there_is() {
        assert_eq!(help(Place::Stop, "xyzzy"), "the keys here are `alpha_ci`");
        let help = help(Place::Block, "activation");
        assert!(help.starts_with("the keys here are"), "{help}");
    }
}
