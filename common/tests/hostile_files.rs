//! No text panics the reader, however strange: it gets a sweep or problems that can be shown.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;
use tailsweep_common::sweep::parse;

const FILES: [&str; 6] = [
    include_str!("right/design.toml"),
    include_str!("right/small.toml"),
    include_str!("wrong/the_example_with_every_kind_of_slip.toml"),
    include_str!("wrong/other_languages.toml"),
    include_str!("wrong/not_closed.toml"),
    include_str!("wrong/syntax_and_meaning.toml"),
];

/// Pieces that have a meaning somewhere in a sweep file.
const PIECES: [&str; 50] = [
    "-1",
    "0",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "1e308",
    "1e-308",
    "-0.0",
    "nan",
    "inf",
    "0x7f",
    "1_000",
    "0.1",
    "2.0",
    "[",
    "]",
    "{",
    "}",
    "[[",
    "]]",
    "\"",
    "'''",
    "=",
    ",",
    ".",
    "#",
    ":",
    "(",
    ";",
    "\\",
    "fcn",
    "\u{a0}",
    "\n",
    "\r\n",
    "\t",
    "é",
    "🦀",
    "\u{0}",
    "\u{feff}",
    "[]",
    "{}",
    "{ range = [0, 1e300] }",
    "{ geomspace = [1, 1e18], count = 3 }",
    "width = 8\n",
    "[[block]]\n",
    "{ linspace = [1, 2], count = 10000000 }",
    "zip = [[]]\n",
    "exclude = [{}]\n",
    "[train]\n",
    "1979-05-27T07:32:00Z",
];

#[derive(Clone, Debug)]
enum Edit {
    Remove { at: usize, length: usize },
    Insert { at: usize, piece: &'static str },
    Repeat { at: usize, length: usize, to: usize },
    ReplaceNumber { nth: usize, piece: &'static str },
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = || 0_usize..4_000;
    prop_oneof![
        (at(), 0_usize..30).prop_map(|(at, length)| Edit::Remove { at, length }),
        (at(), select(&PIECES[..])).prop_map(|(at, piece)| Edit::Insert { at, piece }),
        (at(), 0_usize..200, at()).prop_map(|(at, length, to)| Edit::Repeat { at, length, to }),
        (0_usize..80, select(&PIECES[..]))
            .prop_map(|(nth, piece)| Edit::ReplaceNumber { nth, piece }),
    ]
}

fn applied(source: &str, edit: &Edit) -> String {
    let chars: Vec<char> = source.chars().collect();
    let cut = |at: usize| at % (chars.len() + 1);
    let text = |chars: &[char]| chars.iter().collect::<String>();
    match edit {
        Edit::Remove { at, length } => {
            let (start, end) = (cut(*at), (cut(*at) + length).min(chars.len()));
            text(&chars[..start]) + &text(&chars[end..])
        }
        Edit::Insert { at, piece } => text(&chars[..cut(*at)]) + piece + &text(&chars[cut(*at)..]),
        Edit::Repeat { at, length, to } => {
            let (start, end) = (cut(*at), (cut(*at) + length).min(chars.len()));
            text(&chars[..cut(*to)]) + &text(&chars[start..end]) + &text(&chars[cut(*to)..])
        }
        Edit::ReplaceNumber { nth, piece } => {
            let starts: Vec<usize> = (0..chars.len())
                .filter(|at| chars[*at].is_ascii_digit())
                .filter(|at| *at == 0 || !chars[at - 1].is_alphanumeric())
                .collect();
            if starts.is_empty() {
                return source.to_owned();
            }
            let start = starts[nth % starts.len()];
            let length = chars[start..]
                .iter()
                .take_while(|c| c.is_ascii_digit())
                .count();
            text(&chars[..start]) + piece + &text(&chars[start + length..])
        }
    }
}

fn survives(source: &str) {
    match parse(source, "hostile.toml", &BTreeMap::new()) {
        Ok(sweep) => {
            assert!(!sweep.is_empty());
            assert!(sweep.run(sweep.len() - 1).is_some() && sweep.run(sweep.len()).is_none());
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            let shown = problems.render(false);
            assert!(
                shown.chars().all(|c| c == '\n' || !c.is_control()),
                "{shown:?}"
            );
            for problem in problems.iter().take(100) {
                let at = format!("hostile.toml:{}:{}", problem.line, problem.column);
                assert!(shown.contains(&at), "{at} is not shown in\n{shown}");
                assert!(!problem.help.is_empty(), "{}", problem.message);
            }
            let _ = problems.render(true);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn edited_files_never_panic(
        file in select(&FILES[..]),
        edits in prop::collection::vec(edit(), 1..6),
    ) {
        let source = edits.iter().fold(file.to_owned(), |source, edit| applied(&source, edit));
        survives(&source);
    }

    #[test]
    fn any_text_never_panics(source in "\\PC{0,80}|[a-z=\\[\\]{}\", .0-9\\n]{0,200}") {
        survives(&source);
    }
}

#[test]
fn deep_nesting_is_refused() {
    for depth in [100, 10_000, 1_000_000] {
        survives(&format!("a = {}", "[".repeat(depth)));
        survives(&format!("a = {}1{}", "[".repeat(depth), "]".repeat(depth)));
        survives(&format!("a = {}", "{a=".repeat(depth)));
        survives(&format!("{}a = 1", "a.".repeat(depth)));
        survives(&format!("[{}a]", "a.".repeat(depth)));
    }
}

#[test]
fn a_file_of_nothing_but_slips_is_not_shown_without_end() {
    let source: String = (0..20_000).map(|line| format!("key{line} = 1\n")).collect();
    let problems = parse(&source, "hostile.toml", &BTreeMap::new()).expect_err("no sweep");
    assert!(problems.len() >= 20_000);
    let shown = problems.render(false);
    assert!(shown.len() < 100_000);
    assert!(shown.contains("further problems"));
}

#[test]
fn a_file_of_nothing_but_wrong_values_is_read_in_a_moment() {
    let words = "word, ".repeat(100_000);
    survives(&format!("width = [{words}]"));
    survives(&"width = word\n".repeat(20_000));
    survives(&"width: 8\n".repeat(20_000));
    survives(&"width = [8\n".repeat(20_000));
    survives(&"[train\n".repeat(20_000));
    let distinct = (0..100_000).map(|index| format!("k{index}: 8\n"));
    survives(&distinct.collect::<String>());
}

#[test]
fn too_many_rules_are_refused_and_not_tried() {
    let rules = "{ width = { range = [1, 2000] } }, ".repeat(2_000);
    let source = format!(
        "version = 1\nname = \"rules\"\n[train]\nsteps = 1\n[[block]]\ndataset = \"mnist\"\n\
         architecture = \"fcn\"\nwidth = {{ range = [1, 2000] }}\ndepth = {{ range = [2, 1000] }}\n\
         batch_size = 1\nlearning_rate = 0.1\nexclude = [{rules}]\n"
    );
    survives(&source);
}
