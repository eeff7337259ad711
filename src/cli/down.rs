//! How does `navi down` remove everything that the stack's state records? Without a stack file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::arguments::{GlobalOptions, parse_duration};
use super::context::{Connection, close_session, open_session};
use super::error::CommandError;
use super::protection::{self, Source};
use super::run::{Ended, Run, view};
use super::stack_file::{ChosenStack, StackChoice};
use super::targets::TargetArguments;
use super::{exit_code, last_run, output, planning, prompt, rebuilding, state};
use crate::plan::{LeftOut, Plan};
use crate::report::{Command, LastRun, Sink};
use crate::resource::{Address, Protection};
use crate::state::{Access, Session, State};

/// Remove everything that `navi up` made, and wait until it is gone
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It works from what navi recorded; the stack file is only asked for the stack's name.
Failed or interrupted: the same command again goes on where it stopped.

Examples:
  navi down -f stacks/ecs-navi.yaml
  navi down --stack ecs-navi --yes    without the stack file, without asking")]
pub struct DownArguments {
    #[command(flatten)]
    stack: StackChoice,

    /// Stop waiting after this time, for example 30m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,

    /// Let open requests end for as long as the target groups say, and do not shorten that time
    #[arg(long)]
    drain: bool,

    /// Tell at the end how long every step took, what it waited for, and which chain of them decided the time
    #[arg(long)]
    timings: bool,

    /// Write a page about the run for a browser: picture, timeline, changes, calls, outputs
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    #[command(flatten)]
    targets: TargetArguments,
}

impl DownArguments {
    /// The command with its own options, for the person to run again.
    fn spelled_out(&self) -> String {
        let mut text = format!("down{}", self.stack.spelled_out());
        if let Some(timeout) = self.timeout {
            text.push_str(&format!(" --timeout {}s", timeout.as_secs()));
        }
        if self.drain {
            text.push_str(" --drain");
        }
        text + &self.targets.spelled_out()
    }
}

pub async fn run(global: &GlobalOptions, arguments: &DownArguments) -> Result<u8, CommandError> {
    prompt::require_answerable(global, "down")?;
    last_run::require_writable(arguments.report.as_deref())?;
    let chosen = arguments.stack.choose(global)?;
    rebuilding::require_known(global, &chosen).await?;
    let session = open_session(
        global,
        &chosen.name,
        Access::Write {
            command: "down".to_owned(),
        },
    )
    .await?;
    let result = take_down(global, arguments, &chosen, &session).await;
    close_session(session, result).await
}

async fn take_down(
    global: &GlobalOptions,
    arguments: &DownArguments,
    chosen: &ChosenStack,
    session: &Session,
) -> Result<u8, CommandError> {
    let state = session.state();
    output::progress(
        global,
        &format!("{}: looking at what is recorded", chosen.name),
    );
    let connection = Connection::of_recorded(global, session, chosen).await?;
    let view = view(global);
    planning::settle(session, &connection, &*view).await?;
    let found = rebuilding::if_lost(global, session, &connection, None).await?;
    if !found.is_empty() {
        session.identify(connection.identity()).await?;
    }
    let (mut ended, left_out) =
        remove_recorded(global, arguments, chosen, session, &connection, view, None).await?;
    // Where nothing is recorded, the tags have been looked at already.
    let looked = state.is_empty() && found.is_empty();
    if ended.exit_code == exit_code::DONE && left_out.is_empty() && !looked {
        let left = rebuilding::if_left(global, session, &connection).await?;
        if !left.is_empty() {
            session.identify(connection.identity()).await?;
            let view = self::view(global);
            let earlier = ended.last.take();
            let (and_these, _) = remove_recorded(
                global,
                arguments,
                chosen,
                session,
                &connection,
                view,
                earlier,
            )
            .await?;
            ended.exit_code = and_these.exit_code;
            let and_these = Value::Object(and_these.document);
            ended.document.insert("unrecorded".to_owned(), and_these);
        }
    }
    if global.json() {
        let given_back = session.with_state(|state| json!(addresses_given_back(state)));
        ended.document.insert("given_back".to_owned(), given_back);
        output::document(&Value::Object(ended.document))?;
    } else if ended.exit_code == exit_code::DONE && !left_out.is_empty() {
        output::progress(
            global,
            &format!(
                "done; `navi down` removes the rest of {} ({})",
                chosen.name,
                connection.place()
            ),
        );
    } else if ended.exit_code == exit_code::DONE {
        output::progress(global, &nothing_left(&session.state(), &connection.place()));
    }
    Ok(ended.exit_code)
}

fn addresses_given_back(state: &State) -> Vec<Address> {
    let given_back = state.given_back.iter();
    given_back.map(|given| given.address.clone()).collect()
}

/// Of what was given back nobody looks whether its owner has kept it.
fn nothing_left(state: &State, place: &str) -> String {
    let stack = &state.stack;
    match addresses_given_back(state).as_slice() {
        [] => format!("nothing of {stack} is left ({place})"),
        given_back => format!(
            "nothing of {stack} is left but what was given back, which navi leaves alone: {} ({place})",
            state::first(given_back)
        ),
    }
}

/// Plans, asks and removes. Also answers what `--target` leaves.
async fn remove_recorded(
    global: &GlobalOptions,
    arguments: &DownArguments,
    chosen: &ChosenStack,
    session: &Session,
    connection: &Connection,
    view: Arc<dyn Sink>,
    earlier: Option<LastRun>,
) -> Result<(Ended, LeftOut), CommandError> {
    let plan = planning::for_down(session, connection)?;
    let (plan, left_out) = arguments.targets.limit(plan)?;
    let recorded = session.with_state(|state| state.protection.clone());
    check_protection(global, &plan, chosen, &recorded)?;
    let run = Run {
        global,
        command: Command::Down,
        connection,
        session,
        wait: true,
        timeout: arguments.timeout,
        drain: arguments.drain,
        timings: arguments.timings,
        report: arguments.report.as_deref(),
        earlier,
        left_out: &left_out,
        protection: None,
    };
    let ended = run.carry_out(&plan, view, &arguments.spelled_out()).await?;
    Ok((ended, left_out))
}

/// What the state protects, and what the file does that no `up` has recorded yet.
fn check_protection(
    global: &GlobalOptions,
    plan: &Plan,
    chosen: &ChosenStack,
    recorded: &Protection,
) -> Result<(), CommandError> {
    let in_file = chosen.protection.clone();
    let both = recorded.and(&in_file.clone().unwrap_or_default());
    let source = Source::Recorded {
        stack: chosen.name.clone(),
        file: in_file.map(|protection| (global.file.clone(), protection)),
    };
    protection::check(plan, &both, source)
}
