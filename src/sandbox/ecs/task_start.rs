//! How does a task come to run? Its images are pulled, its logs opened, then it is made known to load balancer and Cloud Map.

use std::collections::BTreeMap;

use super::{
    container_log,
    container_start::{start_in_order, watch_health},
    scheduler, secret_access, service,
    task::{Container, Stop, Task, TaskState},
    task_stop::{self, Failure},
};
use crate::sandbox::{
    cloud_map, elb, images::ImageName, logs, pace::Doing, task_outcome::TaskOutcome, world::Context,
};

/// Moves a task on, unless it is to stop or gone.
pub fn advance(context: &mut Context<'_>, arn: &str, state: TaskState) -> Option<Task> {
    let task = context.region.ecs.tasks.get_mut(arn)?;
    if !task.is_wanted {
        return None;
    }
    task.state = state;
    task.version += 1;
    Some(task.clone())
}

pub fn provisioned(context: &mut Context<'_>, arn: String) {
    let Some(task) = advance(context, &arn, TaskState::Pending) else {
        return;
    };
    if let Some(task) = context.region.ecs.tasks.get_mut(&task.arn) {
        task.pull_started = Some(context.now);
    }
    context.schedule(Doing::TaskStarts, move |context| start(context, arn));
}

fn start(context: &mut Context<'_>, arn: String) {
    let Some(task) = context.region.ecs.tasks.get(&arn).cloned() else {
        return;
    };
    if !task.is_wanted {
        return;
    }
    let can_start = check_role(context, &task)
        .and_then(|()| secret_access::check_secrets(context, &task))
        .and_then(|()| check_way_to_images(context, &task))
        .and_then(|()| secret_access::check_environment_files(context, &task))
        .and_then(|()| check_images(&task))
        .and_then(|()| pull_images(context, &task))
        .and_then(|()| open_logs(context, &task))
        .and_then(|()| start_in_order(context, &task));
    if let Err(failure) = can_start {
        task_stop::fail(context, &arn, failure);
        return;
    }
    let Some(task) = advance(context, &arn, TaskState::Running) else {
        return;
    };
    if let Some(task) = context.region.ecs.tasks.get_mut(&arn) {
        task.started = Some(context.now);
    }
    join_target_groups(context, &task);
    join_registries(context, &task);
    watch_health(context, &task);
    let exits = |container: &Container| {
        container.outcome.exit_code().is_some() && container.exit_code.is_none()
    };
    if task.containers.iter().any(exits) {
        let exiting = arn.clone();
        context.schedule(Doing::ContainerExits, move |context| {
            exit(context, &exiting)
        });
    }
    if let Some(service) = task.service {
        scheduler::look_soon(context, &service);
        context.schedule(Doing::ServiceSettles, move |context| {
            scheduler::reconcile(context, &service);
        });
    }
}

/// A role that is gone, trusts others, or is too new to be known everywhere lets nothing start (aws-behaviour §1 row 27, §2.8).
fn check_role(context: &Context<'_>, task: &Task) -> Result<(), Failure> {
    let Ok(definition) = context.region.ecs.task_definition(&task.task_definition) else {
        return Ok(());
    };
    for arn in definition.roles() {
        let roles = &context.global.iam.roles;
        let newest = context.tempo.duration(Doing::RoleBecomesAssumable);
        let is_assumable = roles.values().any(|role| {
            role.arn == arn
                && role.assume_role_policy.contains("ecs-tasks.amazonaws.com")
                && context.now.since(role.created) >= newest
        });
        if !is_assumable {
            return Err(Failure::of_task(format!(
                "ECS was unable to assume the role '{arn}' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role."
            )));
        }
    }
    Ok(())
}

/// Images come from outside: the subnet needs a way out that works (aws-behaviour §1 row 34), or, for those in ECR, endpoints for its
/// two services and a route to S3, where the layers are (§2.19).
fn check_way_to_images(context: &Context<'_>, task: &Task) -> Result<(), Failure> {
    let registry = format!(".dkr.ecr.{}.amazonaws.com", context.region_name);
    let is_in_ecr = |image: &str| ImageName::read(image).registry.ends_with(&registry);
    let containers = || task.containers.iter();
    if containers().any(|container| is_in_ecr(&container.image))
        && !reaches(context, task, "ecr.api")
    {
        return Err(Failure::of_task(format!(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve ecr registry auth: service call has been retried 3 time(s): RequestError: send request failed caused by: Post \"https://api.ecr.{}.amazonaws.com/\": dial tcp: i/o timeout. Please check your task network configuration.",
            context.region_name
        )));
    }
    for container in containers() {
        let cannot_pull = |what: &str| {
            Failure::of_container(
                &container.name,
                format!(
                    "CannotPullContainerError: {what}: failed to do request: dial tcp: i/o timeout"
                ),
            )
        };
        let from_ecr = is_in_ecr(&container.image);
        let reaches_registry = match from_ecr {
            true => reaches(context, task, "ecr.dkr"),
            false => reaches_internet(context, task),
        };
        if !reaches_registry {
            return Err(cannot_pull(&format!(
                "pull image manifest has been retried 5 time(s): failed to resolve ref {}",
                container.image
            )));
        }
        if from_ecr && !reaches(context, task, "s3") {
            return Err(cannot_pull(
                "ref pull has been retried 5 time(s): failed to copy: httpReadSeeker: failed open",
            ));
        }
    }
    Ok(())
}

/// Whether the task can speak with one of AWS's services.
pub fn reaches(context: &Context<'_>, task: &Task, service: &str) -> bool {
    let ec2 = &context.region.ec2;
    ec2.network_interfaces
        .get(&task.interface.id)
        .is_some_and(|interface| ec2.reaches_service(interface, service))
}

pub fn reaches_internet(context: &Context<'_>, task: &Task) -> bool {
    let ec2 = &context.region.ec2;
    ec2.network_interfaces
        .get(&task.interface.id)
        .is_some_and(|interface| ec2.reaches_internet(interface))
}

/// What somebody told of its images.
fn check_images(task: &Task) -> Result<(), Failure> {
    let told = task.containers.iter().find_map(|container| {
        let outcome = container.outcome;
        let reason = outcome.start_failure(&container.image, task.cpu_architecture)?;
        Some(Failure::of_container(&container.name, reason))
    });
    told.map_or(Ok(()), Err)
}

/// Each container gets the image that its name means just now.
fn pull_images(context: &mut Context<'_>, task: &Task) -> Result<(), Failure> {
    for (index, container) in task.containers.iter().enumerate() {
        let digest = context
            .images
            .digest_of(&ImageName::read(&container.image))
            .map_err(|_| {
                Failure::of_container(
                    &container.name,
                    format!(
                        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {0}: {0}: not found",
                        container.image
                    ),
                )
            })?;
        if let Some(task) = context.region.ecs.tasks.get_mut(&task.arn) {
            task.containers[index].image_digest = Some(digest);
        }
    }
    Ok(())
}

/// A log group that is not there stops the task (aws-behaviour §1 row 28). Groups of other regions are out of sight.
fn open_logs(context: &mut Context<'_>, task: &Task) -> Result<(), Failure> {
    let Ok(definition) = context.region.ecs.task_definition(&task.task_definition) else {
        return Ok(());
    };
    let mut streams = Vec::new();
    for container in definition.containers() {
        let name = container["name"].as_str().unwrap_or_default();
        if let Some((target, stream)) = container_log::stream(context, container, task) {
            let group = target.group.to_owned();
            streams.push((group, stream, name.to_owned(), target.makes_group));
        }
    }
    if !streams.is_empty() && !reaches(context, task, "logs") {
        return Err(Failure::of_task(format!(
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: RequestError: send request failed caused by: Post \"https://logs.{}.amazonaws.com/\": dial tcp: i/o timeout : exit status 1",
            context.region_name
        )));
    }
    for (group, stream, container, makes_group) in streams {
        if makes_group {
            logs::ensure_group(context, &group);
        }
        let line = format!("{container} started on {}", task.interface.private_ip);
        let said = task.containers.iter().find(|said| said.name == container);
        let said = said.into_iter().flat_map(|said| &said.says);
        let lines: Vec<&str> = [&line]
            .into_iter()
            .chain(said)
            .map(String::as_str)
            .collect();
        if !logs::write(context, &group, &stream, &lines) {
            return Err(Failure::of_task(format!(
                "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. (log group {group}) : exit status 1"
            )));
        }
    }
    Ok(())
}

fn join_target_groups(context: &mut Context<'_>, task: &Task) {
    let address = task.interface.private_ip.to_string();
    for used in &task.load_balancers {
        elb::register(
            context,
            &used.target_group,
            &address,
            used.port,
            Some(&task.zone),
        );
        let status = match task.is_to_be(TaskOutcome::Unhealthy) {
            true => 503,
            false => 200,
        };
        let line = format!("ELB-HealthChecker/2.0 was answered {status}");
        container_log::say_at(context, task, used.port, &line);
        if let Some(service) = &task.service {
            let message = format!(
                "registered 1 targets in (target-group {})",
                used.target_group
            );
            service::tell(context, service, &message);
        }
    }
}

fn join_registries(context: &mut Context<'_>, task: &Task) {
    for registry in &task.registries {
        // With health checks in its containers the task is not found until they pass.
        let health = match task.checks_health() {
            true => "UNHEALTHY",
            false => "HEALTHY",
        };
        let cluster = task.cluster.rsplit('/').next().unwrap_or_default();
        let family = super::task_definition::name_in(&task.task_definition)
            .split(':')
            .next()
            .unwrap_or_default();
        let mut attributes: BTreeMap<String, String> = [
            ("AVAILABILITY_ZONE", task.zone.as_str()),
            ("AWS_INIT_HEALTH_STATUS", health),
            ("AWS_INSTANCE_IPV4", &task.interface.private_ip.to_string()),
            ("ECS_CLUSTER_NAME", cluster),
            ("ECS_SERVICE_NAME", &task.service_name),
            ("ECS_TASK_DEFINITION_FAMILY", family),
            ("REGION", context.region_name),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        if let Some(port) = registry.container_port.or(registry.port) {
            attributes.insert("AWS_INSTANCE_PORT".to_owned(), port.to_string());
        }
        cloud_map::register(context, &registry.service_id, &task.id, attributes);
    }
}

/// What is to end does so, and with an essential container the task.
fn exit(context: &mut Context<'_>, arn: &str) {
    let Some(task) = context.region.ecs.tasks.get_mut(arn) else {
        return;
    };
    if !task.is_wanted {
        return;
    }
    let mut ends_task = false;
    let mut exited = Vec::new();
    for container in &mut task.containers {
        let code = container.outcome.exit_code();
        if let (Some(code), None) = (code, container.exit_code) {
            container.exit_code = Some(code);
            container.reason = container.outcome.exit_reason().map(str::to_owned);
            ends_task |= container.is_essential;
            exited.push(container.name.clone());
        }
    }
    task.version += 1;
    let task = task.clone();
    for name in exited {
        let line = format!("{name} exits with code 1");
        container_log::say(context, &task, &name, &line);
    }
    if !ends_task {
        return;
    }
    let stop = Stop {
        code: "EssentialContainerExited",
        reason: "Essential container in task exited".to_owned(),
    };
    task_stop::count_failure(context, arn);
    task_stop::stop(context, arn, stop, false);
}
