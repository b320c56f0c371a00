//! Where the windows of a convolution or of a pooling lie in an example.
//!
//! An example is height × width × channels, so a row of a window is one run of numbers.

use tailsweep_common::network::{Shape, numbers};

/// All windows of one side, stride and padding over an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Of an example: channels, height, width.
    pub(super) input: Shape,
    /// Windows: rows and columns of them.
    pub(super) places: [usize; 2],
    pub(super) side: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
}

/// A row of a window that lies inside the example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Its first number in the windows, one after the other, each `stride` numbers long.
    pub(super) window: usize,
    /// Its first number in the example.
    pub(super) example: usize,
    /// How many numbers.
    pub(super) len: usize,
}

impl Window {
    /// `output` has as many rows and columns as there are windows.
    pub(crate) fn new(
        input: Shape,
        output: Shape,
        side: usize,
        stride: usize,
        padding: usize,
    ) -> Self {
        Self {
            input,
            places: [output[1], output[2]],
            side,
            stride,
            padding,
        }
    }

    /// Numbers of an example.
    pub(super) fn features(&self) -> usize {
        numbers(self.input)
    }

    /// Windows of an example.
    pub(super) fn count(&self) -> usize {
        self.places[0] * self.places[1]
    }

    /// Numbers of a window, rows × columns × channels.
    pub(super) fn len(&self) -> usize {
        self.side * self.side * self.input[0]
    }

    /// The rows of all windows of an example that lie inside it; windows are `apart` numbers from
    /// one start to the next.
    pub(super) fn runs(&self, apart: usize) -> Vec<Run> {
        let [channels, height, width] = self.input;
        let mut runs = Vec::with_capacity(self.count() * self.side);
        for place in 0..self.count() {
            let top = (place / self.places[1]) * self.stride;
            let left = (place % self.places[1]) * self.stride;
            // In the padded example; what is inside has `padding` taken off.
            let first = left.max(self.padding);
            let last = (left + self.side).min(width + self.padding);
            for row in 0..self.side {
                let y = top + row;
                let inside = (self.padding..height + self.padding).contains(&y);
                if inside && first < last {
                    runs.push(Run {
                        window: place * apart + (row * self.side + first - left) * channels,
                        example: ((y - self.padding) * width + first - self.padding) * channels,
                        len: (last - first) * channels,
                    });
                }
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_the_rows_of_the_windows_inside_the_padding() {
        // 2 channels, 3×4 pixels, windows of 3 with stride 2 and padding 1: 2×2 places.
        let window = Window::new([2, 3, 4], [5, 2, 2], 3, 2, 1);
        let (apart, example) = (20, (0..24).map(|i| 100 + i).collect::<Vec<_>>());
        let mut windows = vec![0; window.count() * apart];
        for run in window.runs(apart) {
            windows[run.window..run.window + run.len]
                .copy_from_slice(&example[run.example..run.example + run.len]);
        }
        for place in 0..4 {
            let (top, left) = (2 * (place / 2), 2 * (place % 2));
            for (row, column, channel) in (0..18).map(|i| (i / 6, i / 2 % 3, i % 2)) {
                let (y, x) = (top + row, left + column);
                let expected = if (1..4).contains(&y) && (1..5).contains(&x) {
                    example[((y - 1) * 4 + x - 1) * 2 + channel]
                } else {
                    0
                };
                assert_eq!(
                    windows[place * apart + (row * 3 + column) * 2 + channel],
                    expected
                );
            }
        }
    }
}
