//! What do containers write to their logs? No program runs in them, but what happens to them is known.

use serde_json::Value;

use super::{
    container_definition::{LogTarget, log_target},
    task::Task,
};
use crate::sandbox::{logs, world::Context};

/// Where a container of a task writes to, if it is in the region.
pub fn stream<'a>(
    context: &Context<'_>,
    container: &'a Value,
    task: &Task,
) -> Option<(LogTarget<'a>, String)> {
    let target = log_target(container)?;
    let name = container["name"].as_str()?;
    let stream = match target.prefix {
        Some(prefix) => format!("{prefix}/{name}/{}", task.id),
        None => task.id.clone(),
    };
    (target.region == context.region_name).then_some((target, stream))
}

/// Lets a container write a line.
pub fn say(context: &mut Context<'_>, task: &Task, container: &str, line: &str) {
    let definition = context.region.ecs.task_definition(&task.task_definition);
    let Ok(definition) = definition else { return };
    let found = definition
        .containers()
        .iter()
        .find(|one| one["name"] == container)
        .and_then(|one| stream(context, one, task))
        .map(|(target, stream)| (target.group.to_owned(), stream));
    if let Some((group, stream)) = found {
        logs::write(context, &group, &stream, &[line]);
    }
}

/// Lets the container that listens on a port write a line.
pub fn say_at(context: &mut Context<'_>, task: &Task, port: i64, line: &str) {
    if let Some(container) = task.listener(port) {
        say(context, task, container, line);
    }
}
