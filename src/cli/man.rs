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
    let manual = clap_mangen::Man::new(command.clone());
    manual.render_title(&mut page)?;
    manual.render_name_section(&mut page)?;
    manual.render_synopsis_section(&mut page)?;
    manual.render_description_section(&mut page)?;
    manual.render_options_section(&mut page)?;
    if command.has_subcommands() {
        manual.render_subcommands_section(&mut page)?;
    }
    let mut page = String::from_utf8_lossy(&page).into_owned();
    let after = command.get_after_help().map(ToString::to_string);
    page.push_str(&remarks(&after.unwrap_or_default()));
    Ok(page)
}

/// What stands below the options in the help: running text, and lists below a heading of their own (`Examples:`), whose lines stay as they are.
fn remarks(text: &str) -> String {
    let mut page = String::new();
    let mut below = String::new();
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        let (heading, lines) = match paragraph.split_once(":\n") {
            Some((heading, lines)) if lines.starts_with("  ") && !heading.contains('\n') => {
                (heading, lines)
            }
            _ => ("NOTES", paragraph),
        };
        let (opening, closing) = match heading {
            "NOTES" => ("", ""),
            _ => (".nf\n", ".fi\n"),
        };
        let heading = heading.to_uppercase();
        match heading == below {
            true => page.push_str(".PP\n"),
            false => page.push_str(&format!(".SH {heading}\n")),
        }
        below = heading;
        page.push_str(opening);
        for line in lines.lines() {
            page.push_str(&roff(line.strip_prefix("  ").unwrap_or(line)));
            page.push('\n');
        }
        page.push_str(closing);
    }
    page
}

/// A line as `man` shows it literally.
fn roff(line: &str) -> String {
    let line = line
        .replace('\\', r"\e")
        .replace('-', r"\-")
        .replace('\'', r"\(aq");
    match line.starts_with('.') {
        true => format!(r"\&{line}"),
        false => line,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_keep_their_lines_and_text_flows() {
        let help = "It's read.\nNobody asks.\n\nExit codes:\n    0  done\n  130  ended\n\nExamples:\n  navi state list 'a.*'\n  .. -v \\";
        insta::assert_snapshot!(remarks(help), @r"
        .SH NOTES
        It\(aqs read.
        Nobody asks.
        .SH EXIT CODES
        .nf
          0  done
        130  ended
        .fi
        .SH EXAMPLES
        .nf
        navi state list \(aqa.*\(aq
        \&.. \-v \e
        .fi
        ");
    }
}
