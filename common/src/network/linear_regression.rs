//! Linear regression: one linear layer without bias, as in Gurbuzbalaban, Simsekli and Zhu 2021
//! (arXiv 2006.04740).

use super::{Network, Operation, Shape};

/// Of labels that are classes, one output for each.
pub(crate) fn network(input: Shape, outputs: usize) -> Network {
    let linear = Operation::Linear {
        outputs,
        bias: false,
    };
    Network::of(input).then("linear", [linear])
}
