//! What is in a picture of an environment? Lanes of subnets, who stands in them, and who may reach whom; in no format yet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::mark::{Mark, Marks};
use crate::environment::{Entrance, Environment, Party, Service, Subnet, Way};

/// A picture. Everything in it that changes has a mark.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    pub stack: String,
    /// What it shows of the stack: `as recorded`.
    pub caption: String,
    pub vpc: Remark,
    /// Groups of subnets, the public ones first.
    pub lanes: Vec<Lane>,
    /// First who is outside, then by lane.
    pub nodes: Vec<Node>,
    pub arrows: Vec<Arrow>,
    /// What belongs to the VPC as a whole: the namespace, the endpoints.
    pub remarks: Vec<Remark>,
}

/// Subnets that the same workloads stand in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    pub title: String,
    pub subnets: Vec<SubnetCell>,
}

/// One subnet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubnetCell {
    pub name: String,
    pub zone: Option<String>,
    pub cidr: Option<String>,
    pub mark: Option<Mark>,
    /// The NAT gateway in it.
    pub nat: Option<Remark>,
}

/// A line about something, and what becomes of that.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Remark {
    pub text: String,
    pub mark: Option<Mark>,
}

/// Somebody who reaches others or is reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    pub kind: NodeKind,
    /// Which of the lanes it stands in; none outside the VPC.
    pub lane: Option<usize>,
    pub title: String,
    pub lines: Vec<Line>,
    pub mark: Option<Mark>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    Internet,
    /// A block of addresses, or a group that is not the stack's.
    Outside,
    LoadBalancer,
    Service,
}

/// What is said of somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what", content = "text")]
pub enum Line {
    /// How many tasks of which size, which containers.
    Fact(String),
    /// Which requests lead to it.
    Route(String),
    /// By which name it is found.
    Name(String),
}

/// Somebody may open connections to somebody; both by their place among the nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrow {
    pub from: usize,
    pub to: usize,
    /// `tcp 80, tcp 3000`.
    pub ports: String,
    pub mark: Option<Mark>,
}

/// What a picture is of.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    pub stack: &'a str,
    pub caption: String,
    pub environment: &'a Environment,
    /// The ways that there were before, where the picture shows a change of them.
    pub before: Option<&'a [Way]>,
    /// The ways that there are, or are to be.
    pub after: &'a [Way],
}

impl Line {
    pub fn text(&self) -> &str {
        match self {
            Line::Fact(text) | Line::Route(text) | Line::Name(text) => text,
        }
    }
}

impl Picture {
    pub fn of(subject: &Subject<'_>, marks: &Marks) -> Self {
        let environment = subject.environment;
        let ways = all_ways(subject);
        let mut lanes = Lanes::of_tiers(environment, marks);
        let mut nodes = outside(&ways);
        if let Some(entrance) = &environment.entrance {
            let lane = lanes.lane_of(&entrance.subnets, environment, marks);
            nodes.push(of_entrance(entrance, lane, marks));
        }
        for service in &environment.services {
            let lane = lanes.lane_of(&service.subnets, environment, marks);
            nodes.push(of_service(service, lane, marks));
        }
        nodes.sort_by_key(|node| (node.lane.map_or(0, |lane| lane + 1), node.kind));
        Picture {
            stack: subject.stack.to_owned(),
            caption: subject.caption.clone(),
            vpc: Remark {
                text: match &environment.vpc {
                    Some(block) => format!("VPC {block}"),
                    None => "VPC that is not the stack's own".to_owned(),
                },
                mark: marks.at("vpc", "main"),
            },
            arrows: arrows(&ways, &nodes),
            lanes: lanes.lanes,
            nodes,
            remarks: remarks(environment, marks),
        }
    }

    /// The marks that stand anywhere in it, for the key.
    pub fn marks(&self) -> Vec<Mark> {
        let cells = self.lanes.iter().flat_map(|lane| &lane.subnets);
        let all: Vec<Mark> = self
            .nodes
            .iter()
            .map(|node| node.mark)
            .chain(self.arrows.iter().map(|arrow| arrow.mark))
            .chain(self.remarks.iter().map(|remark| remark.mark))
            .chain(cells.flat_map(|cell| [cell.mark, cell.nat.as_ref().and_then(|nat| nat.mark)]))
            .chain([self.vpc.mark])
            .flatten()
            .collect();
        let in_use = Mark::ALL.into_iter().filter(|mark| all.contains(mark));
        in_use.collect()
    }

    /// The whole of it in one sentence, for who can't see it.
    pub fn described(&self) -> String {
        let count = |kind| self.nodes.iter().filter(|node| node.kind == kind).count();
        let services = match count(NodeKind::Service) {
            1 => "1 service".to_owned(),
            several => format!("{several} services"),
        };
        let balancer = match count(NodeKind::LoadBalancer) {
            0 => "without a load balancer",
            _ => "behind a load balancer",
        };
        let ways: Vec<String> = self
            .arrows
            .iter()
            .map(|arrow| {
                let [from, to] = [arrow.from, arrow.to].map(|index| &self.nodes[index].title);
                format!("{from} reaches {to} by {}", arrow.ports)
            })
            .collect();
        format!(
            "{}, {}: {services} {balancer} in a {}. {}.",
            self.stack,
            self.caption,
            self.vpc.text,
            ways.join("; ")
        )
    }
}

struct Lanes {
    lanes: Vec<Lane>,
}

impl Lanes {
    /// One for the public subnets, one for the private ones. Those that are only looked up have no tier.
    fn of_tiers(environment: &Environment, marks: &Marks) -> Self {
        let own = |public: bool| {
            let subnets = environment.subnets.iter();
            subnets.filter(move |subnet| subnet.cidr.is_some() && subnet.public == public)
        };
        let lane = |title: &str, public| Lane {
            title: title.to_owned(),
            subnets: own(public)
                .map(|subnet| cell(subnet, environment, marks))
                .collect(),
        };
        let both = [lane("public subnets", true), lane("private subnets", false)];
        let lanes = both.into_iter().filter(|lane| !lane.subnets.is_empty());
        Lanes {
            lanes: lanes.collect(),
        }
    }

    /// The lane that holds all of these subnets, made where there is none.
    fn lane_of(
        &mut self,
        subnets: &[String],
        environment: &Environment,
        marks: &Marks,
    ) -> Option<usize> {
        let holds = |lane: &Lane| {
            let mut wanted = subnets.iter();
            wanted.all(|name| lane.subnets.iter().any(|cell| cell.name == *name))
        };
        if let Some(known) = self.lanes.iter().position(holds) {
            return Some(known);
        }
        let found = environment.subnets.iter();
        let found = found.filter(|subnet| subnets.contains(&subnet.name));
        self.lanes.push(Lane {
            title: "subnets".to_owned(),
            subnets: found
                .map(|subnet| cell(subnet, environment, marks))
                .collect(),
        });
        Some(self.lanes.len() - 1)
    }
}

fn cell(subnet: &Subnet, environment: &Environment, marks: &Marks) -> SubnetCell {
    let zone_label = subnet.name.split_once('-').map_or("", |(_, label)| label);
    let stands_here = environment.nat_gateways.contains(&subnet.name);
    SubnetCell {
        name: subnet.name.clone(),
        zone: subnet.zone.clone(),
        cidr: subnet.cidr.clone(),
        mark: marks.at("subnet", &subnet.name),
        nat: stands_here.then(|| Remark {
            text: "NAT gateway".to_owned(),
            // It is called after its zone.
            mark: marks.at("nat_gateway", zone_label),
        }),
    }
}

fn of_entrance(entrance: &Entrance, lane: Option<usize>, marks: &Marks) -> Node {
    let reach = match entrance.internal {
        true => ", only from inside the VPC",
        false => "",
    };
    Node {
        kind: NodeKind::LoadBalancer,
        lane,
        title: "load balancer".to_owned(),
        lines: vec![
            Line::Fact(entrance.name.clone()),
            Line::Fact(format!("{} {}{reach}", entrance.scheme, entrance.port)),
        ],
        mark: marks.of_entrance(),
    }
}

fn of_service(service: &Service, lane: Option<usize>, marks: &Marks) -> Node {
    let mut lines = vec![Line::Fact(size(service))];
    let containers: Vec<String> = service.containers.iter().map(container).collect();
    if !containers.is_empty() {
        lines.push(Line::Fact(containers.join(", ")));
    }
    for route in &service.routes {
        let requests = match (route.host.as_deref(), route.path.as_deref()) {
            (None, None | Some("/*")) => "any request".to_owned(),
            (Some(host), path) => format!("{host}{}", path.unwrap_or_default()),
            (None, Some(path)) => format!("any host, {path}"),
        };
        let to = format!("{}:{}", route.container, route.port);
        lines.push(Line::Route(format!("{requests} → {to}")));
    }
    if let Some(name) = &service.discovered_as {
        lines.push(Line::Name(name.name.clone()));
    }
    Node {
        kind: NodeKind::Service,
        lane,
        title: service.name.clone(),
        lines,
        mark: marks.of_service(&service.name),
    }
}

fn container(container: &crate::environment::Container) -> String {
    let ports: Vec<String> = container.ports.iter().map(u16::to_string).collect();
    match ports.is_empty() {
        true => container.name.clone(),
        false => format!("{}:{}", container.name, ports.join("/")),
    }
}

/// `2 tasks of 0.25 vCPU, 512 MiB`.
fn size(service: &Service) -> String {
    let tasks = match (service.scaling, service.desired) {
        (Some(bounds), _) => format!("{}–{} tasks", bounds.minimum, bounds.maximum),
        (None, 1) => "1 task".to_owned(),
        (None, count) => format!("{count} tasks"),
    };
    let memory = match service.memory {
        whole if whole >= 1024 && whole % 1024 == 0 => format!("{} GiB", whole / 1024),
        other => format!("{other} MiB"),
    };
    let vcpu = f64::from(service.cpu) / 1024.0;
    let mut text = format!("{tasks} of {vcpu} vCPU, {memory}");
    for (holds, word) in [(service.arm, "ARM"), (service.spot, "Spot")] {
        if holds {
            text.push_str(&format!(", {word}"));
        }
    }
    text
}

fn remarks(environment: &Environment, marks: &Marks) -> Vec<Remark> {
    let namespace = environment.namespace.as_ref().map(|name| Remark {
        text: format!("Cloud Map namespace {name}"),
        mark: marks.at("namespace", "main"),
    });
    let endpoints = environment.vpc_endpoints.iter().map(|name| Remark {
        text: format!("VPC endpoint {name}"),
        mark: marks.at("vpc_endpoint", name),
    });
    namespace.into_iter().chain(endpoints).collect()
}

/// Every way once, with what becomes of it.
fn all_ways(subject: &Subject<'_>) -> Vec<(Way, Option<Mark>)> {
    let after = subject.after.iter().map(|way| {
        let is_new = subject.before.is_some_and(|before| !before.contains(way));
        (way.clone(), is_new.then_some(Mark::Create))
    });
    let gone = subject.before.unwrap_or_default().iter();
    let gone = gone.filter(|way| !subject.after.contains(way));
    let mut ways: Vec<_> = after
        .chain(gone.map(|way| (way.clone(), Some(Mark::Remove))))
        .collect();
    // What is open to everybody is so to the services, and an arrow from each of them would say no more.
    let open: Vec<(Party, String)> = ways
        .iter()
        .filter(|(way, mark)| way.from == Party::Internet && *mark != Some(Mark::Remove))
        .map(|(way, _)| (way.to.clone(), way.ports.clone()))
        .collect();
    ways.retain(|(way, _)| {
        let from_service = matches!(way.from, Party::Service(_));
        !(from_service && open.contains(&(way.to.clone(), way.ports.clone())))
    });
    ways.sort();
    ways
}

/// Who is not in the VPC and reaches into it.
fn outside(ways: &[(Way, Option<Mark>)]) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for (way, _) in ways {
        let (kind, title) = match &way.from {
            Party::Internet => (NodeKind::Internet, "internet"),
            Party::Outside(name) => (NodeKind::Outside, name.as_str()),
            Party::LoadBalancer | Party::Service(_) => continue,
        };
        if !nodes.iter().any(|node| node.title == title) {
            nodes.push(Node {
                kind,
                lane: None,
                title: title.to_owned(),
                lines: Vec::new(),
                mark: None,
            });
        }
    }
    nodes
}

/// One arrow for all ways between two that share their fate.
fn arrows(ways: &[(Way, Option<Mark>)], nodes: &[Node]) -> Vec<Arrow> {
    let place = |party: &Party| {
        nodes.iter().position(|node| match party {
            Party::Internet => node.kind == NodeKind::Internet,
            Party::LoadBalancer => node.kind == NodeKind::LoadBalancer,
            Party::Outside(name) => node.kind == NodeKind::Outside && node.title == *name,
            Party::Service(name) => node.kind == NodeKind::Service && node.title == *name,
        })
    };
    let mut merged: BTreeMap<(usize, usize, Option<Mark>), Vec<&str>> = BTreeMap::new();
    for (way, mark) in ways {
        if let (Some(from), Some(to)) = (place(&way.from), place(&way.to)) {
            merged
                .entry((from, to, *mark))
                .or_default()
                .push(&way.ports);
        }
    }
    merged
        .into_iter()
        .map(|((from, to, mark), mut ports)| {
            // `tcp 80` before `tcp 3000`.
            ports.sort_by_key(|ports| (ports.len(), *ports));
            Arrow {
                from,
                to,
                ports: ports.join(", "),
                mark,
            }
        })
        .collect()
}
