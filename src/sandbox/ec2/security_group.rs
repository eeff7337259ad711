//! What is a security group? Its name, its VPC, and who holds it.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    describe::{Listing, Noun},
    request::{tag_set, tags_at_create},
    security_group_rule::{Peer, Ports, SecurityGroupRule, permissions},
    state::Ec2,
};
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    tags::Tags,
    world::Context,
};

#[derive(Debug, Serialize)]
pub struct SecurityGroup {
    pub id: String,
    pub arn: String,
    pub owner: String,
    pub vpc_id: String,
    pub name: String,
    pub description: String,
    pub tags: Tags,
}

const LONGEST_TEXT: usize = 255;
const PUNCTUATION: &str = " ._-:/()#,@[]+=&;{}!$*";

/// Makes a group with the one rule that AWS gives each: everything may leave (aws-behaviour §2.7).
pub fn establish(context: &mut Context<'_>, vpc_id: &str, name: &str, description: &str) -> String {
    let id = context.ids.resource("sg");
    let group = SecurityGroup {
        arn: context.arn("ec2", format_args!("security-group/{id}")),
        id: id.clone(),
        owner: context.account.to_owned(),
        vpc_id: vpc_id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        tags: Tags::default(),
    };
    context.region.ec2.security_groups.insert(id.clone(), group);
    let everywhere = Peer::Ipv4("0.0.0.0/0".to_owned());
    SecurityGroupRule::new(&id, true, Ports::all(), everywhere, None).establish(context);
    id
}

impl SecurityGroup {
    fn to_value(&self, ec2: &Ec2) -> Value {
        json!({
            "groupId": self.id,
            "securityGroupArn": self.arn,
            "ownerId": self.owner,
            "vpcId": self.vpc_id,
            "groupName": self.name,
            "groupDescription": self.description,
            "ipPermissions": permissions(ec2, &self.id, false),
            "ipPermissionsEgress": permissions(ec2, &self.id, true),
            "tagSet": tag_set(&self.tags),
        })
    }
}

impl Noun for SecurityGroup {
    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn filter_values(&self, filter: &str) -> Option<Vec<String>> {
        let value = match filter {
            "group-id" => self.id.clone(),
            "group-name" => self.name.clone(),
            "description" => self.description.clone(),
            "vpc-id" => self.vpc_id.clone(),
            "owner-id" => self.owner.clone(),
            _ => return None,
        };
        Some(vec![value])
    }
}

/// `ip-permission.…` and `egress.ip-permission.…` look at the group's rules.
fn rule_filter_values(ec2: &Ec2, group: &SecurityGroup, filter: &str) -> Option<Vec<String>> {
    let (is_egress, name) = match filter.strip_prefix("egress.ip-permission.") {
        Some(name) => (true, name),
        None => (false, filter.strip_prefix("ip-permission.")?),
    };
    let rules = ec2
        .security_group_rules
        .values()
        .filter(|rule| rule.group_id == group.id && rule.is_egress == is_egress);
    rules
        .map(|rule| rule.permission_filter_values(name))
        .collect::<Option<Vec<_>>>()
        .map(|values| values.concat())
}

pub fn not_found(id: &str) -> Fault {
    Fault::new(
        "InvalidGroup.NotFound",
        format!("The security group '{id}' does not exist"),
    )
}

pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let name = parameters.required_string("GroupName")?;
    let description = parameters.required_string("GroupDescription")?;
    check_text("GroupName", name)?;
    check_text("GroupDescription", description)?;
    if name.starts_with("sg-") {
        return Err(invalid_text(
            "GroupName",
            name,
            "Group names may not be in the format sg-*.",
        ));
    }
    if name.eq_ignore_ascii_case("default") {
        return Err(Fault::new(
            "InvalidParameterValue",
            "Cannot use reserved security group name: default",
        ));
    }
    let tags = tags_at_create(call, "security-group")?;
    let vpc_id = vpc_asked_for(context, &parameters)?;
    // Unique in the VPC, whatever the case (aws-behaviour §2.7).
    let is_same =
        |group: &SecurityGroup| group.vpc_id == vpc_id && group.name.eq_ignore_ascii_case(name);
    if context.region.ec2.security_groups.values().any(is_same) {
        return Err(Fault::new(
            "InvalidGroup.Duplicate",
            format!("The security group '{name}' already exists for VPC '{vpc_id}'"),
        ));
    }
    let id = establish(context, &vpc_id, name, description);
    let group = context
        .region
        .ec2
        .security_groups
        .get_mut(&id)
        .ok_or_else(|| not_found(&id))?;
    group.tags = tags;
    Ok(json!({
        "return": true,
        "groupId": id,
        "securityGroupArn": group.arn,
        "tagSet": tag_set(&group.tags),
    }))
}

fn vpc_asked_for(context: &Context<'_>, parameters: &Parameters<'_>) -> Result<String, Fault> {
    let ec2 = &context.region.ec2;
    match parameters.string("VpcId") {
        Some(id) => ec2.vpc(id).map(|vpc| vpc.id.clone()),
        None => ec2
            .default_vpc()
            .map(|vpc| vpc.id.clone())
            .ok_or_else(|| Fault::new("VPCIdNotSpecified", "No default VPC for this user")),
    }
}

fn check_text(parameter: &str, text: &str) -> Result<(), Fault> {
    if !text.is_ascii() {
        return Err(invalid_text(
            parameter,
            text,
            "Character sets beyond ASCII are not supported.",
        ));
    }
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || PUNCTUATION.contains(letter);
    if text.len() > LONGEST_TEXT || !text.chars().all(is_allowed) {
        return Err(invalid_text(
            parameter,
            text,
            "It must be at most 255 characters of a-z, A-Z, 0-9, spaces, and ._-:/()#,@[]+=&;{}!$*.",
        ));
    }
    Ok(())
}

fn invalid_text(parameter: &str, text: &str, why: &str) -> Fault {
    Fault::new(
        "InvalidParameterValue",
        format!("Value ({text}) for parameter {parameter} is invalid. {why}"),
    )
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let ec2 = &context.region.ec2;
    let names = call.parameters().strings("GroupName");
    if let Some(unknown) = names.iter().find(|name| {
        ec2.security_groups
            .values()
            .all(|group| group.name != **name)
    }) {
        return Err(not_found(unknown));
    }
    if !names.is_empty() {
        return describe_named(ec2, &names);
    }
    Listing {
        ids: "GroupId",
        set: "securityGroupInfo",
        not_found,
    }
    .answer_with(
        call,
        &ec2.security_groups,
        |group, filter| {
            group
                .filter_values(filter)
                .or_else(|| rule_filter_values(ec2, group, filter))
        },
        |group| group.to_value(ec2),
    )
}

/// By name only groups of the default VPC can be asked for.
fn describe_named(ec2: &Ec2, names: &[&str]) -> Result<Value, Fault> {
    let default_vpc = ec2.default_vpc().map(|vpc| vpc.id.as_str());
    let found: Value = ec2
        .security_groups
        .values()
        .filter(|group| Some(group.vpc_id.as_str()) == default_vpc)
        .filter(|group| names.contains(&group.name.as_str()))
        .map(|group| group.to_value(ec2))
        .collect();
    Ok(json!({"securityGroupInfo": found}))
}

/// Held by interfaces that use it and by other groups' rules that name it (aws-behaviour §2.7).
pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let id = call.parameters().required_string("GroupId")?;
    let ec2 = &mut context.region.ec2;
    let group = ec2.security_group(id)?;
    if group.name == "default" {
        return Err(Fault::new(
            "CannotDelete",
            format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user"),
        ));
    }
    let is_used = ec2
        .network_interfaces
        .values()
        .any(|interface| interface.security_groups.iter().any(|group| group == id));
    let is_named = ec2
        .security_group_rules
        .values()
        .any(|rule| rule.group_id != id && rule.peer.names_group(id));
    if is_used || is_named {
        return Err(Fault::new(
            "DependencyViolation",
            format!("resource {id} has a dependent object"),
        ));
    }
    remove(ec2, id);
    Ok(json!({"return": true, "groupId": id}))
}

/// Takes a group and its rules away, whoever holds it.
pub fn remove(ec2: &mut Ec2, id: &str) {
    ec2.security_group_rules
        .retain(|_, rule| rule.group_id != id);
    ec2.security_groups.remove(id);
}
