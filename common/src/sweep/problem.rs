//! What is wrong with a sweep file, where, and what to write instead.
//!
//! A problem points into the source. [`Problems`] holds all of those of one file, in the order
//! of the file, and shows them the way rustc does.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// Problems that are shown in full; further ones are counted.
const SHOWN: usize = 100;
/// Columns of the terminal that is written for.
const WIDTH: usize = 80;
/// Columns before a help, beside the digits of the line number.
const BEFORE_HELP: usize = 9;

/// A place in the source, in bytes.
pub(super) type Span = Range<usize>;

/// Which text a place is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// The sweep file.
    File,
    /// The value that is set from outside, by its number.
    Flag(usize),
}

/// One thing that is wrong with a sweep file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong: lower case, values in backticks.
    pub message: String,
    /// What stands at the underlined place; may be empty.
    pub label: String,
    /// What to write instead.
    pub help: String,
    /// Line of the underlined place, from 1.
    pub line: usize,
    /// Column of the underlined place in characters, from 1.
    pub column: usize,
    origin: Origin,
    span: Span,
    also: Option<(Span, String)>,
}

impl Problem {
    pub(super) fn at(span: Span, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            label: String::new(),
            help: String::new(),
            line: 0,
            column: 0,
            origin: Origin::File,
            span,
            also: None,
        }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Says which text it is about.
    pub(super) fn from(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// Says where its places come from, when the text was put together from several ones.
    pub(super) fn traced(mut self, trace: impl Fn(&Span) -> (Origin, Span)) -> Self {
        (self.origin, self.span) = trace(&self.span);
        let origin = self.origin;
        self.also = self.also.take().and_then(|(span, label)| {
            let (other, span) = trace(&span);
            (other == origin).then_some((span, label))
        });
        self
    }

    /// A second place that explains the first.
    pub(super) fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.also = Some((span, label.into()));
        self
    }
}

/// Everything that is wrong with one sweep file; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    file: Text,
    /// Values that are set from outside.
    flags: Vec<Text>,
    list: Vec<Problem>,
}

/// A text that problems point into.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Text {
    path: String,
    source: String,
}

impl Problems {
    pub(super) fn new(path: &str, source: &str, flags: &[String], mut list: Vec<Problem>) -> Self {
        let text = |path: &str, source: &str| Text {
            path: path.to_owned(),
            source: source.to_owned(),
        };
        let mut problems = Self {
            file: text(path, source),
            flags: flags.iter().map(|flag| text("--set", flag)).collect(),
            list: Vec::new(),
        };
        let starts: Vec<usize> = std::iter::once(0)
            .chain(source.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        for problem in &mut list {
            let source = &problems.text(problem.origin).source;
            problem.span = within(source, &problem.span);
            if let Some((span, _)) = &mut problem.also {
                *span = within(source, span);
            }
            let start = match problem.origin {
                Origin::File => {
                    problem.line = starts.partition_point(|start| *start <= problem.span.start);
                    starts[problem.line - 1]
                }
                Origin::Flag(_) => {
                    problem.line = 1 + source[..problem.span.start].matches('\n').count();
                    source[..problem.span.start]
                        .rfind('\n')
                        .map_or(0, |at| at + 1)
                }
            };
            problem.column = source[start..problem.span.start].chars().count() + 1;
        }
        list.sort_by_key(|problem| (problem.origin, problem.span.start));
        list.dedup();
        problems.list = list;
        problems
    }

    fn text(&self, origin: Origin) -> &Text {
        match origin {
            Origin::File => &self.file,
            Origin::Flag(number) => self.flags.get(number).unwrap_or(&self.file),
        }
    }

    /// The problems in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// How many there are; at least one.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Never so.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them as text for people: `FILE:LINE:COLUMN`, the underlined place and the help.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let renderer = renderer.term_width(WIDTH);
        let mut shown: Vec<String> = self
            .iter()
            .take(SHOWN)
            .map(|problem| trimmed(&renderer.render(&[self.report(problem)])))
            .collect();
        if self.len() > SHOWN {
            shown.push(format!(
                "error: {} further problems are not shown\n",
                self.len() - SHOWN
            ));
        }
        shown.join("\n")
    }

    fn report<'a>(&'a self, problem: &'a Problem) -> annotate_snippets::Group<'a> {
        let Text { path, source } = self.text(problem.origin);
        let is_in_sight = |span: &Span| {
            let (first, last) = (
                span.start.min(problem.span.start),
                span.end.max(problem.span.end),
            );
            last - first <= WIDTH || source[first..last].contains('\n')
        };
        let far = problem.also.as_ref().filter(|(span, _)| !is_in_sight(span));
        let near = problem.also.as_ref().filter(|(span, _)| is_in_sight(span));
        let also = near.map(|(span, _)| span.clone());
        let first = also.as_ref().map_or(problem.span.start, |also| {
            also.start.min(problem.span.start)
        });
        let last = also
            .as_ref()
            .map_or(problem.span.end, |also| also.end.max(problem.span.end));
        // Only the lines that are shown: a renderer that sees the whole file reads it each time.
        let start = source[..first].rfind('\n').map_or(0, |at| at + 1);
        let end = source[last..]
            .find('\n')
            .map_or(source.len(), |at| last + at + 1);
        let line_start = 1 + source[..start].matches('\n').count();
        let moved = |span: &Span| span.start - start..span.end - start;
        let mut here = AnnotationKind::Primary.span(moved(&problem.span));
        if let Some((span, label)) = far {
            let line = source[..span.start].rfind('\n').map_or(0, |at| at + 1);
            let column = source[line..span.start].chars().count() + 1;
            here = here.label(format!("{}, {label} in column {column}", problem.label));
        } else if !problem.label.is_empty() {
            here = here.label(problem.label.as_str());
        }
        let mut snippet = Snippet::source(&source[start..end])
            .path(path.as_str())
            .line_start(line_start)
            .annotation(here);
        if let Some((span, label)) = near {
            snippet = snippet.annotation(
                AnnotationKind::Context
                    .span(moved(span))
                    .label(label.as_str()),
            );
        }
        let mut group = Level::ERROR
            .primary_title(problem.message.as_str())
            .element(snippet);
        if !problem.help.is_empty() {
            let digits = problem.line.to_string().len();
            let help = wrapped(&problem.help, WIDTH - BEFORE_HELP - digits);
            group = group.element(Level::HELP.message(help));
        }
        group
    }
}

/// The span, cut to the source and to whole characters, and to its first line.
fn within(source: &str, span: &Span) -> Span {
    let is_boundary = |at: &usize| source.is_char_boundary(*at);
    let start = (0..=span.start.min(source.len()))
        .rev()
        .find(is_boundary)
        .unwrap_or(0);
    let end = span.end.clamp(start, source.len());
    let end = (end..=source.len()).find(is_boundary).unwrap_or(start);
    let text = &source[start..end];
    let line = text
        .find('\n')
        .map_or(text, |at| text[..at].trim_end_matches('\r'));
    start..start + line.len()
}

/// With line breaks between words; what stands in backticks is one word, to be copied as it is.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    let mut is_code = false;
    let words = text.split_inclusive(|c: char| {
        is_code ^= c == '`';
        c == ' ' && !is_code
    });
    for word in words {
        let line = lines.last_mut().expect("there is a first line");
        let length = line.chars().count() + word.trim_end().chars().count();
        if length <= width || line.is_empty() {
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n")
}

/// Without spaces at the ends of lines, with one newline at the end.
fn trimmed(text: &str) -> String {
    text.lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// `text` in backticks, on one line, without control characters, and not too long.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    // Quotation marks need no escape inside backticks.
    shown = shown.replace("\\\"", "\"").replace("\\'", "'");
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// `text` in backticks, to be copied as it is; `None` when it is too long or not plain to see.
pub(super) fn code(text: &str) -> Option<String> {
    const LONGEST: usize = 66;
    let is_plain = !text.contains(|c: char| c.is_control() || c == '`');
    (is_plain && text.chars().count() <= LONGEST).then(|| format!("`{text}`"))
}

/// `a`, `b` and `c`.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let mut words: Vec<String> = words.into_iter().map(quoted).collect();
    match words.pop() {
        None => String::new(),
        Some(only) if words.is_empty() => only,
        Some(end) => format!("{} {last} {end}", words.join(", ")),
    }
}
