//! What makes Application Auto Scaling change a service's count: how is a target tracking policy made, compared, changed
//! and removed?

use std::collections::HashMap;

use aws_sdk_applicationautoscaling::operation::describe_scaling_policies::builders::DescribeScalingPoliciesFluentBuilder;
use aws_sdk_applicationautoscaling::types as api;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::listener_rule::ListenerRule;
use super::load_balancer::LoadBalancer;
use super::scalable_target::{DIMENSION, NAMESPACE, ScalableTarget};
use super::target_group::TargetGroup;
use crate::aws::{Aws, Settle, send, settle};
use crate::resource::{
    CallError, Change, Context, Effect, Known, Lookup, Ref, Resource, StepError,
};

/// DescribeScalingPolicies answers this many in a page.
const POLICIES_PER_CALL: usize = 10;

/// What the stack wants: that a metric of the service stays near a value. The policy has no tags; whose it is, its
/// target says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalingPolicy {
    /// `Ref::exists`: aws-behaviour §1 row 38.
    pub scalable_target: Ref<ScalableTarget>,
    /// Unique among the policies of the target.
    pub policy_name: String,
    /// What is measured.
    pub predefined_metric_type: MetricType,
    /// Where requests are counted; none for the other metrics.
    pub requests_of: Option<RequestsOf>,
    /// At which value the metric is kept: percent, or requests of one task in a minute.
    pub target_value: u32,
}

/// What is measured, by AWS's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MetricType {
    /// Percent.
    #[serde(rename = "ECSServiceAverageCPUUtilization")]
    Cpu,
    /// Percent.
    #[serde(rename = "ECSServiceAverageMemoryUtilization")]
    Memory,
    /// Of one task in a minute.
    #[serde(rename = "ALBRequestCountPerTarget")]
    Requests,
}

/// The target group that gets the requests, and who sends them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestsOf {
    /// `Ref::exists`: a part of the label.
    pub load_balancer: Ref<LoadBalancer>,
    /// `Ref::exists`: a part of the label.
    pub target_group: Ref<TargetGroup>,
    /// `Ref::exists`: what leads from the one to the other (the API model's ResourceLabel asks that the group is attached).
    pub listener_rule: Ref<ListenerRule>,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalingPolicyObserved {
    /// `arn:aws:autoscaling:…:scalingPolicy:…`.
    pub arn: String,
    /// The name.
    pub policy_name: String,
    /// `service/CLUSTER/SERVICE`.
    pub resource_id: String,
    /// `TargetTrackingScaling`, unless somebody made another one of it.
    pub policy_type: String,
    /// AWS's name of the metric; empty for one that is none of AWS's own.
    pub predefined_metric_type: String,
    /// Whose requests.
    pub resource_label: Option<String>,
    /// At which value the metric is kept.
    pub target_value: f64,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalingPolicyOutputs {
    /// `arn:aws:autoscaling:…:scalingPolicy:…`.
    pub arn: String,
    /// The name.
    pub policy_name: String,
    /// `service/CLUSTER/SERVICE`.
    pub resource_id: String,
}

impl Resource for ScalingPolicy {
    const KIND: &'static str = "scaling_policy";
    type Cloud = Aws;
    type Observed = ScalingPolicyObserved;
    type Outputs = ScalingPolicyOutputs;

    fn identity(&self) -> Option<String> {
        let target = self.scalable_target.address();
        Some(format!("{} of {target}", self.policy_name))
    }

    fn diff(
        &self,
        seen: &ScalingPolicyObserved,
        _recorded: Option<&Self>,
        known: &Known,
    ) -> Change {
        let mut change = Change::default();
        let target = known.get(&self.scalable_target, |target| target.resource_id);
        change.reference(
            "scalable_target",
            &seen.resource_id,
            target.as_ref(),
            Effect::Replace,
        );
        change.field(
            "policy_name",
            &seen.policy_name,
            &self.policy_name,
            Effect::Replace,
        );
        change.field(
            "policy_type",
            seen.policy_type.as_str(),
            api::PolicyType::TargetTrackingScaling.as_str(),
            Effect::InPlace,
        );
        change.field(
            "predefined_metric_type",
            seen.predefined_metric_type.as_str(),
            self.predefined_metric_type.for_aws().as_str(),
            Effect::InPlace,
        );
        let label = match &self.requests_of {
            Some(of) => of.label(known).map(Some),
            None => Some(None),
        };
        change.reference(
            "requests_of",
            &seen.resource_label,
            label.as_ref(),
            Effect::InPlace,
        );
        if seen.target_value != f64::from(self.target_value) {
            change.note(
                "target_value",
                seen.target_value.to_string(),
                self.target_value.to_string(),
                Effect::InPlace,
            );
        }
        change
    }

    fn outputs(&self, seen: &ScalingPolicyObserved) -> ScalingPolicyOutputs {
        seen.into()
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<ScalingPolicyObserved>>, CallError> {
        let pages = lookups.chunks(POLICIES_PER_CALL).map(|some| {
            let names = some.iter().map(|lookup| lookup.outputs.policy_name.clone());
            describe(aws, names.collect())
        });
        let found: HashMap<_, _> = try_join_all(pages)
            .await?
            .into_iter()
            .flatten()
            // Other targets may have policies of the same name.
            .map(|seen| ((seen.resource_id.clone(), seen.policy_name.clone()), seen))
            .collect();
        Ok(lookups
            .iter()
            .map(|lookup| {
                let ScalingPolicyOutputs {
                    resource_id,
                    policy_name,
                    ..
                } = lookup.outputs.clone();
                found.get(&(resource_id, policy_name)).cloned()
            })
            .collect())
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<ScalingPolicyOutputs>, CallError> {
        let resource_id = context.outputs(&self.scalable_target)?.resource_id;
        let found = describe(context.cloud, vec![self.policy_name.clone()]).await?;
        // The target is the stack's, and so are its policies.
        Ok(found
            .into_iter()
            .find(|seen| seen.resource_id == resource_id)
            .map(|seen| self.outputs(&seen)))
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<ScalingPolicyOutputs, StepError> {
        let resource_id = context.outputs(&self.scalable_target)?.resource_id;
        Ok(self.put(context, resource_id).await?)
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &ScalingPolicyOutputs,
        _seen: &ScalingPolicyObserved,
        _change: &Change,
    ) -> Result<ScalingPolicyOutputs, StepError> {
        Ok(self.put(context, outputs.resource_id.clone()).await?)
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &ScalingPolicyOutputs,
    ) -> Result<(), StepError> {
        // `ObjectNotFoundException` is success (aws-behaviour §2.19).
        let answer = settle(
            "application-autoscaling:DeleteScalingPolicy",
            Settle::Contended,
            || {
                let call = context
                    .cloud
                    .application_auto_scaling
                    .delete_scaling_policy();
                call.service_namespace(NAMESPACE)
                    .scalable_dimension(DIMENSION)
                    .resource_id(&outputs.resource_id)
                    .policy_name(&outputs.policy_name)
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

impl ScalingPolicy {
    /// Makes the policy, or changes the one of its name: an upsert (aws-behaviour §2, name-idempotent).
    async fn put(
        &self,
        context: &Context<'_, Aws>,
        resource_id: String,
    ) -> Result<ScalingPolicyOutputs, CallError> {
        let label = match &self.requests_of {
            Some(of) => {
                context.outputs(&of.load_balancer)?;
                context.outputs(&of.target_group)?;
                of.label(context.known)
            }
            None => None,
        };
        let metric = api::PredefinedMetricSpecification::builder()
            .predefined_metric_type(self.predefined_metric_type.for_aws())
            .set_resource_label(label)
            .build()
            .expect("its required member is set");
        let tracking = api::TargetTrackingScalingPolicyConfiguration::builder()
            .target_value(f64::from(self.target_value))
            .predefined_metric_specification(metric)
            .build()
            .expect("its required member is set");
        // A target that was registered a moment ago (aws-behaviour §1 row 38).
        let answer = settle(
            "application-autoscaling:PutScalingPolicy",
            Settle::Spreading,
            || {
                context
                    .cloud
                    .application_auto_scaling
                    .put_scaling_policy()
                    .service_namespace(NAMESPACE)
                    .scalable_dimension(DIMENSION)
                    .resource_id(&resource_id)
                    .policy_name(&self.policy_name)
                    .policy_type(api::PolicyType::TargetTrackingScaling)
                    .target_tracking_scaling_policy_configuration(tracking.clone())
                    .send()
            },
        )
        .await?;
        Ok(ScalingPolicyOutputs {
            arn: answer.policy_arn,
            policy_name: self.policy_name.clone(),
            resource_id,
        })
    }
}

impl MetricType {
    const ALL: [MetricType; 3] = [MetricType::Cpu, MetricType::Memory, MetricType::Requests];

    /// The word of the stack file.
    pub fn word(self) -> &'static str {
        match self {
            MetricType::Cpu => "cpu",
            MetricType::Memory => "memory",
            MetricType::Requests => "requests",
        }
    }

    /// The metric of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.word() == word)
    }

    /// The metric that AWS calls this.
    pub fn of_aws(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|metric| metric.for_aws().as_str() == name)
    }

    fn for_aws(self) -> api::MetricType {
        match self {
            MetricType::Cpu => api::MetricType::EcsServiceAverageCpuUtilization,
            MetricType::Memory => api::MetricType::EcsServiceAverageMemoryUtilization,
            MetricType::Requests => api::MetricType::AlbRequestCountPerTarget,
        }
    }
}

impl RequestsOf {
    /// `app/NAME/ID/targetgroup/NAME/ID`: the ends of both ARNs (the API model's PredefinedMetricSpecification).
    fn label(&self, known: &Known) -> Option<String> {
        let balancer = known.get(&self.load_balancer, |balancer| balancer.arn)?;
        let group = known.get(&self.target_group, |group| group.arn)?;
        let (_, balancer) = balancer.split_once(":loadbalancer/")?;
        let group = group.rsplit(':').next()?;
        Some(format!("{balancer}/{group}"))
    }
}

impl From<&ScalingPolicyObserved> for ScalingPolicyOutputs {
    fn from(seen: &ScalingPolicyObserved) -> Self {
        ScalingPolicyOutputs {
            arn: seen.arn.clone(),
            policy_name: seen.policy_name.clone(),
            resource_id: seen.resource_id.clone(),
        }
    }
}

/// The policies of these names, whosever they are.
async fn describe(aws: &Aws, names: Vec<String>) -> Result<Vec<ScalingPolicyObserved>, CallError> {
    let call = aws.application_auto_scaling.describe_scaling_policies();
    listed(
        call.service_namespace(NAMESPACE)
            .set_policy_names(Some(names)),
    )
    .await
}

/// The policies of one target.
pub(super) async fn of_target(
    aws: &Aws,
    resource_id: &str,
) -> Result<Vec<ScalingPolicyObserved>, CallError> {
    let call = aws.application_auto_scaling.describe_scaling_policies();
    listed(call.service_namespace(NAMESPACE).resource_id(resource_id)).await
}

async fn listed(
    call: DescribeScalingPoliciesFluentBuilder,
) -> Result<Vec<ScalingPolicyObserved>, CallError> {
    let pages: Vec<_> = send(
        "application-autoscaling:DescribeScalingPolicies",
        call.into_paginator().send().collect::<Result<_, _>>(),
    )
    .await?;
    Ok(pages
        .into_iter()
        .flat_map(|page| page.scaling_policies.unwrap_or_default())
        .map(observe)
        .collect())
}

fn observe(policy: api::ScalingPolicy) -> ScalingPolicyObserved {
    let tracking = policy.target_tracking_scaling_policy_configuration;
    let target_value = tracking
        .as_ref()
        .map_or(0.0, |tracking| tracking.target_value);
    let metric = tracking.and_then(|tracking| tracking.predefined_metric_specification);
    ScalingPolicyObserved {
        arn: policy.policy_arn,
        policy_name: policy.policy_name,
        resource_id: policy.resource_id,
        policy_type: policy.policy_type.as_str().to_owned(),
        predefined_metric_type: metric.as_ref().map_or_else(String::new, |metric| {
            metric.predefined_metric_type.as_str().to_owned()
        }),
        resource_label: metric.and_then(|metric| metric.resource_label),
        target_value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Edit, Row, all_edited, each_field, edited, reached};

    const TARGET: &str = "service/shop-cluster/shop-web-service";

    fn wanted() -> ScalingPolicy {
        ScalingPolicy {
            scalable_target: Ref::exists("web"),
            policy_name: "shop-web-requests".into(),
            predefined_metric_type: MetricType::Requests,
            requests_of: Some(RequestsOf {
                load_balancer: Ref::exists("main"),
                target_group: Ref::exists("web"),
                listener_rule: Ref::exists("web"),
            }),
            target_value: 500,
        }
    }

    fn known() -> Known {
        let mut known = Known::default();
        for (address, outputs) in [
            (
                "scalable_target.web",
                json!({ "resource_id": TARGET, "arn": null }),
            ),
            (
                "load_balancer.main",
                json!({
                    "arn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop-lb/778d41231b141a0f",
                    "dns_name": "shop-lb.example.com",
                    "canonical_hosted_zone_id": "Z1",
                }),
            ),
            (
                "target_group.web",
                json!({
                    "arn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop-web-tg/943f017f100becff",
                    "deregistration_delay_seconds": null,
                }),
            ),
        ] {
            known.insert(address.parse().unwrap(), outputs);
        }
        known
    }

    fn policy(metric: api::PredefinedMetricSpecification) -> api::ScalingPolicy {
        let tracking = api::TargetTrackingScalingPolicyConfiguration::builder()
            .target_value(500.0)
            .predefined_metric_specification(metric)
            // What AWS fills in, and what others may have set beside.
            .disable_scale_in(false)
            .scale_in_cooldown(300);
        api::ScalingPolicy::builder()
            .policy_arn("arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:x")
            .policy_name("shop-web-requests")
            .service_namespace(NAMESPACE)
            .scalable_dimension(DIMENSION)
            .resource_id(TARGET)
            .policy_type(api::PolicyType::TargetTrackingScaling)
            .target_tracking_scaling_policy_configuration(tracking.build().unwrap())
            .creation_time(aws_smithy_types::DateTime::from_secs(0))
            .build()
            .unwrap()
    }

    fn seen() -> ScalingPolicyObserved {
        let metric = api::PredefinedMetricSpecification::builder()
            .predefined_metric_type(api::MetricType::AlbRequestCountPerTarget)
            .resource_label(
                "app/shop-lb/778d41231b141a0f/targetgroup/shop-web-tg/943f017f100becff",
            );
        observe(policy(metric.build().unwrap()))
    }

    #[test]
    fn what_aws_adds_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &known());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn a_metric_of_the_service_has_no_label() {
        let cpu = ScalingPolicy {
            predefined_metric_type: MetricType::Cpu,
            requests_of: None,
            ..wanted()
        };
        let metric = api::PredefinedMetricSpecification::builder()
            .predefined_metric_type(api::MetricType::EcsServiceAverageCpuUtilization);
        let seen = observe(policy(metric.build().unwrap()));
        let change = cpu.diff(&seen, Some(&cpu), &known());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<ScalingPolicy>] = &[
            (
                "scalable_target",
                |policy| policy.scalable_target = Ref::exists("new"),
                Effect::Replace,
            ),
            (
                "policy_name",
                |policy| policy.policy_name = "x".into(),
                Effect::Replace,
            ),
            (
                "predefined_metric_type",
                |policy| policy.predefined_metric_type = MetricType::Memory,
                Effect::InPlace,
            ),
            (
                "requests_of",
                |policy| {
                    policy.requests_of.as_mut().unwrap().target_group = Ref::exists("new");
                },
                Effect::InPlace,
            ),
            (
                "target_value",
                |policy| policy.target_value = 400,
                Effect::InPlace,
            ),
            (
                "requests_of",
                |policy| {
                    policy.requests_of.as_mut().unwrap().load_balancer = Ref::exists("new");
                },
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &ScalingPolicy| changed.diff(&seen(), Some(&wanted()), &known());
        // The rule must be there first: AWS takes only a group that a rule leads to.
        let ordered: &[(&str, Edit<ScalingPolicy>)] = &[("requests_of", |policy| {
            policy.requests_of.as_mut().unwrap().listener_rule = Ref::exists("new");
        })];
        each_field(&wanted(), diff, rows, ordered);
        let mut changed = all_edited(&wanted(), rows);
        changed.push(edited(&wanted(), ordered[0].1));
        reached::<_, RequestsOf>(&wanted(), &changed, "/requests_of");
    }

    #[test]
    fn what_somebody_made_another_kind_of_policy_is_made_ours_again() {
        let mut other = seen();
        other.policy_type = "StepScaling".into();
        let change = wanted().diff(&other, Some(&wanted()), &known());
        assert!(change.touches("policy_type") && !change.replaces());
    }
}
