//! The user's sweep file and the files beside it.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use tailsweep_common::id::BlobId;
use tailsweep_common::sweep::{self, Files, Sweep};

use crate::failure::Failure;

/// A sweep file that was read and found right.
#[derive(Debug)]
pub(crate) struct SweepFile {
    /// As the user wrote it.
    pub(crate) source: String,
    /// What the user calls it.
    pub(crate) path: String,
    /// What it means.
    pub(crate) sweep: Sweep,
    /// Where the files lie that it names.
    folder: PathBuf,
}

/// Files beside the sweep file.
struct Beside<'a>(&'a Path);

impl Files for Beside<'_> {
    fn digest(&self, path: &str) -> Result<BlobId, String> {
        let content = fs::read(self.0.join(path)).map_err(|problem| problem.to_string())?;
        Ok(BlobId::of(&content))
    }
}

impl SweepFile {
    /// Reads and checks a sweep file; `-` is stdin.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let is_stdin = path.as_os_str() == "-";
        let source = if is_stdin {
            io::read_to_string(io::stdin())
        } else {
            read(path)
        };
        let source = source.map_err(|problem| {
            Failure::Usage(format!("error: can't read `{}`: {problem}", path.display()))
        })?;
        let folder = match path.parent() {
            Some(folder) if !is_stdin => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let path = if is_stdin {
            "<stdin>".to_owned()
        } else {
            path.display().to_string()
        };
        let sweep = sweep::parse(&source, &path, &Beside(&folder)).map_err(|problems| {
            let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            Failure::Usage(problems.render(colour))
        })?;
        Ok(Self {
            source,
            path,
            sweep,
            folder,
        })
    }

    /// Refuses what can be planned but not run by this version, and what is larger than meant.
    pub(crate) fn runnable(self, max_runs: usize) -> Result<Self, Failure> {
        let refuse = |reason: String| Failure::Usage(format!("error: {}: {reason}", self.path));
        if let Some(reason) = sweep::unavailable(&self.sweep) {
            return Err(refuse(reason));
        }
        let runs = self.sweep.len();
        if runs > max_runs {
            return Err(refuse(format!(
                "a sweep of {runs} runs; if that is what you mean, say --max-runs {runs}"
            )));
        }
        Ok(self)
    }

    /// The files that it names: path as written, and content.
    pub(crate) fn files(&self) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let content = |path: String| match fs::read(self.folder.join(&path)) {
            Ok(content) => Ok((path, content)),
            Err(problem) => Err(Failure::error(format!("can't read `{path}`: {problem}"))),
        };
        sweep::named_files(&self.source)
            .into_iter()
            .map(content)
            .collect()
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}
