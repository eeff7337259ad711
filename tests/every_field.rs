//! What takes a change of each key of the stack file: is it made in place, by a successor, or refused, and does the plan
//! say so? One running stack, one key changed at a time, nothing carried out. What a task is made of has its own tests.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::Navi;

/// Every key of network, ingress, discovery and DNS that can be written beside the others.
const STACK: &str = "\
stack: fields
network:
  cidr: 10.0.0.0/16
  dns_support: true
  dns_hostnames: true
  nat: single
  endpoints: [s3, logs]
  public_ip_on_launch: true
  subnets:
    public: { 1a: 10.0.1.0/24, 1c: 10.0.2.0/24, 1d: 10.0.3.0/24 }
    private: { 1a: 10.0.11.0/24, 1c: 10.0.12.0/24 }
ingress:
  listen: { protocol: HTTPS, port: 443, ssl_policy: ELBSecurityPolicy-TLS13-1-2-2021-06 }
  redirect_http: true
  certificate: { request: [fields.test, api.fields.test] }
  zone: { create: fields.test }
  allow: [0.0.0.0/0]
  default: { status: 404, content_type: text/plain, body: nothing here }
namespace: { name: fields.local, description: the first }
role: { policies: [ecr-pull, logs-write] }
tags: { team: a }
services:
  web:
    route: { host: fields.test, path: /*, priority: 100, to: \"web:80\", target_group_port: 80 }
    health_check: { path: /, interval: 30s, timeout: 10s, healthy_threshold: 2, unhealthy_threshold: 3, matcher: 200-399 }
    deregistration_delay: 30s
    discovery: { name: web, type: A, ttl: 10s, failure_threshold: 1 }
    allow: [{ from: 10.9.0.0/16, port: 80 }]
    containers:
      web: { image: nginx, ports: [80, 81] }
";

/// What a plan says of one changed key: address, and the field that asks for it.
enum Says {
    /// Nothing gets a successor.
    InPlace(&'static str, &'static str),
    /// This does.
    Successor(&'static str, &'static str),
    Made(&'static str),
    Removed(&'static str),
    /// There is no such plan, and this is why.
    Refused(&'static str),
}
use Says::{InPlace, Made, Refused, Removed, Successor};

/// Key, what stands in the file, what stands there instead, what is said.
const CHANGES: &[(&str, &str, &str, Says)] = &[
    (
        "network.cidr",
        "cidr: 10.0.0.0/16",
        "cidr: 10.0.0.0/18",
        Successor("vpc.main", "cidr_block"),
    ),
    (
        "network.dns_support",
        "dns_support: true",
        "dns_support: false",
        Refused("a VPC cannot have DNS host names without DNS support"),
    ),
    (
        "network.dns_hostnames",
        "dns_hostnames: true
  nat: single
  endpoints: [s3, logs]",
        "dns_hostnames: false
  nat: single",
        InPlace("vpc.main", "enable_dns_hostnames"),
    ),
    (
        "network.nat",
        "nat: single",
        "nat: per-zone",
        Made("nat_gateway.1c"),
    ),
    (
        "network.endpoints",
        "endpoints: [s3, logs]",
        "endpoints: [s3, logs, kms]",
        Made("vpc_endpoint.kms"),
    ),
    (
        "network.public_ip_on_launch",
        "public_ip_on_launch: true",
        "public_ip_on_launch: false",
        InPlace("subnet.public-1c", "map_public_ip_on_launch"),
    ),
    (
        "network.subnets",
        "1d: 10.0.3.0/24",
        "1d: 10.0.3.0/25",
        Refused("there is no room for it beside the old subnet.public-1d"),
    ),
    (
        "network.subnets.public",
        ", 1d: 10.0.3.0/24",
        "",
        Removed("subnet.public-1d"),
    ),
    (
        "network.subnets.private",
        ", 1c: 10.0.12.0/24",
        "",
        InPlace("ecs_service.web", "subnets"),
    ),
    (
        "ingress.listen.protocol",
        "protocol: HTTPS, port: 443, ssl_policy: ELBSecurityPolicy-TLS13-1-2-2021-06",
        "protocol: HTTP, port: 443",
        Refused("an HTTP listener has no use for a certificate"),
    ),
    (
        "ingress.listen.port",
        "port: 443",
        "port: 8443",
        InPlace("listener.routes", "port"),
    ),
    (
        "ingress.listen.ssl_policy",
        "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "ELBSecurityPolicy-2016-08",
        InPlace("listener.routes", "ssl_policy"),
    ),
    (
        "ingress.redirect_http",
        "redirect_http: true",
        "redirect_http: false",
        Removed("listener.redirect"),
    ),
    (
        "ingress.certificate.request",
        "[fields.test, api.fields.test]",
        "[fields.test]",
        Successor("certificate.fields.test", "subject_alternative_names"),
    ),
    (
        "ingress.certificate.arn",
        "{ request: [fields.test, api.fields.test] }",
        "{ arn: \"arn:aws:acm:ap-northeast-1:123456789012:certificate/01234567-0123-0123-0123-0123456789ab\" }",
        InPlace("listener.routes", "certificate"),
    ),
    (
        "ingress.certificate.find",
        "{ request: [fields.test, api.fields.test] }",
        "{ find: fields.test }",
        Refused("navi made certificate.fields.test for this stack: it can't be looked up instead"),
    ),
    (
        "ingress.zone.create",
        "zone: { create: fields.test }",
        "zone: { create: api.fields.test }",
        Refused("cannot be validated by a record in the zone"),
    ),
    (
        "ingress.zone.find",
        "zone: { create: fields.test }",
        "zone: { find: fields.test }",
        Refused("navi made hosted_zone.fields.test for this stack: it can't be looked up instead"),
    ),
    (
        "ingress.allow",
        "allow: [0.0.0.0/0]",
        "allow: [10.0.0.0/8]",
        InPlace("security_group.ingress", "ingress"),
    ),
    (
        "ingress.default.status",
        "status: 404",
        "status: 503",
        InPlace("listener.routes", "default_action"),
    ),
    (
        "ingress.default.content_type",
        "content_type: text/plain",
        "content_type: text/html",
        InPlace("listener.routes", "default_action"),
    ),
    (
        "ingress.default.body",
        "body: nothing here",
        "body: gone",
        InPlace("listener.routes", "default_action"),
    ),
    (
        "namespace.name",
        "name: fields.local",
        "name: other.local",
        Successor("namespace.main", "name"),
    ),
    (
        "namespace.description",
        "description: the first",
        "description: the second",
        InPlace("namespace.main", "description"),
    ),
    (
        "names.vpc",
        "tags: { team: a }",
        "tags: { team: a }\nnames: { vpc: other }",
        InPlace("vpc.main", "tags.Name"),
    ),
    (
        "names.cluster",
        "tags: { team: a }",
        "tags: { team: a }\nnames: { cluster: other }",
        Successor("cluster.main", "name"),
    ),
    (
        "names.load_balancer",
        "tags: { team: a }",
        "tags: { team: a }\nnames: { load_balancer: other }",
        Successor("load_balancer.main", "name"),
    ),
    (
        "names.load_balancer_security_group",
        "tags: { team: a }",
        "tags: { team: a }\nnames: { load_balancer_security_group: other }",
        Successor("security_group.ingress", "group_name"),
    ),
    (
        "names.role",
        "tags: { team: a }",
        "tags: { team: a }\nnames: { role: other }",
        Successor("role.main", "role_name"),
    ),
    (
        "names.policy",
        "tags: { team: a }",
        "tags: { team: a }\nnames: { policy: other }",
        InPlace("role.main", "policies.other"),
    ),
    (
        "role.policies",
        "policies: [ecr-pull, logs-write]",
        "policies: [ecr-pull, logs-write, discovery]",
        InPlace("role.main", "policies.fields-ecs-task-execution-policy"),
    ),
    (
        "role.statements",
        "policies: [ecr-pull, logs-write]",
        "policies: [ecr-pull, logs-write], statements: [{ actions: [\"s3:GetObject\"], resources: [\"*\"] }]",
        InPlace("role.main", "policies.fields-ecs-task-execution-policy"),
    ),
    (
        "tags",
        "team: a",
        "team: b",
        InPlace("nat_gateway.1a", "tags.team"),
    ),
    (
        "services.*.route",
        "    route: { host: fields.test, path: /*, priority: 100, to: \"web:80\", target_group_port: 80 }\n",
        "",
        Refused("`web` has no route, so its `health_check` has no effect"),
    ),
    (
        "services.*.route.host",
        "host: fields.test",
        "host: api.fields.test",
        InPlace("listener_rule.web", "host_headers"),
    ),
    (
        "services.*.route.path",
        "path: /*",
        "path: /shop/*",
        InPlace("listener_rule.web", "path_patterns"),
    ),
    (
        "services.*.route.priority",
        "priority: 100",
        "priority: 200",
        InPlace("listener_rule.web", "priority"),
    ),
    (
        "services.*.route.to",
        "to: \"web:80\"",
        "to: \"web:81\"",
        InPlace("ecs_service.web", "load_balancers"),
    ),
    (
        "services.*.route.target_group_port",
        "target_group_port: 80",
        "target_group_port: 3000",
        Successor("target_group.web", "port"),
    ),
    (
        "services.*.health_check.path",
        "path: /, interval",
        "path: /up, interval",
        InPlace("target_group.web", "health_check.path"),
    ),
    (
        "services.*.health_check.interval",
        "interval: 30s",
        "interval: 60s",
        InPlace("target_group.web", "health_check.interval_seconds"),
    ),
    (
        "services.*.health_check.timeout",
        "timeout: 10s",
        "timeout: 5s",
        InPlace("target_group.web", "health_check.timeout_seconds"),
    ),
    (
        "services.*.health_check.healthy_threshold",
        "healthy_threshold: 2",
        "healthy_threshold: 5",
        InPlace("target_group.web", "health_check.healthy_threshold_count"),
    ),
    (
        "services.*.health_check.unhealthy_threshold",
        "unhealthy_threshold: 3",
        "unhealthy_threshold: 5",
        InPlace("target_group.web", "health_check.unhealthy_threshold_count"),
    ),
    (
        "services.*.health_check.matcher",
        "matcher: 200-399",
        "matcher: 200",
        InPlace("target_group.web", "health_check.matcher"),
    ),
    (
        "services.*.deregistration_delay",
        "deregistration_delay: 30s",
        "deregistration_delay: 5s",
        InPlace("target_group.web", "deregistration_delay_seconds"),
    ),
    (
        "services.*.discovery.enabled",
        "discovery: {",
        "discovery: { enabled: false,",
        Removed("discovery_service.web"),
    ),
    (
        "services.*.discovery.name",
        "name: web, type",
        "name: www, type",
        Successor("discovery_service.web", "name"),
    ),
    (
        "services.*.discovery.type",
        "type: A",
        "type: SRV",
        Refused("`services.web.discovery.type` cannot be `SRV`"),
    ),
    (
        "services.*.discovery.ttl",
        "ttl: 10s",
        "ttl: 60s",
        InPlace("discovery_service.web", "dns_records"),
    ),
    (
        "services.*.discovery.failure_threshold",
        "failure_threshold: 1",
        "failure_threshold: 3",
        Refused("`services.web.discovery.failure_threshold` must be 1, not 3"),
    ),
    (
        "services.*.allow.[].from",
        "from: 10.9.0.0/16",
        "from: ingress",
        InPlace("security_group.web", "ingress"),
    ),
    (
        "services.*.allow.[].port",
        ", port: 80 }]",
        ", port: 81 }]",
        InPlace("security_group.web", "ingress"),
    ),
    (
        "services.*.names.service",
        "    containers:",
        "    names: { service: other }\n    containers:",
        Successor("ecs_service.web", "name"),
    ),
    (
        "services.*.names.family",
        "    containers:",
        "    names: { family: other }\n    containers:",
        Successor("task_definition.web", "family"),
    ),
    (
        "services.*.names.security_group",
        "    containers:",
        "    names: { security_group: other }\n    containers:",
        Successor("security_group.web", "group_name"),
    ),
    (
        "services.*.names.target_group",
        "    containers:",
        "    names: { target_group: other }\n    containers:",
        Successor("target_group.web", "name"),
    ),
    (
        "services.*.subnets",
        "    deregistration_delay",
        "    subnets: public\n    deregistration_delay",
        InPlace("ecs_service.web", "subnets"),
    ),
    // The keys of an existing VPC stand in place of all the others.
    (
        "network.vpc",
        "  cidr: 10.0.0.0/16\n",
        "  cidr: 10.0.0.0/16\n  vpc: { find: main, subnets: { public: [a, b], private: [c] } }\n",
        Refused("`cidr` says how a VPC is made, and this one exists already"),
    ),
    // Routed and unrouted: everything of the load balancer's goes.
    (
        "services.*.route",
        "    route: { host: fields.test, path: /*, priority: 100, to: \"web:80\", target_group_port: 80 }\n    health_check: { path: /, interval: 30s, timeout: 10s, healthy_threshold: 2, unhealthy_threshold: 3, matcher: 200-399 }\n    deregistration_delay: 30s\n",
        "",
        Removed("target_group.web"),
    ),
    (
        "namespace",
        "namespace: { name: fields.local, description: the first }\n",
        "",
        Refused("there is no namespace for service discovery"),
    ),
    (
        "network.subnets",
        "public: { 1a: 10.0.1.0/24",
        "public: { 1a: 10.0.4.0/24",
        Successor("subnet.public-1a", "cidr_block"),
    ),
    (
        "names.endpoint_security_group",
        "tags: { team: a }",
        "tags: { team: a }\nnames: { endpoint_security_group: other }",
        Successor("security_group.vpc_endpoints", "group_name"),
    ),
];

/// Keys that only say which stack it is and what of it is protected, what tasks are made of (tests of their own), and
/// what holds other keys that are all here.
const ELSEWHERE: &[&str] = &[
    "defaults",
    "protect",
    "region",
    "services",
    "stack",
    "services.*.allow",
    "services.*.architecture",
    "services.*.containers",
    "services.*.count",
    "services.*.cpu",
    "services.*.depends_on",
    "services.*.deployment",
    "services.*.ephemeral_storage",
    "services.*.exec",
    "services.*.memory",
    "services.*.spot",
];

#[test]
fn every_key_changes_as_aws_allows_and_the_plan_says_why() {
    let navi = Navi::new();
    let file = navi.write("fields.yaml", STACK);
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.forget_calls();
    let mut wrong = Vec::new();
    for (key, from, to, says) in CHANGES {
        assert!(
            STACK.contains(from),
            "{key}: `{from}` is not in the stack file"
        );
        let file = navi.write("changed.yaml", &STACK.replacen(from, to, 1));
        let ended = navi.sandboxed(&file, &["plan"]);
        let said = match says {
            Refused(why) => {
                ended.code == 1 && one_line(&ended.stderr).contains(why) && !why.is_empty()
            }
            _ => ended.code == 0 && says.is_in(&ended.stdout),
        };
        if !said {
            wrong.push(format!(
                "{key}: {from} → {to}\n{}{}",
                ended.stdout, ended.stderr
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
}

impl Says {
    fn is_in(&self, plan: &str) -> bool {
        let has = |sign: &str, address: &str, field: Option<(&str, bool)>| {
            let mut lines = plan.lines().skip_while(|line| {
                !line.starts_with(&format!("{sign} {address}"))
                    || line.ends_with("until traffic moves")
            });
            lines.next().is_some()
                && field.is_none_or(|(field, replaces)| {
                    let fields = lines.take_while(|line| line.starts_with("    "));
                    let start = format!("    {field}: ");
                    let mut fields = fields.filter(|line| line.starts_with(&start));
                    fields.any(|line| line.ends_with("(needs a new one)") == replaces)
                })
        };
        // Nobody else is blamed for what the file changes.
        !plan.contains("Changed by others")
            && match self {
                InPlace(address, field) => {
                    has("~", address, Some((field, false))) && !plan.contains("\n± ")
                }
                Successor(address, field) => {
                    has("±", address, Some((field, true)))
                        && has("-", &format!("{address}~1"), None)
                }
                Made(address) => has("+", address, None),
                Removed(address) => has("-", address, None),
                Refused(_) => false,
            }
    }
}

/// Messages are broken into lines for the terminal.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn no_key_is_forgotten() {
    let schema = Navi::new().run(&["schema"]).expect(0).stdout;
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let mut keys = BTreeSet::new();
    walk(&schema, &schema, "", 0, &mut keys);
    let named = |key: &str| {
        CHANGES.iter().any(|(changed, ..)| {
            *changed == key
                || changed.starts_with(&format!("{key}."))
                || key.starts_with(&format!("{changed}."))
        }) || ELSEWHERE
            .iter()
            .any(|other| *other == key || key.starts_with(&format!("{other}.")))
    };
    let missing: Vec<&String> = keys.iter().filter(|key| !named(key)).collect();
    assert!(keys.len() > 100 && missing.is_empty(), "{missing:?}");
}

/// Every key of the schema, with those above it.
fn walk(schema: &Value, part: &Value, above: &str, depth: usize, keys: &mut BTreeSet<String>) {
    if let Some(reference) = part["$ref"].as_str() {
        let named = schema.pointer(reference.trim_start_matches('#')).unwrap();
        return walk(schema, named, above, depth, keys);
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        for part in part[choice].as_array().into_iter().flatten() {
            walk(schema, part, above, depth, keys);
        }
    }
    let below = |key: &str| match above {
        "" => key.to_owned(),
        above => format!("{above}.{key}"),
    };
    for (key, part) in part["properties"].as_object().into_iter().flatten() {
        keys.insert(below(key));
        if depth < 8 {
            walk(schema, part, &below(key), depth + 1, keys);
        }
    }
    for (step, part) in [("*", &part["additionalProperties"]), ("[]", &part["items"])] {
        if part.is_object() {
            walk(schema, part, &below(step), depth + 1, keys);
        }
    }
}
