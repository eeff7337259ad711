//! What stands in for a container's shell in the sandbox? Its control, which knows what some commands would say there.

use std::io::{self, BufRead, Write};

use serde_json::json;

use super::command_line;
use crate::aws::CommandTarget;
use crate::cli::context::Connection;
use crate::cli::error::CommandError;
use crate::cli::sandbox_server::ask;
use crate::cli::{exit_code, output};

/// Runs the command, or reads commands from the terminal until `exit`.
pub async fn run(
    connection: &Connection,
    target: &CommandTarget,
    words: &[String],
) -> Result<u8, CommandError> {
    if !words.is_empty() {
        return run_one(connection, target, &command_line(words)).await;
    }
    output::notice(
        "the sandbox runs no containers: `help` says what this shell knows, `exit` leaves it",
    );
    let mut code = exit_code::DONE;
    loop {
        let mut line = String::new();
        write!(io::stderr(), "{} # ", target.container)
            .and_then(|()| io::stdin().lock().read_line(&mut line))
            .map_err(CommandError::Prompt)?;
        match line.trim() {
            // The end of input, as Ctrl-D gives it.
            "" if line.is_empty() => return Ok(code),
            "" => {}
            "exit" => return Ok(code),
            command => code = run_one(connection, target, command).await?,
        }
    }
}

async fn run_one(
    connection: &Connection,
    target: &CommandTarget,
    command: &str,
) -> Result<u8, CommandError> {
    let endpoint = connection.endpoint.as_deref().unwrap_or_default();
    let body = json!({"task": target.task, "container": target.container, "command": command});
    let answer = ask(endpoint, "exec", &body).await?;
    let said = answer["output"].as_str().unwrap_or_default();
    if !said.is_empty() {
        output::data(said)?;
    }
    let code = answer["exit_code"].as_u64();
    Ok(code
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(exit_code::ERROR))
}
