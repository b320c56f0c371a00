//! The settings in which points differ: columns of the tables, axes and labels of the figures.

use tailsweep_common::run::Point;

use crate::numbers::setting;
use crate::tables::Cell;

/// One setting of a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Dataset,
    Architecture,
    Width,
    Depth,
    BatchSize,
    LearningRate,
    Loss,
    TrainLimit,
    TestLimit,
    /// A `[train]` or `[measure]` key that is an axis of some block.
    Own(String),
}

/// The value of a setting that a point does not have.
const NONE: &str = "–";

impl Field {
    /// The columns that every table of points begins with.
    pub(crate) const LISTED: [Self; 7] = [
        Self::Dataset,
        Self::Architecture,
        Self::Width,
        Self::Depth,
        Self::BatchSize,
        Self::LearningRate,
        Self::Loss,
    ];

    /// The columns after the listed ones: the limits, always, then the sweep's own axes.
    pub(crate) fn further(own_axes: &[String]) -> Vec<Self> {
        let own = own_axes.iter().cloned().map(Self::Own);
        [Self::TrainLimit, Self::TestLimit]
            .into_iter()
            .chain(own)
            .collect()
    }

    /// The columns of a table of points: the listed fields, those of the table, the further fields.
    pub(crate) fn columns_with(own_axes: &[String], of_table: &[&str]) -> Vec<String> {
        let listed = Self::LISTED.iter().map(Self::column);
        let further = Self::further(own_axes);
        listed
            .chain(of_table.iter().copied())
            .chain(further.iter().map(Self::column))
            .map(str::to_owned)
            .collect()
    }

    /// The row of a point under those columns.
    pub(crate) fn row_with<'a>(
        own_axes: &[String],
        point: &'a Point,
        of_table: impl IntoIterator<Item = Cell<'a>>,
    ) -> Vec<Cell<'a>> {
        let listed = Self::LISTED.iter().map(|field| field.cell(point));
        let further = Self::further(own_axes);
        listed
            .chain(of_table)
            .chain(further.iter().map(|field| field.cell(point)))
            .collect()
    }

    /// All of them.
    pub(crate) fn all(own_axes: &[String]) -> Vec<Self> {
        Self::LISTED
            .into_iter()
            .chain(Self::further(own_axes))
            .collect()
    }

    /// Its column.
    pub(crate) fn column(&self) -> &str {
        match self {
            Self::Dataset => "dataset",
            Self::Architecture => "architecture",
            Self::Width => "width",
            Self::Depth => "depth",
            Self::BatchSize => "batch_size",
            Self::LearningRate => "learning_rate",
            Self::Loss => "loss",
            Self::TrainLimit => "train_limit",
            Self::TestLimit => "test_limit",
            Self::Own(key) => key,
        }
    }

    /// In words.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Dataset => "data set",
            Self::BatchSize => "batch size",
            Self::LearningRate => "learning rate",
            Self::TrainLimit => "training examples",
            Self::TestLimit => "test examples",
            Self::Own(key) => key.rsplit('.').next().unwrap_or(key),
            other => other.column(),
        }
    }

    /// Its value, exactly.
    pub(crate) fn cell<'a>(&self, point: &'a Point) -> Cell<'a> {
        let whole =
            |value: Option<u32>| value.map_or(Cell::Empty, |value| Cell::Whole(value.into()));
        match self {
            Self::Dataset => point
                .dataset()
                .map_or(Cell::Empty, |dataset| Cell::Text(dataset.name().into())),
            Self::Architecture => Cell::text(point.architecture()),
            Self::Width => whole(point.width()),
            Self::Depth => whole(point.depth()),
            Self::BatchSize => Cell::Whole(point.batch_size().into()),
            Self::LearningRate => Cell::Number(point.learning_rate()),
            Self::Loss => point
                .loss()
                .map_or(Cell::Empty, |loss| Cell::text(loss.as_str())),
            Self::TrainLimit => whole(point.dataset().and_then(|data| data.train_limit)),
            Self::TestLimit => whole(point.dataset().and_then(|data| data.test_limit)),
            Self::Own(key) => own(point, key),
        }
    }

    /// Its value as a coordinate, where it is a number above 0.
    pub(crate) fn coordinate(&self, point: &Point) -> Option<f64> {
        match self.cell(point) {
            Cell::Whole(value) if value > 0 => Some(value as f64),
            Cell::Number(value) if value > 0.0 => Some(value),
            _ => None,
        }
    }

    /// Its value for a reader: `32`, `0.1`, `mnist`, `–`.
    pub(crate) fn value(&self, point: &Point) -> String {
        match self.cell(point) {
            Cell::Empty if matches!(self, Self::TrainLimit | Self::TestLimit) => "all".to_owned(),
            Cell::Empty => NONE.to_owned(),
            Cell::Text(text) => text.into_owned(),
            Cell::Whole(value) => value.to_string(),
            Cell::Number(value) => setting(value),
        }
    }

    /// Name and value, as short as they are clear: `width 32`, `b 100`, `η 0.1`, `mnist`.
    pub(crate) fn label(&self, point: &Point) -> String {
        let value = self.value(point);
        match self {
            Self::Dataset | Self::Architecture | Self::Loss => value,
            Self::BatchSize => format!("b {value}"),
            Self::LearningRate => format!("η {value}"),
            Self::Own(key) if key == "levy_sde.alpha" => format!("α {value}"),
            Self::Own(key) if key == "levy_sde.epsilon" => format!("ε {value}"),
            Self::Width | Self::Depth | Self::TrainLimit | Self::TestLimit | Self::Own(_) => {
                format!("{} {value}", self.name())
            }
        }
    }

    /// The different values among `points`, in the order of their first appearance.
    pub(crate) fn values<'a>(&self, points: impl IntoIterator<Item = &'a Point>) -> Vec<String> {
        let mut values = Vec::new();
        for point in points {
            let value = self.value(point);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    }

    /// Whether each value of `self` comes with one value of `other` among `points`, as when two
    /// axes advance together.
    pub(crate) fn decides<'a>(
        &self,
        other: &Self,
        points: impl IntoIterator<Item = &'a Point>,
    ) -> bool {
        let mut seen: Vec<(String, String)> = Vec::new();
        points.into_iter().all(|point| {
            let (value, others) = (self.value(point), other.value(point));
            match seen.iter().find(|(known, _)| *known == value) {
                Some((_, known)) => *known == others,
                None => {
                    seen.push((value, others));
                    true
                }
            }
        })
    }
}

/// The fields that have at least two values among `points`, and are not told by the data set.
pub(crate) fn varying<'a>(
    own_axes: &[String],
    points: impl IntoIterator<Item = &'a Point> + Clone,
) -> Vec<Field> {
    let mut fields = Field::all(own_axes);
    fields.retain(|field| field.values(points.clone()).len() > 1);
    // Which examples are taken goes without saying where the data set says it.
    if fields.contains(&Field::Dataset) {
        fields.retain(|field| {
            let is_limit = matches!(field, Field::TrainLimit | Field::TestLimit);
            !is_limit || !Field::Dataset.decides(field, points.clone())
        });
    }
    fields
}

/// The values of `fields` in one line: `mnist · width 32 · η 0.1`; nothing of a field that the
/// point does not have.
pub(crate) fn label(fields: &[Field], point: &Point) -> String {
    fields
        .iter()
        .filter(|field| field.value(point) != NONE)
        .map(|field| field.label(point))
        .collect::<Vec<_>>()
        .join(" · ")
}

/// The value of a `[train]` or `[measure]` key: what one would write in the sweep file.
fn own<'a>(point: &Point, key: &str) -> Cell<'a> {
    let Some(text) = point.setting(key) else {
        return Cell::Empty;
    };
    if let Ok(whole) = text.parse() {
        Cell::Whole(whole)
    } else if let Ok(number) = text.parse() {
        Cell::Number(number)
    } else {
        Cell::Text(text.into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tailsweep_common::sweep;

    use super::*;

    fn varying_of(datasets: &str) -> Vec<Field> {
        let text = format!(
            "version = 1\nname = \"fields\"\n[train]\nsteps = 4\n[[block]]\ndataset = {datasets}\n\
             architecture = \"fcn\"\nwidth = 4\ndepth = 2\nbatch_size = 10\nlearning_rate = 0.1\n"
        );
        let sweep = sweep::parse(&text, "fields.toml", &BTreeMap::new()).expect("a valid file");
        varying(&[], sweep.points.iter().map(|point| &**point))
    }

    #[test]
    fn a_limit_is_told_unless_the_data_set_says_it() {
        assert_eq!(
            varying_of("[\"mnist-excerpt\", { name = \"mnist\", train_limit = 500 }]"),
            [Field::Dataset]
        );
        assert_eq!(
            varying_of("[{ name = \"mnist\", train_limit = 500 }, \"mnist\"]"),
            [Field::TrainLimit]
        );
    }
}
