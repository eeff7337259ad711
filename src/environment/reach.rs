//! Who may reach whom? Read off the rules of security groups, those that are recorded or those that AWS has.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde::Serialize;

use super::Specs;
use crate::kinds::ecs_service::EcsService;
use crate::kinds::load_balancer::LoadBalancer;
use crate::kinds::security_group::{
    Peer, Permission, SecurityGroup, SecurityGroupObserved, SecurityGroupOutputs,
};
use crate::kinds::security_group_rules::SecurityGroupRules;
use crate::kinds::vpc::Vpc;
use crate::observe::Observation;
use crate::resource::{Address, Resource};

/// The load balancer, where a service would be named.
const LOAD_BALANCER: &str = "load balancer";

/// One end of a way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "name")]
pub enum Party {
    /// Everybody.
    Internet,
    /// A block of addresses, or what only an ID names.
    Outside(String),
    LoadBalancer,
    /// By its name in the stack file.
    Service(String),
}

/// Somebody may open connections to somebody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Way {
    pub from: Party,
    pub to: Party,
    /// `tcp 80`, `all traffic`.
    pub ports: String,
}

impl std::fmt::Display for Party {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Party::Internet => "internet",
            Party::LoadBalancer => LOAD_BALANCER,
            Party::Outside(name) | Party::Service(name) => name,
        })
    }
}

/// The rules that let traffic into security groups, by the address of the group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(BTreeMap<Address, BTreeSet<Rule>>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    ports: String,
    from: Source,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Block(String),
    Group(Address),
    /// A group or a prefix list that the stack doesn't know.
    Other(String),
}

/// The rules that the stack wants.
pub fn recorded_rules(specs: &Specs) -> Rules {
    let mut rules = Rules::default();
    for (name, group) in specs.all::<SecurityGroup>() {
        let own = rules.of(Address::new(SecurityGroup::KIND, name));
        own.extend(group.ingress.iter().map(|rule| Rule {
            ports: ports(&rule.ip_protocol, rule.from_port.zip(rule.to_port)),
            from: Source::Block(rule.cidr_ipv4.clone()),
        }));
    }
    for (_, peers) in specs.all::<SecurityGroupRules>() {
        let own = rules.of(peers.group.address().clone());
        own.extend(peers.rules.iter().map(|rule| Rule {
            ports: ports(&rule.ip_protocol, rule.from_port.zip(rule.to_port)),
            from: Source::Group(rule.peer.address().clone()),
        }));
    }
    rules
}

/// The rules that AWS has, for the groups that are recorded.
pub fn seen_rules(specs: &Specs, observation: &Observation) -> Rules {
    let names: Vec<Address> = specs
        .all::<SecurityGroup>()
        .map(|(name, _)| Address::new(SecurityGroup::KIND, name))
        .collect();
    let by_id: BTreeMap<String, Address> = names
        .iter()
        .filter_map(|address| {
            let outputs: SecurityGroupOutputs = specs.outputs::<SecurityGroup>(address)?;
            Some((outputs.group_id, address.clone()))
        })
        .collect();
    let mut rules = Rules::default();
    for address in names {
        let seen = observation.seen.get(&address);
        if let Some(group) = seen.and_then(|seen| seen.of::<SecurityGroup>()) {
            rules.of(address).extend(rules_of(group, &by_id));
        }
    }
    rules
}

fn rules_of(group: &SecurityGroupObserved, by_id: &BTreeMap<String, Address>) -> Vec<Rule> {
    let rule = |permission: &Permission| Rule {
        ports: ports(&permission.ip_protocol, permission.ports),
        from: match &permission.peer {
            Peer::Cidr(block) => Source::Block(block.clone()),
            Peer::PrefixList(id) => Source::Other(id.clone()),
            Peer::Group(id) => match by_id.get(id) {
                Some(address) => Source::Group(address.clone()),
                None => Source::Other(id.clone()),
            },
        },
    };
    let all = group.ingress.iter().chain(&group.peer_ingress);
    all.map(rule).collect()
}

fn ports(protocol: &str, ports: Option<(i32, i32)>) -> String {
    match (protocol, ports) {
        ("-1", _) => "all traffic".to_owned(),
        (_, None) => protocol.to_owned(),
        (_, Some((first, last))) if first == last => format!("{protocol} {first}"),
        (_, Some((first, last))) => format!("{protocol} {first}-{last}"),
    }
}

impl Rules {
    fn of(&mut self, group: Address) -> &mut BTreeSet<Rule> {
        self.0.entry(group).or_default()
    }

    /// The ways that the rules open, sorted: a block that holds the VPC's addresses lets in every service in it.
    pub fn ways(&self, specs: &Specs) -> Vec<Way> {
        let mut members: BTreeMap<Address, Vec<Party>> = BTreeMap::new();
        let mut join = |groups: Vec<Address>, party: &Party| {
            for group in groups {
                members.entry(group).or_default().push(party.clone());
            }
        };
        for (_, balancer) in specs.all::<LoadBalancer>() {
            let groups = balancer.security_groups.iter();
            let groups = groups.map(|group| group.address().clone()).collect();
            join(groups, &Party::LoadBalancer);
        }
        let mut services = Vec::new();
        for (name, service) in specs.all::<EcsService>() {
            let groups = service.security_groups.iter();
            let groups = groups.map(|group| group.address().clone()).collect();
            let party = Party::Service(name.to_owned());
            join(groups, &party);
            services.push(party);
        }
        let inside: Vec<IpNet> = specs
            .all::<Vpc>()
            .filter_map(|(_, vpc)| vpc.cidr_block.parse().ok())
            .collect();
        let mut ways = BTreeSet::new();
        for (group, rules) in &self.0 {
            for to in members.get(group).into_iter().flatten() {
                for Rule { ports, from } in rules {
                    let from = match from {
                        Source::Group(group) => members.get(group).cloned().unwrap_or_default(),
                        Source::Other(id) => vec![Party::Outside(id.clone())],
                        Source::Block(block) => from_block(block, to, &inside, &services),
                    };
                    ways.extend(from.into_iter().filter(|from| from != to).map(|from| Way {
                        from,
                        to: to.clone(),
                        ports: ports.clone(),
                    }));
                }
            }
        }
        ways.into_iter().collect()
    }
}

/// A service that goes to the load balancer comes as everybody does, so only services are told to be open to services.
fn from_block(block: &str, to: &Party, inside: &[IpNet], services: &[Party]) -> Vec<Party> {
    let mut from = vec![match block {
        "0.0.0.0/0" | "::/0" => Party::Internet,
        other => Party::Outside(other.to_owned()),
    }];
    if matches!(to, Party::Service(_))
        && let Ok(block) = block.parse::<IpNet>()
        && inside.iter().any(|vpc| block.contains(vpc))
    {
        from.extend(services.iter().cloned());
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model;
    use crate::stack::{self, Variables};

    fn ways(text: &str) -> Vec<String> {
        let loaded = stack::load("navi.yaml", text, &Variables::default());
        let stack = loaded
            .unwrap_or_else(|errors| panic!("{}", errors.render(120)))
            .stack;
        let specs = Specs::wanted(&model::build(&stack, "eu-west-1").unwrap());
        recorded_rules(&specs)
            .ways(&specs)
            .into_iter()
            .map(|way| format!("{} -> {}: {}", way.from, way.to, way.ports))
            .collect()
    }

    #[test]
    fn a_service_is_reached_by_those_whose_group_its_own_lets_in() {
        let text = "\
stack: shop
namespace: { name: shop.local }
services:
  web:
    route: {}
    containers: { web: { image: nginx, ports: [80] } }
  api:
    allow: [{ from: web, port: 8080 }, { from: 192.0.2.0/24, port: 22 }]
    containers: { api: { image: api, ports: [8080] } }
  open:
    allow: [{ from: 0.0.0.0/0, port: 53 }]
    containers: { open: { image: open, ports: [53] } }
";
        assert_eq!(
            ways(text),
            [
                "internet -> load balancer: tcp 80",
                "internet -> open: tcp 53",
                "192.0.2.0/24 -> api: tcp 22",
                "load balancer -> web: tcp 80",
                "api -> open: tcp 53",
                "web -> api: tcp 8080",
                "web -> open: tcp 53",
            ]
        );
    }
}
