//! The noise summary on the wire: columns of whole numbers and of exact sums.

use std::ops::Range;
use std::sync::Arc;

use tailsweep_stats::{
    Cell, ExactSum, GroupRow, Largest, Layer, LogHistogram, LogTotal, Moments, NoiseShape,
    NoiseSummary, PROJECTIONS, PairedSums, ProjectionRow, SlopeLevel, SlopeRow, SummaryParts,
    SurrogateSums, Treatment, Treatments, ValueSums,
};

use crate::convert::WireError;
use crate::wire;

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
            projections,
            surrogate,
            paired,
            values,
        } = summary.to_parts();
        Self {
            shape: Some((&*shape).into()),
            rows: rows
                .iter()
                .flat_map(|range| [range.start, range.end])
                .collect(),
            cells: Some(cells.as_slice().into()),
            moments: Some(moments.as_slice().into()),
            surrogate: surrogate.as_deref().map(Into::into),
            paired: paired.as_ref().map(Into::into),
            values: values.as_ref().map(Into::into),
            projections: projections.iter().flat_map(|row| *row.bits()).collect(),
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
        } = summary;
        let missing = |field| move || WireError::missing(MESSAGE, field);
        let shape: NoiseShape = shape.ok_or_else(missing("shape"))?.try_into()?;
        let parts = SummaryParts {
            rows: ranges(&rows)?,
            cells: cells.ok_or_else(missing("cells"))?.try_into()?,
            moments: moments.ok_or_else(missing("moments"))?.try_into()?,
            projections: projection_rows(&projections)?,
            surrogate: surrogate.map(TryInto::try_into).transpose()?,
            paired: paired.map(|sums| paired_sums(sums, &shape)).transpose()?,
            values: values.map(TryInto::try_into).transpose()?,
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

fn projection_rows(bits: &[u32]) -> Result<Vec<ProjectionRow>, WireError> {
    let error = |problem| WireError::new("NoiseSummary", "projections", problem);
    let (rows, []) = bits.as_chunks::<PROJECTIONS>() else {
        return Err(error("have a row that is not whole"));
    };
    let rows = rows.iter().map(|bits| ProjectionRow::from_bits(*bits));
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
        if layers.is_empty() {
            if last_is_short {
                let problem = "is not for a matrix without layers";
                return Err(WireError::new(MESSAGE, "last_is_short", problem));
            }
            return Self::without_layers(minibatches, params, treatments)
                .map_err(|error| WireError::new(MESSAGE, "params", error));
        }
        let shape = Self::new(minibatches, last_is_short, layers, treatments)
            .map_err(|error| WireError::new(MESSAGE, "layers", error))?;
        if shape.params() != params {
            let problem = format!("is {params} and the layers have {}", shape.params());
            return Err(WireError::new(MESSAGE, "params", problem));
        }
        Ok(shape)
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

impl<'a> FromIterator<&'a ExactSum> for wire::ExactSums {
    fn from_iter<I: IntoIterator<Item = &'a ExactSum>>(sums: I) -> Self {
        let mut column = Self::default();
        for sum in sums {
            let (lowest, limbs) = sum.parts();
            column.lowest.push(lowest);
            column.lengths.push(limbs.len() as u32);
            // A limb is in [−2³¹, 2³¹).
            column.limbs.extend(limbs.iter().map(|limb| *limb as i32));
        }
        column
    }
}

/// A column of a message, for the errors.
#[derive(Clone, Copy)]
struct Column {
    message: &'static str,
    field: &'static str,
    /// How many entries the other columns have.
    len: usize,
}

impl Column {
    fn error(self, problem: impl ToString) -> WireError {
        WireError::new(self.message, self.field, problem)
    }

    fn has_length(self, len: usize) -> Result<(), WireError> {
        if len == self.len {
            return Ok(());
        }
        Err(self.error(format!("has {len} entries and should have {}", self.len)))
    }

    fn counts(self, counts: Vec<u64>) -> Result<std::vec::IntoIter<u64>, WireError> {
        self.has_length(counts.len())?;
        Ok(counts.into_iter())
    }

    fn doubles(self, doubles: Vec<f64>) -> Result<std::vec::IntoIter<f64>, WireError> {
        self.has_length(doubles.len())?;
        Ok(doubles.into_iter())
    }

    fn sums(
        self,
        sums: Option<wire::ExactSums>,
    ) -> Result<std::vec::IntoIter<ExactSum>, WireError> {
        // A message without entries is the same as none.
        let wire::ExactSums {
            lowest,
            lengths,
            limbs,
        } = sums.unwrap_or_default();
        self.has_length(lowest.len())?;
        self.has_length(lengths.len())?;
        let mut rest = limbs.as_slice();
        let mut sums = Vec::with_capacity(self.len);
        for (lowest, length) in lowest.into_iter().zip(lengths) {
            let (own, others) = rest
                .split_at_checked(length as usize)
                .ok_or_else(|| self.error("has too few limbs"))?;
            rest = others;
            let limbs = own.iter().map(|limb| i64::from(*limb)).collect();
            let sum = ExactSum::from_parts(lowest, limbs)
                .ok_or_else(|| self.error("has limbs that are no exact sum"))?;
            sums.push(sum);
        }
        if !rest.is_empty() {
            return Err(self.error("has limbs of no sum"));
        }
        Ok(sums.into_iter())
    }
}

/// The columns of one message.
fn columns(message: &'static str, len: usize) -> impl Fn(&'static str) -> Column {
    move |field| Column {
        message,
        field,
        len,
    }
}

impl From<&[Cell]> for wire::Cells {
    fn from(cells: &[Cell]) -> Self {
        Self {
            n_x: cells.iter().map(|cell| cell.n_x).collect(),
            ln_x: Some(cells.iter().map(|cell| &cell.ln_x).collect()),
            n_y: cells.iter().map(|cell| cell.n_y).collect(),
            ln_y: Some(cells.iter().map(|cell| &cell.ln_y).collect()),
        }
    }
}

impl TryFrom<wire::Cells> for Vec<Cell> {
    type Error = WireError;

    fn try_from(cells: wire::Cells) -> Result<Self, WireError> {
        let wire::Cells {
            n_x,
            ln_x,
            n_y,
            ln_y,
        } = cells;
        let column = columns("Cells", n_x.len());
        let x = n_x.into_iter().zip(column("ln_x").sums(ln_x)?);
        let y = column("n_y").counts(n_y)?;
        let y = y.zip(column("ln_y").sums(ln_y)?);
        Ok(x.zip(y)
            .map(|((n_x, ln_x), (n_y, ln_y))| Cell {
                n_x,
                ln_x,
                n_y,
                ln_y,
            })
            .collect())
    }
}

impl From<&[Moments]> for wire::Moments {
    fn from(moments: &[Moments]) -> Self {
        Self {
            zeros: moments.iter().map(|sums| sums.zeros).collect(),
            below_epsilon: moments.iter().map(|sums| sums.below_epsilon).collect(),
            non_finite: moments.iter().map(|sums| sums.non_finite).collect(),
            norm: Some(moments.iter().map(|sums| &sums.norm).collect()),
            norm_max: moments.iter().map(|sums| sums.norm_max).collect(),
            square: Some(moments.iter().map(|sums| &sums.square).collect()),
            fourth: Some(moments.iter().map(|sums| &sums.fourth).collect()),
            max: moments.iter().map(|sums| sums.max).collect(),
        }
    }
}

impl TryFrom<wire::Moments> for Vec<Moments> {
    type Error = WireError;

    fn try_from(moments: wire::Moments) -> Result<Self, WireError> {
        let wire::Moments {
            zeros,
            below_epsilon,
            non_finite,
            norm,
            norm_max,
            square,
            fourth,
            max,
        } = moments;
        let column = columns("Moments", zeros.len());
        let mut below_epsilon = column("below_epsilon").counts(below_epsilon)?;
        let mut non_finite = column("non_finite").counts(non_finite)?;
        let mut norm = column("norm").sums(norm)?;
        let mut norm_max = column("norm_max").doubles(norm_max)?;
        let mut square = column("square").sums(square)?;
        let mut fourth = column("fourth").sums(fourth)?;
        let mut max = column("max").doubles(max)?;
        let mut sums = Vec::with_capacity(zeros.len());
        for zeros in zeros {
            sums.push(Moments {
                zeros,
                below_epsilon: below_epsilon.next().unwrap_or_default(),
                non_finite: non_finite.next().unwrap_or_default(),
                norm: norm.next().unwrap_or_default(),
                norm_max: norm_max.next().unwrap_or_default(),
                square: square.next().unwrap_or_default(),
                fourth: fourth.next().unwrap_or_default(),
                max: max.next().unwrap_or_default(),
            });
        }
        Ok(sums)
    }
}

impl From<&ValueSums> for wire::ValueSums {
    fn from(values: &ValueSums) -> Self {
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
        let sums = [ln, ln_squared, power, inverse_power];
        Self {
            histogram: Some(histogram.into()),
            sums: Some(sums.into_iter().collect()),
            largest_steps: bits
                .zip(before)
                .map(|(bits, before)| bits - before)
                .collect(),
        }
    }
}

impl TryFrom<wire::ValueSums> for ValueSums {
    type Error = WireError;

    fn try_from(values: wire::ValueSums) -> Result<Self, WireError> {
        const MESSAGE: &str = "ValueSums";
        let wire::ValueSums {
            histogram,
            sums,
            largest_steps,
        } = values;
        let mut largest: Vec<u64> = largest_steps
            .iter()
            .scan(0_u64, |bits, step| {
                *bits = bits.saturating_add(*step);
                Some(*bits)
            })
            .collect();
        largest.reverse();
        let largest = Largest::from_bits(largest).ok_or_else(|| {
            WireError::new(MESSAGE, "largest_steps", "are not those of largest values")
        })?;
        let mut sums = columns(MESSAGE, 4)("sums").sums(sums)?;
        Ok(Self {
            // A message without entries is the same as none.
            histogram: histogram.unwrap_or_default().try_into()?,
            ln: sums.next().unwrap_or_default(),
            ln_squared: sums.next().unwrap_or_default(),
            power: sums.next().unwrap_or_default(),
            inverse_power: sums.next().unwrap_or_default(),
            largest,
        })
    }
}

impl From<&LogHistogram> for wire::LogHistogram {
    fn from(histogram: &LogHistogram) -> Self {
        let bins = histogram.bins().map(|(bin, _)| bin);
        let before = std::iter::once(0).chain(bins.clone());
        Self {
            steps: bins.zip(before).map(|(bin, before)| bin - before).collect(),
            counts: histogram.bins().map(|(_, count)| count).collect(),
        }
    }
}

impl TryFrom<wire::LogHistogram> for LogHistogram {
    type Error = WireError;

    fn try_from(histogram: wire::LogHistogram) -> Result<Self, WireError> {
        const MESSAGE: &str = "LogHistogram";
        let wire::LogHistogram { steps, counts } = histogram;
        columns(MESSAGE, steps.len())("counts").has_length(counts.len())?;
        let bins = steps.iter().scan(0_i32, |bin, step| {
            *bin = bin.saturating_add(*step);
            Some(*bin)
        });
        Self::from_parts(bins.collect(), counts)
            .ok_or_else(|| WireError::new(MESSAGE, "steps", "are not those of a histogram"))
    }
}

impl From<&[SurrogateSums]> for wire::SurrogateSums {
    fn from(scopes: &[SurrogateSums]) -> Self {
        Self {
            n_x: scopes.iter().map(|sums| sums.n_x).collect(),
            ln_x: scopes.iter().map(|sums| sums.ln_x).collect(),
            n_y: scopes.iter().map(|sums| sums.n_y).collect(),
            ln_y: scopes.iter().map(|sums| sums.ln_y).collect(),
        }
    }
}

impl TryFrom<wire::SurrogateSums> for Vec<SurrogateSums> {
    type Error = WireError;

    fn try_from(sums: wire::SurrogateSums) -> Result<Self, WireError> {
        let wire::SurrogateSums {
            n_x,
            ln_x,
            n_y,
            ln_y,
        } = sums;
        let column = columns("SurrogateSums", n_x.len());
        let x = n_x.into_iter().zip(column("ln_x").doubles(ln_x)?);
        let y = column("n_y").counts(n_y)?;
        let y = y.zip(column("ln_y").doubles(ln_y)?);
        Ok(x.zip(y)
            .map(|((n_x, ln_x), (n_y, ln_y))| SurrogateSums {
                n_x,
                ln_x,
                n_y,
                ln_y,
            })
            .collect())
    }
}

impl From<&PairedSums> for wire::PairedSums {
    fn from(sums: &PairedSums) -> Self {
        let groups: Vec<&GroupRow> = sums.scopes().iter().flatten().collect();
        let levels = sums.levels();
        let slopes: Vec<&SlopeRow> = levels.iter().flat_map(|level| &level.rows).collect();
        Self {
            pairs: sums.pairs(),
            groups: Some(wire::GroupRows {
                groups: groups.iter().map(|row| row.groups).collect(),
                samples: groups.iter().map(|row| row.samples).collect(),
                h: Some(groups.iter().map(|row| &row.h).collect()),
                h_squared: Some(groups.iter().map(|row| &row.h_squared).collect()),
                cancelled_groups: groups.iter().map(|row| row.cancelled_groups).collect(),
                cancelled_samples: groups.iter().map(|row| row.cancelled_samples).collect(),
                t: Some(groups.iter().map(|row| &row.t).collect()),
                t_squared: Some(groups.iter().map(|row| &row.t_squared).collect()),
            }),
            slopes: Some(wire::SlopeRows {
                rows: levels.iter().map(|level| level.rows.len() as u32).collect(),
                upper_samples: slopes.iter().map(|row| row.upper.samples).collect(),
                upper: Some(slopes.iter().map(|row| &row.upper.sum).collect()),
                lower_samples: slopes.iter().map(|row| row.lower.samples).collect(),
                lower: Some(slopes.iter().map(|row| &row.lower.sum).collect()),
                rest_samples: levels.iter().map(|level| level.rest.samples).collect(),
                rest: Some(levels.iter().map(|level| &level.rest.sum).collect()),
            }),
        }
    }
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
    columns(MESSAGE, scopes * rows)("groups").has_length(groups.len())?;
    let mut groups = groups.into_iter();
    let scopes = (0..scopes)
        .map(|_| groups.by_ref().take(rows).collect())
        .collect();
    PairedSums::from_parts(shape, pairs, scopes, levels)
        .map_err(|misfit| WireError::new("NoiseSummary", "paired", misfit))
}

impl TryFrom<wire::GroupRows> for Vec<GroupRow> {
    type Error = WireError;

    fn try_from(rows: wire::GroupRows) -> Result<Self, WireError> {
        let wire::GroupRows {
            groups,
            samples,
            h,
            h_squared,
            cancelled_groups,
            cancelled_samples,
            t,
            t_squared,
        } = rows;
        let column = columns("GroupRows", groups.len());
        let mut samples = column("samples").counts(samples)?;
        let mut h = column("h").sums(h)?;
        let mut h_squared = column("h_squared").sums(h_squared)?;
        let mut cancelled_groups = column("cancelled_groups").counts(cancelled_groups)?;
        let mut cancelled_samples = column("cancelled_samples").counts(cancelled_samples)?;
        let mut t = column("t").sums(t)?;
        let mut t_squared = column("t_squared").sums(t_squared)?;
        let mut rows = Vec::with_capacity(groups.len());
        for groups in groups {
            rows.push(GroupRow {
                groups,
                samples: samples.next().unwrap_or_default(),
                h: h.next().unwrap_or_default(),
                h_squared: h_squared.next().unwrap_or_default(),
                cancelled_groups: cancelled_groups.next().unwrap_or_default(),
                cancelled_samples: cancelled_samples.next().unwrap_or_default(),
                t: t.next().unwrap_or_default(),
                t_squared: t_squared.next().unwrap_or_default(),
            });
        }
        Ok(rows)
    }
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
        let column = columns(MESSAGE, len);
        let total = |(samples, sum)| LogTotal { samples, sum };
        let upper = upper_samples.into_iter().zip(column("upper").sums(upper)?);
        let lower_sums = column("lower").sums(lower)?;
        let lower = column("lower_samples")
            .counts(lower_samples)?
            .zip(lower_sums);
        let mut slopes = upper.zip(lower).map(|(upper, lower)| SlopeRow {
            upper: total(upper),
            lower: total(lower),
        });
        let of_levels = columns(MESSAGE, rows.len());
        let rest_sums = of_levels("rest").sums(rest)?;
        let rest = of_levels("rest_samples")
            .counts(rest_samples)?
            .zip(rest_sums);
        Ok(rows
            .into_iter()
            .zip(rest)
            .map(|(rows, rest)| SlopeLevel {
                rows: slopes.by_ref().take(rows as usize).collect(),
                rest: total(rest),
            })
            .collect())
    }
}
