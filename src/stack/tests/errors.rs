//! Is every error told with its place, its snippet and what to do?

use super::{container_with, containers_with, file_with, service_with, try_load};

/// What the user sees: errors if there are any, warnings otherwise.
fn told(text: &str) -> String {
    match try_load(text) {
        Ok(loaded) => loaded
            .warnings
            .iter()
            .map(|warning| warning.render(100))
            .collect::<Vec<_>>()
            .join("\n"),
        Err(errors) => errors.render(100),
    }
}

/// One service in private subnets, its image in ECR.
fn private_with(network: &str, service: &str) -> String {
    format!(
        "stack: shop\nregion: eu-west-1\nnetwork:\n  {network}\nservices:\n  web:\n    {service}\n    containers:\n      web:\n        image: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/web\n        secrets: {{ KEY: /shop/key }}\n"
    )
}

macro_rules! tells {
    ($($name:ident: $text:expr;)*) => {
        $(#[test] fn $name() { insta::assert_snapshot!(told(&$text)); })*
    };
}

// The text itself.
tells! {
    an_empty_file: "";
    only_comments: "# nothing yet\n";
    a_syntax_error: "stack: shop\nservices:\n  web: { image: nginx\n";
    a_missing_colon: "stack: shop\nservices\n  web: 1\n";
    a_tab: "stack: shop\nservices:\n\tweb: {}\n";
    a_duplicate_key: service_with("count: 1\ncpu: 256\ncount: 2");
    an_anchor: file_with("tags: &tags { team: shop }");
    a_tag: file_with("tags: !!map { team: shop }");
    two_documents: format!("{}---\nstack: other\n", file_with(""));
    a_list_instead_of_a_file: "- stack: shop\n";
}

// Keys and types.
tells! {
    an_unknown_key: service_with("conut: 2");
    an_unknown_key_unlike_any: service_with("flavour: sweet");
    a_key_in_camel_case: service_with("route: {}\nhealthCheck: { path: / }");
    a_mistyped_required_key_is_told_once: "stack: shop\nservices:\n  web:\n    contaners:\n      web: { image: nginx }\n";
    missing_required_keys: "region: eu-west-1\nservices:\n  web: {}\n  api: { containers: { api: { ports: [80] } } }\n";
    no_services: "stack: shop\nservices: {}\n";
    a_word_for_a_number: service_with("count: two");
    a_quoted_number: service_with("count: \"2\"");
    a_number_out_of_range: service_with("route: { priority: 50001 }");
    yes_for_true: service_with("exec: yes");
    a_value_for_a_list: service_with("depends_on: api");
    a_value_for_a_mapping: service_with("route: web");
    a_list_for_a_mapping: "stack: shop\nservices:\n  - web: {}\n";
    a_mapping_for_a_value: service_with("cpu: { value: 2 }");
    an_unknown_word: file_with("network: { nat: singel }");
    an_empty_value: service_with("route:");
    two_of_a_choice: file_with("ingress: { zone: { find: example.com, create: example.com } }");
    a_value_for_a_choice: file_with("ingress: { zone: example.com }");
}

// What is protected.
tells! {
    an_unknown_kind_to_protect: file_with("protect: [vpc, load_balancr, database]");
    one_kind_to_protect_without_a_list: file_with("protect: vpc");
    no_kind_to_protect: file_with("protect: []");
    yes_to_protect: file_with("protect: yes");
    a_mapping_to_protect: file_with("protect: { vpc: true }");
    nothing_said_of_what_to_protect: file_with("protect:");
}

// What a container starts with, and after which.
tells! {
    a_secret_that_is_no_place: container_with("image: nginx\nsecrets: { PASSWORD: \"hunter 2\" }");
    a_secret_with_half_a_part: container_with("image: nginx\nsecrets: { KEY: \"arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf:key\" }");
    a_parameter_of_another_kind: container_with("image: nginx\nsecrets: { KEY: \"arn:aws:ssm:eu-west-1:123456789012:document/x\" }");
    a_secret_that_is_a_variable_too: container_with("image: nginx\nenvironment: { KEY: 1 }\nsecrets: { KEY: /shop/key }");
    not_an_environment_file: container_with("image: nginx\nenvironment_files: [\"arn:aws:s3:::bucket\", \"s3://bucket/a.env\", \"arn:aws:s3:::bucket/a.txt\"]");
    more_than_ten_environment_files: container_with(&format!("image: nginx\nenvironment_files: [{}]", ["\"arn:aws:s3:::bucket/a.env\""; 11].join(", ")));
    a_health_check_without_its_word: container_with("image: nginx\nhealth_check: { command: [curl, -f, \"http://localhost/\"] }");
    a_health_check_without_a_command: container_with("image: nginx\nhealth_check: { interval: 10s }");
    a_health_check_out_of_bounds: container_with("image: nginx\nhealth_check: { command: [CMD, check], interval: 1s, timeout: 90s, retries: 11, start_period: 10m }");
    a_stop_timeout_beyond_fargate_s: container_with("image: nginx\nstop_timeout: 5m");
    a_disk_beyond_fargate_s: service_with("ephemeral_storage: 201");
    a_base_for_no_spot: service_with("spot: { base: 1 }");
    a_share_beyond_all: service_with("spot: { share: 101 }");
    an_unknown_architecture: service_with("architecture: arm");
    an_unknown_container: containers_with("web: { image: nginx, depends_on: { migrat: success } }\nmigrate: { image: nginx, essential: false }");
    waiting_for_an_essential_end: containers_with("web: { image: nginx, depends_on: { migrate: success } }\nmigrate: { image: nginx }");
    waiting_for_health_without_a_check: containers_with("web: { image: nginx, depends_on: { proxy: healthy } }\nproxy: { image: nginx }");
    containers_in_a_circle: containers_with("web: { image: nginx, depends_on: { proxy: start } }\nproxy: { image: nginx, depends_on: { side: start } }\nside: { image: nginx, depends_on: { web: start } }");
    a_container_that_waits_for_itself: container_with("image: nginx\ndepends_on: { web: start }");
    an_unknown_condition: containers_with("web: { image: nginx, depends_on: { side: started } }\nside: { image: nginx }");
}

// Counts.
tells! {
    a_count_without_an_end: service_with("count: { cpu: 60 }");
    a_count_upside_down: service_with("count: { min: 4, max: 2, cpu: 60 }");
    a_count_by_nothing: service_with("count: { min: 1, max: 4 }");
    a_count_of_requests_without_a_route: service_with("count: { max: 4, requests: 500 }");
    a_count_that_could_not_wake_up: service_with("count: { min: 0, max: 4, cpu: 101 }");
    a_list_for_a_count: service_with("count: [1, 4]");
    an_empty_count: service_with("count:");
    an_unknown_key_of_a_count: service_with("count: { max: 4, cpus: 60 }");
    bounds_from_the_defaults: "stack: shop\ndefaults: { count: { min: 3, requests: 100 } }\nservices:\n  web:\n    count: { max: 2 }\n    containers:\n      web: { image: nginx }\n";
}

// Deployments.
tells! {
    a_rollback_without_a_circuit_breaker: service_with("deployment: { rollback: true }");
    a_deployment_without_room: service_with("deployment: { max: 100 }");
    a_deployment_without_room_by_rounding: service_with("count: 3\ndeployment: { min_healthy: 90, max: 130 }");
    a_percentage_out_of_range: service_with("deployment: { max: 50 }");
    an_unknown_key_of_a_deployment: service_with("deployment: { circuit_braker: true }");
}

// The network.
tells! {
    a_bad_range: file_with("network: { cidr: 10.0.0.0/33 }");
    an_address_for_a_range: file_with("network: { cidr: 10.0.0.0 }");
    an_ipv6_range: file_with("ingress: { allow: [\"::/0\"] }");
    a_range_with_host_bits: file_with("network: { subnets: { public: { 1a: 10.0.1.5/24, 1b: 10.0.2.0/24 } } }");
    a_vpc_too_large: file_with("network: { cidr: 10.0.0.0/8 }");
    a_vpc_too_small_to_divide: file_with("network: { cidr: 10.0.0.0/28 }");
    a_subnet_too_small: file_with("network: { subnets: { public: { 1a: 10.0.1.0/29, 1b: 10.0.2.0/24 } } }");
    a_subnet_outside_the_vpc: file_with("network: { subnets: { public: { 1a: 10.1.1.0/24, 1b: 10.0.2.0/24 } } }");
    overlapping_subnets: file_with("network:\n  subnets:\n    public:\n      1a: 10.0.0.0/23\n      1b: 10.0.1.0/24");
    one_zone_for_a_load_balancer: file_with("network: { subnets: { public: { 1a: 10.0.1.0/24 } } }");
    a_subnet_too_small_for_a_load_balancer: file_with("network: { subnets: { public: { 1a: 10.0.1.0/28, 1b: 10.0.2.0/24 } } }");
    not_a_zone: file_with("network: { subnets: { public: { a: 10.0.1.0/24, zone-9: 10.0.2.0/24 } } }");
    another_regions_zone: file_with("region: eu-west-1\nnetwork: { subnets: { public: { 2a: 10.0.1.0/24, us-east-1b: 10.0.2.0/24 } } }");
    a_zone_twice: file_with("region: eu-west-1\nnetwork: { subnets: { public: { 1a: 10.0.1.0/24, eu-west-1a: 10.0.2.0/24 } } }");
    named_and_numbered_zones: file_with("network: { subnets: { public: { 1a: 10.0.1.0/24, zone-2: 10.0.2.0/24 } } }");
    a_nat_gateway_without_a_public_subnet: "stack: shop\nnetwork: { nat: single, subnets: { private: { 1a: 10.0.1.0/24 } } }\nservices: { web: { containers: { web: { image: nginx } } } }\n";
    a_nat_gateway_missing_a_zone: file_with("network:\n  nat: per-zone\n  subnets:\n    public: { 1a: 10.0.1.0/24, 1b: 10.0.2.0/24 }\n    private: { 1c: 10.0.3.0/24 }");
    a_nat_gateway_for_nobody: file_with("defaults: { subnets: public }\nnetwork: { nat: single, subnets: { public: { 1a: 10.0.1.0/24, 1b: 10.0.2.0/24 } } }");
    private_subnets_without_nat: service_with("subnets: private");
    public_services_without_public_subnets: "stack: shop\nnetwork: { subnets: { private: { 1a: 10.0.1.0/24 } } }\nservices: { web: { subnets: public, containers: { web: { image: nginx } } } }\n";
    an_unknown_endpoint: file_with("network: { endpoints: [ecr, s3, log] }");
    an_endpoint_twice: private_with("endpoints: [ecr, s3, ssm, logs, ecr]", "exec: false");
    endpoints_without_private_subnets: file_with("defaults: { subnets: public }\nnetwork: { endpoints: [s3], subnets: { public: { 1a: 10.0.1.0/24, 1b: 10.0.2.0/24 } } }");
    endpoints_without_dns: private_with("endpoints: [ecr, s3, ssm, logs]\n  dns_hostnames: false", "exec: false");
    endpoints_that_leave_something_out: private_with("endpoints: [ecr, s3]", "exec: true");
    endpoints_and_an_image_from_elsewhere: file_with("network: { endpoints: [ecr, s3, logs] }");
    endpoints_in_china: "stack: shop\nregion: cn-north-1\nnetwork: { nat: single, endpoints: [s3, logs] }\nservices: { web: { containers: { web: { image: nginx } } } }\n";
    endpoints_in_an_existing_vpc: file_with("network:\n  endpoints: [s3]\n  vpc: { find: main, subnets: { public: [a, b] } }");
    the_name_of_the_endpoints_group_given_twice: "stack: shop\nnetwork: { endpoints: [ecr, s3, logs] }\nservices:\n  vpc-endpoints: { containers: { web: { image: 1.dkr.ecr.eu-west-1.amazonaws.com/web } } }\n";
    dns_host_names_without_support: file_with("network: { dns_support: false }");
    not_a_region: file_with("region: eu-west-1a");
    a_made_and_an_existing_vpc: file_with("network:\n  cidr: 10.0.0.0/16\n  nat: single\n  subnets: { public: { 1a: 10.0.1.0/24 } }\n  vpc: { find: main, subnets: { public: [a, b] } }");
    an_existing_vpc_without_subnets: file_with("network: { vpc: { find: main } }");
    an_existing_vpc_with_no_subnet: file_with("network: { vpc: { find: main, subnets: {} } }");
    an_existing_vpc_found_by_nothing: file_with("network: { vpc: { find: \"\", subnets: { public: [a, b] } } }");
    an_existing_subnet_named_twice: file_with("network: { vpc: { find: main, subnets: { public: [a, b, a], private: [b] } } }");
    an_existing_vpc_with_a_name: file_with("names: { vpc: mine }\nnetwork: { vpc: { find: main, subnets: { public: [a, b] } } }");
    one_existing_subnet_for_a_load_balancer: file_with("network: { vpc: { find: main, subnets: { public: [a] } } }");
    no_existing_subnet_for_a_service: service_with("subnets: private").replace("services:", "network: { vpc: { find: main, subnets: { public: [a, b] } } }\nservices:");
    a_namespace_without_dns: file_with("network: { dns_hostnames: false }\nnamespace: { name: shop.local }");
}

// The load balancer.
tells! {
    https_without_certificate: file_with("ingress: { listen: { protocol: HTTPS } }");
    http_with_certificate: file_with("ingress: { listen: { protocol: HTTP }, certificate: { find: example.com } }");
    not_a_tls_policy: file_with("ingress: { listen: { ssl_policy: TLS-1-2 }, certificate: { find: example.com } }");
    a_tls_policy_for_http: file_with("ingress: { listen: { ssl_policy: ELBSecurityPolicy-2016-08 } }");
    not_a_certificate_arn: file_with("ingress: { certificate: { arn: \"arn:aws:iam::123456789012:server-certificate/x\" } }");
    a_certificate_without_a_zone: file_with("ingress: { certificate: { request: [example.com] } }");
    a_certificate_outside_the_zone: file_with("ingress: { zone: { find: example.com }, certificate: { request: [example.com, example.org, example.com] } }");
    a_host_that_the_certificate_lacks: service_with("route: { host: www.example.com }").replace("services:", "ingress:\n  zone: { find: example.com }\n  certificate: { request: [example.com] }\nservices:");
    a_host_outside_the_zone: service_with("route: { host: www.example.org }").replace("services:", "ingress:\n  zone: { find: example.com }\nservices:");
    a_redirect_to_nowhere: file_with("ingress: { redirect_http: true }");
    a_redirect_from_its_own_port: file_with("ingress: { redirect_http: true, listen: { port: 80 }, certificate: { find: example.com } }");
    a_wrong_answer: file_with("ingress: { default: { status: 302 } }");
    not_a_domain: file_with("ingress: { zone: { find: example } }\nnamespace: { name: \"shop local\" }");
    a_load_balancer_for_nobody: service_with("count: 1").replace("services:", "ingress: {}\nservices:");
}

// Services.
tells! {
    a_cpu_that_fargate_lacks: service_with("cpu: 300");
    a_memory_that_fargate_lacks: service_with("cpu: 512\nmemory: 512");
    a_memory_from_a_long_list: service_with("cpu: 4096\nmemory: 1024");
    a_wrong_default_is_told_once: "stack: shop\ndefaults: { cpu: 512, memory: 512 }\nservices:\n  a: { containers: { a: { image: nginx } } }\n  b: { containers: { b: { image: nginx } } }\n";
    equal_priorities: "stack: shop\nservices:\n  a: { route: { host: a.example.com, priority: 10 }, containers: { a: { image: nginx, ports: [80] } } }\n  b: { route: { host: b.example.com, priority: 10 }, containers: { b: { image: nginx, ports: [80] } } }\n";
    equal_hosts: "stack: shop\nservices:\n  a: { route: { host: a.example.com }, containers: { a: { image: nginx, ports: [80] } } }\n  b: { route: { host: A.example.com }, containers: { b: { image: nginx, ports: [80] } } }\n";
    two_catch_alls: "stack: shop\nservices:\n  a: { route: {}, containers: { a: { image: nginx, ports: [80] } } }\n  b: { route: {}, containers: { b: { image: nginx, ports: [80] } } }\n";
    not_a_host: service_with("route: { host: \"https://example.com\" }");
    not_a_path: service_with("route: { path: api }");
    a_route_to_an_unknown_container: service_with("route: { to: \"wbe:80\" }");
    a_route_to_an_unknown_port: service_with("route: { to: \"web:8080\" }");
    not_a_route_target: service_with("route: { to: web }");
    a_route_without_a_port: "stack: shop\nservices:\n  web:\n    route: {}\n    containers:\n      web: { image: nginx }\n";
    a_route_with_several_ports: "stack: shop\nservices:\n  web:\n    route: {}\n    containers:\n      web: { image: nginx, ports: [80, 81] }\n";
    health_check_bounds: service_with("route: {}\nhealth_check: { interval: 301s, timeout: 1s, healthy_threshold: 1, unhealthy_threshold: 11, matcher: 500, path: health }");
    a_timeout_not_less_than_the_interval: service_with("route: {}\nhealth_check: { interval: 10s, timeout: 10s }");
    a_length_of_time_without_unit: service_with("route: {}\nderegistration_delay: 30");
    not_a_length_of_time: service_with("route: {}\nderegistration_delay: soon");
    a_health_check_without_route: service_with("health_check: { path: / }");
    an_unknown_dependency: service_with("depends_on: [wep]");
    a_dependency_on_itself: service_with("depends_on: [web]");
    a_cycle: "stack: shop\nservices:\n  a: { depends_on: [b], containers: { a: { image: nginx } } }\n  b: { depends_on: [c], containers: { b: { image: nginx } } }\n  c: { depends_on: [a], containers: { c: { image: nginx } } }\n";
    an_unknown_source: service_with("allow: [{ from: proxi, port: 80 }]").replace("services:", "services:\n  proxy: { containers: { proxy: { image: nginx } } }");
    a_source_that_is_no_range: service_with("allow: [{ from: 10.0.0.1, port: 80 }, { from: 10.0.0.0/99, port: 80 }]");
    the_load_balancer_as_source_without_one: service_with("allow: [{ from: ingress, port: 80 }]");
    a_port_out_of_range: service_with("allow: [{ from: web, port: 0 }, { from: web, port: 70000 }]");
    a_service_called_ingress: "stack: shop\nservices: { ingress: { containers: { a: { image: nginx } } } }\n";
    not_a_service_name: "stack: shop\nservices: { my_web: { containers: { a: { image: nginx } } } }\n";
    discovery_without_namespace: service_with("discovery: { name: www }");
    equal_discovery_names: "stack: shop\nnamespace: { name: shop.local }\nservices:\n  a: { discovery: { name: b }, containers: { a: { image: nginx } } }\n  b: { containers: { b: { image: nginx } } }\n";
    not_a_discovery_name: format!("namespace: {{ name: shop.local }}\n{}", service_with("discovery: { name: web.shop.local }"));
    a_failure_threshold_that_aws_ignores: format!("namespace: {{ name: shop.local }}\n{}", service_with("discovery: { failure_threshold: 3 }"));
    exec_without_permission: format!("role: {{ policies: [ecr-pull] }}\n{}", service_with("exec: true"));
    a_role_without_permissions: file_with("role: { policies: [] }");
    not_a_statement: file_with("role: { statements: [{ actions: [GetObject], resources: [my-bucket] }] }");
}

// Containers.
tells! {
    malformed_images: "stack: shop\nservices:\n  web:\n    containers:\n      a: { image: \"https://example.com/web\" }\n      b: { image: Web }\n      c: { image: \"web:\" }\n      d: { image: \"web@sha256:12\" }\n      e: { image: \"web latest\" }\n      f: { image: \"registry..com/web\" }\n";
    two_containers_on_one_port: "stack: shop\nservices:\n  web:\n    containers:\n      web: { image: nginx, ports: [80] }\n      api: { image: nginx, ports: [8080, 80] }\n";
    nothing_essential: container_with("image: nginx\nessential: false");
    no_containers: "stack: shop\nservices: { web: { containers: {} } }\n";
    not_a_container_name: "stack: shop\nservices: { web: { containers: { \"web.1\": { image: nginx } } } }\n";
    a_retention_that_aws_lacks: container_with("image: nginx\nlogs: { retention: 10d }");
    not_a_retention: container_with("image: nginx\nlogs: { retention: 1w }");
    two_retentions_of_one_group: "stack: shop\nservices:\n  web:\n    containers:\n      a: { image: nginx, logs: { retention: 7d } }\n      b: { image: nginx }\n";
    not_an_environment_variable: container_with("image: nginx\nenvironment: { \"A=B\": c }");
}

// Names after the prefix is added.
tells! {
    names_too_long: "stack: a-rather-long-stack-name-of-mine-indeed\nservices:\n  web:\n    route: {}\n    containers: { web: { image: nginx, ports: [80] } }\n";
    not_a_stack_name: "stack: My_Shop\nservices: { web: { containers: { web: { image: nginx } } } }\n";
    a_load_balancer_called_internal: "stack: internal\nservices: { web: { route: {}, containers: { web: { image: nginx, ports: [80] } } } }\n";
    overrides_that_aws_refuses: service_with("route: {}\nnames: { service: \"a b\", target_group: -web, security_group: sg-web, family: web! }");
    names_given_twice: "stack: shop\nservices:\n  a: { names: { family: web }, containers: { a: { image: nginx } } }\n  b: { names: { family: web }, containers: { b: { image: nginx } } }\n";
    a_log_group_that_aws_refuses: container_with("image: nginx\nlogs: { group: \"aws/web log\" }");
    reserved_tags: file_with("tags: { \"aws:x\": a, \"navi:stack\": b, Name: c, \"a,b\": d, ok: \"x,y\" }");
}

#[test]
fn more_than_forty_tags() {
    let tags: Vec<String> = (0..41).map(|number| format!("tag{number}: x")).collect();
    insta::assert_snapshot!(told(&file_with(&format!("tags:\n  {}", tags.join("\n  ")))));
}

#[test]
fn a_log_group_too_long() {
    let text = container_with(&format!(
        "image: nginx\nlogs: {{ group: /{} }}",
        "x".repeat(512)
    ));
    let errors = try_load(&text).expect_err("513 characters are too many");
    assert!(
        errors.problems()[0]
            .message()
            .ends_with("is 513 characters long; AWS takes 512")
    );
}

#[test]
fn all_errors_of_a_file_come_out_at_once_and_in_its_order() {
    let text = "stack: shop\nregoin: eu-west-1\nnetwork: { cidr: 10.0.0.0/99 }\nservices:\n  web:\n    cpu: 300\n    count: many\n    depends_on: [db]\n    containers:\n      web: { image: \"a b\", prots: [80] }\n";
    let errors = try_load(text).expect_err("a faulty file");
    let lines: Vec<usize> = errors
        .problems()
        .iter()
        .map(|problem| text[..problem.offset()].matches('\n').count() + 1)
        .collect();
    assert_eq!(lines, [2, 3, 6, 7, 8, 10, 10], "{}", errors.render(100));
    assert_eq!(
        errors.to_string(),
        "navi.yaml has 7 errors; nothing was done"
    );
}

/// What is wrong once is told once: nothing follows from a part that is left out for its faults.
#[test]
fn no_error_is_told_that_follows_from_another_one() {
    for text in [
        file_with("network: { nat: singel }\ndefaults: { subnets: private }"),
        file_with("network: { subnets: { public: { 1a: 10.0.1.0/99, 1b: 10.0.2.0/24 } } }"),
        file_with("ingress: { listen: { protocol: HTTPS }, certficate: { find: example.com } }"),
        file_with("ingress: { listen: { protocol: HTTPS }, certificate: { arn: x }, redirect_http: true }"),
        "stack: shop\nservices:\n  web: { depends_on: [api], containers: { web: { image: nginx } } }\n  api: []\n".to_owned(),
        "stack: shop\nservices:\n  web: { route: { to: \"web:80\" }, containers: { web: { image: nginx, ports: [x] } } }\n".to_owned(),
        service_with("route: { priority: 0 }"),
        service_with("memory: 512\ncpu: x"),
    ] {
        let errors = try_load(&text).expect_err("a faulty file");
        assert_eq!(errors.problems().len(), 1, "{}", errors.render(100));
    }
}

#[test]
fn errors_do_not_repeat_what_variables_brought_in_elsewhere() {
    let variables = super::Variables::new([("PASSWORD".to_owned(), "hunter2".to_owned())]);
    let text = container_with("image: nginx\ncpuu: 1\nenvironment: { PASSWORD: \"${PASSWORD}\" }");
    let errors = super::load("navi.yaml", &text, &variables).expect_err("a faulty file");
    assert!(!errors.render(100).contains("hunter2"));
    assert!(!format!("{errors:?}").contains("hunter2"));
}
