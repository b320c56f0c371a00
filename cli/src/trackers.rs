//! The measurements of a report in the file forms of experiment trackers: TensorBoard and MLflow.
//!
//! Both are made of the tables of the report, so that they have its very numbers. A tracker gets
//! the curves that one looks at: losses, accuracies, shares of zeros, norms, and each α over all
//! parameters at the published K₁; ladders over K₁ and layers are in estimates.csv alone. Times of the clock are not
//! in the tables: both get 0, so that equal reports have equal files.

mod mlflow;
mod tensorboard;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::report_folder::{Row, rows};

pub(crate) use mlflow::write as write_mlflow;
pub(crate) use tensorboard::write as write_tensorboard;

/// One run as a tracker sees it.
#[derive(Debug, Default)]
pub(crate) struct Tracked {
    id: String,
    /// For people, unique.
    name: String,
    state: String,
    /// The settings, by column.
    settings: Vec<(String, String)>,
    /// Step, name and value, by step.
    scalars: Vec<(i64, String, f64)>,
}

/// Columns of runs.csv that are no settings.
const NO_SETTINGS: [&str; 8] = [
    "run_id",
    "state",
    "steps",
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    "reason",
];

/// What is told of a measurement.
const MEASURED: [&str; 6] = [
    "loss",
    "accuracy",
    "zero_fraction",
    "noise_norm_mean",
    "noise_norm_max",
    "kurtosis",
];

/// The name of the sweep, and the runs that have measurements.
pub(crate) fn tracked(files: &BTreeMap<String, Vec<u8>>) -> Result<(Sweep, Vec<Tracked>), Failure> {
    let sweep = sweep(files)?;
    let mut order = Vec::new();
    let mut runs: BTreeMap<String, Tracked> = BTreeMap::new();
    for row in rows(files, "runs.csv")? {
        let id = cell(&row, "run_id").to_owned();
        let settings: Vec<(String, String)> = row
            .iter()
            .filter(|(column, value)| !value.is_empty() && !NO_SETTINGS.contains(&column.as_str()))
            .map(|(column, value)| (column.clone(), value.clone()))
            .collect();
        let run = Tracked {
            name: name(&row),
            state: cell(&row, "state").to_owned(),
            id: id.clone(),
            settings,
            scalars: Vec::new(),
        };
        order.push(id.clone());
        runs.insert(id, run);
    }
    let mut add = |row: &Row, name: String, column: &str| {
        let value = cell(row, column).parse::<f64>().ok();
        let step = cell(row, "step").parse::<i64>().ok();
        if let Some(run) = runs.get_mut(cell(row, "run_id"))
            && let (Some(value), Some(step)) = (value.filter(|value| value.is_finite()), step)
        {
            run.scalars.push((step, name, value));
        }
    };
    for row in rows(files, "measurements.csv")? {
        for column in MEASURED {
            add(&row, format!("{}/{column}", cell(&row, "split")), column);
        }
    }
    let estimates = rows(files, "estimates.csv")?;
    let block_lengths = published_block_lengths(&estimates);
    for row in &estimates {
        let of = (cell(row, "run_id"), cell(row, "split"));
        if let Some(name) = alpha(row, block_lengths.get(&of).copied()) {
            add(row, name, "alpha");
        }
    }
    let runs = order.iter().filter_map(|id| runs.remove(id));
    let mut runs: Vec<Tracked> = runs.filter(|run| !run.scalars.is_empty()).collect();
    for run in &mut runs {
        run.scalars.sort_by_key(|(step, _, _)| *step);
    }
    Ok((sweep, runs))
}

/// The sweep of a report.
#[derive(Debug)]
pub(crate) struct Sweep {
    id: String,
    name: String,
}

fn sweep(files: &BTreeMap<String, Vec<u8>>) -> Result<Sweep, Failure> {
    let report = files.get("report.json").map_or(&[][..], Vec::as_slice);
    let report: serde_json::Value = serde_json::from_slice(report)
        .map_err(|problem| Failure::error(format!("can't read report.json: {problem}")))?;
    let text = |key: &str| report["sweep"][key].as_str().unwrap_or_default().to_owned();
    Ok(Sweep {
        id: text("id"),
        name: text("name"),
    })
}

/// The published K₁ of each run and split, from the rows that have no other.
fn published_block_lengths(estimates: &[Row]) -> BTreeMap<(&str, &str), &str> {
    let is_published = |row: &&Row| {
        let has_it = ["published", "gaussian_surrogate"].contains(&cell(row, "treatment"));
        has_it && cell(row, "scope") == "all" && cell(row, "estimator") == "mohammadi"
    };
    let rows = estimates.iter().filter(is_published);
    rows.map(|row| {
        let of = (cell(row, "run_id"), cell(row, "split"));
        (of, cell(row, "k1"))
    })
    .collect()
}

/// What the α of a row is called; `None`: it is one of many, for the tables alone.
fn alpha(row: &Row, published_k1: Option<&str>) -> Option<String> {
    let (estimator, treatment) = (cell(row, "estimator"), cell(row, "treatment"));
    let is_of_ladder = match (estimator, treatment) {
        ("mohammadi", "published_rows") => published_k1 != Some(cell(row, "k1")),
        ("mohammadi" | "local_slope", "permuted") => true,
        _ => false,
    };
    if cell(row, "scope") != "all" || is_of_ladder {
        return None;
    }
    if cell(row, "measured") == "iterate" {
        return Some("alpha/iterate".to_owned());
    }
    let mut name = format!("{}/alpha/{estimator}/{treatment}", cell(row, "split"));
    if estimator == "local_slope" {
        name += &format!("/{}", cell(row, "k1"));
    }
    Some(name)
}

/// `mnist_fcn_w32_d4_b100_lr0.1_nll_momentum=0.9_s0_1a2b3c4d`: safe as the name of a folder.
fn name(row: &Row) -> String {
    let listed = [
        ("", "dataset"),
        ("train", "train_limit"),
        ("test", "test_limit"),
        ("", "architecture"),
        ("w", "width"),
        ("d", "depth"),
        ("b", "batch_size"),
        ("lr", "learning_rate"),
        ("", "loss"),
    ];
    let listed = listed.map(|(sign, column)| (sign.to_owned(), column));
    let own = row.keys().filter_map(|column| {
        let (_, key) = column.rsplit_once('.')?;
        Some((format!("{key}="), column.as_str()))
    });
    let all = listed.into_iter().chain(own);
    let parts = all.chain([("s".to_owned(), "seed")]);
    let parts = parts.filter_map(|(sign, column)| {
        let value = cell(row, column);
        (!value.is_empty()).then(|| sign + &safe(value, 40))
    });
    let id = cell(row, "run_id");
    let settings = safe(&parts.collect::<Vec<_>>().join("_"), 200);
    format!("{settings}_{}", id.get(..8).unwrap_or(id))
}

/// At most so many letters, all of which the name of a file may have.
fn safe(text: &str, letters: usize) -> String {
    let is_safe = |letter: char| letter.is_ascii_alphanumeric() || "-.=_".contains(letter);
    text.chars()
        .take(letters)
        .map(|letter| if is_safe(letter) { letter } else { '-' })
        .collect()
}

fn cell<'r>(row: &'r Row, column: &str) -> &'r str {
    row.get(column).map_or("", String::as_str)
}

/// Writes a file and the folders above it.
fn write_file(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let failed = |problem| Failure::error(format!("can't write `{}`: {problem}", path.display()));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, content).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report of two runs, one of them without measurements.
    pub(super) fn report() -> BTreeMap<String, Vec<u8>> {
        let files = [
            (
                "report.json",
                r#"{"sweep": {"id": "00ff00ff00ff00ff00ff00ff00ff00ff", "name": "tiny: 1"}}"#,
            ),
            (
                "runs.csv",
                "run_id,dataset,architecture,width,depth,learning_rate,seed,state,steps,reason,train.momentum\n\
                 0123456789abcdef0123456789abcdef,mnist,fcn,4,2,0.1,0,done,20,,0.9\n\
                 f123456789abcdef0123456789abcdef,mnist,fcn,8,2,0.1,0,waiting,,,0.9\n",
            ),
            (
                "measurements.csv",
                "run_id,step,split,loss,accuracy\n\
                 0123456789abcdef0123456789abcdef,0,train,2.5,0.125\n\
                 0123456789abcdef0123456789abcdef,20,train,0.5,\n",
            ),
            (
                "estimates.csv",
                "run_id,step,split,scope,estimator,treatment,k1,alpha,measured\n\
                 0123456789abcdef0123456789abcdef,0,train,all,mohammadi,published,480,1.25,gradient_noise\n\
                 0123456789abcdef0123456789abcdef,0,train,all,mohammadi,published_rows,480,1.375,gradient_noise\n\
                 0123456789abcdef0123456789abcdef,0,train,all,mohammadi,published_rows,2,1.5,gradient_noise\n\
                 0123456789abcdef0123456789abcdef,0,train,all,mohammadi,permuted,2,1.5,gradient_noise\n\
                 0123456789abcdef0123456789abcdef,0,train,fc.0.weight,mohammadi,zeros_dropped,16,1.5,gradient_noise\n\
                 0123456789abcdef0123456789abcdef,0,train,all,local_slope,paired,2,1.75,gradient_noise\n\
                 0123456789abcdef0123456789abcdef,20,train,all,mohammadi,published,480,,gradient_noise\n",
            ),
        ];
        files
            .map(|(name, content)| (name.to_owned(), content.as_bytes().to_vec()))
            .into()
    }

    #[test]
    fn a_tracker_gets_the_curves_of_measured_runs() {
        let (sweep, runs) = tracked(&report()).unwrap();
        assert_eq!(sweep.name, "tiny: 1");
        assert_eq!(runs.len(), 1);
        assert_eq!(
            runs[0].name,
            "mnist_fcn_w4_d2_lr0.1_momentum=0.9_s0_01234567"
        );
        let told: Vec<(i64, &str, f64)> = runs[0]
            .scalars
            .iter()
            .map(|(step, name, value)| (*step, name.as_str(), *value))
            .collect();
        assert_eq!(
            told,
            [
                (0, "train/loss", 2.5),
                (0, "train/accuracy", 0.125),
                (0, "train/alpha/mohammadi/published", 1.25),
                (0, "train/alpha/mohammadi/published_rows", 1.375),
                (0, "train/alpha/local_slope/paired/2", 1.75),
                (20, "train/loss", 0.5),
            ]
        );
        let settings = &runs[0].settings;
        assert!(settings.contains(&("train.momentum".to_owned(), "0.9".to_owned())));
        assert!(settings.contains(&("width".to_owned(), "4".to_owned())));
        assert!(!settings.iter().any(|(column, _)| column == "steps"));
    }
}
