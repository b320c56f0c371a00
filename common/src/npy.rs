//! Arrays in NumPy's `.npy` format: bytes in, numbers out, and back.
//!
//! Versions 1, 2 and 3 of the format are read, in either memory order and either byte order.
//! Whole numbers and floats of every width become `f64`, which holds all of them exactly but
//! integers beyond 2⁵³. Booleans, complex numbers, texts, dates, objects and records are refused
//! by name.
//!
//! Source: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>
//!
//! *Absent*: files, archives of several arrays (`.npz`), and any meaning of the numbers.

mod dtype;
mod header;

use self::dtype::Decode;
pub use self::dtype::Dtype;
use self::header::Header;

/// What every such file begins with.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// An array of numbers: a view of the bytes of a `.npy` file.
#[derive(Clone, Debug)]
pub struct Npy<'a> {
    shape: Vec<usize>,
    /// How many numbers lie between neighbours along each axis.
    strides: Vec<usize>,
    dtype: Dtype,
    decode: Decode,
    /// As many bytes as the shape asks for.
    data: &'a [u8],
}

/// The bytes are no array of real numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NpyError {
    /// It begins otherwise.
    #[error("not a .npy file: it does not begin with `\\x93NUMPY`")]
    NotNpy,
    /// A later format.
    #[error("version {0} of the .npy format is unknown; 1, 2 and 3 can be read")]
    Version(u8),
    /// The header tells no shape, order and type.
    #[error("the header of the .npy file is damaged: {0}")]
    Header(&'static str),
    /// Values that are no real numbers.
    #[error("the values are {what} (`{descr}`): save integers or floats, such as float32")]
    Dtype {
        /// What they are.
        what: &'static str,
        /// The type as the file has it.
        descr: String,
    },
    /// Fewer bytes than the shape asks for.
    #[error("truncated: an array of shape {shape} has {expected} bytes, of which {found} are here")]
    Truncated {
        /// As Python writes it.
        shape: String,
        /// Bytes of values that it has.
        expected: usize,
        /// Bytes behind the header.
        found: usize,
    },
    /// More bytes than the shape asks for.
    #[error(
        "an array of shape {shape} has {expected} bytes, but {found} follow the header: save one \
         array to a file"
    )]
    Excess {
        /// As Python writes it.
        shape: String,
        /// Bytes of values that it has.
        expected: usize,
        /// Bytes behind the header.
        found: usize,
    },
    /// No machine could hold it.
    #[error("an array of shape {shape} is too large")]
    TooLarge {
        /// As Python writes it.
        shape: String,
    },
}

impl<'a> Npy<'a> {
    /// Reads the header and holds it against the length of what follows.
    pub fn read(bytes: &'a [u8]) -> Result<Self, NpyError> {
        let (header, data) = Header::read(bytes)?;
        let Header {
            descr,
            fortran_order,
            shape,
        } = header;
        let (dtype, decode) = dtype::parse(descr)?;
        let size = shape
            .iter()
            .try_fold(dtype.size(), |size, len| size.checked_mul(*len));
        let expected = size.ok_or_else(|| NpyError::TooLarge {
            shape: python(&shape),
        })?;
        let found = data.len();
        if found != expected {
            let shape = python(&shape);
            return Err(match found < expected {
                true => NpyError::Truncated {
                    shape,
                    expected,
                    found,
                },
                false => NpyError::Excess {
                    shape,
                    expected,
                    found,
                },
            });
        }
        Ok(Self {
            strides: strides(&shape, fortran_order),
            shape,
            dtype,
            decode,
            data,
        })
    }

    /// The lengths of the axes; none for a single number.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of the numbers in the file.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.data.len() / self.dtype.size()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// All values in the order of C, last index fastest, whatever the order in the file.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        let in_order = self.is_in_order(0);
        let plain = in_order.then(|| self.data.chunks_exact(self.dtype.size()).map(self.decode));
        let rows = match in_order || self.is_empty() {
            true => 0..0,
            false => 0..self.rows(),
        };
        let by_rows = rows.flat_map(|row| self.row(row));
        plain.into_iter().flatten().chain(by_rows)
    }

    /// The values of index `row` of the first axis, in the order of C.
    ///
    /// # Panics
    ///
    /// If the first axis is not as long as that.
    pub fn row(&self, row: usize) -> impl Iterator<Item = f64> + '_ {
        assert!(row < self.rows(), "row {row} of {}", self.rows());
        let len = self.len() / self.rows();
        let (size, decode) = (self.dtype.size(), self.decode);
        let in_order = self.is_in_order(1);
        let plain = in_order.then(|| {
            let bytes = &self.data[row * len * size..(row + 1) * len * size];
            bytes.chunks_exact(size).map(decode)
        });
        let walk = (!in_order).then(|| self.walk(row, len));
        plain
            .into_iter()
            .flatten()
            .chain(walk.into_iter().flatten())
    }

    /// The same wherever neighbours lie.
    fn walk(&self, row: usize, len: usize) -> impl Iterator<Item = f64> + '_ {
        let (axes, strides) = (&self.shape[1..], &self.strides[1..]);
        let (size, decode) = (self.dtype.size(), self.decode);
        let mut offset = row * self.strides[0];
        let mut index = vec![0; axes.len()];
        (0..len).map(move |_| {
            let value = decode(&self.data[offset * size..(offset + 1) * size]);
            // The next place: like an odometer, the last axis turns fastest.
            for axis in (0..axes.len()).rev() {
                index[axis] += 1;
                offset += strides[axis];
                if index[axis] < axes[axis] {
                    break;
                }
                index[axis] = 0;
                offset -= axes[axis] * strides[axis];
            }
            value
        })
    }

    /// Whether values that follow one another in the order of C, over the axes from this one on,
    /// do so in the file.
    fn is_in_order(&self, axis: usize) -> bool {
        let c_order = strides(&self.shape, false);
        c_order.get(axis..) == self.strides.get(axis..)
    }

    /// Length of the first axis; 1 for a single number.
    fn rows(&self) -> usize {
        *self.shape.first().unwrap_or(&1)
    }
}

/// The bytes of a `.npy` file (version 1, C order) of numbers of 32 bits.
///
/// # Panics
///
/// If the shape has another number of values, or more than 1,000 axes.
pub fn encode_f32(shape: &[usize], values: &[f32]) -> Vec<u8> {
    assert_eq!(
        shape.iter().product::<usize>(),
        values.len(),
        "values of the shape"
    );
    let mut bytes = header::written("<f4", shape);
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// A shape as Python writes it: `()`, `(3,)`, `(3, 4)`.
fn python(shape: &[usize]) -> String {
    let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
    match lengths.as_slice() {
        [one] => format!("({one},)"),
        lengths => format!("({})", lengths.join(", ")),
    }
}

/// The product of the later axes, of the earlier ones in the order of Fortran.
fn strides(shape: &[usize], fortran_order: bool) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    let mut stride = 1_usize;
    for step in 0..shape.len() {
        let axis = match fortran_order {
            true => step,
            false => shape.len() - 1 - step,
        };
        strides[axis] = stride;
        // Past a length of 0 there are no values, and the other lengths may be anything.
        stride = stride.saturating_mul(shape[axis]);
    }
    strides
}
