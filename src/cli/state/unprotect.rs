//! `navi state unprotect`: how may a stack be taken down whose file, which protects it, is lost?

use serde_json::json;

use super::super::arguments::GlobalOptions;
use super::super::context::close_session;
use super::super::error::CommandError;
use super::super::stack_file::StackChoice;
use super::super::{output, prompt, protection};
use crate::resource::Protection;
use crate::state::Session;

/// Lift what `protect` in the stack file protects, where that file is lost
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Where there is the file, take `protect` out of it and run `navi up`: an `up` with it protects again.

Examples:
  navi state unprotect --stack shop")]
pub struct UnprotectArguments {
    #[command(flatten)]
    stack: StackChoice,
}

pub async fn run(
    global: &GlobalOptions,
    arguments: &UnprotectArguments,
) -> Result<(), CommandError> {
    prompt::require_answerable(global, "state unprotect")?;
    let chosen = arguments.stack.choose(global)?;
    let session = super::open(global, &chosen.name, "state unprotect").await?;
    let result = unprotect(global, &session).await;
    close_session(session, result).await
}

async fn unprotect(global: &GlobalOptions, session: &Session) -> Result<(), CommandError> {
    let before = session.with_state(|state| state.protection.clone());
    let news = protection::news(&before, &Protection::Nothing);
    match &news {
        Some(news) => {
            output::progress(global, &format!("{}: {news}", session.stack()));
            prompt::confirm(global, "Record this?")?;
        }
        None => output::progress(
            global,
            &format!("{}: nothing is protected", session.stack()),
        ),
    }
    session.protect(Protection::Nothing).await?;
    if global.json() {
        return output::document(&json!({
            "stack": session.stack(),
            "protection": {"before": before, "now": Protection::Nothing},
        }));
    }
    Ok(())
}
