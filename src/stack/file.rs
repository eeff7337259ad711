//! What can a stack file say? The one source of its keys, their types and their descriptions.
//!
//! The JSON Schema is generated from these types, the check for unknown keys reads that schema, and `navi config` writes
//! a file by filling them. Everything is optional here so that a faulty file can still be looked at as a whole; what the
//! schema calls required is asked for by the shape check, and defaults are filled in by [`super::resolve`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::endpoints::Endpoint;
use super::entries::Entries;

/// A navi stack file: one service-discovered ECS environment.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StackFile {
    /// The environment's name: the first part of every physical name.
    #[schemars(required)]
    pub stack: Option<String>,
    /// The AWS region. Default: what the AWS configuration says.
    pub region: Option<String>,
    /// What no run may replace or remove: `true` for all of the stack, or a list of kinds of resources. Default: false.
    pub protect: Option<Protect>,
    /// Tags for everything that takes tags.
    pub tags: Option<BTreeMap<String, Text>>,
    /// Physical names in place of the derived ones.
    pub names: Option<StackNames>,
    /// The VPC and its subnets.
    pub network: Option<Network>,
    /// The load balancer. Default: HTTP on port 80 as soon as any service has a route.
    pub ingress: Option<Ingress>,
    /// The private DNS namespace in which services find each other. Default: none.
    pub namespace: Option<Namespace>,
    /// What the tasks may do.
    pub role: Option<Role>,
    /// Settings for every service that does not set them itself.
    pub defaults: Option<Defaults>,
    /// The services by name.
    #[schemars(required)]
    pub services: Option<Entries<Service>>,
}

/// `true` for all of the stack, or a list of kinds.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Protect {
    All(bool),
    Kinds(Vec<ResourceKind>),
}

/// A kind of resource, as addresses begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    Vpc,
    Subnet,
    InternetGateway,
    ElasticIp,
    NatGateway,
    RouteTable,
    VpcEndpoint,
    SecurityGroup,
    SecurityGroupRules,
    Role,
    LogGroup,
    HostedZone,
    Certificate,
    LoadBalancer,
    TargetGroup,
    Listener,
    ListenerRule,
    AliasRecords,
    Namespace,
    DiscoveryService,
    Cluster,
    TaskDefinition,
    EcsService,
    ScalableTarget,
    ScalingPolicy,
}

impl ResourceKind {
    /// As it is written.
    pub fn name(self) -> String {
        let name = serde_json::to_value(self).ok();
        name.and_then(|name| Some(name.as_str()?.to_owned()))
            .unwrap_or_default()
    }

    /// The kind of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        serde_json::from_value(name.into()).ok()
    }
}

/// Physical names in place of the derived ones; in full, the stack's name is not put before them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StackNames {
    /// Default: `{stack}-vpc`.
    pub vpc: Option<String>,
    /// Default: `{stack}-cluster`.
    pub cluster: Option<String>,
    /// Default: `{stack}-lb`.
    pub load_balancer: Option<String>,
    /// Default: `{stack}-sg`.
    pub load_balancer_security_group: Option<String>,
    /// Default: `{stack}-vpc-endpoints-sg`.
    pub endpoint_security_group: Option<String>,
    /// Default: `{stack}-ecs-task-execution-role`.
    pub role: Option<String>,
    /// The role's inline policy. Default: `{stack}-ecs-task-execution-policy`.
    pub policy: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The VPC's address range, /16 to /28. Default: `10.0.0.0/16`.
    pub cidr: Option<String>,
    /// Whether AWS's DNS resolver answers in the VPC. Default: true.
    pub dns_support: Option<bool>,
    /// Whether instances get DNS host names. Default: true.
    pub dns_hostnames: Option<bool>,
    /// How private subnets reach the internet. Default: none.
    pub nat: Option<Nat>,
    /// VPC endpoints: AWS's services that private subnets reach without a way to the internet. Default: none.
    pub endpoints: Option<Vec<Endpoint>>,
    /// Whether what starts in a public subnet gets a public IP by itself. Default: true.
    pub public_ip_on_launch: Option<bool>,
    /// Default: a public subnet in each of the region's first two zones, and with a NAT gateway or endpoints a private one beside it.
    pub subnets: Option<Subnets>,
    /// An existing VPC with its subnets, in place of a VPC that comes and goes with the stack.
    pub vpc: Option<ExistingVpc>,
}

/// Looked up, and never changed, tagged or deleted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExistingVpc {
    /// Its ID, `vpc-…`, or the value of its tag `Name`.
    #[schemars(required)]
    pub find: Option<String>,
    /// The subnets to use in it.
    #[schemars(required)]
    pub subnets: Option<ExistingSubnets>,
}

/// Each by its ID, `subnet-…`, or by the value of its tag `Name`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExistingSubnets {
    /// Subnets whose default route is an internet gateway: for the load balancer, and for tasks with a public IP.
    pub public: Option<Vec<String>>,
    /// Subnets with another way out: for tasks without a public IP.
    pub private: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Nat {
    /// No NAT gateway: private subnets reach nothing outside the VPC but what has an endpoint.
    None,
    /// One NAT gateway for all private subnets.
    Single,
    /// One NAT gateway in each zone that has a private subnet.
    PerZone,
}

/// Subnets by availability zone: its full name, its end (`1a`), or `zone-1` for the region's first available zone.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subnets {
    /// Zone → address range, of subnets whose default route is the internet gateway.
    pub public: Option<Entries<String>>,
    /// Zone → address range, of subnets whose default route is a NAT gateway, if there is one.
    pub private: Option<Entries<String>>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ingress {
    /// The listener.
    pub listen: Option<Listen>,
    /// A second listener on port 80 that redirects to HTTPS. Default: true with HTTPS on another port than 80.
    pub redirect_http: Option<bool>,
    /// The certificate of an HTTPS listener.
    pub certificate: Option<Certificate>,
    /// The public hosted zone for the records of the routed hosts. Default: no records are made.
    pub zone: Option<HostedZone>,
    /// Address ranges that may reach the load balancer. Default: `[0.0.0.0/0]`.
    pub allow: Option<Vec<String>>,
    /// The answer when no route matches.
    pub default: Option<FixedResponse>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// Default: 443 for HTTPS, 80 for HTTP.
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// Default: HTTPS if there is a certificate, HTTP otherwise.
    pub protocol: Option<Protocol>,
    /// The TLS policy of an HTTPS listener. Default: `ELBSecurityPolicy-TLS13-1-2-2021-06`.
    pub ssl_policy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    Http,
    Https,
}

/// Exactly one of `arn`, `find` and `request`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Certificate {
    /// An issued certificate of ACM by its ARN.
    Arn(String),
    /// The issued certificate of ACM for this domain.
    Find(String),
    /// Request a certificate for these names, the first of which is its domain, and validate it by records in `zone`.
    Request(Vec<String>),
}

/// Exactly one of `find` and `create`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HostedZone {
    /// An existing public hosted zone by its name. It is never deleted.
    Find(String),
    /// A public hosted zone that comes and goes with the stack.
    Create(String),
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedResponse {
    /// 2xx, 4xx or 5xx. Default: 404.
    pub status: Option<u16>,
    /// Default: `text/plain`.
    pub content_type: Option<ContentType>,
    /// At most 1024 characters. Default: `404 Not Found`.
    pub body: Option<Text>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ContentType {
    #[serde(rename = "text/plain")]
    Plain,
    #[serde(rename = "text/css")]
    Css,
    #[serde(rename = "text/html")]
    Html,
    #[serde(rename = "application/javascript")]
    JavaScript,
    #[serde(rename = "application/json")]
    Json,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Namespace {
    /// The namespace's domain, for example `shop.local`.
    #[schemars(required)]
    pub name: Option<String>,
    /// Default: none.
    pub description: Option<Text>,
}

/// One role serves every task, as its task role and its execution role.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Ready-made permissions. Default: `ecr-pull` and `logs-write`, and `exec` as soon as any service has `exec: true`.
    pub policies: Option<Vec<Policy>>,
    /// Further IAM statements, after those of `policies`. Default: none.
    pub statements: Option<Vec<Statement>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Pull images from ECR.
    EcrPull,
    /// Create log groups and streams and write to them.
    LogsWrite,
    /// What the ECS agent reports.
    EcsAgent,
    /// Register and discover Cloud Map instances.
    Discovery,
    /// The channels of ECS Exec.
    Exec,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Default: Allow.
    pub effect: Option<Effect>,
    /// For example `s3:GetObject`.
    #[schemars(required)]
    pub actions: Option<Vec<String>>,
    /// ARNs, or `*`.
    #[schemars(required)]
    pub resources: Option<Vec<String>>,
    /// Operator → key → values. Default: none.
    pub condition: Option<BTreeMap<String, BTreeMap<String, Vec<Text>>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Effect {
    Allow,
    Deny,
}

/// Settings for every service that does not set them itself; a setting with keys of its own is taken key by key.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// Default: 1.
    pub count: Option<Count>,
    /// Default: 256.
    pub cpu: Option<u32>,
    /// Default: the least that Fargate has for the cpu.
    pub memory: Option<u32>,
    /// Default: `x86_64`.
    pub architecture: Option<Architecture>,
    /// Default: 20.
    #[schemars(range(min = 20, max = 200))]
    pub ephemeral_storage: Option<u32>,
    /// Which part of the tasks runs on Fargate Spot.
    pub spot: Option<Spot>,
    /// Default: private with a NAT gateway, public without.
    pub subnets: Option<Tier>,
    /// Default: false.
    pub exec: Option<bool>,
    /// The entry in the namespace.
    pub discovery: Option<DiscoveryDefaults>,
    /// The load balancer's health check of a routed service.
    pub health_check: Option<HealthCheck>,
    /// How long the load balancer lets open requests finish. Default: `30s`.
    pub deregistration_delay: Option<DurationText>,
    /// How new tasks take the place of old ones.
    pub deployment: Option<Deployment>,
    /// Where the containers' output goes.
    pub logs: Option<LogsDefaults>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// How many tasks run: a number, or bounds and what each task should have to do. Default: 1.
    pub count: Option<Count>,
    /// CPU units of a task; 1024 are one vCPU. Default: 256.
    pub cpu: Option<u32>,
    /// Memory of a task in MiB. Default: the least that Fargate has for the cpu.
    pub memory: Option<u32>,
    /// Which processors the tasks run on; the images must be made for them. Default: `x86_64`.
    pub architecture: Option<Architecture>,
    /// The disk of a task in GiB, 20 to 200. Default: 20, which costs nothing extra.
    #[schemars(range(min = 20, max = 200))]
    pub ephemeral_storage: Option<u32>,
    /// Which part of the tasks runs on Fargate Spot.
    pub spot: Option<Spot>,
    /// Where the tasks run; in public subnets they get a public IP. Default: private with a NAT gateway, public without.
    pub subnets: Option<Tier>,
    /// Whether commands can be run in the containers (ECS Exec). Default: false.
    pub exec: Option<bool>,
    /// Physical names in place of the derived ones.
    pub names: Option<ServiceNames>,
    /// How the load balancer reaches the service; `{}` takes all defaults. Default: it does not.
    pub route: Option<Route>,
    /// Who else may reach the tasks. What `route` names is allowed by itself. Default: nobody.
    pub allow: Option<Vec<AllowRule>>,
    /// The entry in the namespace. Default: one under the service's name if the stack has a namespace.
    pub discovery: Option<Discovery>,
    /// Services that must be up, and registered in the namespace, before this one starts. Default: none.
    pub depends_on: Option<Vec<String>>,
    /// The load balancer's health check of a routed service.
    pub health_check: Option<HealthCheck>,
    /// How long the load balancer lets open requests finish, 0s to 3600s. Default: `30s`.
    pub deregistration_delay: Option<DurationText>,
    /// How new tasks take the place of old ones.
    pub deployment: Option<Deployment>,
    /// The containers of a task by name.
    #[schemars(required)]
    pub containers: Option<Entries<Container>>,
}

/// How new tasks take the place of old ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Whether ECS itself gives a deployment up whose tasks keep failing. Default: false, as AWS does; navi sees such a deployment by itself.
    pub circuit_breaker: Option<bool>,
    /// Whether ECS then goes back to the last deployment that worked. Default: true with the circuit breaker.
    pub rollback: Option<bool>,
    /// How many of the wanted tasks keep running meanwhile, in percent, rounded up. Default: AWS's, 100.
    #[schemars(range(min = 0, max = 100))]
    pub min_healthy: Option<u32>,
    /// How many tasks run at most meanwhile, old and new, in percent of those wanted, rounded down. Default: AWS's, 200.
    #[schemars(range(min = 100, max = 1000))]
    pub max: Option<u32>,
}

/// A number of tasks, or bounds between which Application Auto Scaling chooses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Count {
    /// So many tasks.
    Fixed(#[schemars(range(max = 5000))] u32),
    /// As many as it takes.
    Scaled(Autoscaling),
}

/// Application Auto Scaling adds tasks when one of the metrics given is above its value, and takes some away when all are well below.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Autoscaling {
    /// How many tasks run at least. Default: 1.
    #[schemars(range(min = 1, max = 5000))]
    pub min: Option<u32>,
    /// How many tasks run at most. Required.
    #[schemars(range(min = 1, max = 5000))]
    pub max: Option<u32>,
    /// How much of the CPU the tasks use on average, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub cpu: Option<u32>,
    /// How much of the memory the tasks use on average, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub memory: Option<u32>,
    /// How many requests a task gets from the load balancer in a minute.
    #[schemars(range(min = 1))]
    pub requests: Option<u32>,
}

/// Which part of the tasks runs on Fargate Spot: cheaper, and stopped by AWS with two minutes' notice when it needs the machines.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spot {
    /// How many of the tasks beyond `base` run on Spot, in percent. Default: 0.
    #[schemars(range(min = 0, max = 100))]
    pub share: Option<u32>,
    /// How many tasks run on ordinary Fargate before any runs on Spot. Default: 0.
    #[schemars(range(min = 0, max = 5000))]
    pub base: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Architecture {
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X86_64,
    /// AWS's Graviton.
    #[serde(rename = "arm64")]
    Arm64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    Public,
    Private,
}

/// Physical names in place of the derived ones; in full, the stack's name is not put before them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceNames {
    /// The ECS service. Default: `{stack}-{service}-service`.
    pub service: Option<String>,
    /// The task definition's family. Default: `{stack}-{service}-task`.
    pub family: Option<String>,
    /// Default: `{stack}-{service}-tg`.
    pub target_group: Option<String>,
    /// Default: `{stack}-{service}-sg`.
    pub security_group: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The host name to answer for; `*` and `?` are wildcards. Default: any.
    pub host: Option<String>,
    /// The path pattern to answer for; `*` and `?` are wildcards. Default: any.
    pub path: Option<String>,
    /// The rule's priority; the lowest that matches wins. Default: after every given one, the more specific rule first.
    #[schemars(range(min = 1, max = 50000))]
    pub priority: Option<u32>,
    /// `container:port`. Default: the only port of the service's containers.
    pub to: Option<String>,
    /// The target group's own port; tasks are registered with the port of `to` all the same. Default: the port of `to`.
    #[schemars(range(min = 1, max = 65535))]
    pub target_group_port: Option<u16>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowRule {
    /// A service of this stack, `ingress` for the load balancer, or an address range.
    #[schemars(required)]
    pub from: Option<String>,
    /// The TCP port.
    #[schemars(required, range(min = 1, max = 65535))]
    pub port: Option<u16>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscoveryDefaults {
    /// Default: true if the stack has a namespace.
    pub enabled: Option<bool>,
    /// Default: A.
    #[serde(rename = "type")]
    pub record_type: Option<RecordType>,
    /// Default: `10s`.
    pub ttl: Option<DurationText>,
    /// Default: 1, the only value AWS keeps.
    #[schemars(range(min = 1, max = 1))]
    pub failure_threshold: Option<u32>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Discovery {
    /// Whether the service is registered at all. Default: true if the stack has a namespace.
    pub enabled: Option<bool>,
    /// The name under the namespace. Default: the service's name.
    pub name: Option<String>,
    /// The DNS record's type. Default: A.
    #[serde(rename = "type")]
    pub record_type: Option<RecordType>,
    /// How long an answer may be kept. Default: `10s`.
    pub ttl: Option<DurationText>,
    /// Default: 1, the only value AWS keeps.
    #[schemars(range(min = 1, max = 1))]
    pub failure_threshold: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RecordType {
    A,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// Default: `/`.
    pub path: Option<String>,
    /// Between two checks, 5s to 300s. Default: `10s`.
    pub interval: Option<DurationText>,
    /// For one answer, 2s to 120s and less than the interval. Default: `5s`.
    pub timeout: Option<DurationText>,
    /// Passed checks until healthy. Default: 2.
    #[schemars(range(min = 2, max = 10))]
    pub healthy_threshold: Option<u32>,
    /// Failed checks until unhealthy. Default: 3.
    #[schemars(range(min = 2, max = 10))]
    pub unhealthy_threshold: Option<u32>,
    /// Statuses that pass: `200`, `200,202` or `200-299`. Default: `200-399`.
    pub matcher: Option<Text>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// The image, for example `public.ecr.aws/nginx/nginx:stable-alpine`.
    #[schemars(required)]
    pub image: Option<String>,
    /// TCP ports the container listens on. Default: none.
    #[schemars(inner(range(min = 1, max = 65535)))]
    pub ports: Option<Vec<u16>>,
    /// Environment variables. Default: none.
    pub environment: Option<BTreeMap<String, Text>>,
    /// Environment variables that are read when the task starts: the name or ARN of an SSM parameter, or the ARN of a secret of Secrets Manager with or without `:key:stage:version`. Default: none.
    pub secrets: Option<BTreeMap<String, String>>,
    /// ARNs of `.env` files in S3 with further environment variables; `environment` goes before them. Default: none.
    pub environment_files: Option<Vec<String>>,
    /// Default: the image's.
    pub entrypoint: Option<Vec<Text>>,
    /// Default: the image's.
    pub command: Option<Vec<Text>>,
    /// Whether the task ends when this container ends. Default: true.
    pub essential: Option<bool>,
    /// Containers of the same task that this one waits for, and how far they must be. Default: none.
    pub depends_on: Option<BTreeMap<String, ContainerCondition>>,
    /// The command by which ECS checks the container. Default: none; a check in the image does not count.
    pub health_check: Option<ContainerHealthCheck>,
    /// Between asking the container to stop and killing it, 2s to 120s. Default: AWS's, 30s.
    pub stop_timeout: Option<DurationText>,
    /// Where the container's output goes.
    pub logs: Option<Logs>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContainerCondition {
    /// It has been started.
    Start,
    /// It has ended. Not for an essential container.
    Complete,
    /// It has ended, and well. Not for an essential container.
    Success,
    /// Its health check has passed.
    Healthy,
}

/// The command by which ECS checks a container. A task whose essential container fails it is replaced.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainerHealthCheck {
    /// `[CMD, program, argument, …]`, or `[CMD-SHELL, "a line for the container's shell"]`. 0 is healthy.
    #[schemars(required)]
    pub command: Option<Vec<Text>>,
    /// Between two checks, 5s to 300s. Default: `30s`.
    pub interval: Option<DurationText>,
    /// For one check, 2s to 60s. Default: `5s`.
    pub timeout: Option<DurationText>,
    /// Failed checks in a row until unhealthy. Default: 3.
    #[schemars(range(min = 1, max = 10))]
    pub retries: Option<u32>,
    /// How long failed checks do not count after the start, 0s to 300s. Default: `0s`.
    pub start_period: Option<DurationText>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogsDefaults {
    /// Default: awslogs.
    pub driver: Option<LogDriver>,
    /// The start of each stream's name. Default: `ecs`.
    pub prefix: Option<String>,
    /// Default: `30d`.
    pub retention: Option<DurationText>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    /// Default: awslogs.
    pub driver: Option<LogDriver>,
    /// The log group. Default: `/ecs/{stack}/{service}`.
    pub group: Option<String>,
    /// The start of each stream's name. Default: `ecs`.
    pub prefix: Option<String>,
    /// How long CloudWatch keeps the output: `7d`, `30d`, … or `forever`. Default: `30d`.
    pub retention: Option<DurationText>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogDriver {
    /// CloudWatch Logs.
    Awslogs,
    /// No log configuration at all.
    None,
}

/// Text that YAML may take for a number or a boolean when it isn't quoted: `8080` as an environment variable's value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(pub String);

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

/// A length of time with its unit: `30s`, `5m`, `1h`, `7d`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("pattern" = "^([0-9]+[smhd]|forever)$"))]
pub struct DurationText(pub String);
