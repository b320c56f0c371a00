//! `tailsweep schema`: the JSON Schema of the sweep file, for editors.

use tailsweep_common::sweep::schema;

use crate::failure::Failure;
use crate::terminal;

pub(crate) fn run() -> Result<(), Failure> {
    terminal::print_json(&schema())
}
