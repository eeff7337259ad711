//! `navi man`: what do navi's manual pages say? The help of every command, in the form that `man` reads.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};

use super::arguments::Arguments;
use super::error::CommandError;
use super::output;

/// Print the manual page of navi, or write those of all commands
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With --dir, one page for each command: navi.1, navi-up.1, navi-state-list.1, …

Examples:
  navi man > navi.1 && man ./navi.1
  navi man --dir ~/.local/share/man/man1")]
pub struct ManArguments {
    /// Write a page for each command into this directory, which is made if it isn't there
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn run(arguments: &ManArguments) -> Result<(), CommandError> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    // Subcommands learn of the global options and of their whole names.
    command.build();
    let Some(directory) = &arguments.dir else {
        return output::data(&page(&command).map_err(CommandError::Output)?);
    };
    let written = write_all(&command, directory);
    let count = written.map_err(|source| CommandError::ManualPages {
        directory: directory.clone(),
        source,
    })?;
    output::notice(&format!("{count} pages are in {}", directory.display()));
    Ok(())
}

fn page(command: &Command) -> std::io::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn write_all(command: &Command, directory: &Path) -> std::io::Result<usize> {
    fs::create_dir_all(directory)?;
    let name = command.get_display_name().unwrap_or(command.get_name());
    fs::write(directory.join(format!("{name}.1")), page(command)?)?;
    let mut count = 1;
    for below in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        count += write_all(below, directory)?;
    }
    Ok(count)
}
