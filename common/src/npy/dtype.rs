//! The types of numbers that a file may hold, and how one is read.

use std::fmt;

use super::NpyError;

/// The type of the numbers in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Dtype {
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F16,
    F32,
    F64,
}

impl Dtype {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// As NumPy calls it: `float32`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::U8 => "uint8",
            Self::U16 => "uint16",
            Self::U32 => "uint32",
            Self::U64 => "uint64",
            Self::I8 => "int8",
            Self::I16 => "int16",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::F16 => "float16",
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }

    /// Whether the numbers are whole.
    pub fn is_integer(self) -> bool {
        !matches!(self, Self::F16 | Self::F32 | Self::F64)
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A number from its bytes.
pub(super) type Decode = fn(&[u8]) -> f64;

/// A type such as `<f4`, and how a number of it is read from its bytes.
pub(super) fn parse(descr: &str) -> Result<(Dtype, Decode), NpyError> {
    macro_rules! number {
        ($dtype:ident, $big:expr, $type:ty) => {
            (
                Dtype::$dtype,
                match $big {
                    true => |bytes| <$type>::from_be_bytes(array(bytes)) as f64,
                    false => |bytes| <$type>::from_le_bytes(array(bytes)) as f64,
                },
            )
        };
    }
    let (order, name) = match descr.split_at_checked(1) {
        Some((order @ ("<" | ">" | "|" | "="), name)) => (order, name),
        _ => ("|", descr),
    };
    let big = order == ">" || (order != "<" && cfg!(target_endian = "big"));
    Ok(match name {
        "u1" => number!(U8, big, u8),
        "u2" => number!(U16, big, u16),
        "u4" => number!(U32, big, u32),
        "u8" => number!(U64, big, u64),
        "i1" => number!(I8, big, i8),
        "i2" => number!(I16, big, i16),
        "i4" => number!(I32, big, i32),
        "i8" => number!(I64, big, i64),
        "f2" => (
            Dtype::F16,
            match big {
                true => |bytes| half(u16::from_be_bytes(array(bytes))),
                false => |bytes| half(u16::from_le_bytes(array(bytes))),
            },
        ),
        "f4" => number!(F32, big, f32),
        "f8" => number!(F64, big, f64),
        _ => {
            let what = match name.as_bytes().first() {
                Some(b'b') => "booleans",
                Some(b'c') => "complex numbers",
                Some(b'f') => "floats of an unusual width",
                Some(b'O') => "Python objects",
                Some(b'S' | b'U' | b'a') => "texts",
                Some(b'M' | b'm') => "dates or times",
                Some(b'V' | b'[') => "records",
                _ => "of an unknown type",
            };
            let descr = descr.to_owned();
            return Err(NpyError::Dtype { what, descr });
        }
    })
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("as many bytes as the type has")
}

/// A number of 16 bits: 1 of sign, 5 of exponent (bias 15), 10 of mantissa.
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + mantissa) * 2_f64.powi(exponent - 25),
    };
    match bits >> 15 {
        0 => magnitude,
        _ => -magnitude,
    }
}
