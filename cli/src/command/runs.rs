//! `tailsweep runs`

use serde_json::{Value, json};
use tailsweep_proto::wire::RunStatus;

use crate::args::RunsArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal;

pub(crate) async fn run(args: RunsArgs, settings: &Settings) -> Result<(), Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    // `last` may change its meaning between two pages.
    let sweep = client.status(&args.selector.sweep).await?.id;
    if args.json {
        // A page at a time: there may be millions.
        let mut before = "";
        terminal::print("{\"version\":1,\"runs\":[\n")?;
        client
            .runs(&sweep, &args.state, |runs| {
                let mut text = String::new();
                for run in &runs {
                    text += before;
                    text += &to_json(run).to_string();
                    before = ",\n";
                }
                terminal::print(&text)
            })
            .await?;
        return terminal::print("\n]}\n");
    }
    let mut all = Vec::new();
    client
        .runs(&sweep, &args.state, |runs| {
            all.extend(runs);
            Ok(())
        })
        .await?;
    let rows = all.iter().map(|run| {
        [
            run.id.get(..12).unwrap_or(&run.id).to_owned(),
            run.label.clone(),
            run.state.clone(),
            format!("{}/{}", run.step, run.steps),
            run.attempts.to_string(),
            run.worker.clone(),
            note(run),
        ]
    });
    let header = ["run", "point", "state", "step", "tries", "worker", ""];
    terminal::print(&terminal::table(header, &[3, 4], rows))
}

fn note(run: &RunStatus) -> String {
    let taken_over = run.taken_over.then_some("taken over");
    let reason = Some(run.reason.as_str()).filter(|reason| !reason.is_empty());
    let notes: Vec<&str> = reason.into_iter().chain(taken_over).collect();
    notes.join(", ")
}

/// The documented shape of a run.
pub(crate) fn to_json(run: &RunStatus) -> Value {
    json!({
        "run_id": run.id,
        "label": run.label,
        "state": run.state,
        "reason": (!run.reason.is_empty()).then_some(&run.reason),
        "step": run.step,
        "steps": run.steps,
        "attempts": run.attempts,
        "worker": (!run.worker.is_empty()).then_some(&run.worker),
        "taken_over": run.taken_over,
    })
}
