//! `tailsweep completions`

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::failure::Failure;
use crate::terminal;

pub(crate) fn run(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "tailsweep", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))
}
