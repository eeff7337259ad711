//! `navi exec`: how is a command run in a container of a service? Everything that it takes is looked at first.

mod plugin;
mod sandbox_shell;

use std::fmt::Write;
use std::io::{self, IsTerminal};

use serde_json::json;

use self::plugin::Plugin;
use super::arguments::{GlobalOptions, quoted};
use super::chosen_services::one;
use super::context::Connection;
use super::error::CommandError;
use super::reading::{self, Reading};
use super::stack_file::StackChoice;
use super::{exit_code, output};
use crate::aws::{
    Aws, CommandTarget, Task, TaskContainer, Wanted, execute_command, services_now, tasks_of,
};
use crate::environment::{Environment, Met, Requirement, Service, Specs, command_requirements};
use crate::observe::ObserveError;
use crate::report::Palette;
use crate::resource::CallError;

const SHELL: &str = "/bin/sh";

/// Run a command in a container of a service, or a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
First it looks whether session-manager-plugin is there, the task takes commands, its role may use
ssmmessages, it has a way to Systems Manager, and its agent runs; it says what is missing, and what
to do. Then it begins a session (ecs:ExecuteCommand) and hands over to the plugin.
In the sandbox, which runs no containers, a small shell answers.
One word after -- is a whole command line; several are a program and its arguments. Pipes and &&
take a shell: sh -c '…'.

Examples:
  navi exec backend                                          a shell
  navi exec backend --container api -- env
  navi exec backend -- sh -c 'ps aux | head -3'
  navi exec nginx-proxy --sandbox -- nslookup backend.ecs-navi.local
  navi exec backend --check                                  only look whether it would work")]
pub struct ExecArguments {
    /// The service, as the stack file calls it
    #[arg(value_name = "SERVICE")]
    service: String,

    /// The container; without it the one that gets requests, else the first
    #[arg(long, value_name = "NAME")]
    container: Option<String>,

    /// The task whose ID begins so; without it one that takes commands
    #[arg(long, value_name = "ID")]
    task: Option<String>,

    /// Only look whether it would work; ends with 1 if it would not
    #[arg(long, conflicts_with = "command")]
    check: bool,

    #[command(flatten)]
    stack: StackChoice,

    /// What to run; a shell without it
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// What keeps a command from being run. Each says what was attempted.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    #[error("service `{service}` has no running task{}", begins(task))]
    NoTask {
        service: String,
        task: Option<String>,
    },
    #[error("{container} of {service} can't take commands:{}", listed(missing))]
    Missing {
        service: String,
        container: String,
        missing: Vec<Requirement>,
    },
    #[error("a shell needs a terminal, and standard input is none")]
    NoTerminal,
    #[error(
        "could not begin the command in {container} of {service}{}",
        doubts(unknown)
    )]
    Refused {
        service: String,
        container: String,
        unknown: Vec<Requirement>,
        source: Box<CallError>,
    },
    #[error("could not start {}", plugin::NAME)]
    Plugin(#[source] io::Error),
}

impl ExecError {
    pub fn hint(&self) -> Option<String> {
        match self {
            ExecError::NoTask { service, .. } => Some(format!(
                "`navi tasks {service} --stopped` shows those that ended, and why; `navi events {service}` what ECS says"
            )),
            ExecError::Missing { .. } => Some(
                "`navi exec SERVICE --check` looks again at all of it".to_owned(),
            ),
            ExecError::NoTerminal => Some(
                "say what to run after --, for example `-- env`".to_owned(),
            ),
            ExecError::Refused { source, .. } => match source.code.as_deref() {
                Some("TargetNotConnectedException") => Some(
                    "the agent in the task has no connection to Systems Manager: it may still be starting, or its role or \
                     its network keeps it from there; `navi exec SERVICE --check` looks at both"
                        .to_owned(),
                ),
                Some("AccessDeniedException") => Some(
                    "whoever runs navi needs ecs:ExecuteCommand on the cluster and the task".to_owned(),
                ),
                _ => None,
            },
            ExecError::Plugin(_) => None,
        }
    }
}

fn begins(task: &Option<String>) -> String {
    task.as_ref()
        .map_or_else(String::new, |id| format!(" whose ID begins with {id}"))
}

fn listed(missing: &[Requirement]) -> String {
    let mut text = String::new();
    for one in missing {
        // Writing to a string can't fail.
        let _ = write!(text, "\n  {}: {}", one.name, one.found);
        if let Some(remedy) = &one.remedy {
            let _ = write!(text, "\n    → {remedy}");
        }
    }
    text
}

fn doubts(unknown: &[Requirement]) -> String {
    let doubts = unknown
        .iter()
        .map(|one| format!("{}: {}", one.name, one.found));
    match unknown.is_empty() {
        true => String::new(),
        false => format!(
            "; what could not be looked at before: {}",
            doubts.collect::<Vec<_>>().join("; ")
        ),
    }
}

/// A container in a task that runs.
struct Place<'a> {
    service: &'a Service,
    task: Task,
    container: TaskContainer,
    requirements: Vec<Requirement>,
}

pub async fn run(global: &GlobalOptions, arguments: &ExecArguments) -> Result<u8, CommandError> {
    let Reading {
        chosen,
        session,
        connection,
        ..
    } = reading::begin(global, &arguments.stack).await?;
    let environment = Environment::of(&session.with_state(Specs::recorded));
    let service = one(&environment, &arguments.service, &chosen.name)?;
    // In the sandbox nothing is handed over.
    let plugin = match connection.sandbox {
        true => None,
        false => Some(Plugin::find()),
    };
    let mut place = find(&connection.aws, service, arguments, &chosen.name).await?;
    if let Some(plugin) = &plugin {
        place.requirements.insert(0, plugin::requirement(plugin));
    }
    if arguments.check {
        return tell(global, &chosen.name, &place);
    }
    let (missing, others): (Vec<_>, Vec<_>) = place
        .requirements
        .into_iter()
        .partition(|requirement| requirement.met == Met::No);
    let (service, container) = (service.name.clone(), place.container.name.clone());
    if !missing.is_empty() {
        return Err(ExecError::Missing {
            service,
            container,
            missing,
        }
        .into());
    }
    if arguments.command.is_empty() && !io::stdin().is_terminal() {
        return Err(ExecError::NoTerminal.into());
    }
    let outputs = environment
        .service(&service)
        .and_then(|one| one.outputs.as_ref());
    let target = CommandTarget {
        cluster: outputs
            .map(|outputs| outputs.cluster.clone())
            .unwrap_or_default(),
        task: place.task.arn,
        container: container.clone(),
        runtime_id: place.container.runtime_id.unwrap_or_default(),
    };
    output::progress(
        global,
        &format!("{service}/{container}, task {}", place.task.id),
    );
    let Some(Ok(plugin)) = plugin else {
        return sandbox_shell::run(&connection, &target, &arguments.command).await;
    };
    let command = command_line(&arguments.command);
    let session = execute_command(&connection.aws, &target, &command).await;
    let session = session.map_err(|source| ExecError::Refused {
        service,
        container,
        unknown: others
            .into_iter()
            .filter(|one| one.met == Met::Unknown)
            .collect(),
        source: Box::new(source),
    })?;
    Ok(plugin.take_over(global, &connection, &target, &session)?)
}

/// One word is a command line of its own, as `--command` of the AWS CLI takes it; of several each stays one.
fn command_line(words: &[String]) -> String {
    match words {
        [] => SHELL.to_owned(),
        [line] => line.clone(),
        words => {
            let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            words.join(" ")
        }
    }
}

/// The task and container that are meant, and what they need to take commands.
async fn find<'a>(
    aws: &Aws,
    service: &'a Service,
    arguments: &ExecArguments,
    stack: &str,
) -> Result<Place<'a>, CommandError> {
    let Some(outputs) = &service.outputs else {
        return Err(CommandError::NotRunning {
            name: service.name.clone(),
            stack: stack.to_owned(),
            why: "does not exist yet",
        });
    };
    let (tasks, services) = futures::try_join!(
        tasks_of(aws, &outputs.cluster, &outputs.arn, Wanted::Running),
        services_now(aws, [(outputs.cluster.as_str(), outputs.arn.as_str())])
    )
    .map_err(ObserveError::Call)?;
    let name = container_name(service, arguments.container.as_deref())?;
    let (task, container) =
        best(tasks, arguments.task.as_deref(), &name).ok_or_else(|| ExecError::NoTask {
            service: service.name.clone(),
            task: arguments.task.clone(),
        })?;
    let now = services.get(&outputs.arn);
    let requirements = command_requirements(aws, service, now, &task, &container).await;
    Ok(Place {
        service,
        task,
        container,
        requirements,
    })
}

fn container_name(service: &Service, named: Option<&str>) -> Result<String, CommandError> {
    if let Some(named) = named {
        super::chosen_services::require_container(&[service], named)?;
        return Ok(named.to_owned());
    }
    let routed = service.routes.first().map(|route| route.container.clone());
    let first = || service.containers.first().map(|one| one.name.clone());
    Ok(routed.or_else(first).unwrap_or_default())
}

/// A running task with its container: before others one that takes commands, then the oldest.
fn best(tasks: Vec<Task>, id: Option<&str>, name: &str) -> Option<(Task, TaskContainer)> {
    let asked_for = |task: &Task| id.is_none_or(|id| task.id.starts_with(id));
    let running = tasks
        .into_iter()
        .filter(|task| task.is_running() && asked_for(task));
    let with_container = running.filter_map(|task| {
        let container = task.containers.iter().find(|one| one.name == name)?.clone();
        Some((task, container))
    });
    with_container.min_by_key(|(task, container)| {
        let agent = container.execute_command_agent.as_deref();
        (!task.execute_command, agent != Some("RUNNING"))
    })
}

/// `--check`: every requirement, and whether all of them may be met.
fn tell(global: &GlobalOptions, stack: &str, place: &Place<'_>) -> Result<u8, CommandError> {
    let requirements = &place.requirements;
    let ready = requirements.iter().all(|one| one.met != Met::No);
    if global.json() {
        output::document(&json!({
            "stack": stack,
            "service": place.service.name,
            "task": place.task.id,
            "container": place.container.name,
            "ready": ready,
            "requirements": requirements,
        }))?;
    } else {
        output::data(&text(place, &Palette::for_stdout()))?;
    }
    Ok(match ready {
        true => exit_code::DONE,
        false => exit_code::ERROR,
    })
}

fn text(place: &Place<'_>, palette: &Palette) -> String {
    let Palette {
        heading,
        good,
        bad,
        warning,
        faint,
        ..
    } = palette;
    let (service, container) = (&place.service.name, &place.container.name);
    let mut text = format!(
        "{heading}{service}/{container}{heading:#}  task {}\n",
        place.task.id
    );
    for one in &place.requirements {
        let (style, word) = match one.met {
            Met::Yes => (good, "yes"),
            Met::No => (bad, "no"),
            Met::Unknown => (warning, "unknown"),
        };
        let _ = writeln!(
            text,
            "  {style}{word:<7}{style:#}  {:<28}  {faint}{}{faint:#}",
            one.name, one.found
        );
        if let Some(remedy) = &one.remedy {
            let _ = writeln!(text, "           → {remedy}");
        }
    }
    text
}

/// The region's own endpoint of Systems Manager, for the plugin to take up a session that broke off.
fn systems_manager(connection: &Connection) -> String {
    let region = &connection.region;
    let domain = match region.starts_with("cn-") {
        true => "amazonaws.com.cn",
        false => "amazonaws.com",
    };
    let own = || format!("https://ssm.{region}.{domain}");
    connection.endpoint.clone().unwrap_or_else(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn one_word_is_a_line_and_of_several_each_stays_one() {
        assert_eq!(command_line(&[]), "/bin/sh");
        assert_eq!(command_line(&words(&["ls -la /tmp"])), "ls -la /tmp");
        assert_eq!(
            command_line(&words(&["sh", "-c", "echo 'a b' | wc"])),
            r"sh -c 'echo '\''a b'\'' | wc'"
        );
    }

    #[test]
    fn what_is_missing_is_told_with_its_remedy() {
        let error = ExecError::Missing {
            service: "backend".to_owned(),
            container: "api".to_owned(),
            missing: vec![Requirement::missing(
                "exec enabled",
                "the service is enabled, but this task was started before that",
                "`navi redeploy backend` starts new tasks",
            )],
        };
        assert_eq!(
            error.to_string(),
            "api of backend can't take commands:\n  exec enabled: the service is enabled, but this task was started before that\n    → `navi redeploy backend` starts new tasks"
        );
    }
}
