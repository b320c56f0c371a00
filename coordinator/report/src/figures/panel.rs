//! A panel: plots above one another, each with axes and curves.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Place, UNIT, text_width};
use super::palette::{AXIS, GRID, Line, Shape, Style};

/// The least room for the labels of a y axis, in pixels.
const LEFT: i32 = 62;
const RIGHT: i32 = 14;
const TITLE_LINE: i32 = 17;
const X_AXIS: i32 = 46;
const GAP: i32 = 18;
/// From the end of the text of a tick to the frame.
const TICK: i32 = 7;
/// The room of the label of a y axis.
const LABEL: i32 = 19;
/// The side of a square frame, at most.
const LARGEST_SQUARE: i32 = 320;
const TEXT: f64 = 12.5;
const TITLE: f64 = 13.0;

/// One panel of a figure.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    /// Empty: no title.
    pub(super) title: String,
    /// From top to bottom; only the last one shows the x axis if there are several.
    pub(super) plots: Vec<Plot>,
}

/// Axes and what is drawn between them.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    pub(super) x: Axis,
    pub(super) y: Axis,
    /// In pixels.
    pub(super) height: i32,
    /// Values of y with a line across.
    pub(super) rules: Vec<f64>,
    /// Whether the line y = x is drawn; where both axes have one range, the frame is a square then.
    pub(super) diagonal: bool,
    pub(super) curves: Vec<Curve>,
}

/// A curve: its dots from left to right.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    pub(super) style: Style,
    /// Shifted to the right by so many pixels, so that intervals don't cover one another.
    pub(super) shift: f64,
    pub(super) dots: Vec<Dot>,
}

/// A point of a curve, with the ends of its interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dot {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) x_interval: Option<[f64; 2]>,
    pub(super) y_interval: Option<[f64; 2]>,
}

impl Dot {
    pub(super) fn new(x: f64, y: f64) -> Self {
        Self {
            x,
            y,
            x_interval: None,
            y_interval: None,
        }
    }
}

/// Where a plot lies on the canvas, in units.
struct Frame {
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
    /// The middle of the label of the y axis.
    label: i32,
}

impl Frame {
    fn x(&self, axis: &Axis, value: f64) -> i32 {
        self.left + between(axis.share(value), self.right - self.left)
    }

    fn y(&self, axis: &Axis, value: f64) -> i32 {
        self.bottom - between(axis.share(value), self.bottom - self.top)
    }
}

/// A share of a length; what lies outside of it is put at its end.
fn between(share: f64, length: i32) -> i32 {
    (share.clamp(0.0, 1.0) * f64::from(length)).round() as i32
}

impl Panel {
    /// In pixels, when it is `width` pixels wide.
    pub(super) fn height(&self, width: i32) -> i32 {
        self.head(width) + self.body(width)
    }

    /// What is below its head.
    pub(super) fn body(&self, width: i32) -> i32 {
        let room = self.room(width);
        let plots: i32 = self.plots.iter().map(|plot| plot.size(room).1).sum();
        let gaps = GAP * (self.plots.len() as i32 - 1).max(0);
        plots + gaps + X_AXIS
    }

    /// From its left edge to its frames: the texts of the ticks have room beside the label.
    fn left(&self) -> i32 {
        let ticks = self.plots.iter().flat_map(|plot| &plot.y.ticks);
        let widths = ticks.map(|(_, text)| text_width(text, TEXT).ceil() as i32);
        LEFT.max(TICK + widths.max().unwrap_or(0) + LABEL + 2)
    }

    /// How wide its frames can be.
    fn room(&self, width: i32) -> i32 {
        width - self.left() - RIGHT
    }

    /// The room of its title.
    pub(super) fn head(&self, width: i32) -> i32 {
        let lines = self.title_lines(width).len() as i32;
        if lines == 0 {
            12
        } else {
            12 + lines * TITLE_LINE
        }
    }

    /// The title, broken at its dots where it is too long for one line, and between words where
    /// one part of it is.
    fn title_lines(&self, width: i32) -> Vec<String> {
        let room = f64::from(self.room(width));
        // Bold letters are wider.
        let fits = |text: &str| 1.06 * text_width(text, TITLE) <= room;
        let mut lines: Vec<String> = Vec::new();
        for part in self.title.split(" · ").filter(|part| !part.is_empty()) {
            for (index, word) in part.split(' ').enumerate() {
                let joint = if index == 0 { " · " } else { " " };
                let starts = index == 0 && !fits_behind(lines.last(), joint, part, fits);
                match lines.last_mut() {
                    Some(line) if !starts && fits(&format!("{line}{joint}{word}")) => {
                        line.push_str(joint);
                        line.push_str(word);
                    }
                    _ => lines.push(word.to_owned()),
                }
            }
        }
        lines
    }

    /// Draws it `width` pixels wide with the upper left corner of its body at `(left, top)` pixels, and its
    /// title above.
    pub(super) fn draw(&self, canvas: &Canvas<'_>, (left, top): (i32, i32), width: i32) {
        let (start, room) = (left + self.left(), self.room(width));
        let head = top - self.head(width);
        for (index, line) in (0..).zip(self.title_lines(width)) {
            let place = (start * UNIT, (head + 13 + index * TITLE_LINE) * UNIT);
            canvas.text(&line, place, TITLE, Anchor::Start, true);
        }
        let mut top = top;
        for (index, plot) in self.plots.iter().enumerate() {
            let (width, height) = plot.size(room);
            let frame = Frame {
                left: start * UNIT,
                right: (start + width) * UNIT,
                top: top * UNIT,
                bottom: (top + height) * UNIT,
                label: (left + LABEL / 2 + 2) * UNIT,
            };
            plot.draw(canvas, &frame, index + 1 == self.plots.len());
            top += height + GAP;
        }
    }
}

impl Plot {
    /// Width and height of its frame in `room` pixels.
    fn size(&self, room: i32) -> (i32, i32) {
        if self.diagonal && self.x.range == self.y.range {
            let side = room.min(LARGEST_SQUARE);
            return (side, side);
        }
        (room, self.height)
    }

    fn draw(&self, canvas: &Canvas<'_>, frame: &Frame, with_x_axis: bool) {
        self.draw_grid(canvas, frame);
        self.draw_axes(canvas, frame, with_x_axis);
        let has_intervals = |curve: &&Curve| curve.dots.iter().any(|dot| dot.y_interval.is_some());
        let is_crowded = self.curves.iter().filter(has_intervals).count() > 4;
        for curve in &self.curves {
            self.draw_curve(canvas, frame, curve, if is_crowded { 0.4 } else { 1.0 });
        }
    }

    fn draw_grid(&self, canvas: &Canvas<'_>, frame: &Frame) {
        for (value, _) in &self.y.ticks {
            let y = frame.y(&self.y, *value);
            canvas.segment((frame.left, y), (frame.right, y), GRID, 8);
        }
        for (value, _) in &self.x.ticks {
            let x = frame.x(&self.x, *value);
            canvas.segment((x, frame.top), (x, frame.bottom), GRID, 8);
        }
        let inside = |value: f64| (0.0..=1.0).contains(&self.y.share(value));
        for value in self.rules.iter().filter(|value| inside(**value)) {
            let y = frame.y(&self.y, *value);
            let style = Style {
                width: 12,
                ..Style::line(AXIS, Line::Dotted)
            };
            canvas.path(vec![(frame.left, y), (frame.right, y)], style);
        }
        if self.diagonal {
            let [low, high] = [0, 1].map(|end| [self.x.range[end], self.y.range[end]]);
            let [low, high] = [low[0].max(low[1]), high[0].min(high[1])];
            let place = |value| (frame.x(&self.x, value), frame.y(&self.y, value));
            let style = Style {
                width: 12,
                ..Style::line(AXIS, Line::Dotted)
            };
            canvas.path(vec![place(low), place(high)], style);
        }
    }

    fn draw_axes(&self, canvas: &Canvas<'_>, frame: &Frame, with_x_axis: bool) {
        let Frame {
            left,
            right,
            top,
            bottom,
            label,
        } = *frame;
        canvas.segment((left, bottom), (right, bottom), AXIS, 10);
        canvas.segment((left, top), (left, bottom), AXIS, 10);
        for (value, text) in &self.y.ticks {
            let y = frame.y(&self.y, *value);
            canvas.segment((left - 4 * UNIT, y), (left, y), AXIS, 10);
            canvas.text(text, (left - TICK * UNIT, y), TEXT, Anchor::End, false);
        }
        let middle = (label, (top + bottom) / 2);
        canvas.text(&self.y.label, middle, TEXT, Anchor::Upward, false);
        let mut free = f64::NEG_INFINITY;
        for (value, text) in &self.x.ticks {
            let x = frame.x(&self.x, *value);
            canvas.segment((x, bottom), (x, bottom + 4 * UNIT), AXIS, 10);
            // A text that would touch the one before is left out; its tick stays.
            let half = 0.5 * f64::from(UNIT) * text_width(text, TEXT);
            if with_x_axis && f64::from(x) - half > free {
                free = f64::from(x) + half + f64::from(4 * UNIT);
                canvas.text(text, (x, bottom + 13 * UNIT), TEXT, Anchor::Middle, false);
            }
        }
        if with_x_axis {
            let place = ((left + right) / 2, bottom + 33 * UNIT);
            canvas.text(&self.x.label, place, TEXT, Anchor::Middle, false);
        }
    }

    fn draw_curve(&self, canvas: &Canvas<'_>, frame: &Frame, curve: &Curve, pale: f64) {
        if curve.style.band {
            let ends = curve
                .dots
                .iter()
                .filter_map(|dot| Some((dot.x, dot.y_interval?)));
            let place = |x, y| (frame.x(&self.x, x), frame.y(&self.y, y));
            let lower = ends.clone().map(|(x, [low, _])| place(x, low));
            let upper = ends.rev().map(|(x, [_, high])| place(x, high));
            canvas.area(lower.chain(upper).collect(), curve.style.colour);
            return;
        }
        let intervals = Style {
            opacity: pale.min(curve.style.opacity),
            ..curve.style
        };
        let shift = (curve.shift * f64::from(UNIT)).round() as i32;
        let place = |dot: &Dot| (frame.x(&self.x, dot.x) + shift, frame.y(&self.y, dot.y));
        canvas.path(curve.dots.iter().map(place).collect(), curve.style);
        for dot in &curve.dots {
            let (x, y) = place(dot);
            if let Some([low, high]) = dot.y_interval {
                let end = |value: f64| {
                    let inside = (0.0..=1.0).contains(&self.y.share(value));
                    (
                        (x, frame.y(&self.y, value)),
                        inside.then_some((3 * UNIT, 0)),
                    )
                };
                draw_interval(canvas, intervals, end(low), end(high));
            }
            if let Some([low, high]) = dot.x_interval {
                let end = |value: f64| {
                    let inside = (0.0..=1.0).contains(&self.x.share(value));
                    (
                        (frame.x(&self.x, value), y),
                        inside.then_some((0, 3 * UNIT)),
                    )
                };
                draw_interval(canvas, intervals, end(low), end(high));
            }
            self.draw_marker(canvas, dot, (x, y), curve.style);
        }
    }

    /// A value outside the frame is an open triangle at its edge that points to it.
    fn draw_marker(&self, canvas: &Canvas<'_>, dot: &Dot, place: Place, style: Style) {
        let share = self.y.share(dot.y);
        let style = match style.marker {
            Some(_) if share > 1.0 => style.with(Shape::Triangle, true),
            Some(_) if share < 0.0 => style.with(Shape::Down, true),
            _ => style,
        };
        canvas.marker(place, style);
    }
}

/// Whether a part of a title has room on a line that has begun.
fn fits_behind(
    line: Option<&String>,
    joint: &str,
    part: &str,
    fits: impl Fn(&str) -> bool,
) -> bool {
    line.is_some_and(|line| fits(&format!("{line}{joint}{part}")))
}

/// An end of an interval: where, and half of its cap; an interval that goes on has none.
type End = (Place, Option<Place>);

fn draw_interval(canvas: &Canvas<'_>, style: Style, low: End, high: End) {
    canvas.path(
        vec![low.0, high.0],
        Style {
            line: Line::Solid,
            width: 10,
            ..style
        },
    );
    for ((x, y), cap) in [low, high] {
        if let Some((dx, dy)) = cap {
            let cap = vec![(x - dx, y - dy), (x + dx, y + dy)];
            canvas.path(
                cap,
                Style {
                    line: Line::Solid,
                    width: 10,
                    ..style
                },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_title_breaks_at_its_dots_and_between_words() {
        let lines = |title: &str| {
            let (title, plots) = (title.to_owned(), Vec::new());
            Panel { title, plots }.title_lines(400)
        };
        assert_eq!(lines("width 8 · b 50"), ["width 8 · b 50"]);
        assert_eq!(
            lines("Published, K₁ = 256 for all · mnist · width 512 · depth 4"),
            ["Published, K₁ = 256 for all · mnist", "width 512 · depth 4"]
        );
        let name = "blobs train=2000 test=500 features=64 classes=10 spread=1.5 seed=3";
        assert_eq!(
            lines(&format!("{name} · η 0.1")),
            [
                "blobs train=2000 test=500 features=64",
                "classes=10 spread=1.5 seed=3 · η 0.1"
            ]
        );
    }
}
