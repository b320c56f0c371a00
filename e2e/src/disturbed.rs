//! The sweep that faults are tried on, and its report without any.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::{assert_equal_reports, succeed, tailsweep};

/// Eight runs of about a second each.
const SPEC: &str = r#"
version = 1
name = "faults"
seeds = 4

[train]
steps = 5000
sampling = "shuffled"
momentum = 0.5
weight_decay = 1e-4
schedule = { cosine = true }

[measure]
every = 500
iterates = true

[[block]]
dataset = { name = "mnist-excerpt", train_limit = 1000, test_limit = 500 }
architecture = "fcn"
width = [8, 24]
depth = 3
batch_size = 50
learning_rate = 0.05
"#;

/// Its runs.
pub const RUNS: u64 = 8;

/// The sweep file and the report of an undisturbed `tailsweep run`.
pub fn undisturbed() -> &'static (TempDir, PathBuf) {
    static UNDISTURBED: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    UNDISTURBED.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder that can be written");
        let spec = folder.path().join("faults.toml");
        fs::write(&spec, SPEC).expect("a folder that can be written");
        let mut run = tailsweep(["run"]);
        run.arg(&spec)
            .arg("--out")
            .arg(folder.path().join("report"));
        succeed(run);
        (folder, spec)
    })
}

/// Fails if a report is not equal to the undisturbed one.
pub fn assert_undisturbed(report: &Path) {
    assert_equal_reports(report, &undisturbed().0.path().join("report"));
}
