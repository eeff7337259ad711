//! Does a task get its secrets and environment files? ECS fetches them before anything starts; what is missing stops the task.

use super::{task::Task, task_start::reaches, task_stop::Failure};
use crate::sandbox::world::Context;

const CANNOT_FETCH: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed";
const CANNOT_DOWNLOAD: &str = "ResourceInitializationError: failed to download env files";

/// What the containers name in a list of theirs.
fn named(context: &Context<'_>, task: &Task, list: &str, member: &str) -> Vec<String> {
    let definition = context.region.ecs.task_definition(&task.task_definition);
    let containers = definition.map_or(&[][..], |definition| definition.containers());
    containers
        .iter()
        .filter_map(|container| container[list].as_array())
        .flatten()
        .filter_map(|item| item[member].as_str())
        .map(str::to_owned)
        .collect()
}

/// From Secrets Manager by ARN, from Systems Manager by ARN or name; without a way to either nothing comes (aws-behaviour §2.19).
pub fn check_secrets(context: &Context<'_>, task: &Task) -> Result<(), Failure> {
    for from in named(context, task, "secrets", "valueFrom") {
        let is_secret = from.contains(":secretsmanager:");
        let (service, attempt) = match is_secret {
            true => (
                "secretsmanager",
                format!(
                    "unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret {from} from secrets manager"
                ),
            ),
            false => (
                "ssm",
                "unable to retrieve secrets from ssm: service call has been retried 1 time(s)"
                    .to_owned(),
            ),
        };
        let cause = if !reaches(context, task, service) {
            format!(
                "RequestCanceled: request context canceled caused by: context deadline exceeded (https://{service}.{}.amazonaws.com/)",
                context.region_name
            )
        } else if context.secrets.is_denied(&from) {
            let action = match is_secret {
                true => "secretsmanager:GetSecretValue",
                false => "ssm:GetParameters",
            };
            format!(
                "AccessDeniedException: User: {} is not authorized to perform: {action} on resource: {from} because no identity-based policy allows the {action} action",
                execution_session(context, task)
            )
        } else if !context.secrets.is_missing(&from) {
            continue;
        } else if is_secret {
            "ResourceNotFoundException: Secrets Manager can't find the specified secret.".to_owned()
        } else {
            let name = from
                .split_once(":parameter/")
                .map_or(from.as_str(), |(_, name)| name);
            format!("invalid parameters: {name}")
        };
        return Err(Failure::of_task(format!(
            "{CANNOT_FETCH}: {attempt}: {cause}"
        )));
    }
    Ok(())
}

/// Who asks: ECS in the name of the execution role, in a session that is called as the task (aws/copilot-cli#4504).
fn execution_session(context: &Context<'_>, task: &Task) -> String {
    let definition = context.region.ecs.task_definition(&task.task_definition);
    let role = definition
        .ok()
        .and_then(|definition| definition.text("executionRoleArn"))
        .and_then(|arn| arn.rsplit('/').next())
        .unwrap_or_default();
    format!(
        "arn:aws:sts::{}:assumed-role/{role}/{}",
        context.account, task.id
    )
}

pub fn check_environment_files(context: &Context<'_>, task: &Task) -> Result<(), Failure> {
    for file in named(context, task, "environmentFiles", "value") {
        if !reaches(context, task, "s3") {
            return Err(Failure::of_task(format!(
                "{CANNOT_DOWNLOAD}: file download command: non empty error stream: RequestCanceled: request context canceled caused by: context deadline exceeded"
            )));
        }
        if context.secrets.is_missing(&file) {
            return Err(Failure::of_task(format!(
                "{CANNOT_DOWNLOAD}: service call has been retried 1 time(s): operation error S3: HeadObject, https response error StatusCode: 404, api error NotFound: Not Found"
            )));
        }
    }
    Ok(())
}
