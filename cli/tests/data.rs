//! Data sets as the program's users meet them: own arrays in a sweep, and the files of `data`.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

fn tailsweep(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tailsweep"))
        .current_dir(folder)
        .env("TAILSWEEP_DATA_DIR", folder.join("data"))
        .args(args)
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A `.npy` file of version 1.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// The column of `runs.csv` for each run.
fn column(folder: &Path, name: &str) -> Vec<String> {
    let table = fs::read_to_string(folder.join("out/runs.csv")).unwrap();
    let mut lines = table
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let place = lines.next().unwrap().iter().position(|key| *key == name);
    lines.map(|line| line[place.unwrap()].to_owned()).collect()
}

#[test]
fn a_sweep_trains_on_own_arrays_and_knows_them_by_their_contents() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path();
    fs::create_dir_all(folder.join("arrays")).unwrap();
    let put = |name: &str, array: Vec<u8>| {
        fs::write(folder.join("arrays").join(name), array).unwrap();
    };
    let pixels: Vec<u8> = (0..40 * 6_u32).map(|i| (i * 37 % 251) as u8).collect();
    let classes: Vec<u8> = (0..40).map(|i| i % 3).collect();
    let floats: Vec<u8> = (0..40 * 6)
        .flat_map(|i| ((i * 37 % 251) as f32 / 100.0).to_le_bytes())
        .collect();
    put("pixels.npy", npy("|u1", "(40, 2, 3)", &pixels));
    put("classes.npy", npy("|u1", "(40,)", &classes));
    put("floats.npy", npy("<f4", "(40, 6)", &floats));
    put("values.npy", npy("<f4", "(40,)", &floats[..160]));
    let sweep = "version = 1
name = \"own\"
[train]
steps = 4
[measure]
every = 2
treatments = [\"published\"]
[[block]]
dataset = { images = \"arrays/pixels.npy\", labels = \"arrays/classes.npy\", \
test_images = \"arrays/pixels.npy\", test_labels = \"arrays/classes.npy\", test_limit = 10 }
architecture = \"fcn\"
width = 4
depth = 2
batch_size = 10
learning_rate = 0.1
[[block]]
dataset = { name = \"plane\", images = \"arrays/floats.npy\", labels = \"arrays/values.npy\" }
architecture = [\"linear_regression\"]
batch_size = 10
learning_rate = 0.01
loss = \"squared\"
";
    fs::write(folder.join("own.toml"), sweep).unwrap();
    let run = || {
        let output = tailsweep(folder, &["run", "own.toml", "--out", "out"]);
        assert!(output.status.success(), "{}", stderr(&output));
    };
    run();
    assert_eq!(column(folder, "dataset"), ["pixels", "plane"]);
    assert_eq!(column(folder, "state"), ["done", "done"]);
    assert_eq!(column(folder, "params"), ["36", "6"]);
    let ids = column(folder, "run_id");
    let accuracies = column(folder, "train_accuracy");
    assert!(!accuracies[0].is_empty() && accuracies[1].is_empty());
    assert_eq!(column(folder, "test_loss")[1], "");

    // Another file of the same name is other data.
    put("values.npy", npy("<f4", "(40,)", &floats[160..320]));
    run();
    let again = column(folder, "run_id");
    assert_eq!(again[0], ids[0]);
    assert_ne!(again[1], ids[1]);
}

#[test]
fn files_that_are_not_the_official_ones_are_told() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path();
    let json = |args: &[&str]| -> (Option<i32>, Value) {
        let output = tailsweep(folder, args);
        (
            output.status.code(),
            serde_json::from_slice(&output.stdout).unwrap(),
        )
    };
    let (code, nothing) = json(&["data", "verify", "--json"]);
    assert_eq!(code, Some(0), "{nothing}");
    fs::create_dir_all(folder.join("data/cifar-100-binary")).unwrap();
    fs::write(folder.join("data/cifar-100-binary/test.bin"), [0; 100]).unwrap();
    let (code, found) = json(&["data", "verify", "--json"]);
    assert_eq!(code, Some(1));
    let states: Vec<&Value> = found["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| &file["state"])
        .collect();
    assert_eq!(states, ["missing", "differs"]);

    let (code, list) = json(&["data", "list", "--json"]);
    assert_eq!(code, Some(0));
    let states: Vec<&Value> = list["datasets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|dataset| &dataset["state"])
        .collect();
    let expected = [
        "inside the program",
        "missing",
        "missing",
        "missing",
        "partly here",
    ];
    assert_eq!(states, expected);

    let unknown = tailsweep(folder, &["data", "verify", "imagenet"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("`cifar10`"));
}

#[test]
fn a_mirror_on_this_machine_is_asked_without_a_proxy() {
    let dir = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mirror = thread::spawn(move || {
        let (connection, _) = listener.accept().unwrap();
        let request = BufReader::new(&connection).lines();
        request
            .take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
            .count();
        let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        (&connection).write_all(answer).unwrap();
    });
    let output = Command::new(env!("CARGO_BIN_EXE_tailsweep"))
        .env("TAILSWEEP_DATA_DIR", dir.path())
        // Nobody listens there, so no other mirror is reached.
        .env("ALL_PROXY", "http://127.0.0.1:1")
        .env_remove("HTTPS_PROXY")
        .env_remove("HTTP_PROXY")
        .args(["data", "fetch", "mnist", "--mirror", &url])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("answers 404"), "{said}");
    mirror.join().unwrap();
}

#[test]
fn altered_files_do_not_pass_for_the_official_ones() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path();
    fs::create_dir_all(folder.join("data/mnist")).unwrap();
    let put = |name: &str, header: &[u32], body: Vec<u8>| {
        let header = header.iter().flat_map(|number| number.to_be_bytes());
        let bytes: Vec<u8> = header.chain(body).collect();
        fs::write(folder.join("data/mnist").join(name), bytes).unwrap();
    };
    for (part, examples) in [("train", 60_000), ("t10k", 10_000)] {
        let images = [0x803, examples, 28, 28];
        put(
            &format!("{part}-images-idx3-ubyte"),
            &images,
            vec![7; 20 * 784],
        );
        put(
            &format!("{part}-labels-idx1-ubyte"),
            &[0x801, examples],
            vec![3; 20],
        );
    }
    let sweep = "version = 1
name = \"altered\"
[train]
steps = 2
[[block]]
dataset = { name = \"mnist\", train_limit = 20, test_limit = 20 }
architecture = \"fcn\"
width = 4
depth = 2
batch_size = 10
learning_rate = 0.1
";
    fs::write(folder.join("altered.toml"), sweep).unwrap();
    let output = tailsweep(folder, &["run", "altered.toml", "--out", "out"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    for part in [
        "train-images-idx3-ubyte",
        "not the official file",
        "data fetch mnist",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!folder.join("out/runs.csv").exists());
}
