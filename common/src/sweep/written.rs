//! A sweep file as it is written: what stands in it, each value with its place, before defaults
//! and protocols.

use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::block::Block;
use super::duration::{self, NoSpan};
use super::key::{Key, Place};
use super::problem::{Problem, Span, code, quoted};
use super::reader::{Entry, MOST, MOST_HELP, Node, Reader, out_of_bounds, wrong_kind};
use super::value::{Value, twice};

/// The longest name, in characters: it also names a folder.
const LONGEST_NAME: usize = 100;

/// What stands in the file. A required value is absent only if there is a problem.
#[derive(Default)]
pub(super) struct File {
    pub(super) name: Option<String>,
    pub(super) seeds: Option<(Vec<u64>, Span)>,
    pub(super) max_attempts: Option<u32>,
    pub(super) max_losses: Option<u32>,
    pub(super) max_failures: Option<u32>,
    pub(super) priority: Option<i32>,
    pub(super) requires: Vec<String>,
    pub(super) train: Section,
    pub(super) measure: Section,
    pub(super) synthetic: Section,
    pub(super) levy_sde: Section,
    pub(super) alpha_ci: Option<(f64, Span)>,
    pub(super) blocks: Vec<Block>,
}

/// `[train]`, `[measure]`, `[synthetic]` or `[levy_sde]`.
#[derive(Default)]
pub(super) struct Section {
    /// Its header; empty when there is none.
    pub(super) span: Span,
    pub(super) values: Vec<(Key, Value, Span)>,
    /// Keys whose value could not be read.
    pub(super) broken: Vec<Key>,
    pub(super) protocol: Option<Protocol>,
    /// Where that stands.
    pub(super) protocol_at: Span,
    pub(super) time_limit: Option<Duration>,
}

impl File {
    /// All sections whose keys may be axes.
    pub(super) fn sections(&self) -> [&Section; 4] {
        [&self.train, &self.measure, &self.synthetic, &self.levy_sde]
    }

    /// The section that has `key`; `[train]` for those that no section has.
    pub(super) fn section_of(&self, key: Key) -> &Section {
        match key.home() {
            Place::Measure => &self.measure,
            Place::Synthetic => &self.synthetic,
            Place::LevySde => &self.levy_sde,
            _ => &self.train,
        }
    }
}

impl Section {
    /// Where the value of `key` stands, or else the header.
    pub(super) fn place(&self, key: Key) -> Option<Span> {
        self.values
            .iter()
            .find(|(other, ..)| *other == key)
            .map(|(.., span)| span.clone())
    }
}

/// A preset (SCIENCE.md, section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Paper,
    Code,
}

impl Protocol {
    pub(super) fn batch_size(self) -> u64 {
        match self {
            Self::Paper => 500,
            Self::Code => 100,
        }
    }

    pub(super) fn learning_rate(self) -> f64 {
        0.1
    }
}

impl Reader<'_> {
    /// Reads the whole document.
    pub(super) fn file(&mut self, document: &DeTable<'_>) -> File {
        let mut file = File::default();
        if let Some(node) = document.get("train") {
            file.train = self.section(Place::Train, node);
        }
        if let Some(node) = document.get("measure") {
            file.measure = self.section(Place::Measure, node);
        }
        if let Some(node) = document.get("synthetic") {
            file.synthetic = self.section(Place::Synthetic, node);
        }
        if let Some(node) = document.get("levy_sde") {
            file.levy_sde = self.section(Place::LevySde, node);
        }
        let mut misspelt = Vec::new();
        for entry in self.entries(document) {
            let node = entry.value;
            match entry.key {
                "version" => self.version(node),
                "name" => file.name = self.name(node),
                "seeds" => file.seeds = self.seeds(node).map(|seeds| (seeds, node.span())),
                "max_attempts" => file.max_attempts = self.small(entry.key, node, 1),
                "max_losses" => file.max_losses = self.small(entry.key, node, 0),
                "max_failures" => file.max_failures = self.small(entry.key, node, 1),
                "priority" => {
                    let [least, most] = [i32::MIN, i32::MAX].map(i64::from);
                    let priority = self.whole_within("priority", node, least, most);
                    file.priority = priority.and_then(|priority| i32::try_from(priority).ok());
                }
                "requires" => file.requires = self.requires(node).unwrap_or_default(),
                "train" | "measure" | "synthetic" | "levy_sde" => {}
                "stop" => file.alpha_ci = self.stop(node),
                "block" => file.blocks = self.blocks(node, file.train.protocol),
                _ => misspelt.extend(self.unknown_key(Place::Top, &entry)),
            }
        }
        for (place, section) in [
            (Place::Train, &mut file.train),
            (Place::Measure, &mut file.measure),
            (Place::Synthetic, &mut file.synthetic),
            (Place::LevySde, &mut file.levy_sde),
        ] {
            section.broken.extend(self.unread_keys(place));
        }
        self.take_time_limit_of_blocks(&mut file);
        for (key, example) in [
            ("version", "version = 1"),
            ("name", "name = \"my-sweep\""),
            ("block", "[[block]]"),
        ] {
            let is_there = document.contains_key(key) || self.is_unread(Place::Top, key);
            if !is_there && !misspelt.contains(&key) {
                self.problems.push(
                    Problem::at(0..0, format!("the sweep file has no `{key}`"))
                        .help(format!("write `{example}`{}", after(key))),
                );
            }
        }
        if misspelt.contains(&"train") {
            file.train.broken.push(Key::Steps);
        }
        file
    }

    fn version(&mut self, node: &Node<'_>) {
        let help = "write `version = 1`: this program reads no other";
        let Some(version) = self.number("version", node, help) else {
            return;
        };
        if !(version.is_integer && version.value == 1.0) {
            let shown = super::number::shortest(version.value);
            let problem = Problem::at(node.span(), format!("unknown version `{shown}`"));
            self.problems.push(problem.help(help));
        }
    }

    fn name(&mut self, node: &Node<'_>) -> Option<String> {
        let name = self.text("name", node, "write a name such as \"fcn-width-depth\"")?;
        let wrong = if name.is_empty() {
            "is empty"
        } else if name.trim() != name {
            "begins or ends with a space"
        } else if name
            .chars()
            .any(|c| c.is_control() || matches!(c, '/' | '\\'))
        {
            "has a character that no folder may have"
        } else if name.starts_with(['.', '-']) {
            "begins with a dot or a dash"
        } else if name.chars().count() > LONGEST_NAME {
            "is too long"
        } else if name == "last" {
            "means the sweep that was submitted last"
        } else {
            return Some(name.to_owned());
        };
        self.refuse(
            Problem::at(node.span(), format!("the name {} {wrong}", quoted(name))).help(
                "the name also names the folder of the report: write letters, digits, `-` and `_`",
            ),
        )
    }

    fn seeds(&mut self, node: &Node<'_>) -> Option<Vec<u64>> {
        const HELP: &str = "write how many, as in `seeds = 3`, or which, as in `seeds = [0, 1, 2]`";
        let items = match node.get_ref() {
            DeValue::Array(items) => items,
            DeValue::Integer(_) => {
                let count = self.whole("seeds", node, 1)?;
                if count > MOST as u64 {
                    let problem =
                        out_of_bounds("seeds", &count.to_string(), node.span(), MOST_HELP);
                    return self.refuse(problem);
                }
                return Some((0..count).collect());
            }
            other => {
                let problem = wrong_kind(
                    "seeds",
                    "a whole number or a list",
                    other,
                    node.span(),
                    HELP,
                );
                return self.refuse(problem);
            }
        };
        if items.is_empty() {
            return self.refuse(Problem::at(node.span(), "`seeds` has no values").help(HELP));
        }
        let mut seeds = Vec::with_capacity(items.len());
        let mut seen = std::collections::BTreeMap::new();
        for item in items.iter() {
            let Some(seed) = self.whole("seeds", item, 0) else {
                continue;
            };
            if let Some(first) = seen.insert(seed, item.span()) {
                let seed = seed.to_string();
                self.problems
                    .push(twice("seeds", &seed, item.span(), first));
                continue;
            }
            seeds.push(seed);
        }
        (seen.len() == items.len()).then_some(seeds)
    }

    fn requires(&mut self, node: &Node<'_>) -> Option<Vec<String>> {
        const HELP: &str =
            "write labels that workers have, as in `requires = [\"gpu\", \"zone=a\"]`";
        let items = match node.get_ref() {
            DeValue::Array(items) if items.is_empty() => {
                let problem = Problem::at(node.span(), "`requires` has no values");
                return self.refuse(problem.help(HELP));
            }
            DeValue::Array(items) => &items[..],
            DeValue::String(_) => std::slice::from_ref(node),
            other => {
                let wanted = "a label or a list of labels";
                let problem = wrong_kind("requires", wanted, other, node.span(), HELP);
                return self.refuse(problem);
            }
        };
        let mut labels = Vec::with_capacity(items.len());
        let mut seen = std::collections::BTreeMap::new();
        for item in items {
            let Some(label) = self.text("requires", item, HELP) else {
                continue;
            };
            if !crate::label::is_label(label) {
                let problem = format!("{} is no label", quoted(label));
                let problem = Problem::at(item.span(), problem).help(crate::label::HELP);
                self.problems.push(problem);
            } else if let Some(first) = seen.insert(label, item.span()) {
                let problem = twice("requires", label, item.span(), first);
                self.problems.push(problem);
            } else {
                labels.push(label.to_owned());
            }
        }
        Some(labels)
    }

    fn small(&mut self, what: &str, node: &Node<'_>, least: i64) -> Option<u32> {
        let number = self.whole_within(what, node, least, i64::from(u32::MAX))?;
        u32::try_from(number).ok()
    }

    fn section(&mut self, place: Place, node: &Node<'_>) -> Section {
        let name = place.section().expect("a section has a name");
        let mut section = Section {
            span: node.span(),
            ..Section::default()
        };
        let example = format!("write its keys below `[{name}]`");
        let Some(table) = self.table(name, node, &example) else {
            self.take_as_unread(Place::Top, name);
            return section;
        };
        for entry in self.entries(table) {
            match (Key::of_setting(place, entry.key), entry.key) {
                (Some(key), what) => match self.value(key, what, entry.value) {
                    Some(value) => section.values.push((key, value, entry.value.span())),
                    None => section.broken.push(key),
                },
                (None, "protocol") if place == Place::Train => {
                    section.protocol = self.protocol(entry.value);
                    section.protocol_at = entry.value.span();
                    if section.protocol.is_none() {
                        self.protocol_is_unread();
                    }
                }
                (None, "time_limit") if place == Place::Train => {
                    section.time_limit = self.time_limit(entry.value);
                }
                _ if self.is_section_in_section(name, &entry) => {}
                _ => {
                    let meant = self.unknown_key(place, &entry);
                    let meant = meant.and_then(|word| Key::of_setting(place, word));
                    section.broken.extend(meant);
                }
            }
        }
        if place == Place::Train && self.is_unread(place, "protocol") {
            self.protocol_is_unread();
        }
        section
    }

    /// What a protocol would have set is not missing.
    fn protocol_is_unread(&mut self) {
        self.take_as_unread(Place::Train, "steps");
        self.take_as_unread(Place::Block, "batch_size");
        self.take_as_unread(Place::Block, "learning_rate");
    }

    /// Whether an entry below the header `[name]` is written as if it stood above it, such as
    /// `train.momentum = 0.9`, which is then said.
    fn is_section_in_section(&mut self, name: &str, entry: &Entry<'_, '_>) -> bool {
        let is_section = |place: &Place| place.section() == Some(entry.key);
        if !(Place::ALL.iter().any(is_section) && entry.value.get_ref().is_table()) {
            return false;
        }
        // `train.schedule.cosine = true` is a table in a table.
        let (mut path, mut value) = (Vec::new(), entry.value);
        while let Some(table) = value.get_ref().as_table()
            && let Some(inner) = self.entries(table).into_iter().next()
            && (path.is_empty() || !self.written(value.span()).starts_with('{'))
        {
            path.push(inner.key);
            value = inner.value;
        }
        if path.is_empty() {
            return false;
        }
        let key = path.join(".");
        let pair = code(&format!("{key} = {}", self.written(value.span())));
        let pair = pair.unwrap_or(format!("`{key} = …`"));
        let help = match entry.key == name {
            true => format!("write {pair}: the line stands below `[{name}]`"),
            false => format!("write {pair} below `[{}]`", entry.key),
        };
        self.problems.push(
            Problem::at(
                entry.span.clone(),
                format!("unknown key {}", quoted(entry.key)),
            )
            .label(format!("a table inside `[{name}]`"))
            .help(help),
        );
        true
    }

    fn protocol(&mut self, node: &Node<'_>) -> Option<Protocol> {
        let known = [("paper", Protocol::Paper), ("code", Protocol::Code)];
        self.word("protocol", node, &known, &[])
    }

    /// A sweep has one time limit: blocks may say it in place of `[train]`, all of them alike.
    fn take_time_limit_of_blocks(&mut self, file: &mut File) {
        if self.is_unread(Place::Train, "time_limit") {
            return;
        }
        let everywhere = file.train.time_limit;
        let limit = |block: &Block| {
            let own = block.time_limit.as_ref().map(|(limit, _)| *limit);
            own.or(everywhere)
        };
        let Some(first) = file.blocks.first() else {
            return;
        };
        let Some(other) = file
            .blocks
            .iter()
            .find(|block| limit(block) != limit(first))
        else {
            file.train.time_limit = limit(first);
            return;
        };
        let place = other.time_limit.as_ref().or(first.time_limit.as_ref());
        let span = place.map_or(other.span.clone(), |(_, span)| span.clone());
        self.problems.push(
            Problem::at(span, "a sweep has one `time_limit`, and its blocks differ")
                .help("write it below `[train]`, or one file for each"),
        );
    }

    /// `"train.time_limit"` in a block: an axis that can have one value.
    pub(super) fn time_limit_of_block(&mut self, node: &Node<'_>) -> Option<(Duration, Span)> {
        let items = match node.get_ref() {
            DeValue::Array(items) => &items[..],
            _ => std::slice::from_ref(node),
        };
        let Some(first) = items.first() else {
            let problem = Problem::at(node.span(), "`train.time_limit` has no values");
            return self.refuse(problem.help("write one, as in `\"train.time_limit\" = \"2h\"`"));
        };
        if let Some(second) = items.get(1) {
            return self.refuse(
                Problem::at(second.span(), "the same runs twice")
                    .help("a time limit does not change what a run computes: write one"),
            );
        }
        let limit = self.time_limit(first)?;
        Some((limit, first.span()))
    }

    fn time_limit(&mut self, node: &Node<'_>) -> Option<Duration> {
        let text = self.text("time_limit", node, duration::HELP)?;
        let (wrong, help) = match duration::read(text) {
            Ok(limit) => return Some(limit),
            Err(NoSpan::Zero) => ("no time at all", "write more, or leave `time_limit` out"),
            Err(NoSpan::TooLong) => (
                "more than a hundred years",
                "write less, or leave `time_limit` out",
            ),
            Err(NoSpan::Other) => ("no span of time", duration::HELP),
        };
        let message = format!("{} is {wrong}", quoted(text));
        self.refuse(Problem::at(node.span(), message).help(help))
    }

    fn stop(&mut self, node: &Node<'_>) -> Option<(f64, Span)> {
        const HELP: &str = "write `alpha_ci = 0.02` below `[stop]`";
        let table = self.table("stop", node, HELP)?;
        let mut found = None;
        for entry in self.entries(table) {
            if entry.key != "alpha_ci" {
                self.unknown_key(Place::Stop, &entry);
                continue;
            }
            let span = entry.value.span();
            let Some(width) = self.number("alpha_ci", entry.value, HELP) else {
                continue;
            };
            if width.value > 0.0 {
                found = Some((width.value, span));
            } else {
                let shown = super::number::shortest(width.value);
                let help = "write a half-width above 0, as in `alpha_ci = 0.02`";
                self.problems
                    .push(out_of_bounds("alpha_ci", &shown, span, help));
            }
        }
        if table.is_empty() && !self.is_unread(Place::Stop, "alpha_ci") {
            self.problems
                .push(Problem::at(node.span(), "`[stop]` has no `alpha_ci`").help(HELP));
        }
        found
    }

    fn blocks(&mut self, node: &Node<'_>, protocol: Option<Protocol>) -> Vec<Block> {
        match node.get_ref() {
            DeValue::Array(items) if items.is_empty() => {
                self.problems.push(
                    Problem::at(node.span(), "the sweep file has no block")
                        .help("write `[[block]]` and its axes below it"),
                );
                Vec::new()
            }
            DeValue::Array(items) => items
                .iter()
                .filter_map(|item| self.block(item, protocol))
                .collect(),
            other => {
                let help = "write `[[block]]` in double brackets: a file may have several";
                self.problems.push(wrong_kind(
                    "block",
                    "a list of blocks",
                    other,
                    node.span(),
                    help,
                ));
                Vec::new()
            }
        }
    }
}

fn after(key: &str) -> &'static str {
    if key == "block" {
        " and its axes below it"
    } else {
        " at the top of the file"
    }
}
