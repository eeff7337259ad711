//! Can the network of a running stack be changed while it serves? Every change is watched: after each call of navi's
//! somebody visits every host and asks every task what it reaches.

use serde_json::{Value, json};

use crate::support::{Living, post_json, stranger};

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
        insta::assert_snapshot!(format!("priorities_{name}"), living.change(&text));
        assert_eq!(
            living.calls_of_the_change(),
            ["SetRulePriorities"],
            "{name}"
        );
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

/// The stack `live` with these services, each written as the file does, without indentation.
fn with_services(services: &[&str]) -> String {
    let mut text = "\
stack: live
ingress: { zone: { create: live.test } }
namespace: { name: live.local }
services:
"
    .to_owned();
    for service in services {
        for line in service.lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

/// A service `name` with these further lines, whose only container has the image `image`.
fn service(name: &str, lines: &[&str], image: &str) -> String {
    let mut text = format!("{name}:\n");
    for line in lines {
        text.push_str(&format!("  {line}\n"));
    }
    text + &format!(
        "  containers:\n    main: {{ image: \"${{ACCOUNT_ID}}.dkr.ecr.${{REGION}}.amazonaws.com/{image}\", ports: [80] }}\n"
    )
}

#[test]
fn services_hosts_routes_and_containers_come_and_go() {
    let api = service(
        "api",
        &[
            "route: { host: api.live.test }",
            "allow: [{ from: web, port: 80 }]",
        ],
        "api",
    );
    let web = |lines: &[&str]| service("web", lines, "web");
    let plain = web(&["route: { host: live.test }"]);
    let first = with_services(&[&plain, &api]);
    let living = Living::start(&first, &HOSTS);

    // One that comes first in the file: the priorities of the others move up.
    let shop = service("shop", &["route: { host: shop.live.test }"], "shop");
    let more = with_services(&[&shop, &plain, &api]);
    insta::assert_snapshot!("a_service_added", living.change(&more));
    let visited = |host: &str| {
        let visit = json!({"scheme": "http", "host": host, "path": "/"});
        post_json(&living.endpoint, "/_navi/http", &visit)
    };
    assert_eq!(
        visited("shop.live.test")["served_by"]["service"],
        "live-shop-service"
    );
    insta::assert_snapshot!("a_service_removed", living.change(&first));
    assert_eq!(visited("shop.live.test")["reached"], false);

    let rest = |lines: &[&str]| service("rest", lines, "rest");
    // A part of it goes to another service: without interruption in two runs.
    let aside = rest(&["route: { host: live.test, path: /*, priority: 30000 }"]);
    let behind = with_services(&[&plain, &aside, &api]);
    living.change(&behind);
    let narrow = web(&["route: { host: live.test, path: /shop/* }"]);
    let divided = with_services(&[&narrow, &aside, &api]);
    insta::assert_snapshot!("a_host_divided", living.change(&divided));
    assert_eq!(
        visited("live.test")["served_by"]["service"],
        "live-rest-service"
    );
    living.change(&behind);
    living.change(&first);

    // The host goes over to a service that was there already, and the other loses its route.
    let (idle, led) = (rest(&[]), rest(&["route: { host: live.test }"]));
    let both = with_services(&[&plain, &idle, &api]);
    insta::assert_snapshot!("a_service_without_a_route_added", living.change(&both));
    let given = with_services(&[&web(&[]), &led, &api]);
    insta::assert_snapshot!("a_host_given_to_another_service", living.change(&given));
    assert_eq!(
        visited("live.test")["served_by"]["service"],
        "live-rest-service"
    );
    insta::assert_snapshot!("a_host_given_back", living.change(&both));
    living.change(&first);

    let sidecar = plain.clone()
        + "    side: { image: \"${ACCOUNT_ID}.dkr.ecr.${REGION}.amazonaws.com/side\", essential: false }\n";
    let two = with_services(&[&sidecar, &api]);
    insta::assert_snapshot!("a_container_added", living.change(&two));
    insta::assert_snapshot!("a_container_removed", living.change(&first));

    // Old tasks listen on one port, new ones on the other.
    let other_port = first.replacen("ports: [80]", "ports: [8080]", 1);
    insta::assert_snapshot!("another_port_of_a_container", living.change(&other_port));
    living.change(&first);

    let renamed = web(&["route: { host: www.live.test }"]);
    let elsewhere = with_services(&[&renamed, &api]);
    living.watch(&["api.live.test"]);
    insta::assert_snapshot!("a_host_changed", living.change(&elsewhere));
    living.watch(&["www.live.test", "api.live.test"]);
    living.end(&elsewhere);
}

#[test]
fn a_host_is_divided_by_path_and_every_path_is_answered_all_the_while() {
    let led = |name: &str, route: &str| {
        let route = format!("route: {{ host: live.test{route} }}");
        service(name, &[&route], name)
    };
    let first = with_services(&[&led("web", "")]);
    let living = Living::start(
        &first,
        &["live.test", "live.test/api/v1", "live.test/shop/1"],
    );
    let answers = |path: &str| {
        let visit = json!({"scheme": "http", "host": "live.test", "path": path});
        let answer = post_json(&living.endpoint, "/_navi/http", &visit);
        answer["served_by"]["service"].clone()
    };
    // A narrower one before it.
    let api = led("api", ", path: /api/*");
    let more = with_services(&[&api, &led("web", "")]);
    insta::assert_snapshot!("a_path_of_a_host", living.change(&more));
    assert_eq!(answers("/api/v1"), "live-api-service");
    assert_eq!(answers("/shop/1"), "live-web-service");

    // A broader one behind it, which gets what it gives up: whether it takes over the rule or has one of its own.
    let narrow = led("web", ", path: /shop/*");
    for (name, rest) in [
        ("the_rest_of_a_host", led("rest", "")),
        ("the_rest_as_a_path", led("rest", ", path: /*")),
    ] {
        let divided = with_services(&[&api, &narrow, &rest]);
        insta::assert_snapshot!(name, living.change(&divided));
        assert_eq!(answers("/api/v1"), "live-api-service");
        assert_eq!(answers("/shop/1"), "live-web-service");
        assert_eq!(answers("/"), "live-rest-service");
        insta::assert_snapshot!(format!("{name}_given_back"), living.change(&more));
        assert_eq!(answers("/shop/1"), "live-web-service");
    }
    insta::assert_snapshot!("a_path_of_a_host_given_back", living.change(&first));
    assert_eq!(answers("/api/v1"), "live-web-service");
    living.end(&first);
}

#[test]
fn services_exchange_their_hosts_and_each_host_is_answered_all_the_while() {
    let led = |name: &str, host: &str| {
        let route = match host {
            "" => String::new(),
            host => format!("route: {{ host: {host} }}"),
        };
        service(name, &[&route], name)
    };
    let stack = |web: &str, api: &str| with_services(&[&led("web", web), &led("api", api)]);
    let first = stack("live.test", "api.live.test");
    let living = Living::start(&first, &HOSTS);
    let answers = |host: &str| {
        let visit = json!({"scheme": "http", "host": host, "path": "/"});
        let answer = post_json(&living.endpoint, "/_navi/http", &visit);
        answer["served_by"]["service"].clone()
    };
    insta::assert_snapshot!(
        "hosts_exchanged",
        living.change(&stack("api.live.test", "live.test"))
    );
    assert_eq!(answers("live.test"), "live-api-service");
    assert_eq!(answers("api.live.test"), "live-web-service");
    living.change(&first);

    // One takes over the other's, which gets a new one; and the way back.
    living.watch(&["api.live.test"]);
    insta::assert_snapshot!(
        "hosts_handed_on",
        living.change(&stack("api.live.test", "www.live.test"))
    );
    living.watch(&["www.live.test", "api.live.test"]);
    assert_eq!(answers("api.live.test"), "live-web-service");
    assert_eq!(answers("www.live.test"), "live-api-service");

    // A new service comes first, and the hosts move on by one.
    let shop = led("shop", "api.live.test");
    let three = with_services(&[
        &shop,
        &led("web", "www.live.test"),
        &led("api", "live.test"),
    ]);
    insta::assert_snapshot!("hosts_moved_on", living.change(&three));
    assert_eq!(answers("api.live.test"), "live-shop-service");
    assert_eq!(answers("www.live.test"), "live-web-service");
    assert_eq!(answers("live.test"), "live-api-service");
    living.end(&three);
}

#[test]
fn a_service_gets_another_name_and_nobody_is_turned_away() {
    let api = |peer: &str| {
        let allow = format!("allow: [{{ from: {peer}, port: 80 }}]");
        service("api", &["route: { host: api.live.test }", &allow], "api")
    };
    let route = "route: { host: live.test }";
    let first = with_services(&[
        &service("web", &[route, "depends_on: [api]"], "web"),
        &api("web"),
    ]);
    let second = with_services(&[
        &service("site", &[route, "depends_on: [api]"], "web"),
        &api("site"),
    ]);
    let living = Living::start(&first, &HOSTS);
    let rule = |living: &Living| {
        let balancers = call(&living.endpoint, "describe_load_balancers", &json!({}));
        let arn = &balancers["LoadBalancers"][0]["LoadBalancerArn"];
        let listeners = call(
            &living.endpoint,
            "describe_listeners",
            &json!({"LoadBalancerArn": arn}),
        );
        let arn = &listeners["Listeners"][0]["ListenerArn"];
        let rules = call(
            &living.endpoint,
            "describe_rules",
            &json!({"ListenerArn": arn}),
        );
        let rules = rules["Rules"].as_array().unwrap().iter();
        let mut found = rules.filter(|rule| rule.to_string().contains("\"live.test\""));
        found.next().unwrap()["RuleArn"].clone()
    };
    let before = rule(&living);
    insta::assert_snapshot!("a_service_renamed", living.change(&second));
    assert_eq!(rule(&living), before);
    let found = living.found();
    let names: Vec<&String> = found["discovery_services"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(names, ["api", "site"], "the name in Cloud Map follows");
    assert_eq!(
        found["services"].as_object().unwrap().len(),
        2,
        "{:#}",
        found["services"]
    );

    // What keeps its names is the same as before.
    let kept = [
        route,
        "depends_on: [api]",
        "discovery: { name: site }",
        "names: { service: live-site-service, family: live-site-task, security_group: live-site-sg, target_group: live-site-tg }",
    ];
    let third = with_services(&[&service("shop", &kept, "web"), &api("shop")]);
    insta::assert_snapshot!(
        "a_service_renamed_that_keeps_its_names",
        living.change(&third)
    );
    living.end(&third);
}

fn call(endpoint: &str, operation: &str, parameters: &Value) -> Value {
    stranger(
        endpoint,
        &["call", "elbv2", operation, &parameters.to_string()],
    )
}
