//! The figure of numbers without a sweep: α over K1, the Hill plot, and quantiles.

use tailsweep_stats::stable::Stable;
use tailsweep_stats::{ValueSums, ecf, hill_plot, magnitudes, tail_length};

use super::axis::{Axis, bounds};
use super::legend::Entry;
use super::palette::{BLUE, GREEN, INK, Line, PURPLE, SKY, Shape, Style, VERMILLION};
use super::panel::{Curve, Dot, Panel, Plot};
use super::slopes::LARGEST_ERROR;
use super::{Figure, alpha_range};
use crate::diagnosis::Diagnosis;
use crate::facts::Told;
use crate::lookup::Kind;

const HEIGHT: i32 = 230;
/// Blocks that stand for an error of a slope that is small enough to be shown, where there is none.
const FEWEST_BLOCKS: u64 = 600;
/// Points of a Hill plot and of a curve of quantiles.
const POINTS: u32 = 60;

pub(crate) fn figure(diagnoses: &[Diagnosis]) -> Figure {
    let panels = diagnoses.iter().flat_map(|diagnosis| {
        let values = diagnosis.values.as_ref().filter(|sums| sums.count() > 1);
        let own = [
            Some(over_k1(diagnosis)),
            values.map(|values| hill(diagnosis, values)),
            values.and_then(|values| quantiles(diagnosis, values)),
        ];
        own.into_iter().flatten()
    });
    let entries = |(_, style, text, _): (Kind, Style, &'static str, f64)| Entry::new(style, text);
    let mut legend: Vec<Entry> = over_k1_styles().map(entries).into();
    legend.extend([
        Entry::new(hill_styles()[0], "Hill"),
        Entry::new(hill_styles()[1], "its k in the table"),
        Entry::new(quantile_styles()[0], "quantiles: normal"),
        Entry::new(quantile_styles()[1], "quantiles: fitted stable"),
    ]);
    Figure {
        name: "diagnosis".to_owned(),
        title: "Tail index over block lengths, Hill plot, quantiles".to_owned(),
        caption: String::new(),
        legend,
        panels: panels.collect(),
        columns: 3,
    }
}

/// What stands over K1: which, how, its name, and how far to the side.
fn over_k1_styles() -> [(Kind, Style, &'static str, f64); 7] {
    let line = |colour, shape, hollow| Style::line(colour, Line::Solid).with(shape, hollow);
    let alone = |colour, shape| Style::line(colour, Line::None).with(shape, false);
    [
        (
            Kind::PUBLISHED_ROWS,
            line(SKY, Shape::Circle, true),
            "as published, over K₁",
            0.0,
        ),
        (
            Kind::PUBLISHED,
            alone(BLUE, Shape::Circle),
            "as published",
            0.0,
        ),
        (
            Kind::SURROGATE,
            alone(INK, Shape::Cross),
            "Gaussian surrogate",
            0.0,
        ),
        (
            Kind::PERMUTED,
            line(PURPLE, Shape::Triangle, true),
            "permuted",
            0.0,
        ),
        (
            Kind::PERMUTED_SLOPE,
            line(GREEN, Shape::Diamond, true),
            "slope across parameters",
            -1.5,
        ),
        (
            Kind::PAIRED_SLOPE,
            line(VERMILLION, Shape::Square, false),
            "slope across minibatches",
            1.5,
        ),
        (
            Kind::WITHIN,
            alone(VERMILLION, Shape::Diamond),
            "within coordinate",
            0.0,
        ),
    ]
}

fn over_k1(diagnosis: &Diagnosis) -> Panel {
    let curves: Vec<Curve> = over_k1_styles()
        .into_iter()
        .map(|(kind, style, _, shift)| {
            let largest = LARGEST_ERROR * diagnosis.spread(kind);
            let is_ladder = diagnosis.levels(kind).count() > 1;
            let is_known = |told: &&Told| match told.theta_error() {
                Some(error) => error <= largest || !is_ladder,
                None => kind != Kind::PERMUTED_SLOPE || told.blocks >= FEWEST_BLOCKS,
            };
            let levels = diagnosis.levels(kind).filter(is_known);
            let mut dots: Vec<Dot> = levels
                .filter_map(|told| {
                    Some(Dot {
                        y_interval: told.interval,
                        ..Dot::new(told.k1.map_or(1.0, |k1| k1 as f64), told.alpha?)
                    })
                })
                .collect();
            dots.sort_by(|left, right| left.x.total_cmp(&right.x));
            Curve { style, shift, dots }
        })
        .collect();
    let dots = || curves.iter().flat_map(|curve| &curve.dots);
    let longest = dots().map(|dot| dot.x).fold(2.0, f64::max);
    Panel {
        title: format!("{} · α over K₁", name(diagnosis)),
        plots: vec![Plot {
            x: Axis::powers("terms summed", 2, [0.75, longest * 1.4]),
            y: Axis::between("α", alpha_range(dots())),
            height: HEIGHT,
            rules: vec![2.0],
            diagonal: false,
            curves,
        }],
    }
}

fn hill_styles() -> [Style; 2] {
    [
        Style::line(BLUE, Line::Solid),
        Style::line(BLUE, Line::None).with(Shape::Square, true),
    ]
}

fn hill(diagnosis: &Diagnosis, values: &ValueSums) -> Panel {
    let count = values.count();
    let curve = |ks: &[u64], style| Curve {
        style,
        shift: 0.0,
        dots: hill_plot(values, ks)
            .into_iter()
            .map(|(k, alpha)| Dot::new(k as f64, alpha))
            .collect(),
    };
    let [line, mark] = hill_styles();
    let ks = spread(5.min(count - 1), count / 2);
    let curves = vec![curve(&ks, line), curve(&[tail_length(count)], mark)];
    let dots = || curves.iter().flat_map(|curve| &curve.dots);
    let [first, last] = bounds(dots().map(|dot| dot.x)).unwrap_or([1.0, 10.0]);
    // Equal errors of ln α have equal lengths, and no exponent is too large to be seen.
    let [low, high] = bounds(dots().map(|dot| dot.y)).unwrap_or([1.0, 4.0]);
    let y = Axis::powers("α of Hill", 2, [low.min(0.9) / 1.1, high.max(4.4) * 1.1]);
    Panel {
        title: format!("{} · Hill plot", name(diagnosis)),
        plots: vec![Plot {
            x: Axis::powers(
                "k: largest |x| that are used",
                10,
                [first / 1.2, last * 1.2],
            )
            .filled(),
            y,
            height: HEIGHT,
            rules: vec![2.0],
            diagonal: false,
            curves,
        }],
    }
}

fn quantile_styles() -> [Style; 2] {
    [
        Style::line(INK, Line::None).with(Shape::Plus, false),
        Style::line(VERMILLION, Line::None).with(Shape::Circle, true),
    ]
}

/// |x| against the |x| of a law of the same median |x|, for the normal and the stable one whose α
/// is that of `ecf`.
fn quantiles(diagnosis: &Diagnosis, values: &ValueSums) -> Option<Panel> {
    let count = values.count();
    let ranks: Vec<u64> = std::iter::once(0)
        .chain(spread(1, count * 3 / 4))
        .filter(|rank| *rank < count)
        .collect();
    let measured = magnitudes(values, &ranks);
    let median = *magnitudes(values, &[count / 2]).first()?;
    let fitted = ecf(values).ok().filter(|alpha| (0.1..=2.0).contains(alpha));
    let curve = |alpha: f64, style| {
        let unit = Stable::symmetric(alpha, 1.0).ok()?;
        let scale = median / unit.upper_quantile(0.25);
        let dots = ranks.iter().zip(&measured).map(|(rank, measured)| {
            // Of both tails.
            let beyond = (*rank as f64 + 0.5) / count as f64;
            Dot::new(scale * unit.upper_quantile(0.5 * beyond), *measured)
        });
        let positive = |dot: &Dot| dot.x.is_normal() && dot.y.is_normal();
        Some(Curve {
            style,
            shift: 0.0,
            dots: dots.filter(positive).collect(),
        })
    };
    let [normal, stable] = quantile_styles();
    let curves = [
        curve(2.0, normal),
        fitted.and_then(|alpha| curve(alpha, stable)),
    ];
    let curves: Vec<Curve> = curves.into_iter().flatten().collect();
    let dots = || curves.iter().flat_map(|curve| &curve.dots);
    let [left, right] = bounds(dots().map(|dot| dot.x))?;
    let [low, high] = bounds(dots().map(|dot| dot.y))?;
    let about = fitted.map_or(String::new(), |alpha| format!(" · stable α = {alpha:.2}"));
    Some(Panel {
        title: format!("{} · Quantiles of |x|{about}", name(diagnosis)),
        plots: vec![Plot {
            x: decades("|x| of the law", [left / 1.5, right * 1.5]),
            y: decades("|x| measured", [low / 1.5, high * 1.5]),
            height: HEIGHT,
            rules: Vec::new(),
            diagonal: true,
            curves,
        }],
    })
}

/// A file's name without its folder.
fn name(diagnosis: &Diagnosis) -> &str {
    let file = diagnosis.file.as_str();
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}

/// Powers of ten, or finer where there are too few of them.
fn decades(label: &str, range: [f64; 2]) -> Axis {
    let axis = Axis::decades(label, range);
    match axis.ticks.len() {
        0 | 1 => axis.filled(),
        _ => axis,
    }
}

/// Whole numbers in about equal ratios, without repetitions.
fn spread(low: u64, high: u64) -> Vec<u64> {
    let (low, high) = (low.max(1), high.max(low).max(1));
    let ratio = high as f64 / low as f64;
    let at = |index| f64::from(index) / f64::from(POINTS - 1);
    let mut all: Vec<u64> = (0..POINTS)
        .map(|index| (low as f64 * ratio.powf(at(index))).round() as u64)
        .collect();
    all.dedup();
    all
}
