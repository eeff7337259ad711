//! `navi state`: how is what navi recorded looked at and mended, without a change in AWS?

mod forget;
mod list;
mod mv;
mod pull;
mod rebuild;
mod show;
mod unprotect;

use super::arguments::GlobalOptions;
use super::context::open_session;
use super::error::CommandError;
use super::exit_code;
use super::output;
use super::stack_file::{StackChoice, require_recorded};
use crate::resource::{Address, NothingSelected};
use crate::state::{Access, Session, State};

/// Look at what navi recorded of a stack, and mend it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
`rebuild` and `forget` call AWS, and `forget` takes navi's tags off what it gives back; nothing else is changed there. An address is a kind and a name (`subnet.public-1a`); `*` in it stands
for anything (`ecs_service.*`), and a service's name alone for all that is the service's own.

Examples:
  navi state list 'target_group.*'
  navi state show ecs_service.web
  navi state mv web shop                what was made for `web` is `shop`'s from here on
  navi state forget hosted_zone.old.example
  navi state pull > stack.json")]
pub struct StateArguments {
    #[command(subcommand)]
    action: StateAction,
}

#[derive(Debug, clap::Subcommand)]
enum StateAction {
    List(list::ListArguments),
    Show(show::ShowArguments),
    Forget(forget::ForgetArguments),
    Mv(mv::MvArguments),
    Pull(pull::PullArguments),
    Rebuild(rebuild::RebuildArguments),
    Unprotect(unprotect::UnprotectArguments),
}

/// What `navi state` can't do as it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("{source} in the state of `{stack}`")]
    Nothing {
        stack: String,
        source: NothingSelected,
    },
    #[error("`{written}` is {count} resources: {}", first(addresses))]
    NotOne {
        written: String,
        count: usize,
        addresses: Vec<Address>,
    },
    #[error(
        "{} can't be forgotten alone: {} {} to {}",
        first(addresses),
        first(holders),
        if holders.len() == 1 { "refers" } else { "refer" },
        if addresses.len() == 1 { "it" } else { "them" }
    )]
    ReferredTo {
        addresses: Vec<Address>,
        holders: Vec<Address>,
    },
    #[error("a step on {address} was cut off, and what became of it is not known yet")]
    UnderWay { address: Address },
    #[error("{to} is taken: it is recorded already")]
    Taken { to: Address },
    #[error("{from} is a {}, and {to} is not", from.kind())]
    OtherKind { from: Address, to: Address },
    #[error("{written} is no address; addresses look like `subnet.public-1a`")]
    NoAddress { written: String },
}

impl EditError {
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            EditError::Nothing { source, .. } => match &source.nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "`navi state list` names all that is recorded".to_owned(),
            },
            EditError::NotOne { .. } => "name one of them".to_owned(),
            EditError::ReferredTo { .. } => {
                "name them as well, or forget it all the same with --force".to_owned()
            }
            EditError::UnderWay { .. } => {
                "`navi up` or `navi down` finds out; `navi state forget --force` drops it as it is"
                    .to_owned()
            }
            EditError::Taken { to } => {
                format!("`navi state forget {to}` gives that one back, and makes room")
            }
            EditError::OtherKind { from, .. } => {
                format!("write {}.NAME; a resource stays of its kind", from.kind())
            }
            EditError::NoAddress { .. } => {
                "a service's name stands for all of it only where both names are services'"
                    .to_owned()
            }
        })
    }
}

/// At most five addresses, for a message.
pub fn first(addresses: &[Address]) -> String {
    let mut words: Vec<String> = addresses.iter().take(5).map(Address::to_string).collect();
    if addresses.len() > 5 {
        words.push(format!("and {} more", addresses.len() - 5));
    }
    words.join(", ")
}

pub async fn run(global: &GlobalOptions, arguments: &StateArguments) -> Result<u8, CommandError> {
    match &arguments.action {
        StateAction::List(arguments) => list::run(global, arguments).await?,
        StateAction::Show(arguments) => show::run(global, arguments).await?,
        StateAction::Forget(arguments) => return forget::run(global, arguments).await,
        StateAction::Mv(arguments) => mv::run(global, arguments).await?,
        StateAction::Pull(arguments) => pull::run(global, arguments).await?,
        StateAction::Rebuild(arguments) => rebuild::run(global, arguments).await?,
        StateAction::Unprotect(arguments) => unprotect::run(global, arguments).await?,
    }
    Ok(exit_code::DONE)
}

/// The state as it is on the disk now, without a lock.
async fn read(global: &GlobalOptions, stack: &StackChoice) -> Result<State, CommandError> {
    let name = stack.choose(global)?.name;
    require_recorded(global, &name)?;
    let session = open_session(global, &name, Access::Read).await?;
    if let Some(holder) = session.beside() {
        output::warning(
            global,
            &format!("{holder} is at work on it: this is how far it got"),
        );
    }
    Ok(session.state())
}

/// The state, locked for a change.
async fn open(global: &GlobalOptions, name: &str, command: &str) -> Result<Session, CommandError> {
    require_recorded(global, name)?;
    let command = command.to_owned();
    open_session(global, name, Access::Write { command }).await
}

/// Everything that has a place in the state: what exists, and creates whose fate is not known.
fn addresses(state: &State) -> Vec<&Address> {
    let mut addresses: Vec<&Address> = state
        .resources
        .keys()
        .chain(state.pending.keys())
        .chain(state.unresolved.keys())
        .collect();
    addresses.sort();
    addresses.dedup();
    addresses
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::state::{Intent, Pending, Record, Sequence, Status, Unresolved};

    fn record(state: &mut State, address: &str, id: &str, needs: &[&str]) {
        let edges: Vec<Value> = needs
            .iter()
            .map(|to| json!({"$ref": to, "gate": "exists", "on_delete": "gone"}))
            .collect();
        let record = Record {
            spec: json!({ "needs": edges }),
            outputs: json!({ "id": id }),
            status: Status::Ready,
            token: "t".repeat(32),
            lookup: false,
            stands_for: None,
        };
        state.resources.insert(address.parse().unwrap(), record);
    }

    /// A small stack with one of everything that a state can hold.
    pub(super) fn state() -> State {
        let mut state = State::new("demo");
        record(&mut state, "vpc.main", "vpc-1", &[]);
        record(&mut state, "subnet.a", "subnet-1", &["vpc.main"]);
        record(&mut state, "internet_gateway.main", "igw-1", &["vpc.main"]);
        record(&mut state, "target_group.web~1", "arn:tg", &[]);
        record(&mut state, "ecs_service.web", "arn:service", &["subnet.a"]);
        state.pending.insert(
            "nat_gateway.1a".parse().unwrap(),
            Pending {
                sequence: Sequence::from(7),
                intent: Intent::Create {
                    token: "t7".to_owned(),
                    spec: json!({}),
                },
                at: 0,
            },
        );
        state.unresolved.insert(
            "elastic_ip.1a".parse().unwrap(),
            Unresolved {
                token: "t8".to_owned(),
                spec: json!({}),
                at: 0,
            },
        );
        state
    }

    #[test]
    fn everything_with_a_place_in_the_state_is_found() {
        let state = state();
        assert_eq!(addresses(&state).len(), 7);
    }
}
