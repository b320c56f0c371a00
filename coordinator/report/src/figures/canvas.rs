//! Drawing on an SVG or a page of PDF through plotters, in tenths of a pixel.
//!
//! plotters places everything on whole units; ten of them to a pixel make curves smooth. The
//! head of the file gets its size in pixels back, a role and a name for readers that can't see.

use std::convert::Infallible;

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontTransform, IntoFont, RGBColor, ShapeStyle};

use super::font::PLAIN;
use super::palette::{INK, Line, Shape, Style};
use super::pdf::Page;
use super::sheet::Sheet;
use crate::html::escaped;

/// Units in a pixel.
pub(super) const UNIT: i32 = 10;

/// A place, in units.
pub(super) type Place = (i32, i32);

/// Fonts that are on most machines; the page replaces them by its own.
const FONT: &str = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif";

/// Which point of a text is placed.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
    /// Middle, turned to be read from the right.
    Upward,
}

/// A picture of a fixed size.
pub(super) struct Canvas<'a> {
    area: DrawingArea<Sheet<'a>, Shift>,
}

/// Draws an SVG of `width` × `height` pixels, on white.
pub(super) fn draw(
    (width, height): (i32, i32),
    name: &str,
    drawing: impl FnOnce(&Canvas<'_>),
) -> String {
    let mut text = String::new();
    let size = ((width * UNIT) as u32, (height * UNIT) as u32);
    {
        let sheet = Sheet::Svg(SVGBackend::with_string(&mut text, size));
        draw_on(sheet, size, drawing);
    }
    let head = format!("<svg width=\"{}\" height=\"{}\"", size.0, size.1);
    let named = format!(
        "<svg role=\"img\" aria-label=\"{}\" overflow=\"visible\" width=\"{width}\" height=\"{height}\"",
        escaped(name)
    );
    text.replacen(&head, &named, 1)
}

/// Draws a page of PDF of `width` × `height` pixels, on white.
pub(super) fn page((width, height): (i32, i32), drawing: impl FnOnce(&Canvas<'_>)) -> Page {
    let size = ((width * UNIT) as u32, (height * UNIT) as u32);
    let mut page = Page::new(size);
    draw_on(Sheet::Pdf(&mut page), size, drawing);
    page
}

fn draw_on(sheet: Sheet<'_>, size: (u32, u32), drawing: impl FnOnce(&Canvas<'_>)) {
    let canvas = Canvas {
        area: sheet.into_drawing_area(),
    };
    let end = (size.0 as i32, size.1 as i32);
    canvas.rectangle((0, 0), end, RGBColor(255, 255, 255), 1.0);
    drawing(&canvas);
    kept(canvas.area.present());
}

/// Drawing into memory has nothing that could fail.
fn kept<T, E: std::fmt::Debug>(result: Result<T, E>) {
    let result: Result<T, Infallible> =
        result.map_err(|error| unreachable!("drawing into memory: {error:?}"));
    let Ok(_) = result;
}

impl Canvas<'_> {
    pub(super) fn rectangle(&self, from: Place, to: Place, colour: RGBColor, opacity: f64) {
        kept(
            self.area
                .draw(&Rectangle::new([from, to], colour.mix(opacity).filled())),
        );
    }

    /// A straight line of `width` units.
    pub(super) fn segment(&self, from: Place, to: Place, colour: RGBColor, width: u32) {
        kept(
            self.area
                .draw(&PathElement::new([from, to], colour.stroke_width(width))),
        );
    }

    /// A line through all `places`.
    pub(super) fn path(&self, places: Vec<Place>, style: Style) {
        let stroke = style.colour.mix(style.opacity).stroke_width(style.width);
        let dashes = |dash: i32, gap: i32| {
            kept(
                self.area
                    .draw(&DashedPathElement::new(places.clone(), dash, gap, stroke)),
            );
        };
        match style.line {
            Line::None => {}
            _ if places.len() < 2 => {}
            Line::Solid => kept(self.area.draw(&PathElement::new(places, stroke))),
            Line::Dashed => dashes(60, 35),
            Line::Dotted => dashes(18, 26),
        }
    }

    /// A pale area with these corners.
    pub(super) fn area(&self, corners: Vec<Place>, colour: RGBColor) {
        let filling = colour.mix(0.16).filled();
        kept(self.area.draw(&Polygon::new(corners, filling)));
    }

    /// The marker of `style`, if it has one.
    pub(super) fn marker(&self, (x, y): Place, style: Style) {
        let Some(marker) = style.marker else { return };
        let r = 36;
        let outline = style.colour.stroke_width(15);
        let polygon = |corners: Vec<Place>| {
            if marker.hollow {
                let white = RGBColor(255, 255, 255).filled();
                kept(self.area.draw(&Polygon::new(corners.clone(), white)));
                let closed: Vec<Place> = corners.iter().chain(&corners[..1]).copied().collect();
                kept(self.area.draw(&PathElement::new(closed, outline)));
            } else {
                kept(
                    self.area
                        .draw(&Polygon::new(corners, style.colour.filled())),
                );
            }
        };
        match marker.shape {
            Shape::Circle => {
                let filling: ShapeStyle = if marker.hollow {
                    RGBColor(255, 255, 255).filled()
                } else {
                    style.colour.filled()
                };
                kept(self.area.draw(&Circle::new((x, y), r, filling)));
                if marker.hollow {
                    kept(self.area.draw(&Circle::new((x, y), r, outline)));
                }
            }
            Shape::Square => {
                let s = 33;
                polygon(vec![
                    (x - s, y - s),
                    (x + s, y - s),
                    (x + s, y + s),
                    (x - s, y + s),
                ]);
            }
            Shape::Triangle => polygon(vec![(x - 40, y + 32), (x + 40, y + 32), (x, y - 42)]),
            Shape::Down => polygon(vec![(x - 40, y - 32), (x + 40, y - 32), (x, y + 42)]),
            Shape::Diamond => polygon(vec![(x - 43, y), (x, y - 43), (x + 43, y), (x, y + 43)]),
            Shape::Cross => {
                let stroke = style
                    .colour
                    .stroke_width(if marker.hollow { 14 } else { 22 });
                for (from, to) in [
                    ((x - r, y - r), (x + r, y + r)),
                    ((x - r, y + r), (x + r, y - r)),
                ] {
                    kept(self.area.draw(&PathElement::new([from, to], stroke)));
                }
            }
            Shape::Plus => {
                let stroke = style
                    .colour
                    .stroke_width(if marker.hollow { 14 } else { 22 });
                for (from, to) in [((x - 42, y), (x + 42, y)), ((x, y - 42), (x, y + 42))] {
                    kept(self.area.draw(&PathElement::new([from, to], stroke)));
                }
            }
        }
    }

    /// `text` of `size` pixels with its baseline's middle at `place`.
    pub(super) fn text(&self, text: &str, place: Place, size: f64, anchor: Anchor, bold: bool) {
        let horizontal = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle | Anchor::Upward => HPos::Center,
            Anchor::End => HPos::Right,
        };
        // plotters divides the size by 1.24 when it writes it.
        let mut font = (FONT, size * 1.24 * f64::from(UNIT)).into_font();
        if bold {
            font = font.style(plotters::style::FontStyle::Bold);
        }
        if let Anchor::Upward = anchor {
            font = font.transform(FontTransform::Rotate270);
        }
        let style = font.color(&INK).pos(Pos::new(horizontal, VPos::Center));
        kept(self.area.draw_text(text, &style, place));
    }
}

/// How many pixels a text of `size` pixels is wide at most, in any of the usual fonts: the one that
/// an SVG is shown with is not known here, and some are a sixth wider than Helvetica.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    1.18 * size * f64::from(PLAIN.width(text))
}
