//! Colours, line styles and markers that can be told apart without colour.
//!
//! Colours: Okabe and Ito (2008), without the yellow that vanishes on white paper.

use plotters::style::RGBColor;

pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(super) const AXIS: RGBColor = RGBColor(0x6b, 0x6b, 0x6b);
pub(super) const GRID: RGBColor = RGBColor(0xe8, 0xe8, 0xe8);

pub(super) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
pub(super) const VERMILLION: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
pub(super) const GREEN: RGBColor = RGBColor(0x00, 0x9e, 0x73);
pub(super) const PURPLE: RGBColor = RGBColor(0xcc, 0x79, 0xa7);
pub(super) const ORANGE: RGBColor = RGBColor(0xe6, 0x9f, 0x00);
pub(super) const SKY: RGBColor = RGBColor(0x56, 0xb4, 0xe9);

const CYCLE: [RGBColor; 7] = [BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, INK];

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    None,
    Solid,
    Dashed,
    Dotted,
}

/// The shape of a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
    Down,
    Cross,
    Plus,
}

const SHAPES: [Shape; 7] = [
    Shape::Circle,
    Shape::Square,
    Shape::Triangle,
    Shape::Diamond,
    Shape::Down,
    Shape::Cross,
    Shape::Plus,
];

/// A marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(super) shape: Shape,
    pub(super) hollow: bool,
}

/// How a curve is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Style {
    pub(super) colour: RGBColor,
    pub(super) line: Line,
    pub(super) marker: Option<Marker>,
    /// In tenths of a pixel.
    pub(super) width: u32,
    /// Of the line and of intervals, not of markers.
    pub(super) opacity: f64,
    /// The intervals are drawn as one pale band, and nothing else.
    pub(super) band: bool,
}

impl Style {
    /// More curves than this can't be told apart.
    pub(super) const MOST: usize = 12;

    /// The style of curve `index` of several: colour and marker differ together.
    pub(super) fn of(index: usize) -> Self {
        let marker = Marker {
            shape: SHAPES[index % SHAPES.len()],
            hollow: index >= CYCLE.len(),
        };
        let colour = CYCLE[index % CYCLE.len()];
        Self {
            colour,
            line: Line::Solid,
            marker: Some(marker),
            width: 18,
            opacity: 1.0,
            band: false,
        }
    }

    /// A plain line.
    pub(super) fn line(colour: RGBColor, line: Line) -> Self {
        Self {
            colour,
            line,
            marker: None,
            width: 18,
            opacity: 1.0,
            band: false,
        }
    }

    /// The same with a marker.
    pub(super) fn with(self, shape: Shape, hollow: bool) -> Self {
        Self {
            marker: Some(Marker { shape, hollow }),
            ..self
        }
    }

    /// Its companion: the same colour, dashed, thinner, without a marker.
    pub(super) fn companion(self) -> Self {
        Self {
            line: Line::Dashed,
            marker: None,
            width: 14,
            ..self
        }
    }

    /// A band of this colour.
    pub(super) fn band(self) -> Self {
        Self { band: true, ..self }
    }

    /// Markers alone, with pale intervals.
    pub(super) fn dots(self) -> Self {
        Self {
            line: Line::None,
            opacity: 0.5,
            ..self
        }
    }

    /// The same for one seed of several: thin, pale and undashed.
    pub(super) fn faint(self) -> Self {
        Self {
            line: Line::Solid,
            width: 9,
            opacity: 0.4,
            marker: None,
            ..self
        }
    }
}
