//! `navi graph`: how does the environment look, who talks to whom, and what would `up` change of it?

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Value, json};

use super::arguments::{GlobalOptions, quoted};
use super::context::open_session;
use super::drawing::Drawing;
use super::error::CommandError;
use super::planning::Counts;
use super::reading::{self, Wanting};
use super::stack_file::{StackChoice, StackFile, recorded_stacks, require_recorded};
use super::{exit_code, output, planning, rebuilding};
use crate::observe::Refresh;
use crate::picture::Styles;
use crate::report::Palette;
use crate::state::Access;

/// Draw the environment: its subnets, its services, and who may reach whom
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What is recorded is drawn; before the first `navi up`, what the stack file wants. Only --plan asks AWS, and
nothing is changed. With --output json it prints what a picture is made of.

Examples:
  navi graph                           in the terminal
  navi graph -o environment.svg        the format follows the file's name
  navi graph --format mermaid          for a README
  navi graph --plan                    what `navi up` would change, marked by + ~ ± - and by colour
  navi graph --resources --format dot | dot -Tpdf -o resources.pdf")]
pub struct GraphArguments {
    /// How it is drawn; by the name of FILE, else text
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,

    /// Mark what `up` would create, change, replace and remove
    #[arg(long, conflicts_with = "stack")]
    plan: bool,

    /// Draw every resource with those that it needs, and whether they must exist or be ready
    #[arg(long)]
    resources: bool,

    /// Write it here instead of to standard output; what is there is replaced
    #[arg(short = 'o', long = "to", value_name = "FILE")]
    to: Option<PathBuf>,

    #[command(flatten)]
    stack: StackChoice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// A tree for the terminal
    Text,
    /// A drawing for a browser, light and dark
    Svg,
    /// For Graphviz
    Dot,
    /// For Markdown
    Mermaid,
}

/// Which side of the stack a picture shows.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Shows {
    Recorded,
    Wanted,
    Plan,
}

pub async fn run(global: &GlobalOptions, arguments: &GraphArguments) -> Result<u8, CommandError> {
    let (shows, drawing) = match arguments.plan {
        true => (Shows::Plan, planned(global).await?),
        false => as_it_stands(global, &arguments.stack).await?,
    };
    let text = match global.json() {
        true => format!("{:#}\n", document(arguments, shows, &drawing)),
        false => render(arguments, &drawing),
    };
    match &arguments.to {
        Some(path) => {
            write(path, &text)?;
            output::progress(
                global,
                &format!("drawn in {}", quoted(&path.to_string_lossy())),
            );
        }
        None => output::data(&text)?,
    }
    Ok(exit_code::DONE)
}

/// Writes a file that the person has named, in the place of the one before.
pub fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    fs::write(path, text).map_err(|source| CommandError::FileUnwritable {
        path: path.to_owned(),
        source,
    })
}

/// What is recorded, or what the file wants where nothing is.
async fn as_it_stands(
    global: &GlobalOptions,
    choice: &StackChoice,
) -> Result<(Shows, Drawing), CommandError> {
    let chosen = choice.choose(global)?;
    if choice.name().is_some() {
        require_recorded(global, &chosen.name)?;
    }
    if recorded_stacks(&global.store_directory()).contains(&chosen.name) {
        let session = open_session(global, &chosen.name, Access::Read).await?;
        let state = session.state();
        if !state.is_empty() {
            return Ok((Shows::Recorded, Drawing::recorded(&state)));
        }
    }
    // Its warnings have been told.
    let stack = StackFile::read(global)?;
    Ok((Shows::Wanted, Drawing::wanted(global, &stack)?))
}

async fn planned(global: &GlobalOptions) -> Result<Drawing, CommandError> {
    let Wanting {
        session,
        connection,
        stack,
    } = reading::begin_with_file(global, "what it does now is not drawn").await?;
    rebuilding::if_lost(global, &session, &connection, Some(&stack)).await?;
    let plan = planning::for_up(
        global,
        &stack,
        &session,
        &connection,
        Refresh::All,
        Counts::AsInFile,
    )
    .await?;
    let caption = match plan.mutates() {
        true => format!("what navi up would do, {}", connection.region),
        false => format!("nothing for navi up to do, {}", connection.region),
    };
    Ok(Drawing::planned(&plan, &session.state(), caption))
}

fn document(arguments: &GraphArguments, shows: Shows, drawing: &Drawing) -> Value {
    let mut document = json!({"stack": drawing.stack, "shows": shows});
    match arguments.resources {
        true => document["resources"] = json!(drawing.resources()),
        false => document["picture"] = json!(drawing.picture()),
    }
    document
}

fn render(arguments: &GraphArguments, drawing: &Drawing) -> String {
    let named = arguments.to.as_deref().and_then(Format::of_file);
    let format = arguments.format.or(named).unwrap_or(Format::Text);
    let styles = match arguments.to {
        Some(_) => Styles::default(),
        None => styles(&Palette::for_stdout()),
    };
    if arguments.resources {
        let resources = drawing.resources();
        return match format {
            Format::Text => resources.text(&styles),
            Format::Svg => resources.svg(),
            Format::Dot => resources.dot(),
            Format::Mermaid => resources.mermaid(),
        };
    }
    let picture = drawing.picture();
    match format {
        Format::Text => picture.text(&styles),
        Format::Svg => picture.svg(),
        Format::Dot => picture.dot(),
        Format::Mermaid => picture.mermaid(),
    }
}

impl Format {
    /// The format that a file's name asks for.
    fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "svg" => Some(Format::Svg),
            "dot" | "gv" => Some(Format::Dot),
            "mmd" | "mermaid" => Some(Format::Mermaid),
            "txt" => Some(Format::Text),
            _ => None,
        }
    }
}

fn styles(palette: &Palette) -> Styles {
    Styles {
        heading: palette.heading,
        faint: palette.faint,
        create: palette.good,
        change: palette.changed,
        replace: palette.warning,
        remove: palette.bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_name_asks_for_its_format() {
        let of = |name: &str| Format::of_file(Path::new(name));
        assert_eq!(of("docs/a.svg"), Some(Format::Svg));
        assert_eq!(of("a.gv"), Some(Format::Dot));
        assert_eq!(of("a.mmd"), Some(Format::Mermaid));
        assert_eq!(of("svg"), None);
    }
}
