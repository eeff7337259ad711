//! What can be said on the command line? The global options and the list of commands; each command's own are in its file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use super::sandbox_server::SandboxServer;
use super::{
    adopt, check, completions, config, discover, down, drift, events, exec, exit_code, explain,
    graph, init, logs, man, outputs, plan, policy, redeploy, report, sandbox, scale, schema, state,
    status, tasks, unlock, up, verify,
};
use crate::aws::Moment;

pub const DEFAULT_FILE: &str = "navi.yaml";
const DEFAULT_STATE_DIR: &str = ".navi";

/// One command up, one command down: service-discovered ECS environments on AWS.
#[derive(Debug, Parser)]
#[command(name = "navi", version, after_help = exit_code::HELP, max_term_width = 110)]
pub struct Arguments {
    #[command(flatten)]
    pub global: GlobalOptions,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalOptions {
    /// The stack file
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        default_value = DEFAULT_FILE
    )]
    pub file: PathBuf,

    /// Value of a variable of the stack file, over the environment's; may be repeated
    #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,

    /// Where navi keeps what it knows of your stacks
    #[arg(long, global = true, value_name = "DIR", default_value = DEFAULT_STATE_DIR)]
    pub state_dir: PathBuf,

    /// Use the simulated AWS on this machine, started in the background when needed; no AWS account is touched
    #[arg(long, global = true)]
    pub sandbox: bool,

    /// AWS region, over the stack file's and the AWS configuration's
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,

    /// Profile of the AWS configuration
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "sandbox")]
    pub profile: Option<String>,

    /// Where all AWS calls go, over the environment's and the profile's
    #[arg(long, global = true, value_name = "URL", conflicts_with = "sandbox")]
    pub endpoint_url: Option<String>,

    /// Do not ask before changing anything; needed where nobody can answer
    #[arg(short, long, global = true, visible_alias = "auto-approve")]
    pub yes: bool,

    /// json: one JSON document on standard output, events as JSON lines on standard error
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub output: OutputFormat,

    /// No colour, whatever the terminal can do; NO_COLOR does the same
    #[arg(long, global = true)]
    pub no_color: bool,

    /// Only warnings and errors on standard error
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more on standard error: -v what navi does, -vv every AWS call (never its content)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Init(init::InitArguments),
    Up(up::UpArguments),
    Down(down::DownArguments),
    Plan(plan::PlanArguments),
    Check(check::CheckArguments),
    Drift(drift::DriftArguments),
    Redeploy(redeploy::RedeployArguments),
    Scale(scale::ScaleArguments),
    Status(status::StatusArguments),
    Verify(verify::VerifyArguments),
    Logs(logs::LogsArguments),
    Tasks(tasks::TasksArguments),
    Events(events::EventsArguments),
    Exec(exec::ExecArguments),
    Discover(discover::DiscoverArguments),
    Graph(graph::GraphArguments),
    Report(report::ReportArguments),
    Outputs(outputs::OutputsArguments),
    Policy(policy::PolicyArguments),
    Config(config::ConfigArguments),
    Schema(schema::SchemaArguments),
    Adopt(adopt::AdoptArguments),
    State(state::StateArguments),
    Unlock(unlock::UnlockArguments),
    Explain(explain::ExplainArguments),
    Sandbox(sandbox::SandboxArguments),
    Completions(completions::CompletionsArguments),
    Man(man::ManArguments),
}

impl GlobalOptions {
    pub fn json(&self) -> bool {
        self.output == OutputFormat::Json
    }

    /// Where the states lie. The sandbox's lie apart: no `--sandbox` can touch what is real.
    pub fn store_directory(&self) -> PathBuf {
        match self.sandbox {
            true => SandboxServer::directory(&self.state_dir),
            false => self.state_dir.clone(),
        }
    }

    /// The command with these options, for the person to run again. Values of variables may be
    /// secrets and are left out.
    pub fn spelled_out(&self, command: &str) -> String {
        let mut words = vec!["navi".to_owned(), command.to_owned()];
        let mut option = |name: &str, value: &str| words.extend([name.to_owned(), quoted(value)]);
        let default_file = self.file == Path::new(DEFAULT_FILE);
        let default_state = self.state_dir == Path::new(DEFAULT_STATE_DIR);
        if !default_file {
            option("-f", &self.file.to_string_lossy());
        }
        for (name, _) in &self.set {
            option("--set", &format!("{name}=..."));
        }
        if !default_state {
            option("--state-dir", &self.state_dir.to_string_lossy());
        }
        let others = [
            ("--region", &self.region),
            ("--profile", &self.profile),
            ("--endpoint-url", &self.endpoint_url),
        ];
        for (name, value) in others {
            if let Some(value) = value {
                option(name, value);
            }
        }
        let json = self.json().then_some("--output json");
        let flags = [
            self.sandbox.then_some("--sandbox"),
            self.yes.then_some("--yes"),
            json,
        ];
        words.extend(flags.into_iter().flatten().map(str::to_owned));
        words.join(" ")
    }
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./:=@%+,".contains(character);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// `NAME=VALUE`, split at the first equals sign.
fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, for example TAG=1.2".to_owned()),
    }
}

/// A moment: how long ago, such as `10m` or `2h`, or as RFC 3339.
pub fn parse_moment(text: &str) -> Result<Moment, String> {
    match (parse_duration(text), Moment::parse(text)) {
        (_, Some(moment)) => Ok(moment),
        (Ok(ago), None) => Ok(Moment::now().before(ago)),
        (Err(_), None) => Err(
            "write how long ago, such as 10m, 2h or 3d, or a time such as 2026-01-31T09:00:00Z"
                .to_owned(),
        ),
    }
}

/// A duration such as `90s`, `20m`, `1h30m`; a bare number counts seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a duration such as 90s, 20m or 1h30m".to_owned();
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut rest = text;
    let mut seconds: u64 = 0;
    while !rest.is_empty() {
        let digits = rest
            .find(|character: char| !character.is_ascii_digit())
            .ok_or_else(wrong)?;
        let count: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let mut after = rest[digits..].chars();
        let unit = match after.next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            _ => return Err(wrong()),
        };
        seconds = count
            .checked_mul(unit)
            .and_then(|part| seconds.checked_add(part))
            .ok_or_else(wrong)?;
        rest = after.as_str();
    }
    match seconds {
        0 => Err(wrong()),
        _ => Ok(Duration::from_secs(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn durations_have_units_and_bare_numbers_are_seconds() {
        let seconds = |text| parse_duration(text).map(|duration| duration.as_secs());
        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("1h30m"), Ok(5400));
        assert_eq!(seconds("2d"), Ok(172_800));
        for wrong in ["", "m", "5x", "1h30", "-1s", "99999999999999999999h"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_command_to_go_on_repeats_the_options_and_keeps_secrets() {
        let arguments = Arguments::try_parse_from([
            "navi",
            "up",
            "--sandbox",
            "-f",
            "my stack.yaml",
            "--set",
            "TOKEN=secret",
            "--yes",
        ])
        .unwrap();
        assert_eq!(
            arguments.global.spelled_out("up"),
            "navi up -f 'my stack.yaml' --set TOKEN=... --sandbox --yes"
        );
    }

    #[test]
    fn a_variable_may_hold_equals_signs_and_be_empty() {
        assert_eq!(assignment("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert_eq!(assignment("A="), Ok(("A".to_owned(), String::new())));
        assert!(assignment("=b").is_err());
        assert!(assignment("A").is_err());
    }
}
