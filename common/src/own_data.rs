//! A user's own examples: what two `.npy` files say before anybody trains on them.
//!
//! One array has the examples along its first axis, the other a label for each. Examples of 8-bit
//! numbers are pixels, to be divided by 255; all others are taken as they are. Whole labels are
//! classes, counted from 0; labels with decimals are values. Nothing is normalised.
//!
//! Here are the sizes and what can be wrong; the numbers themselves are read where they are used.

use crate::network::Shape;
use crate::npy::{Npy, NpyError};
use crate::run::Targets;

/// More classes are a slip of the pen: values saved as whole numbers.
const MOST_CLASSES: u32 = 100_000;

/// An array is not one of examples, or not one of labels.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OwnDataError {
    /// It is no array of numbers.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// It has no first axis.
    #[error("a single number: save an array with the examples along its first axis")]
    NoAxis,
    /// There are no examples, or more than can be counted.
    #[error("{0} examples; 1 to 4294967295 can be used")]
    Examples(usize),
    /// An example has no numbers, or too many.
    #[error("an example of {0} numbers; 1 to 4294967295 can be used")]
    Features(usize),
    /// A number that no network can take.
    #[error("the value {value} at index {index} of the first axis is no finite 32-bit float")]
    NotFinite {
        /// The value.
        value: f64,
        /// Of the example.
        index: usize,
    },
    /// Labels in several columns.
    #[error("labels of shape {0:?}, not (examples,)")]
    Columns(Vec<usize>),
    /// A class below 0, or far above the others.
    #[error(
        "the class {class} of example {index}: classes are whole numbers from 0 to \
         {most}; save values as floats, such as float32", most = MOST_CLASSES - 1
    )]
    Class {
        /// The label.
        class: f64,
        /// Of the example.
        index: usize,
    },
}

/// What an array of examples is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Examples {
    /// How many.
    pub count: u32,
    /// Channels, height and width of each. Arrays of three axes are images of one channel, and
    /// those of two or more than four are vectors.
    pub shape: Shape,
}

/// What an array of labels is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labels {
    /// How many.
    pub count: u32,
    /// Classes up to the largest label, or values.
    pub targets: Targets,
}

impl Examples {
    /// Looks at each number of a `.npy` file.
    pub fn of(bytes: &[u8]) -> Result<Self, OwnDataError> {
        let array = Npy::read(bytes)?;
        let (count, example) = axes(&array)?;
        let features = example
            .iter()
            .fold(1_usize, |size, len| size.saturating_mul(*len));
        let shape = match *example {
            [height, width] => [1, height, width],
            [channels, height, width] => [channels, height, width],
            _ => [features, 1, 1],
        };
        if features == 0 || u32::try_from(features).is_err() {
            return Err(OwnDataError::Features(features));
        }
        if !array.dtype().is_integer() {
            finite(&array, features)?;
        }
        Ok(Self { count, shape })
    }
}

impl Labels {
    /// Looks at each label of a `.npy` file.
    pub fn of(bytes: &[u8]) -> Result<Self, OwnDataError> {
        let array = Npy::read(bytes)?;
        let (count, columns) = axes(&array)?;
        if !matches!(columns, [] | [1]) {
            return Err(OwnDataError::Columns(array.shape().to_vec()));
        }
        if !array.dtype().is_integer() {
            finite(&array, 1)?;
            let targets = Targets::Values;
            return Ok(Self { count, targets });
        }
        let mut classes = 0;
        for (index, class) in array.values().enumerate() {
            if !(0.0..f64::from(MOST_CLASSES)).contains(&class) {
                return Err(OwnDataError::Class { class, index });
            }
            classes = classes.max(class as u32 + 1);
        }
        let targets = Targets::Classes(classes);
        Ok(Self { count, targets })
    }
}

/// Number of examples, and the axes of one.
fn axes<'a>(array: &'a Npy<'_>) -> Result<(u32, &'a [usize]), OwnDataError> {
    let (count, example) = array.shape().split_first().ok_or(OwnDataError::NoAxis)?;
    match u32::try_from(*count) {
        Ok(examples) if examples > 0 => Ok((examples, example)),
        _ => Err(OwnDataError::Examples(*count)),
    }
}

fn finite(array: &Npy<'_>, features: usize) -> Result<(), OwnDataError> {
    match array
        .values()
        .enumerate()
        .find(|(_, value)| !(*value as f32).is_finite())
    {
        None => Ok(()),
        Some((place, value)) => Err(OwnDataError::NotFinite {
            value,
            index: place / features,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npy::encode_f32;

    /// A `.npy` file of version 1.
    fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn the_first_axis_counts_the_examples() {
        for (shape, expected) in [
            ("(12,)", [1, 1, 1]),
            ("(12, 5)", [5, 1, 1]),
            ("(12, 2, 3)", [1, 2, 3]),
            ("(12, 3, 2, 1)", [3, 2, 1]),
            ("(12, 1, 2, 2, 2)", [8, 1, 1]),
        ] {
            let features: usize = expected.iter().product();
            let found = Examples::of(&npy("|u1", shape, &vec![7; 12 * features]));
            let expected = Examples {
                count: 12,
                shape: expected,
            };
            assert_eq!(found, Ok(expected), "{shape}");
        }
        assert!(matches!(
            Examples::of(&npy("|u1", "()", &[1])),
            Err(OwnDataError::NoAxis)
        ));
        assert!(matches!(
            Examples::of(&npy("|u1", "(0, 4)", &[])),
            Err(OwnDataError::Examples(0))
        ));
        assert!(matches!(
            Examples::of(&npy("|u1", "(4, 0)", &[])),
            Err(OwnDataError::Features(0))
        ));
        assert!(matches!(Examples::of(b"P5"), Err(OwnDataError::Npy(_))));
    }

    #[test]
    fn no_example_has_a_number_that_is_not_finite() {
        let numbers = [0.0, 1.0, 2.0, f32::NAN, 4.0, 5.0];
        let found = Examples::of(&encode_f32(&[3, 2], &numbers));
        assert!(matches!(
            found,
            Err(OwnDataError::NotFinite { index: 1, .. })
        ));
        let large = 1e300_f64.to_le_bytes();
        assert!(matches!(
            Labels::of(&npy("<f8", "(1,)", &large)),
            Err(OwnDataError::NotFinite { index: 0, .. })
        ));
    }

    #[test]
    fn whole_labels_are_classes_and_others_values() {
        let of = |descr, shape, data: &[u8]| Labels::of(&npy(descr, shape, data));
        let labels = |count, targets| Ok(Labels { count, targets });
        assert_eq!(
            of("|u1", "(3,)", &[0, 7, 2]),
            labels(3, Targets::Classes(8))
        );
        assert_eq!(
            of("<i4", "(1, 1)", &[1, 0, 0, 0]),
            labels(1, Targets::Classes(2))
        );
        assert_eq!(
            Labels::of(&encode_f32(&[2], &[0.5, 1.0])),
            labels(2, Targets::Values)
        );
        assert!(matches!(
            of("|i1", "(2,)", &[0, 255]),
            Err(OwnDataError::Class { index: 1, .. })
        ));
        assert!(matches!(
            of("|u1", "(1, 2)", &[0, 1]),
            Err(OwnDataError::Columns(_))
        ));
    }
}
