//! `tailsweep man`: the command line as man pages.

use std::fs;

use clap::CommandFactory as _;

use crate::args::{Args, ManArgs};
use crate::failure::Failure;

pub(crate) fn run(args: &ManArgs) -> Result<(), Failure> {
    let failed = |problem| {
        Failure::error(format!(
            "can't write to `{}`: {problem}",
            args.out.display()
        ))
    };
    fs::create_dir_all(&args.out).map_err(failed)?;
    clap_mangen::generate_to(Args::command(), &args.out).map_err(failed)?;
    eprintln!("man pages: {}", args.out.display());
    Ok(())
}
