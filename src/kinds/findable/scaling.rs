//! How are scalable targets and their policies found? Application Auto Scaling lists them without tags: a target's are
//! read, and a policy is its target's.

use super::{each, of_stack, only};
use crate::aws::{Aws, tags};
use crate::kinds::scalable_target::{self, ScalableTarget, ScalableTargetOutputs};
use crate::kinds::scaling_policy::{self, MetricType, ScalingPolicy};
use crate::resource::{CallError, Context, Findable, Found, Remains, Search, TagMap};

async fn found(
    aws: &Aws,
    outputs: ScalableTargetOutputs,
) -> Result<Option<Found<ScalableTarget>>, CallError> {
    let tags = match &outputs.arn {
        Some(arn) => scalable_target::tags_of(aws, arn).await?,
        None => TagMap::new(),
    };
    Ok(Some(Found::new(outputs, tags)))
}

impl Findable for ScalableTarget {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        let all = scalable_target::describe(aws, None).await?;
        let found = each(all, async |seen| found(aws, (&seen).into()).await);
        Ok(of_stack(found.await?, search.stack))
    }

    /// By what is scaled: `service/CLUSTER/SERVICE`.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let ids = vec![id.to_owned()];
        let seen = scalable_target::describe(context.cloud, Some(ids)).await?;
        match seen.first() {
            Some(seen) => found(context.cloud, seen.into()).await,
            None => Ok(None),
        }
    }

    async fn untag(
        aws: &Aws,
        outputs: &ScalableTargetOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        match &outputs.arn {
            Some(arn) => scalable_target::untag(aws, arn, keys).await,
            // One that takes no tags (aws-behaviour §2.18).
            None => Ok(()),
        }
    }

    fn remnant(found: &Found<Self>, name: &str, remains: &Remains) -> Self {
        ScalableTarget {
            service: remains.one(name).unwrap_or_else(|| remains.held_by(None)),
            min_capacity: 0,
            max_capacity: 0,
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

impl Findable for ScalingPolicy {
    /// It takes no tags.
    async fn tagged(_aws: &Aws, _search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        Ok(Vec::new())
    }

    /// Those of the stack's targets that are of a metric which a stack file can name.
    async fn attached(
        aws: &Aws,
        _search: &Search<'_, Self>,
        remains: &Remains,
    ) -> Result<Vec<Found<Self>>, CallError> {
        let mut found = Vec::new();
        for (name, target) in remains.outputs::<ScalableTarget>() {
            let policies = scaling_policy::of_target(aws, &target.resource_id).await?;
            found.extend(policies.iter().filter_map(|seen| {
                let metric = MetricType::of_aws(&seen.predefined_metric_type)?;
                let policy = Found::new(seen.into(), TagMap::new());
                let policy = policy.within(target.resource_id.clone());
                Some(policy.named(format!("{name}/{}", metric.word())))
            }));
        }
        Ok(found)
    }

    /// By name, among the target's.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let target = context.outputs(&self.scalable_target)?.resource_id;
        let policies = scaling_policy::of_target(context.cloud, &target).await?;
        let called = policies
            .iter()
            .filter(|seen| seen.policy_name == id || seen.arn == id);
        let found = called.map(|seen| Found::new(seen.into(), TagMap::new()));
        only(found.collect(), id)
    }

    fn remnant(found: &Found<Self>, name: &str, remains: &Remains) -> Self {
        let metric = name.rsplit('/').next().and_then(MetricType::of_word);
        ScalingPolicy {
            scalable_target: remains.held_by(found.within.as_deref()),
            policy_name: found.outputs.policy_name.clone(),
            predefined_metric_type: metric.unwrap_or(MetricType::Cpu),
            requests_of: None,
            target_value: 0,
        }
    }
}
