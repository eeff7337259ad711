//! Which recorded objects does the stack only call otherwise now? What is no longer wanted at its address, and is what
//! is wanted at a new one, is neither removed nor made: it moves.
//!
//! So a listener rule stays when its service gets another name, and nobody is turned away while one rule goes and
//! another comes at the same priority; so does all whose physical name the file keeps.

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
            return moves;
        }
        recorded = recorded.relocating(&found);
        moves.extend(found);
    }
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
    use crate::kinds::security_group::SecurityGroup;
    use crate::kinds::security_group_rules::{PeerRule, SecurityGroupRules};
    use crate::resource::{Ref, TagMap};
    use crate::state::Record;

    /// Groups by address with their names in AWS; each lets itself in.
    fn graph(groups: &[(&str, &str)]) -> ResourceGraph {
        let mut graph = GraphBuilder::default();
        let vpc = crate::kinds::vpc::Vpc {
            cidr_block: "10.0.0.0/16".into(),
            enable_dns_support: true,
            enable_dns_hostnames: true,
            tags: TagMap::new(),
            lookup: None,
        };
        graph.add("main", vpc);
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
            let record = Record {
                spec: node.resource.value(),
                outputs: json!({}),
                status,
                token: String::new(),
                lookup: false,
                stands_for: None,
            };
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
}
