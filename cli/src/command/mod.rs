//! The commands, each a file.

pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod control;
pub(crate) mod coordinator;
pub(crate) mod data;
pub(crate) mod estimate;
pub(crate) mod explain;
pub(crate) mod extend;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod status;
pub(crate) mod submit;
pub(crate) mod sweeps;
pub(crate) mod tls;
pub(crate) mod verify;
pub(crate) mod watch;
pub(crate) mod worker;
pub(crate) mod workers;
