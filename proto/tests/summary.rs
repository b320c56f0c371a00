//! The noise summary keeps every bit over the wire, and no message makes the conversion panic.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::Write;
use std::sync::Arc;

use prost::Message;
use tailsweep_proto::{WireError, wire};
use tailsweep_stats::{
    Layer, NoiseAccumulator, NoiseShape, NoiseSummary, Treatment, Treatments, summarise,
};

fn numbers() -> impl FnMut() -> f32 {
    let mut state = 7_u64;
    move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    }
}

fn rows(minibatches: usize, params: usize) -> Vec<Vec<f32>> {
    let mut next = numbers();
    (0..minibatches)
        .map(|_| (0..params).map(|_| next() * next()).collect())
        .collect()
}

fn layer(name: &str, len: usize, bias: bool) -> Layer {
    Layer {
        name: name.into(),
        len,
        fan_in: 16,
        bias,
    }
}

fn summary(minibatches: usize, treatments: Treatments) -> NoiseSummary {
    let layers = vec![
        layer("fc.0.weight", 160, false),
        layer("fc.0.bias", 10, true),
    ];
    let shape = NoiseShape::new(minibatches, true, layers, treatments).unwrap();
    summarise(Arc::new(shape), &rows(minibatches, 170))
}

fn every() -> Treatments {
    Treatment::ALL.into_iter().collect()
}

fn read(bytes: &[u8]) -> Result<NoiseSummary, WireError> {
    wire::NoiseSummary::decode(bytes)
        .map_err(|error| WireError::new("NoiseSummary", "(bytes)", error))?
        .try_into()
}

#[test]
fn summaries_and_their_pieces_round_trip() {
    for minibatches in [1, 2, 3, 10, 65, 300] {
        for treatments in [Treatments::NONE, Treatments::default(), every()] {
            let whole = summary(minibatches, treatments);
            for part in [vec![whole.clone()], whole.split(7)].concat() {
                let bytes = wire::NoiseSummary::from(&part).encode_to_vec();
                assert!(
                    read(&bytes).unwrap() == part,
                    "{minibatches} {treatments:?}"
                );
            }
        }
    }
}

/// Results are kept for ever: those that were stored before block sums were kept are whole.
#[test]
fn a_summary_without_block_sums_is_whole_and_merges() {
    let whole = summary(12, every());
    let mut wire = wire::NoiseSummary::from(&whole);
    wire.block_sums = None;
    let before = NoiseSummary::try_from(wire.clone()).unwrap();
    assert!(before.is_complete() && before.block_sums().is_none());
    assert_eq!(before.estimates().unwrap(), whole.estimates().unwrap());
    assert!(wire::NoiseSummary::from(&before) == wire);
    let mut pieces = before.clone().split(5).into_iter().rev();
    let mut merged = pieces.next().unwrap();
    pieces.for_each(|piece| merged.merge(&piece).unwrap());
    assert!(merged == before);
}

#[test]
fn a_matrix_without_layers_round_trips() {
    let shape = NoiseShape::without_layers(6, 50, every()).unwrap();
    for shape in [shape.clone(), shape.with_block_length(7)] {
        let whole = summarise(Arc::new(shape), &rows(6, 50));
        let bytes = wire::NoiseSummary::from(&whole).encode_to_vec();
        assert!(read(&bytes).unwrap() == whole);
    }
}

#[test]
fn errors_name_message_and_field() {
    type Change = fn(&mut wire::NoiseSummary);
    let changes: [(Change, &str, &str); 29] = [
        (
            |wire| wire.block_sums = Some(histogram(wire).clone()),
            "NoiseSummary",
            "block_sums",
        ),
        (|wire| wire.shape = None, "NoiseSummary", "shape"),
        (|wire| wire.cells = None, "NoiseSummary", "cells"),
        (|wire| wire.rows.push(4), "NoiseSummary", "rows"),
        (|wire| wire.rows[1] = u64::MAX, "NoiseSummary", "rows"),
        (
            |wire| shape(wire).minibatches = u64::MAX,
            "NoiseShape",
            "layers",
        ),
        (|wire| shape(wire).params = 3, "NoiseShape", "params"),
        (
            |wire| shape(wire).treatments.push(99),
            "NoiseShape",
            "treatments",
        ),
        (
            |wire| shape(wire).layers[0].len = u64::MAX,
            "NoiseShape",
            "layers",
        ),
        (
            |wire| {
                let layer = shape(wire).layers[0].clone();
                shape(wire).layers = vec![layer; 5000];
            },
            "NoiseShape",
            "layers",
        ),
        (
            |wire| wire.projections = wire.projections.slice(1..),
            "NoiseSummary",
            "projections",
        ),
        (
            |wire| wire.projections = wire.projections.slice(48..),
            "NoiseSummary",
            "projections",
        ),
        (
            |wire| wire.projections = [&[0x7f, 0xf8, 0], &wire.projections[3..]].concat().into(),
            "NoiseSummary",
            "projections",
        ),
        (|wire| cells(wire).n_y.truncate(2), "Cells", "n_y"),
        (|wire| sums(wire).limbs.truncate(2), "Cells", "ln_x"),
        (|wire| sums(wire).limbs.push(2), "Cells", "ln_x"),
        (|wire| sums(wire).lengths[0] = u32::MAX, "Cells", "ln_x"),
        (|wire| sums(wire).lowest[0] = i32::MIN, "Cells", "ln_x"),
        (
            |wire| histogram(wire).counts = histogram(wire).counts.slice(1..),
            "LogHistogram",
            "counts",
        ),
        (|wire| histogram(wire).steps[1] = 0, "LogHistogram", "steps"),
        (
            |wire| histogram(wire).steps[0] = i32::MIN,
            "LogHistogram",
            "steps",
        ),
        (
            |wire| histogram(wire).steps.pop().map_or((), |_| ()),
            "LogHistogram",
            "counts",
        ),
        (|wire| values(wire).sums = None, "ValueSums", "sums"),
        (
            |wire| values(wire).largest_steps.push(u64::MAX),
            "ValueSums",
            "largest_steps",
        ),
        (
            |wire| values(wire).largest_steps.truncate(3),
            "NoiseSummary",
            "values",
        ),
        (|wire| values(wire).layers.clear(), "NoiseSummary", "values"),
        (
            |wire| values(wire).layers.swap(0, 1),
            "NoiseSummary",
            "layers",
        ),
        (
            |wire| values(wire).layers.push(Default::default()),
            "NoiseSummary",
            "layers",
        ),
        (
            |wire| values(wire).histogram = values(wire).layers.pop(),
            "ValueSums",
            "histogram",
        ),
    ];
    for (index, (change, message, field)) in changes.into_iter().enumerate() {
        let mut wire = wire::NoiseSummary::from(&summary(12, every()));
        change(&mut wire);
        let error = NoiseSummary::try_from(wire).unwrap_err();
        assert_eq!(
            (error.message, error.field),
            (message, field),
            "{index}: {error}"
        );
    }
}

fn shape(wire: &mut wire::NoiseSummary) -> &mut wire::NoiseShape {
    wire.shape.as_mut().unwrap()
}

fn cells(wire: &mut wire::NoiseSummary) -> &mut wire::Cells {
    wire.cells.as_mut().unwrap()
}

fn values(wire: &mut wire::NoiseSummary) -> &mut wire::ValueSums {
    wire.values.as_mut().unwrap()
}

fn histogram(wire: &mut wire::NoiseSummary) -> &mut wire::LogHistogram {
    &mut values(wire).layers[0]
}

fn sums(wire: &mut wire::NoiseSummary) -> &mut wire::ExactSums {
    cells(wire).ln_x.as_mut().unwrap()
}

/// Each byte of a real message is changed in some ways: the answer is an error or a summary that
/// gives estimates without a NaN.
#[test]
fn no_message_makes_it_panic() {
    let bytes = wire::NoiseSummary::from(&summary(9, every())).encode_to_vec();
    let (mut errors, mut accepted) = (0, 0);
    for place in 0..bytes.len() {
        for change in [0x01, 0xff] {
            let mut hostile = bytes.clone();
            hostile[place] ^= change;
            match read(&hostile) {
                Err(_) => errors += 1,
                Ok(summary) => {
                    accepted += 1;
                    check(&summary);
                }
            }
        }
    }
    for end in 0..bytes.len() {
        // A message that ends before its last fields is that of a piece, or, where nothing but the
        // norms or the block sums is lacking, of a time that kept none.
        assert!(read(&bytes[..end]).map_or(true, |part| {
            !part.is_complete() || part.noise_norms().is_empty() || part.block_sums().is_none()
        }));
    }
    assert!(errors > 1000 && accepted > 1000, "{errors} {accepted}");
}

fn check(summary: &NoiseSummary) {
    for estimate in summary.estimates().unwrap_or_default() {
        let numbers = [estimate.alpha, estimate.theta, estimate.std_error];
        assert!(numbers.iter().flatten().all(|number| number.is_finite()));
        if let Some(interval) = estimate.interval {
            assert!(interval.low.is_finite() && !interval.high.is_nan());
        }
    }
    if let Ok(read) = summary.gaussianity() {
        assert!(read.projections > 0 && (0.0..=1.0).contains(&read.shapiro_wilk));
    }
    let _ = summary.kurtosis();
    let _ = summary.max_to_sum_4();
}

/// Encoded sizes, to be read with `--nocapture`. They hang on layers, levels and bins, hardly on
/// values.
#[test]
fn a_summary_stays_below_its_bound() {
    for lens in [vec![784 * 32, 1024, 1024, 320], vec![1000; 9]] {
        let (layers, compressed) = (lens.len(), compressed(&encoded(&lens, 100)));
        println!("{layers} layers: {compressed} bytes compressed");
        // Half of what SCIENCE.md allows for both splits.
        let bound = (128 << 10) + (16 << 10) * layers.saturating_sub(6);
        assert!(compressed < bound, "{compressed}");
    }
}

fn compressed(bytes: &[u8]) -> usize {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().len()
}

fn fully_connected(width: usize, depth: usize) -> Vec<usize> {
    let hidden = vec![width * width; depth - 2];
    [vec![784 * width], hidden, vec![10 * width]].concat()
}

/// Weights and biases, for images of 32 × 32.
fn alexnet(channels: usize) -> Vec<usize> {
    let wide = channels * (1 + channels.ilog2() as usize);
    let convolutions = [
        (3, 4),
        (channels, 5),
        (channels, 3),
        (channels, 3),
        (channels, 3),
    ];
    let linear = [(channels, wide), (wide, wide), (wide, 10)];
    let convolutions = convolutions.map(|(inputs, side)| (inputs * side * side, channels));
    convolutions
        .into_iter()
        .chain(linear)
        .flat_map(|(inputs, units)| [inputs * units, units])
        .collect()
}

/// The sizes that ARCHITECTURE.md tells: training and test split together.
#[test]
#[ignore = "a measurement of minutes"]
fn bytes_of_three_networks() {
    assert_eq!(alexnet(64).iter().sum::<usize>(), 451_146);
    for [train, test] in [[100, 100], [600, 100]] {
        for lens in [fully_connected(32, 4), alexnet(64), fully_connected(512, 9)] {
            let of = |minibatches| compressed(&encoded(&lens, minibatches));
            let both = of(train) + of(test);
            let (layers, params) = (lens.len(), lens.iter().sum::<usize>());
            let bound = (256 << 10) + (32 << 10) * layers.saturating_sub(6);
            println!("P = {train} and {test}, {layers} tensors, M = {params}: {both} of {bound}");
            assert!(both < bound, "{both} of {bound}");
        }
    }
}

/// With scales that differ between coordinates, as those of gradients do.
fn encoded(lens: &[usize], minibatches: usize) -> Vec<u8> {
    let layers: Vec<Layer> = lens
        .iter()
        .enumerate()
        .map(|(index, len)| layer(&format!("fc.{}.weight", 2 * index), *len, false))
        .collect();
    let shape = NoiseShape::new(minibatches, false, layers, Treatments::default()).unwrap();
    let params = shape.params();
    let mut accumulator = NoiseAccumulator::new(Arc::new(shape), vec![0.0; params].into(), None);
    let mut next = numbers();
    let scales: Vec<f32> = (0..params).map(|_| (8.0 * next()).exp()).collect();
    let mut row = vec![0.0_f32; params];
    for _ in 0..minibatches {
        for (value, scale) in row.iter_mut().zip(&scales) {
            *value = scale * next() * next();
        }
        accumulator.add_row(&row);
    }
    wire::NoiseSummary::from(&accumulator.finish()).encode_to_vec()
}
