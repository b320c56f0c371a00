//! How long a process driven by stable noise stays in a well, in the limit of small noise.
//!
//! For dw = −f′(w)dt + ε dL with L a symmetric α-stable Lévy process (SαS(1) a unit of time):
//!
//! **α < 2.** The process leaves by one large jump. With c(α) = π/(Γ(1+α) sin(πα/2)) jumps beyond a
//! distance a to one side come at the rate (ε/a)^α/(α c(α)), so the mean time to leave [−b, a] is
//! α c(α)/(ε^α(a^−α + b^−α)), whatever the height. Over several wells it is a Markov chain, where
//! well j is reached from minimum m_i at the rate
//! (ε^α/(α c(α)))·| |s_{j−1} − m_i|^−α − |s_j − m_i|^−α |.
//!
//! **α = 2** is Brownian motion of variance 2ε² a unit of time. The mean time τ(w) to leave an
//! interval solves ε²τ″ − f′τ′ = −1 with τ = 0 at its ends, which is integrated here without any
//! limit; it grows as exp(H/ε²), with the height H. The share of time in a well is that of
//! exp(−f/ε²).
//!
//! Source: Imkeller and Pavlyukevich, "First exit times of SDEs driven by stable Lévy processes",
//! Stochastic Processes and their Applications 116 (2006), and "Metastable behaviour of small
//! noise Lévy-driven diffusions", ESAIM: Probability and Statistics 12 (2008); for Brownian motion
//! Gardiner, "Handbook of Stochastic Methods", section 5.2.7.

use crate::potential::Potential;
use crate::stable::Stable;

/// The process: noise and potential.
#[derive(Clone, Debug, PartialEq)]
pub struct Metastability {
    potential: Potential,
    alpha: f64,
    epsilon: f64,
    /// Rate of jumps beyond distance 1 to one side, of noise with ε = 1; 0 for α = 2.
    jumps: f64,
}

/// The mean overshoot of a Gaussian walk, in standard deviations of a step, beyond a barrier:
/// −ζ(½)/√(2π). A walk that is looked at only after each step crosses a barrier as Brownian motion
/// crosses one that lies farther by so much (Broadie, Glasserman, Kou, Mathematical Finance 7,
/// 1997).
const OVERSHOOT: f64 = 0.582_597_157_939_010_6;

/// Pieces of an interval over which is integrated for Brownian motion.
const PIECES: usize = 8192;

/// Beyond a value so many times ε² above the minimum, nobody ever is.
const NEVER: f64 = 60.0;

impl Metastability {
    /// `alpha` in (0, 2] and `epsilon` above 0; otherwise none.
    pub fn new(potential: Potential, alpha: f64, epsilon: f64) -> Option<Self> {
        let law = Stable::symmetric(alpha, 1.0).ok()?;
        let (_, jumps) = law.tail_constants();
        (epsilon > 0.0 && epsilon.is_finite()).then_some(Self {
            potential,
            alpha,
            epsilon,
            jumps,
        })
    }

    /// α.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Rate of jumps of the noise beyond `distance` to one side.
    fn rate_beyond(&self, distance: f64) -> f64 {
        self.jumps * (self.epsilon / distance).powf(self.alpha)
    }

    /// Mean time from the minimum of `well` until it is left. `step` is the time between two looks
    /// at the process: it matters for α = 2 alone, where leaving shortly between two looks goes
    /// unseen; 0 for the process itself.
    pub fn mean_exit_time(&self, well: usize, step: f64) -> f64 {
        let minimum = self.potential.minimum(well);
        let [low, high] = self.potential.domain(well);
        if self.alpha < 2.0 {
            return 1.0 / (self.rate_beyond(minimum - low) + self.rate_beyond(high - minimum));
        }
        let unseen = OVERSHOOT * self.epsilon * (2.0 * step).sqrt();
        self.brownian_exit_time(minimum, [low - unseen, high + unseen])
    }

    /// The share of exits from `well` that are to the right.
    pub fn exits_to_the_right(&self, well: usize) -> f64 {
        let minimum = self.potential.minimum(well);
        let [low, high] = self.potential.domain(well);
        if self.alpha < 2.0 {
            let [left, right] = [minimum - low, high - minimum].map(|side| self.rate_beyond(side));
            return right / (left + right);
        }
        if low.is_infinite() || high.is_infinite() {
            return f64::from(u8::from(high.is_finite()));
        }
        let [before, all] =
            [minimum, high].map(|end| trapezoid(&self.weights([low, end], 1.0), end - low));
        before / all
    }

    /// Rates between wells: `[i][j]` from i to j, for α < 2; the diagonal makes each row sum to 0.
    /// `None` for α = 2.
    pub fn rates(&self) -> Option<Vec<Vec<f64>>> {
        if self.alpha == 2.0 {
            return None;
        }
        let wells = self.potential.len();
        let rate = |from: usize, to: usize| {
            let minimum = self.potential.minimum(from);
            let [near, far] = self
                .potential
                .domain(to)
                .map(|end| self.rate_beyond((end - minimum).abs()));
            (near - far).abs()
        };
        let mut rates: Vec<Vec<f64>> = (0..wells)
            .map(|from| {
                (0..wells)
                    .map(|to| if to == from { 0.0 } else { rate(from, to) })
                    .collect()
            })
            .collect();
        for (from, row) in rates.iter_mut().enumerate() {
            row[from] = -row.iter().sum::<f64>();
        }
        Some(rates)
    }

    /// The share of time in each well, in the long run.
    pub fn shares(&self) -> Vec<f64> {
        let wells = self.potential.len();
        if let Some(rates) = self.rates() {
            return stationary(rates);
        }
        let weights: Vec<f64> = (0..wells)
            .map(|well| {
                let [low, high] = self.potential.domain(well).map(|end| self.reach(end));
                trapezoid(&self.weights([low, high], -1.0), high - low)
            })
            .collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / total).collect()
    }

    /// An end that may be infinite, moved to where nobody ever is.
    fn reach(&self, end: f64) -> f64 {
        if end.is_finite() {
            return end;
        }
        let outermost = if end < 0.0 {
            0
        } else {
            self.potential.len() - 1
        };
        let minimum = self.potential.minimum(outermost);
        let barred = self.potential.value(minimum) + NEVER * self.epsilon * self.epsilon;
        let mut distance = 1e-3;
        while self.potential.value(minimum + distance * end.signum()) < barred {
            distance *= 1.25;
        }
        minimum + distance * end.signum()
    }

    /// exp(±(f − f_low)/ε²) at the ends of the pieces of an interval; f_low is the lowest minimum,
    /// so that shares of wells compare.
    fn weights(&self, [low, high]: [f64; 2], sign: f64) -> Vec<f64> {
        let lowest = (0..self.potential.len())
            .map(|well| self.potential.value(self.potential.minimum(well)))
            .fold(f64::INFINITY, f64::min);
        let temperature = self.epsilon * self.epsilon;
        (0..=PIECES)
            .map(|piece| {
                let place = low + (high - low) * piece as f64 / PIECES as f64;
                (sign * (self.potential.value(place) - lowest) / temperature).exp()
            })
            .collect()
    }

    /// τ(`start`) = [S(start)/S(high) ∫ s′G − ∫_low^start s′G]/ε², with s′ = exp(f/ε²), S its integral
    /// from `low` and G that of exp(−f/ε²). An infinite end is one that turns back.
    fn brownian_exit_time(&self, start: f64, [low, high]: [f64; 2]) -> f64 {
        let ends = [self.reach(low), self.reach(high)];
        let step = (ends[1] - ends[0]) / PIECES as f64;
        let (up, down) = (self.weights(ends, 1.0), self.weights(ends, -1.0));
        let g = cumulative(&down, step);
        let s = cumulative(&up, step);
        let at = (start - ends[0]) / step;
        let temperature = self.epsilon * self.epsilon;
        if low.is_infinite() {
            // All that is left is the way up to `high`.
            let rest: Vec<f64> = up.iter().zip(&g).map(|(up, g)| up * g).collect();
            let total = cumulative(&rest, step);
            return (total[PIECES] - interpolated(&total, at)) / temperature;
        }
        if high.is_infinite() {
            let above: Vec<f64> = g.iter().map(|value| g[PIECES] - value).collect();
            let rest: Vec<f64> = up.iter().zip(&above).map(|(up, g)| up * g).collect();
            return interpolated(&cumulative(&rest, step), at) / temperature;
        }
        let both: Vec<f64> = up.iter().zip(&g).map(|(up, g)| up * g).collect();
        let both = cumulative(&both, step);
        let share = interpolated(&s, at) / s[PIECES];
        (share * both[PIECES] - interpolated(&both, at)) / temperature
    }
}

/// c(α) = π/(Γ(1+α) sin(πα/2)) of the module's formulas; `None` unless 0 < α < 2.
pub fn exit_constant(alpha: f64) -> Option<f64> {
    let (_, jumps) = Stable::symmetric(alpha, 1.0).ok()?.tail_constants();
    (jumps > 0.0).then(|| 1.0 / (alpha * jumps))
}

/// ∫ from the first point to each, by trapezoids.
fn cumulative(values: &[f64], step: f64) -> Vec<f64> {
    let mut total = 0.0;
    let mut sums = vec![0.0];
    sums.extend(values.windows(2).map(|pair| {
        total += 0.5 * (pair[0] + pair[1]) * step;
        total
    }));
    sums
}

fn trapezoid(values: &[f64], length: f64) -> f64 {
    let step = length / (values.len() - 1) as f64;
    cumulative(values, step).last().copied().unwrap_or(0.0)
}

fn interpolated(sums: &[f64], at: f64) -> f64 {
    let below = (at.floor().max(0.0) as usize).min(sums.len() - 2);
    sums[below] + (at - below as f64) * (sums[below + 1] - sums[below])
}

/// The shares that the chain with these rates keeps: Gaussian elimination on the states, from the
/// last one down, which has no cancellation (Grassmann, Taksar, Heyman, Operations Research 33,
/// 1985).
fn stationary(mut rates: Vec<Vec<f64>>) -> Vec<f64> {
    let states = rates.len();
    for last in (1..states).rev() {
        let (others, leaving) = rates.split_at_mut(last);
        let leaving = &leaving[0][..last];
        let total: f64 = leaving.iter().sum();
        for row in others {
            row[last] /= total;
            let through = row[last];
            for (rate, back) in row.iter_mut().zip(leaving) {
                *rate += through * back;
            }
        }
    }
    let mut shares = vec![1.0];
    for state in 1..states {
        let flows = shares.iter().zip(&rates);
        let share = flows.map(|(share, row)| share * row[state]).sum();
        shares.push(share);
    }
    let total: f64 = shares.iter().sum();
    shares.iter().map(|share| share / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quadratic(alpha: f64, a: f64, epsilon: f64, curvature: f64) -> Metastability {
        let potential = Potential::quadratic(curvature, a, a).expect("a well");
        Metastability::new(potential, alpha, epsilon).expect("a process")
    }

    #[test]
    fn exit_times_of_one_well_are_the_known_figures() {
        for (alpha, a, epsilon, curvature, expected) in [
            (1.5, 1.0, 0.1, 1.0, 79.3),
            (1.5, 1.0, 0.1, 4.0, 79.3),
            (1.5, 2.0, 0.1, 1.0, 224.2),
            (1.2, 1.0, 0.1, 1.0, 28.5),
            (1.8, 1.0, 0.1, 4.0, 344.4),
        ] {
            let time = quadratic(alpha, a, epsilon, curvature).mean_exit_time(0, 0.01);
            assert!((time - expected).abs() < 0.05, "{time} for {expected}");
        }
        assert!((exit_constant(1.0).expect("a constant") - std::f64::consts::PI).abs() < 1e-12);
        assert_eq!(exit_constant(2.0), None);
    }

    #[test]
    fn exit_times_of_three_wells_are_the_known_figures() {
        let potential = Potential::wells(&[-2.5, 0.0, 2.0], &[-1.5, 1.0], &[1.0; 3]);
        let process = Metastability::new(potential.expect("wells"), 1.5, 0.05).expect("a process");
        let times = [0, 1, 2].map(|well| process.mean_exit_time(well, 0.0).round());
        assert_eq!(times, [448.0, 290.0, 448.0]);
        let rates = process.rates().expect("rates");
        for (well, time) in times.iter().enumerate() {
            assert!((-1.0 / rates[well][well] - time).abs() < 0.5);
        }
    }

    #[test]
    fn shares_are_kept_by_the_rates() {
        let potential = Potential::wells(
            &[-3.0, 0.0, 1.0, 4.0],
            &[-1.0, 0.4, 2.0],
            &[1.0, 2.0, 1.0, 3.0],
        );
        let process = Metastability::new(potential.expect("wells"), 1.3, 0.1).expect("a process");
        let (rates, shares) = (process.rates().expect("rates"), process.shares());
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for to in [0, 1, 2, 3] {
            let flow: f64 = shares
                .iter()
                .zip(&rates)
                .map(|(share, row)| share * row[to])
                .sum();
            assert!(flow.abs() < 1e-15, "{flow}");
        }
    }

    /// Without a force the mean time to leave (−a, b) is ab/(2D), D = ε² here. A very flat well is
    /// near to it.
    #[test]
    fn brownian_motion_leaves_a_flat_well_as_is_known() {
        let potential = Potential::quadratic(1e-9, 1.0, 3.0).expect("a well");
        let process = Metastability::new(potential, 2.0, 0.5).expect("a process");
        let time = process.mean_exit_time(0, 0.0);
        assert!((time - 3.0 / (2.0 * 0.25)).abs() < 1e-5, "{time}");
        assert!((process.exits_to_the_right(0) - 0.25).abs() < 1e-6);
    }

    /// Kramers: ln τ grows by ΔH/ε², less what the factor before the exponential takes.
    #[test]
    fn brownian_motion_feels_the_height_and_stable_noise_does_not() {
        let time = |alpha, curvature| quadratic(alpha, 1.0, 0.3, curvature).mean_exit_time(0, 0.0);
        assert_eq!(time(1.5, 1.0), time(1.5, 8.0));
        let growth = (time(2.0, 4.0) / time(2.0, 3.0)).ln();
        let height = 0.5 / 0.09;
        // The factor before the exponential falls as curvature^(−3/2).
        let expected = height - 1.5 * (4.0_f64 / 3.0).ln();
        assert!((growth - expected).abs() < 0.05, "{growth} for {expected}");
    }

    #[test]
    fn brownian_shares_are_those_of_boltzmann() {
        let potential = Potential::wells(&[-1.0, 1.0], &[0.0], &[0.2, 0.5]).expect("wells");
        let process = Metastability::new(potential, 2.0, 0.3).expect("a process");
        let shares = process.shares();
        // Both sides of a minimum are alike up to the outer wall, so the ratio is near
        // exp(ΔH/ε²) times the ratio of the widths, √(curvature).
        let expected = (0.3_f64 / 0.09).exp() * (0.2_f64 / 0.5).sqrt();
        assert!((shares[1] / shares[0] / expected - 1.0).abs() < 0.15);
        let time = |well| process.mean_exit_time(well, 0.0);
        assert!(time(1) > 5.0 * time(0));
        assert_eq!(process.exits_to_the_right(0), 1.0);
        assert_eq!(process.exits_to_the_right(1), 0.0);
    }
}
