//! The state on disk: full, damaged, older, and nobody else's.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use support::*;
use tailsweep_coordinator::{Coordinator, Settings};
use tailsweep_proto::wire;
use tailsweep_proto::wire::sweep_service_client::SweepServiceClient;
use tonic::Code;

fn database(state: &Path) -> PathBuf {
    state.join("tailsweep.db")
}

/// A sweep of this name, with a comment of so many bytes.
fn sweep(name: &str, comment: usize) -> String {
    SPEC.replace("services", name) + "# " + &"x".repeat(comment) + "\n"
}

/// What a state with some sweeps in it says when something happened to it.
fn problem_after(damage: impl FnOnce(&Path)) -> String {
    let state = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let running = Running::start(state.path()).await;
        for number in 0..8 {
            let source = sweep(&format!("sweep-{number}"), 20_000);
            running.submit(&source).await.unwrap();
        }
        running.stop().await;
    });
    damage(state.path());
    match Coordinator::open(&settings(state.path())) {
        Ok(_) => panic!("the damage was not noticed"),
        Err(problem) => {
            let said = problem.to_string();
            assert!(said.contains("tailsweep.db"), "{said}");
            said
        }
    }
}

fn change(state: &Path, sql: &str) {
    let changed = Connection::open(database(state)).unwrap().execute(sql, []);
    assert_eq!(changed.unwrap(), 1, "{sql}");
}

#[test]
fn damage_is_recognised_and_named() {
    let said = problem_after(|state| {
        let mut bytes = fs::read(database(state)).unwrap();
        let (from, to) = (bytes.len() / 2, bytes.len() / 2 + 8192);
        bytes[from..to].fill(0xa5);
        fs::write(database(state), bytes).unwrap();
    });
    assert!(said.contains("damaged"), "{said}");

    let said = problem_after(|state| {
        let bytes = fs::read(database(state)).unwrap();
        fs::write(database(state), &bytes[..bytes.len() / 2]).unwrap();
    });
    assert!(said.contains("damaged"), "{said}");

    let said = problem_after(|state| {
        fs::write(state.join("tailsweep.db-wal"), b"what is left of a log").unwrap();
        fs::write(database(state), b"").unwrap();
    });
    assert!(
        said.contains("damaged") && said.contains("db-wal"),
        "{said}"
    );
}

#[test]
fn a_journal_that_was_changed_is_named_with_its_line() {
    let said = problem_after(|state| {
        change(
            state,
            "UPDATE journal SET body = replace(body, '1', '2') WHERE seq = 3",
        );
    });
    assert!(said.contains("line 3"), "{said}");
    let said = problem_after(|state| change(state, "DELETE FROM journal WHERE seq = 4"));
    assert!(said.contains("line 4 of the journal is missing"), "{said}");
    let said = problem_after(|state| change(state, "UPDATE journal SET seal = NULL WHERE seq = 5"));
    assert!(said.contains("line 5"), "{said}");
}

#[test]
fn a_journal_without_its_end_is_named() {
    let last = "DELETE FROM journal WHERE seq = (SELECT MAX(seq) FROM journal)";
    let said = problem_after(|state| change(state, last));
    assert!(said.contains("line 8 of the journal is missing"), "{said}");
    let more =
        "INSERT INTO journal SELECT seq + 1, at_ms, body, NULL, run FROM journal WHERE seq = 8";
    let said = problem_after(|state| change(state, more));
    assert!(
        said.contains("damaged") && said.contains("line 9"),
        "{said}"
    );
    let said = problem_after(|state| change(state, "DELETE FROM journal_end"));
    assert!(said.contains("damaged"), "{said}");
}

#[tokio::test]
async fn what_contradicts_the_tables_is_damage_and_no_trouble_of_the_disk() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    running.submit(&sweep("first", 100)).await.unwrap();
    let other = Connection::open(database(state.path())).unwrap();
    let line = "INSERT INTO journal (seq, at_ms, body) VALUES (2, 0, '')";
    assert_eq!(other.execute(line, []), Ok(1));
    let refused = running.submit(&sweep("second", 100)).await.unwrap_err();
    assert!(refused.message().contains("damaged"), "{refused}");
}

#[tokio::test]
async fn the_journal_loses_what_was_said_of_removed_runs_and_nothing_else() {
    let state = tempfile::tempdir().unwrap();
    let running = Running::start(state.path()).await;
    let kept = sweep("kept", 100).replace("seeds = 3", "seeds = [7, 8, 9]");
    running.submit(&sweep("gone", 100)).await.unwrap();
    finish_all(&running).await;
    running.submit(&kept).await.unwrap();
    finish_all(&running).await;
    let other = Connection::open(database(state.path())).unwrap();
    let lines = || -> i64 {
        let count = other.query_row("SELECT COUNT(*) FROM journal", [], |row| row.get(0));
        count.unwrap()
    };
    let before = lines();
    let mut client = SweepServiceClient::new(running.channel.clone());
    let removal = wire::ControlRequest {
        sweep: "gone".to_owned(),
        wish: Some(wire::control_request::Wish::Remove(wire::Remove {})),
    };
    client.control(removal).await.unwrap();
    client
        .collect(wire::CollectRequest::default())
        .await
        .unwrap();
    // Each of its three runs was leased, started and finished; two lines tell of its end.
    assert_eq!(lines(), before - 9 + 2);
    running.stop().await;

    let running = Running::start(state.path()).await;
    assert_eq!(status(&running).await.runs.unwrap().done, 3);
    assert!(running.submit(&sweep("gone", 100)).await.unwrap().created);
    finish_all(&running).await;
    running.stop().await;
    drop(Coordinator::open(&settings(state.path())).unwrap());
    change(state.path(), "DELETE FROM journal WHERE seq = 13");
    let said = Coordinator::open(&settings(state.path())).err().unwrap();
    assert!(
        said.to_string()
            .contains("line 13 of the journal is missing"),
        "{said}"
    );
}

#[test]
fn a_torn_log_loses_only_what_was_never_acknowledged() {
    let state = tempfile::tempdir().unwrap();
    let torn = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let running = Running::start(state.path()).await;
        running.submit(&sweep("first", 100)).await.unwrap();
        let log = |folder: &Path| folder.join("tailsweep.db-wal");
        let acknowledged = fs::metadata(log(state.path())).unwrap().len();
        running.submit(&sweep("second", 100)).await.unwrap();
        // As after a power cut in the middle of the second commit.
        fs::copy(database(state.path()), database(torn.path())).unwrap();
        let written = fs::read(log(state.path())).unwrap();
        assert!(
            written.len() as u64 > acknowledged + 100,
            "the second is not in the log"
        );
        fs::write(log(torn.path()), &written[..acknowledged as usize + 100]).unwrap();

        let running = Running::start(torn.path()).await;
        assert!(!running.submit(&sweep("first", 100)).await.unwrap().created);
        assert!(running.submit(&sweep("second", 100)).await.unwrap().created);
    });
}

#[tokio::test]
async fn a_full_state_says_so_and_goes_on_when_there_is_room() {
    let state = tempfile::tempdir().unwrap();
    drop(Coordinator::open(&settings(state.path())).unwrap());
    let other = Connection::open(database(state.path())).unwrap();
    let filler = "CREATE TABLE filler (content); INSERT INTO filler VALUES (zeroblob(500000))";
    other.execute_batch(filler).unwrap();

    let small = Settings {
        max_state: Some(1 << 20),
        ..settings(state.path())
    };
    let running = Running::start_with(&small).await;
    let mut accepted = 0;
    let refused = loop {
        let submitted = running
            .submit(&sweep(&format!("sweep-{accepted}"), 50_000))
            .await;
        match submitted {
            Ok(_) => accepted += 1,
            Err(refused) => break refused,
        }
        assert!(accepted < 100, "the limit is not kept");
    };
    assert!(accepted > 0, "nothing fits: {refused}");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("there is no room"), "{refused}");

    // What was acknowledged is there, it says what is wrong, and workers wait.
    let mut client = SweepServiceClient::new(running.channel.clone());
    let request = wire::GetSweepRequest {
        sweep: "sweep-0".to_owned(),
    };
    let mut status = client.get_sweep(request.clone()).await;
    for _ in 0..100 {
        if status.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        status = client.get_sweep(request.clone()).await;
    }
    let status = status.unwrap().into_inner();
    assert!(
        status.waiting_for.contains("there is no room"),
        "{status:?}"
    );
    let Err(refused) = running.session(hello("worker")).await else {
        panic!("a worker was let in although nothing can be kept");
    };
    assert_eq!(refused.code(), Code::ResourceExhausted);

    other.execute("DELETE FROM filler", []).unwrap();
    let source = sweep(&format!("sweep-{accepted}"), 50_000);
    for _ in 0..500 {
        if let Ok(reply) = running.submit(&source).await {
            assert!(reply.created, "what was refused was kept all the same");
            let mut session = running.session(hello("worker")).await.unwrap();
            session.hear_lease().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not go on although there is room");
}
