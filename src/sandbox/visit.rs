//! What would a visitor from the internet get? Name, load balancer, rule and target are followed, one after the other.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    clock::Moment,
    ecs::Task,
    elb::{Action, Elb, Health, LoadBalancer, Redirect, health, rule_for},
    route53::DnsName,
    world::{Context, World},
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    host: String,
    #[serde(default = "root")]
    path: String,
    #[serde(default = "https")]
    scheme: String,
    /// The scheme's own, unless given.
    port: Option<i64>,
}

fn root() -> String {
    "/".to_owned()
}

fn https() -> String {
    "https".to_owned()
}

impl Visit {
    fn port(&self) -> i64 {
        let own = if self.scheme == "http" { 80 } else { 443 };
        self.port.unwrap_or(own)
    }
}

/// Status and who served, or why nobody answered.
pub fn answer(world: &mut World, now: Moment, visit: &Visit) -> Value {
    let name = DnsName::new(&visit.host);
    let alias = world.find(now, |context| alias_of(context, &name));
    // A load balancer answers to its own name, too.
    let own = || world.find(now, |context| own_name(context, &name));
    let Some((account, target)) = alias.or_else(own) else {
        return unreached(format!(
            "no public hosted zone has an alias record for {}, and no load balancer is called so",
            visit.host
        ));
    };
    let reached = world.find(now, |context| {
        let load_balancer = load_balancer_named(&context.region.elb, &target)?;
        (context.account == account).then(|| request(context, load_balancer, visit))
    });
    reached.unwrap_or_else(|| {
        unreached(format!(
            "{} leads to {}, which is no load balancer",
            visit.host,
            target.text()
        ))
    })
}

fn unreached(reason: String) -> Value {
    json!({"reached": false, "reason": reason})
}

fn alias_of(context: &Context<'_>, name: &DnsName) -> Option<(String, DnsName)> {
    context
        .global
        .route53
        .public_records(name)
        .into_iter()
        .filter(|record| record.kind == "A")
        .find_map(|record| record.alias.as_ref())
        .map(|alias| (context.account.to_owned(), alias.name.clone()))
}

fn own_name(context: &Context<'_>, name: &DnsName) -> Option<(String, DnsName)> {
    load_balancer_named(&context.region.elb, name)?;
    Some((context.account.to_owned(), name.clone()))
}

/// The console writes `dualstack.` before the name of a load balancer (aws-behaviour §2.12).
fn load_balancer_named<'a>(elb: &'a Elb, target: &DnsName) -> Option<&'a LoadBalancer> {
    let target = target.text().trim_start_matches("dualstack.");
    elb.load_balancers
        .values()
        .find(|load_balancer| DnsName::new(&load_balancer.dns_name).text() == target)
}

fn request(context: &Context<'_>, load_balancer: &LoadBalancer, visit: &Visit) -> Value {
    let port = visit.port();
    if load_balancer.active_since.is_none() {
        return unreached(format!(
            "the load balancer {} is not active yet",
            load_balancer.name
        ));
    }
    let ec2 = &context.region.ec2;
    let is_open = load_balancer
        .placements
        .iter()
        .filter_map(|placement| ec2.network_interfaces.get(&placement.interface_id))
        .any(|interface| ec2.is_open_to_the_world(interface, port));
    if !is_open {
        return unreached(format!(
            "the load balancer {} does not let the internet in on port {port}",
            load_balancer.name
        ));
    }
    let elb = &context.region.elb;
    let listener = elb
        .listeners_of(&load_balancer.arn)
        .into_iter()
        .find(|listener| listener.port == port);
    let Some(listener) = listener else {
        return unreached(format!(
            "the load balancer {} does not listen on port {port}",
            load_balancer.name
        ));
    };
    let action = rule_for(elb, &listener.arn, &visit.host, &visit.path)
        .and_then(|rule| rule.actions.first());
    match action {
        Some(Action::FixedResponse(response)) => json!({
            "reached": true,
            "status": response.status.parse::<u16>().unwrap_or(500),
            "content_type": response.content_type,
            "body": response.body,
        }),
        Some(Action::Redirect(redirect)) => redirected(redirect, visit),
        Some(Action::Forward { groups, .. }) => {
            let best = groups.iter().max_by_key(|(_, weight)| *weight);
            forwarded(context, best.map_or("", |(arn, _)| arn.as_str()))
        }
        None => json!({"reached": true, "status": 500}),
    }
}

fn redirected(redirect: &Redirect, visit: &Visit) -> Value {
    let port = visit.port().to_string();
    let path = visit.path.trim_start_matches('/');
    let fill = |template: &str| {
        template
            .replace("#{protocol}", &visit.scheme.to_uppercase())
            .replace("#{port}", &port)
            .replace("#{host}", &visit.host)
            .replace("#{path}", path)
            .replace("#{query}", "")
    };
    let status = redirect.status.trim_start_matches("HTTP_");
    json!({
        "reached": true,
        "status": status.parse::<u16>().unwrap_or(302),
        "location": format!(
            "{}://{}:{}{}",
            fill(&redirect.protocol).to_lowercase(),
            fill(&redirect.host),
            fill(&redirect.port),
            fill(&redirect.path)
        ),
    })
}

fn forwarded(context: &Context<'_>, group_arn: &str) -> Value {
    let Ok(group) = context.region.elb.target_group(group_arn) else {
        return json!({"reached": true, "status": 503});
    };
    let healthy = group
        .targets
        .values()
        .find(|target| health(context, group_arn, &target.id, target.port) == Health::Healthy);
    let Some(target) = healthy else {
        let reason = match group.targets.is_empty() {
            true => "has no targets",
            false => "has no healthy target",
        };
        return json!({"reached": true, "status": 503, "reason": format!("the target group {} {reason}", group.name)});
    };
    let task = context
        .region
        .ecs
        .tasks
        .values()
        .find(|task| task.is_up() && task.interface.private_ip.to_string() == target.id);
    json!({
        "reached": true,
        "status": 200,
        "target_group": group.name,
        "served_by": task.map(|task| server(task, target.port)),
    })
}

fn server(task: &Task, port: i64) -> Value {
    let container = task
        .containers
        .iter()
        .find(|container| container.ports.contains(&port));
    json!({
        "service": task.service_name,
        "task": task.arn,
        "container": container.map(|container| &container.name),
        "image": container.map(|container| &container.image),
        "address": task.interface.private_ip,
        "port": port,
        "availability_zone": task.zone,
    })
}
