//! `navi unlock`: who holds a stack, and may what a killed navi left be cleared away?

use serde_json::json;

use super::arguments::GlobalOptions;
use super::error::CommandError;
use super::stack_file::StackChoice;
use super::{exit_code, output};
use crate::state::{LocalStore, Store};

/// Say who works on a stack, and clear away what a killed navi left
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The lock of a killed navi is free by itself: this is needed only to be sure.
The lock of a navi that lives is never taken from it.

Examples:
  navi unlock
  navi unlock --stack shop")]
pub struct UnlockArguments {
    #[command(flatten)]
    stack: StackChoice,
}

pub fn run(global: &GlobalOptions, arguments: &UnlockArguments) -> Result<u8, CommandError> {
    let stack = arguments.stack.choose(global)?.name;
    // A holder that lives keeps its lock: that is the error, with its own exit code.
    let left = LocalStore::new(global.store_directory()).unlock(&stack)?;
    if global.json() {
        output::document(&json!({"stack": stack, "locked": false, "left_by": left}))?;
    } else {
        output::notice(&match left {
            Some(holder) => format!("{stack} is free; {holder} had left its name"),
            None => format!("{stack} is not locked"),
        });
    }
    Ok(exit_code::DONE)
}
