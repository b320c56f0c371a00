//! Which runs of a report are computed again.

use tailsweep_common::cost;
use tailsweep_common::id::RunId;
use tailsweep_common::run::Run;
use tailsweep_common::state::RunState;
use tailsweep_common::sweep::Sweep;

use super::compare;
use super::folder::Folder;
use crate::args::VerifyArgs;
use crate::failure::Failure;

/// A run of the report.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// Its place in the sweep.
    pub(crate) index: usize,
    pub(crate) id: RunId,
    pub(crate) run: Run,
    pub(crate) state: RunState,
    /// Predicted, on one core.
    pub(crate) seconds: f64,
}

impl Listed {
    /// Whether there is one to verify.
    fn has_result(&self) -> bool {
        matches!(self.state, RunState::Done | RunState::Diverged)
    }
}

/// The runs that runs.csv lists, held against the sweep: none may be missing, strange, or in
/// another place. Runs that are not needed are in no table.
pub(crate) fn listed(folder: &Folder, sweep: &Sweep) -> Result<Vec<Listed>, Failure> {
    if sweep.id.to_string() != folder.sweep_id {
        return Err(Failure::error(format!(
            "{}: the text of the sweep file is not that of sweep {}: it was changed",
            folder.sweep_path.display(),
            folder.sweep_id
        )));
    }
    let bytes = folder.table("runs.csv")?;
    let table = compare::Table::parse("runs.csv", &bytes)?;
    let (ids, states) = (table.column("run_id")?, table.column("state")?);
    let mut runs = sweep.runs().enumerate();
    let mut listed = Vec::with_capacity(table.rows.len());
    let wrong = |line: u64, problem: &str| {
        Failure::error(format!("different: runs.csv, line {line}: {problem}"))
    };
    for row in &table.rows {
        let (id, state) = (row.cell(ids), row.cell(states));
        let found = runs.by_ref().find(|(_, run)| {
            let same = run.id().to_string() == id;
            // Only `[stop]` makes runs that are not needed.
            same || sweep.stop.is_none()
        });
        let (index, run) = found
            .filter(|(_, run)| run.id().to_string() == id)
            .ok_or_else(|| {
                wrong(
                    row.line,
                    &format!("run `{id}` is not the next of the sweep"),
                )
            })?;
        let state = RunState::from_word(state)
            .ok_or_else(|| wrong(row.line, &format!("`{state}` is no state of a run")))?;
        listed.push(Listed {
            index,
            id: run.id(),
            seconds: cost::predict(&run.point).seconds,
            state,
            run,
        });
    }
    if sweep.stop.is_none() && runs.next().is_some() {
        let last = table.rows.last().map_or(1, |row| row.line);
        return Err(wrong(
            last + 1,
            &format!(
                "the sweep has {} runs, the table {}",
                sweep.len(),
                listed.len()
            ),
        ));
    }
    Ok(listed)
}

/// The runs that the user asked for; or, one from each of N equal stretches of the sweep, the one
/// that is predicted to take the least time. The cheapest first.
pub(crate) fn chosen(listed: &[Listed], args: &VerifyArgs) -> Result<Vec<Listed>, Failure> {
    let usage = |text: String| Failure::Usage(format!("error: {text}"));
    let with_result: Vec<&Listed> = listed.iter().filter(|run| run.has_result()).collect();
    let mut chosen: Vec<&Listed> = Vec::new();
    if args.run.is_empty() {
        let count = (args.runs as usize).min(with_result.len());
        for stretch in 0..count {
            let start = stretch * with_result.len() / count;
            let end = (stretch + 1) * with_result.len() / count;
            let runs = with_result[start..end].iter().copied();
            chosen.extend(runs.min_by(|a, b| a.seconds.total_cmp(&b.seconds)));
        }
    }
    for prefix in &args.run {
        let mut matching = listed
            .iter()
            .filter(|run| run.id.to_string().starts_with(prefix.as_str()));
        let run = matching
            .next()
            .ok_or_else(|| usage(format!("the report has no run `{prefix}`")))?;
        if matching.next().is_some() {
            return Err(usage(format!("several runs begin with `{prefix}`")));
        }
        if !run.has_result() {
            return Err(usage(format!("run `{prefix}` has no result to verify")));
        }
        if chosen.iter().all(|chosen| chosen.id != run.id) {
            chosen.push(run);
        }
    }
    if chosen.is_empty() {
        return Err(usage("no run of the report has a result".to_owned()));
    }
    chosen.sort_by(|a, b| {
        let cost = a.seconds.total_cmp(&b.seconds);
        cost.then(a.index.cmp(&b.index))
    });
    Ok(chosen.into_iter().cloned().collect())
}
