//! A network in training: parameters, optimiser state and the passes over a minibatch.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use dfdx::tensor::{Cpu, Gradients, NoneTape, OwnedTape};
use dfdx::tensor_ops::Backward;
use tailsweep_common::run::{Loss, Train};

#[cfg(any(test, feature = "cuda"))]
use crate::confined::Confined;
use crate::device::Device;
use crate::dropout::Dropout;
use crate::measuring::NoMeasurement;
use crate::minibatch::Minibatch;
use crate::model::Model;
use crate::tape::{Backend, Flat, Native, Numbers, Outcome, Parameter, Workspace};
use crate::training::TrainError;

/// Parameters with what is done to them. A [`Workspace`] is for one thread at a time, so is this.
#[derive(Debug)]
pub(crate) struct Network<B: Backend = Native> {
    model: Model,
    loss: Loss,
    parameters: Vec<B::Parameter>,
    // Last, so that it frees what the others leave in its cache.
    device: Workspace<B::Device>,
}

impl<B: Backend> Network<B> {
    /// With the given weights, and velocities (zero where not given), each tensor flat.
    pub(crate) fn new(
        place: Device,
        model: Model,
        loss: Loss,
        weights: &[Vec<f32>],
        velocities: Option<&[Vec<f32>]>,
    ) -> Result<Self, TrainError> {
        let device = Workspace::new(B::open(place)?);
        let parameters = model
            .layouts()
            .iter()
            .enumerate()
            .map(|(index, layout)| {
                let velocity = velocities.map(|velocities| &*velocities[index]);
                B::parameter(&device, &weights[index], velocity, *layout)
            })
            .collect::<Result<_, _>>()
            .map_err(B::error)?;
        Ok(Self {
            model,
            loss,
            parameters,
            device,
        })
    }

    /// Loss and hits on a minibatch.
    pub(crate) fn evaluate(&self, minibatch: Minibatch) -> Result<Outcome, TrainError> {
        let Minibatch { images, labels } = minibatch;
        let (device, parameters) = (&self.device, &self.parameters);
        self.model
            .outputs::<B, _>(device, parameters, images, None, NoneTape)
            .and_then(|outputs| B::loss(device, self.loss, outputs, &labels))
            .map(|(_, outcome)| outcome)
            .map_err(B::error)
    }

    /// The same, and the gradient of the mean loss; in training with dropout, where there is some.
    pub(crate) fn differentiate(
        &self,
        minibatch: Minibatch,
        dropout: Option<Dropout>,
    ) -> Result<(Outcome, Gradient<'_, B>), TrainError> {
        let Minibatch { images, labels } = minibatch;
        let (device, parameters) = (&self.device, &self.parameters);
        let tape = OwnedTape::<f32, B::Device>::default();
        let (outcome, tensors) = self
            .model
            .outputs::<B, _>(device, parameters, images, dropout, tape)
            .and_then(|outputs| B::loss(device, self.loss, outputs, &labels))
            .and_then(|(mean, outcome)| Ok((outcome, mean.try_backward()?)))
            .map_err(B::error)?;
        let of = &self.parameters;
        Ok((outcome, Gradient { of, tensors }))
    }

    /// One update of SGD.
    pub(crate) fn update(
        &mut self,
        train: &Train,
        learning_rate: f64,
        gradients: &mut Gradients<f32, B::Device>,
    ) -> Result<(), TrainError> {
        self.parameters
            .iter_mut()
            .try_for_each(|parameter| B::update(parameter, train, learning_rate, gradients))
            .map_err(B::error)
    }
}

/// A network, wherever it is computed.
pub(crate) trait Learner: Debug + Send {
    /// Gradient of a minibatch and, if its loss is finite, one update of SGD; the loss.
    fn learn(
        &mut self,
        minibatch: Minibatch,
        dropout: Option<Dropout>,
        train: &Train,
        learning_rate: f64,
    ) -> Result<f32, TrainError>;

    /// The numbers of each parameter tensor.
    fn weights(&self) -> Vec<Vec<f32>>;

    /// The numbers of each tensor of v.
    fn velocities(&self) -> Vec<Vec<f32>>;

    /// Does `work` with the network at its present weights, for any number of threads.
    fn with_passes(
        &self,
        work: &mut dyn FnMut(&dyn Passes) -> Result<(), NoMeasurement>,
    ) -> Result<(), NoMeasurement>;
}

/// What a measurement asks of a network, from any number of threads at a time.
pub(crate) trait Passes: Sync {
    /// Loss and hits on a minibatch.
    fn evaluate(&self, minibatch: Minibatch) -> Result<Outcome, TrainError>;

    /// The same, and the gradient of the mean loss in place of the M numbers of `flat`.
    fn differentiate(
        &self,
        minibatch: Minibatch,
        flat: &mut Vec<f32>,
    ) -> Result<Outcome, TrainError>;
}

impl<B: Backend> Network<B> {
    fn learn(
        &mut self,
        minibatch: Minibatch,
        dropout: Option<Dropout>,
        train: &Train,
        learning_rate: f64,
    ) -> Result<f32, TrainError> {
        let (outcome, gradient) = self.differentiate(minibatch, dropout)?;
        let loss = outcome.loss();
        let mut gradients = gradient.into_tensors();
        if loss.is_finite() {
            self.update(train, learning_rate, &mut gradients)?;
        }
        Ok(loss)
    }

    fn weights(&self) -> Vec<Vec<f32>> {
        self.parameters.iter().map(B::weights).collect()
    }

    fn velocities(&self) -> Vec<Vec<f32>> {
        self.parameters.iter().map(B::velocity).collect()
    }
}

impl Learner for Network {
    fn learn(
        &mut self,
        minibatch: Minibatch,
        dropout: Option<Dropout>,
        train: &Train,
        learning_rate: f64,
    ) -> Result<f32, TrainError> {
        Self::learn(self, minibatch, dropout, train, learning_rate)
    }

    fn weights(&self) -> Vec<Vec<f32>> {
        Self::weights(self)
    }

    fn velocities(&self) -> Vec<Vec<f32>> {
        Self::velocities(self)
    }

    fn with_passes(
        &self,
        work: &mut dyn FnMut(&dyn Passes) -> Result<(), NoMeasurement>,
    ) -> Result<(), NoMeasurement> {
        work(&Snapshot {
            model: self.model.clone(),
            loss: self.loss,
            parameters: self.parameters.iter().map(Parameter::numbers).collect(),
            idle: Mutex::default(),
        })
    }
}

/// A network at one step, which many threads may use at once: each on a device of its own.
#[derive(Debug)]
struct Snapshot {
    model: Model,
    loss: Loss,
    parameters: Vec<Arc<Numbers>>,
    /// Networks that no thread is using, and where each writes gradients.
    idle: Mutex<Vec<(Network, Flat)>>,
}

impl Snapshot {
    /// Does `work` with a network that no other thread uses.
    fn with<R>(
        &self,
        work: impl FnOnce(&Network, &Flat) -> Result<R, TrainError>,
    ) -> Result<R, TrainError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let found = idle().pop();
        let (network, flat) = found.map_or_else(|| self.network(), Ok)?;
        let result = work(&network, &flat);
        idle().push((network, flat));
        result
    }

    fn network(&self) -> Result<(Network, Flat), TrainError> {
        let (device, flat) = (Workspace::new(Cpu::default()), Flat::default());
        let mut start = 0;
        let parameters = self
            .parameters
            .iter()
            .map(|numbers| {
                let own = start;
                start += numbers.len();
                Parameter::like(&device, Arc::clone(numbers), &flat, own)
            })
            .collect::<Result<_, _>>()?;
        let network = Network {
            model: self.model.clone(),
            loss: self.loss,
            parameters,
            device,
        };
        Ok((network, flat))
    }
}

impl Passes for Snapshot {
    fn evaluate(&self, minibatch: Minibatch) -> Result<Outcome, TrainError> {
        self.with(|network, _| network.evaluate(minibatch))
    }

    fn differentiate(
        &self,
        minibatch: Minibatch,
        flat: &mut Vec<f32>,
    ) -> Result<Outcome, TrainError> {
        self.with(|network, own| {
            let passed = own.lending(flat, || network.differentiate(minibatch, None));
            let (outcome, gradient) = passed?;
            gradient.put(flat)?;
            Ok(outcome)
        })
    }
}

/// A network on a device whose handles must not leave their thread: one pass at a time.
#[cfg(any(test, feature = "cuda"))]
impl<B: Backend> Learner for Confined<Network<B>> {
    fn learn(
        &mut self,
        minibatch: Minibatch,
        dropout: Option<Dropout>,
        train: &Train,
        learning_rate: f64,
    ) -> Result<f32, TrainError> {
        self.with(|network| network.learn(minibatch, dropout, train, learning_rate))
    }

    fn weights(&self) -> Vec<Vec<f32>> {
        self.with(|network| network.weights())
    }

    fn velocities(&self) -> Vec<Vec<f32>> {
        self.with(|network| network.velocities())
    }

    fn with_passes(
        &self,
        work: &mut dyn FnMut(&dyn Passes) -> Result<(), NoMeasurement>,
    ) -> Result<(), NoMeasurement> {
        work(self)
    }
}

#[cfg(any(test, feature = "cuda"))]
impl<B: Backend> Passes for Confined<Network<B>> {
    fn evaluate(&self, minibatch: Minibatch) -> Result<Outcome, TrainError> {
        self.with(|network| network.evaluate(minibatch))
    }

    fn differentiate(
        &self,
        minibatch: Minibatch,
        flat: &mut Vec<f32>,
    ) -> Result<Outcome, TrainError> {
        self.with(|network| {
            let (outcome, gradient) = network.differentiate(minibatch, None)?;
            gradient.put(flat)?;
            Ok(outcome)
        })
    }
}

/// The gradient of a mean loss with respect to the parameters of a network.
pub(crate) struct Gradient<'a, B: Backend = Native> {
    of: &'a [B::Parameter],
    tensors: Gradients<f32, B::Device>,
}

impl<B: Backend> Gradient<'_, B> {
    /// The tensors alone.
    pub(crate) fn into_tensors(self) -> Gradients<f32, B::Device> {
        self.tensors
    }

    /// Puts the M numbers of all tensors in place, one tensor after the other.
    pub(crate) fn put(mut self, flat: &mut [f32]) -> Result<(), TrainError> {
        let mut start = 0;
        for parameter in self.of {
            let place = start..start + B::len(parameter);
            start = place.end;
            B::put_gradient(parameter, &mut self.tensors, &mut flat[place]).map_err(B::error)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use tailsweep_common::measurement::Split;
    use tailsweep_common::network::{self as modules, Operation};
    use tailsweep_common::run::{Architecture, Dataset, DatasetName, GaussianRegression};

    use super::*;
    use crate::data::{self, Label};
    use crate::minibatch::Images;
    use crate::random::Stream;
    use crate::reference::Reference;
    use crate::tape::Portable;
    use crate::weights::initial;

    /// Two images whose numbers are fixed, with classes below 10 or values.
    fn minibatch(features: usize, loss: Loss) -> Minibatch {
        let mut stream = Stream::new("images of a test", 0, &[], 0);
        let numbers = (0..2 * features).map(|_| stream.symmetric()).collect();
        let labels = match loss {
            Loss::Squared => vec![Label::Value(0.5), Label::Value(-1.5)],
            _ => vec![Label::Class(3), Label::Class(9)],
        };
        Minibatch {
            images: Images::of(numbers, labels.len()),
            labels,
        }
    }

    /// Our operations, and those that a GPU uses.
    fn check(network: &modules::Network, loss: Loss, dropout: Option<Dropout>) {
        check_on::<Native>(network, loss, dropout);
        check_on::<Portable<dfdx::tensor::Cpu>>(network, loss, dropout);
    }

    /// Holds loss and gradient against the definition in f64 and its finite differences.
    fn check_on<B: Backend>(network: &modules::Network, loss: Loss, dropout: Option<Dropout>) {
        let layers: Vec<_> = network.parameters().map(|tensor| tensor.layer).collect();
        let weights = initial(&layers, 4);
        let model = Model::new(network).unwrap();
        let ours = Network::<B>::new(Device::Cpu, model, loss, &weights, None).unwrap();
        let minibatch = minibatch(modules::numbers(network.input()), loss);
        let (outcome, gradient) = ours.differentiate(minibatch.clone(), dropout).unwrap();
        let mut flat = vec![f32::NAN; weights.iter().map(Vec::len).sum()];
        gradient.put(&mut flat).unwrap();
        if dropout.is_none() {
            assert_eq!(ours.evaluate(minibatch.clone()).unwrap(), outcome);
        }

        let mut exact: Vec<Vec<f64>> = weights
            .iter()
            .map(|w| w.iter().map(|w| f64::from(*w)).collect())
            .collect();
        let reference = Reference {
            network,
            loss,
            dropout,
        };
        let loss_at = |weights: &[Vec<f64>]| reference.loss(weights, &minibatch);
        let expected = loss_at(&exact);
        assert!((f64::from(outcome.loss()) - expected).abs() < 1e-5 * expected);

        let mut start = 0;
        for layer in 0..exact.len() {
            let len = exact[layer].len();
            let ours = &flat[start..start + len];
            let largest = ours.iter().fold(0.0_f32, |l, slope| l.max(slope.abs()));
            assert!(largest > 0.0, "layer {layer} has no gradient");
            for place in (0..len).step_by((len / 8).max(1)) {
                let h = 1e-6;
                let mut at = |h: f64| {
                    let before = exact[layer][place];
                    exact[layer][place] = before + h;
                    let loss = loss_at(&exact);
                    exact[layer][place] = before;
                    loss
                };
                let slope = (at(h) - at(-h)) / (2.0 * h);
                let found = f64::from(ours[place]);
                assert!(
                    (found - slope).abs() < 2e-4 * f64::from(largest) + 1e-8,
                    "{loss:?} layer {layer} place {place}: {found} {slope}"
                );
            }
            start += len;
        }
        assert_eq!(start, flat.len());
    }

    #[test]
    fn gradients_of_linear_layers_are_those_of_finite_differences() {
        let images = Dataset::all(DatasetName::Mnist);
        let values = Dataset::all(GaussianRegression::default());
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
            check(&architecture.network(dataset), loss, None);
        }
    }

    #[test]
    fn gradients_of_an_alexnet_are_those_of_finite_differences() {
        for (width, loss, dropout) in [
            (3, Loss::Nll, None),
            (6, Loss::Hinge, None),
            (6, Loss::Nll, Dropout::of(0.5, 1, 2)),
        ] {
            let architecture = Architecture::Alexnet { width };
            let network = architecture.network(&Dataset::all(DatasetName::Cifar10));
            check(&network, loss, dropout);
        }
    }

    #[test]
    fn gradients_of_odd_shapes_are_those_of_finite_differences() {
        use Operation::{Convolution, Dropout as Drop, Linear, MaxPool, Relu};
        let convolution = |channels, side, stride, padding| Convolution {
            channels,
            side,
            stride,
            padding,
        };
        let linear = |outputs, bias| Linear { outputs, bias };
        let pool = |side, stride| MaxPool { side, stride };
        let dropout = Dropout::of(0.3, 5, 6);
        let networks: [(_, &[Operation]); 5] = [
            // A linear layer reads an image of several pixels.
            (
                [3, 7, 9],
                &[convolution(5, 3, 2, 1), Relu, linear(10, true)],
            ),
            // Pixels that no window reads, windows that overlap or lie apart.
            (
                [2, 8, 11],
                &[convolution(4, 2, 3, 0), pool(2, 1), linear(10, false)],
            ),
            (
                [2, 9, 6],
                &[
                    pool(2, 3),
                    convolution(4, 3, 1, 2),
                    Relu,
                    pool(3, 1),
                    linear(10, true),
                ],
            ),
            // Dropout of images, of convolutions, and before a ReLU.
            (
                [1, 5, 5],
                &[
                    Drop,
                    convolution(16, 4, 1, 3),
                    Drop,
                    Relu,
                    convolution(3, 4, 1, 0),
                    linear(10, true),
                ],
            ),
            // More windows of an example than are written out at once, and rows that are padded.
            (
                [16, 24, 24],
                &[convolution(2, 4, 1, 0), Relu, Drop, linear(10, true)],
            ),
        ];
        for (input, operations) in networks {
            let network = modules::Network::of(input).then("test", operations.iter().copied());
            check(&network, Loss::Nll, dropout);
        }
    }

    #[test]
    fn a_confined_network_trains_and_measures_like_ours() {
        let dataset = Dataset {
            source: DatasetName::MnistExcerpt.into(),
            train_limit: Some(40),
            test_limit: Some(0),
        };
        let data = Arc::new(data::load(&dataset, Path::new("")).unwrap());
        let architecture = Architecture::Fcn { width: 5, depth: 3 };
        let weights = initial(&architecture.layers(&dataset), 0);
        let model = Model::new(&architecture.network(&dataset)).unwrap();
        let batch = |start| Minibatch::consecutive(&data, Split::Train, start..start + 10);
        let ours = Network::<Native>::new(Device::Cpu, model.clone(), Loss::Nll, &weights, None);
        let theirs = Confined::new(|| {
            Network::<Portable<Cpu>>::new(Device::Cpu, model, Loss::Nll, &weights, None)
        });
        let (mut ours, mut theirs) = (ours.unwrap(), theirs.unwrap());
        for start in [0, 10, 20] {
            let train = train(0.5, 0.01);
            let of =
                |learner: &mut dyn Learner| learner.learn(batch(start), None, &train, 0.1).unwrap();
            let (one, other) = (of(&mut ours), of(&mut theirs));
            assert!((one - other).abs() < 1e-5 * one, "{one} {other}");
        }
        for (one, other) in [
            (Learner::weights(&ours), Learner::weights(&theirs)),
            (Learner::velocities(&ours), Learner::velocities(&theirs)),
        ] {
            let near = |(one, other): (&f32, &f32)| (one - other).abs() < 1e-5;
            assert!(one.concat().iter().zip(&other.concat()).all(near));
        }
        let params = weights.iter().map(Vec::len).sum();
        let (mut one, mut other) = (vec![f32::NAN; params], vec![f32::NAN; params]);
        let mut outcome = Outcome::default();
        ours.with_passes(&mut |ours| {
            outcome = ours.differentiate(batch(30), &mut one)?;
            Ok(())
        })
        .unwrap();
        let passed = Passes::differentiate(&theirs, batch(30), &mut other).unwrap();
        assert_eq!(passed.correct, outcome.correct);
        assert_eq!(theirs.evaluate(batch(30)).unwrap(), passed);
        let near = |(one, other): (&f32, &f32)| (one - other).abs() < 1e-5;
        assert!(one.iter().zip(&other).all(near));
    }

    fn train(momentum: f64, weight_decay: f64) -> Train {
        Train {
            steps: 3,
            sampling: tailsweep_common::run::Sampling::FileOrder,
            momentum,
            weight_decay,
            dropout: 0.0,
            schedule: tailsweep_common::run::Schedule::Constant,
            stop_at_train_accuracy: None,
            init: tailsweep_common::run::Init::Default,
        }
    }

    #[test]
    fn sgd_is_that_of_pytorch() {
        sgd_on::<Native>();
        sgd_on::<Portable<dfdx::tensor::Cpu>>();
    }

    fn sgd_on<B: Backend>() {
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
            let train = train(momentum, weight_decay);
            let model = Model::new(&architecture.network(&dataset)).unwrap();
            let velocities = (momentum != 0.0).then_some(&*still);
            let network = Network::<B>::new(Device::Cpu, model, Loss::Nll, &weights, velocities);
            let mut network = network.unwrap();
            let flat = |parameters: &[B::Parameter], of: fn(&B::Parameter) -> Vec<f32>| {
                parameters.iter().flat_map(of).collect::<Vec<f32>>()
            };
            let mut w: Vec<f32> = weights.concat();
            let mut v = vec![0.0; w.len()];
            for _ in 0..3 {
                let minibatch = Minibatch::consecutive(&data, Split::Train, 0..4);
                let (_, gradient) = network.differentiate(minibatch.clone(), None).unwrap();
                let mut g = vec![0.0; w.len()];
                gradient.put(&mut g).unwrap();
                let (_, gradient) = network.differentiate(minibatch, None).unwrap();
                let mut gradients = gradient.into_tensors();
                network.update(&train, 0.05, &mut gradients).unwrap();
                for ((w, v), g) in w.iter_mut().zip(&mut v).zip(&g) {
                    *v = momentum as f32 * *v + (g + weight_decay as f32 * *w);
                    *w -= 0.05 * *v;
                }
                let found = flat(&network.parameters, B::weights);
                for (found, expected) in found.iter().zip(&w) {
                    assert!((found - expected).abs() < 1e-6);
                }
            }
            if momentum != 0.0 {
                let found = flat(&network.parameters, B::velocity);
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
