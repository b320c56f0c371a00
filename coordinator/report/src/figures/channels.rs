//! AlexNet against its number of channels: accuracy, and the published α beside it.

use tailsweep_common::measurement::Split;
use tailsweep_common::state::RunState;

use super::axis::{Axis, Scale};
use super::legend::Entry;
use super::palette::{BLUE, Line, Shape, Style, VERMILLION};
use super::panel::{Curve, Dot, Panel, Plot};
use super::{Figure, alpha_range, evenly_spaced};
use crate::fields::{Field, label};
use crate::lookup::{Kind, Lookup};

/// Combinations of the other settings that are shown.
const MOST: usize = 6;

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
    let alphas: Vec<Vec<Curve>> = groups
        .iter()
        .map(|(_, points)| curves(lookup, points, alpha))
        .collect();
    let dots = || alphas.iter().flatten().flat_map(|curve| &curve.dots);
    let alpha_axis = Axis::between("late α, published", alpha_range(dots()));
    let mut panels = Vec::new();
    for ((name, points), alphas) in groups.iter().zip(&alphas) {
        let title = |what: &str| match name.is_empty() {
            true => what.to_owned(),
            false => format!("{what} · {name}"),
        };
        let plot = |y, rules, curves| Plot {
            x: x.clone(),
            y,
            height: 230,
            rules,
            diagonal: false,
            curves,
        };
        let accuracies = curves(lookup, points, accuracy);
        let accuracy_axis = Axis::between("accuracy", [0.0, 1.0]);
        panels.push(Panel {
            title: title("Accuracy"),
            plots: vec![plot(accuracy_axis, Vec::new(), accuracies)],
        });
        panels.push(Panel {
            title: title("Published α"),
            plots: vec![plot(alpha_axis.clone(), vec![2.0], alphas.clone())],
        });
    }
    let mut caption = "Accuracy after the last measured step, the mean over the finished seeds, \
         and the late published α with 95 % intervals, on both splits. Its controls stand in the \
         table of the five questions: few channels leave many exact zeros, which alone pull the \
         published number down."
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
        legend: SPLITS
            .map(|split| Entry::new(style(split), split.as_str()))
            .into(),
        panels,
        columns: 2,
    })
}

const SPLITS: [Split; 2] = [Split::Train, Split::Test];

fn style(split: Split) -> Style {
    match split {
        Split::Train => Style::line(BLUE, Line::Solid).with(Shape::Circle, false),
        Split::Test => Style::line(VERMILLION, Line::Dashed).with(Shape::Square, true),
    }
}

/// A value of a split of a point, and its interval.
type Value = (f64, Option<[f64; 2]>);

fn curves(
    lookup: &Lookup<'_>,
    points: &[usize],
    value: fn(&Lookup<'_>, usize, Split) -> Option<Value>,
) -> Vec<Curve> {
    let curve = |(split, shift)| {
        let mut dots: Vec<Dot> = points
            .iter()
            .filter_map(|point| {
                let (y, y_interval) = value(lookup, *point, split)?;
                Some(Dot {
                    x: Field::Width.coordinate(lookup.point(*point))?,
                    y,
                    x_interval: None,
                    y_interval,
                })
            })
            .collect();
        dots.sort_by(|left, right| left.x.total_cmp(&right.x));
        Curve {
            style: style(split),
            shift,
            dots,
        }
    };
    SPLITS.into_iter().zip([-2.0, 2.0]).map(curve).collect()
}

fn alpha(lookup: &Lookup<'_>, point: usize, split: Split) -> Option<Value> {
    let late = lookup.late(point, split, Kind::PUBLISHED)?;
    Some((late.alpha?, late.interval))
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
        assert_eq!(titles, ["Accuracy", "Published α"]);
        assert_eq!(
            dots(&figure.panels[0]),
            [[[2.0, 0.25], [4.0, 0.5]], [[2.0, 0.5], [4.0, 1.0]]]
        );
        assert_eq!(
            dots(&figure.panels[1]),
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
