//! A user's own arrays, as [`tailsweep_common::own_data`] describes them.

use ndarray::Array2;
use tailsweep_common::npy::{Dtype, Npy};
use tailsweep_common::run::Targets;

use super::{DataFault, Examples, Label};

/// The first `examples` of an array of examples and an array of labels.
pub(super) fn read(
    images: &[u8],
    labels: &[u8],
    features: usize,
    targets: Targets,
    examples: usize,
) -> Result<Examples, DataFault> {
    let other = || DataFault::OtherArray;
    let images = Npy::read(images).map_err(|_| other())?;
    let labels = Npy::read(labels).map_err(|_| other())?;
    let scale = match images.dtype() {
        Dtype::U8 => 255.0,
        _ => 1.0,
    };
    let mut numbers = Vec::with_capacity(examples * features);
    let rows = images.shape().first().copied().unwrap_or_default();
    for row in 0..examples.min(rows) {
        numbers.extend(images.row(row).map(|number| number as f32 / scale));
    }
    let images = Array2::from_shape_vec((examples, features), numbers).map_err(|_| other())?;
    let labels: Vec<Label> = labels
        .values()
        .take(examples)
        .map(|label| match targets {
            Targets::Classes(classes) if label < f64::from(classes) => {
                Ok(Label::Class(label as u32))
            }
            Targets::Classes(_) => Err(other()),
            Targets::Values => Ok(Label::Value(label as f32)),
        })
        .collect::<Result<_, _>>()?;
    if labels.len() < examples {
        return Err(other());
    }
    Ok(Examples { images, labels })
}
