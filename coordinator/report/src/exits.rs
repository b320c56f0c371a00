//! Exit times of stochastic differential equations: what was seen at each point, beside theory.

pub(crate) mod html;
pub(crate) mod tables;

use tailsweep_common::exits::{Exits, WellExits};
use tailsweep_common::run::{LevyPoint, Point};
use tailsweep_common::state::RunState;
use tailsweep_stats::{Metastability, Potential};

use crate::facts::Facts;
use crate::seeds::over_seeds;

/// What theory says of a point, made once for all of its rows.
pub(crate) struct Theory {
    pub(crate) potential: Potential,
    process: Metastability,
    shares: Vec<f64>,
    rates: Option<Vec<Vec<f64>>>,
    /// Mean time of a visit, and share of exits to the right, of each well.
    visits: Vec<(f64, f64)>,
}

impl Theory {
    /// `None` for a point that is no equation.
    pub(crate) fn of(point: &Point) -> Option<Self> {
        let point = point.levy_sde()?;
        let potential = point.potential.potential().ok()?;
        let process = point.theory()?;
        let visits = (0..potential.len()).map(|well| {
            let time = process.mean_exit_time(well, point.learning_rate);
            (time, process.exits_to_the_right(well))
        });
        Some(Self {
            visits: visits.collect(),
            shares: process.shares(),
            rates: process.rates(),
            potential,
            process,
        })
    }

    pub(crate) fn exit_time(&self, well: usize) -> f64 {
        self.visits[well].0
    }

    pub(crate) fn to_the_right(&self, well: usize) -> f64 {
        self.visits[well].1
    }

    /// `None` for a single well, which is left for good.
    pub(crate) fn share(&self, well: usize) -> Option<f64> {
        (self.shares.len() > 1).then(|| self.shares[well])
    }

    /// `None` for Brownian motion.
    pub(crate) fn rate(&self, from: usize, to: usize) -> Option<f64> {
        Some(self.rates.as_ref()?[from][to])
    }

    /// The tail index of the noise.
    pub(crate) fn alpha(&self) -> f64 {
        self.process.alpha()
    }
}

/// A point of an equation, with what the last measurements of its finished runs saw together.
pub(crate) struct PointExits<'a> {
    /// In [`Facts::points`].
    pub(crate) index: usize,
    pub(crate) point: &'a LevyPoint,
    pub(crate) theory: Theory,
    pub(crate) wells: Vec<WellExits>,
    /// Of each finished run.
    pub(crate) runs: Vec<&'a Exits>,
}

/// The points with a finished run, in the order of the sweep.
pub(crate) fn points(facts: &Facts) -> Vec<PointExits<'_>> {
    let of_point = |(index, point)| {
        let kept: &crate::facts::PointFacts = point;
        let runs = facts.runs[kept.runs.clone()].iter();
        let runs: Vec<&Exits> = runs
            .filter(|run| run.state == RunState::Done)
            .filter_map(|run| Some(&facts.exits_of(run).last()?.exits))
            .collect();
        let (first, others) = runs.split_first()?;
        let mut wells = first.wells.clone();
        for more in others {
            for (well, more) in wells.iter_mut().zip(&more.wells) {
                well.merge(more);
            }
        }
        Some(PointExits {
            index,
            point: kept.point.levy_sde()?,
            theory: Theory::of(&kept.point)?,
            wells,
            runs,
        })
    };
    facts
        .points
        .iter()
        .enumerate()
        .filter_map(of_point)
        .collect()
}

impl PointExits<'_> {
    /// Mean time of a visit to a well, and its standard error.
    pub(crate) fn exit_time(&self, well: usize) -> Option<(f64, Option<f64>)> {
        let time = self.point.learning_rate;
        let seen = &self.wells[well];
        Some((
            seen.mean()? * time,
            seen.std_error().map(|error| error * time),
        ))
    }

    /// The share of time in a well; `None` where there is one alone, and where paths end when they
    /// leave it.
    pub(crate) fn share(&self, well: usize) -> Option<f64> {
        share(&self.wells, well).filter(|_| !self.point.first_exit)
    }

    /// Its 95 % interval between the runs, of two or more.
    pub(crate) fn share_interval(&self, well: usize) -> Option<[f64; 2]> {
        let shares = self.runs.iter().filter_map(|run| share(&run.wells, well));
        over_seeds(shares)?.interval
    }
}

/// Whether the sweep has an equation.
pub(crate) fn is_there(facts: &Facts) -> bool {
    facts.all_points().any(|point| point.levy_sde().is_some())
}

/// The share of steps in a well of several.
pub(crate) fn share(wells: &[WellExits], well: usize) -> Option<f64> {
    let all: u64 = wells.iter().map(|well| well.inside).sum();
    (wells.len() > 1 && all > 0).then(|| wells[well].inside as f64 / all as f64)
}
