//! Does `stacks/ecs-navi.yaml` say every value of the environment it describes?

use serde_json::json;

use super::{ARTICLE, stack};
use crate::stack::{
    AllowRule, AllowSource, Certificate, Count, HealthCheck, HostedZone, ListenerProtocol, Nat,
    Retention, Stack, Tier, Variables, load, names,
};

fn article() -> Stack {
    stack(ARTICLE)
}

#[test]
fn it_has_at_most_sixty_lines() {
    assert!(ARTICLE.lines().count() <= 60);
}

#[test]
fn network() {
    let stack = article();
    let network = &stack.network;
    assert_eq!(names::vpc(&stack), "ecs-navi-vpc");
    assert_eq!(network.cidr.to_string(), "10.0.0.0/16");
    assert!(network.dns_support && network.dns_hostnames);
    let subnets: Vec<_> = network
        .subnets
        .iter()
        .map(|subnet| {
            let zone = subnet
                .zone
                .full_name("ap-northeast-1")
                .expect("zones are named");
            (
                names::subnet(&stack, subnet),
                zone,
                subnet.cidr.to_string(),
                subnet.public_ip_on_launch,
            )
        })
        .collect();
    let expected = [
        (
            "ecs-navi-subnet-public-1a",
            "ap-northeast-1a",
            "10.0.1.0/24",
            true,
        ),
        (
            "ecs-navi-subnet-public-1c",
            "ap-northeast-1c",
            "10.0.2.0/24",
            true,
        ),
        (
            "ecs-navi-subnet-private-1a",
            "ap-northeast-1a",
            "10.0.10.0/24",
            false,
        ),
        (
            "ecs-navi-subnet-private-1c",
            "ap-northeast-1c",
            "10.0.11.0/24",
            false,
        ),
    ];
    let expected: Vec<_> = expected
        .map(|(name, zone, cidr, public)| {
            (name.to_owned(), zone.to_owned(), cidr.to_owned(), public)
        })
        .into();
    assert_eq!(subnets, expected);
    assert_eq!(network.nat, Nat::Single);
    let nat_subnets: Vec<String> = network
        .nat_subnets()
        .iter()
        .map(|subnet| names::subnet(&stack, subnet))
        .collect();
    assert_eq!(nat_subnets, ["ecs-navi-subnet-public-1a"]);
    assert!(network.has_internet_gateway());
}

#[test]
fn role() {
    let stack = article();
    assert_eq!(names::role(&stack), "ecs-navi-ecs-task-execution-role");
    assert_eq!(names::policy(&stack), "ecs-navi-ecs-task-execution-policy");
    assert_eq!(
        stack.role.trust_document(),
        json!({
            "Version": "2012-10-17",
            "Statement": [{ "Action": "sts:AssumeRole", "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" } }],
        })
    );
    let statement =
        |actions: &[&str]| json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
    let expected = json!({
        "Version": "2012-10-17",
        "Statement": [
            statement(&[
                "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage", "ecr:GetAuthorizationToken",
                "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer",
            ]),
            statement(&[
                "logs:CreateLogStream", "logs:PutLogEvents", "logs:CreateLogGroup", "logs:DescribeLogGroups",
                "logs:DescribeLogStreams",
            ]),
            statement(&["ecs:DescribeTasks", "ecs:UpdateContainerInstancesState", "ecs:SubmitContainerStateChange"]),
            statement(&[
                "servicediscovery:RegisterInstance", "servicediscovery:DeregisterInstance", "servicediscovery:ListServices",
                "servicediscovery:GetService", "servicediscovery:GetInstancesHealthStatus", "servicediscovery:DiscoverInstances",
            ]),
            statement(&[
                "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ]),
        ],
    });
    assert_eq!(
        stack.role.policy_document().to_string(),
        expected.to_string()
    );
}

fn rule(from: AllowSource, port: u16) -> AllowRule {
    AllowRule { from, port }
}

#[test]
fn security_groups() {
    let stack = article();
    let [backend, proxy] = stack.services.as_slice() else {
        panic!("two services")
    };
    assert_eq!(names::load_balancer_security_group(&stack), "ecs-navi-sg");
    assert_eq!(
        names::security_group(&stack, backend),
        "ecs-navi-backend-sg"
    );
    assert_eq!(
        names::security_group(&stack, proxy),
        "ecs-navi-proxy-nginx-sg"
    );
    let mut rules = backend.allow.clone();
    rules.sort();
    let proxy_service = AllowSource::Service("nginx-proxy".to_owned());
    assert_eq!(
        rules,
        [
            rule(AllowSource::Ingress, 80),
            rule(AllowSource::Ingress, 3000),
            rule(proxy_service, 80)
        ]
    );
    assert_eq!(proxy.allow, [rule(AllowSource::Ingress, 80)]);
    let ingress = stack.ingress.expect("a load balancer");
    let allowed: Vec<String> = ingress.allow.iter().map(ToString::to_string).collect();
    assert_eq!(
        (allowed.as_slice(), ingress.port),
        (["0.0.0.0/0".to_owned()].as_slice(), 443)
    );
}

#[test]
fn load_balancer() {
    let stack = article();
    assert_eq!(names::load_balancer(&stack), "ecs-navi-lb");
    let ingress = stack.ingress.as_ref().expect("a load balancer");
    let certificate = Certificate::Request {
        domain: "ecs-navi.site".to_owned(),
        alternative_names: vec!["api.ecs-navi.site".to_owned()],
    };
    assert_eq!(
        ingress.protocol,
        ListenerProtocol::Https {
            ssl_policy: "ELBSecurityPolicy-2016-08".to_owned(),
            certificate
        }
    );
    assert!(!ingress.redirect_http);
    assert_eq!(
        ingress.hosted_zone,
        Some(HostedZone::Create("ecs-navi.site".to_owned()))
    );
    let response = &ingress.default_response;
    assert_eq!(
        (
            response.status,
            response.content_type.as_str(),
            response.body.as_str()
        ),
        (404, "text/plain", "404 Not Found")
    );
    assert_eq!(stack.alias_hosts(), ["api.ecs-navi.site", "ecs-navi.site"]);
}

#[test]
fn routes() {
    let stack = article();
    let [backend, proxy] = stack.services.as_slice() else {
        panic!("two services")
    };
    assert_eq!(names::target_group(&stack, backend), "ecs-navi-backend-tg");
    assert_eq!(
        names::target_group(&stack, proxy),
        "ecs-navi-nginx-proxy-tg"
    );
    let health_check = HealthCheck {
        path: "/".to_owned(),
        interval_seconds: 300,
        timeout_seconds: 120,
        healthy_threshold: 5,
        unhealthy_threshold: 10,
        matcher: "200".to_owned(),
    };
    for (service, host, priority, target_group_port) in [
        (backend, "api.ecs-navi.site", 200, 80),
        (proxy, "ecs-navi.site", 100, 3000),
    ] {
        let route = service.route.as_ref().expect("a route");
        assert_eq!(
            (route.host.as_deref(), route.path.as_deref()),
            (Some(host), None)
        );
        assert_eq!(
            (route.priority, route.target_group_port),
            (priority, target_group_port)
        );
        assert_eq!(
            (route.container.as_str(), route.container_port),
            ("nginx", 80)
        );
        assert_eq!(route.health_check, health_check);
        assert_eq!(
            route.deregistration_delay_seconds, 300,
            "what AWS has when it isn't set"
        );
    }
}

#[test]
fn discovery() {
    let stack = article();
    let namespace = stack.namespace.as_ref().expect("a namespace");
    assert_eq!(namespace.name, "ecs-navi.local");
    assert_eq!(
        namespace.description.as_deref(),
        Some("Private DNS namespace for ECS Navi services")
    );
    let entries: Vec<_> = stack
        .services
        .iter()
        .filter_map(|service| service.discovery.as_ref())
        .map(|discovery| {
            (
                discovery.name.as_str(),
                discovery.ttl_seconds,
                discovery.failure_threshold,
            )
        })
        .collect();
    assert_eq!(entries, [("backend", 60, 1), ("proxy-nginx", 60, 1)]);
}

#[test]
fn tasks() {
    let stack = article();
    assert_eq!(names::cluster(&stack), "ecs-navi-cluster");
    let [backend, proxy] = stack.services.as_slice() else {
        panic!("two services")
    };
    assert_eq!(names::task_family(&stack, backend), "ecs-navi-nginx-task");
    assert_eq!(
        names::task_family(&stack, proxy),
        "ecs-navi-nginx-proxy-task"
    );
    assert_eq!(names::service(&stack, backend), "ecs-navi-backend-service");
    assert_eq!(
        names::service(&stack, proxy),
        "ecs-navi-nginx-proxy-service"
    );
    for service in [backend, proxy] {
        assert_eq!(
            (service.count, service.cpu, service.memory),
            (Count::Fixed(1), 256, 512)
        );
        assert_eq!(
            (service.subnets, service.assign_public_ip(), service.exec),
            (Tier::Private, false, true)
        );
        assert!(
            service
                .containers
                .iter()
                .all(|container| container.essential)
        );
    }
    let containers: Vec<_> = [backend, proxy]
        .iter()
        .flat_map(|service| &service.containers)
        .map(|container| {
            let logs = container
                .logs
                .as_ref()
                .map(|logs| (logs.group.as_str(), logs.stream_prefix.as_str()));
            (
                container.name.as_str(),
                container.image.as_str(),
                container.ports.as_slice(),
                logs,
            )
        })
        .collect();
    let registry = "${ACCOUNT_ID}.dkr.ecr.ap-northeast-1.amazonaws.com";
    let image = |name: &str| format!("{registry}/{name}:latest");
    let (nginx, api, nginx_proxy) = (
        image("ecs-navi-nginx"),
        image("ecs-navi-api"),
        image("ecs-navi-nginx-proxy"),
    );
    assert_eq!(
        containers,
        [
            (
                "nginx",
                nginx.as_str(),
                [80].as_slice(),
                Some(("/ecs/nginx", "ecs-nginx"))
            ),
            (
                "api",
                api.as_str(),
                [].as_slice(),
                Some(("/ecs/api", "ecs-api"))
            ),
            ("nginx", nginx_proxy.as_str(), [80].as_slice(), None),
        ]
    );
    assert_eq!(
        stack.log_groups(),
        [
            ("/ecs/nginx", Retention::Days(7)),
            ("/ecs/api", Retention::Days(7))
        ]
    );
    assert_eq!(proxy.depends_on, ["backend"]);
}

#[test]
fn the_account_comes_in_when_it_is_known() {
    assert!(article().needs_account_id());
    let known = load(
        "ecs-navi.yaml",
        ARTICLE,
        &Variables::default().with_account_id("123456789012"),
    )
    .expect("a good file")
    .stack;
    assert!(!known.needs_account_id());
    let image = &known.services[0].containers[0].image;
    assert_eq!(
        image,
        "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/ecs-navi-nginx:latest"
    );
}
