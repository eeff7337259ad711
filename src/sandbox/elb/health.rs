//! Would a target answer? Health follows from what stands behind its address, and from who asks.

use serde_json::{Value, json};

use super::{load_balancer::LoadBalancer, state::Elb, target::Target, target_group::TargetGroup};
use crate::sandbox::{
    call::Call,
    clock::Moment,
    ecs::{self, Reply},
    fault::Fault,
    pace::Doing,
    world::Context,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// No rule leads to the group (aws-behaviour §2.14).
    Unused,
    /// Its load balancer has no node in the target's zone: TargetHealth's reason `Target.NotInUse` has both meanings.
    OutOfZones,
    Initial,
    Healthy,
    /// It answers, but not with the code that the group wants.
    Failing,
    /// Nothing answers.
    Silent,
    Draining,
    NotRegistered,
}

impl Health {
    fn to_value(self) -> Value {
        let (state, reason, description) = match self {
            Self::Healthy => return json!({"State": "healthy"}),
            Self::Unused => (
                "unused",
                "Target.NotInUse",
                "Target group is not configured to receive traffic from the load balancer",
            ),
            Self::OutOfZones => (
                "unused",
                "Target.NotInUse",
                "Target is in an Availability Zone that is not enabled for the load balancer",
            ),
            Self::Initial => (
                "initial",
                "Elb.RegistrationInProgress",
                "Target registration is in progress",
            ),
            Self::Failing => (
                "unhealthy",
                "Target.ResponseCodeMismatch",
                "Health checks failed with these codes: [503]",
            ),
            Self::Silent => ("unhealthy", "Target.Timeout", "Request timed out"),
            Self::Draining => (
                "draining",
                "Target.DeregistrationInProgress",
                "Target deregistration is in progress",
            ),
            Self::NotRegistered => (
                "unused",
                "Target.NotRegistered",
                "Target is not registered to the target group",
            ),
        };
        json!({"State": state, "Reason": reason, "Description": description})
    }
}

/// One passed check makes a new target healthy; checks begin when the load balancer is active (aws-behaviour §2.14).
pub fn health(context: &Context<'_>, group_arn: &str, id: &str, port: i64) -> Health {
    let elb = &context.region.elb;
    let Ok(group) = elb.target_group(group_arn) else {
        return Health::NotRegistered;
    };
    let Some(target) = group.targets.get(&Target::key(id, port)) else {
        return Health::NotRegistered;
    };
    if target.is_draining {
        return Health::Draining;
    }
    let Some(user) = user(elb, group_arn) else {
        return Health::Unused;
    };
    let is_out_of_zones = target.zone.as_ref().is_some_and(|zone| {
        let mut enabled = user.placements.iter().map(|placement| &placement.zone);
        !enabled.any(|enabled| enabled == zone)
    });
    if is_out_of_zones {
        return Health::OutOfZones;
    }
    if first_check(context, target, user).is_none_or(|first_check| context.now < first_check) {
        return Health::Initial;
    }
    match ask(context, group, user, target) {
        Reply::Serves => Health::Healthy,
        Reply::Fails => Health::Failing,
        Reply::Nothing => Health::Silent,
    }
}

/// Since when a target is healthy; none if it isn't.
pub fn healthy_since(
    context: &Context<'_>,
    group_arn: &str,
    id: &str,
    port: i64,
) -> Option<Moment> {
    if health(context, group_arn, id, port) != Health::Healthy {
        return None;
    }
    let elb = &context.region.elb;
    let target = elb
        .target_group(group_arn)
        .ok()?
        .targets
        .get(&Target::key(id, port))?;
    first_check(context, target, user(elb, group_arn)?)
}

/// Whether visitors have a way to a target and would get an answer; for one that drains, those that are there already.
pub fn has_visitors(context: &Context<'_>, group_arn: &str, id: &str, port: i64) -> bool {
    let elb = &context.region.elb;
    let (Ok(group), Some(user)) = (elb.target_group(group_arn), user(elb, group_arn)) else {
        return false;
    };
    let target = group.targets.get(&Target::key(id, port));
    user.active_since.is_some()
        && target.is_some_and(|target| ask(context, group, user, target) == Reply::Serves)
}

/// The load balancer that leads to a group.
fn user<'a>(elb: &'a Elb, group_arn: &str) -> Option<&'a LoadBalancer> {
    let users = elb.load_balancers_using(group_arn);
    users
        .into_iter()
        .find_map(|arn| elb.load_balancers.get(arn))
}

fn first_check(context: &Context<'_>, target: &Target, user: &LoadBalancer) -> Option<Moment> {
    let begins = target.registered.max(user.active_since?);
    Some(begins + context.tempo.duration(Doing::TargetBecomesHealthy))
}

/// What the load balancer hears from a target.
fn ask(context: &Context<'_>, group: &TargetGroup, user: &LoadBalancer, target: &Target) -> Reply {
    let port = group.health_check.port.parse().unwrap_or(target.port);
    let nodes: Vec<&str> = user
        .placements
        .iter()
        .map(|placement| placement.interface_id.as_str())
        .collect();
    ecs::reply(
        context.region,
        &group.settings.vpc_id,
        &target.id,
        port,
        &nodes,
    )
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = parameters.required_string("TargetGroupArn")?;
    let group = context.region.elb.target_group(arn)?;
    let asked = parameters.list("Targets");
    let mut targets = Vec::new();
    for target in &asked {
        let port = target.integer("Port")?.unwrap_or(group.settings.port);
        targets.push((target.required_string("Id")?.to_owned(), port));
    }
    if asked.is_empty() {
        targets = group
            .targets
            .values()
            .map(|target| (target.id.clone(), target.port))
            .collect();
    }
    let descriptions: Value = targets
        .into_iter()
        .map(|(id, port)| {
            let zone = group
                .targets
                .get(&Target::key(&id, port))
                .and_then(|target| target.zone.as_deref());
            let check_port = match group.health_check.port.as_str() {
                "traffic-port" => port.to_string(),
                own => own.to_owned(),
            };
            json!({
                "Target": {"Id": id, "Port": port, "AvailabilityZone": zone},
                "HealthCheckPort": check_port,
                "TargetHealth": health(context, arn, &id, port).to_value(),
            })
        })
        .collect();
    Ok(json!({"TargetHealthDescriptions": descriptions}))
}
