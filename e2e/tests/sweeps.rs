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

#[test]
fn every_sweep_of_the_repository_can_be_planned_and_the_small_ones_end_within_half_an_hour() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    sweep_files(&root.join("sweeps"), &mut files);
    assert!(files.len() > 10, "the sweeps have moved: {files:?}");
    for file in files {
        let plan = succeed(tailsweep([Path::new("plan"), &file, Path::new("--json")]));
        let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
        let (runs, seconds) = (&plan["runs"], plan["seconds"].as_f64().unwrap());
        let stem = file.file_stem().unwrap().to_str().unwrap();
        assert_eq!(plan["name"], stem, "a sweep is called like its file");
        assert!(runs.as_u64().unwrap() > 0, "{}", file.display());
        assert!(
            !stem.ends_with("-small") || seconds / 2.0 <= SMALL_SECONDS,
            "{}: {runs} runs, {seconds} s on one core",
            file.display()
        );
    }
}
