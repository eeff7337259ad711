//! How does a command begin that only looks at a stack, beside whoever is at work on it? Without its file, or at what that wants.

use super::arguments::GlobalOptions;
use super::context::{Connection, open_session};
use super::error::CommandError;
use super::run::view;
use super::stack_file::{ChosenStack, StackChoice, StackFile};
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

/// What a stack file wants, and where it lives.
pub struct Wanting {
    pub session: Session,
    pub connection: Connection,
    pub stack: Stack,
}

/// Opens the state of the file's stack to read it, and settles in memory what an earlier run left open.
/// `unseen` says what is missed of a run in progress.
pub async fn begin_with_file(
    global: &GlobalOptions,
    unseen: &str,
) -> Result<Wanting, CommandError> {
    let file = StackFile::load(global)?;
    let name = &file.stack().name;
    let session = open_session(global, name, Access::Read).await?;
    if let Some(holder) = session.beside() {
        output::warning(global, &format!("{holder} works on this stack: {unseen}"));
    }
    output::progress(global, &format!("{name}: looking at what is there"));
    let connection = Connection::open(global, file.stack().region.as_deref()).await?;
    let stack = file.resolve(&connection.account, &connection.region)?;
    session
        .state()
        .check_identity(&connection.account, &connection.region)?;
    planning::settle(&session, &connection, &*view(global)).await?;
    Ok(Wanting {
        session,
        connection,
        stack,
    })
}
