//! What `verify` says.

use serde_json::json;
use tailsweep_common::run::NUMERICS;
use tailsweep_worker::Device;

use super::POOLED;
use super::choice::Listed;
use super::compare::{Compared, Comparison, Difference};
use super::folder::Folder;
use crate::args::VerifyArgs;
use crate::failure::Failure;
use crate::terminal;

/// Prints what was compared, and the first difference.
pub(crate) fn tell(
    folder: &Folder,
    listed: &[Listed],
    chosen: &[Listed],
    comparison: &Comparison,
    args: &VerifyArgs,
) -> Result<(), Failure> {
    if args.json {
        let told = to_json(folder, listed, chosen, comparison, args.device);
        return terminal::print_json(&told);
    }
    let rows = comparison.compared.iter();
    let rows: Vec<String> = rows
        .map(|Compared { file, rows, of }| format!("{file} {rows} of {of}"))
        .collect();
    let mut text = format!(
        "{} of {} runs of {} computed again by tailsweep {}; rows compared: {}\n",
        chosen.len(),
        listed.len(),
        folder.name,
        env!("CARGO_PKG_VERSION"),
        rows.join(", ")
    );
    for run in chosen {
        text += &format!("  {}\n", run.id);
    }
    if comparison
        .compared
        .iter()
        .any(|table| table.rows < table.of)
    {
        text += "not compared: the rows of the other runs\n";
    }
    text += &match &comparison.first {
        None => "all equal, byte by byte\n".to_owned(),
        Some(difference) => format!(
            "{} rows differ; the first one:\n{}",
            comparison.different,
            described(difference)
        ),
    };
    terminal::print(&text)
}

fn described(difference: &Difference) -> String {
    let Difference {
        file,
        line,
        row,
        column,
        report,
        computed,
    } = difference;
    let line = line
        .map(|line| format!(", line {line}"))
        .unwrap_or_default();
    let column = column
        .as_ref()
        .map(|column| format!(", column `{column}`"))
        .unwrap_or_default();
    let shown = |value: &Option<String>| match value {
        None => "no such row".to_owned(),
        Some(value) if value.is_empty() => "(empty)".to_owned(),
        Some(value) => value.clone(),
    };
    format!(
        "  {file}{line} ({row}){column}\n  in the report: {}\n  computed here: {}\n",
        shown(report),
        shown(computed)
    )
}

/// What a difference may come from.
pub(crate) fn verdict(
    folder: &Folder,
    chosen: &[Listed],
    comparison: &Comparison,
    device: Device,
) -> String {
    let first = comparison.first.as_ref();
    if let Some(difference) = first.filter(|first| POOLED.contains(&first.file.as_str())) {
        return format!(
            "{} of `{}` does not follow from its own estimates",
            difference.file, folder.name
        );
    }
    let here = device.kind();
    let mut text = format!("`{}` is not what its sweep computes here", folder.name);
    let others: Vec<&str> = folder
        .kinds
        .iter()
        .filter(|kind| **kind != here)
        .map(String::as_str)
        .collect();
    if !others.is_empty() && chosen.iter().any(|run| run.run.point.network().is_some()) {
        text += &format!(
            "; but it was computed on {}, and this is {here}: trainings are equal to the byte on \
             one kind of machine only",
            others.join(" and ")
        );
    }
    if folder.tailsweep != env!("CARGO_PKG_VERSION") {
        text += &format!(
            "; the report was written by tailsweep {}, this is {}",
            folder.tailsweep,
            env!("CARGO_PKG_VERSION")
        );
    }
    if folder.numerics.is_none() {
        text += &format!(
            "; it does not say by which arithmetic it was computed, which is number {NUMERICS} here"
        );
    }
    text
}

fn to_json(
    folder: &Folder,
    listed: &[Listed],
    chosen: &[Listed],
    comparison: &Comparison,
    device: Device,
) -> serde_json::Value {
    let compared = comparison.compared.iter();
    let compared: Vec<_> = compared
        .map(|Compared { file, rows, of }| json!({"file": file, "rows": rows, "of": of}))
        .collect();
    let difference = comparison.first.as_ref().map(|difference| {
        json!({
            "file": difference.file,
            "line": difference.line,
            "row": difference.row,
            "column": difference.column,
            "report": difference.report,
            "computed": difference.computed,
        })
    });
    json!({
        "version": 1,
        "equal": comparison.is_equal(),
        "sweep_id": folder.sweep_id,
        "name": folder.name,
        "report": {
            "tailsweep": folder.tailsweep,
            "numerics": folder.numerics,
            "kinds": folder.kinds,
        },
        "here": {
            "tailsweep": env!("CARGO_PKG_VERSION"),
            "numerics": NUMERICS,
            "kind": device.kind(),
        },
        "runs": listed.len(),
        "computed": chosen.iter().map(|run| run.id).collect::<Vec<_>>(),
        "compared": compared,
        "different_rows": comparison.different,
        "difference": difference,
    })
}
