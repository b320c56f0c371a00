//! Every setting in words, and how each number was made.

use std::fmt::Write as _;

use tailsweep_common::measurement::Split;
use tailsweep_common::run::{Init, NUMERICS, NetworkPoint, Point, Sampling, Schedule};

use super::opening::summary;
use super::{escaped, simulated, which};
use crate::fields::Field;
use crate::lookup::Lookup;
use crate::numbers::{counted, grouped, setting};

pub(super) fn section(lookup: &Lookup<'_>) -> String {
    let mut html = String::from("<dl class=\"settings\">\n");
    for (name, text) in settings(lookup) {
        writeln!(html, "<div><dt>{name}</dt><dd>{text}</dd></div>")
            .expect("writing to a string cannot fail");
    }
    html.push_str("</dl>");
    write!(
        html,
        "\n<h3>As a text</h3>\n<p class=\"prose\">{}</p>",
        prose(lookup)
    )
    .expect("writing to a string cannot fail");
    let has_noise = |point: &Point| point.measure().is_some();
    if !lookup.facts.all_points().any(has_noise) {
        return html;
    }
    html.push_str("\n<h3>How each number was made</h3>\n<dl class=\"settings\">\n");
    for (name, text) in DEFINITIONS {
        writeln!(html, "<div><dt>{name}</dt><dd>{text}</dd></div>")
            .expect("writing to a string cannot fail");
    }
    html.push_str("</dl>");
    html
}

/// The settings of the points: one text where all have the same, else the different ones.
fn settings(lookup: &Lookup<'_>) -> Vec<(&'static str, String)> {
    let points = || lookup.facts.all_points();
    let networks = || points().filter_map(Point::network);
    let each = |words: &dyn Fn(&NetworkPoint) -> String| {
        let words = |index: usize| lookup.point(index).network().map(words);
        escaped(&which::texts(lookup, words))
    };
    let values = |field: Field| escaped(&summary(&field.values(points())));
    let seeds: Vec<String> = lookup
        .facts
        .text
        .sweep
        .seeds
        .iter()
        .map(u64::to_string)
        .collect();
    let mut settings = vec![
        ("Data", each(&dataset)),
        ("Architecture", each(&architecture)),
        ("Width", values(Field::Width)),
        ("Depth", values(Field::Depth)),
        ("Parameters", parameters(points())),
        ("Loss", each(&|point| loss(point).to_owned())),
        ("Batch size", values(Field::BatchSize)),
        ("Learning rate", values(Field::LearningRate)),
        ("Schedule", each(&|point| schedule(&point.train.schedule))),
        ("Optimiser", each(&optimiser)),
        (
            "Minibatches of training",
            each(&|point| sampling(point.train.sampling).to_owned()),
        ),
        ("Length", each(&length)),
        ("Initial weights", each(&initial)),
        ("Seeds", escaped(&summary(&seeds))),
        ("Measured", each(&measured)),
        ("Minibatches measured", each(&minibatches)),
        (
            "Published block length",
            escaped(&which::texts(lookup, block_lengths(lookup))),
        ),
        ("Treatments", each(&treatments)),
        ("Iterates", each(&iterates)),
        ("End of the seeds", stop(lookup)),
        ("Protocol", protocol(&lookup.facts.text.source)),
        (
            "Estimates given here",
            lookup.facts.choice.words().unwrap_or_default(),
        ),
    ];
    if networks().any(|point| point.architecture.has_dropout()) {
        let dropout = |point: &NetworkPoint| match point.train.dropout {
            0.0 => "none".to_owned(),
            share => format!("{} in training, none while measuring", setting(share)),
        };
        settings.insert(10, ("Dropout", each(&dropout)));
    }
    settings.splice(0..0, simulated::settings(lookup));
    settings.push(("Program", program()));
    settings.retain(|(_, text)| !text.is_empty() && text != "–");
    settings
}

/// K₁ of a point, on each split that was measured.
fn block_lengths(lookup: &Lookup<'_>) -> impl Fn(usize) -> Option<String> {
    move |point| {
        let splits = lookup.point(point).measure()?.splits.iter();
        let lengths: Vec<String> = splits
            .filter_map(|split| {
                let k1 = lookup.published_k1(point, *split)?;
                Some(format!("K₁ = {} ({split})", grouped(k1)))
            })
            .collect();
        (!lengths.is_empty()).then(|| lengths.join(", "))
    }
}

fn iterates(point: &NetworkPoint) -> String {
    match point.measure.iterates {
        true => "α of the averaged weights was estimated too".to_owned(),
        false => String::new(),
    }
}

fn stop(lookup: &Lookup<'_>) -> String {
    lookup.facts.text.sweep.stop.map_or(String::new(), |stop| {
        format!(
            "the seeds of a point end, at three or more, as soon as the half-width of the interval of \
             its late within_coordinate α is at most {}",
            setting(stop.alpha_ci)
        )
    })
}

/// The protocol that the sweep file names: a plan has its settings, and not its name.
fn protocol(source: &str) -> String {
    // In `[train]`, with a dot, or within braces: a key of this name is no other's.
    let named = source.lines().find_map(|line| {
        let code = line.split('#').next()?;
        let (_, rest) = code.split_once("protocol")?;
        let value = rest.trim_start_matches(['"', '\'']).trim_start();
        value.strip_prefix('=')?.trim_start().split('"').nth(1)
    });
    match named {
        Some(name @ ("paper" | "code")) => format!(
            "{name}: the settings that the sweep file leaves out are those of the {}",
            if name == "paper" {
                "paper"
            } else {
                "published code"
            }
        ),
        _ => String::new(),
    }
}

fn program() -> String {
    format!(
        "tailsweep {}, arithmetic version {NUMERICS}",
        env!("CARGO_PKG_VERSION")
    )
}

/// The same settings as sentences, to be taken into a paper.
fn prose(lookup: &Lookup<'_>) -> String {
    let sentence = |(name, text): (&str, String)| {
        let begin = match name {
            "Data" => "The data were",
            "Architecture" => "The networks were",
            "Width" => "The widths were",
            "Depth" => "The depths were",
            "Parameters" => "The number of parameters was",
            "Loss" => "The loss was",
            "Batch size" => "The batch size was",
            "Learning rate" => "The learning rate was",
            "Schedule" => "The schedule of the learning rate was",
            "Optimiser" => "Training was by",
            "Dropout" => "Dropout was",
            "Minibatches of training" => "Minibatches of training were taken",
            "Length" => "The length of a training was",
            "Initial weights" => "Initial weights were",
            "Seeds" => "The seeds were",
            "Measured" => "Gradient noise was measured",
            "Minibatches measured" => "The number of minibatches measured was",
            "Published block length" => "The published block length was",
            "Treatments" => "The treatments of the noise were",
            "Iterates" => "Of the iterates,",
            "End of the seeds" => "By a rule,",
            "Protocol" => "The protocol was",
            "Program" => "All was computed by",
            "Estimates given here" => "The estimates given are",
            "Noise" => "The values drawn were",
            "Values" => "Their matrix had",
            "Draws" => "They were drawn",
            "Equation" => "The equation was",
            "Potential" => "The potential was",
            "Noise of the equation" => "Its noise had",
            "Paths" => "There were",
            other => return format!("{other}: {text}."),
        };
        format!("{begin} {text}.")
    };
    let mut sentences: Vec<String> = settings(lookup).into_iter().map(sentence).collect();
    if lookup
        .facts
        .all_points()
        .any(|point| point.measure().is_some())
    {
        sentences.push(LATE.to_owned());
    }
    sentences.join(" ")
}

const LATE: &str = "α was estimated as by Simsekli, Sagun and Gurbuzbalaban (2019), beside a Gaussian \
     surrogate of the same covariance and zeros, and across minibatches by within_coordinate on paired \
     differences; it is a mean of 1/α over the last quarter of training (at most 10,000 steps) and \
     over the seeds, with 95 % intervals.";

fn dataset(point: &NetworkPoint) -> String {
    let examples = |split| grouped(point.dataset.examples(split) as u64);
    format!(
        "{}: {} training and {} test examples",
        point.dataset.name(),
        examples(Split::Train),
        examples(Split::Test)
    )
}

fn architecture(point: &NetworkPoint) -> String {
    match point.architecture.as_str() {
        "fcn" => "fcn: linear layers without bias, ReLU between them; depth counts the linear \
                  layers, width the units of each hidden layer"
            .to_owned(),
        "alexnet" => "alexnet: five convolutions and three linear layers, scaled by the number of \
                      channels (width)"
            .to_owned(),
        "linear_regression" => "linear_regression: one linear output without bias".to_owned(),
        other => other.to_owned(),
    }
}

fn parameters<'a>(points: impl Iterator<Item = &'a Point>) -> String {
    let mut counts: Vec<u64> = points.map(Point::params).collect();
    counts.sort_unstable();
    match counts[..] {
        [] => String::new(),
        [low, .., high] if low < high => format!("{} to {}", grouped(low), grouped(high)),
        [count, ..] => grouped(count),
    }
}

fn loss(point: &NetworkPoint) -> &'static str {
    match point.loss.as_str() {
        "nll" => "nll: softmax cross entropy, mean over the minibatch",
        "squared" => "squared: ½(output − value)², mean over the minibatch",
        "hinge" => {
            "hinge: linear hinge with targets ±1, mean over minibatch and classes of \
                    max(0, 1 − target·output)"
        }
        other => other,
    }
}

fn schedule(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Constant => "constant".to_owned(),
        Schedule::Milestones { milestones, gamma } => {
            let steps: Vec<String> = milestones.iter().map(|step| grouped(*step)).collect();
            let noun = if steps.len() == 1 { "step" } else { "steps" };
            format!(
                "multiplied by {} at {noun} {}",
                setting(*gamma),
                steps.join(" and ")
            )
        }
        Schedule::Cosine => "cosine: update k of n uses η(1 + cos(πk/n))/2".to_owned(),
    }
}

fn optimiser(point: &NetworkPoint) -> String {
    let (momentum, decay) = (point.train.momentum, point.train.weight_decay);
    match (momentum == 0.0, decay == 0.0) {
        (true, true) => "stochastic gradient descent, no momentum, no weight decay".to_owned(),
        _ => format!(
            "stochastic gradient descent, v ← μv + (g + λw), w ← w − ηv, with momentum μ = {} and \
             weight decay λ = {}",
            setting(momentum),
            setting(decay)
        ),
    }
}

fn sampling(sampling: Sampling) -> &'static str {
    match sampling {
        Sampling::FileOrder => "in the order of the file, the same in each epoch, not shuffled",
        Sampling::Shuffled => "in a new random order in each epoch",
        Sampling::WithReplacement => "each example drawn independently",
    }
}

fn length(point: &NetworkPoint) -> String {
    let steps = counted(point.train.steps, "step");
    match point.train.stop_at_train_accuracy {
        None => steps,
        Some(accuracy) => format!(
            "{steps}, or until the training accuracy is at least {} at a measured step",
            setting(accuracy)
        ),
    }
}

fn initial(point: &NetworkPoint) -> String {
    match &point.train.init {
        Init::Default => "uniform ±1/√fan-in for weights and biases, from the seed".to_owned(),
        Init::Weights(blob) => {
            format!("given: the file with digest {}", &blob.to_string()[..16])
        }
    }
}

fn measured(point: &NetworkPoint) -> String {
    let splits: Vec<&str> = point
        .measure
        .splits
        .iter()
        .map(|split| split.as_str())
        .collect();
    format!(
        "every {}, at step 0 and at the last step, on {}",
        counted(point.measure.every, "step"),
        splits.join(" and ")
    )
}

fn minibatches(point: &NetworkPoint) -> String {
    let counts: Vec<String> = point
        .measure
        .splits
        .iter()
        .map(|split| format!("{} ({split})", grouped(point.minibatches(*split) as u64)))
        .collect();
    let which = match point.measure.minibatches {
        None => "all".to_owned(),
        Some(most) => format!("at most {most}, evenly spaced"),
    };
    format!(
        "P = {}: {which}, in the order of the file",
        counts.join(", ")
    )
}

fn treatments(point: &NetworkPoint) -> String {
    let words: Vec<&str> = point
        .measure
        .treatments
        .iter()
        .map(|treatment| treatment.as_str())
        .collect();
    words.join(", ")
}

const DEFINITIONS: [(&str, &str); 13] = [
    (
        "Noise",
        "U = gradient of a minibatch − mean of the gradients of all measured minibatches, at \
         fixed weights and without dropout; P minibatches × M parameters. Paired: D = gradient \
         of one minibatch − gradient of the next, which needs no mean.",
    ),
    (
        "mohammadi",
        "1/α = (mean ln|Y| − mean ln|X|)/ln K₁, where Y are sums of K₁ consecutive X \
         (Mohammadi, Mohammadpour and Ogata, Metrika 2015, Corollary 2.4). Published: X is U \
         row by row, K₁ is the largest divisor of P·M that is at most √(P·M), and 2⁻⁵² is added \
         to each absolute value. In the other treatments blocks \
         restart in every row (zeros_dropped alone runs on across rows), and only published_rows \
         keeps the 2⁻⁵².",
    ),
    (
        "gaussian_surrogate",
        "The expectation of mohammadi / published_rows over Gaussian noise with the second \
         moments of the measured rows and with the measured zeros, in closed form: no random \
         numbers.",
    ),
    (
        "zeros_dropped",
        "As published, but exact zeros are removed from the sequence first, and nothing is added \
         to the absolute values.",
    ),
    (
        "local_slope",
        "α = ln 2/(m′ − m), m and m′ the means of ln|Y| for sums of K₁ and of 2·K₁ terms. \
         Permuted: one fixed permutation of the parameters with one fixed random sign for each, \
         the same for all runs. Paired: sums over neighbouring paired differences.",
    ),
    (
        "within_coordinate",
        "For each group of four minibatches with the paired differences Dₐ and D_b: the mean \
         over parameters of ½(ln|Dₐ| − ln|D_b|)²; V is its mean over the groups, and \
         α = (6V/π² − ½)^(−½).",
    ),
    (
        "across_minibatches",
        "Over the same groups: θ = 1/α is the mean of ln|Dₐ + D_b| − ½(ln|Dₐ| + ln|D_b|), over \
         ln 2.",
    ),
    (
        "standardised",
        "Each parameter is divided by its standard deviation over the minibatches first, which \
         pulls truly stable noise towards 2: the column stable_reads has what stable noise of \
         α = 1.5 would read there. standardised_permuted: with the permutation and the signs of \
         permuted, too.",
    ),
    (
        "log_moment, flom, ecf, mcculloch, hill, dedh, dehaan_peng, pickands",
        "Estimators of the tails of the single values: all nonzero U of the measured minibatches \
         as one sample. They mix the scales of all parameters, and have no interval.",
    ),
    (
        "shapiro_wilk, anderson_darling",
        "The rows of U (at most 256, evenly spaced; a shorter last minibatch is left out) are \
         projected on 16 vectors of random signs, the same for all runs of one size. Each \
         projection is tested for a Gaussian of unknown mean and variance at the 5 % level, \
         after Royston 1995 and Stephens 1986; after Panigrahi et al. 2019.",
    ),
    (
        "Late α",
        "Late steps are those from last − min(10,000, last/4) on. For each seed, the mean of \
         θ = 1/α over its late steps; a point has α = 1/mean θ over its finished seeds. The \
         column alpha_mean of points.csv is the plain mean of α, as in the paper. Diverged runs \
         are left out.",
    ),
    (
        "Intervals",
        "95 %, made on θ (within_coordinate: on V) and turned over: open above where θ may be 0 \
         (V: π²/12). One measurement: clusters \
         of consecutive minibatches are left out one by one (jackknife); the paired ones use the \
         spread between groups. A point with S seeds: s.e.² = max(variance between seeds, mean \
         s.e.² within seeds)/S, t with S − 1 degrees.",
    ),
    (
        "Exactness",
        "Sums are exact and do not depend on the order of arrival: the report of a \
         finished sweep without failed runs is the same to the byte for any number of workers \
         and whatever was lost and repeated on the way, on one kind of processor.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_is_found_however_it_is_written() {
        for source in [
            "[train]\nprotocol = \"code\"",
            "[train]\n'protocol'=\"code\" # not \"paper\"",
            "train.protocol = \"code\"",
            "train = { steps = 10, protocol = \"code\" }",
            "# protocol = \"paper\"\n[train]\nprotocol = \"code\"",
        ] {
            assert!(protocol(source).starts_with("code: "), "{source}");
        }
        assert_eq!(protocol("notes = \"no protocol\"\n[train]\nsteps = 1"), "");
    }
}
