//! `navi drift`: what did others change or delete since the last run? Changes nothing and takes no lock.

use serde_json::json;

use super::arguments::GlobalOptions;
use super::context::{Connection, open_session};
use super::error::CommandError;
use super::run::view;
use super::stack_file::{StackChoice, require_recorded};
use super::{exit_code, output, planning, state};
use crate::graph::ResourceGraph;
use crate::observe::{Refresh, observe, recorded_resources};
use crate::plan::{Drift, DriftText, Recorded, drift};
use crate::report::{Palette, counted};
use crate::resource::Address;
use crate::state::{Access, Session, State, Status};

/// Show what others changed or deleted since the last run, field by field
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It compares AWS with what navi recorded, and needs no stack file; what a changed file asks for, `navi plan`
shows. Only what the stack sets is compared.

Examples:
  navi drift
  navi drift --stack ecs-navi --output json   in a pipeline: 0 no drift, 2 drift")]
pub struct DriftArguments {
    #[command(flatten)]
    stack: StackChoice,
}

/// What a look found.
struct Found {
    drift: Vec<Drift>,
    /// What no run has finished yet: it differs by navi's own doing.
    unfinished: Vec<Address>,
}

pub async fn run(global: &GlobalOptions, arguments: &DriftArguments) -> Result<u8, CommandError> {
    let chosen = arguments.stack.choose(global)?;
    require_recorded(global, &chosen.name)?;
    let session = open_session(global, &chosen.name, Access::Read).await?;
    if let Some(holder) = session.beside() {
        let message =
            format!("{holder} works on this stack: what it changes now may look like drift");
        output::warning(global, &message);
    }
    output::progress(
        global,
        &format!("{}: looking at what is there", chosen.name),
    );
    let connection = Connection::of_recorded(global, &session, &chosen).await?;
    planning::settle(&session, &connection, &*view(global)).await?;
    let found = look(&session, &connection).await?;
    if global.json() {
        output::document(&json!({
            "stack": chosen.name,
            "account": connection.account,
            "region": connection.region,
            "drift": found.drift,
            "unfinished": found.unfinished,
        }))?;
    } else {
        output::data(&text(
            &chosen.name,
            &connection.place(),
            &found,
            &Palette::for_stdout(),
        ))?;
    }
    Ok(match found.drift.is_empty() {
        true => exit_code::DONE,
        false => exit_code::CHANGES_PENDING,
    })
}

async fn look(session: &Session, connection: &Connection) -> Result<Found, CommandError> {
    let state = session.state();
    let resources = recorded_resources(&connection.aws, &state)?;
    // What is looked up is another's to change; its outputs are known all the same, for what refers to it.
    let mut own = resources.clone();
    own.retain(|address, _| !state.resources[address].lookup);
    let nothing_new = ResourceGraph::default();
    let observation = observe(&connection.aws, &nothing_new, &own, &state, Refresh::All).await?;
    Ok(Found {
        drift: drift(&observation, &Recorded::new(&state, resources)),
        unfinished: unfinished(&state),
    })
}

fn unfinished(state: &State) -> Vec<Address> {
    let records = state.resources.iter();
    let mut unfinished: Vec<Address> = records
        .filter(|(_, record)| record.status != Status::Ready)
        .map(|(address, _)| address.clone())
        .chain(state.unresolved.keys().cloned())
        .collect();
    unfinished.sort();
    unfinished
}

fn text(stack: &str, place: &str, found: &Found, palette: &Palette) -> String {
    let Palette {
        heading, warning, ..
    } = palette;
    let mut text = format!("{heading}{stack}{heading:#}: {place}\n\n");
    for line in DriftText(&found.drift).to_string().lines() {
        match line.starts_with('!') {
            true => text.push_str(&format!("{warning}{line}{warning:#}\n")),
            false => text.push_str(&format!("{line}\n")),
        }
    }
    if found.drift.is_empty() {
        text.push_str("No drift: everything is as the last run left it.\n");
    } else {
        text.push_str(&format!("\n{}\n", counts(&found.drift)));
    }
    if !found.unfinished.is_empty() {
        text.push_str(&format!(
            "Not compared, as no run has finished them: {}. `navi up` does.\n",
            state::first(&found.unfinished)
        ));
    }
    text
}

fn counts(drift: &[Drift]) -> String {
    let gone = drift.iter().filter(|drift| drift.gone).count();
    let parts: Vec<String> = [(drift.len() - gone, "changed"), (gone, "deleted")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", counted(count, "resource")))
        .collect();
    format!(
        "Drift: {} by others. `navi up` brings back what the stack file still wants.",
        parts.join(" and ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{Effect, FieldChange};

    fn found() -> Found {
        let field = FieldChange {
            field: "desired_count".to_owned(),
            old: "5".to_owned(),
            new: "2".to_owned(),
            effect: Effect::InPlace,
            condition: false,
        };
        Found {
            drift: vec![
                Drift {
                    address: Address::new("ecs_service", "web"),
                    gone: false,
                    fields: vec![field],
                },
                Drift {
                    address: Address::new("log_group", "/ecs/web"),
                    gone: true,
                    fields: Vec::new(),
                },
            ],
            unfinished: vec![Address::new("nat_gateway", "1a")],
        }
    }

    #[test]
    fn drift_reads_field_by_field_with_navis_value_first() {
        insta::assert_snapshot!(text("demo", "account 1, r", &found(), &Palette::plain()));
    }

    #[test]
    fn no_drift_is_said() {
        let found = Found {
            drift: Vec::new(),
            unfinished: Vec::new(),
        };
        insta::assert_snapshot!(text("demo", "account 1, r", &found, &Palette::plain()));
    }
}
