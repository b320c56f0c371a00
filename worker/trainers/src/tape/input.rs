//! What an operation reads: images, or what an operation before it gave.
//!
//! ReLU and dropout are no operations of their own: they happen to the copy of its input that an
//! operation makes anyway, and to the gradient that it hands back. With a = m·max(0, x), where a
//! factor m is 0 or 1/(1 − p), ∂x = m·∂a where a > 0, else 0. A NaN stays a NaN: a divergence must
//! reach the loss.
//!
//! Between operations an example lies as height × width × channels, so that the numbers of a
//! window are a few long runs; images come as channels × height × width.

use std::ops::Deref;
use std::sync::Arc;

use dfdx::shapes::{HasShape, Shape as _};
use dfdx::tensor::{Cpu, CpuError, Gradients, SplitTape, Storage, Tape};
use tailsweep_common::network::{Shape, numbers};

use super::{Buffer, Rows, Workspace};
use crate::minibatch::Images;

/// What an operation reads, and the tape.
pub(crate) enum Input<T, D: Storage<f32> = Cpu> {
    /// The first operation reads images, which get no gradient.
    Images(Images, T),
    /// Any later one.
    Hidden(Rows<T, D>),
}

/// What happens to an input before it is used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Before {
    /// max(0, x).
    pub(crate) relu: bool,
    /// A factor for each number.
    pub(crate) dropout: Option<Arc<[f32]>>,
}

/// In which order an operation reads the numbers of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// In that in which they lie.
    Any,
    /// Height × width × channels.
    ChannelsLast(Shape),
}

/// An input as it is used.
pub(super) enum Active {
    Images(Images),
    Numbers(Buffer),
}

/// The gradient of an input among all.
type Slopes = dyn for<'g> Fn(&'g mut Gradients<f32, Cpu>) -> Result<&'g mut Buffer, CpuError>;

/// How a gradient goes back through what happened before.
pub(super) struct Back {
    slopes: Box<Slopes>,
    before: Before,
}

impl Deref for Active {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::Images(images) => images,
            Self::Numbers(numbers) => numbers,
        }
    }
}

impl<T, D: Storage<f32>> Input<T, D> {
    /// Examples.
    pub(super) fn examples(&self) -> usize {
        match self {
            Self::Images(images, _) => images.examples(),
            Self::Hidden(rows) => rows.shape().0,
        }
    }

    /// Numbers of all examples.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Images(images, _) => images.len(),
            Self::Hidden(rows) => rows.shape().num_elements(),
        }
    }
}

impl<T: Tape<f32, Cpu>> Input<T> {
    /// The numbers after `before`, how gradients go back (nowhere for images), and the tape.
    pub(super) fn open(
        self,
        device: &Workspace,
        before: Before,
        order: Order,
    ) -> Result<(Active, Option<Back>, T), CpuError> {
        match self {
            Self::Images(images, tape) => {
                let plain = order == Order::Any && !before.relu && before.dropout.is_none();
                if plain {
                    return Ok((Active::Images(images), None, tape));
                }
                let mut active = device.buffer(images.len())?;
                match order {
                    Order::Any => active.copy_from_slice(&images),
                    Order::ChannelsLast(shape) => channels_last(&images, shape, &mut active),
                }
                before.apply(&mut active);
                Ok((Active::Numbers(active), None, tape))
            }
            Self::Hidden(rows) => {
                let (rows, tape) = rows.split_tape();
                let mut active = device.copy_of(&rows)?;
                before.apply(&mut active);
                let ghost = rows.ghost();
                let back = Back {
                    slopes: Box::new(move |gradients| gradients.get_or_alloc_mut(&ghost)),
                    before,
                };
                Ok((Active::Numbers(active), Some(back), tape))
            }
        }
    }
}

impl Before {
    fn apply(&self, numbers: &mut [f32]) {
        if self.relu {
            for number in &mut *numbers {
                *number = if *number < 0.0 { 0.0 } else { *number };
            }
        }
        if let Some(factors) = &self.dropout {
            assert_eq!(factors.len(), numbers.len(), "one factor for each number");
            for (number, factor) in numbers.iter_mut().zip(&**factors) {
                *number *= factor;
            }
        }
    }
}

impl Back {
    /// Puts the gradient in place: `compute` adds ∂a to zeros. Nothing else uses an input, so its
    /// gradient need not be added to.
    pub(super) fn put(
        self,
        gradients: &mut Gradients<f32, Cpu>,
        active: &[f32],
        compute: impl FnOnce(&mut [f32]),
    ) -> Result<(), CpuError> {
        let slopes = (self.slopes)(gradients)?;
        compute(slopes);
        if let Some(factors) = &self.before.dropout {
            for (slope, factor) in slopes.iter_mut().zip(&**factors) {
                *slope *= factor;
            }
        }
        if self.before.relu {
            for (slope, number) in slopes.iter_mut().zip(active) {
                *slope = if *number > 0.0 { *slope } else { 0.0 };
            }
        }
        Ok(())
    }
}

/// Channels × height × width as height × width × channels, image by image.
pub(super) fn channels_last(images: &[f32], shape: Shape, out: &mut [f32]) {
    let (channels, places) = (shape[0], shape[1] * shape[2]);
    let examples = images
        .chunks_exact(numbers(shape))
        .zip(out.chunks_exact_mut(numbers(shape)));
    for (image, out) in examples {
        for (channel, plane) in image.chunks_exact(places).enumerate() {
            for (pixel, out) in plane.iter().zip(out.chunks_exact_mut(channels)) {
                out[channel] = *pixel;
            }
        }
    }
}
