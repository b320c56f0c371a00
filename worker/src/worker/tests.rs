#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use tailsweep_common::run::Run;
use tailsweep_common::sweep::parse;
use tailsweep_proto::Token;
use tailsweep_trainers::Device;
use tonic::transport::Endpoint;

use super::*;

/// A worker of one slot in a session, what it says there, and the news of its threads.
fn worker() -> (
    Worker,
    mpsc::Receiver<wire::WorkerMessage>,
    mpsc::Receiver<(AttemptKey, News)>,
) {
    let settings = Settings {
        name: "w".to_owned(),
        instance: 1,
        host: "here".to_owned(),
        slots: 1,
        memory: None,
        labels: Vec::new(),
        device: Device::Cpu,
        data_dir: PathBuf::new(),
        dump_dir: PathBuf::new(),
        fetch: false,
        idle_timeout: None,
        time_limit: None,
        checkpoint_every: Duration::from_secs(600),
    };
    let nowhere = Endpoint::from_static("http://127.0.0.1:9").connect_lazy();
    let client = WorkerServiceClient::new(Connection::new(nowhere, Token::NONE));
    let (sender, news) = mpsc::channel(NEWS);
    let (outgoing, said) = mpsc::channel(NEWS);
    let mut worker = Worker::new(settings, client, sender);
    worker.session = Session::Up(outgoing);
    (worker, said, news)
}

/// Two draws of noise that take milliseconds.
fn leases() -> [Lease; 2] {
    let sweep = "version = 1\nname = \"s\"\ntrain.steps = 1\n[[block]]\n\
                 architecture = \"synthetic\"\n\"synthetic.alpha\" = 1.5\n\
                 \"synthetic.params\" = 50\n\"synthetic.minibatches\" = 8\n";
    let sweep = parse(sweep, "s.toml", &BTreeMap::new()).unwrap();
    [0, 1].map(|seed| {
        let run = Run {
            point: Arc::clone(&sweep.points[0]),
            seed,
        };
        Lease {
            key: (run.id(), 1),
            run,
            resume: None,
            time_limit: None,
        }
    })
}

#[tokio::test]
async fn a_panic_fails_its_own_attempt_with_its_message_and_the_slot_goes_on() {
    let (mut worker, mut said, mut news) = worker();
    let [first, second] = leases();

    // The first lease is in computation; the second one waits for the slot.
    let control = Arc::new(Control::default());
    let task = worker.task(first.clone(), Arc::clone(&control));
    let mut held = Held::new(first.clone());
    held.stage = Stage::Computing(control);
    worker.held.insert(first.key, held);
    worker.busy = 1;
    worker.lease((&second).into()).await;
    assert!(said.try_recv().is_err(), "no slot is free");

    attempt::on_a_thread(task, |task| {
        rayon::join(
            || {
                panic!(
                    "a trainer broke at step {}",
                    task.control.step.load(Ordering::Relaxed)
                )
            },
            || (),
        );
        unreachable!("panics of a pool come back");
    })
    .unwrap();
    let (key, last) = news.recv().await.unwrap();
    assert_eq!(key, first.key);
    worker.news(key, last).await;

    let Some(Message::Failed(failed)) = said.recv().await.unwrap().message else {
        panic!("it is told");
    };
    assert_eq!(failed.attempt, Some(wire_key(first.key)));
    assert_eq!(failed.reason, "panic");
    let message = failed.message;
    assert!(
        message.starts_with("a trainer broke at step 0"),
        "{message}"
    );

    // The slot takes the next one, which ends as if nothing had been.
    let Some(Message::Started(started)) = said.recv().await.unwrap().message else {
        panic!("the slot is free again");
    };
    assert_eq!(started, wire_key(second.key));
    loop {
        let (key, next) = news.recv().await.unwrap();
        assert_eq!(key, second.key);
        let is_last = next.is_last();
        assert!(!matches!(next, News::Failed(..)), "{next:?}");
        worker.news(key, next).await;
        if is_last {
            break;
        }
    }
    worker.forget(first.key);
    worker.forget(second.key);
    assert!(worker.is_idle());
}
