//! How does a task definition go? It is deregistered, then deleted once nothing uses it (aws-behaviour §2.17).

use serde_json::{Value, json};

use super::{
    request::{client, invalid},
    task_definition::{Status, name_in},
};
use crate::sandbox::{call::Call, fault::Fault, world::Context};

/// Those that already use it go on.
pub fn deregister(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = parameters
        .string("taskDefinition")
        .ok_or_else(|| client("TaskDefinition can not be blank."))?;
    if !name_in(id).contains(':') {
        return Err(client(
            "The specified task definition has no revision. Specify family:revision or a full ARN.",
        ));
    }
    let now = context.now;
    let ecs = &mut context.region.ecs;
    let arn = ecs.task_definition(id)?.arn.clone();
    let definition = ecs
        .task_definitions
        .get_mut(&arn)
        .ok_or_else(super::task_definition::not_found)?;
    if definition.status == Status::Active {
        definition.status = Status::Inactive;
        definition.deregistered = Some(now);
    }
    Ok(json!({"taskDefinition": definition.to_value()}))
}

pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let ids = call.parameters().strings("taskDefinitions");
    if ids.is_empty() || ids.len() > 10 {
        return Err(invalid(
            "Between 1 and 10 task definitions must be specified.",
        ));
    }
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for id in ids {
        match delete_one(context, id) {
            Ok(definition) => deleted.push(definition),
            Err(reason) => failures.push(json!({"arn": id, "reason": reason})),
        }
    }
    Ok(json!({"taskDefinitions": deleted, "failures": failures}))
}

fn delete_one(context: &mut Context<'_>, id: &str) -> Result<Value, &'static str> {
    const MISSING: &str = "The specified task definition does not exist. Specify a valid account, family, revision and try again.";
    let ecs = &mut context.region.ecs;
    let arn = ecs
        .task_definition(id)
        .map(|definition| definition.arn.clone())
        .map_err(|_| MISSING)?;
    let definition = ecs.task_definitions.get_mut(&arn).ok_or(MISSING)?;
    if definition.status == Status::Active {
        return Err(
            "The specified task definition is still in ACTIVE status. Please deregister the task definition and try again.",
        );
    }
    definition.status = Status::DeleteInProgress;
    let answer = definition.to_value();
    remove_when_unused(context, arn);
    Ok(answer)
}

fn remove_when_unused(context: &mut Context<'_>, arn: String) {
    context.schedule_for_next_request(move |context| {
        let ecs = &mut context.region.ecs;
        if ecs.users_of(&arn) == 0 {
            ecs.task_definitions.remove(&arn);
        } else {
            remove_when_unused(context, arn);
        }
    });
}
