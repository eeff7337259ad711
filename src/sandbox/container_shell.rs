//! What does a command say inside a container? The sandbox runs no containers, but it knows what their VPC's resolver answers, and who
//! would answer them.

use std::net::Ipv4Addr;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    clock::Moment,
    ec2::Ec2,
    ecs::{self, Task},
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

const HELP: &str = "\
nslookup NAME    what the VPC's resolver says
curl URL         who answers inside the VPC, by http; options are not looked at
hostname -i      the task's address
";
/// As a shell ends where there is no such command.
const NOT_FOUND: u64 = 127;

/// Output and exit code, or why there is no such container.
pub fn run(world: &mut World, now: Moment, command: &Command) -> Result<Value, String> {
    let mut parts = command.task.split(':').skip(3);
    let (Some(region), Some(account)) = (parts.next(), parts.next()) else {
        return Err(format!("{:?} is not the ARN of a task", command.task));
    };
    world.within(account, region, now, |context| {
        let task = find(context, command)?.clone();
        let words: Vec<&str> = command.command.split_whitespace().collect();
        Ok(match words[..] {
            ["nslookup", name] => look_up(context, &task, name),
            ["curl", .., url] => fetch(context, &task, url),
            ["hostname", "-i"] => said(0, &format!("{}\n", task.interface.private_ip)),
            ["help"] => said(0, HELP),
            _ => said(
                NOT_FOUND,
                &format!(
                    "{}: not found (the sandbox runs no containers; it knows nslookup NAME, curl URL and hostname -i)\n",
                    words.first().unwrap_or(&"")
                ),
            ),
        })
    })
}

fn said(exit_code: u64, output: &str) -> Value {
    json!({"output": output, "exit_code": exit_code})
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

/// No resolver answers.
struct NoResolver;

/// The resolver's address with the addresses that it gives for a name.
fn resolve(
    context: &Context<'_>,
    task: &Task,
    asked: &DnsName,
) -> Result<(Ipv4Addr, Vec<Ipv4Addr>), NoResolver> {
    let ec2 = &context.region.ec2;
    let vpc = ec2
        .subnets
        .get(&task.interface.subnet_id)
        .and_then(|subnet| ec2.vpcs.get(&subnet.vpc_id))
        // There is none without DNS support.
        .filter(|vpc| vpc.enable_dns_support)
        .ok_or(NoResolver)?;
    // The resolver is the VPC's third address.
    let server = Ipv4Addr::from(u32::from(vpc.cidr.network()) + 2);
    let route53 = &context.global.route53;
    // Private zones need both attributes (aws-behaviour §1 row 2).
    let private = match vpc.enable_dns_hostnames {
        true => route53.private_records(&vpc.id, asked),
        false => Vec::new(),
    };
    let records = match private.is_empty() {
        true => route53.public_records(asked),
        false => private,
    };
    let mut addresses: Vec<Ipv4Addr> = records
        .into_iter()
        .filter(|record| record.kind == "A")
        .flat_map(|record| addresses_of(context, ec2, record))
        .collect();
    addresses.sort();
    Ok((server, addresses))
}

fn look_up(context: &Context<'_>, task: &Task, name: &str) -> Value {
    let asked = DnsName::new(name);
    let Ok((server, addresses)) = resolve(context, task, &asked) else {
        return said(1, ";; connection timed out; no servers could be reached\n");
    };
    let shown = asked.without_final_dot();
    let head = format!("Server:\t\t{server}\nAddress:\t{server}#53\n\n");
    if addresses.is_empty() {
        return said(
            1,
            &format!("{head}** server can't find {shown}: NXDOMAIN\n\n"),
        );
    }
    let answers: String = addresses
        .iter()
        .map(|address| format!("Name:\t{shown}\nAddress: {address}\n"))
        .collect();
    said(0, &format!("{head}Non-authoritative answer:\n{answers}\n"))
}

/// Who would answer, in place of what: no program runs.
fn fetch(context: &mut Context<'_>, task: &Task, url: &str) -> Value {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port.parse().unwrap_or_default()),
        None => (authority, 80),
    };
    if url.starts_with("https://") {
        return said(1, "the sandbox follows no https from inside a container\n");
    }
    let own = task.interface.private_ip;
    let addresses = match (host, host.parse()) {
        ("localhost" | "127.0.0.1", _) => vec![own],
        (_, Ok(address)) => vec![address],
        _ => match resolve(context, task, &DnsName::new(host)) {
            Ok((_, addresses)) if !addresses.is_empty() => addresses,
            _ => return said(6, &format!("curl: (6) Could not resolve host: {host}\n")),
        },
    };
    let Some(vpc) = context
        .region
        .ec2
        .subnets
        .get(&task.interface.subnet_id)
        .map(|subnet| subnet.vpc_id.clone())
    else {
        return said(7, &format!("curl: (7) Failed to connect to {host}\n"));
    };
    let askers = [task.interface.id.as_str()];
    for address in addresses {
        let text = address.to_string();
        // A task speaks with itself past every security group.
        let answers = match address == own {
            true => task.is_up(),
            false => ecs::reply(context.region, &vpc, &text, port, &askers) == ecs::Reply::Serves,
        };
        let other = context.region.ecs.tasks.values();
        let other = other
            .filter(|other| other.is_up() && other.interface.private_ip == address)
            .find_map(|other| Some((other.clone(), other.listener(port)?.to_owned())));
        if let (true, Some((other, container))) = (answers, other) {
            let line = format!("GET {host}/{path} from {own} was answered 200");
            ecs::say(context, &other, &container, &line);
            return said(
                0,
                &format!(
                    "200 from {container} of {} at {address}:{port}\n",
                    other.service_name
                ),
            );
        }
    }
    said(
        28,
        &format!("curl: (28) Failed to connect to {host} port {port}: Connection timed out\n"),
    )
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
