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
    for page in fs::read_dir(&args.out).map_err(failed)? {
        let path = page.map_err(failed)?.path();
        let is_ours = |name: &str| name.starts_with("tailsweep") && name.ends_with(".1");
        if path
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(is_ours)
        {
            let page = fs::read_to_string(&path).map_err(failed)?;
            fs::write(&path, with_examples(&page)).map_err(failed)?;
        }
    }
    eprintln!("man pages: {}", args.out.display());
    Ok(())
}

/// What help has at its end is called "extra", and its lines are filled.
fn with_examples(page: &str) -> String {
    let Some((before, extra)) = page.split_once(".SH EXTRA\n") else {
        return page.to_owned();
    };
    let Some((details, rest)) = extra.split_once("Examples:\n") else {
        return page.to_owned();
    };
    let details = match details {
        "" => String::new(),
        details => format!(".SH DETAILS\n{details}"),
    };
    let (examples, after) = rest.split_once("\n.SH").unwrap_or((rest, ""));
    let after = match after {
        "" => String::new(),
        after => format!(".SH{after}"),
    };
    format!("{before}{details}.SH EXAMPLES\n.nf\n{examples}\n.fi\n{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_keep_their_lines() {
        let page = ".SH OPTIONS\nx\n.SH EXTRA\nExamples:\n  tailsweep man\n  tailsweep plan\n.SH VERSION\nv1\n";
        assert_eq!(
            with_examples(page),
            ".SH OPTIONS\nx\n.SH EXAMPLES\n.nf\n  tailsweep man\n  tailsweep plan\n.fi\n.SH VERSION\nv1\n"
        );
        assert_eq!(
            with_examples(".SH EXTRA\nIt is so.\n\nExamples:\n  x\n"),
            ".SH DETAILS\nIt is so.\n\n.SH EXAMPLES\n.nf\n  x\n\n.fi\n"
        );
        assert_eq!(with_examples(".SH NAME\nx\n"), ".SH NAME\nx\n");
    }
}
