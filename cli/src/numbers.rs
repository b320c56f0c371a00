//! Numbers that a user already has, from files or stdin: which format, which shape.
//!
//! The format is told by the first bytes, never by the name.

mod parquet;
mod text;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use tailsweep_common::npy::{MAGIC as NPY, Npy};

/// Larger numbers have squares or fourth powers beyond the range of f64.
const LARGEST: f64 = 1e75;

/// Appends the numbers of a row.
type ReadRow<'a> = dyn Fn(usize, &mut Vec<f64>) + Sync + 'a;

/// A vector of noise, or a matrix of minibatches × parameters.
pub(crate) struct Numbers<'a> {
    /// P; 1 for a vector.
    pub(crate) rows: usize,
    /// M.
    pub(crate) columns: usize,
    /// Whether there is one axis alone.
    pub(crate) is_vector: bool,
    /// Whether all numbers are equal.
    pub(crate) is_constant: bool,
    /// What they were: `float32`, `text`, `Parquet`.
    pub(crate) kind: String,
    /// How they were read, where that could be meant otherwise.
    pub(crate) notes: Vec<String>,
    read: Box<ReadRow<'a>>,
}

/// Numbers in rows of equal length.
#[derive(Debug, PartialEq)]
struct Table {
    columns: usize,
    /// Row by row.
    values: Vec<f64>,
    /// How they were read, where that could be meant otherwise.
    notes: Vec<String>,
}

/// The bytes of a file; `-` is stdin.
pub(crate) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().lock().read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

impl<'a> Numbers<'a> {
    /// Numbers in any of the formats, all of them finite.
    pub(crate) fn of(bytes: &'a [u8]) -> Result<Self, String> {
        let numbers = match bytes {
            [] => return Err("empty: there is not a single byte".to_owned()),
            _ if bytes.starts_with(NPY) => Self::of_npy(bytes)?,
            _ if bytes.starts_with(parquet::MAGIC) => {
                Self::of_table(parquet::parse(bytes)?, "Parquet")?
            }
            _ if bytes.starts_with(b"PK\x03\x04") => {
                return Err(
                    "an archive, as of numpy.savez or torch.save: save one array with \
                            `numpy.save(FILE, array)`, a tensor with `numpy.save(FILE, \
                            tensor.numpy())`"
                        .to_owned(),
                );
            }
            _ if bytes.starts_with(b"\x1f\x8b") => {
                return Err("packed by gzip: unpack it first, as in `gunzip FILE`".to_owned());
            }
            _ if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") => {
                return Err("text in UTF-16: save it as UTF-8".to_owned());
            }
            _ => match std::str::from_utf8(bytes) {
                Ok(text) => Self::of_table(text::parse(text)?, "text")?,
                Err(_) => {
                    return Err(
                        "neither .npy nor Parquet nor text: save it with `numpy.save(FILE, array)`, \
                         or as CSV"
                            .to_owned(),
                    );
                }
            },
        };
        numbers.checked()
    }

    fn of_npy(bytes: &'a [u8]) -> Result<Self, String> {
        let array = Npy::read(bytes).map_err(|problem| problem.to_string())?;
        let (rows, columns, is_vector) = match *array.shape() {
            [len] => (1, len, true),
            [rows, columns] => (rows, columns, false),
            _ => {
                let axes: Vec<String> = array.shape().iter().map(usize::to_string).collect();
                return Err(format!(
                    "an array of shape ({}): pass a vector of noise, or a matrix of minibatches × \
                     parameters, such as `array.reshape(len(array), -1)`",
                    axes.join(", ")
                ));
            }
        };
        Ok(Self {
            rows,
            columns,
            is_vector,
            is_constant: false,
            kind: array.dtype().to_string(),
            notes: Vec::new(),
            read: Box::new(move |row, values| match is_vector {
                true => values.extend(array.values()),
                false => values.extend(array.row(row)),
            }),
        })
    }

    fn of_table(table: Table, kind: &str) -> Result<Self, String> {
        let Table {
            columns,
            values,
            notes,
        } = table;
        let rows = values.len().checked_div(columns).unwrap_or(0);
        if rows == 0 {
            return Err(format!(
                "no numbers: a table of {columns} columns and no row"
            ));
        }
        let is_vector = columns == 1 || rows == 1;
        let (rows, columns) = match is_vector {
            true => (1, values.len()),
            false => (rows, columns),
        };
        Ok(Self {
            rows,
            columns,
            is_vector,
            is_constant: false,
            kind: kind.to_owned(),
            notes,
            read: Box::new(move |row, taken| {
                taken.extend_from_slice(&values[row * columns..(row + 1) * columns]);
            }),
        })
    }

    /// Replaces what is in `values` by the numbers of a row.
    pub(crate) fn row(&self, row: usize, values: &mut Vec<f64>) {
        values.clear();
        (self.read)(row, values);
    }

    /// The same if there is anything, and all of it finite.
    fn checked(mut self) -> Result<Self, String> {
        if self.rows == 0 || self.columns == 0 {
            return Err(match self.is_vector {
                true => "no numbers: an empty vector".to_owned(),
                false => format!("no numbers: a matrix of {} × {}", self.rows, self.columns),
            });
        }
        let mut values = Vec::with_capacity(self.columns);
        let (mut least, mut largest) = (f64::INFINITY, f64::NEG_INFINITY);
        for row in 0..self.rows {
            self.row(row, &mut values);
            for value in &values {
                least = least.min(*value);
                largest = largest.max(*value);
            }
            let is_wrong = |value: &f64| !value.is_finite() || value.abs() > LARGEST;
            let Some(column) = values.iter().position(is_wrong) else {
                continue;
            };
            let place = match self.is_vector {
                true => format!("value {}", column + 1),
                false => format!("row {}, column {}", row + 1, column + 1),
            };
            return Err(match values[column] {
                value if value.is_finite() => format!(
                    "{place} is {value:e}: divide all by a constant, so that none is above \
                     {LARGEST:e}; tail indices stay the same"
                ),
                value => format!("{place} is {value}: estimates need finite numbers"),
            });
        }
        self.is_constant = least == largest;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(bytes: &[u8]) -> String {
        Numbers::of(bytes).err().expect("it is refused")
    }

    #[test]
    fn what_is_no_array_is_told_what_to_do() {
        assert!(problem(b"").contains("empty"));
        assert!(problem(b"PK\x03\x04rest").contains("numpy.save"));
        assert!(problem(b"\xff\x00").contains("neither"));
        assert!(problem(b"\xff\xfe1\x00").contains("UTF-8"));
        assert!(problem(b"\x1f\x8b\x08").contains("gunzip"));
    }

    #[test]
    fn the_place_of_a_number_that_is_not_finite_is_told() {
        assert!(problem(b"1,2\n3,nan\n").contains("row 2, column 2 is NaN"));
        assert!(problem(b"1\n-inf\n").contains("value 2 is -inf"));
        assert!(problem(b"1\n1e80\n").contains("divide"));
    }

    #[test]
    fn one_line_and_one_column_are_vectors() {
        for text in ["1\n2\n3\n", "1,2,3\n", "x\n1\n2\n3"] {
            let numbers =
                Numbers::of(text.as_bytes()).unwrap_or_else(|problem| panic!("{problem}"));
            assert_eq!(
                (numbers.rows, numbers.columns, numbers.is_vector),
                (1, 3, true)
            );
            let mut row = Vec::new();
            numbers.row(0, &mut row);
            assert_eq!(row, [1.0, 2.0, 3.0]);
        }
    }
}
