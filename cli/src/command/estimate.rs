//! `tailsweep estimate`

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use tailsweep_report::diagnosis::{self, COLUMNS, Centring, Diagnosis, LAW_COLUMNS};
use tailsweep_stats::{
    CentreSum, EqualInAllRows, NoiseAccumulator, NoiseShape, NoiseSummary, ScaleSum, Treatments,
};

use crate::args::EstimateArgs;
use crate::failure::Failure;
use crate::numbers::{self, Numbers};
use crate::terminal;

/// Values of rows that are decoded at a time.
const BATCH: usize = 1 << 22;

/// What rounding may leave of a mean of zero, beside the mean magnitude.
const ROUNDED: f64 = 1e-4;

pub(crate) fn run(args: EstimateArgs) -> Result<(), Failure> {
    let stdin = args.files.iter().filter(|file| file.as_os_str() == "-");
    if stdin.count() > 1 {
        return Err(Failure::Usage(
            "error: `-` is stdin, which can be read once".to_owned(),
        ));
    }
    let is_other = |path: &&Path| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| !ending.eq_ignore_ascii_case("svg"))
    };
    if let Some(path) = args.plot.as_deref().filter(is_other) {
        return Err(Failure::Usage(format!(
            "error: the figure is an SVG: `--plot {}`",
            path.with_extension("svg").display()
        )));
    }
    let treatments = match args.treatments.is_empty() {
        true => Treatments::default(),
        false => args.treatments.iter().copied().collect(),
    };
    let mut diagnoses = Vec::new();
    let mut text = String::new();
    for file in &args.files {
        let (heading, diagnosis) = diagnose(file, treatments, &args)
            .map_err(|problem| Failure::error(format!("`{}`: {problem}", file.display())))?;
        let gap = if text.is_empty() { "" } else { "\n" };
        text += &format!("{gap}{heading}\n\n{}", for_people(&diagnosis));
        diagnoses.push(diagnosis);
    }
    if let Some(path) = &args.plot {
        fs::write(path, diagnosis::figure(&diagnoses)).map_err(|problem| {
            Failure::error(format!("can't write `{}`: {problem}", path.display()))
        })?;
    }
    match args.json {
        true => terminal::print(&diagnosis::json(&diagnoses)),
        false => terminal::print(&text),
    }
}

/// A line about the numbers of a file, and what the estimators say of them.
fn diagnose(
    file: &Path,
    treatments: Treatments,
    args: &EstimateArgs,
) -> Result<(String, Diagnosis), String> {
    let bytes = numbers::bytes(file).map_err(|problem| problem.to_string())?;
    let numbers = Numbers::of(&bytes)?;
    let is_noise = args.noise || numbers.is_vector;
    for note in &numbers.notes {
        eprintln!("`{}`: {note}", file.display());
    }
    if numbers.rows == 1 && !is_noise {
        eprintln!(
            "`{}`: one minibatch less its mean is zero: save a vector, or say `--noise`",
            file.display()
        );
    }
    let shape = NoiseShape::without_layers(numbers.rows, numbers.columns, treatments)
        .map_err(|problem| problem.to_string())?;
    let shape = match args.k1 {
        Some(k1) => shape.with_block_length(k1 as usize),
        None => shape,
    };
    let (summary, centring) = summarise(Arc::new(shape), &numbers, is_noise);
    let name = file.display().to_string();
    let diagnosis =
        Diagnosis::new(name, &summary, centring).map_err(|problem| problem.to_string())?;
    Ok((heading(file, &numbers, &summary, centring), diagnosis))
}

fn summarise(
    shape: Arc<NoiseShape>,
    numbers: &Numbers<'_>,
    is_noise: bool,
) -> (NoiseSummary, Centring) {
    let mut row = Vec::with_capacity(numbers.columns);
    let mut each = |take: &mut dyn FnMut(&[f64])| {
        for index in 0..numbers.rows {
            numbers.row(index, &mut row);
            take(&row);
        }
    };
    let (mut sum, mut equal) = (CentreSum::new(numbers.columns), EqualInAllRows::default());
    let mut magnitude = 0.0;
    each(&mut |row| {
        sum.add_row(row);
        equal.add_row(row);
        magnitude += row.iter().map(|value| value.abs()).sum::<f64>();
    });
    let mut centre = sum.finish();
    equal.mend(&mut centre);
    let left: f64 = centre.iter().map(|mean| mean.abs()).sum();
    let centring = match is_noise {
        false => Centring::Here,
        true if numbers.rows > 1 && left * numbers.rows as f64 <= ROUNDED * magnitude => {
            Centring::Before
        }
        true => Centring::Nowhere,
    };
    if is_noise {
        centre.fill(0.0);
    }
    let centre: Arc<[f64]> = centre.into();
    let scales = shape.needs_scales().then(|| {
        let mut sum = ScaleSum::new(Arc::clone(&centre));
        each(&mut |row| sum.add_row(row));
        sum.finish().into()
    });
    let mut accumulator = NoiseAccumulator::new(shape, centre, scales);
    let batch = (BATCH / numbers.columns).clamp(1, numbers.rows);
    let mut rows: Vec<Vec<f64>> = vec![Vec::new(); batch];
    for start in (0..numbers.rows).step_by(batch) {
        let rows = &mut rows[..batch.min(numbers.rows - start)];
        for (index, row) in rows.iter_mut().enumerate() {
            numbers.row(start + index, row);
        }
        let shares = accumulator.shares(rayon::current_num_threads(), 0.0);
        shares
            .into_par_iter()
            .for_each(|mut share| rows.iter().for_each(|row| share.add_row(row)));
    }
    (accumulator.finish(), centring)
}

fn heading(
    file: &Path,
    numbers: &Numbers<'_>,
    summary: &NoiseSummary,
    centring: Centring,
) -> String {
    let shape = match numbers.is_vector {
        true => format!("a vector of {} values", numbers.columns),
        false => format!(
            "{} minibatch{} × {}",
            numbers.rows,
            if numbers.rows == 1 { "" } else { "es" },
            terminal::counted(numbers.columns, "parameter")
        ),
    };
    let centred = match centring {
        Centring::Here => "centred here",
        Centring::Before => "taken as noise, which was centred",
        Centring::Nowhere => "taken as noise",
    };
    let mut facts = vec![shape, numbers.kind.clone(), centred.to_owned()];
    if numbers.is_constant {
        facts.push("all numbers are equal".to_owned());
    }
    match summary.zero_fraction() {
        Some(1.0) => facts.push("all noise is exactly zero".to_owned()),
        Some(share) if share > 0.0 => facts.push(format!("{:.3} % zeros", 100.0 * share)),
        _ => {}
    }
    format!("{}: {}", file.display(), facts.join(", "))
}

/// The tables, then the five questions: the end is what a terminal shows.
fn for_people(diagnosis: &Diagnosis) -> String {
    let mut text = terminal::table(COLUMNS, &[2, 3, 4, 6, 7], diagnosis.rows());
    let mut laws = diagnosis.laws().peekable();
    if laws.peek().is_some() {
        text += "\n";
        text += &terminal::table(LAW_COLUMNS, &[1, 2, 3, 4], laws);
    }
    text += "\n";
    for line in diagnosis.remarks().into_iter().chain(diagnosis.notes()) {
        text += &format!("{line}\n");
    }
    text += "\n";
    for (number, answer) in (1..).zip(diagnosis.answers()) {
        text += &format!(
            "{number}. {}\n   {}  ({})\n",
            answer.question, answer.answer, answer.from
        );
    }
    text
}
