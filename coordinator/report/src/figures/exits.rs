//! Figures of exit times: against the noise, the width and the height of a well; shares of time;
//! paths.

use super::axis::{Axis, bounds};
use super::legend::Entry;
use super::palette::{BLUE, INK, Line, Style};
use super::panel::{Curve, Dot, Panel, Plot};
use super::{Figure, evenly_spaced};
use crate::exits::{PointExits, points};
use crate::fields::{Field, label};
use crate::lookup::Lookup;
use crate::numbers::{rounded, setting};

/// Half of a 95 % interval, in standard errors.
const HALF: f64 = 1.96;
/// Panels of paths.
const MOST_PATHS: usize = 9;
/// Panels of shares.
const MOST_POTENTIALS: usize = 6;

/// All of them; none without an equation.
pub(super) fn figures(lookup: &Lookup<'_>) -> Vec<Figure> {
    let points = points(lookup.facts);
    let mut figures: Vec<Figure> = [
        Against::Noise,
        Against::Width,
        Against::Height,
        Against::Clip,
    ]
    .into_iter()
    .filter_map(|against| figure(lookup, &points, against))
    .collect();
    figures.extend(shares(lookup, &points));
    figures.extend(paths(lookup, &points));
    figures
}

/// What exit times are drawn against.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Against {
    Noise,
    Width,
    Height,
    Clip,
}

impl Against {
    /// Where the visits to a well stand; `None` of a point without such a setting.
    fn place(self, point: &PointExits<'_>, well: usize) -> Option<f64> {
        let potential = &point.theory.potential;
        let minimum = potential.minimum(well);
        Some(match self {
            Self::Noise => 1.0 / point.point.minibatch_epsilon(),
            Self::Width => {
                let ends = potential.domain(well).map(|end| (end - minimum).abs());
                ends[0].min(ends[1])
            }
            Self::Height => potential.height(well),
            Self::Clip => point.point.clip?,
        })
    }

    /// Settings that may differ along a curve.
    fn own(self) -> &'static [&'static str] {
        match self {
            Self::Noise => &["batch_size", "levy_sde.epsilon"],
            Self::Width => &[
                "levy_sde.a",
                "levy_sde.b",
                "levy_sde.minima",
                "levy_sde.separators",
            ],
            Self::Height => &[
                "levy_sde.curvature",
                "levy_sde.depth",
                "levy_sde.left_depth",
                "levy_sde.depths",
            ],
            Self::Clip => &["levy_sde.clip"],
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Noise => "1/ε",
            Self::Width => "distance a to the nearest end",
            Self::Height => "height H of the well",
            Self::Clip => "bound on the gradient",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Noise => "exit-time-noise",
            Self::Width => "exit-time-width",
            Self::Height => "exit-time-height",
            Self::Clip => "exit-time-clip",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Noise => "Exit time against the noise",
            Self::Width => "Exit time against the width of the well",
            Self::Height => "Exit time against the height of the well",
            Self::Clip => "Exit time with clipped gradients",
        }
    }

    fn caption(self) -> &'static str {
        match self {
            Self::Noise => {
                "Mean exit time against 1/ε, both logarithmic, with 95 % intervals; dashed: theory. \
                 For α < 2 the slope is α; Brownian motion (α = 2) bends upwards, as exp(H/ε²). The \
                 slopes are fitted with the weights of the intervals."
            }
            Self::Width => {
                "Mean exit time against the distance from the minimum to the nearest end of the \
                 well, both logarithmic, with 95 % intervals; dashed: theory. For α < 2 the slope is \
                 α. The slopes are fitted with the weights of the intervals."
            }
            Self::Height => {
                "Mean exit time, on a logarithmic axis, against the height of the well, with 95 % \
                 intervals; dashed: theory. For α < 2 it is flat: large jumps do not climb. Brownian \
                 motion (α = 2) rises as exp(H/ε²)."
            }
            Self::Clip => {
                "Mean exit time against the bound that gradients are cut to, both logarithmic, with \
                 95 % intervals; dashed: theory without clipping. A step is no longer than the bound \
                 times η: while that reaches the end of the well, one jump leaves it; below, the \
                 well must be climbed. Where most paths had not left it when they ended, the mean \
                 is their time by the few exits."
            }
        }
    }
}

/// What is the same along every curve, whatever it is drawn against.
const IDLE: [&str; 5] = [
    "learning_rate",
    "train.steps",
    "measure.every",
    "levy_sde.paths",
    "levy_sde.start",
];

/// A curve of visits to one well.
struct Series {
    name: String,
    alpha: f64,
    /// Place, mean, standard error and theory, by rising place.
    visits: Vec<(f64, f64, Option<f64>, f64)>,
}

fn figure(lookup: &Lookup<'_>, points: &[PointExits<'_>], against: Against) -> Option<Figure> {
    let mut all: Vec<Series> = Vec::new();
    let fields: Vec<&Field> = lookup
        .varying
        .iter()
        .filter(|field| {
            let column = field.column();
            !against.own().contains(&column) && !IDLE.contains(&column)
        })
        .collect();
    for point in points {
        let wells = point.wells.len();
        for well in 0..wells {
            let Some((mean, error)) = point.exit_time(well) else {
                continue;
            };
            let of_point = fields
                .iter()
                .map(|field| field.label(lookup.point(point.index)));
            let of_well = (wells > 1).then(|| format!("well {}", well + 1));
            let name: Vec<String> = of_point.chain(of_well).collect();
            let name = name.join(" · ");
            let Some(place) = against.place(point, well) else {
                continue;
            };
            let visit = (place, mean, error, point.theory.exit_time(well));
            match all.iter_mut().find(|series| series.name == name) {
                Some(series) => series.visits.push(visit),
                None => all.push(Series {
                    name,
                    alpha: point.theory.alpha(),
                    visits: vec![visit],
                }),
            }
        }
    }
    all.retain_mut(|series| {
        series.visits.sort_by(|a, b| a.0.total_cmp(&b.0));
        series.visits.first().map(|visit| visit.0) < series.visits.last().map(|visit| visit.0)
    });
    let left_out = all.len().saturating_sub(Style::MOST);
    all.truncate(Style::MOST);
    if all.is_empty() {
        return None;
    }
    let visits = || all.iter().flat_map(|series| &series.visits);
    let [low, high] = bounds(visits().flat_map(|(_, mean, _, theory)| [*mean, *theory]))?;
    let y = Axis::decades("mean exit time", [low / 1.6, high * 1.6]).filled();
    let [left, right] = bounds(visits().map(|visit| visit.0))?;
    let x = match against {
        Against::Height => Axis::linear(against.label(), [left, right]),
        _ => Axis::decades(against.label(), [left / 1.15, right * 1.15]).filled(),
    };
    let mut curves = Vec::new();
    let mut legend = Vec::new();
    for (index, series) in all.iter().enumerate() {
        let style = Style::of(index);
        let dot = |(place, mean, error, _): &(f64, f64, Option<f64>, f64)| Dot {
            y_interval: error.map(|error| {
                let reach = HALF * error;
                [(mean - reach).max(low / 2.0), mean + reach]
            }),
            ..Dot::new(*place, *mean)
        };
        let theory = series.visits.iter();
        curves.push(Curve {
            style: style.companion(),
            shift: 0.0,
            dots: theory.map(|visit| Dot::new(visit.0, visit.3)).collect(),
        });
        curves.push(Curve {
            style: style.dots(),
            shift: 0.0,
            dots: series.visits.iter().map(dot).collect(),
        });
        legend.push(Entry::new(style, described(series, against)));
    }
    legend.push(Entry::new(Style::line(INK, Line::Dashed), "theory"));
    let mut caption = against.caption().to_owned();
    if left_out > 0 {
        caption.push_str(&format!(" {left_out} more curves are in exits.csv."));
    }
    let plot = Plot {
        x,
        y,
        height: 260,
        rules: Vec::new(),
        diagonal: false,
        curves,
    };
    Some(Figure {
        name: against.name().to_owned(),
        title: against.title().to_owned(),
        caption,
        legend,
        panels: vec![Panel {
            title: String::new(),
            plots: vec![plot],
        }],
        columns: 1,
    })
}

fn described(series: &Series, against: Against) -> String {
    let name = match series.name.as_str() {
        "" => "all runs",
        name => name,
    };
    let slope = match against {
        Against::Height | Against::Clip => None,
        _ if series.alpha == 2.0 && against == Against::Noise => None,
        _ => slope(series),
    };
    match slope {
        Some((slope, error)) => {
            let expected = match series.alpha {
                2.0 => String::new(),
                alpha => format!(" (theory {})", rounded(alpha, 2)),
            };
            format!(
                "{name}: slope {} ± {}{expected}",
                rounded(slope, 3),
                rounded(error, 3)
            )
        }
        None => name.to_owned(),
    }
}

/// The slope of ln τ on ln x by weighted least squares, and its standard error.
fn slope(series: &Series) -> Option<(f64, f64)> {
    let weighted: Vec<(f64, f64, f64)> = series
        .visits
        .iter()
        .filter_map(|(place, mean, error, _)| {
            let error = error.filter(|error| *error > 0.0)?;
            Some((place.ln(), mean.ln(), (mean / error).powi(2)))
        })
        .collect();
    let total: f64 = weighted.iter().map(|(_, _, weight)| weight).sum();
    let mean = |of: fn(&(f64, f64, f64)) -> f64| {
        weighted.iter().map(|one| of(one) * one.2).sum::<f64>() / total
    };
    let (x, y) = (mean(|one| one.0), mean(|one| one.1));
    let squares: f64 = weighted.iter().map(|one| one.2 * (one.0 - x).powi(2)).sum();
    let products = weighted.iter().map(|one| one.2 * (one.0 - x) * (one.1 - y));
    (squares > 0.0).then(|| (products.sum::<f64>() / squares, squares.sqrt().recip()))
}

/// What makes the wells of a point what they are.
const POTENTIAL: [&str; 9] = [
    "levy_sde.potential",
    "levy_sde.a",
    "levy_sde.b",
    "levy_sde.minima",
    "levy_sde.separators",
    "levy_sde.curvature",
    "levy_sde.depth",
    "levy_sde.left_depth",
    "levy_sde.depths",
];

/// The share of time in each well: a panel for each potential, a curve for each noise.
fn shares(lookup: &Lookup<'_>, points: &[PointExits<'_>]) -> Option<Figure> {
    let (potential, noise): (Vec<Field>, Vec<Field>) = lookup
        .varying
        .iter()
        .filter(|field| !IDLE.contains(&field.column()))
        .cloned()
        .partition(|field| POTENTIAL.contains(&field.column()));
    let mut noises: Vec<String> = Vec::new();
    let mut panels: Vec<(String, Vec<&PointExits<'_>>)> = Vec::new();
    for point in points.iter().filter(|point| point.share(0).is_some()) {
        let name = label(&noise, lookup.point(point.index));
        if !noises.contains(&name) {
            noises.push(name);
        }
        let title = label(&potential, lookup.point(point.index));
        match panels.iter_mut().find(|(known, _)| *known == title) {
            Some((_, of_panel)) => of_panel.push(point),
            None => panels.push((title, vec![point])),
        }
    }
    let left_out = [
        (noises.len().saturating_sub(Style::MOST), "noises"),
        (panels.len().saturating_sub(MOST_POTENTIALS), "potentials"),
    ];
    noises.truncate(Style::MOST);
    panels.truncate(MOST_POTENTIALS);
    let panels: Vec<Panel> = panels
        .into_iter()
        .map(|(title, of_panel)| Panel {
            title,
            plots: vec![shares_plot(lookup, &noise, &noises, &of_panel)],
        })
        .collect();
    let mut legend: Vec<Entry> = noises
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let name = if name.is_empty() { "measured" } else { name };
            Entry::new(Style::of(index).dots(), name)
        })
        .collect();
    legend.push(Entry::new(Style::line(INK, Line::Dashed), "theory"));
    let mut caption = "The share of time in each well, from left to right, each with the place of \
         its minimum and its height H, with 95 % intervals between seeds; dashed: theory. For α < 2 \
         it is the Markov chain of the limit of small noise, whose rates know the widths of the \
         wells alone; for α = 2 the density exp(−f/ε²), which prefers deep wells."
        .to_owned();
    for (count, what) in left_out.into_iter().filter(|(count, _)| *count > 0) {
        caption.push_str(&format!(" {count} further {what} are in exits.csv alone."));
    }
    (!panels.is_empty()).then(|| Figure {
        name: "time-shares".to_owned(),
        title: "Share of time in each well".to_owned(),
        caption,
        legend,
        panels,
        columns: 2,
    })
}

/// The wells of one potential; the curve of a noise has its place in `noises`.
fn shares_plot(
    lookup: &Lookup<'_>,
    noise: &[Field],
    noises: &[String],
    points: &[&PointExits<'_>],
) -> Plot {
    let wells = points.first().map_or(0, |point| point.wells.len());
    let mut x = Axis::between("well", [0.4, wells as f64 + 0.6]);
    x.ticks = points.first().map_or(Vec::new(), |point| {
        let potential = &point.theory.potential;
        let text = |well| {
            let [minimum, height] = [potential.minimum(well), potential.height(well)];
            format!("w = {}, H {}", setting(minimum), setting(height))
        };
        (0..wells)
            .map(|well| (well as f64 + 1.0, text(well)))
            .collect()
    });
    let mut curves = Vec::new();
    for point in points {
        let name = label(noise, lookup.point(point.index));
        let Some(index) = noises.iter().position(|known| *known == name) else {
            continue;
        };
        let middle = 0.5 * (noises.len() as f64 - 1.0);
        let shift = (18.0 / middle.max(1.0)).min(6.0) * (index as f64 - middle);
        let dots = |share: &dyn Fn(usize) -> Option<Dot>| (0..wells).filter_map(share).collect();
        curves.push(Curve {
            style: Style::of(index).companion(),
            shift,
            dots: dots(&|well| Some(Dot::new(well as f64 + 1.0, point.theory.share(well)?))),
        });
        curves.push(Curve {
            style: Style::of(index).dots(),
            shift,
            dots: dots(&|well| {
                let y_interval = point.share_interval(well);
                let dot = Dot::new(well as f64 + 1.0, point.share(well)?);
                Some(Dot { y_interval, ..dot })
            }),
        });
    }
    Plot {
        x,
        y: Axis::between("share of time", [-0.03, 1.03]),
        height: 260,
        rules: Vec::new(),
        diagonal: false,
        curves,
    }
}

/// The first path of some points.
fn paths(lookup: &Lookup<'_>, points: &[PointExits<'_>]) -> Option<Figure> {
    let style = Style {
        width: 8,
        ..Style::line(BLUE, Line::Solid)
    };
    let chosen = evenly_spaced(points.len(), MOST_PATHS);
    let panels: Vec<Panel> = chosen
        .iter()
        .filter_map(|index| {
            let point = &points[*index];
            let path = point
                .runs
                .first()?
                .paths
                .first()
                .filter(|path| path.places.len() > 1)?;
            let time = path.stride as f64 * point.point.learning_rate;
            let places = (0_u32..).zip(&path.places);
            let dots: Vec<Dot> = places
                .map(|(index, place)| Dot::new(f64::from(index) * time, *place))
                .collect();
            let potential = &point.theory.potential;
            let wells = potential.len();
            let ends: Vec<f64> = (0..wells)
                .flat_map(|well| potential.domain(well))
                .filter(|end| end.is_finite())
                .collect();
            let marks = (0..wells).map(|well| potential.minimum(well));
            let [low, high] = bounds(marks.chain(ends.iter().copied()))?;
            let reach = 0.35 * (high - low);
            let last = dots.last().map_or(1.0, |dot| dot.x);
            Some(Panel {
                title: lookup.label(point.index),
                plots: vec![Plot {
                    x: Axis::linear("time", [0.0, last]),
                    y: Axis::between("w", [low - reach, high + reach]),
                    height: 190,
                    rules: ends,
                    diagonal: false,
                    curves: vec![Curve {
                        style,
                        shift: 0.0,
                        dots,
                    }],
                }],
            })
        })
        .collect();
    (!panels.is_empty()).then(|| Figure {
        name: "paths".to_owned(),
        title: "Paths".to_owned(),
        caption: "The first path of the first finished run of a point, at no more than 1,024 times. \
                  Dotted: where wells end. Jumps beyond the frame are drawn at its edge; a path that \
                  ends with its exit is drawn up to it."
            .to_owned(),
        legend: Vec::new(),
        panels,
        columns: 3,
    })
}
