//! Small sweep files for the tests.

#![allow(dead_code, reason = "each test program uses some of them")]

use std::collections::BTreeMap;

use tailsweep_common::run::NetworkPoint;
use tailsweep_common::sweep::{Sweep, parse};

/// The example of DESIGN.md, section 4, to the letter.
pub(crate) const EXAMPLE: &str = include_str!("../right/design.toml");

/// The sweep of a right file.
pub(crate) fn read(source: &str) -> Sweep {
    parse(source, "sweep.toml", &BTreeMap::new()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A file with one block, whose axes are those given or small defaults.
pub(crate) fn with(train: &str, block: &str) -> String {
    let mut source =
        format!("version = 1\nname = \"test\"\n[train]\n{train}\n[[block]]\n{block}\n");
    for (key, default) in [
        ("dataset", "\"mnist\""),
        ("architecture", "\"fcn\""),
        ("width", "8"),
        ("depth", "2"),
        ("batch_size", "100"),
        ("learning_rate", "0.1"),
    ] {
        let is_there = block.lines().any(|line| line.trim_start().starts_with(key));
        let is_preset =
            train.contains("protocol") && ["batch_size", "learning_rate"].contains(&key);
        let is_fixed = block.contains("alexnet") && key == "depth";
        if !is_there && !is_preset && !is_fixed {
            source.push_str(&format!("{key} = {default}\n"));
        }
    }
    source
}

/// The sweep of one block.
pub(crate) fn block(block: &str) -> Sweep {
    read(&with("steps = 10", block))
}

/// The points of a sweep that trains networks alone.
pub(crate) fn networks(sweep: &Sweep) -> Vec<&NetworkPoint> {
    let network = |point| tailsweep_common::run::Point::network(point).expect("a network");
    sweep.points.iter().map(|point| network(point)).collect()
}
