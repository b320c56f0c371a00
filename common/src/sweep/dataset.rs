//! The data set of a block: a name, a table with limits or settings, or own files.

use std::sync::Arc;

use toml::de::DeValue;

use super::number::shortest;
use super::problem::{Problem, Span, listed, quoted};
use super::reader::{Entry, Node, Reader, out_of_bounds, wrong_kind};
use super::unknown::{closest, unknown_word};
use crate::measurement::Split;
use crate::network::Shape;
use crate::run::{
    Blobs, Dataset, DatasetName, GaussianRegression, OwnData, OwnSplit, Real, Source, Targets,
};

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
        return own(reader, node);
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
        source @ (Source::Named(_) | Source::Own(_)) => limited(reader, source, settings),
        Source::Blobs(blobs) => generated(reader, node, blobs, settings),
        Source::GaussianRegression(data) => generated(reader, node, data, settings),
    }
}

/// What all data sets take.
const LIMITS: [&str; 2] = ["train_limit", "test_limit"];
const OWN_KEYS: [&str; 7] = [
    "name",
    "images",
    "labels",
    "test_images",
    "test_labels",
    "train_limit",
    "test_limit",
];
const OWN_HELP: &str = "write `{ images = \"x.npy\", labels = \"y.npy\" }`";

/// A path with its place.
type Path<'t> = (&'t str, Span);

/// A user's own files.
fn own(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Dataset> {
    let table = node.get_ref().as_table()?;
    let before = reader.problems.len();
    let mut name = None;
    let mut limits = Vec::new();
    for entry in reader.entries(table) {
        match entry.key {
            "name" => name = own_name(reader, entry.value),
            "train_limit" | "test_limit" => limits.push(entry),
            "images" | "labels" | "test_images" | "test_labels" => {}
            _ => unknown(reader, &entry, &OWN_KEYS),
        }
    }
    let [images, labels, test_images, test_labels] =
        ["images", "labels", "test_images", "test_labels"].map(|key| path(reader, node, key));
    let train = pair(reader, node, ["images", "labels"], [&images, &labels]);
    let test = pair(
        reader,
        node,
        ["test_images", "test_labels"],
        [&test_images, &test_labels],
    );
    if reader.problems.len() > before {
        return None;
    }
    let (train, shape, train_targets) = train?;
    let targets = match &test {
        None => train_targets,
        Some((_, test_shape, test_targets)) => {
            let span = test_images.map_or(node.span(), |(_, span)| span);
            if *test_shape != shape {
                let problem = Problem::at(span, "the test examples have another shape");
                return reader.refuse(problem.label(format!("{test_shape:?}")).help(format!(
                    "the training examples have the shape {shape:?}: save both alike"
                )));
            }
            match (train_targets, *test_targets) {
                (Targets::Classes(one), Targets::Classes(other)) => {
                    Targets::Classes(one.max(other))
                }
                (Targets::Values, Targets::Values) => Targets::Values,
                _ => {
                    let problem = "of training and test labels, one are classes, the other values";
                    return reader.refuse(
                        Problem::at(span, problem)
                            .help("save both as whole numbers, or both as floats"),
                    );
                }
            }
        }
    };
    let shown = images.map_or("", |(path, _)| path);
    let name = name.unwrap_or_else(|| stem(shown).to_owned());
    let data = Arc::new(OwnData {
        name,
        shape: shape.map(|length| length as u32),
        targets,
        train,
        test: test.map(|(test, ..)| test),
    });
    if let Some(other) = reader.own.get(&data.name)
        && *other != data
    {
        let message = format!("two data sets are called {}", quoted(&data.name));
        return reader.refuse(
            Problem::at(node.span(), message)
                .help("write another `name` into this one: tables show it"),
        );
    }
    reader.own.insert(data.name.clone(), Arc::clone(&data));
    limited(reader, Source::Own(data), limits)
}

fn own_name(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<String> {
    const HELP: &str = "write a name of your own, as in `name = \"mine\"`";
    let name = reader.text("name", node, HELP)?;
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        let message = format!("the name {} is empty, too long or not plain", quoted(name));
        return reader.refuse(Problem::at(node.span(), message).help(HELP));
    }
    if names().contains(&name) {
        let message = format!("{} is the name of other data", quoted(name));
        return reader.refuse(Problem::at(node.span(), message).help(HELP));
    }
    Some(name.to_owned())
}

/// The file's name without folder and `.npy`; names of other data get a dash.
fn stem(path: &str) -> &str {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let stem = file.strip_suffix(".npy").unwrap_or(file);
    if stem.is_empty() || names().contains(&stem) {
        path
    } else {
        stem
    }
}

fn path<'t>(reader: &mut Reader<'_>, node: &'t Node<'_>, key: &str) -> Option<Path<'t>> {
    let value = node.get_ref().as_table()?.get(key)?;
    let text = reader.text(key, value, OWN_HELP)?;
    Some((text, value.span()))
}

/// Examples and their labels.
fn pair(
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    keys: [&str; 2],
    [images, labels]: [&Option<Path<'_>>; 2],
) -> Option<(OwnSplit, Shape, Targets)> {
    let table = node.get_ref().as_table()?;
    let [has_images, has_labels] = keys.map(|key| table.contains_key(key));
    let ([present, missing], stray) = match (has_images, has_labels) {
        (false, false) if keys[0] == "test_images" => return None,
        (false, _) => ([keys[1], keys[0]], true),
        (_, false) => (keys, true),
        _ => (keys, false),
    };
    if stray {
        let message = format!("`dataset` has `{present}` but no `{missing}`");
        let help = format!("write `{missing} = \"….npy\"` beside it");
        return reader.refuse(Problem::at(node.span(), message).help(help));
    }
    let (images, labels) = (images.as_ref()?, labels.as_ref()?);
    let examples = reader.examples(images.0, images.1.clone());
    let targets = reader.labels(labels.0, labels.1.clone());
    let ((images_id, examples), (labels_id, targets)) = (examples?, targets?);
    if examples.count != targets.count {
        let message = format!("{} labels for {} examples", targets.count, examples.count);
        return reader.refuse(
            Problem::at(labels.1.clone(), message).help("save one label for each example"),
        );
    }
    let split = OwnSplit {
        images: images_id,
        labels: labels_id,
        examples: examples.count,
    };
    Some((split, examples.shape, targets.targets))
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
        _ => match (named, reader.own.get(text)) {
            (Some(name), _) => Some(Source::Named(name)),
            (None, Some(own)) => Some(Source::Own(Arc::clone(own))),
            (None, None) => reader.refuse(unknown_word("dataset", text, node.span(), names())),
        },
    }
}

/// A data set, or a part of it.
fn limited(
    reader: &mut Reader<'_>,
    source: Source,
    settings: Vec<Entry<'_, '_>>,
) -> Option<Dataset> {
    let mut dataset = Dataset::all(source);
    let (kind, examples) = (dataset.source.kind().to_owned(), dataset.source.examples());
    let mut sound = true;
    for entry in settings {
        let (split, place) = match entry.key {
            "train_limit" => (Split::Train, &mut dataset.train_limit),
            "test_limit" => (Split::Test, &mut dataset.test_limit),
            _ => {
                unknown(reader, &entry, &LIMITS);
                sound = false;
                continue;
            }
        };
        match limit(reader, &kind, split, examples[split as usize], entry.value) {
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
    if all == 0 {
        let problem = Problem::at(node.span(), format!("`{name}` has no {split} examples"));
        return reader.refuse(problem.help(format!("leave `{what}` out")));
    }
    if limit > all as u64 {
        let help = format!("`{name}` has {all} {split} examples: write at most `{all}`");
        return reader.refuse(out_of_bounds(&what, &limit.to_string(), node.span(), &help));
    }
    Some((limit < all as u64).then_some(limit as u32))
}

/// Data that are made to order; a limit takes the first of them, as of any data.
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
    let mut limits = Vec::new();
    for entry in settings {
        if LIMITS.contains(&entry.key) {
            limits.push(entry);
            continue;
        }
        let taken = data.set(reader, &entry);
        if taken == Some(false) {
            unknown(reader, &entry, &[G::KEYS, &LIMITS].concat());
        }
        sound = sound && taken == Some(true);
    }
    if !sound {
        return None;
    }
    let dataset = limited(reader, data.into(), limits)?;
    let examples = [Split::Train, Split::Test].map(|split| dataset.examples(split) as u64);
    let numbers = examples.iter().sum::<u64>() * dataset.features() as u64;
    if numbers > MOST_NUMBERS {
        let message = format!("data of {numbers} numbers");
        let help = format!("write fewer examples or features: {MOST_NUMBERS} numbers are the most");
        return reader.refuse(Problem::at(node.span(), message).help(help));
    }
    Some(dataset)
}

fn unknown(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, keys: &[&'static str]) {
    let meant = closest(entry.key, keys.iter().copied());
    let mut with_name = vec!["name"];
    with_name.extend(keys.iter().filter(|key| **key != "name"));
    let help = match meant {
        Some(key) if keys.contains(&key) => format!("did you mean `{key}`?"),
        _ => format!("the keys are {}", listed(with_name, "and")),
    };
    let message = format!("unknown key {} in `dataset`", quoted(entry.key));
    reader
        .problems
        .push(Problem::at(entry.span.clone(), message).help(help));
}
