//! Networks by the definition of their modules, in f64 and in PyTorch's order, for tests.

use tailsweep_common::network::{Module, Network, Operation, numbers};
use tailsweep_common::run::Loss;

use crate::data::Label;
use crate::dropout::Dropout;
use crate::minibatch::Minibatch;

/// The mean loss of a network.
pub(crate) struct Reference<'a> {
    pub(crate) network: &'a Network,
    pub(crate) loss: Loss,
    pub(crate) dropout: Option<Dropout>,
}

impl Reference<'_> {
    pub(crate) fn loss(&self, weights: &[Vec<f64>], minibatch: &Minibatch) -> f64 {
        let features = numbers(self.network.input());
        let examples: Vec<f64> = minibatch
            .images
            .chunks_exact(features)
            .zip(&minibatch.labels)
            .enumerate()
            .map(|(example, (image, label))| {
                let image = image.iter().map(|pixel| f64::from(*pixel)).collect();
                let outputs = self.outputs(weights, image, example, minibatch.labels.len());
                self.of_outputs(&outputs, *label)
            })
            .collect();
        examples.iter().sum::<f64>() / examples.len() as f64
    }

    fn of_outputs(&self, outputs: &[f64], label: Label) -> f64 {
        let label = match label {
            Label::Class(class) => class as usize,
            Label::Value(value) => return (outputs[0] - f64::from(value)).powi(2) / 2.0,
        };
        match self.loss {
            Loss::Squared => unreachable!("of values"),
            Loss::Nll => outputs.iter().map(|o| o.exp()).sum::<f64>().ln() - outputs[label],
            Loss::Hinge => {
                let margin = |(class, output): (usize, &f64)| {
                    let target = if class == label { 1.0 } else { -1.0 };
                    (1.0 - target * output).max(0.0)
                };
                let margins = outputs.iter().enumerate().map(margin);
                margins.sum::<f64>() / outputs.len() as f64
            }
        }
    }

    fn outputs(
        &self,
        weights: &[Vec<f64>],
        image: Vec<f64>,
        example: usize,
        examples: usize,
    ) -> Vec<f64> {
        let (mut weights, mut place) = (weights.iter(), 0);
        let mut next = || weights.next().expect("a tensor for each layer");
        let mut x = image;
        for module in self.network.modules() {
            x = match module.operation {
                Operation::Relu => x.into_iter().map(|x| x.max(0.0)).collect(),
                Operation::Dropout => {
                    // Factors lie as examples do between operations: pixels × channels.
                    let [channels, height, width] = module.input;
                    let (len, pixels) = (x.len(), height * width);
                    let factors = self.dropout.map(|d| d.factors(place, examples * len));
                    let factor = |at: usize| {
                        let lies = (at % pixels) * channels + at / pixels;
                        let factors = factors.as_ref();
                        factors.map_or(1.0, |factors| f64::from(factors[example * len + lies]))
                    };
                    x.iter().enumerate().map(|(at, x)| x * factor(at)).collect()
                }
                Operation::MaxPool { side, stride } => {
                    place += 1;
                    max_pool(module, &x, side, stride)
                }
                Operation::Linear { bias, .. } => {
                    place += 1;
                    let rows = next().chunks_exact(x.len());
                    let product = |row: &[f64]| row.iter().zip(&x).map(|(w, x)| w * x).sum::<f64>();
                    let mut y: Vec<f64> = rows.map(product).collect();
                    if bias {
                        y.iter_mut().zip(next()).for_each(|(y, b)| *y += b);
                    }
                    y
                }
                Operation::Convolution {
                    side,
                    stride,
                    padding,
                    ..
                } => {
                    place += 1;
                    let (weight, bias) = (next(), next());
                    convolution(module, &x, weight, bias, [side, stride, padding])
                }
            };
        }
        x
    }
}

fn max_pool(module: &Module, x: &[f64], side: usize, stride: usize) -> Vec<f64> {
    let ([_, height, width], [channels, rows, columns]) = (module.input, module.output);
    let mut y = Vec::new();
    for (channel, row, column) in places(channels, rows, columns) {
        let square = (0..side * side).map(|at| {
            let (r, c) = (row * stride + at / side, column * stride + at % side);
            x[(channel * height + r) * width + c]
        });
        y.push(square.fold(f64::NEG_INFINITY, f64::max));
    }
    y
}

fn convolution(
    module: &Module,
    x: &[f64],
    weight: &[f64],
    bias: &[f64],
    [side, stride, padding]: [usize; 3],
) -> Vec<f64> {
    let ([inputs, height, width], [outputs, rows, columns]) = (module.input, module.output);
    let mut y = Vec::new();
    for (output, row, column) in places(outputs, rows, columns) {
        let mut sum = bias[output];
        for (input, r, c) in places(inputs, side, side) {
            let (r_in, c_in) = (row * stride + r, column * stride + c);
            let inside = (padding..height + padding).contains(&r_in)
                && (padding..width + padding).contains(&c_in);
            if inside {
                let at = (input * height + r_in - padding) * width + c_in - padding;
                sum += weight[((output * inputs + input) * side + r) * side + c] * x[at];
            }
        }
        y.push(sum);
    }
    y
}

fn places(
    channels: usize,
    rows: usize,
    columns: usize,
) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..channels * rows * columns)
        .map(move |at| (at / (rows * columns), at / columns % rows, at % columns))
}
