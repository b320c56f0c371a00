//! A report on disk, and what is said of it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path};

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::summary::summary;
use crate::terminal;

/// Writes the files of a report into a folder; an older report in it is replaced.
///
/// Each file appears whole or not at all.
pub(crate) fn write(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), Failure> {
    let failed = |path: &Path, problem: io::Error| {
        Failure::error(format!("can't write `{}`: {problem}", path.display()))
    };
    fs::create_dir_all(folder).map_err(|problem| failed(folder, problem))?;
    remove_old_figures(folder, files).map_err(|problem| failed(folder, problem))?;
    for (path, content) in files {
        if !is_below(path) {
            return Err(Failure::error(format!(
                "the coordinator sent a file named `{path}`"
            )));
        }
        let target = folder.join(path);
        write_whole(&target, content).map_err(|problem| failed(&target, problem))?;
    }
    Ok(())
}

fn write_whole(target: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = target.with_file_name(name);
    fs::write(&part, content)?;
    fs::rename(part, target)
}

fn remove_old_figures(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    let entries = match fs::read_dir(folder.join("figures")) {
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_figure = path
            .extension()
            .is_some_and(|extension| extension == "svg" || extension == "pdf");
        if is_figure && !files.contains_key(&format!("figures/{name}")) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Whether a path stays below the folder that it is joined to.
fn is_below(path: &str) -> bool {
    !path.is_empty()
        && Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
}

/// Says what came out, and where the rest is.
pub(crate) fn tell(
    folder: &Path,
    files: &BTreeMap<String, Vec<u8>>,
    json: bool,
) -> Result<(), Failure> {
    if json {
        terminal::print_json(&to_json(folder, files)?)?;
    } else {
        let (points, runs) = (rows(files, "points.csv")?, rows(files, "runs.csv")?);
        terminal::print(&summary(&points, &runs))?;
    }
    eprintln!("report: {}", folder.join("report.html").display());
    Ok(())
}

/// The documented shape: where the report lies, its sweep, and the rows of points.csv.
fn to_json(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<Value, Failure> {
    let unreadable = |problem: &dyn std::fmt::Display| {
        Failure::error(format!("can't read report.json: {problem}"))
    };
    let content = files
        .get("report.json")
        .ok_or_else(|| unreadable(&"none came"))?;
    let report: Value = serde_json::from_slice(content).map_err(|problem| unreadable(&problem))?;
    Ok(json!({
        "version": 1,
        "out": folder.display().to_string(),
        "sweep": report["sweep"],
        "points": report["points"],
    }))
}

/// A row of a table: its cells by column.
pub(crate) type Row = BTreeMap<String, String>;

pub(crate) fn rows(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Result<Vec<Row>, Failure> {
    let content = files
        .get(name)
        .ok_or_else(|| Failure::error(format!("the coordinator's report has no {name}")))?;
    csv::Reader::from_reader(&content[..])
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(|problem| Failure::error(format!("can't read {name}: {problem}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_stays_in_its_folder() {
        assert!(is_below("figures/alpha.svg"));
        for path in ["", "../x", "/etc/x", "a/../../x"] {
            assert!(!is_below(path), "{path}");
        }
    }

    #[test]
    fn an_older_report_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let report = |figure: &str| {
            BTreeMap::from([
                ("runs.csv".to_owned(), figure.as_bytes().to_vec()),
                (format!("figures/{figure}.svg"), vec![1]),
            ])
        };
        write(folder.path(), &report("old")).unwrap();
        write(folder.path(), &report("new")).unwrap();
        assert_eq!(fs::read(folder.path().join("runs.csv")).unwrap(), b"new");
        let figures: Vec<_> = fs::read_dir(folder.path().join("figures"))
            .unwrap()
            .collect();
        assert_eq!(figures.len(), 1);
    }
}
