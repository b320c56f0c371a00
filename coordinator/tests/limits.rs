//! Who says too much, or does not listen, harms nobody else.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use std::time::Duration;

use support::*;
use tailsweep_common::id::RunId;
use tailsweep_proto::wire::submit_part::Part;
use tailsweep_proto::wire::sweep_service_client::SweepServiceClient;
use tailsweep_proto::wire::worker_message::Message as Word;
use tailsweep_proto::{MAX_MESSAGE, wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_floods_and_does_not_listen_is_cut_off_and_others_go_on() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    running.submit(SPEC).await.unwrap();
    let strange = wire::AttemptKey::new(RunId::of(b"nobody's"), 1);
    let mut flooding = Vec::new();
    for number in 0..4 {
        let mut fool = hello(&format!("fool-{number}"));
        // Another kind of machine, which takes no run away.
        fool.memory = Some(1);
        let channel = running.another_channel();
        let flooder = Running::session_over(channel, fool).await.unwrap();
        let word = wire::WorkerMessage {
            message: Some(Word::HandBack(strange.clone())),
        };
        flooding.push(tokio::spawn(flood(flooder, word)));
    }
    finish_all(&running).await;
    assert_eq!(status(&running).await.runs.unwrap().done, 3);
    for flood in flooding {
        let said = tokio::time::timeout(Duration::from_secs(60), flood).await;
        let said = said.expect("its session did not end").unwrap();
        assert!(said > 4096, "it was cut off after {said} words");
    }
}

/// Says the word as long as the coordinator takes it, reading no answer meanwhile; then reads what
/// is left until the session is over. How often it was said.
async fn flood(mut flooder: Session, word: wire::WorkerMessage) -> u64 {
    let mut said = 0;
    let patience = Duration::from_secs(2);
    while let Ok(Ok(())) = tokio::time::timeout(patience, flooder.words.send(word.clone())).await {
        said += 1;
    }
    while flooder.hear().await.is_some() {}
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_harms_nobody() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    running.submit(SPEC).await.unwrap();
    let mut deaf = SweepServiceClient::new(running.another_channel());
    let sweep = || "last".to_owned();
    let (mut watched, mut reports) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let request = wire::GetSweepRequest { sweep: sweep() };
        watched.push(deaf.watch(request).await.unwrap());
    }
    for _ in 0..10 {
        let request = wire::GetReportRequest {
            sweep: sweep(),
            ..Default::default()
        };
        reports.push(deaf.get_report(request).await.unwrap());
    }
    finish_all(&running).await;
    assert_eq!(status(&running).await.runs.unwrap().done, 3);
}

#[tokio::test]
async fn a_message_beyond_the_bound_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    running.submit(SPEC).await.unwrap();
    let mut session = running.session(hello("large")).await.unwrap();
    let key = session.hear_lease().await;
    let part = wire::CheckpointPart {
        attempt: Some(key),
        step: 1,
        content: vec![0; MAX_MESSAGE + 1].into(),
        last: true,
    };
    session.say(Word::Checkpoint(part)).await;
    while session.hear().await.is_some() {}

    let header = wire::SubmitHeader {
        source: "#".repeat(9 << 20),
        ..wire::SubmitHeader::default()
    };
    let part = wire::SubmitPart {
        part: Some(Part::Header(header)),
    };
    let mut client = SweepServiceClient::new(running.channel.clone());
    let refused = client.submit(tokio_stream::iter([part])).await.unwrap_err();
    assert!(refused.message().contains("bytes"), "{refused}");
    assert_eq!(status(&running).await.runs.unwrap().done, 0);
}

#[tokio::test]
async fn a_checkpoint_larger_than_its_run_ends_the_session() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    running.submit(SPEC).await.unwrap();
    let mut session = running.session(hello("hoarder")).await.unwrap();
    let key = session.hear_lease().await;
    let part = wire::CheckpointPart {
        attempt: Some(key),
        step: 1,
        content: vec![0; 8 << 20].into(),
        last: false,
    };
    for sent in 0.. {
        let word = wire::WorkerMessage {
            message: Some(Word::Checkpoint(part.clone())),
        };
        if session.words.send(word).await.is_err() {
            break;
        }
        assert!(sent < 100, "a run of 3,176 parameters may keep 800 MiB");
    }
    finish_all(&running).await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_ends() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    let silent = TcpStream::connect(running.address);
    let mut half = TcpStream::connect(running.address).await.unwrap();
    half.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    for mut stream in [silent.await.unwrap(), half] {
        let mut heard = [0; 64];
        let ended = tokio::time::timeout(Duration::from_secs(30), stream.read(&mut heard));
        let heard = ended.await.expect("it holds a file handle for ever");
        assert_eq!(heard.unwrap_or(0), 0, "it was answered");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_protocol_harm_nobody() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    running.submit(SPEC).await.unwrap();
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    for number in 0..64 {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        let mut bytes: Vec<u8> = (0..4096)
            .map(|_| {
                // xorshift64.
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                noise as u8
            })
            .collect();
        if number % 2 == 0 {
            // Noise behind a proper beginning of HTTP/2.
            bytes.splice(0..0, *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        }
        // The server may have hung up.
        let _ = stream.write_all(&bytes).await;
    }
    finish_all(&running).await;
}
