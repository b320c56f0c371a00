//! Late α against width, depth, batch size and learning rate: a figure for each of them that
//! has at least two values.
//!
//! One curve for each value of a second setting, a pair of panels for each combination of the
//! others: the published α with its Gaussian surrogate, and the α across minibatches. Against the
//! batch size also the published α at one block length for all: its own changes with b.

use tailsweep_common::measurement::Split;
use tailsweep_stats::late::Late;

use super::axis::{Axis, Scale};
use super::legend::Entry;
use super::palette::{INK, Line, Style};
use super::panel::{Curve, Dot, Panel, Plot};
use super::{Figure, alpha_range, evenly_spaced};
use crate::fields::{Field, label};
use crate::lookup::{Kind, Lookup};

/// Combinations of the other settings that are shown.
const MOST_FACETS: usize = 6;

/// The size of the network.
pub(super) fn size(lookup: &Lookup<'_>) -> Vec<Figure> {
    use Field::{BatchSize, Depth, LearningRate, Width};
    let width = figure(lookup, &Width, &[Depth, BatchSize, LearningRate]);
    let depth = figure(lookup, &Depth, &[Width, BatchSize, LearningRate]);
    width.into_iter().chain(depth).collect()
}

/// How it is trained.
pub(super) fn training(lookup: &Lookup<'_>) -> Vec<Figure> {
    use Field::{BatchSize, Depth, LearningRate, Width};
    let batch_size = figure(lookup, &BatchSize, &[Width, Depth, LearningRate]);
    let learning_rate = figure(lookup, &LearningRate, &[BatchSize, Width, Depth]);
    batch_size.into_iter().chain(learning_rate).collect()
}

/// Points that differ in the axis and the curve alone.
struct Facet {
    title: String,
    points: Vec<usize>,
}

fn figure(lookup: &Lookup<'_>, axis: &Field, curves: &[Field]) -> Option<Figure> {
    let points = || lookup.facts.all_points();
    if !lookup.varying.contains(axis) {
        return None;
    }
    // The width of an AlexNet has a figure of its own.
    if *axis == Field::Width && points().all(|point| point.architecture() == "alexnet") {
        return None;
    }
    // A setting that advances together with the axis can't be held fixed along it.
    let (bound, free): (Vec<Field>, Vec<Field>) = lookup
        .varying
        .iter()
        .filter(|field| *field != axis)
        .cloned()
        .partition(|field| axis.decides(field, points()));
    let curve = curves.iter().find(|field| free.contains(field));
    let others: Vec<Field> = free
        .iter()
        .filter(|field| Some(*field) != curve)
        .cloned()
        .collect();
    let mut facets = facets(lookup, &others);
    facets.retain(|facet| {
        let with_data = facet
            .points
            .iter()
            .filter(|point| has_data(lookup, **point));
        axis.values(with_data.map(|point| lookup.point(*point)))
            .len()
            > 1
    });
    if facets.is_empty() {
        return None;
    }
    let shown = evenly_spaced(facets.len(), MOST_FACETS);
    let left_out = facets.len() - shown.len();
    let facets: Vec<&Facet> = shown.into_iter().map(|index| &facets[index]).collect();

    let shown_points = || facets.iter().flat_map(|facet| &facet.points);
    let names = curve.map_or(Vec::new(), |curve| {
        curve.values(shown_points().map(|point| lookup.point(*point)))
    });
    let styles = evenly_spaced(names.len(), Style::MOST);
    let x_values: Vec<f64> = shown_points()
        .filter_map(|point| axis.coordinate(lookup.point(*point)))
        .collect();
    let scale = if *axis == Field::Depth {
        Scale::Linear
    } else {
        Scale::Log
    };
    let drawing = Drawing {
        lookup,
        axis,
        curve,
        names: styles.iter().map(|index| names[*index].clone()).collect(),
        x: Axis::values(&x_label(axis), scale, &x_values),
    };
    // The published K1 follows the number of minibatches, so a claim about b needs a fixed one.
    let fixed_k1 = (*axis == Field::BatchSize)
        .then(|| {
            let with_data = shown_points().filter(|point| has_data(lookup, **point));
            lookup.shared_k1(&with_data.copied().collect::<Vec<_>>())
        })
        .flatten();
    let mut panels: Vec<(bool, Panel)> = Vec::new();
    for facet in &facets {
        let plots = [
            (
                false,
                "Published α".to_owned(),
                Some(drawing.published(facet)),
            ),
            (
                false,
                fixed_k1.map_or(String::new(), |k1| format!("Published, K₁ = {k1} for all")),
                fixed_k1.map(|k1| drawing.at_k1(facet, k1)),
            ),
            (
                true,
                "Across minibatches".to_owned(),
                Some(drawing.within(facet)),
            ),
        ];
        for (is_control, what, plot) in plots {
            let Some(plot) = plot else { continue };
            if plot.curves.iter().any(|curve| !curve.dots.is_empty()) {
                let parts = [&what, &facet.title].into_iter().map(String::as_str);
                let parts = parts.filter(|part| !part.is_empty());
                let title = parts.collect::<Vec<_>>().join(" · ");
                let plots = vec![plot];
                panels.push((is_control, Panel { title, plots }));
            }
        }
    }
    for is_control in [false, true] {
        share_range(
            panels
                .iter_mut()
                .filter(|(kind, _)| *kind == is_control)
                .map(|(_, p)| p),
        );
    }
    let columns = if fixed_k1.is_some() { 3 } else { 2 };
    let has_surrogate = shown_points().any(|point| {
        lookup
            .late(*point, lookup.main_split(*point), Kind::SURROGATE)
            .is_some()
    });
    Some(Figure {
        name: format!("alpha-{}", axis.column().replace('_', "-")),
        title: format!("Late α against {}", axis.name()),
        caption: caption(
            axis,
            &bound,
            fixed_k1,
            names.len() - drawing.names.len(),
            left_out,
        ),
        legend: drawing.legend(has_surrogate),
        panels: panels.into_iter().map(|(_, panel)| panel).collect(),
        columns,
    })
}

fn x_label(axis: &Field) -> String {
    match axis {
        Field::Width => "width (units or channels)".to_owned(),
        Field::Depth => "depth (linear layers)".to_owned(),
        Field::BatchSize => "batch size b".to_owned(),
        Field::LearningRate => "learning rate η".to_owned(),
        other => other.name().to_owned(),
    }
}

fn caption(
    axis: &Field,
    bound: &[Field],
    fixed_k1: Option<u64>,
    curves: usize,
    facets: usize,
) -> String {
    let mut text = format!(
        "Late α against {} on the training split (the test split where the training split was \
         not measured), with 95 % intervals. Published panels: markers and solid lines are the \
         paper’s number, the dashed line of the same colour is what Gaussian noise with the same \
         covariance and the same zeros would read. Where the two agree, the published number \
         does not decide about tails. The other panels show within_coordinate / paired, \
         which compares minibatches parameter by parameter. The dotted line marks α = 2. An \
         interval without a cap goes on beyond the frame.",
        axis.name()
    );
    if let Some(k1) = fixed_k1 {
        text.push_str(&format!(
            " The published block length changes with the batch size, so beside it stands what \
             the same estimator reads at K₁ = {k1} throughout, blocks restarting in every row."
        ));
    }
    for field in bound {
        text.push_str(&format!(
            " The {} changes along with the {}.",
            field.name(),
            axis.name()
        ));
    }
    if curves > 0 {
        text.push_str(&format!(
            " {curves} further curves are in points.csv alone."
        ));
    }
    if facets > 0 {
        text.push_str(&format!(
            " {facets} further combinations of the other settings are in points.csv alone."
        ));
    }
    text
}

fn facets(lookup: &Lookup<'_>, others: &[Field]) -> Vec<Facet> {
    let mut facets: Vec<Facet> = Vec::new();
    for index in 0..lookup.facts.points.len() {
        let title = label(others, lookup.point(index));
        match facets.iter_mut().find(|facet| facet.title == title) {
            Some(facet) => facet.points.push(index),
            None => facets.push(Facet {
                title,
                points: vec![index],
            }),
        }
    }
    facets
}

fn has_data(lookup: &Lookup<'_>, point: usize) -> bool {
    let split = lookup.main_split(point);
    [Kind::PUBLISHED, Kind::WITHIN]
        .into_iter()
        .filter_map(|kind| lookup.late(point, split, kind))
        .any(|late| late.alpha.is_some())
}

/// Gives all panels the same range of α.
fn share_range<'a>(panels: impl Iterator<Item = &'a mut Panel>) {
    let mut panels: Vec<&mut Panel> = panels.collect();
    let dots: Vec<Dot> = panels
        .iter()
        .flat_map(|panel| panel.plots.iter().flat_map(|plot| &plot.curves))
        .flat_map(|curve| curve.dots.iter().copied())
        .collect();
    let axis = Axis::between("late α", alpha_range(dots.iter()));
    for panel in &mut panels {
        for plot in &mut panel.plots {
            plot.y = axis.clone();
        }
    }
}

struct Drawing<'a> {
    lookup: &'a Lookup<'a>,
    axis: &'a Field,
    curve: Option<&'a Field>,
    /// The values of the curve that are shown.
    names: Vec<String>,
    x: Axis,
}

impl Drawing<'_> {
    fn published(&self, facet: &Facet) -> Plot {
        let mut curves = Vec::new();
        for (index, name) in self.curves() {
            let style = Style::of(index).companion();
            curves.push(self.one(facet, name, Kind::SURROGATE, style, index));
        }
        for (index, name) in self.curves() {
            curves.push(self.one(facet, name, Kind::PUBLISHED, Style::of(index), index));
        }
        self.plot(curves)
    }

    /// The published estimator at one block length.
    fn at_k1(&self, facet: &Facet, k1: u64) -> Plot {
        let curves = self.curves();
        let one = |(index, name)| {
            let late = |point, split| self.lookup.at_k1(point, split, k1);
            self.curve_of(facet, name, Style::of(index), index, late)
        };
        self.plot(curves.into_iter().map(one).collect())
    }

    fn within(&self, facet: &Facet) -> Plot {
        let curves = self.curves();
        let one = |(index, name)| self.one(facet, name, Kind::WITHIN, Style::of(index), index);
        self.plot(curves.into_iter().map(one).collect())
    }

    /// The index and the value of each curve; one without a value where nothing else varies.
    fn curves(&self) -> Vec<(usize, Option<&str>)> {
        match self.curve {
            None => vec![(0, None)],
            Some(_) => self
                .names
                .iter()
                .map(|name| Some(name.as_str()))
                .enumerate()
                .collect(),
        }
    }

    fn plot(&self, curves: Vec<Curve>) -> Plot {
        Plot {
            x: self.x.clone(),
            y: Axis::between("late α", [1.0, 2.0]),
            height: 230,
            rules: vec![2.0],
            diagonal: false,
            curves,
        }
    }

    fn one(
        &self,
        facet: &Facet,
        name: Option<&str>,
        kind: Kind,
        style: Style,
        index: usize,
    ) -> Curve {
        let late = |point, split| self.lookup.late(point, split, kind);
        self.curve_of(facet, name, style, index, late)
    }

    fn curve_of<'l>(
        &self,
        facet: &Facet,
        name: Option<&str>,
        style: Style,
        index: usize,
        late: impl Fn(usize, Split) -> Option<&'l Late>,
    ) -> Curve {
        let is_of_curve = |point: usize| match (self.curve, name) {
            (Some(curve), Some(name)) => curve.value(self.lookup.point(point)) == name,
            _ => true,
        };
        let mut dots: Vec<Dot> = facet
            .points
            .iter()
            .filter(|point| is_of_curve(**point))
            .filter_map(|point| {
                let x = self.axis.coordinate(self.lookup.point(*point))?;
                let late = late(*point, self.lookup.main_split(*point))?;
                let y_interval = late.interval.filter(|_| style.marker.is_some());
                Some(Dot {
                    x,
                    y: late.alpha?,
                    x_interval: None,
                    y_interval,
                })
            })
            .collect();
        dots.sort_by(|left, right| left.x.total_cmp(&right.x));
        let middle = (self.curves().len() as f64 - 1.0) / 2.0;
        // All curves of one value of x stay within 14 pixels.
        let step = (7.0 / middle.max(1.0)).min(3.5);
        Curve {
            style,
            shift: step * (index as f64 - middle),
            dots,
        }
    }

    fn legend(&self, has_surrogate: bool) -> Vec<Entry> {
        let mut entries: Vec<Entry> = match self.curve {
            None => vec![Entry::new(Style::of(0), "α with its 95 % interval")],
            Some(curve) => {
                let value = |name: &String| match curve {
                    Field::LearningRate => format!("η = {name}"),
                    Field::BatchSize => format!("b = {name}"),
                    other => format!("{} {name}", other.name()),
                };
                let entry = |(index, name)| Entry::new(Style::of(index), value(name));
                self.names.iter().enumerate().map(entry).collect()
            }
        };
        if has_surrogate {
            let dashed = Style {
                width: 14,
                ..Style::line(INK, Line::Dashed)
            };
            entries.push(Entry::new(dashed, "Gaussian surrogate"));
        }
        entries
    }
}
