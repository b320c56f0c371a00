//! The curve over K1: what the published estimator reads at other block lengths.

use super::axis::Axis;
use super::legend::Entry;
use super::palette::{BLUE, INK, Line, ORANGE, Shape, Style, VERMILLION};
use super::panel::{Curve, Dot, Panel, Plot};
use super::{Figure, alpha_range, evenly_spaced};
use crate::lookup::{Kind, Lookup};

/// Points that are shown.
const MOST: usize = 12;

pub(super) fn figure(lookup: &Lookup<'_>) -> Option<Figure> {
    let all: Vec<(usize, [Curve; 4])> = (0..lookup.facts.points.len())
        .map(|point| (point, curves(lookup, point)))
        .filter(|(_, curves)| curves[..2].iter().any(|curve| curve.dots.len() > 1))
        .collect();
    let shown: Vec<&(usize, [Curve; 4])> = evenly_spaced(all.len(), MOST)
        .into_iter()
        .map(|index| &all[index])
        .collect();
    let dots = || {
        shown
            .iter()
            .flat_map(|(_, curves)| curves)
            .flat_map(|curve| &curve.dots)
    };
    let longest = dots().map(|dot| dot.x).fold(2.0, f64::max);
    let x = Axis::powers("block length K₁", 2, [1.5, longest * 1.4]);
    let y = Axis::between("late α", alpha_range(dots()));
    let panels: Vec<Panel> = shown
        .iter()
        .map(|(point, curves)| Panel {
            title: lookup.label(*point),
            plots: vec![Plot {
                x: x.clone(),
                y: y.clone(),
                height: 200,
                rules: vec![2.0],
                diagonal: false,
                curves: curves.to_vec(),
            }],
        })
        .collect();
    let mut caption = "The published estimator at the block lengths 2, 4, 8, …: in the order of \
         the parameters, and in one fixed random order with random signs, which cures correlation \
         but not unequal scales and zeros. Markers: the published α at its own K₁, and what \
         Gaussian noise with the same covariance and zeros would read there. Late α with 95 % \
         intervals. The curve by itself decides nothing: unequal scales, zeros and short \
         correlation make it rise as light tails do."
        .to_owned();
    if shown.len() < all.len() {
        caption.push_str(&format!(
            " {} of {} points, evenly spaced over the sweep; the others are in points.csv.",
            shown.len(),
            all.len()
        ));
    }
    let texts = [
        "in the order of the parameters",
        "permuted, with random signs",
        "Gaussian surrogate",
        "published",
    ];
    (!panels.is_empty()).then(|| Figure {
        name: "block-length".to_owned(),
        title: "The published α over the block length".to_owned(),
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

fn styles() -> [Style; 4] {
    [
        Style::line(BLUE, Line::Solid).with(Shape::Circle, true),
        Style::line(ORANGE, Line::Solid).with(Shape::Square, true),
        Style::line(VERMILLION, Line::None).with(Shape::Cross, false),
        Style::line(INK, Line::None).with(Shape::Diamond, false),
    ]
}

fn curves(lookup: &Lookup<'_>, point: usize) -> [Curve; 4] {
    let split = lookup.main_split(point);
    let kinds = [
        (Kind::PUBLISHED_ROWS, -1.5),
        (Kind::PERMUTED, 1.5),
        (Kind::SURROGATE, 0.0),
        (Kind::PUBLISHED, 0.0),
    ];
    let mut curves = styles()
        .into_iter()
        .zip(kinds)
        .map(|(style, (kind, shift))| {
            let mut dots: Vec<Dot> = lookup
                .levels(point, split, kind)
                .filter_map(|row| {
                    Some(Dot {
                        x: row.key.k1? as f64,
                        y: row.late.alpha?,
                        x_interval: None,
                        y_interval: row.late.interval,
                    })
                })
                .collect();
            dots.sort_by(|left, right| left.x.total_cmp(&right.x));
            Curve { style, shift, dots }
        });
    std::array::from_fn(|_| curves.next().expect("as many styles as kinds"))
}
