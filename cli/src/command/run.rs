//! `tailsweep run`: coordinator and workers in this process.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tailsweep_common::run::Dataset;
use tailsweep_coordinator::{Access, Coordinator};
use tailsweep_proto::wire::SweepStatus;
use tailsweep_report::Choice;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::watch::judge;
use super::worker::worker_settings;
use super::{data, finish};
use crate::args::RunArgs;
use crate::client::{Client, Manner};
use crate::failure::Failure;
use crate::local::Doorway;
use crate::progress::{Progress, Workers};
use crate::report_folder;
use crate::settings::Settings;
use crate::signals::stop_signal;
use crate::sweep_file::SweepFile;

/// Time between checkpoints of a run: what a killed program costs at most.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);

pub(crate) async fn run(args: RunArgs, settings: &Settings) -> Result<(), Failure> {
    let file = SweepFile::read(&args.spec)?.runnable(args.size.max_runs)?;
    let datasets = file
        .sweep
        .points
        .iter()
        .filter_map(|point| point.needed_data());
    check_data(datasets.collect(), settings, args.compute.fetch).await?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new("tailsweep-out").join(&file.sweep.name));

    let mut home = Home::open(out.join("state"), settings, args.allow_network_fs)?;
    let mut client = home.client.clone();
    let interrupted = stop_signal()?;
    let mut progress = Progress::start(Workers::Here);
    let work = async {
        let reply = client.submit(&file, Manner::Alone, &args.said).await?;
        home.start_workers(args.workers, settings, &out.join("dump"));
        let status = tokio::select! {
            watched = client.watch(&reply.sweep_id, |status| progress.show(status)) => watched?,
            () = home.broken() => {
                let problem = "a part of the program ended that should not have";
                return Err(Failure::error(problem));
            }
        };
        let files = client.report(&reply.sweep_id, &Choice::default()).await?;
        Ok((status, files))
    };
    let worked: Result<(SweepStatus, _), Failure> = tokio::select! {
        worked = work => worked,
        () = interrupted => Err(Failure::Interrupted),
    };
    progress.finish();
    if matches!(worked, Err(Failure::Interrupted)) {
        eprintln!("saving what is running; Ctrl-C again to leave at once");
        tokio::select! {
            () = home.close() => {}
            () = stop_signal()? => return Err(Failure::Interrupted),
        }
        eprintln!(
            "saved; the same command continues, and the report so far comes by\n  tailsweep report \
             --state {} --out DIR",
            quoted(&out.join("state"))
        );
        return Err(Failure::Interrupted);
    }
    home.close().await;
    let (status, files) = worked?;
    report_folder::write(&out, &files)?;
    report_folder::tell(&out, &files, args.json)?;
    finish::run(&args.finish, &status, Some(&out)).await;
    judge(&status)
}

/// As a word of a command line that can be copied.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+,=:@".contains(letter);
    match path.chars().all(is_plain) {
        true => path,
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}

/// Nothing starts when a data set is missing: the error comes at once, and only once.
pub(super) async fn check_data(
    datasets: BTreeSet<Dataset>,
    settings: &Settings,
    fetch: bool,
) -> Result<(), Failure> {
    let data_dir = settings.data_dir.clone();
    let check = move || {
        if fetch {
            data::fetch_missing(&datasets, &data_dir)?;
        }
        let check = |dataset| tailsweep_worker::check_data(dataset, &data_dir);
        datasets.iter().try_for_each(check).map_err(Failure::error)
    };
    tokio::task::spawn_blocking(check)
        .await
        .map_err(Failure::error)?
}

/// A coordinator and its workers in this process.
pub(crate) struct Home {
    pub(crate) client: Client,
    leave: watch::Sender<bool>,
    workers: JoinSet<()>,
    stop: watch::Sender<bool>,
    coordinator: tokio::task::JoinHandle<()>,
    doorway: Doorway,
}

impl Home {
    /// A coordinator over a folder of state that works on nothing yet.
    pub(crate) fn open(
        state: PathBuf,
        settings: &Settings,
        allow_network_fs: bool,
    ) -> Result<Self, Failure> {
        let coordinator = tailsweep_coordinator::Settings {
            lease: settings.lease,
            workers_inside: true,
            allow_network_fs,
            ..tailsweep_coordinator::Settings::new(state)
        };
        Ok(Self::over(
            Coordinator::open(&coordinator).map_err(Failure::error)?,
        ))
    }

    /// The same over a state that is only asked, on whatever disk it lies.
    pub(crate) fn open_to_ask(state: PathBuf, settings: &Settings) -> Result<Self, Failure> {
        let coordinator = tailsweep_coordinator::Settings {
            lease: settings.lease,
            workers_inside: true,
            allow_network_fs: true,
            ..tailsweep_coordinator::Settings::new(state)
        };
        Ok(Self::over(
            Coordinator::open_to_ask(&coordinator).map_err(Failure::error)?,
        ))
    }

    fn over(coordinator: Coordinator) -> Self {
        let (doorway, connections) = Doorway::new();
        let (stop, stopped) = watch::channel(false);
        let coordinator = tokio::spawn(async move {
            if let Err(problem) = coordinator
                .serve(connections, Access::default(), told(stopped))
                .await
            {
                tracing::error!(%problem, "the coordinator ended");
            }
        });
        Self {
            client: Client::over(doorway.connection(), "this process"),
            leave: watch::Sender::new(false),
            workers: JoinSet::new(),
            stop,
            coordinator,
            doorway,
        }
    }

    fn start_workers(&mut self, count: u32, settings: &Settings, dump_dir: &Path) {
        for number in 0..count {
            let mut worker = worker_settings(settings);
            worker.name = format!("{}-{number}", worker.name);
            worker.checkpoint_every = CHECKPOINT_EVERY;
            worker.dump_dir = dump_dir.to_owned();
            // They share this machine.
            worker.memory = worker.memory.map(|memory| memory / u64::from(count));
            let (channel, leaving) = (self.doorway.connection(), self.leave.subscribe());
            self.workers.spawn(async move {
                if let Err(problem) = tailsweep_worker::run(worker, channel, told(leaving)).await {
                    tracing::warn!(%problem, "a worker ended");
                }
            });
        }
    }

    /// Completes if a worker or the coordinator ends by itself.
    async fn broken(&mut self) {
        tokio::select! {
            _ = self.workers.join_next() => {}
            _ = &mut self.coordinator => {}
        }
    }

    /// Saves what is running, hands it back, and closes the state.
    pub(crate) async fn close(mut self) {
        self.leave.send_replace(true);
        while self.workers.join_next().await.is_some() {}
        self.stop.send_replace(true);
        // A panic was reported where it happened.
        if !self.coordinator.is_finished() {
            let _ = self.coordinator.await;
        }
    }
}

async fn told(mut signal: watch::Receiver<bool>) {
    // An error means that the sender is gone: told as well.
    let _ = signal.wait_for(|told| *told).await;
}
