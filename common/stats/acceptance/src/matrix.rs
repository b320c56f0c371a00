//! Noise matrices like those of a network: what is not the law, but moves estimates.

use std::sync::Arc;

use tailsweep_stats::{Estimate, Estimator, NoiseShape, Treatment, Treatments, summarise};

use crate::draws::{Draws, Law};

/// Rows of minibatches, columns of parameters.
///
/// Coordinate j of unit u is σ_j·(a·f_u + b·e_j), f and e of the law and fresh in each row; a and b
/// are such that the sum has the law's scale again (SαS: ρ^(1/α) and (1−ρ)^(1/α), else √ρ and
/// √(1−ρ)): ρ is the correlation of two coordinates of a unit, which have one factor. Dead
/// coordinates are exactly zero in all rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noise {
    pub(crate) law: Law,
    /// P.
    pub(crate) minibatches: usize,
    /// M.
    pub(crate) params: usize,
    /// ln σ ~ N(0, s²): this is s.
    pub(crate) scales: f64,
    /// Consecutive coordinates that share a factor.
    pub(crate) unit: usize,
    /// ρ.
    pub(crate) correlation: f64,
    /// The share of dead coordinates, scattered.
    pub(crate) dead: f64,
    /// The share of units that are wholly dead: the first ones.
    pub(crate) dead_units: f64,
    /// The mean of each value: noise that was not centred.
    pub(crate) mean: f64,
}

impl Noise {
    /// Independent values.
    pub(crate) fn iid(law: Law, minibatches: usize, params: usize) -> Self {
        Self {
            law,
            minibatches,
            params,
            scales: 0.0,
            unit: params,
            correlation: 0.0,
            dead: 0.0,
            dead_units: 0.0,
            mean: 0.0,
        }
    }

    /// The rows, in float32 as gradients are.
    pub(crate) fn draw(&self, draws: &mut Draws) -> Vec<Vec<f32>> {
        let scales = self.draw_scales(draws);
        let index = self.law.alpha();
        let factor_weight = self.correlation.powf(1.0 / index);
        let own_weight = (1.0 - self.correlation).powf(1.0 / index);
        let row = |_| {
            let mut row = Vec::with_capacity(self.params);
            for scales in scales.chunks(self.unit) {
                let shared = match self.correlation > 0.0 {
                    true => factor_weight * draws.of(self.law),
                    false => 0.0,
                };
                row.extend(scales.iter().map(|scale| match *scale == 0.0 {
                    true => 0.0,
                    false => {
                        let own = own_weight * draws.of(self.law);
                        (scale * (shared + own) + self.mean) as f32
                    }
                }));
            }
            row
        };
        (0..self.minibatches).map(row).collect()
    }

    /// σ of each coordinate; 0 is dead.
    fn draw_scales(&self, draws: &mut Draws) -> Vec<f64> {
        let units = self.params.div_ceil(self.unit);
        let dead_columns = (self.dead_units * units as f64).round() as usize * self.unit;
        let scale = |column| {
            if column < dead_columns || self.dead > 0.0 && draws.uniform() < self.dead {
                0.0
            } else if self.scales > 0.0 {
                (self.scales * draws.gaussian()).exp()
            } else {
                1.0
            }
        };
        (0..self.params).map(scale).collect()
    }

    /// What is asked of such a matrix.
    pub(crate) fn shape(&self, treatments: &[Treatment]) -> Arc<NoiseShape> {
        let treatments: Treatments = treatments.iter().copied().collect();
        let shape = NoiseShape::without_layers(self.minibatches, self.params, treatments);
        Arc::new(shape.expect("the cases have rows and columns, and few"))
    }

    /// Draws a matrix and estimates.
    pub(crate) fn estimates(&self, draws: &mut Draws, treatments: &[Treatment]) -> Vec<Estimate> {
        let rows = self.draw(draws);
        summarise(self.shape(treatments), &rows)
            .estimates()
            .expect("all rows were fed")
    }
}

/// The first estimate of this kind, of all columns: `mohammadi` at the published K1 comes before
/// its ladder.
pub(crate) fn first(
    estimates: &[Estimate],
    estimator: Estimator,
    treatment: Treatment,
) -> &Estimate {
    all(estimates, estimator, treatment)
        .next()
        .expect("the treatment was asked for")
}

/// The estimates of this kind, by rising K1 after the published one.
pub(crate) fn all(
    estimates: &[Estimate],
    estimator: Estimator,
    treatment: Treatment,
) -> impl Iterator<Item = &Estimate> {
    estimates
        .iter()
        .filter(move |own| own.estimator == estimator && own.treatment == treatment)
}

/// θ, or NaN, which no expectation meets.
pub(crate) fn theta(estimate: &Estimate) -> f64 {
    estimate.theta.unwrap_or(f64::NAN)
}
