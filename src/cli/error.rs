//! What can keep a command from its end, and what is there to do about it?

use std::error::Error;
use std::fmt::Write;
use std::io;
use std::path::PathBuf;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use serde_json::{Value, json};

use super::adopt::AdoptError;
use super::exec::ExecError;
use super::exit_code;
use super::protection::ProtectedError;
use super::sandbox_server::SandboxError;
use super::sandbox_settings::BadDurations;
use super::state::EditError;
use crate::aws::ConfigurationError;
use crate::draft::DraftProblem;
use crate::graph::GraphError;
use crate::observe::ObserveError;
use crate::plan::PlanError;
use crate::preflight::{Finding, Severity};
use crate::report::{Palette, code_line};
use crate::resource::{CallError, Cause, ErrorClass, NothingSelected};
use crate::stack::{self, StackErrors};
use crate::state::{RecoveryError, StateError};

/// Everything that ends a command early. The variants say what was attempted; `hint` says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("could not read the stack file {}", path.display())]
    StackFileUnreadable { path: PathBuf, source: io::Error },
    #[error(transparent)]
    StackFile(#[from] StackErrors),
    #[error("{} is there already; nothing was written", path.display())]
    StackFileExists { path: PathBuf },
    #[error("could not write {}", path.display())]
    StackFileUnwritable { path: PathBuf, source: io::Error },
    #[error("could not read {}", path.display())]
    SourceUnreadable { path: PathBuf, source: io::Error },
    #[error("{} has an error; nothing was written", .0.file())]
    Draft(Box<DraftProblem>),
    #[error("nothing says what the stack file is to hold, and nobody can answer here")]
    NothingToBeginWith {
        /// What in this folder it could be made from.
        beside: Option<String>,
    },
    #[error("{} has neither a Compose file nor manifests of Copilot", path.display())]
    NoSourceThere { path: PathBuf },
    #[error("the workspace has no environment `{name}`")]
    NoSuchEnvironment { name: String, known: Vec<String> },
    #[error("there is no {}, and {}", file.display(), which(recorded, directory))]
    WhichStack {
        file: PathBuf,
        directory: PathBuf,
        recorded: Vec<String>,
    },
    #[error("nothing is recorded of a stack `{stack}` in {}{}", directory.display(), looked.as_ref().map(|place| format!(", and nothing in {place} carries its tags")).unwrap_or_default())]
    NotRecorded {
        stack: String,
        directory: PathBuf,
        /// The other place where it is recorded, as an option of navi.
        elsewhere: Option<&'static str>,
        /// The account and region where it was looked for by its tags.
        looked: Option<String>,
    },
    #[error("could not write {}", path.display())]
    FileUnwritable { path: PathBuf, source: io::Error },
    #[error("no run of stack `{stack}` is kept that a report could tell of")]
    NoLastRun { stack: String },
    #[error("stack `{stack}` has no output `{name}`")]
    UnknownOutput {
        name: String,
        stack: String,
        similar: Vec<String>,
    },
    #[error("stack `{stack}` has no service `{name}`")]
    UnknownService {
        name: String,
        stack: String,
        known: Vec<String>,
    },
    #[error("{} has no container `{name}`", services.join(", "))]
    UnknownContainer {
        name: String,
        services: Vec<String>,
        known: Vec<String>,
    },
    #[error("the service `{name}` of stack `{stack}` is recorded, but {why}")]
    NotRunning {
        name: String,
        stack: String,
        why: &'static str,
    },
    #[error("the number of tasks of `{name}` is Application Auto Scaling's{}, which would change it back", bounds.as_ref().map(|(min, max)| format!(", between {min} and {max}")).unwrap_or_default())]
    Autoscaled {
        name: String,
        bounds: Option<(u32, u32)>,
    },
    #[error("two numbers of tasks for `{name}`: {} and {}", counts.0, counts.1)]
    TwoCounts { name: String, counts: (u32, u32) },
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    #[error("could not find out whose account this is{}", at(endpoint))]
    WhoAmI {
        /// The endpoint, when it is not AWS's own.
        endpoint: Option<String>,
        source: Box<CallError>,
    },
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the run is over, but its end could not be recorded")]
    NotClosed(#[source] StateError),
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    #[error(transparent)]
    Graph(#[from] GraphError),
    #[error(transparent)]
    Observe(#[from] ObserveError),
    #[error(transparent)]
    Plan(Box<PlanError>),
    #[error(transparent)]
    Protected(Box<ProtectedError>),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error("could not read the durations in {}", path.display())]
    DurationsUnreadable { path: PathBuf, source: io::Error },
    #[error("{} has an error; no sandbox was started", .0.file())]
    Durations(Box<BadDurations>),
    #[error("--target: {0} in this stack")]
    Target(NothingSelected),
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error(transparent)]
    Adopt(Box<AdoptError>),
    #[error(transparent)]
    Exec(Box<ExecError>),
    #[error("`navi {command}` asks before it changes anything, and nobody can answer here")]
    NobodyToAsk { command: &'static str },

    #[error("{} in the way; nothing was changed", things(findings))]
    Preflight { findings: Vec<Finding> },
    #[error("nothing was changed: the answer was no")]
    Declined,
    #[error("could not ask for a confirmation")]
    Prompt(#[source] io::Error),
    #[error("could not listen for Ctrl-C")]
    Signals(#[source] io::Error),
    #[error("could not write to standard output")]
    Output(#[source] io::Error),
    #[error("there is no code `{written}`")]
    UnknownCode { written: String },
    #[error("could not write the manual pages into {}", directory.display())]
    ManualPages {
        directory: PathBuf,
        source: io::Error,
    },
    #[error("there is no part {part}: the policy has {count}")]
    NoSuchPart { part: usize, count: usize },
    #[error("could not turn the stack file into JSON: {0}")]
    Render(String),
}

// Boxed, as whatever is large: every command returns this type.
impl From<PlanError> for CommandError {
    fn from(error: PlanError) -> Self {
        CommandError::Plan(Box::new(error))
    }
}

impl From<AdoptError> for CommandError {
    fn from(error: AdoptError) -> Self {
        CommandError::Adopt(Box::new(error))
    }
}

impl From<ExecError> for CommandError {
    fn from(error: ExecError) -> Self {
        CommandError::Exec(Box::new(error))
    }
}

fn things(findings: &[Finding]) -> String {
    let errors = findings.iter();
    let errors = errors.filter(|finding| finding.severity == Severity::Error);
    match errors.count() {
        1 => "something is".to_owned(),
        many => format!("{many} things are"),
    }
}

fn which(recorded: &[String], directory: &std::path::Path) -> String {
    match recorded {
        [] => format!("no stack is recorded in {}", directory.display()),
        _ => format!(
            "several stacks are recorded in {}: {}",
            directory.display(),
            recorded.join(", ")
        ),
    }
}

impl CommandError {
    pub fn exit_code(&self) -> u8 {
        match self {
            CommandError::State(StateError::Locked { .. })
            | CommandError::Recovery(RecoveryError::State(StateError::Locked { .. })) => {
                exit_code::LOCKED
            }
            CommandError::NotClosed(_) => exit_code::PARTLY_APPLIED,
            _ => exit_code::ERROR,
        }
    }

    /// What the person can do about it. Errors of other rooms say so in their own text.
    fn hint(&self) -> Option<String> {
        match self {
            CommandError::StackFileUnreadable { source, .. }
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Some("name another with -f FILE".to_owned())
            }
            CommandError::StackFileExists { .. } => Some(
                "move it away, name another with -f FILE, or print to the terminal with `-f -`".to_owned(),
            ),
            CommandError::NothingToBeginWith { beside: Some(source) } => Some(format!(
                "`navi init --from {source}` makes it from what is here; else name a service with --service NAME=IMAGE,PORT"
            )),
            CommandError::NothingToBeginWith { beside: None } => Some(
                "name a service with --service NAME=IMAGE,PORT, or a Compose file or Copilot workspace with --from PATH"
                    .to_owned(),
            ),
            CommandError::NoSourceThere { .. } => Some(
                "--from takes a Compose file, the folder it is in, or the folder `copilot` of a workspace".to_owned(),
            ),
            CommandError::NoSuchEnvironment { name, known } => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                stack::suggestion(name, &known)
            }
            CommandError::WhichStack { .. } => {
                Some("name the file with -f FILE, or the stack with --stack NAME".to_owned())
            }
            CommandError::NotRecorded { elsewhere: Some(option), .. } => {
                Some(format!("it is recorded elsewhere: add or drop {option}"))
            }
            CommandError::NotRecorded { looked: Some(_), .. } => Some(
                "another --region or --profile? Or --state-dir, if `navi up` ran in another directory"
                    .to_owned(),
            ),
            CommandError::NotRecorded { .. } => Some(
                "is this the directory that `navi up` ran in? --state-dir names another; \
                 `navi state rebuild` with a --region looks for its resources by their tags"
                    .to_owned(),
            ),
            CommandError::NoLastRun { .. } => Some(
                "`navi up` and `navi down` keep their last run; `navi status` shows how the stack is now"
                    .to_owned(),
            ),
            CommandError::UnknownOutput { similar, .. } if !similar.is_empty() => {
                Some(format!("there are {}", similar.join(", ")))
            }
            CommandError::UnknownOutput { .. } => {
                Some("`navi outputs` lists all of them".to_owned())
            }
            CommandError::UnknownService { name, .. }
                if [".yaml", ".yml"].iter().any(|end| name.ends_with(end)) =>
            {
                Some("-f follows here; name the stack file with --file".to_owned())
            }
            CommandError::UnknownService { name, known, .. }
            | CommandError::UnknownContainer { name, known, .. } => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                stack::suggestion(name, &known)
            }
            CommandError::UnknownCode { written } => Some(nearest_code(written)),
            CommandError::Autoscaled { .. } => Some(
                "change the bounds, or give a plain number, under `count` in the stack file, and run `navi up`"
                    .to_owned(),
            ),
            CommandError::NotRunning { .. } => Some("`navi up` brings it back".to_owned()),
            CommandError::WhoAmI { source, .. } => Some(who_am_i_hint(source).to_owned()),
            CommandError::NobodyToAsk { command } => Some(format!(
                "look at `navi plan` first, then say `navi {command} --yes`"
            )),

            CommandError::Preflight { .. } => Some(
                "`navi check` looks again at all of it; `navi up --skip-check` goes on regardless"
                    .to_owned(),
            ),
            CommandError::Sandbox(error) => error.hint(),
            CommandError::DurationsUnreadable { .. } => Some(
                "`navi sandbox durations` prints the built-in ones, from which a file can be made".to_owned(),
            ),
            CommandError::ManualPages { .. } => {
                Some("name another directory with --dir".to_owned())
            }
            CommandError::Edit(error) => error.hint(),
            CommandError::Adopt(error) => error.hint(),
            CommandError::Exec(error) => error.hint(),
            CommandError::Target(error) => Some(match &error.nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "`navi plan` and `navi state list` show the addresses".to_owned(),
            }),
            CommandError::Plan(error) => Some(plan_hint(error)),
            CommandError::Protected(error) => Some(error.hint()),
            CommandError::NotClosed(_) => Some(
                "the journal holds all that happened: mend the cause and run the command again"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// The error with its causes and hint, for a person.
    pub fn render(&self, palette: &Palette) -> String {
        let mut text = String::new();
        for problem in self.problems() {
            text.push_str(&diagnostic(problem, palette));
            text.push('\n');
        }
        if let CommandError::Preflight { findings } = self {
            text.push_str(&super::check::text(findings, palette));
        }
        let Palette { bad, heading, .. } = palette;
        // Writing to a string can't fail.
        let _ = write!(text, "{bad}error{bad:#}: {self}");
        for cause in self.causes() {
            let _ = write!(text, "\n  because: {cause}");
        }
        if let Some(hint) = self.hint() {
            let _ = write!(text, "\n{heading}hint{heading:#}: {hint}");
        }
        if let Some(cause) = self.cause() {
            let _ = write!(text, "\n{}", code_line(cause, palette));
        }
        text
    }

    /// The same for a program: the last line of the events.
    pub fn document(&self) -> Value {
        let problems: Vec<String> = self.problems().iter().map(ToString::to_string).collect();
        let mut document = json!({
            "event": "error",
            "code": self.cause(),
            "message": self.to_string(),
            "problems": problems,
            "causes": self.causes(),
            "hint": self.hint(),
            "exit_code": self.exit_code(),
        });
        if let CommandError::Preflight { findings } = self {
            document["findings"] = json!(findings);
        }
        document
    }

    /// What is wrong with a file, place by place.
    fn problems(&self) -> Vec<&dyn Diagnostic> {
        match self {
            CommandError::StackFile(errors) => {
                let problems = errors.problems().iter();
                problems.map(|problem| problem as &dyn Diagnostic).collect()
            }
            CommandError::Durations(bad) => vec![&**bad],
            CommandError::Draft(problem) => vec![&**problem],
            _ => Vec::new(),
        }
    }

    fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut last = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let message = error.to_string();
            // Some errors repeat their source in their own text.
            if !last.contains(&message) {
                causes.push(message.clone());
            }
            last = message;
            cause = error.source();
        }
        causes
    }
}

/// The code that was meant, or else those of its group.
fn nearest_code(written: &str) -> String {
    let written = written.to_ascii_uppercase();
    let number = written.strip_prefix("NAVI").unwrap_or(&written);
    let code = format!("NAVI{number:0>4}");
    let is_of_group = |other: &&str| Some(&other[..6]) == code.get(..6);
    let codes = Cause::ALL.iter().map(|cause| cause.code());
    let of_group: Vec<&str> = codes.filter(is_of_group).collect();
    stack::suggestion(&code, &of_group)
        .unwrap_or_else(|| "`navi explain` lists all codes".to_owned())
}

fn at(endpoint: &Option<String>) -> String {
    match endpoint {
        Some(endpoint) => format!(", asking {endpoint}"),
        None => String::new(),
    }
}

/// What is looked up is named in the stack file by `find`.
fn plan_hint(error: &PlanError) -> String {
    match error {
        PlanError::LookedUpMissing { address, .. } => {
            let (name, kind) = (address.name(), address.kind());
            match kind {
                "certificate" => format!(
                    "Certificate Manager has no issued certificate for {name} in this region: issue one and wait \
                     until it is valid, or let navi request it with `certificate: {{ request: [{name}] }}`"
                ),
                "hosted_zone" => format!(
                    "Route 53 has no public hosted zone {name} in this account: make it there, or let navi make it \
                     with `zone: {{ create: {name} }}`"
                ),
                "vpc" => {
                    "no VPC of this region and account has this ID or this tag `Name`: `aws ec2 describe-vpcs` lists \
                     them; or remove `network.vpc` to have one made"
                        .to_owned()
                }
                "subnet" => "no subnet of the stack's VPC has this ID or this tag `Name`: `aws ec2 describe-subnets` \
                             lists them"
                    .to_owned(),
                _ => "make it first, or take it out of the stack file".to_owned(),
            }
        }
        PlanError::MadeNotLookedUp { .. } => {
            "take `find` back in the stack file; what navi made goes with the stack".to_owned()
        }
        PlanError::Circle(_) => "nothing was changed. Make the changes in two runs of `navi up`".to_owned(),
        PlanError::NoRoomBeside { .. } => "nothing was changed. Give the new one what the old one doesn't have \
             (another address range, another name), or do it in two runs of `navi up`: first without it in the \
             stack file, then with it"
            .to_owned(),
        PlanError::LookedUpNotMade { .. } => {
            "put `network.vpc` back into the stack file; to move to a network of its own, make a stack of another name \
             beside this one and remove this one afterwards"
                .to_owned()
        }
    }
}

/// The first call of all is where missing or wrong credentials show, and a network that leads nowhere.
fn who_am_i_hint(error: &CallError) -> &'static str {
    match (error.class, error.code.as_deref()) {
        (ErrorClass::Denied, None) => {
            "`aws configure` or `aws sso login` gets some; choose a profile with --profile or \
             AWS_PROFILE; `--sandbox` needs no credentials"
        }
        (ErrorClass::Denied, Some("ExpiredToken" | "ExpiredTokenException")) => {
            "the credentials have expired: `aws sso login`, or fetch new ones the way these were fetched"
        }
        (ErrorClass::Denied, Some(_)) => {
            "AWS does not take these credentials: check AWS_ACCESS_KEY_ID and its companions in the \
             environment, --profile and the clock; `aws sts get-caller-identity` must work too"
        }
        (_, None) if error.message.contains("invalid peer certificate") => {
            "this machine does not trust the endpoint's certificate: name the certificate of its \
             authority with AWS_CA_BUNDLE, or with ca_bundle in the profile"
        }
        (ErrorClass::Transient, None) => {
            "check the network, HTTPS_PROXY and NO_PROXY, and the endpoint if one is configured \
             (--endpoint-url, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_STS, the profile)"
        }
        _ => "check --profile and the endpoint; `aws sts get-caller-identity` must work too",
    }
}

/// A problem of a file with its place in it.
pub fn diagnostic(problem: &dyn Diagnostic, palette: &Palette) -> String {
    let theme = match palette.bad.is_plain() {
        true => GraphicalTheme::unicode_nocolor(),
        false => GraphicalTheme::unicode(),
    };
    let width = terminal_size::terminal_size_of(io::stderr())
        .map_or(100, |(terminal_size::Width(columns), _)| columns.into());
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(width)
        .with_links(false);
    match handler.render_report(&mut text, problem) {
        Ok(()) => text,
        // The position can't be shown; what is wrong still can.
        Err(_) => problem.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_its_causes_and_what_to_do() {
        let error = CommandError::Prompt(io::Error::other("the terminal is gone"));
        assert_eq!(
            error.render(&Palette::plain()),
            "error: could not ask for a confirmation\n  because: the terminal is gone"
        );
        let error = CommandError::NobodyToAsk { command: "up" };
        assert_eq!(
            error.render(&Palette::plain()),
            "error: `navi up` asks before it changes anything, and nobody can answer here\n\
             hint: look at `navi plan` first, then say `navi up --yes`"
        );
        assert_eq!(error.document()["exit_code"], 1);
        assert_eq!(error.document()["event"], "error");
    }

    #[test]
    fn a_locked_stack_has_an_exit_code_of_its_own() {
        let locked = StateError::Locked {
            stack: "demo".to_owned(),
            holder: None,
        };
        assert_eq!(CommandError::State(locked).exit_code(), exit_code::LOCKED);
        assert_eq!(CommandError::Declined.exit_code(), exit_code::ERROR);
    }
}
