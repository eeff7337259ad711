//! The VPC with its DNS attributes: how is it made, compared, changed and removed?

use std::collections::HashMap;

use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, ResourceType, VpcAttributeName, VpcState};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::existing_network::{check_for_load_balancer, check_for_namespace, vpc_called};
use crate::aws::{Aws, InterfaceFilter, Settle, holders_among_interfaces, send, settle, tags};
use crate::resource::{
    CallError, Change, Context, Effect, Holder, Known, Lookup, Readiness, Resource, StepError,
    TagMap,
};

/// What the stack wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vpc {
    /// IPv4 block, `10.0.0.0/16`.
    pub cidr_block: String,
    /// Whether the VPC's resolver answers; private hosted zones need it.
    pub enable_dns_support: bool,
    /// Whether instances get names; private hosted zones need it.
    pub enable_dns_hostnames: bool,
    /// Tags, `Name` among them.
    pub tags: TagMap,
    /// Somebody else's VPC is meant: none of the fields above counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<VpcLookup>,
}

/// Which VPC is meant, and what the stack asks of it. Both is looked at before anything is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VpcLookup {
    /// Its ID, or the value of its tag `Name`.
    pub find: String,
    /// Whether names of a private namespace are to resolve in it.
    pub resolves_names: bool,
    /// The subnets that a load balancer is to stand in, by ID or by tag.
    pub load_balancer_subnets: Vec<String>,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct VpcObserved {
    /// `vpc-…`.
    pub vpc_id: String,
    /// IPv4 block.
    pub cidr_block: String,
    /// Attribute of the same name.
    pub enable_dns_support: bool,
    /// Attribute of the same name.
    pub enable_dns_hostnames: bool,
    /// Whether AWS calls it available.
    pub available: bool,
    /// Tags but AWS's own.
    pub tags: TagMap,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VpcOutputs {
    /// `vpc-…`.
    pub vpc_id: String,
}

impl Resource for Vpc {
    const KIND: &'static str = "vpc";
    /// All that the stack has lies in it.
    const FOLLOWS_LOOKUP: bool = false;
    type Cloud = Aws;
    type Observed = VpcObserved;
    type Outputs = VpcOutputs;

    fn is_lookup(&self) -> bool {
        self.lookup.is_some()
    }

    fn diff(&self, seen: &VpcObserved, recorded: Option<&Self>, _known: &Known) -> Change {
        let mut change = Change::default();
        if self.lookup.is_some() {
            return change;
        }
        change.field(
            "cidr_block",
            &seen.cidr_block,
            &self.cidr_block,
            Effect::Replace,
        );
        change.field(
            "enable_dns_support",
            &seen.enable_dns_support,
            &self.enable_dns_support,
            Effect::InPlace,
        );
        change.field(
            "enable_dns_hostnames",
            &seen.enable_dns_hostnames,
            &self.enable_dns_hostnames,
            Effect::InPlace,
        );
        change.tags(&seen.tags, &self.tags);
        change.dropped_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &VpcObserved) -> VpcOutputs {
        VpcOutputs {
            vpc_id: seen.vpc_id.clone(),
        }
    }

    fn readiness(&self, seen: &VpcObserved) -> Readiness {
        match seen.available {
            true => Readiness::Ready,
            false => Readiness::Pending("VPC is pending".to_owned()),
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<VpcObserved>>, CallError> {
        // A filter instead of `VpcIds`: one unknown ID would fail the whole call.
        let ids = lookups.iter().map(|lookup| lookup.outputs.vpc_id.clone());
        let answer = send(
            "ec2:DescribeVpcs",
            aws.ec2
                .describe_vpcs()
                .filters(
                    Filter::builder()
                        .name("vpc-id")
                        .set_values(Some(ids.collect()))
                        .build(),
                )
                .send(),
        )
        .await?;
        let found = answer
            .vpcs
            .unwrap_or_default()
            .into_iter()
            .map(async |vpc| {
                let vpc_id = vpc.vpc_id.unwrap_or_default();
                // Not part of DescribeVpcs, and one attribute per call (aws-behaviour §2.1).
                let (support, hostnames) = tokio::try_join!(
                    attribute(aws, &vpc_id, VpcAttributeName::EnableDnsSupport),
                    attribute(aws, &vpc_id, VpcAttributeName::EnableDnsHostnames),
                )?;
                Ok::<_, CallError>((
                    vpc_id.clone(),
                    VpcObserved {
                        vpc_id,
                        cidr_block: vpc.cidr_block.unwrap_or_default(),
                        enable_dns_support: support,
                        enable_dns_hostnames: hostnames,
                        available: vpc.state == Some(VpcState::Available),
                        tags: tags::from_ec2(vpc.tags),
                    },
                ))
            });
        let found: HashMap<_, _> = try_join_all(found).await?.into_iter().collect();
        Ok(lookups
            .iter()
            .map(|lookup| found.get(&lookup.outputs.vpc_id).cloned())
            .collect())
    }

    async fn find(&self, context: &Context<'_, Aws>) -> Result<Option<VpcOutputs>, CallError> {
        if let Some(lookup) = &self.lookup {
            return lookup.find(context.cloud).await;
        }
        let answer = send(
            "ec2:DescribeVpcs",
            context
                .cloud
                .ec2
                .describe_vpcs()
                .filters(tags::made_by(context.token))
                .send(),
        )
        .await?;
        Ok(answer
            .vpcs
            .unwrap_or_default()
            .into_iter()
            .find_map(|vpc| vpc.vpc_id)
            .map(|vpc_id| VpcOutputs { vpc_id }))
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<VpcOutputs, StepError> {
        let aws = context.cloud;
        // No client token: never sent twice by the SDK (aws-behaviour §2).
        let answer = settle("ec2:CreateVpc", Settle::Throttling, || {
            aws.ec2_once
                .create_vpc()
                .cidr_block(&self.cidr_block)
                .tag_specifications(tags::specification(
                    ResourceType::Vpc,
                    &self.tags,
                    context.token,
                ))
                .send()
        })
        .await?;
        let vpc_id = answer
            .vpc
            .and_then(|vpc| vpc.vpc_id)
            .ok_or_else(|| CallError::incomplete("ec2:CreateVpc", "the answer holds no VPC ID"))?;
        let outputs = VpcOutputs { vpc_id };
        self.set_attributes(aws, &outputs, false, true)
            .await
            .map_err(|error| StepError::after(&outputs, error))?;
        Ok(outputs)
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &VpcOutputs,
        seen: &VpcObserved,
        change: &Change,
    ) -> Result<VpcOutputs, StepError> {
        self.set_attributes(
            context.cloud,
            outputs,
            seen.enable_dns_hostnames,
            seen.enable_dns_support,
        )
        .await?;
        if change.touches("tags") {
            tags::retag_ec2(
                context.cloud,
                &outputs.vpc_id,
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
        outputs: &VpcOutputs,
    ) -> Result<(), StepError> {
        if self.lookup.is_some() {
            return Ok(());
        }
        let answer = send(
            "ec2:DeleteVpc",
            context
                .cloud
                .ec2
                .delete_vpc()
                .vpc_id(&outputs.vpc_id)
                .send(),
        )
        .await;
        match answer {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }

    async fn holders(&self, context: &Context<'_, Aws>, outputs: &VpcOutputs) -> Vec<Holder> {
        let (aws, vpc_id) = (context.cloud, &outputs.vpc_id);
        let (mut holders, subnets, groups) = tokio::join!(
            holders_among_interfaces(aws, InterfaceFilter::Vpc(vpc_id)),
            holding_subnets(aws, vpc_id),
            holding_groups(aws, vpc_id),
        );
        holders.extend(subnets);
        holders.extend(groups);
        holders
    }
}

/// Subnets that somebody else made in the VPC. None when AWS can't be asked: this only explains.
async fn holding_subnets(aws: &Aws, vpc_id: &str) -> Vec<Holder> {
    let call = aws.ec2.describe_subnets().filters(in_vpc(vpc_id));
    let answer = send("ec2:DescribeSubnets", call.send()).await;
    answer
        .ok()
        .and_then(|answer| answer.subnets)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|subnet| subnet.subnet_id)
        .map(|id| Holder {
            id,
            what: "subnet".to_owned(),
        })
        .collect()
}

/// Security groups that somebody else made in the VPC; its `default` one goes with it.
async fn holding_groups(aws: &Aws, vpc_id: &str) -> Vec<Holder> {
    let call = aws.ec2.describe_security_groups().filters(in_vpc(vpc_id));
    let answer = send("ec2:DescribeSecurityGroups", call.send()).await;
    answer
        .ok()
        .and_then(|answer| answer.security_groups)
        .unwrap_or_default()
        .into_iter()
        .filter(|group| group.group_name() != Some("default"))
        .map(|group| Holder {
            what: format!("security group {}", group.group_name().unwrap_or_default()),
            id: group.group_id.unwrap_or_default(),
        })
        .collect()
}

fn in_vpc(vpc_id: &str) -> Filter {
    Filter::builder().name("vpc-id").values(vpc_id).build()
}

impl VpcLookup {
    async fn find(&self, aws: &Aws) -> Result<Option<VpcOutputs>, CallError> {
        let Some(vpc_id) = vpc_called(aws, &self.find).await? else {
            return Ok(None);
        };
        if self.resolves_names {
            check_for_namespace(aws, &vpc_id).await?;
        }
        if !self.load_balancer_subnets.is_empty() {
            check_for_load_balancer(aws, &vpc_id, &self.load_balancer_subnets).await?;
        }
        Ok(Some(VpcOutputs { vpc_id }))
    }
}

impl Vpc {
    /// Somebody else's.
    pub fn looked_up(lookup: VpcLookup) -> Self {
        Vpc {
            cidr_block: String::new(),
            enable_dns_support: true,
            enable_dns_hostnames: true,
            tags: TagMap::new(),
            lookup: Some(lookup),
        }
    }

    /// Sets the attributes that differ. Host names need support to be on already, and each request
    /// takes one attribute (aws-behaviour §1 row 3), so the order depends on the direction.
    async fn set_attributes(
        &self,
        aws: &Aws,
        outputs: &VpcOutputs,
        hostnames: bool,
        support: bool,
    ) -> Result<(), CallError> {
        let set_support = async || match support == self.enable_dns_support {
            true => Ok(()),
            false => {
                let value = attribute_value(self.enable_dns_support);
                modify(aws, outputs, |call| call.enable_dns_support(value.clone())).await
            }
        };
        let set_hostnames = async || match hostnames == self.enable_dns_hostnames {
            true => Ok(()),
            false => {
                let value = attribute_value(self.enable_dns_hostnames);
                modify(aws, outputs, |call| {
                    call.enable_dns_hostnames(value.clone())
                })
                .await
            }
        };
        if self.enable_dns_support {
            set_support().await?;
            set_hostnames().await
        } else {
            set_hostnames().await?;
            set_support().await
        }
    }
}

type ModifyVpcAttribute =
    aws_sdk_ec2::operation::modify_vpc_attribute::builders::ModifyVpcAttributeFluentBuilder;

async fn modify(
    aws: &Aws,
    outputs: &VpcOutputs,
    set: impl Fn(ModifyVpcAttribute) -> ModifyVpcAttribute,
) -> Result<(), CallError> {
    settle("ec2:ModifyVpcAttribute", Settle::Fresh, || {
        set(aws.ec2.modify_vpc_attribute().vpc_id(&outputs.vpc_id)).send()
    })
    .await
    .map(|_| ())
}

fn attribute_value(value: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(value).build()
}

pub(super) async fn attribute(
    aws: &Aws,
    vpc_id: &str,
    name: VpcAttributeName,
) -> Result<bool, CallError> {
    let answer = settle("ec2:DescribeVpcAttribute", Settle::Fresh, || {
        aws.ec2
            .describe_vpc_attribute()
            .vpc_id(vpc_id)
            .attribute(name.clone())
            .send()
    })
    .await?;
    let value = match name {
        VpcAttributeName::EnableDnsSupport => answer.enable_dns_support,
        _ => answer.enable_dns_hostnames,
    };
    Ok(value.and_then(|value| value.value).unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::every_field::{Edit, Row, each_field};

    fn wanted() -> Vpc {
        Vpc {
            cidr_block: "10.0.0.0/16".into(),
            enable_dns_support: true,
            enable_dns_hostnames: true,
            tags: TagMap::from([("Name".into(), "navi-vpc".into())]),
            lookup: None,
        }
    }

    fn seen() -> VpcObserved {
        VpcObserved {
            vpc_id: "vpc-1".into(),
            cidr_block: "10.0.0.0/16".into(),
            enable_dns_support: true,
            enable_dns_hostnames: true,
            available: true,
            tags: TagMap::from([
                ("Name".into(), "navi-vpc".into()),
                ("somebody".into(), "else".into()),
            ]),
        }
    }

    #[test]
    fn what_aws_adds_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &Known::default());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<Vpc>] = &[
            (
                "cidr_block",
                |vpc| vpc.cidr_block = "10.1.0.0/16".into(),
                Effect::Replace,
            ),
            (
                "enable_dns_support",
                |vpc| vpc.enable_dns_support = false,
                Effect::InPlace,
            ),
            (
                "enable_dns_hostnames",
                |vpc| vpc.enable_dns_hostnames = false,
                Effect::InPlace,
            ),
            (
                "tags.team",
                |vpc| drop(vpc.tags.insert("team".into(), "a".into())),
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &Vpc| changed.diff(&seen(), Some(&wanted()), &Known::default());
        let no_difference: &[(&str, Edit<Vpc>)] = &[("lookup", |vpc| {
            vpc.lookup = Some(VpcLookup {
                find: "main".into(),
                resolves_names: true,
                load_balancer_subnets: Vec::new(),
            });
        })];
        each_field(&wanted(), diff, rows, no_difference);
    }

    #[test]
    fn a_tag_that_the_stack_drops_is_taken_away() {
        let mut recorded = wanted();
        recorded.tags.insert("old".into(), "x".into());
        let change = wanted().diff(&seen(), Some(&recorded), &Known::default());
        assert_eq!(change.dropped_tag_keys(&wanted().tags), ["old"]);
    }

    #[test]
    fn a_pending_vpc_is_not_ready() {
        let mut pending = seen();
        pending.available = false;
        assert!(matches!(
            wanted().readiness(&pending),
            Readiness::Pending(_)
        ));
        assert_eq!(wanted().readiness(&seen()), Readiness::Ready);
    }
}
