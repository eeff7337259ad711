//! Who answers at an address, and does a task do its work?

use std::net::Ipv4Addr;

use super::{
    container_start::ContainerHealth,
    task::{Task, TaskState},
};
use crate::sandbox::{
    ec2::{Ec2, network_interface::NetworkInterface},
    elb::{self, Health},
    pace::Doing,
    task_outcome::TaskOutcome,
    world::{Context, Region},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Serves,
    /// Something answers, but not well.
    Fails,
    Nothing,
}

/// What comes back from an address of a VPC when one of these interfaces asks.
pub fn reply(region: &Region, vpc_id: &str, address: &str, port: i64, askers: &[&str]) -> Reply {
    let Some(interface) = interface_at(&region.ec2, vpc_id, address) else {
        return Reply::Nothing;
    };
    let listener = region.ecs.tasks.values().find(|task| {
        task.interface.id == interface.id && task.is_up() && task.listener(port).is_some()
    });
    let may_ask = askers
        .iter()
        .filter_map(|asker| region.ec2.network_interfaces.get(*asker))
        .any(|asker| region.ec2.lets_through(asker, interface, port));
    match listener {
        Some(task) if task.is_to_be(TaskOutcome::Silent) => Reply::Nothing,
        Some(task) if may_ask && task.is_to_be(TaskOutcome::Unhealthy) => Reply::Fails,
        Some(_) if may_ask => Reply::Serves,
        _ => Reply::Nothing,
    }
}

fn interface_at<'a>(ec2: &'a Ec2, vpc_id: &str, address: &str) -> Option<&'a NetworkInterface> {
    let address: Ipv4Addr = address.parse().ok()?;
    ec2.network_interfaces
        .values()
        .find(|interface| interface.private_ip == address && interface.vpc_id == vpc_id)
}

/// What the scheduler makes of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    NotYet,
    Good,
    /// What the service tells of it, and why the task is stopped.
    Bad {
        event: String,
        reason: String,
    },
}

/// A task is good when it has run for a moment, its essential containers pass their health checks, and all of its targets are healthy.
pub fn condition(
    context: &Context<'_>,
    task: &Task,
    grace_period: std::time::Duration,
) -> Condition {
    let Some(started) = task.started.filter(|_| task.state == TaskState::Running) else {
        return Condition::NotYet;
    };
    let mut condition = match context.now < started + context.tempo.duration(Doing::ServiceSettles)
    {
        true => Condition::NotYet,
        false => Condition::Good,
    };
    let is_in_grace = context.now < started + grace_period;
    if task.checks_health() {
        match task.health() {
            ContainerHealth::Healthy => {}
            ContainerHealth::Unhealthy if !is_in_grace => {
                return Condition::Bad {
                    event: format!("(task {}) failed container health checks.", task.id),
                    reason: "Task failed container health checks".to_owned(),
                };
            }
            _ => condition = Condition::NotYet,
        }
    }
    let address = task.interface.private_ip.to_string();
    for used in &task.load_balancers {
        let reason = match elb::health(context, &used.target_group, &address, used.port) {
            Health::Healthy => continue,
            Health::Failing => "Health checks failed with these codes: [503]",
            Health::Silent => "Request timed out",
            _ => {
                condition = Condition::NotYet;
                continue;
            }
        };
        if is_in_grace {
            condition = Condition::NotYet;
            continue;
        }
        let (port, target_group) = (used.port, &used.target_group);
        return Condition::Bad {
            event: format!(
                "(task {}) (port {port}) is unhealthy in (target-group {target_group}) due to (reason {reason}).",
                task.id
            ),
            reason: format!("Task failed ELB health checks in (target-group {target_group})"),
        };
    }
    condition
}
