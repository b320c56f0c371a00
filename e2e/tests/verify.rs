//! `verify`: an honest report is confirmed, a changed digit is found, and what stands in the way
//! is named.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;

use serde_json::Value;
use tailsweep_e2e::{Cluster, succeed, tailsweep, text};
use tempfile::TempDir;

/// One block of each kind of run.
const SPEC: &str = r#"
version = 1
name = "verified"
seeds = 2

[train]
steps = 20

[measure]
every = 10
treatments = ["published", "published_rows", "zeros_dropped", "standardised", "standardised_permuted", "paired"]

[levy_sde]
alpha = 1.5
epsilon = 1
paths = 200
potential = "double_well"

[[block]]
dataset = { name = "mnist-excerpt", train_limit = 400, test_limit = 100 }
architecture = "fcn"
width = [4, 6]
depth = 3
batch_size = 20
learning_rate = 0.1

[[block]]
architecture = "synthetic"
"synthetic.law" = "laplace"
"synthetic.params" = 200

[[block]]
architecture = "levy_sde"
"levy_sde.a" = 1
"#;

/// A report of a sweep file, and the folder that it lies in.
fn report_of(spec: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("verified.toml");
    fs::write(&file, spec).unwrap();
    let report = folder.path().join("report");
    succeed(tailsweep([
        Path::new("run"),
        &file,
        Path::new("--out"),
        &report,
    ]));
    (folder, report)
}

/// A report that was made once, and is never changed.
fn honest() -> &'static Path {
    static REPORT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    &REPORT.get_or_init(|| report_of(SPEC)).1
}

#[test]
fn a_report_of_chosen_estimates_is_confirmed_and_tampering_found() {
    let folder = tempfile::tempdir().unwrap();
    let chosen = folder.path().join("chosen");
    let mut report = tailsweep(["report", "--k1", "16"]);
    report.args(["--estimators", "mohammadi,within_coordinate"]);
    report.arg("--state").arg(honest().join("state"));
    succeed({
        report.arg("--out").arg(&chosen);
        report
    });
    let output = verify(&chosen, &["--runs", "2"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    tamper(&chosen, "points.csv", "alpha");
    assert_eq!(verify(&chosen, &["--runs", "1"]).status.code(), Some(1));
}

/// A copy of it without its state.
fn copy() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(honest()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    copy
}

fn verify(report: &Path, more: &[&str]) -> Output {
    let mut command = tailsweep(["verify"]);
    command.arg(report).args(more).output().unwrap()
}

fn verify_json(report: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let output = verify(report, &[&["--json"], more].concat());
    let printed = serde_json::from_slice(&output.stdout);
    (output.status.code(), printed.unwrap())
}

/// Puts one number in the place of another one, in a cell of the second row that has any.
fn tamper(report: &Path, table: &str, column: &str) -> u64 {
    let path = report.join(table);
    let content = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<Vec<String>> = content
        .lines()
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect();
    let column = lines[0].iter().position(|name| name == column).unwrap();
    let line = (1..lines.len())
        .filter(|line| lines[*line][column].contains('.'))
        .nth(1)
        .unwrap();
    let cell = &mut lines[line][column];
    let last = if cell.ends_with('7') { '8' } else { '7' };
    cell.pop();
    cell.push(last);
    let lines: Vec<String> = lines.iter().map(|cells| cells.join(",")).collect();
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    line as u64 + 1
}

#[test]
fn an_honest_report_of_every_kind_of_run_is_confirmed() {
    let (code, said) = verify_json(honest(), &["--runs", "100"]);
    assert_eq!((code, &said["equal"]), (Some(0), &Value::Bool(true)));
    assert_eq!(said["computed"].as_array().unwrap().len(), 8);
    let files: Vec<&str> = said["compared"]
        .as_array()
        .unwrap()
        .iter()
        .map(|table| table["file"].as_str().unwrap())
        .collect();
    let all = [
        "runs.csv",
        "measurements.csv",
        "estimates.csv",
        "exits.csv",
        "transitions.csv",
        "points.csv",
        "decomposition.csv",
        "calibration.csv",
    ];
    assert_eq!(files, all);
    for table in said["compared"].as_array().unwrap() {
        assert!(table["rows"].as_u64().unwrap() > 0, "{table}");
        assert_eq!(table["rows"], table["of"], "{table}");
    }
}

#[test]
fn points_follow_from_the_estimates_whichever_runs_are_computed() {
    // The first run alone, which is one of two of its point.
    let few = ["--runs", "1"];
    for (table, column) in [
        ("points.csv", "ci_low"),
        ("decomposition.csv", "value"),
        ("calibration.csv", "alpha_sd"),
    ] {
        let report = copy();
        let line = tamper(report.path(), table, column);
        let (code, said) = verify_json(report.path(), &few);
        assert_eq!(code, Some(1), "{table}");
        assert_eq!(said["different_rows"], 1);
        assert_eq!(said["difference"]["file"], table);
        assert_eq!(said["difference"]["column"], column);
        assert_eq!(said["difference"]["line"], line);
        let output = verify(report.path(), &few);
        let wanted = format!("{table} of `verified` does not follow from its own estimates");
        assert!(text(&output).contains(&wanted), "{}", text(&output));
    }

    let (_, said) = verify_json(honest(), &few);
    let compared = said["compared"].as_array().unwrap();
    let of = |file: &str| compared.iter().find(|table| table["file"] == file).unwrap();
    assert_eq!(of("points.csv")["rows"], of("points.csv")["of"]);
    assert_eq!(
        (&of("runs.csv")["rows"], &of("runs.csv")["of"]),
        (&1.into(), &8.into())
    );
    let output = verify(honest(), &few);
    assert!(text(&output).contains("not compared"), "{}", text(&output));
}

#[test]
fn points_of_a_single_seed_keep_the_intervals_of_its_measurements() {
    let (_folder, report) = report_of(&SPEC.replace("seeds = 2", "seeds = 1"));
    let points = fs::read_to_string(report.join("points.csv")).unwrap();
    let with_interval = |line: &&str| line.contains(",train,within_coordinate,paired,");
    assert!(points.lines().any(|line| with_interval(&line)));
    let (code, said) = verify_json(&report, &["--runs", "1"]);
    assert_eq!((code, &said["difference"]), (Some(0), &Value::Null));
}

#[test]
fn a_few_runs_are_chosen_by_itself_or_one_by_name() {
    let (_, said) = verify_json(honest(), &[]);
    assert_eq!(said["computed"].as_array().unwrap().len(), 3);
    assert_eq!(said["runs"], 8);
    let id = said["computed"][1].as_str().unwrap();
    let (_, said) = verify_json(honest(), &["--run", &id[..12]]);
    assert_eq!(said["computed"][0], id);
}

#[test]
fn a_changed_digit_is_found_in_every_table() {
    for (table, column) in [
        ("measurements.csv", "loss"),
        ("estimates.csv", "alpha"),
        ("points.csv", "alpha"),
        ("exits.csv", "mean_exit_time"),
    ] {
        let report = copy();
        let line = tamper(report.path(), table, column);
        let (code, said) = verify_json(report.path(), &["--runs", "100"]);
        assert_eq!(code, Some(1), "{table}");
        let difference = &said["difference"];
        assert_eq!(difference["file"], table);
        assert_eq!(difference["column"], column);
        assert_eq!(difference["line"], line);
        assert_ne!(difference["report"], difference["computed"]);
    }
}

#[test]
fn a_run_that_was_left_out_is_missed_before_anything_is_computed() {
    let report = copy();
    let path = report.path().join("runs.csv");
    let content = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = content.lines().collect();
    fs::write(&path, [&lines[..3], &lines[4..]].concat().join("\n") + "\n").unwrap();
    let output = verify(report.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("runs.csv, line 4"),
        "{}",
        text(&output)
    );
}

#[test]
fn a_packed_table_is_read_like_a_plain_one() {
    let report = copy();
    let path = report.path().join("estimates.csv");
    let mut gzip = std::process::Command::new("gzip");
    assert!(gzip.arg("-n").arg(&path).status().unwrap().success());
    assert!(!path.exists());
    assert_eq!(verify(report.path(), &[]).status.code(), Some(0));
}

#[test]
fn other_arithmetic_and_a_changed_sweep_file_are_named() {
    let report = copy();
    let path = report.path().join("sweep.json");
    let content = fs::read_to_string(&path).unwrap();
    let mut sweep: Value = serde_json::from_str(&content).unwrap();
    let numerics = sweep["sweep"]["numerics"].as_u64().unwrap();
    sweep["sweep"]["numerics"] = (numerics - 1).into();
    fs::write(&path, sweep.to_string()).unwrap();
    let output = verify(report.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("arithmetic"), "{}", text(&output));

    fs::write(&path, content.replace("steps = 20", "steps = 21")).unwrap();
    let output = verify(report.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("it was changed"),
        "{}",
        text(&output)
    );
}

#[test]
fn what_is_no_report_or_no_run_of_it_is_bad_usage() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(verify(empty.path(), &[]).status.code(), Some(2));
    let output = verify(honest(), &["--run", "zz"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("no run `zz`"), "{}", text(&output));
    let both = verify(honest(), &["--run", "a", "--runs", "2"]);
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn a_missing_data_set_is_named_with_what_to_fetch() {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("sweep.toml");
    let mnist = SPEC.replace("\"mnist-excerpt\"", "\"mnist\"");
    fs::write(&spec, mnist).unwrap();
    let cluster = Cluster::start();
    cluster.submit(&spec);
    let report = cluster.report();
    let none = verify(&report, &[]);
    assert_eq!(none.status.code(), Some(2), "no run has a result");

    // As if its runs had been computed, where the data are.
    let runs = fs::read_to_string(report.join("runs.csv")).unwrap();
    fs::write(report.join("runs.csv"), runs.replace("waiting", "done")).unwrap();
    let data = folder.path().to_str().unwrap();
    let output = verify(&report, &["--data-dir", data]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output);
    assert!(said.contains("tailsweep data fetch mnist"), "{said}");
}
