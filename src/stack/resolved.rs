//! What does a stack file mean once every default is filled in and everything is checked?
//!
//! These are the types the rest of navi reads. An `Option` here is a real choice (a service without a route), never an
//! unfilled default. Physical names are made by [`super::names`]; only the user's overrides are kept here.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;

use super::endpoints::Endpoint;
use super::policies::{NamedPolicy, Statement};

/// The whole environment, as desired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    pub name: String,
    /// `None` when neither the file nor the caller names one: the AWS configuration chain decides.
    pub region: Option<String>,
    /// `None` until AWS has told it.
    pub account_id: Option<String>,
    /// The user's own tags, for everything that takes tags.
    pub tags: BTreeMap<String, String>,
    pub protect: Protect,
    pub names: StackNames,
    pub network: Network,
    /// The load balancer. Present when the file has `ingress:` or any service has a route.
    pub ingress: Option<Ingress>,
    pub namespace: Option<Namespace>,
    pub role: Role,
    /// In the order of the file.
    pub services: Vec<Service>,
    /// What was not known when the file was loaded and therefore still stands in its text.
    pub(super) unresolved: BTreeSet<Unresolved>,
}

/// What no run may replace or remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protect {
    Nothing,
    Everything,
    /// The resources of these kinds, by their names in addresses.
    Kinds(BTreeSet<String>),
}

/// A variable that only AWS can tell. It stands in the text as `${ACCOUNT_ID}` until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unresolved {
    AccountId,
    Region,
}

/// Physical names given by the user in place of the derived ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackNames {
    pub vpc: Option<String>,
    pub cluster: Option<String>,
    pub load_balancer: Option<String>,
    pub load_balancer_security_group: Option<String>,
    pub endpoint_security_group: Option<String>,
    pub role: Option<String>,
    pub policy: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    pub cidr: Ipv4Net,
    pub dns_support: bool,
    pub dns_hostnames: bool,
    pub nat: Nat,
    /// In the order of the file, each once.
    pub endpoints: Vec<Endpoint>,
    /// In the order of the file, public ones first. `Nat::Single` goes into the first public one.
    pub subnets: Vec<Subnet>,
    /// Somebody else's VPC in place of one that the stack makes: then all of the above says nothing.
    pub existing: Option<ExistingVpc>,
}

/// A VPC that is only looked up. Each text is an ID or the value of the tag `Name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingVpc {
    pub find: String,
    /// Public ones first, each once.
    pub subnets: Vec<(Tier, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nat {
    None,
    Single,
    PerZone,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    pub tier: Tier,
    pub zone: Zone,
    pub cidr: Ipv4Net,
    pub public_ip_on_launch: bool,
}

/// Public: the default route goes to the internet gateway. Private: to a NAT gateway, or nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    Public,
    Private,
}

/// An availability zone, independent of the region's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Zone {
    /// The end of the zone's name: `1a` is `ap-northeast-1a` in `ap-northeast-1`.
    Suffix(String),
    /// The nth (from 1) of the region's available zones in the order of their names, chosen when the subnet is made.
    Ordinal(u8),
}

/// The internet-facing application load balancer and what stands in front of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingress {
    pub port: u16,
    pub protocol: ListenerProtocol,
    /// A second listener, HTTP on port 80, that sends everybody to the HTTPS one.
    pub redirect_http: bool,
    /// Where the alias records of the routed hosts go.
    pub hosted_zone: Option<HostedZone>,
    /// Who may reach the load balancer.
    pub allow: Vec<Ipv4Net>,
    /// The answer when no route matches.
    pub default_response: FixedResponse,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenerProtocol {
    Http,
    Https {
        ssl_policy: String,
        certificate: Certificate,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// An issued certificate of ACM. May hold `${ACCOUNT_ID}` while the account is unknown.
    Arn(String),
    /// The issued certificate for this domain, looked up in ACM.
    Find(String),
    /// Requested by navi and validated by records in the ingress's hosted zone.
    Request {
        domain: String,
        alternative_names: Vec<String>,
    },
}

/// A public Route 53 hosted zone; the name has no trailing dot and is in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostedZone {
    Find(String),
    Create(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedResponse {
    pub status: u16,
    pub content_type: String,
    pub body: String,
}

/// The private DNS namespace of Cloud Map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    pub name: String,
    pub description: Option<String>,
}

/// The one role of every task, as its task role and its execution role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub policies: Vec<NamedPolicy>,
    /// The user's own statements, after those of `policies`.
    pub statements: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The key in the file.
    pub name: String,
    pub names: ServiceNames,
    pub count: Count,
    /// CPU units; 1024 are one vCPU.
    pub cpu: u32,
    /// MiB.
    pub memory: u32,
    pub architecture: Architecture,
    /// GiB.
    pub ephemeral_storage: u32,
    /// `None`: all tasks run on ordinary Fargate.
    pub spot: Option<Spot>,
    /// Where the tasks run. In public subnets they get a public IP, or they could not pull their image.
    pub subnets: Tier,
    pub exec: bool,
    pub route: Option<Route>,
    /// Every permitted way in, the one that the route implies included.
    pub allow: Vec<AllowRule>,
    pub discovery: Option<Discovery>,
    /// Services of which a healthy instance must be registered before this one starts.
    pub depends_on: Vec<String>,
    pub deployment: Deployment,
    pub containers: Vec<Container>,
}

/// How new tasks take the place of old ones. What is not set is left to AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deployment {
    pub circuit_breaker: Option<CircuitBreaker>,
    /// In percent of the wanted tasks.
    pub min_healthy: Option<u32>,
    /// In percent of the wanted tasks.
    pub max: Option<u32>,
}

/// ECS gives a deployment up whose tasks keep failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CircuitBreaker {
    /// Whether it then goes back to the last one that worked.
    pub rollback: bool,
}

/// The disk of a Fargate task in GiB where nothing else is asked for; AWS takes no number for it, only larger ones.
pub const LEAST_EPHEMERAL_STORAGE: u32 = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    Fixed(u32),
    /// Application Auto Scaling chooses it.
    Autoscaled(Autoscaling),
}

/// The bounds of a count, and what each task should have to do. At least one of the metrics is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Autoscaling {
    pub min: u32,
    pub max: u32,
    /// In percent.
    pub cpu: Option<u32>,
    /// In percent.
    pub memory: Option<u32>,
    /// Of one task in a minute.
    pub requests: Option<u32>,
}

/// Which part of the tasks runs on Fargate Spot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// In percent of the tasks beyond `base`, at least 1.
    pub share: u32,
    /// How many tasks run on ordinary Fargate first.
    pub base: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    X86_64,
    Arm64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceNames {
    pub service: Option<String>,
    pub family: Option<String>,
    pub target_group: Option<String>,
    pub security_group: Option<String>,
}

/// One listener rule with its target group. At least one of `host` and `path` is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub host: Option<String>,
    pub path: Option<String>,
    pub priority: u32,
    pub container: String,
    pub container_port: u16,
    /// The target group's own port. Only a default: ECS registers each task with `container_port` (aws-behaviour §2.14).
    pub target_group_port: u16,
    pub health_check: HealthCheck,
    pub deregistration_delay_seconds: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    pub path: String,
    pub interval_seconds: u32,
    pub timeout_seconds: u32,
    pub healthy_threshold: u32,
    pub unhealthy_threshold: u32,
    pub matcher: String,
}

/// TCP to `port` of the service's tasks is permitted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AllowRule {
    pub from: AllowSource,
    pub port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AllowSource {
    Ingress,
    Service(String),
    Cidr(Ipv4Net),
}

/// The service's entry in the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    pub name: String,
    pub record_type: RecordType,
    pub ttl_seconds: u32,
    pub failure_threshold: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordType {
    A,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub name: String,
    /// May hold `${ACCOUNT_ID}` or `${REGION}` while they are unknown.
    pub image: String,
    pub ports: Vec<u16>,
    pub environment: BTreeMap<String, String>,
    /// Variable → where its value is kept.
    pub secrets: BTreeMap<String, SecretSource>,
    /// ARNs of objects in S3. May hold `${ACCOUNT_ID}` or `${REGION}` while they are unknown.
    pub environment_files: Vec<String>,
    /// Empty: the image's own.
    pub entrypoint: Vec<String>,
    /// Empty: the image's own.
    pub command: Vec<String>,
    pub essential: bool,
    /// Container of the same task → how far it must be first.
    pub depends_on: BTreeMap<String, ContainerCondition>,
    pub health_check: Option<ContainerHealthCheck>,
    /// `None`: AWS's own 30 s.
    pub stop_timeout_seconds: Option<u32>,
    /// `None`: the container has no log configuration at all.
    pub logs: Option<Logs>,
}

/// Where the value of a secret is kept; navi never reads it. May hold `${ACCOUNT_ID}` or `${REGION}` while they are unknown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretSource {
    /// A parameter of this account and region, by its name.
    ParameterName(String),
    /// A parameter by its ARN.
    ParameterArn(String),
    /// A secret of Secrets Manager: its ARN, and after it nothing or `:key:stage:version`.
    Secret { arn: String, part: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerCondition {
    Start,
    Complete,
    Success,
    Healthy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerHealthCheck {
    /// `CMD` or `CMD-SHELL` first.
    pub command: Vec<String>,
    pub interval_seconds: u32,
    pub timeout_seconds: u32,
    pub retries: u32,
    pub start_period_seconds: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    pub group: String,
    pub stream_prefix: String,
    pub retention: Retention,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Retention {
    Days(u16),
    Forever,
}

impl Stack {
    /// Whether the text still holds `${ACCOUNT_ID}`, or something in it means the account, so that the file must be
    /// loaded again once STS has told it.
    pub fn needs_account_id(&self) -> bool {
        let by_name = |source: &SecretSource| matches!(source, SecretSource::ParameterName(_));
        self.unresolved.contains(&Unresolved::AccountId)
            || (self.account_id.is_none()
                && self
                    .containers()
                    .any(|container| container.secrets.values().any(by_name)))
    }

    /// Whether the text still holds `${REGION}`.
    pub fn needs_region(&self) -> bool {
        self.unresolved.contains(&Unresolved::Region)
    }

    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    pub fn containers(&self) -> impl Iterator<Item = &Container> {
        self.services.iter().flat_map(|service| &service.containers)
    }

    /// Every log group once, with its retention, in the order of the file.
    pub fn log_groups(&self) -> Vec<(&str, Retention)> {
        let mut groups: Vec<(&str, Retention)> = Vec::new();
        let all_logs = self
            .containers()
            .filter_map(|container| container.logs.as_ref());
        for logs in all_logs {
            if !groups.iter().any(|(name, _)| *name == logs.group) {
                groups.push((&logs.group, logs.retention));
            }
        }
        groups
    }

    /// The routed hosts that get an alias record: those within the ingress's hosted zone. Each once, in the order of the file.
    /// DNS has no wildcards but a first label `*`, so a host with any other gets none.
    pub fn alias_hosts(&self) -> Vec<&str> {
        let Some(zone) = self
            .ingress
            .as_ref()
            .and_then(|ingress| ingress.hosted_zone.as_ref())
        else {
            return Vec::new();
        };
        let is_name = |host: &&str| !host.strip_prefix("*.").unwrap_or(host).contains(['*', '?']);
        let mut hosts: Vec<&str> = Vec::new();
        let routed = self
            .services
            .iter()
            .filter_map(|service| service.route.as_ref()?.host.as_deref());
        for host in routed.filter(|host| zone.holds(host)).filter(is_name) {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts
    }
}

impl Network {
    pub fn subnets_of(&self, tier: Tier) -> impl Iterator<Item = &Subnet> {
        self.subnets
            .iter()
            .filter(move |subnet| subnet.tier == tier)
    }

    /// Whether services run in private subnets unless they say otherwise.
    pub fn prefers_private(&self) -> bool {
        match &self.existing {
            Some(existing) => existing.subnets_of(Tier::Private).next().is_some(),
            None => self.nat != Nat::None || !self.endpoints.is_empty(),
        }
    }

    /// An internet gateway is needed as soon as anything is public.
    pub fn has_internet_gateway(&self) -> bool {
        self.subnets_of(Tier::Public).next().is_some()
    }

    /// The public subnets that hold a NAT gateway.
    pub fn nat_subnets(&self) -> Vec<&Subnet> {
        match self.nat {
            Nat::None => Vec::new(),
            Nat::Single => self.subnets_of(Tier::Public).take(1).collect(),
            Nat::PerZone => {
                let private_zones: BTreeSet<&Zone> = self
                    .subnets_of(Tier::Private)
                    .map(|subnet| &subnet.zone)
                    .collect();
                self.subnets_of(Tier::Public)
                    .filter(|subnet| private_zones.contains(&subnet.zone))
                    .collect()
            }
        }
    }
}

impl ExistingVpc {
    pub fn subnets_of(&self, tier: Tier) -> impl Iterator<Item = &str> {
        self.subnets
            .iter()
            .filter(move |(own, _)| *own == tier)
            .map(|(_, text)| text.as_str())
    }
}

impl Tier {
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Public => "public",
            Tier::Private => "private",
        }
    }
}

impl Zone {
    /// The full name, or `None` for a zone that is chosen at run time.
    pub fn full_name(&self, region: &str) -> Option<String> {
        match self {
            // The region `ap-northeast-1` and the suffix `1a` share the digit.
            Zone::Suffix(suffix) => Some(format!(
                "{}{suffix}",
                region.trim_end_matches(|character: char| character.is_ascii_digit())
            )),
            Zone::Ordinal(_) => None,
        }
    }

    /// The key in the stack file, which is also the end of the subnet's name: `1a`, or `zone-1`.
    pub fn label(&self) -> String {
        match self {
            Zone::Suffix(suffix) => suffix.clone(),
            Zone::Ordinal(ordinal) => format!("zone-{ordinal}"),
        }
    }
}

impl Count {
    /// How many tasks run at least.
    pub fn least(self) -> u32 {
        match self {
            Count::Fixed(count) => count,
            Count::Autoscaled(autoscaling) => autoscaling.min,
        }
    }
}

impl SecretSource {
    /// As a task definition names it.
    pub fn value_from(&self) -> String {
        match self {
            SecretSource::ParameterName(text) | SecretSource::ParameterArn(text) => text.clone(),
            SecretSource::Secret { arn, part } => format!("{arn}{part}"),
        }
    }
}

impl HostedZone {
    pub fn name(&self) -> &str {
        match self {
            HostedZone::Find(name) | HostedZone::Create(name) => name,
        }
    }

    /// Whether a record for `host` belongs into this zone.
    pub fn holds(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        host == self.name()
            || host
                .strip_suffix(self.name())
                .is_some_and(|rest| rest.ends_with('.'))
    }
}

impl Service {
    pub fn assign_public_ip(&self) -> bool {
        self.subnets == Tier::Public
    }

    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers
            .iter()
            .find(|container| container.name == name)
    }
}
