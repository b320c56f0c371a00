//! How the outputs of a network come from images and parameters: its modules
//! ([`tailsweep_common::network`]), cut into steps that are computed as one operation each.
//!
//! ReLU and dropout are part of the operation that follows them. The parameters are those of the
//! network, in its order.

use std::sync::Arc;

use dfdx::tensor::Tape;
use tailsweep_common::network::{Module, Network, Operation, Shape, numbers};

use crate::dropout::Dropout;
use crate::minibatch::Images;
use crate::tape::{
    Backend, Before, Failed, Input, Layout, Rows, Squares, Weights, Window, Windows, Workspace,
};
use crate::training::TrainError;

/// The steps of a network.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    steps: Vec<Step>,
    layouts: Vec<Layout>,
}

/// One operation on the tape, and what happens to its input.
#[derive(Clone, Debug)]
struct Step {
    relu: bool,
    dropout: bool,
    operation: Operator,
}

#[derive(Clone, Debug)]
enum Operator {
    Linear(Positions),
    Convolution(Positions, Arc<Windows>),
    MaxPool(Arc<Squares>),
}

/// Where the parameters of a layer stand among all.
#[derive(Clone, Copy, Debug)]
struct Positions {
    weight: usize,
    bias: Option<usize>,
}

impl Model {
    pub(crate) fn new(network: &Network) -> Result<Self, TrainError> {
        let mut model = Self {
            steps: Vec::new(),
            layouts: Vec::new(),
        };
        let (mut relu, mut dropout) = (false, false);
        for module in network.modules() {
            if numbers(module.output) == 0 {
                return Err(TrainError::Invalid("its images are too small"));
            }
            let window = |side, stride, padding| {
                Window::new(module.input, module.output, side, stride, padding)
            };
            let operation = match module.operation {
                Operation::Relu => {
                    relu = true;
                    continue;
                }
                Operation::Dropout => {
                    dropout = true;
                    continue;
                }
                // The largest of what is dropped and scaled is another number.
                Operation::MaxPool { .. } if dropout => {
                    return Err(TrainError::Invalid(
                        "it has a pooling right after a dropout",
                    ));
                }
                Operation::MaxPool { side, stride } => {
                    Operator::MaxPool(Arc::new(Squares::new(window(side, stride, 0))))
                }
                Operation::Linear { bias, .. } => {
                    // Images come as they are in a file, the first weights as they are too.
                    let input = if model.steps.is_empty() {
                        [numbers(module.input), 1, 1]
                    } else {
                        module.input
                    };
                    Operator::Linear(model.place(input, module, bias))
                }
                Operation::Convolution {
                    side,
                    stride,
                    padding,
                    ..
                } => {
                    let windows = Windows::new(&window(side, stride, padding));
                    let input = [module.input[0], side, side];
                    Operator::Convolution(model.place(input, module, true), Arc::new(windows))
                }
            };
            // A ReLU before a pooling is left to what follows it.
            let pools = matches!(operation, Operator::MaxPool(_));
            model.steps.push(Step {
                relu: relu && !pools,
                dropout,
                operation,
            });
            (relu, dropout) = (relu && pools, false);
        }
        if relu || dropout || model.steps.is_empty() {
            return Err(TrainError::Invalid("its last module is not a layer"));
        }
        Ok(model)
    }

    /// Makes room for the parameters of a layer, whose units read an image of shape `input`.
    fn place(&mut self, input: Shape, module: &Module, bias: bool) -> Positions {
        let weight = self.layouts.len();
        self.layouts.push(Layout {
            channels: input[0],
            pixels: input[1] * input[2],
        });
        if bias {
            self.layouts.push(Layout::flat(module.output[0]));
        }
        Positions {
            weight,
            bias: bias.then_some(weight + 1),
        }
    }

    /// How each parameter lies.
    pub(crate) fn layouts(&self) -> &[Layout] {
        &self.layouts
    }

    /// [examples, outputs]; with `dropout` as in training, without as in measuring.
    pub(crate) fn outputs<B: Backend, T: Tape<f32, B::Device>>(
        &self,
        device: &Workspace<B::Device>,
        parameters: &[B::Parameter],
        images: Images,
        dropout: Option<Dropout>,
        tape: T,
    ) -> Result<Rows<T, B::Device>, Failed<B>> {
        let weights = |positions: Positions| Weights {
            weight: &parameters[positions.weight],
            bias: positions.bias.map(|bias| &parameters[bias]),
        };
        let mut input = Input::Images(images, tape);
        for (index, step) in self.steps.iter().enumerate() {
            let factors = |dropout: Dropout| dropout.factors(index, input.len());
            let before = Before {
                relu: step.relu,
                dropout: dropout.filter(|_| step.dropout).map(factors),
            };
            let outputs = match &step.operation {
                Operator::Linear(positions) => {
                    B::linear(device, input, before, weights(*positions))?
                }
                Operator::Convolution(positions, windows) => {
                    B::convolution(device, input, before, weights(*positions), windows)?
                }
                Operator::MaxPool(squares) => B::max_pool(device, input, before, squares)?,
            };
            input = Input::Hidden(outputs);
        }
        match input {
            Input::Hidden(outputs) => Ok(outputs),
            Input::Images(..) => unreachable!("a model has a step"),
        }
    }
}
