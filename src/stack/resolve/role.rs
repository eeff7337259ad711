//! What may the tasks do?

use crate::stack::file;
use crate::stack::place::Place;
use crate::stack::policies::{Effect, NamedPolicy, Statement};
use crate::stack::problem::Problems;
use crate::stack::resolved::{Role, Service};

pub(super) fn resolve(
    role: Option<&file::Role>,
    place: &Place,
    services: &[Service],
    problems: &mut Problems,
) -> Role {
    let given = role.and_then(|role| role.policies.as_ref());
    let policies = match given {
        Some(policies) => named(policies, place, services, problems),
        None => default_policies(services),
    };
    let statements = role
        .and_then(|role| role.statements.as_ref())
        .into_iter()
        .flatten();
    let statements: Vec<Statement> = statements
        .enumerate()
        .filter_map(|(index, statement)| {
            custom(statement, &place.at("statements").item(index), problems)
        })
        .collect();
    if policies.is_empty() && statements.is_empty() {
        problems
            .error(
                place,
                "the role allows nothing, and IAM takes no policy without a statement",
            )
            .hint("leave out `role`, or name at least `ecr-pull` and `logs-write`");
    }
    Role {
        policies,
        statements,
    }
}

fn default_policies(services: &[Service]) -> Vec<NamedPolicy> {
    let mut policies = vec![NamedPolicy::EcrPull, NamedPolicy::LogsWrite];
    if services.iter().any(|service| service.exec) {
        policies.push(NamedPolicy::Exec);
    }
    policies
}

fn named(
    policies: &[file::Policy],
    place: &Place,
    services: &[Service],
    problems: &mut Problems,
) -> Vec<NamedPolicy> {
    let mut named: Vec<NamedPolicy> = Vec::new();
    for policy in policies.iter().map(|policy| policy_of(*policy)) {
        if !named.contains(&policy) {
            named.push(policy);
        }
    }
    let exec = services.iter().find(|service| service.exec);
    if let Some(service) = exec
        && !named.contains(&NamedPolicy::Exec)
    {
        problems
            .warning(
                &place.at("policies"),
                format!(
                    "`{}` has `exec: true`, but the role has no `exec` policy",
                    service.name
                ),
            )
            .hint("add `exec`, unless `statements` allow `ssmmessages:*` actions");
    }
    named
}

fn policy_of(policy: file::Policy) -> NamedPolicy {
    match policy {
        file::Policy::EcrPull => NamedPolicy::EcrPull,
        file::Policy::LogsWrite => NamedPolicy::LogsWrite,
        file::Policy::EcsAgent => NamedPolicy::EcsAgent,
        file::Policy::Discovery => NamedPolicy::Discovery,
        file::Policy::Exec => NamedPolicy::Exec,
    }
}

fn custom(
    statement: &file::Statement,
    place: &Place,
    problems: &mut Problems,
) -> Option<Statement> {
    let actions = statement.actions.clone()?;
    let resources = statement.resources.clone()?;
    for (index, action) in actions
        .iter()
        .enumerate()
        .filter(|(_, action)| !is_action(action))
    {
        problems
            .error(
                &place.at("actions").item(index),
                format!("`{action}` is not an IAM action"),
            )
            .label("not an action")
            .hint("write `service:Action`, as in `s3:GetObject`, or `*`");
    }
    for (index, resource) in resources
        .iter()
        .enumerate()
        .filter(|(_, resource)| !is_resource(resource))
    {
        problems
            .error(
                &place.at("resources").item(index),
                format!("`{resource}` is not a resource of IAM"),
            )
            .label("not an ARN")
            .hint("write an ARN, as in `arn:aws:s3:::my-bucket/*`, or `*`");
    }
    for (key, list) in [("actions", &actions), ("resources", &resources)] {
        if list.is_empty() {
            problems.error(
                &place.at(key),
                format!("`{}` is empty", place.at(key).path()),
            );
        }
    }
    let effect = match statement.effect {
        Some(file::Effect::Deny) => Effect::Deny,
        Some(file::Effect::Allow) | None => Effect::Allow,
    };
    let condition = statement.condition.clone().unwrap_or_default();
    let text = |values: Vec<file::Text>| values.into_iter().map(|value| value.0).collect();
    let condition = condition
        .into_iter()
        .map(|(operator, keys)| {
            (
                operator,
                keys.into_iter()
                    .map(|(key, values)| (key, text(values)))
                    .collect(),
            )
        })
        .collect();
    Some(Statement {
        effect,
        actions,
        resources,
        condition,
    })
}

fn is_action(action: &str) -> bool {
    let is_pattern = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || "-*?".contains(character))
    };
    action == "*"
        || action
            .split_once(':')
            .is_some_and(|(service, name)| is_pattern(service) && is_pattern(name))
}

fn is_resource(resource: &str) -> bool {
    resource == "*" || (resource.starts_with("arn:") && resource.matches(':').count() >= 5)
}
