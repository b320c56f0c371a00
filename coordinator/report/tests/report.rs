//! From real summaries of synthetic noise to the files of a report.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use parquet::basic::Type;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use tailsweep_common::measurement::{Measurement, Split, SplitMeasurement};
use tailsweep_common::run::Run;
use tailsweep_common::state::{Reason, RunState};
use tailsweep_common::sweep::{self, Sweep};
use tailsweep_report::diagnosis::{self, Centring, Diagnosis};
use tailsweep_report::{Choice, ReportBuilder, ReportFile, RunResult, SweepText};
use tailsweep_stats::late::{self, Value};
use tailsweep_stats::{Estimator, Layer, NoiseShape, Treatment, Treatments, summarise};

const SWEEP: &str = r#"version = 1
name = "tests <&> 'quotes'"
seeds = 3

[train]
steps = 40

[measure]
every = 10

[[block]]
dataset = { name = "mnist-excerpt", train_limit = 2000 }
architecture = "fcn"
width = [4, 8]
depth = [2, 3]
batch_size = 100
learning_rate = [0.1, 1e-7]
"train.momentum" = [0.0, 0.9]
"#;

fn sweep() -> Arc<Sweep> {
    Arc::new(sweep::parse(SWEEP, "test.toml", &BTreeMap::new()).expect("a valid sweep file"))
}

/// Done, but for three runs of the first two points.
fn state(index: usize) -> (RunState, Option<Reason>, u64) {
    match index {
        1 => (RunState::Diverged, Some(Reason::NonFiniteLoss), 20),
        2 => (RunState::Failed, Some(Reason::OutOfMemory), 10),
        3 => (RunState::Waiting, None, 0),
        4 => (RunState::Running, None, 20),
        5 => (RunState::Cancelled, Some(Reason::Cancelled), 0),
        _ => (RunState::Done, None, 40),
    }
}

fn result(index: usize, run: Run) -> RunResult {
    let (state, reason, last) = state(index);
    let steps = (0..=last).step_by(10).filter(|_| last > 0);
    let measurements = steps.map(|step| measurement(run.seed + 1, step)).collect();
    let steps = match state {
        RunState::Done => Some(40),
        RunState::Diverged => Some(23),
        _ => None,
    };
    RunResult {
        id: run.id(),
        run,
        state,
        reason,
        steps,
        measurements,
    }
}

fn measurement(seed: u64, step: u64) -> Measurement {
    let splits = [(Split::Train, 1), (Split::Test, 2)].map(|(split, stream)| {
        let layer = |name: &str, len| Layer {
            name: name.into(),
            len,
            fan_in: 16,
            bias: false,
        };
        let layers = vec![layer("fc.0.weight", 40), layer("fc.2.weight", 24)];
        let shape =
            NoiseShape::new(12, false, layers, Treatments::default()).expect("a noise matrix");
        let mut state = seed * 1_000 + step * 10 + stream;
        let mut uniform = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u32 << 24) as f32 - 0.5
        };
        let row = |_| {
            (0..64)
                .map(|_| uniform() * uniform() * uniform())
                .collect::<Vec<f32>>()
        };
        let rows: Vec<Vec<f32>> = (0..12).map(row).collect();
        let noise = summarise(Arc::new(shape), &rows);
        SplitMeasurement {
            split,
            loss: Some(1.0 / (1.0 + step as f64)),
            accuracy: Some(0.1),
            noise,
            spectrum: None,
        }
    });
    Measurement {
        step,
        splits: splits.to_vec(),
        iterates: None,
        exits: None,
    }
}

type Files = BTreeMap<String, Vec<u8>>;

/// Those of one report, made once.
fn files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(fresh_files)
}

fn fresh_files() -> Files {
    let sweep = sweep();
    let text = SweepText {
        sweep: Arc::clone(&sweep),
        source: SWEEP.to_owned(),
    };
    let mut report = ReportBuilder::new(text);
    sweep
        .runs()
        .enumerate()
        .for_each(|(index, run)| report.add(result(index, run)));
    let files = report.finish().files();
    files
        .into_iter()
        .map(|ReportFile { path, bytes }| (path, bytes))
        .collect()
}

/// The rows of a CSV file, by column.
fn rows(files: &Files, path: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(&files[path][..]);
    reader
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("a readable file")
}

#[test]
fn a_report_has_its_files_and_is_the_same_to_the_byte() {
    let files = files();
    let paths: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "estimates.csv",
            "estimates.jsonl",
            "estimates.parquet",
            "figures/alpha-depth.pdf",
            "figures/alpha-depth.svg",
            "figures/alpha-learning-rate.pdf",
            "figures/alpha-learning-rate.svg",
            "figures/alpha-width.pdf",
            "figures/alpha-width.svg",
            "figures/block-length.pdf",
            "figures/block-length.svg",
            "figures/controls.pdf",
            "figures/controls.svg",
            "figures/noise-norms.pdf",
            "figures/noise-norms.svg",
            "figures/summation.pdf",
            "figures/summation.svg",
            "figures/train-test.pdf",
            "figures/train-test.svg",
            "figures/training.pdf",
            "figures/training.svg",
            "measurements.csv",
            "measurements.jsonl",
            "measurements.parquet",
            "points.csv",
            "points.jsonl",
            "points.md",
            "points.parquet",
            "points.tex",
            "report.html",
            "report.json",
            "runs.csv",
            "runs.jsonl",
            "runs.parquet",
            "schema.json",
            "sweep.json",
        ]
    );
    assert!(
        *files == fresh_files(),
        "the same results give the same bytes"
    );
}

#[test]
fn columns_are_those_of_the_contract_in_its_order() {
    let files = files();
    let head = |path: &str| {
        let text = std::str::from_utf8(&files[path]).unwrap();
        assert!(!text.contains('\r'));
        text.lines().next().unwrap().to_owned()
    };
    assert_eq!(
        head("points.csv"),
        "dataset,architecture,width,depth,batch_size,learning_rate,loss,split,estimator,treatment,\
         k1,seeds,alpha,alpha_mean,between_seed_sd,std_error,ci_low,ci_high,problem,\
         train_limit,test_limit,train.momentum,late_rows,late_values,measured,stable_reads"
    );
    assert_eq!(
        head("runs.csv"),
        "run_id,dataset,architecture,width,depth,batch_size,learning_rate,loss,seed,params,state,\
         steps,train_loss,train_accuracy,test_loss,test_accuracy,reason,\
         train_limit,test_limit,train.momentum"
    );
    assert_eq!(
        head("measurements.csv"),
        "run_id,step,split,loss,accuracy,params,batches,zero_fraction,noise_norm_mean,\
         noise_norm_max,kurtosis,max_to_sum_2,max_to_sum_4,projections,shapiro_wilk_accepted,\
         anderson_darling_accepted,gaussianity_problem,covariance_trace,eigenvalue_1,eigenvalue_2,\
         eigenvalue_3,eigenvalue_4,eigenvalue_5"
    );
    assert_eq!(
        head("estimates.csv"),
        "run_id,step,split,scope,estimator,treatment,k1,alpha,std_error,ci_low,ci_high,samples,\
         blocks,problem,measured,stable_reads"
    );
}

#[test]
fn runs_that_did_not_finish_are_there_with_what_was_measured() {
    let files = files();
    let runs = rows(files, "runs.csv");
    let of = |index: usize, columns: &[&str]| {
        columns
            .iter()
            .map(|column| runs[index][*column].as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(runs.len(), sweep().len());
    assert_eq!(
        of(
            0,
            &["state", "steps", "reason", "train_limit", "test_limit"]
        ),
        "done 40  2000 "
    );
    assert_eq!(
        of(1, &["state", "steps", "reason"]),
        "diverged 23 non_finite_loss"
    );
    assert_eq!(of(1, &["train_loss"]), (1.0f64 / 21.0).to_string());
    assert_eq!(
        of(2, &["state", "steps", "reason"]),
        "failed  out_of_memory"
    );
    assert_eq!(
        of(
            3,
            &["state", "steps", "train_loss", "test_accuracy", "params"]
        ),
        "waiting    3176"
    );
    assert_eq!(of(4, &["state", "steps", "test_accuracy"]), "running  0.1");
    assert_eq!(
        of(5, &["state", "steps", "train_loss", "reason"]),
        "cancelled   cancelled"
    );
    let measured = |index: usize| {
        let id = &runs[index]["run_id"];
        rows(files, "measurements.csv")
            .iter()
            .filter(|row| row["run_id"] == *id)
            .count()
    };
    assert_eq!([0, 1, 2, 3, 4, 5].map(measured), [10, 6, 4, 0, 6, 0]);
    assert_eq!(runs[0]["learning_rate"], "0.1");
    assert!(
        runs.iter()
            .any(|run| run["learning_rate"] == "1e-7" && run["train.momentum"] == "0.9")
    );
}

#[test]
fn rows_follow_the_sweep_then_step_split_and_scope() {
    let files = files();
    let ids: Vec<String> = sweep().runs().map(|run| run.id().to_string()).collect();
    for path in ["measurements.csv", "estimates.csv"] {
        let scopes = ["all", "fc.0.weight", "fc.2.weight"];
        let keys: Vec<_> = rows(files, path)
            .iter()
            .map(|row| {
                (
                    ids.iter().position(|id| *id == row["run_id"]).unwrap(),
                    row["step"].parse::<u64>().unwrap(),
                    row["split"] == "test",
                    row.get("scope")
                        .map(|scope| scopes.iter().position(|known| known == scope)),
                )
            })
            .collect();
        assert!(keys.is_sorted(), "{path}");
    }
}

/// What a reader of the four files can do: points.csv follows from the others.
#[test]
fn points_follow_from_the_estimates_as_they_are_written() {
    let files = files();
    let (runs, points) = (rows(files, "runs.csv"), rows(files, "points.csv"));
    let mut of_run: BTreeMap<String, Vec<BTreeMap<String, String>>> = BTreeMap::new();
    for row in rows(files, "estimates.csv") {
        if row["scope"] == "all" {
            of_run.entry(row["run_id"].clone()).or_default().push(row);
        }
    }
    let settings = ["width", "depth", "learning_rate", "train.momentum"];
    let key = ["split", "estimator", "treatment", "k1"];
    let mut told = 0;
    for point in &points {
        let seeds: Vec<Vec<Value>> = runs
            .iter()
            .filter(|run| settings.iter().all(|name| run[*name] == point[*name]))
            .filter(|run| run["state"] == "done")
            .map(|run| {
                of_run[&run["run_id"]]
                    .iter()
                    .filter(|row| key.iter().all(|name| row[*name] == point[*name]))
                    .filter(|row| row["step"].parse::<u64>().unwrap() >= 30)
                    .filter_map(|row| {
                        let alpha = row["alpha"].parse().ok()?;
                        let std_error = row["std_error"].parse().ok();
                        Some(Value {
                            alpha,
                            std_error,
                            degrees: None,
                        })
                    })
                    .collect()
            })
            .collect();
        let expected = late::combine(&seeds);
        let number = |column: &str| point[column].parse::<f64>().ok();
        assert_eq!(number("seeds"), Some(expected.seeds as f64));
        assert_eq!(number("alpha"), expected.alpha);
        assert_eq!(number("alpha_mean"), expected.alpha_mean);
        assert_eq!(number("std_error"), expected.std_error);
        if expected.seeds > 1 {
            assert_eq!(number("ci_low"), expected.interval.map(|[low, _]| low));
            assert_eq!(number("ci_high"), expected.interval.map(|[_, high]| high));
        }
        assert_eq!(point["alpha"].is_empty(), expected.alpha.is_none());
        assert!(
            !point["alpha"].is_empty() || !point["problem"].is_empty(),
            "{point:?}"
        );
        told += usize::from(expected.alpha.is_some());
    }
    assert!(told > 100, "{told}");
    // No run of the second point is done.
    let second = points
        .iter()
        .filter(|point| point["train.momentum"] == "0.9")
        .take(5);
    assert!(
        second
            .clone()
            .all(|point| point["problem"] == "no_finished_run")
    );
    assert!(
        second
            .clone()
            .all(|point| point["seeds"] == "0" && point["alpha"].is_empty())
    );
    assert_eq!(
        points[0]["seeds"], "1",
        "the diverged and the failed seed are not used"
    );
}

#[test]
fn json_tells_the_same_as_the_tables() {
    let files = files();
    let report: serde_json::Value = serde_json::from_slice(&files["report.json"]).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!(report["sweep"]["source"], SWEEP);
    assert_eq!(report["sweep"]["states"]["done"], 43);
    for table in ["points", "runs", "measurements", "estimates"] {
        let objects = report[table].as_array().unwrap();
        let rows = rows(files, &format!("{table}.csv"));
        assert_eq!(objects.len(), rows.len());
        for (object, row) in objects.iter().zip(&rows) {
            for (column, text) in row {
                match &object[column] {
                    serde_json::Value::Null => assert_eq!(text, ""),
                    serde_json::Value::String(word) => assert_eq!(text, word),
                    number => assert_eq!(text.parse::<f64>().ok(), number.as_f64(), "{column}"),
                }
            }
        }
    }
}

#[test]
fn json_lines_are_the_rows_of_the_json_file() {
    let files = files();
    let report: serde_json::Value = serde_json::from_slice(&files["report.json"]).unwrap();
    for table in ["points", "runs", "measurements", "estimates"] {
        let text = std::str::from_utf8(&files[&format!("{table}.jsonl")]).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(serde_json::Value::Array(lines), report[table]);
    }
}

#[test]
fn parquet_holds_the_very_cells_of_the_csv_files() {
    let files = files();
    let schema: serde_json::Value = serde_json::from_slice(&files["schema.json"]).unwrap();
    assert_eq!(schema["version"], 1);
    for table in ["points", "runs", "measurements", "estimates"] {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&files[&format!("{table}.parquet")]).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let rows = rows(files, &format!("{table}.csv"));
        let mut count = 0;
        for (read, row) in reader.get_row_iter(None).unwrap().zip(&rows) {
            for (column, field) in read.unwrap().get_column_iter() {
                let text = &row[column];
                match field {
                    Field::Null => assert_eq!(text, "", "{table} {column}"),
                    Field::Str(word) => assert_eq!(text, word),
                    Field::Long(whole) => assert_eq!(text, &whole.to_string()),
                    Field::Double(number) => {
                        assert_eq!(text.parse::<f64>().unwrap(), *number, "{column}");
                    }
                    other => panic!("{table} {column}: {other:?}"),
                }
            }
            count += 1;
        }
        assert_eq!(count, rows.len());
        let fields = reader.metadata().file_metadata().schema().get_fields();
        let columns = schema["tables"][table].as_array().unwrap();
        assert_eq!(fields.len(), columns.len());
        for (field, column) in fields.iter().zip(columns) {
            assert_eq!(column["name"], field.name());
            let kind = match field.get_physical_type() {
                Type::BYTE_ARRAY => "text",
                Type::INT64 => "whole number",
                _ => "number",
            };
            assert_eq!(column["type"], kind, "{table} {}", field.name());
        }
    }
    let momentum = &schema["tables"]["runs"].as_array().unwrap()[19];
    assert_eq!(
        [&momentum["name"], &momentum["type"]],
        ["train.momentum", "number"]
    );
}

#[test]
fn the_page_needs_nothing_else() {
    let files = files();
    let page = std::str::from_utf8(&files["report.html"]).unwrap();
    for outside in [
        "<script", "<link", "<img", "<iframe", "<object", "@import", "url(", " src=", "xlink",
    ] {
        assert!(!page.contains(outside), "`{outside}` in the page");
    }
    // The name of the SVG name space is no address that is fetched.
    let addresses = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!addresses.contains("http:") && !addresses.contains("https:"));
    for part in page.split("href=\"").skip(1) {
        assert!(part.starts_with('#'), "links stay inside the page");
    }
    assert!(page.contains("tests &lt;&amp;&gt; &#39;quotes&#39;") && !page.contains("tests <&>"));
    assert!(!page.contains("NaN"));
}

#[test]
fn the_page_never_claims_what_the_numbers_do_not_show() {
    let page = std::str::from_utf8(&files()["report.html"])
        .unwrap()
        .to_lowercase();
    let text: String = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for claim in [
        "proves",
        "infinite variance",
        "refutes",
        "weightwatcher",
        "power law of the weights",
    ] {
        assert!(!text.contains(claim), "`{claim}`");
    }
    assert!(text.contains("does not say"));
}

#[test]
fn a_choice_leaves_the_chosen_rows_as_they_are() {
    let sweep = sweep();
    let text = SweepText {
        sweep: Arc::clone(&sweep),
        source: SWEEP.to_owned(),
    };
    let chosen = |k1: &[u64], estimators: &[Estimator]| {
        let mut builder = ReportBuilder::new(text.clone()).with_choice(Choice {
            k1: k1.to_vec(),
            estimators: estimators.to_vec(),
        });
        for (index, run) in sweep.runs().enumerate() {
            builder.add(result(index, run));
        }
        builder
    };
    let builder = chosen(&[4], &[Estimator::Mohammadi]);
    assert_eq!(builder.check_choice(), Ok(()));
    let files = builder.finish().files();
    let files: BTreeMap<_, _> = files
        .into_iter()
        .map(|file| (file.path, file.bytes))
        .collect();
    let published: u64 = 24;
    let is_kept = |row: &BTreeMap<String, String>| {
        let is_of_ladder = row["scope"] == "all"
            && ["published_rows", "permuted"].contains(&row["treatment"].as_str());
        let k1 = row["k1"].parse().unwrap_or(0);
        row["estimator"] == "mohammadi" && (!is_of_ladder || k1 == 4 || k1 == published)
    };
    let mut all = rows(self::files(), "estimates.csv");
    assert!(
        all.iter()
            .any(|row| row["treatment"] == "published" && row["k1"] == published.to_string())
    );
    all.retain(is_kept);
    assert!(all == rows(&files, "estimates.csv") && all.len() > 100);
    let page = std::str::from_utf8(&files["report.html"]).unwrap();
    assert!(page.contains("K₁ = 4: ") && page.contains("the estimators mohammadi"));

    let problem = chosen(&[4, 6], &[]).check_choice().unwrap_err();
    assert_eq!(
        problem.to_string(),
        "no sums are kept at the block length 6, but at 1, 2, 4, 8, 16, 24, 32, 64"
    );
    let nothing = ReportBuilder::new(text).with_choice(Choice {
        k1: vec![6],
        estimators: Vec::new(),
    });
    assert_eq!(nothing.check_choice(), Ok(()), "nothing was measured yet");
}

#[test]
fn a_sweep_without_any_result_has_a_report_too() {
    let sweep = sweep();
    let text = SweepText {
        sweep: Arc::clone(&sweep),
        source: SWEEP.to_owned(),
    };
    let mut report = ReportBuilder::new(text.clone());
    for run in sweep.runs() {
        let (state, reason, steps, measurements) = (RunState::Waiting, None, None, Vec::new());
        report.add(RunResult {
            id: run.id(),
            run,
            state,
            reason,
            steps,
            measurements,
        });
    }
    let paths = |report: ReportBuilder| -> Vec<String> {
        report.finish().each_file().map(|file| file.path).collect()
    };
    let mut tables = vec!["report.html".to_owned()];
    for table in ["points", "runs", "measurements", "estimates"] {
        tables.extend(["csv", "parquet", "jsonl"].map(|ending| format!("{table}.{ending}")));
    }
    tables.extend(["points.md", "points.tex"].map(str::to_owned));
    tables.extend(["schema.json", "report.json", "sweep.json"].map(str::to_owned));
    assert_eq!(paths(report), tables, "no figure without data");
    assert_eq!(
        paths(ReportBuilder::new(text)),
        tables,
        "nor without any run"
    );
}

#[test]
fn a_diagnosis_has_the_rows_that_a_report_has_of_the_same_sums() {
    let sweep = sweep();
    let id = sweep.runs().nth(6).expect("a run").id().to_string();
    let table = rows(files(), "estimates.csv");
    let of_sums = |row: &&BTreeMap<String, String>| {
        row["run_id"] == id && row["step"] == "20" && row["split"] == "train"
    };
    let reported: Vec<_> = table.iter().filter(of_sums).collect();

    let seed = sweep.runs().nth(6).expect("a run").seed + 1;
    let measured = measurement(seed, 20);
    let noise = &measured.split(Split::Train).expect("it was measured").noise;
    let diagnosis =
        Diagnosis::new("a.npy".to_owned(), noise, Centring::Here).expect("a complete summary");
    let json: serde_json::Value =
        serde_json::from_str(&diagnosis::json(&[diagnosis])).expect("valid JSON");
    assert_eq!(json["version"], 1);
    let told = json["estimates"].as_array().expect("a list");
    assert_eq!(told.len(), reported.len());
    assert!(told.len() > 40);
    for (told, reported) in told.iter().zip(reported) {
        let told = told.as_object().expect("an object");
        assert_eq!(told["file"], "a.npy");
        assert_eq!(
            told.len(),
            reported.len() + 1 - 3,
            "without run, step, split"
        );
        for (key, value) in told.iter().filter(|(key, _)| *key != "file") {
            let cell = &reported[key];
            match value {
                serde_json::Value::Null => assert_eq!(cell, "", "{key}"),
                serde_json::Value::String(text) => assert_eq!(cell, text, "{key}"),
                number => assert_eq!(
                    cell.parse::<f64>().ok(),
                    number.as_f64(),
                    "{key}: {number} for {cell}"
                ),
            }
        }
    }
}

/// Standard normal, by Box and Muller.
fn normal(words: &mut u64) -> f64 {
    let mut uniform = || {
        *words = words
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((*words >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()
}

/// The level that is shown last must not be one that reads a small α by chance: its intervals miss 2 as
/// seldom as any others, on both sides.
#[test]
fn the_last_level_of_a_ladder_is_not_chosen_by_what_it_reads() {
    let (mut words, mut below, mut above, mut told) = (1, 0, 0, 0);
    for _ in 0..200 {
        let rows: Vec<Vec<f64>> = (0..24)
            .map(|_| (0..600).map(|_| normal(&mut words)).collect())
            .collect();
        let asked = [Treatment::Permuted].into_iter().collect();
        let shape = NoiseShape::without_layers(24, 600, asked).expect("a shape");
        let summary = summarise(Arc::new(shape), &rows);
        let diagnosis = Diagnosis::new("a".to_owned(), &summary, Centring::Here).expect("all rows");
        let [_, _, slopes, ..] = diagnosis.answers();
        let Some((_, last)) = slopes.answer.split_once(" → ") else {
            continue;
        };
        let (_, interval) = last.split_once('[').expect("an interval");
        let (low, rest) = interval.split_once(", ").expect("two ends");
        let high = rest.split([']', ')']).next().expect("an end");
        told += 1;
        below += usize::from(high.parse().is_ok_and(|high: f64| high < 2.0));
        above += usize::from(low.parse::<f64>().expect("a number") > 2.0);
    }
    // 2.5 % each, and what chance may add to 200 draws.
    assert!(
        told > 150 && below <= 12 && above <= 12,
        "{told}: {below}, {above}"
    );
}
