//! The data set of a block: a name, or a table with limits.

use toml::de::DeValue;

use super::key::{closest, unknown_word};
use super::problem::{Problem, quoted};
use super::reader::{Node, Reader, out_of_bounds, wrong_kind};
use super::value::unavailable;
use crate::measurement::Split;
use crate::run::{Dataset, DatasetName};

const HELP: &str = "write a name such as \"mnist\", or `{ name = \"mnist\", train_limit = 5000 }`";

/// Data sets of later versions.
const PLANNED: [&str; 2] = ["blobs", "gaussian_regression"];

/// One data set. A limit that takes all examples is no limit: both are the same run.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Dataset> {
    let table = match node.get_ref() {
        DeValue::String(_) => {
            let name = read_name(reader, node)?;
            return Some(Dataset {
                name,
                train_limit: None,
                test_limit: None,
            });
        }
        DeValue::Table(table) => table,
        other => {
            let problem = wrong_kind("dataset", "a name or a table", other, node.span(), HELP);
            return reader.refuse(problem);
        }
    };
    if table.contains_key("images") || table.contains_key("labels") {
        let names = DatasetName::ALL.map(DatasetName::as_str);
        return reader.refuse(unavailable("your own data", node.span(), names));
    }
    let (mut name, mut limits) = (None, [None, None]);
    let mut sound = true;
    for entry in reader.entries(table) {
        match entry.key {
            "name" => name = Some(read_name(reader, entry.value)),
            "train_limit" => limits[0] = Some((Split::Train, entry.value)),
            "test_limit" => limits[1] = Some((Split::Test, entry.value)),
            other => {
                let help = closest(other, ["name", "train_limit", "test_limit"])
                    .map_or(HELP.to_owned(), |key| format!("did you mean `{key}`?"));
                let message = format!("unknown key {} in `dataset`", quoted(other));
                reader
                    .problems
                    .push(Problem::at(entry.span, message).help(help));
                sound = false;
            }
        }
    }
    let Some(name) = name else {
        let problem = Problem::at(node.span(), "`dataset` has no `name`").help(HELP);
        return reader.refuse(problem);
    };
    let name = name?;
    let mut read_limit = |limit| match limit {
        Some((split, node)) => match self::limit(reader, name, split, node) {
            Some(limit) => limit,
            None => {
                sound = false;
                None
            }
        },
        None => None,
    };
    let [train, test] = limits;
    let (train_limit, test_limit) = (read_limit(train), read_limit(test));
    sound.then_some(Dataset {
        name,
        train_limit,
        test_limit,
    })
}

fn read_name(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<DatasetName> {
    let text = reader.text("dataset", node, HELP)?;
    if let Some(name) = DatasetName::ALL
        .into_iter()
        .find(|name| name.as_str() == text)
    {
        return Some(name);
    }
    let names = DatasetName::ALL.map(DatasetName::as_str);
    if PLANNED.contains(&text) {
        return reader.refuse(unavailable(&quoted(text), node.span(), names));
    }
    reader.refuse(unknown_word("dataset", text, node.span(), names))
}

fn limit(
    reader: &mut Reader<'_>,
    name: DatasetName,
    split: Split,
    node: &Node<'_>,
) -> Option<Option<u32>> {
    let what = format!("{split}_limit");
    let [train, test] = name.examples();
    let all = if split == Split::Train { train } else { test };
    let limit = reader.whole(&what, node, 1)?;
    if limit > all as u64 {
        let help = format!("`{name}` has {all} {split} examples: write at most `{all}`");
        return reader.refuse(out_of_bounds(&what, &limit.to_string(), node.span(), &help));
    }
    Some((limit < all as u64).then_some(limit as u32))
}
