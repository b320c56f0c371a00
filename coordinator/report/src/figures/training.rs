//! α with its controls, zero share, accuracy and loss over the steps of training.

use tailsweep_common::measurement::Split;

use super::axis::{Axis, bounds};
use super::legend::Entry;
use super::palette::{BLUE, GREEN, INK, Line, PURPLE, SKY, Style, VERMILLION};
use super::panel::{Curve, Dot, Panel, Plot};
use super::{Figure, alpha_range, evenly_spaced};
use crate::facts::{MeasurementRow, RunFacts, Told};
use crate::lookup::{Kind, Lookup};
use crate::seeds::over_seeds;

/// Points that are shown.
const MOST: usize = 12;
/// Seeds of a point that are shown one by one.
const MOST_SEEDS: usize = 5;

pub(super) fn figure(lookup: &Lookup<'_>) -> Option<Figure> {
    let has_steps = |point: &usize| {
        lookup.runs(*point).iter().any(|run| {
            let rows = lookup.facts.measurements_of(run);
            rows.first().map(|row| row.step) < rows.last().map(|row| row.step)
        })
    };
    let with_data: Vec<usize> = (0..lookup.facts.points.len()).filter(has_steps).collect();
    let shown: Vec<usize> = evenly_spaced(with_data.len(), MOST)
        .into_iter()
        .map(|index| with_data[index])
        .collect();
    let alphas: Vec<Vec<Curve>> = shown
        .iter()
        .map(|point| alpha_curves(lookup, *point))
        .collect();
    let lines = || alphas.iter().flatten().filter(|curve| !curve.style.band);
    let dots = || lines().flat_map(|curve| &curve.dots);
    let alpha_axis = Axis::between("α", alpha_range(dots()));
    let panels: Vec<Panel> = shown
        .iter()
        .zip(&alphas)
        .map(|(point, alpha)| panel(lookup, *point, alpha.clone(), &alpha_axis))
        .collect();
    let mut caption = "After each measured step: α and its controls, the share of exact zeros in \
         the gradient noise, accuracy and loss. Thick lines are the mean over the seeds (of 1/α \
         for α), drawn as far as all seeds were measured; thin ones are the seeds. Bands: 95 % \
         intervals of the published and of the within_coordinate α on the training split, between the \
         seeds where there are several, else of each measurement. The surrogate \
         is what Gaussian noise with the same covariance and zeros would read. The loss axis is \
         logarithmic where all losses are above 0."
        .to_owned();
    if shown.len() < with_data.len() {
        caption.push_str(&format!(
            " {} of {} points, evenly spaced over the sweep; the others are in measurements.csv \
             and estimates.csv.",
            shown.len(),
            with_data.len()
        ));
    }
    (!panels.is_empty()).then(|| Figure {
        name: "training".to_owned(),
        title: "Over training".to_owned(),
        caption,
        legend: legend(lookup, &shown),
        panels,
        columns: 3,
    })
}

/// The lines that are there.
fn legend(lookup: &Lookup<'_>, shown: &[usize]) -> Vec<Entry> {
    let runs = || shown.iter().flat_map(|point| lookup.runs(*point));
    let is_there = |(kind, split, _, _): &(Kind, Split, Style, &'static str)| {
        runs().any(|run| {
            lookup
                .estimates(run, *split, *kind)
                .any(|row| row.told.alpha.is_some())
        })
    };
    let mut entries: Vec<Entry> = lines()
        .into_iter()
        .filter(is_there)
        .map(|(_, _, style, text)| Entry::new(style, text))
        .collect();
    let measured = [
        (
            Split::Train,
            Style::line(INK, Line::Solid),
            "other plots: train",
        ),
        (
            Split::Test,
            Style::line(PURPLE, Line::Dashed),
            "other plots: test",
        ),
    ];
    entries.extend(
        measured
            .into_iter()
            .filter(|(split, _, _)| runs().any(|run| lookup.facts.last(run, *split).is_some()))
            .map(|(_, style, text)| Entry::new(style, text)),
    );
    entries
}

/// The lines of the α plot, those below first.
fn lines() -> [(Kind, Split, Style, &'static str); 4] {
    [
        (
            Kind::PUBLISHED,
            Split::Train,
            Style::line(BLUE, Line::Solid),
            "published α, train",
        ),
        (
            Kind::PUBLISHED,
            Split::Test,
            Style::line(SKY, Line::Dashed),
            "published α, test",
        ),
        (
            Kind::SURROGATE,
            Split::Train,
            Style::line(VERMILLION, Line::Dotted),
            "Gaussian surrogate, train",
        ),
        (
            Kind::WITHIN,
            Split::Train,
            Style::line(GREEN, Line::Solid),
            "within coordinate, train",
        ),
    ]
}

fn panel(lookup: &Lookup<'_>, point: usize, alpha: Vec<Curve>, alpha_axis: &Axis) -> Panel {
    let runs = lookup.runs(point);
    let last = runs
        .iter()
        .filter_map(|run| lookup.facts.measurements_of(run).last())
        .map(|row| row.step)
        .max();
    let x = Axis::steps(last.unwrap_or(0));
    let measured = |value: fn(&MeasurementRow) -> Option<f64>| -> Vec<Curve> {
        let styles = [
            (Split::Test, Style::line(PURPLE, Line::Dashed)),
            (Split::Train, Style::line(INK, Line::Solid)),
        ];
        let curves = styles.into_iter().flat_map(|(split, style)| {
            let series = |run: &RunFacts| {
                let rows = lookup.facts.measurements_of(run).iter();
                rows.filter(|row| row.split == split)
                    .filter_map(|row| Some((row.step, value(row)?)))
                    .filter(|(_, value)| value.is_finite())
                    .collect()
            };
            seeds_and_mean(runs.iter().map(series).collect(), style, |value| value)
        });
        curves.collect()
    };
    let plot = |y: Axis, rules: Vec<f64>, height: i32, curves: Vec<Curve>| Plot {
        x: x.clone(),
        y,
        height,
        rules,
        diagonal: false,
        curves,
    };
    let values = |curves: &[Curve]| -> Vec<f64> {
        curves
            .iter()
            .flat_map(|curve| curve.dots.iter().map(|dot| dot.y))
            .collect()
    };
    let zeros = measured(|row| row.zero_fraction);
    let accuracy = measured(|row| row.accuracy);
    let loss = measured(|row| row.loss);
    let highest = bounds(values(&zeros)).map_or(0.0, |[_, high]| high);
    let zeros_axis = Axis::between(
        "zero share",
        [-0.03 * highest.max(0.01), highest.max(0.01) * 1.08],
    );
    let loss_axis = match bounds(values(&loss)) {
        Some([low, high]) if low > 0.0 && high > 8.0 * low => {
            Axis::powers("loss", 10, [low * 0.8, high * 1.25]).filled()
        }
        _ => Axis::linear("loss", values(&loss)),
    };
    let mut plots = vec![plot(alpha_axis.clone(), vec![2.0], 190, alpha)];
    for (y, curves) in [
        (zeros_axis, zeros),
        (Axis::between("accuracy", [-0.03, 1.04]), accuracy),
        (loss_axis, loss),
    ] {
        if curves.iter().any(|curve| !curve.dots.is_empty()) {
            plots.push(plot(y.low(), Vec::new(), 84, curves));
        }
    }
    Panel {
        title: lookup.label(point),
        plots,
    }
}

fn alpha_curves(lookup: &Lookup<'_>, point: usize) -> Vec<Curve> {
    let runs = lookup.runs(point);
    let bands = lines()
        .into_iter()
        .filter(|(kind, split, _, _)| {
            *split == Split::Train && [Kind::PUBLISHED, Kind::WITHIN].contains(kind)
        })
        .map(|(kind, split, style, _)| band(lookup, runs, kind, split, style));
    let curves = lines().into_iter().flat_map(|(kind, split, style, _)| {
        let series = |run| {
            let rows = lookup.estimates(run, split, kind);
            rows.filter_map(|row| Some((row.step, row.told.alpha?)))
                .collect()
        };
        seeds_and_mean(runs.iter().map(series).collect(), style, |alpha| {
            1.0 / alpha
        })
    });
    bands.chain(curves).collect()
}

/// The intervals of an α over the steps that all seeds were measured at: between the seeds, in 1/α,
/// or of one seed's measurements.
fn band(lookup: &Lookup<'_>, runs: &[RunFacts], kind: Kind, split: Split, style: Style) -> Curve {
    let mut seeds: Vec<Vec<(u64, &Told)>> = runs
        .iter()
        .map(|run| {
            let rows = lookup.estimates(run, split, kind);
            rows.map(|row| (row.step, &row.told)).collect()
        })
        .collect();
    seeds.retain(|seed| seed.iter().any(|(_, told)| told.alpha.is_some()));
    let at = |step: u64| {
        let told: Option<Vec<&Told>> = seeds
            .iter()
            .map(|seed| {
                let index = seed.binary_search_by_key(&step, |(step, _)| *step).ok()?;
                Some(seed[index].1)
            })
            .collect();
        match &told?[..] {
            [one] => one.interval,
            several => {
                let thetas: Option<Vec<f64>> = several
                    .iter()
                    .map(|told| Some(told.alpha?.recip()))
                    .collect();
                let [low, high] = over_seeds(thetas?.into_iter())?.interval?;
                let end = |theta: f64| {
                    if theta > 0.0 {
                        1.0 / theta
                    } else {
                        f64::INFINITY
                    }
                };
                Some([end(high), end(low)])
            }
        }
    };
    let steps = seeds.first().into_iter().flatten();
    let dots = steps.filter_map(|(step, told)| {
        Some(Dot {
            y_interval: Some(at(*step)?),
            ..Dot::new(*step as f64, told.alpha?)
        })
    });
    Curve {
        style: style.band(),
        shift: 0.0,
        dots: dots.collect(),
    }
}

/// A thin line for each seed and a thick one for their mean, which is taken over `scale` and
/// scaled back by it; one seed is a thick line.
fn seeds_and_mean(
    mut seeds: Vec<Vec<(u64, f64)>>,
    style: Style,
    scale: fn(f64) -> f64,
) -> Vec<Curve> {
    seeds.retain(|seed| !seed.is_empty());
    let curve = |style: Style, dots: &[(u64, f64)]| Curve {
        style,
        shift: 0.0,
        dots: dots
            .iter()
            .map(|(step, value)| Dot::new(*step as f64, *value))
            .collect(),
    };
    let [first, others @ ..] = &seeds[..] else {
        return Vec::new();
    };
    if others.is_empty() {
        return vec![curve(style, first)];
    }
    let at = |seed: &Vec<(u64, f64)>, step: u64| {
        seed.binary_search_by_key(&step, |(step, _)| *step)
            .ok()
            .map(|index| seed[index].1)
    };
    let mean = |step: u64| -> Option<f64> {
        let values: Option<Vec<f64>> = seeds.iter().map(|seed| at(seed, step).map(scale)).collect();
        let values = values?;
        Some(scale(values.iter().sum::<f64>() / values.len() as f64))
    };
    let means: Vec<(u64, f64)> = first
        .iter()
        .filter_map(|(step, _)| Some((*step, mean(*step)?)))
        .collect();
    let mut curves: Vec<Curve> = seeds
        .iter()
        .take(MOST_SEEDS)
        .map(|seed| curve(style.faint(), seed))
        .collect();
    curves.push(curve(style, &means));
    curves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::late::of_points;

    #[test]
    fn bands_are_between_seeds_or_of_one_seed_s_measurements() {
        let mut facts = fixture::facts();
        let band = |facts: &crate::facts::Facts| {
            let late = of_points(facts);
            let lookup = Lookup::new(facts, &late);
            let style = Style::line(BLUE, Line::Solid);
            let kind = Kind::PUBLISHED;
            let drawn = super::band(&lookup, lookup.runs(0), kind, Split::Train, style);
            let of = |dot: &Dot| (dot.x, dot.y_interval);
            drawn.dots.iter().map(of).collect::<Vec<_>>()
        };
        // Three seeds were measured at step 0: α = 1.5, 1.5 and 9.
        let thetas = [1.0 / 1.5, 1.0 / 1.5, 1.0 / 9.0];
        let over = over_seeds(thetas.into_iter()).and_then(|over| over.interval);
        let [low, high] = over.expect("three seeds");
        assert!(low < 0.0);
        assert_eq!(band(&facts), [(0.0, Some([1.0 / high, f64::INFINITY]))]);
        facts.points[0].runs.end = 1;
        let own = [(0.0, 1.5), (3.0, 2.0), (4.0, 1.0)];
        let own = own.map(|(step, alpha)| (step, Some([0.5 * alpha, f64::INFINITY])));
        assert_eq!(band(&facts), own);
    }
}
