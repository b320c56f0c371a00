//! What a network is made of: modules in a row, as in PyTorch's `nn.Sequential`.
//!
//! A network is described once, here. Names, shapes and number of its parameters, what it costs
//! and how it is computed (`worker/trainers`) all follow from its modules, so a new one is a file
//! below this and a line in [`Architecture::network`](crate::run::Architecture::network).
//!
//! Sizes saturate: a network that is far too large has a count that is far too large.

pub(crate) mod alexnet;
pub(crate) mod fcn;
pub(crate) mod linear_regression;

use tailsweep_stats::Layer;

/// Numbers of one example: channels, height, width.
pub type Shape = [usize; 3];

/// What a module computes, of one example at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// W·x + b over all numbers of the example, channels × height × width in C order, as one
    /// vector; the result has shape [outputs, 1, 1].
    Linear {
        /// Units.
        outputs: usize,
        /// Whether there is a b.
        bias: bool,
    },
    /// max(0, x).
    Relu,
    /// A cross-correlation with square kernels, and a bias for each channel.
    Convolution {
        /// Channels of the result.
        channels: usize,
        /// Height and width of a kernel.
        side: usize,
        /// Pixels from one place of the kernel to the next.
        stride: usize,
        /// Zeros around the image.
        padding: usize,
    },
    /// The largest number of each square, channel by channel; what does not fill a last square is
    /// left out.
    MaxPool {
        /// Height and width of a square.
        side: usize,
        /// Pixels from one square to the next.
        stride: usize,
    },
    /// In training, each number is 0 with the probability `train.dropout` = p, and else divided by
    /// 1 − p; otherwise nothing happens.
    Dropout,
}

/// An operation at its place in a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    sequence: &'static str,
    index: usize,
    /// What it computes.
    pub operation: Operation,
    /// What it gets.
    pub input: Shape,
    /// What it gives.
    pub output: Shape,
}

/// Modules in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    input: Shape,
    modules: Vec<Module>,
}

/// A parameter tensor of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, as in PyTorch's state dictionaries, and its size.
    pub layer: Layer,
    /// As in PyTorch: `[outputs, inputs]`, `[outputs, channels, height, width]` or `[outputs]`.
    pub shape: Vec<usize>,
}

impl Network {
    /// The network without modules, for examples of this shape.
    pub fn of(input: Shape) -> Self {
        Self {
            input,
            modules: Vec::new(),
        }
    }

    /// With these modules at the end, named `sequence.0`, `sequence.1`, ….
    pub fn then(
        mut self,
        sequence: &'static str,
        operations: impl IntoIterator<Item = Operation>,
    ) -> Self {
        for (index, operation) in operations.into_iter().enumerate() {
            let input = self.output();
            self.modules.push(Module {
                sequence,
                index,
                operation,
                input,
                output: operation.output(input),
            });
        }
        self
    }

    /// What it gets.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// What the last module gives.
    pub fn output(&self) -> Shape {
        self.modules.last().map_or(self.input, |last| last.output)
    }

    /// From first to last.
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// The parameter tensors, the weight of a module before its bias.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter> + '_ {
        self.modules.iter().flat_map(Module::parameters)
    }

    /// M, the number of parameters.
    pub fn params(&self) -> u64 {
        self.modules
            .iter()
            .map(|module| {
                let bias = if module.has_bias() { module.units() } else { 0 };
                (module.weights()).saturating_add(bias) as u64
            })
            .fold(0, u64::saturating_add)
    }

    /// Multiply-adds of a forward pass of one example.
    pub fn multiply_adds(&self) -> f64 {
        let places = |module: &Module| (module.output[1] * module.output[2]) as f64;
        self.modules
            .iter()
            .map(|module| module.weights() as f64 * places(module))
            .sum()
    }

    /// Numbers of the windows that its convolutions look at in one example, all together: they are
    /// written out, to be multiplied by the weights.
    pub fn windows(&self) -> f64 {
        let convolutions = self
            .modules
            .iter()
            .filter(|module| matches!(module.operation, Operation::Convolution { .. }));
        convolutions
            .map(|module| (module.fan_in() * module.output[1] * module.output[2]) as f64)
            .sum()
    }

    /// Number of modules with weights.
    pub fn layers(&self) -> usize {
        let has_weights = |module: &&Module| module.fan_in() > 0;
        self.modules.iter().filter(has_weights).count()
    }

    /// Numbers that its modules give for one example, all together.
    pub fn activations(&self) -> u64 {
        self.modules
            .iter()
            .map(|module| numbers(module.output) as u64)
            .fold(0, u64::saturating_add)
    }
}

impl Module {
    /// Inputs of one unit; 0 where there are no weights.
    pub fn fan_in(&self) -> usize {
        match self.operation {
            Operation::Linear { .. } => numbers(self.input),
            Operation::Convolution { side, .. } => {
                self.input[0].saturating_mul(side.saturating_mul(side))
            }
            _ => 0,
        }
    }

    /// Rows of the weights.
    fn units(&self) -> usize {
        self.output[0]
    }

    fn weights(&self) -> usize {
        self.fan_in().saturating_mul(self.units())
    }

    fn has_bias(&self) -> bool {
        match self.operation {
            Operation::Linear { bias, .. } => bias,
            Operation::Convolution { .. } => true,
            _ => false,
        }
    }

    /// Weight, then bias.
    fn parameters(&self) -> Vec<Parameter> {
        let shape = match self.operation {
            Operation::Linear { outputs, .. } => vec![outputs, self.fan_in()],
            Operation::Convolution { channels, side, .. } => {
                vec![channels, self.input[0], side, side]
            }
            _ => return Vec::new(),
        };
        let named = |name: &str, shape: Vec<usize>| Parameter {
            layer: Layer {
                name: format!("{}.{}.{name}", self.sequence, self.index),
                len: shape.iter().copied().fold(1, usize::saturating_mul),
                fan_in: self.fan_in(),
                bias: name == "bias",
            },
            shape,
        };
        let mut parameters = vec![named("weight", shape)];
        if self.has_bias() {
            parameters.push(named("bias", vec![self.units()]));
        }
        parameters
    }
}

impl Operation {
    fn output(self, input: Shape) -> Shape {
        let [channels, height, width] = input;
        match self {
            Self::Relu | Self::Dropout => input,
            Self::Linear { outputs, .. } => [outputs, 1, 1],
            Self::Convolution {
                channels,
                side,
                stride,
                padding,
            } => {
                let places = |length: usize| places(length + 2 * padding, side, stride);
                [channels, places(height), places(width)]
            }
            Self::MaxPool { side, stride } => [
                channels,
                places(height, side, stride),
                places(width, side, stride),
            ],
        }
    }
}

/// How often a window of `side` fits into `length`.
fn places(length: usize, side: usize, stride: usize) -> usize {
    length
        .checked_sub(side)
        .map_or(0, |rest| rest / stride.max(1) + 1)
}

/// Numbers of one example of a shape.
pub fn numbers(shape: Shape) -> usize {
    shape.into_iter().fold(1, usize::saturating_mul)
}
