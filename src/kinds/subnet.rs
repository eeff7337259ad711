//! The subnet and whether what starts in it gets a public address: how is it made, compared, changed and removed?

use std::collections::HashMap;

use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, ResourceType, SubnetState};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::existing_network::{subnet_called, vpc_called};
use super::vpc::Vpc;
use crate::aws::{Aws, InterfaceFilter, Settle, holders_among_interfaces, send, settle, tags};
use crate::resource::{
    CallError, Change, Context, Effect, Holder, Known, Lookup, Readiness, Ref, Resource, StepError,
    TagMap,
};

/// What the stack wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subnet {
    /// The VPC; its ID is enough (aws-behaviour §1 row 1).
    pub vpc: Ref<Vpc>,
    /// IPv4 block, `10.0.1.0/24`.
    pub cidr_block: String,
    /// Where it lies.
    pub availability_zone: AvailabilityZone,
    /// Whether what starts in it gets a public address.
    pub map_public_ip_on_launch: bool,
    /// Tags, `Name` among them.
    pub tags: TagMap,
    /// Somebody else's subnet is meant: none of the fields above counts but the VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<SubnetLookup>,
}

/// Which subnet is meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubnetLookup {
    /// Its ID, or the value of its tag `Name`.
    pub find: String,
    /// The VPC it lies in, as the stack file names it: a lookup is made before any ID is known.
    pub vpc: String,
}

/// Which zone a subnet lies in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AvailabilityZone {
    /// The zone of this name, `ap-northeast-1a`.
    Name(String),
    /// The nth zone of the region, from 1 and in the order of names. Chosen when the subnet is made
    /// and never compared again: a zone that AWS closes for a while must not replace subnets.
    Ordinal(u8),
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct SubnetObserved {
    /// `subnet-…`.
    pub subnet_id: String,
    /// `vpc-…`.
    pub vpc_id: String,
    /// IPv4 block.
    pub cidr_block: String,
    /// Name of the zone.
    pub availability_zone: String,
    /// Attribute of the same name.
    pub map_public_ip_on_launch: bool,
    /// Whether AWS calls it available.
    pub available: bool,
    /// Tags but AWS's own.
    pub tags: TagMap,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubnetOutputs {
    /// `subnet-…`.
    pub subnet_id: String,
    /// Name of the zone it lies in.
    pub availability_zone: String,
}

impl Resource for Subnet {
    const KIND: &'static str = "subnet";
    type Cloud = Aws;
    type Observed = SubnetObserved;
    type Outputs = SubnetOutputs;

    fn is_lookup(&self) -> bool {
        self.lookup.is_some()
    }

    fn claim(&self) -> Option<String> {
        let made = self.lookup.is_none();
        made.then(|| format!("{} in {}", self.cidr_block, self.vpc.address()))
    }

    /// In another zone it is another subnet.
    fn identity(&self) -> Option<String> {
        let range = Resource::claim(self)?;
        Some(format!("{range} {:?}", self.availability_zone))
    }

    /// Ranges of one VPC must not overlap (aws-behaviour §2.2, update).
    fn excludes(&self, other: &Self) -> bool {
        let range = |subnet: &Subnet| subnet.cidr_block.parse::<Ipv4Net>().ok();
        self.vpc.address() == other.vpc.address()
            && match (range(self), range(other)) {
                (Some(one), Some(two)) => one.contains(&two) || two.contains(&one),
                _ => self.lookup.is_none() && self.cidr_block == other.cidr_block,
            }
    }

    fn diff(&self, seen: &SubnetObserved, recorded: Option<&Self>, known: &Known) -> Change {
        let mut change = Change::default();
        if self.lookup.is_some() {
            return change;
        }
        let vpc_id = known.get(&self.vpc, |vpc| vpc.vpc_id);
        change.reference("vpc", &seen.vpc_id, vpc_id.as_ref(), Effect::Replace);
        change.field(
            "cidr_block",
            &seen.cidr_block,
            &self.cidr_block,
            Effect::Replace,
        );
        if let AvailabilityZone::Name(name) = &self.availability_zone {
            change.field(
                "availability_zone",
                &seen.availability_zone,
                name,
                Effect::Replace,
            );
        }
        change.field(
            "map_public_ip_on_launch",
            &seen.map_public_ip_on_launch,
            &self.map_public_ip_on_launch,
            Effect::InPlace,
        );
        change.tags(&seen.tags, &self.tags);
        change.dropped_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &SubnetObserved) -> SubnetOutputs {
        SubnetOutputs {
            subnet_id: seen.subnet_id.clone(),
            availability_zone: seen.availability_zone.clone(),
        }
    }

    fn readiness(&self, seen: &SubnetObserved) -> Readiness {
        match seen.available {
            true => Readiness::Ready,
            false => Readiness::Pending("subnet is pending".to_owned()),
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<SubnetObserved>>, CallError> {
        // A filter instead of `SubnetIds`: one unknown ID would fail the whole call.
        let ids = lookups
            .iter()
            .map(|lookup| lookup.outputs.subnet_id.clone());
        let by_id = Filter::builder()
            .name("subnet-id")
            .set_values(Some(ids.collect()))
            .build();
        let found: HashMap<_, _> = list(aws, by_id)
            .await?
            .into_iter()
            .map(|subnet| (subnet.subnet_id.clone(), subnet))
            .collect();
        Ok(lookups
            .iter()
            .map(|lookup| found.get(&lookup.outputs.subnet_id).cloned())
            .collect())
    }

    async fn find(&self, context: &Context<'_, Aws>) -> Result<Option<SubnetOutputs>, CallError> {
        if let Some(lookup) = &self.lookup {
            return lookup.find(context.cloud).await;
        }
        let found = list(context.cloud, tags::made_by(context.token)).await?;
        Ok(found.first().map(|subnet| self.outputs(subnet)))
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<SubnetOutputs, StepError> {
        let aws = context.cloud;
        let vpc_id = context.outputs(&self.vpc)?.vpc_id;
        let zone = self.zone(aws).await?;
        // No client token: never sent twice by the SDK (aws-behaviour §2).
        let answer = settle("ec2:CreateSubnet", Settle::Fresh, || {
            aws.ec2_once
                .create_subnet()
                .vpc_id(&vpc_id)
                .cidr_block(&self.cidr_block)
                .availability_zone(&zone)
                .tag_specifications(tags::specification(
                    ResourceType::Subnet,
                    &self.tags,
                    context.token,
                ))
                .send()
        })
        .await?;
        let subnet_id = answer
            .subnet
            .and_then(|subnet| subnet.subnet_id)
            .ok_or_else(|| {
                CallError::incomplete("ec2:CreateSubnet", "the answer holds no subnet ID")
            })?;
        let outputs = SubnetOutputs {
            subnet_id,
            availability_zone: zone,
        };
        if self.map_public_ip_on_launch {
            self.set_map_public_ip_on_launch(aws, &outputs)
                .await
                .map_err(|error| StepError::after(&outputs, error))?;
        }
        Ok(outputs)
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &SubnetOutputs,
        seen: &SubnetObserved,
        change: &Change,
    ) -> Result<SubnetOutputs, StepError> {
        if seen.map_public_ip_on_launch != self.map_public_ip_on_launch {
            self.set_map_public_ip_on_launch(context.cloud, outputs)
                .await?;
        }
        if change.touches("tags") {
            tags::retag_ec2(
                context.cloud,
                &outputs.subnet_id,
                &self.tags,
                &change.dropped_tag_keys(&self.tags),
            )
            .await?;
        }
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &SubnetOutputs,
    ) -> Result<(), StepError> {
        if self.lookup.is_some() {
            return Ok(());
        }
        let answer = send(
            "ec2:DeleteSubnet",
            context
                .cloud
                .ec2
                .delete_subnet()
                .subnet_id(&outputs.subnet_id)
                .send(),
        )
        .await;
        match answer {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }

    async fn holders(&self, context: &Context<'_, Aws>, outputs: &SubnetOutputs) -> Vec<Holder> {
        holders_among_interfaces(context.cloud, InterfaceFilter::Subnet(&outputs.subnet_id)).await
    }
}

impl SubnetLookup {
    async fn find(&self, aws: &Aws) -> Result<Option<SubnetOutputs>, CallError> {
        // The VPC's own lookup tells that there is none.
        let Some(vpc_id) = vpc_called(aws, &self.vpc).await? else {
            return Ok(None);
        };
        let found = subnet_called(aws, &vpc_id, &self.find).await?;
        Ok(found.map(observed).map(|subnet| SubnetOutputs {
            subnet_id: subnet.subnet_id,
            availability_zone: subnet.availability_zone,
        }))
    }
}

impl Subnet {
    /// Somebody else's.
    pub fn looked_up(vpc: Ref<Vpc>, lookup: SubnetLookup) -> Self {
        Subnet {
            vpc,
            cidr_block: String::new(),
            availability_zone: AvailabilityZone::Name(String::new()),
            map_public_ip_on_launch: false,
            tags: TagMap::new(),
            lookup: Some(lookup),
        }
    }

    /// The name of the zone that the subnet is made in.
    async fn zone(&self, aws: &Aws) -> Result<String, CallError> {
        let ordinal = match &self.availability_zone {
            AvailabilityZone::Name(name) => return Ok(name.clone()),
            AvailabilityZone::Ordinal(ordinal) => *ordinal,
        };
        let key = "ec2:DescribeAvailabilityZones".to_owned();
        let zones = aws.memo.once(key, aws.zones()).await?;
        nth_zone(&zones, ordinal, &aws.region)
    }

    async fn set_map_public_ip_on_launch(
        &self,
        aws: &Aws,
        outputs: &SubnetOutputs,
    ) -> Result<(), CallError> {
        let value = AttributeBooleanValue::builder()
            .value(self.map_public_ip_on_launch)
            .build();
        settle("ec2:ModifySubnetAttribute", Settle::Fresh, || {
            aws.ec2
                .modify_subnet_attribute()
                .subnet_id(&outputs.subnet_id)
                .map_public_ip_on_launch(value.clone())
                .send()
        })
        .await
        .map(|_| ())
    }
}

/// The nth zone, counted from 1.
fn nth_zone(zones: &[String], ordinal: u8, region: &str) -> Result<String, CallError> {
    usize::from(ordinal)
        .checked_sub(1)
        .and_then(|index| zones.get(index))
        .cloned()
        .ok_or_else(|| {
            CallError::local(
                "ec2:CreateSubnet",
                format!(
                    "the stack asks for zone number {ordinal}, but {region} has {} open to this account ({}); \
                     name the zones in `network.subnets`",
                    zones.len(),
                    zones.join(", ")
                ),
            )
        })
}

async fn list(aws: &Aws, filter: Filter) -> Result<Vec<SubnetObserved>, CallError> {
    let pages = aws.ec2.describe_subnets().filters(filter).into_paginator();
    let subnets = send(
        "ec2:DescribeSubnets",
        pages.items().send().collect::<Result<Vec<_>, _>>(),
    )
    .await?;
    Ok(subnets.into_iter().map(observed).collect())
}

fn observed(subnet: aws_sdk_ec2::types::Subnet) -> SubnetObserved {
    SubnetObserved {
        subnet_id: subnet.subnet_id.unwrap_or_default(),
        vpc_id: subnet.vpc_id.unwrap_or_default(),
        cidr_block: subnet.cidr_block.unwrap_or_default(),
        availability_zone: subnet.availability_zone.unwrap_or_default(),
        map_public_ip_on_launch: subnet.map_public_ip_on_launch.unwrap_or(false),
        available: subnet.state == Some(SubnetState::Available),
        tags: tags::from_ec2(subnet.tags),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::Tag;
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Edit, Row, each_field};

    fn wanted() -> Subnet {
        Subnet {
            vpc: Ref::exists("main"),
            cidr_block: "10.0.1.0/24".into(),
            availability_zone: AvailabilityZone::Name("ap-northeast-1a".into()),
            map_public_ip_on_launch: true,
            tags: TagMap::from([("Name".into(), "navi-subnet-public-1a".into())]),
            lookup: None,
        }
    }

    fn seen() -> SubnetObserved {
        observed(
            aws_sdk_ec2::types::Subnet::builder()
                .subnet_id("subnet-1")
                .vpc_id("vpc-1")
                .cidr_block("10.0.1.0/24")
                .availability_zone("ap-northeast-1a")
                .availability_zone_id("apne1-az4")
                .available_ip_address_count(247)
                .map_public_ip_on_launch(true)
                .state(SubnetState::Available)
                .tags(
                    Tag::builder()
                        .key("Name")
                        .value("navi-subnet-public-1a")
                        .build(),
                )
                .tags(Tag::builder().key("navi:op").value("0123").build())
                .tags(Tag::builder().key("aws:thing").value("x").build())
                .build(),
        )
    }

    fn known() -> Known {
        let mut known = Known::default();
        known.insert(wanted().vpc.address().clone(), json!({ "vpc_id": "vpc-1" }));
        known
    }

    #[test]
    fn what_aws_adds_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &known());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<Subnet>] = &[
            (
                "vpc",
                |subnet| subnet.vpc = Ref::exists("other"),
                Effect::Replace,
            ),
            (
                "cidr_block",
                |subnet| subnet.cidr_block = "10.0.3.0/24".into(),
                Effect::Replace,
            ),
            (
                "availability_zone",
                |subnet| {
                    subnet.availability_zone = AvailabilityZone::Name("ap-northeast-1c".into())
                },
                Effect::Replace,
            ),
            (
                "map_public_ip_on_launch",
                |subnet| subnet.map_public_ip_on_launch = false,
                Effect::InPlace,
            ),
            (
                "tags.team",
                |subnet| drop(subnet.tags.insert("team".into(), "a".into())),
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &Subnet| changed.diff(&seen(), Some(&wanted()), &known());
        let no_difference: &[(&str, Edit<Subnet>)] = &[("lookup", |subnet| {
            subnet.lookup = Some(SubnetLookup {
                find: "main".into(),
                vpc: "main".into(),
            });
        })];
        each_field(&wanted(), diff, rows, no_difference);
    }

    #[test]
    fn a_tag_that_the_stack_drops_is_taken_away() {
        let mut recorded = wanted();
        recorded.tags.insert("old".into(), "x".into());
        let change = wanted().diff(&seen(), Some(&recorded), &known());
        assert_eq!(change.dropped_tag_keys(&wanted().tags), ["old"]);
    }

    #[test]
    fn a_zone_chosen_by_number_is_chosen_once() {
        let mut subnet = wanted();
        subnet.availability_zone = AvailabilityZone::Ordinal(2);
        let change = subnet.diff(&seen(), Some(&subnet), &known());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn zones_are_counted_from_one() {
        let zones = ["r-1a".to_owned(), "r-1c".to_owned()];
        assert_eq!(nth_zone(&zones, 1, "r-1").unwrap(), "r-1a");
        assert_eq!(nth_zone(&zones, 2, "r-1").unwrap(), "r-1c");
        for ordinal in [0, 3] {
            let error = nth_zone(&zones, ordinal, "r-1").unwrap_err();
            assert!(error.message.contains("r-1 has 2 open"), "{error}");
        }
    }

    #[test]
    fn a_pending_subnet_is_not_ready() {
        let mut pending = seen();
        pending.available = false;
        assert!(matches!(
            wanted().readiness(&pending),
            Readiness::Pending(_)
        ));
        assert_eq!(wanted().readiness(&seen()), Readiness::Ready);
    }
}
