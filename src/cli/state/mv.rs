//! `navi state mv`: how does what was made keep its place when the stack file calls it by another name?

use std::collections::BTreeSet;

use serde_json::json;

use super::super::arguments::GlobalOptions;
use super::super::context::close_session;
use super::super::error::CommandError;
use super::super::output;
use super::super::stack_file::StackChoice;
use super::EditError;
use crate::resource::{Address, Selector, select};
use crate::state::{Session, State};

/// Record a resource, or all of a service, under another address
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nothing is done in AWS. `navi plan` shows afterwards what the new address asks for: the tag `navi:address`,
and a new resource wherever the name in AWS follows the name in the stack file (`names` can keep the old one).

Examples:
  navi state mv web shop                             the service `web` is called `shop` in the stack file now
  navi state mv subnet.public-1a subnet.public-zone-1")]
pub struct MvArguments {
    /// Where it is recorded: an address, or a service's name
    #[arg(value_name = "FROM")]
    from: Selector,

    /// Where it is to be recorded, of the same kind; a service's name for a service
    #[arg(value_name = "TO")]
    to: String,

    #[command(flatten)]
    stack: StackChoice,
}

pub async fn run(global: &GlobalOptions, arguments: &MvArguments) -> Result<(), CommandError> {
    let chosen = arguments.stack.choose(global)?;
    let session = super::open(global, &chosen.name, "state mv").await?;
    let result = relocate(global, arguments, &session).await;
    close_session(session, result).await
}

async fn relocate(
    global: &GlobalOptions,
    arguments: &MvArguments,
    session: &Session,
) -> Result<(), CommandError> {
    let state = session.state();
    let moves = moves(&state, &arguments.from, &arguments.to)?;
    for (from, to) in &moves {
        session.relocate(from, to).await?;
    }
    if global.json() {
        let moved: Vec<_> = moves
            .iter()
            .map(|(from, to)| json!({"from": from, "to": to}))
            .collect();
        return output::document(&json!({"stack": state.stack, "moved": moved}));
    }
    for (from, to) in &moves {
        output::notice(&format!("{from} is recorded as {to}"));
    }
    output::notice("nothing was done in AWS; `navi plan` shows what the new address asks for");
    Ok(())
}

/// Every record that moves, with its new address. All of them can be made, or none is begun.
fn moves(state: &State, from: &Selector, to: &str) -> Result<Vec<(Address, Address)>, EditError> {
    let selected = select(
        std::slice::from_ref(from),
        state.resources.keys().chain(state.pending.keys()),
    )
    .map_err(|source| EditError::Nothing {
        stack: state.stack.clone(),
        source,
    })?;
    let moves: Vec<(Address, Address)> = match from.service() {
        Some(service) => {
            let name = service_name(to)?;
            selected
                .into_iter()
                .map(|from| {
                    let rest = &from.name()[service.len()..];
                    let to = Address::new(from.kind(), format!("{name}{rest}"));
                    (from, to)
                })
                .collect()
        }
        None => vec![(only(from, selected)?, address(to)?)],
    };
    for (from, to) in &moves {
        if from.kind() != to.kind() {
            return Err(EditError::OtherKind {
                from: from.clone(),
                to: to.clone(),
            });
        }
        for address in [from, to] {
            if state.pending.contains_key(address) {
                return Err(EditError::UnderWay {
                    address: address.clone(),
                });
            }
        }
        if state.resources.contains_key(to) || state.unresolved.contains_key(to) {
            return Err(EditError::Taken { to: to.clone() });
        }
    }
    Ok(moves)
}

fn only(from: &Selector, selected: BTreeSet<Address>) -> Result<Address, EditError> {
    let mut addresses: Vec<Address> = selected.into_iter().collect();
    match addresses.len() {
        1 => Ok(addresses.remove(0)),
        count => Err(EditError::NotOne {
            written: from.to_string(),
            count,
            addresses,
        }),
    }
}

fn address(text: &str) -> Result<Address, EditError> {
    // A star is for finding; nothing is called by it.
    match text.parse() {
        Ok(address) if !text.contains('*') => Ok(address),
        _ => Err(EditError::NoAddress {
            written: text.to_owned(),
        }),
    }
}

fn service_name(text: &str) -> Result<&str, EditError> {
    match text.is_empty() || text.contains(['.', '*', '~']) {
        true => Err(EditError::NoAddress {
            written: text.to_owned(),
        }),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::state;
    use super::*;

    fn moved(from: &str, to: &str) -> Result<Vec<String>, EditError> {
        moves(&state(), &from.parse().unwrap(), to).map(|moves| {
            moves
                .iter()
                .map(|(from, to)| format!("{from} {to}"))
                .collect()
        })
    }

    #[test]
    fn a_service_moves_with_all_that_is_its_own() {
        assert_eq!(
            moved("web", "shop").unwrap(),
            [
                "ecs_service.web ecs_service.shop",
                "target_group.web~1 target_group.shop~1"
            ]
        );
        assert_eq!(
            moved("subnet.a", "subnet.b").unwrap(),
            ["subnet.a subnet.b"]
        );
    }

    #[test]
    fn what_can_t_move_is_refused_with_the_reason() {
        for (from, to, says) in [
            (
                "subnet.a",
                "vpc.a",
                "subnet.a is a subnet, and vpc.a is not",
            ),
            ("subnet.a", "b", "b is no address"),
            ("web", "ecs_service.shop", "ecs_service.shop is no address"),
            ("subnet.a", "subnet.*", "subnet.* is no address"),
            ("vpc.main", "vpc.main", "vpc.main is taken"),
            ("*.main", "vpc.x", "`*.main` is 2 resources"),
            ("nat_gateway.1a", "nat_gateway.1b", "was cut off"),
            ("shop", "web", "nothing here is called `shop`"),
        ] {
            let error = moved(from, to).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            assert!(error.hint().is_some());
        }
    }
}
