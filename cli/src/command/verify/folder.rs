//! What a report says of itself: its sweep, the program that made it, and its tables.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use tailsweep_report::Choice;

use crate::failure::Failure;

/// A table of a report is not larger, bytes.
const MAX_TABLE: u64 = 4 << 30;

/// The folder of a report.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The file that tells of the sweep.
    pub(crate) sweep_path: PathBuf,
    pub(crate) sweep_id: String,
    pub(crate) name: String,
    /// The sweep file as it was submitted.
    pub(crate) source: String,
    /// Which estimates it gives.
    pub(crate) choice: Choice,
    /// The version that made the report.
    pub(crate) tailsweep: String,
    /// The number of its arithmetic; reports of early versions don't tell.
    pub(crate) numerics: Option<u32>,
    /// The kinds of machines that computed the accepted results, as far as `manifest.json` tells.
    pub(crate) kinds: BTreeSet<String>,
}

/// `sweep.json`, or `report.json`, which has the tables beside.
#[derive(Deserialize)]
struct Told {
    sweep: ToldSweep,
}

#[derive(Deserialize)]
struct ToldSweep {
    id: String,
    name: String,
    tailsweep: String,
    numerics: Option<u32>,
    #[serde(default)]
    choice: Choice,
    source: String,
}

#[derive(Deserialize)]
struct Manifest {
    runs: Vec<ManifestRun>,
}

#[derive(Deserialize)]
struct ManifestRun {
    attempts: Vec<ManifestAttempt>,
}

#[derive(Deserialize)]
struct ManifestAttempt {
    kind: String,
}

impl Folder {
    /// Reads what `path` says of its sweep.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let usage = |text: String| Failure::Usage(format!("error: {text}"));
        let names = ["sweep.json", "report.json"];
        let sweep_path = names
            .map(|name| path.join(name))
            .into_iter()
            .find(|path| path.is_file())
            .ok_or_else(|| {
                usage(format!(
                    "`{}` is no folder of a report: it has neither `sweep.json` nor `report.json`",
                    path.display()
                ))
            })?;
        let unreadable = |problem: &dyn std::fmt::Display| {
            usage(format!("can't read `{}`: {problem}", sweep_path.display()))
        };
        let content = fs::read(&sweep_path).map_err(|problem| unreadable(&problem))?;
        let Told { sweep } =
            serde_json::from_slice(&content).map_err(|problem| unreadable(&problem))?;
        Ok(Self {
            kinds: kinds(&path.join("manifest.json")),
            path: path.to_owned(),
            sweep_path,
            sweep_id: sweep.id,
            name: sweep.name,
            source: sweep.source,
            choice: sweep.choice,
            tailsweep: sweep.tailsweep,
            numerics: sweep.numerics,
        })
    }

    /// Whether the report has such a table.
    pub(crate) fn has(&self, name: &str) -> bool {
        open(&self.path.join(name)).is_ok()
    }

    /// The bytes of a table; one that lies there packed, as `NAME.gz`, is unpacked.
    pub(crate) fn table(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let path = self.path.join(name);
        let failed = |problem: io::Error| {
            Failure::error(format!("can't read `{}`: {problem}", path.display()))
        };
        let mut content = Vec::new();
        open(&path)
            .and_then(|table| table.take(MAX_TABLE).read_to_end(&mut content))
            .map_err(failed)?;
        Ok(content)
    }
}

/// A table to read from its beginning, plain or packed as `NAME.gz`.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    match fs::File::open(path) {
        Ok(plain) => Ok(Box::new(plain)),
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => {
            let mut packed = path.as_os_str().to_owned();
            packed.push(".gz");
            // The plain file is the one that should be there.
            let packed = fs::File::open(packed).map_err(|_| problem)?;
            Ok(Box::new(MultiGzDecoder::new(packed)))
        }
        Err(problem) => Err(problem),
    }
}

/// The manifest is no part of what is verified: without it, nothing is said of machines.
fn kinds(path: &Path) -> BTreeSet<String> {
    let manifest = fs::read(path).ok();
    let manifest: Option<Manifest> =
        manifest.and_then(|content| serde_json::from_slice(&content).ok());
    let runs = manifest.into_iter().flat_map(|manifest| manifest.runs);
    runs.filter_map(|mut run| run.attempts.pop())
        .map(|attempt| attempt.kind)
        .collect()
}
