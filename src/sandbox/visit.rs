//! What would a visitor from the internet get? Name, load balancer, rule and target are followed, one after the other.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    clock::Moment,
    ecs::{self, Task},
    elb::{Action, Elb, Health, LoadBalancer, Redirect, health, rule_for},
    route53::DnsName,
    world::{Context, World},
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    host: String,
    /// The name whose addresses are visited, where it is not the host's own (`curl --connect-to`).
    at: Option<String>,
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

/// How many visits each rule has sent on, so that each target group gets its share of them.
#[derive(Debug, Default)]
pub struct Visits(HashMap<String, usize>);

impl Visits {
    /// The group for this rule's next visit: in turn, as often as its weight says, the turns spread out evenly.
    fn next<'a>(&mut self, rule: &str, groups: &'a [(String, i64)]) -> Option<&'a str> {
        let total: i64 = groups.iter().map(|(_, weight)| weight).sum();
        let turns = usize::try_from(total).ok().filter(|turns| *turns > 0)?;
        let visit = self.0.entry(rule.to_owned()).or_default();
        let turn = *visit % turns;
        *visit += 1;
        let mut credits = vec![0; groups.len()];
        let mut chosen = 0;
        for _ in 0..=turn {
            for (credit, (_, weight)) in credits.iter_mut().zip(groups) {
                *credit += weight;
            }
            chosen = (0..groups.len())
                .rev()
                .max_by_key(|index| credits[*index])?;
            credits[chosen] -= total;
        }
        Some(&groups[chosen].0)
    }
}

/// Status and who served, or why nobody answered.
pub fn answer(world: &mut World, now: Moment, visit: &Visit) -> Value {
    let asked = visit.at.as_ref().unwrap_or(&visit.host);
    let name = DnsName::new(asked);
    let alias = world.find(now, |context| alias_of(context, &name));
    // A load balancer answers to its own name, too.
    let own = || world.find(now, |context| own_name(context, &name));
    let Some((account, target)) = alias.or_else(own) else {
        return unreached(format!(
            "no public hosted zone has an alias record for {asked}, and no load balancer is called so"
        ));
    };
    let mut visits = std::mem::take(&mut world.visits);
    let reached = world.find(now, |context| {
        let load_balancer = load_balancer_named(&context.region.elb, &target)?;
        (context.account == account).then(|| request(context, load_balancer, visit, &mut visits))
    });
    world.visits = visits;
    if let Some(answer) = &reached {
        note(world, now, visit, answer);
    }
    reached.unwrap_or_else(|| {
        unreached(format!(
            "{} leads to {}, which is no load balancer",
            visit.host,
            target.text()
        ))
    })
}

/// Whoever served it writes that to its log, as servers do.
fn note(world: &mut World, now: Moment, visit: &Visit, answer: &Value) {
    let served_by = &answer["served_by"];
    let (Some(arn), Some(container)) =
        (served_by["task"].as_str(), served_by["container"].as_str())
    else {
        return;
    };
    let mut parts = arn.split(':').skip(3);
    let (Some(region), Some(account)) = (parts.next(), parts.next()) else {
        return;
    };
    let line = format!(
        "GET {}{} was answered {}",
        visit.host, visit.path, answer["status"]
    );
    world.within(account, region, now, |context| {
        if let Some(task) = context.region.ecs.tasks.get(arn).cloned() {
            ecs::say(context, &task, container, &line);
        }
    });
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

fn request(
    context: &Context<'_>,
    load_balancer: &LoadBalancer,
    visit: &Visit,
    visits: &mut Visits,
) -> Value {
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
    let rule = rule_for(elb, &listener.arn, &visit.host, &visit.path);
    match rule.and_then(|rule| rule.actions.first()) {
        Some(Action::FixedResponse(response)) => json!({
            "reached": true,
            "status": response.status.parse::<u16>().unwrap_or(500),
            "content_type": response.content_type,
            "body": response.body,
        }),
        Some(Action::Redirect(redirect)) => redirected(redirect, visit),
        Some(Action::Forward { groups, .. }) => {
            let rule = rule.map_or("", |rule| rule.arn.as_str());
            match visits.next(rule, groups) {
                Some(group) => forwarded(context, group),
                None => {
                    json!({"reached": true, "status": 503, "reason": "all target groups of the rule have weight 0"})
                }
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{
        test_client::{TestClient, text},
        test_stage::Stage,
    };

    #[test]
    fn groups_take_turns_by_weight() {
        let groups = [("a", 3), ("b", 1), ("c", 0)].map(|(name, weight)| (name.to_owned(), weight));
        let mut visits = Visits::default();
        let mut turns = || visits.next("rule", &groups).unwrap().to_owned();
        let served: String = (0..8).map(|_| turns()).collect();
        assert_eq!(served, "aabaaaba");
        assert_eq!(visits.next("rule", &groups[2..]), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_of_weight_0_belongs_to_the_load_balancer_and_gets_nothing() {
        let stage = Stage::new(TestClient::new()).await;
        let parameters = stage.target_group_parameters("next");
        let next = text(
            &stage.elb("CreateTargetGroup", &parameters).await,
            "TargetGroupArn",
        );
        let weights = async |old: &str, new: &str| {
            let prefix = "DefaultActions.member.1.ForwardConfig.TargetGroups.member";
            let names: Vec<String> = (1..=2)
                .flat_map(|index| {
                    ["TargetGroupArn", "Weight"].map(|name| format!("{prefix}.{index}.{name}"))
                })
                .collect();
            let parameters = [
                ("ListenerArn", stage.listener.as_str()),
                ("DefaultActions.member.1.Type", "forward"),
                (&names[0], &stage.target_group),
                (&names[1], old),
                (&names[2], &next),
                (&names[3], new),
            ];
            stage.elb("ModifyListener", &parameters).await
        };
        let shown = weights("1", "0").await;
        assert!(shown.contains("<Weight>0</Weight>"), "{shown}");
        let mut service = stage.service(1);
        service["serviceName"] = "old".into();
        stage.ecs("CreateService", service).await;
        let mut service = stage.service(1);
        service["serviceName"] = "new".into();
        service["loadBalancers"][0]["targetGroupArn"] = next.as_str().into();
        stage.ecs("CreateService", service).await;
        let listed = stage.elb("DescribeLoadBalancers", &[]).await;
        let host = text(&listed, "DNSName");
        let served = async |count: usize| {
            let mut names = Vec::new();
            for _ in 0..count {
                let visit = json!({"host": host, "scheme": "http"});
                let answer = stage.client.control("POST", "http", visit).await;
                names.push(answer["served_by"]["service"].as_str().unwrap().to_owned());
            }
            names
        };
        assert_eq!(served(3).await, ["old", "old", "old"]);
        weights("1", "1").await;
        let mut both = served(2).await;
        both.sort();
        assert_eq!(both, ["new", "old"]);
        weights("0", "1").await;
        assert_eq!(served(2).await, ["new", "new"]);
        // It is in use while a rule names it, whatever its weight.
        let group = [("TargetGroupArn", stage.target_group.as_str())];
        assert_eq!(
            stage.elb_refusal("DeleteTargetGroup", &group).await,
            "ResourceInUse"
        );
    }
}
