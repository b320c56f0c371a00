//! `tailsweep report`

use std::collections::BTreeMap;
use std::path::Path;

use tailsweep_report::Choice;

use super::run::Home;
use crate::args::ReportArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::report_folder;
use crate::settings::{Settings, folder_of_state};
use crate::terminal::counted;
use crate::trackers;

pub(crate) async fn run(args: ReportArgs, settings: &Settings) -> Result<(), Failure> {
    let choice = Choice {
        k1: args.k1,
        estimators: args.estimators,
    };
    let sweep = &args.selector.sweep;
    let files = match &args.state {
        Some(state) => from_state(state, sweep, &choice, settings).await?,
        None => {
            let mut client = Client::connect(&settings.coordinator).await?;
            client.report(sweep, &choice).await?
        }
    };
    report_folder::write(&args.out, &files)?;
    if let Some(folder) = &args.tensorboard {
        let runs = trackers::write_tensorboard(folder, &files)?;
        eprintln!(
            "TensorBoard: {} in {}",
            counted(runs, "run"),
            folder.display()
        );
    }
    if let Some(folder) = &args.mlflow {
        let runs = trackers::write_mlflow(folder, &files)?;
        eprintln!("MLflow: {} in {}", counted(runs, "run"), folder.display());
    }
    report_folder::tell(&args.out, &files, args.json)
}

/// From a folder that no coordinator uses now.
async fn from_state(
    state: &Path,
    sweep: &str,
    choice: &Choice,
    settings: &Settings,
) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    folder_of_state(&state.to_string_lossy())
        .map_err(|problem| Failure::Usage(format!("error: {problem}")))?;
    // A coordinator would make a folder that is not there.
    if !state.join("tailsweep.db").is_file() {
        return Err(Failure::error(format!(
            "`{}` is no folder of state; that of `tailsweep run --out DIR` is `DIR/state`",
            state.display()
        )));
    }
    // Who made it there, on whatever file system, insisted then.
    let home = Home::open_to_ask(state.to_owned(), settings)?;
    let mut client = home.client.clone();
    let files = client.report(sweep, choice).await;
    home.close().await;
    files
}
