//! A number over the seeds of a point, with what their spread says of it.

use tailsweep_stats::student_t_quantile;

/// A number over the seeds of a point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverSeeds {
    pub(crate) seeds: u64,
    pub(crate) mean: f64,
    /// 95 %, by Student's t; `None` for one seed.
    pub(crate) interval: Option<[f64; 2]>,
}

/// The mean over the seeds with its interval; `None` without a value.
pub(crate) fn over_seeds(values: impl Iterator<Item = f64>) -> Option<OverSeeds> {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let mean = mean(&values)?;
    let interval = (values.len() > 1).then(|| {
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let error = (squares / (n - 1.0) / n).sqrt();
        let reach = student_t_quantile(0.975, n - 1.0) * error;
        [mean - reach, mean + reach]
    });
    Some(OverSeeds {
        seeds: values.len() as u64,
        mean,
        interval,
    })
}

/// `None` without a value.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_make_the_interval() {
        let over = over_seeds([0.1, 0.2, 0.3].into_iter()).expect("three seeds");
        // t = 4.303 with 2 degrees of freedom, s.e. = 0.1/√3.
        let [low, high] = over.interval.expect("three seeds");
        assert!((over.mean - 0.2).abs() < 1e-15);
        assert!((high - 0.2 - 0.248_41).abs() < 1e-5, "{high}");
        assert!((high + low - 0.4).abs() < 1e-12);
        let one = over_seeds([0.1].into_iter()).expect("a seed");
        assert!(one.interval.is_none());
        assert!(over_seeds([].into_iter()).is_none());
    }
}
