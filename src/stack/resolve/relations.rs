//! Do the parts of the stack go together: services with each other, with the subnets and with the load balancer?

use std::collections::BTreeMap;

use crate::stack::place::Place;
use crate::stack::problem::Problems;
use crate::stack::resolved::{AllowSource, Nat, Retention, Route, Service, Stack, Tier};
use crate::stack::suggest;

use super::network::{LOAD_BALANCER_PREFIX, place_of};
use super::{endpoints, existing};

pub(super) fn check(stack: &Stack, place: &Place, problems: &mut Problems) {
    existing::check(stack, place, problems);
    endpoints::check(stack, place, problems);
    check_load_balancer_subnets(stack, place, problems);
    check_service_subnets(stack, place, problems);
    check_routes(stack, place, problems);
    check_references(stack, place, problems);
    check_cycles(stack, place, problems);
    check_discovery_names(stack, place, problems);
    check_private_zone(stack, place, problems);
    check_log_groups(stack, place, problems);
}

/// Two zones and a /27 in each (aws-behaviour §1 row 14).
fn check_load_balancer_subnets(stack: &Stack, place: &Place, problems: &mut Problems) {
    if stack.ingress.is_none() || stack.network.existing.is_some() {
        return;
    }
    let subnets = place.at("network").at("subnets");
    let public: Vec<_> = stack.network.subnets_of(Tier::Public).collect();
    // What the file names counts, even if it is faulty.
    let count = subnets.at("public").keys().len();
    if subnets.is_given() && count < 2 {
        problems
            .error(
                &subnets.at("public"),
                format!("a load balancer needs public subnets in two zones, and there is {}", if count == 0 { "none" } else { "one" }),
            )
            .hint("add public subnets under `network.subnets.public`, or leave out `subnets` for two of them");
    }
    for subnet in public
        .iter()
        .filter(|subnet| subnet.cidr.prefix_len() > LOAD_BALANCER_PREFIX)
    {
        problems
            .error(
                &place_of(subnet, &subnets),
                format!("{} is too small for a load balancer", subnet.cidr),
            )
            .label("too small")
            .hint("each of its subnets must be a /27 or larger");
    }
}

fn check_service_subnets(stack: &Stack, place: &Place, problems: &mut Problems) {
    if stack.network.existing.is_some() {
        return;
    }
    let network = place.at("network");
    let subnets = network.at("subnets");
    let may_have_nat = stack.network.nat != Nat::None || network.at("nat").is_faulty();
    // Whether they are the right ones is asked elsewhere.
    let may_have_endpoints = network.at("endpoints").is_given();
    for service in &stack.services {
        let here = place_of_tier(service, place);
        if service.subnets == Tier::Private && !may_have_nat && !may_have_endpoints {
            problems
                .error(&here, format!("`{}` runs in private subnets, from where it cannot pull its image", service.name))
                .label("no way out")
                .hint("set `network.nat: single` (a NAT gateway is charged by the hour) or `network.endpoints`, or `subnets: public` for the service");
        } else if subnets.is_given() && subnets.at(service.subnets.as_str()).keys().is_empty() {
            let tier = service.subnets.as_str();
            problems
                .error(
                    &here,
                    format!(
                        "`{}` runs in {tier} subnets, and there is none",
                        service.name
                    ),
                )
                .label(format!("no {tier} subnets"))
                .hint(format!("add some under `network.subnets.{tier}`"));
        }
    }
}

/// Where it is said in which subnets a service runs.
pub(super) fn place_of_tier<'tree>(service: &Service, place: &Place<'tree>) -> Place<'tree> {
    let own = place.at("services").at(&service.name).at("subnets");
    match own.is_given() {
        true => own,
        false => place.at("defaults").at("subnets").or(own),
    }
}

fn routes(stack: &Stack) -> impl Iterator<Item = (&Service, &Route)> {
    stack
        .services
        .iter()
        .filter_map(|service| Some((service, service.route.as_ref()?)))
}

fn check_routes(stack: &Stack, place: &Place, problems: &mut Problems) {
    let all: Vec<(&Service, &Route)> = routes(stack).collect();
    let route_place = |service: &Service| place.at("services").at(&service.name).at("route");
    for (index, (service, route)) in all.iter().enumerate() {
        let here = route_place(service);
        if let Some((other, _)) = all[..index]
            .iter()
            .find(|(_, other)| other.priority == route.priority)
        {
            problems
                .error(&here.at("priority"), format!("`{}` and `{}` have the same priority {}", other.name, service.name, route.priority))
                .label("given again here")
                .also(route_place(other).at("priority").span(), "first given here")
                .hint("the rules of a listener need different priorities; leave them out to have them chosen");
        }
        let same = |other: &Route| other.host == route.host && other.path == route.path;
        if let Some((other, _)) = all[..index].iter().find(|(_, other)| same(other)) {
            let what = route
                .host
                .as_deref()
                .or(route.path.as_deref())
                .unwrap_or_default();
            let key = if route.host.is_some() { "host" } else { "path" };
            problems
                .error(
                    &here.at(key),
                    format!(
                        "`{}` and `{}` both answer for `{what}`",
                        other.name, service.name
                    ),
                )
                .label("given again here")
                .also(route_place(other).at(key).span(), "first given here")
                .hint("tell them apart by `host` or by `path`");
        }
    }
    if all.is_empty() && place.at("ingress").is_given() && problems.error_count() == 0 {
        problems
            .warning(
                place.key_of("ingress"),
                "a load balancer is paid for, but no service has a route",
            )
            .hint("give a service `route: {}`, or remove `ingress`");
    }
}

fn check_references(stack: &Stack, place: &Place, problems: &mut Problems) {
    let services = place.at("services");
    let known = services.keys();
    for service in &stack.services {
        let here = services.at(&service.name);
        for (index, name) in service.depends_on.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let others: Vec<&str> = known
                    .iter()
                    .copied()
                    .filter(|known| *known != service.name)
                    .collect();
                problems
                    .error(
                        &here.at("depends_on").item(index),
                        format!(
                            "`{}` depends on `{name}`, which is not a service of this stack",
                            service.name
                        ),
                    )
                    .label("unknown service")
                    .maybe_hint(suggest::hint(name, &others));
            }
        }
        check_sources(stack, service, &known, &here.at("allow"), problems);
    }
}

fn check_sources(
    stack: &Stack,
    service: &Service,
    known: &[&str],
    place: &Place,
    problems: &mut Problems,
) {
    for rule in &service.allow {
        let written = match &rule.from {
            AllowSource::Cidr(_) => continue,
            AllowSource::Ingress => "ingress",
            AllowSource::Service(name) => name,
        };
        // The rules of the file that say so: the implied one stands nowhere.
        let position = place
            .items()
            .into_iter()
            .map(|item| item.at("from"))
            .find(|from| from.text() == Some(written));
        let here = position.unwrap_or_else(|| place.clone());
        if rule.from == AllowSource::Ingress && stack.ingress.is_none() {
            problems
                .error(
                    &here,
                    format!(
                        "`{}` allows the load balancer, and there is none",
                        service.name
                    ),
                )
                .label("no load balancer")
                .hint("add `ingress`, or a `route` to a service");
        } else if rule.from != AllowSource::Ingress && !known.contains(&written) {
            let mut possible = known.to_vec();
            possible.push("ingress");
            problems
                .error(
                    &here,
                    format!(
                        "`{}` allows `{written}`, which is not a service of this stack",
                        service.name
                    ),
                )
                .label("unknown source")
                .maybe_hint(suggest::hint(written, &possible));
        }
    }
}

/// Each cycle once, with the services on it in order.
fn check_cycles(stack: &Stack, place: &Place, problems: &mut Problems) {
    let edges: BTreeMap<&str, &[String]> = stack
        .services
        .iter()
        .map(|service| (service.name.as_str(), service.depends_on.as_slice()))
        .collect();
    let mut done: Vec<&str> = Vec::new();
    for service in &stack.services {
        let mut path = Vec::new();
        if let Some(cycle) = find_cycle(&service.name, &edges, &mut path, &mut done) {
            let (first, text) = (
                cycle[0],
                cycle
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(" → "),
            );
            let here = place.at("services").at(first);
            let message = if cycle.len() == 2 {
                format!("`{first}` depends on itself")
            } else {
                format!("these services wait for each other: {text}")
            };
            problems
                .error(here.key_of("depends_on"), message)
                .label("the circle begins here")
                .hint("remove one of these `depends_on`; services can still call each other once both run");
        }
    }
}

fn find_cycle<'a>(
    name: &'a str,
    edges: &BTreeMap<&'a str, &'a [String]>,
    path: &mut Vec<&'a str>,
    done: &mut Vec<&'a str>,
) -> Option<Vec<&'a str>> {
    if let Some(start) = path.iter().position(|visited| *visited == name) {
        let mut cycle = path[start..].to_vec();
        cycle.push(name);
        return Some(cycle);
    }
    if done.contains(&name) {
        return None;
    }
    path.push(name);
    let mut found = None;
    for next in edges.get(name).copied().unwrap_or_default() {
        found = found.or_else(|| find_cycle(next, edges, path, done));
    }
    path.pop();
    done.push(name);
    found
}

fn check_discovery_names(stack: &Stack, place: &Place, problems: &mut Problems) {
    let mut taken: BTreeMap<String, &Service> = BTreeMap::new();
    for service in &stack.services {
        let Some(discovery) = &service.discovery else {
            continue;
        };
        let place_of = |service: &Service| {
            let name = place
                .at("services")
                .at(&service.name)
                .at("discovery")
                .at("name");
            if name.is_given() {
                name.span()
            } else {
                place.at("services").key_of(&service.name)
            }
        };
        // DNS knows no difference between capital and small letters.
        match taken.get(&discovery.name.to_ascii_lowercase()) {
            Some(other) => {
                problems
                    .error(
                        place_of(service),
                        format!(
                            "`{}` and `{}` are both found as `{}`",
                            other.name, service.name, discovery.name
                        ),
                    )
                    .label("given again here")
                    .also(place_of(other), "first given here")
                    .hint("give one of them another `discovery.name`");
            }
            None => {
                taken.insert(discovery.name.to_ascii_lowercase(), service);
            }
        }
    }
}

/// A private hosted zone answers only in a VPC with both DNS attributes (aws-behaviour §1 row 2).
fn check_private_zone(stack: &Stack, place: &Place, problems: &mut Problems) {
    let network = &stack.network;
    if stack.namespace.is_some() && !(network.dns_support && network.dns_hostnames) {
        let key = if network.dns_support {
            "dns_hostnames"
        } else {
            "dns_support"
        };
        problems
            .warning(
                &place.at("network").at(key),
                "names of the namespace will not resolve in this VPC",
            )
            .hint(
                "set `dns_support` and `dns_hostnames` to true: a private hosted zone needs both",
            );
    }
}

fn check_log_groups(stack: &Stack, place: &Place, problems: &mut Problems) {
    let mut groups: BTreeMap<&str, Retention> = BTreeMap::new();
    for service in &stack.services {
        for container in &service.containers {
            let Some(logs) = &container.logs else {
                continue;
            };
            let first = *groups.entry(&logs.group).or_insert(logs.retention);
            if first != logs.retention {
                let logs_place = place
                    .at("services")
                    .at(&service.name)
                    .at("containers")
                    .at(&container.name)
                    .at("logs");
                problems
                    .error(&logs_place.at("retention"), format!("the log group `{}` has two different retentions", logs.group))
                    .hint("set it once under `defaults.logs`, or give the container a `group` of its own");
            }
        }
    }
}
