//! `tailsweep gc`

use std::time::Duration;

use serde_json::{Value, json};
use tailsweep_proto::wire;

use crate::args::GcArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal::{self, human_bytes, human_time};

pub(crate) async fn run(args: GcArgs, settings: &Settings) -> Result<(), Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    let policy = wire::CollectRequest {
        idle_ms: args
            .older_than
            .map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
        keep_last: args.keep_last,
        dry_run: args.dry_run,
    };
    let reply = client.collect(policy).await?;
    if args.json {
        let sweeps = reply.sweeps.iter().map(|sweep| {
            json!({
                "id": sweep.id,
                "name": sweep.name,
                "runs": sweep.runs,
                "idle_seconds": sweep.idle_ms / 1000,
            })
        });
        return terminal::print_json(&json!({
            "version": 1,
            "dry_run": args.dry_run,
            "sweeps": sweeps.collect::<Vec<Value>>(),
            "bytes_before": reply.before,
            "bytes_after": reply.after,
        }));
    }
    let rows = reply.sweeps.iter().map(|sweep| {
        [
            sweep.id.get(..12).unwrap_or(&sweep.id).to_owned(),
            sweep.name.clone(),
            sweep.runs.to_string(),
            human_time(Duration::from_millis(sweep.idle_ms)),
        ]
    });
    if !reply.sweeps.is_empty() {
        let header = ["id", "name", "runs", "idle for"];
        terminal::print(&terminal::table(header, &[2, 3], rows))?;
    }
    let (count, before) = (reply.sweeps.len(), human_bytes(reply.before));
    if args.dry_run {
        eprintln!("{count} sweeps would be removed; the state takes {before}");
    } else {
        let after = human_bytes(reply.after);
        eprintln!("{count} sweeps removed; the state took {before} and takes {after}");
    }
    Ok(())
}
