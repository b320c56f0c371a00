//! A user before a coordinator: commands, and what they say.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Cluster, Process, succeed, text, until};

/// A sweep of runs of a moment, for each seed one.
pub fn spec(name: &str, seeds: u32, steps: u32, more: &str) -> String {
    format!(
        r#"
version = 1
name = "{name}"
seeds = {seeds}
{more}

[train]
steps = {steps}

[measure]
every = {steps}
minibatches = 4
treatments = ["published"]

[[block]]
dataset = {{ name = "mnist-excerpt", train_limit = 400, test_limit = 200 }}
architecture = "fcn"
width = 4
depth = 2
batch_size = 50
learning_rate = 0.05
"#
    )
}

/// A coordinator, and files for it.
#[derive(Debug)]
pub struct Desk {
    /// The coordinator.
    pub cluster: Cluster,
    files: TempDir,
}

impl Desk {
    /// A coordinator that knows nothing yet.
    pub fn open() -> Self {
        let files = tempfile::tempdir().expect("a folder");
        let cluster = Cluster::start();
        Self { cluster, files }
    }

    /// A sweep file.
    pub fn file(&self, source: &str) -> PathBuf {
        let path = self.files.path().join("sweep.toml");
        fs::write(&path, source).expect("a folder that can be written");
        path
    }

    /// Hands in a sweep.
    pub fn submit(&self, source: &str) {
        self.cluster.submit(&self.file(source));
    }

    /// What a command prints.
    pub fn say(&self, args: &[&str]) -> String {
        succeed(self.cluster.client(args))
    }

    /// A file or folder beside the sweep files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Where the sweep files lie.
    pub fn folder(&self) -> &Path {
        self.files.path()
    }

    /// What a command says that fails with 1.
    pub fn refused(&self, args: &[&str]) -> String {
        let output = self
            .cluster
            .client(args)
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", text(&output));
        assert!(output.stdout.is_empty(), "{args:?} printed on stdout");
        text(&output)
    }

    /// What a command prints as JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.say(args)).expect("JSON")
    }

    /// The runs of the last sweep in a state.
    pub fn runs(&self, state: &str) -> Vec<Value> {
        let mut listed = self.json(&["runs", "--json", "--state", state]);
        let runs = listed["runs"].take();
        serde_json::from_value(runs).expect("a list")
    }

    /// Waits until so many runs are in a state.
    pub fn until(&self, state: &str, count: u64) {
        until(state, || (self.cluster.runs(state) == count).then_some(()));
    }

    /// A worker with one slot.
    pub fn worker(&self, name: &str, more: &[&str]) -> Process {
        let mut worker = self
            .cluster
            .client(["worker", "--slots", "1", "--name", name]);
        worker.args(more);
        Process::start(worker, &self.cluster.log(name))
    }
}
