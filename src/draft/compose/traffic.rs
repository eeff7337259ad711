//! Who is visited from outside, and who talks to whom? Compose lets everybody reach everybody; a stack file says it.

use super::Project;
use crate::draft::source::Node;
use crate::draft::{Draft, Route};

/// Published on the host: port there and in the container.
pub struct Asked {
    pub service: String,
    pub published: Vec<Published>,
}

#[derive(Clone, Debug)]
pub struct Published {
    pub port: u16,
    pub target: u16,
    pub line: usize,
}

/// What a load balancer can't speak: databases, queues, mail, name servers, shells.
const NOT_HTTP: [u16; 24] = [
    21, 22, 25, 53, 143, 389, 465, 587, 993, 1433, 1521, 1883, 2181, 3306, 4222, 5432, 5433, 5672,
    6379, 6380, 8125, 9092, 11211, 27017,
];

/// Ports that people publish what is to be visited at, the likeliest first.
const FRONT: [u16; 8] = [443, 80, 8080, 3000, 8000, 5000, 8443, 8888];

pub fn connect(project: &Project<'_>, services: &Node, draft: &mut Draft, asked: &[Asked]) {
    route(project, draft, asked);
    name_each_other(project, draft);
    for entry in services.entries() {
        let Some(from) = project.names.get(&entry.key) else {
            continue;
        };
        let listed = ["depends_on", "links"];
        let others = listed.iter().filter_map(|key| entry.value.get(key));
        for other in others.flat_map(called) {
            let name = other.split(':').next().unwrap_or_default();
            if let Some(to) = project.names.get(name) {
                let_in_everywhere(draft, from, to);
            }
        }
    }
    unreached(project, draft, asked);
}

/// Names in a list, or the keys of a mapping.
fn called(node: &Node) -> Vec<String> {
    let listed = node.items().iter().filter_map(|item| item.text());
    let keys = node.entries().iter().map(|entry| entry.key.as_str());
    listed.chain(keys).map(str::to_owned).collect()
}

fn let_in_everywhere(draft: &mut Draft, from: &str, to: &str) {
    if draft.services.iter().all(|service| service.name != from) {
        return;
    }
    if let Some(service) = draft.service_mut(to) {
        for port in service.ports() {
            service.let_in(from, port);
        }
    }
}

/// One service answers whatever nobody else does; the others need a host or a path that only their owner knows.
fn route(project: &Project<'_>, draft: &mut Draft, asked: &[Asked]) {
    let mut fronts: Vec<(&str, &Published)> = asked
        .iter()
        .filter_map(|one| {
            let mut http = one
                .published
                .iter()
                .filter(|port| !NOT_HTTP.contains(&port.port) && !NOT_HTTP.contains(&port.target));
            Some((one.service.as_str(), http.next()?))
        })
        .collect();
    let rank = |published: &Published| {
        let place = |port: u16| FRONT.iter().position(|front| *front == port);
        place(published.port)
            .or_else(|| place(published.target))
            .unwrap_or(FRONT.len())
    };
    fronts.sort_by_key(|(_, published)| rank(published));
    for (index, (name, published)) in fronts.into_iter().enumerate() {
        let note = project.note(
            published.line,
            format!(
                "published on port {}: `route: {{ host: … }}` or `route: {{ path: … }}` lets the load balancer reach it",
                published.port
            ),
        );
        let Some(service) = draft.service_mut(name) else {
            continue;
        };
        match index {
            0 => {
                let to =
                    (service.ports().len() > 1).then(|| format!("{name}:{}", published.target));
                service.route = Some(Route {
                    to,
                    ..Route::default()
                });
            }
            _ => service.notes.push(note),
        }
    }
}

/// A service is called `db` under Compose, and `db.NAMESPACE` here: in values that name another one as a host.
fn name_each_other(project: &Project<'_>, draft: &mut Draft) {
    let Some(namespace) = draft.namespace.clone() else {
        return;
    };
    let mut heard: Vec<(String, String, Option<u16>)> = Vec::new();
    for service in &mut draft.services {
        let name = service.name.clone();
        for container in &mut service.containers {
            for (_, value) in &mut container.environment {
                for (called, to) in &project.names {
                    if let Some((renamed, port)) =
                        with_host(value, called, &format!("{to}.{namespace}"))
                    {
                        *value = renamed;
                        heard.push((name.clone(), to.clone(), port));
                    }
                }
            }
        }
    }
    for (from, to, port) in heard {
        if let Some(service) = draft.service_mut(&to)
            && service.ports().is_empty()
            && let (Some(port), Some(container)) = (port, service.containers.first_mut())
        {
            container.ports.push(port);
        }
        let_in_everywhere(draft, &from, &to);
    }
}

/// The value with a host renamed, and the port that it names. A host stands alone, before a port, or in an address.
fn with_host(value: &str, called: &str, renamed: &str) -> Option<(String, Option<u16>)> {
    let mut found = None;
    for (at, _) in value.match_indices(called) {
        let before = &value[..at];
        let after = &value[at + called.len()..];
        let begins = before.is_empty()
            || before.ends_with("//")
            || before.ends_with('@')
            || before.ends_with(',');
        let ends = after.is_empty() || after.starts_with([':', '/', ',', '?']);
        if begins && ends {
            let digits = after.strip_prefix(':').unwrap_or_default();
            let length = digits
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(digits.len());
            let port = digits[..length].parse().ok();
            // `web` alone may be a word; in an address it is a host.
            found = Some((format!("{before}{renamed}{after}"), port));
            break;
        }
    }
    found
}

/// Services with ports that nobody would reach.
fn unreached(project: &Project<'_>, draft: &mut Draft, asked: &[Asked]) {
    for service in &mut draft.services {
        if service.route.is_some() || !service.allow.is_empty() || service.ports().is_empty() {
            continue;
        }
        let published = asked.iter().find(|one| one.service == service.name);
        let Some(port) = published.and_then(|one| one.published.first()) else {
            continue;
        };
        if NOT_HTTP.contains(&port.port) || NOT_HTTP.contains(&port.target) {
            let what = format!(
                "published on port {}: nobody reaches it here before `allow` names them, as in `allow: [{{ from: web, port: {} }}]`",
                port.port, port.target
            );
            service.notes.push(project.note(port.line, what));
        }
    }
}
