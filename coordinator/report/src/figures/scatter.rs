//! One α against another, a marker for each point of the sweep, with the line y = x.

use tailsweep_common::measurement::Split;

use super::axis::{Axis, bounds};
use super::legend::Entry;
use super::palette::Style;
use super::panel::{Curve, Dot, Panel, Plot};
use super::{Figure, evenly_spaced};
use crate::fields::Field;
use crate::lookup::{Kind, Lookup};

/// Points that are shown.
const MOST_POINTS: usize = 400;

/// An α of a point: what it is called, and which it is.
#[derive(Clone, Copy)]
struct Side {
    label: &'static str,
    kind: Kind,
    /// `None`: the split that figures show.
    split: Option<Split>,
}

impl Side {
    const fn new(label: &'static str, kind: Kind, split: Option<Split>) -> Self {
        Self { label, kind, split }
    }
}

/// A panel: its title, what is said of it alone, and its two sides.
struct Pair {
    title: &'static str,
    says: &'static str,
    x: Side,
    y: Side,
}

/// The published number against its two most telling controls.
pub(super) fn controls(lookup: &Lookup<'_>) -> Option<Figure> {
    let pairs = [
        Pair {
            title: "Does Gaussian noise read the same?",
            says: " Rows restarted against the surrogate: what the method reads on the measured noise \
                   against what it would read on Gaussian noise with the same covariance and zeros. \
                   A point on the line does not show that the noise is Gaussian; it shows that the \
                   published number does not decide.",
            x: Side::new("Gaussian surrogate", Kind::SURROGATE, None),
            y: Side::new("published, rows restarted", Kind::PUBLISHED_ROWS, None),
        },
        Pair {
            title: "Across parameters or across minibatches?",
            says: " Within coordinate against published: the number of the paper, which mixes \
                   parameters, against the α across minibatches, parameter by parameter.",
            x: Side::new("published α", Kind::PUBLISHED, None),
            y: Side::new("within coordinate, paired", Kind::WITHIN, None),
        },
    ];
    figure(
        lookup,
        "controls",
        "The published α beside its controls",
        "A marker for each point of the sweep, late α, 95 % intervals where there are any; the \
         dotted line is y = x.",
        &pairs,
    )
}

/// Training split against test split.
pub(super) fn train_test(lookup: &Lookup<'_>) -> Option<Figure> {
    let both = |title, kind, train, test| Pair {
        title,
        says: "",
        x: Side::new(train, kind, Some(Split::Train)),
        y: Side::new(test, kind, Some(Split::Test)),
    };
    figure(
        lookup,
        "train-test",
        "Training split against test split",
        "A marker for each point of the sweep, late α, 95 % intervals; the dotted line is y = x. \
         The published block length depends on the number of minibatches, so it differs between \
         the splits.",
        &[
            both(
                "Published α",
                Kind::PUBLISHED,
                "published α, train",
                "published α, test",
            ),
            both(
                "Across minibatches",
                Kind::WITHIN,
                "within coordinate, train",
                "within coordinate, test",
            ),
        ],
    )
}

fn figure(
    lookup: &Lookup<'_>,
    name: &str,
    title: &str,
    caption: &str,
    pairs: &[Pair],
) -> Option<Figure> {
    let shown = evenly_spaced(lookup.facts.points.len(), MOST_POINTS);
    let groups = groups(lookup);
    let mut caption = caption.to_owned();
    let mut panels = Vec::new();
    for pair in pairs {
        if let Some(panel) = panel(lookup, &shown, &groups, pair) {
            panels.push(panel);
            caption += pair.says;
        }
    }
    if shown.len() < lookup.facts.points.len() {
        caption.push_str(&format!(
            " {} points, evenly spaced over the sweep, are shown.",
            shown.len()
        ));
    }
    (!panels.is_empty()).then(|| Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        caption,
        legend: match &groups {
            Some((field, values)) => values
                .iter()
                .enumerate()
                .map(|(index, value)| {
                    let text = match field {
                        Field::Dataset | Field::Architecture | Field::Loss => value.clone(),
                        other => format!("{} {value}", other.name()),
                    };
                    Entry::new(Style::of(index).dots(), text)
                })
                .collect(),
            None => Vec::new(),
        },
        panels,
        columns: 2,
    })
}

/// What the markers tell apart: the first setting with a few values.
fn groups(lookup: &Lookup<'_>) -> Option<(Field, Vec<String>)> {
    let fields = [
        Field::Dataset,
        Field::Architecture,
        Field::Depth,
        Field::Width,
        Field::BatchSize,
        Field::LearningRate,
        Field::Loss,
    ];
    fields
        .into_iter()
        .map(|field| (field.values(lookup.facts.all_points()), field))
        .find(|(values, _)| (2..=Style::MOST).contains(&values.len()))
        .map(|(values, field)| (field, values))
}

fn panel(
    lookup: &Lookup<'_>,
    shown: &[usize],
    groups: &Option<(Field, Vec<String>)>,
    Pair { title, x, y, .. }: &Pair,
) -> Option<Panel> {
    let late = |point: usize, side: &Side| {
        lookup.late(
            point,
            side.split.unwrap_or(lookup.main_split(point)),
            side.kind,
        )
    };
    let count = groups.as_ref().map_or(1, |(_, values)| values.len());
    let mut curves: Vec<Curve> = (0..count)
        .map(|index| Curve {
            style: Style::of(index).dots(),
            shift: 0.0,
            dots: Vec::new(),
        })
        .collect();
    for &point in shown {
        let (Some(x), Some(y)) = (late(point, x), late(point, y)) else {
            continue;
        };
        let (Some(x_value), Some(y_value)) = (x.alpha, y.alpha) else {
            continue;
        };
        let group = groups.as_ref().map_or(0, |(field, values)| {
            let value = field.value(lookup.point(point));
            values.iter().position(|known| *known == value).unwrap_or(0)
        });
        curves[group].dots.push(Dot {
            x: x_value,
            y: y_value,
            x_interval: x.interval,
            y_interval: y.interval,
        });
    }
    let range = |values: Vec<f64>, intervals: Vec<f64>| {
        let [low, high] = bounds(values.iter().map(|value| value.clamp(-1.0, 4.0)))?;
        let reach = (high - low).max(0.2);
        let ends = intervals
            .into_iter()
            .map(|end| end.clamp(low - reach, high + reach));
        let [low_end, high_end] = bounds(ends).unwrap_or([low, high]);
        let (low, high) = (low.min(low_end), high.max(high_end));
        let pad = 0.06 * (high - low).max(0.1);
        Some([low - pad, high + pad])
    };
    let dots = || curves.iter().flat_map(|curve| &curve.dots);
    let ends = |interval: fn(&Dot) -> Option<[f64; 2]>| {
        dots().filter_map(interval).flatten().collect::<Vec<f64>>()
    };
    let x_range = range(
        dots().map(|dot| dot.x).collect(),
        ends(|dot| dot.x_interval),
    )?;
    let y_range = range(
        dots().map(|dot| dot.y).collect(),
        ends(|dot| dot.y_interval),
    )?;
    // One range for both, so that the line y = x has its slope.
    let both = [x_range[0].min(y_range[0]), x_range[1].max(y_range[1])];
    Some(Panel {
        title: (*title).to_owned(),
        plots: vec![Plot {
            x: Axis::between(x.label, both),
            y: Axis::between(y.label, both),
            height: 290,
            rules: Vec::new(),
            diagonal: true,
            curves,
        }],
    })
}
