//! The IAM role with its trust policy and inline policies: how is it made, compared, changed and removed?

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::policy_document::{canonical_policy, parsed, with_statements_of};
use crate::aws::{Aws, Settle, ours_or_taken, send, settle, tags};
use crate::resource::{
    Bridge, CallError, Change, Context, Effect, Holder, Known, Lookup, Resource, StepError, TagMap,
    Timing,
};

/// What the stack wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// At most 64 characters, unique in the account (aws-behaviour §2.8).
    pub role_name: String,
    /// The trust policy: who may assume the role.
    pub assume_role_policy_document: Value,
    /// Inline policies by name.
    pub policies: BTreeMap<String, Value>,
    /// Tags.
    pub tags: TagMap,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleObserved {
    /// Its name.
    pub role_name: String,
    /// `arn:aws:iam::…:role/…`.
    pub arn: String,
    /// The trust policy.
    pub assume_role_policy_document: Value,
    /// The inline policies that were asked for; `None` for one that is not there. Of others nothing is known.
    pub policies: BTreeMap<String, Option<Value>>,
    /// Tags but AWS's own.
    pub tags: TagMap,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoleOutputs {
    /// Its name.
    pub role_name: String,
    /// `arn:aws:iam::…:role/…`.
    pub arn: String,
}

/// Characters of all inline policies of a role together (IAM and STS quotas).
const LONGEST_POLICIES: usize = 10_240;

impl Resource for Role {
    const KIND: &'static str = "role";
    const TIMING: Timing = Timing {
        // What is still attached after two minutes was attached by somebody (aws-behaviour §2.8).
        gone_within: Duration::from_secs(120),
        ..Timing::IMMEDIATE
    };
    const CARRIES_TRAFFIC: bool = true;
    type Cloud = Aws;
    type Observed = RoleObserved;
    type Outputs = RoleOutputs;

    /// A task reads its secrets when it starts, and those of the old revision may have to start once more (one fails, a
    /// deployment is rolled back): they may read theirs until none is left.
    fn bridge(&self, recorded: &Self) -> Option<Bridge<Self>> {
        let mut policies = self.policies.clone();
        for (name, old) in &recorded.policies {
            let new = policies.remove(name);
            policies.insert(name.clone(), with_statements_of(new, old));
        }
        let longest: usize = policies
            .values()
            .map(|policy| policy.to_string().len())
            .sum();
        (policies != self.policies && longest <= LONGEST_POLICIES).then(|| Bridge {
            spec: Role {
                policies,
                ..self.clone()
            },
            fields: &["policies"],
        })
    }

    fn diff(&self, seen: &RoleObserved, recorded: Option<&Self>, _known: &Known) -> Change {
        let mut change = Change::default();
        change.field(
            "role_name",
            &seen.role_name,
            &self.role_name,
            Effect::Replace,
        );
        note_policy(
            &mut change,
            "assume_role_policy_document",
            Some(&seen.assume_role_policy_document),
            &self.assume_role_policy_document,
        );
        for (name, wanted) in &self.policies {
            // Not asked for: the stack has given it up, and whether it is still there is no drift.
            if let Some(seen) = seen.policies.get(name) {
                note_policy(
                    &mut change,
                    &format!("policies.{name}"),
                    seen.as_ref(),
                    wanted,
                );
            }
        }
        // Policies that others put on the role are theirs; only those of the last run are dropped.
        for (name, dropped) in recorded.iter().flat_map(|recorded| &recorded.policies) {
            if !self.policies.contains_key(name) {
                change.note(
                    &format!("policies.{name}"),
                    canonical_policy(dropped).to_string(),
                    "(none)".to_owned(),
                    Effect::InPlace,
                );
            }
        }
        change.tags(&seen.tags, &self.tags);
        change.dropped_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &RoleObserved) -> RoleOutputs {
        RoleOutputs {
            role_name: seen.role_name.clone(),
            arn: seen.arn.clone(),
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<RoleObserved>>, CallError> {
        // IAM describes one role per call.
        try_join_all(
            lookups
                .iter()
                .map(|lookup| observe(aws, &lookup.outputs.role_name, lookup.spec)),
        )
        .await
    }

    async fn find(&self, context: &Context<'_, Aws>) -> Result<Option<RoleOutputs>, CallError> {
        let Some(role) = described(context.cloud, &self.role_name).await? else {
            return Ok(None);
        };
        let ours = role
            .tags()
            .iter()
            .any(|tag| tag.key == tags::OPERATION && tag.value == context.token);
        Ok(ours.then_some(RoleOutputs {
            role_name: role.role_name,
            arn: role.arn,
        }))
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<RoleOutputs, StepError> {
        let aws = context.cloud;
        let tagged = tags::iam(&tags::with_token(&self.tags, context.token));
        let created = settle("iam:CreateRole", Settle::Spreading, || {
            aws.iam
                .create_role()
                .role_name(&self.role_name)
                .assume_role_policy_document(self.assume_role_policy_document.to_string())
                .set_tags(Some(tagged.clone()))
                .send()
        })
        .await;
        let outputs = match created.map(|answer| answer.role) {
            Ok(Some(role)) => RoleOutputs {
                role_name: role.role_name,
                arn: role.arn,
            },
            Ok(None) => {
                return Err(
                    CallError::incomplete("iam:CreateRole", "the answer holds no role").into(),
                );
            }
            Err(error) => {
                let what = format!("the role `{}`", self.role_name);
                ours_or_taken(error, &what, || self.find(context)).await?
            }
        };
        for (name, document) in &self.policies {
            put_policy(aws, &self.role_name, name, document)
                .await
                .map_err(|error| StepError::after(&outputs, error))?;
        }
        Ok(outputs)
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &RoleOutputs,
        _seen: &RoleObserved,
        change: &Change,
    ) -> Result<RoleOutputs, StepError> {
        let aws = context.cloud;
        if change.touches("assume_role_policy_document") {
            settle("iam:UpdateAssumeRolePolicy", Settle::Spreading, || {
                aws.iam
                    .update_assume_role_policy()
                    .role_name(&outputs.role_name)
                    .policy_document(self.assume_role_policy_document.to_string())
                    .send()
            })
            .await?;
        }
        for field in &change.fields {
            let Some(name) = field.field.strip_prefix("policies.") else {
                continue;
            };
            match self.policies.get(name) {
                Some(document) => put_policy(aws, &outputs.role_name, name, document).await?,
                None => delete_policy(aws, &outputs.role_name, name).await?,
            }
        }
        if change.touches("tags") {
            self.retag(aws, change.dropped_tag_keys(&self.tags)).await?;
        }
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &RoleOutputs,
    ) -> Result<(), StepError> {
        let aws = context.cloud;
        // Inline policies are part of the role and keep it from going, whoever put them.
        for name in policy_names(aws, &outputs.role_name).await? {
            delete_policy(aws, &outputs.role_name, &name).await?;
        }
        let answer = settle("iam:DeleteRole", Settle::Contended, || {
            aws.iam.delete_role().role_name(&outputs.role_name).send()
        })
        .await;
        match answer {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }

    async fn holders(&self, context: &Context<'_, Aws>, outputs: &RoleOutputs) -> Vec<Holder> {
        let answer = send(
            "iam:ListAttachedRolePolicies",
            context
                .cloud
                .iam
                .list_attached_role_policies()
                .role_name(&outputs.role_name)
                .send(),
        )
        .await;
        // Managed policies are others' objects: navi names them, and leaves it to their owner to detach them.
        answer
            .ok()
            .and_then(|answer| answer.attached_policies)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|policy| policy.policy_arn)
            .map(|id| Holder {
                id,
                what: "managed policy attached to the role".to_owned(),
            })
            .collect()
    }
}

impl Role {
    async fn retag(&self, aws: &Aws, dropped: Vec<String>) -> Result<(), CallError> {
        untag(aws, &self.role_name, &dropped).await?;
        if !self.tags.is_empty() {
            settle("iam:TagRole", Settle::Contended, || {
                aws.iam
                    .tag_role()
                    .role_name(&self.role_name)
                    .set_tags(Some(tags::iam(&self.tags)))
                    .send()
            })
            .await?;
        }
        Ok(())
    }
}

/// Takes these tags off a role.
pub(super) async fn untag(aws: &Aws, role_name: &str, keys: &[String]) -> Result<(), CallError> {
    if keys.is_empty() {
        return Ok(());
    }
    settle("iam:UntagRole", Settle::Contended, || {
        let call = aws.iam.untag_role().role_name(role_name);
        call.set_tag_keys(Some(keys.to_vec())).send()
    })
    .await
    .map(drop)
}

pub(super) async fn described(
    aws: &Aws,
    role_name: &str,
) -> Result<Option<aws_sdk_iam::types::Role>, CallError> {
    match send(
        "iam:GetRole",
        aws.iam.get_role().role_name(role_name).send(),
    )
    .await
    {
        Ok(answer) => Ok(answer.role),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn observe(
    aws: &Aws,
    role_name: &str,
    wanted: &Role,
) -> Result<Option<RoleObserved>, CallError> {
    let policies = wanted
        .policies
        .keys()
        .map(|name| inline_policy(aws, role_name, name));
    let (role, policies) = tokio::try_join!(described(aws, role_name), try_join_all(policies))?;
    Ok(role.map(|role| RoleObserved {
        role_name: role.role_name,
        arn: role.arn,
        assume_role_policy_document: parsed(
            role.assume_role_policy_document
                .as_deref()
                .unwrap_or_default(),
        ),
        policies: wanted.policies.keys().cloned().zip(policies).collect(),
        tags: tags::comparable(
            role.tags
                .unwrap_or_default()
                .into_iter()
                .map(|tag| (tag.key, tag.value)),
        ),
    }))
}

async fn inline_policy(aws: &Aws, role_name: &str, name: &str) -> Result<Option<Value>, CallError> {
    let call = aws.iam.get_role_policy().role_name(role_name);
    match send("iam:GetRolePolicy", call.policy_name(name).send()).await {
        Ok(answer) => Ok(Some(parsed(&answer.policy_document))),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn put_policy(
    aws: &Aws,
    role_name: &str,
    name: &str,
    document: &Value,
) -> Result<(), CallError> {
    settle("iam:PutRolePolicy", Settle::Fresh, || {
        aws.iam
            .put_role_policy()
            .role_name(role_name)
            .policy_name(name)
            .policy_document(document.to_string())
            .send()
    })
    .await
    .map(|_| ())
}

async fn delete_policy(aws: &Aws, role_name: &str, name: &str) -> Result<(), CallError> {
    let call = aws.iam.delete_role_policy().role_name(role_name);
    match send("iam:DeleteRolePolicy", call.policy_name(name).send()).await {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

async fn policy_names(aws: &Aws, role_name: &str) -> Result<Vec<String>, CallError> {
    let mut names = Vec::new();
    let mut marker = None;
    loop {
        let call = aws.iam.list_role_policies().role_name(role_name);
        let page = match send("iam:ListRolePolicies", call.set_marker(marker).send()).await {
            Ok(page) => page,
            Err(error) if error.is_not_found() => return Ok(names),
            Err(error) => return Err(error),
        };
        names.extend(page.policy_names);
        marker = page.marker;
        if !page.is_truncated || marker.is_none() {
            return Ok(names);
        }
    }
}

fn note_policy(change: &mut Change, field: &str, seen: Option<&Value>, wanted: &Value) {
    let wanted = canonical_policy(wanted);
    let seen = seen.map(canonical_policy);
    if seen.as_ref() != Some(&wanted) {
        let old = seen.map_or_else(|| "(none)".to_owned(), |seen| seen.to_string());
        change.note(field, old, wanted.to_string(), Effect::InPlace);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Row, each_field};

    fn wanted() -> Role {
        Role {
            role_name: "web-role".into(),
            assume_role_policy_document: json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Action": "sts:AssumeRole",
                    "Effect": "Allow",
                    "Principal": { "Service": "ecs-tasks.amazonaws.com" },
                }],
            }),
            policies: BTreeMap::from([(
                "web-policy".to_owned(),
                json!({
                    "Version": "2012-10-17",
                    "Statement": [
                        { "Effect": "Allow", "Action": ["logs:PutLogEvents", "logs:CreateLogStream"], "Resource": "*" },
                        { "Effect": "Allow", "Action": ["ecr:BatchGetImage"], "Resource": "*" },
                    ],
                }),
            )]),
            tags: TagMap::from([("Name".into(), "web-role".into())]),
        }
    }

    fn seen() -> RoleObserved {
        RoleObserved {
            role_name: "web-role".into(),
            arn: "arn:aws:iam::123456789012:role/web-role".into(),
            assume_role_policy_document: json!({
                "Statement": {
                    "Effect": "Allow",
                    "Principal": { "Service": ["ecs-tasks.amazonaws.com"] },
                    "Action": ["sts:AssumeRole"],
                },
                "Version": "2012-10-17",
            }),
            policies: BTreeMap::from([
                ("second".to_owned(), None),
                (
                    "web-policy".to_owned(),
                    Some(json!({
                        "Version": "2012-10-17",
                        "Statement": [
                            { "Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": ["*"] },
                            { "Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:CreateLogStream"], "Resource": "*" },
                        ],
                    })),
                ),
            ]),
            tags: TagMap::from([
                ("Name".into(), "web-role".into()),
                ("somebody".into(), "else".into()),
            ]),
        }
    }

    #[test]
    fn a_document_that_means_the_same_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &Known::default());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<Role>] = &[
            (
                "role_name",
                |role| role.role_name = "other".into(),
                Effect::Replace,
            ),
            (
                "assume_role_policy_document",
                |role| {
                    role.assume_role_policy_document["Statement"][0]["Principal"]["Service"] =
                        json!("ec2.amazonaws.com");
                },
                Effect::InPlace,
            ),
            (
                "policies.web-policy",
                |role| {
                    let policy = role.policies.get_mut("web-policy").unwrap();
                    policy["Statement"][0]["Resource"] = json!("x");
                },
                Effect::InPlace,
            ),
            (
                "policies.second",
                |role| drop(role.policies.insert("second".into(), json!({}))),
                Effect::InPlace,
            ),
            (
                "policies.web-policy",
                |role| role.policies.clear(),
                Effect::InPlace,
            ),
            (
                "tags.Name",
                |role| drop(role.tags.insert("Name".into(), "b".into())),
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &Role| changed.diff(&seen(), Some(&wanted()), &Known::default());
        each_field(&wanted(), diff, rows, &[]);
    }

    #[test]
    fn a_policy_that_somebody_else_put_is_no_difference() {
        let mut seen = seen();
        seen.policies.insert("audit".into(), Some(json!({})));
        let change = wanted().diff(&seen, Some(&wanted()), &Known::default());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn what_was_not_asked_for_is_no_difference_and_what_is_gone_is_one() {
        let mut seen = seen();
        seen.policies.insert("web-policy".into(), None);
        let change = wanted().diff(&seen, Some(&wanted()), &Known::default());
        assert_eq!(change.fields[0].old, "(none)");
        seen.policies.remove("web-policy");
        let change = wanted().diff(&seen, Some(&wanted()), &Known::default());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn what_is_taken_away_stays_until_tasks_have_moved() {
        let mut other = wanted();
        let policy = other.policies.get_mut("web-policy").unwrap();
        policy["Statement"][0]["Resource"] = json!("x");
        let bridge = other.bridge(&wanted()).unwrap();
        let statements = bridge.spec.policies["web-policy"]["Statement"].clone();
        let (new, old) = (
            &other.policies["web-policy"],
            &wanted().policies["web-policy"],
        );
        assert_eq!(statements[0], new["Statement"][0]);
        assert!(
            statements
                .as_array()
                .unwrap()
                .contains(&old["Statement"][0])
        );
        // The rest of both is the same, and once there.
        let count = old["Statement"].as_array().unwrap().len();
        assert_eq!(statements.as_array().unwrap().len(), count + 1);

        let mut none = wanted();
        none.policies.clear();
        assert_eq!(
            none.bridge(&wanted()).unwrap().spec.policies,
            wanted().policies
        );
        // What only comes is there before, in one step.
        assert!(wanted().bridge(&none).is_none());
        assert!(wanted().bridge(&wanted()).is_none());
    }
}
