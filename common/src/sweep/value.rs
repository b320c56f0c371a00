//! One value of an axis, or of a key of a section.

use tailsweep_stats::{Treatment, Treatments};
use toml::de::DeValue;

use super::dataset;
use super::key::Key;
use super::levy_sde::{LevyKey, POTENTIALS};
use super::number::{Literal, shortest};
use super::problem::{Problem, Span, listed, quoted};
use super::reader::{Node, Reader, Weights, out_of_bounds, without_quotes, wrong_kind};
use super::synthetic::{LAWS, SyntheticKey};
use super::unknown::{closest, unknown_word};
use crate::measurement::Split;
use crate::run::{Dataset, Init, Loss, Sampling, Schedule};

/// A value that was read for a [`Key`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Dataset(Dataset),
    Architecture(Family),
    Loss(Loss),
    /// Width, depth, batch size, steps, every.
    Whole(u64),
    /// Learning rate, momentum, weight decay, dropout.
    Real(f64),
    Sampling(Sampling),
    Schedule(Schedule),
    StopAtTrainAccuracy(Option<f64>),
    Init(Init),
    Splits(Vec<Split>),
    Minibatches(Option<u32>),
    Treatments(Treatments),
    Iterates(bool),
    Dump(Vec<u64>),
    /// A law or a potential.
    Word(&'static str),
    Flag(bool),
    Reals(Vec<f64>),
}

/// An architecture without its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Fcn,
    Alexnet,
    LinearRegression,
    Synthetic,
    LevySde,
}

impl Family {
    /// Every one, in the order of the documentation.
    pub(super) const ALL: [Self; 5] = [
        Self::Fcn,
        Self::Alexnet,
        Self::LinearRegression,
        Self::Synthetic,
        Self::LevySde,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Fcn => "fcn",
            Self::Alexnet => "alexnet",
            Self::LinearRegression => "linear_regression",
            Self::Synthetic => "synthetic",
            Self::LevySde => "levy_sde",
        }
    }

    /// Whether a network is trained.
    pub(super) fn is_network(self) -> bool {
        !matches!(self, Self::Synthetic | Self::LevySde)
    }

    /// Whether it has a width.
    pub(super) fn has_width(self) -> bool {
        matches!(self, Self::Fcn | Self::Alexnet)
    }

    /// Whether it has a depth.
    pub(super) fn has_depth(self) -> bool {
        matches!(self, Self::Fcn)
    }
}

/// What numbers a key takes.
#[derive(Clone, Copy)]
pub(super) enum Numbers {
    Whole {
        least: i64,
        most: i64,
    },
    Real {
        fits: fn(f64) -> bool,
        bounds: &'static str,
    },
}

/// Finite numbers from 0 up.
pub(super) fn from_0() -> Numbers {
    Numbers::Real {
        fits: |value| value >= 0.0,
        bounds: "a finite number from 0 up",
    }
}

/// Finite numbers above 0.
pub(super) fn above_0() -> Numbers {
    Numbers::Real {
        fits: |value| value > 0.0,
        bounds: "a finite number above 0",
    }
}

impl Key {
    /// `None` for keys that take no numbers.
    pub(super) fn numbers(self) -> Option<Numbers> {
        Some(match self {
            Self::Width => Numbers::Whole {
                least: 1,
                most: 1_000_000,
            },
            Self::Depth => Numbers::Whole {
                least: 2,
                most: 1_000,
            },
            Self::BatchSize | Self::Minibatches => Numbers::Whole {
                least: 1,
                most: i64::from(u32::MAX),
            },
            Self::Steps | Self::Every => Numbers::Whole {
                least: 1,
                most: 1_000_000_000_000,
            },
            Self::LearningRate | Self::WeightDecay => from_0(),
            Self::Momentum | Self::Dropout => Numbers::Real {
                fits: |value| (0.0..1.0).contains(&value),
                bounds: "a number from 0 to below 1",
            },
            Self::StopAtTrainAccuracy => Numbers::Real {
                fits: |value| value > 0.0 && value <= 1.0,
                bounds: "a share above 0, up to 1",
            },
            Self::Synthetic(key) => return key.numbers(),
            Self::Levy(key) => return key.numbers(),
            _ => return None,
        })
    }

    /// Whether it takes true or false.
    pub(super) fn takes_flags(self) -> bool {
        matches!(
            self,
            Self::Iterates
                | Self::StopAtTrainAccuracy
                | Self::Synthetic(SyntheticKey::Centred)
                | Self::Levy(LevyKey::FirstExit)
        )
    }

    /// Whether it takes numbers and nothing else.
    pub(super) fn takes_numbers_alone(self) -> bool {
        self.numbers().is_some() && !matches!(self, Self::Minibatches | Self::StopAtTrainAccuracy)
    }

    /// The value of a number that a range made.
    pub(super) fn value_of(self, number: f64) -> Result<Value, String> {
        match self.numbers() {
            Some(Numbers::Whole { least, most }) => {
                let whole = number as i64;
                if whole as f64 == number && (least..=most).contains(&whole) {
                    Ok(self.whole(whole as u64))
                } else {
                    Err(format!("write a whole number from {least} to {most}"))
                }
            }
            Some(Numbers::Real { fits, .. }) if fits(number) => Ok(self.real(number)),
            Some(Numbers::Real { bounds, .. }) => Err(format!("write {bounds}")),
            None => Err(String::new()),
        }
    }

    fn whole(self, whole: u64) -> Value {
        match self {
            // The bounds of the key are those of 32 bits.
            Self::Minibatches => Value::Minibatches(Some(whole as u32)),
            _ => Value::Whole(whole),
        }
    }

    fn real(self, real: f64) -> Value {
        match self {
            Self::StopAtTrainAccuracy => Value::StopAtTrainAccuracy(Some(real)),
            _ => Value::Real(real),
        }
    }

    /// A value to write, for messages.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Dataset => "\"mnist\"",
            Self::Architecture => "\"fcn\"",
            Self::Width => "128",
            Self::Depth => "3",
            Self::BatchSize => "100",
            Self::LearningRate => "0.1",
            Self::Loss => "\"nll\"",
            Self::Steps => "2000",
            Self::Sampling => "\"shuffled\"",
            Self::Momentum => "0.9",
            Self::WeightDecay => "0.0001",
            Self::Dropout => "0.5",
            Self::Schedule => "{ milestones = [667, 1333], gamma = 0.5 }",
            Self::StopAtTrainAccuracy => "1.0",
            Self::Init => "\"default\"",
            Self::Every => "100",
            Self::Splits => "[\"train\", \"test\"]",
            Self::Minibatches => "\"all\"",
            Self::Treatments => "[\"published\", \"paired\"]",
            Self::Iterates => "false",
            Self::Dump => "[0, 1000]",
            Self::Synthetic(key) => key.example(),
            Self::Levy(key) => key.example(),
        }
    }
}

impl Reader<'_> {
    /// One value of `key`, which is called `what` where it stands.
    pub(super) fn value(&mut self, key: Key, what: &str, node: &Node<'_>) -> Option<Value> {
        match key {
            Key::Dataset => dataset::read(self, node).map(Value::Dataset),
            Key::Architecture => self.architecture(node).map(Value::Architecture),
            Key::Loss => self.loss(node).map(Value::Loss),
            Key::Sampling => self.sampling(what, node).map(Value::Sampling),
            Key::Schedule => self.schedule(what, node).map(Value::Schedule),
            Key::Init => self.init(what, node).map(Value::Init),
            Key::Splits => self.splits(what, node).map(Value::Splits),
            Key::Treatments => self.treatments(what, node).map(Value::Treatments),
            Key::Iterates => self.flag(what, node).map(Value::Iterates),
            Key::Dump => self.dump(what, node).map(Value::Dump),
            Key::Synthetic(SyntheticKey::Law) => self.plain_word(what, node, &LAWS),
            Key::Levy(LevyKey::Potential) => self.plain_word(what, node, &POTENTIALS),
            Key::Synthetic(SyntheticKey::Centred) | Key::Levy(LevyKey::FirstExit) => {
                self.flag(what, node).map(Value::Flag)
            }
            Key::Levy(key) if key.is_list() => self.reals(what, node, key).map(Value::Reals),
            Key::StopAtTrainAccuracy if matches!(node.get_ref(), DeValue::Boolean(false)) => {
                Some(Value::StopAtTrainAccuracy(None))
            }
            Key::Minibatches if node.get_ref().as_str() == Some("all") => {
                Some(Value::Minibatches(None))
            }
            Key::Minibatches if node.get_ref().is_str() => self.refuse(
                Problem::at(
                    node.span(),
                    format!("`{what}` must be \"all\" or a whole number"),
                )
                .help(format!("write `{what} = \"all\"` or `{what} = 24`")),
            ),
            _ => self.numeric(key, what, node),
        }
    }

    fn numeric(&mut self, key: Key, what: &str, node: &Node<'_>) -> Option<Value> {
        match key.numbers()? {
            Numbers::Whole { least, most } => self
                .whole_within(what, node, least, most)
                .map(|whole| key.whole(whole as u64)),
            Numbers::Real { fits, bounds } => {
                let help = without_quotes(node, |literal| fits(literal.value));
                let help = help.unwrap_or(format!("write {bounds}"));
                let Literal { value, .. } = self.number(what, node, &help)?;
                if fits(value) {
                    return Some(key.real(value));
                }
                self.refuse(out_of_bounds(what, &shortest(value), node.span(), &help))
            }
        }
    }

    /// One of a few words, some of which exist but cannot be used yet.
    pub(super) fn word<T: Copy>(
        &mut self,
        what: &str,
        node: &Node<'_>,
        known: &[(&'static str, T)],
        planned: &[&str],
    ) -> Option<T> {
        let words = known.iter().map(|(word, _)| *word);
        let help = format!("write one of {}", listed(words.clone(), "or"));
        let text = self.text(what, node, &help)?;
        if let Some((_, value)) = known.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        if planned.contains(&text) {
            return self.refuse(unavailable(&quoted(text), node.span(), words));
        }
        self.refuse(unknown_word(what, text, node.span(), words))
    }

    fn plain_word(&mut self, what: &str, node: &Node<'_>, words: &[&'static str]) -> Option<Value> {
        let known: Vec<_> = words.iter().map(|word| (*word, *word)).collect();
        self.word(what, node, &known, &[]).map(Value::Word)
    }

    /// A list of finite numbers.
    fn reals(&mut self, what: &str, node: &Node<'_>, key: LevyKey) -> Option<Vec<f64>> {
        let help = format!("write a list of numbers, as in `{}`", key.example());
        let DeValue::Array(items) = node.get_ref() else {
            let problem = wrong_kind(
                what,
                "a list of numbers",
                node.get_ref(),
                node.span(),
                &help,
            );
            return self.refuse(problem);
        };
        items
            .iter()
            .map(|item| Some(self.number(what, item, &help)?.value))
            .collect()
    }

    fn architecture(&mut self, node: &Node<'_>) -> Option<Family> {
        let known = Family::ALL.map(|family| (family.as_str(), family));
        self.word("architecture", node, &known, &[])
    }

    fn loss(&mut self, node: &Node<'_>) -> Option<Loss> {
        let known = Loss::ALL.map(|loss| (loss.as_str(), loss));
        self.word("loss", node, &known, &[])
    }

    fn sampling(&mut self, what: &str, node: &Node<'_>) -> Option<Sampling> {
        let known = [
            ("file_order", Sampling::FileOrder),
            ("shuffled", Sampling::Shuffled),
            ("with_replacement", Sampling::WithReplacement),
        ];
        self.word(what, node, &known, &[])
    }

    fn schedule(&mut self, what: &str, node: &Node<'_>) -> Option<Schedule> {
        const HELP: &str = "write `{ milestones = [667, 1333], gamma = 0.5 }`, `{ cosine = true }` \
                            or \"constant\"";
        let table = match node.get_ref() {
            DeValue::Table(table) => table,
            DeValue::String(word) if word == "constant" => return Some(Schedule::Constant),
            DeValue::String(word) => {
                let help = match closest(word, ["cosine", "constant"]) {
                    Some("cosine") => "write `{ cosine = true }`",
                    Some(_) => "did you mean \"constant\"?",
                    None => HELP,
                };
                let problem = Problem::at(node.span(), format!("unknown {what} {}", quoted(word)));
                return self.refuse(problem.help(help));
            }
            other => return self.refuse(wrong_kind(what, "a table", other, node.span(), HELP)),
        };
        let (mut milestones, mut gamma, mut cosine) = (None, None, None);
        let before = self.problems.len();
        for entry in self.entries(table) {
            match entry.key {
                "milestones" => milestones = self.milestones(entry.value),
                "gamma" => gamma = self.gamma(entry.value),
                "cosine" => cosine = self.flag("cosine", entry.value),
                other => {
                    let keys = ["milestones", "gamma", "cosine"];
                    let message = format!("unknown key {} in `{what}`", quoted(other));
                    let help = closest(other, keys)
                        .map_or(HELP.to_owned(), |key| format!("did you mean `{key}`?"));
                    self.problems
                        .push(Problem::at(entry.span, message).help(help));
                }
            }
        }
        match (milestones, gamma, cosine) {
            _ if self.problems.len() > before => None,
            (Some(milestones), Some(gamma), None) => {
                Some(Schedule::Milestones { milestones, gamma })
            }
            (None, None, Some(true)) => Some(Schedule::Cosine),
            (Some(_), None, None) => self.refuse(
                Problem::at(
                    node.span(),
                    format!("`{what}` has milestones but no `gamma`"),
                )
                .help("write `gamma = 0.5` beside them: what each milestone multiplies by"),
            ),
            (None, Some(_), None) => self.refuse(
                Problem::at(
                    node.span(),
                    format!("`{what}` has a `gamma` but no `milestones`"),
                )
                .help("write `milestones = [667, 1333]` beside it"),
            ),
            (None, None, Some(false)) => self.refuse(
                Problem::at(node.span(), "`cosine = false` is no schedule")
                    .help(format!("leave `{what}` out, or write \"constant\"")),
            ),
            _ => self.refuse(
                Problem::at(node.span(), format!("`{what}` must be one schedule")).help(HELP),
            ),
        }
    }

    fn milestones(&mut self, node: &Node<'_>) -> Option<Vec<u64>> {
        let help = "write rising steps, as in `milestones = [667, 1333]`";
        let DeValue::Array(items) = node.get_ref() else {
            let problem = wrong_kind("milestones", "a list", node.get_ref(), node.span(), help);
            return self.refuse(problem);
        };
        let mut milestones = Vec::new();
        for item in items.iter() {
            let step = self.whole("milestones", item, 0)?;
            if milestones.last().is_some_and(|last| *last >= step) {
                let message = format!("milestone `{step}` does not come after the one before it");
                return self.refuse(Problem::at(item.span(), message).help(help));
            }
            milestones.push(step);
        }
        Some(milestones)
    }

    fn gamma(&mut self, node: &Node<'_>) -> Option<f64> {
        let help = "write a number above 0, as in `gamma = 0.5`";
        let gamma = self.number("gamma", node, help)?.value;
        if gamma > 0.0 {
            return Some(gamma);
        }
        self.refuse(out_of_bounds("gamma", &shortest(gamma), node.span(), help))
    }

    /// Steps, ascending, each once.
    fn dump(&mut self, what: &str, node: &Node<'_>) -> Option<Vec<u64>> {
        let help = "write steps that are measured, as in `dump = [0, 1000]`";
        let DeValue::Array(items) = node.get_ref() else {
            let problem = wrong_kind(what, "a list", node.get_ref(), node.span(), help);
            return self.refuse(problem);
        };
        let mut steps: Vec<u64> = Vec::new();
        for item in items.iter() {
            let step = self.whole(what, item, 0)?;
            if steps.last().is_some_and(|last| *last >= step) {
                let message = format!("step `{step}` does not come after the one before it");
                return self.refuse(Problem::at(item.span(), message).help(help));
            }
            steps.push(step);
        }
        Some(steps)
    }

    fn init(&mut self, what: &str, node: &Node<'_>) -> Option<Init> {
        const HELP: &str = "write \"default\" or `{ weights = \"start.safetensors\" }`";
        let table = match node.get_ref() {
            DeValue::String(word) if word == "default" => return Some(Init::Default),
            DeValue::String(word) => {
                let problem = Problem::at(node.span(), format!("unknown {what} {}", quoted(word)));
                return self.refuse(problem.help(HELP));
            }
            DeValue::Table(table) => table,
            other => return self.refuse(wrong_kind(what, "a table", other, node.span(), HELP)),
        };
        let mut weights = None;
        for entry in self.entries(table) {
            if entry.key != "weights" {
                let message = format!("unknown key {} in `{what}`", quoted(entry.key));
                return self.refuse(Problem::at(entry.span, message).help(HELP));
            }
            let path = self.text("weights", entry.value, HELP)?;
            let digest = self.named_file(path, entry.value.span())?;
            self.weights.push(Weights {
                path: path.to_owned(),
                digest,
                span: entry.value.span(),
            });
            weights = Some(digest);
        }
        let Some(digest) = weights else {
            return self
                .refuse(Problem::at(node.span(), format!("`{what}` names no weights")).help(HELP));
        };
        Some(Init::Weights(digest))
    }

    /// A list of words, each once; a single word is a list of one.
    fn words<T: Copy + PartialEq>(
        &mut self,
        what: &str,
        node: &Node<'_>,
        known: &[(&'static str, T)],
    ) -> Option<Vec<T>> {
        let help = format!(
            "write some of {}",
            listed(known.iter().map(|(word, _)| *word), "and")
        );
        let items = match node.get_ref() {
            DeValue::Array(items) if items.is_empty() => {
                let problem = Problem::at(node.span(), format!("`{what}` is empty")).help(help);
                return self.refuse(problem);
            }
            DeValue::Array(items) => items.iter().collect(),
            DeValue::String(_) => vec![node],
            other => return self.refuse(wrong_kind(what, "a list", other, node.span(), &help)),
        };
        let one = what.trim_end_matches('s');
        let mut found: Vec<(T, Span)> = Vec::new();
        for item in &items {
            let Some(value) = self.word(one, item, known, &[]) else {
                continue;
            };
            match found.iter().find(|(other, _)| *other == value) {
                Some((_, first)) => {
                    let word = item.get_ref().as_str().unwrap_or_default();
                    self.problems
                        .push(twice(what, word, item.span(), first.clone()));
                }
                None => found.push((value, item.span())),
            }
        }
        (found.len() == items.len()).then(|| found.into_iter().map(|(value, _)| value).collect())
    }

    fn splits(&mut self, what: &str, node: &Node<'_>) -> Option<Vec<Split>> {
        let known = [Split::Train, Split::Test].map(|split| (split.as_str(), split));
        let mut splits = self.words(what, node, &known)?;
        splits.sort_unstable();
        Some(splits)
    }

    fn treatments(&mut self, what: &str, node: &Node<'_>) -> Option<Treatments> {
        let known: Vec<_> = Treatment::ALL
            .iter()
            .map(|treatment| (treatment.as_str(), *treatment))
            .collect();
        self.words(what, node, &known)
            .map(|treatments| treatments.into_iter().collect())
    }
}

/// The problem of something that the documentation names and this version lacks.
pub(super) fn unavailable<'a>(
    what: &str,
    span: Span,
    instead: impl IntoIterator<Item = &'a str>,
) -> Problem {
    Problem::at(span, format!("{what} is not available in this version"))
        .help(format!("this version has {}", listed(instead, "and")))
}

/// The problem of a value that stands twice in a list.
pub(super) fn twice(what: &str, value: &str, again: Span, first: Span) -> Problem {
    Problem::at(again, format!("{} stands twice in `{what}`", quoted(value)))
        .label("again here")
        .also(first, "first here")
        .help("write each value once")
}
