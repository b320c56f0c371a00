//! The fully connected network: `depth` linear layers without bias, ReLU between them.

use super::{Network, Operation, Shape};

pub(crate) fn network(input: Shape, classes: usize, width: u32, depth: u32) -> Network {
    let linear = |outputs| Operation::Linear {
        outputs,
        bias: false,
    };
    let hidden = (1..depth).flat_map(|_| [linear(width as usize), Operation::Relu]);
    Network::of(input).then("fc", hidden.chain([linear(classes)]))
}
