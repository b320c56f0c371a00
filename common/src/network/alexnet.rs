//! The AlexNet of the paper's code, scaled to any number of channels (SCIENCE.md section 1).
//!
//! Five convolutions of equally many channels with three max-poolings, then three linear layers
//! with dropout before the first two. S is what the convolutions leave of an example (as many as
//! there are channels, for images of 32×32); the hidden linear layers have S·⌊1 + log₂ S⌋ units.

use super::{Network, Operation, Shape, numbers};

pub(crate) fn network(input: Shape, classes: usize, channels: u32) -> Network {
    use Operation::{Dropout, Relu};
    let convolution = |side, stride, padding| Operation::Convolution {
        channels: channels as usize,
        side,
        stride,
        padding,
    };
    let linear = |outputs| Operation::Linear {
        outputs,
        bias: true,
    };
    let pool = Operation::MaxPool { side: 3, stride: 2 };
    let features = Network::of(input).then(
        "features",
        [
            convolution(4, 2, 2),
            Relu,
            pool,
            convolution(5, 1, 2),
            Relu,
            pool,
            convolution(3, 1, 1),
            Relu,
            convolution(3, 1, 1),
            Relu,
            convolution(3, 1, 1),
            Relu,
            pool,
        ],
    );
    let left = numbers(features.output());
    let hidden = left.saturating_mul(1 + left.max(1).ilog2() as usize);
    features.then(
        "classifier",
        [
            Dropout,
            linear(hidden),
            Relu,
            Dropout,
            linear(hidden),
            Relu,
            linear(classes),
        ],
    )
}
