//! The legend of a figure: a strip above its panels, never on the data.

use super::canvas::{Anchor, Canvas, UNIT, text_width};
use super::palette::Style;

const SAMPLE: i32 = 30;
const ROW: i32 = 20;
const SIZE: f64 = 12.5;

/// One line style and what it stands for.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(super) style: Style,
    pub(super) text: String,
}

impl Entry {
    pub(super) fn new(style: Style, text: impl Into<String>) -> Self {
        Self {
            style,
            text: text.into(),
        }
    }

    fn width(&self) -> i32 {
        SAMPLE + 8 + text_width(&self.text, SIZE).ceil() as i32 + 18
    }
}

/// The size of a strip that holds all entries in one row.
pub(super) fn size(entries: &[Entry]) -> (i32, i32) {
    let width = 24 + entries.iter().map(Entry::width).sum::<i32>();
    (width, height(entries, width))
}

/// How high a legend is in a strip of `width` pixels.
pub(super) fn height(entries: &[Entry], width: i32) -> i32 {
    if entries.is_empty() {
        0
    } else {
        10 + ROW * rows(entries, width).len() as i32
    }
}

/// The entries of each row.
fn rows(entries: &[Entry], width: i32) -> Vec<Vec<&Entry>> {
    let mut rows: Vec<Vec<&Entry>> = Vec::new();
    let mut left = 0;
    for entry in entries {
        match rows.last_mut() {
            Some(row) if entry.width() <= left => row.push(entry),
            _ => {
                rows.push(vec![entry]);
                left = width - 24;
            }
        }
        left -= entry.width();
    }
    rows
}

/// Draws it in a strip of `width` pixels whose upper edge lies at `top`.
pub(super) fn draw(canvas: &Canvas<'_>, entries: &[Entry], width: i32, top: i32) {
    for (index, row) in (0..).zip(rows(entries, width)) {
        let y = (top + 6 + ROW * index + ROW / 2) * UNIT;
        let mut x = 12;
        for entry in row {
            let (from, to) = ((x * UNIT, y), ((x + SAMPLE) * UNIT, y));
            canvas.path(vec![from, to], entry.style);
            canvas.marker(((x + SAMPLE / 2) * UNIT, y), entry.style);
            canvas.text(
                &entry.text,
                ((x + SAMPLE + 8) * UNIT, y),
                SIZE,
                Anchor::Start,
                false,
            );
            x += entry.width();
        }
    }
}
