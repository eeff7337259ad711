//! How does a command begin that only looks at a stack, without a stack file and beside whoever is at work on it?

use super::arguments::GlobalOptions;
use super::context::{Connection, open_session};
use super::error::CommandError;
use super::run::view;
use super::stack_file::{ChosenStack, StackChoice};
use super::{output, planning, rebuilding};
use crate::resource::Address;
use crate::stack::Stack;
use crate::state::{Access, Session};

/// A stack that is known, and where it lives.
pub struct Reading {
    pub chosen: ChosenStack,
    pub session: Session,
    pub connection: Connection,
    /// What the stack file wants, where there is one.
    pub stack: Option<Stack>,
    /// What was not recorded and found by its tags.
    pub found: Vec<Address>,
}

/// Opens the state to read it, settles in memory what an earlier run left open, and finds a lost stack by its tags.
pub async fn begin(global: &GlobalOptions, choice: &StackChoice) -> Result<Reading, CommandError> {
    let chosen = choice.choose(global)?;
    rebuilding::require_known(global, &chosen).await?;
    let session = open_session(global, &chosen.name, Access::Read).await?;
    if let Some(holder) = session.beside() {
        output::warning(global, &format!("{holder} is at work on it"));
    }
    output::progress(
        global,
        &format!("{}: looking at what is there", chosen.name),
    );
    let connection = Connection::of_recorded(global, &session, &chosen).await?;
    // What an earlier run left open is worth knowing, and no reason to hide the rest.
    if let Err(error) = planning::settle(&session, &connection, &*view(global)).await {
        output::warning(global, &error.to_string());
    }
    let stack = choice.wanted(global, &connection)?;
    let found = rebuilding::if_lost(global, &session, &connection, stack.as_ref()).await?;
    Ok(Reading {
        chosen,
        session,
        connection,
        stack,
        found,
    })
}
