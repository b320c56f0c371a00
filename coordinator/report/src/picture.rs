//! Curves beside one another, drawn as those of a report: for documentation.

use crate::figures::curves_of;

/// A row of panels with one legend.
#[derive(Clone, Debug)]
pub struct Picture {
    /// What is seen, for those who can't see it.
    pub title: String,
    /// From left to right. A curve has the same colour in all of them.
    pub panels: Vec<Curves>,
}

/// One panel.
#[derive(Clone, Debug)]
pub struct Curves {
    /// Above it.
    pub title: String,
    /// What x is.
    pub x: String,
    /// What y is.
    pub y: String,
    /// Curves by name, their points from left to right.
    pub curves: Vec<(String, Vec<Reading>)>,
    /// The y that should be read, if it is the same for all x.
    pub rule: Option<f64>,
    /// Whether y should be x.
    pub diagonal: bool,
    /// Which y are shown at least.
    pub least: [f64; 2],
}

/// A point of a curve, and how far it varies.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Where it was read.
    pub x: f64,
    /// What was read.
    pub y: f64,
    /// From where to where it varies.
    pub ends: [f64; 2],
}

impl Picture {
    /// As SVG.
    pub fn svg(&self) -> String {
        curves_of(self).svg()
    }
}
