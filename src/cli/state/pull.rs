//! `navi state pull`: what does a script get of the state? The snapshot's form, with the journal worked in.

use serde_json::{Value, to_value};

use super::super::arguments::GlobalOptions;
use super::super::error::CommandError;
use super::super::output;
use super::super::stack_file::StackChoice;

/// Print the whole state as one JSON document
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The form is the snapshot's, described in docs/STATE.md. It takes no lock: beside a run in progress it prints how far that got.

Examples:
  navi state pull > stack.json")]
pub struct PullArguments {
    #[command(flatten)]
    stack: StackChoice,
}

pub async fn run(global: &GlobalOptions, arguments: &PullArguments) -> Result<(), CommandError> {
    let state = super::read(global, &arguments.stack).await?;
    // A state is plain data with texts as keys, as the snapshot shows: serde_json can't refuse it.
    output::document(&to_value(state).unwrap_or(Value::Null))
}
