//! The CloudWatch log group with its retention: how is it made, compared, changed and removed?

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::aws::{Aws, Settle, ours_or_taken, send, settle, tags};
use crate::resource::{
    CallError, Change, Context, Effect, Known, Lookup, Resource, StepError, TagMap,
};

/// What the stack wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogGroup {
    /// `/ecs/nginx`.
    pub log_group_name: String,
    /// One of the numbers in aws-behaviour §2.10; `None` keeps events for ever, as AWS does by itself.
    pub retention_in_days: Option<u16>,
    /// Tags.
    pub tags: TagMap,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct LogGroupObserved {
    /// Its name.
    pub log_group_name: String,
    /// `arn:aws:logs:…:log-group:…`, as tag calls take it.
    pub arn: String,
    /// `None` for ever.
    pub retention_in_days: Option<u16>,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogGroupOutputs {
    /// Its name.
    pub log_group_name: String,
}

impl Resource for LogGroup {
    const KIND: &'static str = "log_group";
    type Cloud = Aws;
    type Observed = LogGroupObserved;
    type Outputs = LogGroupOutputs;

    fn diff(&self, seen: &LogGroupObserved, recorded: Option<&Self>, _known: &Known) -> Change {
        let mut change = Change::default();
        change.field(
            "log_group_name",
            &seen.log_group_name,
            &self.log_group_name,
            Effect::Replace,
        );
        change.field(
            "retention_in_days",
            &seen.retention_in_days,
            &self.retention_in_days,
            Effect::InPlace,
        );
        change.recorded_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &LogGroupObserved) -> LogGroupOutputs {
        LogGroupOutputs {
            log_group_name: seen.log_group_name.clone(),
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<LogGroupObserved>>, CallError> {
        let names: Vec<&str> = lookups
            .iter()
            .map(|lookup| lookup.outputs.log_group_name.as_str())
            .collect();
        let found = listed(aws, &names).await?;
        Ok(names.iter().map(|name| found.get(*name).cloned()).collect())
    }

    async fn find(&self, context: &Context<'_, Aws>) -> Result<Option<LogGroupOutputs>, CallError> {
        let aws = context.cloud;
        let Some(group) = exact(aws, &self.log_group_name).await? else {
            return Ok(None);
        };
        let answer = send(
            "logs:ListTagsForResource",
            aws.logs
                .list_tags_for_resource()
                .resource_arn(&group.arn)
                .send(),
        )
        .await?;
        let token = answer
            .tags
            .and_then(|mut tags| tags.remove(tags::OPERATION));
        Ok((token.as_deref() == Some(context.token)).then(|| self.outputs(&group)))
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<LogGroupOutputs, StepError> {
        let aws = context.cloud;
        let tagged: HashMap<_, _> = tags::with_token(&self.tags, context.token)
            .into_iter()
            .collect();
        let created = settle("logs:CreateLogGroup", Settle::Contended, || {
            aws.logs
                .create_log_group()
                .log_group_name(&self.log_group_name)
                .set_tags(Some(tagged.clone()))
                .send()
        })
        .await;
        let outputs = match created {
            Ok(_) => LogGroupOutputs {
                log_group_name: self.log_group_name.clone(),
            },
            Err(error) => {
                let what = format!("the log group `{}`", self.log_group_name);
                ours_or_taken(error, &what, || self.find(context)).await?
            }
        };
        if let Some(days) = self.retention_in_days {
            // Not part of CreateLogGroup (aws-behaviour §2.10).
            self.put_retention(aws, days)
                .await
                .map_err(|error| StepError::after(&outputs, error))?;
        }
        Ok(outputs)
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &LogGroupOutputs,
        seen: &LogGroupObserved,
        change: &Change,
    ) -> Result<LogGroupOutputs, StepError> {
        let aws = context.cloud;
        match self.retention_in_days {
            _ if !change.touches("retention_in_days") => {}
            Some(days) => self.put_retention(aws, days).await?,
            None => {
                settle("logs:DeleteRetentionPolicy", Settle::Contended, || {
                    aws.logs
                        .delete_retention_policy()
                        .log_group_name(&self.log_group_name)
                        .send()
                })
                .await?;
            }
        }
        if change.touches("tags") {
            self.retag(aws, &seen.arn, change.dropped_tag_keys(&self.tags))
                .await?;
        }
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &LogGroupOutputs,
    ) -> Result<(), StepError> {
        let aws = context.cloud;
        let answer = settle("logs:DeleteLogGroup", Settle::Contended, || {
            aws.logs
                .delete_log_group()
                .log_group_name(&outputs.log_group_name)
                .send()
        })
        .await;
        match answer {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }
}

impl LogGroup {
    async fn put_retention(&self, aws: &Aws, days: u16) -> Result<(), CallError> {
        settle("logs:PutRetentionPolicy", Settle::Fresh, || {
            aws.logs
                .put_retention_policy()
                .log_group_name(&self.log_group_name)
                .retention_in_days(i32::from(days))
                .send()
        })
        .await
        .map(|_| ())
    }

    async fn retag(&self, aws: &Aws, arn: &str, dropped: Vec<String>) -> Result<(), CallError> {
        untag(aws, arn, &dropped).await?;
        if !self.tags.is_empty() {
            let tags = self.tags.clone().into_iter().collect();
            let call = aws.logs.tag_resource().resource_arn(arn);
            send("logs:TagResource", call.set_tags(Some(tags)).send()).await?;
        }
        Ok(())
    }
}

/// Takes these tags off a log group.
pub(super) async fn untag(aws: &Aws, arn: &str, keys: &[String]) -> Result<(), CallError> {
    if keys.is_empty() {
        return Ok(());
    }
    let call = aws.logs.untag_resource().resource_arn(arn);
    let call = call.set_tag_keys(Some(keys.to_vec()));
    send("logs:UntagResource", call.send()).await.map(drop)
}

/// The groups of these names that there are. CloudWatch Logs finds by prefix and nothing else
/// (aws-behaviour §2.10), so one listing of the common prefix serves all. Where strangers' groups
/// crowd that prefix, the rest is asked for by name: never more than twice as many calls as names.
pub async fn listed(
    aws: &Aws,
    names: &[&str],
) -> Result<BTreeMap<String, LogGroupObserved>, CallError> {
    let mut found = BTreeMap::new();
    let prefix = common_prefix(names);
    if names.len() > 1 && !prefix.is_empty() {
        let mut next_token = None;
        for _ in names {
            let call = aws.logs.describe_log_groups().log_group_name_prefix(prefix);
            let page = send(
                "logs:DescribeLogGroups",
                call.set_next_token(next_token).send(),
            )
            .await?;
            let groups = page.log_groups.unwrap_or_default().into_iter();
            found.extend(
                groups
                    .filter_map(observed)
                    .filter(|group| names.contains(&group.log_group_name.as_str()))
                    .map(|group| (group.log_group_name.clone(), group)),
            );
            next_token = page.next_token;
            if next_token.is_none() {
                return Ok(found);
            }
        }
    }
    for name in names {
        if !found.contains_key(*name)
            && let Some(group) = exact(aws, name).await?
        {
            found.insert((*name).to_owned(), group);
        }
    }
    Ok(found)
}

/// The group of exactly this name. The listing is sorted, so of all names with this prefix the bare
/// one comes first.
pub(super) async fn exact(aws: &Aws, name: &str) -> Result<Option<LogGroupObserved>, CallError> {
    let call = aws.logs.describe_log_groups().log_group_name_prefix(name);
    let page = send("logs:DescribeLogGroups", call.send()).await?;
    Ok(page
        .log_groups
        .unwrap_or_default()
        .into_iter()
        .filter_map(observed)
        .find(|group| group.log_group_name == name))
}

fn observed(group: aws_sdk_cloudwatchlogs::types::LogGroup) -> Option<LogGroupObserved> {
    Some(LogGroupObserved {
        log_group_name: group.log_group_name?,
        // `arn` ends in `:*`, which tag calls refuse; `logGroupArn` is the same without it.
        arn: group
            .log_group_arn
            .or(group.arn)
            .unwrap_or_default()
            .trim_end_matches(":*")
            .to_owned(),
        retention_in_days: group
            .retention_in_days
            .and_then(|days| u16::try_from(days).ok()),
    })
}

fn common_prefix<'a>(names: &[&'a str]) -> &'a str {
    let Some((first, rest)) = names.split_first() else {
        return "";
    };
    let common = rest.iter().fold(first.len(), |common, name| {
        first
            .char_indices()
            .zip(name.chars())
            .find(|((_, one), other)| one != other)
            .map_or(first.len().min(name.len()), |((position, _), _)| position)
            .min(common)
    });
    &first[..common]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::every_field::{Row, each_field};

    fn wanted() -> LogGroup {
        LogGroup {
            log_group_name: "/ecs/nginx".into(),
            retention_in_days: Some(7),
            tags: TagMap::from([("team".into(), "web".into())]),
        }
    }

    fn seen() -> LogGroupObserved {
        LogGroupObserved {
            log_group_name: "/ecs/nginx".into(),
            arn: "arn:aws:logs:ap-northeast-1:123456789012:log-group:/ecs/nginx".into(),
            retention_in_days: Some(7),
        }
    }

    #[test]
    fn what_aws_adds_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &Known::default());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<LogGroup>] = &[
            (
                "log_group_name",
                |group| group.log_group_name = "/ecs/api".into(),
                Effect::Replace,
            ),
            (
                "retention_in_days",
                |group| group.retention_in_days = Some(14),
                Effect::InPlace,
            ),
            (
                "retention_in_days",
                |group| group.retention_in_days = None,
                Effect::InPlace,
            ),
            (
                "tags.owner",
                |group| drop(group.tags.insert("owner".into(), "a".into())),
                Effect::InPlace,
            ),
            ("tags.team", |group| group.tags.clear(), Effect::InPlace),
        ];
        let diff = |changed: &LogGroup| changed.diff(&seen(), Some(&wanted()), &Known::default());
        each_field(&wanted(), diff, rows, &[]);
    }

    #[test]
    fn a_group_kept_for_ever_says_so_in_a_plan() {
        let mut group = wanted();
        group.retention_in_days = None;
        let change = group.diff(&seen(), Some(&wanted()), &Known::default());
        assert_eq!(
            (change.fields[0].old.as_str(), change.fields[0].new.as_str()),
            ("7", "(none)")
        );
    }

    #[test]
    fn the_common_prefix_ends_where_names_part() {
        assert_eq!(common_prefix(&["/ecs/nginx", "/ecs/api"]), "/ecs/");
        assert_eq!(
            common_prefix(&["/ecs/nginx", "/ecs/nginx-proxy"]),
            "/ecs/nginx"
        );
        assert_eq!(common_prefix(&["/a", "b"]), "");
        assert_eq!(common_prefix(&["/only"]), "/only");
        assert_eq!(common_prefix(&[]), "");
    }

    #[test]
    fn the_arn_is_the_one_that_tag_calls_take() {
        let group = aws_sdk_cloudwatchlogs::types::LogGroup::builder()
            .log_group_name("/ecs/nginx")
            .arn("arn:aws:logs:ap-northeast-1:123456789012:log-group:/ecs/nginx:*")
            .retention_in_days(7)
            .build();
        assert_eq!(observed(group), Some(seen()));
    }
}
