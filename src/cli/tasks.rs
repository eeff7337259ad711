//! `navi tasks`: which tasks do a stack's services have, how do they do, where do they run, and why did some stop?

use std::fmt::Write;

use anstyle::Style;
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
use crate::report::{Cell, Palette, age, columns};
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
    let Palette { heading, bad, .. } = palette;
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
        let titles = [
            "task", "status", "health", "target", "address", "zone", "subnet", "age",
        ];
        let mut rows = vec![
            titles
                .map(|title| Cell::styled(title, palette.faint))
                .to_vec(),
        ];
        rows.extend(tasks.iter().map(|line| row(line, now, palette)));
        let rows = columns(&rows);
        let mut rows = rows.lines();
        let _ = writeln!(text, "  {}", rows.next().unwrap_or_default());
        for (line, row) in tasks.iter().zip(rows) {
            let _ = writeln!(text, "  {row}");
            if let Some(reason) = &line.task.stopped_reason {
                let ago = line.task.stopped_at.map_or_else(String::new, |at| {
                    format!("  {} ago", age(at.milliseconds_until(now)))
                });
                let _ = writeln!(text, "    {bad}{reason}{bad:#}{ago}");
            }
            let containers = line.task.containers.iter();
            let containers: Vec<_> = containers.map(|one| container(one, palette)).collect();
            for container in columns(&containers).lines() {
                let _ = writeln!(text, "    {container}");
            }
        }
    }
    text
}

fn row(line: &Line, now: Moment, palette: &Palette) -> Vec<Cell> {
    let task = &line.task;
    let style = match (task.is_running(), task.last_status.as_str()) {
        (true, _) if task.health == "UNHEALTHY" => palette.bad,
        (true, _) => palette.good,
        (false, "STOPPED") => palette.faint,
        _ => palette.warning,
    };
    let known = |word: &str| match word {
        "UNKNOWN" | "" => "-".to_owned(),
        word => word.to_ascii_lowercase(),
    };
    let or_none = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let began = task.started_at.or(task.created_at);
    vec![
        task.id.as_str().into(),
        Cell::styled(known(&task.last_status), style),
        known(&task.health).into(),
        known(&line.targets.join(",")).into(),
        or_none(task.address.as_deref()).into(),
        or_none(task.availability_zone.as_deref()).into(),
        or_none(line.subnet_name.as_deref().or(task.subnet.as_deref())).into(),
        began
            .map_or_else(String::new, |at| age(at.milliseconds_until(now)))
            .into(),
    ]
}

/// Image and digest, and what is not as one would wish.
fn container(container: &TaskContainer, palette: &Palette) -> Vec<Cell> {
    let digest = container.image_digest.as_deref().unwrap_or_default();
    let digest: String = digest.chars().take("sha256:".len() + 12).collect();
    let mut remarks = Vec::new();
    if let Some(code) = container.exit_code {
        remarks.push(format!("exit code {code}"));
    }
    if container.health == "UNHEALTHY" {
        remarks.push("unhealthy".to_owned());
    }
    remarks.extend(container.reason.clone());
    let style = match container.exit_code {
        Some(0) => Style::new(),
        _ => palette.bad,
    };
    vec![
        container.name.as_str().into(),
        container.image.as_str().into(),
        Cell::styled(digest, palette.faint),
        Cell::styled(remarks.join(", "), style),
    ]
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
        insta::assert_snapshot!(told, @r"
        web  0 running
          task                              status   health  target  address    zone        subnet      age
          0123456789abcdef0123456789abcdef  stopped  -       -       10.0.11.7  eu-west-1c  private-1c  3m
            Essential container in task exited  2m ago
            web  web:latest  sha256:abababababab  exit code 137, OutOfMemoryError: container killed due to memory usage
        ");
    }

    /// docs/DAY_TWO.md says so.
    #[test]
    fn as_json_a_task_is_an_object() {
        let document = json!(stopped());
        let keys: Vec<&String> = document.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "id",
                "arn",
                "task_definition",
                "deployment",
                "last_status",
                "desired_status",
                "health",
                "availability_zone",
                "subnet",
                "address",
                "created_at",
                "started_at",
                "stopped_at",
                "stopped_reason",
                "execute_command",
                "containers",
                "subnet_name",
                "targets",
            ]
        );
        assert_eq!(document["stopped_at"], "1970-01-01T00:18:10Z");
        assert_eq!(document["containers"][0]["exit_code"], 137);
    }
}
