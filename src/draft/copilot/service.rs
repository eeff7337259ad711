//! What does a service's manifest become?

use super::{Chosen, container};
use crate::draft::answers::https_for;
use crate::draft::source::{Entry, Node, Source};
use crate::draft::{Certificate, Count, Draft, Note, Route, Service, text};

/// Keys that are read, or that need no word.
const SILENT: [&str; 21] = [
    "command",
    "count",
    "cpu",
    "deployment",
    "entrypoint",
    "env_file",
    "environments",
    "exec",
    "http",
    "image",
    "logging",
    "memory",
    "name",
    "network",
    "platform",
    "secrets",
    "sidecars",
    "storage",
    "type",
    "variables",
    "nlb",
];

pub fn read(source: &Source, chosen: &Chosen<'_>, draft: &mut Draft) {
    let manifest = &source.root;
    let overrides = chosen
        .environment
        .and_then(|name| manifest.at(&["environments", name]));
    let manifest = overrides.map_or_else(|| manifest.clone(), |over| manifest.overlaid(over));
    let kind = manifest
        .get("type")
        .and_then(Node::text)
        .unwrap_or_default();
    let called = manifest
        .get("name")
        .and_then(Node::text)
        .unwrap_or_default();
    let line = manifest.get("type").map_or(1, |node| node.line);
    let left_out = match kind {
        "Load Balanced Web Service" | "Backend Service" | "Worker Service" => None,
        "Scheduled Job" => Some(
            "a stack has no jobs by the clock; EventBridge Scheduler can run the task definition of a service",
        ),
        _ => Some("a stack has no service of this type"),
    };
    if let Some(why) = left_out {
        let what = format!("{called} ({kind}): left out, {why}");
        draft.notes.push(Note::of(&source.file, line, what));
        return;
    }
    let mut service = Service {
        name: text::name(called),
        ..Service::default()
    };
    let main = container::main(source, &manifest, &service.name, &draft.stack, chosen);
    service.containers.push(main);
    for sidecar in manifest
        .get("sidecars")
        .map(Node::entries)
        .unwrap_or_default()
    {
        let sidecar = container::sidecar(source, sidecar, &draft.stack, chosen);
        service.containers.push(sidecar);
    }
    size(source, &manifest, &mut service);
    count(source, &manifest, &mut service);
    service.exec = manifest.get("exec").is_some_and(Node::is_true);
    network(source, &manifest, draft, &mut service);
    if kind == "Load Balanced Web Service" {
        http(source, &manifest, chosen, draft, &mut service);
    } else if let Some(http) = manifest.get("http").filter(|http| !http.is_false()) {
        let what = "http: the load balancer of a stack faces the internet, and this service was behind an internal one";
        service.notes.push(Note::of(&source.file, http.line, what));
    }
    rest(source, &manifest, &mut service);
    draft.services.push(service);
}

fn size(source: &Source, manifest: &Node, service: &mut Service) {
    let number = |key: &str| manifest.get(key).and_then(Node::number);
    service.cpu = number("cpu").filter(|cpu| *cpu != 256);
    service.memory = number("memory").filter(|memory| *memory != 512 || service.cpu.is_some());
    if let Some(platform) = manifest.get("platform") {
        let text = platform
            .get("architecture")
            .unwrap_or(platform)
            .text()
            .unwrap_or_default();
        service.is_arm = text.contains("arm");
        if platform
            .get("osfamily")
            .unwrap_or(platform)
            .text()
            .is_some_and(|text| text.to_ascii_lowercase().contains("windows"))
        {
            service.notes.push(Note::of(
                &source.file,
                platform.line,
                "platform: navi runs Linux only",
            ));
        }
    }
    if let Some(disk) = manifest
        .at(&["storage", "ephemeral"])
        .and_then(Node::number)
    {
        service.ephemeral_storage = Some(disk).filter(|disk| *disk > 20);
    }
    for entry in manifest
        .get("storage")
        .map(Node::entries)
        .unwrap_or_default()
    {
        if entry.key != "ephemeral" {
            let what = format!(
                "storage.{}: not supported; what a task writes to its disk goes with the task",
                entry.key
            );
            service.notes.push(Note::of(&source.file, entry.line, what));
        }
    }
}

fn count(source: &Source, manifest: &Node, service: &mut Service) {
    let Some(count) = manifest.get("count") else {
        return;
    };
    if let Some(number) = count.number() {
        service.count = Some(number).filter(|number| *number != 1).map(Count::Fixed);
        return;
    }
    if let Some(spot) = count.get("spot").and_then(Node::number) {
        service.count = Some(spot).filter(|number| *number != 1).map(Count::Fixed);
        service.spot = Some(100);
        return;
    }
    let range = count.get("range");
    let bounds = range.and_then(|range| match range.text() {
        Some(text) => {
            let (min, max) = text.split_once('-')?;
            Some((min.trim().parse().ok()?, max.trim().parse().ok()?))
        }
        None => Some((range.get("min")?.number()?, range.get("max")?.number()?)),
    });
    let Some((min, max)) = bounds else {
        service.notes.push(Note::of(
            &source.file,
            count.line,
            "count: its bounds are not understood",
        ));
        return;
    };
    if range.and_then(|range| range.get("spot_from")).is_some() {
        let what =
            "count.range.spot_from: `spot: { share, base }` says which part runs on Fargate Spot";
        service.notes.push(Note::of(&source.file, count.line, what));
    }
    let mut keys = vec![("min", min), ("max", max)];
    for (key, ours) in [
        ("cpu_percentage", "cpu"),
        ("memory_percentage", "memory"),
        ("requests", "requests"),
    ] {
        let value = count
            .get(key)
            .and_then(|node| node.get("value").unwrap_or(node).number());
        keys.extend(value.map(|value| (ours, value)));
    }
    for key in ["response_time", "queue_delay", "cooldown"] {
        if let Some(found) = count.get(key) {
            let what = format!("count.{key}: `count` goes by cpu, memory and requests");
            service.notes.push(Note::of(&source.file, found.line, what));
        }
    }
    if keys.len() == 2 {
        let what = format!(
            "count: up to {max} tasks, but by nothing that a stack file has; it begins with {min}"
        );
        service.notes.push(Note::of(&source.file, count.line, what));
        service.count = Some(min).filter(|min: &u32| *min > 1).map(Count::Fixed);
        return;
    }
    service.count = Some(Count::Scaled(keys));
}

fn network(source: &Source, manifest: &Node, draft: &mut Draft, service: &mut Service) {
    let Some(network) = manifest.get("network") else {
        return;
    };
    if let Some(placement) = network.at(&["vpc", "placement"]) {
        if placement.text() == Some("private") {
            service.subnets = Some("private");
            // Copilot makes NAT gateways as soon as anything is private.
            if draft.network.existing.is_none() {
                draft.network.nat = Some("per-zone");
            }
        } else if placement.text() == Some("public") {
            service.subnets = Some("public");
        } else {
            let what =
                "network.vpc.placement: services run in all public or in all private subnets";
            service
                .notes
                .push(Note::of(&source.file, placement.line, what));
        }
    }
    if let Some(groups) = network.at(&["vpc", "security_groups"]) {
        let what = "network.vpc.security_groups: `allow` says who may reach the service";
        service
            .notes
            .push(Note::of(&source.file, groups.line, what));
    }
    if let Some(connect) = network.get("connect").filter(|connect| !connect.is_false()) {
        let what = "network.connect: no Service Connect here; names resolve to the tasks' addresses (`namespace`)";
        service
            .notes
            .push(Note::of(&source.file, connect.line, what));
    }
}

fn http(
    source: &Source,
    manifest: &Node,
    chosen: &Chosen<'_>,
    draft: &mut Draft,
    service: &mut Service,
) {
    let Some(http) = manifest.get("http").filter(|http| http.is_map()) else {
        return;
    };
    let mut route = Route::default();
    let path = http.get("path").and_then(Node::text).unwrap_or("/");
    let path = chosen.filled_in(path);
    let path = path.trim_matches('/');
    route.path = (!path.is_empty()).then(|| format!("/{path}*"));
    let aliases: Vec<(String, usize)> = http
        .get("alias")
        .map(Node::one_or_more)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|alias| {
            let name = alias.get("name").unwrap_or(alias);
            Some((chosen.filled_in(name.text()?), alias.line))
        })
        .collect();
    route.host = aliases.first().map(|(alias, _)| alias.clone());
    for (alias, line) in aliases.iter().skip(1) {
        let what = format!(
            "http.alias {alias}: a service answers one host; another service can forward to it"
        );
        service.notes.push(Note::of(&source.file, *line, what));
    }
    let main = service.name.clone();
    let to = http
        .get("target_container")
        .or_else(|| http.get("targetContainer"));
    let to = to.and_then(Node::text).map_or(main, text::name);
    let port = http.get("target_port").and_then(Node::number);
    let of_container = service.containers.iter().find(|one| one.name == to);
    let own = of_container
        .and_then(|one| one.ports.first().copied())
        .map(u32::from);
    if let Some(port) = port.or(own).and_then(|port| u16::try_from(port).ok()) {
        if let Some(target) = service.containers.iter_mut().find(|one| one.name == to)
            && !target.ports.contains(&port)
        {
            target.ports.push(port);
        }
        route.to = (service.ports().len() > 1).then(|| format!("{to}:{port}"));
    }
    service.route = Some(route);
    if let Some(check) = http.get("healthcheck") {
        health_check(source, check, service);
    }
    let delay = http
        .get("deregistration_delay")
        .and_then(Node::text)
        .and_then(text::seconds);
    service.deregistration_delay = delay
        .filter(|delay| *delay != 30)
        .map(|delay| format!("{delay}s"));
    let sources = http
        .get("allowed_source_ips")
        .map(Node::items)
        .unwrap_or_default();
    if let Some(first) = sources.first() {
        let what = "http.allowed_source_ips: it is the load balancer that lets in here, for all services alike";
        service.notes.push(Note::of(&source.file, first.line, what));
        let ingress = draft.ingress.get_or_insert_default();
        ingress
            .allow
            .extend(sources.iter().filter_map(Node::text).map(str::to_owned));
    }
    for key in [
        "additional_rules",
        "stickiness",
        "version",
        "hosted_zone",
        "redirect_to_https",
    ] {
        if let Some(found) = http.get(key) {
            let what = format!("http.{key}: a stack file has nothing for it");
            service.notes.push(Note::of(&source.file, found.line, what));
        }
    }
}

fn health_check(source: &Source, check: &Node, service: &mut Service) {
    if let Some(path) = check.text() {
        service.health_check.push(("path", path.to_owned()));
        return;
    }
    for (key, ours) in [
        ("path", "path"),
        ("interval", "interval"),
        ("timeout", "timeout"),
        ("healthy_threshold", "healthy_threshold"),
        ("unhealthy_threshold", "unhealthy_threshold"),
        ("success_codes", "matcher"),
    ] {
        let Some(value) = check.get(key).and_then(Node::text) else {
            continue;
        };
        let value = match ours {
            "interval" => text::seconds(value).map(|seconds| format!("{}s", seconds.clamp(5, 300))),
            "timeout" => text::seconds(value).map(|seconds| format!("{}s", seconds.clamp(2, 120))),
            // YAML's readers would take a list of numbers for one.
            "matcher" => Some(format!("\"{value}\"")),
            _ => Some(value.to_owned()),
        };
        service
            .health_check
            .extend(value.map(|value| (ours, value)));
    }
    for key in ["port", "grace_period"] {
        if let Some(found) = check.get(key) {
            let what = format!("http.healthcheck.{key}: a stack file has nothing for it");
            service.notes.push(Note::of(&source.file, found.line, what));
        }
    }
}

/// What needs a word.
fn rest(source: &Source, manifest: &Node, service: &mut Service) {
    if let Some(alarms) = manifest.at(&["deployment", "rollback_alarms"]) {
        let what = "deployment.rollback_alarms: `deployment: { circuit_breaker: true }` goes back when tasks keep failing";
        service
            .notes
            .push(Note::of(&source.file, alarms.line, what));
    }
    // Copilot's services have it on.
    service.circuit_breaker = true;
    if let Some(logging) = manifest.get("logging") {
        let retention = logging.get("retention").and_then(Node::number);
        let retention = retention
            .filter(|days| *days != 30)
            .map(|days| format!("{days}d"));
        if let Some(main) = service.containers.first_mut() {
            main.retention = retention;
        }
        if logging
            .entries()
            .iter()
            .any(|entry| entry.key != "retention")
        {
            let what = "logging: the output goes to CloudWatch Logs";
            service
                .notes
                .push(Note::of(&source.file, logging.line, what));
        }
    }
    for Entry { key, line, .. } in manifest.entries() {
        let what = match key.as_str() {
            "nlb" => "nlb: a stack has an application load balancer only".to_owned(),
            key if SILENT.contains(&key) => continue,
            "subscribe" => "subscribe: navi makes no queues; make one, and name it under `environment` and `role.statements`".to_owned(),
            "publish" => "publish: navi makes no topics; make them, and name them under `environment` and `role.statements`".to_owned(),
            key => format!("{key}: a stack file has nothing for it"),
        };
        service.notes.push(Note::of(&source.file, *line, what));
    }
}

/// In a Copilot environment everybody may reach everybody. Here only what has a port and no route has others let in.
pub fn let_each_other_in(draft: &mut Draft) {
    let callers: Vec<String> = draft.services.iter().map(|one| one.name.clone()).collect();
    for service in draft.services.iter_mut().filter(|one| one.route.is_none()) {
        for port in service.ports() {
            for caller in &callers {
                service.let_in(caller, port);
            }
        }
    }
}

/// A certificate for the hosts that are routed, unless the environment brings one along.
pub fn https(draft: &mut Draft) {
    let routes = draft
        .services
        .iter()
        .filter_map(|service| service.route.as_ref());
    let mut hosts: Vec<String> = routes.filter_map(|route| route.host.clone()).collect();
    hosts.sort();
    hosts.dedup();
    if hosts.is_empty() {
        return;
    }
    let wanted = https_for(&hosts);
    let ingress = draft.ingress.get_or_insert_default();
    ingress.zone = wanted.zone;
    if !matches!(ingress.certificate, Some(Certificate::Arn(_))) {
        ingress.certificate = wanted.certificate;
    }
}
