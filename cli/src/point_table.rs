//! Tables of points that fit a terminal of 80 columns.
//!
//! What all points have in common is said once above the table. Settings that still leave no room
//! become one column, with a line break where it is full.

use crate::terminal::table;

/// Columns of the terminal that everything fits.
pub(crate) const WIDTH: usize = 80;
/// Columns that a table of `comfy_table` puts around the content of each column.
const PADDING: usize = 2;
/// The merged settings have at least this, however wide the rest is.
const NARROWEST: usize = 12;

/// A setting of points.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Its column in the tables of a report.
    pub(crate) column: String,
    /// What it is called here.
    pub(crate) name: String,
    /// Whether its values say by themselves what they are.
    pub(crate) is_word: bool,
}

/// The settings that every report has: column, name, whether it is a word.
const LISTED: [(&str, &str, bool); 9] = [
    ("dataset", "data", true),
    ("architecture", "network", true),
    ("loss", "loss", true),
    ("width", "width", false),
    ("depth", "depth", false),
    ("batch_size", "batch", false),
    ("learning_rate", "rate", false),
    ("train_limit", "train_limit", false),
    ("test_limit", "test_limit", false),
];

/// Those of every report, then own axes by the last part of their names, where that is clear.
pub(crate) fn settings<'a>(own_axes: impl IntoIterator<Item = &'a str>) -> Vec<Setting> {
    let last = |key: &'a str| key.rsplit('.').next().unwrap_or(key);
    let own: Vec<&str> = own_axes.into_iter().collect();
    let is_clear = |key| own.iter().filter(|other| last(other) == last(key)).count() == 1;
    let own_settings = own.iter().map(|key| Setting {
        column: (*key).to_owned(),
        name: if is_clear(key) { last(key) } else { key }.to_owned(),
        is_word: false,
    });
    let listed = LISTED.map(|(column, name, is_word)| Setting {
        column: column.to_owned(),
        name: name.to_owned(),
        is_word,
    });
    listed.into_iter().chain(own_settings).collect()
}

/// Settings that all points share, in a paragraph with a blank line below; empty for none.
pub(crate) fn shared<'a>(values: impl IntoIterator<Item = (&'a Setting, &'a str)>) -> String {
    let values: Vec<String> = values
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(setting, value)| told(setting, value, " "))
        .collect();
    match values.is_empty() {
        true => String::new(),
        false => wrapped(&values.join(", "), WIDTH) + "\n\n",
    }
}

fn told(setting: &Setting, value: &str, between: &str) -> String {
    match setting.is_word {
        true => value.to_owned(),
        false => format!("{}{between}{value}", setting.name),
    }
}

/// A row: the cells before the settings, the settings, and the cells after them.
pub(crate) type Cells = [Vec<String>; 3];

/// A table of points.
pub(crate) struct PointTable<'s> {
    /// Headings before the settings, of words.
    pub(crate) before: Vec<&'static str>,
    /// The settings that differ.
    pub(crate) settings: Vec<&'s Setting>,
    /// Headings after the settings, of numbers.
    pub(crate) after: Vec<&'static str>,
    pub(crate) rows: Vec<Cells>,
}

impl PointTable<'_> {
    /// At most [`WIDTH`] wide, as far as the cells beside the settings leave room.
    pub(crate) fn fitted(&self) -> String {
        let whole = self.whole();
        match is_too_wide(&whole) && self.settings.len() > 1 {
            true => self.merged(),
            false => whole,
        }
    }

    /// With a column for each setting.
    pub(crate) fn whole(&self) -> String {
        let names = self.settings.iter().map(|setting| setting.name.as_str());
        let before = self.before.iter().copied();
        let header: Vec<&str> = before.chain(names).chain(self.after.clone()).collect();
        let is_word = |column: usize| {
            column < self.before.len()
                || self
                    .settings
                    .get(column - self.before.len())
                    .is_some_and(|setting| setting.is_word)
        };
        let numbers: Vec<usize> = (0..header.len())
            .filter(|column| !is_word(*column))
            .collect();
        table(
            header,
            &numbers,
            self.rows.iter().map(|cells| cells.concat()),
        )
    }

    /// With one column for all settings.
    fn merged(&self) -> String {
        let widths = |place: usize, headings: &[&str]| -> usize {
            let width = |column: usize| {
                let cells = self.rows.iter().map(|cells| width(&cells[place][column]));
                cells.chain([width(headings[column])]).max().unwrap_or(0)
            };
            (0..headings.len())
                .map(|column| width(column) + PADDING)
                .sum()
        };
        let taken = widths(0, &self.before) + widths(2, &self.after) + PADDING;
        let room = WIDTH.saturating_sub(taken).max(NARROWEST);
        let before = self.before.iter().copied();
        let header: Vec<&str> = before.chain(["point"]).chain(self.after.clone()).collect();
        let numbers: Vec<usize> = (self.before.len() + 1..header.len()).collect();
        let rows = self.rows.iter().map(|[before, settings, after]| {
            let values = self.settings.iter().zip(settings);
            let values = values.filter(|(_, value)| !value.is_empty());
            let values: Vec<String> = values
                .map(|(setting, value)| told(setting, &compact(setting, value), "="))
                .collect();
            let point = wrapped(&values.join(" "), room);
            [before.clone(), vec![point], after.clone()].concat()
        });
        table(header, &numbers, rows)
    }
}

/// A value without the spaces that it can do without; those of a name stay.
fn compact(setting: &Setting, value: &str) -> String {
    match setting.is_word {
        true => value.to_owned(),
        false => value.replace(' ', ""),
    }
}

/// Whether a line does not fit.
pub(crate) fn is_too_wide(text: &str) -> bool {
    width(text) > WIDTH
}

/// Of its widest line.
fn width(text: &str) -> usize {
    let widths = text.lines().map(|line| line.chars().count());
    widths.max().unwrap_or(0)
}

/// With line breaks between words, and within a word that is too long for a line: after its commas, if that
/// is enough.
pub(crate) fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + length <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => {
                let mut begun = false;
                for piece in word
                    .split_inclusive(',')
                    .flat_map(|piece| chunks(piece, width))
                {
                    match lines.last_mut().filter(|_| begun) {
                        Some(line) if line.chars().count() + piece.chars().count() <= width => {
                            line.push_str(&piece);
                        }
                        _ => lines.push(piece),
                    }
                    begun = true;
                }
            }
        }
    }
    lines.join("\n")
}

fn chunks(text: &str, width: usize) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters
        .chunks(width)
        .map(|piece| piece.iter().collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_axes_are_called_by_their_last_part_where_that_is_clear() {
        let names = |own: &[&'static str]| -> Vec<String> {
            let settings = settings(own.iter().copied());
            settings
                .into_iter()
                .skip(LISTED.len())
                .map(|own| own.name)
                .collect()
        };
        assert_eq!(names(&["train.momentum"]), ["momentum"]);
        assert_eq!(
            names(&["synthetic.alpha", "levy_sde.alpha", "measure.every"]),
            ["synthetic.alpha", "levy_sde.alpha", "every"]
        );
    }

    #[test]
    fn many_settings_become_one_column_within_80() {
        let settings = settings(["train.momentum", "train.weight_decay", "train.schedule"]);
        let row = |depth: &str, schedule: &str| {
            let values = [
                "fashion-mnist",
                "fcn",
                "hinge",
                "512",
                depth,
                "100",
                "0.05",
                "5000",
                "1000",
                "0.9",
                "0.0005",
                schedule,
            ];
            [
                vec!["0123456789ab".to_owned()],
                values.map(str::to_owned).to_vec(),
                vec![
                    "2241536".to_owned(),
                    "1.5 T".to_owned(),
                    "27 min".to_owned(),
                ],
            ]
        };
        let table = PointTable {
            before: vec!["run"],
            settings: settings.iter().collect(),
            after: vec!["params", "FLOP", "time"],
            rows: vec![row("2", "{ cosine = true }"), row("4", "constant")],
        };
        assert!(is_too_wide(&table.whole()));
        insta::assert_snapshot!(table.fitted(), @"
         run           point                               params   FLOP    time
         0123456789ab  fashion-mnist fcn hinge width=512  2241536  1.5 T  27 min
                       depth=2 batch=100 rate=0.05
                       train_limit=5000 test_limit=1000
                       momentum=0.9 weight_decay=0.0005
                       schedule={cosine=true}
         0123456789ab  fashion-mnist fcn hinge width=512  2241536  1.5 T  27 min
                       depth=4 batch=100 rate=0.05
                       train_limit=5000 test_limit=1000
                       momentum=0.9 weight_decay=0.0005
                       schedule=constant
        ");
        assert!(!is_too_wide(&table.fitted()));
    }

    #[test]
    fn lines_break_between_words_and_in_those_that_are_too_long() {
        assert_eq!(wrapped("width 32, depth 4", 10), "width 32,\ndepth 4");
        assert_eq!(wrapped("a 0123456789", 4), "a\n0123\n4567\n89");
        assert_eq!(
            wrapped("splits=[\"train\",\"test\"]", 17),
            "splits=[\"train\",\n\"test\"]"
        );
        assert_eq!(wrapped("", 4), "");
    }
}
