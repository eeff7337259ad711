//! What may the tasks do? The named policies of the stack file and the documents IAM is given.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::resolved::Role;

/// A ready-made statement; each allows its actions on every resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamedPolicy {
    EcrPull,
    LogsWrite,
    EcsAgent,
    Discovery,
    Exec,
}

/// One statement of an IAM policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub effect: Effect,
    pub actions: Vec<String>,
    pub resources: Vec<String>,
    /// Operator → key → values, as in IAM's `Condition`. Usually empty.
    pub condition: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

impl NamedPolicy {
    pub const ALL: [NamedPolicy; 5] = [
        NamedPolicy::EcrPull,
        NamedPolicy::LogsWrite,
        NamedPolicy::EcsAgent,
        NamedPolicy::Discovery,
        NamedPolicy::Exec,
    ];

    /// The actions in the article's order, its repetition of `ecr:GetDownloadUrlForLayer` included:
    /// the environment is to match value for value, and IAM keeps what it is given.
    pub fn actions(self) -> &'static [&'static str] {
        match self {
            NamedPolicy::EcrPull => &[
                "ecr:GetDownloadUrlForLayer",
                "ecr:BatchGetImage",
                "ecr:GetAuthorizationToken",
                "ecr:BatchCheckLayerAvailability",
                "ecr:GetDownloadUrlForLayer",
            ],
            NamedPolicy::LogsWrite => &[
                "logs:CreateLogStream",
                "logs:PutLogEvents",
                "logs:CreateLogGroup",
                "logs:DescribeLogGroups",
                "logs:DescribeLogStreams",
            ],
            NamedPolicy::EcsAgent => &[
                "ecs:DescribeTasks",
                "ecs:UpdateContainerInstancesState",
                "ecs:SubmitContainerStateChange",
            ],
            NamedPolicy::Discovery => &[
                "servicediscovery:RegisterInstance",
                "servicediscovery:DeregisterInstance",
                "servicediscovery:ListServices",
                "servicediscovery:GetService",
                "servicediscovery:GetInstancesHealthStatus",
                "servicediscovery:DiscoverInstances",
            ],
            NamedPolicy::Exec => &[
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ],
        }
    }

    pub fn statement(self) -> Statement {
        Statement {
            effect: Effect::Allow,
            actions: self
                .actions()
                .iter()
                .map(|action| (*action).to_owned())
                .collect(),
            resources: vec!["*".to_owned()],
            condition: BTreeMap::new(),
        }
    }
}

impl Role {
    /// All statements: the named policies in the order of the file, then the user's own.
    pub fn all_statements(&self) -> Vec<Statement> {
        self.policies
            .iter()
            .map(|policy| policy.statement())
            .chain(self.statements.iter().cloned())
            .collect()
    }

    /// The inline policy.
    pub fn policy_document(&self) -> Value {
        let statements: Vec<Value> = self
            .all_statements()
            .iter()
            .map(Statement::document)
            .collect();
        json!({ "Version": "2012-10-17", "Statement": statements })
    }

    /// Who may assume the role: the tasks of ECS.
    pub fn trust_document(&self) -> Value {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Action": "sts:AssumeRole",
                "Effect": "Allow",
                "Principal": { "Service": "ecs-tasks.amazonaws.com" },
            }],
        })
    }
}

impl Statement {
    pub(super) fn document(&self) -> Value {
        let effect = match self.effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        };
        let mut document = json!({ "Effect": effect, "Action": self.actions, "Resource": one_or_many(&self.resources) });
        if !self.condition.is_empty() {
            document["Condition"] = json!(self.condition);
        }
        document
    }
}

/// IAM takes a single string for a list of one, and the article writes `"*"` so.
fn one_or_many(values: &[String]) -> Value {
    match values {
        [single] => json!(single),
        many => json!(many),
    }
}
