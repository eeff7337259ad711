//! `navi state show`: what is recorded of one resource?

use std::fmt::Write;

use serde_json::{Value, json};

use super::super::arguments::GlobalOptions;
use super::super::error::CommandError;
use super::super::output;
use super::super::stack_file::StackChoice;
use super::EditError;
use crate::report::{Palette, id_of};
use crate::resource::{Address, Edge, Gate, OnDelete, Selector, select};
use crate::state::{Record, State};

/// Show what is recorded of one resource: what AWS was asked for and answered, and what it depends on
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  navi state show ecs_service.web
  navi state show vpc.main --output json")]
pub struct ShowArguments {
    /// The resource
    #[arg(value_name = "ADDRESS")]
    address: Selector,

    #[command(flatten)]
    stack: StackChoice,
}

pub async fn run(global: &GlobalOptions, arguments: &ShowArguments) -> Result<(), CommandError> {
    let state = super::read(global, &arguments.stack).await?;
    let address = one(&state, &arguments.address)?;
    match global.json() {
        true => output::document(&document(&state, &address)),
        false => output::data(&text(&state, &address, &Palette::for_stdout())),
    }
}

/// The one resource that is meant.
fn one(state: &State, selector: &Selector) -> Result<Address, EditError> {
    let selected = select(std::slice::from_ref(selector), super::addresses(state));
    let selected = selected.map_err(|source| EditError::Nothing {
        stack: state.stack.clone(),
        source,
    })?;
    let mut addresses: Vec<Address> = selected.into_iter().collect();
    match addresses.len() {
        1 => Ok(addresses.remove(0)),
        count => Err(EditError::NotOne {
            written: selector.to_string(),
            count,
            addresses,
        }),
    }
}

fn needed_by(state: &State, address: &Address) -> Vec<Address> {
    state
        .resources
        .iter()
        .filter(|(_, record)| record.edges().iter().any(|edge| edge.to == *address))
        .map(|(other, _)| other.clone())
        .collect()
}

fn document(state: &State, address: &Address) -> Value {
    let record = state.resources.get(address);
    json!({
        "stack": state.stack,
        "address": address,
        "id": record.and_then(|record| id_of(&record.outputs)),
        "record": record,
        "needs": record.map(Record::edges).unwrap_or_default(),
        "needed_by": needed_by(state, address),
        "pending": state.pending.get(address),
        "unresolved": state.unresolved.get(address),
    })
}

fn text(state: &State, address: &Address, palette: &Palette) -> String {
    let Palette { heading, faint, .. } = palette;
    let mut text = format!("{heading}{address}{heading:#}\n");
    let mut line = |name: &str, value: &str| {
        // Writing to a string can't fail.
        let _ = writeln!(text, "  {faint}{name:<10}{faint:#} {value}");
    };
    if let Some(pending) = state.pending.get(address) {
        let verb = pending.intent.verb();
        line(
            "pending",
            &format!("to {verb} it was begun; what became of that is not known yet"),
        );
    }
    if state.unresolved.contains_key(address) {
        line(
            "unknown",
            "to create it was begun, and AWS may or may not have done it",
        );
    }
    let Some(record) = state.resources.get(address) else {
        return text;
    };
    if let Some(id) = id_of(&record.outputs) {
        line("id", &id);
    }
    let status = json!(record.status);
    line("status", status.as_str().unwrap_or_default());
    if record.lookup {
        line(
            "looked up",
            "it is not the stack's own, and never changed or removed",
        );
    }
    for edge in record.edges() {
        line("needs", &edge_text(&edge));
    }
    for other in needed_by(state, address) {
        line("needed by", &other.to_string());
    }
    for (name, value) in [("outputs", &record.outputs), ("spec", &record.spec)] {
        text.push_str(&format!("  {faint}{name}{faint:#}\n"));
        for line in format!("{value:#}").lines() {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text
}

fn edge_text(edge: &Edge) -> String {
    let made = match edge.gate {
        Gate::Exists => "once it exists",
        Gate::Ready => "once it is ready",
        Gate::None => "only when it is removed",
    };
    let removed = match edge.on_delete {
        OnDelete::Gone => "",
        OnDelete::Unordered => "; removed in any order",
    };
    format!("{} ({made}{removed})", edge.to)
}

#[cfg(test)]
mod tests {
    use super::super::tests::state;
    use super::*;

    #[test]
    fn a_record_is_shown_with_what_it_needs_and_who_needs_it() {
        let state = state();
        let address = one(&state, &"subnet.a".parse().unwrap()).unwrap();
        insta::assert_snapshot!(text(&state, &address, &Palette::plain()), @r#"
        subnet.a
          id         subnet-1
          status     ready
          needs      vpc.main (once it exists)
          needed by  ecs_service.web
          outputs
            {
              "id": "subnet-1"
            }
          spec
            {
              "needs": [
                {
                  "$ref": "vpc.main",
                  "gate": "exists",
                  "on_delete": "gone"
                }
              ]
            }
        "#);
        let document = document(&state, &address);
        assert_eq!(document["needs"][0]["$ref"], "vpc.main");
        assert_eq!(document["needed_by"], json!(["ecs_service.web"]));
        assert_eq!(document["record"]["status"], "ready");
    }

    #[test]
    fn a_create_of_unknown_fate_is_shown_as_such() {
        let state = state();
        let address = one(&state, &"elastic_ip.1a".parse().unwrap()).unwrap();
        insta::assert_snapshot!(text(&state, &address, &Palette::plain()), @r"
        elastic_ip.1a
          unknown    to create it was begun, and AWS may or may not have done it
        ");
    }

    #[test]
    fn several_are_named_so_that_one_can_be_chosen() {
        let error = one(&state(), &"*.main".parse().unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`*.main` is 2 resources: internet_gateway.main, vpc.main"
        );
    }
}
