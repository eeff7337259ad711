//! How is a resolved stack written as a stack file again, with every default visible?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::file;
use super::policies::{Effect, NamedPolicy, Statement};
use super::resolved::{
    AllowSource, Architecture, Certificate, Container, ContainerCondition, ContainerHealthCheck,
    Count, Deployment, Discovery, ExistingVpc, HostedZone, Ingress, ListenerProtocol, Logs, Nat,
    Network, Protect, RecordType, Retention, Role, Route, SecretSource, Service, Stack, Tier,
    Unresolved,
};
use super::variables;

/// The stack as YAML. Loading it gives an equal stack.
pub fn resolved(stack: &Stack) -> String {
    // Neither can fail: the file's types have text for keys and no floating point numbers, so they are JSON,
    // and JSON is YAML, written into memory.
    let mut value = serde_json::to_value(stack_file(stack)).expect("a stack file is JSON");
    tidy(&mut value, &stack.unresolved);
    serde_saphyr::to_string(&value).expect("JSON is YAML")
}

/// Leaves out what is not set, and keeps a literal `$` from being read as a variable.
fn tidy(value: &mut Value, unresolved: &BTreeSet<Unresolved>) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object
                .values_mut()
                .for_each(|value| tidy(value, unresolved));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| tidy(item, unresolved)),
        Value::String(text) => *text = variables::escape(text, unresolved),
        _ => {}
    }
}

fn stack_file(stack: &Stack) -> file::StackFile {
    let names = file::StackNames {
        vpc: stack.names.vpc.clone(),
        cluster: stack.names.cluster.clone(),
        load_balancer: stack.names.load_balancer.clone(),
        load_balancer_security_group: stack.names.load_balancer_security_group.clone(),
        endpoint_security_group: stack.names.endpoint_security_group.clone(),
        role: stack.names.role.clone(),
        policy: stack.names.policy.clone(),
    };
    file::StackFile {
        stack: Some(stack.name.clone()),
        region: stack.region.clone(),
        protect: protect(&stack.protect),
        tags: (!stack.tags.is_empty()).then(|| texts(&stack.tags)),
        names: (names != file::StackNames::default()).then_some(names),
        network: Some(network(&stack.network)),
        ingress: stack.ingress.as_ref().map(ingress),
        namespace: stack.namespace.as_ref().map(|namespace| file::Namespace {
            name: Some(namespace.name.clone()),
            description: namespace.description.clone().map(file::Text),
        }),
        role: Some(role(&stack.role)),
        defaults: None,
        services: Some(
            stack
                .services
                .iter()
                .map(|service| (service.name.clone(), self::service(stack, service)))
                .collect(),
        ),
    }
}

fn protect(protect: &Protect) -> Option<file::Protect> {
    match protect {
        Protect::Nothing => None,
        Protect::Everything => Some(file::Protect::All(true)),
        Protect::Kinds(kinds) => {
            let kinds = kinds.iter().map(String::as_str);
            Some(file::Protect::Kinds(
                kinds.filter_map(file::ResourceKind::of_name).collect(),
            ))
        }
    }
}

fn texts(map: &BTreeMap<String, String>) -> BTreeMap<String, file::Text> {
    map.iter()
        .map(|(key, value)| (key.clone(), file::Text(value.clone())))
        .collect()
}

fn network(network: &Network) -> file::Network {
    if let Some(existing) = &network.existing {
        return file::Network {
            vpc: Some(existing_vpc(existing)),
            ..file::Network::default()
        };
    }
    let tier = |tier: Tier| {
        let mut subnets = network.subnets_of(tier).peekable();
        subnets.peek().is_some().then(|| {
            subnets
                .map(|subnet| (subnet.zone.label(), subnet.cidr.to_string()))
                .collect()
        })
    };
    file::Network {
        cidr: Some(network.cidr.to_string()),
        dns_support: Some(network.dns_support),
        dns_hostnames: Some(network.dns_hostnames),
        nat: Some(match network.nat {
            Nat::None => file::Nat::None,
            Nat::Single => file::Nat::Single,
            Nat::PerZone => file::Nat::PerZone,
        }),
        endpoints: (!network.endpoints.is_empty()).then(|| network.endpoints.clone()),
        public_ip_on_launch: network
            .subnets_of(Tier::Public)
            .next()
            .map(|subnet| subnet.public_ip_on_launch),
        subnets: Some(file::Subnets {
            public: tier(Tier::Public),
            private: tier(Tier::Private),
        }),
        vpc: None,
    }
}

fn existing_vpc(vpc: &ExistingVpc) -> file::ExistingVpc {
    let tier = |tier: Tier| {
        let names: Vec<String> = vpc.subnets_of(tier).map(str::to_owned).collect();
        (!names.is_empty()).then_some(names)
    };
    file::ExistingVpc {
        find: Some(vpc.find.clone()),
        subnets: Some(file::ExistingSubnets {
            public: tier(Tier::Public),
            private: tier(Tier::Private),
        }),
    }
}

fn ingress(ingress: &Ingress) -> file::Ingress {
    let (protocol, ssl_policy, certificate) = match &ingress.protocol {
        ListenerProtocol::Http => (file::Protocol::Http, None, None),
        ListenerProtocol::Https {
            ssl_policy,
            certificate,
        } => (
            file::Protocol::Https,
            Some(ssl_policy.clone()),
            Some(self::certificate(certificate)),
        ),
    };
    file::Ingress {
        listen: Some(file::Listen {
            port: Some(ingress.port),
            protocol: Some(protocol),
            ssl_policy,
        }),
        redirect_http: Some(ingress.redirect_http),
        certificate,
        zone: ingress.hosted_zone.as_ref().map(|zone| match zone {
            HostedZone::Find(name) => file::HostedZone::Find(name.clone()),
            HostedZone::Create(name) => file::HostedZone::Create(name.clone()),
        }),
        allow: Some(ingress.allow.iter().map(ToString::to_string).collect()),
        default: Some(file::FixedResponse {
            status: Some(ingress.default_response.status),
            content_type: content_type(&ingress.default_response.content_type),
            body: Some(file::Text(ingress.default_response.body.clone())),
        }),
    }
}

fn content_type(name: &str) -> Option<file::ContentType> {
    serde_json::from_value(Value::String(name.to_owned())).ok()
}

fn certificate(certificate: &Certificate) -> file::Certificate {
    match certificate {
        Certificate::Arn(arn) => file::Certificate::Arn(arn.clone()),
        Certificate::Find(domain) => file::Certificate::Find(domain.clone()),
        Certificate::Request {
            domain,
            alternative_names,
        } => file::Certificate::Request([std::slice::from_ref(domain), alternative_names].concat()),
    }
}

fn role(role: &Role) -> file::Role {
    let policy = |policy: &NamedPolicy| match policy {
        NamedPolicy::EcrPull => file::Policy::EcrPull,
        NamedPolicy::LogsWrite => file::Policy::LogsWrite,
        NamedPolicy::EcsAgent => file::Policy::EcsAgent,
        NamedPolicy::Discovery => file::Policy::Discovery,
        NamedPolicy::Exec => file::Policy::Exec,
    };
    let statements: Vec<file::Statement> = role.statements.iter().map(statement).collect();
    file::Role {
        policies: Some(role.policies.iter().map(policy).collect()),
        statements: (!statements.is_empty()).then_some(statements),
    }
}

fn statement(statement: &Statement) -> file::Statement {
    let condition: BTreeMap<String, BTreeMap<String, Vec<file::Text>>> = statement
        .condition
        .iter()
        .map(|(operator, keys)| {
            let keys = keys.iter().map(|(key, values)| {
                (
                    key.clone(),
                    values.iter().cloned().map(file::Text).collect(),
                )
            });
            (operator.clone(), keys.collect())
        })
        .collect();
    file::Statement {
        effect: Some(match statement.effect {
            Effect::Allow => file::Effect::Allow,
            Effect::Deny => file::Effect::Deny,
        }),
        actions: Some(statement.actions.clone()),
        resources: Some(statement.resources.clone()),
        condition: (!condition.is_empty()).then_some(condition),
    }
}

fn service(stack: &Stack, service: &Service) -> file::Service {
    let names = file::ServiceNames {
        service: service.names.service.clone(),
        family: service.names.family.clone(),
        target_group: service.names.target_group.clone(),
        security_group: service.names.security_group.clone(),
    };
    let allow: Vec<file::AllowRule> = service
        .allow
        .iter()
        .map(|rule| file::AllowRule {
            from: Some(match &rule.from {
                AllowSource::Ingress => "ingress".to_owned(),
                AllowSource::Service(name) => name.clone(),
                AllowSource::Cidr(range) => range.to_string(),
            }),
            port: Some(rule.port),
        })
        .collect();
    let route = service.route.as_ref();
    file::Service {
        count: Some(count(service.count)),
        cpu: Some(service.cpu),
        memory: Some(service.memory),
        architecture: Some(match service.architecture {
            Architecture::X86_64 => file::Architecture::X86_64,
            Architecture::Arm64 => file::Architecture::Arm64,
        }),
        ephemeral_storage: Some(service.ephemeral_storage),
        spot: service.spot.map(|spot| file::Spot {
            share: Some(spot.share),
            base: Some(spot.base),
        }),
        subnets: Some(match service.subnets {
            Tier::Public => file::Tier::Public,
            Tier::Private => file::Tier::Private,
        }),
        exec: Some(service.exec),
        names: (names != file::ServiceNames::default()).then_some(names),
        route: route.map(self::route),
        allow: (!allow.is_empty()).then_some(allow),
        discovery: stack
            .namespace
            .is_some()
            .then(|| discovery(service.discovery.as_ref())),
        depends_on: (!service.depends_on.is_empty()).then(|| service.depends_on.clone()),
        health_check: route.map(health_check),
        deregistration_delay: route.map(|route| seconds(route.deregistration_delay_seconds)),
        deployment: (service.deployment != Deployment::default())
            .then(|| deployment(&service.deployment)),
        containers: Some(
            service
                .containers
                .iter()
                .map(|container| (container.name.clone(), self::container(container)))
                .collect(),
        ),
    }
}

fn count(count: Count) -> file::Count {
    match count {
        Count::Fixed(count) => file::Count::Fixed(count),
        Count::Autoscaled(autoscaling) => file::Count::Scaled(file::Autoscaling {
            min: Some(autoscaling.min),
            max: Some(autoscaling.max),
            cpu: autoscaling.cpu,
            memory: autoscaling.memory,
            requests: autoscaling.requests,
        }),
    }
}

fn seconds(seconds: u32) -> file::DurationText {
    file::DurationText(format!("{seconds}s"))
}

fn route(route: &Route) -> file::Route {
    file::Route {
        host: route.host.clone(),
        path: route.path.clone(),
        priority: Some(route.priority),
        to: Some(format!("{}:{}", route.container, route.container_port)),
        target_group_port: Some(route.target_group_port),
    }
}

fn deployment(deployment: &Deployment) -> file::Deployment {
    let breaker = deployment.circuit_breaker;
    file::Deployment {
        circuit_breaker: breaker.map(|_| true),
        rollback: breaker.map(|breaker| breaker.rollback),
        min_healthy: deployment.min_healthy,
        max: deployment.max,
    }
}

fn health_check(route: &Route) -> file::HealthCheck {
    let check = &route.health_check;
    file::HealthCheck {
        path: Some(check.path.clone()),
        interval: Some(seconds(check.interval_seconds)),
        timeout: Some(seconds(check.timeout_seconds)),
        healthy_threshold: Some(check.healthy_threshold),
        unhealthy_threshold: Some(check.unhealthy_threshold),
        matcher: Some(file::Text(check.matcher.clone())),
    }
}

fn discovery(discovery: Option<&Discovery>) -> file::Discovery {
    let Some(discovery) = discovery else {
        return file::Discovery {
            enabled: Some(false),
            ..file::Discovery::default()
        };
    };
    file::Discovery {
        enabled: Some(true),
        name: Some(discovery.name.clone()),
        record_type: Some(match discovery.record_type {
            RecordType::A => file::RecordType::A,
        }),
        ttl: Some(seconds(discovery.ttl_seconds)),
        failure_threshold: Some(discovery.failure_threshold),
    }
}

fn container(container: &Container) -> file::Container {
    let list = |texts: &[String]| {
        (!texts.is_empty()).then(|| texts.iter().cloned().map(file::Text).collect())
    };
    file::Container {
        image: Some(container.image.clone()),
        ports: (!container.ports.is_empty()).then(|| container.ports.clone()),
        environment: (!container.environment.is_empty()).then(|| texts(&container.environment)),
        secrets: (!container.secrets.is_empty()).then(|| {
            let written =
                |(name, source): (&String, &SecretSource)| (name.clone(), source.value_from());
            container.secrets.iter().map(written).collect()
        }),
        environment_files: (!container.environment_files.is_empty())
            .then(|| container.environment_files.clone()),
        entrypoint: list(&container.entrypoint),
        command: list(&container.command),
        essential: Some(container.essential),
        depends_on: (!container.depends_on.is_empty()).then(|| {
            let written = |(name, condition): (&String, &ContainerCondition)| {
                (name.clone(), container_condition(*condition))
            };
            container.depends_on.iter().map(written).collect()
        }),
        health_check: container.health_check.as_ref().map(container_health_check),
        stop_timeout: container.stop_timeout_seconds.map(seconds),
        logs: Some(logs(container.logs.as_ref())),
    }
}

fn container_condition(condition: ContainerCondition) -> file::ContainerCondition {
    match condition {
        ContainerCondition::Start => file::ContainerCondition::Start,
        ContainerCondition::Complete => file::ContainerCondition::Complete,
        ContainerCondition::Success => file::ContainerCondition::Success,
        ContainerCondition::Healthy => file::ContainerCondition::Healthy,
    }
}

fn container_health_check(check: &ContainerHealthCheck) -> file::ContainerHealthCheck {
    file::ContainerHealthCheck {
        command: Some(check.command.iter().cloned().map(file::Text).collect()),
        interval: Some(seconds(check.interval_seconds)),
        timeout: Some(seconds(check.timeout_seconds)),
        retries: Some(check.retries),
        start_period: Some(seconds(check.start_period_seconds)),
    }
}

fn logs(logs: Option<&Logs>) -> file::Logs {
    let Some(logs) = logs else {
        return file::Logs {
            driver: Some(file::LogDriver::None),
            ..file::Logs::default()
        };
    };
    file::Logs {
        driver: Some(file::LogDriver::Awslogs),
        group: Some(logs.group.clone()),
        prefix: Some(logs.stream_prefix.clone()),
        retention: Some(file::DurationText(match logs.retention {
            Retention::Days(days) => format!("{days}d"),
            Retention::Forever => "forever".to_owned(),
        })),
    }
}
