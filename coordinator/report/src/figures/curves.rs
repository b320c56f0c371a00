//! The figure of a [`Picture`].

use super::Figure;
use super::axis::{Axis, bounds};
use super::legend::Entry;
use super::palette::Style;
use super::panel::{Curve, Dot, Panel, Plot};
use crate::picture::{Curves, Picture};

const HEIGHT: i32 = 230;

pub(crate) fn figure(picture: &Picture) -> Figure {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in picture.panels.iter().flat_map(|panel| &panel.curves) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let legend = names.iter().enumerate();
    Figure {
        name: "picture".to_owned(),
        title: picture.title.clone(),
        caption: String::new(),
        legend: legend
            .map(|(index, name)| Entry::new(Style::of(index), *name))
            .collect(),
        panels: picture
            .panels
            .iter()
            .map(|curves| panel(curves, &names))
            .collect(),
        columns: picture.panels.len(),
    }
}

fn panel(curves: &Curves, names: &[&str]) -> Panel {
    let drawn = curves.curves.iter().map(|(name, readings)| Curve {
        style: Style::of(names.iter().position(|own| own == name).unwrap_or(0)),
        shift: 0.0,
        dots: readings
            .iter()
            .map(|reading| Dot {
                y_interval: Some(reading.ends),
                ..Dot::new(reading.x, reading.y)
            })
            .collect(),
    });
    let drawn: Vec<Curve> = drawn.collect();
    let dots = || drawn.iter().flat_map(|curve| &curve.dots);
    let ends = dots().flat_map(|dot| dot.y_interval.into_iter().flatten());
    let x = Axis::linear(&curves.x, dots().map(|dot| dot.x));
    let [low, high] = bounds(ends.chain(curves.rule).chain(curves.least)).unwrap_or(curves.least);
    let y = Axis::linear(&curves.y, [low, high]);
    Panel {
        title: curves.title.clone(),
        plots: vec![Plot {
            x,
            y,
            height: HEIGHT,
            rules: curves.rule.into_iter().collect(),
            diagonal: curves.diagonal,
            curves: drawn,
        }],
    }
}
