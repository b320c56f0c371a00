//! Draws the figures of docs/estimators.md from drawn numbers: `cargo run --release -p
//! tailsweep-report --example estimators -- docs/images/estimators`, and prints what they read.

#![allow(clippy::print_stdout)]

mod readings;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use tailsweep_report::diagnosis::{self, Centring, Diagnosis};
use tailsweep_stats::stable::Stable;
use tailsweep_stats::{NoiseShape, Treatments, summarise};

const MINIBATCHES: usize = 100;
const PARAMS: usize = 2_000;

/// Uniform words, by Knuth's linear congruence with a mix of its bits.
struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ self.0 >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^ mixed >> 33
    }
}

/// One number of the noise of a coordinate.
type Draw = fn(&mut Words, f64) -> f64;

fn main() -> Result<(), Box<dyn Error>> {
    let out = std::env::args().nth(1).ok_or("usage: estimators DIR")?;
    let out = Path::new(&out);
    std::fs::create_dir_all(out)?;
    let laws: [(&str, Draw); 5] = [
        ("gaussian", |words, _| normal(words)),
        ("gaussian-scales", |words, scale| scale * normal(words)),
        // The twentieth of the coordinates with the least scale is dead.
        ("gaussian-zeros", |words, scale| match scale < 0.193 {
            true => 0.0,
            false => normal(words),
        }),
        ("stable", |words, scale| scale * stable(words, 1.5)),
        ("student", |words, _| {
            let square = (0..3).map(|_| normal(words).powi(2)).sum::<f64>();
            normal(words) / (square / 3.0).sqrt()
        }),
    ];
    for (name, draw) in laws {
        let mut words = Words(7);
        let scales: Vec<f64> = (0..PARAMS).map(|_| normal(&mut words).exp()).collect();
        let rows: Vec<Vec<f64>> = (0..MINIBATCHES)
            .map(|_| {
                let row = scales.iter().map(|scale| draw(&mut words, *scale));
                row.collect()
            })
            .collect();
        let shape = NoiseShape::without_layers(MINIBATCHES, PARAMS, Treatments::default())?;
        let summary = summarise(Arc::new(shape), &rows);
        let diagnosis = Diagnosis::new(name.to_owned(), &summary, Centring::Here)?;
        println!("{name}");
        for answer in diagnosis.answers() {
            println!("  {}: {}", answer.from, answer.answer);
        }
        for [estimator, treatment, k1, alpha, ..] in diagnosis.rows() {
            println!("    {estimator} {treatment} {k1} {alpha}");
        }
        let svg = diagnosis::figure(&[diagnosis]);
        std::fs::write(out.join(format!("{name}.svg")), svg)?;
    }
    readings::draw(out)
}

fn normal(words: &mut Words) -> f64 {
    stable(words, 2.0) / 2_f64.sqrt()
}

fn stable(words: &mut Words, alpha: f64) -> f64 {
    let law = Stable::symmetric(alpha, 1.0).expect("an index between 0 and 2");
    law.sample(|| words.next())
}
