//! What comes out when a file says little?

use super::{INTERNAL, MINIMAL, container_with, file_with, service_with, stack};
use crate::stack::{ListenerProtocol, NamedPolicy, Nat, Network, Tier, Zone};

fn ranges(network: &Network, tier: Tier) -> Vec<String> {
    network
        .subnets_of(tier)
        .map(|subnet| format!("{} {}", subnet.zone.label(), subnet.cidr))
        .collect()
}

#[test]
fn the_minimal_file_is_short() {
    assert!(MINIMAL.lines().count() < 20);
}

#[test]
fn the_minimal_file_is_reachable_and_pays_for_no_nat_gateway() {
    let stack = stack(MINIMAL);
    assert_eq!(stack.network.nat, Nat::None);
    assert_eq!(
        ranges(&stack.network, Tier::Public),
        ["zone-1 10.0.0.0/20", "zone-2 10.0.16.0/20"]
    );
    assert!(ranges(&stack.network, Tier::Private).is_empty());
    let ingress = stack
        .ingress
        .as_ref()
        .expect("a route brings a load balancer");
    assert_eq!(
        (ingress.port, &ingress.protocol, ingress.redirect_http),
        (80, &ListenerProtocol::Http, false)
    );
    let web = &stack.services[0];
    assert!(web.assign_public_ip());
    let route = web.route.as_ref().expect("a route");
    assert_eq!(
        (
            route.path.as_deref(),
            route.container.as_str(),
            route.container_port
        ),
        (Some("/*"), "web", 80)
    );
    assert_eq!(
        stack.role.policies,
        [NamedPolicy::EcrPull, NamedPolicy::LogsWrite]
    );
    assert!(!stack.needs_account_id() && !stack.needs_region());
}

#[test]
fn the_internal_file_has_three_services_that_find_each_other() {
    let stack = stack(INTERNAL);
    assert!(stack.ingress.is_none());
    assert_eq!(stack.network.nat, Nat::None);
    let found: Vec<&str> = stack
        .services
        .iter()
        .filter_map(|service| Some(service.discovery.as_ref()?.name.as_str()))
        .collect();
    assert_eq!(found, ["database", "api", "worker"]);
    assert!(
        stack
            .services
            .iter()
            .all(|service| service.subnets == Tier::Public)
    );
    assert!(
        stack
            .services
            .iter()
            .any(|service| !service.depends_on.is_empty())
    );
}

#[test]
fn a_nat_gateway_moves_services_into_private_subnets() {
    let stack = stack(&file_with("network: { nat: single }"));
    assert_eq!(
        ranges(&stack.network, Tier::Private),
        ["zone-1 10.0.128.0/20", "zone-2 10.0.144.0/20"]
    );
    assert_eq!(stack.services[0].subnets, Tier::Private);
    assert_eq!(stack.network.nat_subnets()[0].zone, Zone::Ordinal(1));
}

#[test]
fn a_nat_gateway_per_zone_stands_beside_each_private_subnet() {
    let stack = stack(&file_with("network: { nat: per-zone }"));
    assert_eq!(stack.network.nat_subnets().len(), 2);
}

#[test]
fn small_networks_are_divided_as_far_as_a_load_balancer_can_live_in_them() {
    for (cidr, first) in [
        ("10.0.0.0/20", "10.0.0.0/24"),
        ("10.0.0.0/24", "10.0.0.0/27"),
        ("10.0.0.0/25", "10.0.0.0/27"),
    ] {
        let stack = stack(&file_with(&format!("network: {{ cidr: {cidr} }}")));
        assert_eq!(stack.network.subnets[0].cidr.to_string(), first);
    }
}

#[test]
fn a_zone_can_be_written_in_full() {
    let text = "region: eu-west-1\nnetwork: { subnets: { public: { eu-west-1a: 10.0.1.0/24, 1b: 10.0.2.0/24 } } }";
    let stack = stack(&file_with(text));
    let zones: Vec<_> = stack
        .network
        .subnets
        .iter()
        .map(|subnet| subnet.zone.full_name("eu-west-1"))
        .collect();
    assert_eq!(
        zones,
        [Some("eu-west-1a".to_owned()), Some("eu-west-1b".to_owned())]
    );
}

#[test]
fn a_certificate_makes_it_https_with_a_redirect() {
    let stack = stack(&file_with(
        "ingress: { certificate: { find: example.com } }",
    ));
    let ingress = stack.ingress.expect("a load balancer");
    assert!(
        matches!(ingress.protocol, ListenerProtocol::Https { ref ssl_policy, .. } if ssl_policy == "ELBSecurityPolicy-TLS13-1-2-2021-06")
    );
    assert_eq!((ingress.port, ingress.redirect_http), (443, true));
}

#[test]
fn more_specific_routes_come_first() {
    let service = |name: &str, route: &str| {
        format!(
            "  {name}: {{ route: {route}, containers: {{ c: {{ image: nginx, ports: [80] }} }} }}\n"
        )
    };
    let text = [
        "stack: shop\nservices:\n".to_owned(),
        service("all", "{}"),
        service("path", "{ path: /a/* }"),
        service("host", "{ host: a.example.com }"),
        service("both", "{ host: a.example.com, path: /a/* }"),
        service("given", "{ host: b.example.com, priority: 7 }"),
        service("host2", "{ host: c.example.com }"),
    ]
    .concat();
    let mut order: Vec<(u32, String)> = stack(&text)
        .services
        .iter()
        .filter_map(|service| Some((service.route.as_ref()?.priority, service.name.clone())))
        .collect();
    order.sort();
    let names: Vec<&str> = order.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["given", "both", "host", "host2", "path", "all"]);
}

#[test]
fn defaults_are_taken_key_by_key() {
    let text = "
stack: shop
namespace: { name: shop.local }
defaults:
  cpu: 512
  discovery: { ttl: 5s }
  health_check: { interval: 60s, matcher: 204 }
  logs: { retention: 7d, prefix: shop }
services:
  web:
    route: {}
    discovery: { name: www }
    health_check: { interval: 30s }
    containers: { web: { image: nginx, ports: [80], logs: { prefix: web } } }
";
    let stack = stack(text);
    let web = &stack.services[0];
    assert_eq!(
        (web.cpu, web.memory),
        (512, 1024),
        "the least memory that goes with the cpu"
    );
    let discovery = web.discovery.as_ref().expect("an entry");
    assert_eq!((discovery.name.as_str(), discovery.ttl_seconds), ("www", 5));
    let health_check = &web.route.as_ref().expect("a route").health_check;
    assert_eq!(
        (health_check.interval_seconds, health_check.matcher.as_str()),
        (30, "204")
    );
    let logs = web.containers[0].logs.as_ref().expect("logs");
    assert_eq!(
        (logs.stream_prefix.as_str(), logs.group.as_str()),
        ("web", "/ecs/shop/web")
    );
}

#[test]
fn a_service_can_stay_out_of_the_namespace() {
    let stack = stack(&format!(
        "namespace: {{ name: shop.local }}\n{}",
        service_with("discovery: { enabled: false }")
    ));
    assert_eq!(stack.services[0].discovery, None);
}

#[test]
fn exec_brings_its_permission() {
    assert!(
        stack(&service_with("exec: true"))
            .role
            .policies
            .contains(&NamedPolicy::Exec)
    );
}

#[test]
fn text_is_not_taken_for_another_type() {
    let stack = stack(&container_with(
        "image: nginx\nenvironment: { A: no, B: 1e3, C: 22:22, D: 0x10, E: 2024-01-01, F: 1.10 }",
    ));
    let values: Vec<&str> = stack.services[0].containers[0]
        .environment
        .values()
        .map(String::as_str)
        .collect();
    assert_eq!(values, ["no", "1e3", "22:22", "0x10", "2024-01-01", "1.10"]);
}

#[test]
fn statements_of_ones_own_come_after_the_named_ones() {
    let text = "
role:
  policies: [ecr-pull]
  statements:
    - actions: [s3:GetObject, s3:ListBucket]
      resources: [arn:aws:s3:::shop]
      condition: { StringEquals: { aws:PrincipalTag/team: [shop] } }";
    let document = stack(&file_with(text)).role.policy_document();
    assert_eq!(
        document["Statement"][1],
        serde_json::json!({
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": "arn:aws:s3:::shop",
            "Condition": { "StringEquals": { "aws:PrincipalTag/team": ["shop"] } },
        })
    );
}
