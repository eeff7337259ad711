//! `navi state forget`: how is a record dropped, and its resource left alone?

use std::collections::BTreeSet;

use serde_json::json;

use super::super::arguments::GlobalOptions;
use super::super::context::close_session;
use super::super::error::CommandError;
use super::super::stack_file::StackChoice;
use super::super::{output, prompt};
use super::EditError;
use crate::report::id_of;
use crate::resource::{Address, Selector, select};
use crate::state::{Outcome, Session, State};

/// Drop records and leave their resources in AWS as they are
#[derive(Debug, clap::Args)]
#[command(after_help = "\
navi neither changes nor removes what it has forgotten. If the stack file still wants it, the next `navi up`
makes another, or says that its name is taken; `navi adopt` takes it back.

Examples:
  navi state forget hosted_zone.old.example
  navi state forget 'log_group.*' --yes")]
pub struct ForgetArguments {
    /// Addresses, patterns with `*`, services' names
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<Selector>,

    /// Also what other records refer to, and what a step that was cut off left open
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    stack: StackChoice,
}

pub async fn run(global: &GlobalOptions, arguments: &ForgetArguments) -> Result<(), CommandError> {
    prompt::require_answerable(global, "state forget")?;
    let session = super::open(global, &arguments.stack, "state forget").await?;
    let result = forget(global, arguments, &session).await;
    close_session(session, result).await
}

async fn forget(
    global: &GlobalOptions,
    arguments: &ForgetArguments,
    session: &Session,
) -> Result<(), CommandError> {
    let state = session.state();
    let order = order(&state, &arguments.addresses, arguments.force)?;
    let stays: Vec<String> = order.iter().map(|address| stays(&state, address)).collect();
    output::progress(
        global,
        &format!(
            "{}: navi forgets these; nothing is done in AWS\n{}",
            state.stack,
            stays.join("\n")
        ),
    );
    let question = match order.len() {
        1 => "Forget it?".to_owned(),
        count => format!("Forget these {count}?"),
    };
    prompt::confirm(global, &question)?;
    for address in &order {
        if let Some(pending) = state.pending.get(address) {
            // Nobody will look for it any more; the record must not wait for that.
            session
                .settle(pending.sequence, Outcome::NotApplied)
                .await?;
        }
        session.forget(address).await?;
    }
    if global.json() {
        let forgotten: Vec<_> = order
            .iter()
            .map(|address| {
                let record = state.resources.get(address);
                json!({
                    "address": address,
                    "id": record.and_then(|record| id_of(&record.outputs)),
                })
            })
            .collect();
        return output::document(&json!({"stack": state.stack, "forgotten": forgotten}));
    }
    output::notice(
        "forgotten; what is in AWS stays there: remove it by other means, or take it back with \
         `navi adopt ADDRESS ID`",
    );
    Ok(())
}

/// What is to be forgotten, dependents first: a run that is killed in between leaves no record that
/// refers to nothing.
fn order(state: &State, selectors: &[Selector], force: bool) -> Result<Vec<Address>, EditError> {
    let selected =
        select(selectors, super::addresses(state)).map_err(|source| EditError::Nothing {
            stack: state.stack.clone(),
            source,
        })?;
    if !force {
        if let Some(address) = selected
            .iter()
            .find(|address| state.pending.contains_key(address))
        {
            return Err(EditError::UnderWay {
                address: address.clone(),
            });
        }
        let holders = holders(state, &selected);
        if !holders.is_empty() {
            return Err(EditError::ReferredTo {
                addresses: selected.into_iter().collect(),
                holders,
            });
        }
    }
    let mut open = selected;
    let mut order = Vec::new();
    while !open.is_empty() {
        let mut free: Vec<Address> = open
            .iter()
            .filter(|address| !open.iter().any(|other| refers(state, other, address)))
            .cloned()
            .collect();
        if free.is_empty() {
            // Records that refer to each other; navi writes none.
            free = open.iter().cloned().collect();
        }
        for address in free {
            open.remove(&address);
            order.push(address);
        }
    }
    Ok(order)
}

/// The records that stay and refer to what goes.
fn holders(state: &State, going: &BTreeSet<Address>) -> Vec<Address> {
    state
        .resources
        .keys()
        .filter(|address| !going.contains(address))
        .filter(|address| going.iter().any(|other| refers(state, address, other)))
        .cloned()
        .collect()
}

fn refers(state: &State, from: &Address, to: &Address) -> bool {
    from != to
        && state
            .resources
            .get(from)
            .is_some_and(|record| record.edges().iter().any(|edge| edge.to == *to))
}

fn stays(state: &State, address: &Address) -> String {
    let place = match &state.identity {
        Some(identity) => format!("in account {}, {}", identity.account, identity.region),
        None => "in AWS".to_owned(),
    };
    match state.resources.get(address) {
        Some(record) if record.lookup => format!("  {address}: was only looked up"),
        Some(record) => match id_of(&record.outputs) {
            Some(id) => format!("  {address}: {id} stays {place}"),
            None => format!("  {address}: what was made for it stays {place}"),
        },
        None => format!("  {address}: if it was made after all, it stays {place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::state;
    use super::*;

    fn ordered(addresses: &[&str], force: bool) -> Result<Vec<String>, EditError> {
        let selectors: Vec<Selector> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        order(&state(), &selectors, force)
            .map(|order| order.iter().map(Address::to_string).collect())
    }

    #[test]
    fn dependents_are_forgotten_before_what_they_refer_to() {
        assert_eq!(
            ordered(
                &["vpc.main", "subnet.a", "web", "internet_gateway.main"],
                false
            )
            .unwrap(),
            [
                "ecs_service.web",
                "internet_gateway.main",
                "target_group.web~1",
                "subnet.a",
                "vpc.main"
            ]
        );
    }

    #[test]
    fn what_others_refer_to_is_not_forgotten_alone_unless_forced() {
        let error = ordered(&["vpc.main"], false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "vpc.main can't be forgotten alone: internet_gateway.main, subnet.a refer to it"
        );
        assert_eq!(ordered(&["vpc.main"], true).unwrap(), ["vpc.main"]);
    }

    #[test]
    fn what_is_under_way_is_forgotten_only_by_force() {
        let error = ordered(&["nat_gateway.1a"], false).unwrap_err();
        assert!(error.to_string().contains("was cut off"), "{error}");
        assert_eq!(
            ordered(&["nat_gateway.1a"], true).unwrap(),
            ["nat_gateway.1a"]
        );
    }
}
