//! The sweeps that come with the program can be planned, and the small ones are small.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs;
use std::path::{Path, PathBuf};

use tailsweep_e2e::{succeed, tailsweep};

/// What a small sweep may take on two cores.
const SMALL_SECONDS: f64 = 30.0 * 60.0;

fn sweep_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sweep_files(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            found.push(path);
        }
    }
}

/// All sweep files, and the root of the repository.
fn all_sweeps() -> (PathBuf, Vec<PathBuf>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    sweep_files(&root.join("sweeps"), &mut files);
    files.sort();
    (root.to_owned(), files)
}

fn stem(file: &Path) -> &str {
    file.file_stem().unwrap().to_str().unwrap()
}

#[test]
fn every_sweep_of_the_repository_can_be_planned_and_the_small_ones_end_within_half_an_hour() {
    let (_, files) = all_sweeps();
    assert!(files.len() > 30, "the sweeps have moved: {files:?}");
    for file in files {
        let plan = succeed(tailsweep([Path::new("plan"), &file, Path::new("--json")]));
        let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
        let (runs, seconds) = (&plan["runs"], plan["seconds"].as_f64().unwrap());
        let stem = stem(&file);
        assert_eq!(plan["name"], stem, "a sweep is called like its file");
        assert!(runs.as_u64().unwrap() > 0, "{}", file.display());
        assert!(
            !stem.ends_with("-small") || seconds / 2.0 <= SMALL_SECONDS,
            "{}: {runs} runs, {seconds} s on one core",
            file.display()
        );
    }
}

#[test]
fn every_sweep_has_a_version_for_two_cores_and_the_results_are_made_of_these() {
    let (root, files) = all_sweeps();
    let stems: Vec<&str> = files.iter().map(|file| stem(file)).collect();
    let mut small: Vec<&str> = Vec::new();
    for name in &stems {
        if name.ends_with("-small") {
            small.push(name);
        } else if *name != "quickstart" {
            let wanted = format!("{name}-small");
            assert!(stems.contains(&wanted.as_str()), "{wanted} is missing");
        }
    }
    small.sort_unstable();
    let script = fs::read_to_string(root.join("docs/results/run")).unwrap();
    let page = fs::read_to_string(root.join("docs/results/README.md")).unwrap();
    let order = script.split("order=(").nth(1).unwrap();
    let mut order: Vec<&str> = order
        .split(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    order.sort_unstable();
    assert_eq!(order, small, "docs/results/run");
    for name in small {
        assert!(page.contains(&format!("`{name}`")), "{name} in the page");
    }
}

/// A sweep file but for its comments, which may be put in better words after it has run.
fn without_remarks(file: &str) -> String {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_results_are_of_the_small_sweeps_as_they_stand_here() {
    let (root, files) = all_sweeps();
    let results = root.join("docs/results");
    let small = files.iter().filter(|file| stem(file).ends_with("-small"));
    for file in small {
        let folder = results.join(stem(file));
        let sweep = fs::read_to_string(folder.join("sweep.json")).unwrap();
        let sweep: serde_json::Value = serde_json::from_str(&sweep).unwrap();
        assert_eq!(
            without_remarks(sweep["sweep"]["source"].as_str().unwrap()),
            without_remarks(&fs::read_to_string(file).unwrap()),
            "docs/results/{} is of another sweep",
            stem(file)
        );
        for kept in ["report.html", "runs.csv", "estimates.csv.gz"] {
            let kept = folder.join(kept);
            assert!(kept.is_file(), "{} is missing", kept.display());
        }
        // The short paper is the page of its sweep.
        let page = stem(file).replace("what-alpha-measures-small", "what-alpha-measures");
        let page = fs::read_to_string(results.join(page + ".md")).unwrap();
        assert!(page.contains(&format!("docs/results/run {}", stem(file))));
        let made_by = format!(
            "tailsweep {}, arithmetic {}",
            sweep["sweep"]["tailsweep"].as_str().unwrap(),
            sweep["sweep"]["numerics"]
        );
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(page.contains(&made_by), "{}: {made_by}", stem(file));
    }
}
