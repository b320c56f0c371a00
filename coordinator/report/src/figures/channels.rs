//! AlexNet against its number of channels: accuracy and zeros, the published α beside its controls,
//! and the α across minibatches.

use tailsweep_common::measurement::Split;
use tailsweep_common::state::RunState;

use super::axis::{Axis, Scale};
use super::legend::Entry;
use super::palette::{BLUE, INK, Line, Shape, Style, VERMILLION};
use super::panel::{Curve, Dot, Panel, Plot};
use super::{Figure, alpha_range, evenly_spaced};
use crate::fields::{Field, label};
use crate::lookup::{Kind, Lookup};

/// Combinations of the other settings that are shown.
const MOST: usize = 4;

pub(super) fn figure(lookup: &Lookup<'_>) -> Option<Figure> {
    let others: Vec<Field> = lookup
        .varying
        .iter()
        .filter(|field| !matches!(field, Field::Width | Field::Architecture))
        .cloned()
        .collect();
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for index in 0..lookup.facts.points.len() {
        let point = lookup.point(index);
        if point.architecture() != "alexnet" || !has_accuracy(lookup, index) {
            continue;
        }
        let name = label(&others, point);
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, points)) => points.push(index),
            None => groups.push((name, vec![index])),
        }
    }
    groups.retain(|(_, points)| points.len() > 1);
    if groups.is_empty() {
        return None;
    }
    let shown = evenly_spaced(groups.len(), MOST);
    let left_out = groups.len() - shown.len();
    let groups: Vec<&(String, Vec<usize>)> = shown.iter().map(|index| &groups[*index]).collect();
    let channels: Vec<f64> = groups
        .iter()
        .flat_map(|(_, points)| points)
        .filter_map(|point| Field::Width.coordinate(lookup.point(*point)))
        .collect();
    let x = Axis::values("channels", Scale::Log, &channels);
    let of_group = |points: &[usize]| {
        let published = [
            curves(lookup, points, Line::Dotted, &late(Kind::ZEROS_DROPPED)),
            curves(lookup, points, Line::Dashed, &late(Kind::SURROGATE)),
            curves(lookup, points, Line::Solid, &late(Kind::PUBLISHED)),
        ];
        let within = curves(lookup, points, Line::Solid, &late(Kind::WITHIN));
        [published.concat(), within]
    };
    let alphas: Vec<[Vec<Curve>; 2]> = groups.iter().map(|(_, it)| of_group(it)).collect();
    let alpha_axis = |kind: usize| {
        let curves = alphas.iter().flat_map(|of_group| &of_group[kind]);
        let dots = curves.flat_map(|curve| &curve.dots);
        Axis::between("late α", alpha_range(dots))
    };
    let [published_axis, within_axis] = [alpha_axis(0), alpha_axis(1)];
    let mut panels = Vec::new();
    for ((name, points), [published, within]) in groups.iter().zip(alphas.clone()) {
        let share = |value: &dyn Fn(&Lookup<'_>, usize, Split) -> Option<Value>| {
            curves(lookup, points, Line::Solid, value)
        };
        let zeros = share(&zeros);
        let highest = zeros.iter().flat_map(|curve| &curve.dots);
        let highest = highest.map(|dot| dot.y).fold(0.01, f64::max);
        let zero_axis = Axis::between("share of exact zeros", [0.0, 1.08 * highest]);
        let plots = [
            (
                "Accuracy",
                Axis::between("accuracy", [0.0, 1.0]),
                share(&accuracy),
            ),
            ("Exact zeros in the noise", zero_axis, zeros),
            ("Published α", published_axis.clone(), published),
            ("Across minibatches", within_axis.clone(), within),
        ];
        for (what, y, curves) in plots {
            if curves.iter().all(|curve| curve.dots.is_empty()) {
                continue;
            }
            let title = match name.is_empty() {
                true => what.to_owned(),
                false => format!("{what} · {name}"),
            };
            let plot = Plot {
                x: x.clone(),
                y,
                height: 230,
                rules: vec![2.0],
                diagonal: false,
                curves,
            };
            let plots = vec![plot];
            panels.push(Panel { title, plots });
        }
    }
    let mut caption = "Accuracy after the last measured step, the mean over the finished seeds; the \
         share of exact zeros in the noise, late in training; the late published α with 95 % \
         intervals, the dashed line of the same colour what Gaussian noise with the same covariance \
         and the same zeros would read, the dotted one the published estimator without the zeros; \
         and the late within_coordinate / paired. Few channels leave many exact zeros, which alone \
         pull the published number down. Where it agrees with the surrogate, it does not decide \
         about tails."
        .to_owned();
    if left_out > 0 {
        caption.push_str(&format!(
            " {left_out} further combinations of the other settings are in points.csv and \
             runs.csv alone."
        ));
    }
    Some(Figure {
        name: "channels".to_owned(),
        title: "AlexNet against channels".to_owned(),
        caption,
        legend: legend(),
        panels,
        columns: 2,
    })
}

const SPLITS: [Split; 2] = [Split::Train, Split::Test];

fn legend() -> Vec<Entry> {
    let splits = SPLITS.map(|split| Entry::new(style(split, Line::Solid), split.as_str()));
    let control = |line, text| Entry::new(Style::line(INK, line), text);
    let controls = [
        control(Line::Dashed, "Gaussian surrogate"),
        control(Line::Dotted, "zeros dropped"),
    ];
    splits.into_iter().chain(controls).collect()
}

/// Controls have no markers.
fn style(split: Split, line: Line) -> Style {
    let (colour, shape, hollow) = match split {
        Split::Train => (BLUE, Shape::Circle, false),
        Split::Test => (VERMILLION, Shape::Square, true),
    };
    match line {
        Line::Solid => Style::line(colour, line).with(shape, hollow),
        _ => Style::line(colour, line),
    }
}

/// A value of a split of a point, and its interval.
type Value = (f64, Option<[f64; 2]>);

fn curves(
    lookup: &Lookup<'_>,
    points: &[usize],
    line: Line,
    value: &dyn Fn(&Lookup<'_>, usize, Split) -> Option<Value>,
) -> Vec<Curve> {
    let curve = |(split, shift)| {
        let style = style(split, line);
        let mut dots: Vec<Dot> = points
            .iter()
            .filter_map(|point| {
                let (y, interval) = value(lookup, *point, split)?;
                Some(Dot {
                    y_interval: interval.filter(|_| style.marker.is_some()),
                    ..Dot::new(Field::Width.coordinate(lookup.point(*point))?, y)
                })
            })
            .collect();
        dots.sort_by(|left, right| left.x.total_cmp(&right.x));
        Curve { style, shift, dots }
    };
    SPLITS.into_iter().zip([-2.0, 2.0]).map(curve).collect()
}

/// The late α of a kind.
fn late(kind: Kind) -> impl Fn(&Lookup<'_>, usize, Split) -> Option<Value> {
    move |lookup, point, split| {
        let late = lookup.late(point, split, kind)?;
        Some((late.alpha?, late.interval))
    }
}

fn zeros(lookup: &Lookup<'_>, point: usize, split: Split) -> Option<Value> {
    Some((
        lookup.late_mean(point, split, |row| row.zero_fraction)?,
        None,
    ))
}

fn accuracy(lookup: &Lookup<'_>, point: usize, split: Split) -> Option<Value> {
    let values: Vec<f64> = lookup
        .runs(point)
        .iter()
        .filter(|run| run.state == RunState::Done)
        .filter_map(|run| lookup.facts.last(run, split)?.accuracy)
        .collect();
    (!values.is_empty()).then(|| (values.iter().sum::<f64>() / values.len() as f64, None))
}

fn has_accuracy(lookup: &Lookup<'_>, point: usize) -> bool {
    SPLITS
        .iter()
        .any(|split| accuracy(lookup, point, *split).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::late::of_points;

    fn dots(panel: &Panel) -> Vec<Vec<[f64; 2]>> {
        let curves = panel.plots[0].curves.iter();
        let places = |curve: &Curve| curve.dots.iter().map(|dot| [dot.x, dot.y]).collect();
        curves.map(places).collect()
    }

    /// Figure 6 of the paper: accuracy and α against the channels, on both splits.
    #[test]
    fn accuracy_and_alpha_of_both_splits_stand_over_the_channels() {
        let facts = fixture::channels();
        let late = of_points(&facts);
        let figure = figure(&Lookup::new(&facts, &late)).unwrap();
        let titles: Vec<&str> = figure.panels.iter().map(|it| it.title.as_str()).collect();
        assert_eq!(
            titles,
            ["Accuracy", "Exact zeros in the noise", "Published α"]
        );
        assert_eq!(
            dots(&figure.panels[0]),
            [[[2.0, 0.25], [4.0, 0.5]], [[2.0, 0.5], [4.0, 1.0]]]
        );
        assert_eq!(
            dots(&figure.panels[1]),
            [[[2.0, 1e-7], [4.0, 1e-7]], [[2.0, 1e-7], [4.0, 1e-7]]]
        );
        // Without zeros, and the surrogate, come before.
        assert_eq!(
            dots(&figure.panels[2])[4..],
            [[[2.0, 1.5], [4.0, 1.25]], [[2.0, 3.0], [4.0, 2.5]]]
        );
        assert!(figure.pdf().starts_with(b"%PDF"));
    }

    #[test]
    fn a_fully_connected_network_has_no_channels() {
        let facts = fixture::facts();
        let late = of_points(&facts);
        assert!(figure(&Lookup::new(&facts, &late)).is_none());
    }
}
