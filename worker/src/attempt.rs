//! The computation of one attempt, on a thread of its own.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tailsweep_common::cost;
use tailsweep_common::measurement::{Measurement, Split};
use tailsweep_common::state::{Ending, Reason};
use tailsweep_proto::convert::{AttemptKey, Lease};
use tailsweep_stats::{Estimator, Scope, Treatment};
use tailsweep_trainers::data::Data;
use tailsweep_trainers::{Computation, Device, Event, MeasureBudget, TrainError};
use tokio::sync::mpsc;

use crate::datasets::Datasets;
use crate::dump::{self, DumpError};
use crate::room::{Room, Taken};
use crate::said;

/// An attempt waits when so many of its records are not acknowledged.
const MAX_UNACKNOWLEDGED: usize = 1024;

/// What the outside wants of a computation, and what it may know of it.
#[derive(Debug, Default)]
pub(crate) struct Control {
    order: AtomicU8,
    /// Updates so far.
    pub(crate) step: AtomicU64,
    /// Records that the coordinator has not acknowledged.
    pub(crate) unacknowledged: AtomicUsize,
    /// Loss of the last minibatch and α of the last measurement.
    pub(crate) latest: Mutex<Latest>,
}

/// Numbers for the progress display.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Latest {
    pub(crate) loss: Option<f64>,
    pub(crate) alpha: Option<f64>,
}

const GO_ON: u8 = 0;
const HAND_BACK: u8 = 1;
const ABANDON: u8 = 2;

impl Control {
    /// Asks for a checkpoint and the end of the computation.
    pub(crate) fn hand_back(&self) {
        self.order.fetch_max(HAND_BACK, Ordering::Relaxed);
    }

    /// Nobody wants the result.
    pub(crate) fn abandon(&self) {
        self.order.store(ABANDON, Ordering::Relaxed);
    }

    /// The latest numbers.
    pub(crate) fn latest(&self) -> Latest {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut Latest)) {
        change(&mut self.latest.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What a computation tells.
#[derive(Debug)]
pub(crate) enum News {
    Record(Box<Measurement>),
    Checkpoint {
        step: u64,
        content: Vec<u8>,
    },
    Finished(Ending),
    Failed(Reason, String),
    /// After a checkpoint of where it stopped.
    HandedBack,
    /// After an order to abandon it.
    Abandoned,
}

impl News {
    /// Whether nothing comes after it.
    pub(crate) fn is_last(&self) -> bool {
        !matches!(self, Self::Record(_) | Self::Checkpoint { .. })
    }
}

/// What an attempt needs.
pub(crate) struct Task {
    pub(crate) lease: Lease,
    /// Initial weights, if the run names some and does not resume.
    pub(crate) weights: Option<Vec<u8>>,
    /// The checkpoint to go on from.
    pub(crate) checkpoint: Option<Vec<u8>>,
    /// The examples, if they travelled with the sweep.
    pub(crate) own_data: Option<Arc<Data>>,
    /// Where a network is computed.
    pub(crate) device: Device,
    pub(crate) dump_dir: PathBuf,
    pub(crate) datasets: Arc<Datasets>,
    pub(crate) room: Arc<Room>,
    pub(crate) checkpoint_every: Duration,
    pub(crate) control: Arc<Control>,
    pub(crate) news: mpsc::Sender<(AttemptKey, News)>,
}

/// Starts the computation. The last of its news is one for which [`News::is_last`] holds, also
/// after a panic.
pub(crate) fn start(task: Task) -> std::io::Result<()> {
    on_a_thread(task, compute)
}

/// The same for any computation.
pub(crate) fn on_a_thread(
    task: Task,
    compute: impl FnOnce(&Task) -> Result<News, Failure> + Send + 'static,
) -> std::io::Result<()> {
    let name = task.lease.key.0.to_string()[..8].to_owned();
    thread::Builder::new()
        .name(name)
        .spawn(move || tell(&task, last_news(|| compute(&task))))?;
    Ok(())
}

/// What is told at the end of a computation, however it ends.
fn last_news(compute: impl FnOnce() -> Result<News, Failure>) -> News {
    let begun = said::mark();
    match panic::catch_unwind(AssertUnwindSafe(compute)) {
        Ok(Ok(last)) => last,
        Ok(Err(Failure { reason, message })) => News::Failed(reason, with_lines(message, begun)),
        Err(payload) => {
            let message = panic_message(payload.as_ref());
            News::Failed(Reason::Panic, with_lines(message, begun))
        }
    }
}

/// A message, and below it what was said on stderr since the attempt began.
fn with_lines(mut message: String, begun: said::Mark) -> String {
    let lines = said::since(begun);
    if !lines.is_empty() {
        message += "\nlast lines of stderr:";
    }
    for line in lines {
        message += "\n";
        message += &line;
    }
    message
}

/// Why a computation ended without a result.
pub(crate) struct Failure {
    reason: Reason,
    message: String,
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        let reason = match error {
            TrainError::OutOfMemory => Reason::OutOfMemory,
            _ => Reason::Error,
        };
        Self {
            reason,
            message: error.to_string(),
        }
    }
}

impl From<DumpError> for Failure {
    fn from(error: DumpError) -> Self {
        match error {
            DumpError::Train(error) => error.into(),
            error => Self {
                reason: Reason::Error,
                message: error.to_string(),
            },
        }
    }
}

fn compute(task: &Task) -> Result<News, Failure> {
    let started = Instant::now();
    let Task { lease, control, .. } = task;
    let predicted = cost::predict(&lease.run.point);
    let _taken = task.room.take(predicted.memory_bytes);
    let mut computation = prepare(task)?;
    let mut saved = Instant::now();
    let out_of_time = || {
        lease
            .time_limit
            .is_some_and(|limit| started.elapsed() > limit)
    };
    let interrupted = || control.order.load(Ordering::Relaxed) != GO_ON || out_of_time();
    loop {
        match control.order.load(Ordering::Relaxed) {
            GO_ON => {}
            HAND_BACK => {
                save(task, &computation);
                return Ok(News::HandedBack);
            }
            _ => return Ok(News::Abandoned),
        }
        if out_of_time() {
            let message = format!("stopped at step {} by its time limit", computation.step());
            return Err(Failure {
                reason: Reason::TimeLimit,
                message,
            });
        }
        if let Computation::Training(training) = &computation
            && training.is_dumped()
        {
            dump::write(&task.dump_dir, lease.run.id(), training, &interrupted)?;
        }
        let lent = lend(task, &mut computation, predicted.kept_bytes);
        let event = computation.advance(&interrupted)?;
        drop(lent);
        match event {
            Event::Advanced => control.step.store(computation.step(), Ordering::Relaxed),
            Event::Stepped { loss } => {
                control.step.store(computation.step(), Ordering::Relaxed);
                control.update(|latest| latest.loss = Some(f64::from(loss)));
            }
            Event::Measured(measurement) => {
                if let Some(alpha) = published_alpha(&measurement) {
                    control.update(|latest| latest.alpha = Some(alpha));
                }
                control.unacknowledged.fetch_add(1, Ordering::Relaxed);
                tell(task, News::Record(measurement));
                wait_for_acknowledgements(control);
            }
            // The order that interrupted it, or the time limit, is looked at next.
            Event::Interrupted => continue,
            Event::Ended(ending) => return Ok(News::Finished(ending)),
        }
        if saved.elapsed() > task.checkpoint_every {
            save(task, &computation);
            saved = Instant::now();
        }
    }
}

fn prepare(task: &Task) -> Result<Computation, Failure> {
    let run = &task.lease.run;
    let load = |dataset| match &task.own_data {
        Some(data) => Ok(Arc::clone(data)),
        None => task.datasets.get(&dataset),
    };
    let data = run.point.needed_data().map(load).transpose();
    let data = data.map_err(|error| Failure {
        reason: Reason::Data,
        message: error.to_string(),
    })?;
    Ok(match &task.checkpoint {
        Some(checkpoint) => Computation::resume(task.device, run, data, checkpoint)?,
        None => Computation::new(task.device, run, data, task.weights.as_deref())?,
    })
}

/// Lets the measurement that comes next keep its gradients, if there is room for them.
fn lend(task: &Task, computation: &mut Computation, bytes: u64) -> Option<Taken> {
    let Computation::Training(training) = computation else {
        return None;
    };
    if !training.is_about_to_measure() {
        return None;
    }
    let lent = task.room.lend(bytes, task.datasets.bytes());
    let bytes = lent.as_ref().map_or(0, |_| bytes);
    training.set_measure_budget(MeasureBudget { bytes });
    lent
}

fn save(task: &Task, computation: &Computation) {
    tell(
        task,
        News::Checkpoint {
            step: computation.step(),
            content: computation.checkpoint(),
        },
    );
}

fn tell(task: &Task, news: News) {
    // Without a listener the worker is gone, and with it the need to tell.
    let _ = task.news.blocking_send((task.lease.key, news));
}

/// The coordinator may be away for long: memory stays bounded.
fn wait_for_acknowledgements(control: &Control) {
    while control.unacknowledged.load(Ordering::Relaxed) > MAX_UNACKNOWLEDGED
        && control.order.load(Ordering::Relaxed) == GO_ON
    {
        thread::sleep(Duration::from_millis(50));
    }
}

/// The α of the paper, for the progress display.
fn published_alpha(measurement: &Measurement) -> Option<f64> {
    let noise = &measurement.split(Split::Train)?.noise;
    let estimates = noise.estimates().ok()?;
    let published = estimates.into_iter().find(|estimate| {
        (&estimate.scope, estimate.estimator, estimate.treatment)
            == (&Scope::All, Estimator::Mohammadi, Treatment::Published)
    });
    published?.alpha
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("the trainer panicked").to_owned()
}
