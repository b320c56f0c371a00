//! Max-pooling: the largest number of each square, channel by channel.
//!
//! The gradient goes to the first largest number of a square, in row order. A ReLU before a pooling
//! is left to what comes after it: max(0, ·) of the largest is the largest max(0, ·), and where
//! several are 0 the gradient is 0 anyway. A NaN in a square is its largest number.

use std::sync::Arc;

use dfdx::tensor::{Cpu, CpuError, PutTape, Tape};

use super::input::Order;
use super::window::Window;
use super::{Before, Input, Rows, Workspace};

/// Where the squares lie.
#[derive(Debug)]
pub(crate) struct Squares {
    window: Window,
    /// For each square, where its pixels start in an example, in row order.
    pixels: Vec<usize>,
}

impl Squares {
    /// Without padding: every pixel of every square lies inside.
    pub(crate) fn new(window: Window) -> Self {
        let ([channels, _, width], side) = (window.input, window.side);
        let pixels = (0..window.count())
            .flat_map(|place| {
                let top = place / window.places[1] * window.stride;
                let left = place % window.places[1] * window.stride;
                (0..side * side).map(move |pixel| {
                    ((top + pixel / side) * width + left + pixel % side) * channels
                })
            })
            .collect();
        Self { window, pixels }
    }

    /// Of an example: channels, height, width.
    #[cfg(any(test, feature = "cuda"))]
    pub(super) fn input(&self) -> tailsweep_common::network::Shape {
        self.window.input
    }

    /// Pixels of a square.
    pub(super) fn pixels_of_one(&self) -> usize {
        self.window.side * self.window.side
    }

    /// Where in an example the first number of each square and channel lies, then where the second
    /// ones, and so on.
    #[cfg(any(test, feature = "cuda"))]
    pub(super) fn places(&self) -> Vec<usize> {
        let (pixels, channels) = (self.pixels_of_one(), self.window.input[0]);
        let squares = self.pixels.chunks_exact(pixels);
        (0..pixels)
            .flat_map(|pixel| squares.clone().map(move |square| square[pixel]))
            .flat_map(|start| start..start + channels)
            .collect()
    }
}

/// The largest numbers; [examples, places × channels].
pub(super) fn max_pool<T: Tape<f32, Cpu>>(
    device: &Workspace,
    input: Input<T>,
    before: Before,
    squares: &Arc<Squares>,
) -> Result<Rows<T>, CpuError> {
    let squares = Arc::clone(squares);
    let (channels, features) = (squares.window.input[0], squares.window.features());
    let of_a_square = squares.pixels_of_one();
    let (examples, outputs) = (input.examples(), squares.window.count() * channels);
    let order = Order::ChannelsLast(squares.window.input);
    let (active, back, mut tape) = input.open(device, before, order)?;

    let mut numbers = device.buffer(examples * outputs)?;
    // Which pixel of its square each number comes from.
    let mut chosen = vec![0_u32; examples * outputs];
    for ((example, largest), chosen) in active
        .chunks_exact(features)
        .zip(numbers.chunks_exact_mut(outputs))
        .zip(chosen.chunks_exact_mut(outputs))
    {
        for ((pixels, largest), chosen) in squares
            .pixels
            .chunks_exact(of_a_square)
            .zip(largest.chunks_exact_mut(channels))
            .zip(chosen.chunks_exact_mut(channels))
        {
            largest.copy_from_slice(&example[pixels[0]..pixels[0] + channels]);
            for (index, pixel) in (1_u32..).zip(&pixels[1..]) {
                let pixel = &example[*pixel..*pixel + channels];
                for ((largest, chosen), number) in largest.iter_mut().zip(&mut *chosen).zip(pixel) {
                    let larger = *number > *largest || number.is_nan();
                    *largest = if larger { *number } else { *largest };
                    *chosen = if larger { index } else { *chosen };
                }
            }
        }
    }
    let y = device.tensor((examples, outputs), &numbers)?;
    drop(numbers);

    let y_ghost = y.ghost();
    tape.add_backward_op(move |gradients| {
        let Some(back) = back else {
            return Ok(());
        };
        let dy = std::mem::take(&mut **gradients.get_or_alloc_mut(&y_ghost)?);
        back.put(gradients, &active, |da| {
            for ((da, dy), chosen) in da
                .chunks_exact_mut(features)
                .zip(dy.chunks_exact(outputs))
                .zip(chosen.chunks_exact(outputs))
            {
                for ((pixels, dy), chosen) in squares
                    .pixels
                    .chunks_exact(of_a_square)
                    .zip(dy.chunks_exact(channels))
                    .zip(chosen.chunks_exact(channels))
                {
                    for (channel, (slope, chosen)) in dy.iter().zip(chosen).enumerate() {
                        da[pixels[*chosen as usize] + channel] += slope;
                    }
                }
            }
        })?;
        **gradients.get_or_alloc_mut(&y_ghost)? = dy;
        Ok(())
    });
    Ok(y.put_tape(tape))
}
