//! `tailsweep config`

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::args::ConfigArgs;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal;

pub(crate) fn run(args: ConfigArgs, settings: &Settings) -> Result<(), Failure> {
    if args.json {
        let values: BTreeMap<&str, Value> = settings
            .origins
            .iter()
            .map(|(key, (value, origin))| (*key, json!({ "value": value, "origin": origin })))
            .collect();
        return terminal::print_json(&json!({ "version": 1, "settings": values }));
    }
    let rows = settings
        .origins
        .iter()
        .map(|(key, (value, origin))| [(*key).to_owned(), value.clone(), origin.clone()]);
    terminal::print(&terminal::table(["setting", "value", "from"], &[], rows))
}
