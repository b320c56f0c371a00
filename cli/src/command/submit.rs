//! `tailsweep submit`

use serde_json::{Value, json};
use tailsweep_proto::wire::SubmitReply;

use super::watch::follow;
use crate::args::SubmitArgs;
use crate::client::{Client, Manner};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::sweep_file::SweepFile;
use crate::terminal;

pub(crate) async fn run(args: SubmitArgs, settings: &Settings) -> Result<(), Failure> {
    if args.finish.on_finish.is_some() && !args.watch {
        return Err(Failure::Usage(
            "error: --on-finish runs where the sweep is waited for: add --watch".to_owned(),
        ));
    }
    let file = SweepFile::read(&args.spec)?.runnable(args.size.max_runs)?;
    let mut client = Client::connect(&settings.coordinator).await?;
    let reply = client.submit(&file, Manner::Beside, &args.said).await?;
    if args.json {
        terminal::print_json(&to_json(&file, &reply))?;
    } else {
        terminal::print(&format!("{}\n", reply.sweep_id))?;
    }
    let known = match (reply.created, reply.known) {
        (false, _) => " (known already)".to_owned(),
        (true, 0) => String::new(),
        (true, known) => format!(" ({known} have a result already)"),
    };
    eprintln!(
        "submitted `{}`: {}{known}",
        file.sweep.name,
        terminal::counted(reply.runs, "run")
    );
    if args.watch {
        follow(&mut client, &reply.sweep_id, false, &args.finish).await?;
    }
    Ok(())
}

/// The documented shape of what became of a sweep that was handed in.
pub(super) fn to_json(file: &SweepFile, reply: &SubmitReply) -> Value {
    json!({
        "version": 1,
        "sweep_id": reply.sweep_id,
        "name": file.sweep.name,
        "runs": reply.runs,
        "created": reply.created,
        "known": reply.known,
    })
}
