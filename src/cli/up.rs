//! How does `navi up` bring the environment to what the stack file says?

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::arguments::{GlobalOptions, parse_duration};
use super::context::{Connection, close_session, open_session};
use super::error::CommandError;
use super::outputs::urls;
use super::planning::Counts;
use super::protection::{self, Source};
use super::run::{Run, view};
use super::stack_file::StackFile;
use super::targets::TargetArguments;
use super::{check, exit_code, last_run, output, planning, prompt, rebuilding};
use crate::model;
use crate::observe::Refresh;
use crate::report::{Command, Palette};
use crate::state::{Access, Session};

/// Create or change everything the stack file asks for, and wait until it serves
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It shows the account, the region and the plan, and asks before it changes anything.
Interrupted, killed or failed: the same command again goes on where it stopped.

Examples:
  navi up --sandbox                          in the simulated AWS on this machine
  navi up -f stacks/ecs-navi.yaml            in your account
  navi up --yes --timeout 20m --output json  in a pipeline")]
pub struct UpArguments {
    /// End when everything exists, without waiting until it serves
    #[arg(long)]
    no_wait: bool,

    /// Leave the number of tasks of every service that exists as it is in AWS, whatever the file says
    #[arg(long)]
    keep_counts: bool,

    /// Stop waiting after this time, for example 20m; what exists stays
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,

    /// Do not look first whether names are free, quotas suffice, certificate and domain are ready
    #[arg(long)]
    skip_check: bool,

    /// Tell at the end how long every step took, what it waited for, and which chain of them decided the time
    #[arg(long)]
    timings: bool,

    /// Write a page about the run for a browser: picture, timeline, changes, calls, outputs
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    #[command(flatten)]
    targets: TargetArguments,
}

impl UpArguments {
    /// The command with its own options, for the person to run again.
    fn spelled_out(&self) -> String {
        let mut text = "up".to_owned();
        for (given, option) in [
            (self.no_wait, " --no-wait"),
            (self.keep_counts, " --keep-counts"),
            (self.skip_check, " --skip-check"),
        ] {
            text.push_str(if given { option } else { "" });
        }
        if let Some(timeout) = self.timeout {
            text.push_str(&format!(" --timeout {}s", timeout.as_secs()));
        }
        text + &self.targets.spelled_out()
    }
}

pub async fn run(global: &GlobalOptions, arguments: &UpArguments) -> Result<u8, CommandError> {
    prompt::require_answerable(global, "up")?;
    last_run::require_writable(arguments.report.as_deref())?;
    let file = StackFile::load(global)?;
    let session = open_session(
        global,
        &file.stack().name,
        Access::Write {
            command: "up".to_owned(),
        },
    )
    .await?;
    let result = bring_up(global, arguments, file, &session).await;
    close_session(session, result).await
}

async fn bring_up(
    global: &GlobalOptions,
    arguments: &UpArguments,
    file: StackFile,
    session: &Session,
) -> Result<u8, CommandError> {
    output::progress(
        global,
        &format!("{}: looking at what is there", session.stack()),
    );
    let connection = Connection::open(global, file.stack().region.as_deref()).await?;
    let stack = file.resolve(&connection.account, &connection.region)?;
    session.identify(connection.identity()).await?;
    let view = view(global);
    planning::settle(session, &connection, &*view).await?;
    rebuilding::if_lost(global, session, &connection, Some(&stack)).await?;
    let counts = Counts::keep(arguments.keep_counts);
    let plan = planning::for_up(global, &stack, session, &connection, Refresh::All, counts).await?;
    let (plan, left_out) = arguments.targets.limit(plan)?;
    let protection = model::protection(&stack);
    protection::check(&plan, &protection, Source::File(global.file.clone()))?;
    if !arguments.skip_check {
        check::before_up(global, &connection, &plan, session).await?;
    }
    let run = Run {
        global,
        command: Command::Up,
        connection: &connection,
        session,
        wait: !arguments.no_wait,
        timeout: arguments.timeout,
        drain: true,
        timings: arguments.timings,
        report: arguments.report.as_deref(),
        earlier: None,
        left_out: &left_out,
        protection: Some(&protection),
    };
    let nothing_to_do = plan.is_empty();
    let ended = run.carry_out(&plan, view, &arguments.spelled_out()).await?;
    let urls = session.with_state(urls);
    if global.json() {
        let mut document = ended.document;
        document.insert("urls".to_owned(), json!(urls));
        output::document(&Value::Object(document))?;
    } else {
        if nothing_to_do && !left_out.targets.is_empty() {
            output::progress(
                global,
                &format!("{}: nothing to do for these. {left_out}", session.stack()),
            );
        } else if nothing_to_do {
            output::progress(
                global,
                &format!(
                    "{}: everything is as the stack file wants it ({})",
                    session.stack(),
                    connection.place()
                ),
            );
        }
        if ended.exit_code == exit_code::DONE {
            let heading = Palette::for_stderr().heading;
            let end = match (left_out.is_empty(), arguments.no_wait) {
                (false, _) => "done; `navi up` does what was left out",
                (true, true) => "everything exists; `navi up` waits until it serves",
                (true, false) => "it serves",
            };
            output::progress(global, &format!("{heading}{end}{heading:#}"));
        }
        if ended.exit_code == exit_code::DONE && !urls.is_empty() {
            output::data(&urls.join("\n"))?;
        }
    }
    Ok(ended.exit_code)
}
