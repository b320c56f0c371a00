//! Figures of synthetic noise: α̂ against the true α, closed forms against what is read, coverage of
//! intervals.

use tailsweep_common::run::Law;
use tailsweep_stats::{Estimator, Treatment};

use super::Figure;
use super::axis::{Axis, bounds};
use super::legend::Entry;
use super::palette::{INK, Line, Style};
use super::panel::{Curve, Dot, Panel, Plot};
use crate::calibration::html::is_near_published;
use crate::calibration::{Calibrated, calibrated};
use crate::fields::{Field, label};
use crate::lookup::Lookup;

/// Fewer draws say nothing about a coverage.
const FEWEST_DRAWS: u64 = 30;
/// Panels of coverage.
const MOST_PANELS: usize = 8;

/// All of them; none without synthetic noise.
pub(super) fn figures(lookup: &Lookup<'_>) -> Vec<Figure> {
    let all = calibrated(lookup.facts);
    [truth(&all), closed_forms(&all), coverage(lookup, &all)]
        .into_iter()
        .flatten()
        .collect()
}

/// The true α of a point of independent stable values.
fn true_alpha(one: &Calibrated<'_>) -> Option<f64> {
    let point = one.point;
    let is_iid = point.scale_spread == 0.0
        && point.correlation == 0.0
        && point.zeros == 0.0
        && point.dead_groups == 0.0;
    match point.law {
        Law::Stable { alpha } if is_iid => Some(alpha),
        _ => None,
    }
}

/// The estimators of a single number: those on a ladder at one length alone.
fn is_single(one: &Calibrated<'_>) -> bool {
    match (one.estimator, one.treatment) {
        (Estimator::Mohammadi, Treatment::Published) => true,
        (Estimator::Mohammadi, _) => false,
        (Estimator::LocalSlope, Treatment::Permuted) => is_near_published(one),
        (Estimator::LocalSlope, _) => one.k1 == Some(2),
        _ => true,
    }
}

fn name(one: &Calibrated<'_>) -> String {
    let estimator = one.estimator.as_str().replace('_', " ");
    match (one.estimator, one.treatment) {
        (Estimator::Mohammadi, Treatment::Published) => "published".to_owned(),
        (Estimator::LocalSlope, treatment) => format!("{estimator}, {treatment}"),
        (_, Treatment::Paired) => format!("{estimator}, paired"),
        _ => estimator,
    }
}

/// Curves by name, each with its rows.
fn grouped<'a, 'b>(
    all: impl Iterator<Item = &'b Calibrated<'a>>,
    name: impl Fn(&Calibrated<'a>) -> String,
) -> Vec<(String, Vec<&'b Calibrated<'a>>)>
where
    'a: 'b,
{
    let mut groups: Vec<(String, Vec<&Calibrated<'a>>)> = Vec::new();
    for one in all {
        let name = name(one);
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, ones)) => ones.push(one),
            None => groups.push((name, vec![one])),
        }
    }
    groups
}

/// α̂ against α with the spread of α̂, and that spread beside its formula.
fn truth(all: &[Calibrated<'_>]) -> Option<Figure> {
    let stable = || {
        all.iter()
            .filter(|one| true_alpha(one).is_some() && is_single(one) && one.alpha.count > 0)
    };
    let x = |one: &Calibrated<'_>| true_alpha(one).unwrap_or_default();
    let [low, high] = bounds(stable().map(x))?;
    if stable().filter(|one| is_published(one)).count() < 3 {
        return None;
    }
    let range = [low - 0.04 * (high - low), high + 0.04 * (high - low)];
    let axis = || Axis::between("true α", range);
    let with_spread = |one: &Calibrated<'_>| {
        let (mean, sd) = (one.alpha.mean, one.alpha.sd());
        Dot {
            y_interval: sd.map(|sd| [mean - sd, mean + sd]),
            ..Dot::new(x(one), mean)
        }
    };
    let published: Vec<&Calibrated<'_>> = stable().filter(|one| is_published(one)).collect();
    let style = Style::of(0);
    let plot = |y: Axis, diagonal, curves| Plot {
        x: axis(),
        y,
        height: 250,
        rules: Vec::new(),
        diagonal,
        curves,
    };
    let panel = |title: &str, plot| Panel {
        title: title.to_owned(),
        plots: vec![plot],
    };
    let curve = |style, dots| Curve {
        style,
        shift: 0.0,
        dots,
    };
    let mut panels = vec![panel(
        "the published estimator",
        plot(
            Axis::between("mean of α̂", range),
            true,
            vec![curve(
                style.dots(),
                published.iter().map(|one| with_spread(one)).collect(),
            )],
        ),
    )];
    let formula: Vec<Dot> = published
        .iter()
        .filter_map(|one| Some(Dot::new(x(one), one.expected_sd?)))
        .collect();
    let seen: Vec<Dot> = published
        .iter()
        .filter_map(|one| Some(Dot::new(x(one), one.alpha.sd()?)))
        .collect();
    if let Some([low, high]) = bounds(formula.iter().chain(&seen).map(|dot| dot.y)) {
        let y = Axis::between("standard deviation of α̂", [low.min(0.0), 1.08 * high]);
        let curves = vec![curve(style.companion(), formula), curve(style.dots(), seen)];
        panels.push(panel("its spread", plot(y, false, curves)));
    }
    let mut legend = vec![
        Entry::new(style, "published"),
        Entry::new(Style::line(INK, Line::Dashed), "formula"),
    ];
    let others = grouped(stable().filter(|one| !is_published(one)), name);
    for (index, (name, _)) in others.iter().enumerate() {
        legend.push(Entry::new(Style::of(index + 1), name.clone()));
    }
    let curves: Vec<Curve> = others
        .iter()
        .enumerate()
        .take(Style::MOST - 1)
        .map(|(index, (_, ones))| {
            let dot = |one: &&Calibrated<'_>| {
                Dot::new(x(one), one.alpha.mean.clamp(range[0], 1.5 * range[1]))
            };
            curve(Style::of(index + 1), ones.iter().map(dot).collect())
        })
        .collect();
    if !curves.is_empty() {
        let y = Axis::between("mean of α̂", [range[0], 1.5 * range[1]]);
        panels.push(panel(
            "the others on the same numbers",
            plot(y, true, curves),
        ));
    }
    legend.truncate(Style::MOST + 1);
    Some(Figure {
        name: "alpha-true".to_owned(),
        title: "α̂ against the true α".to_owned(),
        caption: "Independent values of SαS(1), the mean of α̂ over all draws, and ± its standard \
                  deviation, as in the paper’s Figure 4; dotted: y = x. The formula is \
                  α²√(V/K2)/ln K1, V = (π²/6)(1/α² + ½). Values beyond the frame are drawn at its \
                  edge."
            .to_owned(),
        legend,
        panels,
        columns: 3,
    })
}

fn is_published(one: &Calibrated<'_>) -> bool {
    one.estimator == Estimator::Mohammadi && one.treatment == Treatment::Published
}

/// What is read against what the closed form says.
fn closed_forms(all: &[Calibrated<'_>]) -> Option<Figure> {
    let wanted = |one: &&Calibrated<'_>| {
        let treatments = [
            Treatment::Published,
            Treatment::GaussianSurrogate,
            Treatment::ZerosDropped,
        ];
        let paired = one.estimator == Estimator::WithinCoordinate;
        let of_blocks =
            one.estimator == Estimator::Mohammadi && treatments.contains(&one.treatment);
        // Independent values are of the figure before.
        let has_cause = true_alpha(one).is_none();
        (of_blocks || paired) && has_cause && one.expected.is_some() && one.pooled().is_some()
    };
    let title = |one: &Calibrated<'_>| match one.estimator {
        Estimator::Mohammadi => one.treatment.as_str().replace('_', " "),
        other => other.as_str().replace('_', " "),
    };
    let groups = grouped(all.iter().filter(wanted), title);
    let curves: Vec<Curve> = groups
        .iter()
        .enumerate()
        .map(|(index, (_, ones))| Curve {
            style: Style::of(index).dots(),
            shift: 0.0,
            dots: ones.iter().filter_map(|one| closed_dot(one)).collect(),
        })
        .collect();
    let dots = || curves.iter().flat_map(|curve| &curve.dots);
    if dots().count() < 3 {
        return None;
    }
    let [low, high] = bounds(dots().flat_map(|dot| [dot.x, dot.y]))?;
    let range = [low - 0.08, high + 0.08];
    let plot = Plot {
        x: Axis::between("α̂ by the closed form", range),
        y: Axis::between("α̂ read", range),
        height: 330,
        rules: Vec::new(),
        diagonal: true,
        curves,
    };
    Some(Figure {
        name: "closed-forms".to_owned(),
        title: "What is read, and what the closed form says".to_owned(),
        caption: "A marker for each point whose law and cause have a closed form: 1 over the mean \
                  of 1/α̂ over all draws, with 95 % intervals; dotted: y = x. On Gaussian noise the \
                  published number falls below 2 through unequal scales, correlation and zeros \
                  alone; the Gaussian surrogate falls with it, and the paired estimate stays."
            .to_owned(),
        legend: groups
            .iter()
            .enumerate()
            .map(|(index, (name, _))| Entry::new(Style::of(index).dots(), name.clone()))
            .collect(),
        panels: vec![Panel {
            title: String::new(),
            plots: vec![plot],
        }],
        columns: 1,
    })
}

fn closed_dot(one: &Calibrated<'_>) -> Option<Dot> {
    let (alpha, error) = one.pooled()?;
    Some(Dot {
        y_interval: error.map(|error| [alpha - 1.96 * error, alpha + 1.96 * error]),
        ..Dot::new(one.expected_alpha()?, alpha)
    })
}

/// The coverage of the 95 % intervals: a panel for each setting beside the law, a curve for each
/// estimator.
fn coverage(lookup: &Lookup<'_>, all: &[Calibrated<'_>]) -> Option<Figure> {
    let wanted = |one: &&Calibrated<'_>| {
        let has_another_name = one.estimator == Estimator::LocalSlope;
        one.covered.is_some()
            && is_single(one)
            && !has_another_name
            && one.draws >= FEWEST_DRAWS
            && one.point.params > 1
    };
    let settings: Vec<Field> = lookup
        .varying
        .iter()
        .filter(|field| !["synthetic.alpha", "synthetic.law"].contains(&field.column()))
        .cloned()
        .collect();
    let title = |one: &Calibrated<'_>| label(&settings, lookup.point(one.index));
    let mut groups = grouped(all.iter().filter(wanted), title);
    let index = |one: &Calibrated<'_>| one.point.law.index();
    groups.retain(|(_, ones)| {
        bounds(ones.iter().map(|one| index(one))).is_some_and(|[low, high]| low < high)
    });
    let left_out = groups.len().saturating_sub(MOST_PANELS);
    groups.truncate(MOST_PANELS);
    let ones = || groups.iter().flat_map(|(_, ones)| ones.iter().copied());
    let [low, high] = bounds(ones().map(index))?;
    let names: Vec<String> = grouped(ones(), name)
        .into_iter()
        .map(|(name, _)| name)
        .take(Style::MOST)
        .collect();
    let dot = |one: &&Calibrated<'_>| {
        let (share, ends) = one.coverage()?;
        Some(Dot {
            y_interval: Some(ends.map(|end| 100.0 * end)),
            ..Dot::new(index(one), 100.0 * share)
        })
    };
    let lowest = ones()
        .filter_map(Calibrated::coverage)
        .fold(0.9, |least: f64, (_, [low, _])| least.min(low));
    let panels = groups
        .iter()
        .map(|(title, ones)| {
            let curves = names.iter().enumerate().map(|(number, curve)| Curve {
                style: Style::of(number),
                shift: 5.0 * (number as f64 - (names.len() - 1) as f64 / 2.0),
                dots: ones
                    .iter()
                    .filter(|one| name(one) == *curve)
                    .filter_map(dot)
                    .collect(),
            });
            Panel {
                title: title.clone(),
                plots: vec![Plot {
                    x: Axis::between("index of the law", [low - 0.08, high + 0.08]),
                    y: Axis::between("coverage, %", [100.0 * lowest - 2.0, 101.0]),
                    height: 230,
                    rules: vec![95.0],
                    diagonal: false,
                    curves: curves.collect(),
                }],
            }
        })
        .collect();
    let more = match left_out {
        0 => String::new(),
        count => format!(" {count} more panels are left out; all numbers are in calibration.csv."),
    };
    Some(Figure {
        name: "coverage".to_owned(),
        title: "Coverage of the 95 % intervals".to_owned(),
        caption: format!(
            "The share of draws whose interval holds the index of the law, with its own 95 % \
             interval (Wilson 1927); dotted: 95 %. Intervals of the published number, clustered by \
             minibatch, are too short when noise is truly heavy, because the mean puts a part of \
             each outlier into every row; where scales differ or parameters hang together they \
             are about another number, and miss the index altogether.{more}"
        ),
        legend: names
            .iter()
            .enumerate()
            .map(|(number, name)| Entry::new(Style::of(number), name.clone()))
            .collect(),
        panels,
        columns: 2,
    })
}
