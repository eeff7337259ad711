//! How does a task end? It leaves Cloud Map and the load balancer first, and its interface goes last.

use std::time::Duration;

use super::{
    container_log, scheduler,
    task::{Container, Stop, Task, TaskState},
};
use crate::sandbox::{cloud_map, ec2::network_interface, elb, pace::Doing, world::Context};

/// For how long stopped tasks are described.
const SHOWN: Duration = Duration::from_secs(3600);
/// Exit code of a container that was told to stop and did not listen.
const KILLED: i64 = 137;

/// What kept a task from starting.
pub struct Failure {
    container: Option<String>,
    reason: String,
}

impl Failure {
    pub fn of_task(reason: String) -> Self {
        Self {
            container: None,
            reason,
        }
    }

    pub fn of_container(name: &str, reason: String) -> Self {
        Self {
            container: Some(name.to_owned()),
            reason,
        }
    }
}

/// Ends a task that could not start.
pub fn fail(context: &mut Context<'_>, arn: &str, failure: Failure) {
    if let Some(task) = context.region.ecs.tasks.get_mut(arn) {
        let named = |name: &str| failure.container.as_deref() == Some(name);
        for container in task
            .containers
            .iter_mut()
            .filter(|container| named(&container.name))
        {
            container.reason = Some(failure.reason.clone());
        }
    }
    count_failure(context, arn);
    let stop = Stop {
        code: "TaskFailedToStart",
        reason: failure.reason,
    };
    stop_now(context, arn, stop);
}

/// Counts a failed task against its deployment, and makes the service wait before it tries again.
pub fn count_failure(context: &mut Context<'_>, arn: &str) {
    let ecs = &mut context.region.ecs;
    let Some(task) = ecs.tasks.get(arn) else {
        return;
    };
    let (deployment, had_run) = (task.deployment.clone(), task.started.is_some());
    if let Some(service) = task.service.clone() {
        scheduler::back_off(context, &service, &deployment, had_run);
    }
}

/// Stops a task: its targets drain first, if it is to go in peace.
pub fn stop(context: &mut Context<'_>, arn: &str, stop: Stop, drains: bool) {
    let Some(task) = begin_stop(context, arn, stop) else {
        return;
    };
    let delay = leave(context, &task);
    let was_up = task.state == TaskState::Running;
    if drains && was_up && !task.load_balancers.is_empty() {
        set_state(context, arn, TaskState::Deactivating);
        let arn = arn.to_owned();
        context.schedule_after(delay, move |context| end(context, &arn));
    } else {
        end(context, arn);
    }
}

fn stop_now(context: &mut Context<'_>, arn: &str, stop: Stop) {
    if begin_stop(context, arn, stop).is_some() {
        deprovision(context, arn);
    }
}

/// The task as it was; none if it is stopping already.
fn begin_stop(context: &mut Context<'_>, arn: &str, stop: Stop) -> Option<Task> {
    let now = context.now;
    let task = context.region.ecs.tasks.get_mut(arn)?;
    if !task.is_wanted {
        return None;
    }
    task.is_wanted = false;
    task.stopping = Some(now);
    task.stop = Some(stop);
    Some(task.clone())
}

/// Takes the task out of Cloud Map and the target groups; says how long its targets drain.
fn leave(context: &mut Context<'_>, task: &Task) -> Duration {
    if task.started.is_none() {
        return Duration::ZERO;
    }
    for registry in &task.registries {
        cloud_map::deregister(context, &registry.service_id, &task.id);
    }
    let address = task.interface.private_ip.to_string();
    task.load_balancers
        .iter()
        .map(|used| elb::deregister(context, &used.target_group, &address, used.port))
        .max()
        .unwrap_or_default()
}

fn set_state(context: &mut Context<'_>, arn: &str, state: TaskState) {
    if let Some(task) = context.region.ecs.tasks.get_mut(arn) {
        task.state = state;
        task.version += 1;
    }
}

fn end(context: &mut Context<'_>, arn: &str) {
    set_state(context, arn, TaskState::Stopping);
    if let Some(task) = context.region.ecs.tasks.get(arn).cloned()
        && task.started.is_some()
    {
        let running = |container: &&Container| container.exit_code.is_none();
        for container in task.containers.iter().filter(running) {
            let line = format!("{} is asked to stop (SIGTERM)", container.name);
            container_log::say(context, &task, &container.name, &line);
        }
    }
    look(context, arn);
    let arn = arn.to_owned();
    context.schedule(Doing::TaskStops, move |context| {
        if let Some(task) = context.region.ecs.tasks.get_mut(&arn) {
            let was_started = task.started.is_some();
            for container in &mut task.containers {
                if was_started {
                    container.exit_code.get_or_insert(KILLED);
                }
            }
        }
        deprovision(context, &arn);
    });
}

/// The interface stays a little longer than the containers (aws-behaviour §2.7, "ENI lag").
fn deprovision(context: &mut Context<'_>, arn: &str) {
    set_state(context, arn, TaskState::Deprovisioning);
    look(context, arn);
    let arn = arn.to_owned();
    context.schedule(Doing::TaskInterfaceGoes, move |context| {
        let Some(mut task) = context.region.ecs.tasks.remove(&arn) else {
            return;
        };
        network_interface::delete(context, &task.interface.id);
        task.state = TaskState::Stopped;
        task.version += 1;
        task.stopped = Some(context.now);
        let service = task.service.clone();
        context.region.ecs.stopped_tasks.insert(arn.clone(), task);
        context.schedule_after(SHOWN, move |context| {
            context.region.ecs.stopped_tasks.remove(&arn);
        });
        if let Some(service) = service {
            scheduler::look_soon(context, &service);
        }
    });
}

fn look(context: &mut Context<'_>, arn: &str) {
    let service = context
        .region
        .ecs
        .tasks
        .get(arn)
        .and_then(|task| task.service.clone());
    if let Some(service) = service {
        scheduler::look_soon(context, &service);
    }
}
