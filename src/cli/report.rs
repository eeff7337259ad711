//! `navi report`: how did the last run go? The page that `up --report` writes, from what was kept of it.

use std::path::PathBuf;

use serde_json::json;

use super::arguments::{GlobalOptions, quoted};
use super::error::CommandError;
use super::stack_file::{StackChoice, require_recorded};
use super::{exit_code, graph, last_run, output};

/// Print the last run as a page for a browser: picture, timeline, changes, calls, outputs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The page is one file: it loads nothing, runs no script, and holds no secret. It asks no AWS and needs no stack file.
A run with nothing to do leaves the page of the one before.

Examples:
  navi report -o report.html
  navi report --stack ecs-navi -o report.html
  navi report --output json       what the page is made of
  navi up --report report.html    the same, as soon as the run is over")]
pub struct ReportArguments {
    /// Write it here instead of to standard output; what is there is replaced
    #[arg(short = 'o', long = "to", value_name = "FILE")]
    to: Option<PathBuf>,

    #[command(flatten)]
    stack: StackChoice,
}

pub fn run(global: &GlobalOptions, arguments: &ReportArguments) -> Result<u8, CommandError> {
    let chosen = arguments.stack.choose(global)?;
    require_recorded(global, &chosen.name)?;
    let last = last_run::read(global, &chosen.name)?
        .ok_or(CommandError::NoLastRun { stack: chosen.name })?;
    let text = match global.json() {
        true => format!("{:#}\n", json!(last)),
        false => last.page(),
    };
    match &arguments.to {
        Some(path) => {
            graph::write(path, &text)?;
            let shown = quoted(&path.to_string_lossy());
            output::progress(global, &format!("the report is in {shown}"));
        }
        None => output::data(&text)?,
    }
    Ok(exit_code::DONE)
}
