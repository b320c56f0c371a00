//! The command line as a page: docs/command-line.md, made of the very definition that parses it.

use std::fmt::Write as _;

use clap::{Arg, Command};

const HEAD: &str = "\
# The command line

<!-- Made of the definition in cli/src/args.rs by a test; see CONTRIBUTING.md. -->

Data goes to stdout, progress and logs to stderr. With `--json` a command prints JSON whose shape is
described in [json.md](json.md). Colours are left out when `NO_COLOR` is set or nobody looks at a
terminal.

| exit code | means |
|---|---|
| 0 | all done |
| 1 | something failed |
| 2 | bad usage, or a mistake in a sweep file |
| 3 | no coordinator could be reached |
| 130 | ended by Ctrl-C |

A setting comes from its flag, or else from its `TAILSWEEP_*` variable, or else from the config
file, or else it has its default; `tailsweep config` shows which is in force and why. A sweep is
chosen by `last` (submitted latest, the default), by its name (the newest of that name), or by the
beginning of its id.

Commands that ask a coordinator try for 10 s to reach it. Workers, and `watch` and `submit --watch`
once they have reached it, keep trying across its restarts.

`tailsweep completions SHELL` prints a script that completes all of this in a shell, and `tailsweep
man --out DIR` writes it as man pages.
";

/// The whole page.
pub(crate) fn markdown(mut command: Command) -> String {
    command.build();
    let mut page = HEAD.to_owned();
    let name = command.get_name().to_owned();
    let visible: Vec<&Command> = commands(&command).collect();
    page.push_str("\n| command | does |\n|---|---|\n");
    for command in &visible {
        let path = format!("{name} {}", command.get_name());
        let anchor = path.replace(' ', "-");
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        writeln!(page, "| [`{path}`](#{anchor}) | {} |", cell(&about)).expect(MEMORY);
    }
    page.push_str("\nEvery command takes these:\n\n");
    options(&mut page, command.get_arguments());
    for command in visible {
        describe(&mut page, &name, command);
    }
    page
}

const MEMORY: &str = "memory cannot fail";

fn commands(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

fn describe(page: &mut String, above: &str, command: &Command) {
    let path = format!("{above} {}", command.get_name());
    let mut shown = command.clone().bin_name(path.clone());
    let usage = shown.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    write!(page, "\n## {path}\n\n{about}.\n\n```text\n{usage}\n```\n").expect(MEMORY);
    let mut own: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_global_set() && !is_help(arg))
        .collect();
    own.sort_by_key(|arg| !arg.is_positional());
    if !own.is_empty() {
        page.push('\n');
        options(page, own.into_iter());
    }
    if let Some(text) = command.get_after_help() {
        write!(page, "\n```text\n{}\n```\n", text.to_string().trim()).expect(MEMORY);
    }
    for command in commands(command) {
        describe(page, &path, command);
    }
}

fn is_help(arg: &Arg) -> bool {
    matches!(arg.get_id().as_str(), "help" | "version")
}

fn options<'a>(page: &mut String, args: impl Iterator<Item = &'a Arg>) {
    page.push_str("| argument | says |\n|---|---|\n");
    for arg in args.filter(|arg| !arg.is_hide_set() && arg.get_id() != "version") {
        let value = arg.get_num_args().is_some_and(|count| count.takes_values());
        let names = arg.get_value_names().unwrap_or_default();
        let value = if value {
            names
                .iter()
                .map(|name| name.to_string())
                .collect::<Vec<_>>()
                .join(" ")
        } else {
            String::new()
        };
        let name = match (arg.get_long(), arg.get_short()) {
            (Some(long), Some(short)) => format!("`-{short}`, `--{long}`"),
            (Some(long), None) if value.is_empty() => format!("`--{long}`"),
            (Some(long), None) => format!("`--{long} {value}`"),
            _ => format!("`{value}`"),
        };
        let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let defaults: Vec<_> = arg
            .get_default_values()
            .iter()
            .map(|value| value.to_string_lossy().into_owned())
            .collect();
        let is_flag = matches!(defaults.first().map(String::as_str), Some("false"));
        if !defaults.is_empty() && !is_flag {
            write!(help, " [default: {}]", defaults.join(" ")).expect(MEMORY);
        }
        writeln!(page, "| {name} | {} |", cell(&help)).expect(MEMORY);
    }
}

/// As a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Args;

    /// With `TAILSWEEP_BLESS` set the page is written anew.
    #[test]
    fn the_documentation_is_the_definition() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/command-line.md");
        let expected = markdown(Args::command());
        if std::env::var_os("TAILSWEEP_BLESS").is_some() {
            fs::write(&path, &expected).unwrap();
        }
        let page = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            page == expected,
            "write docs/command-line.md anew: TAILSWEEP_BLESS=1 cargo test -p tailsweep"
        );
    }

    #[test]
    fn every_example_in_the_help_is_a_command_line() {
        fn check(command: &Command) {
            let text = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let is_leaf = command.get_subcommands().next().is_none();
            assert!(
                !is_leaf || text.contains("Examples:\n"),
                "`{}` has no example",
                command.get_name()
            );
            for line in text.lines().map(str::trim) {
                let Some(line) = line.strip_prefix("tailsweep ") else {
                    continue;
                };
                // What follows two spaces is a comment, and the shell takes the rest.
                let end = ["  ", " | ", " > ", " < "].into_iter();
                let end = end.filter_map(|end| line.find(end)).min();
                let line = &line[..end.unwrap_or(line.len())];
                let words = line.split(' ').map(|word| word.trim_matches('\''));
                let parsed =
                    Args::command().try_get_matches_from(["tailsweep"].into_iter().chain(words));
                assert!(parsed.is_ok(), "`{line}`: {}", parsed.unwrap_err());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Args::command());
    }

    /// Every source file of this crate, without its tests.
    fn sources(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                let end = text.find("#[cfg(test)]").unwrap_or(text.len());
                found.push(text[..end].to_owned());
            }
        }
    }

    /// What stands in the parentheses behind each `json!`.
    fn documents(source: &str) -> Vec<&str> {
        let inside = |text: &'_ str| {
            let mut depth = 0_usize;
            let end = text.find(|letter| {
                depth += usize::from(letter == '(');
                depth -= usize::from(letter == ')');
                depth == 0
            });
            end.unwrap_or(text.len())
        };
        let pieces = source.match_indices("json!(");
        let pieces = pieces.map(|(at, name)| &source[at + name.len() - 1..]);
        pieces.map(|text| &text[..inside(text)]).collect()
    }

    #[test]
    fn the_keys_of_json_are_documented() {
        let mut all = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
        let mut keys = BTreeSet::new();
        for source in &all {
            for document in documents(source) {
                // A key is a text with a colon behind it.
                let texts: Vec<&str> = document.split('"').collect();
                let pairs = texts.windows(2).skip(1).step_by(2);
                let pairs = pairs.filter(|pair| pair[1].starts_with(':'));
                keys.extend(pairs.map(|pair| pair[0]));
            }
        }
        for known in [
            "known",
            "different_rows",
            "fetched",
            "seconds_ago",
            "state_bytes",
        ] {
            assert!(
                keys.contains(known),
                "`{known}` is not found in the sources"
            );
        }
        // `status` adds these to what a list has.
        keys.extend(["running", "failures", "sizes", "waiting_for"]);
        let page = include_str!("../../docs/json.md");
        let missing: Vec<&str> = keys
            .into_iter()
            .filter(|key| !page.contains(&format!("`{key}`")))
            .collect();
        assert!(missing.is_empty(), "docs/json.md lacks {missing:?}");
    }

    /// Lower-case words of a program, and of its texts those that could be names.
    fn names(program: &str, quote: char) -> BTreeSet<&str> {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let is_name = |word: &&str| word.starts_with(|letter: char| letter.is_ascii_lowercase());
        let mut names = BTreeSet::new();
        for (place, piece) in program.split(quote).enumerate() {
            let is_path = place % 2 == 1 && !piece.chars().all(is_part);
            let words = piece.split(|letter| !is_part(letter)).filter(is_name);
            names.extend(words.filter(|_| !is_path));
        }
        names
    }

    #[test]
    fn the_programs_that_read_tables_name_columns_that_there_are() {
        let page = include_str!("../../docs/tables.md");
        // The first cells of the page's tables are columns and words; other tests hold them against
        // the code.
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
        let mut known: BTreeSet<&str> = rows.filter_map(|row| row.split('`').next()).collect();
        known.extend(["all", "test", "train"]);
        // Names that the programs give, and those of languages and tables.
        known.extend("points runs measurements estimates sweep report".split(' '));
        known.extend("published gaussian n correlation r m e max count corr true".split(' '));
        known
            .extend("import pandas as pd pl polars print isin pivot_table pivot values".split(' '));
        known.extend("scan_parquet filter col is_in select collect read_parquet".split(' '));
        known.extend("union_by_name read csv check names subset c rate in".split(' '));
        let mut programs = 0;
        for fence in page.split("```").skip(1).step_by(2) {
            let Some((language, program)) = fence.split_once('\n') else {
                continue;
            };
            let (program, quote) = match (language, program.split_once("query \"")) {
                ("python" | "r", _) => (program, '"'),
                ("sql", _) => (program, '\''),
                ("sh", Some((_, query))) => (query.split('"').next().unwrap(), '\''),
                _ => continue,
            };
            let unknown: Vec<&str> = names(program, quote).difference(&known).copied().collect();
            assert!(unknown.is_empty(), "{unknown:?} in\n{program}");
            programs += 1;
        }
        assert!(programs >= 6, "{programs}");
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }
}
