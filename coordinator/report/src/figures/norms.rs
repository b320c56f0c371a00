//! The norms of the noise beside those of Gaussian and of α-stable vectors (Figure 1 of the
//! paper).
//!
//! Both are vectors of as many independent, equally distributed coordinates as there are
//! parameters, and norms are relative to their median, so that the scale is the same. Gaussian:
//! the norm is nearly normal, with standard deviation 1/√(2M) of its median. Stable with α < 2:
//! the squares have tails of index α/2, so the squared norm is nearly the positive stable law of
//! that index (the generalised central limit theorem; M is large).

use tailsweep_stats::stable::Stable;

use super::axis::Axis;
use super::legend::Entry;
use super::palette::{BLUE, INK, Line, Style, VERMILLION};
use super::panel::{Curve, Dot, Panel, Plot};
use super::{Figure, evenly_spaced};
use crate::lookup::{Kind, Lookup};
use crate::norms::{BINS, RelativeNorms, edges};
use crate::numbers::{grouped, rounded};

/// Points that are shown.
const MOST: usize = 6;
/// Rows below which a histogram shows nothing.
const FEWEST: u64 = 20;
/// The stable law is not drawn nearer to the Gaussian.
const LARGEST_ALPHA: f64 = 1.99;
const SMALLEST_ALPHA: f64 = 0.3;

pub(super) fn figure(lookup: &Lookup<'_>) -> Option<Figure> {
    let all: Vec<(usize, RelativeNorms)> = (0..lookup.facts.points.len())
        .map(|point| (point, norms(lookup, point)))
        .filter(|(_, norms)| norms.count() >= FEWEST)
        .collect();
    let shown: Vec<&(usize, RelativeNorms)> = evenly_spaced(all.len(), MOST)
        .into_iter()
        .map(|index| &all[index])
        .collect();
    let panels: Vec<Panel> = shown
        .iter()
        .map(|(point, norms)| panel(lookup, *point, norms))
        .collect();
    let mut caption = "How far minibatches are from the full gradient: norms of the rows of the \
         noise over their median, late measurements of all finished seeds together. Beside them \
         the norms of vectors of as many independent, equally distributed coordinates, Gaussian, \
         and stable with the published α of the point. Such Gaussian norms hardly vary, so almost \
         any noise differs from them; Gaussian noise need not, for correlation and unequal \
         scales alone spread norms. Nor does a wide histogram say that α is below 2. Both axes are \
         logarithmic; the outermost bins have all that is beyond."
        .to_owned();
    if shown.len() < all.len() {
        caption.push_str(&format!(
            " {} of {} points, evenly spaced over the sweep.",
            shown.len(),
            all.len()
        ));
    }
    let texts = [
        "measured",
        "Gaussian, independent",
        "α-stable, independent, published α",
    ];
    (!panels.is_empty()).then(|| Figure {
        name: "noise-norms".to_owned(),
        title: "Norms of the noise".to_owned(),
        caption,
        legend: styles()
            .into_iter()
            .zip(texts)
            .map(|(style, text)| Entry::new(style, text))
            .collect(),
        panels,
        columns: 3,
    })
}

fn styles() -> [Style; 3] {
    [
        Style::line(INK, Line::Solid),
        Style::line(BLUE, Line::Dotted),
        Style::line(VERMILLION, Line::Dashed),
    ]
}

/// Those of all seeds of a point.
fn norms(lookup: &Lookup<'_>, point: usize) -> RelativeNorms {
    let split = lookup.main_split(point);
    let mut norms = RelativeNorms::default();
    for run in lookup.runs(point) {
        for (of, more) in &run.norms {
            if *of == split {
                norms.merge(more);
            }
        }
    }
    norms
}

fn panel(lookup: &Lookup<'_>, point: usize, norms: &RelativeNorms) -> Panel {
    let shares = norms.shares();
    let params = lookup.point(point).params();
    let alpha = lookup
        .late(point, lookup.main_split(point), Kind::PUBLISHED)
        .and_then(|late| late.alpha)
        .filter(|alpha| *alpha >= SMALLEST_ALPHA);
    let gaussian = gaussian_shares(params);
    let stable = alpha.and_then(|alpha| stable_shares(alpha.min(LARGEST_ALPHA)));
    let lowest = 0.3 / norms.count() as f64;
    // Without the last bin, which has all that is beyond.
    let seen = |shares: &[f64]| {
        let first = shares.iter().position(|share| *share >= lowest);
        let last = shares[..BINS - 1]
            .iter()
            .rposition(|share| *share >= lowest);
        first.zip(last)
    };
    let [first, last] = [Some(&shares), Some(&gaussian), stable.as_ref()]
        .into_iter()
        .flatten()
        .filter_map(|shares| seen(shares))
        .fold([BINS, 0], |[low, high], (first, last)| {
            [low.min(first), high.max(last)]
        });
    let (first, last) = (first.saturating_sub(2), (last + 2).min(BINS - 1));
    let first = first.min(last);
    let [low, high] = [edges(first)[0], edges(last)[1]];
    let step = |shares: &[f64], style| Curve {
        style,
        shift: 0.0,
        dots: (first..=last)
            .flat_map(|bin| edges(bin).map(|x| Dot::new(x, shares[bin].max(lowest))))
            .collect(),
    };
    let all: Vec<Curve> = [Some(&shares), Some(&gaussian), stable.as_ref()]
        .into_iter()
        .zip(styles())
        .filter_map(|(shares, style)| Some(step(shares?, style)))
        .rev()
        .collect();
    let mut title = lookup.label(point);
    if let Some(alpha) = alpha {
        let joint = if title.is_empty() { "" } else { " · " };
        title += &format!("{joint}α {}", rounded(alpha, 2));
    }
    title += &format!(" · {} rows", grouped(norms.count()));
    Panel {
        title,
        plots: vec![Plot {
            x: Axis::powers("norm over its median", 2, [low, high]),
            y: Axis::decades("share of rows", [lowest, 1.5]),
            height: 210,
            rules: Vec::new(),
            diagonal: false,
            curves: all,
        }],
    }
}

/// Of norms of Gaussian vectors of this length, by bin.
fn gaussian_shares(params: u64) -> Vec<f64> {
    let below = |ratio: f64| {
        let z = (ratio - 1.0) * (2.0 * params as f64).sqrt();
        Stable::symmetric(2.0, std::f64::consts::FRAC_1_SQRT_2)
            .map_or(0.5, |normal| normal.distribution(z))
    };
    shares(below)
}

/// Of norms of long vectors of stable coordinates, by bin.
fn stable_shares(alpha: f64) -> Option<Vec<f64>> {
    let law = Stable::new(0.5 * alpha, 1.0, 1.0, 0.0).ok()?;
    let median = law.quantile(0.5);
    (median > 0.0).then(|| shares(|ratio| law.distribution(median * ratio * ratio)))
}

/// The shares of all bins; the outermost ones have what is beyond.
fn shares(below: impl Fn(f64) -> f64) -> Vec<f64> {
    let edge = |bin: usize| match bin {
        0 => 0.0,
        BINS => 1.0,
        _ => below(edges(bin)[0]),
    };
    let edges: Vec<f64> = (0..=BINS).map(edge).collect();
    edges
        .windows(2)
        .map(|ends| (ends[1] - ends[0]).max(0.0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share that lies above a multiple of the median.
    fn above(shares: &[f64], ratio: f64) -> f64 {
        (0..BINS)
            .filter(|bin| edges(*bin)[0] >= ratio)
            .map(|bin| shares[bin])
            .sum()
    }

    #[test]
    fn half_of_the_norms_lie_above_the_median() {
        let stable = [0.5, 1.0, 1.5, 1.9].map(|alpha| stable_shares(alpha).unwrap());
        for shares in stable.iter().chain([&gaussian_shares(3176)]) {
            assert!((above(shares, 1.0) - 0.5).abs() < 1e-6);
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn stable_norms_have_the_tail_of_their_coordinates() {
        // P(norm > r) falls as r^−α.
        for alpha in [0.8, 1.2] {
            let shares = stable_shares(alpha).unwrap();
            let slope = (above(&shares, 16.0) / above(&shares, 128.0)).log2() / 3.0;
            assert!((slope - alpha).abs() < 0.05, "{alpha}: {slope}");
        }
        // Norms of Gaussian vectors of 800 coordinates: 1/√1600 of the median.
        assert!(above(&gaussian_shares(800), 1.09) < 0.001);
        assert!(above(&gaussian_shares(800), 1.0) > 0.49);
    }

    #[test]
    fn long_vectors_of_stable_numbers_have_these_norms() {
        let law = Stable::symmetric(1.5, 1.0).unwrap();
        let mut words = tailsweep_stats::stable::SplitMix64::new(7);
        let mut norms: Vec<f64> = (0..4000)
            .map(|_| {
                let squares = (0..400).map(|_| law.sample(|| words.next_word()).powi(2));
                squares.sum::<f64>().sqrt()
            })
            .collect();
        norms.sort_by(f64::total_cmp);
        let median = norms[2000];
        let expected = stable_shares(1.5).unwrap();
        for ratio in [0.0, 0.25, 0.5, 1.0, 2.0].map(f64::exp2) {
            let seen = norms.iter().filter(|norm| **norm > ratio * median).count();
            let (seen, expected) = (seen as f64 / 4000.0, above(&expected, ratio - 1e-6));
            assert!((seen - expected).abs() < 0.03, "{ratio}: {seen} {expected}");
        }
    }
}
