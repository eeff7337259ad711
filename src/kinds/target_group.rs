//! The target group of IP targets with its health check: how is it made, compared, changed and removed?

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::{
    Matcher, ProtocolEnum, TargetGroupAttribute, TargetTypeEnum,
};
use serde::{Deserialize, Serialize};

use super::load_balancer::LoadBalancer;
use super::vpc::Vpc;
use crate::aws::{
    Aws, Settle, describe_present, holders_among_rules, ours_or_taken, send, settle, tags, taken,
};
use crate::resource::{
    CallError, Change, Context, Effect, Holder, Known, Lookup, Ref, Resource, StepError, TagMap,
    Timing, UniqueName,
};

/// What AWS gives a new group (aws-behaviour §2.14): wanting it takes no call.
pub(super) const DEFAULT_DEREGISTRATION_DELAY_SECONDS: u32 = 300;

/// What the stack wants. Targets are IP addresses, as Fargate needs them, and speak HTTP
/// (aws-behaviour §2.14).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetGroup {
    /// At most 32 letters, digits and `-`, unique in account and region.
    pub name: String,
    /// Only a default: ECS registers each task with its container's port.
    pub port: u16,
    /// `exists` (aws-behaviour §1 row 1).
    pub vpc: Ref<Vpc>,
    /// Whose rules lead to it. Not needed to make it, and no order on delete; but a group serves one load
    /// balancer only (aws-behaviour §2.13), so another one needs another group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<Ref<LoadBalancer>>,
    /// When a target counts as healthy.
    pub health_check: HealthCheck,
    /// How long a leaving target may finish its requests. `None` leaves it to AWS (300).
    pub deregistration_delay_seconds: Option<u32>,
    /// Tags.
    pub tags: TagMap,
}

/// When a target counts as healthy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// What is asked for, `/`.
    pub path: String,
    /// 5 to 300.
    pub interval_seconds: u32,
    /// 2 to 120.
    pub timeout_seconds: u32,
    /// 2 to 10.
    pub healthy_threshold_count: u32,
    /// 2 to 10.
    pub unhealthy_threshold_count: u32,
    /// The HTTP codes of a healthy answer, `200` or `200-299`.
    pub matcher: String,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetGroupObserved {
    /// `arn:aws:elasticloadbalancing:…:targetgroup/…`.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The default port.
    pub port: u16,
    /// `vpc-…`.
    pub vpc_id: String,
    /// The load balancers whose listeners or rules name it.
    pub load_balancer_arns: Vec<String>,
    /// When a target counts as healthy.
    pub health_check: HealthCheck,
    /// See [`TargetGroupOutputs::deregistration_delay_seconds`].
    pub deregistration_delay_seconds: Option<u32>,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetGroupOutputs {
    /// `arn:aws:elasticloadbalancing:…:targetgroup/…`.
    pub arn: String,
    /// The delay as navi last set it. AWS takes it in a second call, and reading it back would cost
    /// one call per group in every sweep: a run that broke off between the two is told by this.
    pub deregistration_delay_seconds: Option<u32>,
}

impl Resource for TargetGroup {
    const KIND: &'static str = "target_group";
    const TIMING: Timing = Timing {
        // A rule that is gone holds it for a moment more (aws-behaviour §2.14).
        gone_within: Duration::from_secs(120),
        ..Timing::IMMEDIATE
    };
    type Cloud = Aws;
    type Observed = TargetGroupObserved;
    type Outputs = TargetGroupOutputs;

    fn claim(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn unique_name(&self) -> Option<UniqueName> {
        Some(UniqueName {
            name: self.name.clone(),
            longest: 32,
        })
    }

    fn renamed(&self, name: String) -> Self {
        TargetGroup {
            name,
            ..self.clone()
        }
    }

    fn diff(&self, seen: &TargetGroupObserved, recorded: Option<&Self>, known: &Known) -> Change {
        let mut change = Change::default();
        change.field("name", &seen.name, &self.name, Effect::Replace);
        change.field("port", &seen.port, &self.port, Effect::Replace);
        let vpc_id = known.get(&self.vpc, |vpc| vpc.vpc_id);
        change.reference("vpc", &seen.vpc_id, vpc_id.as_ref(), Effect::Replace);
        if let Some(balancer) = &self.load_balancer {
            let wanted = known.get(balancer, |balancer| balancer.arn);
            // One that no rule names yet is free for any.
            let elsewhere = |arn: &String| wanted.as_ref() != Some(arn);
            if let Some(arn) = seen.load_balancer_arns.iter().find(|arn| elsewhere(arn)) {
                change.reference("load_balancer", arn, wanted.as_ref(), Effect::Replace);
            }
        }
        self.health_check.compare(&seen.health_check, &mut change);
        if let Some(wanted) = self.deregistration_delay_seconds {
            change.field(
                "deregistration_delay_seconds",
                &seen.deregistration_delay_seconds,
                &Some(wanted),
                Effect::InPlace,
            );
        }
        change.recorded_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &TargetGroupObserved) -> TargetGroupOutputs {
        TargetGroupOutputs {
            arn: seen.arn.clone(),
            deregistration_delay_seconds: seen.deregistration_delay_seconds,
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<TargetGroupObserved>>, CallError> {
        let arns: Vec<String> = lookups
            .iter()
            .map(|lookup| lookup.outputs.arn.clone())
            .collect();
        let found = describe_present(&arns, 20, |arns| async move {
            let call = aws
                .elb
                .describe_target_groups()
                .set_target_group_arns(Some(arns));
            let answer = send("elb:DescribeTargetGroups", call.send()).await?;
            Ok(answer.target_groups.unwrap_or_default())
        })
        .await?;
        let found: HashMap<_, _> = found
            .into_iter()
            .map(|group| (group.target_group_arn.clone().unwrap_or_default(), group))
            .collect();
        Ok(lookups
            .iter()
            .map(|lookup| Some(observed(found.get(&lookup.outputs.arn)?, lookup.outputs)))
            .collect())
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<TargetGroupOutputs>, CallError> {
        match self.existing(context.cloud).await? {
            Some(arn) if tags::made_elb(context.cloud, &arn, context.token).await? => {
                Ok(Some(bare(arn)))
            }
            _ => Ok(None),
        }
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<TargetGroupOutputs, StepError> {
        let made = self.make(context).await?;
        if self.deregistration_delay_seconds == Some(DEFAULT_DEREGISTRATION_DELAY_SECONDS) {
            return Ok(TargetGroupOutputs {
                deregistration_delay_seconds: self.deregistration_delay_seconds,
                ..made
            });
        }
        self.set_delay(context.cloud, &made)
            .await
            .map_err(|error| StepError::after(&made, error))
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &TargetGroupOutputs,
        _seen: &TargetGroupObserved,
        change: &Change,
    ) -> Result<TargetGroupOutputs, StepError> {
        let aws = context.cloud;
        if change.touches("health_check") {
            self.set_health_check(aws, &outputs.arn).await?;
        }
        if change.touches("tags") {
            let dropped = change.dropped_tag_keys(&self.tags);
            tags::retag_elb(aws, &outputs.arn, &self.tags, dropped).await?;
        }
        match change.touches("deregistration_delay_seconds") {
            true => Ok(self.set_delay(aws, outputs).await?),
            false => Ok(outputs.clone()),
        }
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &TargetGroupOutputs,
    ) -> Result<(), StepError> {
        let call = context.cloud.elb.delete_target_group();
        let call = call.target_group_arn(&outputs.arn);
        match send("elb:DeleteTargetGroup", call.send()).await {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn holders(
        &self,
        context: &Context<'_, Aws>,
        outputs: &TargetGroupOutputs,
    ) -> Vec<Holder> {
        holders_among_rules(context.cloud, &outputs.arn).await
    }
}

impl TargetGroup {
    async fn make(&self, context: &Context<'_, Aws>) -> Result<TargetGroupOutputs, CallError> {
        const OPERATION: &str = "elb:CreateTargetGroup";
        let aws = context.cloud;
        let what = format!("the target group `{}`", self.name);
        // AWS answers a create of the same name and settings with the group that is there, whosever
        // it is (aws-behaviour §2, name-idempotent): so look first.
        if let Some(arn) = self.existing(aws).await? {
            return match tags::made_elb(aws, &arn, context.token).await? {
                true => Ok(bare(arn)),
                false => Err(taken(OPERATION, &what)),
            };
        }
        let vpc = context.outputs(&self.vpc)?;
        let check = &self.health_check;
        let tagged = tags::elb(&tags::with_token(&self.tags, context.token));
        let created = settle(OPERATION, Settle::Fresh, || {
            aws.elb
                .create_target_group()
                .name(&self.name)
                .target_type(TargetTypeEnum::Ip)
                .protocol(ProtocolEnum::Http)
                .port(i32::from(self.port))
                .vpc_id(&vpc.vpc_id)
                .health_check_path(&check.path)
                .health_check_interval_seconds(count(check.interval_seconds))
                .health_check_timeout_seconds(count(check.timeout_seconds))
                .healthy_threshold_count(count(check.healthy_threshold_count))
                .unhealthy_threshold_count(count(check.unhealthy_threshold_count))
                .matcher(Matcher::builder().http_code(&check.matcher).build())
                .set_tags(Some(tagged.clone()))
                .send()
        })
        .await;
        match created {
            Ok(answer) => first_arn(answer.target_groups).map(bare).ok_or_else(|| {
                CallError::incomplete(OPERATION, "the answer holds no target group")
            }),
            Err(error) => ours_or_taken(error, &what, || self.find(context)).await,
        }
    }

    /// The ARN of the group of this name, whosever it is.
    async fn existing(&self, aws: &Aws) -> Result<Option<String>, CallError> {
        let call = aws.elb.describe_target_groups().names(&self.name);
        match send("elb:DescribeTargetGroups", call.send()).await {
            Ok(answer) => Ok(first_arn(answer.target_groups)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn set_health_check(&self, aws: &Aws, arn: &str) -> Result<(), CallError> {
        let check = &self.health_check;
        let call = aws
            .elb
            .modify_target_group()
            .target_group_arn(arn)
            .health_check_path(&check.path)
            .health_check_interval_seconds(count(check.interval_seconds))
            .health_check_timeout_seconds(count(check.timeout_seconds))
            .healthy_threshold_count(count(check.healthy_threshold_count))
            .unhealthy_threshold_count(count(check.unhealthy_threshold_count))
            .matcher(Matcher::builder().http_code(&check.matcher).build());
        send("elb:ModifyTargetGroup", call.send()).await.map(|_| ())
    }

    async fn set_delay(
        &self,
        aws: &Aws,
        outputs: &TargetGroupOutputs,
    ) -> Result<TargetGroupOutputs, CallError> {
        let Some(seconds) = self.deregistration_delay_seconds else {
            return Ok(outputs.clone());
        };
        let attribute = TargetGroupAttribute::builder()
            .key("deregistration_delay.timeout_seconds")
            .value(seconds.to_string())
            .build();
        settle("elb:ModifyTargetGroupAttributes", Settle::Fresh, || {
            let call = aws.elb.modify_target_group_attributes();
            call.target_group_arn(&outputs.arn)
                .attributes(attribute.clone())
                .send()
        })
        .await?;
        Ok(TargetGroupOutputs {
            arn: outputs.arn.clone(),
            deregistration_delay_seconds: Some(seconds),
        })
    }
}

impl HealthCheck {
    fn compare(&self, seen: &HealthCheck, change: &mut Change) {
        change.field("health_check.path", &seen.path, &self.path, Effect::InPlace);
        let counts = [
            (
                "interval_seconds",
                seen.interval_seconds,
                self.interval_seconds,
            ),
            (
                "timeout_seconds",
                seen.timeout_seconds,
                self.timeout_seconds,
            ),
            (
                "healthy_threshold_count",
                seen.healthy_threshold_count,
                self.healthy_threshold_count,
            ),
            (
                "unhealthy_threshold_count",
                seen.unhealthy_threshold_count,
                self.unhealthy_threshold_count,
            ),
        ];
        for (field, seen, wanted) in counts {
            change.field(
                &format!("health_check.{field}"),
                &seen,
                &wanted,
                Effect::InPlace,
            );
        }
        change.field(
            "health_check.matcher",
            &seen.matcher,
            &self.matcher,
            Effect::InPlace,
        );
    }
}

/// What the create call alone tells: the delay is still AWS's own.
fn bare(arn: String) -> TargetGroupOutputs {
    TargetGroupOutputs {
        arn,
        deregistration_delay_seconds: None,
    }
}

fn first_arn(
    groups: Option<Vec<aws_sdk_elasticloadbalancingv2::types::TargetGroup>>,
) -> Option<String> {
    groups?.into_iter().find_map(|group| group.target_group_arn)
}

fn observed(
    group: &aws_sdk_elasticloadbalancingv2::types::TargetGroup,
    outputs: &TargetGroupOutputs,
) -> TargetGroupObserved {
    let number = |value: Option<i32>| u32::try_from(value.unwrap_or_default()).unwrap_or_default();
    let matcher = group
        .matcher
        .as_ref()
        .and_then(|matcher| matcher.http_code.clone());
    TargetGroupObserved {
        arn: outputs.arn.clone(),
        name: group.target_group_name.clone().unwrap_or_default(),
        port: group
            .port
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or_default(),
        vpc_id: group.vpc_id.clone().unwrap_or_default(),
        load_balancer_arns: group.load_balancer_arns().to_vec(),
        health_check: HealthCheck {
            path: group.health_check_path.clone().unwrap_or_default(),
            interval_seconds: number(group.health_check_interval_seconds),
            timeout_seconds: number(group.health_check_timeout_seconds),
            healthy_threshold_count: number(group.healthy_threshold_count),
            unhealthy_threshold_count: number(group.unhealthy_threshold_count),
            matcher: matcher.unwrap_or_default(),
        },
        deregistration_delay_seconds: outputs.deregistration_delay_seconds,
    }
}

/// The stack file's check keeps these numbers within AWS's ranges, far below `i32::MAX`.
fn count(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Row, all_edited, each_field, reached};
    use crate::resource::Address;

    fn wanted() -> TargetGroup {
        TargetGroup {
            name: "web-tg".into(),
            port: 80,
            vpc: Ref::exists("main"),
            load_balancer: Some(Ref::removal_only("main").unordered_on_delete()),
            health_check: HealthCheck {
                path: "/".into(),
                interval_seconds: 300,
                timeout_seconds: 120,
                healthy_threshold_count: 5,
                unhealthy_threshold_count: 10,
                matcher: "200".into(),
            },
            deregistration_delay_seconds: Some(5),
            tags: TagMap::from([("team".into(), "web".into())]),
        }
    }

    fn outputs() -> TargetGroupOutputs {
        TargetGroupOutputs {
            arn: "arn:tg".into(),
            deregistration_delay_seconds: Some(5),
        }
    }

    fn seen() -> TargetGroupObserved {
        let group = aws_sdk_elasticloadbalancingv2::types::TargetGroup::builder()
            .target_group_arn("arn:tg")
            .target_group_name("web-tg")
            .port(80)
            .protocol(ProtocolEnum::Http)
            .vpc_id("vpc-1")
            .health_check_path("/")
            .health_check_enabled(true)
            .health_check_port("traffic-port")
            .health_check_interval_seconds(300)
            .health_check_timeout_seconds(120)
            .healthy_threshold_count(5)
            .unhealthy_threshold_count(10)
            .matcher(Matcher::builder().http_code("200").build())
            .load_balancer_arns("arn:lb")
            .build();
        observed(&group, &outputs())
    }

    fn known() -> Known {
        let mut known = Known::default();
        known.insert(Address::new("vpc", "main"), json!({ "vpc_id": "vpc-1" }));
        known.insert(
            Address::new("load_balancer", "main"),
            json!({ "arn": "arn:lb", "dns_name": "lb", "canonical_hosted_zone_id": "Z" }),
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
        let rows: &[Row<TargetGroup>] = &[
            ("name", |group| group.name = "other".into(), Effect::Replace),
            ("port", |group| group.port = 3000, Effect::Replace),
            (
                "health_check.path",
                |group| group.health_check.path = "/up".into(),
                Effect::InPlace,
            ),
            (
                "health_check.interval_seconds",
                |group| group.health_check.interval_seconds = 10,
                Effect::InPlace,
            ),
            (
                "health_check.timeout_seconds",
                |group| group.health_check.timeout_seconds = 5,
                Effect::InPlace,
            ),
            (
                "health_check.healthy_threshold_count",
                |group| group.health_check.healthy_threshold_count = 2,
                Effect::InPlace,
            ),
            (
                "health_check.unhealthy_threshold_count",
                |group| group.health_check.unhealthy_threshold_count = 2,
                Effect::InPlace,
            ),
            (
                "health_check.matcher",
                |group| group.health_check.matcher = "200-299".into(),
                Effect::InPlace,
            ),
            (
                "deregistration_delay_seconds",
                |group| group.deregistration_delay_seconds = Some(30),
                Effect::InPlace,
            ),
            ("tags.team", |group| group.tags.clear(), Effect::InPlace),
            (
                "vpc",
                |group| group.vpc = Ref::exists("other"),
                Effect::Replace,
            ),
            (
                "load_balancer",
                |group| group.load_balancer = Some(Ref::removal_only("other")),
                Effect::Replace,
            ),
        ];
        let diff = |changed: &TargetGroup| changed.diff(&seen(), Some(&wanted()), &known());
        each_field(&wanted(), diff, rows, &[]);
        reached::<_, HealthCheck>(&wanted(), &all_edited(&wanted(), rows), "/health_check");
    }

    #[test]
    fn another_vpc_needs_another_group() {
        let mut alone = wanted();
        alone.load_balancer = None;
        let change = alone.diff(&seen(), Some(&alone), &Known::default());
        assert_eq!(change.fields[0].field, "vpc");
        assert!(change.replaces());
    }

    #[test]
    fn another_load_balancer_needs_another_group_unless_no_rule_names_it_yet() {
        let mut elsewhere = seen();
        elsewhere.load_balancer_arns = vec!["arn:other".into()];
        let change = wanted().diff(&elsewhere, Some(&wanted()), &known());
        assert_eq!(change.fields[0].field, "load_balancer");
        assert!(change.replaces());
        elsewhere.load_balancer_arns.clear();
        assert!(
            wanted()
                .diff(&elsewhere, Some(&wanted()), &known())
                .is_empty()
        );
    }

    #[test]
    fn a_delay_that_a_broken_off_create_left_out_is_a_difference() {
        let seen = TargetGroupObserved {
            deregistration_delay_seconds: bare("arn:tg".into()).deregistration_delay_seconds,
            ..seen()
        };
        let change = wanted().diff(&seen, Some(&wanted()), &known());
        assert!(change.touches("deregistration_delay_seconds"), "{change:?}");
        let mut left_to_aws = wanted();
        left_to_aws.deregistration_delay_seconds = None;
        assert!(
            left_to_aws
                .diff(&seen, Some(&wanted()), &known())
                .is_empty()
        );
    }
}
