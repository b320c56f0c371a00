//! Exit codes, and what goes to which stream.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs;
use std::process::Output;

use tailsweep_e2e::{tailsweep, text};

fn output(args: &[&str]) -> Output {
    tailsweep(args).output().unwrap()
}

fn spec(content: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.toml");
    fs::write(&path, content).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

const GOOD: &str = r#"
version = 1
name = "tiny"
[train]
steps = 10
[[block]]
dataset = "mnist"
architecture = "fcn"
width = 4
depth = 2
batch_size = 100
learning_rate = 0.1
"#;

#[test]
fn a_wrong_sweep_file_shows_the_place_and_ends_with_2() {
    let (_folder, path) = spec(&GOOD.replace("batch_size", "batchsize"));
    for command in ["plan", "run", "submit"] {
        let output = output(&[command, &path]);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{command}: {}",
            text(&output)
        );
        assert!(output.stdout.is_empty(), "{command} printed on stdout");
        let said = text(&output);
        assert!(said.contains("sweep.toml:11:1"), "{command}: {said}");
        assert!(said.contains("batch_size"), "{command}: {said}");
    }
}

#[test]
fn weights_that_do_not_fit_are_shown_at_their_place() {
    let source = GOOD.replace(
        "steps = 10",
        "steps = 10\ninit = { weights = \"start.safetensors\" }",
    );
    let (folder, path) = spec(&source);
    fs::write(folder.path().join("start.safetensors"), "no tensors").unwrap();
    for command in ["plan", "run", "submit"] {
        let output = output(&[command, &path]);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(2), "{command}: {said}");
        assert!(said.contains("sweep.toml:6:20"), "{command}: {said}");
        assert!(said.contains("not a safetensors file"), "{command}: {said}");
        assert!(said.contains("help: "), "{command}: {said}");
    }
}

#[test]
fn more_runs_than_may_be_without_a_word_are_shown_at_the_seeds() {
    let (_folder, path) = spec(&GOOD.replace("[train]", "seeds = 3\n[train]"));
    let output = output(&["run", &path, "--max-runs", "2"]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("sweep.toml:4:9") && said.contains("--max-runs 3"),
        "{said}"
    );
}

#[test]
fn a_run_that_failed_for_good_stays_failed_until_the_file_changes() {
    let source = GOOD
        .replace(
            "\"mnist\"",
            "{ name = \"mnist-excerpt\", test_limit = 100 }",
        )
        .replace("steps = 10", "steps = 1000000\ntime_limit = \"1ms\"")
        .replace("name = \"tiny\"", "name = \"tiny\"\nmax_attempts = 2");
    let (folder, path) = spec(&source);
    let out = folder.path().join("out");
    let attempts = || {
        let output = output(&["run", &path, "--out", out.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        tailsweep_e2e::attempts(&out).len()
    };
    assert_eq!((attempts(), attempts()), (2, 2));
    fs::write(
        &path,
        source.replace("max_attempts = 2", "max_attempts = 1"),
    )
    .unwrap();
    assert_eq!(attempts(), 3);
}

#[test]
fn dumped_gradients_read_as_they_were_measured() {
    let (folder, path) = spec(
        &GOOD
            .replace(
                "\"mnist\"",
                "{ name = \"mnist-excerpt\", train_limit = 1000, test_limit = 100 }",
            )
            .replace("steps = 10", "steps = 10\n[measure]\ndump = [0, 10]"),
    );
    let out = folder.path().join("out");
    let ran = output(&["run", &path, "--out", out.to_str().unwrap()]);
    assert!(ran.status.success(), "{}", text(&ran));
    let run = fs::read_dir(out.join("dump")).unwrap().next().unwrap();
    let run = run.unwrap().path();
    let estimates = fs::read_to_string(out.join("estimates.csv")).unwrap();
    for step in ["0", "10"] {
        assert!(run.join(format!("step-{step}.safetensors")).exists());
        let file = run.join(format!("step-{step}-train.npy"));
        let read = output(&["estimate", "--json", file.to_str().unwrap()]);
        let read: serde_json::Value = serde_json::from_slice(&read.stdout).unwrap();
        let rows = read["estimates"].as_array().unwrap();
        let row = rows
            .iter()
            .find(|row| row["estimator"] == "mohammadi" && row["treatment"] == "published");
        let alpha = row.unwrap()["alpha"].as_f64().unwrap();
        let start = format!(",{step},train,all,mohammadi,published,");
        let line = estimates
            .lines()
            .find(|line| line.contains(&start))
            .unwrap();
        assert_eq!(line.split(',').nth(7).unwrap(), alpha.to_string(), "{line}");
    }
}

#[test]
fn a_worker_without_gpus_says_how_to_get_them() {
    let output = output(&["worker", "--device", "cuda:0", "--idle-timeout", "1s"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(output.stdout.is_empty());
    assert!(
        text(&output).contains("--features cuda"),
        "{}",
        text(&output)
    );
}

#[test]
fn a_program_without_query_says_how_to_get_it() {
    let output = output(&["query", "SELECT 1", "/no/such/report"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(output.stdout.is_empty());
    assert!(text(&output).contains("--features query"));
}

#[test]
fn a_missing_sweep_file_and_bad_usage_end_with_2() {
    for args in [&["plan", "/no/such/file.toml"][..], &["plan"], &["fly"]] {
        let output = output(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output));
    }
}

#[test]
fn a_missing_data_set_is_named_before_anything_starts() {
    let (folder, path) = spec(GOOD);
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let output = output(&["run", &path, "--out", out, "--data-dir", "/no/such/data"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("/no/such/data/mnist/train-images-idx3-ubyte"));
}

#[test]
fn plan_needs_no_coordinator_and_no_data() {
    let (_folder, path) = spec(GOOD);
    let output = output(&["plan", &path, "--json"]);
    assert!(output.status.success(), "{}", text(&output));
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["runs"], 1);
    assert_eq!(plan["first"][0]["params"], 3_176);
}

#[test]
fn values_can_be_set_from_outside() {
    let (folder, path) = spec(GOOD);
    let set = [
        "--set",
        "learning_rate=0.1,0.01",
        "--set",
        "depth=range(2,6)",
    ];
    let planned = output(&[&["plan", &path, "--json"][..], &set].concat());
    let plan: serde_json::Value = serde_json::from_slice(&planned.stdout).unwrap();
    assert_eq!(plan["runs"], 2 * 5, "{}", text(&planned));

    for command in ["plan", "run", "submit"] {
        let wrong = output(&[command, &path, "--set", "loss=nnl"]);
        assert_eq!(wrong.status.code(), Some(2), "{command}");
        let said = text(&wrong);
        assert!(
            said.contains("--set:1:6") && said.contains("did you mean"),
            "{said}"
        );
    }

    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let set = ["--set", "dataset=mnist-excerpt", "--set", "train.steps=3"];
    let ran = output(&[&["run", &path, "--out", out, "--json"][..], &set].concat());
    assert!(ran.status.success(), "{}", text(&ran));
    let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!(report["points"][0]["dataset"], "mnist-excerpt");
    let source = report["sweep"]["source"].as_str().unwrap();
    assert!(
        source.contains("steps = 3\n"),
        "the frozen copy has it: {source}"
    );
}

#[test]
fn without_a_coordinator_user_commands_end_with_3() {
    // Port 1 is nobody's.
    let output = output(&["sweeps", "--coordinator", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("http://127.0.0.1:1"));
}

#[test]
fn a_coordinator_does_not_expose_itself_by_accident() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let output = output(&["coordinator", "--listen", "0.0.0.0:0", "--state", state]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("--insecure"));
}

#[test]
fn a_report_is_estimated_anew_from_the_state_of_a_run() {
    let excerpt = GOOD.replace(
        "\"mnist\"",
        "{ name = \"mnist-excerpt\", train_limit = 1000, test_limit = 1000 }",
    );
    let (folder, path) = spec(&excerpt);
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (out, again) = (place("out"), place("again"));
    let state = format!("{out}/state");
    let ran = output(&["run", &path, "--out", &out]);
    assert!(ran.status.success(), "{}", text(&ran));

    let report = |more: &[&str]| {
        let always = ["report", "--state", &state, "--out", &again];
        output(&[&always[..], more].concat())
    };
    let all = report(&[]);
    assert!(all.status.success(), "{}", text(&all));
    for file in ["estimates.csv", "report.html", "points.parquet"] {
        let read = |folder: &str| fs::read(format!("{folder}/{file}")).unwrap();
        assert!(read(&out) == read(&again), "{file}");
    }

    let few = report(&["--k1", "4", "--estimators", "mohammadi,hill"]);
    assert!(few.status.success(), "{}", text(&few));
    let estimates = fs::read_to_string(format!("{again}/estimates.csv")).unwrap();
    assert!(estimates.contains(",mohammadi,permuted,4,") && estimates.contains(",hill,"));
    assert!(!estimates.contains(",permuted,8,") && !estimates.contains("within_coordinate"));

    let none = report(&["--k1", "100"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(
        text(&none).contains("block length 100, but at 1, 2, 4"),
        "{}",
        text(&none)
    );
    let unknown = report(&["--estimators", "hil"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", text(&unknown));
    let nowhere = output(&["report", "--state", &again, "--out", &place("third")]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(
        text(&nowhere).contains("is no folder of state"),
        "{}",
        text(&nowhere)
    );
}
