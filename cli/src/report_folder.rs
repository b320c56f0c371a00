//! A report on disk, and its short form on the terminal.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path};

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::terminal::{self, table};

/// Rows of the table on the terminal.
const MAX_ROWS: usize = 40;

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
        terminal::print(&summary(files)?)?;
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

/// What a user wants to see first: the late α of each point beside its controls.
fn summary(files: &BTreeMap<String, Vec<u8>>) -> Result<String, Failure> {
    let points = rows(files, "points.csv")?;
    let key = |row: &BTreeMap<String, String>| {
        POINT_COLUMNS.map(|column| row.get(column).cloned().unwrap_or_default())
    };
    let mut order: Vec<[String; POINT_COLUMNS.len()]> = Vec::new();
    let mut cells: BTreeMap<([String; POINT_COLUMNS.len()], usize), String> = BTreeMap::new();
    for row in &points {
        let point = key(row);
        if !order.contains(&point) {
            order.push(point.clone());
        }
        let is = |column: &str, value: &str| row.get(column).is_some_and(|cell| cell == value);
        let published = |treatment| is("estimator", "mohammadi") && is("treatment", treatment);
        let column = if published("published") && is("split", "train") {
            0
        } else if published("published") && is("split", "test") {
            1
        } else if published("gaussian_surrogate") && is("split", "train") {
            2
        } else if is("estimator", "within_coordinate") && is("split", "train") {
            3
        } else {
            continue;
        };
        cells
            .entry((point, column))
            .or_insert_with(|| with_interval(row));
    }
    let shown = order.iter().take(MAX_ROWS).map(|point| {
        let [dataset, architecture, width, depth, batch, rate, loss, ..] = point.clone();
        let cell = |column| {
            cells
                .get(&(point.clone(), column))
                .cloned()
                .unwrap_or_default()
        };
        let name = format!("{dataset} {architecture} {loss}");
        [
            name,
            width,
            depth,
            batch,
            rate,
            cell(0),
            cell(1),
            cell(2),
            cell(3),
        ]
    });
    let header = [
        "point",
        "width",
        "depth",
        "batch",
        "rate",
        "α train",
        "α test",
        "α Gaussian",
        "α within",
    ];
    let mut text = table(header, &[1, 2, 3, 4, 5, 6, 7, 8], shown);
    if order.len() > MAX_ROWS {
        text += &format!(
            "… and {} more points, in points.csv\n",
            order.len() - MAX_ROWS
        );
    }
    text += "\
α train, α test: the paper's estimator, late in training, ± half its 95 % interval.
α Gaussian: what Gaussian noise with the same second moments and zeros would read (train).
α within: tails across minibatches, parameter by parameter (train). report.html explains each.
";
    Ok(text)
}

/// A row of a table: its cells by column.
pub(crate) type Row = BTreeMap<String, String>;

const POINT_COLUMNS: [&str; 9] = [
    "dataset",
    "architecture",
    "width",
    "depth",
    "batch_size",
    "learning_rate",
    "loss",
    "train_limit",
    "test_limit",
];

fn with_interval(row: &BTreeMap<String, String>) -> String {
    let number = |column: &str| row.get(column).and_then(|cell| cell.parse::<f64>().ok());
    match (number("alpha"), number("ci_low"), number("ci_high")) {
        (Some(alpha), Some(low), Some(high)) if high.is_finite() => {
            format!("{alpha:.3} ±{:.3}", (high - low) / 2.0)
        }
        (Some(alpha), _, _) => format!("{alpha:.3}       "),
        _ => row.get("problem").cloned().unwrap_or_default(),
    }
}

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
