//! Which recorded objects does the stack only call otherwise now? What is no longer wanted at its address, and is what
//! is wanted at a new one, is neither removed nor made: it moves.
//!
//! So a listener rule stays when its service gets another name, and nobody is turned away while one rule goes and
//! another comes at the same priority; so does all whose physical name the file keeps. And where two services change
//! hosts, their rules change places and each goes on taking the requests that it took: it only leads elsewhere.

use std::collections::BTreeMap;

use super::recorded::Recorded;
use crate::graph::ResourceGraph;
use crate::resource::{Address, AnyResource};
use crate::state::{State, Status};

/// Where each of them is recorded, and where it is to be. In an order in which they can move.
pub fn moved(
    desired: &ResourceGraph,
    recorded: &Recorded,
    state: &State,
) -> Vec<(Address, Address)> {
    let mut recorded = recorded.clone();
    let mut moves = Vec::new();
    // What refers to something that moved may be known again only by where that is now.
    loop {
        let mut orphans: BTreeMap<(String, String), Vec<Address>> = BTreeMap::new();
        for (address, record, resource) in recorded.iter() {
            let stays = desired.get(address).is_some()
                || address.is_deposed()
                || record.lookup
                || record.status == Status::Deleting;
            if let Some(identity) = identity(address, &**resource).filter(|_| !stays) {
                orphans.entry(identity).or_default().push(address.clone());
            }
        }
        let mut newcomers: BTreeMap<(String, String), Vec<Address>> = BTreeMap::new();
        for node in desired.in_order() {
            let is_new = !recorded.contains(&node.address)
                && !state.unresolved.contains_key(&node.address)
                && !node.resource.is_lookup();
            if let Some(identity) = identity(&node.address, &*node.resource).filter(|_| is_new) {
                let addresses = newcomers.entry(identity).or_default();
                addresses.push(node.address.clone());
            }
        }
        let found: BTreeMap<Address, Address> = orphans
            .into_iter()
            .filter_map(
                |(identity, from)| match (&*from, &**newcomers.get(&identity)?) {
                    ([from], [to]) => Some((from.clone(), to.clone())),
                    // Which of them it is can't be told.
                    _ => None,
                },
            )
            .collect();
        if found.is_empty() {
            moves.extend(exchanged(desired, &recorded, state));
            return moves;
        }
        recorded = recorded.relocating(&found);
        moves.extend(found);
    }
}

/// Where those are to be that direct traffic (listener rules) and are wanted, as they are, at an address that another one
/// has or had. Who is displaced and wanted nowhere takes the place that was left, and changes there.
fn exchanged(
    desired: &ResourceGraph,
    recorded: &Recorded,
    state: &State,
) -> Vec<(Address, Address)> {
    let mut has: BTreeMap<(String, String), Vec<Address>> = BTreeMap::new();
    for (address, record, resource) in recorded.iter() {
        let stands = resource.directs_traffic()
            && !address.is_deposed()
            && !record.lookup
            && record.status != Status::Deleting;
        if let Some(identity) = identity(address, &**resource).filter(|_| stands) {
            has.entry(identity).or_default().push(address.clone());
        }
    }
    let mut moving: BTreeMap<Address, Address> = BTreeMap::new();
    let mut wants: BTreeMap<(String, String), Vec<Address>> = BTreeMap::new();
    for node in desired.in_order() {
        let stands = node.resource.directs_traffic()
            && !node.resource.is_lookup()
            && !state.unresolved.contains_key(&node.address);
        if let Some(identity) = identity(&node.address, &*node.resource).filter(|_| stands) {
            wants
                .entry(identity)
                .or_default()
                .push(node.address.clone());
        }
    }
    for (identity, from) in &has {
        if let ([from], Some([to])) = (&**from, wants.get(identity).map(Vec::as_slice))
            && from != to
        {
            moving.insert(from.clone(), to.clone());
        }
    }
    let is_stuck = |to: &&Address| {
        recorded
            .get(to)
            .is_some_and(|(record, _)| record.lookup || record.status == Status::Deleting)
    };
    if moving.values().any(|to| is_stuck(&to)) {
        return Vec::new();
    }
    let comes_from: BTreeMap<Address, Address> = moving
        .iter()
        .map(|(from, to)| (to.clone(), from.clone()))
        .collect();
    for (to, from) in &comes_from {
        if recorded.contains(to) && !moving.contains_key(to) {
            let mut left = from;
            while let Some(from) = comes_from.get(left) {
                left = from;
            }
            moving.insert(to.clone(), left.clone());
        }
    }
    one_by_one(moving, |address| recorded.contains(address))
}

/// The moves in an order in which each finds its place free. In a circle one steps aside first: should the run break off
/// just then, the next one finds it there, wanted elsewhere.
fn one_by_one(
    mut moving: BTreeMap<Address, Address>,
    recorded: impl Fn(&Address) -> bool,
) -> Vec<(Address, Address)> {
    let mut moves: Vec<(Address, Address)> = Vec::new();
    let mut left: Vec<Address> = Vec::new();
    while !moving.is_empty() {
        let free = moving
            .iter()
            .find(|(_, to)| !moving.contains_key(to) && (!recorded(to) || left.contains(to)));
        let next = free.map(|(from, to)| (from.clone(), to.clone()));
        let Some((from, to)) = next.or_else(|| {
            let (from, _) = moving.first_key_value()?;
            let aside = Address::new(from.kind(), format!("{}+aside", from.name()));
            Some((from.clone(), aside))
        }) else {
            break;
        };
        match moving.remove(&from) {
            Some(wanted) if wanted != to => drop(moving.insert(to.clone(), wanted)),
            _ => {}
        }
        left.push(from.clone());
        moves.push((from, to));
    }
    moves
}

fn identity(address: &Address, resource: &dyn AnyResource) -> Option<(String, String)> {
    Some((address.kind().to_owned(), resource.identity()?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::graph::GraphBuilder;
    use crate::kinds::listener::{DefaultAction, Listener, ListenerProtocol};
    use crate::kinds::listener_rule::ListenerRule;
    use crate::kinds::load_balancer::{LoadBalancer, Scheme};
    use crate::kinds::security_group::SecurityGroup;
    use crate::kinds::security_group_rules::{PeerRule, SecurityGroupRules};
    use crate::kinds::target_group::{HealthCheck, TargetGroup};
    use crate::kinds::vpc::Vpc;
    use crate::resource::{Ref, TagMap, dispatch};
    use crate::state::Record;

    fn vpc() -> Vpc {
        Vpc {
            cidr_block: "10.0.0.0/16".into(),
            enable_dns_support: true,
            enable_dns_hostnames: true,
            tags: TagMap::new(),
            lookup: None,
        }
    }

    fn record(spec: serde_json::Value, status: Status) -> Record {
        Record {
            spec,
            outputs: json!({}),
            status,
            token: String::new(),
            lookup: false,
            stands_for: None,
        }
    }

    /// Groups by address with their names in AWS; each lets itself in.
    fn graph(groups: &[(&str, &str)]) -> ResourceGraph {
        let mut graph = GraphBuilder::default();
        graph.add("main", vpc());
        for (name, group_name) in groups {
            let group = SecurityGroup {
                vpc: Ref::exists("main"),
                group_name: (*group_name).to_owned(),
                description: "a group".into(),
                ingress: Vec::new(),
                egress: Vec::new(),
                tags: TagMap::new(),
            };
            graph.add(*name, group);
            let rules = SecurityGroupRules {
                group: Ref::exists(*name),
                rules: vec![PeerRule::tcp(80, Ref::exists(*name))],
            };
            graph.add(*name, rules);
        }
        graph.finish().unwrap()
    }

    fn moves(before: &[(&str, &str)], after: &[(&str, &str)], status: Status) -> Vec<String> {
        let before = graph(before);
        let mut state = State::new("live");
        let mut resources = BTreeMap::new();
        for node in before.in_order() {
            let record = record(node.resource.value(), status);
            state.resources.insert(node.address.clone(), record);
            resources.insert(node.address.clone(), Arc::clone(&node.resource));
        }
        let recorded = Recorded::new(&state, resources);
        let moves = moved(&graph(after), &recorded, &state);
        let relocated = state.relocated(&moves);
        for (from, to) in &moves {
            assert!(!relocated.resources.contains_key(from));
            assert!(relocated.resources.contains_key(to));
        }
        moves
            .iter()
            .map(|(from, to)| format!("{from} {to}"))
            .collect()
    }

    #[test]
    fn what_only_has_another_address_moves_with_what_is_known_by_it() {
        assert_eq!(
            moves(&[("web", "web-sg")], &[("site", "web-sg")], Status::Ready),
            [
                "security_group.web security_group.site",
                "security_group_rules.web security_group_rules.site"
            ]
        );
    }

    #[test]
    fn another_name_in_aws_is_another_object() {
        let none = Vec::<String>::new();
        let first = [("web", "web-sg")];
        assert_eq!(moves(&first, &[("site", "site-sg")], Status::Ready), none);
        assert_eq!(moves(&first, &first, Status::Ready), none);
        // Its removal has begun: it is not to be had any more.
        assert_eq!(moves(&first, &[("site", "web-sg")], Status::Deleting), none);
        // Still wanted where it is.
        let both = [("web", "other-sg"), ("site", "web-sg")];
        assert_eq!(moves(&first, &both, Status::Ready), none);
    }

    #[test]
    fn what_two_could_be_is_nobody() {
        let twins = [("a", "same"), ("b", "same")];
        assert_eq!(
            moves(&twins, &[("c", "same")], Status::Ready),
            Vec::<String>::new()
        );
    }

    /// Rules by address, each for its host.
    fn rules(rules: &[(&str, &str)]) -> ResourceGraph {
        let mut graph = GraphBuilder::default();
        for (name, host) in rules {
            graph.add(
                *name,
                ListenerRule {
                    listener: Ref::exists("routes"),
                    priority: 1,
                    host_headers: vec![(*host).to_owned()],
                    path_patterns: Vec::new(),
                    target_group: Ref::exists("web"),
                    turning_from: None,
                    tags: TagMap::new(),
                },
            );
        }
        let balancer = LoadBalancer {
            name: "lb".into(),
            scheme: Scheme::InternetFacing,
            vpc: None,
            subnets: Vec::new(),
            security_groups: Vec::new(),
            internet_gateway: None,
            route_tables: Vec::new(),
            deletion_protection: None,
            idle_timeout_seconds: None,
            tags: TagMap::new(),
        };
        graph.add("main", balancer);
        let group = TargetGroup {
            name: "web".into(),
            port: 80,
            vpc: Ref::exists("main"),
            load_balancer: None,
            health_check: HealthCheck {
                path: "/".into(),
                interval_seconds: 10,
                timeout_seconds: 5,
                healthy_threshold_count: 2,
                unhealthy_threshold_count: 2,
                matcher: "200".into(),
            },
            deregistration_delay_seconds: None,
            tags: TagMap::new(),
        };
        graph.add("web", group);
        let listener = Listener {
            load_balancer: Ref::exists("main"),
            port: 80,
            protocol: ListenerProtocol::Http,
            ssl_policy: None,
            certificate: None,
            default_action: DefaultAction::Forward(Ref::exists("web")),
            tags: TagMap::new(),
        };
        graph.add("routes", listener);
        graph.add("main", vpc());
        graph.finish().unwrap()
    }

    fn decoded(state: &State) -> Recorded {
        let decode = |address: &Address, spec: &serde_json::Value| match address.kind() {
            "vpc" => dispatch::decode::<Vpc>(spec),
            "load_balancer" => dispatch::decode::<LoadBalancer>(spec),
            "target_group" => dispatch::decode::<TargetGroup>(spec),
            "listener" => dispatch::decode::<Listener>(spec),
            _ => dispatch::decode::<ListenerRule>(spec),
        };
        let resources = state.resources.iter();
        let resources = resources
            .map(|(address, record)| (address.clone(), decode(address, &record.spec).unwrap()));
        Recorded::new(state, resources.collect())
    }

    /// The moves from the one to the other; and from wherever a run broke off between them every rule still comes to
    /// where its host is wanted, if it is.
    fn exchange(before: &[(&str, &str)], after: &[(&str, &str)]) -> Vec<String> {
        let mut state = State::new("live");
        for node in rules(before).in_order() {
            let spec = node.resource.value();
            state
                .resources
                .insert(node.address.clone(), record(spec, Status::Ready));
        }
        let (after_graph, first) = (rules(after), state.clone());
        let moved_in = |state: &State| moved(&after_graph, &decoded(state), state);
        let moves = moved_in(&state);
        for made in 0..=moves.len() {
            let broken_off = first.clone().relocated(&moves[..made]);
            let rest = moved_in(&broken_off);
            let ended = broken_off.relocated(&rest);
            for (name, host) in after {
                let at = Address::new("listener_rule", *name);
                let stays = |rule: &Record| rule.spec["host_headers"][0] == *host;
                let is_known = before.iter().any(|(_, known)| known == host);
                assert!(
                    !is_known || ended.resources.get(&at).is_some_and(stays),
                    "{name}: {host} after {made} of {moves:?}"
                );
            }
            assert_eq!(ended.resources.len(), first.resources.len());
        }
        let moves = moves
            .iter()
            .map(|(from, to)| format!("{} {}", from.name(), to.name()));
        moves.collect()
    }

    #[test]
    fn rules_whose_hosts_change_places_change_places_with_them() {
        let first = [("web", "a"), ("api", "b")];
        assert_eq!(
            exchange(&first, &[("web", "b"), ("api", "a")]),
            ["api api+aside", "web api", "api+aside web"]
        );
        // Who is displaced takes the place that was left.
        assert_eq!(
            exchange(&first, &[("web", "b"), ("api", "c")]),
            ["api api+aside", "web api", "api+aside web"]
        );
        // At the end of the row there is room.
        assert_eq!(
            exchange(&first, &[("shop", "a"), ("web", "b"), ("api", "c")]),
            ["web shop", "api web"]
        );
        assert_eq!(exchange(&first, &[("web", "c"), ("api", "b")]), [""; 0]);
        assert_eq!(exchange(&first, &first), [""; 0]);
        let three = [("x", "a"), ("y", "b"), ("z", "c")];
        assert_eq!(
            exchange(&three, &[("x", "c"), ("y", "a"), ("z", "b")]),
            ["x x+aside", "z x", "y z", "x+aside y"]
        );
    }
}
