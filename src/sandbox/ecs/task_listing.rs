//! Which tasks are there, and how is one stopped by hand?

use serde_json::{Value, json};

use super::{
    request::{client, includes, invalid, missing, page},
    task::{Stop, Task},
    task_stop,
};
use crate::sandbox::{call::Call, fault::Fault, world::Context};

const MOST_ASKED: usize = 100;

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let ecs = &context.region.ecs;
    let cluster = &ecs.cluster(parameters.string("cluster"))?.arn;
    let service = match parameters.string("serviceName") {
        None => None,
        Some(id) => match (ecs.service(cluster, id), ecs.inactive_service(cluster, id)) {
            (Ok(service), _) => Some(&service.arn),
            (Err(_), Some(service)) => Some(&service.arn),
            (Err(fault), None) => return Err(fault),
        },
    };
    let family = parameters.string("family");
    let started_by = parameters.string("startedBy");
    let is_wanted = match parameters.string("desiredStatus").unwrap_or("RUNNING") {
        // Nothing is ever desired to be pending; ECS takes the word all the same.
        "RUNNING" => true,
        "STOPPED" => false,
        "PENDING" => return Ok(json!({"taskArns": []})),
        other => return Err(invalid(format!("Invalid desiredStatus: {other}"))),
    };
    let is_asked_for = |task: &&Task| {
        task.cluster == *cluster
            && task.is_wanted == is_wanted
            && service.is_none_or(|service| task.service.as_ref() == Some(service))
            && family.is_none_or(|family| {
                super::task_definition::name_in(&task.task_definition)
                    .rsplit_once(':')
                    .map(|(name, _)| name)
                    == Some(family)
            })
            && started_by.is_none_or(|started_by| task.deployment == started_by)
    };
    let mut arns: Vec<String> = ecs
        .tasks
        .values()
        .chain(ecs.stopped_tasks.values())
        .filter(is_asked_for)
        .map(|task| task.arn.clone())
        .collect();
    arns.sort();
    page(&parameters, "taskArns", arns, 100)
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let ecs = &context.region.ecs;
    let cluster = ecs.cluster(parameters.string("cluster"))?;
    let asked = parameters.strings("tasks");
    if asked.is_empty() {
        return Err(invalid("Tasks cannot be empty."));
    }
    if asked.len() > MOST_ASKED {
        return Err(invalid(format!("Tasks cannot be more than {MOST_ASKED}.")));
    }
    let shows_tags = includes(&parameters, "TAGS");
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for id in asked {
        match ecs.task(&cluster.arn, id) {
            Some(task) => tasks.push(task.to_value(shows_tags)),
            None if id.starts_with("arn:") => failures.push(missing(id.to_owned())),
            None => failures.push(missing(
                context.arn("ecs", format_args!("task/{}/{id}", cluster.name)),
            )),
        }
    }
    Ok(json!({"tasks": tasks, "failures": failures}))
}

/// The service starts another one.
pub fn stop(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let ecs = &context.region.ecs;
    let cluster = ecs.cluster(parameters.string("cluster"))?.arn.clone();
    let id = parameters
        .string("task")
        .ok_or_else(|| client("Task can not be blank."))?;
    let not_found = || invalid("The referenced task was not found.");
    let arn = ecs.task(&cluster, id).ok_or_else(not_found)?.arn.clone();
    let reason = parameters
        .string("reason")
        .unwrap_or("Task stopped by user");
    let stop = Stop {
        code: "UserInitiated",
        reason: reason.to_owned(),
    };
    task_stop::stop(context, &arn, stop, true);
    let task = context
        .region
        .ecs
        .task(&cluster, &arn)
        .ok_or_else(not_found)?;
    Ok(json!({"task": task.to_value(true)}))
}
