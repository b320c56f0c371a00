//! Data on stdout and nothing else there; how a sweep is selected.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use tailsweep_e2e::desk::{Desk, spec};
use tailsweep_e2e::text;

/// The commands of docs/command-line.md (which is made of the code) that take `--json`.
fn documented() -> BTreeSet<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/command-line.md");
    let page = fs::read_to_string(page).unwrap();
    let sections = page.split("\n## tailsweep ").skip(1);
    let with_json = sections.filter(|section| section.contains("| `--json` |"));
    let name = |section: &str| section.lines().next().unwrap().to_owned();
    // `query` is not in this program, and the benchmarks take their time.
    let is_here = |name: &String| name != "query" && !name.starts_with("bench ");
    with_json.map(name).filter(is_here).collect()
}

#[test]
fn every_command_with_json_prints_it_alone_and_says_the_rest_elsewhere() {
    let desk = Desk::open();
    let _worker = desk.worker("near", &[]);
    let file = desk.file(&spec("tiny", 1, 2, ""));
    let file = file.to_str().unwrap();
    let submitted = desk.json(&["submit", "--json", file]);
    // The id alone, for a shell variable.
    let id = submitted["sweep_id"].as_str().unwrap();
    assert_eq!(desk.say(&["submit", file]), format!("{id}\n"));
    desk.cluster.watch();
    let run = desk.runs("done")[0]["run_id"].as_str().unwrap().to_owned();
    let path = |name: &str| desk.path(name).to_str().unwrap().to_owned();
    let (out, kept, numbers) = (path("out"), path("kept"), path("numbers.csv"));
    let (home, weights) = (path("home"), path("weights.safetensors"));
    desk.say(&["export", "--out", &kept]);
    let cells = (1..50).map(|i| format!("{}\n", f64::from(i * 37 % 41) - 20.0));
    fs::write(&numbers, cells.collect::<String>()).unwrap();
    let nowhere = path("nowhere");

    let commands: Vec<Vec<&str>> = vec![
        vec!["submit", file],
        vec!["watch"],
        vec!["status"],
        vec!["sweeps"],
        vec!["workers"],
        vec!["report", "--out", &out],
        vec!["runs"],
        vec!["explain", &run],
        vec!["logs", &run],
        vec!["logs", &run, "--follow"],
        vec!["gc", "--dry-run"],
        vec!["pause"],
        vec!["resume"],
        vec!["cancel"],
        vec!["retry"],
        vec!["priority", "last", "3"],
        vec!["export", "--out", &kept],
        vec![
            "weights",
            &run,
            "--step",
            "1",
            "--recompute",
            "--out",
            &weights,
        ],
        vec!["import", &kept],
        vec!["plan", file],
        vec!["plan", file, "--diff", "last"],
        vec!["verify", &out],
        vec!["estimate", &numbers],
        vec!["data", "list", "--data-dir", &nowhere],
        vec!["data", "verify", "--data-dir", &nowhere],
        vec!["data", "fetch", "mnist-excerpt", "--data-dir", &nowhere],
        vec!["config"],
        vec!["run", file, "--out", &home],
    ];
    let larger = desk.file(&spec("larger", 2, 2, ""));
    let larger = larger.to_str().unwrap();
    // What is done once is done: these can't be asked for twice.
    let once: [Vec<&str>; 3] = [
        vec!["extend", "last", larger],
        vec!["rm", "larger"],
        vec!["workers", "stop", "near"],
    ];
    let tried = commands.iter().chain(&once).map(|command| {
        let is_of_two = command[0] == "data" || command.contains(&"stop");
        command[..1 + usize::from(is_of_two)].join(" ")
    });
    let tried: BTreeSet<String> = tried.collect();
    assert_eq!(tried, documented());

    let forms = [&[][..], &["--json", "--log", "debug"]];
    let all = commands.iter().map(|command| (command, &forms[..]));
    for (command, forms) in all.chain(once.iter().map(|command| (command, &forms[1..]))) {
        for form in forms {
            let args = [&command[..], *form].concat();
            let mut process = desk.cluster.client(&args);
            let output = process
                .env_remove("NO_COLOR")
                .env("TERM", "xterm")
                .output()
                .unwrap();
            assert!(output.status.success(), "{args:?}: {}", text(&output));
            let has_escapes = |bytes: &[u8]| bytes.contains(&0x1b);
            assert!(
                !has_escapes(&output.stdout),
                "{args:?}: escape codes on stdout"
            );
            assert!(
                !has_escapes(&output.stderr),
                "{args:?}: escape codes on stderr"
            );
            if form.is_empty() {
                continue;
            }
            assert!(!output.stdout.is_empty(), "{args:?} printed nothing");
            let values = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
            for value in values {
                let value = value.unwrap_or_else(|problem| {
                    panic!("{args:?}: {problem}:\n{}", text(&output));
                });
                assert_eq!(value["version"], 1, "{args:?}: {value}");
            }
        }
    }
}

#[test]
fn a_sweep_is_the_last_one_or_has_a_name_or_a_beginning_of_its_id() {
    let desk = Desk::open();
    // More than the digits that an id can begin with: two share theirs.
    let ids: Vec<String> = (1..=17)
        .map(|steps| {
            let name = if steps % 2 == 0 { "even" } else { "odd" };
            let file = desk.file(&spec(name, 1, steps, ""));
            desk.say(&["submit", file.to_str().unwrap()])
                .trim()
                .to_owned()
        })
        .collect();
    let selected = |selector: &str| {
        let status = desk.json(&["status", selector, "--json"]);
        status["sweep"]["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        desk.json(&["status", "--json"])["sweep"]["id"],
        ids[16].as_str()
    );
    assert_eq!(selected("last"), ids[16]);
    assert_eq!(selected("odd"), ids[16]);
    assert_eq!(selected("even"), ids[15], "the newest of that name");
    assert_eq!(selected(&ids[4]), ids[4]);

    let shared = |length: usize| {
        let beginnings = ids.iter().map(|id| &id[..length]);
        let mut seen = BTreeSet::new();
        beginnings
            .into_iter()
            .find(|beginning| !seen.insert(*beginning))
    };
    let ambiguous = shared(1).unwrap();
    for command in ["status", "runs", "pause", "rm"] {
        let refused = desk.refused(&[command, ambiguous]);
        assert!(
            refused.contains("fits more than one sweep"),
            "{command}: {refused}"
        );
    }
    let length = (1..64).find(|length| shared(*length).is_none()).unwrap();
    assert_eq!(selected(&ids[3][..length]), ids[3]);
    let unknown = desk.refused(&["status", "neither"]);
    assert!(
        unknown.contains("`tailsweep sweeps` lists them"),
        "{unknown}"
    );
}
