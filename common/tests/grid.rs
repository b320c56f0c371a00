//! Ranges, axes, and the rules that choose points among their product.

mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use tailsweep_common::run::NetworkPoint;
use tailsweep_common::sweep::{Naming, Sweep, parse};
use written::{EXAMPLE, block, networks, read, with};

fn widths(sweep: &Sweep) -> Vec<u32> {
    networks(sweep)
        .iter()
        .map(|point| point.architecture.width().expect("a width"))
        .collect()
}

fn rates(sweep: &Sweep) -> Vec<f64> {
    networks(sweep)
        .iter()
        .map(|point| point.learning_rate)
        .collect()
}

#[test]
fn every_form_of_a_range() {
    let ranges: [(&str, &[u32]); 8] = [
        ("{ range = [2, 6], step = 2 }", &[2, 4, 6]),
        ("{ range = [2, 5] }", &[2, 3, 4, 5]),
        ("{ linspace = [10, 40], count = 4 }", &[10, 20, 30, 40]),
        ("{ linspace = [1, 4], count = 3, round = true }", &[1, 3, 4]),
        ("{ linspace = [4, 1], count = 2 }", &[4, 1]),
        (
            "{ geomspace = [8, 512], count = 4, round = true }",
            &[8, 32, 128, 512],
        ),
        ("{ geomspace = [8, 512], count = 4 }", &[8, 32, 128, 512]),
        (
            "{ logspace = [0, 2], count = 5, round = true }",
            &[1, 3, 10, 32, 100],
        ),
    ];
    for (range, values) in ranges {
        assert_eq!(
            widths(&block(&format!("width = {range}"))),
            values,
            "{range}"
        );
    }
    let rate = |range: &str| rates(&block(&format!("learning_rate = {range}")));
    assert_eq!(
        rate("{ range = [0.1, 0.5], step = 0.1 }"),
        [0.1, 0.2, 0.3, 0.4, 0.5]
    );
    assert_eq!(
        rate("{ logspace = [-3, -1], count = 3 }"),
        [1e-3, 1e-2, 0.1]
    );
    assert_eq!(
        rate("{ linspace = [0, 1], count = 5 }"),
        [0.0, 0.25, 0.5, 0.75, 1.0]
    );
    assert_eq!(
        rate("{ geomspace = [0.7, 0.007], count = 3 }"),
        [0.7, 0.07, 0.007]
    );
    assert_eq!(rate("[1, 0.5]"), [1.0, 0.5]);
}

#[test]
fn axes_vary_in_their_order_the_last_fastest() {
    let sweep = read(&with(
        "steps = 10",
        "\"train.momentum\" = [0.0, 0.9]\nloss = [\"nll\", \"hinge\"]\nwidth = [8, 16]\n\
         \"measure.every\" = [5, 10]",
    ));
    let described: Vec<String> = sweep
        .points
        .iter()
        .map(|point| {
            let own = |key| point.setting(key).expect("an own axis");
            let width = point.width().expect("a width");
            let (momentum, every) = (own("train.momentum"), own("measure.every"));
            format!(
                "{width} {} {momentum} {every}",
                point.loss().expect("a loss").as_str()
            )
        })
        .collect();
    assert_eq!(
        described[..6],
        [
            "8 nll 0 5",
            "8 nll 0 10",
            "8 nll 0.9 5",
            "8 nll 0.9 10",
            "8 hinge 0 5",
            "8 hinge 0 10"
        ]
    );
    assert_eq!(described.len(), 16);
    assert_eq!(sweep.own_axes, ["train.momentum", "measure.every"]);
}

#[test]
fn runs_go_point_by_point_and_seed_by_seed() {
    let source = with("steps = 10", "width = [8, 16]");
    let sweep = read(&format!("seeds = [7, 3]\n{source}"));
    let order: Vec<_> = sweep
        .runs()
        .map(|run| (run.point.width(), run.seed))
        .collect();
    assert_eq!(
        order,
        [(Some(8), 7), (Some(8), 3), (Some(16), 7), (Some(16), 3)]
    );
}

#[test]
fn zipped_axes_advance_together_where_the_first_stands() {
    let sweep = block(
        "width = [8, 16]\nbatch_size = [100, 500]\nlearning_rate = [0.1, 0.5]\n\
         zip = [[\"learning_rate\", \"width\"]]",
    );
    let order: Vec<_> = networks(&sweep)
        .iter()
        .map(|point| {
            (
                point.architecture.width(),
                point.batch_size,
                point.learning_rate,
            )
        })
        .collect();
    let expected = [
        (Some(8), 100, 0.1),
        (Some(8), 500, 0.1),
        (Some(16), 100, 0.5),
        (Some(16), 500, 0.5),
    ];
    assert_eq!(order, expected);
    // A single value is a list of one, in `zip` too.
    assert_eq!(block("zip = [[\"width\", \"depth\", \"loss\"]]").len(), 1);
}

#[test]
fn exclude_leaves_out_every_point_that_matches() {
    let grid = "width = [8, 16, 32]\ndepth = [2, 3]\n";
    let left = |rule: &str| block(&format!("{grid}exclude = {rule}")).points.len();
    assert_eq!(left("[{ width = 8, depth = 3 }]"), 5);
    assert_eq!(left("[{ width = 8 }]"), 4);
    assert_eq!(left("{ width = [8, 16], depth = 3 }"), 4);
    assert_eq!(left("[{ width = 8 }, { depth = 3 }]"), 2);
}

#[test]
fn when_keeps_of_what_matches_only_what_it_lists() {
    let grid = "width = [8, 16, 32]\ndepth = [2, 3]\n";
    let left = |rule: &str| block(&format!("{grid}when = {rule}")).points.len();
    assert_eq!(
        left("[{ if = { depth = 3 }, then = { width = [8, 32] } }]"),
        5
    );
    assert_eq!(
        left("[{ if = { depth = 3 }, then = { width = 8, depth = 2 } }]"),
        3
    );
    assert_eq!(left("{ if = { depth = [2, 3] }, then = { width = 8 } }"), 2);
}

#[test]
fn exclude_and_when_are_both_judged_on_the_full_product() {
    let sweep = block(
        "width = [8, 16]\ndepth = [2, 3]\nexclude = [{ width = 16, depth = 3 }]\n\
         when = [{ if = { depth = 3 }, then = { width = 8 } }]",
    );
    assert_eq!(sweep.points.len(), 3);
}

#[test]
fn a_rule_finds_values_of_ranges_and_bare_names() {
    let sweep = block(
        "learning_rate = { logspace = [-2, -1], count = 3 }\n\
         dataset = [{ name = \"mnist\", train_limit = 500 }, \"fashion-mnist\"]\n\
         exclude = [{ learning_rate = 0.0316227766 }, { dataset = \"mnist\", learning_rate = 0.1 }]",
    );
    assert_eq!(rates(&sweep), [0.01, 0.01, 0.1]);
}

#[test]
fn a_sample_is_a_seeded_subset_in_the_order_of_the_block() {
    let grid = "width = { range = [1, 20] }\ndepth = [2, 3, 4, 5, 6]\n";
    let sizes = |rest: &str| -> Vec<_> {
        let sweep = block(&format!("{grid}{rest}"));
        let size = |point: &&NetworkPoint| (point.architecture.width(), point.architecture.depth());
        networks(&sweep).iter().map(size).collect()
    };
    let all = sizes("");
    let sample = sizes("sample = 30");
    assert_eq!(sample.len(), 30);
    let places = |points: &[_]| -> Vec<_> {
        let place = |point| all.iter().position(|other| other == point);
        points.iter().map(place).collect()
    };
    assert!(places(&sample).is_sorted_by(|a, b| a.is_some() && a < b));
    // Not the first ones, nor every third: each tenth of the block has some of them.
    let tenths: BTreeSet<_> = places(&sample).iter().flatten().map(|at| at / 10).collect();
    assert!(tenths.len() >= 8, "{tenths:?}");
    assert_eq!(sizes("sample = { count = 30, seed = 0 }"), sample);
    assert_ne!(sizes("sample = { count = 30, seed = 1 }"), sample);
    let smaller = sizes("sample = 10");
    assert!(smaller.iter().all(|point| sample.contains(point)));
    assert_eq!(sizes("sample = 100"), all);
    // Rules come first.
    let left = sizes("exclude = { depth = [2, 3, 4, 5] }\nsample = 20");
    assert!(left.len() == 20 && left.iter().all(|(_, depth)| *depth == Some(6)));
}

#[test]
fn a_sample_does_not_know_the_order_of_values() {
    let points = |widths: &str| {
        let sweep = block(&format!("width = {widths}\ndepth = [2, 3, 4]\nsample = 4"));
        sweep.runs().map(|run| run.id()).collect::<BTreeSet<_>>()
    };
    assert_eq!(points("[1, 2, 3, 4]"), points("[4, 2, 3, 1]"));
}

#[test]
fn a_sample_of_a_large_block_is_no_large_sweep() {
    let source = with(
        "steps = 10",
        "width = { range = [1, 1000] }\nbatch_size = { range = [1, 100] }\nsample = 50",
    );
    assert_eq!(read(&format!("seeds = 200\n{source}")).len(), 10_000);
}

#[test]
fn every_setting_can_be_an_axis() {
    let axes = [
        ("train.steps", "[10, 20]", ["10", "20"]),
        (
            "train.sampling",
            "[\"file_order\", \"shuffled\"]",
            ["file_order", "shuffled"],
        ),
        (
            "train.momentum",
            "{ linspace = [0, 0.5], count = 2 }",
            ["0", "0.5"],
        ),
        ("train.weight_decay", "[0, 1e-7]", ["0", "1e-7"]),
        (
            "train.schedule",
            "[\"constant\", { cosine = true }]",
            ["constant", "{ cosine = true }"],
        ),
        (
            "train.stop_at_train_accuracy",
            "[false, 1.0]",
            ["false", "1"],
        ),
        ("measure.every", "[1, 2]", ["1", "2"]),
        (
            "measure.splits",
            "[[\"train\"], [\"test\", \"train\"]]",
            ["[\"train\"]", "[\"train\", \"test\"]"],
        ),
        ("measure.minibatches", "[\"all\", 4]", ["all", "4"]),
        (
            "measure.treatments",
            "[[\"paired\"], [\"published\"]]",
            ["[\"paired\"]", "[\"published\"]"],
        ),
    ];
    for (key, values, texts) in axes {
        let sweep = block(&format!("\"{key}\" = {values}"));
        let shown: Vec<_> = sweep
            .points
            .iter()
            .map(|point| point.setting(key))
            .collect();
        assert_eq!(shown, texts.map(|text| Some(text.to_owned())), "{key}");
        assert_eq!(sweep.own_axes, [key]);
    }
    assert_eq!(block("").points[0].setting("width"), None);
    assert_eq!(block("").points[0].setting("nonsense"), None);
}

#[test]
fn blocks_follow_each_other() {
    let one = with("steps = 10", "width = [16, 8]");
    let two = one
        .split_once("[[block]]")
        .map(|(_, block)| block.replace("[16, 8]", "[4, 2]"));
    let sweep = read(&format!("{one}[[block]]{}", two.expect("a block")));
    assert_eq!(widths(&sweep), [16, 8, 4, 2]);
}

#[test]
fn a_million_points_take_a_second_or_two() {
    let source = with(
        "steps = 10",
        "width = { range = [1, 100] }\nbatch_size = { range = [1, 100] }\n\
         \"train.momentum\" = { range = [0.001, 0.1], step = 0.001 }",
    );
    let start = std::time::Instant::now();
    let sweep = read(&source);
    let taken = start.elapsed();
    println!("1,000,000 points in {taken:?}");
    assert_eq!(sweep.points.len(), 1_000_000);
    assert!(taken < Duration::from_secs(10), "{taken:?}");
}

#[test]
fn a_dropout_that_is_zipped_makes_no_run_twice() {
    let sweep = block(
        "width = [8, 16]\n\"train.dropout\" = [0.0, 0.5]\nzip = [[\"width\", \"train.dropout\"]]",
    );
    assert_eq!(widths(&sweep), [8, 16]);
}

/// The values of a small axis, as in a file.
fn written_list(first: u32, count: usize) -> String {
    let values: Vec<String> = (first..)
        .take(count)
        .map(|value| value.to_string())
        .collect();
    format!("[{}]", values.join(", "))
}

proptest! {
    /// The grid against the plain words of the documentation.
    #[test]
    fn the_points_are_those_of_nested_loops(
        (widths, depths, batches) in (1_usize..5, 1_usize..4, 1_usize..4),
        is_zipped in any::<bool>(),
        exclude in prop::option::of((0_u32..5, 0_u32..4)),
        when in prop::option::of((0_u32..4, 0_u32..5)),
    ) {
        let batches = if is_zipped { widths } else { batches };
        let mut source = format!(
            "width = {}\ndepth = {}\nbatch_size = {}\n",
            written_list(1, widths), written_list(2, depths), written_list(100, batches)
        );
        if is_zipped {
            source.push_str("zip = [[\"batch_size\", \"width\"]]\n");
        }
        let exclude = exclude.map(|(w, d)| (1 + w % widths as u32, 2 + d % depths as u32));
        let when = when.map(|(d, w)| (2 + d % depths as u32, 1 + w % widths as u32));
        if let Some((width, depth)) = exclude {
            source.push_str(&format!("exclude = [{{ width = {width}, depth = {depth} }}]\n"));
        }
        if let Some((depth, width)) = when {
            source.push_str(&format!(
                "when = [{{ if = {{ depth = {depth} }}, then = {{ width = {width} }} }}]\n"
            ));
        }

        let mut expected = Vec::new();
        for width in 1..=widths as u32 {
            for depth in 2..2 + depths as u32 {
                for batch in 100..100 + batches as u32 {
                    let together = !is_zipped || width - 1 == batch - 100;
                    let left_out = exclude == Some((width, depth));
                    let kept = when.is_none_or(|(d, w)| d != depth || w == width);
                    if together && !left_out && kept {
                        expected.push((Some(width), Some(depth), batch));
                    }
                }
            }
        }
        let source = with("steps = 10", &source);
        match parse(&source, "grid.toml", &BTreeMap::new()) {
            Ok(sweep) => {
                let points: Vec<_> = networks(&sweep)
                    .iter()
                    .map(|point| {
                        let architecture = point.architecture;
                        (architecture.width(), architecture.depth(), point.batch_size)
                    })
                    .collect();
                prop_assert_eq!(points, expected);
            }
            Err(problems) => {
                prop_assert!(expected.is_empty(), "{}", problems);
                prop_assert!(problems.iter().all(|one| one.message.contains("no points left")));
            }
        }
    }
}

#[test]
fn runs_are_called_by_what_tells_them_apart() {
    let names = |sweep: &Sweep| -> Vec<String> {
        let naming = Naming::of(sweep);
        sweep.runs().map(|run| naming.name(&run)).collect()
    };
    let sweep = read(&with(
        "steps = 10",
        "dataset = [\"mnist\", { name = \"mnist\", train_limit = 5000 }]\n\
         \"measure.splits\" = [[\"train\"], [\"train\", \"test\"]]\n\
         \"train.momentum\" = [0.0, 0.9]\n\"measure.every\" = 5",
    ));
    assert_eq!(
        names(&sweep),
        [
            "splits=[train] momentum=0 seed0",
            "splits=[train] momentum=0.9 seed0",
            "splits=[train,test] momentum=0 seed0",
            "splits=[train,test] momentum=0.9 seed0",
            "train5000 splits=[train] momentum=0 seed0",
            "train5000 splits=[train] momentum=0.9 seed0",
            "train5000 splits=[train,test] momentum=0 seed0",
            "train5000 splits=[train,test] momentum=0.9 seed0",
        ]
    );
    assert_eq!(names(&read(&with("steps = 10", ""))), ["seed0"]);
    let all = names(&read(EXAMPLE));
    assert_eq!(all[0], "mnist fcn w8 d2 b100 lr0.01 nll momentum=0 seed0");
    let different: BTreeSet<&String> = all.iter().collect();
    assert_eq!(different.len(), all.len());
}
