//! What does a command say inside a container? The sandbox runs no containers, but it knows what their VPC's resolver answers.

use std::net::Ipv4Addr;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    clock::Moment,
    ec2::Ec2,
    ecs::Task,
    route53::{DnsName, Record},
    world::{Context, World},
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// An ARN.
    task: String,
    /// The first one, unless given.
    container: Option<String>,
    command: String,
}

/// Output and exit code, or why there is no such container.
pub fn run(world: &mut World, now: Moment, command: &Command) -> Result<Value, String> {
    let mut parts = command.task.split(':').skip(3);
    let (Some(region), Some(account)) = (parts.next(), parts.next()) else {
        return Err(format!("{:?} is not the ARN of a task", command.task));
    };
    world.within(account, region, now, |context| {
        let task = find(context, command)?;
        match command.command.split_whitespace().collect::<Vec<_>>()[..] {
            ["nslookup", name] => Ok(look_up(context, task, name)),
            _ => Err(format!(
                "the sandbox runs no containers, and of their commands knows only nslookup NAME, not {:?}",
                command.command
            )),
        }
    })
}

/// As with ExecuteCommand, the task must run, must have been started with the command enabled (aws-behaviour §2.18), and its agent must
/// reach Systems Manager (§2.19).
fn find<'a>(context: &'a Context<'_>, command: &Command) -> Result<&'a Task, String> {
    let task = context
        .region
        .ecs
        .tasks
        .get(&command.task)
        .filter(|task| task.is_up())
        .ok_or_else(|| format!("no task {} is running", command.task))?;
    if !task.enables_execute_command {
        return Err("the task was started without enableExecuteCommand".to_owned());
    }
    let ec2 = &context.region.ec2;
    let is_connected = ec2
        .network_interfaces
        .get(&task.interface.id)
        .is_some_and(|interface| ec2.reaches_service(interface, "ssmmessages"));
    if !is_connected {
        return Err(
            "the task reaches no ssmmessages: there is no way out, and no endpoint".to_owned(),
        );
    }
    let wanted = command.container.as_deref();
    let has_container = task
        .containers
        .iter()
        .any(|container| wanted.is_none_or(|wanted| container.name == wanted));
    if !has_container {
        return Err(format!(
            "the task has no container {:?}",
            wanted.unwrap_or_default()
        ));
    }
    Ok(task)
}

fn look_up(context: &Context<'_>, task: &Task, name: &str) -> Value {
    let ec2 = &context.region.ec2;
    let vpc = ec2
        .subnets
        .get(&task.interface.subnet_id)
        .and_then(|subnet| ec2.vpcs.get(&subnet.vpc_id));
    let Some(vpc) = vpc else {
        return json!({"output": ";; connection timed out; no servers could be reached\n", "exit_code": 1});
    };
    // The resolver is the VPC's third address, and there is none without DNS support.
    let server = Ipv4Addr::from(u32::from(vpc.cidr.network()) + 2);
    if !vpc.enable_dns_support {
        return json!({"output": ";; connection timed out; no servers could be reached\n", "exit_code": 1});
    }
    let asked = DnsName::new(name);
    let route53 = &context.global.route53;
    // Private zones need both attributes (aws-behaviour §1 row 2).
    let private = match vpc.enable_dns_hostnames {
        true => route53.private_records(&vpc.id, &asked),
        false => Vec::new(),
    };
    let records = match private.is_empty() {
        true => route53.public_records(&asked),
        false => private,
    };
    let mut addresses: Vec<Ipv4Addr> = records
        .into_iter()
        .filter(|record| record.kind == "A")
        .flat_map(|record| addresses_of(context, ec2, record))
        .collect();
    addresses.sort();
    let shown = asked.without_final_dot();
    let head = format!("Server:\t\t{server}\nAddress:\t{server}#53\n\n");
    if addresses.is_empty() {
        let output = format!("{head}** server can't find {shown}: NXDOMAIN\n\n");
        return json!({"output": output, "exit_code": 1});
    }
    let answers: String = addresses
        .iter()
        .map(|address| format!("Name:\t{shown}\nAddress: {address}\n"))
        .collect();
    json!({"output": format!("{head}Non-authoritative answer:\n{answers}\n"), "exit_code": 0})
}

/// A record's own values, or the addresses of the load balancer that it is an alias of.
fn addresses_of(context: &Context<'_>, ec2: &Ec2, record: &Record) -> Vec<Ipv4Addr> {
    let Some(alias) = &record.alias else {
        return record
            .values
            .iter()
            .filter_map(|value| value.parse().ok())
            .collect();
    };
    context
        .region
        .elb
        .load_balancers
        .values()
        .filter(|load_balancer| DnsName::new(&load_balancer.dns_name) == alias.name)
        .flat_map(|load_balancer| &load_balancer.placements)
        .filter_map(|placement| ec2.network_interfaces.get(&placement.interface_id))
        .filter_map(|interface| interface.association.as_ref()?.public_ip.parse().ok())
        .collect()
}
