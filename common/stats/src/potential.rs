//! Potentials of one variable whose wells have given places and depths.
//!
//! **One well**: f = M w²/2 on an interval [−b, a] that is left for good.
//!
//! **Several wells**: minima m₁ < s₁ < m₂ < … < m_n, with a separator (a local maximum) between
//! each two. All separators are at height 0 and minimum i at −d_i, so d_i is the depth of well i.
//! Between a minimum and a separator at distance L the potential is the cubic with f′ = 0 at both,
//!
//! ```text
//! f = −d(1 − 3t² + 2t³),   f′ = 6d t(1 − t)/L,   t = |w − m|/L,
//! ```
//!
//! so a depth changes no place and a place no depth: width and height of a well are varied one by
//! one. Outside the outermost minima f = −d + 3d(w − m)²/L², with the curvature of the inner side.
//! f is differentiable everywhere and its slope is Lipschitz.

/// A potential f and its wells.
#[derive(Clone, Debug, PartialEq)]
pub struct Potential(Shape);

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Quadratic {
        curvature: f64,
        interval: [f64; 2],
    },
    Wells {
        minima: Vec<f64>,
        separators: Vec<f64>,
        depths: Vec<f64>,
    },
}

/// Why there is no such potential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPotential {
    /// The interval does not hold the minimum inside.
    #[error("the interval must reach from below 0 to above 0")]
    Interval,
    /// Curvature or depth is not above 0.
    #[error("curvature and depths must be finite and above 0")]
    Flat,
    /// Minima, separators and depths do not fit each other.
    #[error("n wells take n minima, n depths and n − 1 separators, with n from 2 up")]
    Count,
    /// Minima and separators do not alternate.
    #[error("minima and separators must be finite and alternate from left to right")]
    Order,
}

impl Potential {
    /// f = `curvature`·w²/2, to be left from [−`left`, `right`].
    ///
    /// # Errors
    ///
    /// All three must be finite and above 0.
    pub fn quadratic(curvature: f64, left: f64, right: f64) -> Result<Self, NotAPotential> {
        if !is_positive(curvature) {
            return Err(NotAPotential::Flat);
        }
        if !(is_positive(left) && is_positive(right)) {
            return Err(NotAPotential::Interval);
        }
        let interval = [-left, right];
        Ok(Self(Shape::Quadratic {
            curvature,
            interval,
        }))
    }

    /// Wells at `minima`, from left to right.
    ///
    /// # Errors
    ///
    /// They are fewer than two, the lengths do not fit, the places do not alternate, or a depth is
    /// not above 0.
    pub fn wells(
        minima: &[f64],
        separators: &[f64],
        depths: &[f64],
    ) -> Result<Self, NotAPotential> {
        let wells = minima.len();
        if wells < 2 || depths.len() != wells || separators.len() + 1 != wells {
            return Err(NotAPotential::Count);
        }
        let alternates = (0..wells - 1)
            .all(|well| minima[well] < separators[well] && separators[well] < minima[well + 1]);
        let ends_are_finite = minima[0].is_finite() && minima[wells - 1].is_finite();
        if !alternates || !ends_are_finite {
            return Err(NotAPotential::Order);
        }
        if !depths.iter().copied().all(is_positive) {
            return Err(NotAPotential::Flat);
        }
        Ok(Self(Shape::Wells {
            minima: minima.to_vec(),
            separators: separators.to_vec(),
            depths: depths.to_vec(),
        }))
    }

    /// Number of wells, at least 1.
    pub fn len(&self) -> usize {
        match &self.0 {
            Shape::Quadratic { .. } => 1,
            Shape::Wells { minima, .. } => minima.len(),
        }
    }

    /// Never: there is at least one well.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Where well `well` has its minimum.
    ///
    /// # Panics
    ///
    /// If there is no such well, as the other functions of a well.
    pub fn minimum(&self, well: usize) -> f64 {
        match &self.0 {
            Shape::Quadratic { .. } => 0.0,
            Shape::Wells { minima, .. } => minima[well],
        }
    }

    /// Where well `well` begins and ends; infinite where it is an outermost one of several.
    pub fn domain(&self, well: usize) -> [f64; 2] {
        match &self.0 {
            Shape::Quadratic { interval, .. } => *interval,
            Shape::Wells { separators, .. } => {
                let low = well.checked_sub(1).map(|left| separators[left]);
                let high = separators.get(well).copied();
                [
                    low.unwrap_or(f64::NEG_INFINITY),
                    high.unwrap_or(f64::INFINITY),
                ]
            }
        }
    }

    /// How far well `well` must be climbed to leave it where it is lowest.
    pub fn height(&self, well: usize) -> f64 {
        match &self.0 {
            Shape::Quadratic { interval, .. } => {
                let [left, right] = interval.map(|end| self.value(end));
                left.min(right)
            }
            Shape::Wells { depths, .. } => depths[well],
        }
    }

    /// The largest f″.
    pub fn curvature(&self) -> f64 {
        match &self.0 {
            Shape::Quadratic { curvature, .. } => *curvature,
            Shape::Wells { .. } => {
                let of = |well: usize| {
                    let minimum = self.minimum(well);
                    let nearest = self.domain(well).map(|end| (end - minimum).abs());
                    let length = nearest[0].min(nearest[1]);
                    6.0 * self.height(well) / (length * length)
                };
                (0..self.len()).map(of).fold(0.0, f64::max)
            }
        }
    }

    /// The well that `place` is in, by the separators; outside the interval of a single one: none.
    pub fn well_at(&self, place: f64) -> Option<usize> {
        match &self.0 {
            Shape::Quadratic { interval, .. } => {
                (interval[0] <= place && place <= interval[1]).then_some(0)
            }
            Shape::Wells { separators, .. } => {
                Some(separators.partition_point(|separator| *separator < place))
            }
        }
    }

    /// f(w).
    pub fn value(&self, place: f64) -> f64 {
        match &self.0 {
            Shape::Quadratic { curvature, .. } => 0.5 * curvature * place * place,
            Shape::Wells { .. } => {
                let side = self.side(place);
                let t = side.t;
                if side.outer {
                    side.depth * (3.0 * t * t - 1.0)
                } else {
                    -side.depth * (1.0 - 3.0 * t * t + 2.0 * t * t * t)
                }
            }
        }
    }

    /// f′(w).
    pub fn slope(&self, place: f64) -> f64 {
        match &self.0 {
            Shape::Quadratic { curvature, .. } => curvature * place,
            Shape::Wells { .. } => {
                let side = self.side(place);
                let steep = 6.0 * side.depth * side.t / side.length;
                let slope = if side.outer {
                    steep
                } else {
                    steep * (1.0 - side.t)
                };
                slope.copysign(place - side.minimum)
            }
        }
    }

    fn side(&self, place: f64) -> Side {
        let Shape::Wells {
            minima,
            separators,
            depths,
        } = &self.0
        else {
            unreachable!("a single well has no sides");
        };
        let well = separators.partition_point(|separator| *separator < place);
        let minimum = minima[well];
        let left = well.checked_sub(1).map(|left| minimum - separators[left]);
        let right = separators.get(well).map(|right| right - minimum);
        let inner = if place < minimum { left } else { right };
        let length = inner.or(left).or(right).expect("a well has a neighbour");
        Side {
            minimum,
            depth: depths[well],
            length,
            t: (place - minimum).abs() / length,
            outer: inner.is_none(),
        }
    }
}

/// One side of a minimum.
struct Side {
    minimum: f64,
    depth: f64,
    /// To the separator; on the outer side of an outermost minimum that of its inner side.
    length: f64,
    t: f64,
    outer: bool,
}

fn is_positive(number: f64) -> bool {
    number.is_finite() && number > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Potential {
        Potential::wells(&[-2.5, 0.0, 2.0], &[-1.5, 1.0], &[1.0, 0.5, 2.0]).expect("three wells")
    }

    #[test]
    fn minima_and_separators_are_where_they_are_put() {
        let potential = three();
        for (place, value) in [
            (-2.5, -1.0),
            (-1.5, 0.0),
            (0.0, -0.5),
            (1.0, 0.0),
            (2.0, -2.0),
        ] {
            assert!((potential.value(place) - value).abs() < 1e-12, "{place}");
            assert!(potential.slope(place).abs() < 1e-12, "{place}");
        }
        let wells = [-9.0, -1.6, -1.4, 0.9, 1.1, 9.0].map(|place| potential.well_at(place));
        assert_eq!(wells, [0, 0, 1, 1, 2, 2].map(Some));
    }

    #[test]
    fn the_slope_is_the_derivative() {
        let quadratic = Potential::quadratic(4.0, 1.0, 2.0).expect("a well");
        for potential in [three(), quadratic] {
            for step in -400..400 {
                let place = f64::from(step) / 100.0 + 0.003;
                let h = 1e-6;
                let difference = potential.value(place + h) - potential.value(place - h);
                let expected = difference / (2.0 * h);
                assert!((potential.slope(place) - expected).abs() < 1e-6, "{place}");
            }
        }
    }

    #[test]
    fn a_depth_moves_no_separator() {
        let deep = Potential::wells(&[-1.0, 2.0], &[0.0], &[5.0, 0.1]).expect("two wells");
        assert_eq!(deep.domain(0), [f64::NEG_INFINITY, 0.0]);
        assert_eq!((deep.height(0), deep.height(1)), (5.0, 0.1));
        assert_eq!(deep.slope(0.0), 0.0);
    }

    #[test]
    fn what_is_no_potential_is_refused() {
        let wells = Potential::wells;
        assert_eq!(wells(&[0.0], &[], &[1.0]), Err(NotAPotential::Count));
        assert_eq!(
            wells(&[0.0, 1.0], &[2.0], &[1.0, 1.0]),
            Err(NotAPotential::Order)
        );
        assert_eq!(
            wells(&[0.0, f64::NAN], &[0.5], &[1.0, 1.0]),
            Err(NotAPotential::Order)
        );
        assert_eq!(
            wells(&[0.0, 1.0], &[0.5], &[1.0, 0.0]),
            Err(NotAPotential::Flat)
        );
        assert_eq!(
            Potential::quadratic(1.0, 0.0, 1.0),
            Err(NotAPotential::Interval)
        );
    }
}
