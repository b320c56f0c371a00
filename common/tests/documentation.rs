//! docs/sweep-file.md is held against the code: its files are read, and no key is missing.

mod written;

use std::collections::BTreeMap;

use tailsweep_common::npy::encode_f32;
use tailsweep_common::sweep::{parse, parse_with, schema};

const PAGE: &str = include_str!("../../docs/sweep-file.md");

/// Other pages with sweep files, or pieces of them.
const OTHERS: [(&str, &str); 3] = [
    ("README.md", include_str!("../../README.md")),
    ("docs/data.md", include_str!("../../docs/data.md")),
    (
        "docs/synthetic-runs.md",
        include_str!("../../docs/synthetic-runs.md"),
    ),
];

/// What stands between fences of a language.
fn fenced(page: &'static str, language: &str) -> Vec<&'static str> {
    page.split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|text| text.strip_prefix(language)?.strip_prefix('\n'))
        .collect()
}

#[test]
fn the_files_of_the_page_are_right() {
    let files = fenced(PAGE, "toml");
    assert!(files.len() >= 5);
    for file in files {
        let sweep = parse(file, "page.toml", &BTreeMap::new());
        let sweep = sweep.unwrap_or_else(|problems| panic!("{problems}"));
        match sweep.name.as_str() {
            "first-steps" => assert_eq!((sweep.points.len(), sweep.len()), (12, 36)),
            // 3 widths × 3 depths × 2 pairs, less 4 excluded, less 2 of width 32 at depth 6.
            "rules" => assert_eq!(sweep.len(), 18 - 4 - 2),
            "random-search" => assert_eq!(sweep.len(), 50),
            _ => {}
        }
    }
}

#[test]
fn the_files_of_other_pages_are_right() {
    // Whole numbers of four bytes are written as the floats of the same bits.
    let labels = encode_f32(&[3], &[0, 1, 2].map(f32::from_bits));
    let at = labels.windows(3).position(|bytes| bytes == b"<f4");
    let mut labels = labels;
    labels[at.expect("a kind") + 1] = b'i';
    let beside: BTreeMap<String, Vec<u8>> = [
        ("x.npy".to_owned(), encode_f32(&[3, 2], &[0.0; 6])),
        ("y.npy".to_owned(), labels),
    ]
    .into();
    for (page, text) in OTHERS {
        let files = fenced(text, "toml");
        assert!(!files.is_empty(), "{page}");
        for file in files {
            let head = "version = 1\nname = \"piece\"\n[train]\nsteps = 10\n";
            let whole = if file.contains("version =") {
                file.to_owned()
            } else if file.contains("[[block]]") {
                format!("{head}{file}")
            } else {
                written::with("steps = 10", &format!("batch_size = 1\n{file}"))
            };
            let read = parse(&whole, page, &beside);
            assert!(read.is_ok(), "{}", read.expect_err("problems"));
        }
    }
}

#[test]
fn the_ranges_of_the_page_have_the_values_beside_them() {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `{ "));
    let mut checked = 0;
    for row in rows {
        let cells: Vec<&str> = row.split('|').collect();
        let range = cells[0].trim().trim_end_matches('`');
        let expected: Vec<f64> = cells[1]
            .split(',')
            .map(|number| number.trim().parse().expect("a number"))
            .collect();
        let sweep = written::block(&format!("learning_rate = {{ {range}"));
        let rates: Vec<f64> = written::networks(&sweep)
            .iter()
            .map(|point| point.learning_rate)
            .collect();
        assert_eq!(rates, expected, "{range}");
        checked += 1;
    }
    assert_eq!(checked, 7);
}

#[test]
fn the_flags_of_the_page_can_be_set() {
    let file = "version = 1\nname = \"n\"\n[train]\nsteps = 5\n".to_owned()
        + &"[[block]]\ndataset = \"mnist\"\narchitecture = \"fcn\"\nwidth = 1\ndepth = 2\n\
            batch_size = 10\nlearning_rate = 0.5\n"
            .repeat(2);
    let flags = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("| `--set "));
    let mut checked = 0;
    for flag in flags {
        let flag = flag.split('`').next().expect("a flag").trim_matches('\'');
        let set = [flag.to_owned(), "block.2.batch_size=20".to_owned()];
        let read = parse_with(&file, "f", &set, &BTreeMap::new());
        assert!(read.is_ok(), "{flag}: {}", read.expect_err("problems"));
        checked += 1;
    }
    assert!(checked >= 6);
}

#[test]
fn the_page_has_every_key() {
    let schema = schema();
    let sections = [
        ("## At the top", &schema),
        ("## `[train]`", &schema["properties"]["train"]),
        ("## `[measure]`", &schema["properties"]["measure"]),
        ("## `[stop]`", &schema["properties"]["stop"]),
        ("## `[[block]]`", &schema["properties"]["block"]["items"]),
    ];
    let without_network = include_str!("../../docs/synthetic-runs.md");
    let others = [
        ("## `synthetic`", &schema["properties"]["synthetic"]),
        ("## `levy_sde`", &schema["properties"]["levy_sde"]),
    ];
    let sections = sections.map(|section| (PAGE, section)).into_iter();
    let others = others.map(|section| (without_network, section));
    for (page, (title, table)) in sections.chain(others) {
        let start = page.find(title).expect("a section");
        let rest = &page[start + title.len()..];
        let section = &rest[..rest.find("\n## ").unwrap_or(rest.len())];
        for key in table["properties"].as_object().expect("properties").keys() {
            // Own axes stand in the sections that they are of.
            if !key.contains('.') {
                assert!(
                    section.contains(&format!("| `{key}` |")),
                    "{title}: `{key}`"
                );
            }
        }
    }
}
