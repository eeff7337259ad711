//! How is a command begun in a container? ECS opens a session of Systems Manager, which a program of AWS's then speaks over.

use serde_json::json;

use super::{Aws, Settle, send, settle};
use crate::resource::{CallError, Confidential};

/// In which container a command is to run.
#[derive(Clone, Debug)]
pub struct CommandTarget {
    /// The cluster's ARN.
    pub cluster: String,
    /// The task's ARN.
    pub task: String,
    /// The container's name.
    pub container: String,
    /// By what Systems Manager knows the container.
    pub runtime_id: String,
}

/// A session that waits for somebody to speak over it. Whoever has the token has the container.
#[derive(Clone, Debug)]
pub struct CommandSession {
    /// `ecs-execute-command-…`.
    pub id: String,
    /// The session as ECS answers it, as JSON: its ID, its URL, its token.
    pub answer: Confidential,
}

impl CommandTarget {
    /// By what Systems Manager knows it: `ecs:CLUSTER_TASK_RUNTIME-ID` (ECS API reference and AWS CLI, execute-command).
    pub fn name(&self) -> String {
        let last = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
        let (cluster, task) = (last(&self.cluster), last(&self.task));
        format!("ecs:{cluster}_{task}_{}", self.runtime_id)
    }
}

/// Begins a command. ECS knows interactive ones only (ECS API reference, ExecuteCommand). Never sent twice by itself:
/// each sending would open a session.
pub async fn execute_command(
    aws: &Aws,
    target: &CommandTarget,
    command: &str,
) -> Result<CommandSession, CallError> {
    const OPERATION: &str = "ecs:ExecuteCommand";
    let answer = settle(OPERATION, Settle::Throttling, || {
        aws.ecs_once
            .execute_command()
            .cluster(&target.cluster)
            .task(&target.task)
            .container(&target.container)
            .command(command)
            .interactive(true)
            .send()
    })
    .await?;
    let read = answer.session.and_then(|session| {
        let (id, url) = (session.session_id?, session.stream_url?);
        let token = session.token_value?;
        let answer = json!({"sessionId": id, "streamUrl": url, "tokenValue": token});
        Some(CommandSession {
            answer: answer.to_string().into(),
            id,
        })
    });
    read.ok_or_else(|| CallError::incomplete(OPERATION, "the answer holds no session"))
}

/// The ARN of the role that a task definition's containers have, if any.
pub async fn task_role(aws: &Aws, task_definition: &str) -> Result<Option<String>, CallError> {
    let call = aws.ecs.describe_task_definition();
    let call = call.task_definition(task_definition);
    let answer = send("ecs:DescribeTaskDefinition", call.send()).await?;
    Ok(answer
        .task_definition
        .and_then(|definition| definition.task_role_arn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_manager_knows_a_container_by_three_names() {
        let target = CommandTarget {
            cluster: "arn:aws:ecs:eu-west-1:123456789012:cluster/main".to_owned(),
            task: "arn:aws:ecs:eu-west-1:123456789012:task/main/0aa1".to_owned(),
            container: "web".to_owned(),
            runtime_id: "0aa1-3107182542".to_owned(),
        };
        assert_eq!(target.name(), "ecs:main_0aa1_0aa1-3107182542");
    }
}
