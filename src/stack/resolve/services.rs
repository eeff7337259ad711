//! What is each service, once its own settings and the stack's defaults are put together?

use crate::stack::file;
use crate::stack::place::Place;
use crate::stack::problem::Problems;
use crate::stack::resolved::{
    AllowRule, AllowSource, Discovery, HealthCheck, Nat, RecordType, Route, Service, ServiceNames,
    Tier,
};
use crate::stack::{fargate, scalars};

use super::containers;

/// What the rest of the stack means for a service.
pub(super) struct Context<'a> {
    pub stack: &'a str,
    pub nat: Nat,
    pub has_namespace: bool,
}

/// One service as the file has it, beside the defaults.
pub(super) struct Settings<'a, 'tree> {
    pub name: &'a str,
    pub own: &'a file::Service,
    pub place: Place<'tree>,
    pub defaults: &'a file::Defaults,
    pub defaults_place: Place<'tree>,
}

impl<'tree> Settings<'_, 'tree> {
    /// Where a setting is made: in the service, or else in the defaults.
    pub(super) fn place_of(&self, key: &str) -> Place<'tree> {
        let own = self.place.at(key);
        if own.is_given() {
            own
        } else {
            self.defaults_place.at(key).or(own)
        }
    }

    /// Where a key within a setting is given; both levels are taken key by key.
    pub(super) fn place_within(&self, setting: &str, key: &str) -> Place<'tree> {
        let own = self.place.at(setting).at(key);
        if own.is_given() {
            own
        } else {
            self.defaults_place.at(setting).at(key).or(own)
        }
    }
}

pub(super) fn resolve(
    file: &file::StackFile,
    place: &Place,
    context: &Context,
    problems: &mut Problems,
) -> Vec<Service> {
    let fallback = file::Defaults::default();
    let defaults = file.defaults.as_ref().unwrap_or(&fallback);
    let defaults_place = place.at("defaults");
    check_defaults(&defaults_place, context, problems);
    let services_place = place.at("services");
    let entries = file
        .services
        .as_ref()
        .map_or(&[][..], |services| services.0.as_slice());
    if entries.is_empty() && file.services.is_some() && services_place.keys().is_empty() {
        problems
            .error(&services_place, "the stack has no services")
            .hint("name at least one under `services:`");
    }
    let mut services: Vec<Service> = entries
        .iter()
        .map(|(name, own)| {
            let place = services_place.at(name);
            check_name(name, services_place.key_of(name), problems);
            let settings = Settings {
                name,
                own,
                place,
                defaults,
                defaults_place: defaults_place.clone(),
            };
            service(&settings, context, problems)
        })
        .collect();
    fill_priorities(&mut services);
    services
}

fn check_defaults(place: &Place, context: &Context, problems: &mut Problems) {
    if place.at("discovery").is_given() && !context.has_namespace {
        report_no_namespace(&place.at("discovery"), problems);
    }
}

/// The name is a part of physical names and of security group sources.
fn check_name(name: &str, span: std::ops::Range<usize>, problems: &mut Problems) {
    if name == "ingress" {
        problems
            .error(span, "a service cannot be called `ingress`")
            .hint("`from: ingress` means the load balancer; choose another name");
    } else if !is_name(name) {
        problems
            .error(span, format!("`{name}` cannot be the name of a service"))
            .label("not a name")
            .hint("letters, digits and single hyphens, beginning with a letter and not ending with a hyphen");
    }
}

/// What can be a part of every physical name; the load balancer's have the narrowest alphabet.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|character: char| character.is_ascii_alphabetic()) && scalars::is_label(name)
}

fn service(settings: &Settings, context: &Context, problems: &mut Problems) -> Service {
    let Settings { own, defaults, .. } = settings;
    let (cpu, memory) = size(settings, problems);
    let subnets = match own.subnets.or(defaults.subnets) {
        Some(file::Tier::Public) => Tier::Public,
        Some(file::Tier::Private) => Tier::Private,
        None if context.nat == Nat::None => Tier::Public,
        None => Tier::Private,
    };
    let containers = containers::resolve(settings, context, problems);
    let route = own
        .route
        .as_ref()
        .and_then(|route| self::route(route, settings, &containers, problems));
    if !settings.place.at("route").is_given() {
        check_unrouted(settings, problems);
    }
    Service {
        name: settings.name.to_owned(),
        names: names(own.names.as_ref()),
        count: own.count.or(defaults.count).unwrap_or(1),
        cpu,
        memory,
        subnets,
        exec: own.exec.or(defaults.exec).unwrap_or(false),
        allow: allow(settings, route.as_ref(), problems),
        route,
        discovery: discovery(settings, context, problems),
        depends_on: own.depends_on.clone().unwrap_or_default(),
        containers,
    }
}

fn names(file: Option<&file::ServiceNames>) -> ServiceNames {
    let file = file.cloned().unwrap_or_default();
    ServiceNames {
        service: file.service,
        family: file.family,
        target_group: file.target_group,
        security_group: file.security_group,
    }
}

fn size(settings: &Settings, problems: &mut Problems) -> (u32, u32) {
    let cpu = settings.own.cpu.or(settings.defaults.cpu).unwrap_or(256);
    let memories = fargate::memories(cpu);
    let Some(least) = memories.first().copied() else {
        let cpus: Vec<String> = fargate::CPUS.iter().map(u32::to_string).collect();
        problems
            .error(
                &settings.place_of("cpu"),
                format!("Fargate has no tasks of {cpu} CPU units"),
            )
            .label(format!("for the service `{}`", settings.name))
            .hint(format!(
                "possible are {}; 1024 are one vCPU",
                cpus.join(", ")
            ));
        return (cpu, 0);
    };
    let memory = settings
        .own
        .memory
        .or(settings.defaults.memory)
        .unwrap_or(least);
    if !memories.contains(&memory) {
        let mut place = settings.place_of("memory");
        if !place.is_given() {
            place = settings.place_of("cpu");
        }
        problems
            .error(
                &place,
                format!("Fargate has no tasks of {cpu} CPU units and {memory} MiB"),
            )
            .label(format!("for the service `{}`", settings.name))
            .hint(format!(
                "with cpu {cpu} the memory can be {}",
                fargate::describe_memories(cpu)
            ));
    }
    (cpu, memory)
}

fn route(
    route: &file::Route,
    settings: &Settings,
    containers: &[crate::stack::Container],
    problems: &mut Problems,
) -> Option<Route> {
    let place = settings.place.at("route");
    let target = containers::route_target(
        route.to.as_deref(),
        &place,
        settings.name,
        containers,
        problems,
    );
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
fn fill_priorities(services: &mut [Service]) {
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

/// The length of time if it is given and good, the default otherwise.
fn seconds(
    text: Option<&file::DurationText>,
    (default, bounds): (u32, std::ops::RangeInclusive<u32>),
    place: &Place,
    problems: &mut Problems,
) -> u32 {
    text.and_then(|text| scalars::seconds(&text.0, bounds, place, problems))
        .unwrap_or(default)
}

fn check_unrouted(settings: &Settings, problems: &mut Problems) {
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

fn allow(settings: &Settings, route: Option<&Route>, problems: &mut Problems) -> Vec<AllowRule> {
    let services = settings.own.allow.as_ref();
    let place = settings.place.at("allow");
    let mut rules: Vec<AllowRule> = Vec::new();
    for (index, rule) in services.into_iter().flatten().enumerate() {
        let place = place.item(index);
        let (Some(from), Some(port)) = (rule.from.as_deref(), rule.port) else {
            continue;
        };
        let from = match from {
            "ingress" => AllowSource::Ingress,
            range if range.contains(['/', ':']) || range.parse::<std::net::Ipv4Addr>().is_ok() => {
                match scalars::address_range(range, &place.at("from"), problems) {
                    Some(range) => AllowSource::Cidr(range),
                    None => continue,
                }
            }
            service => AllowSource::Service(service.to_owned()),
        };
        let rule = AllowRule { from, port };
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    let implied = route.map(|route| AllowRule {
        from: AllowSource::Ingress,
        port: route.container_port,
    });
    if let Some(implied) = implied.filter(|implied| !rules.contains(implied)) {
        rules.insert(0, implied);
    }
    rules
}

fn discovery(settings: &Settings, context: &Context, problems: &mut Problems) -> Option<Discovery> {
    let own_fallback = file::Discovery::default();
    let own = settings.own.discovery.as_ref().unwrap_or(&own_fallback);
    let defaults_fallback = file::DiscoveryDefaults::default();
    let defaults = settings
        .defaults
        .discovery
        .as_ref()
        .unwrap_or(&defaults_fallback);
    let enabled = own.enabled.or(defaults.enabled).unwrap_or(true);
    let own_place = settings.place.at("discovery");
    if own_place.is_given() && enabled && !context.has_namespace {
        report_no_namespace(&own_place, problems);
    }
    if !enabled || !context.has_namespace {
        return None;
    }
    let ttl = own.ttl.as_ref().or(defaults.ttl.as_ref());
    let name = own.name.clone().unwrap_or_else(|| settings.name.to_owned());
    let is_host = name.len() <= 63
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_'));
    if !is_host || name.is_empty() {
        problems
            .error(&own_place.at("name"), format!("`{name}` cannot be a name under the namespace"))
            .label("not a name")
            .hint("one label of at most 63 letters, digits, `-` and `_`; the namespace comes after it by itself");
    }
    let record_type = match own.record_type.or(defaults.record_type) {
        Some(file::RecordType::A) | None => RecordType::A,
    };
    Some(Discovery {
        name,
        record_type,
        ttl_seconds: seconds(
            ttl,
            (10, 0..=86_400),
            &settings.place_within("discovery", "ttl"),
            problems,
        ),
        failure_threshold: own
            .failure_threshold
            .or(defaults.failure_threshold)
            .unwrap_or(1),
    })
}

fn report_no_namespace(place: &Place, problems: &mut Problems) {
    problems
        .error(place, "there is no namespace for service discovery")
        .label("needs a namespace")
        .hint("add `namespace: { name: my-environment.local }` at the top of the file");
}
