//! `navi state list`: what is recorded?

use serde::Serialize;
use serde_json::json;

use super::super::arguments::GlobalOptions;
use super::super::error::CommandError;
use super::super::output;
use super::super::stack_file::StackChoice;
use super::EditError;
use crate::report::id_of;
use crate::resource::{Address, Selector, select};
use crate::state::{State, Status};

/// List what is recorded, one address a line, with its ID
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  navi state list
  navi state list 'target_group.*' web
  navi state list --stack shop --output json")]
pub struct ListArguments {
    /// Only these: addresses, patterns with `*`, services' names
    #[arg(value_name = "ADDRESS")]
    only: Vec<Selector>,

    #[command(flatten)]
    stack: StackChoice,
}

#[derive(Debug, PartialEq, Serialize)]
struct Line {
    address: Address,
    id: Option<String>,
    /// Nothing for a create whose fate is not known.
    status: Option<Status>,
    lookup: bool,
}

pub async fn run(global: &GlobalOptions, arguments: &ListArguments) -> Result<(), CommandError> {
    let state = super::read(global, &arguments.stack).await?;
    let lines = lines(&state, &arguments.only)?;
    match global.json() {
        true => output::document(&json!({"stack": state.stack, "resources": lines})),
        // Nothing recorded is no line, not an empty one.
        false if lines.is_empty() => Ok(()),
        false => output::data(&text(&lines)),
    }
}

fn lines(state: &State, only: &[Selector]) -> Result<Vec<Line>, EditError> {
    let addresses = super::addresses(state);
    let selected = match only {
        [] => addresses.into_iter().cloned().collect(),
        only => select(only, addresses.iter().copied()).map_err(|source| EditError::Nothing {
            stack: state.stack.clone(),
            source,
        })?,
    };
    let lines = selected
        .into_iter()
        .map(|address| {
            let record = state.resources.get(&address);
            Line {
                id: record.and_then(|record| id_of(&record.outputs)),
                status: record.map(|record| record.status),
                lookup: record.is_some_and(|record| record.lookup),
                address,
            }
        })
        .collect();
    Ok(lines)
}

fn text(lines: &[Line]) -> String {
    let width = lines
        .iter()
        .map(|line| line.address.to_string().len())
        .max()
        .unwrap_or(0);
    lines
        .iter()
        .map(|line| {
            let remark = match (line.status, line.lookup) {
                (None, _) => "  (whether it was made is not known yet)",
                (Some(_), true) => "  (looked up)",
                (Some(Status::Deleting), _) => "  (its removal has begun)",
                (Some(_), false) => "",
            };
            let id = line.id.as_deref().unwrap_or("-");
            format!("{:<width$}  {id}{remark}\n", line.address)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::state;
    use super::*;

    #[test]
    fn each_line_is_an_address_with_its_id() {
        let lines = lines(&state(), &[]).unwrap();
        insta::assert_snapshot!(text(&lines), @r"
        ecs_service.web        arn:service
        elastic_ip.1a          -  (whether it was made is not known yet)
        internet_gateway.main  igw-1
        nat_gateway.1a         -  (whether it was made is not known yet)
        subnet.a               subnet-1
        target_group.web~1     arn:tg
        vpc.main               vpc-1
        ");
    }

    #[test]
    fn a_pattern_that_fits_nothing_is_an_error() {
        let only = ["vpc.mian".parse().unwrap()];
        let error = lines(&state(), &only).unwrap_err();
        assert_eq!(error.hint().as_deref(), Some("did you mean `vpc.main`?"));
    }
}
