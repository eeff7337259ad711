//! Which tags do clusters, task definitions, services and tasks have?

use serde_json::{Value, json};

use super::{
    request::{invalid, tag_list, tags_at_create},
    state::Ecs,
};
use crate::sandbox::{call::Call, fault::Fault, tags::Tags, world::Context};

fn find<'a>(ecs: &'a mut Ecs, call: &Call) -> Result<&'a mut Tags, Fault> {
    let arn = call
        .parameters()
        .string("resourceArn")
        .ok_or_else(|| invalid("ResourceArn can not be blank."))?;
    let missing = || {
        invalid(
            "The specified resource is inactive or does not exist. Specify an active resource and try again.",
        )
    };
    let kind = arn
        .split(':')
        .nth(5)
        .and_then(|resource| resource.split('/').next());
    let tags = match kind {
        Some("cluster") => ecs.clusters.get_mut(arn).map(|cluster| &mut cluster.tags),
        Some("service") => ecs.services.get_mut(arn).map(|service| &mut service.tags),
        Some("task") => ecs.tasks.get_mut(arn).map(|task| &mut task.tags),
        Some("task-definition") => ecs
            .task_definitions
            .get_mut(arn)
            .map(|definition| &mut definition.tags),
        _ => return Err(invalid("Invalid identifier: Unexpected resource type")),
    };
    tags.ok_or_else(missing)
}

pub fn tag(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let added = tags_at_create(&call.parameters())?;
    let tags = find(&mut context.region.ecs, call)?;
    let mut all = tags.clone();
    all.merge(&added).map_err(invalid)?;
    *tags = all;
    Ok(json!({}))
}

pub fn untag(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let tags = find(&mut context.region.ecs, call)?;
    for key in call.parameters().strings("tagKeys") {
        tags.remove(key);
    }
    Ok(json!({}))
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let tags = find(&mut context.region.ecs, call)?;
    Ok(json!({"tags": tag_list(tags)}))
}
