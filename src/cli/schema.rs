//! `navi schema`: what may stand in a stack file? The JSON Schema, for editors.

use super::error::CommandError;
use super::output;
use crate::stack;

/// Print the JSON Schema of the stack file, for completion and checks in an editor
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  navi schema > navi.schema.json
  and as the first line of the stack file:
  # yaml-language-server: $schema=./navi.schema.json")]
pub struct SchemaArguments {}

pub fn run() -> Result<(), CommandError> {
    output::document(&stack::schema())
}
