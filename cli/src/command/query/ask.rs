//! The question: one query that changes nothing, by one thread, so that rows keep their order and
//! sums their digits.

use std::sync::Arc;

use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::answer::Answer;
use super::tables::Union;
use crate::failure::Failure;

/// Asks `sql` of the tables.
pub(super) async fn ask(sql: &str, tables: Vec<Union>) -> Result<Answer, Failure> {
    let config = SessionConfig::new()
        .with_target_partitions(1)
        .with_information_schema(true);
    let context = SessionContext::new_with_config(config);
    let names: Vec<&str> = tables.iter().map(|table| table.name).collect();
    for table in tables {
        let (name, schema) = (table.name, Arc::clone(table.schema()));
        let table = StreamingTable::try_new(schema, vec![Arc::new(table)])
            .map_err(|problem| Failure::error(said(&problem)))?;
        context
            .register_table(name, Arc::new(table))
            .map_err(|problem| Failure::error(said(&problem)))?;
    }
    let only_read = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    let asked = context.sql_with_options(sql, only_read).await;
    let asked = asked.map_err(|problem| {
        let has = names.join(", ");
        Failure::Usage(format!("error: {}\n  the tables are {has}", said(&problem)))
    })?;
    let rows = asked.execute_stream().await;
    Ok(Answer::new(
        rows.map_err(|problem| Failure::error(said(&problem)))?,
    ))
}

/// An error without the names of what it passed through.
pub(super) fn said(problem: &DataFusionError) -> String {
    let text = match problem.find_root() {
        DataFusionError::External(inner) => inner.to_string(),
        DataFusionError::SQL(inner, _) => inner.to_string(),
        root => root.message().into_owned(),
    };
    match text.split_once(" not supported: ") {
        Some(("DDL" | "DML" | "Statement", what)) => {
            format!("a query reads and changes nothing: no {what}")
        }
        _ => text.trim_end().replace("'datafusion.public.", "'"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::path::Path;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::super::answer::Value;
    use super::super::tables::{self, Report};
    use super::*;

    fn report(folder: &Path, sweep: &str, points: &str) -> Report {
        let told = format!(
            r#"{{"sweep": {{"id": "1", "name": "{sweep}", "tailsweep": "1", "source": ""}}}}"#
        );
        fs::write(folder.join("sweep.json"), told).unwrap();
        fs::write(folder.join("points.csv"), points).unwrap();
        Report::read(sweep.to_uppercase(), folder).unwrap()
    }

    fn asked(sql: &str, reports: &[Report]) -> Result<Vec<String>, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut answer = ask(sql, tables::of(reports)?).await?;
            let mut lines = Vec::new();
            while let Some(rows) = answer.next().await? {
                let line = |row: &Vec<Value>| row.iter().map(Value::exact).collect::<Vec<_>>();
                lines.extend(rows.iter().map(|row| line(row).join(",")));
            }
            Ok(lines)
        })
    }

    #[test]
    fn reports_of_different_columns_are_one_table_in_their_order() {
        let folders = [0, 1].map(|_| tempfile::tempdir().unwrap());
        let first = "width,alpha,ci_high,problem,train.momentum\n4,1.5,inf,,0.9\n,,,no_values,0\n";
        let second = "width,alpha,ci_high,problem,train.init\n8,0.1,2,,\"a,b\"\n";
        let reports = [
            report(folders[0].path(), "first", first),
            report(folders[1].path(), "second", second),
        ];
        // As a repository keeps it.
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(second.as_bytes()).unwrap();
        let path = folders[1].path().join("points.csv");
        fs::remove_file(&path).unwrap();
        fs::write(path.with_extension("csv.gz"), packed.finish().unwrap()).unwrap();
        let all = asked("SELECT * FROM points", &reports).unwrap();
        assert_eq!(
            all,
            [
                "first,4,1.5,inf,,0.9,,FIRST",
                "first,,,,no_values,0.0,,FIRST",
                "second,8,0.1,2.0,,,a,b,SECOND",
            ]
        );
        let own = r#"SELECT sum(width), max("train.momentum") FROM points"#;
        assert_eq!(asked(own, &reports).unwrap(), ["12,0.9"]);
    }

    #[test]
    fn a_query_reads_only_and_a_wrong_one_is_bad_usage() {
        let folder = tempfile::tempdir().unwrap();
        let reports = [report(folder.path(), "one", "width\n4\n")];
        let outside = format!("COPY points TO '{}/x.csv'", folder.path().display());
        for (sql, said) in [
            (
                "SELECT * FROM poins",
                "'poins' not found\n  the tables are points",
            ),
            ("SELECT 1 FROM", "sql parser error"),
            ("DROP TABLE points", "changes nothing"),
            (&outside, "changes nothing"),
        ] {
            match asked(sql, &reports) {
                Err(Failure::Usage(text)) => assert!(text.contains(said), "{sql}: {text}"),
                other => panic!("{sql}: {other:?}"),
            }
        }
        fs::write(folder.path().join("points.csv"), "width\nfour\n").unwrap();
        match asked("SELECT width FROM points", &reports) {
            Err(Failure::Error(text)) => assert!(text.contains("points.csv"), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}
