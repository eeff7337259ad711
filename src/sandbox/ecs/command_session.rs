//! How is a command begun in a container? ECS checks that it can be, and answers a session to speak over.

use serde_json::{Value, json};

use super::{request::invalid, task_start};
use crate::sandbox::{call::Call, fault::Fault, world::Context};

/// Opens a session as ECS does, and nobody is at its other end: a session is a stream to the container's machine, and the
/// sandbox runs no containers.
pub fn open(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    if parameters.boolean("interactive")? != Some(true) {
        return Err(invalid("Interactive is the only mode supported currently."));
    }
    if parameters.string("command").is_none_or(str::is_empty) {
        return Err(invalid("Command cannot be blank."));
    }
    let ecs = &context.region.ecs;
    let cluster = &ecs.cluster(parameters.string("cluster"))?.arn;
    let task = parameters
        .string("task")
        .and_then(|id| ecs.task(cluster, id))
        .ok_or_else(|| invalid("The referenced task was not found."))?;
    let container = match (parameters.string("container"), task.containers.as_slice()) {
        (None, [only]) => only,
        (None, _) => {
            return Err(invalid(
                "The container name must be specified for tasks with more than one container.",
            ));
        }
        (Some(name), containers) => containers
            .iter()
            .find(|container| container.name == name)
            .ok_or_else(|| invalid("The specified container does not exist in the task."))?,
    };
    if !task.enables_execute_command || !task.is_up() {
        return Err(invalid(
            "The execute command failed because execute command was not enabled when the task was run or the execute command agent isn't running. Wait and try again or run a new task with execute command enabled and try again.",
        ));
    }
    // The agent in the task speaks with Systems Manager (aws-behaviour §2.19).
    if !task_start::reaches(context, task, "ssmmessages") {
        return Err(Fault::new(
            "TargetNotConnectedException",
            "The execute command failed due to an internal error. Try again later.",
        ));
    }
    let (cluster, task_arn) = (cluster.clone(), task.arn.clone());
    let (name, container_arn) = (container.name.clone(), container.arn.clone());
    let session = format!("ecs-execute-command-{}", context.ids.hexadecimal(17));
    Ok(json!({
        "clusterArn": cluster,
        "taskArn": task_arn,
        "containerArn": container_arn,
        "containerName": name,
        "interactive": true,
        "session": {
            "sessionId": session,
            // A name that leads nowhere (RFC 6761): no plugin may take a sandbox's session to AWS.
            "streamUrl": format!("wss://ssmmessages.{}.sandbox.invalid/v1/data-channel/{session}?role=publish_subscribe", context.region_name),
            "tokenValue": format!("AAEAA{}", context.ids.hexadecimal(64)),
        },
    }))
}
