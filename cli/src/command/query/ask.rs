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
