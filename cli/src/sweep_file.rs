//! The user's sweep file and the files beside it.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tailsweep_common::id::BlobId;
use tailsweep_common::run::NetworkPoint;
use tailsweep_common::sweep::{self, Files, Sweep};

use crate::args::SpecArgs;
use crate::failure::Failure;
use crate::terminal;

/// No sweep file is larger, bytes.
const MAX_SOURCE: u64 = 8 << 20;

/// A sweep file that was read and found right.
#[derive(Debug)]
pub(crate) struct SweepFile {
    /// As the user wrote it, with the values of `--set` in it.
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
    fn content(&self, path: &str) -> Result<Cow<'_, [u8]>, String> {
        let content = read_regular(&self.0.join(path)).map_err(|problem| problem.to_string())?;
        Ok(Cow::Owned(content))
    }

    fn check_weights(&self, network: &NetworkPoint, content: &[u8]) -> Result<(), String> {
        tailsweep_worker::check_weights(network, content).map_err(|problem| problem.to_string())
    }
}

impl SweepFile {
    /// Reads and checks a sweep file with what is different in it; `-` is stdin.
    pub(crate) fn read(SpecArgs { spec: path, set }: &SpecArgs) -> Result<Self, Failure> {
        let is_stdin = path.as_os_str() == "-";
        let shown = if is_stdin {
            "<stdin>".to_owned()
        } else {
            path.display().to_string()
        };
        let content = if is_stdin {
            read_bounded(io::stdin().lock())
        } else {
            fs::File::open(path).and_then(read_bounded)
        };
        let content = content
            .map_err(|problem| Failure::Usage(format!("error: can't read `{shown}`: {problem}")))?;
        let source = text(&shown, content)?;
        let folder = match path.parent() {
            Some(folder) if !is_stdin => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        Self::of_source(source, shown, set, folder)
    }

    /// The sweep file that a report tells of, which names files in `folder`.
    pub(crate) fn of_report(source: String, shown: String, folder: &Path) -> Result<Self, Failure> {
        Self::of_source(source, shown, &[], folder.to_owned())
    }

    fn of_source(
        source: String,
        shown: String,
        set: &[String],
        folder: PathBuf,
    ) -> Result<Self, Failure> {
        let read = sweep::parse_with(&source, &shown, set, &Beside(&folder));
        let (source, sweep) =
            read.map_err(|problems| Failure::Usage(problems.render(terminal::colours())))?;
        Ok(Self {
            source,
            path: shown,
            sweep,
            folder,
        })
    }

    /// Refuses what is larger than meant.
    pub(crate) fn runnable(self, max_runs: usize) -> Result<Self, Failure> {
        let runs = self.sweep.len();
        if runs <= max_runs {
            return Ok(self);
        }
        let help = format!("if that is what you mean, say --max-runs {runs}");
        let problems = sweep::too_large(&self.source, &self.path, runs, &help);
        Err(Failure::Usage(problems.render(terminal::colours())))
    }

    /// The files that it names: path as written, and content.
    pub(crate) fn files(&self) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let content = |(path, _): &(String, BlobId)| match read_regular(&self.folder.join(path)) {
            Ok(content) => Ok((path.clone(), content)),
            Err(problem) => Err(Failure::error(format!("can't read `{path}`: {problem}"))),
        };
        self.sweep.files.iter().map(content).collect()
    }
}

/// A file that ends: what never does, such as a device, is refused.
fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    fs::read(path)
}

fn read_bounded(file: impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(MAX_SOURCE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_SOURCE {
        let problem = format!("it is larger than any sweep file ({MAX_SOURCE} bytes)");
        return Err(io::Error::other(problem));
    }
    Ok(content)
}

/// The text of a file; where it is none, the place is shown.
fn text(path: &str, content: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(content).map_err(|problem| {
        let valid = &problem.as_bytes()[..problem.utf8_error().valid_up_to()];
        let before = String::from_utf8_lossy(valid);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        Failure::Usage(format!(
            "error: the file is not text in UTF-8\n --> {path}:{line}:{column}\n  = help: save it \
             as UTF-8"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_shown_with_their_place() {
        let Err(Failure::Usage(said)) = text("a.toml", b"x = 1\ny\xC3\xA9 = \xFF".to_vec()) else {
            panic!("taken for text");
        };
        assert!(said.contains("a.toml:2:6"), "{said}");
    }

    #[test]
    fn a_file_without_end_is_refused() {
        let endless = io::repeat(b'#');
        assert!(read_bounded(endless).is_err());
    }
}
