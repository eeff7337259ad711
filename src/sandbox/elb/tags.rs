//! Which tags do load balancers, target groups, listeners and rules have?

use serde_json::{Value, json};

use super::{
    request::{invalid, invalid_tags, tags_at_create},
    state::Elb,
};
use crate::sandbox::{call::Call, fault::Fault, tags::Tags, world::Context};

const MOST_RESOURCES: usize = 20;

fn find<'a>(elb: &'a mut Elb, arn: &str) -> Result<&'a mut Tags, Fault> {
    let kind = arn
        .split(':')
        .nth(5)
        .and_then(|resource| resource.split('/').next());
    match kind {
        Some("loadbalancer") => Ok(&mut elb.load_balancer_mut(arn)?.tags),
        Some("targetgroup") => Ok(&mut elb.target_group_mut(arn)?.tags),
        Some("listener") => Ok(&mut elb.listener_mut(arn)?.tags),
        Some("listener-rule") => Ok(&mut elb.rule_mut(arn)?.tags),
        _ => Err(invalid(format!("'{arn}' is not a valid ARN"))),
    }
}

fn resources(call: &Call) -> Result<Vec<&str>, Fault> {
    let arns = call.parameters().strings("ResourceArns");
    if arns.is_empty() {
        return Err(call.service.missing_parameter("resourceArns"));
    }
    if arns.len() > MOST_RESOURCES {
        return Err(invalid(format!(
            "The number of resources must not be greater than {MOST_RESOURCES}"
        )));
    }
    Ok(arns)
}

pub fn add(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let added = tags_at_create(&call.parameters())?;
    for arn in resources(call)? {
        let tags = find(&mut context.region.elb, arn)?;
        let mut all = tags.clone();
        all.merge(&added).map_err(invalid_tags)?;
        *tags = all;
    }
    Ok(json!({}))
}

pub fn remove(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    for arn in resources(call)? {
        let tags = find(&mut context.region.elb, arn)?;
        for key in call.parameters().strings("TagKeys") {
            tags.remove(key);
        }
    }
    Ok(json!({}))
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let mut descriptions = Vec::new();
    for arn in resources(call)? {
        let tags = find(&mut context.region.elb, arn)?;
        descriptions.push(json!({"ResourceArn": arn, "Tags": tags.to_list("Key", "Value")}));
    }
    Ok(json!({"TagDescriptions": descriptions}))
}
