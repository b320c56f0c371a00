//! The legend of a figure: a strip above its panels, never on the data.

use super::canvas::{Anchor, Canvas, UNIT, text_width};
use super::palette::Style;

const SAMPLE: i32 = 30;
const ROW: i32 = 20;
const LINE: i32 = 16;
const SIZE: f64 = 12.5;
/// On either side of the strip.
const EDGE: i32 = 12;
/// Before and behind the text of an entry.
const GAPS: i32 = 8 + 18;

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
        SAMPLE + GAPS + text_width(&self.text, SIZE).ceil() as i32
    }

    /// Its text, broken between words to fit a strip of `width` pixels.
    fn lines(&self, width: i32) -> Vec<String> {
        let room = f64::from(width - 2 * EDGE - SAMPLE - GAPS);
        let mut lines: Vec<String> = Vec::new();
        for word in self.text.split(' ') {
            let longer = lines.last().map(|line| format!("{line} {word}"));
            match longer.filter(|line| text_width(line, SIZE) <= room) {
                Some(longer) => *lines.last_mut().expect("it is longer than one") = longer,
                None => lines.push(word.to_owned()),
            }
        }
        lines
    }
}

/// The size of a strip that holds all entries in one row.
pub(super) fn size(entries: &[Entry]) -> (i32, i32) {
    let width = 2 * EDGE + entries.iter().map(Entry::width).sum::<i32>();
    (width, height(entries, width))
}

/// How high a legend is in a strip of `width` pixels.
pub(super) fn height(entries: &[Entry], width: i32) -> i32 {
    if entries.is_empty() {
        0
    } else {
        10 + rows(entries, width).iter().map(Row::height).sum::<i32>()
    }
}

/// Entries beside one another, each with the lines of its text.
struct Row<'a>(Vec<(&'a Entry, Vec<String>)>);

impl Row<'_> {
    fn height(&self) -> i32 {
        let lines = self.0.iter().map(|(_, lines)| lines.len());
        ROW + LINE * (lines.max().unwrap_or(1) as i32 - 1)
    }
}

fn rows(entries: &[Entry], width: i32) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut left = 0;
    for entry in entries {
        let lines = entry.lines(width);
        match rows.last_mut() {
            Some(row) if entry.width() <= left => row.0.push((entry, lines)),
            _ => {
                rows.push(Row(vec![(entry, lines)]));
                left = width - 2 * EDGE;
            }
        }
        left -= entry.width();
    }
    rows
}

/// Draws it in a strip of `width` pixels whose upper edge lies at `top`.
pub(super) fn draw(canvas: &Canvas<'_>, entries: &[Entry], width: i32, top: i32) {
    let mut top = top + 6;
    for row in rows(entries, width) {
        let y = (top + ROW / 2) * UNIT;
        let mut x = EDGE;
        for (entry, lines) in &row.0 {
            let (from, to) = ((x * UNIT, y), ((x + SAMPLE) * UNIT, y));
            canvas.path(vec![from, to], entry.style);
            canvas.marker(((x + SAMPLE / 2) * UNIT, y), entry.style);
            for (index, line) in (0..).zip(lines) {
                let place = ((x + SAMPLE + 8) * UNIT, y + index * LINE * UNIT);
                canvas.text(line, place, SIZE, Anchor::Start, false);
            }
            x += entry.width();
        }
        top += row.height();
    }
}

#[cfg(test)]
mod tests {
    use super::super::palette::{BLUE, Line};
    use super::*;

    #[test]
    fn a_long_text_goes_on_below() {
        let style = Style::line(BLUE, Line::Solid);
        let long = Entry::new(
            style,
            "α 1.2 · depths 0.5,1,2 · well 3: slope 1.146 ± 0.027",
        );
        assert_eq!(
            long.lines(400),
            ["α 1.2 · depths 0.5,1,2 · well 3: slope 1.146 ±", "0.027"]
        );
        let short = Entry::new(style, "train");
        assert_eq!(height(&[short.clone(), short.clone()], 400), 10 + ROW);
        assert_eq!(height(&[short, long], 400), 10 + ROW + ROW + LINE);
    }
}
