//! What changes sweeps that were handed in.

use std::time::Duration;

use clap::ArgAction;
use tailsweep_common::sweep::parse_duration;

use super::shared::{CoordinatorUrl, Selector};

#[derive(Debug, clap::Args)]
pub(crate) struct ControlArgs {
    #[command(flatten)]
    pub(crate) selector: Selector,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep retry
  tailsweep retry fcn-width-depth --failed")]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    pub(crate) selector: Selector,
    /// Only the failed runs: a paused sweep stays paused
    #[arg(long)]
    pub(crate) failed: bool,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep priority last 10")]
pub(crate) struct PriorityArgs {
    /// `last` (submitted latest), a name, or the beginning of an id
    pub(crate) sweep: String,
    /// Larger goes first
    #[arg(allow_negative_numbers = true)]
    pub(crate) priority: i32,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep rm fcn-width-depth")]
pub(crate) struct RmArgs {
    /// `last` (submitted latest), names, or beginnings of ids
    #[arg(required = true)]
    pub(crate) sweep: Vec<String>,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON, a line for each sweep
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep gc                                           only give room back
  tailsweep gc --older-than 90d --keep-last 10 --dry-run
  tailsweep gc --older-than 90d --keep-last 10

A sweep is old when it is over and nothing has happened to it for so long. One with the tag `keep`
stays. Results that another sweep has stay with that one. Nothing is kept while room is given back,
which may take as much room again for a while; workers go on meanwhile.")]
pub(crate) struct GcArgs {
    /// Remove sweeps that are over and as old as this, such as `90d` [default: none]
    #[arg(long, value_name = "TIME", value_parser = age)]
    pub(crate) older_than: Option<Duration>,
    /// But not the newest ones, so many of all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) keep_last: u32,
    /// Say what would go, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

fn age(text: &str) -> Result<Duration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
    let days = days.map(|days: u32| Duration::from_secs(86_400) * days);
    days.or_else(|| parse_duration(text))
        .ok_or_else(|| "write a time such as `90d` or `12h`".to_owned())
}
