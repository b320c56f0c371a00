//! Which files mean the same runs and the same sweep.

mod written;

use std::collections::{BTreeMap, BTreeSet};

use tailsweep_common::measurement::Split;
use tailsweep_common::sweep::parse;
use written::{EXAMPLE, block, read, with};

#[test]
fn the_same_text_is_the_same_sweep_whatever_its_path() {
    let one = parse(EXAMPLE, "a.toml", &BTreeMap::new()).expect("a right file");
    let two = parse(EXAMPLE, "b/c.toml", &BTreeMap::new()).expect("a right file");
    assert_eq!(one, two);
    assert_ne!(one.id, read(&format!("{EXAMPLE}\n")).id);
}

#[test]
fn the_run_id_changes_with_what_the_result_depends_on_and_with_nothing_else() {
    let base = "version = 1\nname = \"a\"\n[train]\nsteps = 10\n[measure]\nevery = 5\n[[block]]\n\
                dataset = \"mnist\"\narchitecture = \"fcn\"\nwidth = 8\ndepth = 2\n\
                batch_size = 100\nlearning_rate = 0.1\n";
    let id = |source: &str| read(source).run(0).expect("a run").id();
    for (from, to) in [
        (
            "name = \"a\"",
            "name = \"b\"\npriority = 5\nmax_attempts = 9\nmax_losses = 2",
        ),
        ("name = \"a\"", "name = \"a\"\nmax_failures = 1\nseeds = 7"),
        ("steps = 10", "steps = 10\ntime_limit = \"2h\""),
        ("[measure]", "[stop]\nalpha_ci = 0.1\n[measure]"),
        ("steps = 10", "steps = 10\ndropout = 0"),
        (
            "steps = 10",
            "steps = 10\nmomentum = -0.0\nweight_decay = 0\nschedule = \"constant\"",
        ),
        (
            "every = 5",
            "every = 5\nsplits = [\"test\", \"train\"]\nminibatches = \"all\"",
        ),
        ("\"mnist\"", "{ name = \"mnist\", train_limit = 60000 }"),
        (
            "learning_rate = 0.1",
            "learning_rate = 1e-1\nloss = \"nll\"",
        ),
        (
            "learning_rate = 0.1",
            "learning_rate = 0.1\n\"train.time_limit\" = [\"2h\"]",
        ),
        (
            "width = 8",
            "width = [8, 16]\n\"train.momentum\" = [0, 0.9]",
        ),
    ] {
        assert_eq!(id(base), id(&base.replace(from, to)), "{to}");
    }
    let mut ids = BTreeSet::from([id(base)]);
    for (from, to) in [
        ("name = \"a\"", "name = \"a\"\nseeds = [1]"),
        ("steps = 10", "steps = 11"),
        ("steps = 10", "steps = 10\nmomentum = 0.9"),
        ("steps = 10", "steps = 10\nweight_decay = 0.1"),
        ("steps = 10", "steps = 10\nsampling = \"shuffled\""),
        ("steps = 10", "steps = 10\nschedule = { cosine = true }"),
        (
            "steps = 10",
            "steps = 10\nschedule = { milestones = [5], gamma = 0.5 }",
        ),
        ("steps = 10", "steps = 10\nstop_at_train_accuracy = 1"),
        ("every = 5", "every = 6"),
        ("every = 5", "every = 5\nsplits = [\"train\"]"),
        ("every = 5", "every = 5\nminibatches = 24"),
        ("every = 5", "every = 5\ntreatments = [\"published\"]"),
        ("\"mnist\"", "\"fashion-mnist\""),
        ("\"mnist\"", "{ name = \"mnist\", train_limit = 500 }"),
        ("\"mnist\"", "{ name = \"mnist\", test_limit = 500 }"),
        ("width = 8", "width = 9"),
        ("depth = 2", "depth = 3"),
        ("batch_size = 100", "batch_size = 101"),
        ("learning_rate = 0.1", "learning_rate = 0.2"),
        (
            "learning_rate = 0.1",
            "learning_rate = 0.1\nloss = \"hinge\"",
        ),
    ] {
        assert!(ids.insert(id(&base.replace(from, to))), "{to}");
    }
}

#[test]
fn a_limit_of_generated_data_and_a_number_of_them_are_the_same_run() {
    let id = |data: &str| {
        block(&format!("dataset = {data}"))
            .run(0)
            .expect("a run")
            .id()
    };
    let limited = "{ name = \"blobs\", train_limit = 500, test_limit = 100 }";
    let fewer = "{ name = \"blobs\", examples = 500, test_examples = 100 }";
    assert_eq!(id(limited), id(fewer));
    assert_ne!(id(limited), id("\"blobs\""));
    let source = with("steps = 10", &format!("dataset = [{limited}, {fewer}]"));
    let problems = parse(&source, "sweep.toml", &BTreeMap::new()).expect_err("computed twice");
    assert!(
        problems.to_string().contains("the same runs twice"),
        "{problems}"
    );
}

#[test]
fn a_time_limit_in_blocks_is_that_of_the_sweep() {
    let limit = |source: &str| read(source).limits.time_limit.map(|limit| limit.as_secs());
    let axis = "\"train.time_limit\" = \"1h\"";
    assert_eq!(limit(&with("steps = 10", axis)), Some(3600));
    assert_eq!(
        limit(&with("steps = 10\ntime_limit = \"2h\"", axis)),
        Some(3600)
    );
    let other = with("steps = 10", axis).replace("[train]\nsteps = 10\n", "");
    let other = other
        .split("[[block]]")
        .nth(1)
        .expect("a block")
        .replace("width = 8", "width = 9");
    let both = format!("{}[[block]]{other}", with("steps = 10", axis));
    assert_eq!(limit(&both), Some(3600));
    let differ = format!("{}[[block]]{other}", with("steps = 10", ""));
    let problems = parse(&differ, "sweep.toml", &BTreeMap::new()).expect_err("two limits");
    assert!(
        problems.to_string().contains("one `time_limit`"),
        "{problems}"
    );
}

#[test]
fn a_test_split_that_is_not_measured_is_not_read() {
    let needed = |train: &str| {
        let sweep = read(&with(train, ""));
        let needed = sweep.points[0].needed_data().expect("a network");
        [Split::Train, Split::Test].map(|split| needed.examples(split))
    };
    assert_eq!(needed("steps = 10"), [60_000, 10_000]);
    assert_eq!(
        needed("steps = 10\n[measure]\nsplits = [\"train\"]"),
        [60_000, 0]
    );
    assert_eq!(
        needed("steps = 10\n[measure]\nsplits = [\"test\"]"),
        [60_000, 10_000]
    );
}

#[test]
fn widening_a_grid_changes_no_run() {
    let narrow = block("width = [8, 16]");
    let wide = block("width = [4, 8, 16]\nloss = [\"hinge\", \"nll\"]");
    let ids: BTreeSet<_> = wide.runs().map(|run| run.id()).collect();
    assert!(narrow.runs().all(|run| ids.contains(&run.id())));
}
