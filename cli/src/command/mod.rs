//! The commands, each a file.

pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod coordinator;
pub(crate) mod estimate;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod status;
pub(crate) mod submit;
pub(crate) mod sweeps;
pub(crate) mod watch;
pub(crate) mod worker;
pub(crate) mod workers;
