//! How users name a sweep: `last`, a name, or the beginning of an id.

use tailsweep_common::id::SweepId;

/// Why no sweep was selected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotSelected {
    #[error("there is no sweep yet; `tailsweep submit FILE` starts one")]
    NoSweep,
    #[error("no sweep is named `{0}` or has an id that begins so; `tailsweep sweeps` lists them")]
    NoMatch(String),
    #[error("the id prefix `{0}` fits more than one sweep: {1} and {2}")]
    Ambiguous(String, SweepId, SweepId),
    #[error("no run has an id that begins with `{0}`; `tailsweep runs` lists them")]
    NoRun(String),
    #[error("the id prefix `{0}` fits more than one run: write more of it")]
    AmbiguousRun(String),
}

/// The sweep that `selector` means. `sweeps` are ids and names, the one submitted latest last,
/// each with the sweep that stands for it now.
///
/// A name wins over a prefix, and of equal names the newest one.
pub(crate) fn select<'a>(
    selector: &str,
    sweeps: impl DoubleEndedIterator<Item = (SweepId, &'a str, SweepId)> + Clone,
) -> Result<SweepId, NotSelected> {
    let (.., newest) = sweeps.clone().next_back().ok_or(NotSelected::NoSweep)?;
    if selector == "last" {
        return Ok(newest);
    }
    if let Some((.., id)) = sweeps.clone().rfind(|(_, name, _)| *name == selector) {
        return Ok(id);
    }
    let mut matches =
        sweeps.filter(|(id, ..)| !selector.is_empty() && id.to_string().starts_with(selector));
    match (matches.next(), matches.next()) {
        (Some((.., id)), None) => Ok(id),
        (None, _) => Err(NotSelected::NoMatch(selector.to_owned())),
        (Some((a, ..)), Some((b, ..))) => Err(NotSelected::Ambiguous(selector.to_owned(), a, b)),
    }
}

/// The run that the beginning of an id means. `found` are the runs that begin so, two at most.
pub(crate) fn select_run<T: Copy>(prefix: &str, found: &[T]) -> Result<T, NotSelected> {
    match found {
        [one] if !prefix.is_empty() => Ok(*one),
        [_, _, ..] if !prefix.is_empty() => Err(NotSelected::AmbiguousRun(prefix.to_owned())),
        _ => Err(NotSelected::NoRun(prefix.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_named_in_three_ways() {
        let ids: Vec<SweepId> = (0..40_u8).map(|n| SweepId::of(&[n])).collect();
        let named = |n: usize| {
            let name = if n.is_multiple_of(2) { "even" } else { "odd" };
            (ids[n], name, ids[n.max(1)])
        };
        let choose = |selector: &str| select(selector, (0..40).map(named));
        assert_eq!(choose("last"), Ok(ids[39]));
        assert_eq!(choose("even"), Ok(ids[38]));
        assert_eq!(choose(&ids[7].to_string()), Ok(ids[7]));
        assert_eq!(
            choose("nothing"),
            Err(NotSelected::NoMatch("nothing".into()))
        );
        let extended = ids[0].to_string();
        assert_eq!(choose(&extended), Ok(ids[1]), "another one stands for it");
        assert_eq!(choose(""), Err(NotSelected::NoMatch(String::new())));
        // 40 ids share 16 first digits.
        assert!((0..16).any(|digit| matches!(
            choose(&format!("{digit:x}")),
            Err(NotSelected::Ambiguous(..))
        )));
        assert_eq!(select("last", (0..0).map(named)), Err(NotSelected::NoSweep));
    }
}
