//! A coordinator over a real socket, as peers of any kind see it.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use std::path::Path;
use std::time::Duration;

use support::*;
use tailsweep_common::id::RunId;
use tailsweep_coordinator::{Coordinator, StoreError};
use tailsweep_proto::wire::coordinator_message::Message as Answer;
use tailsweep_proto::wire::sweep_service_client::SweepServiceClient;
use tailsweep_proto::wire::worker_message::Message as Word;
use tailsweep_proto::{PROTOCOL, wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let request = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.contains("there is no such page"), "{answer}");
}

#[tokio::test]
async fn health_and_reflection_answer() {
    use tonic_health::pb::health_client::HealthClient;
    use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    let service = "tailsweep.v1.SweepService".to_owned();
    let request = HealthCheckRequest { service };
    let health = HealthClient::new(running.channel.clone())
        .check(request)
        .await
        .unwrap();
    assert_eq!(health.into_inner().status(), ServingStatus::Serving);

    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = ServerReflectionClient::new(running.channel.clone())
        .server_reflection_info(tokio_stream::iter([request]))
        .await
        .unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(services)) = answer.message_response else {
        panic!("expected a list, got {answer:?}");
    };
    let names: Vec<&str> = services
        .service
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    for name in ["tailsweep.v1.SweepService", "tailsweep.v1.WorkerService"] {
        assert!(names.contains(&name), "{names:?}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    let first = running.submit(SPEC).await.unwrap();
    assert!(first.created);
    assert_eq!(first.runs, 3);
    running.stop().await;

    let running = Running::start(state.path()).await;
    let again = running.submit(SPEC).await.unwrap();
    assert!(!again.created, "the same file names the existing sweep");
    assert_eq!(again.sweep_id, first.sweep_id);
    let request = wire::GetSweepRequest {
        sweep: first.sweep_id[..8].to_owned(),
    };
    let mut client = SweepServiceClient::new(running.channel.clone());
    let status = client.get_sweep(request).await.unwrap().into_inner();
    assert_eq!(status.runs.unwrap().waiting, 3);
    assert!(
        status.waiting_for.contains("no worker"),
        "{}",
        status.waiting_for
    );
}

#[tokio::test]
async fn a_wrong_file_is_refused_with_its_place() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    let refused = running
        .submit(&SPEC.replace("width", "widht"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(
        refused.message().contains("services.toml:10:1"),
        "{}",
        refused.message()
    );
    assert!(
        refused.message().contains("`width`"),
        "{}",
        refused.message()
    );
}

#[tokio::test]
async fn a_worker_of_another_protocol_is_told_so() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    let stranger = wire::Hello {
        protocol: PROTOCOL + 1,
        ..hello("stranger")
    };
    let Err(refused) = running.session(stranger).await else {
        panic!("a worker of another protocol was let in");
    };
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        refused.message().contains("protocol"),
        "{}",
        refused.message()
    );
}

#[tokio::test]
async fn nonsense_ends_the_session_and_nothing_else() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    running.submit(SPEC).await.unwrap();

    let attempt = Some(wire::AttemptKey::new(RunId::of(b"nobody's"), 1));
    let step = 5;
    let nonsense = [
        Word::Hello(hello("twice")),
        Word::Started(wire::AttemptKey::default()),
        Word::Record(wire::Record {
            attempt: attempt.clone(),
            measurement: None,
        }),
        Word::Record(wire::Record {
            attempt: attempt.clone(),
            measurement: Some(wire::Measurement {
                step,
                splits: Vec::new(),
                iterates: None,
                exits: None,
            }),
        }),
        Word::Finished(wire::Finished {
            attempt: attempt.clone(),
            ending: None,
        }),
        Word::Failed(wire::Failed {
            attempt,
            reason: "bad luck".into(),
            message: String::new(),
        }),
    ];
    for (number, nonsense) in nonsense.into_iter().enumerate() {
        let mut session = running
            .session(hello(&format!("fool-{number}")))
            .await
            .unwrap();
        session.say(nonsense.clone()).await;
        while let Some(answer) = session.hear().await {
            let expected = matches!(answer, Answer::Welcome(_) | Answer::Lease(_));
            assert!(expected, "{nonsense:?} was answered {answer:?}");
        }
    }
    assert!(
        !running.submit(SPEC).await.unwrap().created,
        "the coordinator goes on"
    );
}

#[tokio::test]
async fn a_word_of_an_unknown_attempt_is_stale() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    running.submit(SPEC).await.unwrap();
    let mut session = running.session(hello("late")).await.unwrap();
    let mut key = session.hear_lease().await;
    key.attempt += 1;
    session.say(Word::HandBack(key.clone())).await;
    loop {
        match session.hear().await.unwrap() {
            Answer::Stale(stale) => break assert_eq!(stale, key),
            Answer::Lease(_) => {}
            other => panic!("expected `stale`, got {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_newer_session_of_a_worker_ends_the_older_one() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    let mut older = running.session(hello("twin")).await.unwrap();
    assert!(matches!(older.hear().await, Some(Answer::Welcome(_))));
    let mut newer = running.session(hello("twin")).await.unwrap();
    assert!(matches!(newer.hear().await, Some(Answer::Welcome(_))));
    assert_eq!(older.hear().await, None);
}

#[tokio::test]
async fn a_second_process_of_a_name_is_turned_away() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    let mut first = running.session(hello("twin")).await.unwrap();
    assert!(matches!(first.hear().await, Some(Answer::Welcome(_))));
    let second = wire::Hello {
        instance: 2,
        ..hello("twin")
    };
    let Err(refused) = running.session(second.clone()).await else {
        panic!("two workers have one name");
    };
    assert_eq!(refused.code(), Code::AlreadyExists);
    drop(first);
    for _ in 0..500 {
        if running.session(second.clone()).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the name is not free although its worker has gone");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    for number in 0..5 {
        running
            .submit(&SPEC.replace("services", &format!("sweep-{number}")))
            .await
            .unwrap();
    }
    let mut client = SweepServiceClient::new(running.channel.clone());
    let (mut names, mut ages, mut page) = (Vec::new(), Vec::new(), String::new());
    loop {
        let request = wire::ListSweepsRequest { page_size: 2, page };
        let reply = client.list_sweeps(request).await.unwrap().into_inner();
        assert!(reply.sweeps.len() <= 2);
        ages.extend(reply.sweeps.iter().map(|sweep| sweep.age_ms));
        names.extend(reply.sweeps.into_iter().map(|sweep| sweep.name));
        if reply.next_page.is_empty() {
            break;
        }
        page = reply.next_page;
    }
    assert_eq!(
        names,
        ["sweep-4", "sweep-3", "sweep-2", "sweep-1", "sweep-0"]
    );
    assert!(ages[0].is_some() && ages.is_sorted(), "{ages:?}");
}

#[test]
fn a_second_coordinator_on_the_same_state_says_so() {
    let state = tempfile::tempdir().unwrap();
    let first = Coordinator::open(&settings(state.path())).unwrap();
    let Err(problem) = Coordinator::open(&settings(state.path())) else {
        panic!("two coordinators have one state");
    };
    assert!(matches!(problem, StoreError::InUse(_)), "{problem}");
    drop(first);
    Coordinator::open(&settings(state.path())).unwrap();
}

#[test]
fn a_state_that_is_not_ours_is_named_and_left_alone() {
    let state = tempfile::tempdir().unwrap();
    let database = state.path().join("tailsweep.db");
    let garbage = b"this is not a database, whatever its name says".repeat(100);
    std::fs::write(&database, &garbage).unwrap();
    let Err(problem) = Coordinator::open(&settings(state.path())) else {
        panic!("garbage was taken for a state");
    };
    assert!(problem.to_string().contains("tailsweep.db"), "{problem}");
    assert_eq!(std::fs::read(&database).unwrap(), garbage);
}

#[test]
fn nobody_else_reads_the_state() {
    use std::os::unix::fs::PermissionsExt;

    let parent = tempfile::tempdir().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let open_to_all = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let state = parent.path().join("state");
    drop(Coordinator::open(&settings(&state)).unwrap());
    assert_eq!(mode(&state), 0o700);
    open_to_all(&state, 0o755);
    open_to_all(&state.join("tailsweep.db"), 0o644);
    let coordinator = Coordinator::open(&settings(&state)).unwrap();
    assert_eq!(mode(&state), 0o700);
    for file in std::fs::read_dir(&state).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    drop(coordinator);
}
