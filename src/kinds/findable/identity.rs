//! How are the role and the log groups found? Neither IAM nor CloudWatch Logs lists by tag: by name, and the tags are read.

use std::collections::BTreeSet;

use super::{each, last, of_stack};
use crate::aws::{Aws, send, tags};
use crate::kinds::log_group::{self, LogGroup, LogGroupOutputs};
use crate::kinds::role::{self, Role, RoleOutputs};
use crate::resource::{CallError, Context, Findable, Found, Remains, Search, TagMap};

/// The largest page of ListRoles, so that an account's roles take one call or two.
const ROLES_PER_CALL: i32 = 1000;

impl Findable for Role {
    /// ListRoles tells no tags. Asked for are the wanted names and those that begin with the stack's;
    /// one of another name is found through the task definition that names it.
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        let wanted = search.wanted.iter().map(|role| role.role_name.as_str());
        let wanted: BTreeSet<&str> = wanted.collect();
        let call = aws.iam.list_roles().max_items(ROLES_PER_CALL);
        let pages = call.into_paginator();
        let roles = send(
            "iam:ListRoles",
            pages.items().send().collect::<Result<Vec<_>, _>>(),
        )
        .await?;
        let names = roles
            .into_iter()
            .map(|role| role.role_name)
            .filter(|name| wanted.contains(name.as_str()) || name.starts_with(search.stack));
        let found = each(names, async |name| role(aws, &name).await).await?;
        Ok(of_stack(found, search.stack))
    }

    async fn attached(
        aws: &Aws,
        search: &Search<'_, Self>,
        remains: &Remains,
    ) -> Result<Vec<Found<Self>>, CallError> {
        let known = remains.outputs::<Role>();
        let names = remains.mentioned::<Role>().into_iter();
        let unknown = names.filter(|name| known.iter().all(|(_, role)| role.role_name != *name));
        let found = each(unknown, async |name| role(aws, &name).await).await?;
        Ok(of_stack(found, search.stack))
    }

    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        role(context.cloud, last(id)).await
    }

    async fn untag(aws: &Aws, outputs: &RoleOutputs, keys: &[String]) -> Result<(), CallError> {
        role::untag(aws, &outputs.role_name, keys).await
    }

    fn remnant(found: &Found<Self>, _name: &str, _remains: &Remains) -> Self {
        Role {
            role_name: found.outputs.role_name.clone(),
            assume_role_policy_document: serde_json::Value::Null,
            policies: Default::default(),
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

async fn role(aws: &Aws, name: &str) -> Result<Option<Found<Role>>, CallError> {
    let role = crate::kinds::role::described(aws, name).await?;
    Ok(role.map(|role| {
        let tags = role.tags.unwrap_or_default().into_iter();
        let outputs = RoleOutputs {
            role_name: role.role_name,
            arn: role.arn,
        };
        Found::new(outputs, tags.map(|tag| (tag.key, tag.value)).collect())
    }))
}

impl Findable for LogGroup {
    /// The wanted names, and the prefix of the names that navi makes up.
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        let prefix = format!("/ecs/{}/", search.stack);
        let call = aws.logs.describe_log_groups();
        let pages = call.log_group_name_prefix(prefix).into_paginator();
        let listed = send(
            "logs:DescribeLogGroups",
            pages.items().send().collect::<Result<Vec<_>, _>>(),
        )
        .await?;
        let wanted = search.wanted.iter().map(|group| &group.log_group_name);
        let mut names: BTreeSet<String> = wanted.cloned().collect();
        names.extend(listed.into_iter().filter_map(|group| group.log_group_name));
        found(aws, names, search.stack).await
    }

    async fn attached(
        aws: &Aws,
        search: &Search<'_, Self>,
        remains: &Remains,
    ) -> Result<Vec<Found<Self>>, CallError> {
        let mut names = remains.mentioned::<LogGroup>();
        for (_, group) in remains.outputs::<LogGroup>() {
            names.remove(&group.log_group_name);
        }
        found(aws, names, search.stack).await
    }

    /// By name, or by an ARN: `arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*`.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let name = id.split_once(":log-group:").map_or(id, |(_, name)| name);
        log_group(context.cloud, name.trim_end_matches(":*")).await
    }

    async fn untag(aws: &Aws, outputs: &LogGroupOutputs, keys: &[String]) -> Result<(), CallError> {
        let name = outputs.log_group_name.as_str();
        match log_group::listed(aws, &[name]).await?.get(name) {
            Some(group) => log_group::untag(aws, &group.arn, keys).await,
            None => Ok(()),
        }
    }

    fn remnant(found: &Found<Self>, _name: &str, _remains: &Remains) -> Self {
        LogGroup {
            log_group_name: found.outputs.log_group_name.clone(),
            retention_in_days: None,
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

async fn found(
    aws: &Aws,
    names: BTreeSet<String>,
    stack: &str,
) -> Result<Vec<Found<LogGroup>>, CallError> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let groups = crate::kinds::log_group::listed(aws, &names).await?;
    let found = each(groups.into_values(), async |group| {
        tagged_group(aws, group.log_group_name, &group.arn).await
    });
    Ok(of_stack(found.await?, stack))
}

async fn log_group(aws: &Aws, name: &str) -> Result<Option<Found<LogGroup>>, CallError> {
    match crate::kinds::log_group::exact(aws, name).await? {
        Some(group) => tagged_group(aws, group.log_group_name, &group.arn).await,
        None => Ok(None),
    }
}

async fn tagged_group(
    aws: &Aws,
    log_group_name: String,
    arn: &str,
) -> Result<Option<Found<LogGroup>>, CallError> {
    let call = aws.logs.list_tags_for_resource().resource_arn(arn);
    match send("logs:ListTagsForResource", call.send()).await {
        Ok(answer) => {
            let tags: TagMap = answer.tags.unwrap_or_default().into_iter().collect();
            Ok(Some(Found::new(LogGroupOutputs { log_group_name }, tags)))
        }
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
