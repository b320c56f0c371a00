//! Adaptive Gauss–Kronrod quadrature with given breakpoints.
//!
//! The rule of 21 points and its estimate of the error are those of QUADPACK (Piessens,
//! de Doncker-Kapenga, Überhuber, Kahaner 1983); the panel of the largest error is halved until the sum
//! of the errors is small against the integral. A peak that is narrow against its panel is not found:
//! the caller puts breakpoints beside it.

/// Positive nodes of the rule of 21 points, from the outermost inwards; every second one, from the
/// second on, is a node of Gauss's rule of 10 points.
const NODES: [f64; 10] = [
    0.995_657_163_025_808_1,
    0.973_906_528_517_171_7,
    0.930_157_491_355_708_2,
    0.865_063_366_688_984_5,
    0.780_817_726_586_416_9,
    0.679_409_568_299_024_4,
    0.562_757_134_668_604_7,
    0.433_395_394_129_247_2,
    0.294_392_862_701_460_2,
    0.148_874_338_981_631_22,
];

/// Kronrod's weights of the nodes, then that of the middle.
const KRONROD: [f64; 11] = [
    0.011_694_638_867_371_874,
    0.032_558_162_307_964_725,
    0.054_755_896_574_351_995,
    0.075_039_674_810_919_96,
    0.093_125_454_583_697_6,
    0.109_387_158_802_297_64,
    0.123_491_976_262_065_84,
    0.134_709_217_311_473_34,
    0.142_775_938_577_060_09,
    0.147_739_104_901_338_49,
    0.149_445_554_002_916_9,
];

/// Gauss's weights of every second node.
const GAUSS: [f64; 5] = [
    0.066_671_344_308_688_14,
    0.149_451_349_150_580_6,
    0.219_086_362_515_982_04,
    0.269_266_719_309_996_35,
    0.295_524_224_714_752_87,
];

/// Panels beyond this are not made: rounding, not the rule, then sets the error.
const MAX_PANELS: usize = 300;

/// One panel: its ends, its integral, the estimate of its error.
#[derive(Clone, Copy)]
struct Panel {
    low: f64,
    high: f64,
    value: f64,
    error: f64,
}

impl Panel {
    fn new(low: f64, high: f64, integrand: &impl Fn(f64) -> f64) -> Self {
        let (centre, half) = (0.5 * (low + high), 0.5 * (high - low));
        let middle = integrand(centre);
        let mut pairs = [(0.0, 0.0); 10];
        let (mut kronrod, mut gauss) = (KRONROD[10] * middle, 0.0);
        for (index, node) in NODES.iter().enumerate() {
            let pair = (
                integrand(centre - half * node),
                integrand(centre + half * node),
            );
            kronrod += KRONROD[index] * (pair.0 + pair.1);
            if index % 2 == 1 {
                gauss += GAUSS[index / 2] * (pair.0 + pair.1);
            }
            pairs[index] = pair;
        }
        let mean = 0.5 * kronrod;
        let mut spread = KRONROD[10] * (middle - mean).abs();
        for (pair, weight) in pairs.iter().zip(KRONROD) {
            spread += weight * ((pair.0 - mean).abs() + (pair.1 - mean).abs());
        }
        let mut error = (kronrod - gauss).abs();
        if spread > 0.0 && error > 0.0 {
            error = spread * (200.0 * error / spread).powf(1.5).min(1.0);
        }
        Self {
            low,
            high,
            value: kronrod * half,
            error: error * half,
        }
    }
}

/// The integral of `integrand` from the first to the last of the ascending `breaks`, to a relative
/// error of about `tolerance`.
pub(crate) fn integral(breaks: &[f64], tolerance: f64, integrand: impl Fn(f64) -> f64) -> f64 {
    let mut panels: Vec<Panel> = breaks
        .windows(2)
        .filter(|ends| ends[0] < ends[1])
        .map(|ends| Panel::new(ends[0], ends[1], &integrand))
        .collect();
    loop {
        let total: f64 = panels.iter().map(|panel| panel.value).sum();
        let error: f64 = panels.iter().map(|panel| panel.error).sum();
        let worst = (0..panels.len()).max_by(|a, b| panels[*a].error.total_cmp(&panels[*b].error));
        let Some(worst) = worst else { return 0.0 };
        let (low, high) = (panels[worst].low, panels[worst].high);
        let middle = 0.5 * (low + high);
        let divisible = low < middle && middle < high;
        let good = error <= tolerance * total.abs();
        if good || !divisible || panels.len() >= MAX_PANELS || !total.is_finite() {
            return total;
        }
        panels[worst] = Panel::new(low, middle, &integrand);
        panels.push(Panel::new(middle, high, &integrand));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_of_degree_31_are_exact() {
        let value = integral(&[0.0, 1.0], 1e-14, |x| 32.0 * x.powi(31));
        assert!((value - 1.0).abs() < 1e-14, "{value}");
    }

    #[test]
    fn a_root_is_integrated_by_halving() {
        let value = integral(&[0.0, 0.3, 2.0], 1e-13, f64::sqrt);
        let exact = 2.0 / 3.0 * 2.0_f64.powf(1.5);
        assert!((value / exact - 1.0).abs() < 1e-12, "{value}");
    }

    #[test]
    fn nothing_is_zero() {
        assert_eq!(integral(&[1.0], 1e-10, |_| 1.0), 0.0);
        assert_eq!(integral(&[1.0, 1.0], 1e-10, |_| 1.0), 0.0);
        assert_eq!(integral(&[0.0, 1.0], 1e-10, |_| 0.0), 0.0);
    }
}
