//! Every wrong file under `wrong/` is refused, and its whole message is a snapshot: a wrong file
//! must teach.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tailsweep_common::npy::encode_f32;
use tailsweep_common::sweep::{Problems, parse};

fn wrong_files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong");
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .expect("the folder is part of the tests")
        .map(|entry| entry.expect("a readable folder").path())
        .map(|path| {
            let name = path
                .file_stem()
                .expect("a file")
                .to_string_lossy()
                .into_owned();
            (name, fs::read_to_string(path).expect("a readable file"))
        })
        .collect();
    files.sort();
    files
}

/// The files beside all of them.
fn beside() -> BTreeMap<String, Vec<u8>> {
    let array = |shape: &[usize]| {
        let numbers = vec![0.5; shape.iter().product()];
        encode_f32(shape, &numbers)
    };
    [
        ("x.npy", array(&[3, 2])),
        ("other/x.npy", array(&[3, 4])),
        ("y.npy", array(&[3])),
        ("two.npy", array(&[2])),
        ("wide.npy", array(&[3, 5])),
        ("start.safetensors", b"no array".to_vec()),
    ]
    .map(|(name, content)| (name.to_owned(), content))
    .into()
}

fn problems(name: &str, source: &str) -> Problems {
    match parse(source, &format!("wrong/{name}.toml"), &beside()) {
        Ok(sweep) => panic!("{name} is read as {} runs", sweep.len()),
        Err(problems) => problems,
    }
}

#[test]
fn wrong_files_are_refused_with_these_words() {
    let files = wrong_files();
    assert!(files.len() >= 40);
    for (name, source) in files {
        insta::assert_snapshot!(name.clone(), problems(&name, &source).render(false));
    }
}

#[test]
fn every_problem_says_where_and_what_to_write() {
    for (name, source) in wrong_files() {
        let problems = problems(&name, &source);
        let shown = problems.render(false);
        for problem in &problems {
            let at = format!("wrong/{name}.toml:{}:{}", problem.line, problem.column);
            assert!(shown.contains(&at), "{at} is not shown in\n{shown}");
            assert!(!problem.help.is_empty(), "{at}: {}", problem.message);
            assert!(
                shown.contains(&format!("error: {}", problem.message)),
                "{}",
                problem.message
            );
            let first = problem.message.chars().next().expect("a message");
            assert!(
                !first.is_uppercase() && !problem.message.ends_with('.'),
                "{}",
                problem.message
            );
        }
    }
}

#[test]
fn colours_change_no_word() {
    let (name, source) = wrong_files().swap_remove(0);
    let problems = problems(&name, &source);
    let coloured = problems.render(true);
    assert!(coloured.contains('\u{1b}'));
    let words: Vec<&str> = coloured.split_whitespace().collect();
    for problem in &problems {
        assert!(words.join(" ").contains(&problem.help), "{}", problem.help);
    }
}
