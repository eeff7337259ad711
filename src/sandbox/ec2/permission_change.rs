//! How do permissions become rules, and how do rules go? By authorising and revoking.

use serde_json::{Value, json};

use super::{
    request::tags_at_create,
    security_group_rule::{self, Peer, Ports, SecurityGroupRule},
    state::Ec2,
};
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    world::Context,
};

/// In each direction (aws-behaviour §2.7, §5).
const MOST_RULES: usize = 60;

pub fn authorize_ingress(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    authorize(context, call, false)
}

pub fn authorize_egress(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    authorize(context, call, true)
}

pub fn revoke_ingress(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    revoke(context, call, false)
}

pub fn revoke_egress(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    revoke(context, call, true)
}

/// All of a request's rules, or none.
fn authorize(context: &mut Context<'_>, call: &Call, is_egress: bool) -> Result<Value, Fault> {
    let group_id = group_asked_for(context, call)?;
    let tags = tags_at_create(call, "security-group-rule")?;
    let ec2 = &context.region.ec2;
    let asked = rules(ec2, call, &group_id, is_egress)?;
    if asked.is_empty() {
        return Err(call.service.missing_parameter("ipPermissions"));
    }
    for (position, rule) in asked.iter().enumerate() {
        if asked[..position].iter().any(|other| other.is_same(rule)) {
            return Err(Fault::new(
                "InvalidParameterValue",
                "The same permission must not appear multiple times",
            ));
        }
        if ec2
            .security_group_rules
            .values()
            .any(|other| other.is_same(rule))
        {
            return Err(Fault::new(
                "InvalidPermission.Duplicate",
                format!("the specified rule \"{}\" already exists", rule.sentence()),
            ));
        }
    }
    let present = ec2
        .security_group_rules
        .values()
        .filter(|rule| rule.group_id == group_id && rule.is_egress == is_egress)
        .count();
    if present + asked.len() > MOST_RULES {
        return Err(Fault::new(
            "RulesPerSecurityGroupLimitExceeded",
            "The maximum number of rules per security group has been reached.",
        ));
    }
    let shown: Vec<Value> = asked
        .into_iter()
        .map(|rule| {
            SecurityGroupRule {
                tags: tags.clone(),
                ..rule
            }
            .establish(context)
        })
        .collect();
    Ok(json!({"return": true, "securityGroupRuleSet": shown}))
}

fn revoke(context: &mut Context<'_>, call: &Call, is_egress: bool) -> Result<Value, Fault> {
    let group_id = group_asked_for(context, call)?;
    let ec2 = &mut context.region.ec2;
    let mut going = Vec::new();
    for id in call.parameters().strings("SecurityGroupRuleId") {
        let rule = ec2.security_group_rules.get(id);
        rule.filter(|rule| rule.group_id == group_id && rule.is_egress == is_egress)
            .ok_or_else(|| security_group_rule::not_found(id))?;
        going.push(id.to_owned());
    }
    for asked in rules(ec2, call, &group_id, is_egress)? {
        match ec2
            .security_group_rules
            .values()
            .find(|rule| rule.is_same(&asked))
        {
            Some(rule) => going.push(rule.id.clone()),
            None if is_lenient(ec2, &group_id) => {}
            None => {
                return Err(Fault::new(
                    "InvalidPermission.NotFound",
                    "The specified rule does not exist in this security group.",
                ));
            }
        }
    }
    let revoked: Vec<Value> = going
        .iter()
        .filter_map(|id| ec2.security_group_rules.remove(id))
        .map(|rule| revoked(&rule))
        .collect();
    Ok(json!({
        "return": true,
        "unknownIpPermissionSet": [],
        "revokedSecurityGroupRuleSet": revoked,
    }))
}

/// In a default VPC revoking what isn't there is no error; so says the API reference.
fn is_lenient(ec2: &Ec2, group_id: &str) -> bool {
    ec2.security_groups
        .get(group_id)
        .and_then(|group| ec2.vpcs.get(&group.vpc_id))
        .is_some_and(|vpc| vpc.is_default)
}

fn revoked(rule: &SecurityGroupRule) -> Value {
    let (member, peer) = match &rule.peer {
        Peer::Ipv4(cidr) => ("cidrIpv4", cidr),
        Peer::Ipv6(cidr) => ("cidrIpv6", cidr),
        Peer::PrefixList(id) => ("prefixListId", id),
        Peer::Group { id, .. } => ("referencedGroupId", id),
    };
    json!({
        "securityGroupRuleId": rule.id,
        "groupId": rule.group_id,
        "isEgress": rule.is_egress,
        "ipProtocol": rule.ports.protocol,
        "fromPort": rule.ports.from,
        "toPort": rule.ports.to,
        member: peer,
        "description": rule.description,
    })
}

/// By identifier, or by name in the default VPC.
fn group_asked_for(context: &Context<'_>, call: &Call) -> Result<String, Fault> {
    let parameters = call.parameters();
    let ec2 = &context.region.ec2;
    if let Some(name) = parameters
        .string("GroupName")
        .filter(|_| !parameters.has("GroupId"))
    {
        let default_vpc = ec2.default_vpc().map(|vpc| vpc.id.as_str());
        return ec2
            .security_groups
            .values()
            .find(|group| group.name == name && Some(group.vpc_id.as_str()) == default_vpc)
            .map(|group| group.id.clone())
            .ok_or_else(|| super::security_group::not_found(name));
    }
    let id = parameters.required_string("GroupId")?;
    ec2.security_group(id).map(|group| group.id.clone())
}

/// Every pair of ports and peer that the request names, in the list or directly.
fn rules(
    ec2: &Ec2,
    call: &Call,
    group_id: &str,
    is_egress: bool,
) -> Result<Vec<SecurityGroupRule>, Fault> {
    let parameters = call.parameters();
    let vpc_id = &ec2.security_group(group_id)?.vpc_id;
    let mut found = Vec::new();
    if parameters.has("IpProtocol") {
        let ports = Ports::of(&parameters)?;
        let peer = Peer::ipv4(parameters.required_string("CidrIp")?)?;
        found.push(SecurityGroupRule::new(
            group_id, is_egress, ports, peer, None,
        ));
    }
    for permission in parameters.list("IpPermissions") {
        let ports = Ports::of(&permission)?;
        for (peer, description) in peers(ec2, vpc_id, &permission)? {
            let rule =
                SecurityGroupRule::new(group_id, is_egress, ports.clone(), peer, description);
            found.push(rule);
        }
    }
    Ok(found)
}

type DescribedPeer<'a> = (Peer, Option<&'a str>);

fn peers<'a>(
    ec2: &Ec2,
    vpc_id: &str,
    permission: &Parameters<'a>,
) -> Result<Vec<DescribedPeer<'a>>, Fault> {
    let mut found = Vec::new();
    for range in permission.list("IpRanges") {
        found.push((
            Peer::ipv4(range.required_string("CidrIp")?)?,
            range.string("Description"),
        ));
    }
    for range in permission.list("Ipv6Ranges") {
        found.push((
            Peer::ipv6(range.required_string("CidrIpv6")?)?,
            range.string("Description"),
        ));
    }
    for list in permission.list("PrefixListIds") {
        let id = list.required_string("PrefixListId")?.to_owned();
        found.push((Peer::PrefixList(id), list.string("Description")));
    }
    for group in permission.list("Groups") {
        let id = group.required_string("GroupId")?;
        found.push((Peer::group(ec2, vpc_id, id)?, group.string("Description")));
    }
    Ok(found)
}
