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
    figures.extend(alpha::figures(&lookup));
    figures.extend(channels::figure(&lookup));
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
        let (size, drawing) = self.whole();
        canvas::draw(size, &self.title, drawing)
    }

    /// The same as a page of PDF.
    pub(crate) fn pdf(&self) -> Vec<u8> {
        let (size, drawing) = self.whole();
        canvas::draw_pdf(size, &self.title, drawing)
    }

    /// Its size in pixels, and what draws it.
    fn whole(&self) -> ((i32, i32), impl FnOnce(&canvas::Canvas<'_>) + '_) {
        let columns = self.columns.clamp(1, self.panels.len().max(1));
        let rows: Vec<&[Panel]> = self.panels.chunks(columns).collect();
        let width = columns as i32 * panel::WIDTH;
        let row_height = |row: &[Panel]| row.iter().map(Panel::height).max().unwrap_or(0) + 8;
        let head = legend::height(&self.legend, width);
        let height = head + rows.iter().map(|row| row_height(row)).sum::<i32>();
        let drawing = move |canvas: &canvas::Canvas<'_>| {
            legend::draw(canvas, &self.legend, width, 0);
            let mut top = head;
            for row in rows {
                for (column, panel) in (0..).zip(row) {
                    panel.draw(canvas, (column * panel::WIDTH, top));
                }
                top += row_height(row);
            }
        };
        ((width, height), drawing)
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

    /// Each panel alone.
    pub(crate) fn panel_svgs(&self) -> impl Iterator<Item = String> + '_ {
        self.panels.iter().map(|panel| {
            let name = match panel.title.is_empty() {
                true => self.title.clone(),
                false => format!("{}: {}", self.title, panel.title),
            };
            canvas::draw((panel::WIDTH, panel.height()), &name, |canvas| {
                panel.draw(canvas, (0, 0))
            })
        })
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
