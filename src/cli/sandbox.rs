//! `navi sandbox`: how is the simulated AWS on this machine started, looked at, emptied and stopped?

use serde_json::json;

use super::arguments::GlobalOptions;
use super::error::CommandError;
use super::sandbox_server::{Running, SandboxServer};
use super::sandbox_settings::SandboxSettings;
use super::{exit_code, output};
use crate::sandbox::{BUILT_IN_FIGURES, DEFAULT_ACCOUNT};

/// Start, look at, empty or stop the simulated AWS on this machine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eval \"$(navi sandbox start)\"     point the AWS CLI of this shell at the sandbox
  navi up --sandbox                starts it by itself
  navi sandbox start --pace realistic
                                   everything takes as long as on AWS
  navi sandbox reset               begin again with an empty AWS")]
pub struct SandboxArguments {
    #[command(subcommand)]
    action: SandboxAction,
}

#[derive(Debug, clap::Subcommand)]
enum SandboxAction {
    /// Start it in the background and print what points the AWS CLI and SDKs at it
    Start(SandboxSettings),
    /// Stop it; everything in it is gone
    #[command(after_help = "\
Examples:
  navi sandbox stop")]
    Stop,
    /// Say whether it runs, where, and what is in it
    #[command(after_help = "\
Examples:
  navi sandbox status
  navi sandbox status --output json")]
    Status,
    /// Empty it: the account is as new
    #[command(after_help = "\
Examples:
  navi sandbox reset")]
    Reset,
    /// Print how long everything takes on AWS: a file to change and give to `start --durations`
    #[command(after_help = "\
Examples:
  navi sandbox durations > durations.yaml")]
    Durations,
    /// Be the sandbox, in the foreground
    #[command(hide = true)]
    Serve(SandboxSettings),
}

pub async fn run(global: &GlobalOptions, arguments: &SandboxArguments) -> Result<u8, CommandError> {
    let server = SandboxServer::of(&global.state_dir)?;
    match &arguments.action {
        SandboxAction::Start(settings) => start(global, &server, settings).await?,
        SandboxAction::Stop => match server.stop().await? {
            Some(stopped) => output::notice(&format!("sandbox at {} stopped", stopped.endpoint)),
            None => output::notice("no sandbox runs here"),
        },
        SandboxAction::Status => return status(global, &server).await,
        SandboxAction::Reset => {
            let running = server.reset().await?;
            output::notice(&format!("sandbox at {} is empty", running.endpoint));
        }
        SandboxAction::Durations => output::data(BUILT_IN_FIGURES)?,
        SandboxAction::Serve(settings) => server.serve(settings).await?,
    }
    Ok(exit_code::DONE)
}

async fn start(
    global: &GlobalOptions,
    server: &SandboxServer,
    settings: &SandboxSettings,
) -> Result<(), CommandError> {
    let started = server.start(settings).await?;
    let running = started.running;
    output::notice(&format!(
        "sandbox {} at {} (process {})",
        if started.anew { "runs" } else { "runs already" },
        running.endpoint,
        running.pid
    ));
    if global.json() {
        output::document(&json!({
            "endpoint": running.endpoint,
            "pid": running.pid,
            "port": running.port,
            "access_key_id": DEFAULT_ACCOUNT,
            "secret_access_key": SECRET_ACCESS_KEY,
        }))
    } else {
        output::data(&exports(&running))
    }
}

/// No secret: the sandbox verifies no signature, but clients want something to sign with.
const SECRET_ACCESS_KEY: &str = "sandbox";

fn exports(running: &Running) -> String {
    format!(
        "export AWS_ENDPOINT_URL={}\n\
         export AWS_ACCESS_KEY_ID={DEFAULT_ACCOUNT}\n\
         export AWS_SECRET_ACCESS_KEY={SECRET_ACCESS_KEY}\n",
        running.endpoint
    )
}

async fn status(global: &GlobalOptions, server: &SandboxServer) -> Result<u8, CommandError> {
    let Some(running) = server.running().await else {
        if global.json() {
            output::document(&json!({"running": false}))?;
        } else {
            output::data("no sandbox runs here; `navi sandbox start` starts one")?;
        }
        return Ok(exit_code::DONE);
    };
    if global.json() {
        let mut document = running.status.clone();
        document["running"] = json!(true);
        document["endpoint"] = json!(running.endpoint);
        output::document(&document)?;
    } else {
        output::data(&described(&running))?;
    }
    Ok(exit_code::DONE)
}

fn described(running: &Running) -> String {
    let status = &running.status;
    let mut text = format!(
        "sandbox at {} (process {}), pace {}, seed {}, up {} s\n{} calls, {} of them mutating\n",
        running.endpoint,
        running.pid,
        status["pace"].as_str().unwrap_or("unknown"),
        status["seed"],
        status["uptime_seconds"],
        status["calls"]["total"],
        status["calls"]["mutating"],
    );
    let resources: Vec<_> = status["resources"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(kind, count)| Some((kind, count.as_u64().filter(|count| *count > 0)?)))
        .collect();
    if resources.is_empty() {
        text.push_str("nothing in it\n");
    }
    for (kind, count) in resources {
        text.push_str(&format!("{count:>6}  {kind}\n"));
    }
    text
}
