//! A worker process: computes what it is told to, and says everything until it is acknowledged.

use std::collections::BTreeMap;
use std::sync::Arc;

use tailsweep_common::id::RunId;
use tailsweep_common::state::{Ending, Reason};
use tailsweep_scheduler::{Attempt, Input, WorkerId};

use crate::fixture::offer;

use crate::truth;

/// Something to say, and whether it was said in this session.
struct Unsaid<T> {
    what: T,
    said: bool,
}

impl<T> Unsaid<T> {
    fn new(what: T) -> Self {
        Self { what, said: false }
    }

    fn say(&mut self) -> Option<&T> {
        (!std::mem::replace(&mut self.said, true)).then_some(&self.what)
    }
}

#[derive(Clone, Copy)]
enum End {
    Finished(Ending),
    Failed(Reason),
    HandedBack,
}

/// An attempt in the hands of a process.
pub(crate) struct Task {
    pub(crate) run: RunId,
    pub(crate) attempt: Attempt,
    pub(crate) begun: bool,
    state: u64,
    step: u64,
    is_resumed: bool,
    records: BTreeMap<u64, Unsaid<Arc<[u8]>>>,
    checkpoint: Option<Unsaid<(u64, Arc<[u8]>)>>,
    end: Option<Unsaid<End>>,
}

/// A worker process.
pub(crate) struct Process {
    pub(crate) name: WorkerId,
    pub(crate) kind: &'static str,
    pub(crate) slots: u32,
    /// Counts its lives; what was meant for an earlier one does not reach a later one.
    pub(crate) life: u64,
    pub(crate) alive: bool,
    pub(crate) draining: bool,
    /// Whether it waits for acknowledgements before it says what builds upon them: needed where
    /// the network changes the order of words.
    pub(crate) cautious: bool,
    pub(crate) session: Option<usize>,
    pub(crate) tasks: Vec<Task>,
    /// (run, step) that it computed.
    pub(crate) computed: Vec<(RunId, u64)>,
}

impl Process {
    pub(crate) fn new(name: &str, kind: &'static str, slots: u32, cautious: bool) -> Self {
        Self {
            name: name.into(),
            kind,
            slots,
            life: 0,
            alive: true,
            draining: false,
            cautious,
            session: None,
            tasks: Vec::new(),
            computed: Vec::new(),
        }
    }

    pub(crate) fn die(&mut self) {
        self.alive = false;
        self.draining = false;
        self.life += 1;
        self.session = None;
        self.tasks.clear();
    }

    /// The first word of a session; everything unacknowledged is to be said again.
    pub(crate) fn hello(&mut self) -> Input {
        for task in &mut self.tasks {
            task.records
                .values_mut()
                .for_each(|record| record.said = false);
            task.checkpoint
                .iter_mut()
                .for_each(|checkpoint| checkpoint.said = false);
            task.end.iter_mut().for_each(|end| end.said = false);
        }
        let begun_first = |begun| self.tasks.iter().filter(move |task| task.begun == begun);
        let holds = begun_first(true).chain(begun_first(false));
        Input::Join {
            worker: self.name.clone(),
            offer: offer(self.slots, self.kind),
            holds: holds.map(|task| (task.run, task.attempt)).collect(),
        }
    }

    /// A lease arrived; `checkpoint` is what it goes on from.
    pub(crate) fn take(&mut self, run: RunId, attempt: Attempt, from: Option<(u64, Arc<[u8]>)>) {
        if self
            .tasks
            .iter()
            .any(|task| task.run == run && task.attempt >= attempt)
        {
            return; // doubled, or overtaken by a later one
        }
        self.tasks.retain(|task| task.run != run);
        let is_resumed = from.is_some();
        let (step, state) = match from {
            Some((step, payload)) => (step, truth::state(&payload)),
            None => (0, truth::origin(run, self.kind)),
        };
        self.tasks.push(Task {
            run,
            attempt,
            begun: false,
            state,
            step,
            is_resumed,
            records: BTreeMap::new(),
            checkpoint: None,
            end: self.draining.then(|| Unsaid::new(End::HandedBack)),
        });
    }

    /// Begins what there are slots for; returns the words, and the attempts begun.
    pub(crate) fn begin(&mut self) -> (Vec<Input>, Vec<(RunId, Attempt)>) {
        let (mut words, mut begun) = (Vec::new(), Vec::new());
        if self.draining {
            return (words, begun);
        }
        let busy = self
            .tasks
            .iter()
            .filter(|task| task.begun && task.end.is_none())
            .count();
        let free = (self.slots as usize).saturating_sub(busy);
        let waiting = |task: &&mut Task| !task.begun && task.end.is_none();
        for task in self.tasks.iter_mut().filter(waiting).take(free) {
            task.begun = true;
            words.push(Input::Started(self.name.clone(), task.run, task.attempt));
            if !task.is_resumed {
                task.records
                    .insert(0, Unsaid::new(truth::payload(task.state)));
                self.computed.push((task.run, 0));
            }
            begun.push((task.run, task.attempt));
        }
        (words, begun)
    }

    /// Takes one step; returns whether there is a next one.
    pub(crate) fn compute(&mut self, run: RunId, attempt: Attempt, keeps: bool) -> bool {
        let mut tasks = self.tasks.iter_mut();
        let Some(task) = tasks.find(|task| task.run == run && task.attempt == attempt) else {
            return false;
        };
        if task.end.is_some() {
            return false;
        }
        task.step += 1;
        task.state = truth::next(task.state);
        self.computed.push((run, task.step));
        let end = truth::end(run, attempt, task.step);
        if !matches!(end, Some(Err(_))) {
            task.records
                .insert(task.step, Unsaid::new(truth::payload(task.state)));
            if keeps && end.is_none() {
                task.checkpoint = Some(Unsaid::new((task.step, truth::payload(task.state))));
            }
        }
        task.end = end.map(|end| Unsaid::new(end.map_or_else(End::Failed, End::Finished)));
        task.end.is_none()
    }

    /// SIGTERM: hands back what it holds, what it began after a checkpoint.
    pub(crate) fn drain(&mut self) -> Input {
        self.draining = true;
        for task in self.tasks.iter_mut().filter(|task| task.end.is_none()) {
            if task.begun {
                task.checkpoint = Some(Unsaid::new((task.step, truth::payload(task.state))));
            }
            task.end = Some(Unsaid::new(End::HandedBack));
        }
        Input::Drain(self.name.clone())
    }

    /// The coordinator asks for an attempt that may not have begun.
    pub(crate) fn recall(&mut self, run: RunId, attempt: Attempt) {
        if let Some(task) = self.task(run, attempt).filter(|task| !task.begun) {
            task.end.get_or_insert(Unsaid::new(End::HandedBack));
        }
    }

    /// Everything that may be said now and was not said yet.
    pub(crate) fn words(&mut self) -> Vec<Input> {
        let (worker, cautious) = (&self.name, self.cautious);
        let mut words = Vec::new();
        for task in &mut self.tasks {
            let (run, attempt) = (task.run, task.attempt);
            for (step, record) in &mut task.records {
                if let Some(payload) = record.say() {
                    let (worker, payload) = (worker.clone(), payload.clone());
                    words.push(Input::Record {
                        worker,
                        run,
                        attempt,
                        step: *step,
                        payload,
                    });
                }
            }
            if cautious && !task.records.is_empty() {
                continue;
            }
            if let Some((step, payload)) = task.checkpoint.as_mut().and_then(Unsaid::say) {
                let (worker, payload) = (worker.clone(), payload.clone());
                words.push(Input::Checkpoint {
                    worker,
                    run,
                    attempt,
                    step: *step,
                    payload,
                });
            }
            if cautious && task.checkpoint.is_some() {
                continue;
            }
            words.extend(
                task.end
                    .as_mut()
                    .and_then(Unsaid::say)
                    .map(|end| match *end {
                        End::Finished(ending) => {
                            Input::Finished(worker.clone(), run, attempt, ending)
                        }
                        End::Failed(reason) => {
                            let (worker, message) = (worker.clone(), "as it must".to_owned());
                            Input::Failed {
                                worker,
                                run,
                                attempt,
                                reason,
                                message,
                            }
                        }
                        End::HandedBack => Input::HandBack(worker.clone(), run, attempt),
                    }),
            );
        }
        words
    }

    pub(crate) fn record_stored(&mut self, run: RunId, attempt: Attempt, step: u64) {
        if let Some(task) = self.task(run, attempt) {
            task.records.remove(&step);
        }
    }

    pub(crate) fn checkpoint_stored(&mut self, run: RunId, attempt: Attempt, step: u64) {
        if let Some(task) = self.task(run, attempt)
            && task
                .checkpoint
                .as_ref()
                .is_some_and(|unsaid| unsaid.what.0 <= step)
        {
            task.checkpoint = None;
        }
    }

    /// The attempt is settled, or stale.
    pub(crate) fn forget(&mut self, run: RunId, attempt: Attempt) {
        self.tasks
            .retain(|task| (task.run, task.attempt) != (run, attempt));
    }

    fn task(&mut self, run: RunId, attempt: Attempt) -> Option<&mut Task> {
        self.tasks
            .iter_mut()
            .find(|task| (task.run, task.attempt) == (run, attempt))
    }
}
