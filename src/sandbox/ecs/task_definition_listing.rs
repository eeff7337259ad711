//! Which task definitions are there?

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    request::{invalid, page, page_of_values},
    task_definition::{Status, TaskDefinition},
};
use crate::sandbox::{call::Call, fault::Fault, world::Context};

fn status_of(text: &str) -> Result<Status, Fault> {
    match text {
        "ACTIVE" => Ok(Status::Active),
        "INACTIVE" => Ok(Status::Inactive),
        "DELETE_IN_PROGRESS" => Ok(Status::DeleteInProgress),
        other => Err(invalid(format!("Invalid status: {other}"))),
    }
}

pub fn revisions(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    // Not a prefix, in spite of its name: the whole family.
    let family = parameters.string("familyPrefix");
    let status = status_of(parameters.string("status").unwrap_or("ACTIVE"))?;
    let is_descending = parameters.string("sort") == Some("DESC");
    let mut definitions: Vec<&TaskDefinition> = context
        .region
        .ecs
        .task_definitions
        .values()
        .filter(|definition| definition.status == status)
        .filter(|definition| family.is_none_or(|family| definition.family == family))
        .collect();
    definitions
        .sort_by(|one, other| (&one.family, one.revision).cmp(&(&other.family, other.revision)));
    if is_descending {
        definitions.reverse();
    }
    let items = definitions
        .into_iter()
        .enumerate()
        .map(|(index, definition)| (format!("{index:020}"), json!(definition.arn)))
        .collect();
    page_of_values(&parameters, "taskDefinitionArns", items, 100)
}

pub fn families(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let prefix = parameters.string("familyPrefix").unwrap_or_default();
    let asked = parameters.string("status").unwrap_or("ALL");
    let definitions = || context.region.ecs.task_definitions.values();
    let is_active = |family: &str| {
        definitions()
            .any(|definition| definition.family == family && definition.status == Status::Active)
    };
    let families: BTreeSet<String> = definitions()
        .map(|definition| definition.family.clone())
        .filter(|family| family.starts_with(prefix))
        .filter(|family| match asked {
            "ACTIVE" => is_active(family),
            "INACTIVE" => !is_active(family),
            _ => true,
        })
        .collect();
    page(&parameters, "families", families.into_iter().collect(), 100)
}
