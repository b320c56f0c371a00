//! The one task that owns what the worker holds.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tailsweep_common::id::BlobId;
use tailsweep_common::run::Init;
use tailsweep_common::state::Reason;
use tailsweep_proto::convert::{AttemptKey, Lease};
use tailsweep_proto::wire::worker_service_client::WorkerServiceClient;
use tailsweep_proto::wire::{self, coordinator_message, worker_message::Message};
use tailsweep_proto::{Connection, MAX_MESSAGE, PROTOCOL};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tonic::{Code, Status};
use tracing::{info, warn};

use crate::Settings;
use crate::attempt::{self, Control, News, Task};
use crate::datasets::Datasets;
use crate::held::{Held, Stage, listed, wire_key};
use crate::link::{self, LinkEvent};
use crate::room::Room;

/// News of computations that wait to be taken.
const NEWS: usize = 256;
/// A leaving worker waits so long for the coordinator to take back what it held.
const FAREWELL: Duration = Duration::from_secs(20);

/// How a worker ended.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The coordinator does not want it.
    #[error("the coordinator refused this worker: {}", .0.message())]
    Refused(Status),
    /// It had to leave before the coordinator took back what it held.
    #[error("left without a word from the coordinator; it will miss this worker after a while")]
    Unheard,
}

/// Works until `leave` completes, an idle timeout or a time limit; then hands back what it holds,
/// each run with a checkpoint.
pub async fn run(
    settings: Settings,
    coordinator: Connection,
    leave: impl Future<Output = ()>,
) -> Result<(), Stopped> {
    let client = WorkerServiceClient::new(coordinator)
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    let (events, mut link) = mpsc::channel(NEWS);
    let keeper = tokio::spawn(link::keep(client.clone(), events));
    let (sender, mut news) = mpsc::channel(NEWS);
    let mut worker = Worker::new(settings, client, sender);

    let mut heartbeat = interval(worker.heartbeat);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let started = Instant::now();
    tokio::pin!(leave);
    let mut farewell: Option<Instant> = None;
    let ended = loop {
        let idle_until = worker
            .settings
            .idle_timeout
            .map(|time| worker.last_busy + time);
        let limit = worker.settings.time_limit.map(|time| started + time);
        tokio::select! {
            event = link.recv() => match event {
                Some(LinkEvent::Refused(status)) => break Err(Stopped::Refused(status)),
                Some(event) => worker.link(event).await,
                None => break Err(Stopped::Unheard),
            },
            Some((key, news)) = news.recv() => worker.news(key, news).await,
            _ = heartbeat.tick() => {
                worker.send_heartbeat().await;
                if worker.heartbeat != heartbeat.period() {
                    heartbeat = interval(worker.heartbeat);
                }
            }
            () = &mut leave, if !worker.leaving => {
                info!("leaving: runs are saved and handed back");
                worker.leave().await;
            }
            () = at(idle_until), if !worker.leaving && worker.is_idle() => {
                info!("leaving: there was no work for a while");
                worker.leave().await;
            }
            () = at(limit), if !worker.leaving => {
                info!("leaving: the time limit is reached");
                worker.leave().await;
            }
            () = at(farewell) => break Err(Stopped::Unheard),
        }
        if worker.leaving {
            if worker.held.is_empty() {
                break Ok(());
            }
            farewell.get_or_insert_with(|| Instant::now() + FAREWELL);
        }
    };
    keeper.abort();
    ended
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

struct Worker {
    settings: Settings,
    kind: String,
    client: WorkerServiceClient<Connection>,
    datasets: Arc<Datasets>,
    room: Arc<Room>,
    news: mpsc::Sender<(AttemptKey, News)>,
    held: BTreeMap<AttemptKey, Held>,
    /// Leases that wait for a slot, oldest first.
    queue: VecDeque<AttemptKey>,
    /// Threads that compute, or that were told to stop and have not yet.
    busy: u32,
    last_busy: Instant,
    heartbeat: Duration,
    session: Session,
    leaving: bool,
}

/// Where words to the coordinator go.
enum Session {
    /// There is none, or the hello is not answered yet: words are kept and said later.
    Down(Option<mpsc::Sender<wire::WorkerMessage>>),
    Up(mpsc::Sender<wire::WorkerMessage>),
}

impl Worker {
    fn new(
        settings: Settings,
        client: WorkerServiceClient<Connection>,
        news: mpsc::Sender<(AttemptKey, News)>,
    ) -> Self {
        Self {
            kind: settings.device.kind(),
            client,
            datasets: Arc::new(Datasets::new(settings.data_dir.clone(), settings.fetch)),
            room: Room::new(settings.memory),
            news,
            held: BTreeMap::new(),
            queue: VecDeque::new(),
            busy: 0,
            last_busy: Instant::now(),
            heartbeat: Duration::from_secs(1),
            session: Session::Down(None),
            leaving: false,
            settings,
        }
    }

    fn is_idle(&self) -> bool {
        self.held.is_empty() && self.busy == 0
    }

    async fn link(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Dialing(outgoing) => {
                let hello = wire::WorkerMessage {
                    message: Some(Message::Hello(self.hello())),
                };
                // A session that broke at once is dialled again.
                let _ = outgoing.send(hello).await;
                self.session = Session::Down(Some(outgoing));
            }
            LinkEvent::Word(word) => {
                if let Some(message) = word.message {
                    self.word(message).await;
                }
            }
            LinkEvent::Down => self.session = Session::Down(None),
            LinkEvent::Refused(_) => unreachable!("the caller ends the worker"),
        }
    }

    fn hello(&self) -> wire::Hello {
        wire::Hello {
            protocol: PROTOCOL,
            worker: self.settings.name.clone(),
            slots: self.settings.slots,
            kind: self.kind.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: self.settings.host.clone(),
            holds: listed(&self.held),
            instance: self.settings.instance,
            memory: self.settings.memory,
            labels: self.settings.labels.clone(),
        }
    }

    async fn word(&mut self, message: coordinator_message::Message) {
        use coordinator_message::Message as Word;

        let key = |attempt: Option<wire::AttemptKey>| attempt.and_then(|key| key.try_into().ok());
        match message {
            Word::Welcome(wire::Welcome { heartbeat_ms }) => self.welcome(heartbeat_ms).await,
            Word::Lease(lease) => self.lease(lease).await,
            Word::RecordStored(wire::Stored { attempt, step }) => {
                if let Some(held) = key(attempt).and_then(|key| self.held.get_mut(&key)) {
                    held.record_stored(step);
                }
            }
            Word::CheckpointStored(wire::Stored { attempt, step }) => {
                if let Some(held) = key(attempt).and_then(|key| self.held.get_mut(&key)) {
                    held.checkpoint_stored(step);
                }
            }
            Word::Settled(attempt) | Word::Stale(attempt) => {
                if let Some(key) = key(Some(attempt)) {
                    self.forget(key);
                }
            }
            Word::Recall(attempt) => {
                if let Some(key) = key(Some(attempt)) {
                    self.recall(key).await;
                }
            }
            Word::Leave(wire::Leave {}) if !self.leaving => {
                info!("leaving: a user asks for it");
                self.leave().await;
            }
            Word::Leave(wire::Leave {}) => {}
            // The link finds out by the end of the stream.
            Word::Goodbye(wire::Goodbye {}) => {}
        }
    }

    /// The session stands: say again what is not acknowledged.
    async fn welcome(&mut self, heartbeat_ms: u32) {
        if let Session::Down(outgoing) = &mut self.session
            && let Some(outgoing) = outgoing.take()
        {
            self.session = Session::Up(outgoing);
        }
        info!("joined the coordinator");
        self.heartbeat = Duration::from_millis(u64::from(heartbeat_ms.max(10)));
        let mut again: Vec<Message> = self.held.values().flat_map(Held::say_again).collect();
        if self.leaving {
            again.push(Message::Draining(wire::Draining {}));
        }
        self.say(again).await;
    }

    async fn lease(&mut self, lease: wire::Lease) {
        let attempt = lease.attempt.clone();
        let lease = match Lease::try_from(lease) {
            Ok(lease) => lease,
            Err(problem) => {
                let reason = Reason::Error.as_str().to_owned();
                let message = problem.to_string();
                return self
                    .say([Message::Failed(wire::Failed {
                        attempt,
                        reason,
                        message,
                    })])
                    .await;
            }
        };
        let key = lease.key;
        if self.leaving {
            return self.say([Message::HandBack(wire_key(key))]).await;
        }
        if self.held.contains_key(&key) {
            return;
        }
        self.held.insert(key, Held::new(lease));
        self.queue.push_back(key);
        self.fill_slots().await;
    }

    /// The coordinator has settled the attempt, or never wants to hear of it again.
    fn forget(&mut self, key: AttemptKey) {
        if let Some(held) = self.held.remove(&key)
            && let Stage::Computing(control) = held.stage
        {
            control.abandon();
        }
        self.queue.retain(|queued| *queued != key);
        self.last_busy = Instant::now();
    }

    /// A slot elsewhere is free for a run that waits here: it is given back unless it has begun.
    async fn recall(&mut self, key: AttemptKey) {
        if let Some(held) = self.held.get_mut(&key)
            && matches!(held.stage, Stage::Queued)
        {
            self.queue.retain(|queued| *queued != key);
            let messages = held.news(News::HandedBack);
            self.say(messages).await;
        }
    }

    async fn fill_slots(&mut self) {
        while self.busy < self.settings.slots
            && let Some(key) = self.queue.pop_front()
        {
            let Some(held) = self.held.get_mut(&key) else {
                continue;
            };
            let control = Arc::new(Control::default());
            held.stage = Stage::Computing(Arc::clone(&control));
            let lease = held.lease.clone();
            let task = self.task(lease, control);
            self.busy += 1;
            self.say([Message::Started(wire_key(key))]).await;
            tokio::spawn(begin(self.client.clone(), task));
        }
    }

    /// What a thread needs to compute a lease, but for what is fetched.
    fn task(&self, lease: Lease, control: Arc<Control>) -> Task {
        Task {
            lease,
            weights: None,
            own_data: None,
            checkpoint: None,
            device: self.settings.device,
            dump_dir: self.settings.dump_dir.clone(),
            datasets: Arc::clone(&self.datasets),
            room: Arc::clone(&self.room),
            checkpoint_every: self.settings.checkpoint_every,
            control,
            news: self.news.clone(),
        }
    }

    async fn news(&mut self, key: AttemptKey, news: News) {
        let last = news.is_last();
        if let Some(held) = self.held.get_mut(&key) {
            let messages = held.news(news);
            self.say(messages).await;
        }
        if last {
            self.busy -= 1;
            self.last_busy = Instant::now();
            self.fill_slots().await;
        }
    }

    async fn send_heartbeat(&mut self) {
        let progress = self.held.values().filter_map(Held::progress).collect();
        self.say([Message::Heartbeat(wire::Heartbeat { progress })])
            .await;
    }

    async fn leave(&mut self) {
        self.leaving = true;
        self.say([Message::Draining(wire::Draining {})]).await;
        for key in std::mem::take(&mut self.queue) {
            if let Some(held) = self.held.get_mut(&key) {
                let messages = held.news(News::HandedBack);
                self.say(messages).await;
            }
        }
        for held in self.held.values() {
            if let Stage::Computing(control) = &held.stage {
                control.hand_back();
            }
        }
    }

    /// Says it if the session stands. What must not be lost is kept in `held` and said again.
    async fn say(&mut self, messages: impl IntoIterator<Item = Message>) {
        let Session::Up(outgoing) = &self.session else {
            return;
        };
        for message in messages {
            if outgoing
                .send(wire::WorkerMessage {
                    message: Some(message),
                })
                .await
                .is_err()
            {
                self.session = Session::Down(None);
                return;
            }
        }
    }
}

/// Fetches what the task needs and starts its thread.
async fn begin(client: WorkerServiceClient<Connection>, mut task: Task) {
    let fetched = fetch(client, &mut task).await;
    let (key, news) = (task.lease.key, task.news.clone());
    let failed = match fetched {
        Ok(()) => match attempt::start(task) {
            Ok(()) => return,
            Err(problem) => format!("can't start a thread: {problem}"),
        },
        Err(status) => format!("can't fetch what the run needs: {}", status.message()),
    };
    warn!(run = %key.0, failed);
    // Without a listener the worker is gone.
    let _ = news.send((key, News::Failed(Reason::Error, failed))).await;
}

async fn fetch(mut client: WorkerServiceClient<Connection>, task: &mut Task) -> Result<(), Status> {
    let dataset = task.lease.run.point.dataset();
    if let Some(dataset) = dataset.filter(|dataset| !dataset.files().is_empty()) {
        let fetch = |id| fetch_file(client.clone(), id);
        let data = task.datasets.own(dataset, fetch).await?;
        let data = data.map_err(|problem| Status::data_loss(problem.to_string()))?;
        task.own_data = Some(data);
    }
    if let Some(step) = task.lease.resume {
        let attempt = Some(wire_key(task.lease.key));
        let request = wire::FetchCheckpointRequest { attempt, step };
        loop {
            let fetched = match client.fetch_checkpoint(request.clone()).await {
                Ok(parts) => collect(parts.into_inner()).await,
                Err(status) => Err(status),
            };
            match fetched {
                Ok(content) => {
                    task.checkpoint = Some(content);
                    return Ok(());
                }
                // Starting over gives the same result, later.
                Err(status) if status.code() == Code::NotFound => break,
                Err(status) => again_later(status).await?,
            }
        }
    }
    let network = task.lease.run.point.network();
    if let Some(Init::Weights(id)) = network.map(|point| point.train.init.clone()) {
        task.weights = Some(fetch_file(client, id).await?);
    }
    Ok(())
}

/// A file that travelled with the sweep.
async fn fetch_file(
    mut client: WorkerServiceClient<Connection>,
    id: BlobId,
) -> Result<Vec<u8>, Status> {
    let request = wire::FetchFileRequest {
        id: id.as_bytes().to_vec().into(),
    };
    loop {
        let fetched = match client.fetch_file(request.clone()).await {
            Ok(parts) => collect(parts.into_inner()).await,
            Err(status) => Err(status),
        };
        match fetched {
            Ok(content) if BlobId::of(&content) == id => return Ok(content),
            Ok(_) => {
                let problem = format!("the file `{id}` does not have its digest");
                return Err(Status::data_loss(problem));
            }
            Err(status) => again_later(status).await?,
        }
    }
}

/// A coordinator that is away comes back, and so does room on its disk; any other problem stays.
async fn again_later(status: Status) -> Result<(), Status> {
    if !matches!(
        status.code(),
        Code::Unavailable | Code::Cancelled | Code::Unknown | Code::ResourceExhausted
    ) {
        return Err(status);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok(())
}

async fn collect(mut parts: tonic::Streaming<wire::Part>) -> Result<Vec<u8>, Status> {
    let patience = Duration::from_secs(60);
    let mut content = Vec::new();
    loop {
        let part = timeout(patience, parts.message()).await;
        match part.map_err(|_| Status::unavailable("the transfer stands still"))?? {
            Some(part) => content.extend_from_slice(&part.content),
            None => return Ok(content),
        }
    }
}

#[cfg(test)]
mod tests;
