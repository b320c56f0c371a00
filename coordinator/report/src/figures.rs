//! The figures: which there are, and the SVG of each.
//!
//! A figure is a legend and panels. In `figures/*.svg` they are one picture; in the page each
//! panel is a picture of its own, so that they stand beside one another on a wide screen and
//! below one another on a phone, with letters of the same size.
//!
//! The number of panels is bounded whatever the size of the sweep; a caption says what was left
//! out. A figure without data is not drawn.

mod alpha;
mod axis;
mod blocks;
mod calibration;
mod canvas;
mod channels;
mod curves;
mod decomposition;
mod diagnosis;
mod exits;
mod font;
mod iterates;
mod legend;
mod norms;
mod palette;
mod panel;
mod pdf;
mod scatter;
mod sheet;
mod slopes;
mod training;

pub(crate) use curves::figure as curves_of;
pub(crate) use diagnosis::figure as diagnosis;

use crate::facts::Facts;
use crate::late::PointRow;
use crate::lookup::Lookup;
use legend::Entry;
use panel::Panel;

/// The width of a panel of the page, in pixels.
const SCREEN: i32 = 400;
/// The width of a file of a figure, in pixels: 486 points on paper, the text of two columns of a
/// conference's proceedings.
const PAPER: i32 = 760;
/// The height of a page of PDF at most, in pixels: 650 points.
const HIGHEST: i32 = 1015;
/// More panels beside one another are too small on paper.
const MOST_COLUMNS: usize = 3;

/// A figure.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// Of its file, without the ending.
    pub(crate) name: String,
    /// One line.
    pub(crate) title: String,
    /// What is seen, and what was left out.
    pub(crate) caption: String,
    legend: Vec<Entry>,
    panels: Vec<Panel>,
    columns: usize,
}

/// All figures of a report, in the order of the page.
pub(crate) fn all(facts: &Facts, late: &[PointRow]) -> Vec<Figure> {
    let lookup = Lookup::new(facts, late);
    // The figures of the paper in its order, then what stands beside them.
    let mut figures: Vec<Figure> = norms::figure(&lookup).into_iter().collect();
    figures.extend(alpha::size(&lookup));
    figures.extend(channels::figure(&lookup));
    figures.extend(alpha::training(&lookup));
    figures.extend(training::figure(&lookup));
    figures.extend(scatter::train_test(&lookup));
    figures.extend(scatter::controls(&lookup));
    figures.extend(blocks::figure(&lookup));
    figures.extend(slopes::figure(&lookup));
    figures.extend(decomposition::figure(&lookup));
    figures.extend(iterates::figure(&lookup));
    figures.extend(calibration::figures(&lookup));
    figures.extend(exits::figures(&lookup));
    figures
}

impl Figure {
    /// The whole figure as one picture.
    pub(crate) fn svg(&self) -> String {
        let sheet = self.sheet(self.rows().collect());
        canvas::draw(sheet.size(), &self.title, |canvas| sheet.draw(canvas))
    }

    /// The same as PDF, on as many pages as it takes.
    pub(crate) fn pdf(&self) -> Vec<u8> {
        let mut sheets: Vec<Sheet<'_>> = Vec::new();
        for row in self.rows() {
            match sheets.last_mut() {
                Some(sheet) if sheet.size().1 + sheet.row_height(row) <= HIGHEST => {
                    sheet.rows.push(row);
                }
                _ => sheets.push(self.sheet(vec![row])),
            }
        }
        let pages = sheets
            .iter()
            .map(|sheet| canvas::page(sheet.size(), |canvas| sheet.draw(canvas)));
        pdf::file(&self.title, pages.collect())
    }

    fn columns(&self) -> usize {
        self.columns.min(self.panels.len()).clamp(1, MOST_COLUMNS)
    }

    fn rows(&self) -> impl Iterator<Item = &[Panel]> {
        self.panels.chunks(self.columns())
    }

    fn sheet<'a>(&'a self, rows: Vec<&'a [Panel]>) -> Sheet<'a> {
        Sheet {
            legend: &self.legend,
            panel: PAPER / self.columns() as i32,
            rows,
        }
    }

    /// Each entry of the legend alone.
    pub(crate) fn legend_svgs(&self) -> impl Iterator<Item = String> + '_ {
        self.legend.iter().map(|entry| {
            let entry = std::slice::from_ref(entry);
            let (width, height) = legend::size(entry);
            canvas::draw((width, height), &entry[0].text, |canvas| {
                legend::draw(canvas, entry, width, 0);
            })
        })
    }

    /// Whether its panels are few and large.
    pub(crate) fn is_wide(&self) -> bool {
        self.columns < 3
    }

    /// Whether its panels are higher than wide.
    pub(crate) fn is_tall(&self) -> bool {
        self.panels
            .iter()
            .any(|panel| panel.height(SCREEN) > SCREEN)
    }

    /// Each panel alone.
    pub(crate) fn panel_svgs(&self) -> impl Iterator<Item = String> + '_ {
        self.panels.iter().map(|panel| {
            let name = match panel.title.is_empty() {
                true => self.title.clone(),
                false => format!("{}: {}", self.title, panel.title),
            };
            canvas::draw((SCREEN, panel.height(SCREEN)), &name, |canvas| {
                panel.draw(canvas, (0, panel.head(SCREEN)), SCREEN)
            })
        })
    }
}

/// A legend above rows of panels.
struct Sheet<'a> {
    legend: &'a [Entry],
    /// The width of a panel.
    panel: i32,
    rows: Vec<&'a [Panel]>,
}

impl Sheet<'_> {
    /// In pixels.
    fn size(&self) -> (i32, i32) {
        let rows = self.rows.iter().map(|row| self.row_height(row));
        (
            PAPER,
            legend::height(self.legend, PAPER) + rows.sum::<i32>(),
        )
    }

    /// The highest title: the frames of a row stand beside one another.
    fn head(&self, row: &[Panel]) -> i32 {
        let heads = row.iter().map(|panel| panel.head(self.panel));
        heads.max().unwrap_or(0)
    }

    fn row_height(&self, row: &[Panel]) -> i32 {
        let bodies = row.iter().map(|panel| panel.body(self.panel));
        self.head(row) + bodies.max().unwrap_or(0) + 8
    }

    fn draw(&self, canvas: &canvas::Canvas<'_>) {
        legend::draw(canvas, self.legend, PAPER, 0);
        let mut top = legend::height(self.legend, PAPER);
        for row in &self.rows {
            for (column, panel) in (0..).zip(*row) {
                let body = top + self.head(row);
                panel.draw(canvas, (column * self.panel, body), self.panel);
            }
            top += self.row_height(row);
        }
    }
}

/// At most `most` of `count` things, evenly spaced, the first and the last among them.
fn evenly_spaced(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    (0..most)
        .map(|index| index * (count - 1) / (most - 1).max(1))
        .collect()
}

/// The range of an α axis: all values between −1 and 4, with their intervals as far as they
/// don't squeeze the values, and the line at 2.
fn alpha_range<'a>(dots: impl Iterator<Item = &'a panel::Dot> + Clone) -> [f64; 2] {
    let values = dots.clone().map(|dot| dot.y.clamp(-1.0, 4.0));
    let [low, high] = axis::bounds(values).unwrap_or([1.0, 2.0]);
    let ends = dots.flat_map(|dot| dot.y_interval.into_iter().flatten());
    let reach = (high - low).max(0.4);
    let ends = ends.map(|end| end.clamp((low - reach).max(-1.0), (high + reach).min(4.0)));
    let [low_end, high_end] = axis::bounds(ends).unwrap_or([low, high]);
    let (low, high) = (low.min(low_end), high.max(high_end).max(2.0));
    let pad = 0.05 * (high - low).max(0.2);
    [low - pad, high + pad]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_of_many_reach_from_end_to_end() {
        assert_eq!(evenly_spaced(3, 12), [0, 1, 2]);
        assert_eq!(evenly_spaced(100, 4), [0, 33, 66, 99]);
        assert_eq!(evenly_spaced(5, 1), [0]);
    }
}
