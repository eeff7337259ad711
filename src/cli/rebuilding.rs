//! How does a command get back a state that was lost? From the tags on what is there.

use super::arguments::GlobalOptions;
use super::context::Connection;
use super::error::CommandError;
use super::stack_file::{ChosenStack, require_recorded};
use super::{output, planning};
use crate::aws::ConfigurationError;
use crate::observe::{ObserveError, Rebuilt, rebuild};
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
    let nothing = State::new(&chosen.name);
    let there = rebuild(&connection.aws, &chosen.name, None, &nothing).await?;
    match there.is_empty() {
        true => Err(unknown(Some(connection.place()))),
        false => Ok(()),
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
    let recorded = record_if_allowed(global, session, connection, stack).await?;
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

/// After everything that was recorded is removed: looks whether AWS carried out a create that nobody waited for any
/// more (aws-behaviour §2), records that, and says so.
pub async fn if_left(
    global: &GlobalOptions,
    session: &Session,
    connection: &Connection,
) -> Result<Vec<Address>, CommandError> {
    let recorded = record_if_allowed(global, session, connection, None).await?;
    if !recorded.is_empty() {
        output::progress(
            global,
            &format!(
                "{}: {} in AWS with its tags, though nothing recorded it; it goes too",
                session.stack(),
                counted(recorded.len())
            ),
        );
    }
    Ok(recorded)
}

async fn record_if_allowed(
    global: &GlobalOptions,
    session: &Session,
    connection: &Connection,
    stack: Option<&Stack>,
) -> Result<Vec<Address>, CommandError> {
    match record(global, session, connection, stack).await {
        Err(CommandError::Observe(ObserveError::Call(error)))
            if error.class == ErrorClass::Denied =>
        {
            let message = format!(
                "could not look whether more of {} is there: {error}",
                session.stack()
            );
            output::warning(global, &message);
            Ok(Vec::new())
        }
        recorded => recorded,
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
    let state = session.state();
    let rebuilt = rebuild(&connection.aws, session.stack(), desired.as_ref(), &state).await?;
    let mut recorded = Vec::new();
    for rebuilt in rebuilt {
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
