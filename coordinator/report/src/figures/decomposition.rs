//! Where the published number comes from: its parts, point by point.

use super::Figure;
use super::axis::{Axis, Scale, bounds};
use super::legend::Entry;
use super::palette::Style;
use super::panel::{Curve, Dot, Panel, Plot};
use crate::decomposition::{Parts, parts};
use crate::fields::{Field, label};
use crate::lookup::Lookup;
use crate::seeds::OverSeeds;

/// Panels that are shown.
const MOST: usize = 12;

type Part = (&'static str, fn(&Parts) -> OverSeeds);

const PARTS: [Part; 5] = [
    ("published, 1/α̂ − ½", |parts| parts.published),
    ("exact zeros", |parts| parts.zeros),
    ("unequal scales", |parts| parts.scales),
    ("correlation", |parts| parts.correlation),
    ("what is left", |parts| parts.rest),
];

/// Against the batch size, or else the first setting with several numbers; none where the
/// treatments that it needs were not asked for.
pub(super) fn figure(lookup: &Lookup<'_>) -> Option<Figure> {
    let all: Vec<(usize, Parts)> = (0..lookup.facts.points.len())
        .filter_map(|point| Some((point, parts(lookup, point, lookup.main_split(point))?)))
        .collect();
    let order = [
        Field::BatchSize,
        Field::Width,
        Field::Depth,
        Field::LearningRate,
    ];
    let along = order
        .into_iter()
        .find(|field| lookup.varying.contains(field))?;
    let others: Vec<Field> = lookup
        .varying
        .iter()
        .filter(|field| **field != along)
        .cloned()
        .collect();
    let mut groups: Vec<(String, Vec<(f64, Parts)>)> = Vec::new();
    for (point, parts) in all {
        let point = lookup.point(point);
        let Some(x) = along.coordinate(point) else {
            continue;
        };
        let name = label(&others, point);
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, ones)) => ones.push((x, parts)),
            None => groups.push((name, vec![(x, parts)])),
        }
    }
    groups.retain(|(_, ones)| ones.len() > 1);
    let left_out = groups.len().saturating_sub(MOST);
    groups.truncate(MOST);
    let places: Vec<f64> = groups
        .iter()
        .flat_map(|(_, ones)| ones.iter().map(|(x, _)| *x))
        .collect();
    let values = groups.iter().flat_map(|(_, ones)| {
        let of = |parts: &Parts| PARTS.map(|(_, part)| part(parts).mean);
        ones.iter().flat_map(move |(_, parts)| of(parts))
    });
    let [low, high] = bounds(values)?;
    let (low, high) = (low.min(0.0), high.max(0.0));
    let pad = 0.06 * (high - low).max(0.1);
    let y = Axis::between("part of 1/α̂ − ½", [low - pad, high + pad]);
    let x = Axis::values(along.name(), Scale::Log, &places);
    let panels = groups
        .iter_mut()
        .map(|(name, ones)| {
            ones.sort_by(|a, b| a.0.total_cmp(&b.0));
            let curves = PARTS.iter().enumerate().map(|(index, (_, part))| Curve {
                style: Style::of(index),
                shift: 2.0 * (index as f64 - 2.0),
                dots: ones
                    .iter()
                    .map(|(x, parts)| Dot {
                        y_interval: part(parts).interval,
                        ..Dot::new(*x, part(parts).mean)
                    })
                    .collect(),
            });
            Panel {
                title: name.clone(),
                plots: vec![Plot {
                    x: x.clone(),
                    y: y.clone(),
                    height: 230,
                    rules: vec![0.0],
                    diagonal: false,
                    curves: curves.collect(),
                }],
            }
        })
        .collect();
    let more = match left_out {
        0 => String::new(),
        count => format!(" {count} more panels are left out."),
    };
    Some(Figure {
        name: "decomposition".to_owned(),
        title: "Parts of the published number".to_owned(),
        caption: format!(
            "1/α̂ − ½, which independent Gaussian values read as 0, taken apart, late in training: \
             what exact zeros add, then unequal scales, then correlation, and what is left; with \
             95 % intervals between seeds. The last four add up to the first.{more}"
        ),
        legend: PARTS
            .iter()
            .enumerate()
            .map(|(index, (name, _))| Entry::new(Style::of(index), *name))
            .collect(),
        panels,
        columns: 3,
    })
}
