//! Do tails survive summation? Local slopes against the number of summed terms.

use tailsweep_stats::late::Late;

use super::axis::Axis;
use super::legend::Entry;
use super::palette::{BLUE, GREEN, Line, Shape, Style, VERMILLION};
use super::panel::{Curve, Dot, Panel, Plot};
use super::{Figure, alpha_range, evenly_spaced};
use crate::lookup::{Kind, Lookup};

/// Points that are shown.
const MOST: usize = 12;
/// A level with a larger standard error of 1/α says nothing and would squeeze the others: at α = 2 this is
/// 0.3 of α.
pub(super) const LARGEST_ERROR: f64 = 0.075;

pub(super) fn figure(lookup: &Lookup<'_>) -> Option<Figure> {
    let with_data: Vec<usize> = (0..lookup.facts.points.len())
        .filter(|point| {
            curves(lookup, *point)[..2]
                .iter()
                .any(|curve| curve.dots.len() > 1)
        })
        .collect();
    let shown = evenly_spaced(with_data.len(), MOST);
    let left_out = with_data.len() - shown.len();
    let all: Vec<(usize, [Curve; 3])> = shown
        .into_iter()
        .map(|index| (with_data[index], curves(lookup, with_data[index])))
        .collect();
    let dots = || {
        all.iter()
            .flat_map(|(_, curves)| curves)
            .flat_map(|curve| &curve.dots)
    };
    let longest = dots().map(|dot| dot.x).fold(2.0, f64::max);
    let x = Axis::powers("terms summed", 2, [0.75, longest * 1.4]);
    let y = Axis::between("late α", alpha_range(dots()));
    let panels: Vec<Panel> = all
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
    let mut caption = "Local slope: the α that doubling the number of summed terms reads, so that \
         constant offsets such as unequal scales and zeros cancel. Stable noise stays flat at its \
         α; heavy tails of finite variance climb to 2, slowly if they are close to log-normal. \
         Across parameters: local_slope / permuted, sums over parameters in one fixed random \
         order with random signs. Across minibatches: local_slope / paired, parameter by \
         parameter; a value at k minibatches of b examples speaks of an effective batch of k·b. \
         At 1: within_coordinate / paired. Late α with 95 % intervals; \
         a ladder is shown as long as the standard error of 1/α is at most 0.075 and it rests on at \
         least five groups."
        .to_owned();
    if left_out > 0 {
        caption.push_str(&format!(
            " {} of {} points, evenly spaced over the sweep; the others are in points.csv.",
            panels.len(),
            with_data.len()
        ));
    }
    let [permuted, paired, within] = styles();
    (!panels.is_empty()).then(|| Figure {
        name: "summation".to_owned(),
        title: "Do tails survive summation?".to_owned(),
        caption,
        legend: vec![
            Entry::new(permuted, "across parameters"),
            Entry::new(paired, "across minibatches"),
            Entry::new(within, "within coordinate"),
        ],
        panels,
        columns: 3,
    })
}

fn styles() -> [Style; 3] {
    [
        Style::line(BLUE, Line::Solid).with(Shape::Circle, true),
        Style::line(VERMILLION, Line::Solid).with(Shape::Square, false),
        Style::line(GREEN, Line::None).with(Shape::Diamond, false),
    ]
}

fn curves(lookup: &Lookup<'_>, point: usize) -> [Curve; 3] {
    let split = lookup.main_split(point);
    let [permuted, paired, within] = styles();
    let curve = |style: Style, kind: Kind, shift: f64| {
        let is_precise = |late: &Late| {
            late.theta_error()
                .is_none_or(|error| error <= LARGEST_ERROR)
        };
        let dots = lookup
            .ladder(point, split, kind, is_precise)
            .into_iter()
            .filter_map(|row| {
                Some(Dot {
                    y_interval: row.late.interval,
                    ..Dot::new(row.key.k1.map_or(1.0, |k1| k1 as f64), row.late.alpha?)
                })
            })
            .collect();
        Curve { style, shift, dots }
    };
    [
        curve(permuted, Kind::PERMUTED_SLOPE, -1.5),
        curve(paired, Kind::PAIRED_SLOPE, 1.5),
        curve(within, Kind::WITHIN, 0.0),
    ]
}
