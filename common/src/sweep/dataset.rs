//! The data set of a block: a name, or a table with limits or settings.

use toml::de::DeValue;

use super::key::{closest, unknown_word};
use super::number::shortest;
use super::problem::{Problem, listed, quoted};
use super::reader::{Entry, Node, Reader, out_of_bounds, wrong_kind};
use super::value::unavailable;
use crate::measurement::Split;
use crate::run::{Blobs, Dataset, DatasetName, GaussianRegression, Real, Source};

const HELP: &str = "write a name such as \"mnist\", or `{ name = \"mnist\", train_limit = 5000 }`";

/// Generated data of more numbers are a slip of the pen: they alone take 4 GB.
const MOST_NUMBERS: u64 = 1_000_000_000;
const MOST_FEATURES: i64 = 1_000_000;
const MOST_CLASSES: i64 = 100_000;
const MOST_EXAMPLES: i64 = 100_000_000;

/// One data set. A limit that takes all examples is no limit: both are the same run.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Dataset> {
    let table = match node.get_ref() {
        DeValue::String(_) => return read_name(reader, node).map(Dataset::all),
        DeValue::Table(table) => table,
        other => {
            let problem = wrong_kind("dataset", "a name or a table", other, node.span(), HELP);
            return reader.refuse(problem);
        }
    };
    if table.contains_key("images") || table.contains_key("labels") {
        return reader.refuse(unavailable("your own data", node.span(), names()));
    }
    let Some(name) = table.get("name") else {
        if let Some(entry) = reader.entries(table).into_iter().next()
            && let Some(key) = closest(entry.key, ["name"])
        {
            let message = format!("unknown key {} in `dataset`", quoted(entry.key));
            let help = format!("did you mean `{key}`?");
            return reader.refuse(Problem::at(entry.span, message).help(help));
        }
        let problem = Problem::at(node.span(), "`dataset` has no `name`").help(HELP);
        return reader.refuse(problem);
    };
    let settings: Vec<Entry<'_, '_>> = reader
        .entries(table)
        .into_iter()
        .filter(|entry| entry.key != "name")
        .collect();
    match read_name(reader, name)? {
        Source::Named(name) => named(reader, name, settings),
        Source::Blobs(blobs) => generated(reader, node, blobs, settings),
        Source::GaussianRegression(data) => generated(reader, node, data, settings),
    }
}

/// The words that may stand as a name.
fn names() -> Vec<&'static str> {
    let mut names = DatasetName::ALL.map(DatasetName::as_str).to_vec();
    names.extend(["blobs", "gaussian_regression"]);
    names
}

fn read_name(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Source> {
    let text = reader.text("dataset", node, HELP)?;
    let named = DatasetName::ALL
        .into_iter()
        .find(|name| name.as_str() == text);
    match text {
        "blobs" => Some(Source::Blobs(Blobs::default())),
        "gaussian_regression" => Some(Source::GaussianRegression(GaussianRegression::default())),
        _ => match named {
            Some(name) => Some(Source::Named(name)),
            None => reader.refuse(unknown_word("dataset", text, node.span(), names())),
        },
    }
}

/// A data set of files, or a part of it.
fn named(
    reader: &mut Reader<'_>,
    name: DatasetName,
    settings: Vec<Entry<'_, '_>>,
) -> Option<Dataset> {
    let mut dataset = Dataset::all(name);
    let mut sound = true;
    for entry in settings {
        let (split, place) = match entry.key {
            "train_limit" => (Split::Train, &mut dataset.train_limit),
            "test_limit" => (Split::Test, &mut dataset.test_limit),
            _ => {
                unknown(reader, &entry, &["train_limit", "test_limit"]);
                sound = false;
                continue;
            }
        };
        let all = name.examples()[split as usize];
        match limit(reader, name.as_str(), split, all, entry.value) {
            Some(limit) => *place = limit,
            None => sound = false,
        }
    }
    sound.then_some(dataset)
}

/// A limit of one split; `Some(None)` if it takes all examples.
fn limit(
    reader: &mut Reader<'_>,
    name: &str,
    split: Split,
    all: usize,
    node: &Node<'_>,
) -> Option<Option<u32>> {
    let what = format!("{split}_limit");
    let limit = reader.whole(&what, node, 1)?;
    if limit > all as u64 {
        let help = format!("`{name}` has {all} {split} examples: write at most `{all}`");
        return reader.refuse(out_of_bounds(&what, &limit.to_string(), node.span(), &help));
    }
    Some((limit < all as u64).then_some(limit as u32))
}

/// Data that are made to order.
trait Generated: Into<Source> {
    /// What can be set.
    const KEYS: &'static [&'static str];

    /// Takes over the value of a key; `None` if it is not right, `Some(false)` if the key is none.
    fn set(&mut self, reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<bool>;
}

impl Generated for Blobs {
    const KEYS: &'static [&'static str] = &[
        "classes",
        "features",
        "spread",
        "examples",
        "test_examples",
        "seed",
    ];

    fn set(&mut self, reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<bool> {
        match entry.key {
            "classes" => self.classes = reader.count(entry, 2, MOST_CLASSES)?,
            "features" => self.features = reader.count(entry, 1, MOST_FEATURES)?,
            "spread" => self.spread = reader.deviation(entry)?,
            "examples" => self.examples = reader.count(entry, 1, MOST_EXAMPLES)?,
            "test_examples" => self.test_examples = reader.count(entry, 1, MOST_EXAMPLES)?,
            "seed" => self.seed = reader.whole("seed", entry.value, 0)?,
            _ => return Some(false),
        }
        Some(true)
    }
}

impl Generated for GaussianRegression {
    const KEYS: &'static [&'static str] = &[
        "features",
        "weights",
        "noise",
        "examples",
        "test_examples",
        "seed",
    ];

    fn set(&mut self, reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<bool> {
        match entry.key {
            "features" => self.features = reader.count(entry, 1, MOST_FEATURES)?,
            "weights" => self.weights = reader.deviation(entry)?,
            "noise" => self.noise = reader.deviation(entry)?,
            "examples" => self.examples = reader.count(entry, 1, MOST_EXAMPLES)?,
            "test_examples" => self.test_examples = reader.count(entry, 1, MOST_EXAMPLES)?,
            "seed" => self.seed = reader.whole("seed", entry.value, 0)?,
            _ => return Some(false),
        }
        Some(true)
    }
}

impl Reader<'_> {
    fn count(&mut self, entry: &Entry<'_, '_>, least: i64, most: i64) -> Option<u32> {
        let count = self.whole_within(entry.key, entry.value, least, most)?;
        u32::try_from(count).ok()
    }

    /// A standard deviation.
    fn deviation(&mut self, entry: &Entry<'_, '_>) -> Option<Real> {
        const HELP: &str = "write a number from 0 to 1000000";
        let number = self.number(entry.key, entry.value, HELP)?.value;
        if (0.0..=1e6).contains(&number) {
            return Some(Real(number));
        }
        let span = entry.value.span();
        self.refuse(out_of_bounds(entry.key, &shortest(number), span, HELP))
    }
}

fn generated<G: Generated>(
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    mut data: G,
    settings: Vec<Entry<'_, '_>>,
) -> Option<Dataset> {
    let mut sound = true;
    for entry in settings {
        let taken = data.set(reader, &entry);
        if taken == Some(false) {
            unknown(reader, &entry, G::KEYS);
        }
        sound = sound && taken == Some(true);
    }
    let dataset = Dataset::all(data);
    let [train, test] = dataset.source.examples();
    let numbers = (train + test) as u64 * dataset.features() as u64;
    if sound && numbers > MOST_NUMBERS {
        let message = format!("data of {numbers} numbers");
        let help = format!("write fewer examples or features: {MOST_NUMBERS} numbers are the most");
        return reader.refuse(Problem::at(node.span(), message).help(help));
    }
    sound.then_some(dataset)
}

fn unknown(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, keys: &[&'static str]) {
    let limit = match entry.key {
        "train_limit" => Some("examples"),
        "test_limit" => Some("test_examples"),
        _ => None,
    };
    let meant = limit.or_else(|| closest(entry.key, keys.iter().copied()));
    let help = match meant {
        Some(key) if keys.contains(&key) => format!("did you mean `{key}`?"),
        _ => format!(
            "beside `name` the keys are {}",
            listed(keys.iter().copied(), "and")
        ),
    };
    let message = format!("unknown key {} in `dataset`", quoted(entry.key));
    reader
        .problems
        .push(Problem::at(entry.span.clone(), message).help(help));
}
