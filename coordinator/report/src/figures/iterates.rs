//! The late α of the averaged iterates against η/b, a curve for each batch size, as Gurbuzbalaban,
//! Simsekli and Zhu (2021) look at it.

use super::axis::{Axis, Scale};
use super::legend::Entry;
use super::palette::Style;
use super::panel::{Curve, Dot, Panel, Plot};
use super::{Figure, alpha_range, evenly_spaced};
use crate::fields::{Field, label};
use crate::lookup::Lookup;

/// Combinations of the other settings that are shown.
const MOST: usize = 6;

pub(super) fn figure(lookup: &Lookup<'_>) -> Option<Figure> {
    let others: Vec<Field> = lookup
        .varying
        .iter()
        .filter(|field| !matches!(field, Field::BatchSize | Field::LearningRate))
        .cloned()
        .collect();
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for index in 0..lookup.facts.points.len() {
        if dot(lookup, index).is_none() {
            continue;
        }
        let name = label(&others, lookup.point(index));
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
    let points = || groups.iter().flat_map(|(_, points)| points);
    let batch_sizes = Field::BatchSize.values(points().map(|point| lookup.point(*point)));
    let styled = evenly_spaced(batch_sizes.len(), Style::MOST);
    let batch_sizes: Vec<&String> = styled.iter().map(|index| &batch_sizes[*index]).collect();
    let panels = groups
        .iter()
        .map(|(name, points)| {
            let curves: Vec<Curve> = batch_sizes
                .iter()
                .enumerate()
                .map(|(index, size)| curve(lookup, points, size, Style::of(index)))
                .collect();
            let dots = || curves.iter().flat_map(|curve| &curve.dots);
            let ratios: Vec<f64> = dots().map(|dot| dot.x).collect();
            Panel {
                title: name.clone(),
                plots: vec![Plot {
                    x: Axis::values("η/b", Scale::Log, &ratios),
                    y: Axis::between("late α of the iterates", alpha_range(dots())),
                    height: 230,
                    rules: vec![2.0],
                    diagonal: false,
                    curves,
                }],
            }
        })
        .collect();
    let mut caption = "Late α of the averaged weights (mohammadi over all layers, each minus its \
         mean) against the learning rate over the batch size, with 95 % intervals between seeds. \
         It is an α of weights, not of gradient noise: weights of unequal scales in different \
         layers alone bring it below the dotted line at 2."
        .to_owned();
    if left_out > 0 {
        caption.push_str(&format!(
            " {left_out} further combinations of the other settings are in points.csv alone."
        ));
    }
    Some(Figure {
        name: "iterates".to_owned(),
        title: "Iterates against η/b".to_owned(),
        caption,
        legend: batch_sizes
            .iter()
            .enumerate()
            .map(|(index, size)| Entry::new(Style::of(index), format!("b = {size}")))
            .collect(),
        panels,
        columns: 2,
    })
}

fn curve(lookup: &Lookup<'_>, points: &[usize], batch_size: &str, style: Style) -> Curve {
    let mut dots: Vec<Dot> = points
        .iter()
        .filter(|point| Field::BatchSize.value(lookup.point(**point)) == batch_size)
        .filter_map(|point| dot(lookup, *point))
        .collect();
    dots.sort_by(|left, right| left.x.total_cmp(&right.x));
    Curve {
        style,
        shift: 0.0,
        dots,
    }
}

fn dot(lookup: &Lookup<'_>, point: usize) -> Option<Dot> {
    let late = lookup.iterates(point)?;
    let setting = |field: Field| field.coordinate(lookup.point(point));
    let ratio = setting(Field::LearningRate)? / setting(Field::BatchSize)?;
    (ratio > 0.0).then_some(Dot {
        x: ratio,
        y: late.alpha?,
        x_interval: None,
        y_interval: late.interval,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use tailsweep_common::id::RunId;
    use tailsweep_common::state::RunState;
    use tailsweep_common::sweep;
    use tailsweep_stats::Estimator;

    use super::*;
    use crate::facts::{ALL, EstimateRow, Facts, Told};
    use crate::late::of_points;
    use crate::{RunResult, SweepText};

    const SWEEP: &str = r#"version = 1
name = "iterates"
[train]
steps = 4
[measure]
iterates = true
[[block]]
dataset = "mnist-excerpt"
architecture = "fcn"
width = 4
depth = 2
batch_size = [1, 10]
learning_rate = [0.1, 0.01]
"#;

    /// A run of each point, with an α of its iterates from `alphas`, or of no kind.
    fn facts(alphas: &[Option<f64>]) -> Facts {
        let sweep = sweep::parse(SWEEP, "iterates.toml", &BTreeMap::new()).expect("a valid file");
        let sweep = Arc::new(sweep);
        let mut facts = Facts::new(SweepText {
            sweep: Arc::clone(&sweep),
            source: SWEEP.to_owned(),
        });
        for (index, run) in (0..).zip(sweep.runs()) {
            facts.add(RunResult {
                id: RunId::of(&[index]),
                run,
                state: RunState::Done,
                reason: None,
                steps: Some(4),
                measurements: Vec::new(),
            });
        }
        for (run, alpha) in alphas.iter().enumerate() {
            let first = facts.estimates.len();
            facts.estimates.push(EstimateRow {
                run,
                step: 4,
                split: None,
                told: Told {
                    scope: ALL.into(),
                    estimator: Estimator::Mohammadi,
                    treatment: None,
                    k1: Some(8),
                    alpha: *alpha,
                    std_error: None,
                    interval: None,
                    degrees: None,
                    samples: 100,
                    blocks: 12,
                    problem: None,
                    stable_reads: None,
                },
            });
            facts.runs[run].estimates = first..facts.estimates.len();
        }
        facts
    }

    #[test]
    fn a_curve_for_each_batch_size_rises_with_the_ratio_of_rate_and_size() {
        let facts = facts(&[Some(1.4), Some(1.5), Some(1.6), Some(1.7)]);
        let late = of_points(&facts);
        let figure = figure(&Lookup::new(&facts, &late)).expect("iterates were measured");
        let [panel] = &figure.panels[..] else {
            panic!("one panel, for nothing else varies");
        };
        let places = |curve: &Curve| -> Vec<[f64; 2]> {
            curve.dots.iter().map(|dot| [dot.x, dot.y]).collect()
        };
        let curves = &panel.plots[0].curves;
        assert_eq!(places(&curves[0]), [[0.01, 1.5], [0.1, 1.4]], "b = 1");
        assert_eq!(places(&curves[1]), [[0.001, 1.7], [0.01, 1.6]], "b = 10");
    }

    #[test]
    fn without_iterates_there_is_no_figure() {
        let facts = facts(&[None; 4]);
        let late = of_points(&facts);
        assert!(figure(&Lookup::new(&facts, &late)).is_none());
    }
}
