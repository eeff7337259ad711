//! The bounds of an ECS service's count: how are they registered with Application Auto Scaling, compared, changed and
//! taken away?

use std::collections::HashMap;

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::ecs_service::EcsService;
use crate::aws::{Aws, Settle, send, settle, tags, taken};
use crate::resource::{
    CallError, Change, Context, Effect, Known, Lookup, Ref, Resource, StepError, TagMap,
};

/// DescribeScalableTargets answers this many in a page.
const TARGETS_PER_CALL: usize = 50;
/// What is scaled.
pub(super) const NAMESPACE: ServiceNamespace = ServiceNamespace::Ecs;
/// The number of an ECS service's tasks.
pub(super) const DIMENSION: ScalableDimension = ScalableDimension::EcsServiceDesiredCount;

/// What the stack wants: that the count of a service is Application Auto Scaling's, between two bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalableTarget {
    /// `Ref::exists`: aws-behaviour §1 row 37. The target goes first, or it would scale a service that is going (§3 step 1).
    pub service: Ref<EcsService>,
    /// How many tasks run at least. A service that has fewer gets them at once (the API model's RegisterScalableTarget).
    pub min_capacity: u32,
    /// How many tasks run at most.
    pub max_capacity: u32,
    /// Tags.
    pub tags: TagMap,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalableTargetObserved {
    /// `arn:aws:application-autoscaling:…:scalable-target/…`. AWS's answer may lack it.
    pub arn: Option<String>,
    /// `service/CLUSTER/SERVICE`.
    pub resource_id: String,
    /// How many tasks run at least.
    pub min_capacity: i32,
    /// How many tasks run at most.
    pub max_capacity: i32,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalableTargetOutputs {
    /// `service/CLUSTER/SERVICE`: what the target is called, for it has no other name.
    pub resource_id: String,
    /// For its tags.
    pub arn: Option<String>,
}

impl Resource for ScalableTarget {
    const KIND: &'static str = "scalable_target";
    type Cloud = Aws;
    type Observed = ScalableTargetObserved;
    type Outputs = ScalableTargetOutputs;

    fn identity(&self) -> Option<String> {
        Some(self.service.address().to_string())
    }

    fn diff(
        &self,
        seen: &ScalableTargetObserved,
        recorded: Option<&Self>,
        known: &Known,
    ) -> Change {
        let mut change = Change::default();
        let service = known.get(&self.service, |service| resource_id(&service.arn));
        change.reference(
            "service",
            &seen.resource_id,
            service.as_ref(),
            Effect::Replace,
        );
        for (field, seen, wanted) in [
            ("min_capacity", seen.min_capacity, self.min_capacity),
            ("max_capacity", seen.max_capacity, self.max_capacity),
        ] {
            change.field(field, &seen, &signed(wanted), Effect::InPlace);
        }
        change.recorded_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &ScalableTargetObserved) -> ScalableTargetOutputs {
        seen.into()
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<ScalableTargetObserved>>, CallError> {
        let ids: Vec<String> = lookups
            .iter()
            .map(|lookup| lookup.outputs.resource_id.clone())
            .collect();
        let pages = ids
            .chunks(TARGETS_PER_CALL)
            .map(|some| describe(aws, Some(some.to_vec())));
        let found: HashMap<String, ScalableTargetObserved> = try_join_all(pages)
            .await?
            .into_iter()
            .flatten()
            .map(|seen| (seen.resource_id.clone(), seen))
            .collect();
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<ScalableTargetOutputs>, CallError> {
        let id = resource_id(&context.outputs(&self.service)?.arn);
        match describe(context.cloud, Some(vec![id])).await?.pop() {
            Some(seen) if is_made_by(context, &seen).await? => Ok(Some(self.outputs(&seen))),
            _ => Ok(None),
        }
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<ScalableTargetOutputs, StepError> {
        let id = resource_id(&context.outputs(&self.service)?.arn);
        // RegisterScalableTarget is an upsert (aws-behaviour §2, name-idempotent) and would change what somebody
        // else has registered for the service.
        if let Some(seen) = describe(context.cloud, Some(vec![id.clone()])).await?.pop() {
            return match is_made_by(context, &seen).await? {
                true => Ok(self.outputs(&seen)),
                false => Err(taken(REGISTER, &format!("the scaling of `{id}`")).into()),
            };
        }
        let tags = tags::with_token(&self.tags, context.token);
        Ok(self.register(context.cloud, &id, Some(tags)).await?)
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &ScalableTargetOutputs,
        _seen: &ScalableTargetObserved,
        change: &Change,
    ) -> Result<ScalableTargetOutputs, StepError> {
        if change.touches("tags")
            && let Some(arn) = &outputs.arn
        {
            let dropped = change.dropped_tag_keys(&self.tags);
            retag(context.cloud, arn, &self.tags, dropped).await?;
        }
        match change.touches("min_capacity") || change.touches("max_capacity") {
            true => {
                let id = &outputs.resource_id;
                Ok(self.register(context.cloud, id, None).await?)
            }
            false => Ok(outputs.clone()),
        }
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &ScalableTargetOutputs,
    ) -> Result<(), StepError> {
        // `ObjectNotFoundException` is success (aws-behaviour §2.19).
        let answer = settle(
            "application-autoscaling:DeregisterScalableTarget",
            Settle::Contended,
            || {
                let call = context
                    .cloud
                    .application_auto_scaling
                    .deregister_scalable_target();
                call.service_namespace(NAMESPACE)
                    .scalable_dimension(DIMENSION)
                    .resource_id(&outputs.resource_id)
                    .send()
            },
        )
        .await;
        match answer {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }
}

const REGISTER: &str = "application-autoscaling:RegisterScalableTarget";

impl ScalableTarget {
    /// Makes the target or changes its bounds. Tags count only for a new one (the API model).
    async fn register(
        &self,
        aws: &Aws,
        id: &str,
        tags: Option<TagMap>,
    ) -> Result<ScalableTargetOutputs, CallError> {
        let tags: Option<HashMap<String, String>> = tags.map(|tags| tags.into_iter().collect());
        // A service or a service-linked role that AWS still spreads (aws-behaviour §1 row 37).
        let answer = settle(REGISTER, Settle::Spreading, || {
            aws.application_auto_scaling
                .register_scalable_target()
                .service_namespace(NAMESPACE)
                .scalable_dimension(DIMENSION)
                .resource_id(id)
                .min_capacity(signed(self.min_capacity))
                .max_capacity(signed(self.max_capacity))
                .set_tags(tags.clone())
                .send()
        })
        .await?;
        Ok(ScalableTargetOutputs {
            resource_id: id.to_owned(),
            arn: answer.scalable_target_arn,
        })
    }
}

/// `service/CLUSTER/SERVICE` is the end of the service's ARN.
fn resource_id(service_arn: &str) -> String {
    service_arn
        .rsplit(':')
        .next()
        .unwrap_or(service_arn)
        .to_owned()
}

/// A count as the API takes it; the stack file's check keeps it at 5000.
fn signed(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl From<&ScalableTargetObserved> for ScalableTargetOutputs {
    fn from(seen: &ScalableTargetObserved) -> Self {
        ScalableTargetOutputs {
            resource_id: seen.resource_id.clone(),
            arn: seen.arn.clone(),
        }
    }
}

/// Those of the targets that are there; without IDs, all of the account's and region's services.
pub(super) async fn describe(
    aws: &Aws,
    ids: Option<Vec<String>>,
) -> Result<Vec<ScalableTargetObserved>, CallError> {
    let call = aws
        .application_auto_scaling
        .describe_scalable_targets()
        .service_namespace(NAMESPACE)
        .set_resource_ids(ids)
        .into_paginator();
    let pages: Vec<_> = send(
        "application-autoscaling:DescribeScalableTargets",
        call.send().collect::<Result<_, _>>(),
    )
    .await?;
    Ok(pages
        .into_iter()
        .flat_map(|page| page.scalable_targets.unwrap_or_default())
        .map(|target| ScalableTargetObserved {
            arn: target.scalable_target_arn,
            resource_id: target.resource_id,
            min_capacity: target.min_capacity,
            max_capacity: target.max_capacity,
        })
        .collect())
}

async fn is_made_by(
    context: &Context<'_, Aws>,
    seen: &ScalableTargetObserved,
) -> Result<bool, CallError> {
    let Some(arn) = &seen.arn else {
        return Ok(false);
    };
    let tags = tags_of(context.cloud, arn).await?;
    let token = tags.get(tags::OPERATION);
    Ok(token.is_some_and(|token| token == context.token))
}

/// None of a target that is gone between two calls.
pub(super) async fn tags_of(aws: &Aws, arn: &str) -> Result<TagMap, CallError> {
    let call = aws.application_auto_scaling.list_tags_for_resource();
    let answer = send(
        "application-autoscaling:ListTagsForResource",
        call.resource_arn(arn).send(),
    )
    .await;
    match answer {
        Ok(answer) => Ok(answer.tags.unwrap_or_default().into_iter().collect()),
        Err(error) if error.is_not_found() => Ok(TagMap::new()),
        Err(error) => Err(error),
    }
}

/// Takes these tags off a target.
pub(super) async fn untag(aws: &Aws, arn: &str, keys: &[String]) -> Result<(), CallError> {
    if keys.is_empty() {
        return Ok(());
    }
    let call = aws.application_auto_scaling.untag_resource();
    let call = call.resource_arn(arn);
    let call = call.set_tag_keys(Some(keys.to_vec()));
    send("application-autoscaling:UntagResource", call.send())
        .await
        .map(drop)
}

async fn retag(
    aws: &Aws,
    arn: &str,
    wanted: &TagMap,
    dropped: Vec<String>,
) -> Result<(), CallError> {
    untag(aws, arn, &dropped).await?;
    let client = &aws.application_auto_scaling;
    if !wanted.is_empty() {
        let call = client.tag_resource().resource_arn(arn);
        let tags = wanted.clone().into_iter().collect();
        send(
            "application-autoscaling:TagResource",
            call.set_tags(Some(tags)).send(),
        )
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Row, each_field};

    fn wanted() -> ScalableTarget {
        ScalableTarget {
            service: Ref::exists("web"),
            min_capacity: 2,
            max_capacity: 8,
            tags: TagMap::from([("team".into(), "a".into())]),
        }
    }

    fn seen() -> ScalableTargetObserved {
        ScalableTargetObserved {
            arn: Some("arn:aws:application-autoscaling:eu-west-1:1:scalable-target/x".into()),
            resource_id: "service/shop-cluster/shop-web-service".into(),
            min_capacity: 2,
            max_capacity: 8,
        }
    }

    fn known() -> Known {
        let mut known = Known::default();
        known.insert(
            "ecs_service.web".parse().unwrap(),
            json!({
                "arn": "arn:aws:ecs:eu-west-1:123456789012:service/shop-cluster/shop-web-service",
                "name": "shop-web-service",
                "cluster": "arn:cluster",
                "deployment_id": null,
            }),
        );
        known
    }

    #[test]
    fn what_aws_adds_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &known());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<ScalableTarget>] = &[
            (
                "service",
                |target| target.service = Ref::exists("new"),
                Effect::Replace,
            ),
            (
                "min_capacity",
                |target| target.min_capacity = 1,
                Effect::InPlace,
            ),
            (
                "max_capacity",
                |target| target.max_capacity = 9,
                Effect::InPlace,
            ),
            (
                "tags.team",
                |target| drop(target.tags.insert("team".into(), "b".into())),
                Effect::InPlace,
            ),
            ("tags.team", |target| target.tags.clear(), Effect::InPlace),
        ];
        let diff = |changed: &ScalableTarget| changed.diff(&seen(), Some(&wanted()), &known());
        each_field(&wanted(), diff, rows, &[]);
    }

    #[test]
    fn it_goes_before_its_service() {
        use crate::resource::{AnyResource, Gate, OnDelete};
        let edges = wanted().edges();
        assert_eq!(edges.len(), 1);
        assert_eq!(
            (edges[0].gate, edges[0].on_delete),
            (Gate::Exists, OnDelete::Gone)
        );
    }
}
