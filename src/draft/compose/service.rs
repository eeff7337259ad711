//! What does one service of a Compose file become?

use super::Project;
use super::environment;
use super::traffic::Published;
use crate::draft::source::{Entry, Node};
use crate::draft::{Container, ContainerCheck, Count, Service, text, to_be_pushed};
use crate::stack::fargate_size;

/// Keys that need no word: read elsewhere, or what Fargate does anyway.
const SILENT: [&str; 22] = [
    "build",
    "command",
    "container_name",
    "cpus",
    "depends_on",
    "deploy",
    "entrypoint",
    "env_file",
    "environment",
    "expose",
    "healthcheck",
    "image",
    "init",
    "links",
    "mem_limit",
    "platform",
    "ports",
    "pull_policy",
    "scale",
    "stop_grace_period",
    "stdin_open",
    "tty",
];

/// The service, and what of it is published on the host.
pub fn read(project: &Project<'_>, entry: &Entry) -> (Service, Vec<Published>) {
    let node = &entry.value;
    let name = text::name(&entry.key);
    let mut service = Service {
        name: name.clone(),
        ..Service::default()
    };
    if name != entry.key {
        let what = format!(
            "{} is called {name} here: names have letters, digits and hyphens",
            entry.key
        );
        service.notes.push(project.note(entry.line, what));
    }
    let mut container = Container {
        name,
        ..Container::default()
    };
    image(project, node, &mut container);
    let published = ports(project, node, &mut container);
    container.entrypoint = words(node.get("entrypoint"));
    container.command = words(node.get("command"));
    environment::read(project, entry, &mut container);
    health_check(project, node, &mut container);
    if let Some(grace) = node.get("stop_grace_period") {
        container.stop_timeout = bounded(
            project,
            grace,
            2,
            120,
            "stop_grace_period",
            &mut container.notes,
        );
    }
    service.is_arm = node
        .get("platform")
        .and_then(Node::text)
        .is_some_and(|text| text.contains("arm"));
    size(project, node, &mut service);
    depends_on(project, node, &mut service);
    not_carried_over(project, node, &mut service);
    service.containers.push(container);
    (service, published)
}

fn image(project: &Project<'_>, node: &Node, container: &mut Container) {
    let given = node.get("image").and_then(Node::text);
    if let Some(build) = node.get("build") {
        let what = "build: navi builds no images; push it to a registry that AWS reaches, under the name below";
        container.notes.push(project.note(build.line, what));
    }
    if given.is_none() && node.get("build").is_none() {
        let what = "no image is named: push one under the name below";
        container.notes.push(project.note(node.line, what));
    }
    container.image = match (given, node.get("build")) {
        // A name without a registry is only on the machine that builds it.
        (Some(image), Some(_)) if !image.contains('/') => {
            to_be_pushed(&project.stack, &container.name)
        }
        (Some(image), _) => text::with_variables(image).0,
        (None, _) => to_be_pushed(&project.stack, &container.name),
    };
}

/// Text as a shell's words, or a list.
fn words(node: Option<&Node>) -> Vec<String> {
    let words = node.map(text::words_of).unwrap_or_default();
    words
        .iter()
        .map(|word| text::with_variables(word).0)
        .collect()
}

fn ports(project: &Project<'_>, node: &Node, container: &mut Container) -> Vec<Published> {
    let mut published = Vec::new();
    for item in node.get("ports").map(Node::items).unwrap_or_default() {
        let (host, target, protocol) = match item.text() {
            Some(text) => short_port(&text::with_defaults(text)),
            None => (
                item.get("published")
                    .and_then(Node::text)
                    .map(text::with_defaults)
                    .unwrap_or_default(),
                item.get("target")
                    .and_then(Node::text)
                    .map(text::with_defaults)
                    .unwrap_or_default(),
                item.get("protocol")
                    .and_then(Node::text)
                    .unwrap_or("tcp")
                    .to_owned(),
            ),
        };
        if protocol != "tcp" {
            let what = format!("port {target}/{protocol}: a stack file has TCP ports only");
            container.notes.push(project.note(item.line, what));
            continue;
        }
        let targets = range(&target);
        if targets.is_empty() {
            let what = format!("port `{target}` is not understood");
            container.notes.push(project.note(item.line, what));
        }
        let hosts = range(&host);
        for (index, target) in targets.into_iter().enumerate() {
            add_port(container, target);
            published.push(Published {
                port: hosts.get(index).copied().unwrap_or(target),
                target,
                line: item.line,
            });
        }
    }
    for item in node.get("expose").map(Node::items).unwrap_or_default() {
        let text = text::with_defaults(item.text().unwrap_or_default());
        for port in range(text.trim_end_matches("/tcp")) {
            add_port(container, port);
        }
    }
    published
}

fn add_port(container: &mut Container, port: u16) {
    if !container.ports.contains(&port) {
        container.ports.push(port);
    }
}

/// `[[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]`: host, container, protocol.
fn short_port(text: &str) -> (String, String, String) {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (rest, target) = ports.rsplit_once(':').unwrap_or(("", ports));
    let host = rest.rsplit(':').next().unwrap_or_default();
    (host.to_owned(), target.to_owned(), protocol.to_owned())
}

/// `8080` or `8080-8082`.
fn range(text: &str) -> Vec<u16> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
        (Ok(first), Ok(last)) if first > 0 && last.saturating_sub(first) < 100 => {
            (first..=last).collect()
        }
        _ => Vec::new(),
    }
}

fn health_check(project: &Project<'_>, node: &Node, container: &mut Container) {
    let Some(check) = node.get("healthcheck") else {
        return;
    };
    if check.get("disable").is_some_and(Node::is_true) {
        return;
    }
    let Some(test) = check.get("test") else {
        let what = "healthcheck: the image's own check does not count on ECS; say its `test` here";
        container.notes.push(project.note(check.line, what));
        return;
    };
    let command: Vec<String> = match test.text() {
        Some(line) => vec!["CMD-SHELL".to_owned(), text::with_variables(line).0],
        None => words(Some(test)),
    };
    if command.first().is_none_or(|first| first == "NONE") {
        return;
    }
    let mut others = Vec::new();
    for (key, ours, least, most) in [
        ("interval", "interval", 5, 300),
        ("timeout", "timeout", 2, 60),
        ("start_period", "start_period", 0, 300),
    ] {
        if let Some(node) = check.get(key) {
            let length = bounded(project, node, least, most, key, &mut container.notes);
            others.extend(length.map(|length| (ours, length)));
        }
    }
    if let Some(retries) = check.get("retries").and_then(Node::number) {
        others.push(("retries", retries.clamp(1, 10).to_string()));
    }
    if let Some(interval) = check.get("start_interval") {
        let what = "start_interval: ECS has one interval for all checks";
        container.notes.push(project.note(interval.line, what));
    }
    container.health_check = Some(ContainerCheck { command, others });
}

/// A length of time within ECS's bounds, with a note where it isn't.
fn bounded(
    project: &Project<'_>,
    node: &Node,
    least: u32,
    most: u32,
    key: &str,
    notes: &mut Vec<crate::draft::Note>,
) -> Option<String> {
    let text = node.text().unwrap_or_default();
    let Some(seconds) = text::seconds(&text::with_defaults(text)) else {
        notes.push(project.note(
            node.line,
            format!("{key}: `{text}` is not a length of time"),
        ));
        return None;
    };
    if !(least..=most).contains(&seconds) {
        let what = format!("{key}: ECS takes {least}s to {most}s, not {text}");
        notes.push(project.note(node.line, what));
    }
    Some(format!("{}s", seconds.clamp(least, most)))
}

fn size(project: &Project<'_>, node: &Node, service: &mut Service) {
    let limits = ["limits", "reservations"];
    let resource = |key: &str| {
        let mut under = limits.iter();
        under.find_map(|kind| node.at(&["deploy", "resources", kind, key]))
    };
    let cpus = resource("cpus").or_else(|| node.get("cpus"));
    let memory = resource("memory").or_else(|| node.get("mem_limit"));
    let wanted = |node: Option<&Node>, read: fn(&str) -> Option<u32>| {
        node.and_then(Node::text)
            .map(text::with_defaults)
            .and_then(|text| read(&text))
    };
    let cpu_units = wanted(cpus, text::cpu_units);
    let mebibytes = wanted(memory, text::mebibytes);
    if cpu_units.is_some() || mebibytes.is_some() {
        match fargate_size(cpu_units.unwrap_or(0), mebibytes.unwrap_or(0)) {
            Some((cpu, memory)) => {
                service.cpu = Some(cpu).filter(|cpu| *cpu != 256);
                service.memory =
                    Some(memory).filter(|memory| fargate_size(cpu, 0) != Some((cpu, *memory)));
            }
            None => {
                let line = cpus.or(memory).map_or(node.line, |node| node.line);
                service
                    .notes
                    .push(project.note(line, "Fargate has no task of this size"));
            }
        }
    }
    let count = node
        .at(&["deploy", "replicas"])
        .or_else(|| node.get("scale"));
    let count = count
        .and_then(Node::text)
        .and_then(|text| text::with_defaults(text).parse().ok());
    service.count = count.filter(|count| *count != 1).map(Count::Fixed);
    if node.at(&["deploy", "mode"]).and_then(Node::text) == Some("global") {
        let line = node
            .at(&["deploy", "mode"])
            .map_or(node.line, |mode| mode.line);
        service.notes.push(project.note(
            line,
            "deploy.mode global: Fargate has no nodes; `count` says how many tasks run",
        ));
    }
    for entry in node.get("deploy").map(Node::entries).unwrap_or_default() {
        if !["replicas", "resources", "mode", "restart_policy", "labels"]
            .contains(&entry.key.as_str())
        {
            let what = match entry.key.as_str() {
                "update_config" | "rollback_config" => format!(
                    "deploy.{}: `deployment` has min_healthy, max and circuit_breaker",
                    entry.key
                ),
                key => format!("deploy.{key}: nothing of it is in this file"),
            };
            service.notes.push(project.note(entry.line, what));
        }
    }
}

fn depends_on(project: &Project<'_>, node: &Node, service: &mut Service) {
    let Some(waits) = node.get("depends_on") else {
        return;
    };
    let listed = waits
        .items()
        .iter()
        .filter_map(|item| Some((item.text()?.to_owned(), item.line, None)));
    let mapped = waits.entries().iter().map(|entry| {
        let condition = entry.value.get("condition").and_then(Node::text);
        (entry.key.clone(), entry.line, condition)
    });
    for (name, line, condition) in listed.chain(mapped) {
        let Some(ours) = project.names.get(&name) else {
            continue;
        };
        let is_left_out = project
            .source
            .root
            .at(&["services", &name, "profiles"])
            .is_some();
        if is_left_out {
            continue;
        }
        if condition == Some("service_completed_successfully") {
            let what = format!(
                "depends_on {name}: nothing here waits for a service to end; one that ends is started again, so move what it does to a container with `essential: false`"
            );
            service.notes.push(project.note(line, what));
            continue;
        }
        if !service.depends_on.contains(ours) {
            service.depends_on.push(ours.clone());
        }
    }
}

fn not_carried_over(project: &Project<'_>, node: &Node, service: &mut Service) {
    for entry in node.entries() {
        let what = match entry.key.as_str() {
            key if SILENT.contains(&key) || key.starts_with("x-") => continue,
            "restart" if entry.value.text() != Some("no") => continue,
            "restart" => "restart no: ECS starts a task again whenever it ends".to_owned(),
            "volumes" | "tmpfs" => {
                for volume in entry.value.one_or_more() {
                    let named = volume.text().or_else(|| volume.get("target").and_then(Node::text));
                    let what = format!(
                        "volume {}: not supported; what a task writes to its disk goes with the task",
                        named.unwrap_or("without a name")
                    );
                    service.notes.push(project.note(volume.line, what));
                }
                continue;
            }
            "networks" => continue,
            "secrets" | "configs" => format!("{}: put the values into parameters or secrets of AWS, and name them under `secrets`", entry.key),
            "logging" => "logging: the output goes to CloudWatch Logs".to_owned(),
            "labels" => "labels: `tags` at the top are for AWS".to_owned(),
            "extends" => "extends: the other file is not read; run `navi init` on what `docker compose config` prints".to_owned(),
            key => format!("{key}: a stack file has nothing for it"),
        };
        service.notes.push(project.note(entry.line, what));
    }
}
