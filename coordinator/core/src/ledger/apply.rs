//! The only way in: what each event changes.
//!
//! What an event names and nobody has heard of is passed over: the store checks that its rows fit
//! together, and a process that reads a damaged one should not panic.

use std::collections::BTreeSet;
use std::sync::Arc;

use tailsweep_common::state::{Ending, Reason};
use tailsweep_common::sweep::Sweep;

use super::sweep::place;
use super::{END, Entry, Ledger, Link, Settled, Stage, SweepEntry, SweepNo};
use crate::event::{Event, RunEvent, RunNo, SweepEvent};
use crate::prepared::Prepared;
use crate::sessions::WorkerNo;

/// Bytes that are kept here of a failure's message; the store has all of it.
const MESSAGE: usize = 1024;

impl Ledger {
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Submitted(sweep) => self.submitted(sweep),
            Event::Recorded { run, step, .. } => {
                if let Some(entry) = self.runs.get_mut(run.0 as usize)
                    && matches!(entry.stage, Stage::Waiting | Stage::Leased | Stage::Started)
                {
                    entry.steps = entry.steps.max(*step);
                }
            }
            Event::Checkpointed { run, step, .. } => {
                if let Some(entry) = self.runs.get_mut(run.0 as usize) {
                    entry.checkpoint = Some(*step);
                    entry.losses = 0;
                }
            }
            Event::Run(run, event) => {
                if (run.0 as usize) < self.runs.len() {
                    self.run_changed(*run, event);
                }
            }
            Event::Sweep(id, event) => {
                if let Some(sweep) = self.sweep_no(*id) {
                    self.sweep_changed(sweep, event);
                }
            }
        }
    }

    fn submitted(&mut self, sweep: &Arc<Sweep>) {
        if self.sweep_no(sweep.id).is_some() {
            return;
        }
        let sweep_no = SweepNo(u32::try_from(self.sweeps.len()).expect("fewer sweeps than runs"));
        let Prepared { ids, costs, .. } = self.prepared.take(sweep);
        let mut entry = SweepEntry::new(sweep);
        let mut point = 0;
        for (index, id) in ids.into_iter().enumerate() {
            if index.is_multiple_of(sweep.seeds.len()) {
                let place = index / sweep.seeds.len();
                point = self.points.add(&sweep.points[place], costs[place]);
            }
            let next = RunNo(self.runs.len() as u32);
            let no = *self.run_nos.entry(id).or_insert(next);
            if no == next {
                self.runs.push(Entry {
                    id,
                    sweep: sweep_no.0,
                    index: index as u32,
                    point,
                    chain: END,
                    attempt: 0,
                    worker: WorkerNo(0),
                    kind: 0,
                    settled_by: WorkerNo(0),
                    failures: 0,
                    losses: 0,
                    made_by: None,
                    checkpoint: None,
                    steps: 0,
                    stage: Stage::Waiting,
                    settled: Settled::Never,
                    nondeterministic: false,
                });
            }
            let taken_over = self.sweeps_of(no).any(|of| !self.sweep_is_gone(of));
            let run = &mut self.runs[no.0 as usize];
            let latest = self.links.get(run.chain as usize).map(|link| link.sweep);
            if latest == Some(sweep_no) {
                continue; // listed twice
            }
            let link = self.links.len() as u32;
            self.links.push(Link {
                sweep: sweep_no,
                next: run.chain,
                index: index as u32,
                taken_over,
            });
            run.chain = link;
            entry.counts[place(run.stage.state())] += 1;
            entry.held += u32::from(run.stage.is_held());
            entry.runs.push(no);
            if self.has_failed(no) {
                entry.failures.insert(index as u32);
            }
        }
        self.sweeps.push(entry);
        self.sweep_nos.insert(sweep.id, sweep_no);
    }

    /// A sweep that is being submitted has a link before it has an entry.
    fn sweep_is_gone(&self, no: SweepNo) -> bool {
        self.sweeps
            .get(no.index())
            .is_none_or(|sweep| sweep.removed)
    }

    fn run_changed(&mut self, no: RunNo, event: &RunEvent) {
        let had_failed = self.has_failed(no);
        let entry = &mut self.runs[no.0 as usize];
        let settle = |entry: &mut Entry, how| {
            entry.settled = how;
            entry.settled_by = entry.worker;
        };
        let stage = match event {
            RunEvent::Leased {
                attempt,
                worker,
                kind,
            } => {
                entry.attempt = *attempt;
                entry.worker = WorkerNo(self.workers.intern(worker));
                entry.kind = self.kinds.intern(kind);
                Stage::Leased
            }
            RunEvent::Started { discard, .. } => {
                if *discard {
                    entry.checkpoint = None;
                    entry.steps = 0;
                }
                entry.made_by = Some(entry.kind);
                Stage::Started
            }
            RunEvent::Finished { ending, .. } => {
                settle(entry, Settled::Finished);
                entry.steps = ending.steps();
                match *ending {
                    Ending::Done {
                        accuracy_reached, ..
                    } => Stage::Done { accuracy_reached },
                    Ending::Diverged { .. } => Stage::Diverged,
                }
            }
            RunEvent::Failed {
                reason,
                message,
                last,
                ..
            } => {
                settle(entry, Settled::Failed);
                entry.failures += 1;
                self.messages.insert(no, shortened(message));
                if *last {
                    Stage::Failed(*reason)
                } else {
                    Stage::Waiting
                }
            }
            RunEvent::Lost { last, .. } => {
                settle(entry, Settled::Lost);
                entry.losses += 1;
                if *last {
                    Stage::Failed(Reason::Lost)
                } else {
                    Stage::Waiting
                }
            }
            RunEvent::HandedBack { .. } => {
                settle(entry, Settled::HandedBack);
                Stage::Waiting
            }
            RunEvent::Judged { late, .. } => {
                self.judged.insert(no, *late);
                return;
            }
            RunEvent::Differed => {
                entry.nondeterministic = true;
                return;
            }
            RunEvent::Reopened => {
                entry.failures = 0;
                entry.losses = 0;
                Stage::Waiting
            }
        };
        self.set_stage(no, stage);
        self.note_failure(no, had_failed);
    }

    /// Whether something is to be told of a run's failures.
    fn has_failed(&self, no: RunNo) -> bool {
        matches!(self.entry(no).stage, Stage::Failed(_)) || self.messages.contains_key(&no)
    }

    /// Keeps the indices of its sweeps, if that has changed.
    fn note_failure(&mut self, no: RunNo, had_failed: bool) {
        let has_failed = self.has_failed(no);
        if has_failed == had_failed {
            return;
        }
        let mut at = self.entry(no).chain;
        while let Some(link) = self.links.get(at as usize) {
            let failures = &mut self.sweeps[link.sweep.index()].failures;
            if has_failed {
                failures.insert(link.index);
            } else {
                failures.remove(&link.index);
            }
            at = link.next;
        }
    }

    /// Brings a run to a stage, and all that is counted by stages with it.
    fn set_stage(&mut self, no: RunNo, stage: Stage) {
        let entry = &mut self.runs[no.0 as usize];
        let before = std::mem::replace(&mut entry.stage, stage);
        if before == stage {
            return;
        }
        if stage.is_held() {
            self.held.insert(no);
        } else {
            self.held.remove(&no);
        }
        let mut at = entry.chain;
        while let Some(link) = self.links.get(at as usize) {
            let sweep = &mut self.sweeps[link.sweep.index()];
            sweep.counts[place(before.state())] -= 1;
            sweep.counts[place(stage.state())] += 1;
            if !sweep.needs(link.index) {
                sweep.spare[place(before.state())] -= 1;
                sweep.spare[place(stage.state())] += 1;
            }
            sweep.held -= u32::from(before.is_held());
            sweep.held += u32::from(stage.is_held());
            sweep.finishing.remove(&no);
            at = link.next;
        }
    }

    fn sweep_changed(&mut self, no: SweepNo, event: &SweepEvent) {
        // What a user cancels ends at once.
        let finishing = match event {
            SweepEvent::Stopped { reason } if *reason != Reason::Cancelled => {
                let begun = |run: &RunNo| self.entry(*run).stage == Stage::Started;
                let of_sweep = |run: &RunNo| self.sweeps_of(*run).any(|of| of == no);
                let held = self.held.iter().copied();
                held.filter(begun).filter(of_sweep).collect()
            }
            _ => BTreeSet::new(),
        };
        if let SweepEvent::Enough { point, seeds } = event {
            return self.enough(no, *point, *seeds);
        }
        let sweep = &mut self.sweeps[no.index()];
        match event {
            SweepEvent::Enough { .. } => {}
            SweepEvent::Stopped { reason } => {
                sweep.stopped = Some(*reason);
                sweep.finishing = finishing;
            }
            SweepEvent::Resumed => {
                sweep.stopped = None;
                sweep.finishing.clear();
            }
            SweepEvent::Paused => sweep.paused = true,
            SweepEvent::Unpaused => sweep.paused = false,
            SweepEvent::Prioritised { priority } => sweep.priority = *priority,
            SweepEvent::Replaced { by } => sweep.replaced_by = Some(*by),
            SweepEvent::Annotated { tags, notes } => {
                sweep.tags.clone_from(tags);
                sweep.notes.clone_from(notes);
            }
            SweepEvent::Removed {
                forgotten,
                attempts,
            } => {
                sweep.removed = true;
                sweep.tags.clear();
                sweep.notes.clear();
                sweep.finishing.clear();
                // What happened to the runs before may not have been told.
                for (first, last, attempt) in attempts.iter().flatten() {
                    for run in first.0..=last.0 {
                        if let Some(entry) = self.runs.get_mut(run as usize) {
                            entry.attempt = *attempt;
                        }
                    }
                }
                for (first, last) in forgotten {
                    for run in first.0..=last.0 {
                        self.forget(RunNo(run));
                    }
                }
            }
            SweepEvent::Restored => {
                sweep.removed = false;
                sweep.stopped = None;
                sweep.paused = false;
                sweep.replaced_by = None;
                sweep.enough.clear();
                sweep.spare = [0; 6];
            }
        }
    }

    fn enough(&mut self, no: SweepNo, point: u32, seeds: u32) {
        let sweep = &self.sweeps[no.index()];
        let (all, first) = (sweep.seeds(), point.saturating_mul(sweep.seeds()));
        if sweep.enough.contains_key(&point) {
            return;
        }
        let spare = (first.saturating_add(seeds)..first.saturating_add(all)).filter_map(|index| {
            let run = *sweep.runs.get(index as usize)?;
            Some(place(self.entry(run).stage.state()))
        });
        let spare: Vec<usize> = spare.collect();
        let sweep = &mut self.sweeps[no.index()];
        for place in spare {
            sweep.spare[place] += 1;
        }
        sweep.enough.insert(point, seeds);
    }

    /// As if the run had never been tried, by whomever, but for the number of its next attempt.
    fn forget(&mut self, no: RunNo) {
        if no.0 as usize >= self.runs.len() {
            return;
        }
        let had_failed = self.has_failed(no);
        let nobody = Arc::from("");
        let (worker, kind) = (self.workers.intern(&nobody), self.kinds.intern(&nobody));
        let entry = &mut self.runs[no.0 as usize];
        if entry.attempt > 0 {
            entry.settled = Settled::HandedBack;
            (entry.worker, entry.settled_by) = (WorkerNo(worker), WorkerNo(worker));
            entry.kind = kind;
        }
        entry.failures = 0;
        entry.losses = 0;
        entry.made_by = None;
        entry.checkpoint = None;
        entry.steps = 0;
        entry.nondeterministic = false;
        self.messages.remove(&no);
        self.judged.remove(&no);
        self.set_stage(no, Stage::Waiting);
        self.note_failure(no, had_failed);
    }
}

fn shortened(message: &str) -> Box<str> {
    message[..message.floor_char_boundary(MESSAGE)].into()
}
