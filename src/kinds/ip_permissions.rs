//! How does AWS write the rules of a security group, and how are single rules granted and revoked?
//! Shared by the two kinds that own rules: `security_group` and `security_group_rules`.

use std::fmt;

use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};
use serde::{Serialize, Serializer};

use crate::aws::{Aws, Settle, settle};
use crate::resource::{CallError, ErrorClass};

/// One rule, normalised: two equal ones mean the same to AWS however they were written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all traffic.
    pub ip_protocol: String,
    /// First and last port; for ICMP type and code; nothing for all traffic.
    pub ports: Option<(i32, i32)>,
    /// The other end.
    pub peer: Peer,
}

/// The other end of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// An IPv4 or IPv6 block.
    Cidr(String),
    /// A prefix list, `pl-…`.
    PrefixList(String),
    /// Whatever uses this security group, `sg-…`.
    Group(String),
}

/// Which way a rule lets traffic through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into what uses the group.
    Ingress,
    /// Out of it.
    Egress,
}

impl Permission {
    /// A rule as the stack or AWS writes it. Protocol numbers become names, as AWS answers them, and
    /// all traffic has no ports (aws-behaviour §2.7 "read / normalise").
    pub fn new(protocol: &str, from_port: Option<i32>, to_port: Option<i32>, peer: Peer) -> Self {
        let ip_protocol = match protocol.to_ascii_lowercase().as_str() {
            "6" => "tcp".to_owned(),
            "17" => "udp".to_owned(),
            "1" => "icmp".to_owned(),
            "58" => "icmpv6".to_owned(),
            "all" => "-1".to_owned(),
            other => other.to_owned(),
        };
        let ports = match ip_protocol.as_str() {
            "-1" => None,
            _ => from_port.zip(to_port),
        };
        Permission {
            ip_protocol,
            ports,
            peer,
        }
    }

    /// All traffic from or to this block.
    pub fn all_traffic(cidr: &str) -> Self {
        Permission::new("-1", None, None, Peer::Cidr(cidr.to_owned()))
    }

    /// Whether the other end is a security group.
    pub fn has_group_peer(&self) -> bool {
        matches!(self.peer, Peer::Group(_))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip_protocol.as_str() {
            "-1" => write!(formatter, "all traffic")?,
            protocol => write!(formatter, "{protocol}")?,
        }
        match self.ports {
            Some((from, to)) if from == to => write!(formatter, " {from}")?,
            Some((from, to)) => write!(formatter, " {from}-{to}")?,
            None => {}
        }
        match &self.peer {
            Peer::Cidr(other) | Peer::PrefixList(other) | Peer::Group(other) => {
                write!(formatter, ": {other}")
            }
        }
    }
}

/// As a person reads it, since it is only ever written into plans.
impl Serialize for Permission {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The single rules in a permission, into which AWS merges all rules of one protocol and port range
/// (aws-behaviour §2.7).
pub fn flatten(permission: IpPermission) -> Vec<Permission> {
    let peers_of_groups = permission.user_id_group_pairs.unwrap_or_default();
    let peers_of_blocks = permission.ip_ranges.unwrap_or_default();
    let peers_of_ipv6_blocks = permission.ipv6_ranges.unwrap_or_default();
    let peers_of_lists = permission.prefix_list_ids.unwrap_or_default();
    let groups = peers_of_groups
        .into_iter()
        .filter_map(|pair| pair.group_id)
        .map(Peer::Group);
    let blocks = peers_of_blocks
        .into_iter()
        .filter_map(|range| range.cidr_ip)
        .map(Peer::Cidr);
    let ipv6_blocks = peers_of_ipv6_blocks
        .into_iter()
        .filter_map(|range| range.cidr_ipv6)
        .map(Peer::Cidr);
    let lists = peers_of_lists
        .into_iter()
        .filter_map(|list| list.prefix_list_id)
        .map(Peer::PrefixList);
    let protocol = permission.ip_protocol.unwrap_or_default();
    groups
        .chain(blocks)
        .chain(ipv6_blocks)
        .chain(lists)
        .map(|peer| Permission::new(&protocol, permission.from_port, permission.to_port, peer))
        .collect()
}

/// Grants the rules with one call. A rule that is there already is as good as granted.
pub async fn authorize(
    aws: &Aws,
    group_id: &str,
    direction: Direction,
    rules: &[&Permission],
) -> Result<(), CallError> {
    let answer = authorize_together(aws, group_id, direction, rules).await;
    match answer {
        // One duplicate fails the whole call (aws-behaviour §2.7), so who is missing shows only singly.
        Err(error) if error.class == ErrorClass::AlreadyExists => {
            for rule in rules {
                match authorize_together(aws, group_id, direction, &[rule]).await {
                    Err(error) if error.class == ErrorClass::AlreadyExists => {}
                    other => other?,
                }
            }
            Ok(())
        }
        other => other,
    }
}

async fn authorize_together(
    aws: &Aws,
    group_id: &str,
    direction: Direction,
    rules: &[&Permission],
) -> Result<(), CallError> {
    if rules.is_empty() {
        return Ok(());
    }
    let permissions: Vec<_> = rules.iter().map(|rule| ip_permission(rule)).collect();
    match direction {
        Direction::Ingress => {
            settle("ec2:AuthorizeSecurityGroupIngress", Settle::Fresh, || {
                aws.ec2
                    .authorize_security_group_ingress()
                    .group_id(group_id)
                    .set_ip_permissions(Some(permissions.clone()))
                    .send()
            })
            .await?;
        }
        Direction::Egress => {
            settle("ec2:AuthorizeSecurityGroupEgress", Settle::Fresh, || {
                aws.ec2
                    .authorize_security_group_egress()
                    .group_id(group_id)
                    .set_ip_permissions(Some(permissions.clone()))
                    .send()
            })
            .await?;
        }
    }
    Ok(())
}

/// Revokes the rules with one call. A rule or a group that is not there needs no revoking; for a group
/// made a moment ago, `patience` says to ask again first.
pub async fn revoke(
    aws: &Aws,
    group_id: &str,
    direction: Direction,
    rules: &[&Permission],
    patience: Settle,
) -> Result<(), CallError> {
    let answer = revoke_together(aws, group_id, direction, rules, patience).await;
    match answer {
        // One unknown rule fails the whole call and none is revoked (RevokeSecurityGroupIngress,
        // "for a non-default VPC").
        Err(error) if error.is_not_found() => {
            for rule in rules {
                match revoke_together(aws, group_id, direction, &[rule], Settle::Throttling).await {
                    Err(error) if error.is_not_found() => {}
                    other => other?,
                }
            }
            Ok(())
        }
        other => other,
    }
}

async fn revoke_together(
    aws: &Aws,
    group_id: &str,
    direction: Direction,
    rules: &[&Permission],
    patience: Settle,
) -> Result<(), CallError> {
    if rules.is_empty() {
        return Ok(());
    }
    let permissions: Vec<_> = rules.iter().map(|rule| ip_permission(rule)).collect();
    match direction {
        Direction::Ingress => {
            settle("ec2:RevokeSecurityGroupIngress", patience, || {
                aws.ec2
                    .revoke_security_group_ingress()
                    .group_id(group_id)
                    .set_ip_permissions(Some(permissions.clone()))
                    .send()
            })
            .await?;
        }
        Direction::Egress => {
            settle("ec2:RevokeSecurityGroupEgress", patience, || {
                aws.ec2
                    .revoke_security_group_egress()
                    .group_id(group_id)
                    .set_ip_permissions(Some(permissions.clone()))
                    .send()
            })
            .await?;
        }
    }
    Ok(())
}

fn ip_permission(rule: &Permission) -> IpPermission {
    let permission = IpPermission::builder()
        .ip_protocol(&rule.ip_protocol)
        .set_from_port(rule.ports.map(|(from, _)| from))
        .set_to_port(rule.ports.map(|(_, to)| to));
    match &rule.peer {
        Peer::Cidr(block) if block.contains(':') => {
            permission.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(block).build())
        }
        Peer::Cidr(block) => permission.ip_ranges(IpRange::builder().cidr_ip(block).build()),
        Peer::PrefixList(id) => {
            permission.prefix_list_ids(PrefixListId::builder().prefix_list_id(id).build())
        }
        Peer::Group(id) => {
            permission.user_id_group_pairs(UserIdGroupPair::builder().group_id(id).build())
        }
    }
    .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(block: &str) -> Peer {
        Peer::Cidr(block.to_owned())
    }

    #[test]
    fn a_merged_permission_falls_into_its_rules() {
        let merged = IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(80)
            .to_port(80)
            .user_id_group_pairs(
                UserIdGroupPair::builder()
                    .group_id("sg-1")
                    .user_id("123456789012")
                    .build(),
            )
            .user_id_group_pairs(UserIdGroupPair::builder().group_id("sg-2").build())
            .ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/16").build())
            .ipv6_ranges(Ipv6Range::builder().cidr_ipv6("::/0").build())
            .prefix_list_ids(PrefixListId::builder().prefix_list_id("pl-1").build())
            .build();
        let rules: Vec<_> = flatten(merged)
            .iter()
            .map(|rule| rule.to_string())
            .collect();
        assert_eq!(
            rules,
            [
                "tcp 80: sg-1",
                "tcp 80: sg-2",
                "tcp 80: 10.0.0.0/16",
                "tcp 80: ::/0",
                "tcp 80: pl-1"
            ]
        );
    }

    #[test]
    fn the_same_rule_in_other_words_is_equal() {
        let any = Permission::all_traffic("0.0.0.0/0");
        for (protocol, port) in [("-1", None), ("all", Some(0)), ("-1", Some(-1))] {
            assert_eq!(
                Permission::new(protocol, port, port, cidr("0.0.0.0/0")),
                any
            );
        }
        let numbered = Permission::new("6", Some(80), Some(80), cidr("10.0.0.0/8"));
        let named = Permission::new("TCP", Some(80), Some(80), cidr("10.0.0.0/8"));
        assert_eq!(numbered, named);
        assert_ne!(
            named,
            Permission::new("udp", Some(80), Some(80), cidr("10.0.0.0/8"))
        );
    }

    #[test]
    fn a_rule_survives_the_way_to_aws_and_back() {
        let peers = [
            cidr("10.0.0.0/8"),
            cidr("fd00::/8"),
            Peer::Group("sg-1".to_owned()),
            Peer::PrefixList("pl-1".to_owned()),
        ];
        for peer in peers {
            for rule in [
                Permission::new("tcp", Some(1024), Some(2048), peer.clone()),
                Permission::new("icmp", Some(-1), Some(-1), peer.clone()),
                Permission::new("-1", None, None, peer.clone()),
            ] {
                assert_eq!(flatten(ip_permission(&rule)), [rule]);
            }
        }
    }

    #[test]
    fn rules_read_like_sentences() {
        let range = Permission::new("udp", Some(1024), Some(2048), cidr("10.0.0.0/8"));
        assert_eq!(range.to_string(), "udp 1024-2048: 10.0.0.0/8");
        assert_eq!(
            Permission::all_traffic("0.0.0.0/0").to_string(),
            "all traffic: 0.0.0.0/0"
        );
    }
}
