//! The user's control: pause, cancel, retry, explain, extend, remove, on real processes.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs;
use std::path::Path;

use serde_json::Value;
use tailsweep_e2e::desk::{Desk, spec};
use tailsweep_e2e::{attempt_events, text, until};

/// Longer than any test.
const ENDLESS: u32 = 1_000_000_000;

#[test]
fn sweeps_pause_go_on_end_and_are_retried() {
    let desk = Desk::open();
    desk.submit(&spec("long", 4, ENDLESS, ""));
    let _worker = desk.worker("a", &[]);
    desk.until("running", 1);

    desk.say(&["pause"]);
    desk.say(&["priority", "long", "-3"]);
    let status = desk.json(&["status", "long", "--json"]);
    assert_eq!(status["sweep"]["paused"], true);
    assert_eq!(status["sweep"]["priority"], -3);
    let waiting = desk.runs("waiting");
    let run = waiting[0]["run_id"].as_str().unwrap();
    let why = desk.json(&["explain", run, "--json"]);
    assert_eq!(why["why"], "paused");

    desk.say(&["cancel"]);
    assert_eq!(desk.runs("cancelled").len(), 4, "running ones, too");
    let watched = desk.cluster.client(["watch"]).output().unwrap();
    assert_eq!(watched.status.code(), Some(1), "{}", text(&watched));
    let workers = || desk.json(&["workers", "--json"])["workers"].clone();
    until("the worker to be free", || {
        (workers()[0]["computing"] == 0).then_some(())
    });
    let said = desk.refused(&["retry", "--failed"]);
    assert!(said.contains("is cancelled"), "{said}");

    desk.say(&["retry"]);
    desk.until("running", 1);
    let running = desk.runs("running");
    let run = running[0]["run_id"].as_str().unwrap();
    let logs = desk.say(&["logs", &run[..10]]);
    assert!(logs.contains("attempt 1 on a"), "{logs}");
}

#[test]
fn weights_of_a_checkpoint_are_those_of_a_run_trained_again() {
    let desk = Desk::open();
    desk.submit(&spec("saved", 1, ENDLESS, ""));
    let worker = desk.worker("a", &[]);
    desk.until("running", 1);
    let run = desk.runs("running")[0]["run_id"].clone();
    let run = run.as_str().unwrap();
    let detail = || desk.json(&["explain", run, "--json"]);
    until("a few steps", || {
        (detail()["run"]["step"].as_u64() > Some(3)).then_some(())
    });
    let said = desk.refused(&["weights", run, "--step", "2"]);
    assert!(said.contains("--recompute"), "{said}");

    worker.signal("TERM");
    assert!(worker.wait().success());
    let step = detail()["checkpoint"].as_u64().unwrap().to_string();
    let [stored, computed] = ["a", "b"].map(|name| desk.path(name));
    let file = |path: &Path| path.to_str().unwrap().to_owned();
    desk.say(&["weights", run, "--out", &file(&stored)]);
    let said = desk.refused(&["weights", run, "--step", "2"]);
    assert!(said.contains(&format!("--step {step}")), "{said}");
    let again = ["weights", run, "--step", &step, "--recompute", "--out"];
    desk.say(&[&again[..], &[&file(&computed)]].concat());
    let [stored, computed] = [stored, computed].map(|path| fs::read(path).unwrap());
    assert!(stored == computed, "step {step}");
    assert!(stored.windows(11).any(|bytes| bytes == b"fc.0.weight"));
}

#[test]
fn weights_of_a_finished_run_are_trained_again_from_what_travelled_with_its_sweep() {
    let desk = Desk::open();
    let npy = |descr: &str, shape: &str, data: &[u8]| {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        [&bytes[..], header.as_bytes(), data].concat()
    };
    let pixels: Vec<u8> = (0..240_u32).map(|i| (i * 37 % 251) as u8).collect();
    let classes: Vec<u8> = (0..40).map(|i| i % 3).collect();
    fs::write(desk.path("x.npy"), npy("|u1", "(40, 6)", &pixels)).unwrap();
    fs::write(desk.path("y.npy"), npy("|u1", "(40,)", &classes)).unwrap();
    let spec = |name: &str, init: &str| {
        format!(
            "version = 1\nname = \"{name}\"\n[train]\nsteps = 3\n{init}\n[measure]\nsplits = [\"train\"]\n\
             [[block]]\ndataset = {{ images = \"x.npy\", labels = \"y.npy\" }}\narchitecture = \"fcn\"\n\
             width = 4\ndepth = 2\nbatch_size = 10\nlearning_rate = 0.1\n"
        )
    };
    let _worker = desk.worker("a", &[]);
    let done = || {
        until("a result", || {
            let runs = desk.runs("done");
            let id = runs.first()?["run_id"].as_str();
            id.map(str::to_owned)
        })
    };
    let weights = |run: &str, step: &[&str], file: &str| {
        let file = desk.path(file);
        let out = ["--out", file.to_str().unwrap()];
        desk.say(&[&["weights", run][..], step, &out].concat());
        fs::read(file).unwrap()
    };
    desk.submit(&spec("first", ""));
    let first = done();
    let last = weights(&first, &[], "last");
    assert!(last == weights(&first, &["--step", "3"], "third"));
    assert!(last != weights(&first, &["--step", "2"], "second"));
    let said = desk.refused(&["weights", &first, "--step", "4", "--recompute"]);
    assert!(said.contains("ended at step 3"), "{said}");
    assert!(desk.json(&["explain", &first, "--json"])["checkpoint"].is_null());

    desk.submit(&spec("second", "init = { weights = \"last\" }"));
    let second = done();
    assert_ne!(first, second);
    assert!(last == weights(&second, &["--step", "0"], "begun"));
}

#[test]
fn explain_says_what_a_run_waits_for() {
    let desk = Desk::open();
    desk.submit(&spec("picky", 1, 20, "requires = [\"big\"]"));
    let runs = desk.runs("waiting");
    let run = runs[0]["run_id"].as_str().unwrap();
    let explained = || {
        let why = desk.json(&["explain", run, "--json"]);
        let [word, sentence] = ["why", "explanation"].map(|key| why[key].clone());
        (
            word.as_str().unwrap_or_default().to_owned(),
            sentence.as_str().unwrap_or_default().to_owned(),
        )
    };
    let wait = |word: &str| {
        until(word, || {
            let (found, sentence) = explained();
            (found == word).then_some(sentence)
        })
    };
    wait("no_worker");
    let plain = desk.worker("plain", &[]);
    let said = wait("no_labels");
    assert!(said.contains("--label big"), "{said}");
    let small = desk.worker("small", &["--label", "big", "--memory", "1MiB"]);
    let said = wait("no_memory");
    assert!(said.contains("nobody offers enough memory"), "{said}");
    assert!(said.contains("1 MiB"), "{said}");
    let _large = desk.worker("large", &["--label", "big", "--label", "zone=a"]);
    desk.cluster.watch();
    let workers = desk.say(&["workers"]);
    assert!(workers.contains("big zone=a"), "{workers}");
    drop((plain, small));
    let said = desk.refused(&["explain", "feedc0ffee"]);
    assert!(said.contains("no run has an id"), "{said}");
}

#[test]
fn an_extension_takes_over_what_is_known_and_rm_forgets_it() {
    let desk = Desk::open();
    let _worker = desk.worker("a", &[]);
    desk.submit(&spec("grows", 2, 20, ""));
    desk.cluster.watch();
    let first = desk.json(&["status", "--json"])["sweep"]["id"].clone();
    let first = first.as_str().unwrap();

    let larger = desk.file(&spec("grows", 3, 20, ""));
    let larger = larger.to_str().unwrap().to_owned();
    desk.say(&["extend", first, &larger, "--watch"]);
    let status = desk.json(&["status", first, "--json"]);
    assert_ne!(status["sweep"]["id"], first, "the larger one stands for it");
    assert_eq!(status["sweep"]["runs"]["done"], 3);
    let report = desk.cluster.report();
    let leased = attempt_events(&report);
    let leased = leased.iter().filter(|event| *event == "leased").count();
    assert_eq!(leased, 3, "nothing was computed twice");
    let manifest = fs::read_to_string(report.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let taken_over = manifest["runs"].as_array().unwrap().iter();
    let taken_over: Vec<_> = taken_over.map(|run| run["taken_over"].clone()).collect();
    assert_eq!(taken_over, [true, true, false]);
    let runs = desk.runs("done");
    let run = runs[0]["run_id"].as_str().unwrap();
    let explained = desk.say(&["explain", run]);
    assert!(explained.contains("taken over"), "{explained}");

    let smaller = desk.file(&spec("grows", 1, 20, ""));
    let said = desk.refused(&["extend", "grows", smaller.to_str().unwrap()]);
    assert!(said.contains("leaves out 2 of the 3 runs"), "{said}");

    desk.say(&["rm", "grows"]);
    let sweeps = desk.json(&["sweeps", "--json"]);
    assert_eq!(sweeps["sweeps"].as_array().unwrap().len(), 0);
    desk.submit(&spec("grows", 3, 20, ""));
    desk.cluster.watch();
    assert_eq!(desk.runs("done")[0]["attempts"], 2, "it was forgotten");
}

#[test]
fn a_plan_is_compared_with_a_sweep_run_by_run() {
    let desk = Desk::open();
    let source = spec("compared", 3, 10, "");
    desk.submit(&source);
    let path = desk.file(&source);
    let path = path.to_str().unwrap();
    let diff = |set: &str| desk.json(&["plan", path, "--diff", "compared", "--json", "--set", set]);
    let more = diff("seeds=5");
    assert_eq!((&more["in_both"], &more["runs"]), (&3.into(), &5.into()));
    assert_eq!(more["added"][0]["seed"], 3);
    assert_eq!(more["removed"], Value::Array(Vec::new()));
    let other = diff("seeds=0,7");
    assert_eq!(other["in_both"], 1);
    assert_eq!(other["added"].as_array().unwrap().len(), 1);
    assert_eq!(other["removed"].as_array().unwrap().len(), 2);
    let said = desk.say(&["plan", path, "--diff", "last", "--set", "seeds=0,7"]);
    assert!(said.contains("1 of them are in `compared`"), "{said}");
}
