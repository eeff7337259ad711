//! Which roles do AWS's services make for themselves, once per account (aws-behaviour §2.9)?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::role::Role;
use crate::sandbox::{call::Call, fault::Fault, tags::Tags, world::Context};

/// Service principal, name of its role.
const KNOWN: [(&str, &str); 3] = [
    ("ecs.amazonaws.com", "AWSServiceRoleForECS"),
    (
        "elasticloadbalancing.amazonaws.com",
        "AWSServiceRoleForElasticLoadBalancing",
    ),
    (
        "ecs.application-autoscaling.amazonaws.com",
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
    ),
];

pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let principal = call.parameters().required_string("AWSServiceName")?;
    let name = name_of(principal).ok_or_else(|| {
        Fault::new(
            "InvalidInput",
            format!("The sandbox knows no service-linked role of {principal}"),
        )
    })?;
    if context.global.iam.roles.contains_key(name) {
        return Err(Fault::new(
            "InvalidInput",
            format!(
                "Service role name {name} has been taken in this account, please try a different suffix."
            ),
        ));
    }
    make(context, principal, name);
    Ok(json!({"Role": context.global.iam.role(name)?.detail()}))
}

/// What a service does by itself when it first needs its role.
pub fn ensure(context: &mut Context<'_>, principal: &str) {
    if let Some(name) = name_of(principal)
        && !context.global.iam.roles.contains_key(name)
    {
        make(context, principal, name);
    }
}

fn name_of(principal: &str) -> Option<&'static str> {
    KNOWN
        .iter()
        .find(|(known, _)| *known == principal)
        .map(|(_, name)| *name)
}

fn make(context: &mut Context<'_>, principal: &str, name: &str) {
    let path = format!("/aws-service-role/{principal}/");
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": principal},
            "Action": "sts:AssumeRole",
        }],
    });
    let role = Role {
        name: name.to_owned(),
        id: format!("AROA{}", context.ids.capitals(17)),
        arn: format!("arn:aws:iam::{}:role{path}{name}", context.account),
        path,
        created: context.now,
        assume_role_policy: trust.to_string(),
        description: None,
        max_session_duration: 3600,
        policies: BTreeMap::new(),
        attached_policies: BTreeSet::new(),
        is_service_linked: true,
        tags: Tags::default(),
    };
    context.global.iam.roles.insert(name.to_owned(), role);
}
