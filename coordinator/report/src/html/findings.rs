//! What came out, in sentences that say no more than the numbers do.

use tailsweep_common::measurement::Split;
use tailsweep_stats::late::Late;

use crate::lookup::{Kind, Lookup};
use crate::numbers::{counted, rounded};

/// A paragraph; empty without a late α of a network.
pub(super) fn section(lookup: &Lookup<'_>) -> String {
    let points: Vec<usize> = (0..lookup.facts.points.len())
        .filter(|point| lookup.point(*point).network().is_some())
        .collect();
    let late = |point: usize, kind| lookup.late(point, lookup.main_split(point), kind);
    let alpha = |point: usize, kind| late(point, kind)?.alpha;
    let published: Vec<f64> = points
        .iter()
        .filter_map(|point| alpha(*point, Kind::PUBLISHED))
        .collect();
    let Some(range) = range(&published, 2) else {
        return String::new();
    };
    let is_train = points
        .iter()
        .all(|point| lookup.main_split(*point) == Split::Train);
    let split = if is_train {
        " on the training split"
    } else {
        ""
    };
    let count = match published.len() {
        count if count < points.len() => {
            format!("{count} of {}", counted(points.len() as u64, "point"))
        }
        count => counted(count as u64, "point"),
    };
    let mut sentences = vec![format!(
        "Late in training the published α{split} {range} ({count})."
    )];
    let difference = |point: &usize| {
        let rows = alpha(*point, Kind::PUBLISHED_ROWS)?;
        Some((rows - alpha(*point, Kind::SURROGATE)?).abs())
    };
    let largest = points.iter().filter_map(difference).reduce(f64::max);
    sentences.extend(largest.map(|largest| {
        format!(
            "What Gaussian noise with the same covariance and the same zeros would read differs from \
             it, with rows restarted, by at most {}; where the two agree, the published number does \
             not decide about tails.",
            rounded(largest, 3)
        )
    }));
    let within: Vec<&Late> = points
        .iter()
        .filter_map(|point| late(*point, Kind::WITHIN))
        .filter(|late| late.interval.is_some())
        .collect();
    if !within.is_empty() {
        let is_below = |late: &&&Late| late.interval.is_some_and(|[_, high]| high < 2.0);
        let below = within.iter().filter(is_below).count();
        let meaning = match below {
            0 => "",
            _ => {
                ": there the noise varies more than Gaussian noise does, which does not say that its \
                 variance is infinite"
            }
        };
        sentences.push(format!(
            "Across minibatches, parameter by parameter, the 95 % interval of α lies below 2 in \
             {below} of {}{meaning}.",
            counted(within.len() as u64, "point"),
        ));
    }
    let zeros: Vec<f64> = points
        .iter()
        .filter_map(|point| {
            let split = lookup.main_split(*point);
            Some(100.0 * lookup.late_mean(*point, split, |row| row.zero_fraction)?)
        })
        .collect();
    sentences.extend(
        self::range(&zeros, 1)
            .map(|range| format!("The share of exact zeros in the noise {range} %.")),
    );
    format!("\n<p class=\"findings\">{}</p>", sentences.join(" "))
}

/// `is 1.32` or `lies between 0.44 and 0.57`; `None` without values.
fn range(values: &[f64], decimals: usize) -> Option<String> {
    let low = values.iter().copied().reduce(f64::min)?;
    let high = values.iter().copied().reduce(f64::max)?;
    let [low, high] = [low, high].map(|value| rounded(value, decimals));
    Some(match low == high {
        true => format!("is {low}"),
        false => format!("lies between {low} and {high}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::late::of_points;

    #[test]
    fn what_came_out_is_said_in_sentences() {
        let facts = fixture::channels();
        let late = of_points(&facts);
        let text = section(&Lookup::new(&facts, &late));
        assert!(
            text.contains(
                "the published α on the training split lies between 1.25 and 1.50 (2 points)."
            ),
            "{text}"
        );
        assert!(text.contains("exact zeros in the noise is 0.0 %"), "{text}");
        let facts = fixture::equations();
        let late = of_points(&facts);
        assert_eq!(section(&Lookup::new(&facts, &late)), "");
    }
}
