//! Which crate may import which: the arrows of ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Each crate and what it may import of ours.
const ARROWS: [(&str, &[&str]); 11] = [
    ("tailsweep-stats", &[]),
    (
        "tailsweep-acceptance",
        &["tailsweep-common", "tailsweep-stats"],
    ),
    ("tailsweep-common", &["tailsweep-stats"]),
    ("tailsweep-proto", &["tailsweep-common", "tailsweep-stats"]),
    (
        "tailsweep-scheduler",
        &["tailsweep-common", "tailsweep-stats"],
    ),
    ("tailsweep-report", &["tailsweep-common", "tailsweep-stats"]),
    (
        "tailsweep-trainers",
        &["tailsweep-common", "tailsweep-stats"],
    ),
    (
        "tailsweep-coordinator",
        &[
            "tailsweep-common",
            "tailsweep-proto",
            "tailsweep-report",
            "tailsweep-scheduler",
            "tailsweep-stats",
        ],
    ),
    (
        "tailsweep-worker",
        &[
            "tailsweep-common",
            "tailsweep-proto",
            "tailsweep-stats",
            "tailsweep-trainers",
        ],
    ),
    (
        "tailsweep",
        &[
            "tailsweep-acceptance",
            "tailsweep-common",
            "tailsweep-coordinator",
            "tailsweep-proto",
            "tailsweep-report",
            "tailsweep-stats",
            "tailsweep-worker",
        ],
    ),
    ("tailsweep-e2e", &[]),
];

/// What must never reach a pure crate.
const SHELLS_ONLY: [&str; 6] = ["tokio", "tonic", "prost", "rusqlite", "config", "tracing"];

/// Crates in which nothing is read, written or waited for.
const PURE: [&str; 6] = [
    "tailsweep-stats",
    "tailsweep-acceptance",
    "tailsweep-common",
    "tailsweep-scheduler",
    "tailsweep-report",
    "tailsweep-trainers",
];

fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .expect("cargo metadata");
    let normal = |package: &cargo_metadata::Package| {
        let kept = package
            .dependencies
            .iter()
            .filter(|import| import.kind == DependencyKind::Normal);
        kept.map(|import| import.name.clone()).collect()
    };
    metadata
        .packages
        .iter()
        .map(|package| (package.name.to_string(), normal(package)))
        .collect()
}

#[test]
fn crates_import_only_along_the_arrows() {
    let imports = imports();
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let found: BTreeSet<&str> = imports.keys().map(String::as_str).collect();
    assert_eq!(found, known, "a crate came or went: draw its arrows");
    for (name, allowed) in ARROWS {
        for import in imports[name]
            .iter()
            .filter(|import| import.starts_with("tailsweep"))
        {
            assert!(
                allowed.contains(&import.as_str()),
                "{name} imports {import}"
            );
        }
    }
}

#[test]
fn pure_crates_know_no_socket_disk_or_log() {
    let imports = imports();
    for name in PURE {
        for banned in SHELLS_ONLY {
            assert!(!imports[name].contains(banned), "{name} imports {banned}");
        }
    }
}

#[test]
fn only_the_border_and_the_shells_know_prost_types() {
    for (name, imports) in imports() {
        // The program writes files of protobuf messages: results to carry elsewhere, TensorBoard's.
        let may = ["tailsweep-proto", "tailsweep-coordinator", "tailsweep"];
        assert!(
            !imports.contains("prost") || may.contains(&name.as_str()),
            "{name} imports prost"
        );
    }
}
