//! Can the network of a running stack be changed while it serves? Every change is watched: after each call of navi's
//! somebody visits every host and asks every task what it reaches.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{Ended, Gate, Inventory, Navi, REGION, inventory, post_json};

/// What tasks need all the while: to pull images, to write logs.
const SERVICES: [&str; 4] = ["ecr.api", "ecr.dkr", "s3", "logs"];

/// Who must get an answer.
type Hosts = Arc<Mutex<Vec<String>>>;

/// A stack that serves and is changed.
struct Living {
    navi: Navi,
    endpoint: String,
    gate: Gate,
    hosts: Hosts,
    before: Value,
}

impl Living {
    /// A stack of these services that serves these hosts.
    #[track_caller]
    fn start(text: &str, hosts: &[&str]) -> Self {
        let navi = Navi::new();
        let endpoint = navi.endpoint();
        let watched = Hosts::default();
        let gate = {
            let (endpoint, watched) = (endpoint.clone(), Arc::clone(&watched));
            Gate::before(&navi.endpoint(), move || {
                wrong(&endpoint, &watched.lock().unwrap())
            })
        };
        let living = Living {
            before: inventory(&endpoint, &Inventory::Ids),
            navi,
            endpoint,
            gate,
            hosts: watched,
        };
        living.run(text, &["up", "--yes"]).expect(0);
        living.watch(hosts);
        assert_eq!(wrong(&living.endpoint, &living.hosts.lock().unwrap()), None);
        living.gate.report();
        living
    }

    /// From now on these hosts must answer.
    fn watch(&self, hosts: &[&str]) {
        *self.hosts.lock().unwrap() = hosts.iter().map(|host| (*host).to_owned()).collect();
    }

    fn file(&self, text: &str) -> PathBuf {
        self.navi.write("live.yaml", text)
    }

    fn run(&self, text: &str, arguments: &[&str]) -> Ended {
        let file = self.file(text);
        let mut command = self.navi.command(arguments);
        command
            .args(["--region", REGION, "-f", file.to_str().unwrap()])
            .env("AWS_ACCESS_KEY_ID", "123456789012")
            .env("AWS_SECRET_ACCESS_KEY", "sandbox")
            .env("AWS_ENDPOINT_URL", &self.gate.endpoint);
        Ended::of(command.output().unwrap())
    }

    /// Shows the plan, carries it out under everybody's eyes, and finds nothing more to do. Answers the plan.
    #[track_caller]
    fn change(&self, text: &str) -> String {
        let plan = self.run(text, &["plan", "--exit-code"]).expect(2).stdout;
        self.run(text, &["up", "--yes"]).expect(0);
        let (seen, passed) = self.gate.report();
        assert!(passed > 0, "nobody looked");
        assert!(seen.is_empty(), "{plan}\n{}", seen.join("\n"));
        self.changes_nothing_more(text);
        shown(&plan)
    }

    #[track_caller]
    fn changes_nothing_more(&self, text: &str) {
        self.navi.forget_calls();
        self.run(text, &["up", "--yes"]).expect(0);
        assert_eq!(self.navi.mutating_calls(), Vec::<String>::new());
        let plan = self.run(text, &["plan", "--exit-code"]).expect(0);
        assert!(plan.stdout.contains("Nothing to do"), "{}", plan.stdout);
    }

    /// What boto3 sees of the stack.
    fn found(&self) -> Value {
        inventory(&self.endpoint, &Inventory::Values { stack: "live" })
    }

    #[track_caller]
    fn end(self, text: &str) {
        self.watch(&[]);
        self.run(text, &["down", "--yes"]).expect(0);
        assert_eq!(self.before, inventory(&self.endpoint, &Inventory::Ids));
    }
}

/// What is not as it should be just now.
fn wrong(endpoint: &str, hosts: &[String]) -> Option<String> {
    if hosts.is_empty() {
        return None;
    }
    for host in hosts {
        let visit = json!({"scheme": "http", "host": host, "path": "/"});
        let answer = post_json(endpoint, "/_navi/http", &visit);
        if answer["status"] != 200 {
            return Some(format!("{host} got {answer}"));
        }
    }
    let reached = post_json(endpoint, "/_navi/reach", &json!({"services": SERVICES}));
    let lost = reached.as_array().unwrap().iter();
    lost.into_iter()
        .find(|task| task["unreached"] != json!([]))
        .map(|task| format!("a task lost its way: {task}"))
}

/// The plan without where it is, and without IDs, which depend on who came first.
fn shown(plan: &str) -> String {
    let body = plan.split_once("\n\n").map_or(plan, |(_, body)| body);
    let mut text = String::new();
    for word in body.split_inclusive([' ', ',', ']', '}', '\n', '"']) {
        let (bare, end) = word.split_at(word.len() - usize::from(!word.is_empty()));
        let masked = bare.rsplit_once('-').filter(|(_, number)| {
            number.len() == 17 && number.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        match masked {
            Some((kind, _)) => text.push_str(&format!("{kind}-…{end}")),
            None => text.push_str(word),
        }
    }
    text
}

/// The stack `live` with this network: `web` and `api`, two tasks each, images in ECR.
fn stack(network: &str) -> String {
    format!(
        "\
stack: live
network: {network}
ingress: {{ zone: {{ create: live.test }} }}
namespace: {{ name: live.local }}
defaults: {{ count: 2, deregistration_delay: 0s }}
services:
  web:
    route: {{ host: live.test }}
    depends_on: [api]
    containers:
      web: {{ image: \"${{ACCOUNT_ID}}.dkr.ecr.${{REGION}}.amazonaws.com/web\", ports: [80] }}
  api:
    route: {{ host: api.live.test }}
    allow: [{{ from: web, port: 80 }}]
    containers:
      api: {{ image: \"${{ACCOUNT_ID}}.dkr.ecr.${{REGION}}.amazonaws.com/api\", ports: [80] }}
"
    )
}

const HOSTS: [&str; 2] = ["live.test", "api.live.test"];

#[test]
fn private_subnets_change_their_way_out_and_no_task_loses_it() {
    let none = stack("{ nat: none }");
    let single = stack("{ nat: single }");
    let zonal = stack("{ nat: per-zone }");
    let shut = stack("{ endpoints: [ecr, s3, logs] }");
    let living = Living::start(&none, &HOSTS);

    insta::assert_snapshot!("nat_none_to_single", living.change(&single));
    let found = living.found();
    assert_eq!(found["nat_gateways"].as_array().unwrap().len(), 1);
    assert_eq!(
        found["services"]["live-web-service"]["public_ip"],
        "DISABLED"
    );
    insta::assert_snapshot!("nat_single_to_per_zone", living.change(&zonal));
    assert_eq!(living.found()["nat_gateways"].as_array().unwrap().len(), 2);
    insta::assert_snapshot!("nat_per_zone_to_single", living.change(&single));
    assert_eq!(living.found()["nat_gateways"].as_array().unwrap().len(), 1);
    insta::assert_snapshot!("nat_single_to_endpoints", living.change(&shut));
    assert_eq!(living.found()["nat_gateways"], json!([]));
    insta::assert_snapshot!("endpoints_to_nat_single", living.change(&single));
    assert_eq!(living.found()["vpc_endpoints"], json!({}));
    insta::assert_snapshot!("nat_single_to_none", living.change(&none));
    let found = living.found();
    assert_eq!(found["nat_gateways"], json!([]));
    assert_eq!(found["elastic_ips"], json!([]));
    insta::assert_snapshot!("nat_none_to_endpoints", living.change(&shut));
    insta::assert_snapshot!("endpoints_to_nat_none", living.change(&none));
    living.end(&none);
}

/// A network of these subnets, written `zone: range, …`.
fn subnets(nat: &str, public: &str, private: &str) -> String {
    stack(&format!(
        "{{ nat: {nat}, subnets: {{ public: {{ {public} }}, private: {{ {private} }} }} }}"
    ))
    // One task each: whoever loses its zone has no other to go on with.
    .replace("count: 2", "count: 1")
}

#[test]
fn zones_come_and_go_beneath_a_stack_that_serves() {
    let two = subnets(
        "single",
        "1a: 10.0.1.0/24, 1c: 10.0.2.0/24",
        "1a: 10.0.10.0/24, 1c: 10.0.11.0/24",
    );
    let three = subnets(
        "single",
        "1a: 10.0.1.0/24, 1c: 10.0.2.0/24, 1d: 10.0.3.0/24",
        "1a: 10.0.10.0/24, 1c: 10.0.11.0/24, 1d: 10.0.12.0/24",
    );
    // The NAT gateway stood in the zone that goes.
    let others = subnets(
        "single",
        "1c: 10.0.2.0/24, 1d: 10.0.3.0/24",
        "1d: 10.0.12.0/24",
    );
    let back = subnets(
        "per-zone",
        "1a: 10.0.1.0/24, 1c: 10.0.2.0/24",
        "1a: 10.0.10.0/24",
    );
    let living = Living::start(&two, &HOSTS);
    insta::assert_snapshot!("a_zone_added", living.change(&three));
    insta::assert_snapshot!("a_zone_removed", living.change(&others));
    insta::assert_snapshot!("all_zones_of_the_tasks_changed", living.change(&back));
    let found = living.found();
    assert_eq!(
        found["load_balancers"]["live-lb"]["subnets"],
        json!(["live-subnet-public-1a", "live-subnet-public-1c"])
    );
    assert_eq!(
        found["services"]["live-web-service"]["subnets"],
        json!(["live-subnet-private-1a"])
    );
    living.end(&back);
}

#[test]
fn a_subnet_gets_another_range_by_a_successor() {
    let first = subnets(
        "single",
        "1a: 10.0.1.0/24, 1c: 10.0.2.0/24",
        "1a: 10.0.10.0/24, 1c: 10.0.11.0/24",
    );
    let private = subnets(
        "single",
        "1a: 10.0.1.0/24, 1c: 10.0.2.0/24",
        "1a: 10.0.20.0/24, 1c: 10.0.21.0/24",
    );
    // The NAT gateway stands in one of them, the load balancer in both.
    let public = subnets(
        "single",
        "1a: 10.0.5.0/24, 1c: 10.0.6.0/24",
        "1a: 10.0.20.0/24, 1c: 10.0.21.0/24",
    );
    let living = Living::start(&first, &HOSTS);
    insta::assert_snapshot!("the_ranges_of_private_subnets", living.change(&private));
    insta::assert_snapshot!("the_ranges_of_public_subnets", living.change(&public));
    let swapped = subnets(
        "single",
        "1a: 10.0.6.0/24, 1c: 10.0.5.0/24",
        "1a: 10.0.20.0/24, 1c: 10.0.21.0/24",
    );
    let refused = living.run(&swapped, &["up", "--yes"]).expect(1).stderr;
    assert!(refused.contains("there is no room for it"), "{refused}");
    living.end(&public);
}

/// Three services with these priorities.
fn ranked(priorities: [u32; 3]) -> String {
    let service = |name: &str, priority: u32| {
        format!(
            "  {name}:\n    route: {{ host: {name}.live.test, priority: {priority} }}\n    containers:\n      web: {{ image: \"${{ACCOUNT_ID}}.dkr.ecr.${{REGION}}.amazonaws.com/{name}\", ports: [80] }}\n"
        )
    };
    let [a, b, c] = priorities;
    format!(
        "stack: live\ningress: {{ zone: {{ create: live.test }} }}\nservices:\n{}{}{}",
        service("a", a),
        service("b", b),
        service("c", c)
    )
}

#[test]
fn rules_change_places_in_one_call() {
    let first = ranked([10, 20, 30]);
    let living = Living::start(&first, &["a.live.test", "b.live.test", "c.live.test"]);
    for (name, priorities) in [
        ("swapped", [20, 10, 30]),
        ("rotated", [10, 30, 20]),
        ("rotated_the_other_way", [30, 20, 10]),
        ("moved_in_a_row", [40, 30, 20]),
    ] {
        let text = ranked(priorities);
        let plan = living.run(&text, &["plan", "--exit-code"]).expect(2).stdout;
        insta::assert_snapshot!(format!("priorities_{name}"), shown(&plan));
        living.navi.forget_calls();
        living.run(&text, &["up", "--yes"]).expect(0);
        assert_eq!(
            living.navi.mutating_calls(),
            ["SetRulePriorities"],
            "{name}"
        );
        let (seen, _) = living.gate.report();
        assert!(seen.is_empty(), "{name}\n{}", seen.join("\n"));
        living.changes_nothing_more(&text);
        let found = living.found();
        let rules = &found["listeners"][0]["rules"];
        for (service, priority) in ["a", "b", "c"].into_iter().zip(priorities) {
            let rule = rules[priority.to_string()].to_string();
            let host = format!("{service}.live.test");
            assert!(rule.contains(&host), "{name}: {rules:#}");
        }
    }
    living.end(&first);
}
