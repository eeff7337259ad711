//! `navi explain [CODE]`: what does an error's code stand for, why does it happen, and what is there to do?

use std::fmt::Write;

use serde_json::{Value, json};

use super::arguments::GlobalOptions;
use super::error::CommandError;
use super::output;
use crate::report::{Palette, markdown};
use crate::resource::Cause;

/// Say what the code of an error stands for, why it happens and what to do; without a code, list all
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It needs no stack, no account and no network. The pages are those of docs/errors/.

Examples:
  navi explain NAVI0201
  navi explain 201
  navi explain")]
pub struct ExplainArguments {
    /// The code, NAVI0201; its digits are enough
    code: Option<String>,
}

pub fn run(global: &GlobalOptions, arguments: &ExplainArguments) -> Result<(), CommandError> {
    let palette = Palette::for_stdout();
    let Some(written) = &arguments.code else {
        return match global.json() {
            true => output::document(&Cause::ALL.iter().map(|cause| entry(*cause)).collect()),
            false => output::data(&catalogue(&palette)),
        };
    };
    let cause = Cause::of_code(written).ok_or_else(|| CommandError::UnknownCode {
        written: written.clone(),
    })?;
    match global.json() {
        true => {
            let mut document = entry(cause);
            document["page"] = json!(cause.page());
            output::document(&document)
        }
        false => output::data(&markdown(cause.page(), &palette)),
    }
}

fn entry(cause: Cause) -> Value {
    json!({
        "code": cause,
        "group": cause.group(),
        "title": cause.title(),
        "hint": cause.hint(),
    })
}

/// Every code with its title, by group.
fn catalogue(palette: &Palette) -> String {
    let heading = palette.heading;
    let mut text = String::new();
    let mut last = "";
    for cause in Cause::ALL {
        if cause.group() != last {
            let gap = if last.is_empty() { "" } else { "\n" };
            last = cause.group();
            let _ = writeln!(text, "{gap}{heading}{last}{heading:#}");
        }
        let _ = writeln!(text, "  {cause}  {}", cause.title());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_lists_every_code_below_its_group() {
        let text = catalogue(&Palette::plain());
        assert!(
            text.starts_with(
                "tasks that don't start, or don't stay\n  NAVI0101  a container exits"
            )
        );
        let codes = text.lines().filter(|line| line.starts_with("  NAVI"));
        assert_eq!(codes.count(), Cause::ALL.len());
    }
}
