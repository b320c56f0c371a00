//! `tailsweep plan --diff`: what a sweep file would add to a sweep, and what it lacks of it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tailsweep_common::run::Run;
use tailsweep_common::sweep::Sweep;
use tailsweep_proto::wire::RunStatus;

use super::{FIRST, run_json, runs_table};
use crate::args::PlanArgs;
use crate::client::Client;
use crate::command::runs;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::sweep_file::SweepFile;
use crate::terminal::{self, counted, human_time};

/// A file against a sweep, run by run.
struct Diff<'f> {
    /// The sweep's id and name.
    against: (String, String),
    file: &'f Sweep,
    settings: &'f Settings,
    added: Vec<Run>,
    removed: Vec<RunStatus>,
}

pub(super) async fn run(
    args: &PlanArgs,
    selector: &str,
    settings: &Settings,
    file: &SweepFile,
) -> Result<(), Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    let status = client.status(selector).await?;
    let mut known = Vec::new();
    client
        .runs(&status.id, &[], |runs| {
            known.extend(runs);
            Ok(())
        })
        .await?;
    let mut left: BTreeSet<String> = known.iter().map(|run| run.id.clone()).collect();
    let is_new = |run: &Run| !left.remove(&run.id().to_string());
    let added = file.sweep.runs().filter(is_new).collect();
    known.retain(|run| left.contains(&run.id));
    let diff = Diff {
        against: (status.id, status.name),
        file: &file.sweep,
        settings,
        added,
        removed: known,
    };
    if args.json {
        terminal::print_json(&diff.to_json())
    } else {
        terminal::print(&diff.to_text())
    }
}

impl Diff<'_> {
    fn in_both(&self) -> usize {
        self.file.len() - self.added.len()
    }

    /// Predicted seconds on one core of what is new.
    fn seconds(&self) -> f64 {
        self.added
            .iter()
            .map(|run| self.settings.predict(&run.point).seconds)
            .sum()
    }

    fn to_text(&self) -> String {
        let (id, name) = &self.against;
        let mut text = format!(
            "{}: {}; {} of them are in `{name}` ({}), {} are new, {} of it are not in this \
             file\n",
            self.file.name,
            counted(self.file.len(), "run"),
            self.in_both(),
            id.get(..12).unwrap_or(id),
            self.added.len(),
            self.removed.len(),
        );
        if !self.added.is_empty() {
            let time = Duration::try_from_secs_f64(self.seconds()).unwrap_or(Duration::MAX);
            text += &format!("\nnew, about {} on one core:\n", human_time(time));
            let runs = self.added.iter().take(FIRST).cloned();
            let points = self.added.iter().map(|run| &*run.point);
            text += &runs_table(&self.file.own_axes, points, runs, self.settings);
            text += &more(self.added.len());
            text += &super::whose_times(self.settings);
        }
        if !self.removed.is_empty() {
            text += "\nnot in this file:\n";
            let rows = self.removed.iter().take(FIRST).map(|run| {
                let id = run.id.get(..12).unwrap_or(&run.id);
                [id.to_owned(), run.label.clone(), run.state.clone()]
            });
            text += &terminal::table(["run", "point", "state"], &[], rows);
            text += &more(self.removed.len());
        }
        text
    }

    fn to_json(&self) -> Value {
        let (id, name) = &self.against;
        let added = self.added.iter();
        let added: Vec<Value> = added
            .map(|run| run_json(run, &self.file.own_axes, self.settings))
            .collect();
        json!({
            "version": 1,
            "name": self.file.name,
            "sweep_id": self.file.id,
            "against": { "id": id, "name": name },
            "runs": self.file.len(),
            "in_both": self.in_both(),
            "seconds": self.seconds(),
            "added": added,
            "removed": self.removed.iter().map(runs::to_json).collect::<Vec<_>>(),
        })
    }
}

fn more(count: usize) -> String {
    match count.checked_sub(FIRST) {
        Some(more) if more > 0 => format!("… and {more} more\n"),
        _ => String::new(),
    }
}
