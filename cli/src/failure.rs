//! How the program ends when not all is well, and the exit code of each way.

use std::fmt::Display;
use std::process::ExitCode;

/// Why a command did not do all that it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// 1: something failed.
    Error(String),
    /// 2: the usage, or the sweep file, is wrong. The text is complete as it is.
    Usage(String),
    /// 3: no coordinator could be reached.
    NoCoordinator(String),
    /// 130: Ctrl-C.
    Interrupted,
}

impl Failure {
    /// Something failed.
    pub(crate) fn error(problem: impl Display) -> Self {
        Self::Error(problem.to_string())
    }

    /// Tells the user, on stderr.
    pub(crate) fn tell(&self) {
        match self {
            Self::Error(text) | Self::NoCoordinator(text) => eprintln!("error: {text}"),
            Self::Usage(text) => eprintln!("{}", text.trim_end()),
            Self::Interrupted => {}
        }
    }

    /// The exit code of the program.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Error(_) => 1,
            Self::Usage(_) => 2,
            Self::NoCoordinator(_) => 3,
            Self::Interrupted => 130,
        })
    }
}
