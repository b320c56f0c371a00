//! Words that are no key, or none here: which one was meant.

use super::key::{Key, Place};
use super::problem::{Problem, Span, listed, quoted};

/// What other programs call it.
const ALIASES: [(&str, &str); 39] = [
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
    ("lrs", "learning_rate"),
    ("learning_rates", "learning_rate"),
    ("rate", "learning_rate"),
    ("num_seeds", "seeds"),
    ("repeats", "seeds"),
    ("epochs", "steps"),
    ("num_epochs", "steps"),
    ("iterations", "steps"),
    ("max_steps", "steps"),
    ("updates", "steps"),
    ("wd", "weight_decay"),
    ("l2", "weight_decay"),
    ("lr_schedule", "schedule"),
    ("scheduler", "schedule"),
    ("order", "sampling"),
    ("shuffle", "sampling"),
    ("training", "train"),
    ("measurement", "measure"),
    ("parameters", "block"),
    ("grid", "block"),
    ("timeout", "time_limit"),
    ("retries", "max_attempts"),
];

/// Words of values that other programs have.
const OTHER_WORDS: [(&str, &str); 15] = [
    ("mlp", "fcn"),
    ("fc", "fcn"),
    ("dense", "fcn"),
    ("fully_connected", "fcn"),
    ("linear", "linear_regression"),
    ("cross_entropy", "nll"),
    ("crossentropy", "nll"),
    ("ce", "nll"),
    ("mse", "squared"),
    ("mse_loss", "squared"),
    ("l2", "squared"),
    ("shuffle", "shuffled"),
    ("sequential", "file_order"),
    ("training", "train"),
    ("testing", "test"),
];

/// The keys of all places that a word was probably meant as.
pub(super) fn all_meant(word: &str) -> impl Iterator<Item = (Place, &'static str)> {
    let places = Place::ALL.into_iter();
    let places = places.filter(|_| word.len() <= LONGEST_SLIP);
    places.filter_map(move |place| {
        let bare = match (word.split_once('.'), place.section()) {
            (Some((section, bare)), Some(own)) if section == own => bare,
            _ => word,
        };
        let own_axis = Key::of_axis(bare).filter(|_| place == Place::Block);
        let exact = place.keys().into_iter().find(|key| *key == bare);
        let key = own_axis.map(Key::name).or(exact);
        Some((place, key.or_else(|| meant(place, bare))?))
    })
}

/// The key of `place` that was probably meant by a word that is none.
pub(super) fn meant(place: Place, word: &str) -> Option<&'static str> {
    let keys = place.keys();
    // The first words of a key are nearer than a key of the same name elsewhere.
    let first_words = plain(word);
    let mut longer = keys.iter().filter(|key| {
        let rest = key.strip_prefix(first_words.as_str());
        rest.is_some_and(|rest| rest.starts_with('_') && !first_words.is_empty())
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
    // `block.width`, or a key of the block below the name of a section.
    let bare = word.split_once('.').map_or("", |(_, bare)| bare);
    if let Some(key) = keys.iter().find(|key| **key == bare) {
        return Some(key);
    }
    alias(word)
        .filter(|key| keys.contains(key))
        .or_else(own_axis)
        .or_else(|| alias(bare).filter(|key| keys.contains(key)))
        .or_else(|| closest(word, keys.iter().copied()))
}

fn alias(word: &str) -> Option<&'static str> {
    let word = plain(word);
    let alias = ALIASES.iter().find(|(other, _)| *other == word);
    alias.map(|(_, key)| *key)
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
    } else if let Some(own) = section_of(word) {
        let (title, keys) = (own.title(), own.keys());
        format!("the keys of {title} are {}", listed(keys, "and"))
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

/// The section that an own axis such as `train.…` is of.
fn section_of(word: &str) -> Option<Place> {
    let (section, _) = word.split_once('.')?;
    Place::ALL
        .into_iter()
        .find(|place| place.section() == Some(section))
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

/// Longer texts are never slips of the pen, and a distance takes the product of the lengths.
pub(super) const LONGEST_SLIP: usize = 64;

/// The candidate that was probably meant by `word`, if one is near. To a word of one or two letters
/// many are near, so that only an equal one is taken.
pub(super) fn closest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if word.len() > LONGEST_SLIP {
        return None;
    }
    let squeezed = |text: &str| plain(text).replace('_', "");
    let meant = squeezed(word);
    let letters = |text: &str| text.chars().count();
    let most = |candidate: &str| match (letters(&meant), letters(candidate)) {
        (0..=2, _) | (_, 0..=1) => 0,
        (one, other) => one.max(other).div_ceil(4),
    };
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&meant, &squeezed(candidate));
            (distance, candidate)
        })
        .filter(|(distance, candidate)| *distance <= most(candidate))
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
    let other = OTHER_WORDS
        .iter()
        .find(|(other, _)| *other == plain(word))
        .map(|(_, ours)| *ours)
        .filter(|ours| known.clone().into_iter().any(|word| word == *ours));
    let help = match other.or_else(|| closest(word, known.clone())) {
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
    fn a_word_of_one_letter_is_near_to_none() {
        for word in ["x", "p", "é", "深さ", "学习率", "train.x", "train."] {
            let help = help(Place::Block, word);
            assert!(help.starts_with("the keys "), "{word}: {help}");
        }
        assert_eq!(help(Place::LevySde, "A"), "did you mean `a`?");
    }

    #[test]
    fn words_of_other_programs_are_known() {
        assert_eq!(help(Place::Top, "training"), "did you mean `train`?");
        assert_eq!(help(Place::Train, "shuffle"), "did you mean `sampling`?");
        assert_eq!(help(Place::Block, "lrs"), "did you mean `learning_rate`?");
        assert_eq!(
            help(Place::Block, "epochs"),
            "`steps` belongs to `[train]`; as an axis of a block it is written `\"train.steps\"`"
        );
        let problem = unknown_word("loss", "cross_entropy", 0..0, ["nll", "hinge"]);
        assert_eq!(problem.help, "did you mean `\"nll\"`?");
    }

    #[test]
    fn a_word_like_no_other_is_shown_what_there_is() {
        assert_eq!(help(Place::Stop, "xyzzy"), "the keys here are `alpha_ci`");
        let help = help(Place::Block, "activation");
        assert!(help.starts_with("the keys here are"), "{help}");
    }
}
