//! What is kept, found again, carried elsewhere and let go.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs;

use tailsweep_e2e::desk::{Desk, spec};
use tailsweep_e2e::{assert_equal_reports, succeed, text, until};

#[test]
fn results_travel_to_another_coordinator_without_a_change() {
    let desk = Desk::open();
    let _worker = desk.worker("a", &[]);
    let source = spec("travels", 3, 20, "");
    let file = desk.file(&source);
    let file = file.to_str().unwrap();
    desk.say(&[
        "submit", file, "--watch", "--tag", "cluster", "--notes", "at night",
    ]);
    let carried = desk.path("travels.tailsweep");
    let carried = carried.to_str().unwrap();
    desk.say(&["export", "travels", "--out", carried]);

    let laptop = Desk::open();
    let import = || laptop.json(&["import", carried, "--json"]);
    let first = import();
    assert_eq!((&first["taken"], &first["known"]), (&3.into(), &0.into()));
    let reports = [desk.cluster.report(), laptop.cluster.report()];
    assert_equal_reports(&reports[1], &reports[0]);
    let status = laptop.json(&["status", "--json"]);
    assert_eq!(status["sweep"]["tags"][0], "cluster");
    assert_eq!(status["sweep"]["notes"], "at night");
    let again = import();
    assert_eq!((&again["taken"], &again["known"]), (&0.into(), &3.into()));
    // Its runs are known here as if they had been computed here.
    let larger = laptop.file(&spec("travels", 4, 20, ""));
    laptop.say(&["submit", larger.to_str().unwrap()]);
    assert_eq!(laptop.runs("done").len(), 3);

    let mut bytes = fs::read(carried).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(carried, &bytes).unwrap();
    let said = laptop.refused(&["import", carried]);
    assert!(said.contains("travels.tailsweep"), "{said}");
    fs::write(carried, &bytes[..middle]).unwrap();
    laptop.refused(&["import", carried]);
}

#[test]
fn an_imported_sweep_with_gaps_waits_to_be_resumed() {
    let desk = Desk::open();
    desk.submit(&spec("gaps", 3, 20, ""));
    let worker = desk.worker("a", &[]);
    until("a result", || (desk.cluster.runs("done") > 0).then_some(()));
    desk.say(&["cancel"]);
    drop(worker);
    let done = desk.cluster.runs("done");
    let carried = desk.path("gaps.tailsweep");
    let carried = carried.to_str().unwrap();
    desk.say(&["export", "--out", carried]);

    let other = Desk::open();
    let _worker = other.worker("b", &[]);
    let told = other.json(&["import", carried, "--json"]);
    assert_eq!(told["taken"], done);
    if done < 3 {
        let status = other.json(&["status", "--json"]);
        assert_eq!(status["sweep"]["paused"], true);
        other.say(&["resume"]);
    }
    other.cluster.watch();
    assert_eq!(other.cluster.runs("done"), 3);
}

#[test]
fn old_sweeps_go_but_not_those_to_be_kept() {
    let desk = Desk::open();
    let _worker = desk.worker("a", &[]);
    for name in ["first", "kept", "third"] {
        let file = desk.file(&spec(
            name,
            1,
            20,
            &format!("max_attempts = {}", name.len()),
        ));
        let tag = if name == "kept" { "keep" } else { "other" };
        let file = file.to_str().unwrap();
        desk.say(&["submit", file, "--watch", "--tag", tag]);
    }
    let names = |json: serde_json::Value| -> Vec<String> {
        let sweeps = json["sweeps"].as_array().unwrap().iter();
        let name = |sweep: &serde_json::Value| sweep["name"].as_str().unwrap().to_owned();
        sweeps.map(name).collect()
    };
    let gc = |more: &[&str]| {
        let all = [
            &["gc", "--json", "--older-than", "1ms", "--keep-last", "1"],
            more,
        ]
        .concat();
        desk.json(&all)
    };
    assert_eq!(names(gc(&["--dry-run"])), ["first"]);
    assert_eq!(names(desk.json(&["sweeps", "--json"])).len(), 3);
    let gone = gc(&[]);
    assert_eq!(names(gone.clone()), ["first"]);
    assert!(gone["bytes_after"].as_u64() <= gone["bytes_before"].as_u64());
    assert_eq!(names(desk.json(&["sweeps", "--json"])), ["third", "kept"]);
    assert_eq!(
        names(desk.json(&["sweeps", "--json", "--tag", "keep"])),
        ["kept"]
    );
    let sizes = desk.json(&["status", "--json"])["sweep"]["sizes"].clone();
    assert!(sizes["records"].as_u64().unwrap() > 0, "{sizes}");
    assert!(sizes["records_bytes"].as_u64() < sizes["state_bytes"].as_u64());
}

#[test]
fn a_worker_is_asked_to_leave_and_its_run_goes_on_elsewhere() {
    let desk = Desk::open();
    desk.submit(&spec("moves", 1, 1_000_000_000, ""));
    let first = desk.worker("first-worker", &[]);
    desk.until("running", 1);
    let run = desk.runs("running")[0]["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut follow = desk.cluster.client(["logs", "--follow", &run]);
    let follow = std::thread::spawn(move || {
        succeed({
            follow.stderr(std::process::Stdio::null());
            follow
        })
    });
    let said = desk.refused(&["workers", "stop", "nobody"]);
    assert!(said.contains("tailsweep workers"), "{said}");
    desk.say(&["workers", "stop", "first"]);
    assert_eq!(first.wait().code(), Some(0));
    let _second = desk.worker("second-worker", &[]);
    desk.until("running", 1);
    until("the second attempt", || {
        let logs = desk.say(&["logs", &run]);
        logs.contains("attempt 2 on second-worker").then_some(())
    });
    desk.say(&["cancel"]);
    let told = follow.join().unwrap();
    for part in [
        "attempt 1 on first-worker",
        "handed back",
        "attempt 2 on second-worker",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn a_command_runs_here_once_the_sweep_is_over() {
    let desk = Desk::open();
    let file = desk.file(&spec("ends", 1, 20, ""));
    let (file, note) = (file.to_str().unwrap(), desk.path("note"));
    let write = format!(
        "echo \"$TAILSWEEP_SWEEP_NAME $TAILSWEEP_RESULT $TAILSWEEP_SWEEP_ID\" > {}",
        note.display()
    );
    let output = desk.cluster.client(["submit", file, "--on-finish", &write]);
    let output = { output }.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    let _worker = desk.worker("a", &[]);
    let id = desk.say(&["submit", file, "--watch", "--on-finish", &write]);
    assert_eq!(fs::read_to_string(&note).unwrap(), format!("ends ok {id}"));
}
