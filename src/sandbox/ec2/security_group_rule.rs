//! Which rules does a security group have? One row each, and merged into permissions as the older operations show them.

use ipnet::{Ipv4Net, Ipv6Net};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    describe::{Listing, Noun},
    request::{done, tag_set},
    state::Ec2,
};
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    service::Service,
    tags::Tags,
    world::Context,
};

#[derive(Clone, Debug, Serialize)]
pub struct SecurityGroupRule {
    pub id: String,
    pub owner: String,
    pub group_id: String,
    pub is_egress: bool,
    pub ports: Ports,
    pub peer: Peer,
    pub description: Option<String>,
    pub tags: Tags,
}

/// A protocol and its ports, as AWS writes them back: names for the well-known numbers, -1 for all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Ports {
    pub protocol: String,
    pub from: i64,
    pub to: i64,
}

/// Whom a rule lets in, or out to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    Ipv4(String),
    Ipv6(String),
    PrefixList(String),
    Group { id: String, owner: String },
}

impl Ports {
    pub fn all() -> Self {
        Self {
            protocol: "-1".to_owned(),
            from: -1,
            to: -1,
        }
    }

    /// Reads and normalises (aws-behaviour §2.7).
    pub fn of(parameters: &Parameters<'_>) -> Result<Self, Fault> {
        let given = parameters.required_string("IpProtocol")?.to_lowercase();
        let protocol = match given.as_str() {
            "6" => "tcp",
            "17" => "udp",
            "1" => "icmp",
            "58" => "icmpv6",
            "all" => "-1",
            other => other,
        };
        let (from, to) = (
            parameters.integer("FromPort")?,
            parameters.integer("ToPort")?,
        );
        let (from, to) = match (protocol, from, to) {
            ("tcp" | "udp", Some(from), Some(to)) => {
                if !(0..=65535).contains(&from) || !(from..=65535).contains(&to) {
                    return Err(Fault::new(
                        "InvalidParameterValue",
                        format!("Invalid TCP/UDP port range ({from}:{to})"),
                    ));
                }
                (from, to)
            }
            ("tcp" | "udp", _, _) => {
                return Err(Fault::new(
                    "InvalidParameterValue",
                    "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
                ));
            }
            ("icmp" | "icmpv6", from, to) => (from.unwrap_or(-1), to.unwrap_or(-1)),
            // Ports mean nothing to the others.
            ("-1", _, _) => (-1, -1),
            (number, _, _) if number.parse::<u8>().is_ok() => (-1, -1),
            _ => {
                return Err(Fault::new(
                    "InvalidParameterValue",
                    format!("Invalid value '{given}' for IP protocol. Unknown protocol."),
                ));
            }
        };
        Ok(Self {
            protocol: protocol.to_owned(),
            from,
            to,
        })
    }
}

impl Peer {
    /// AWS clears host bits.
    pub fn ipv4(text: &str) -> Result<Self, Fault> {
        text.parse::<Ipv4Net>()
            .map(|net| Self::Ipv4(net.trunc().to_string()))
            .map_err(|_| malformed(text))
    }

    pub fn ipv6(text: &str) -> Result<Self, Fault> {
        text.parse::<Ipv6Net>()
            .map(|net| Self::Ipv6(net.trunc().to_string()))
            .map_err(|_| malformed(text))
    }

    /// A group in the same VPC.
    pub fn group(ec2: &Ec2, vpc_id: &str, id: &str) -> Result<Self, Fault> {
        let group = ec2.security_group(id)?;
        if group.vpc_id != vpc_id {
            return Err(Fault::new(
                "InvalidGroup.NotFound",
                "You have specified two resources that belong to different networks.",
            ));
        }
        Ok(Self::Group {
            id: group.id.clone(),
            owner: group.owner.clone(),
        })
    }

    pub fn names_group(&self, group_id: &str) -> bool {
        matches!(self, Self::Group { id, .. } if id == group_id)
    }

    fn text(&self) -> &str {
        match self {
            Self::Ipv4(text) | Self::Ipv6(text) | Self::PrefixList(text) => text,
            Self::Group { id, .. } => id,
        }
    }
}

fn malformed(text: &str) -> Fault {
    Fault::new(
        "InvalidParameterValue",
        format!("CIDR block {text} is malformed"),
    )
}

impl SecurityGroupRule {
    /// A rule that has no identifier yet.
    pub fn new(
        group_id: &str,
        is_egress: bool,
        ports: Ports,
        peer: Peer,
        description: Option<&str>,
    ) -> Self {
        Self {
            id: String::new(),
            owner: String::new(),
            group_id: group_id.to_owned(),
            is_egress,
            ports,
            peer,
            description: description.map(str::to_owned),
            tags: Tags::default(),
        }
    }

    /// Gives the rule its identifier and puts it in force.
    pub fn establish(mut self, context: &mut Context<'_>) -> Value {
        self.id = context.ids.resource("sgr");
        self.owner = context.account.to_owned();
        let ec2 = &mut context.region.ec2;
        let shown = self.to_value(ec2);
        ec2.security_group_rules.insert(self.id.clone(), self);
        shown
    }

    /// Whether two rules say the same; descriptions don't count.
    pub fn is_same(&self, other: &Self) -> bool {
        self.group_id == other.group_id
            && self.is_egress == other.is_egress
            && self.ports == other.ports
            && self.peer == other.peer
    }

    pub fn sentence(&self) -> String {
        format!(
            "peer: {}, {}, from port: {}, to port: {}, ALLOW",
            self.peer.text(),
            if self.ports.protocol == "-1" {
                "ALL".to_owned()
            } else {
                self.ports.protocol.to_uppercase()
            },
            self.ports.from,
            self.ports.to,
        )
    }

    pub fn to_value(&self, ec2: &Ec2) -> Value {
        let (member, peer) = match &self.peer {
            Peer::Ipv4(cidr) => ("cidrIpv4", json!(cidr)),
            Peer::Ipv6(cidr) => ("cidrIpv6", json!(cidr)),
            Peer::PrefixList(id) => ("prefixListId", json!(id)),
            Peer::Group { id, owner } => {
                let vpc = ec2.security_groups.get(id).map(|group| &group.vpc_id);
                (
                    "referencedGroupInfo",
                    json!({"groupId": id, "userId": owner, "vpcId": vpc}),
                )
            }
        };
        json!({
            "securityGroupRuleId": self.id,
            "groupId": self.group_id,
            "groupOwnerId": self.owner,
            "isEgress": self.is_egress,
            "ipProtocol": self.ports.protocol,
            "fromPort": self.ports.from,
            "toPort": self.ports.to,
            member: peer,
            "description": self.description,
            "tagSet": tag_set(&self.tags),
        })
    }

    /// The values of `ip-permission.NAME`, a filter of DescribeSecurityGroups.
    pub fn permission_filter_values(&self, name: &str) -> Option<Vec<String>> {
        let peer = self.peer.text().to_owned();
        Some(match (name, &self.peer) {
            ("cidr", Peer::Ipv4(_)) | ("ipv6-cidr", Peer::Ipv6(_)) => vec![peer],
            ("group-id", Peer::Group { .. }) | ("prefix-list-id", Peer::PrefixList(_)) => {
                vec![peer]
            }
            ("cidr" | "ipv6-cidr" | "group-id" | "prefix-list-id", _) => Vec::new(),
            ("from-port", _) => vec![self.ports.from.to_string()],
            ("to-port", _) => vec![self.ports.to.to_string()],
            ("protocol", _) => vec![self.ports.protocol.clone()],
            _ => return None,
        })
    }
}

/// A group's rules merged by protocol and ports, as DescribeSecurityGroups shows them (aws-behaviour §2.7).
pub fn permissions(ec2: &Ec2, group_id: &str, is_egress: bool) -> Value {
    let mut rules: Vec<&SecurityGroupRule> = ec2
        .security_group_rules
        .values()
        .filter(|rule| rule.group_id == group_id && rule.is_egress == is_egress)
        .collect();
    rules.sort_by(|left, right| left.ports.cmp(&right.ports));
    rules
        .chunk_by(|left, right| left.ports == right.ports)
        .map(permission)
        .collect()
}

fn permission(rules: &[&SecurityGroupRule]) -> Value {
    let mut lists: [(&str, Vec<Value>); 4] =
        ["ipRanges", "ipv6Ranges", "prefixListIds", "groups"].map(|name| (name, Vec::new()));
    let mut permission = Map::new();
    for rule in rules {
        let ports = &rule.ports;
        permission.insert("ipProtocol".to_owned(), json!(ports.protocol));
        if ports.protocol != "-1" {
            permission.insert("fromPort".to_owned(), json!(ports.from));
            permission.insert("toPort".to_owned(), json!(ports.to));
        }
        let description = &rule.description;
        let (list, member) = match &rule.peer {
            Peer::Ipv4(cidr) => (0, json!({"cidrIp": cidr, "description": description})),
            Peer::Ipv6(cidr) => (1, json!({"cidrIpv6": cidr, "description": description})),
            Peer::PrefixList(id) => (2, json!({"prefixListId": id, "description": description})),
            Peer::Group { id, owner } => (
                3,
                json!({"groupId": id, "userId": owner, "description": description}),
            ),
        };
        lists[list].1.push(member);
    }
    permission.extend(lists.map(|(name, list)| (name.to_owned(), list.into())));
    permission.into()
}

impl Noun for SecurityGroupRule {
    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn filter_values(&self, filter: &str) -> Option<Vec<String>> {
        let value = match filter {
            "group-id" => self.group_id.clone(),
            "security-group-rule-id" => self.id.clone(),
            _ => return None,
        };
        Some(vec![value])
    }
}

pub fn not_found(id: &str) -> Fault {
    Fault::new(
        "InvalidSecurityGroupRuleId.NotFound",
        format!("The security group rule ID '{id}' does not exist"),
    )
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let ec2 = &context.region.ec2;
    Listing {
        ids: "SecurityGroupRuleId",
        set: "securityGroupRuleSet",
        not_found,
    }
    .answer(call, &ec2.security_group_rules, |rule| rule.to_value(ec2))
}

pub fn modify(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let group_id = parameters.required_string("GroupId")?;
    let ec2 = &mut context.region.ec2;
    let vpc_id = ec2.security_group(group_id)?.vpc_id.clone();
    let mut changed = Vec::new();
    for update in parameters.list("SecurityGroupRule") {
        let id = update.required_string("SecurityGroupRuleId")?;
        let rule = ec2
            .security_group_rules
            .get(id)
            .filter(|rule| rule.group_id == group_id)
            .ok_or_else(|| not_found(id))?;
        let wanted = update
            .structure("SecurityGroupRule")
            .ok_or_else(|| Service::Ec2.missing_parameter("SecurityGroupRule"))?;
        changed.push(SecurityGroupRule {
            ports: Ports::of(&wanted)?,
            peer: modified_peer(ec2, &vpc_id, &wanted)?,
            description: wanted.string("Description").map(str::to_owned),
            ..rule.clone()
        });
    }
    for rule in changed {
        ec2.security_group_rules.insert(rule.id.clone(), rule);
    }
    Ok(done())
}

fn modified_peer(ec2: &Ec2, vpc_id: &str, wanted: &Parameters<'_>) -> Result<Peer, Fault> {
    match (
        wanted.string("CidrIpv4"),
        wanted.string("CidrIpv6"),
        wanted.string("PrefixListId"),
        wanted.string("ReferencedGroupId"),
    ) {
        (Some(cidr), None, None, None) => Peer::ipv4(cidr),
        (None, Some(cidr), None, None) => Peer::ipv6(cidr),
        (None, None, Some(id), None) => Ok(Peer::PrefixList(id.to_owned())),
        (None, None, None, Some(id)) => Peer::group(ec2, vpc_id, id),
        _ => Err(Fault::new(
            "InvalidParameterCombination",
            "Exactly one of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupId must be given",
        )),
    }
}
