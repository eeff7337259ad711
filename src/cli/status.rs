//! `navi status`: what is recorded, and is it still there, usable and unchanged?

use serde::Serialize;
use serde_json::json;

use super::arguments::GlobalOptions;
use super::context::Connection;
use super::error::CommandError;
use super::outputs::urls;
use super::reading::{self, Reading};
use super::stack_file::StackChoice;
use super::{exit_code, output};
use crate::graph::ResourceGraph;
use crate::observe::{Observation, Refresh, observe, recorded_resources};
use crate::report::{Palette, id_of};
use crate::resource::{Address, AnyResource, Known, Readiness};
use crate::state::{Record, Session, Status};

/// Show every resource of a stack as AWS has it now
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It reads AWS and changes nothing; it needs no stack file.

Examples:
  navi status
  navi status --stack ecs-navi --output json")]
pub struct StatusArguments {
    #[command(flatten)]
    stack: StackChoice,
}

/// One line of the answer.
#[derive(Debug, Serialize)]
struct Line {
    address: Address,
    id: Option<String>,
    #[serde(flatten)]
    standing: Standing,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "status")]
enum Standing {
    Ready,
    /// It exists and is not usable yet.
    Waiting {
        why: String,
    },
    /// It will never be usable as it is.
    Failed {
        why: String,
    },
    /// Somebody else changed it.
    Changed {
        fields: Vec<String>,
    },
    /// `down` has begun with it.
    Removing,
    /// It is recorded, and AWS has none.
    Gone,
}

pub async fn run(global: &GlobalOptions, arguments: &StatusArguments) -> Result<u8, CommandError> {
    let Reading {
        chosen,
        session,
        connection,
        stack,
        found,
    } = reading::begin(global, &arguments.stack).await?;
    // What was found without the stack file was never set by anybody that navi knows of.
    let compare = found.is_empty() || stack.is_some();
    let lines = look(&session, &connection, compare).await?;
    if global.json() {
        output::document(&json!({
            "stack": chosen.name,
            "account": connection.account,
            "region": connection.region,
            "resources": lines,
            "urls": session.with_state(urls),
        }))?;
    } else {
        output::data(&text(
            &chosen.name,
            &connection,
            &lines,
            &Palette::for_stdout(),
        ))?;
    }
    Ok(exit_code::DONE)
}

async fn look(
    session: &Session,
    connection: &Connection,
    compare: bool,
) -> Result<Vec<Line>, CommandError> {
    let state = session.state();
    let resources = recorded_resources(&connection.aws, &state)?;
    let nothing_new = ResourceGraph::default();
    let observation = observe(
        &connection.aws,
        &nothing_new,
        &resources,
        &state,
        Refresh::All,
    )
    .await?;
    let known = state.known();
    let lines = state
        .resources
        .iter()
        .filter_map(|(address, record)| {
            let resource = resources.get(address)?;
            Some(Line {
                address: address.clone(),
                id: id_of(&record.outputs),
                standing: standing(address, &**resource, record, &observation, &known, compare),
            })
        })
        .collect();
    Ok(lines)
}

fn standing(
    address: &Address,
    resource: &dyn AnyResource,
    record: &Record,
    observation: &Observation,
    known: &Known,
    compare: bool,
) -> Standing {
    let Some(seen) = observation.seen.get(address) else {
        return Standing::Gone;
    };
    if record.status == Status::Deleting {
        return Standing::Removing;
    }
    match resource.readiness(seen) {
        Readiness::Pending(why) => return Standing::Waiting { why },
        Readiness::Failed(why) => return Standing::Failed { why },
        Readiness::Ready => {}
    }
    let change = resource.diff(seen, Some(&record.spec), known);
    // What is only looked up is nobody's to keep as it was.
    if change.is_empty() || record.lookup || !compare {
        return Standing::Ready;
    }
    Standing::Changed {
        fields: change.fields.into_iter().map(|field| field.field).collect(),
    }
}

impl Standing {
    fn word(&self) -> &'static str {
        match self {
            Standing::Ready => "ready",
            Standing::Waiting { .. } => "waiting",
            Standing::Failed { .. } => "failed",
            Standing::Changed { .. } => "changed",
            Standing::Removing => "removing",
            Standing::Gone => "gone",
        }
    }

    fn remark(&self) -> Option<String> {
        match self {
            Standing::Waiting { why } | Standing::Failed { why } => Some(why.clone()),
            Standing::Changed { fields } => Some(format!(
                "{} differ from what navi set; `navi drift` shows how",
                fields.join(", ")
            )),
            Standing::Gone => Some("`navi up` makes it again".to_owned()),
            Standing::Ready | Standing::Removing => None,
        }
    }
}

fn text(stack: &str, connection: &Connection, lines: &[Line], palette: &Palette) -> String {
    let Palette {
        heading,
        faint,
        good,
        bad,
        warning,
        ..
    } = palette;
    let mut text = format!("{heading}{stack}{heading:#}: {}\n\n", connection.place());
    for line in lines {
        let style = match line.standing {
            Standing::Ready => good,
            Standing::Failed { .. } | Standing::Gone => bad,
            _ => warning,
        };
        let id = line.id.as_deref().unwrap_or_default();
        let row = format!(
            "{style}{:<9}{style:#} {:<40} {faint}{id}{faint:#}",
            line.standing.word(),
            line.address
        );
        text.push_str(row.trim_end());
        text.push('\n');
        if let Some(remark) = line.standing.remark() {
            text.push_str(&format!("          {remark}\n"));
        }
    }
    let ready = lines
        .iter()
        .filter(|line| line.standing == Standing::Ready)
        .count();
    text.push_str(&format!("\n{ready} of {} ready\n", lines.len()));
    text
}
