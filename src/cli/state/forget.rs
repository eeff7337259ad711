//! `navi state forget`: how is a record dropped, and its resource given back for good?

use std::collections::BTreeSet;

use serde_json::json;

use super::super::arguments::GlobalOptions;
use super::super::context::{Connection, close_session};
use super::super::error::CommandError;
use super::super::stack_file::{ChosenStack, StackChoice};
use super::super::{exit_code, output, prompt};
use super::EditError;
use crate::execute::take_tags_off;
use crate::report::id_of;
use crate::resource::{Address, CallError, Selector, select};
use crate::state::{Outcome, Session, State};

/// Give resources back: drop their records, take navi's tags off, and leave them as they are
#[derive(Debug, clap::Args)]
#[command(after_help = "\
navi neither changes nor removes what it has given back, not even where it makes a lost state again from the
tags: it takes its own tags (navi:stack, navi:address, navi:op) off, and the state remembers the object. If the stack file
still wants it, the next `navi up` makes another, or says that its name is taken; `navi adopt` takes it back.

Examples:
  navi state forget log_group./ecs/web
  navi state forget web                     all that is the service's own
  navi state forget '*' --keep-tags         without a call to AWS")]
pub struct ForgetArguments {
    /// Addresses, patterns with `*`, services' names
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<Selector>,

    /// Also what other records refer to, and what a step that was cut off left open
    #[arg(long)]
    force: bool,

    /// Leave navi's tags on and call nothing in AWS: it is left alone for as long as this state is kept
    #[arg(long)]
    keep_tags: bool,

    #[command(flatten)]
    stack: StackChoice,
}

pub async fn run(global: &GlobalOptions, arguments: &ForgetArguments) -> Result<u8, CommandError> {
    prompt::require_answerable(global, "state forget")?;
    let chosen = arguments.stack.choose(global)?;
    let session = super::open(global, &chosen.name, "state forget").await?;
    let result = forget(global, arguments, &chosen, &session).await;
    close_session(session, result).await
}

async fn forget(
    global: &GlobalOptions,
    arguments: &ForgetArguments,
    chosen: &ChosenStack,
    session: &Session,
) -> Result<u8, CommandError> {
    let state = session.state();
    let order = order(&state, &arguments.addresses, arguments.force)?;
    let tagged = order.iter().any(|address| may_be_tagged(&state, address));
    let connection = match tagged && !arguments.keep_tags {
        true => Some(connect(global, chosen, session).await?),
        false => None,
    };
    output::progress(global, &announcement(&state, &order, connection.as_ref()));
    let question = match order.len() {
        1 => "Forget it?".to_owned(),
        count => format!("Forget these {count}?"),
    };
    prompt::confirm(global, &question)?;
    let_go(session, &state, &order).await?;
    let refused = match &connection {
        Some(connection) => take_tags_off(session, &connection.aws, &order).await?,
        None => Vec::new(),
    };
    tell(global, &state, &order, &session.state(), &refused)?;
    Ok(match refused.is_empty() {
        true => exit_code::DONE,
        false => exit_code::PARTLY_APPLIED,
    })
}

/// To where the tags are to be taken off. Whoever can't get there can still forget.
async fn connect(
    global: &GlobalOptions,
    chosen: &ChosenStack,
    session: &Session,
) -> Result<Connection, CommandError> {
    let connected = Connection::of_recorded(global, session, chosen).await;
    if connected.is_err() {
        let message =
            "navi's tags are to be taken off; `navi state forget --keep-tags` does without AWS";
        output::warning(global, message);
    }
    connected
}

fn announcement(state: &State, order: &[Address], connection: Option<&Connection>) -> String {
    let stays: Vec<String> = order.iter().map(|address| stays(state, address)).collect();
    let what = match connection {
        Some(_) => "navi forgets these and takes its tags off them; nothing else is done in AWS",
        None => "navi forgets these; nothing is done in AWS",
    };
    let ground = ground(state, order);
    let ground = match ground.is_empty() {
        true => String::new(),
        false => format!(
            "\n  what they stand on is still the stack's, and `navi down` removes it: {}",
            super::first(&ground)
        ),
    };
    format!("{}: {what}\n{}{ground}", state.stack, stays.join("\n"))
}

/// What stays the stack's and is needed by what is given back.
fn ground(state: &State, order: &[Address]) -> Vec<Address> {
    let going = order
        .iter()
        .filter_map(|address| state.resources.get(address));
    let needed: BTreeSet<Address> = going
        .flat_map(|record| record.edges())
        .map(|edge| edge.to)
        .filter(|to| !order.contains(to))
        .filter(|to| state.resources.get(to).is_some_and(|record| !record.lookup))
        .collect();
    needed.into_iter().collect()
}

/// The state's half: once this is done, nothing of it is ever taken for the stack's again.
async fn let_go(session: &Session, state: &State, order: &[Address]) -> Result<(), CommandError> {
    for address in order {
        if let Some(pending) = state.pending.get(address) {
            // Nobody will look for it any more; the record must not wait for that.
            session
                .settle(pending.sequence, Outcome::NotApplied)
                .await?;
        }
        // A cut-off create has a record only now.
        let (recorded, lookup) = session.with_state(|state| {
            let record = state.resources.get(address);
            let recorded = record.is_some() || state.unresolved.contains_key(address);
            (recorded, record.is_some_and(|record| record.lookup))
        });
        match (recorded, lookup) {
            (true, true) => session.forget(address).await?,
            (true, false) => session.give_back(address).await?,
            // It was given back before, and still has its tags.
            (false, _) => {}
        }
    }
    Ok(())
}

fn tell(
    global: &GlobalOptions,
    before: &State,
    order: &[Address],
    after: &State,
    refused: &[(Address, CallError)],
) -> Result<(), CommandError> {
    let is_tagged = |address: &Address| {
        let mut given_back = after.given_back.iter();
        given_back.any(|given| given.address == *address && given.tagged)
    };
    for (address, error) in refused {
        let message = format!("{address}: navi's tags are still on it: {error}");
        output::warning(global, &message);
    }
    if global.json() {
        let forgotten: Vec<_> = order
            .iter()
            .map(|address| {
                let id = known_id(before, address);
                json!({"address": address, "id": id, "still_tagged": is_tagged(address)})
            })
            .collect();
        return output::document(&json!({"stack": before.stack, "forgotten": forgotten}));
    }
    output::notice(
        "forgotten; what is in AWS stays there, and navi leaves it alone: remove it by other means, or take it back \
         with `navi adopt ADDRESS ID`, or all of it with `navi adopt --given-back`",
    );
    match (refused.is_empty(), order.iter().any(is_tagged)) {
        (false, _) => output::notice("the same command again takes off the tags that are still on"),
        (true, true) => output::notice(
            "navi's tags stay where they are: only this state tells that it is not the stack's, so keep the state, or \
             take them off with `navi state forget` without --keep-tags",
        ),
        (true, false) => {}
    }
    Ok(())
}

/// Everything that can be forgotten: what has a place in the state, and what was given back with its tags on.
fn forgettable(state: &State) -> Vec<&Address> {
    let given_back = state.given_back.iter();
    let tagged = given_back.filter(|given| given.is_to_be_untagged());
    let mut addresses = super::addresses(state);
    addresses.extend(tagged.map(|given| &given.address));
    addresses
}

fn may_be_tagged(state: &State, address: &Address) -> bool {
    let mut given_back = state.given_back.iter();
    let record = state.resources.get(address);
    record.is_some_and(|record| !record.lookup && record.spec.get("tags").is_some())
        || given_back.any(|given| given.address == *address && given.is_to_be_untagged())
}

fn known_id(state: &State, address: &Address) -> Option<String> {
    let mut given_back = state.given_back.iter().rev();
    match state.resources.get(address) {
        Some(record) => id_of(&record.outputs),
        None => given_back.find(|given| given.address == *address)?.id(),
    }
}

/// What is to be forgotten, dependents first: a run that is killed in between leaves no record that
/// refers to nothing.
fn order(state: &State, selectors: &[Selector], force: bool) -> Result<Vec<Address>, EditError> {
    let selected = select(selectors, forgettable(state)).map_err(|source| EditError::Nothing {
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
                addresses: selected
                    .into_iter()
                    .filter(|address| holders.iter().any(|holder| refers(state, holder, address)))
                    .collect(),
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
        None => match known_id(state, address) {
            Some(id) => format!("  {address}: {id} was given back, and stays {place}"),
            None => format!("  {address}: if it was made after all, it stays {place}"),
        },
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
    fn what_a_resource_stands_on_is_told() {
        let names = |addresses: &[&str]| {
            let order: Vec<Address> = addresses.iter().map(|text| text.parse().unwrap()).collect();
            let ground = ground(&state(), &order);
            ground.iter().map(Address::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names(&["ecs_service.web"]), ["subnet.a"]);
        assert_eq!(names(&["ecs_service.web", "subnet.a"]), ["vpc.main"]);
        assert_eq!(names(&["vpc.main"]), Vec::<String>::new());
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
