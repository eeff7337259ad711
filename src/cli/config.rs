//! `navi config`: what does the stack file say once every variable and default is filled in? Asks no AWS.

use super::arguments::GlobalOptions;
use super::error::CommandError;
use super::output;
use super::stack_file::StackFile;
use crate::stack;

/// Check the stack file and print it with every variable and default filled in
#[derive(Debug, clap::Args)]
#[command(after_help = "\
${ACCOUNT_ID} stays as it is: only AWS knows it, and this command asks nobody.

Examples:
  navi config -f stacks/minimal.yaml
  navi config --set TAG=1.2")]
pub struct ConfigArguments {}

pub fn run(global: &GlobalOptions) -> Result<(), CommandError> {
    let file = StackFile::load(global)?;
    let text = stack::resolved(file.stack());
    if global.json() {
        let value: serde_json::Value = serde_saphyr::from_str(&text)
            .map_err(|error| CommandError::Render(error.to_string()))?;
        output::document(&value)
    } else {
        output::data(&text)
    }
}
