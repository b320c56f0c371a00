//! `tailsweep estimate` over files that NumPy wrote (`tests/estimate/make.py`).

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Runs it in the folder of the files.
fn estimate(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tailsweep"));
    command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/estimate"))
        .arg("estimate")
        .args(args);
    command
}

fn fed(args: &[&str], file: &str) -> Output {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/estimate");
    let bytes = fs::read(format!("{folder}/{file}")).unwrap();
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The estimates, and their files.
fn json(args: &[&str]) -> Vec<Value> {
    let output = estimate(&[&["--json"], args].concat());
    let document: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(document["version"], 1);
    document["estimates"].as_array().unwrap().clone()
}

/// The same without the names of files.
fn numbers(args: &[&str]) -> Vec<Value> {
    let without = |mut estimate: Value| {
        estimate.as_object_mut().unwrap().remove("file");
        estimate
    };
    json(args).into_iter().map(without).collect()
}

fn find<'a>(estimates: &'a [Value], estimator: &str, treatment: &str) -> &'a Value {
    let is = |row: &&Value| row["estimator"] == estimator && row["treatment"] == treatment;
    estimates.iter().find(is).unwrap()
}

#[test]
fn a_matrix_of_gradients_gets_its_whole_diagnosis() {
    insta::assert_snapshot!(stdout(&estimate(&["gradients.npy"])));
}

#[test]
fn a_vector_is_noise_of_one_minibatch() {
    insta::assert_snapshot!(stdout(&estimate(&["stable.npy"])));
}

#[test]
fn numbers_without_tails_have_named_problems() {
    let files = ["constant.npy", "equal-rows.npy", "zeros.npy"];
    let args = [
        &["--treatments", "published,gaussian_surrogate,paired"],
        &files[..],
    ]
    .concat();
    insta::assert_snapshot!(stdout(&estimate(&args)));
}

#[test]
fn memory_order_type_format_and_stdin_make_no_difference() {
    let expected = numbers(&["gradients.npy"]);
    for file in [
        "fortran.npy",
        "gradients.csv",
        "columns.parquet",
        "lists.parquet",
        "fixed-lists.parquet",
        "zstd.parquet",
        "gzip.parquet",
        "lz4.parquet",
    ] {
        assert!(numbers(&[file]) == expected, "{file}");
    }
    for file in ["gradients.npy", "gradients.csv", "lists.parquet"] {
        let mut fed: Value = serde_json::from_str(&stdout(&fed(&["--json", "-"], file))).unwrap();
        for estimate in fed["estimates"].as_array_mut().unwrap() {
            let file = estimate.as_object_mut().unwrap().remove("file");
            assert_eq!(file.unwrap(), "-");
        }
        assert!(fed["estimates"].as_array().unwrap() == &expected, "{file}");
    }
    let stable = numbers(&["stable.npy"]);
    for file in ["stable.txt", "stable.parquet"] {
        assert!(numbers(&[file]) == stable, "{file}");
    }
}

#[test]
fn tables_of_pandas_are_the_numbers_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let bare = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/estimate/gradients.csv"
    ));
    let bare = bare.unwrap();
    let counted: Vec<String> = (0..64).map(|column| column.to_string()).collect();
    let header = counted.join(",");
    let rows = bare.lines().enumerate();
    let named: Vec<String> = rows.map(|(row, line)| format!("{row},{line}")).collect();
    let expected = numbers(&["gradients.npy"]);
    for (text, said) in [
        (format!("{header}\n{bare}"), "taken for a header"),
        (format!(",{header}\n{}\n", named.join("\n")), "row names"),
    ] {
        let path = folder.path().join("pandas.csv");
        fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        assert!(numbers(&[path]) == expected, "{said}");
        let output = estimate(&["--json", path]);
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}

#[test]
fn a_matrix_that_is_noise_already_is_not_centred_again() {
    let centred = json(&["gradients.npy"]);
    let noise = json(&["noise.npy", "--noise"]);
    let alpha = |rows: &[Value]| {
        find(rows, "mohammadi", "published")["alpha"]
            .as_f64()
            .unwrap()
    };
    assert!((alpha(&centred) - alpha(&noise)).abs() < 1e-6);
    let raw = json(&["gradients.npy", "--noise"]);
    assert!(
        (alpha(&centred) - alpha(&raw)).abs() > 0.01,
        "the mean is no noise"
    );
}

#[test]
fn each_file_has_a_group_of_rows_with_the_columns_of_estimates_csv() {
    let rows = json(&["gradients.npy", "stable.npy"]);
    let files: Vec<&str> = rows
        .iter()
        .map(|row| row["file"].as_str().unwrap())
        .collect();
    let first = files.partition_point(|file| *file == "gradients.npy");
    assert!(first > 30 && files[first..].iter().all(|file| *file == "stable.npy"));
    let published = find(&rows, "mohammadi", "published");
    let keys: Vec<&str> = published
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut expected = [
        "file",
        "scope",
        "estimator",
        "treatment",
        "k1",
        "alpha",
        "std_error",
        "ci_low",
        "ci_high",
        "samples",
        "blocks",
        "problem",
        "measured",
        "stable_reads",
    ];
    expected.sort_unstable();
    let mut sorted = keys;
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    // 40·64 = 2,560 values, of which 40 is the largest divisor up to the root.
    assert_eq!(
        (&published["k1"], &published["scope"]),
        (&40.into(), &"all".into())
    );
    assert_eq!(
        (&published["samples"], &published["blocks"]),
        (&2560.into(), &64.into())
    );
    assert!(published["alpha"].is_f64() && published["problem"].is_null());
}

#[test]
fn an_interval_that_is_open_above_ends_in_inf() {
    let rows = json(&["gradients.npy"]);
    let is_open = |row: &&Value| row["ci_high"] == "inf";
    let open = rows
        .iter()
        .find(is_open)
        .expect("a ladder ends with few blocks");
    assert!(open["ci_low"].is_f64());
}

#[test]
fn integers_are_numbers_and_treatments_can_be_chosen() {
    let rows = json(&["integers.npy", "--treatments", "published,standardised"]);
    let treatments: Vec<&str> = rows
        .iter()
        .map(|row| row["treatment"].as_str().unwrap())
        .collect();
    assert_eq!(treatments, ["published", "standardised"]);
    assert!(rows.iter().all(|row| row["alpha"].is_f64()));
}

#[test]
fn standardised_rows_tell_what_stable_noise_would_read() {
    let treatments = [
        "--treatments",
        "published,standardised,standardised_permuted",
    ];
    let rows = json(&["gradients.npy", treatments[0], treatments[1]]);
    assert!(find(&rows, "mohammadi", "published")["stable_reads"].is_null());
    for treatment in ["standardised", "standardised_permuted"] {
        let row = find(&rows, "mohammadi", treatment);
        assert_eq!(row["k1"], 40);
        // Of 40 minibatches, made with SciPy.
        let reading = row["stable_reads"].as_f64().expect("a reading");
        assert!((reading - 1.6435).abs() < 1e-3, "{reading}");
    }
    let output = estimate(&["gradients.npy", treatments[0], treatments[1]]);
    let text = String::from_utf8(output.stdout).expect("text");
    let note = "standardised: stable noise of α = 1.5 would read 1.644 at K1 = 40";
    assert!(text.contains(note), "{text}");
}

#[test]
fn what_else_is_known_of_a_file_stands_beside_its_estimates() {
    let output = estimate(&["--json", "gradients.npy", "stable.npy"]);
    let document: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let [gradients, stable] = document["files"].as_array().unwrap().as_slice() else {
        panic!("two files: {document}");
    };
    assert_eq!(
        (&gradients["file"], &gradients["projections"]),
        (&"gradients.npy".into(), &16.into())
    );
    assert!(gradients["shapiro_wilk_accepted"].is_f64() && gradients["max_to_sum_4"].is_f64());
    assert_eq!(stable["gaussianity_problem"], "too_few_batches");
    let law = &stable["stable_laws"][1];
    assert_eq!(law["estimator"], "ecf");
    // SαS(1.5) of scale 1: 2,000 values.
    for (key, truth, within) in [
        ("alpha", 1.5, 0.1),
        ("scale", 1.0, 0.1),
        ("skewness", 0.0, 0.3),
        ("location", 0.0, 0.1),
    ] {
        let read = law[key].as_f64().unwrap();
        assert!((read - truth).abs() < within, "{key}: {read}");
    }
}

#[test]
fn a_constant_vector_has_a_problem_in_every_row() {
    let rows = json(&["constant.npy"]);
    assert!(rows.len() > 20);
    for row in rows {
        assert!(
            row["alpha"].is_null() && row["problem"].is_string(),
            "{row}"
        );
    }
}

#[test]
fn another_block_length_takes_the_place_of_the_published_one() {
    let rows = json(&["gradients.npy", "--k1", "7"]);
    for treatment in ["published", "zeros_dropped", "gaussian_surrogate"] {
        assert_eq!(find(&rows, "mohammadi", treatment)["k1"], 7, "{treatment}");
    }
    // 2,560 = 365·7 + 5.
    assert_eq!(find(&rows, "mohammadi", "published")["samples"], 2555);
}

#[test]
fn a_figure_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.svg");
    let output = estimate(&[
        "gradients.npy",
        "stable.npy",
        "--plot",
        path.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    let svg = fs::read_to_string(path).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    for text in [
        "gradients.npy · Hill plot",
        "stable.npy · α over K₁",
        "|x| of the law",
    ] {
        assert!(svg.contains(text), "{text}");
    }
}

#[test]
fn what_can_not_be_read_is_told_on_stderr_alone() {
    let mut said = String::new();
    for file in [
        "no-such-file.npy",
        "cube.npy",
        "empty.npy",
        "complex.npy",
        "nan.npy",
        "archive.npz",
        "make.py",
        "nulls.parquet",
        "texts.parquet",
        "ragged.parquet",
        "brotli.parquet",
        "no-rows.parquet",
        "/dev/null",
    ] {
        for args in [&["--json", "gradients.npy", file][..], &[file]] {
            let output = estimate(args);
            assert_eq!(output.status.code(), Some(1), "{file}: {}", stderr(&output));
            assert!(output.stdout.is_empty(), "{file} printed on stdout");
            if args.len() == 1 {
                said += &stderr(&output);
            }
        }
    }
    insta::assert_snapshot!(said);
}

#[test]
fn a_truncated_file_is_refused_wherever_it_was_cut() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["integers.npy", "nulls.parquet", "stable.parquet"] {
        let whole = format!("{}/tests/estimate/{name}", env!("CARGO_MANIFEST_DIR"));
        let whole = fs::read(whole).unwrap();
        for len in [0, 3, 9, 60, 128, 300, whole.len() - 1] {
            let path = folder.path().join(format!("{len}-{name}"));
            fs::write(&path, &whole[..len]).unwrap();
            let output = estimate(&[path.to_str().unwrap()]);
            assert_eq!(output.status.code(), Some(1), "{len}: {}", stderr(&output));
            assert!(output.stdout.is_empty() && !stderr(&output).is_empty());
        }
    }
}

#[test]
fn bad_usage_ends_with_2() {
    for args in [
        &[][..],
        &["gradients.npy", "--treatments", "sorted"],
        &["-", "-"],
    ] {
        let output = estimate(args);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    }
}
