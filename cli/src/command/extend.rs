//! `tailsweep extend`

use super::submit::to_json;
use super::watch::follow;
use crate::args::ExtendArgs;
use crate::client::{Client, Manner};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::sweep_file::SweepFile;
use crate::terminal;

pub(crate) async fn run(args: ExtendArgs, settings: &Settings) -> Result<(), Failure> {
    let file = SweepFile::read(&args.spec)?.runnable(args.size.max_runs)?;
    let mut client = Client::connect(&settings.coordinator).await?;
    let reply = client
        .submit(&file, Manner::Extending(&args.sweep), &args.said)
        .await?;
    if args.json {
        terminal::print_json(&to_json(&file, &reply))?;
    } else {
        terminal::print(&format!("{}\n", reply.sweep_id))?;
    }
    eprintln!(
        "extended to `{}`: {}, {} with a result already",
        file.sweep.name,
        terminal::counted(reply.runs, "run"),
        reply.known
    );
    if args.watch {
        follow(&mut client, &reply.sweep_id, false, &args.finish).await?;
    }
    Ok(())
}
