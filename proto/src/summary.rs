//! The noise summary on the wire: columns of whole numbers and of exact sums.

use std::ops::Range;
use std::sync::Arc;
use std::vec;

use tailsweep_stats::{
    Cell, ExactSum, GroupRow, Largest, Layer, LogHistogram, LogTotal, Moments, NoiseShape,
    NoiseSummary, PROJECTIONS, PairedSums, ProjectionRow, SlopeLevel, SlopeRow, SummaryParts,
    SurrogateSums, Treatment, Treatments, ValueSums,
};

use crate::convert::WireError;
use crate::{counts, wire};

/// More layers than any model has.
const MAX_LAYERS: usize = 4096;

/// Bytes of a layer's name.
const MAX_NAME: usize = 256;

/// Rows that a scope of the paired sums has at most.
const MAX_ROWS: usize = 64;

impl From<&NoiseSummary> for wire::NoiseSummary {
    fn from(summary: &NoiseSummary) -> Self {
        let SummaryParts {
            shape,
            rows,
            cells,
            moments,
            norms,
            projections,
            surrogate,
            paired,
            values,
            layers,
            block_sums,
        } = summary.to_parts();
        Self {
            shape: Some((&*shape).into()),
            rows: rows
                .iter()
                .flat_map(|range| [range.start, range.end])
                .collect(),
            cells: Some(cells.as_slice().into()),
            moments: Some(moments.as_slice().into()),
            norms: (!norms.is_empty()).then(|| (&norms).into()),
            block_sums: block_sums.as_ref().map(Into::into),
            surrogate: surrogate.as_deref().map(Into::into),
            paired: paired.as_ref().map(Into::into),
            values: values.as_ref().map(|values| value_sums(values, &layers)),
            projections: projections
                .iter()
                .flat_map(|row| row.bits())
                .flat_map(|bits| [bits >> 16, bits >> 8, *bits])
                .map(|byte| byte as u8)
                .collect(),
        }
    }
}

impl TryFrom<wire::NoiseSummary> for NoiseSummary {
    type Error = WireError;

    fn try_from(summary: wire::NoiseSummary) -> Result<Self, WireError> {
        const MESSAGE: &str = "NoiseSummary";
        let wire::NoiseSummary {
            shape,
            rows,
            cells,
            moments,
            surrogate,
            paired,
            values,
            projections,
            norms,
            block_sums,
        } = summary;
        let missing = |field| move || WireError::missing(MESSAGE, field);
        let shape: NoiseShape = shape.ok_or_else(missing("shape"))?.try_into()?;
        let values = values.map(TryInto::try_into).transpose()?;
        let (values, layers) = values.map_or((None, Vec::new()), |(values, layers)| {
            (Some(values), layers)
        });
        let parts = SummaryParts {
            rows: ranges(&rows)?,
            cells: cells.ok_or_else(missing("cells"))?.try_into()?,
            moments: moments.ok_or_else(missing("moments"))?.try_into()?,
            norms: norms.unwrap_or_default().try_into()?,
            projections: projection_rows(&projections)?,
            surrogate: surrogate.map(TryInto::try_into).transpose()?,
            paired: paired.map(|sums| paired_sums(sums, &shape)).transpose()?,
            values,
            layers,
            block_sums: block_sums.map(TryInto::try_into).transpose()?,
            shape: Arc::new(shape),
        };
        Self::from_parts(parts).map_err(|error| WireError::new(MESSAGE, error.field, error.problem))
    }
}

fn ranges(bounds: &[u64]) -> Result<Vec<Range<u64>>, WireError> {
    let pairs = bounds.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        let problem = "have a range without an end";
        return Err(WireError::new("NoiseSummary", "rows", problem));
    }
    Ok(pairs.map(|ends| ends[0]..ends[1]).collect())
}

fn projection_rows(bytes: &[u8]) -> Result<Vec<ProjectionRow>, WireError> {
    let error = |problem| WireError::new("NoiseSummary", "projections", problem);
    let rows = bytes.chunks_exact(3 * PROJECTIONS);
    if !rows.remainder().is_empty() {
        return Err(error("have a row that is not whole"));
    }
    let rows = rows.map(|bytes| {
        let of = |index: usize| {
            let bytes = &bytes[3 * index..];
            u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]])
        };
        ProjectionRow::from_bits(std::array::from_fn(of))
    });
    let rows: Option<Vec<ProjectionRow>> = rows.collect();
    rows.ok_or_else(|| error("are not finite"))
}

impl From<&NoiseShape> for wire::NoiseShape {
    fn from(shape: &NoiseShape) -> Self {
        Self {
            minibatches: shape.minibatches() as u64,
            last_is_short: shape.last_is_short(),
            params: shape.params() as u64,
            layers: shape.layers().iter().map(Into::into).collect(),
            treatments: shape
                .treatments()
                .iter()
                .map(|treatment| wire::Treatment::from(treatment).into())
                .collect(),
            own_block_length: shape.own_block_length().map(|length| length as u64),
        }
    }
}

impl TryFrom<wire::NoiseShape> for NoiseShape {
    type Error = WireError;

    fn try_from(shape: wire::NoiseShape) -> Result<Self, WireError> {
        const MESSAGE: &str = "NoiseShape";
        let wire::NoiseShape {
            minibatches,
            last_is_short,
            params,
            layers,
            treatments,
            own_block_length,
        } = shape;
        if layers.len() > MAX_LAYERS {
            let problem = format!("are {}, more than {MAX_LAYERS}", layers.len());
            return Err(WireError::new(MESSAGE, "layers", problem));
        }
        let layers: Vec<Layer> = layers
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<_, _>>()?;
        let treatments: Treatments = treatments
            .into_iter()
            .map(|number| {
                let known = wire::Treatment::try_from(number).ok().and_then(treatment);
                let problem = || format!("have an unknown one, {number}");
                known.ok_or_else(|| WireError::new(MESSAGE, "treatments", problem()))
            })
            .collect::<Result<_, _>>()?;
        let minibatches = whole(MESSAGE, "minibatches", minibatches)?;
        let params = whole(MESSAGE, "params", params)?;
        let own_block_length = own_block_length
            .map(|length| match length {
                0 => Err(WireError::new(MESSAGE, "own_block_length", "is 0")),
                _ => whole(MESSAGE, "own_block_length", length),
            })
            .transpose()?;
        let cut = |shape: Self| match own_block_length {
            Some(block_length) => shape.with_block_length(block_length),
            None => shape,
        };
        if layers.is_empty() {
            if last_is_short {
                let problem = "is not for a matrix without layers";
                return Err(WireError::new(MESSAGE, "last_is_short", problem));
            }
            return Self::without_layers(minibatches, params, treatments)
                .map(cut)
                .map_err(|error| WireError::new(MESSAGE, "params", error));
        }
        let shape = Self::new(minibatches, last_is_short, layers, treatments)
            .map_err(|error| WireError::new(MESSAGE, "layers", error))?;
        if shape.params() != params {
            let problem = format!("is {params} and the layers have {}", shape.params());
            return Err(WireError::new(MESSAGE, "params", problem));
        }
        Ok(cut(shape))
    }
}

impl From<&Layer> for wire::Layer {
    fn from(layer: &Layer) -> Self {
        let Layer {
            name,
            len,
            fan_in,
            bias,
        } = layer;
        Self {
            name: name.clone(),
            len: *len as u64,
            fan_in: *fan_in as u64,
            bias: *bias,
        }
    }
}

impl TryFrom<wire::Layer> for Layer {
    type Error = WireError;

    fn try_from(layer: wire::Layer) -> Result<Self, WireError> {
        const MESSAGE: &str = "Layer";
        let wire::Layer {
            name,
            len,
            fan_in,
            bias,
        } = layer;
        if name.len() > MAX_NAME {
            let problem = format!("has {} bytes, more than {MAX_NAME}", name.len());
            return Err(WireError::new(MESSAGE, "name", problem));
        }
        Ok(Self {
            name,
            len: whole(MESSAGE, "len", len)?,
            fan_in: whole(MESSAGE, "fan_in", fan_in)?,
            bias,
        })
    }
}

fn whole(message: &'static str, field: &'static str, number: u64) -> Result<usize, WireError> {
    usize::try_from(number).map_err(|error| WireError::new(message, field, error))
}

impl From<Treatment> for wire::Treatment {
    fn from(treatment: Treatment) -> Self {
        match treatment {
            Treatment::Published => Self::Published,
            Treatment::PublishedRows => Self::PublishedRows,
            Treatment::ZerosDropped => Self::ZerosDropped,
            Treatment::Permuted => Self::Permuted,
            Treatment::Standardised => Self::Standardised,
            Treatment::StandardisedPermuted => Self::StandardisedPermuted,
            Treatment::GaussianSurrogate => Self::GaussianSurrogate,
            Treatment::Paired => Self::Paired,
        }
    }
}

fn treatment(treatment: wire::Treatment) -> Option<Treatment> {
    Some(match treatment {
        wire::Treatment::Unspecified => return None,
        wire::Treatment::Published => Treatment::Published,
        wire::Treatment::PublishedRows => Treatment::PublishedRows,
        wire::Treatment::ZerosDropped => Treatment::ZerosDropped,
        wire::Treatment::Permuted => Treatment::Permuted,
        wire::Treatment::Standardised => Treatment::Standardised,
        wire::Treatment::StandardisedPermuted => Treatment::StandardisedPermuted,
        wire::Treatment::GaussianSurrogate => Treatment::GaussianSurrogate,
        wire::Treatment::Paired => Treatment::Paired,
    })
}

/// What a column of a message holds.
trait Entry: Sized {
    /// The column on the wire.
    type Column: Default;

    fn column<'a>(entries: impl Iterator<Item = &'a Self> + Clone) -> Self::Column
    where
        Self: 'a;

    /// The entries of a column that must have `at.len` of them.
    fn entries(column: Self::Column, at: Place) -> Result<vec::IntoIter<Self>, WireError>;
}

/// Where a column stands, for the errors.
#[derive(Clone, Copy)]
struct Place {
    message: &'static str,
    field: &'static str,
    /// How many entries it should have.
    len: usize,
}

impl Place {
    fn error(self, problem: impl ToString) -> WireError {
        WireError::new(self.message, self.field, problem)
    }

    fn has_length(self, len: usize) -> Result<(), WireError> {
        if len == self.len {
            return Ok(());
        }
        Err(self.error(format!("has {len} entries and should have {}", self.len)))
    }
}

/// Numbers stand in their column as they are.
macro_rules! plain_entry {
    ($($number:ty),+) => {$(
        impl Entry for $number {
            type Column = Vec<Self>;

            fn column<'a>(entries: impl Iterator<Item = &'a Self> + Clone) -> Vec<Self> {
                entries.copied().collect()
            }

            fn entries(column: Vec<Self>, at: Place) -> Result<vec::IntoIter<Self>, WireError> {
                at.has_length(column.len())?;
                Ok(column.into_iter())
            }
        }
    )+};
}

plain_entry!(u64, f64);

impl Entry for ExactSum {
    type Column = Option<wire::ExactSums>;

    fn column<'a>(sums: impl Iterator<Item = &'a Self> + Clone) -> Self::Column {
        let mut column = wire::ExactSums::default();
        for sum in sums {
            let (lowest, limbs) = sum.parts();
            column.lowest.push(lowest);
            column.lengths.push(limbs.len() as u32);
            // A limb is in [−2³¹, 2³¹).
            column.limbs.extend(limbs.iter().map(|limb| *limb as i32));
        }
        Some(column)
    }

    fn entries(column: Self::Column, at: Place) -> Result<vec::IntoIter<Self>, WireError> {
        // A message without entries is the same as none.
        let wire::ExactSums {
            lowest,
            lengths,
            limbs,
        } = column.unwrap_or_default();
        at.has_length(lowest.len())?;
        at.has_length(lengths.len())?;
        let mut rest = limbs.as_slice();
        let mut sums = Vec::with_capacity(at.len);
        for (lowest, length) in lowest.into_iter().zip(lengths) {
            let (own, others) = rest
                .split_at_checked(length as usize)
                .ok_or_else(|| at.error("has too few limbs"))?;
            rest = others;
            let limbs = own.iter().map(|limb| i64::from(*limb)).collect();
            let sum = ExactSum::from_parts(lowest, limbs)
                .ok_or_else(|| at.error("has limbs that are no exact sum"))?;
            sums.push(sum);
        }
        if !rest.is_empty() {
            return Err(at.error("has limbs of no sum"));
        }
        Ok(sums.into_iter())
    }
}

/// A message whose columns are the fields of a row; the first one says how many rows there are.
macro_rules! table {
    ($row:ident as $message:ident { $first:ident, $($field:ident),+ $(,)? }) => {
        impl From<&[$row]> for wire::$message {
            fn from(rows: &[$row]) -> Self {
                Self {
                    $first: Entry::column(rows.iter().map(|row| &row.$first)),
                    $($field: Entry::column(rows.iter().map(|row| &row.$field)),)+
                }
            }
        }

        impl TryFrom<wire::$message> for Vec<$row> {
            type Error = WireError;

            fn try_from(table: wire::$message) -> Result<Self, WireError> {
                let wire::$message { $first, $($field),+ } = table;
                let len = $first.len();
                let message = stringify!($message);
                $(let mut $field = Entry::entries($field, Place {
                    message,
                    field: stringify!($field),
                    len,
                })?;)+
                let row = |$first| Some($row { $first, $($field: $field.next()?),+ });
                Ok($first.into_iter().map_while(row).collect())
            }
        }
    };
}

table!(Cell as Cells { n_x, ln_x, n_y, ln_y });
table!(Moments as Moments {
    zeros,
    below_epsilon,
    non_finite,
    norm,
    norm_max,
    square,
    fourth,
    max,
});
table!(SurrogateSums as SurrogateSums { n_x, ln_x, n_y, ln_y });
table!(GroupRow as GroupRows {
    groups,
    samples,
    h,
    h_squared,
    cancelled_groups,
    cancelled_samples,
    t,
    t_squared,
});

/// Layers have the values of all columns, so that one of both is sent.
fn value_sums(values: &ValueSums, layers: &[LogHistogram]) -> wire::ValueSums {
    let ValueSums {
        histogram,
        ln,
        ln_squared,
        power,
        inverse_power,
        largest,
    } = values;
    let bits = largest.bits().iter().rev();
    let before = std::iter::once(&0).chain(bits.clone());
    wire::ValueSums {
        histogram: layers.is_empty().then(|| histogram.into()),
        layers: layers.iter().map(Into::into).collect(),
        sums: Entry::column([ln, ln_squared, power, inverse_power].into_iter()),
        largest_steps: bits
            .zip(before)
            .map(|(bits, before)| bits - before)
            .collect(),
    }
}

impl TryFrom<wire::ValueSums> for (ValueSums, Vec<LogHistogram>) {
    type Error = WireError;

    fn try_from(values: wire::ValueSums) -> Result<Self, WireError> {
        const MESSAGE: &str = "ValueSums";
        let wire::ValueSums {
            histogram,
            sums,
            largest_steps,
            layers,
        } = values;
        let error = |field, problem: &str| WireError::new(MESSAGE, field, problem);
        let mut largest: Vec<u64> = largest_steps
            .iter()
            .scan(0_u64, |bits, step| {
                *bits = bits.saturating_add(*step);
                Some(*bits)
            })
            .collect();
        largest.reverse();
        let largest = Largest::from_bits(largest)
            .ok_or_else(|| error("largest_steps", "are not those of largest values"))?;
        let at = Place {
            message: MESSAGE,
            field: "sums",
            len: 4,
        };
        let mut sums = ExactSum::entries(sums, at)?;
        let mut sum = || sums.next().unwrap_or_default();
        if layers.len() > MAX_LAYERS {
            return Err(error("layers", "are more than any model has"));
        }
        let layers: Vec<LogHistogram> = layers
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<_, _>>()?;
        // A message without entries is the same as none.
        let mut histogram: LogHistogram = histogram.unwrap_or_default().try_into()?;
        if !layers.is_empty() && !histogram.is_empty() {
            return Err(error("histogram", "is there beside those of the layers"));
        }
        let total: u64 = layers
            .iter()
            .fold(0, |sum, layer| sum.saturating_add(layer.count()));
        if total >= 1 << 53 {
            return Err(error("layers", "have more values than can be counted"));
        }
        layers.iter().for_each(|layer| histogram.merge(layer));
        let values = ValueSums {
            histogram,
            ln: sum(),
            ln_squared: sum(),
            power: sum(),
            inverse_power: sum(),
            largest,
        };
        Ok((values, layers))
    }
}

impl From<&LogHistogram> for wire::LogHistogram {
    fn from(histogram: &LogHistogram) -> Self {
        let bins = histogram.bins().map(|(bin, _)| bin);
        let before = std::iter::once(0).chain(bins.clone());
        Self {
            steps: bins.zip(before).map(|(bin, before)| bin - before).collect(),
            counts: counts::encode(histogram.bins().map(|(_, count)| count)).into(),
        }
    }
}

impl TryFrom<wire::LogHistogram> for LogHistogram {
    type Error = WireError;

    fn try_from(histogram: wire::LogHistogram) -> Result<Self, WireError> {
        let error = |field, problem| WireError::new("LogHistogram", field, problem);
        let wire::LogHistogram { steps, counts } = histogram;
        let counts = counts::decode(&counts, steps.len())
            .ok_or_else(|| error("counts", "are not the code of as many counts as bins"))?;
        let bins = steps.iter().scan(0_i32, |bin, step| {
            *bin = bin.saturating_add(*step);
            Some(*bin)
        });
        Self::from_parts(bins.collect(), counts)
            .ok_or_else(|| error("steps", "are not those of a histogram"))
    }
}

impl From<&PairedSums> for wire::PairedSums {
    fn from(sums: &PairedSums) -> Self {
        let levels = sums.levels();
        let slopes = || levels.iter().flat_map(|level| &level.rows);
        let (upper_samples, upper) = totals(slopes().map(|row| &row.upper));
        let (lower_samples, lower) = totals(slopes().map(|row| &row.lower));
        let (rest_samples, rest) = totals(levels.iter().map(|level| &level.rest));
        Self {
            pairs: sums.pairs(),
            groups: Some(sums.scopes().concat().as_slice().into()),
            slopes: Some(wire::SlopeRows {
                rows: levels.iter().map(|level| level.rows.len() as u32).collect(),
                upper_samples,
                upper,
                lower_samples,
                lower,
                rest_samples,
                rest,
            }),
        }
    }
}

/// The two columns of totals.
fn totals<'a>(
    totals: impl Iterator<Item = &'a LogTotal> + Clone,
) -> (Vec<u64>, Option<wire::ExactSums>) {
    (
        Entry::column(totals.clone().map(|total| &total.samples)),
        Entry::column(totals.map(|total| &total.sum)),
    )
}

fn paired_sums(sums: wire::PairedSums, shape: &NoiseShape) -> Result<PairedSums, WireError> {
    const MESSAGE: &str = "PairedSums";
    let wire::PairedSums {
        pairs,
        groups,
        slopes,
    } = sums;
    let missing = |field| move || WireError::missing(MESSAGE, field);
    let groups: Vec<GroupRow> = groups.ok_or_else(missing("groups"))?.try_into()?;
    let levels: Vec<SlopeLevel> = slopes.ok_or_else(missing("slopes"))?.try_into()?;

    // The shape is a peer's word: no table as large as it says is made before the rows are there.
    let scopes = shape.layers().len() + 1;
    let quadruples = (shape.minibatches() - usize::from(shape.last_is_short())) / 4;
    let rows = quadruples.min(MAX_ROWS);
    let at = Place {
        message: MESSAGE,
        field: "groups",
        len: scopes * rows,
    };
    at.has_length(groups.len())?;
    let mut groups = groups.into_iter();
    let scopes = (0..scopes)
        .map(|_| groups.by_ref().take(rows).collect())
        .collect();
    PairedSums::from_parts(shape, pairs, scopes, levels)
        .map_err(|misfit| WireError::new("NoiseSummary", "paired", misfit))
}

impl TryFrom<wire::SlopeRows> for Vec<SlopeLevel> {
    type Error = WireError;

    fn try_from(slopes: wire::SlopeRows) -> Result<Self, WireError> {
        const MESSAGE: &str = "SlopeRows";
        let wire::SlopeRows {
            rows,
            upper_samples,
            upper,
            lower_samples,
            lower,
            rest_samples,
            rest,
        } = slopes;
        let len = upper_samples.len();
        let told: u64 = rows.iter().map(|rows| u64::from(*rows)).sum();
        if told != len as u64 {
            let problem = format!("are {told} and the columns have {len}");
            return Err(WireError::new(MESSAGE, "rows", problem));
        }
        let totals = |[of_samples, of_sums]: [&'static str; 2], len, samples, sums| {
            let at = |field| Place {
                message: MESSAGE,
                field,
                len,
            };
            let samples = <u64 as Entry>::entries(samples, at(of_samples))?;
            let sums = ExactSum::entries(sums, at(of_sums))?;
            let total = |(samples, sum)| LogTotal { samples, sum };
            Ok::<_, WireError>(samples.zip(sums).map(total))
        };
        let upper = totals(["upper_samples", "upper"], len, upper_samples, upper)?;
        let lower = totals(["lower_samples", "lower"], len, lower_samples, lower)?;
        let rest = totals(["rest_samples", "rest"], rows.len(), rest_samples, rest)?;
        let mut slopes = upper
            .zip(lower)
            .map(|(upper, lower)| SlopeRow { upper, lower });
        let level = |(rows, rest): (u32, LogTotal)| SlopeLevel {
            rows: slopes.by_ref().take(rows as usize).collect(),
            rest,
        };
        Ok(rows.into_iter().zip(rest).map(level).collect())
    }
}
