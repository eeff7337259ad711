//! What is a target? An address and a port that requests may go to.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::{request::invalid, target_group::TargetGroup};
use crate::sandbox::{
    call::{Call, Parameters},
    clock::Moment,
    fault::Fault,
    world::Context,
};

#[derive(Clone, Debug, Serialize)]
pub struct Target {
    pub id: String,
    pub port: i64,
    pub zone: Option<String>,
    pub registered: Moment,
    pub is_draining: bool,
}

impl Target {
    pub fn key(id: &str, port: i64) -> String {
        format!("{id}:{port}")
    }
}

/// Adds a target; one that is there already, or drains, is as if new.
pub fn register(context: &mut Context<'_>, group: &str, id: &str, port: i64, zone: Option<&str>) {
    let target = Target {
        id: id.to_owned(),
        port,
        zone: zone.map(str::to_owned),
        registered: context.now,
        is_draining: false,
    };
    if let Ok(group) = context.region.elb.target_group_mut(group) {
        let key = Target::key(id, port);
        let is_there = group
            .targets
            .get(&key)
            .is_some_and(|target| !target.is_draining);
        if !is_there {
            group.targets.insert(key, target);
        }
    }
}

/// Lets a target drain, and says for how long: the group's deregistration delay, or not at all when nothing leads to the group
/// (aws-behaviour §2.14).
pub fn deregister(context: &mut Context<'_>, group: &str, id: &str, port: i64) -> Duration {
    let elb = &mut context.region.elb;
    let is_in_use = !elb.load_balancers_using(group).is_empty();
    let Ok(group) = elb.target_group_mut(group) else {
        return Duration::ZERO;
    };
    let key = Target::key(id, port);
    let seconds = group.deregistration_delay();
    let Some(target) = group
        .targets
        .get_mut(&key)
        .filter(|target| !target.is_draining)
    else {
        return Duration::ZERO;
    };
    target.is_draining = true;
    let registered = target.registered;
    let delay = context
        .tempo
        .scale(Duration::from_secs(if is_in_use { seconds } else { 0 }));
    let group = group.arn.clone();
    context.schedule_after(delay, move |context| {
        if let Ok(group) = context.region.elb.target_group_mut(&group) {
            // One that was registered anew meanwhile stays.
            group.targets.retain(|other, target| {
                *other != key || !target.is_draining || target.registered != registered
            });
        }
    });
    delay
}

fn read(group: &TargetGroup, parameters: &Parameters<'_>) -> Result<(String, i64), Fault> {
    let id = parameters.required_string("Id")?;
    let is_valid = match group.settings.target_type.as_str() {
        "ip" => id.parse::<std::net::IpAddr>().is_ok(),
        _ => id.starts_with("i-"),
    };
    if !is_valid {
        return Err(match group.settings.target_type.as_str() {
            "ip" => invalid(format!("The IP address '{id}' is not a valid IP address")),
            _ => Fault::new(
                "InvalidTarget",
                format!(
                    "The following targets are not in a running state and cannot be registered: '{id}'"
                ),
            ),
        });
    }
    let port = parameters.integer("Port")?.unwrap_or(group.settings.port);
    Ok((id.to_owned(), port))
}

pub fn register_targets(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = parameters.required_string("TargetGroupArn")?;
    let group = context.region.elb.target_group(arn)?;
    let mut targets = Vec::new();
    for target in parameters.list("Targets") {
        let (id, port) = read(group, &target)?;
        targets.push((id, port, target.string("AvailabilityZone")));
    }
    for (id, port, zone) in targets {
        register(context, arn, &id, port, zone);
    }
    Ok(json!({}))
}

pub fn deregister_targets(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = parameters.required_string("TargetGroupArn")?;
    let group = context.region.elb.target_group(arn)?;
    let targets = parameters
        .list("Targets")
        .iter()
        .map(|target| read(group, target))
        .collect::<Result<Vec<_>, _>>()?;
    for (id, port) in targets {
        deregister(context, arn, &id, port);
    }
    Ok(json!({}))
}
