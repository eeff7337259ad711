//! The NAT gateway: how is it made, awaited, compared and removed?

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_ec2::types::{Filter, NatGatewayState, ResourceType};
use serde::{Deserialize, Serialize};

use super::elastic_ip::ElasticIp;
use super::internet_gateway::InternetGateway;
use super::route_table::RouteTable;
use super::subnet::Subnet;
use crate::aws::{Aws, Settle, send, settle, tags};
use crate::resource::{
    Address, CallError, Cause, Change, Context, Diagnosis, Effect, Known, Lookup, Readiness, Ref,
    Resource, StepError, TagMap, Timing,
};

/// What the stack wants: a public gateway with one address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NatGateway {
    /// The public subnet it lives in; its ID is enough (aws-behaviour §1 row 8). On `down` the
    /// gateway must be gone first: its interface holds the subnet.
    pub subnet: Ref<Subnet>,
    /// Its address; the allocation ID is enough (aws-behaviour §1 row 8). On `down` the gateway must
    /// be gone first: until then the address can't be released (§2.5).
    pub elastic_ip: Ref<ElasticIp>,
    /// Carries no value, but must be ready, that is attached: without it the create call succeeds and
    /// the gateway fails later with `Gateway.NotAttached` (aws-behaviour §1 row 7). On `down` the
    /// gateway must be gone before the attachment goes (§2.3).
    pub internet_gateway: Ref<InternetGateway>,
    /// The table of its subnet: not needed to make it (aws-behaviour §1 row 9), but tasks that drain
    /// reach the internet through it, so it goes after the gateway (§3 steps 1 and 4).
    pub route_tables: Vec<Ref<RouteTable>>,
    /// Tags, `Name` among them.
    pub tags: TagMap,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct NatGatewayObserved {
    /// `nat-…`.
    pub nat_gateway_id: String,
    /// `subnet-…`.
    pub subnet_id: String,
    /// The allocation of its primary address, once it is associated.
    pub allocation_id: Option<String>,
    /// How far AWS is.
    pub state: NatGatewayState,
    /// Why it failed, in AWS's words.
    pub failure: Option<String>,
    /// Tags but AWS's own.
    pub tags: TagMap,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NatGatewayOutputs {
    /// `nat-…`.
    pub nat_gateway_id: String,
}

impl Resource for NatGateway {
    const KIND: &'static str = "nat_gateway";
    /// aws-behaviour §2.6 (84–121 s to create, 61–72 s to delete) and §6.4.
    const TIMING: Timing = Timing {
        ready: Duration::from_secs(105),
        gone: Duration::from_secs(66),
        look_every: Duration::from_secs(2),
        ready_within: Duration::from_secs(15 * 60),
        gone_within: Duration::from_secs(30 * 60),
    };
    type Cloud = Aws;
    type Observed = NatGatewayObserved;
    type Outputs = NatGatewayOutputs;

    /// An address serves one gateway at a time (aws-behaviour §2.6, `Resource.AlreadyAssociated`).
    fn exclusive(&self) -> Vec<Address> {
        vec![self.elastic_ip.address().clone()]
    }

    fn diff(&self, seen: &NatGatewayObserved, recorded: Option<&Self>, known: &Known) -> Change {
        let mut change = Change::default();
        let subnet_id = known.get(&self.subnet, |subnet| subnet.subnet_id);
        change.reference(
            "subnet",
            &seen.subnet_id,
            subnet_id.as_ref(),
            Effect::Replace,
        );
        // A gateway that AWS shows without its address is on its way in or out, not on another one.
        if let Some(seen) = &seen.allocation_id {
            let allocation_id = known.get(&self.elastic_ip, |address| address.allocation_id);
            change.reference("elastic_ip", seen, allocation_id.as_ref(), Effect::Replace);
        }
        change.tags(&seen.tags, &self.tags);
        change.dropped_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &NatGatewayObserved) -> NatGatewayOutputs {
        NatGatewayOutputs {
            nat_gateway_id: seen.nat_gateway_id.clone(),
        }
    }

    fn readiness(&self, seen: &NatGatewayObserved) -> Readiness {
        match &seen.state {
            NatGatewayState::Available => Readiness::Ready,
            NatGatewayState::Failed => Readiness::Failed(
                seen.failure
                    .clone()
                    .unwrap_or_else(|| "AWS gives no reason".to_owned()),
            ),
            // Not by navi, which waits for none that it removes to become usable.
            NatGatewayState::Deleting => Readiness::Failed(
                "somebody is deleting it; once it is gone, the next run makes it again".to_owned(),
            ),
            state => Readiness::Pending(format!("NAT gateway is {}", state.as_str())),
        }
    }

    fn diagnosis(&self, seen: &NatGatewayObserved) -> Diagnosis {
        let failure = seen.failure.as_deref().unwrap_or_default();
        match seen.state {
            NatGatewayState::Deleting => Cause::Vanished.into(),
            _ if failure.contains("InsufficientFreeAddresses") => Cause::SubnetFull.into(),
            _ => Cause::NatGatewayFailed.into(),
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<NatGatewayObserved>>, CallError> {
        // A filter instead of `NatGatewayIds`: one unknown ID would fail the whole call.
        let ids = lookups
            .iter()
            .map(|lookup| lookup.outputs.nat_gateway_id.clone());
        let by_id = filter("nat-gateway-id", ids.collect());
        let found: HashMap<_, _> = list(aws, vec![by_id])
            .await?
            .into_iter()
            .map(observed)
            .map(|gateway| (gateway.nat_gateway_id.clone(), gateway))
            .collect();
        Ok(lookups
            .iter()
            .map(|lookup| {
                found
                    .get(&lookup.outputs.nat_gateway_id)
                    .filter(|gateway| is_there(gateway, lookup.waiting))
                    .cloned()
            })
            .collect())
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<NatGatewayOutputs>, CallError> {
        // A failed or deleted gateway stays listed for an hour (aws-behaviour §2.6) and is of no use.
        let alive = filter("state", vec!["pending".to_owned(), "available".to_owned()]);
        let found = list(context.cloud, vec![tags::made_by(context.token), alive]).await?;
        // Asked again of the answer: stand-ins for AWS are known to ignore the tag filter of this one
        // operation, and a stranger's gateway must not be taken for ours.
        Ok(found
            .into_iter()
            .find(|gateway| tags::are_made_by(gateway.tags.as_deref(), context.token))
            .map(|gateway| self.outputs(&observed(gateway))))
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<NatGatewayOutputs, StepError> {
        let aws = context.cloud;
        let subnet_id = context.outputs(&self.subnet)?.subnet_id;
        let allocation_id = context.outputs(&self.elastic_ip)?.allocation_id;
        let answer = settle("ec2:CreateNatGateway", Settle::Fresh, || {
            aws.ec2
                .create_nat_gateway()
                .client_token(context.token)
                .subnet_id(&subnet_id)
                .allocation_id(&allocation_id)
                .tag_specifications(tags::specification(
                    ResourceType::Natgateway,
                    &self.tags,
                    context.token,
                ))
                .send()
        })
        .await?;
        let nat_gateway_id = answer
            .nat_gateway
            .and_then(|gateway| gateway.nat_gateway_id)
            .ok_or_else(|| {
                CallError::incomplete("ec2:CreateNatGateway", "the answer holds no NAT gateway ID")
            })?;
        Ok(NatGatewayOutputs { nat_gateway_id })
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &NatGatewayOutputs,
        _seen: &NatGatewayObserved,
        change: &Change,
    ) -> Result<NatGatewayOutputs, StepError> {
        tags::retag_ec2(
            context.cloud,
            &outputs.nat_gateway_id,
            &self.tags,
            &change.dropped_tag_keys(&self.tags),
        )
        .await?;
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &NatGatewayOutputs,
    ) -> Result<(), StepError> {
        let answer = send(
            "ec2:DeleteNatGateway",
            context
                .cloud
                .ec2
                .delete_nat_gateway()
                .nat_gateway_id(&outputs.nat_gateway_id)
                .send(),
        )
        .await;
        match answer {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }
}

/// Whether a listed gateway still counts. One being deleted does: until it is `deleted` it blocks the
/// release of its address, its subnet and the internet gateway. A failed one can never be used, so a
/// sweep takes it for gone and has it made again; whoever waits for it is told why (aws-behaviour §2.6).
fn is_there(gateway: &NatGatewayObserved, waiting: bool) -> bool {
    match gateway.state {
        NatGatewayState::Deleted => false,
        NatGatewayState::Failed => waiting,
        _ => true,
    }
}

fn filter(name: &str, values: Vec<String>) -> Filter {
    Filter::builder()
        .name(name)
        .set_values(Some(values))
        .build()
}

async fn list(
    aws: &Aws,
    filters: Vec<Filter>,
) -> Result<Vec<aws_sdk_ec2::types::NatGateway>, CallError> {
    let pages = aws
        .ec2
        .describe_nat_gateways()
        .set_filter(Some(filters))
        .into_paginator();
    send(
        "ec2:DescribeNatGateways",
        pages.items().send().collect::<Result<Vec<_>, _>>(),
    )
    .await
}

fn observed(gateway: aws_sdk_ec2::types::NatGateway) -> NatGatewayObserved {
    let addresses = gateway.nat_gateway_addresses.unwrap_or_default();
    let primary = addresses
        .iter()
        .find(|address| address.is_primary == Some(true))
        .or(addresses.first());
    let failure = match (gateway.failure_code, gateway.failure_message) {
        (Some(code), Some(message)) => Some(format!("{code}: {message}")),
        (code, message) => code.or(message),
    };
    NatGatewayObserved {
        nat_gateway_id: gateway.nat_gateway_id.unwrap_or_default(),
        subnet_id: gateway.subnet_id.unwrap_or_default(),
        allocation_id: primary.and_then(|address| address.allocation_id.clone()),
        state: gateway.state.unwrap_or(NatGatewayState::Pending),
        failure,
        tags: tags::from_ec2(gateway.tags),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{ConnectivityType, NatGatewayAddress, Tag};
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Edit, Row, each_field};

    fn wanted() -> NatGateway {
        NatGateway {
            subnet: Ref::exists("public-1a"),
            elastic_ip: Ref::exists("nat"),
            internet_gateway: Ref::ready("main"),
            route_tables: vec![Ref::removal_only("public")],
            tags: TagMap::from([("Name".into(), "navi-nat".into())]),
        }
    }

    fn gateway(state: NatGatewayState) -> aws_sdk_ec2::types::builders::NatGatewayBuilder {
        aws_sdk_ec2::types::NatGateway::builder()
            .nat_gateway_id("nat-1")
            .subnet_id("subnet-1")
            .vpc_id("vpc-1")
            .connectivity_type(ConnectivityType::Public)
            .state(state)
            .nat_gateway_addresses(
                NatGatewayAddress::builder()
                    .allocation_id("eipalloc-2")
                    .is_primary(false)
                    .build(),
            )
            .nat_gateway_addresses(
                NatGatewayAddress::builder()
                    .allocation_id("eipalloc-1")
                    .is_primary(true)
                    .build(),
            )
            .tags(Tag::builder().key("Name").value("navi-nat").build())
            .tags(Tag::builder().key("navi:op").value("0123").build())
    }

    fn seen(state: NatGatewayState) -> NatGatewayObserved {
        observed(gateway(state).build())
    }

    fn known() -> Known {
        let wanted = wanted();
        let mut known = Known::default();
        known.insert(
            wanted.subnet.address().clone(),
            json!({ "subnet_id": "subnet-1", "availability_zone": "ap-northeast-1a" }),
        );
        known.insert(
            wanted.elastic_ip.address().clone(),
            json!({ "allocation_id": "eipalloc-1", "public_ip": "198.51.100.7" }),
        );
        known
    }

    #[test]
    fn what_aws_adds_is_no_difference() {
        for state in [NatGatewayState::Pending, NatGatewayState::Available] {
            let change = wanted().diff(&seen(state), Some(&wanted()), &known());
            assert!(change.is_empty(), "{change:?}");
        }
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<NatGateway>] = &[
            (
                "subnet",
                |gateway| gateway.subnet = Ref::exists("public-1c"),
                Effect::Replace,
            ),
            (
                "elastic_ip",
                |gateway| gateway.elastic_ip = Ref::exists("other"),
                Effect::Replace,
            ),
            (
                "tags.team",
                |gateway| drop(gateway.tags.insert("team".into(), "a".into())),
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &NatGateway| {
            changed.diff(&seen(NatGatewayState::Available), Some(&wanted()), &known())
        };
        let no_difference: &[(&str, Edit<NatGateway>)] = &[
            ("internet_gateway", |gateway| {
                gateway.internet_gateway = Ref::ready("other");
            }),
            ("route_tables", |gateway| gateway.route_tables.clear()),
        ];
        each_field(&wanted(), diff, rows, no_difference);
    }

    #[test]
    fn a_gateway_is_ready_once_available() {
        let wanted = wanted();
        assert_eq!(
            wanted.readiness(&seen(NatGatewayState::Available)),
            Readiness::Ready
        );
        assert_eq!(
            wanted.readiness(&seen(NatGatewayState::Pending)),
            Readiness::Pending("NAT gateway is pending".to_owned())
        );
        assert_eq!(
            wanted.readiness(&seen(NatGatewayState::Deleting)),
            Readiness::Failed(
                "somebody is deleting it; once it is gone, the next run makes it again".to_owned()
            )
        );
    }

    #[test]
    fn a_failed_gateway_says_why_to_who_waits_and_is_gone_for_a_sweep() {
        let failed = observed(
            gateway(NatGatewayState::Failed)
                .failure_code("Gateway.NotAttached")
                .failure_message("Network vpc-1 has no Internet gateway attached")
                .build(),
        );
        assert!(is_there(&failed, true));
        assert!(!is_there(&failed, false));
        assert_eq!(
            wanted().readiness(&failed),
            Readiness::Failed(
                "Gateway.NotAttached: Network vpc-1 has no Internet gateway attached".to_owned()
            )
        );
    }

    #[test]
    fn a_gateway_is_there_until_it_is_deleted() {
        for waiting in [true, false] {
            assert!(is_there(&seen(NatGatewayState::Deleting), waiting));
            assert!(!is_there(&seen(NatGatewayState::Deleted), waiting));
        }
    }
}
