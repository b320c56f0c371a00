//! What right sweep files mean: defaults, protocols, files beside them.

mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tailsweep_common::id::BlobId;
use tailsweep_common::measurement::Split;
use tailsweep_common::npy::encode_f32;
use tailsweep_common::run::{
    Architecture, Init, Law, Loss, NetworkPoint, PotentialForm, Rows, Sampling, Schedule, Targets,
};
use tailsweep_common::sweep::{Sweep, parse};
use written::{EXAMPLE, block, networks, read, with};

#[test]
fn the_example_of_the_design_has_222_runs() {
    let sweep = read(EXAMPLE);
    // 4 widths × 3 depths × 2 zipped pairs × 2 losses × 2 momenta = 96; the excluded width and
    // depth take 8; at depth 6 only 2 of 4 widths stay, which takes 16; and 2 AlexNets.
    assert_eq!(sweep.points.len(), 96 - 8 - 16 + 2);
    assert_eq!(sweep.len(), 74 * 3);
    assert_eq!(sweep.name, "fcn-width-depth");
    assert_eq!(sweep.seeds, [0, 1, 2]);
    assert_eq!(sweep.own_axes, ["train.momentum"]);
    assert_eq!(sweep.limits.max_failures, Some(10));
    assert_eq!(sweep.limits.time_limit, Some(Duration::from_secs(7_200)));
    assert_eq!(sweep.stop.expect("a stop").alpha_ci, 0.02);

    let first = networks(&sweep)[0];
    assert_eq!(first.architecture, Architecture::Fcn { width: 8, depth: 2 });
    assert_eq!(
        (first.batch_size, first.learning_rate, first.loss),
        (100, 0.01, Loss::Nll)
    );
    assert_eq!(first.train.steps, 2_000);
    assert_eq!(first.train.dropout, 0.0);
    assert_eq!(
        first.train.schedule,
        Schedule::Milestones {
            milestones: vec![667, 1_333],
            gamma: 0.5
        }
    );
    let last = networks(&sweep)[73];
    assert_eq!(last.architecture, Architecture::Alexnet { width: 8 });
    assert_eq!((last.train.dropout, last.train.momentum), (0.5, 0.0));
    let ids: BTreeSet<_> = sweep.runs().map(|run| run.id()).collect();
    assert_eq!(ids.len(), 222);
}

#[test]
fn what_is_left_out_has_its_default() {
    let sweep = block("");
    assert_eq!(sweep.seeds, [0]);
    assert_eq!(
        (sweep.limits.max_attempts, sweep.limits.max_losses),
        (3, 10)
    );
    assert_eq!(
        (sweep.limits.max_failures, sweep.limits.time_limit),
        (None, None)
    );
    assert_eq!((sweep.priority, sweep.stop), (0, None));
    let NetworkPoint {
        loss,
        train,
        measure,
        ..
    } = networks(&sweep)[0];
    assert_eq!((*loss, train.sampling), (Loss::Nll, Sampling::FileOrder));
    assert_eq!((train.momentum, train.weight_decay), (0.0, 0.0));
    assert_eq!(
        (&train.schedule, &train.init),
        (&Schedule::Constant, &Init::Default)
    );
    assert_eq!(train.stop_at_train_accuracy, None);
    assert_eq!(
        (measure.every, measure.minibatches, measure.iterates),
        (100, None, false)
    );
    assert_eq!(measure.splits, [Split::Train, Split::Test]);
    let treatments: Vec<_> = measure.treatments.iter().map(|one| one.as_str()).collect();
    let default = [
        "published",
        "published_rows",
        "zeros_dropped",
        "permuted",
        "gaussian_surrogate",
        "paired",
    ];
    assert_eq!(treatments, default);
}

#[test]
fn dropout_is_a_half_where_there_is_some() {
    let sweep = block("dataset = \"cifar10\"\narchitecture = \"alexnet\"\nwidth = 4");
    let sweep = networks(&sweep);
    assert_eq!(sweep[0].train.dropout, 0.5);
    assert_eq!(sweep[0].architecture.depth(), None);
}

#[test]
fn protocol_code_is_the_published_program() {
    let sweep = read(&with("protocol = \"code\"", ""));
    let point = networks(&sweep)[0];
    assert_eq!(
        (point.batch_size, point.learning_rate, sweep.seeds.len()),
        (100, 0.1, 1)
    );
    assert_eq!(
        (point.train.steps, point.train.sampling),
        (65_000, Sampling::FileOrder)
    );
    assert_eq!(point.train.stop_at_train_accuracy, Some(1.0));
    assert_eq!(
        point.train.schedule,
        Schedule::Milestones {
            milestones: vec![21_666, 43_332],
            gamma: 0.5
        }
    );
}

#[test]
fn protocol_paper_needs_a_cap() {
    let sweep = read(&with("protocol = \"paper\"\nsteps = 5000", ""));
    let point = networks(&sweep)[0];
    assert_eq!((point.batch_size, point.learning_rate), (500, 0.1));
    assert_eq!(sweep.seeds, [0, 1, 2]);
    assert_eq!(
        (point.train.steps, point.train.sampling),
        (5_000, Sampling::Shuffled)
    );
    assert_eq!(point.train.schedule, Schedule::Constant);
    assert_eq!(point.train.stop_at_train_accuracy, Some(1.0));
}

#[test]
fn explicit_keys_win_over_a_protocol() {
    let train = "protocol = \"code\"\nsampling = \"shuffled\"\nschedule = \"constant\"\n\
                 stop_at_train_accuracy = false";
    let sweep = read(&with(train, "batch_size = 50\n\"train.steps\" = 99"));
    let point = networks(&sweep)[0];
    assert_eq!(
        (point.batch_size, point.train.sampling),
        (50, Sampling::Shuffled)
    );
    assert_eq!(
        (&point.train.schedule, point.train.steps),
        (&Schedule::Constant, 99)
    );
    assert_eq!(point.train.stop_at_train_accuracy, None);
}

#[test]
fn the_milestones_of_a_protocol_follow_an_axis_of_steps() {
    let sweep = read(&with("protocol = \"code\"", "\"train.steps\" = [30, 100]"));
    let milestones: Vec<_> = sweep
        .points
        .iter()
        .map(|point| point.setting("train.schedule"))
        .collect();
    let expected = ["[10, 20]", "[33, 66]"]
        .map(|steps| Some(format!("{{ milestones = {steps}, gamma = 0.5 }}")));
    assert_eq!(milestones, expected);
}

#[test]
fn named_files_travel_with_the_sweep() {
    let source = with(
        "steps = 10\ninit = { weights = \"a.safetensors\" }",
        "\"train.init\" = [\"default\", { weights = \"b/c.safetensors\" }]",
    );
    let names = ["a.safetensors", "b/c.safetensors"];
    let files = |salt: &str| -> BTreeMap<String, Vec<u8>> {
        names
            .map(|name| (name.to_owned(), format!("{salt}{name}").into_bytes()))
            .into()
    };
    let sweep = parse(&source, "sweep.toml", &files("")).expect("a right file");
    let digests = names.map(|name| (name.to_owned(), BlobId::of(name.as_bytes())));
    assert_eq!(sweep.files, digests);
    let digest = BlobId::of(b"b/c.safetensors");
    assert_eq!(networks(&sweep)[1].train.init, Init::Weights(digest));
    assert_eq!(
        sweep.points[1].setting("train.init"),
        Some(digest.to_string())
    );
    let other = parse(&source, "sweep.toml", &files("other")).expect("a right file");
    assert_ne!(sweep.id, other.id);
    assert_ne!(
        sweep.run(1).map(|run| run.id()),
        other.run(1).map(|run| run.id())
    );
}

#[test]
fn a_limit_that_takes_all_is_no_limit() {
    let limited = block("dataset = { name = \"mnist\", train_limit = 60000, test_limit = 10 }");
    let dataset = &networks(&limited)[0].dataset;
    assert_eq!((dataset.train_limit, dataset.test_limit), (None, Some(10)));
}

#[test]
fn own_data_are_their_contents() {
    let files = BTreeMap::from([
        ("x.npy".to_owned(), encode_f32(&[6, 2, 3], &[0.25; 36])),
        ("y.npy".to_owned(), encode_f32(&[6], &[1.5; 6])),
        ("more/x.npy".to_owned(), encode_f32(&[2, 2, 3], &[0.5; 12])),
        ("more/y.npy".to_owned(), encode_f32(&[2], &[0.0; 2])),
    ]);
    let read = |dataset: &str| {
        let block = format!("batch_size = 2\nloss = \"squared\"\ndataset = {dataset}");
        let source = with("steps = 10", &block);
        parse(&source, "sweep.toml", &files).unwrap_or_else(|problems| panic!("{problems}"))
    };
    let sweep = read("{ images = \"x.npy\", labels = \"y.npy\" }");
    let point = &networks(&sweep)[0];
    assert_eq!(point.dataset.name(), "x");
    assert_eq!(point.dataset.shape(), [1, 2, 3]);
    assert_eq!(point.dataset.targets(), Targets::Values);
    assert_eq!(point.dataset.examples(Split::Train), 6);
    // Nothing to measure in a split without examples.
    assert_eq!(point.measure.splits, [Split::Train]);
    let travelling: Vec<&str> = sweep.files.iter().map(|(path, _)| &**path).collect();
    assert_eq!(travelling, ["x.npy", "y.npy"]);

    let both = read(
        "{ images = \"x.npy\", labels = \"y.npy\", test_images = \"more/x.npy\", \
         test_labels = \"more/y.npy\", train_limit = 4 }",
    );
    let point = &networks(&both)[0];
    assert_eq!(point.measure.splits, [Split::Train, Split::Test]);
    let examples = [Split::Train, Split::Test].map(|split| point.dataset.examples(split));
    assert_eq!(examples, [4, 2]);

    // A name is for people: the run is what it computes.
    let named = read("{ name = \"mine\", images = \"x.npy\", labels = \"y.npy\" }");
    assert_eq!(networks(&named)[0].dataset.name(), "mine");
    let id = |sweep: &Sweep| sweep.run(0).map(|run| run.id());
    assert_eq!(id(&named), id(&sweep));
    assert_ne!(id(&both), id(&sweep));
    let other = read("{ images = \"more/x.npy\", labels = \"more/y.npy\" }");
    assert_ne!(id(&other), id(&sweep));
}

#[test]
fn runs_without_a_network_take_what_they_depend_on() {
    let sweep = read(include_str!("right/without_network.toml"));
    assert_eq!(sweep.points.len(), 6 + 4 + 2);
    let first = sweep.points[0].synthetic().expect("noise");
    assert_eq!(first.law, Law::Stable { alpha: 1.0 });
    assert_eq!(first.rows, Rows::Examples(105));
    assert_eq!(
        (first.batch_size, first.learning_rate, first.params),
        (10, 0.1, 1009)
    );
    assert_eq!((first.steps, first.measure.every), (99, 1));
    assert_eq!(first.measure.splits, [Split::Train]);
    assert_eq!(first.minibatches(Split::Train), 11);
    assert_eq!((first.examples_of(9), first.examples_of(10)), (10, 5));
    let point = sweep.points[9].levy_sde().expect("an equation");
    let potential = PotentialForm::Quadratic {
        curvature: 1.0,
        a: 2.0,
        b: 2.0,
    };
    assert_eq!((&point.potential, point.alpha), (&potential, 1.5));
    assert_eq!(
        (point.first_exit, point.paths, point.learning_rate),
        (true, 300, 0.01)
    );
    let point = &sweep.points[11];
    let settings = ["minima", "separators", "depths", "clip", "first_exit", "a"]
        .map(|key| point.setting(&format!("levy_sde.{key}")));
    let texts = ["[-2, 0, 2]", "[-1.5, 1]", "[1, 1, 1]", "20", "false"];
    assert_eq!(settings[..5], texts.map(|text| Some(text.to_owned())));
    assert_eq!(settings[5], None);
    assert_eq!(point.setting("train.steps").as_deref(), Some("99"));
    assert_eq!(
        (point.dataset(), point.width(), point.loss()),
        (None, None, None)
    );
    // What a run does not depend on does not change it.
    let other = include_str!("right/without_network.toml").replace("momentum = 0.9", "");
    let ids = |sweep: &Sweep| sweep.runs().map(|run| run.id()).collect::<BTreeSet<_>>();
    assert_eq!(ids(&read(&other)), ids(&sweep));
    assert_eq!(ids(&sweep).len(), 12);
}
