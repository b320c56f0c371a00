//! Values that are set from outside, as by `--set`.

mod written;

use std::collections::BTreeMap;

use proptest::prelude::*;
use tailsweep_common::sweep::{Sweep, parse_with};
use written::networks;

/// With comments, an own axis, two blocks, and no line end at its end.
const FILE: &str = r#"# the head
version = 1
name = "set"   # its name
[train]
steps = 20 # short

[[block]] # the first
dataset = "mnist"
architecture = "fcn"
width = { range = [8, 16], step = 8 }   # two
depth = 2
batch_size = 100
learning_rate = [
  0.5, # large
  0.1,
]

[[block]]
dataset = "cifar10"
architecture = "alexnet"
width = 4
batch_size = 100
learning_rate = 0.05
"train.momentum" = [0.0, 0.9]"#;

fn set(file: &str, flags: &[&str]) -> Result<(String, Sweep), String> {
    let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
    parse_with(file, "set.toml", &flags, &BTreeMap::new())
        .map_err(|problems| problems.render(false))
}

/// `width depth rate momentum steps` of each point.
fn points(flags: &[&str]) -> Vec<String> {
    let (_, sweep) = set(FILE, flags).unwrap_or_else(|problems| panic!("{problems}"));
    let point = |point: &&_| {
        let point: &tailsweep_common::run::NetworkPoint = point;
        let (architecture, train) = (point.architecture, &point.train);
        format!(
            "{} {} {} {} {}",
            architecture.width().unwrap_or_default(),
            architecture.depth().unwrap_or_default(),
            point.learning_rate,
            train.momentum,
            train.steps
        )
    };
    networks(&sweep).iter().map(point).collect()
}

#[test]
fn nothing_set_changes_nothing() {
    let (source, _) = set(FILE, &[]).unwrap();
    assert_eq!(source, FILE);
    assert_eq!(
        points(&[]),
        [
            "8 2 0.5 0 20",
            "8 2 0.1 0 20",
            "16 2 0.5 0 20",
            "16 2 0.1 0 20",
            "4 0 0.05 0 20",
            "4 0 0.05 0.9 20"
        ]
    );
}

#[test]
fn a_value_replaces_that_of_every_block() {
    assert_eq!(
        points(&["learning_rate=0.1,0.01", "width=32", "train.momentum=0.5"]),
        [
            "32 2 0.1 0.5 20",
            "32 2 0.01 0.5 20",
            "32 0 0.1 0.5 20",
            "32 0 0.01 0.5 20"
        ]
    );
    assert_eq!(
        points(&["block.2.width = 8,16", "block.1.width=1"]).len(),
        2 + 4
    );
    // Only blocks that have a depth take one.
    assert_eq!(
        points(&[
            "depth=range(2,6,2)",
            "learning_rate=1",
            "width=8",
            "train.momentum=0"
        ]),
        ["8 2 1 0 20", "8 4 1 0 20", "8 6 1 0 20", "8 0 1 0 20"]
    );
}

#[test]
fn several_values_of_a_setting_are_an_axis() {
    let (_, sweep) = set(FILE, &["train.steps=10,30"]).unwrap();
    assert_eq!(sweep.own_axes, ["train.steps", "train.momentum"]);
    assert_eq!(sweep.points.len(), 2 * 6);
    let (_, sweep) = set(FILE, &["measure.splits=train,test", "measure.every=5"]).unwrap();
    assert_eq!(sweep.own_axes, ["train.momentum"]);
    let (_, sweep) = set(FILE, &[r#"measure.splits=["train"],["test"]"#]).unwrap();
    assert_eq!(sweep.own_axes[0], "measure.splits");
}

#[test]
fn the_last_of_several_counts() {
    assert_eq!(
        points(&["width=8", "width=1,2", "width=64", "learning_rate=1"])[0],
        "64 2 1 0 20"
    );
    assert_eq!(points(&["seeds=3", "seeds=0,7"]), points(&["seeds=[0,7]"]));
}

#[test]
fn the_text_is_as_if_it_had_been_written_there() {
    let flags = [
        "learning_rate=0.1, 0.01",
        "depth=geomspace(2,8,3,round)",
        "loss=hinge",
        "seeds=3",
        "train.momentum=0",
        "train.time_limit=2h",
        "stop.alpha_ci=0.02",
        "measure.every=10",
        "measure.minibatches=all",
        "name=other",
        r#"train.schedule={ cosine = true }"#,
        r#"dataset={ name = "mnist", train_limit = 500 },fashion-mnist"#,
        "block.1.sample=2",
    ];
    let flags: Vec<&str> = flags
        .into_iter()
        .filter(|flag| !flag.starts_with("dataset"))
        .collect();
    let (source, sweep) = set(FILE, &flags).unwrap_or_else(|problems| panic!("{problems}"));
    insta::assert_snapshot!(source);
    let again = set(&source, &[]).unwrap().1;
    assert_eq!(again, sweep);
}

#[test]
fn every_way_to_write_a_table_can_be_changed() {
    let block = "dataset = \"mnist\"\narchitecture = \"fcn\"\nwidth = 8\ndepth = 2\n\
                 batch_size = 100\nlearning_rate = 0.1\n";
    let files = [
        format!("version = 1\nname = \"n\"\ntrain.steps = 5\n[[block]]\n{block}"),
        format!("version = 1\nname = \"n\"\ntrain = {{ steps = 5 }}\n[[block]]\n{block}"),
        format!("version = 1\nname = \"n\"\n[[block]]\n{block}[train]\nsteps = 5"),
        format!("version = 1\nname = \"n\"\n[[block]]\n{block}[train.schedule]\ncosine = true\n"),
        format!("name = \"n\"\nversion = 1\n[[block]]\n{block}"),
        format!("version = 1\r\nname = \"n\"\r\n[train]\r\nsteps = 5\r\n[[block]]\r\n{block}"),
        format!(
            "version = 1\nname = \"n\"\ntrain = {{}}\nblock = [{{ {} }}]",
            block.trim_end().replace('\n', ", ")
        ),
    ];
    for file in files {
        let flags = [
            "train.steps=7",
            "train.momentum=0.5",
            "loss=hinge",
            "measure.every=2",
        ];
        let (source, sweep) = set(&file, &flags).unwrap_or_else(|problems| panic!("{problems}"));
        let point = networks(&sweep)[0];
        assert_eq!(
            (
                point.train.steps,
                point.train.momentum,
                point.loss.as_str(),
                point.measure.every
            ),
            (7, 0.5, "hinge", 2),
            "{source}"
        );
    }
}

#[test]
fn wrong_values_are_shown_in_the_text_of_the_flag() {
    let wrong: [&[&str]; 29] = [
        &["learning_rate=-1"],
        &["learning_rate=0.1,-1,fast"],
        &["lerning_rate=0.1"],
        &["lr=0.1"],
        &["steps=100"],
        &["train.stepz=100"],
        &["xyzzy=1"],
        &["depth"],
        &["=1"],
        &["depth="],
        &["depth=2,,3"],
        &["depth=range(6,2)"],
        &["depth=rang(2,6)"],
        &["depth=range(2)"],
        &["depth=range(2,6,0)"],
        &["depth=range(2,6,3)"],
        &["width=linspace(8,16)"],
        &["depth=range(a,b)"],
        &["width=geomspace(8,512,4,5)"],
        &["width=geomspace(8,9,4)"],
        &["loss=nnl"],
        &["loss=\"nll"],
        &["dataset={ name = mnist }"],
        &["block.3.width=8"],
        &["block.x.width=8"],
        &["width=8,8"],
        &["train.steps=1.5"],
        &["version=2", "name=a/b", "seeds=0"],
        &["exclude=[{ width = 5 }]"],
    ];
    let shown: Vec<String> = wrong
        .iter()
        .map(|flags| {
            let problems = set(FILE, flags).expect_err("a wrong value");
            format!("$ {}\n{problems}", flags.join(" --set "))
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn problems_of_the_file_keep_their_places() {
    let file = FILE.replace("batch_size = 100", "batch_size = 1.5");
    let Err(problems) = set(&file, &["seeds=3", "loss=hinge", "train.momentum=0"]) else {
        panic!("a wrong file");
    };
    assert!(problems.contains("set.toml:12:14"), "{problems}");
    assert!(problems.contains("set.toml:22:14"), "{problems}");
    assert_eq!(problems.matches("error:").count(), 2, "{problems}");
}

#[test]
fn a_file_that_is_no_toml_is_shown_and_nothing_is_set() {
    let file = FILE.replace("dataset = \"mnist\"", "dataset = mnist");
    let Err(problems) = set(&file, &["seeds=0"]) else {
        panic!("a wrong file");
    };
    assert!(problems.contains("set.toml:8:11"), "{problems}");
    assert_eq!(problems.matches("error:").count(), 1, "{problems}");
}

proptest! {
    #[test]
    fn no_value_panics(
        key in "(width|depth|loss|zip|train.steps|train.schedule|seeds|block.1.loss|stop.alpha_ci|.{0,8})",
        value in "([0-9a-z.,()\\[\\]{}\"'=# ü\\\\-]|range|geomspace|\\n){0,24}",
    ) {
        for flag in [format!("{key}={value}"), value] {
            if let Err(problems) = set(FILE, &[&flag]) {
                prop_assert!(problems.contains("error: "));
            }
        }
    }
}
