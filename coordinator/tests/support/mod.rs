//! A coordinator over a real socket, and peers that say what a test wants.

#![allow(dead_code)] // each test uses a part of it

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tailsweep_coordinator::{Access, Coordinator, Settings};
use tailsweep_proto::wire::coordinator_message::Message as Answer;
use tailsweep_proto::wire::submit_part::Part;
use tailsweep_proto::wire::sweep_service_client::SweepServiceClient;
use tailsweep_proto::wire::worker_message::Message as Word;
use tailsweep_proto::wire::worker_service_client::WorkerServiceClient;
use tailsweep_proto::{PROTOCOL, wire};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

/// Three small runs.
pub(crate) const SPEC: &str = r#"
version = 1
name = "services"
seeds = 3
[train]
steps = 10
[[block]]
dataset = "mnist-excerpt"
architecture = "fcn"
width = 4
depth = 2
batch_size = 100
learning_rate = 0.1
"#;

pub(crate) fn settings(state: &Path) -> Settings {
    Settings::new(state)
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) channel: Channel,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) server: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start(state: &Path) -> Self {
        Self::start_with(&settings(state)).await
    }

    pub(crate) async fn start_with(settings: &Settings) -> Self {
        let coordinator = Coordinator::open(settings).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            let stopped = Box::pin(async {
                let _ = stopped.await;
            });
            coordinator
                .serve_tcp(listener, Access::default(), stopped)
                .await
                .unwrap();
        });
        let channel = Channel::from_shared(url).unwrap().connect_lazy();
        Self {
            address,
            channel,
            stop,
            server,
        }
    }

    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.server.await.unwrap();
    }

    pub(crate) async fn submit(&self, source: &str) -> Result<wire::SubmitReply, Status> {
        let header = wire::SubmitHeader {
            source: source.to_owned(),
            path: "services.toml".to_owned(),
            ..Default::default()
        };
        let part = wire::SubmitPart {
            part: Some(Part::Header(header)),
        };
        let mut client = SweepServiceClient::new(self.channel.clone());
        let reply = client.submit(tokio_stream::iter([part])).await?;
        Ok(reply.into_inner())
    }

    /// A connection of its own: streams of one connection share its flow control.
    pub(crate) fn another_channel(&self) -> Channel {
        let url = format!("http://{}", self.address);
        Channel::from_shared(url).unwrap().connect_lazy()
    }

    /// A session that has said hello.
    pub(crate) async fn session(&self, hello: wire::Hello) -> Result<Session, Status> {
        Self::session_over(self.channel.clone(), hello).await
    }

    pub(crate) async fn session_over(
        channel: Channel,
        hello: wire::Hello,
    ) -> Result<Session, Status> {
        let (words, sent) = mpsc::channel(16);
        words.send(word(Word::Hello(hello))).await.unwrap();
        let mut client = WorkerServiceClient::new(channel);
        let answers = client.session(ReceiverStream::new(sent)).await?;
        Ok(Session {
            words,
            answers: answers.into_inner(),
        })
    }
}

pub(crate) struct Session {
    pub(crate) words: mpsc::Sender<wire::WorkerMessage>,
    pub(crate) answers: Streaming<wire::CoordinatorMessage>,
}

impl Session {
    pub(crate) async fn say(&self, message: Word) {
        self.words.send(word(message)).await.unwrap();
    }

    /// The next answer; nothing when the session ended.
    pub(crate) async fn hear(&mut self) -> Option<Answer> {
        let answer = tokio::time::timeout(Duration::from_secs(10), self.answers.message());
        answer.await.unwrap().unwrap_or(None)?.message
    }

    pub(crate) async fn hear_lease(&mut self) -> wire::AttemptKey {
        loop {
            match self.hear().await.unwrap() {
                Answer::Lease(lease) => return lease.attempt.unwrap(),
                Answer::Welcome(_) => {}
                other => panic!("expected a lease, got {other:?}"),
            }
        }
    }
}

pub(crate) fn word(message: Word) -> wire::WorkerMessage {
    wire::WorkerMessage {
        message: Some(message),
    }
}

pub(crate) fn hello(worker: &str) -> wire::Hello {
    wire::Hello {
        protocol: PROTOCOL,
        worker: worker.to_owned(),
        slots: 1,
        kind: "cpu".to_owned(),
        version: "test".to_owned(),
        host: "here".to_owned(),
        holds: Vec::new(),
        instance: 1,
        memory: None,
        labels: Vec::new(),
    }
}

/// Leases, starts and finishes all runs of [`SPEC`].
pub(crate) async fn finish_all(running: &Running) {
    let mut worker = running.session(hello("worthy")).await.unwrap();
    let mut settled = 0;
    while settled < 3 {
        match worker.hear().await.unwrap() {
            Answer::Lease(lease) => {
                let attempt = lease.attempt;
                worker.say(Word::Started(attempt.clone().unwrap())).await;
                let done = wire::Done {
                    steps: 10,
                    accuracy_reached: false,
                };
                let ending = Some(wire::finished::Ending::Done(done));
                worker
                    .say(Word::Finished(wire::Finished { attempt, ending }))
                    .await;
            }
            Answer::Settled(_) => settled += 1,
            Answer::Welcome(_) => {}
            other => panic!("expected a lease, got {other:?}"),
        }
    }
}

/// Where the last sweep stands.
pub(crate) async fn status(running: &Running) -> wire::SweepStatus {
    let mut client = SweepServiceClient::new(running.channel.clone());
    let request = wire::GetSweepRequest {
        sweep: "last".to_owned(),
    };
    client.get_sweep(request).await.unwrap().into_inner()
}
