//! `tailsweep query`: SQL over the tables of reports, by DataFusion.
//!
//! DataFusion takes minutes to compile, so it comes with the cargo feature `query` alone; without it
//! the command says how to get it.

#[cfg(feature = "query")]
mod answer;
#[cfg(feature = "query")]
mod ask;
#[cfg(feature = "query")]
mod print;
#[cfg(feature = "query")]
mod tables;

#[cfg(feature = "query")]
use std::path::{Path, PathBuf};

#[cfg(feature = "query")]
use tailsweep_report::Choice;

use crate::args::QueryArgs;
#[cfg(feature = "query")]
use crate::client::Client;
use crate::failure::Failure;
#[cfg(feature = "query")]
use crate::report_folder;
use crate::settings::Settings;

#[cfg(feature = "query")]
use print::Form;
#[cfg(feature = "query")]
use tables::Report;

#[cfg(not(feature = "query"))]
pub(crate) async fn run(_: QueryArgs, _: &Settings) -> Result<(), Failure> {
    Err(Failure::Usage(
        "error: this program was built without `query`\n  \
         build one that has it: `cargo build --release -p tailsweep --features query`, some minutes\n  \
         the tables are CSV and Parquet files: docs/tables.md shows DuckDB, pandas, polars and R \
         reading them"
            .to_owned(),
    ))
}

/// A query is not longer, bytes. What it nests in other things is analysed by recursion, so this
/// also bounds the depth of [`STACK`].
#[cfg(feature = "query")]
const LONGEST: usize = 32 << 10;

/// Stack of the thread that analyses a query, bytes; what is not used takes no memory.
#[cfg(feature = "query")]
const STACK: usize = 2 << 30;

#[cfg(feature = "query")]
pub(crate) async fn run(args: QueryArgs, settings: &Settings) -> Result<(), Failure> {
    let sql = match args.sql.as_str() {
        "-" => std::io::read_to_string(std::io::stdin())
            .map_err(|problem| Failure::error(format!("can't read stdin: {problem}")))?,
        _ => args.sql,
    };
    if sql.len() > LONGEST {
        return Err(Failure::Usage(format!(
            "error: the query has {} bytes, more than {LONGEST}",
            sql.len()
        )));
    }
    // The reports of a coordinator lie here while they are read.
    let room = tempfile::tempdir().map_err(Failure::error)?;
    let named = |path: PathBuf| (path.display().to_string(), path);
    let mut reports: Vec<(String, PathBuf)> = args.reports.into_iter().map(named).collect();
    if !args.sweep.is_empty() || reports.is_empty() {
        let last = ["last".to_owned()];
        let sweeps = if args.sweep.is_empty() {
            &last[..]
        } else {
            &args.sweep
        };
        reports.extend(fetch(sweeps, settings, room.path()).await?);
    }
    let reports: Vec<Report> = reports
        .into_iter()
        .map(|(name, path)| Report::read(name, &path))
        .collect::<Result<_, _>>()?;
    let form = match (args.csv, args.json) {
        (true, _) => Form::Csv,
        (_, true) => Form::Json,
        _ => Form::Table,
    };
    let thread = std::thread::Builder::new()
        .name("tailsweep-query".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            // All that the query starts stays on this thread.
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().map_err(Failure::error)?;
            runtime.block_on(async {
                print::print(ask::ask(&sql, tables::of(&reports)?).await?, form).await
            })
        })
        .map_err(Failure::error)?;
    thread
        .join()
        .map_err(|_| Failure::error("the query ended in a panic, told above"))?
}

/// Writes the reports of sweeps below `room`; the id of each, and its folder.
#[cfg(feature = "query")]
async fn fetch(
    sweeps: &[String],
    settings: &Settings,
    room: &Path,
) -> Result<Vec<(String, PathBuf)>, Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    let mut folders = Vec::new();
    for sweep in sweeps {
        let id = client.status(sweep).await?.id;
        let files = client.report(&id, &Choice::default()).await?;
        let folder = room.join(&id);
        report_folder::write(&folder, &files)?;
        folders.push((id, folder));
    }
    Ok(folders)
}
