//! `navi tasks`: which tasks do a stack's services have, how do they do, where do they run, and why did some stop?

use std::fmt::Write;

use futures::future::try_join_all;
use serde::Serialize;
use serde_json::json;

use super::arguments::GlobalOptions;
use super::chosen_services::chosen;
use super::error::CommandError;
use super::reading::{self, Reading};
use super::stack_file::StackChoice;
use super::{exit_code, output};
use crate::aws::{Aws, Moment, Task, TaskContainer, Wanted, targets_of, tasks_of};
use crate::environment::{Environment, Service, Specs};
use crate::observe::ObserveError;
use crate::report::{Palette, age};
use crate::resource::CallError;

/// Show the tasks of services: status, health, address, place, images; with --stopped those that ended, and why
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It reads AWS and changes nothing; it needs no stack file. ECS forgets stopped tasks after about an hour.

Examples:
  navi tasks
  navi tasks backend --stopped
  navi tasks --output json")]
pub struct TasksArguments {
    /// The services, as the stack file calls them; all of them without a name
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Also those that stopped lately, with the reason and the exit codes
    #[arg(long)]
    stopped: bool,

    #[command(flatten)]
    stack: StackChoice,
}

/// The tasks of one service.
#[derive(Debug, Serialize)]
struct Tasks {
    /// As the stack file calls it.
    service: String,
    tasks: Vec<Line>,
}

/// One task with what only the environment knows of it.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    task: Task,
    /// The subnet's name in the stack: `private-1a`.
    subnet_name: Option<String>,
    /// What the load balancer says of its ports: `healthy`, `draining`, …
    targets: Vec<String>,
}

pub async fn run(global: &GlobalOptions, arguments: &TasksArguments) -> Result<u8, CommandError> {
    let Reading {
        chosen: stack,
        session,
        connection,
        ..
    } = reading::begin(global, &arguments.stack).await?;
    let environment = Environment::of(&session.with_state(Specs::recorded));
    let services = chosen(&environment, &arguments.services, &stack.name)?;
    let looks = services
        .iter()
        .map(|service| look(&connection.aws, &environment, service, arguments.stopped));
    let services: Vec<Tasks> = try_join_all(looks).await.map_err(ObserveError::Call)?;
    if global.json() {
        output::document(&json!({
            "stack": stack.name,
            "account": connection.account,
            "region": connection.region,
            "services": services,
        }))?;
    } else {
        output::data(&text(&services, Moment::now(), &Palette::for_stdout()))?;
    }
    Ok(exit_code::DONE)
}

async fn look(
    aws: &Aws,
    environment: &Environment,
    service: &Service,
    stopped: bool,
) -> Result<Tasks, CallError> {
    let Some(outputs) = &service.outputs else {
        return Ok(Tasks {
            service: service.name.clone(),
            tasks: Vec::new(),
        });
    };
    let running = tasks_of(aws, &outputs.cluster, &outputs.arn, Wanted::Running);
    let ended = async {
        // ECS lists with these also the tasks that are about to stop.
        match stopped {
            true => tasks_of(aws, &outputs.cluster, &outputs.arn, Wanted::Stopped).await,
            false => Ok(Vec::new()),
        }
    };
    let mut groups: Vec<&str> = service
        .routes
        .iter()
        .filter_map(|route| route.target_group_arn.as_deref())
        .collect();
    groups.dedup();
    let targets = try_join_all(groups.into_iter().map(|arn| targets_of(aws, arn)));
    let (running, mut tasks, targets) = futures::try_join!(running, ended, targets)?;
    // Between the two lists a task may have gone from one to the other.
    tasks.retain(|task| running.iter().all(|other| other.arn != task.arn));
    tasks.extend(running);
    let line = |task: Task| Line {
        subnet_name: environment
            .subnets
            .iter()
            .find(|subnet| subnet.id.is_some() && subnet.id == task.subnet)
            .map(|subnet| subnet.name.clone()),
        targets: targets
            .iter()
            .flatten()
            .filter(|target| Some(&target.address) == task.address.as_ref())
            .map(|target| target.state.clone())
            .collect(),
        task,
    };
    Ok(Tasks {
        service: service.name.clone(),
        tasks: tasks.into_iter().map(line).collect(),
    })
}

fn text(services: &[Tasks], now: Moment, palette: &Palette) -> String {
    let Palette { heading, faint, .. } = palette;
    let mut text = String::new();
    for (index, Tasks { service, tasks }) in services.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        let running = tasks.iter().filter(|line| line.task.is_running()).count();
        let _ = writeln!(
            text,
            "{gap}{heading}{service}{heading:#}  {running} running"
        );
        if tasks.is_empty() {
            continue;
        }
        let _ = writeln!(
            text,
            "  {faint}{:<32}  {:<12}  {:<9}  {:<9}  {:<15}  {:<15}  {:<12}  age{faint:#}",
            "task", "status", "health", "target", "address", "zone", "subnet"
        );
        for line in tasks {
            row(&mut text, line, now, palette);
        }
    }
    text
}

fn row(text: &mut String, line: &Line, now: Moment, palette: &Palette) {
    let Palette {
        good,
        bad,
        warning,
        faint,
        ..
    } = palette;
    let task = &line.task;
    let style = match (task.is_running(), task.last_status.as_str()) {
        (true, _) if task.health == "UNHEALTHY" => bad,
        (true, _) => good,
        (false, "STOPPED") => faint,
        _ => warning,
    };
    let known = |word: &str| match word {
        "UNKNOWN" | "" => "-".to_owned(),
        word => word.to_ascii_lowercase(),
    };
    let began = task.started_at.or(task.created_at);
    let aged = began.map_or_else(String::new, |at| age(at.milliseconds_until(now)));
    let _ = writeln!(
        text,
        "  {:<32}  {style}{:<12}{style:#}  {:<9}  {:<9}  {:<15}  {:<15}  {:<12}  {aged}",
        task.id,
        known(&task.last_status),
        known(&task.health),
        known(&line.targets.join(",")),
        task.address.as_deref().unwrap_or("-"),
        task.availability_zone.as_deref().unwrap_or("-"),
        line.subnet_name
            .as_deref()
            .or(task.subnet.as_deref())
            .unwrap_or("-"),
    );
    if let Some(reason) = &task.stopped_reason {
        let ago = task.stopped_at.map_or_else(String::new, |at| {
            format!(" ({} ago)", age(at.milliseconds_until(now)))
        });
        let _ = writeln!(text, "      {bad}{reason}{bad:#}{ago}");
    }
    let width = task.containers.iter().map(|one| one.name.len()).max();
    for one in &task.containers {
        let _ = writeln!(
            text,
            "      {:<width$}  {}",
            one.name,
            container(one, palette),
            width = width.unwrap_or_default()
        );
    }
}

/// Image and digest, and what is not as one would wish.
fn container(container: &TaskContainer, palette: &Palette) -> String {
    let Palette { faint, bad, .. } = palette;
    let mut text = container.image.clone();
    if let Some(digest) = &container.image_digest {
        let short: String = digest.chars().take("sha256:".len() + 12).collect();
        let _ = write!(text, "  {faint}{short}{faint:#}");
    }
    match container.exit_code {
        Some(0) => text.push_str("  exit code 0"),
        Some(code) => {
            let _ = write!(text, "  {bad}exit code {code}{bad:#}");
        }
        None => {}
    }
    if container.health == "UNHEALTHY" {
        let _ = write!(text, "  {bad}unhealthy{bad:#}");
    }
    if let Some(reason) = &container.reason {
        let _ = write!(text, "  {reason}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped() -> Line {
        let at = |seconds: i64| Some(Moment::from_milliseconds(seconds * 1000));
        Line {
            subnet_name: Some("private-1c".to_owned()),
            targets: Vec::new(),
            task: Task {
                id: "0123456789abcdef0123456789abcdef".to_owned(),
                arn: "arn:aws:ecs:eu-west-1:1:task/main/0123456789abcdef0123456789abcdef"
                    .to_owned(),
                task_definition: "web:7".to_owned(),
                deployment: "ecs-svc/1".to_owned(),
                last_status: "STOPPED".to_owned(),
                desired_status: "STOPPED".to_owned(),
                health: "UNKNOWN".to_owned(),
                availability_zone: Some("eu-west-1c".to_owned()),
                subnet: Some("subnet-1".to_owned()),
                network_interface: None,
                address: Some("10.0.11.7".to_owned()),
                created_at: at(1000),
                started_at: at(1030),
                stopped_at: at(1090),
                stopped_reason: Some("Essential container in task exited".to_owned()),
                execute_command: true,
                containers: vec![TaskContainer {
                    name: "web".to_owned(),
                    image: "web:latest".to_owned(),
                    image_digest: Some(format!("sha256:{}", "ab".repeat(32))),
                    last_status: "STOPPED".to_owned(),
                    health: "UNKNOWN".to_owned(),
                    exit_code: Some(137),
                    reason: Some(
                        "OutOfMemoryError: container killed due to memory usage".to_owned(),
                    ),
                    execute_command_agent: None,
                    execute_command_agent_reason: None,
                    runtime_id: None,
                }],
            },
        }
    }

    #[test]
    fn a_stopped_task_says_why() {
        let services = [Tasks {
            service: "web".to_owned(),
            tasks: vec![stopped()],
        }];
        let told = text(
            &services,
            Moment::from_milliseconds(1_210_000),
            &Palette::plain(),
        );
        insta::assert_snapshot!(told, @"");
    }

    /// docs/DAY_TWO.md says so.
    #[test]
    fn as_json_a_task_is_an_object() {
        insta::assert_snapshot!(format!("{:#}", json!(stopped())), @"");
    }
}
