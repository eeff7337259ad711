//! How does the load balancer reach a service?

use crate::stack::file;
use crate::stack::place::Place;
use crate::stack::problem::Problems;
use crate::stack::resolved::{Container, HealthCheck, Route, Service};
use crate::stack::suggest;

use super::services::{Settings, seconds};

pub(super) fn resolve(
    route: &file::Route,
    settings: &Settings,
    containers: &[Container],
    problems: &mut Problems,
) -> Option<Route> {
    let place = settings.place.at("route");
    let target = target(route.to.as_deref(), settings, containers, problems);
    let health_check = health_check(settings, problems);
    let deregistration_delay_seconds = seconds(
        settings
            .own
            .deregistration_delay
            .as_ref()
            .or(settings.defaults.deregistration_delay.as_ref()),
        (30, 0..=3600),
        &settings.place_of("deregistration_delay"),
        problems,
    );
    if let Some(host) = &route.host {
        check_host(host, &place.at("host"), problems);
    }
    if let Some(path) = &route.path {
        check_path(path, &place.at("path"), problems);
    }
    // A rule needs a condition; the path `/*` holds for every request.
    let path = route
        .path
        .clone()
        .or_else(|| route.host.is_none().then(|| "/*".to_owned()));
    let (container, container_port) = target?;
    Some(Route {
        host: route.host.as_ref().map(|host| host.to_ascii_lowercase()),
        path,
        priority: route.priority.unwrap_or(UNSET_PRIORITY),
        container,
        container_port,
        target_group_port: route.target_group_port.unwrap_or(container_port),
        health_check,
        deregistration_delay_seconds,
    })
}

/// Priorities begin at 1, so this one is never given.
const UNSET_PRIORITY: u32 = 0;

/// The more specific rule comes first, so that a catch-all hides nothing; then the order of the file counts.
pub(super) fn fill_priorities(services: &mut [Service]) {
    let mut taken: Vec<u32> = services
        .iter()
        .filter_map(|service| Some(service.route.as_ref()?.priority))
        .collect();
    for route in services
        .iter_mut()
        .filter_map(|service| service.route.as_mut())
    {
        if route.priority != UNSET_PRIORITY {
            continue;
        }
        let mut priority = match (&route.host, route.path.as_deref()) {
            (Some(_), Some(_)) => 10_000,
            (Some(_), None) => 20_000,
            (None, Some("/*") | None) => 40_000,
            (None, Some(_)) => 30_000,
        };
        while taken.contains(&priority) {
            priority += 10;
        }
        taken.push(priority);
        route.priority = priority;
    }
}

/// What a host-header condition takes: 128 characters, a dot, only letters after the last one.
fn check_host(host: &str, place: &Place, problems: &mut Problems) {
    let last = host.rsplit('.').next().unwrap_or("");
    let is_allowed =
        |character: char| character.is_ascii_alphanumeric() || "-.*?".contains(character);
    let is_host = host.len() <= 128
        && host.contains('.')
        && host.chars().all(is_allowed)
        && !last.is_empty()
        && last
            .chars()
            .all(|character| character.is_ascii_alphabetic());
    if !is_host {
        problems
            .error(place, format!("`{host}` is not a host name a load balancer can look for"))
            .label("not a host name")
            .hint("at most 128 letters, digits, `-`, `.`, `*` and `?`, with only letters after the last dot; no scheme, no port, no path");
    }
}

fn check_path(path: &str, place: &Place, problems: &mut Problems) {
    let is_allowed = |character: char| {
        character.is_ascii_alphanumeric() || "_-.$/~\"'@:+&()!,;=*?%".contains(character)
    };
    if path.len() > 128 || !path.starts_with(['/', '*']) || !path.chars().all(is_allowed) {
        problems
            .error(
                place,
                format!("`{path}` is not a path pattern a load balancer can look for"),
            )
            .label("not a path pattern")
            .hint("begin with `/`, as in `/api/*`; at most 128 characters, without spaces");
    }
}

fn health_check(settings: &Settings, problems: &mut Problems) -> HealthCheck {
    let fallback = file::HealthCheck::default();
    let own = settings.own.health_check.as_ref().unwrap_or(&fallback);
    let defaults = settings.defaults.health_check.as_ref().unwrap_or(&fallback);
    let place = |key: &str| settings.place_within("health_check", key);
    let interval = own.interval.as_ref().or(defaults.interval.as_ref());
    let timeout = own.timeout.as_ref().or(defaults.timeout.as_ref());
    let errors = problems.error_count();
    // The bounds of CreateTargetGroup (aws-behaviour §2.14).
    let interval_seconds = seconds(interval, (10, 5..=300), &place("interval"), problems);
    let timeout_seconds = seconds(timeout, (5, 2..=120), &place("timeout"), problems);
    if timeout_seconds >= interval_seconds && problems.error_count() == errors {
        problems
            .error(
                &place("timeout").or(place("interval")),
                format!("the health check's timeout of {timeout_seconds}s is not less than its interval of {interval_seconds}s"),
            )
            .label(format!("for the service `{}`", settings.name))
            .hint("an answer must be due before the next question is asked");
    }
    let path = own
        .path
        .clone()
        .or(defaults.path.clone())
        .unwrap_or_else(|| "/".to_owned());
    if !path.starts_with('/') || path.chars().count() > 1024 {
        problems
            .error(
                &place("path"),
                format!("`{path}` is not a health check's path"),
            )
            .hint("begin with `/`; at most 1024 characters");
    }
    let matcher = own
        .matcher
        .as_ref()
        .or(defaults.matcher.as_ref())
        .map_or("200-399", |text| &text.0);
    if !is_matcher(matcher) {
        problems
            .error(
                &place("matcher"),
                format!("`{matcher}` is not a set of statuses"),
            )
            .hint("write `200`, `200,202` or `200-299`, from 200 to 499");
    }
    HealthCheck {
        path,
        interval_seconds,
        timeout_seconds,
        healthy_threshold: own
            .healthy_threshold
            .or(defaults.healthy_threshold)
            .unwrap_or(2),
        unhealthy_threshold: own
            .unhealthy_threshold
            .or(defaults.unhealthy_threshold)
            .unwrap_or(3),
        matcher: matcher.to_owned(),
    }
}

fn is_matcher(matcher: &str) -> bool {
    let status = |text: &str| {
        text.parse::<u16>()
            .ok()
            .filter(|status| text.len() == 3 && (200..=499).contains(status))
    };
    matcher.split(',').all(|part| match part.split_once('-') {
        Some((first, last)) => {
            matches!((status(first), status(last)), (Some(first), Some(last)) if first < last)
        }
        None => status(part).is_some(),
    })
}

pub(super) fn check_unrouted(settings: &Settings, problems: &mut Problems) {
    for key in ["health_check", "deregistration_delay"] {
        if settings.place.at(key).is_given() {
            problems
                .error(
                    settings.place.key_of(key),
                    format!(
                        "`{}` has no route, so its `{key}` has no effect",
                        settings.name
                    ),
                )
                .hint("it is the load balancer's: add `route`, or remove the key");
        }
    }
}

/// The container and port that the load balancer talks to.
fn target(
    to: Option<&str>,
    settings: &Settings,
    containers: &[Container],
    problems: &mut Problems,
) -> Option<(String, u16)> {
    let route = settings.place.at("route");
    match to {
        Some(to) => named_target(to, &route.at("to"), settings, containers, problems),
        None if route.at("to").is_given() => None,
        None => only_target(&route, settings, containers, problems),
    }
}

/// Ports that are left out for their faults are not missing.
fn ports_are_faulty(settings: &Settings, container: &Container) -> bool {
    settings
        .place
        .at("containers")
        .at(&container.name)
        .at("ports")
        .is_faulty()
}

fn only_target(
    route: &Place,
    settings: &Settings,
    containers: &[Container],
    problems: &mut Problems,
) -> Option<(String, u16)> {
    let targets: Vec<(String, u16)> = containers
        .iter()
        .flat_map(|container| {
            container
                .ports
                .iter()
                .map(|port| (container.name.clone(), *port))
        })
        .collect();
    if let [target] = targets.as_slice() {
        return Some(target.clone());
    }
    // Without containers there is already an error that says so.
    let is_known = !containers
        .iter()
        .any(|container| ports_are_faulty(settings, container));
    if !containers.is_empty() && is_known {
        let hint = match targets.first() {
            Some(_) => {
                let all: Vec<String> = targets
                    .iter()
                    .map(|(name, port)| format!("`to: {name}:{port}`"))
                    .collect();
                format!("choose one: {}", all.join(", "))
            }
            None => {
                "give the container that serves it `ports: [80]`, or what it listens on".to_owned()
            }
        };
        let count = if targets.is_empty() {
            "no port"
        } else {
            "several ports"
        };
        problems
            .error(
                route,
                format!(
                    "the containers of `{}` have {count} for the route",
                    settings.name
                ),
            )
            .hint(hint);
    }
    None
}

fn named_target(
    to: &str,
    place: &Place,
    settings: &Settings,
    containers: &[Container],
    problems: &mut Problems,
) -> Option<(String, u16)> {
    let parsed = to
        .split_once(':')
        .and_then(|(name, port)| Some((name, port.parse::<u16>().ok()?)));
    let Some((name, port)) = parsed else {
        problems
            .error(place, format!("`{to}` is not a container and a port"))
            .label("not a target")
            .hint("write `container:port`, as in `web:80`");
        return None;
    };
    let Some(container) = containers.iter().find(|container| container.name == name) else {
        if !containers.is_empty() {
            let known: Vec<&str> = containers
                .iter()
                .map(|container| container.name.as_str())
                .collect();
            problems
                .error(
                    place,
                    format!("the service `{}` has no container `{name}`", settings.name),
                )
                .label("unknown container")
                .maybe_hint(suggest::hint(name, &known));
        }
        return None;
    };
    if !container.ports.contains(&port) && !ports_are_faulty(settings, container) {
        let ports: Vec<String> = container.ports.iter().map(u16::to_string).collect();
        let listening = if ports.is_empty() {
            "it has none".to_owned()
        } else {
            format!("it has {}", ports.join(", "))
        };
        problems
            .error(place, format!("the container `{name}` has no port {port}"))
            .label("unknown port")
            .hint(format!(
                "add {port} to the container's `ports`; {listening}"
            ));
        return None;
    }
    Some((name.to_owned(), port))
}
