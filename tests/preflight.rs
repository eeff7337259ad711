//! Does `up` stop before anything is made when something is in the way, and say all of it at once?

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Ended, Inventory, Navi, inventory, namesake, post_json, stranger};

/// `up` must end with 1, change nothing, and touch nothing of anybody's.
#[track_caller]
fn stops(navi: &Navi, file: &Path) -> Ended {
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    navi.forget_calls();
    let ended = navi.sandboxed(file, &["up", "--yes"]).expect(1);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
    ended
}

#[track_caller]
fn says(ended: &Ended, parts: &[&str]) {
    for part in parts {
        assert!(
            ended.stderr.contains(part),
            "no `{part}` in\n{}",
            ended.stderr
        );
    }
}

/// What `navi check` found, as data.
#[track_caller]
fn checked(navi: &Navi, file: &Path, code: i32) -> Value {
    navi.forget_calls();
    let ended = navi.sandboxed(file, &["check", "--output", "json"]);
    let ended = ended.expect(code);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    serde_json::from_str(&ended.stdout).unwrap()
}

/// The addresses of the errors.
fn errors(document: &Value) -> Vec<&str> {
    let findings = document["findings"].as_array().unwrap();
    findings
        .iter()
        .filter(|finding| finding["severity"] == "error")
        .map(|finding| finding["address"].as_str().unwrap_or_default())
        .collect()
}

/// A stack with a hosted zone and a certificate of somebody else's.
fn with_domain(certificate: &str) -> String {
    format!(
        "\
stack: guest
ingress:
  certificate: {certificate}
  zone: {{ find: example.test }}
services:
  web:
    route: {{ host: guest.example.test }}
    containers:
      web: {{ image: public.ecr.aws/nginx/nginx:stable-alpine, ports: [80] }}
"
    )
}

#[test]
fn strangers_of_every_kind_are_named_together_and_untouched() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    namesake(&endpoint, &["namesakes"]);
    let file = Navi::shipped("ecs-navi.yaml");
    let ended = stops(&navi, &file);
    says(
        &ended,
        &[
            "log_group./ecs/nginx: the log group `/ecs/nginx` is there already",
            "role.main: the role `ecs-navi-ecs-task-execution-role` is there already",
            "it is role.main of the stack `other`",
            "cluster.main: the cluster `ecs-navi-cluster` is there already",
            "target_group.backend: the target group `ecs-navi-backend-tg` is there already",
            "load_balancer.main: the load balancer `ecs-navi-lb` is there already",
            "hosted_zone.ecs-navi.site: the public hosted zone `ecs-navi.site` is there already",
            "navi did not make it",
            "navi adopt cluster.main",
            "6 things are in the way; nothing was changed",
            "code: NAVI0501, see `navi explain NAVI0501`",
        ],
    );
    let document = checked(&navi, &file, 1);
    assert_eq!(document["blocked"], true);
    assert_eq!(errors(&document).len(), 6, "{document}");
}

#[test]
fn what_a_broken_off_run_left_is_no_stranger() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let orphan = [
        "log_group",
        "/ecs/nginx",
        "ecs-navi",
        "log_group./ecs/nginx",
    ];
    namesake(&endpoint, &orphan);
    let document = checked(&navi, &Navi::shipped("ecs-navi.yaml"), 0);
    assert_eq!(document["blocked"], false, "{document}");
}

#[test]
fn names_within_the_stack_s_own_vpc_and_cluster_are_looked_at_too() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let text = std::fs::read_to_string(Navi::shipped("minimal.yaml")).unwrap();
    let file = navi.write("navi.yaml", &text);
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    let more = "  second:\n    containers:\n      second: { image: public.ecr.aws/nginx/nginx:stable-alpine }\n";
    let grown = navi.write("grown.yaml", &format!("{text}{more}"));
    let plan = navi.sandboxed(&grown, &["plan"]).expect(0).stdout;
    let name_of = |address: &str| {
        let line = plan.lines().find(|line| line.contains(address)).unwrap();
        let (_, name) = line.split_once('(').unwrap();
        name.trim_end_matches(')').to_owned()
    };
    let (group, service) = (
        name_of("security_group.second"),
        name_of("ecs_service.second"),
    );
    let outputs = navi
        .sandboxed(&file, &["outputs", "--output", "json"])
        .expect(0);
    assert!(outputs.stdout.contains("minimal-web"), "{}", outputs.stdout);
    let names = |key: &str| {
        let values = inventory(&endpoint, &Inventory::Values { stack: "minimal" });
        let (name, _) = values[key].as_object().unwrap().iter().next().unwrap();
        name.clone()
    };
    let (vpc, cluster) = (names("vpcs"), names("clusters"));
    let family = names("task_definitions");
    let family = family.split(':').next().unwrap();
    namesake(
        &endpoint,
        &["inside", &vpc, &group, &cluster, &service, family],
    );

    let ended = stops(&navi, &grown);
    says(
        &ended,
        &[
            "security_group.second: the security group",
            "ecs_service.second: the ECS service",
            "2 things are in the way",
        ],
    );
    // The stack as it was has nothing to make, and nothing in its way.
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
}

#[test]
fn a_record_of_somebody_else_s_stops_it() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    namesake(&endpoint, &["zone", "example.test"]);
    let file = navi.write(
        "navi.yaml",
        &with_domain("{ request: [guest.example.test] }"),
    );
    let record = [
        "record",
        "example.test",
        "guest.example.test",
        "CNAME",
        "elsewhere.example",
    ];
    namesake(&endpoint, &record);
    let ended = stops(&navi, &file);
    says(
        &ended,
        &[
            "alias_records.example.test",
            "guest.example.test CNAME elsewhere.example",
        ],
    );
}

#[test]
fn a_zone_that_two_have_stops_it() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    for _ in 0..2 {
        namesake(&endpoint, &["zone", "example.test"]);
    }
    let file = navi.write(
        "navi.yaml",
        &with_domain("{ request: [guest.example.test] }"),
    );
    let ended = stops(&navi, &file);
    says(
        &ended,
        &[
            "2 public hosted zones are called `example.test`",
            "code: NAVI0706",
        ],
    );
}

#[test]
fn a_certificate_that_can_t_serve_stops_it() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    namesake(&endpoint, &["zone", "example.test"]);
    let pending = namesake(&endpoint, &["certificate", "other.example.test"]);
    let pending = format!("{{ arn: {} }}", json!(pending));
    let file = navi.write("navi.yaml", &with_domain(&pending));
    let ended = stops(&navi, &file);
    says(
        &ended,
        &[
            "is PENDING_VALIDATION",
            "is for other.example.test, and not for guest.example.test",
            "2 things are in the way",
            "code: NAVI0702",
            "code: NAVI0703",
        ],
    );
    let nothing = format!(
        "arn:aws:acm:{}:123456789012:certificate/none",
        crate::support::REGION
    );
    let file = navi.write(
        "navi.yaml",
        &with_domain(&format!("{{ arn: \"{nothing}\" }}")),
    );
    says(
        &stops(&navi, &file),
        &["there is no certificate", "code: NAVI0502"],
    );
    let elsewhere = "arn:aws:acm:us-east-1:123456789012:certificate/none";
    let file = navi.write(
        "navi.yaml",
        &with_domain(&format!("{{ arn: \"{elsewhere}\" }}")),
    );
    says(&stops(&navi, &file), &["is in us-east-1", "code: NAVI0705"]);
}

#[test]
fn whoever_knows_better_goes_on_regardless() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let file = Navi::shipped("minimal.yaml");
    let plan = navi
        .sandboxed(&file, &["plan", "--output", "json"])
        .expect(0);
    assert!(
        plan.stdout.contains("log_group./ecs/minimal/web"),
        "{}",
        plan.stdout
    );
    namesake(
        &endpoint,
        &["log_group", "/ecs/minimal/web", "other", "log_group.web"],
    );
    stops(&navi, &file);
    // The one create that finds its name taken fails, and says so.
    let ended = navi.sandboxed(&file, &["up", "--yes", "--skip-check"]);
    let ended = ended.expect(3);
    says(&ended, &["log_group./ecs/minimal/web"]);
}

#[test]
fn a_subnet_of_somebody_else_s_without_a_way_out_stops_it() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let network = stranger(&endpoint, &["network"]);
    let vpc = network["vpc"].as_str().unwrap();
    let secluded = json!({"VpcId": vpc, "CidrBlock": "10.7.20.0/24"});
    let secluded = ["call", "ec2", "create_subnet", &secluded.to_string()];
    let secluded = stranger(&endpoint, &secluded);
    let secluded = secluded["Subnet"]["SubnetId"].as_str().unwrap();
    let tenant = |tier: &str, subnet: &str| {
        format!(
            "stack: tenant\nnetwork:\n  vpc: {{ find: {vpc}, subnets: {{ {tier}: [{subnet}] }} }}\nservices:\n  web:\n    \
             subnets: {tier}\n    containers: {{ web: {{ image: example.com/web:1 }} }}\n"
        )
    };
    let file = navi.write("tenant.yaml", &tenant("private", secluded));
    says(
        &stops(&navi, &file),
        &[
            &format!("ecs_service.web: no way out of subnet.{secluded} ({secluded})"),
            "code: NAVI0301",
        ],
    );
    // An internet gateway is a way out for who has a public address.
    let public = network["public"][0].as_str().unwrap();
    for (tier, subnet, code) in [("private", public, 1), ("public", public, 0)] {
        let file = navi.write("tenant.yaml", &tenant(tier, subnet));
        checked(&navi, &file, code);
    }
    let private = network["private"][0].as_str().unwrap();
    let file = navi.write("tenant.yaml", &tenant("private", private));
    checked(&navi, &file, 0);
}

#[test]
fn an_image_that_is_not_in_its_registry_stops_it() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let file = Navi::shipped("ecs-navi.yaml");
    let missing = json!({"repository": "ecs-navi-api", "missing": true});
    post_json(&endpoint, "/_navi/images", &missing);
    let ended = stops(&navi, &file);
    says(
        &ended,
        &[
            "task_definition.backend: the image 123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/ecs-navi-api:latest is \
             not in its registry",
            "push it first",
            "code: NAVI0201",
        ],
    );
    let document = checked(&navi, &file, 1);
    assert_eq!(errors(&document), ["task_definition.backend"]);
}
