//! How does a command get back a state that was lost? From the tags on what is there.

use std::collections::BTreeSet;

use super::arguments::GlobalOptions;
use super::context::Connection;
use super::error::CommandError;
use super::stack_file::{ChosenStack, require_recorded};
use super::{output, planning};
use crate::aws::ConfigurationError;
use crate::observe::{ObserveError, Rebuilt, rebuild};
use crate::report::id_of;
use crate::resource::{Address, ErrorClass};
use crate::stack::Stack;
use crate::state::{Session, State};

/// Refuses a stack of which nothing is recorded and nothing carries the tags, before anything is locked or written: it
/// is most likely a slip of the pen, or the wrong directory.
pub async fn require_known(
    global: &GlobalOptions,
    chosen: &ChosenStack,
) -> Result<(), CommandError> {
    let unknown = match require_recorded(global, &chosen.name) {
        Err(CommandError::NotRecorded {
            stack,
            directory,
            elsewhere: None,
            ..
        }) => |looked| CommandError::NotRecorded {
            stack,
            directory,
            elsewhere: None,
            looked,
        },
        otherwise => return otherwise,
    };
    let connection = match Connection::open(global, chosen.region.as_deref()).await {
        // Nowhere to look.
        Err(CommandError::Configuration(ConfigurationError::NoRegion)) => {
            return Err(unknown(None));
        }
        opened => opened?,
    };
    match rebuild(&connection.aws, &chosen.name, None).await?.len() {
        0 => Err(unknown(Some(connection.place()))),
        _ => Ok(()),
    }
}

/// Where the stack's state is empty: looks for what carries its tags, records that, and says so.
/// Whoever may not look goes on without, warned: a first `up` needs no such permission.
pub async fn if_lost(
    global: &GlobalOptions,
    session: &Session,
    connection: &Connection,
    stack: Option<&Stack>,
) -> Result<Vec<Address>, CommandError> {
    if !session.with_state(State::is_empty) {
        return Ok(Vec::new());
    }
    match record(global, session, connection, stack).await {
        Ok(recorded) => {
            if !recorded.is_empty() {
                output::progress(
                    global,
                    &format!(
                        "{}: nothing was recorded here; {} in AWS with its tags, recorded now",
                        session.stack(),
                        counted(recorded.len())
                    ),
                );
            }
            Ok(recorded)
        }
        Err(CommandError::Observe(ObserveError::Call(error)))
            if error.class == ErrorClass::Denied =>
        {
            let message = format!(
                "could not look whether something of {} is there already: {error}",
                session.stack()
            );
            output::warning(global, &message);
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// Records everything of the stack that is there and not recorded.
pub async fn record(
    global: &GlobalOptions,
    session: &Session,
    connection: &Connection,
    stack: Option<&Stack>,
) -> Result<Vec<Address>, CommandError> {
    let desired = match stack {
        Some(stack) => Some(planning::wanted(global, stack, session, connection).await?),
        None => None,
    };
    let rebuilt = rebuild(&connection.aws, session.stack(), desired.as_ref()).await?;
    let state = session.state();
    let ids: BTreeSet<(String, String)> = state
        .resources
        .iter()
        .filter_map(|(address, record)| Some((address.kind().to_owned(), id_of(&record.outputs)?)))
        .collect();
    let is_new = |rebuilt: &Rebuilt| {
        let id = id_of(&rebuilt.outputs);
        let here = id.map(|id| (rebuilt.address.kind().to_owned(), id));
        !here.is_some_and(|here| ids.contains(&here))
            && !state.resources.contains_key(&rebuilt.address)
            && !state.pending.contains_key(&rebuilt.address)
    };
    let mut recorded = Vec::new();
    for rebuilt in rebuilt.into_iter().filter(is_new) {
        let Rebuilt {
            address,
            resource,
            outputs,
            token,
            ready,
            stands_for,
        } = rebuilt;
        match resource.is_lookup() {
            true => {
                session
                    .looked_up(&address, resource.value(), outputs)
                    .await?;
            }
            false => {
                session
                    .adopt(&address, &*resource, outputs, token, ready, stands_for)
                    .await?;
            }
        }
        recorded.push(address);
    }
    Ok(recorded)
}

fn counted(count: usize) -> String {
    match count {
        1 => "1 resource is".to_owned(),
        count => format!("{count} resources are"),
    }
}
