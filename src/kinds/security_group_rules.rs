//! The rules of one security group that let other groups in: how are they granted, compared and revoked?
//! A kind of its own, because groups that name each other could not be made (or removed) one after the
//! other with their rules (aws-behaviour §1 row 12).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ip_permissions::{Direction, Peer, Permission, authorize, revoke};
use super::security_group::{SecurityGroup, SecurityGroupObserved, group_now, groups_of_vpcs};
use crate::aws::{Aws, Settle};
use crate::resource::{
    Bridge, CallError, Change, Context, Effect, Known, Lookup, Ref, Resource, StepError,
};

/// What the stack wants. A group without such rules has no resource of this kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecurityGroupRules {
    /// The group whose rules these are; its ID is enough (aws-behaviour §1 row 12).
    pub group: Ref<SecurityGroup>,
    /// Who may come in. Never empty.
    pub rules: Vec<PeerRule>,
}

/// One rule for another group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerRule {
    /// `tcp`, `udp`, `icmp`, or `-1` for all traffic.
    pub ip_protocol: String,
    /// First port; nothing for all traffic.
    pub from_port: Option<i32>,
    /// Last port; nothing for all traffic.
    pub to_port: Option<i32>,
    /// Who may come in; the ID is enough (aws-behaviour §1 row 12). On `down` the rule must be gone
    /// before the peer can go (§2.7 "delete").
    pub peer: Ref<SecurityGroup>,
}

impl PeerRule {
    /// TCP on one port.
    pub fn tcp(port: u16, peer: Ref<SecurityGroup>) -> Self {
        PeerRule {
            ip_protocol: "tcp".to_owned(),
            from_port: Some(i32::from(port)),
            to_port: Some(i32::from(port)),
            peer,
        }
    }

    fn permission(&self, peer_id: String) -> Permission {
        Permission::new(
            &self.ip_protocol,
            self.from_port,
            self.to_port,
            Peer::Group(peer_id),
        )
    }
}

/// What AWS has: at least one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityGroupRulesObserved {
    /// The group whose rules these are, `sg-…`.
    pub group_id: String,
    /// `vpc-…`.
    pub vpc_id: String,
    /// Its rules for other groups.
    pub rules: BTreeSet<Permission>,
}

/// What finds the rules again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecurityGroupRulesOutputs {
    /// The group whose rules these are, `sg-…`.
    pub group_id: String,
    /// `vpc-…`, the VPC whose groups are listed together.
    pub vpc_id: String,
}

impl Resource for SecurityGroupRules {
    const KIND: &'static str = "security_group_rules";
    const CARRIES_TRAFFIC: bool = true;
    type Cloud = Aws;
    type Observed = SecurityGroupRulesObserved;
    type Outputs = SecurityGroupRulesOutputs;

    fn identity(&self) -> Option<String> {
        Some(self.group.address().to_string())
    }

    /// Whoever is still let in while tasks go that ask, or that are asked on another port.
    fn bridge(&self, recorded: &Self) -> Option<Bridge<Self>> {
        let kept: Vec<PeerRule> = recorded
            .rules
            .iter()
            .filter(|rule| !self.rules.contains(rule))
            .cloned()
            .collect();
        (!kept.is_empty()).then(|| Bridge {
            spec: SecurityGroupRules {
                rules: [self.rules.clone(), kept].concat(),
                ..self.clone()
            },
            fields: &["rules"],
        })
    }

    fn diff(
        &self,
        seen: &SecurityGroupRulesObserved,
        _recorded: Option<&Self>,
        known: &Known,
    ) -> Change {
        let mut change = Change::default();
        let group_id = known.get(&self.group, |group| group.group_id);
        change.reference("group", &seen.group_id, group_id.as_ref(), Effect::Replace);
        let wanted = self.permissions(|peer| known.get(peer, |group| group.group_id));
        change.reference("rules", &seen.rules, wanted.as_ref(), Effect::InPlace);
        change
    }

    fn outputs(&self, seen: &SecurityGroupRulesObserved) -> SecurityGroupRulesOutputs {
        SecurityGroupRulesOutputs {
            group_id: seen.group_id.clone(),
            vpc_id: seen.vpc_id.clone(),
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<SecurityGroupRulesObserved>>, CallError> {
        let vpc_ids = lookups.iter().map(|lookup| &*lookup.outputs.vpc_id);
        let groups = groups_of_vpcs(aws, vpc_ids).await?;
        Ok(lookups
            .iter()
            .map(|lookup| groups.get(&lookup.outputs.group_id).and_then(rules_of))
            .collect())
    }

    /// The rules carry no token. They need none: the group is ours, found by its own token, and
    /// whatever rules it has, comparing them finishes the work.
    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<SecurityGroupRulesOutputs>, CallError> {
        let Some(group) = context.known.outputs(&self.group) else {
            return Ok(None);
        };
        let group = group_now(context.cloud, &group.group_id).await?;
        let rules = group.as_ref().and_then(rules_of);
        Ok(rules.map(|rules| self.outputs(&rules)))
    }

    async fn create(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<SecurityGroupRulesOutputs, StepError> {
        let group = context.outputs(&self.group)?;
        let wanted = self.wanted(context)?;
        let missing: Vec<_> = wanted.iter().collect();
        authorize(context.cloud, &group.group_id, Direction::Ingress, &missing).await?;
        Ok(SecurityGroupRulesOutputs {
            group_id: group.group_id,
            vpc_id: group.vpc_id,
        })
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &SecurityGroupRulesOutputs,
        seen: &SecurityGroupRulesObserved,
        _change: &Change,
    ) -> Result<SecurityGroupRulesOutputs, StepError> {
        let wanted = self.wanted(context)?;
        // Not those of the sweep: the bridge may have let somebody in since.
        let now = group_now(context.cloud, &outputs.group_id).await?;
        let rules = now.map_or_else(|| seen.rules.clone(), |group| group.peer_ingress);
        let missing: Vec<_> = wanted.difference(&rules).collect();
        let surplus: Vec<_> = rules.difference(&wanted).collect();
        // In this order nothing that stays wanted is ever cut (aws-behaviour §2.7 "update").
        authorize(
            context.cloud,
            &outputs.group_id,
            Direction::Ingress,
            &missing,
        )
        .await?;
        revoke_ingress(context.cloud, &outputs.group_id, &surplus).await?;
        Ok(outputs.clone())
    }

    /// Revokes every rule of the group that names another: what is left of them, navi's or not, would
    /// keep the groups they name from being deleted (aws-behaviour §2.7).
    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &SecurityGroupRulesOutputs,
    ) -> Result<(), StepError> {
        let Some(group) = group_now(context.cloud, &outputs.group_id).await? else {
            return Ok(());
        };
        let rules: Vec<_> = group.peer_ingress.iter().collect();
        revoke_ingress(context.cloud, &outputs.group_id, &rules).await?;
        Ok(())
    }
}

impl SecurityGroupRules {
    /// The rules with the IDs of their peers, or `None` if a peer's is not known.
    fn permissions(
        &self,
        id_of: impl Fn(&Ref<SecurityGroup>) -> Option<String>,
    ) -> Option<BTreeSet<Permission>> {
        self.rules
            .iter()
            .map(|rule| id_of(&rule.peer).map(|peer_id| rule.permission(peer_id)))
            .collect()
    }

    fn wanted(&self, context: &Context<'_, Aws>) -> Result<BTreeSet<Permission>, CallError> {
        self.rules
            .iter()
            .map(|rule| {
                let peer = context.outputs(&rule.peer)?;
                Ok(rule.permission(peer.group_id))
            })
            .collect()
    }
}

/// A group without a rule for another group has nothing of this kind.
fn rules_of(group: &SecurityGroupObserved) -> Option<SecurityGroupRulesObserved> {
    (!group.peer_ingress.is_empty()).then(|| SecurityGroupRulesObserved {
        group_id: group.group_id.clone(),
        vpc_id: group.vpc_id.clone(),
        rules: group.peer_ingress.clone(),
    })
}

async fn revoke_ingress(aws: &Aws, group_id: &str, rules: &[&Permission]) -> Result<(), CallError> {
    revoke(aws, group_id, Direction::Ingress, rules, Settle::Throttling).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Row, each_field};
    use crate::resource::{Readiness, TagMap, UNKNOWN_UNTIL_APPLIED};

    fn wanted() -> SecurityGroupRules {
        SecurityGroupRules {
            group: Ref::exists("backend"),
            rules: vec![
                PeerRule::tcp(80, Ref::exists("load_balancer")),
                PeerRule::tcp(80, Ref::exists("proxy")),
                PeerRule::tcp(3000, Ref::exists("load_balancer")),
            ],
        }
    }

    fn tcp(port: i32, group_id: &str) -> Permission {
        Permission::new(
            "tcp",
            Some(port),
            Some(port),
            Peer::Group(group_id.to_owned()),
        )
    }

    fn group(peer_ingress: impl IntoIterator<Item = Permission>) -> SecurityGroupObserved {
        SecurityGroupObserved {
            group_id: "sg-backend".into(),
            vpc_id: "vpc-1".into(),
            group_name: "navi-backend-sg".into(),
            description: "backend".into(),
            ingress: BTreeSet::from([Permission::all_traffic("10.0.0.0/16")]),
            peer_ingress: peer_ingress.into_iter().collect(),
            egress: BTreeSet::from([Permission::all_traffic("0.0.0.0/0")]),
            tags: TagMap::new(),
        }
    }

    fn seen() -> SecurityGroupRulesObserved {
        rules_of(&group([
            tcp(80, "sg-lb"),
            tcp(80, "sg-proxy"),
            tcp(3000, "sg-lb"),
        ]))
        .unwrap()
    }

    fn known() -> Known {
        let mut known = Known::default();
        for (name, id) in [
            ("backend", "sg-backend"),
            ("load_balancer", "sg-lb"),
            ("proxy", "sg-proxy"),
        ] {
            known.insert(
                Ref::<SecurityGroup>::exists(name).address().clone(),
                json!({ "group_id": id, "vpc_id": "vpc-1" }),
            );
        }
        known
    }

    #[test]
    fn rules_for_addresses_are_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &known());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<SecurityGroupRules>] = &[
            (
                "group",
                |wanted| wanted.group = Ref::exists("another"),
                Effect::Replace,
            ),
            ("rules", |wanted| drop(wanted.rules.pop()), Effect::InPlace),
            (
                "rules",
                |wanted| wanted.rules[0] = PeerRule::tcp(81, Ref::exists("load_balancer")),
                Effect::InPlace,
            ),
            (
                "rules",
                |wanted| wanted.rules[1].ip_protocol = "udp".into(),
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &SecurityGroupRules| changed.diff(&seen(), Some(&wanted()), &known());
        each_field(&wanted(), diff, rows, &[]);
    }

    #[test]
    fn a_peer_that_is_still_to_be_made_is_told_by_applying() {
        let mut known = known();
        known.remove(wanted().rules[1].peer.address());
        let change = wanted().diff(&seen(), Some(&wanted()), &known);
        assert_eq!(change.fields.len(), 1);
        assert_eq!(change.fields[0].new, UNKNOWN_UNTIL_APPLIED);
    }

    #[test]
    fn a_group_without_peer_rules_has_none_to_read() {
        assert_eq!(rules_of(&group([])), None);
        assert_eq!(rules_of(&group([tcp(80, "sg-lb")])).unwrap().rules.len(), 1);
    }

    #[test]
    fn rules_work_at_once() {
        assert_eq!(wanted().readiness(&seen()), Readiness::Ready);
    }
}
