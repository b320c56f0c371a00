//! The settings of runs that train no network, in words.

use tailsweep_common::run::{Law, LevyPoint, Point, PotentialForm, Rows, SyntheticPoint};

use super::escaped;
use super::opening::summary;
use crate::lookup::Lookup;
use crate::numbers::{counted, grouped, setting};

/// Name and text: one text where all points have the same, else the different ones.
pub(super) fn settings(lookup: &Lookup<'_>) -> Vec<(&'static str, String)> {
    let points = || lookup.facts.all_points();
    let noise: Vec<&SyntheticPoint> = points().filter_map(Point::synthetic).collect();
    let paths: Vec<&LevyPoint> = points().filter_map(Point::levy_sde).collect();
    let mut settings = Vec::new();
    if !noise.is_empty() {
        settings.extend([
            ("Noise", texts(&noise, &law)),
            ("Values", texts(&noise, &values)),
            ("Draws", texts(&noise, &draws)),
        ]);
    }
    if !paths.is_empty() {
        settings.extend([
            ("Equation", EQUATION.to_owned()),
            ("Potential", texts(&paths, &potential)),
            ("Noise of the equation", texts(&paths, &driven)),
            ("Paths", texts(&paths, &followed)),
        ]);
    }
    settings
}

const EQUATION: &str = "dw = −f′(w)dt + ε dL, L a symmetric α-stable Lévy process; Euler steps \
     w ← w − η·g with g = f′(w) − ε·(η·b)^(1/α − 1)·S, S ~ SαS(1), η the learning rate and b the \
     batch size";

fn texts<P>(points: &[&P], words: &dyn Fn(&P) -> String) -> String {
    let mut texts: Vec<String> = Vec::new();
    for text in points.iter().map(|point| words(point)) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    escaped(&match texts.len() {
        0..=10 => texts.join("; "),
        _ => summary(&texts),
    })
}

fn law(point: &SyntheticPoint) -> String {
    let mut text = match point.law {
        Law::Stable { alpha } => format!("SαS({})", setting(alpha)),
        Law::StudentT { degrees } => format!("Student t of {} degrees", setting(degrees)),
        Law::Gaussian => "Gaussian of variance 1".to_owned(),
        Law::Laplace => "Laplace".to_owned(),
    };
    if point.scale_spread > 0.0 {
        text.push_str(&format!(", ln σ ~ N(0, {}²)", setting(point.scale_spread)));
    }
    if point.correlation > 0.0 {
        text.push_str(&format!(
            ", ρ = {} in groups of {}",
            setting(point.correlation),
            grouped(point.group.into())
        ));
    }
    if point.zeros > 0.0 {
        text.push_str(&format!(", zeros {} %", setting(100.0 * point.zeros)));
    }
    if point.dead_groups > 0.0 {
        let share = setting(100.0 * point.dead_groups);
        text.push_str(&format!(", dead groups {share} %"));
    }
    text
}

fn values(point: &SyntheticPoint) -> String {
    let rows = match point.rows {
        Rows::Minibatches(count) => format!("P = {}", grouped(count.into())),
        Rows::Examples(count) => format!(
            "P = {} ({} examples)",
            grouped(point.all_minibatches() as u64),
            grouped(count.into())
        ),
    };
    let mean = match point.batch_size {
        1 => String::new(),
        size => format!(", each the mean of {}", grouped(size.into())),
    };
    let centre = match point.centred {
        true => "their mean subtracted",
        false => "nothing subtracted",
    };
    format!(
        "{rows}{mean}, M = {}, {centre}",
        grouped(point.params.into())
    )
}

fn draws(point: &SyntheticPoint) -> String {
    format!(
        "at step 0, every {} and at step {}, each a fresh one",
        counted(point.measure.every, "step"),
        grouped(point.steps)
    )
}

fn potential(point: &LevyPoint) -> String {
    let list = |numbers: &[f64]| {
        let texts: Vec<String> = numbers.iter().map(|number| setting(*number)).collect();
        texts.join(", ")
    };
    match &point.potential {
        PotentialForm::Quadratic { curvature, a, b } => format!(
            "{}·w²/2, to be left from [−{}, {}]",
            setting(*curvature),
            setting(*b),
            setting(*a)
        ),
        PotentialForm::DoubleWell {
            a,
            b,
            depth,
            left_depth,
        } => format!(
            "minima at −{} and {}, separator at 0, depths {} and {}",
            setting(*b),
            setting(*a),
            setting(*left_depth),
            setting(*depth)
        ),
        PotentialForm::Wells {
            minima,
            separators,
            depths,
        } => format!(
            "minima at {}; separators at {}; depths {}",
            list(minima),
            list(separators),
            list(depths)
        ),
    }
}

fn driven(point: &LevyPoint) -> String {
    let mut text = format!(
        "α = {}, ε = {}",
        setting(point.alpha),
        setting(point.epsilon)
    );
    if point.batch_size != 1 {
        text.push_str(&format!(", b = {}", grouped(point.batch_size.into())));
    }
    if let Some(clip) = point.clip {
        text.push_str(&format!(", |g| clipped at {}", setting(clip)));
    }
    text
}

fn followed(point: &LevyPoint) -> String {
    let paths = counted(point.paths.into(), "path");
    let from = match point.start {
        Some(well) => format!(" from well {}", well + 1),
        None => String::new(),
    };
    let until = match point.first_exit {
        true => "until the first exit, or ",
        false => "",
    };
    format!(
        "{paths}{from}, {until}{} of η = {}",
        counted(point.steps, "step"),
        setting(point.learning_rate)
    )
}
