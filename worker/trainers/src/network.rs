//! A network in training: parameters, optimiser state and the passes over a minibatch.

use std::sync::{Arc, Mutex, PoisonError};

use dfdx::tensor::{Cpu, CpuError, Gradients, NoneTape, OwnedTape};
use dfdx::tensor_ops::Backward;
use tailsweep_common::run::{Loss, Train};
use tailsweep_stats::Layer;

use crate::minibatch::Minibatch;
use crate::model::Model;
use crate::tape::{self, Device, Numbers, Outcome, Parameter};

/// Parameters with what is done to them. A [`Device`] is for one thread at a time, so is this.
#[derive(Debug)]
pub(crate) struct Network {
    model: Model,
    loss: Loss,
    parameters: Vec<Parameter>,
    // Last, so that it frees what the others leave in its cache.
    device: Device,
}

impl Network {
    /// With the given weights, and velocities (zero where not given), each tensor flat.
    pub(crate) fn new(
        model: Model,
        loss: Loss,
        layers: &[Layer],
        weights: &[Vec<f32>],
        velocities: Option<&[Vec<f32>]>,
    ) -> Result<Self, CpuError> {
        let device = Device::new();
        let parameters = layers
            .iter()
            .enumerate()
            .map(|(index, layer)| {
                let velocity = velocities.map(|velocities| &*velocities[index]);
                Parameter::new(&device, &weights[index], velocity, layer.fan_in)
            })
            .collect::<Result<Vec<Parameter>, _>>()?;
        Ok(Self {
            model,
            loss,
            parameters,
            device,
        })
    }

    /// The network as it is now, for any number of threads.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            model: self.model.clone(),
            loss: self.loss,
            parameters: self.parameters.iter().map(Parameter::numbers).collect(),
            idle: Mutex::default(),
        }
    }

    /// Loss and hits on a minibatch.
    pub(crate) fn evaluate(&self, minibatch: Minibatch) -> Result<Outcome, CpuError> {
        let Minibatch { images, labels } = minibatch;
        let outputs = self
            .model
            .outputs(&self.device, &self.parameters, images, NoneTape)?;
        let (_, outcome) = tape::loss(&self.device, self.loss, outputs, &labels)?;
        Ok(outcome)
    }

    /// The same, and the gradient of the mean loss.
    pub(crate) fn differentiate(
        &self,
        minibatch: Minibatch,
    ) -> Result<(Outcome, Gradient<'_>), CpuError> {
        let Minibatch { images, labels } = minibatch;
        let tape = OwnedTape::default();
        let outputs = self
            .model
            .outputs(&self.device, &self.parameters, images, tape)?;
        let (mean, outcome) = tape::loss(&self.device, self.loss, outputs, &labels)?;
        Ok((
            outcome,
            Gradient {
                of: &self.parameters,
                tensors: mean.try_backward()?,
            },
        ))
    }

    /// One update of SGD.
    pub(crate) fn update(
        &mut self,
        train: &Train,
        learning_rate: f64,
        gradients: &mut Gradients<f32, Cpu>,
    ) -> Result<(), CpuError> {
        self.parameters
            .iter_mut()
            .try_for_each(|parameter| parameter.update(train, learning_rate, gradients))
    }

    /// The numbers of each parameter tensor.
    pub(crate) fn weights(&self) -> Vec<Vec<f32>> {
        let numbers = |parameter: &Parameter| parameter.numbers().flat();
        self.parameters.iter().map(numbers).collect()
    }

    /// The numbers of each tensor of v.
    pub(crate) fn velocities(&self) -> Vec<Vec<f32>> {
        self.parameters.iter().map(Parameter::velocity).collect()
    }
}

/// A network at one step, which many threads may use at once: each on a device of its own.
#[derive(Debug)]
pub(crate) struct Snapshot {
    model: Model,
    loss: Loss,
    parameters: Vec<Arc<Numbers>>,
    /// Networks that no thread is using.
    idle: Mutex<Vec<Network>>,
}

impl Snapshot {
    /// Does `work` with a network that no other thread uses.
    pub(crate) fn with<R, E: From<CpuError>>(
        &self,
        work: impl FnOnce(&Network) -> Result<R, E>,
    ) -> Result<R, E> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let found = idle().pop();
        let network = found.map_or_else(|| self.network(), Ok)?;
        let result = work(&network);
        idle().push(network);
        result
    }

    fn network(&self) -> Result<Network, CpuError> {
        let device = Device::new();
        let parameters = self
            .parameters
            .iter()
            .map(|numbers| Parameter::like(&device, Arc::clone(numbers)))
            .collect::<Result<_, _>>()?;
        Ok(Network {
            model: self.model.clone(),
            loss: self.loss,
            parameters,
            device,
        })
    }
}

/// The gradient of a mean loss with respect to the parameters of a network.
pub(crate) struct Gradient<'a> {
    of: &'a [Parameter],
    tensors: Gradients<f32, Cpu>,
}

impl Gradient<'_> {
    /// The tensors alone.
    pub(crate) fn into_tensors(self) -> Gradients<f32, Cpu> {
        self.tensors
    }

    /// Appends the M numbers of all tensors, one tensor after the other.
    pub(crate) fn append_to(mut self, flat: &mut Vec<f32>) -> Result<(), CpuError> {
        self.of
            .iter()
            .try_for_each(|parameter| parameter.append_gradient(&mut self.tensors, flat))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use tailsweep_common::measurement::Split;
    use tailsweep_common::run::{Architecture, Dataset, DatasetName, GaussianRegression};

    use super::*;
    use crate::data::{self, Label};
    use crate::weights::initial;

    /// The definition, in f64: loss and gradient of a minibatch.
    struct Reference {
        /// Units of each layer, from the features to the classes.
        units: Vec<usize>,
        loss: Loss,
    }

    impl Reference {
        fn loss(&self, weights: &[Vec<f64>], images: &[f32], labels: &[Label]) -> f64 {
            let mut total = 0.0;
            for (image, label) in images.chunks_exact(self.units[0]).zip(labels) {
                let mut x: Vec<f64> = image.iter().map(|pixel| f64::from(*pixel)).collect();
                for (layer, weights) in weights.iter().enumerate() {
                    let inputs = self.units[layer];
                    let product = |row: &[f64]| row.iter().zip(&x).map(|(w, x)| w * x).sum::<f64>();
                    let y: Vec<f64> = weights.chunks_exact(inputs).map(product).collect();
                    let last = layer + 2 == self.units.len();
                    x = if last {
                        y
                    } else {
                        y.into_iter().map(|y| y.max(0.0)).collect()
                    };
                }
                let label = match *label {
                    Label::Class(class) => class as usize,
                    Label::Value(value) => {
                        total += (x[0] - f64::from(value)).powi(2) / 2.0;
                        continue;
                    }
                };
                total += match self.loss {
                    Loss::Squared => unreachable!("of values"),
                    Loss::Nll => x.iter().map(|o| o.exp()).sum::<f64>().ln() - x[label],
                    Loss::Hinge => {
                        let margin = |(class, output): (usize, &f64)| {
                            let target = if class == label { 1.0 } else { -1.0 };
                            (1.0 - target * output).max(0.0)
                        };
                        x.iter().enumerate().map(margin).sum::<f64>() / x.len() as f64
                    }
                };
            }
            total / labels.len() as f64
        }
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let images = Dataset {
            source: DatasetName::MnistExcerpt.into(),
            train_limit: Some(7),
            test_limit: Some(0),
        };
        let values = Dataset::all(GaussianRegression {
            examples: 7,
            test_examples: 1,
            ..GaussianRegression::default()
        });
        let fcn = |width, depth| Architecture::Fcn { width, depth };
        // 256 is a width whose rows are padded.
        for (dataset, architecture, loss) in [
            (&images, fcn(6, 2), Loss::Nll),
            (&images, fcn(6, 4), Loss::Nll),
            (&images, fcn(5, 3), Loss::Hinge),
            (&images, fcn(256, 3), Loss::Hinge),
            (&images, fcn(256, 3), Loss::Nll),
            (&values, fcn(6, 3), Loss::Squared),
            (&values, Architecture::LinearRegression, Loss::Squared),
        ] {
            let data = Arc::new(data::load(dataset, Path::new("")).unwrap());
            let layers = architecture.layers(dataset);
            let weights = initial(&layers, 4);
            let model = Model::new(&architecture.network(dataset)).unwrap();
            let network = Network::new(model, loss, &layers, &weights, None).unwrap();
            let minibatch = Minibatch::consecutive(&data, Split::Train, 1..7);
            let (outcome, gradient) = network.differentiate(minibatch.clone()).unwrap();
            let mut flat = Vec::new();
            gradient.append_to(&mut flat).unwrap();
            assert_eq!(network.evaluate(minibatch.clone()).unwrap(), outcome);

            let mut units: Vec<usize> = layers.iter().map(|layer| layer.fan_in).collect();
            units.push(dataset.targets().outputs());
            let reference = Reference { units, loss };
            let exact: Vec<Vec<f64>> = weights
                .iter()
                .map(|w| w.iter().map(|w| f64::from(*w)).collect())
                .collect();
            let loss_at = |weights: &[Vec<f64>]| {
                reference.loss(weights, &minibatch.images, &minibatch.labels)
            };
            let expected = loss_at(&exact);
            assert!((f64::from(outcome.loss()) - expected).abs() < 1e-5 * expected);

            let mut start = 0;
            for (layer, numbers) in exact.iter().enumerate() {
                let largest = flat[start..start + numbers.len()]
                    .iter()
                    .fold(0.0_f64, |largest, slope| {
                        largest.max(f64::from(slope.abs()))
                    });
                for place in (0..numbers.len()).step_by(numbers.len().div_ceil(25)) {
                    let h = 1e-6;
                    let at = |h: f64| {
                        let mut moved = exact.clone();
                        moved[layer][place] += h;
                        loss_at(&moved)
                    };
                    let slope = (at(h) - at(-h)) / (2.0 * h);
                    let found = f64::from(flat[start + place]);
                    assert!(
                        (found - slope).abs() < 2e-4 * largest + 1e-8,
                        "{architecture:?} {loss:?} layer {layer} place {place}: {found} {slope}"
                    );
                }
                start += numbers.len();
            }
            assert_eq!(start, flat.len());
        }
    }

    #[test]
    fn sgd_is_that_of_pytorch() {
        let dataset = Dataset {
            source: DatasetName::MnistExcerpt.into(),
            train_limit: Some(4),
            test_limit: Some(0),
        };
        let data = Arc::new(data::load(&dataset, Path::new("")).unwrap());
        let architecture = Architecture::Fcn { width: 3, depth: 2 };
        let layers = architecture.layers(&dataset);
        let weights = initial(&layers, 0);
        let still: Vec<Vec<f32>> = weights.iter().map(|w| vec![0.0; w.len()]).collect();
        for (momentum, weight_decay) in [(0.0, 0.0), (0.9, 0.0), (0.0, 0.1), (0.9, 0.1)] {
            let train = Train {
                steps: 3,
                sampling: tailsweep_common::run::Sampling::FileOrder,
                momentum,
                weight_decay,
                dropout: 0.0,
                schedule: tailsweep_common::run::Schedule::Constant,
                stop_at_train_accuracy: None,
                init: tailsweep_common::run::Init::Default,
            };
            let model = Model::new(&architecture.network(&dataset)).unwrap();
            let velocities = (momentum != 0.0).then_some(&*still);
            let mut network =
                Network::new(model, Loss::Nll, &layers, &weights, velocities).unwrap();
            let mut w: Vec<f32> = weights.concat();
            let mut v = vec![0.0; w.len()];
            for _ in 0..3 {
                let minibatch = Minibatch::consecutive(&data, Split::Train, 0..4);
                let (_, gradient) = network.differentiate(minibatch.clone()).unwrap();
                let mut g = Vec::new();
                gradient.append_to(&mut g).unwrap();
                let (_, gradient) = network.differentiate(minibatch).unwrap();
                let mut gradients = gradient.into_tensors();
                network.update(&train, 0.05, &mut gradients).unwrap();
                for ((w, v), g) in w.iter_mut().zip(&mut v).zip(&g) {
                    *v = momentum as f32 * *v + (g + weight_decay as f32 * *w);
                    *w -= 0.05 * *v;
                }
                let found = network.weights().concat();
                for (found, expected) in found.iter().zip(&w) {
                    assert!((found - expected).abs() < 1e-6);
                }
            }
            if momentum != 0.0 {
                let found = network.velocities().concat();
                assert!(
                    found
                        .iter()
                        .zip(&v)
                        .all(|(found, v)| (found - v).abs() < 1e-6)
                );
            }
        }
    }
}
