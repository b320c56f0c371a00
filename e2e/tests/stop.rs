//! `[stop]`: the same tables for one worker, for three, and where all results were known before, with
//! fewer seeds than were planned.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs;

use tailsweep_e2e::{Cluster, Process, assert_equal_reports, succeed, tables};

const SPEC: &str = r#"
version = 1
name = "stops"
seeds = 8

[train]
steps = 40
sampling = "shuffled"

[measure]
every = 20
splits = ["train"]
treatments = ["published", "paired"]

[stop]
alpha_ci = 0.4

[[block]]
dataset = { name = "mnist-excerpt", train_limit = 600, test_limit = 200 }
architecture = "fcn"
width = [8, 16]
depth = 3
batch_size = 20
learning_rate = 0.05
"#;

#[test]
fn points_stop_at_the_same_seeds_whoever_made_the_results_and_when() {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("stops.toml");
    fs::write(&spec, SPEC).unwrap();
    let all = folder.path().join("all.toml");
    fs::write(&all, SPEC.replace("[stop]\nalpha_ci = 0.4\n", "")).unwrap();
    let reports: Vec<_> = [(1, false), (3, false), (3, true)]
        .into_iter()
        .map(|(workers, all_are_known)| {
            let cluster = Cluster::start();
            let _workers: Vec<Process> = (0..workers)
                .map(|number| cluster.start_worker(&format!("worker-{number}")))
                .collect();
            let watch = |spec| {
                let mut submit = cluster.client(["submit", "--watch"]);
                submit.arg(spec);
                succeed(submit);
            };
            if all_are_known {
                watch(&all);
            }
            watch(&spec);
            let report = cluster.report();
            assert!(cluster.runs("not_needed") > 0, "no point stopped early");
            (report, cluster)
        })
        .collect();
    assert_equal_reports(&reports[1].0, &reports[0].0);
    assert_equal_reports(&reports[2].0, &reports[0].0);
    let runs = tables(&reports[0].0)["runs.csv"].lines().count() - 1;
    assert!((6..16).contains(&runs), "{runs} runs in the table");
    let page = fs::read_to_string(reports[0].0.join("report.html")).unwrap();
    assert!(page.contains("of 8 seeds"), "which points stopped early");
    assert!(page.contains("cover less often"), "what stopping costs");
}
