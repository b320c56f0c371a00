//! Initial weights: PyTorch's default from our own random stream, or the user's tensors.
//!
//! Default: uniform in ±1/√fan_in, for weights and biases, all tensors one after the other from
//! one stream keyed by the seed and the shapes.
//! Given: a safetensors file with exactly the tensors of the architecture, named as in PyTorch's
//! state dictionaries (`fc.0.weight`, …), little-endian f32, in C order.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tailsweep_common::network::Parameter;
use tailsweep_common::run::{Architecture, Dataset, NetworkPoint};
use tailsweep_stats::Layer;

use crate::random::Stream;

/// Why given weights cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// The run wants given weights, and there are none.
    #[error("the run starts from given weights, but none were handed over")]
    Absent,
    /// It is no safetensors file.
    #[error("not a safetensors file: {0}")]
    Format(String),
    /// A tensor of the architecture is not there.
    #[error("the tensor `{0}` is missing")]
    Missing(String),
    /// There is a tensor that the architecture does not have.
    #[error("the tensor `{0}` is not one of this architecture")]
    Unknown(String),
    /// A tensor has another type or size.
    #[error("the tensor `{name}` is {found}; expected {expected}")]
    Shape {
        /// Its name.
        name: String,
        /// Type and shape that it should have.
        expected: String,
        /// Those that it has.
        found: String,
    },
    /// A tensor holds an infinity or something that is not a number.
    #[error("the tensor `{0}` holds a number that is not finite")]
    NotFinite(String),
}

/// The default initial weights of each tensor, flat.
pub(crate) fn initial(layers: &[Layer], seed: u64) -> Vec<Vec<f32>> {
    let sizes: Vec<u64> = layers
        .iter()
        .flat_map(|layer| [layer.len as u64, layer.fan_in as u64])
        .collect();
    let mut stream = Stream::new("initial weights", seed, &sizes, 0);
    layers
        .iter()
        .map(|layer| {
            let bound = 1.0 / (layer.fan_in as f32).sqrt();
            (0..layer.len).map(|_| bound * stream.symmetric()).collect()
        })
        .collect()
}

/// Whether the bytes of a safetensors file are initial weights of a point's network.
///
/// # Errors
///
/// What is wrong with them.
pub fn check(point: &NetworkPoint, bytes: &[u8]) -> Result<(), WeightsError> {
    given(point.architecture, &point.dataset, bytes).map(drop)
}

/// The bytes of a safetensors file with these tensors, each flat, in the order of the layers.
pub(crate) fn file(point: &NetworkPoint, tensors: &[Vec<f32>]) -> Vec<u8> {
    let network = point.architecture.network(&point.dataset);
    let parameters: Vec<Parameter> = network.parameters().collect();
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|numbers| numbers.iter().flat_map(|n| n.to_le_bytes()).collect())
        .collect();
    let views = parameters.iter().zip(&bytes).map(|(parameter, bytes)| {
        let view = TensorView::new(Dtype::F32, parameter.shape.clone(), bytes);
        (
            parameter.layer.name.as_str(),
            view.expect("a tensor has as many numbers as its shape says"),
        )
    });
    safetensors::serialize(views.collect::<Vec<_>>(), None).expect("names and shapes are plain")
}

/// The tensors of a safetensors file, in the order of `layers`, flat.
pub(crate) fn given(
    architecture: Architecture,
    dataset: &Dataset,
    bytes: &[u8],
) -> Result<Vec<Vec<f32>>, WeightsError> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|error| WeightsError::Format(error.to_string()))?;
    let parameters: Vec<Parameter> = architecture.network(dataset).parameters().collect();
    let mut names = file.names();
    names.sort_unstable();
    if let Some(unknown) = names
        .iter()
        .find(|name| parameters.iter().all(|p| p.layer.name != **name))
    {
        return Err(WeightsError::Unknown((*unknown).to_owned()));
    }
    parameters
        .iter()
        .map(|Parameter { layer, shape }| {
            let missing = |_| WeightsError::Missing(layer.name.clone());
            let tensor = file.tensor(&layer.name).map_err(missing)?;
            if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
                return Err(WeightsError::Shape {
                    name: layer.name.clone(),
                    expected: format!("{:?} {shape:?}", Dtype::F32),
                    found: format!("{:?} {:?}", tensor.dtype(), tensor.shape()),
                });
            }
            let numbers: Vec<f32> = tensor
                .data()
                .as_chunks()
                .0
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect();
            if numbers.iter().all(|number| number.is_finite()) {
                Ok(numbers)
            } else {
                Err(WeightsError::NotFinite(layer.name.clone()))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use safetensors::serialize;
    use tailsweep_common::run::DatasetName;

    use super::*;

    fn mnist() -> Dataset {
        Dataset::all(DatasetName::Mnist)
    }

    const ARCHITECTURE: Architecture = Architecture::Fcn { width: 3, depth: 2 };

    fn file(tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) -> Vec<u8> {
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            (
                *name,
                TensorView::new(*dtype, shape.to_vec(), bytes).unwrap(),
            )
        });
        serialize(views.collect::<Vec<_>>(), None).unwrap()
    }

    fn numbers(count: usize, number: f32) -> Vec<u8> {
        number.to_le_bytes().repeat(count)
    }

    fn refused(tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) -> WeightsError {
        given(ARCHITECTURE, &mnist(), &file(tensors)).unwrap_err()
    }

    #[test]
    fn given_weights_come_in_the_order_of_the_layers() {
        let bytes = file(&[
            ("fc.2.weight", Dtype::F32, &[10, 3], numbers(30, 2.0)),
            ("fc.0.weight", Dtype::F32, &[3, 784], numbers(3 * 784, -1.5)),
        ]);
        let weights = given(ARCHITECTURE, &mnist(), &bytes).unwrap();
        assert_eq!(weights, [vec![-1.5; 3 * 784], vec![2.0; 30]]);
    }

    #[test]
    fn given_weights_that_do_not_fit_are_refused() {
        let first = || {
            (
                "fc.0.weight",
                Dtype::F32,
                &[3, 784][..],
                numbers(3 * 784, 1.0),
            )
        };
        let second = || ("fc.2.weight", Dtype::F32, &[10, 3][..], numbers(30, 1.0));
        assert_eq!(
            refused(&[first()]),
            WeightsError::Missing("fc.2.weight".into())
        );
        let bias = ("fc.2.bias", Dtype::F32, &[10][..], numbers(10, 1.0));
        assert_eq!(
            refused(&[first(), second(), bias]),
            WeightsError::Unknown("fc.2.bias".into())
        );
        let turned = ("fc.2.weight", Dtype::F32, &[3, 10][..], numbers(30, 1.0));
        let error = refused(&[first(), turned]).to_string();
        assert_eq!(
            error,
            "the tensor `fc.2.weight` is F32 [3, 10]; expected F32 [10, 3]"
        );
        let whole = ("fc.2.weight", Dtype::I32, &[10, 3][..], numbers(30, 1.0));
        assert!(matches!(
            refused(&[first(), whole]),
            WeightsError::Shape { .. }
        ));
        let infinite = (
            "fc.2.weight",
            Dtype::F32,
            &[10, 3][..],
            numbers(30, f32::INFINITY),
        );
        assert_eq!(
            refused(&[first(), infinite]),
            WeightsError::NotFinite("fc.2.weight".into())
        );
        for bytes in [&b""[..], b"12345678", &[255; 64]] {
            let error = given(ARCHITECTURE, &mnist(), bytes).unwrap_err();
            assert!(matches!(error, WeightsError::Format(_)));
        }
    }

    #[test]
    fn initial_weights_fill_their_bounds() {
        let layers = ARCHITECTURE.layers(&mnist());
        let weights = initial(&layers, 7);
        for (layer, weights) in layers.iter().zip(&weights) {
            assert_eq!(weights.len(), layer.len);
            let bound = 1.0 / (layer.fan_in as f32).sqrt();
            let largest = weights
                .iter()
                .fold(0.0_f32, |largest, w| largest.max(w.abs()));
            assert!(largest < bound && largest > 0.85 * bound);
        }
        assert_eq!(initial(&layers, 7), weights);
        assert_ne!(initial(&layers, 8), weights);
    }
}
