//! Settings that differ between points, and which points have which.

use crate::fields::Field;
use crate::lookup::Lookup;

/// Groups of points that are named one by one.
const MOST_LABELS: usize = 4;

/// The different texts of the points; behind each, if there are several, the points that have it: by
/// the values of one setting where one decides.
pub(super) fn texts(lookup: &Lookup<'_>, words: impl Fn(usize) -> Option<String>) -> String {
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for point in 0..lookup.facts.points.len() {
        let Some(text) = words(point) else { continue };
        match groups.iter_mut().find(|(known, _)| *known == text) {
            Some((_, points)) => points.push(point),
            None => groups.push((text, vec![point])),
        }
    }
    if let [(text, _)] = &groups[..] {
        return text.clone();
    }
    let values = |field: &Field, points: &[usize]| {
        field.values(points.iter().map(|point| lookup.point(*point)))
    };
    // A setting decides if no value of it is in two groups.
    let decides = |field: &&Field| {
        let mut seen: Vec<String> = Vec::new();
        groups.iter().all(|(_, points)| {
            let values = values(field, points);
            let is_new = values.iter().all(|value| !seen.contains(value));
            seen.extend(values);
            is_new
        })
    };
    let decisive = lookup.varying.iter().find(decides);
    let texts: Vec<String> = groups
        .iter()
        .filter(|(text, _)| !text.is_empty())
        .map(|(text, points)| {
            let which = match decisive {
                Some(field) => format!("{} {}", field.name(), values(field, points).join(", ")),
                None if points.len() <= MOST_LABELS => {
                    let labels: Vec<String> =
                        points.iter().map(|point| lookup.label(*point)).collect();
                    labels.join(", ")
                }
                None => format!("{} of the points", points.len()),
            };
            format!("{text} [{which}]")
        })
        .collect();
    texts.join("; ")
}
