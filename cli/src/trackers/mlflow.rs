//! The folder of MLflow's file store (`mlruns`): an experiment for the sweep, a run for each run.
//!
//! ```text
//! DIR/EXPERIMENT/meta.yaml
//! DIR/EXPERIMENT/RUN/meta.yaml · params/KEY · tags/KEY · metrics/NAME · artifacts/
//! ```
//!
//! A metric has a line `time value step` for each measured step. Source: `mlflow.store.tracking.
//! file_store` of MLflow 2 and 3.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Sweep, Tracked, tracked, write_file};
use crate::failure::Failure;

/// Writes a folder that `mlflow ui --backend-store-uri` reads; older files of the same runs are
/// replaced. The number of runs in it.
pub(crate) fn write(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<usize, Failure> {
    let (sweep, runs) = tracked(files)?;
    let experiment = experiment(&sweep);
    let home = std::path::absolute(folder)
        .map_err(Failure::error)?
        .join(&experiment);
    let meta = yaml(&[
        (
            "artifact_location",
            Scalar::Text(&home.display().to_string()),
        ),
        ("creation_time", Scalar::Whole(0)),
        ("experiment_id", Scalar::Text(&experiment)),
        ("last_update_time", Scalar::Whole(0)),
        ("lifecycle_stage", Scalar::Text("active")),
        (
            "name",
            Scalar::Text(&format!(
                "{} {}",
                sweep.name,
                sweep.id.get(..8).unwrap_or_default()
            )),
        ),
    ]);
    write_file(&home.join("meta.yaml"), meta.as_bytes())?;
    for run in &runs {
        write_run(&home, &experiment, run)?;
    }
    Ok(runs.len())
}

/// MLflow wants digits.
fn experiment(sweep: &Sweep) -> String {
    let digits = sweep.id.get(..15).unwrap_or_default();
    u64::from_str_radix(digits, 16)
        .unwrap_or_default()
        .to_string()
}

fn write_run(home: &Path, experiment: &str, run: &Tracked) -> Result<(), Failure> {
    let folder = home.join(&run.id);
    let artifacts = folder.join("artifacts");
    let status = match run.state.as_str() {
        "running" => 1,
        "waiting" => 2,
        "failed" => 4,
        "cancelled" => 5,
        _ => 3,
    };
    let meta = yaml(&[
        (
            "artifact_uri",
            Scalar::Text(&artifacts.display().to_string()),
        ),
        ("end_time", Scalar::Whole(0)),
        ("entry_point_name", Scalar::Text("")),
        ("experiment_id", Scalar::Text(experiment)),
        ("lifecycle_stage", Scalar::Text("active")),
        ("run_id", Scalar::Text(&run.id)),
        ("run_name", Scalar::Text(&run.name)),
        ("run_uuid", Scalar::Text(&run.id)),
        ("source_name", Scalar::Text("")),
        ("source_type", Scalar::Whole(4)),
        ("source_version", Scalar::Text("")),
        ("start_time", Scalar::Whole(0)),
        ("status", Scalar::Whole(status)),
        ("tags", Scalar::NoneOfMany),
        ("user_id", Scalar::Text("tailsweep")),
    ]);
    write_file(&folder.join("meta.yaml"), meta.as_bytes())?;
    std::fs::create_dir_all(&artifacts).map_err(Failure::error)?;
    let tags = [
        ("mlflow.runName", &run.name),
        ("tailsweep.state", &run.state),
    ];
    for (key, value) in tags {
        write_file(&folder.join("tags").join(key), value.as_bytes())?;
    }
    for (key, value) in &run.settings {
        write_file(&folder.join("params").join(key), value.as_bytes())?;
    }
    let mut metrics: BTreeMap<&str, String> = BTreeMap::new();
    for (step, name, value) in &run.scalars {
        *metrics.entry(name).or_default() += &format!("0 {value} {step}\n");
    }
    for (name, lines) in metrics {
        let path: PathBuf = name.split('/').collect();
        write_file(&folder.join("metrics").join(path), lines.as_bytes())?;
    }
    Ok(())
}

enum Scalar<'a> {
    Text(&'a str),
    Whole(i64),
    /// An empty list.
    NoneOfMany,
}

/// Lines of YAML. A text in JSON is one in YAML 1.2, too.
fn yaml(lines: &[(&str, Scalar<'_>)]) -> String {
    let value = |scalar: &Scalar<'_>| match scalar {
        Scalar::Text(text) => serde_json::Value::from(*text).to_string(),
        Scalar::Whole(whole) => whole.to_string(),
        Scalar::NoneOfMany => "[]".to_owned(),
    };
    lines
        .iter()
        .map(|(key, scalar)| format!("{key}: {}\n", value(scalar)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_sweep_is_an_experiment_with_its_runs() {
        let folder = tempfile::tempdir().unwrap();
        let files = super::super::tests::report();
        assert_eq!(write(folder.path(), &files).unwrap(), 1);
        let home = folder.path().join(0x000f_f00f_f00f_f00f_u64.to_string());
        let read = |path: &str| fs::read_to_string(home.join(path)).unwrap();
        let meta = read("meta.yaml");
        assert!(meta.contains("name: \"tiny: 1 00ff00ff\"\n"), "{meta}");
        let run = "0123456789abcdef0123456789abcdef";
        assert!(read(&format!("{run}/meta.yaml")).contains("status: 3\n"));
        assert_eq!(read(&format!("{run}/params/train.momentum")), "0.9");
        assert_eq!(
            read(&format!("{run}/metrics/train/loss")),
            "0 2.5 0\n0 0.5 20\n"
        );
        assert_eq!(
            read(&format!("{run}/metrics/train/alpha/mohammadi/published")),
            "0 1.25 0\n"
        );
    }
}
