//! `--on-finish`: a command of the user's, once a sweep is over.
//!
//! It runs here, in the shell of who waits for the sweep, and only if it stands on this command
//! line. It is no key of a sweep file and never travels: a file from somebody else, or a
//! coordinator, can't make this machine run anything.

use std::path::Path;
use std::process::{Command, Stdio};

use tailsweep_proto::wire::SweepStatus;

use super::watch::judge;
use crate::args::FinishArgs;

/// Runs the command, if there is one. What becomes of it changes nothing but what is said.
pub(crate) async fn run(args: &FinishArgs, status: &SweepStatus, out: Option<&Path>) {
    let Some(text) = &args.on_finish else {
        return;
    };
    let result = if judge(status).is_ok() {
        "ok"
    } else {
        "failed"
    };
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(text)
        .env("TAILSWEEP_SWEEP_ID", &status.id)
        .env("TAILSWEEP_SWEEP_NAME", &status.name)
        .env("TAILSWEEP_RESULT", result)
        .stdin(Stdio::null())
        // Stdout is for data.
        .stdout(std::io::stderr());
    if let Some(out) = out {
        command.env("TAILSWEEP_OUT", out);
    }
    match tokio::task::spawn_blocking(move || command.status()).await {
        Ok(Ok(ended)) if ended.success() => {}
        Ok(Ok(ended)) => eprintln!("the command of --on-finish ended with {ended}"),
        Ok(Err(problem)) => eprintln!("the command of --on-finish can't start: {problem}"),
        Err(problem) => eprintln!("the command of --on-finish can't be waited for: {problem}"),
    }
}
