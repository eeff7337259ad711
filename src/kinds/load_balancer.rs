//! The application load balancer: how is it made, compared, changed and removed?

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::{
    LoadBalancerAttribute, LoadBalancerSchemeEnum, LoadBalancerStateEnum, LoadBalancerTypeEnum,
};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::internet_gateway::InternetGateway;
use super::route_table::RouteTable;
use super::security_group::SecurityGroup;
use super::subnet::Subnet;
use super::vpc::Vpc;
use crate::aws::{Aws, Settle, describe_present, ours_or_taken, send, settle, tags, taken};
use crate::resource::{
    Bridge, CallError, Change, Context, Effect, Known, Lookup, Readiness, Ref, Resource, StepError,
    TagMap, Timing, UniqueName,
};

/// Who reaches the load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Everybody: it has public addresses.
    InternetFacing,
    /// The VPC.
    Internal,
}

/// What the stack wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadBalancer {
    /// At most 32 letters, digits and `-`, unique in account and region (aws-behaviour §2.13).
    pub name: String,
    /// Who reaches it.
    pub scheme: Scheme,
    /// Where its subnets are: it can't move to another (aws-behaviour §2.13, update). `exists`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Ref<Vpc>>,
    /// At least two, each in another zone: `exists` (aws-behaviour §1 row 14).
    pub subnets: Vec<Ref<Subnet>>,
    /// `exists` (aws-behaviour §1 row 14).
    pub security_groups: Vec<Ref<SecurityGroup>>,
    /// `ready`, which means attached: an internet-facing load balancer is refused in a VPC without one
    /// (aws-behaviour §1 row 13), and keeps it from being detached (§2.3).
    pub internet_gateway: Option<Ref<InternetGateway>>,
    /// The tables of its subnets: not needed to make it (aws-behaviour §1 row 15), but answers leave
    /// through them, so they go after it (§3 step 4).
    pub route_tables: Vec<Ref<RouteTable>>,
    /// Whether AWS refuses to delete it. `None` leaves it to AWS (off).
    pub deletion_protection: Option<bool>,
    /// When an idle connection is closed. `None` leaves it to AWS (60).
    pub idle_timeout_seconds: Option<u32>,
    /// Tags.
    pub tags: TagMap,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadBalancerObserved {
    /// `arn:aws:elasticloadbalancing:…:loadbalancer/app/…`.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// `internet-facing` or `internal`.
    pub scheme: String,
    /// The name that aliases point to.
    pub dns_name: String,
    /// The zone of that name, for aliases.
    pub canonical_hosted_zone_id: String,
    /// `vpc-…`.
    pub vpc_id: String,
    /// Subnet IDs, sorted.
    pub subnets: Vec<String>,
    /// Security group IDs, sorted.
    pub security_groups: Vec<String>,
    /// How far it is.
    pub state: LoadBalancerStateEnum,
    /// AWS's explanation of the state.
    pub state_reason: Option<String>,
    /// The attributes, when the stack sets any.
    pub attributes: BTreeMap<String, String>,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadBalancerOutputs {
    /// `arn:aws:elasticloadbalancing:…:loadbalancer/app/…`.
    pub arn: String,
    /// The name that aliases point to.
    pub dns_name: String,
    /// The zone of that name, for aliases.
    pub canonical_hosted_zone_id: String,
}

impl Resource for LoadBalancer {
    const KIND: &'static str = "load_balancer";
    const CARRIES_TRAFFIC: bool = true;
    // aws-behaviour §2.13: active after 95 to 150 s; a deleted one vanishes from the listing within seconds,
    // its network interfaces minutes later, which hold up the subnets, not this.
    const TIMING: Timing = Timing {
        ready: Duration::from_secs(120),
        gone: Duration::from_secs(5),
        ready_within: Duration::from_secs(600),
        ..Timing::IMMEDIATE
    };
    type Cloud = Aws;
    type Observed = LoadBalancerObserved;
    type Outputs = LoadBalancerOutputs;

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
        LoadBalancer {
            name,
            ..self.clone()
        }
    }

    /// A target whose zone has no node gets nothing (aws-behaviour §2.14). The successor of a subnet is in the same zone,
    /// where there is room for one.
    fn bridge(&self, recorded: &Self) -> Option<Bridge<Self>> {
        let kept: Vec<Ref<Subnet>> = recorded
            .subnets
            .iter()
            .filter(|old| {
                let old = old.address().current();
                !self.subnets.iter().any(|new| *new.address() == old)
            })
            .cloned()
            .collect();
        (!kept.is_empty()).then(|| Bridge {
            spec: LoadBalancer {
                subnets: [self.subnets.clone(), kept].concat(),
                ..self.clone()
            },
            fields: &["subnets"],
        })
    }

    /// Its DNS name is AWS's choice, and goes with it.
    fn notice(&self, change: &Change) -> Option<String> {
        change.replaces().then(|| {
            "the load balancer's own DNS name changes: whoever uses it instead of a name in the hosted zone has to follow"
                .to_owned()
        })
    }

    fn diff(&self, seen: &LoadBalancerObserved, recorded: Option<&Self>, known: &Known) -> Change {
        let mut change = Change::default();
        change.field("name", &seen.name, &self.name, Effect::Replace);
        change.field(
            "scheme",
            seen.scheme.as_str(),
            self.scheme.as_str(),
            Effect::Replace,
        );
        if let Some(vpc) = &self.vpc {
            let wanted = known.get(vpc, |vpc| vpc.vpc_id);
            change.reference("vpc", &seen.vpc_id, wanted.as_ref(), Effect::Replace);
        }
        change.reference(
            "subnets",
            &seen.subnets,
            self.subnet_ids(known).as_ref(),
            Effect::InPlace,
        );
        change.reference(
            "security_groups",
            &seen.security_groups,
            self.security_group_ids(known).as_ref(),
            Effect::InPlace,
        );
        for (key, wanted) in self.attributes() {
            let seen = seen.attributes.get(key).map_or("(none)", String::as_str);
            change.field(
                &format!("attributes.{key}"),
                seen,
                wanted.as_str(),
                Effect::InPlace,
            );
        }
        change.recorded_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &LoadBalancerObserved) -> LoadBalancerOutputs {
        LoadBalancerOutputs {
            arn: seen.arn.clone(),
            dns_name: seen.dns_name.clone(),
            canonical_hosted_zone_id: seen.canonical_hosted_zone_id.clone(),
        }
    }

    fn readiness(&self, seen: &LoadBalancerObserved) -> Readiness {
        match &seen.state {
            // Impaired means that it works with fewer resources than it should have.
            LoadBalancerStateEnum::Active | LoadBalancerStateEnum::ActiveImpaired => {
                Readiness::Ready
            }
            LoadBalancerStateEnum::Failed => Readiness::Failed(format!(
                "load balancer {} failed: {}",
                seen.name,
                seen.state_reason.as_deref().unwrap_or("no reason given")
            )),
            state => Readiness::Pending(format!("load balancer is {}", state.as_str())),
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<LoadBalancerObserved>>, CallError> {
        let arns: Vec<String> = lookups
            .iter()
            .map(|lookup| lookup.outputs.arn.clone())
            .collect();
        let found = describe_present(&arns, 20, |arns| async move {
            let call = aws
                .elb
                .describe_load_balancers()
                .set_load_balancer_arns(Some(arns));
            let answer = send("elb:DescribeLoadBalancers", call.send()).await?;
            Ok(answer.load_balancers.unwrap_or_default())
        })
        .await?;
        let found: HashMap<_, _> = found
            .into_iter()
            .map(|balancer| {
                (
                    balancer.load_balancer_arn.clone().unwrap_or_default(),
                    balancer,
                )
            })
            .collect();
        try_join_all(lookups.iter().map(|lookup| async {
            match found.get(&lookup.outputs.arn) {
                Some(balancer) => observe(aws, lookup.spec, balancer).await.map(Some),
                None => Ok(None),
            }
        }))
        .await
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<LoadBalancerOutputs>, CallError> {
        match self.existing(context.cloud).await? {
            Some(found) if tags::made_elb(context.cloud, &found.arn, context.token).await? => {
                Ok(Some(found))
            }
            _ => Ok(None),
        }
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<LoadBalancerOutputs, StepError> {
        let outputs = self.make(context).await?;
        self.set_attributes(context.cloud, &outputs.arn)
            .await
            .map_err(|error| StepError::after(&outputs, error))?;
        Ok(outputs)
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &LoadBalancerOutputs,
        _seen: &LoadBalancerObserved,
        change: &Change,
    ) -> Result<LoadBalancerOutputs, StepError> {
        let aws = context.cloud;
        let arn = &outputs.arn;
        if change.touches("subnets") {
            let subnets = one_in_each_zone(context.all(&self.subnets, |subnet| {
                (subnet.availability_zone, subnet.subnet_id)
            })?);
            settle("elb:SetSubnets", Settle::Fresh, || {
                let call = aws.elb.set_subnets().load_balancer_arn(arn);
                call.set_subnets(Some(subnets.clone())).send()
            })
            .await?;
        }
        if change.touches("security_groups") {
            let groups = context.all(&self.security_groups, |group| group.group_id)?;
            settle("elb:SetSecurityGroups", Settle::Fresh, || {
                let call = aws.elb.set_security_groups().load_balancer_arn(arn);
                call.set_security_groups(Some(groups.clone())).send()
            })
            .await?;
        }
        if change.touches("attributes") {
            self.set_attributes(aws, arn).await?;
        }
        if change.touches("tags") {
            tags::retag_elb(aws, arn, &self.tags, change.dropped_tag_keys(&self.tags)).await?;
        }
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &LoadBalancerOutputs,
    ) -> Result<(), StepError> {
        let call = context.cloud.elb.delete_load_balancer();
        let call = call.load_balancer_arn(&outputs.arn);
        match send("elb:DeleteLoadBalancer", call.send()).await {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl Scheme {
    fn as_str(self) -> &'static str {
        match self {
            Scheme::InternetFacing => "internet-facing",
            Scheme::Internal => "internal",
        }
    }
}

impl LoadBalancer {
    async fn make(&self, context: &Context<'_, Aws>) -> Result<LoadBalancerOutputs, CallError> {
        const OPERATION: &str = "elb:CreateLoadBalancer";
        let aws = context.cloud;
        let what = format!("the load balancer `{}`", self.name);
        // AWS answers a create of the same name and settings with the load balancer that is there,
        // whosever it is (aws-behaviour §2, name-idempotent): so look first.
        if let Some(found) = self.existing(aws).await? {
            return match tags::made_elb(aws, &found.arn, context.token).await? {
                true => Ok(found),
                false => Err(taken(OPERATION, &what)),
            };
        }
        let subnets = context.all(&self.subnets, |subnet| subnet.subnet_id)?;
        let groups = context.all(&self.security_groups, |group| group.group_id)?;
        let tagged = tags::elb(&tags::with_token(&self.tags, context.token));
        let created = settle(OPERATION, Settle::Fresh, || {
            aws.elb
                .create_load_balancer()
                .name(&self.name)
                .r#type(LoadBalancerTypeEnum::Application)
                .scheme(LoadBalancerSchemeEnum::from(self.scheme.as_str()))
                .set_subnets(Some(subnets.clone()))
                .set_security_groups(Some(groups.clone()))
                .set_tags(Some(tagged.clone()))
                .send()
        })
        .await;
        match created {
            Ok(answer) => answer
                .load_balancers
                .unwrap_or_default()
                .first()
                .map(outputs_of)
                .ok_or_else(|| {
                    CallError::incomplete(OPERATION, "the answer holds no load balancer")
                }),
            Err(error) => ours_or_taken(error, &what, || self.find(context)).await,
        }
    }

    /// The load balancer of this name, whosever it is.
    async fn existing(&self, aws: &Aws) -> Result<Option<LoadBalancerOutputs>, CallError> {
        let call = aws.elb.describe_load_balancers().names(&self.name);
        match send("elb:DescribeLoadBalancers", call.send()).await {
            Ok(answer) => Ok(answer
                .load_balancers
                .unwrap_or_default()
                .first()
                .map(outputs_of)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The attributes that the stack sets, under AWS's keys.
    fn attributes(&self) -> BTreeMap<&'static str, String> {
        let protection = self.deletion_protection.map(|on| on.to_string());
        let timeout = self.idle_timeout_seconds.map(|seconds| seconds.to_string());
        [
            ("deletion_protection.enabled", protection),
            ("idle_timeout.timeout_seconds", timeout),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
    }

    async fn set_attributes(&self, aws: &Aws, arn: &str) -> Result<(), CallError> {
        let attributes: Vec<_> = self
            .attributes()
            .into_iter()
            .map(|(key, value)| {
                LoadBalancerAttribute::builder()
                    .key(key)
                    .value(value)
                    .build()
            })
            .collect();
        if attributes.is_empty() {
            return Ok(());
        }
        // Accepted while it is still provisioning (aws-behaviour §1 row 16).
        settle("elb:ModifyLoadBalancerAttributes", Settle::Fresh, || {
            let call = aws.elb.modify_load_balancer_attributes();
            call.load_balancer_arn(arn)
                .set_attributes(Some(attributes.clone()))
                .send()
        })
        .await
        .map(|_| ())
    }

    fn subnet_ids(&self, known: &Known) -> Option<Vec<String>> {
        known
            .all(&self.subnets, |subnet| subnet.subnet_id)
            .map(sorted)
    }

    fn security_group_ids(&self, known: &Known) -> Option<Vec<String>> {
        known
            .all(&self.security_groups, |group| group.group_id)
            .map(sorted)
    }
}

/// The first of each zone: the wanted ones stand before those that a bridge keeps.
fn one_in_each_zone(subnets: Vec<(String, String)>) -> Vec<String> {
    let mut zones = BTreeSet::new();
    subnets
        .into_iter()
        .filter(|(zone, _)| zone.is_empty() || zones.insert(zone.clone()))
        .map(|(_, subnet_id)| subnet_id)
        .collect()
}

async fn observe(
    aws: &Aws,
    wanted: &LoadBalancer,
    balancer: &aws_sdk_elasticloadbalancingv2::types::LoadBalancer,
) -> Result<LoadBalancerObserved, CallError> {
    let outputs = outputs_of(balancer);
    // One more call per load balancer, hence only for a stack that sets some.
    let attributes = match wanted.attributes().is_empty() {
        true => BTreeMap::new(),
        false => attributes_of(aws, &outputs.arn).await?,
    };
    let scheme = balancer
        .scheme
        .as_ref()
        .map(|scheme| scheme.as_str().to_owned());
    let state = balancer.state.clone();
    Ok(LoadBalancerObserved {
        arn: outputs.arn,
        name: balancer.load_balancer_name.clone().unwrap_or_default(),
        scheme: scheme.unwrap_or_default(),
        vpc_id: balancer.vpc_id.clone().unwrap_or_default(),
        dns_name: outputs.dns_name,
        canonical_hosted_zone_id: outputs.canonical_hosted_zone_id,
        subnets: sorted(
            balancer
                .availability_zones()
                .iter()
                .filter_map(|zone| zone.subnet_id.clone())
                .collect(),
        ),
        security_groups: sorted(balancer.security_groups().to_vec()),
        state: state
            .as_ref()
            .and_then(|state| state.code.clone())
            .unwrap_or(LoadBalancerStateEnum::Provisioning),
        state_reason: state.and_then(|state| state.reason),
        attributes,
    })
}

async fn attributes_of(aws: &Aws, arn: &str) -> Result<BTreeMap<String, String>, CallError> {
    let call = aws.elb.describe_load_balancer_attributes();
    let call = call.load_balancer_arn(arn);
    let answer = send("elb:DescribeLoadBalancerAttributes", call.send()).await?;
    Ok(answer
        .attributes
        .unwrap_or_default()
        .into_iter()
        .filter_map(|attribute| Some((attribute.key?, attribute.value.unwrap_or_default())))
        .collect())
}

pub(super) fn outputs_of(
    balancer: &aws_sdk_elasticloadbalancingv2::types::LoadBalancer,
) -> LoadBalancerOutputs {
    LoadBalancerOutputs {
        arn: balancer.load_balancer_arn.clone().unwrap_or_default(),
        dns_name: balancer.dns_name.clone().unwrap_or_default(),
        canonical_hosted_zone_id: balancer
            .canonical_hosted_zone_id
            .clone()
            .unwrap_or_default(),
    }
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Edit, Row, each_field};
    use crate::resource::{Address, UNKNOWN_UNTIL_APPLIED};

    fn wanted() -> LoadBalancer {
        LoadBalancer {
            name: "web-lb".into(),
            scheme: Scheme::InternetFacing,
            vpc: Some(Ref::exists("main")),
            subnets: vec![Ref::exists("public-1c"), Ref::exists("public-1a")],
            security_groups: vec![Ref::exists("lb")],
            internet_gateway: Some(Ref::ready("main")),
            route_tables: vec![Ref::removal_only("public")],
            deletion_protection: None,
            idle_timeout_seconds: None,
            tags: TagMap::from([("team".into(), "web".into())]),
        }
    }

    fn seen() -> LoadBalancerObserved {
        LoadBalancerObserved {
            arn: "arn:lb".into(),
            name: "web-lb".into(),
            scheme: "internet-facing".into(),
            vpc_id: "vpc-1".into(),
            dns_name: "web-lb-1.ap-northeast-1.elb.amazonaws.com".into(),
            canonical_hosted_zone_id: "Z14GRHDCWA56QT".into(),
            subnets: vec!["subnet-1a".into(), "subnet-1c".into()],
            security_groups: vec!["sg-1".into()],
            state: LoadBalancerStateEnum::Active,
            state_reason: None,
            attributes: BTreeMap::new(),
        }
    }

    fn known() -> Known {
        let mut known = Known::default();
        for zone in ["1a", "1c"] {
            known.insert(
                Address::new("subnet", format!("public-{zone}")),
                json!({ "subnet_id": format!("subnet-{zone}"), "availability_zone": zone }),
            );
        }
        for vpc in ["main", "other"] {
            let id = if vpc == "main" { "vpc-1" } else { "vpc-2" };
            known.insert(Address::new("vpc", vpc), json!({ "vpc_id": id }));
        }
        known.insert(
            Address::new("security_group", "lb"),
            json!({ "group_id": "sg-1", "vpc_id": "vpc-1" }),
        );
        known
    }

    #[test]
    fn what_aws_adds_or_reorders_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &known());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<LoadBalancer>] = &[
            (
                "name",
                |balancer| balancer.name = "other".into(),
                Effect::Replace,
            ),
            (
                "scheme",
                |balancer| balancer.scheme = Scheme::Internal,
                Effect::Replace,
            ),
            (
                "vpc",
                |balancer| balancer.vpc = Some(Ref::exists("other")),
                Effect::Replace,
            ),
            (
                "subnets",
                |balancer| drop(balancer.subnets.pop()),
                Effect::InPlace,
            ),
            (
                "security_groups",
                |balancer| balancer.security_groups.clear(),
                Effect::InPlace,
            ),
            (
                "attributes.deletion_protection.enabled",
                |balancer| balancer.deletion_protection = Some(true),
                Effect::InPlace,
            ),
            (
                "attributes.idle_timeout.timeout_seconds",
                |balancer| balancer.idle_timeout_seconds = Some(120),
                Effect::InPlace,
            ),
            (
                "tags.team",
                |balancer| balancer.tags.clear(),
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &LoadBalancer| changed.diff(&seen(), Some(&wanted()), &known());
        let no_difference: &[(&str, Edit<LoadBalancer>)] = &[
            ("internet_gateway", |balancer| {
                balancer.internet_gateway = None
            }),
            ("route_tables", |balancer| balancer.route_tables.clear()),
        ];
        each_field(&wanted(), diff, rows, no_difference);
    }

    #[test]
    fn attributes_as_wanted_are_no_difference() {
        let mut balancer = wanted();
        balancer.deletion_protection = Some(false);
        let mut seen = seen();
        seen.attributes = BTreeMap::from([
            ("deletion_protection.enabled".into(), "false".into()),
            ("routing.http2.enabled".into(), "true".into()),
        ]);
        assert!(balancer.diff(&seen, None, &known()).is_empty());
    }

    #[test]
    fn a_subnet_still_to_be_made_is_a_difference() {
        let mut known = known();
        known.remove(&Address::new("subnet", "public-1a"));
        let change = wanted().diff(&seen(), Some(&wanted()), &known);
        assert_eq!(change.fields[0].field, "subnets");
        assert_eq!(change.fields[0].new, UNKNOWN_UNTIL_APPLIED);
    }

    #[test]
    fn it_is_ready_when_active_and_never_after_a_failure() {
        let mut seen = seen();
        assert_eq!(wanted().readiness(&seen), Readiness::Ready);
        seen.state = LoadBalancerStateEnum::ActiveImpaired;
        assert_eq!(wanted().readiness(&seen), Readiness::Ready);
        seen.state = LoadBalancerStateEnum::Provisioning;
        assert!(matches!(wanted().readiness(&seen), Readiness::Pending(_)));
        seen.state = LoadBalancerStateEnum::Failed;
        seen.state_reason = Some("no capacity".into());
        let Readiness::Failed(text) = wanted().readiness(&seen) else {
            panic!("failed")
        };
        assert!(text.ends_with("no capacity"), "{text}");
    }
}
