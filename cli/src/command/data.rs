//! `tailsweep data`: official files on this machine.

use std::collections::BTreeSet;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tailsweep_common::run::{Dataset, DatasetName, Source};
use tailsweep_worker::official::{self, Progress, State, Verified};

use crate::args::{DataCommand, DataFetchArgs, DataListArgs, DataVerifyArgs};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal::{self, human_bytes};

pub(crate) fn run(command: DataCommand, settings: &Settings) -> Result<(), Failure> {
    match command {
        DataCommand::List(args) => list(&args, &settings.data_dir),
        DataCommand::Fetch(args) => fetch(&args, &settings.data_dir),
        DataCommand::Verify(args) => verify(&args, &settings.data_dir),
    }
}

/// Downloads what is missing of the official data sets among these.
pub(crate) fn fetch_missing<'d>(
    datasets: impl IntoIterator<Item = &'d Dataset>,
    data_dir: &Path,
) -> Result<(), Failure> {
    let names: BTreeSet<DatasetName> = datasets
        .into_iter()
        .filter(|dataset| tailsweep_worker::check_data(dataset, data_dir).is_err())
        .filter_map(|dataset| match dataset.source {
            Source::Named(name) => Some(name),
            _ => None,
        })
        .collect();
    names
        .into_iter()
        .try_for_each(|name| fetch_one(name, data_dir, None))
}

fn list(args: &DataListArgs, data_dir: &Path) -> Result<(), Failure> {
    let rows: Vec<(DatasetName, &str)> = DatasetName::ALL
        .into_iter()
        .map(|name| (name, here(name, data_dir)))
        .collect();
    if args.json {
        let datasets: Vec<_> = rows
            .iter()
            .map(|(name, here)| {
                let [train, test] = name.examples();
                json!({
                    "name": name,
                    "train_examples": train,
                    "test_examples": test,
                    "shape": name.image_shape(),
                    "classes": name.classes(),
                    "download_bytes": official::download_bytes(*name),
                    "state": here,
                })
            })
            .collect();
        return terminal::print_json(&json!({
            "version": 1,
            "data_dir": data_dir,
            "datasets": datasets,
        }));
    }
    let row = |(name, here): (DatasetName, &str)| {
        let [train, test] = name.examples();
        let [channels, height, width] = name.image_shape();
        let bytes = official::download_bytes(name);
        let size = if bytes == 0 {
            String::new()
        } else {
            human_bytes(bytes)
        };
        [
            name.to_string(),
            train.to_string(),
            test.to_string(),
            format!("{channels}×{height}×{width}"),
            name.classes().to_string(),
            size,
            here.to_owned(),
        ]
    };
    let header = [
        "name", "train", "test", "image", "classes", "download", "state",
    ];
    let table = terminal::table(header, &[1, 2, 4, 5], rows.into_iter().map(row));
    terminal::print(&format!("{table}data directory: {}\n", data_dir.display()))
}

/// Whether the files of a data set are there; they are not looked into.
fn here(name: DatasetName, data_dir: &Path) -> &'static str {
    let files = official::present(name, data_dir);
    if files.is_empty() {
        return "inside the program";
    }
    let present = files.iter().filter(|present| **present).count();
    match files.len() - present {
        0 => "here",
        _ if present == 0 => "missing",
        _ => "partly here",
    }
}

fn fetch(args: &DataFetchArgs, data_dir: &Path) -> Result<(), Failure> {
    let fetched = names(&args.names)?;
    for name in fetched.iter().copied() {
        fetch_one(name, data_dir, args.mirror.as_deref())?;
    }
    if args.json {
        let document = json!({ "version": 1, "data_dir": data_dir, "fetched": fetched });
        terminal::print_json(&document)?;
    }
    Ok(())
}

fn fetch_one(name: DatasetName, data_dir: &Path, mirror: Option<&str>) -> Result<(), Failure> {
    let bar = ProgressBar::no_length().with_style(
        ProgressStyle::with_template(
            "{msg} {bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        )
        .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let mut file = String::new();
    let mut show = |progress: Progress<'_>| {
        if file != progress.file {
            progress.file.clone_into(&mut file);
            bar.reset();
            bar.set_length(progress.bytes);
            bar.set_message(file.clone());
        }
        bar.set_position(progress.done);
    };
    let fetched = official::fetch(name, data_dir, mirror, &mut show);
    bar.finish_and_clear();
    fetched.map_err(|problem| {
        Failure::error(format!(
            "data set `{name}`: {problem}\nthe same command goes on where this one stopped; files \
             from elsewhere go below `{}`, as docs/data.md says",
            data_dir.display()
        ))
    })?;
    eprintln!("`{name}` is in `{}`", data_dir.display());
    Ok(())
}

fn verify(args: &DataVerifyArgs, data_dir: &Path) -> Result<(), Failure> {
    let asked = names(&args.names)?;
    let asked_for_all = args.names.is_empty();
    let mut found: Vec<(DatasetName, Verified)> = Vec::new();
    for name in asked {
        // Who asks for nothing in particular means what is there.
        if asked_for_all && here(name, data_dir) == "missing" {
            continue;
        }
        let files = official::verify(name, data_dir);
        found.extend(files.into_iter().map(|file| (name, file)));
    }
    let word = |state: &State| match state {
        State::Official => ("official", String::new()),
        State::Missing => ("missing", String::new()),
        State::Differs { found, official } => {
            ("differs", format!("SHA-256 {found}, officially {official}"))
        }
        State::Unreadable(why) => ("differs", format!("can't be read: {why}")),
        State::Unknown(why) => ("unknown", why.clone()),
    };
    if args.json {
        let files: Vec<_> = found
            .iter()
            .map(|(name, Verified { file, state })| {
                let (state, why) = word(state);
                json!({ "dataset": name, "file": file, "state": state, "why": why })
            })
            .collect();
        terminal::print_json(&json!({ "version": 1, "files": files }))?;
    } else {
        let rows = found.iter().map(|(name, Verified { file, state })| {
            let (state, why) = word(state);
            [name.to_string(), file.clone(), state.to_owned(), why]
        });
        terminal::print(&terminal::table(["name", "file", "state", ""], &[], rows))?;
    }
    // A part of a data set is enough for sweeps with limits.
    let is_wrong = |state: &State| match state {
        State::Differs { .. } | State::Unreadable(_) => true,
        State::Missing => !asked_for_all,
        State::Official | State::Unknown(_) => false,
    };
    let wrong = found.iter().filter(|(_, file)| is_wrong(&file.state));
    match wrong.count() {
        0 => Ok(()),
        wrong => Err(Failure::error(format!(
            "{wrong} of {} files are missing or not the official ones; move them away, and \
             `tailsweep data fetch` gets them",
            found.len()
        ))),
    }
}

/// All of them, if none is named.
fn names(written: &[String]) -> Result<Vec<DatasetName>, Failure> {
    if written.is_empty() {
        return Ok(DatasetName::ALL.to_vec());
    }
    let name = |written: &String| {
        let found = DatasetName::ALL
            .into_iter()
            .find(|name| name.as_str() == written);
        found.ok_or_else(|| {
            let known = DatasetName::ALL.map(DatasetName::as_str).join("`, `");
            Failure::Usage(format!(
                "error: no data set `{written}`; those with files are `{known}`"
            ))
        })
    };
    written.iter().map(name).collect()
}
