//! One value of a table.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::numbers::exact;

/// A value, or none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Empty,
    Text(Cow<'a, str>),
    Whole(u64),
    Number(f64),
}

impl<'a> Cell<'a> {
    pub(crate) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// As it stands in a CSV file.
    pub(crate) fn to_csv(&self) -> Cow<'_, str> {
        match self {
            Self::Empty => Cow::Borrowed(""),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Whole(number) => Cow::Owned(number.to_string()),
            Self::Number(number) => Cow::Owned(exact(*number)),
        }
    }
}

impl From<Option<u64>> for Cell<'_> {
    fn from(number: Option<u64>) -> Self {
        number.map_or(Self::Empty, Self::Whole)
    }
}

impl From<Option<f64>> for Cell<'_> {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Empty, Self::Number)
    }
}

impl From<Option<&'static str>> for Cell<'_> {
    fn from(word: Option<&'static str>) -> Self {
        word.map_or(Self::Empty, Self::text)
    }
}

/// JSON has no infinity: it is the text `"inf"` there, and an empty cell is `null`.
impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Whole(number) => serializer.serialize_u64(*number),
            Self::Number(number) if number.is_finite() => serializer.serialize_f64(*number),
            Self::Number(number) if number.is_infinite() => {
                serializer.serialize_str(&exact(*number))
            }
            Self::Empty | Self::Number(_) => serializer.serialize_unit(),
        }
    }
}
