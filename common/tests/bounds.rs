//! Every setting has bounds, and a value beyond them is refused when a sweep is planned: each one
//! alone, with the line that it stands on.

use std::collections::BTreeMap;
use std::fmt::Write;

use tailsweep_common::sweep::{Problems, Sweep, parse};

const FCN: &str = "dataset = \"mnist\"
architecture = \"fcn\"
width = 8
depth = 2
batch_size = 100
learning_rate = 0.1";
const ALEXNET: &str = "dataset = \"cifar10\"
architecture = \"alexnet\"
width = 8
batch_size = 100
learning_rate = 0.1";
const REGRESSION: &str = "dataset = { name = \"gaussian_regression\" }
architecture = \"linear_regression\"
batch_size = 10
learning_rate = 0.01
loss = \"squared\"";

/// A right file; a key that is set again goes where it stands, or to the end of its section.
struct File {
    top: &'static str,
    train: &'static str,
    measure: &'static str,
    stop: &'static str,
    block: &'static str,
}

const NETWORK: File = File {
    top: "seeds = 1",
    train: "steps = 100",
    measure: "every = 10",
    stop: "alpha_ci = 0.1",
    block: FCN,
};
const SYNTHETIC: File = File {
    stop: "alpha_ci = 0.1",
    block: "architecture = \"synthetic\"\n\"synthetic.alpha\" = 1.5",
    ..NETWORK
};
const STUDENT: File = File {
    block: "architecture = \"synthetic\"\n\"synthetic.law\" = \"student_t\"\n\
            \"synthetic.degrees\" = 3",
    ..NETWORK
};
const PATHS: File = File {
    stop: "",
    block: "architecture = \"levy_sde\"\n\"levy_sde.alpha\" = 1.5\n\"levy_sde.epsilon\" = 0.1",
    ..NETWORK
};
const DOUBLE_WELL: File = File {
    stop: "",
    block: "architecture = \"levy_sde\"\n\"levy_sde.alpha\" = 1.5\n\"levy_sde.epsilon\" = 0.1\n\
            \"levy_sde.potential\" = \"double_well\"",
    ..NETWORK
};

impl File {
    fn text(&self, section: &str, key: &str, value: &str) -> String {
        let mut text = "version = 1\nname = \"bounds\"\n".to_owned();
        for (name, keys) in [
            ("", self.top),
            ("train", self.train),
            ("measure", self.measure),
            ("stop", self.stop),
            ("block", self.block),
        ] {
            if name == "block" {
                text += "[[block]]\n";
            } else if !name.is_empty() && (!keys.is_empty() || name == section) {
                writeln!(text, "[{name}]").expect("memory");
            }
            let mut is_written = name != section;
            for line in keys.lines() {
                let written = line.split(" = ").next().map(|key| key.trim_matches('"'));
                if name == section && written == Some(key) {
                    writeln!(text, "{} = {value}", quoted(key)).expect("memory");
                    is_written = true;
                } else {
                    writeln!(text, "{line}").expect("memory");
                }
            }
            if !is_written {
                writeln!(text, "{} = {value}", quoted(key)).expect("memory");
            }
        }
        text
    }

    fn parsed(&self, section: &str, key: &str, value: &str) -> (String, Result<Sweep, Problems>) {
        let text = self.text(section, key, value);
        let sweep = parse(&text, "bounds.toml", &BTreeMap::new());
        (text, sweep)
    }

    #[track_caller]
    fn bounds(&self, section: &str, key: &str, right: &[&str], wrong: &[&str]) {
        for value in right {
            let (text, sweep) = self.parsed(section, key, value);
            if let Err(problems) = sweep {
                panic!(
                    "`{key} = {value}` is right\n{text}\n{}",
                    problems.render(false)
                );
            }
        }
        for value in wrong {
            let (text, sweep) = self.parsed(section, key, value);
            let Err(problems) = sweep else {
                panic!("`{key} = {value}` is out of bounds\n{text}");
            };
            let written = format!("{} = {value}", quoted(key));
            let line = 1 + text
                .lines()
                .position(|line| line == written)
                .expect("it was written");
            // Where keys of a block contradict each other, another one or the whole is shown.
            let block = 1 + text.lines().take_while(|line| *line != "[[block]]").count();
            let is_near = |at: usize| at == line || section == "block" && at >= block;
            for problem in &problems {
                assert!(is_near(problem.line), "{}", problems.render(false));
            }
        }
    }
}

fn quoted(key: &str) -> String {
    match key.contains('.') {
        true => format!("\"{key}\""),
        false => key.to_owned(),
    }
}

#[test]
fn of_the_top_and_of_stop() {
    let not_counts = ["-1", "1.5", "99999999999999999999", "true"];
    let top = |key, right: &[&str], wrong: &[&str]| {
        NETWORK.bounds("", key, right, &[&not_counts, wrong].concat());
    };
    top(
        "seeds",
        &["1", "[0, 7]"],
        &["0", "[]", "[0, 0]", "[-1]", "1000000000000"],
    );
    top("max_attempts", &["1"], &["0", "99999999999"]);
    top("max_losses", &["0"], &["99999999999"]);
    top("max_failures", &["1"], &["0"]);
    NETWORK.bounds("", "priority", &["-1", "7"], &["1.5", "99999999999"]);
    NETWORK.bounds("stop", "alpha_ci", &["0.01"], &["0", "-1", "nan", "inf"]);
}

#[test]
fn of_training() {
    let train = |key, right: &[&str], wrong: &[&str]| NETWORK.bounds("train", key, right, wrong);
    train(
        "steps",
        &["1"],
        &["0", "-1", "1.5", "9223372036854775807", "1e3"],
    );
    train(
        "momentum",
        &["0", "0.99"],
        &["-0.1", "1", "1.5", "nan", "inf", "\"x\""],
    );
    train("weight_decay", &["0", "1"], &["-0.1", "nan", "inf"]);
    train(
        "schedule",
        &[
            "\"constant\"",
            "{ cosine = true }",
            "{ milestones = [1, 2], gamma = 2 }",
        ],
        &[
            "{ cosine = false }",
            "{ cosine = true, milestones = [3], gamma = 0.5 }",
            "{ milestones = [3] }",
            "{ gamma = 0.5 }",
            "{ milestones = [3], gamma = 0 }",
            "{ milestones = [3], gamma = -0.5 }",
            "{ milestones = [3], gamma = nan }",
            "{ milestones = [3], gamma = inf }",
            "{ milestones = [3, 3], gamma = 0.5 }",
            "{ milestones = [3, 2], gamma = 0.5 }",
            "{ milestones = [-3], gamma = 0.5 }",
            "{ milestones = [1.5], gamma = 0.5 }",
            "{ milestones = 5, gamma = 0.5 }",
        ],
    );
    train(
        "stop_at_train_accuracy",
        &["false", "1", "0.5"],
        &["0", "-0.1", "1.1", "95", "nan", "true"],
    );
    train(
        "time_limit",
        &["\"90s\"", "\"1h30m\""],
        &[
            "\"0s\"",
            "\"-1s\"",
            "\"1\"",
            "5",
            "\"99999999999999999999s\"",
        ],
    );
    train("sampling", &["\"shuffled\""], &["\"random\"", "1"]);
    let dropout = File {
        block: ALEXNET,
        ..NETWORK
    };
    dropout.bounds(
        "train",
        "dropout",
        &["0", "0.9"],
        &["-0.1", "1", "2", "nan"],
    );
}

#[test]
fn of_measuring() {
    let measure = |key, right: &[&str], wrong: &[&str]| {
        NETWORK.bounds("measure", key, right, wrong);
    };
    measure("every", &["1", "1000"], &["0", "-1", "1.5"]);
    measure(
        "minibatches",
        &["\"all\"", "1", "100000"],
        &["0", "-1", "1.5", "\"some\"", "4294967296"],
    );
    measure(
        "splits",
        &["[\"train\"]"],
        &["[]", "[\"train\", \"train\"]", "[\"val\"]"],
    );
    measure(
        "treatments",
        &["[\"paired\"]"],
        &["[]", "[\"paired\", \"paired\"]", "[\"x\"]"],
    );
    measure("iterates", &["true"], &["1"]);
    measure(
        "dump",
        &["[0, 100]"],
        &["[-1]", "[3]", "[200]", "[100, 0]", "[0, 0]"],
    );
}

#[test]
fn of_networks() {
    let block = |key, right: &[&str], wrong: &[&str]| NETWORK.bounds("block", key, right, wrong);
    block(
        "width",
        &["1", "100000"],
        &["0", "-1", "1.5", "1000001", "4294967296"],
    );
    block(
        "depth",
        &["2", "1000"],
        &["1", "0", "-1", "1001", "4294967295"],
    );
    block(
        "batch_size",
        &["1", "60000"],
        &["0", "-1", "1.5", "60001", "4294967296"],
    );
    block(
        "learning_rate",
        &["0", "10"],
        &["-0.1", "nan", "inf", "1e999"],
    );
    block("loss", &["\"hinge\""], &["\"squared\"", "\"mse\""]);
    // Thousands of terabytes.
    let deep = File {
        block: "dataset = \"mnist\"\narchitecture = \"fcn\"\nwidth = 8\ndepth = 1000\n\
                batch_size = 100\nlearning_rate = 0.1",
        ..NETWORK
    };
    deep.bounds("block", "width", &["1000"], &["1000000"]);
    let channels = File {
        block: ALEXNET,
        ..NETWORK
    };
    channels.bounds(
        "block",
        "width",
        &["1", "64"],
        &["0", "10000", "1000000", "4294967295"],
    );
    channels.bounds("block", "dataset", &["\"cifar100\""], &["\"mnist\""]);
}

#[test]
fn of_data() {
    NETWORK.bounds(
        "block",
        "dataset",
        &[
            "{ name = \"mnist\", train_limit = 100, test_limit = 1 }",
            "{ name = \"blobs\", spread = 0 }",
        ],
        &[
            "{ name = \"mnist\", train_limit = 0 }",
            "{ name = \"mnist\", train_limit = 50 }",
            "{ name = \"mnist\", train_limit = -1 }",
            "{ name = \"mnist\", train_limit = 99999999999 }",
            "{ name = \"mnist\", test_limit = 0 }",
            "{ name = \"blobs\", classes = 1 }",
            "{ name = \"blobs\", classes = 100000000 }",
            "{ name = \"blobs\", features = 0 }",
            "{ name = \"blobs\", features = 100000000000 }",
            "{ name = \"blobs\", features = 1000000, examples = 1000000 }",
            "{ name = \"blobs\", spread = -1 }",
            "{ name = \"blobs\", spread = 1e300 }",
            "{ name = \"blobs\", examples = 0 }",
            "{ name = \"blobs\", seed = -1 }",
            "\"gaussian_regression\"",
        ],
    );
    let regression = File {
        block: REGRESSION,
        ..NETWORK
    };
    regression.bounds(
        "block",
        "dataset",
        &["{ name = \"gaussian_regression\", noise = 0 }"],
        &[
            "{ name = \"gaussian_regression\", features = 0 }",
            "{ name = \"gaussian_regression\", weights = -1 }",
            "{ name = \"gaussian_regression\", weights = nan }",
            "{ name = \"gaussian_regression\", noise = -1 }",
            "{ name = \"gaussian_regression\", noise = 1e300 }",
            "{ name = \"gaussian_regression\", examples = 5 }",
        ],
    );
    regression.bounds("block", "loss", &[], &["\"nll\"", "\"hinge\""]);
}

#[test]
fn of_noise_of_a_known_law() {
    let block = |key, right: &[&str], wrong: &[&str]| SYNTHETIC.bounds("block", key, right, wrong);
    block("synthetic.alpha", &["0.1", "2"], &["0", "-1", "2.1", "nan"]);
    block(
        "synthetic.params",
        &["1"],
        &["0", "-1", "1.5", "4294967296", "200000000"],
    );
    block(
        "synthetic.minibatches",
        &["1"],
        &["0", "-1", "4294967296", "100000000"],
    );
    block("synthetic.examples", &["1"], &["0", "99999999999"]);
    block("synthetic.scale_spread", &["0", "3"], &["-1", "nan", "inf"]);
    block(
        "synthetic.correlation",
        &["0", "1"],
        &["-0.1", "1.1", "nan"],
    );
    block("synthetic.group", &["1", "20000"], &["0", "-1"]);
    block("synthetic.zeros", &["0", "0.9"], &["-0.1", "1", "1.1"]);
    block(
        "synthetic.dead_groups",
        &["0", "0.9"],
        &["-0.1", "1", "1.1"],
    );
    block("synthetic.centred", &["false"], &["3"]);
    STUDENT.bounds("block", "synthetic.degrees", &["0.5"], &["0", "-1", "nan"]);
}

#[test]
fn of_paths() {
    let block = |key, right: &[&str], wrong: &[&str]| PATHS.bounds("block", key, right, wrong);
    block(
        "levy_sde.alpha",
        &["0.1", "2"],
        &["0", "-1", "2.1", "nan", "1e-300"],
    );
    block("levy_sde.epsilon", &["0.01"], &["0", "-1", "nan", "inf"]);
    block("levy_sde.curvature", &["2"], &["0", "-1", "inf", "1e300"]);
    block("levy_sde.a", &["2"], &["0", "-1", "inf"]);
    block("levy_sde.b", &["2"], &["0", "-1", "inf"]);
    block("levy_sde.paths", &["1"], &["0", "-1", "4294967296"]);
    block("levy_sde.start", &["1"], &["0", "2", "-1"]);
    block("levy_sde.clip", &["1"], &["0", "-1", "inf", "nan"]);
    block("learning_rate", &["0.01"], &["0", "-1", "2", "1e3"]);
    let well = |key, right: &[&str], wrong: &[&str]| DOUBLE_WELL.bounds("block", key, right, wrong);
    well("levy_sde.depth", &["2"], &["0", "-1", "inf", "1e300"]);
    well("levy_sde.left_depth", &["2"], &["0", "-1", "inf"]);
    well("levy_sde.start", &["1", "2"], &["0", "3"]);
}
