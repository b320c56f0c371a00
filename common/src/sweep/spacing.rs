//! Values that are written as a range: `range`, `linspace`, `geomspace`, `logspace`.

use toml::de::{DeTable, DeValue};

use super::key::Key;
use super::number::{self, Literal, NoRange, shortest};
use super::problem::{Problem, Span, code, quoted};
use super::reader::{MOST_HELP, Node, Reader, without_quotes, wrong_kind};
use super::unknown::closest;
use super::value::{Numbers, Value};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Range,
    Linspace,
    Geomspace,
    Logspace,
}

impl Form {
    const ALL: [Self; 4] = [Self::Range, Self::Linspace, Self::Geomspace, Self::Logspace];

    fn word(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::Linspace => "linspace",
            Self::Geomspace => "geomspace",
            Self::Logspace => "logspace",
        }
    }

    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Range => &["range", "step"],
            Self::Linspace => &["linspace", "count", "round"],
            Self::Geomspace => &["geomspace", "count", "round"],
            Self::Logspace => &["logspace", "count", "round"],
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Range => "`{ range = [2, 6], step = 2 }`",
            Self::Linspace => "`{ linspace = [0, 1], count = 5 }`",
            Self::Geomspace => "`{ geomspace = [8, 512], count = 4, round = true }`",
            Self::Logspace => "`{ logspace = [-3, -1], count = 3 }`",
        }
    }
}

/// What stands in the table of a range, before it is computed.
struct Written {
    form: Form,
    ends: [Literal; 2],
    ends_at: Span,
    step: Option<(Literal, Span)>,
    count: Option<(u64, Span)>,
    round: bool,
}

impl Reader<'_> {
    /// The values of a range for `key`, in its order.
    pub(super) fn spaced(&mut self, key: Key, what: &str, node: &Node<'_>) -> Option<Vec<Value>> {
        let DeValue::Table(table) = node.get_ref() else {
            return None;
        };
        let written = self.spacing(key, what, table, node.span())?;
        let numbers = self.computed(&written, node.span())?;
        self.budget -= numbers.len();
        self.converted(key, what, &written, numbers, node.span())
    }

    fn spacing(
        &mut self,
        key: Key,
        what: &str,
        table: &DeTable<'_>,
        span: Span,
    ) -> Option<Written> {
        let forms: Vec<Form> = Form::ALL
            .into_iter()
            .filter(|form| table.contains_key(form.word()))
            .collect();
        let &[form] = &forms[..] else {
            let message = match forms.len() {
                0 => format!("`{what}` must be a value, a list of values or a range"),
                _ => format!("`{what}` has more than one range"),
            };
            let typed = table.keys().find_map(|key| {
                closest(key.get_ref(), Form::ALL.map(Form::word)).map(|word| (key.span(), word))
            });
            let problem = match typed.filter(|_| forms.is_empty()) {
                Some((span, word)) => {
                    Problem::at(span, message).help(format!("did you mean `{word}`?"))
                }
                None => {
                    let other = self.of_another_program(key, what, table);
                    let help = || format!("a range is written as {}", Form::Geomspace.example());
                    Problem::at(span, message).help(other.unwrap_or_else(help))
                }
            };
            return self.refuse(problem);
        };
        let before = self.problems.len();
        let (mut ends, mut ends_at) = (None, span.clone());
        let (mut step, mut count, mut round) = (None, None, false);
        for entry in self.entries(table) {
            let at = entry.value.span();
            match entry.key {
                "step" if form == Form::Range => {
                    let literal = self.number("step", entry.value, "write a step such as `2`");
                    step = literal.map(|literal| (literal, at));
                }
                "count" if form != Form::Range => {
                    let help = "write a `count` of 2 or more";
                    let most = i64::MAX;
                    let written = self.whole_like("count", entry.value, 1, most, help);
                    let written = written.and_then(|count| u64::try_from(count).ok());
                    count = written.map(|count| (count, at));
                }
                "round" if form != Form::Range => {
                    round = self.flag("round", entry.value).unwrap_or(false);
                }
                key if key == form.word() => {
                    ends = self.ends(form, entry.value);
                    ends_at = at;
                }
                other => {
                    let help = closest(other, form.keys().iter().copied()).map_or_else(
                        || format!("it is written as {}", form.example()),
                        |key| format!("did you mean `{key}`?"),
                    );
                    let message = format!("unknown key {} beside `{}`", quoted(other), form.word());
                    self.problems
                        .push(Problem::at(entry.span, message).help(help));
                }
            }
        }
        if form != Form::Range && !table.contains_key("count") {
            let message = format!("`{}` has no `count`", form.word());
            let help = format!("write how many values, as in {}", form.example());
            self.problems.push(Problem::at(span, message).help(help));
        }
        if self.problems.len() > before {
            return None;
        }
        Some(Written {
            form,
            ends: ends?,
            ends_at,
            step,
            count,
            round,
        })
    }

    /// How values are written here that W&B writes as `{ values = […] }`, `{ value = … }` or
    /// `{ min = …, max = … }`.
    pub(super) fn of_another_program(
        &self,
        key: Key,
        what: &str,
        table: &DeTable<'_>,
    ) -> Option<String> {
        let written = |name: &str| table.get(name).map(|value| self.written(value.span()));
        let is_list = |name: &str| {
            table
                .get(name)
                .is_some_and(|value| value.get_ref().is_array())
        };
        let is_number = |name: &str| {
            let value = table.get(name).map(|value| value.get_ref());
            matches!(value, Some(DeValue::Integer(_) | DeValue::Float(_)))
        };
        let pair = |value: &str| {
            let mark = if what.contains('.') { "\"" } else { "" };
            code(&format!("{mark}{what}{mark} = {value}"))
        };
        if is_list("values") {
            let pair = pair(written("values")?);
            let pair = pair.map(|pair| format!(": {pair}"));
            return Some(format!("write the list itself{}", pair.unwrap_or_default()));
        }
        if let Some(value) = written("value") {
            return pair(value).map(|pair| format!("write {pair}"));
        }
        if !(is_number("min") && is_number("max")) {
            return None;
        }
        let ends = format!("[{}, {}]", written("min")?, written("max")?);
        let is_log = table.values().any(|value| {
            let word = value.get_ref().as_str();
            word.is_some_and(|word| word.contains("log"))
        });
        let is_whole = matches!(key.numbers(), Some(Numbers::Whole { .. }));
        let range = match (is_log, is_whole) {
            (false, true) => format!("{{ range = {ends} }}"),
            (false, false) => format!("{{ linspace = {ends}, count = 5 }}"),
            (true, true) => format!("{{ geomspace = {ends}, count = 5, round = true }}"),
            (true, false) => format!("{{ geomspace = {ends}, count = 5 }}"),
        };
        pair(&range).map(|pair| format!("write {pair}"))
    }

    fn ends(&mut self, form: Form, node: &Node<'_>) -> Option<[Literal; 2]> {
        let help = format!("write its two ends, as in {}", form.example());
        let DeValue::Array(items) = node.get_ref() else {
            let problem = wrong_kind(form.word(), "a list", node.get_ref(), node.span(), &help);
            return self.refuse(problem);
        };
        let ends: Vec<&Node<'_>> = items.iter().collect();
        let &[first, last] = &ends[..] else {
            let message = format!("`{}` must have two ends, not {}", form.word(), ends.len());
            return self.refuse(Problem::at(node.span(), message).help(help));
        };
        let end = |node| {
            let help = without_quotes(node, |_| true).unwrap_or(help.clone());
            self.number(form.word(), node, &help)
        };
        let [first, last] = [first, last].map(end);
        Some([first?, last?])
    }

    fn computed(&mut self, written: &Written, span: Span) -> Option<Vec<f64>> {
        let Written {
            form,
            ends: [first, last],
            ..
        } = written;
        let (first, last) = (*first, *last);
        if *form == Form::Range {
            return self.stepped(written, span);
        }
        let (count, count_at) = written.count.clone()?;
        if count > self.budget as u64 {
            return self.refuse(too_many(count_at));
        }
        if count == 1 && first.value != last.value {
            return self.refuse(
                Problem::at(count_at, "one value cannot be both ends")
                    .help("write a `count` of 2 or more, or the value alone"),
            );
        }
        let count = count as usize;
        if *form == Form::Geomspace && !(first.value > 0.0 && last.value > 0.0) {
            return self.refuse(
                Problem::at(
                    written.ends_at.clone(),
                    "the ends of `geomspace` must be above 0",
                )
                .help("write `linspace` for values that start at 0 or below"),
            );
        }
        let values = match form {
            Form::Geomspace => number::geomspace(first, last, count),
            Form::Logspace => number::logspace(first, last, count),
            _ => number::linspace(first, last, count),
        };
        if values.iter().any(|value| !value.is_finite()) {
            return self.refuse(
                Problem::at(
                    written.ends_at.clone(),
                    format!("`{}` overflows", form.word()),
                )
                .help("`logspace = [-3, -1]` means 0.001 to 0.1: its ends are powers of ten"),
            );
        }
        Some(values)
    }

    fn stepped(&mut self, written: &Written, span: Span) -> Option<Vec<f64>> {
        let [first, last] = written.ends;
        if last.value < first.value {
            let message = format!(
                "the end of the range, `{}`, lies before its start, `{}`",
                shortest(last.value),
                shortest(first.value)
            );
            let help = format!(
                "write the smaller end first: `{}`, then `{}`",
                shortest(last.value),
                shortest(first.value)
            );
            return self.refuse(Problem::at(written.ends_at.clone(), message).help(help));
        }
        let (step, step_at) = match &written.step {
            Some((step, at)) => (*step, at.clone()),
            None => (Literal::ONE, span),
        };
        if step.value <= 0.0 {
            let message = format!("the step of a range cannot be `{}`", shortest(step.value));
            return self.refuse(Problem::at(step_at, message).help("write a step above 0"));
        }
        match number::range(first, last, step, self.budget) {
            Ok(values) => Some(values),
            Err(NoRange::TooMany) => self.refuse(too_many(step_at)),
            Err(NoRange::Missed([before, behind])) => {
                let [first, last, before, behind] =
                    [first.value, last.value, before, behind].map(shortest);
                let message = format!(
                    "a range includes both ends, but steps of `{}` from `{first}` miss `{last}`",
                    shortest(step.value)
                );
                let mut help = format!("let it end at `{behind}`");
                if before != first {
                    help = format!("let it end at `{before}` or at `{behind}`");
                }
                self.refuse(Problem::at(step_at, message).help(help))
            }
        }
    }

    /// The numbers as values of `key`, rounded when that was asked for, none of them twice.
    fn converted(
        &mut self,
        key: Key,
        what: &str,
        written: &Written,
        numbers: Vec<f64>,
        span: Span,
    ) -> Option<Vec<Value>> {
        let is_whole = matches!(key.numbers(), Some(Numbers::Whole { .. }));
        let mut values = Vec::with_capacity(numbers.len());
        let mut before: Option<f64> = None;
        for exact in numbers {
            let number = if written.round { exact.round() } else { exact };
            if is_whole && number.fract() != 0.0 {
                let message = format!("`{what}` takes whole numbers, not `{}`", shortest(number));
                let help = if written.form == Form::Range {
                    "write a whole start and a whole step".to_owned()
                } else {
                    "add `round = true`".to_owned()
                };
                return self.refuse(Problem::at(span, message).help(help));
            }
            // The values rise or fall throughout, so equal ones are neighbours.
            if before == Some(number) {
                let after = if written.round { " after rounding" } else { "" };
                let message = format!("two values of `{what}` are `{}`{after}", shortest(number));
                return self.refuse(
                    Problem::at(span, message)
                        .help("write a smaller `count`, or ends further apart"),
                );
            }
            before = Some(number);
            match key.value_of(number) {
                Ok(value) => values.push(value),
                Err(help) => {
                    let message = format!("`{what}` cannot be `{}`", shortest(number));
                    return self.refuse(Problem::at(span, message).help(help));
                }
            }
        }
        Some(values)
    }
}

fn too_many(span: Span) -> Problem {
    Problem::at(span, "this asks for too many values").help(format!("{MOST_HELP}: take fewer"))
}
