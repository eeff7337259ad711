//! Which resources does each shipped stack file want, and how does the plan from nothing, from a finished
//! stack, and after edits read? No AWS and no sandbox: desired, observed and recorded are made here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use navi::graph::ResourceGraph;
use navi::kinds::internet_gateway::{InternetGateway, InternetGatewayObserved};
use navi::kinds::security_group::{SecurityGroup, SecurityGroupObserved};
use navi::kinds::vpc::{Vpc, VpcObserved};
use navi::model;
use navi::observe::Observation;
use navi::plan::{Plan, PlanText, Recorded, plan_down, plan_up, refused};
use navi::resource::{Address, AnyResource, Observed, Protection, Ref, Resource, TagMap};
use navi::stack::{self, Variables};
use navi::state::{Record, State, Status};
use serde_json::{Value, json};

fn shipped(name: &str) -> ResourceGraph {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("stacks")
        .join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let variables = Variables::default().with_account_id("123456789012");
    let loaded = stack::load(name, &text, &variables).unwrap();
    model::build(&loaded.stack, "ap-northeast-1").unwrap()
}

/// Every resource with its edges, one line each.
fn edges(graph: &ResourceGraph) -> String {
    let mut text = String::new();
    for node in graph.in_order() {
        let edges: Vec<String> = node
            .edges
            .iter()
            .map(|edge| format!("{} {:?} {:?}", edge.to, edge.gate, edge.on_delete))
            .collect();
        writeln!(text, "{}: {}", node.address, edges.join(", ")).unwrap();
    }
    text
}

#[test]
fn the_graph_of_the_article_s_environment() {
    insta::assert_snapshot!(edges(&shipped("ecs-navi.yaml")));
}

#[test]
fn the_graph_of_the_minimal_stack() {
    insta::assert_snapshot!(edges(&shipped("minimal.yaml")));
}

#[test]
fn the_graph_of_the_internal_stack() {
    insta::assert_snapshot!(edges(&shipped("internal.yaml")));
}

#[test]
fn every_resource_that_takes_tags_carries_the_stack_s() {
    for (name, stack) in [
        ("ecs-navi.yaml", "ecs-navi"),
        ("minimal.yaml", "minimal"),
        ("internal.yaml", "internal"),
    ] {
        for node in shipped(name).in_order() {
            let tags = &node.resource.value()["tags"];
            // AWS gives records and security group rules made with their group no tags of a stack.
            if ["alias_records", "security_group_rules"].contains(&node.address.kind()) {
                continue;
            }
            assert_eq!(tags["navi:stack"], stack, "{}", node.address);
            assert_eq!(
                tags["navi:address"],
                node.address.to_string(),
                "{}",
                node.address
            );
        }
    }
}

/// A small world made by hand: a VPC, and a gateway in it.
struct Scene {
    state: State,
    seen: BTreeMap<Address, Observed>,
}

fn vpc(cidr: &str) -> Vpc {
    Vpc {
        cidr_block: cidr.to_owned(),
        enable_dns_support: true,
        enable_dns_hostnames: true,
        tags: TagMap::from([("Name".to_owned(), "small-vpc".to_owned())]),
        lookup: None,
    }
}

fn gateway() -> InternetGateway {
    InternetGateway {
        vpc: Ref::exists("main"),
        tags: TagMap::new(),
    }
}

fn desired(vpc: Vpc, with_gateway: bool) -> ResourceGraph {
    let mut graph = navi::graph::GraphBuilder::default();
    graph.add("main", vpc);
    if with_gateway {
        graph.add("main", gateway());
    }
    graph.finish().unwrap()
}

fn record<K: Resource>(resource: &K, outputs: Value, status: Status) -> Record {
    Record {
        spec: serde_json::to_value(resource).unwrap(),
        outputs,
        status,
        token: "0".repeat(32),
        lookup: false,
        stands_for: None,
    }
}

impl Scene {
    fn finished() -> Self {
        let vpc_address = Address::new("vpc", "main");
        let gateway_address = Address::new("internet_gateway", "main");
        let mut state = State::new("small");
        state.resources.insert(
            vpc_address.clone(),
            record(
                &vpc("10.0.0.0/16"),
                json!({"vpc_id": "vpc-1"}),
                Status::Ready,
            ),
        );
        state.resources.insert(
            gateway_address.clone(),
            record(
                &gateway(),
                json!({"internet_gateway_id": "igw-1"}),
                Status::Ready,
            ),
        );
        let seen = BTreeMap::from([
            (
                vpc_address,
                Observed::new(VpcObserved {
                    vpc_id: "vpc-1".to_owned(),
                    cidr_block: "10.0.0.0/16".to_owned(),
                    enable_dns_support: true,
                    enable_dns_hostnames: true,
                    available: true,
                    tags: vpc("").tags,
                }),
            ),
            (
                gateway_address,
                Observed::new(InternetGatewayObserved {
                    internet_gateway_id: "igw-1".to_owned(),
                    attachment: Some("vpc-1".to_owned()),
                    attached: true,
                    tags: TagMap::new(),
                }),
            ),
        ]);
        Scene { state, seen }
    }

    fn resources() -> BTreeMap<Address, Arc<dyn AnyResource>> {
        let vpc: Arc<dyn AnyResource> = Arc::new(vpc("10.0.0.0/16"));
        let gateway: Arc<dyn AnyResource> = Arc::new(gateway());
        BTreeMap::from([
            (Address::new("vpc", "main"), vpc),
            (Address::new("internet_gateway", "main"), gateway),
        ])
    }

    fn recorded(&self) -> Recorded {
        Recorded::new(&self.state, Self::resources())
    }

    fn plan(&self, desired: &ResourceGraph) -> Plan {
        let observation = Observation {
            trusted: Default::default(),
            seen: self.seen.clone(),
            found: BTreeMap::new(),
        };
        plan_up(desired, &observation, &self.recorded()).unwrap()
    }
}

fn text(plan: &Plan) -> String {
    PlanText(plan).to_string()
}

#[test]
fn a_stack_that_is_as_wanted_has_an_empty_plan() {
    let plan = Scene::finished().plan(&desired(vpc("10.0.0.0/16"), true));
    assert!(plan.is_empty() && !plan.mutates());
    insta::assert_snapshot!(text(&plan), @"Nothing to do: everything is as the stack wants it.");
}

#[test]
fn a_field_that_changes_in_place_is_shown_with_both_values() {
    let mut wanted = vpc("10.0.0.0/16");
    wanted.enable_dns_hostnames = false;
    wanted.tags.insert("team".to_owned(), "red".to_owned());
    let plan = Scene::finished().plan(&desired(wanted, true));
    insta::assert_snapshot!(text(&plan), @"
    ~ vpc.main (small-vpc)
        enable_dns_hostnames: true → false
        tags.team: (none) → red

    Plan: 1 to change, 1 unchanged.
    ");
}

#[test]
fn a_replacement_names_the_field_and_reaches_the_dependents() {
    let plan = Scene::finished().plan(&desired(vpc("10.9.0.0/16"), true));
    assert_eq!(plan.replacements().count(), 2);
    insta::assert_snapshot!(text(&plan), @"
    ± vpc.main (small-vpc)
        cidr_block: 10.0.0.0/16 → 10.9.0.0/16  (needs a new one)
    ± internet_gateway.main
        attachment: vpc-1 → (known after apply)  (needs a new one)
    - internet_gateway.main~1  the old internet_gateway.main, once the new one does its work
    - vpc.main~1 (small-vpc)  the old vpc.main, once the new one does its work

    Plan: 2 to replace, 2 to remove.
    ");
}

#[test]
fn what_vanished_is_made_again_and_its_dependents_follow() {
    let mut scene = Scene::finished();
    scene.seen.remove(&Address::new("internet_gateway", "main"));
    let plan = scene.plan(&desired(vpc("10.0.0.0/16"), true));
    insta::assert_snapshot!(text(&plan), @"
    Changed by others since the last run:
    ! internet_gateway.main  it is gone

    + internet_gateway.main  it is gone from AWS and is made again

    Plan: 1 to create, 1 unchanged.
    ");
}

#[test]
fn what_is_no_longer_wanted_goes() {
    let plan = Scene::finished().plan(&desired(vpc("10.0.0.0/16"), false));
    insta::assert_snapshot!(text(&plan), @"
    - internet_gateway.main  no longer in the stack file

    Plan: 1 to remove, 1 unchanged.
    ");
}

#[test]
fn a_removal_that_had_begun_is_finished_before_the_resource_is_made_again() {
    let mut scene = Scene::finished();
    let address = Address::new("internet_gateway", "main");
    scene.state.resources.get_mut(&address).unwrap().status = Status::Deleting;
    let plan = scene.plan(&desired(vpc("10.0.0.0/16"), true));
    insta::assert_snapshot!(text(&plan), @"
    + internet_gateway.main  its removal had begun; it is made again afterwards

    Plan: 1 to create, 1 unchanged.
    ");
    assert!(plan.steps.iter().any(|step| step.remove_first.is_some()));
}

#[test]
fn what_was_never_seen_ready_is_waited_for_and_changes_nothing() {
    let mut scene = Scene::finished();
    let address = Address::new("vpc", "main");
    scene.state.resources.get_mut(&address).unwrap().status = Status::Created;
    let plan = scene.plan(&desired(vpc("10.0.0.0/16"), true));
    assert!(!plan.is_empty() && !plan.mutates());
    insta::assert_snapshot!(text(&plan), @"
    … vpc.main (small-vpc)  the last run did not see it usable

    Plan: 1 to wait for, 1 unchanged.
    ");
}

#[test]
fn down_needs_the_state_alone_and_forgets_what_was_only_looked_up() {
    let mut scene = Scene::finished();
    let address = Address::new("vpc", "main");
    scene.state.resources.get_mut(&address).unwrap().lookup = true;
    let plan = plan_down(&scene.recorded());
    insta::assert_snapshot!(text(&plan), @"
    - internet_gateway.main
    · vpc.main (small-vpc)  was only looked up; it stays

    Plan: 1 to remove, 1 to forget.
    ");
}

fn refusals(plan: &Plan, protection: &Protection) -> Vec<String> {
    let refused = refused(plan, protection);
    refused.iter().map(ToString::to_string).collect()
}

fn of_kinds(kinds: &[&str]) -> Protection {
    Protection::Kinds(kinds.iter().map(|&kind| kind.to_owned()).collect())
}

#[test]
fn what_is_protected_is_neither_replaced_nor_removed() {
    let scene = Scene::finished();
    let replacing = scene.plan(&desired(vpc("10.9.0.0/16"), true));
    let vpc_goes = "vpc.main would be replaced: cidr_block 10.0.0.0/16 → 10.9.0.0/16";
    let gateway_goes =
        "internet_gateway.main would be replaced: attachment vpc-1 → (known after apply)";
    // The deposed ones are not named a second time.
    assert_eq!(
        refusals(&replacing, &Protection::Everything),
        [gateway_goes, vpc_goes]
    );
    assert_eq!(
        refusals(&replacing, &of_kinds(&["vpc", "subnet"])),
        [vpc_goes]
    );
    assert_eq!(refusals(&replacing, &of_kinds(&["subnet"])), [""; 0]);
    assert_eq!(refusals(&replacing, &Protection::Nothing), [""; 0]);

    let removing = scene.plan(&desired(vpc("10.0.0.0/16"), false));
    assert_eq!(
        refusals(&removing, &Protection::Everything),
        ["internet_gateway.main would be removed: it is no longer in the stack file"]
    );
    assert_eq!(
        refusals(&plan_down(&scene.recorded()), &of_kinds(&["vpc"])),
        ["vpc.main would be removed"]
    );
}

#[test]
fn what_is_protected_may_change_be_made_and_be_forgotten() {
    let mut scene = Scene::finished();
    let mut wanted = vpc("10.0.0.0/16");
    wanted.enable_dns_hostnames = false;
    let changing = scene.plan(&desired(wanted, true));
    assert_eq!(refusals(&changing, &Protection::Everything), [""; 0]);

    let address = Address::new("internet_gateway", "main");
    scene.state.resources.get_mut(&address).unwrap().status = Status::Deleting;
    let finishing = scene.plan(&desired(vpc("10.0.0.0/16"), true));
    assert_eq!(
        refusals(&finishing, &Protection::Everything),
        ["internet_gateway.main would be removed and made again: its removal had begun"]
    );
    scene.seen.remove(&address);
    let vanished = scene.plan(&desired(vpc("10.0.0.0/16"), true));
    assert_eq!(vanished.count(navi::plan::Action::Create), 1);
    assert_eq!(refusals(&vanished, &Protection::Everything), [""; 0]);

    let lookup = Address::new("vpc", "main");
    scene.state.resources.get_mut(&lookup).unwrap().lookup = true;
    assert_eq!(
        refusals(&plan_down(&scene.recorded()), &of_kinds(&["vpc"])),
        [""; 0]
    );
}

/// A group that Terraform named, taken over where the stack wants `small-sg`, by a stack that wants this name.
fn with_adopted_group(wanted: &str) -> Plan {
    let group = |name: &str| SecurityGroup {
        vpc: Ref::exists("main"),
        group_name: name.to_owned(),
        description: "made by hand".to_owned(),
        ingress: Vec::new(),
        egress: Vec::new(),
        tags: TagMap::new(),
    };
    let own_name = "terraform-20261126";
    let address = Address::new("security_group", "web");
    let mut scene = Scene::finished();
    let outputs = json!({"group_id": "sg-1", "vpc_id": "vpc-1"});
    let adopted = Record {
        stands_for: Some("small-sg".to_owned()),
        ..record(&group(own_name), outputs, Status::Ready)
    };
    scene.state.resources.insert(address.clone(), adopted);
    let seen = SecurityGroupObserved {
        group_id: "sg-1".to_owned(),
        vpc_id: "vpc-1".to_owned(),
        group_name: own_name.to_owned(),
        description: "made by hand".to_owned(),
        ingress: BTreeSet::new(),
        peer_ingress: BTreeSet::new(),
        egress: BTreeSet::new(),
        tags: TagMap::new(),
    };
    scene.seen.insert(address.clone(), Observed::new(seen));
    let mut resources = Scene::resources();
    resources.insert(address, Arc::new(group(own_name)));
    let mut graph = navi::graph::GraphBuilder::default();
    graph.add("main", vpc("10.0.0.0/16"));
    graph.add("main", gateway());
    graph.add("web", group(wanted));
    let observation = Observation {
        trusted: Default::default(),
        seen: scene.seen.clone(),
        found: BTreeMap::new(),
    };
    let recorded = Recorded::new(&scene.state, resources);
    plan_up(&graph.finish().unwrap(), &observation, &recorded).unwrap()
}

#[test]
fn what_was_adopted_keeps_its_name_until_the_stack_wants_another() {
    let plan = with_adopted_group("small-sg");
    assert!(plan.is_empty(), "{}", text(&plan));
    insta::assert_snapshot!(text(&with_adopted_group("other-sg")), @"
    ± security_group.web
        group_name: terraform-20261126 → other-sg  (needs a new one)
    - security_group.web~1  the old security_group.web, once the new one does its work

    Plan: 1 to replace, 1 to remove, 2 unchanged.
    ");
}
