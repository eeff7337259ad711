//! `navi events`: what has ECS said about a stack's services?

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::json;

use super::arguments::{DEFAULT_FILE, GlobalOptions, parse_moment};
use super::chosen_services::chosen;
use super::error::CommandError;
use super::following::{LOOK_EVERY, passes, until_interrupted};
use super::reading::{self, Reading};
use super::stack_file::StackChoice;
use super::{exit_code, output};
use crate::aws::{Aws, Moment, services_now};
use crate::environment::{Environment, Service, Specs};
use crate::observe::ObserveError;
use crate::report::Palette;
use crate::resource::CallError;

/// Show what ECS says about services: tasks that start and stop, targets, deployments, what can't be placed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The newest event stands last; ECS keeps the last 100 of a service.
It reads AWS and changes nothing; it needs no stack file.
With --output json each event is one JSON object on a line (docs/DAY_TWO.md).

Examples:
  navi events
  navi events backend -f
  navi events --since 1h --output json")]
pub struct EventsArguments {
    /// The services, as the stack file calls them; all of them without a name
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Go on with what is said from now on, until Ctrl-C
    #[arg(short, long)]
    follow: bool,

    /// From when on: how long ago, such as 10m, 2h or 3d, or a time such as 2026-01-31T09:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = parse_moment)]
    since: Option<Moment>,

    /// Only the newest of all, so many; with --follow, of those that are there already
    #[arg(long, value_name = "COUNT")]
    tail: Option<usize>,

    // In the place of the global option, which gets its value: clap knows both by this name.
    /// The stack file (-f follows here)
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE, help_heading = "Global options")]
    file: PathBuf,

    #[command(flatten)]
    stack: StackChoice,
}

/// One event; docs/DAY_TWO.md has its JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Line {
    #[serde(serialize_with = "Moment::serialize_in_columns")]
    at: Moment,
    /// As the stack file calls it.
    service: String,
    message: String,
    /// ECS's own.
    id: String,
}

pub async fn run(global: &GlobalOptions, arguments: &EventsArguments) -> Result<u8, CommandError> {
    let Reading {
        chosen: stack,
        session,
        connection,
        ..
    } = reading::begin(global, &arguments.stack).await?;
    let environment = Environment::of(&session.with_state(Specs::recorded));
    let services = chosen(&environment, &arguments.services, &stack.name)?;
    let work = show(global, arguments, &connection.aws, &services);
    match arguments.follow {
        true => until_interrupted(work).await,
        false => work.await,
    }
}

async fn show(
    global: &GlobalOptions,
    arguments: &EventsArguments,
    aws: &Aws,
    services: &[&Service],
) -> Result<u8, CommandError> {
    let mut seen = BTreeSet::new();
    let mut is_first = true;
    loop {
        let mut lines = match look(aws, services).await {
            Ok(lines) => lines,
            Err(error) if !is_first && passes(&error) => {
                output::warning(global, &format!("{error}; navi goes on asking"));
                Vec::new()
            }
            Err(error) => return Err(ObserveError::Call(error).into()),
        };
        lines.retain(|line| {
            let is_wanted = arguments.since.is_none_or(|since| line.at >= since);
            is_wanted && seen.insert(line.id.clone())
        });
        let newest = arguments.tail.filter(|_| is_first);
        let skipped = newest.map_or(0, |count| lines.len().saturating_sub(count));
        for line in &lines[skipped..] {
            let text = match global.json() {
                true => json!(line).to_string(),
                false => text(line, services, &Palette::for_stdout()),
            };
            if !output::passed_on(&text)? {
                return Ok(exit_code::DONE);
            }
        }
        if !arguments.follow {
            if lines.is_empty() && !global.json() {
                output::notice("ECS has said nothing about them");
            }
            return Ok(exit_code::DONE);
        }
        is_first = false;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn look(aws: &Aws, services: &[&Service]) -> Result<Vec<Line>, CallError> {
    let living = services.iter().filter_map(|service| {
        let outputs = service.outputs.as_ref()?;
        Some((outputs.cluster.as_str(), outputs.arn.as_str()))
    });
    let mut found = services_now(aws, living).await?;
    let mut lines = Vec::new();
    for service in services {
        let now = service.outputs.as_ref();
        let now = now.and_then(|outputs| found.remove(&outputs.arn));
        let events = now.map(|now| now.events).unwrap_or_default();
        // ECS tells the newest first, and several may have one time.
        lines.extend(events.into_iter().rev().map(|event| Line {
            // ECS leaves it out of none.
            at: event.at.unwrap_or(Moment::from_milliseconds(0)),
            service: service.name.clone(),
            message: event.message,
            id: event.id,
        }));
    }
    lines.sort_by_key(|line| line.at);
    Ok(lines)
}

fn text(line: &Line, services: &[&Service], palette: &Palette) -> String {
    let Palette { faint, .. } = palette;
    let names = services.iter().map(|service| service.name.as_str());
    let width = names.clone().map(str::len).max().unwrap_or_default();
    let index = names.clone().position(|name| name == line.service);
    let style = palette.of_series(index.unwrap_or_default());
    let at = line.at.in_columns();
    format!(
        "{faint}{at}{faint:#}  {style}{:<width$}{style:#}  {}\n",
        line.service, line.message
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/DAY_TWO.md says so.
    #[test]
    fn as_json_an_event_is_an_object() {
        let line = Line {
            at: Moment::from_milliseconds(1_700_000_000_250),
            service: "web".to_owned(),
            message: "has reached a steady state.".to_owned(),
            id: "5f1c".to_owned(),
        };
        insta::assert_snapshot!(
            json!(line),
            @r#"{"at":"2023-11-14T22:13:20.250Z","service":"web","message":"has reached a steady state.","id":"5f1c"}"#
        );
        assert_eq!(
            text(&line, &[], &Palette::plain()),
            "2023-11-14T22:13:20.250Z  web  has reached a steady state.\n"
        );
    }
}
