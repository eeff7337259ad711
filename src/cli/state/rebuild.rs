//! `navi state rebuild`: how is a lost state made again, or a gap in it filled, from the tags in AWS?

use serde_json::json;

use super::super::arguments::GlobalOptions;
use super::super::context::{Connection, close_session, open_session};
use super::super::error::CommandError;
use super::super::run::view;
use super::super::stack_file::{StackChoice, StackFile};
use super::super::{output, planning, rebuilding};
use crate::report::id_of;
use crate::stack::Stack;
use crate::state::{Access, Session};

/// Record again what carries the stack's tags in AWS and is not recorded
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It changes nothing in AWS, drops nothing from the state, and leaves alone what `navi state forget` gave back. `up`, `down` and `status` do the same by
themselves where nothing at all is recorded. With the stack file at hand, what is found is taken for
what the file wants, and `navi plan` shows what differs; with `--stack NAME` alone, for what `down` needs.

Examples:
  navi state rebuild
  navi state rebuild --stack shop --region eu-west-1")]
pub struct RebuildArguments {
    #[command(flatten)]
    stack: StackChoice,
}

pub async fn run(global: &GlobalOptions, arguments: &RebuildArguments) -> Result<(), CommandError> {
    let (name, file) = match arguments.stack.name() {
        Some(name) => (name.to_owned(), None),
        None => {
            let file = StackFile::load(global)?;
            (file.stack().name.clone(), Some(file))
        }
    };
    let command = "state rebuild".to_owned();
    let session = open_session(global, &name, Access::Write { command }).await?;
    let result = rebuild(global, file, &session).await;
    close_session(session, result).await
}

async fn rebuild(
    global: &GlobalOptions,
    file: Option<StackFile>,
    session: &Session,
) -> Result<(), CommandError> {
    let recorded = session.with_state(|state| {
        let identity = state.identity.as_ref();
        identity.map(|identity| identity.region.clone())
    });
    let wanted = file.as_ref().and_then(|file| file.stack().region.clone());
    let region = recorded.or(wanted);
    let connection = Connection::open(global, region.as_deref()).await?;
    let stack: Option<Stack> = match file {
        Some(file) => Some(file.resolve(&connection.account, &connection.region)?),
        None => None,
    };
    session.identify(connection.identity()).await?;
    planning::settle(session, &connection, &*view(global)).await?;
    let added = rebuilding::record(global, session, &connection, stack.as_ref()).await?;
    let state = session.state();
    if global.json() {
        let lines: Vec<_> = added
            .iter()
            .map(|address| {
                let record = state.resources.get(address);
                json!({
                    "address": address,
                    "id": record.and_then(|record| id_of(&record.outputs)),
                })
            })
            .collect();
        return output::document(&json!({"stack": state.stack, "recorded": lines}));
    }
    for address in &added {
        output::data(&address.to_string())?;
    }
    output::notice(&match added.len() {
        0 => format!(
            "nothing that carries the tags of {} is missing from its state ({})",
            state.stack,
            connection.place()
        ),
        count => format!("{count} recorded ({})", connection.place()),
    });
    Ok(())
}
