//! The security group and its rules for address blocks: how is it made, compared, changed and removed?
//! Rules that name another group are a kind of their own, `security_group_rules`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use aws_sdk_ec2::types::{Filter, ResourceType};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::ip_permissions::{Direction, authorize, flatten, revoke};
pub use super::ip_permissions::{Peer, Permission};
use super::vpc::Vpc;
use crate::aws::{
    Aws, InterfaceFilter, Settle, holders_among_interfaces, ours_or_taken, send, settle, tags,
};
use crate::resource::{
    Bridge, CallError, Change, Context, Effect, Holder, Known, Lookup, Ref, Resource, StepError,
    TagMap, UniqueName,
};

/// What the stack wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// The VPC; its ID is enough (aws-behaviour §1 row 1).
    pub vpc: Ref<Vpc>,
    /// Its name, unique in the VPC whatever the case of its letters (aws-behaviour §2.7).
    pub group_name: String,
    /// What it is for; can't be changed later (aws-behaviour §2.7).
    pub description: String,
    /// Who may come in, by address.
    pub ingress: Vec<CidrRule>,
    /// Where one may go. AWS's own default is all traffic to everywhere; wanting that costs no call.
    pub egress: Vec<CidrRule>,
    /// Tags, `Name` among them.
    pub tags: TagMap,
}

/// One rule for a block of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CidrRule {
    /// `tcp`, `udp`, `icmp`, or `-1` for all traffic.
    pub ip_protocol: String,
    /// First port; nothing for all traffic.
    pub from_port: Option<i32>,
    /// Last port; nothing for all traffic.
    pub to_port: Option<i32>,
    /// IPv4 block.
    pub cidr_ipv4: String,
}

impl CidrRule {
    /// TCP on one port.
    pub fn tcp(port: u16, cidr_ipv4: impl Into<String>) -> Self {
        CidrRule {
            ip_protocol: "tcp".to_owned(),
            from_port: Some(i32::from(port)),
            to_port: Some(i32::from(port)),
            cidr_ipv4: cidr_ipv4.into(),
        }
    }

    /// Everything.
    pub fn all_traffic(cidr_ipv4: impl Into<String>) -> Self {
        CidrRule {
            ip_protocol: "-1".to_owned(),
            from_port: None,
            to_port: None,
            cidr_ipv4: cidr_ipv4.into(),
        }
    }

    fn permission(&self) -> Permission {
        Permission::new(
            &self.ip_protocol,
            self.from_port,
            self.to_port,
            Peer::Cidr(self.cidr_ipv4.clone()),
        )
    }
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityGroupObserved {
    /// `sg-…`.
    pub group_id: String,
    /// `vpc-…`.
    pub vpc_id: String,
    /// Its name.
    pub group_name: String,
    /// What it is for.
    pub description: String,
    /// Who may come in, by address.
    pub ingress: BTreeSet<Permission>,
    /// Who may come in, by security group.
    pub peer_ingress: BTreeSet<Permission>,
    /// Where one may go.
    pub egress: BTreeSet<Permission>,
    /// Tags but AWS's own.
    pub tags: TagMap,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecurityGroupOutputs {
    /// `sg-…`.
    pub group_id: String,
    /// `vpc-…`, the VPC whose groups are listed together.
    pub vpc_id: String,
}

impl Resource for SecurityGroup {
    const KIND: &'static str = "security_group";
    const CARRIES_TRAFFIC: bool = true;
    type Cloud = Aws;
    type Observed = SecurityGroupObserved;
    type Outputs = SecurityGroupOutputs;

    fn claim(&self) -> Option<String> {
        Some(format!("{} in {}", self.group_name, self.vpc.address()))
    }

    fn unique_name(&self) -> Option<UniqueName> {
        Some(UniqueName {
            name: self.group_name.clone(),
            longest: 255,
        })
    }

    fn renamed(&self, name: String) -> Self {
        SecurityGroup {
            group_name: name,
            ..self.clone()
        }
    }

    /// Who is let in to tasks that are still to go, on a port that only they listen on.
    fn bridge(&self, recorded: &Self) -> Option<Bridge<Self>> {
        let kept: Vec<CidrRule> = recorded
            .ingress
            .iter()
            .filter(|rule| !self.ingress.contains(rule))
            .cloned()
            .collect();
        (!kept.is_empty()).then(|| Bridge {
            spec: SecurityGroup {
                ingress: [self.ingress.clone(), kept].concat(),
                ..self.clone()
            },
            fields: &["ingress"],
        })
    }

    fn diff(&self, seen: &SecurityGroupObserved, recorded: Option<&Self>, known: &Known) -> Change {
        let mut change = Change::default();
        let vpc_id = known.get(&self.vpc, |vpc| vpc.vpc_id);
        change.reference("vpc", &seen.vpc_id, vpc_id.as_ref(), Effect::Replace);
        change.field(
            "group_name",
            &seen.group_name,
            &self.group_name,
            Effect::Replace,
        );
        // Not the description: it is navi's own prose, which the stack file can't set. AWS never lets it
        // change, and a group that was adopted or whose service was renamed needs no successor for it.
        change.field(
            "ingress",
            &seen.ingress,
            &permissions(&self.ingress),
            Effect::InPlace,
        );
        change.field(
            "egress",
            &self.comparable_egress(seen),
            &permissions(&self.egress),
            Effect::InPlace,
        );
        change.tags(&seen.tags, &self.tags);
        change.dropped_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &SecurityGroupObserved) -> SecurityGroupOutputs {
        SecurityGroupOutputs {
            group_id: seen.group_id.clone(),
            vpc_id: seen.vpc_id.clone(),
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<SecurityGroupObserved>>, CallError> {
        let vpc_ids = lookups.iter().map(|lookup| &*lookup.outputs.vpc_id);
        let groups = groups_of_vpcs(aws, vpc_ids).await?;
        Ok(lookups
            .iter()
            .map(|lookup| groups.get(&lookup.outputs.group_id).cloned())
            .collect())
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<SecurityGroupOutputs>, CallError> {
        let found = list(context.cloud, tags::made_by(context.token)).await?;
        Ok(found.first().map(|group| self.outputs(group)))
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<SecurityGroupOutputs, StepError> {
        let aws = context.cloud;
        let vpc_id = context.outputs(&self.vpc)?.vpc_id;
        // No client token, but a name of its own: a second sending can't make a second group.
        let answer = settle("ec2:CreateSecurityGroup", Settle::Fresh, || {
            aws.ec2
                .create_security_group()
                .vpc_id(&vpc_id)
                .group_name(&self.group_name)
                .description(&self.description)
                .tag_specifications(tags::specification(
                    ResourceType::SecurityGroup,
                    &self.tags,
                    context.token,
                ))
                .send()
        })
        .await;
        let outputs = match answer {
            Ok(answer) => SecurityGroupOutputs {
                group_id: answer.group_id.ok_or_else(|| {
                    CallError::incomplete("ec2:CreateSecurityGroup", "the answer holds no group ID")
                })?,
                vpc_id,
            },
            Err(error) => {
                let what = format!("the security group `{}`", self.group_name);
                ours_or_taken(error, &what, || self.find(context)).await?
            }
        };
        // AWS adds this one rule to every new group (aws-behaviour §2.7).
        let default_egress = BTreeSet::from([Permission::all_traffic("0.0.0.0/0")]);
        self.set_rules(
            aws,
            &outputs.group_id,
            &BTreeSet::new(),
            &default_egress,
            Settle::Fresh,
        )
        .await
        .map_err(|error| StepError::after(&outputs, error))?;
        Ok(outputs)
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &SecurityGroupOutputs,
        seen: &SecurityGroupObserved,
        change: &Change,
    ) -> Result<SecurityGroupOutputs, StepError> {
        let aws = context.cloud;
        // Not as of the sweep: the bridge may have let somebody in since.
        let now = group_now(aws, &outputs.group_id).await?;
        let now = now.as_ref().unwrap_or(seen);
        self.set_rules(
            aws,
            &outputs.group_id,
            &now.ingress,
            &self.comparable_egress(now),
            Settle::Throttling,
        )
        .await?;
        if change.touches("tags") {
            tags::retag_ec2(
                aws,
                &outputs.group_id,
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
        outputs: &SecurityGroupOutputs,
    ) -> Result<(), StepError> {
        let answer = send(
            "ec2:DeleteSecurityGroup",
            context
                .cloud
                .ec2
                .delete_security_group()
                .group_id(&outputs.group_id)
                .send(),
        )
        .await;
        match answer {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }

    /// Interfaces that use the group, and other groups whose rules name it (aws-behaviour §2.7 "delete").
    async fn holders(
        &self,
        context: &Context<'_, Aws>,
        outputs: &SecurityGroupOutputs,
    ) -> Vec<Holder> {
        let aws = context.cloud;
        let filter = InterfaceFilter::SecurityGroup(&outputs.group_id);
        let (mut holders, groups) = tokio::join!(
            holders_among_interfaces(aws, filter),
            list(aws, by("vpc-id", &outputs.vpc_id))
        );
        // The list is an explanation: lacking a part of it must not fail a `down`.
        holders.extend(holders_among_groups(
            &groups.unwrap_or_default(),
            &outputs.group_id,
        ));
        holders
    }
}

impl SecurityGroup {
    /// AWS gives a group in a VPC with an IPv6 block the IPv6 twin of its default egress
    /// (aws-behaviour §2.7): who wants the default has nothing against its twin.
    fn comparable_egress(&self, seen: &SecurityGroupObserved) -> BTreeSet<Permission> {
        let mut egress = seen.egress.clone();
        if permissions(&self.egress).contains(&Permission::all_traffic("0.0.0.0/0")) {
            egress.remove(&Permission::all_traffic("::/0"));
        }
        egress
    }

    /// Grants what is missing, then revokes what is too much: in this order nothing that stays
    /// wanted is ever cut (aws-behaviour §2.7 "update").
    async fn set_rules(
        &self,
        aws: &Aws,
        group_id: &str,
        ingress: &BTreeSet<Permission>,
        egress: &BTreeSet<Permission>,
        patience: Settle,
    ) -> Result<(), CallError> {
        let wanted_ingress = permissions(&self.ingress);
        let wanted_egress = permissions(&self.egress);
        let missing: Vec<_> = wanted_ingress.difference(ingress).collect();
        authorize(aws, group_id, Direction::Ingress, &missing).await?;
        let missing: Vec<_> = wanted_egress.difference(egress).collect();
        authorize(aws, group_id, Direction::Egress, &missing).await?;
        let surplus: Vec<_> = ingress.difference(&wanted_ingress).collect();
        revoke(aws, group_id, Direction::Ingress, &surplus, patience).await?;
        let surplus: Vec<_> = egress.difference(&wanted_egress).collect();
        revoke(aws, group_id, Direction::Egress, &surplus, patience).await
    }
}

fn permissions(rules: &[CidrRule]) -> BTreeSet<Permission> {
    rules.iter().map(CidrRule::permission).collect()
}

/// The groups of these VPCs by ID, each VPC listed once per sweep: groups and peer rules both come out of
/// the one answer. aws-behaviour §2.7 prefers DescribeSecurityGroupRules for its one row per rule;
/// taken apart, the merged permissions of DescribeSecurityGroups hold the same facts, the groups
/// themselves and their tags, in one call.
pub(super) async fn groups_of_vpcs(
    aws: &Aws,
    vpc_ids: impl Iterator<Item = &str>,
) -> Result<HashMap<String, SecurityGroupObserved>, CallError> {
    let vpc_ids: BTreeSet<&str> = vpc_ids.collect();
    let listings = try_join_all(vpc_ids.into_iter().map(async |vpc_id| {
        let key = format!("ec2:DescribeSecurityGroups {vpc_id}");
        aws.memo.once(key, list(aws, by("vpc-id", vpc_id))).await
    }));
    let listings: Vec<Arc<Vec<SecurityGroupObserved>>> = listings.await?;
    Ok(listings
        .iter()
        .flat_map(|groups| groups.iter())
        .map(|group| (group.group_id.clone(), group.clone()))
        .collect())
}

/// The group of this ID, asked of AWS now.
pub(super) async fn group_now(
    aws: &Aws,
    group_id: &str,
) -> Result<Option<SecurityGroupObserved>, CallError> {
    Ok(list(aws, by("group-id", group_id))
        .await?
        .into_iter()
        .next())
}

fn by(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

async fn list(aws: &Aws, filter: Filter) -> Result<Vec<SecurityGroupObserved>, CallError> {
    let pages = aws
        .ec2
        .describe_security_groups()
        .filters(filter)
        .into_paginator();
    let groups = send(
        "ec2:DescribeSecurityGroups",
        pages.items().send().collect::<Result<Vec<_>, _>>(),
    )
    .await?;
    Ok(groups.into_iter().map(observed).collect())
}

fn observed(group: aws_sdk_ec2::types::SecurityGroup) -> SecurityGroupObserved {
    let (peer_ingress, ingress) = group
        .ip_permissions
        .unwrap_or_default()
        .into_iter()
        .flat_map(flatten)
        .partition(Permission::has_group_peer);
    SecurityGroupObserved {
        group_id: group.group_id.unwrap_or_default(),
        vpc_id: group.vpc_id.unwrap_or_default(),
        group_name: group.group_name.unwrap_or_default(),
        description: group.description.unwrap_or_default(),
        ingress,
        peer_ingress,
        egress: group
            .ip_permissions_egress
            .unwrap_or_default()
            .into_iter()
            .flat_map(flatten)
            .collect(),
        tags: tags::from_ec2(group.tags),
    }
}

/// The other groups that have a rule about this one.
fn holders_among_groups(groups: &[SecurityGroupObserved], group_id: &str) -> Vec<Holder> {
    let peer = Peer::Group(group_id.to_owned());
    groups
        .iter()
        .filter(|group| group.group_id != group_id)
        .filter(|group| {
            group
                .peer_ingress
                .iter()
                .chain(&group.egress)
                .any(|rule| rule.peer == peer)
        })
        .map(|group| Holder {
            id: group.group_id.clone(),
            what: format!("rule of security group {}", group.group_name),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{IpPermission, IpRange, Tag, UserIdGroupPair};
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Edit, Row, each_field};
    use crate::resource::Readiness;

    fn wanted() -> SecurityGroup {
        SecurityGroup {
            vpc: Ref::exists("main"),
            group_name: "navi-sg".into(),
            description: "Load balancer of navi".into(),
            ingress: vec![CidrRule::tcp(443, "0.0.0.0/0")],
            egress: vec![CidrRule::all_traffic("0.0.0.0/0")],
            tags: TagMap::from([("Name".into(), "navi-sg".into())]),
        }
    }

    fn seen() -> SecurityGroupObserved {
        observed(
            aws_sdk_ec2::types::SecurityGroup::builder()
                .group_id("sg-1")
                .vpc_id("vpc-1")
                .owner_id("123456789012")
                .group_name("navi-sg")
                .description("Load balancer of navi")
                .ip_permissions(
                    IpPermission::builder()
                        .ip_protocol("tcp")
                        .from_port(443)
                        .to_port(443)
                        .ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build())
                        .user_id_group_pairs(UserIdGroupPair::builder().group_id("sg-2").build())
                        .build(),
                )
                .ip_permissions_egress(
                    IpPermission::builder()
                        .ip_protocol("-1")
                        .ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build())
                        .build(),
                )
                .tags(Tag::builder().key("Name").value("navi-sg").build())
                .tags(Tag::builder().key("navi:op").value("0123").build())
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
        let rows: &[Row<SecurityGroup>] = &[
            (
                "vpc",
                |group| group.vpc = Ref::exists("other"),
                Effect::Replace,
            ),
            (
                "group_name",
                |group| group.group_name = "navi-lb".into(),
                Effect::Replace,
            ),
            (
                "ingress",
                |group| group.ingress.push(CidrRule::tcp(80, "0.0.0.0/0")),
                Effect::InPlace,
            ),
            (
                "egress",
                |group| group.egress = vec![CidrRule::tcp(443, "10.0.0.0/16")],
                Effect::InPlace,
            ),
            (
                "tags.team",
                |group| drop(group.tags.insert("team".into(), "a".into())),
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &SecurityGroup| changed.diff(&seen(), Some(&wanted()), &known());
        let no_difference: &[(&str, Edit<SecurityGroup>)] =
            &[("description", |group| group.description.push('2'))];
        each_field(&wanted(), diff, rows, no_difference);
    }

    #[test]
    fn another_description_is_no_difference() {
        let mut group = wanted();
        group.description = "another".into();
        let change = group.diff(&seen(), Some(&wanted()), &known());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn rules_are_compared_as_a_set_whatever_their_words() {
        let mut group = wanted();
        group.ingress[0].ip_protocol = "6".into();
        group.ingress.push(group.ingress[0].clone());
        group.egress[0].from_port = Some(0);
        group.egress[0].to_port = Some(0);
        let change = group.diff(&seen(), Some(&wanted()), &known());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn a_rule_by_somebody_else_is_a_difference() {
        let mut seen = seen();
        seen.ingress.insert(Permission::all_traffic("10.9.0.0/16"));
        let change = wanted().diff(&seen, Some(&wanted()), &known());
        assert_eq!(change.fields[0].field, "ingress");
        assert_eq!(
            change.fields[0].old,
            r#"["all traffic: 10.9.0.0/16","tcp 443: 0.0.0.0/0"]"#
        );
        assert_eq!(change.fields[0].new, r#"["tcp 443: 0.0.0.0/0"]"#);
    }

    #[test]
    fn the_ipv6_twin_of_the_default_egress_is_no_difference_to_who_wants_the_default() {
        let mut seen = seen();
        seen.egress.insert(Permission::all_traffic("::/0"));
        assert!(wanted().diff(&seen, None, &known()).is_empty());

        let mut strict = wanted();
        strict.egress = vec![CidrRule::tcp(443, "10.0.0.0/16")];
        let surplus = strict.comparable_egress(&seen);
        assert!(surplus.contains(&Permission::all_traffic("::/0")));
    }

    #[test]
    fn a_group_is_usable_at_once() {
        assert_eq!(wanted().readiness(&seen()), Readiness::Ready);
    }

    #[test]
    fn groups_with_rules_about_this_one_hold_it() {
        let mut other = seen();
        other.group_id = "sg-3".into();
        other.group_name = "stranger".into();
        // Both have a rule about sg-2, and sg-1 about itself would not hold sg-1.
        let mut itself = seen();
        itself.peer_ingress.insert(Permission::new(
            "tcp",
            Some(80),
            Some(80),
            Peer::Group("sg-1".to_owned()),
        ));
        let groups = [itself, other];
        let holders = holders_among_groups(&groups, "sg-2");
        assert_eq!(holders.len(), 2);
        assert_eq!(holders[1].what, "rule of security group stranger");
        assert!(holders_among_groups(&groups, "sg-1").is_empty());
    }
}
