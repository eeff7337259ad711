//! May navi go on? It asks once where somebody can answer, and never where nobody can.

use std::io::{self, BufRead, IsTerminal, Write};

use super::arguments::GlobalOptions;
use super::error::CommandError;

/// Refuses, before anything is read or called, a run that would have to ask where nobody can answer.
pub fn require_answerable(
    options: &GlobalOptions,
    command: &'static str,
) -> Result<(), CommandError> {
    if options.yes || answerable() {
        Ok(())
    } else {
        Err(CommandError::NobodyToAsk { command })
    }
}

/// Asks, unless `--yes` has answered. Anything but yes is no.
pub fn confirm(options: &GlobalOptions, question: &str) -> Result<(), CommandError> {
    if options.yes {
        return Ok(());
    }
    let mut stderr = io::stderr().lock();
    let mut answer = String::new();
    write!(stderr, "{question} [y/N] ")
        .and_then(|()| stderr.flush())
        .and_then(|()| io::stdin().lock().read_line(&mut answer))
        .map_err(CommandError::Prompt)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(CommandError::Declined),
    }
}

/// Asks for a text; an empty answer is the default.
pub fn ask(question: &str, default: &str) -> Result<String, CommandError> {
    let mut stderr = io::stderr().lock();
    let mut answer = String::new();
    let read = write!(stderr, "{question} [{default}] ")
        .and_then(|()| stderr.flush())
        .and_then(|()| io::stdin().lock().read_line(&mut answer))
        .map_err(CommandError::Prompt)?;
    match answer.trim() {
        // The end of the input is no answer, and would come again at every question.
        "" if read == 0 => Err(CommandError::Declined),
        "" => Ok(default.to_owned()),
        given => Ok(given.to_owned()),
    }
}

/// The question goes to standard error and its answer comes from standard input: both must be a terminal.
pub fn answerable() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
