//! What is there in an environment, in the words of its stack file: services, what they run, and what leads to them?

use serde::Serialize;

use super::Specs;
use super::reach::{Way, recorded_rules};
use crate::kinds::discovery_service::DiscoveryService;
use crate::kinds::ecs_service::{EcsService, EcsServiceOutputs};
use crate::kinds::listener::{DefaultAction, Listener, ListenerProtocol};
use crate::kinds::listener_rule::ListenerRule;
use crate::kinds::load_balancer::{LoadBalancer, LoadBalancerOutputs, Scheme};
use crate::kinds::namespace::{Namespace, NamespaceOutputs};
use crate::kinds::nat_gateway::NatGateway;
use crate::kinds::scalable_target::ScalableTarget;
use crate::kinds::subnet::{AvailabilityZone, SubnetOutputs};
use crate::kinds::target_group::{HealthCheck, TargetGroup, TargetGroupOutputs};
use crate::kinds::task_definition::{Architecture, TaskDefinition};
use crate::kinds::vpc::Vpc;
use crate::kinds::vpc_endpoint::VpcEndpoint;
use crate::kinds::{discovery_service, subnet};
use crate::resource::{Address, Ref, Resource};

/// An environment as its specs describe it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Environment {
    /// By name.
    pub services: Vec<Service>,
    /// The load balancer.
    pub entrance: Option<Entrance>,
    /// `10.0.0.0/16`, where the stack makes its VPC.
    pub vpc: Option<String>,
    /// By tier and zone.
    pub subnets: Vec<Subnet>,
    /// In which subnets NAT gateways stand.
    pub nat_gateways: Vec<String>,
    /// AWS's services that tasks reach without leaving the VPC.
    pub vpc_endpoints: Vec<String>,
    /// Cloud Map's namespace.
    pub namespace: Option<String>,
    /// Who may reach whom.
    pub ways: Vec<Way>,
}

/// The load balancer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entrance {
    /// Its name in AWS.
    pub name: String,
    /// Once it exists.
    pub dns_name: Option<String>,
    /// Whether only the VPC reaches it.
    pub internal: bool,
    /// The names of the subnets that it stands in.
    pub subnets: Vec<String>,
    /// `https`.
    pub scheme: &'static str,
    /// The port of the listener that routes.
    pub port: u16,
}

/// A service of the stack file.
#[derive(Clone, Debug, Serialize)]
pub struct Service {
    /// As the stack file calls it.
    pub name: String,
    /// As ECS calls it.
    pub ecs_name: String,
    /// Where ECS has it, once it exists.
    #[serde(skip)]
    pub outputs: Option<EcsServiceOutputs>,
    /// How many tasks the stack wants.
    pub desired: u32,
    /// The bounds, where Application Auto Scaling decides.
    pub scaling: Option<Scaling>,
    /// CPU units of a task; 1024 are one vCPU.
    pub cpu: u32,
    /// MiB of a task.
    pub memory: u32,
    /// Whether its tasks run on Graviton.
    pub arm: bool,
    /// Whether all of its tasks beyond the base run on Fargate Spot.
    pub spot: bool,
    /// What a task holds.
    pub containers: Vec<Container>,
    /// Which requests from outside lead to it.
    pub routes: Vec<Route>,
    /// Its name in Cloud Map.
    pub discovered_as: Option<super::Name>,
    /// The names of its subnets.
    pub subnets: Vec<String>,
    /// Whether its tasks have public addresses.
    pub public: bool,
    /// Whether its tasks take commands.
    pub execute_command: bool,
    /// What starts before it.
    pub depends_on: Vec<String>,
}

/// Between how many and how many tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Scaling {
    pub minimum: u32,
    pub maximum: u32,
}

/// A container of a service's tasks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Container {
    pub name: String,
    pub image: String,
    pub ports: Vec<u16>,
    /// Where its output is kept.
    pub logs: Option<LogTarget>,
}

/// Where a container's output is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogTarget {
    /// The log group's name.
    pub group: String,
    /// Its streams are called `PREFIX/CONTAINER/TASK`.
    pub stream_prefix: String,
}

/// Requests that lead to a service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Route {
    /// None for every host.
    pub host: Option<String>,
    /// None for every path.
    pub path: Option<String>,
    /// The container that gets them, with its port.
    pub container: String,
    pub port: u16,
    /// How the load balancer looks whether a target is well.
    #[serde(skip)]
    pub health_check: HealthCheck,
    /// Once it exists.
    #[serde(skip)]
    pub target_group_arn: Option<String>,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Subnet {
    /// `public-1a`.
    pub name: String,
    /// AWS's, once it exists.
    #[serde(skip)]
    pub id: Option<String>,
    /// None where it is only looked up.
    pub cidr: Option<String>,
    pub zone: Option<String>,
    /// Whether something in it may have an address of the internet.
    pub public: bool,
}

impl Environment {
    /// The environment that these specs describe.
    pub fn of(specs: &Specs) -> Self {
        let services: Vec<Service> = specs
            .all::<EcsService>()
            .map(|(name, spec)| service(specs, name, &spec))
            .collect();
        let mut subnets: Vec<Subnet> = specs
            .all::<subnet::Subnet>()
            .map(|(name, spec)| subnet_of(specs, name, spec))
            .collect();
        subnets.sort_by(|one, other| (!one.public, &one.name).cmp(&(!other.public, &other.name)));
        Environment {
            entrance: entrance(specs),
            vpc: specs
                .all::<Vpc>()
                .find(|(_, vpc)| vpc.lookup.is_none())
                .map(|(_, vpc)| vpc.cidr_block),
            subnets,
            nat_gateways: specs
                .all::<NatGateway>()
                .map(|(_, gateway)| name_of(&gateway.subnet))
                .collect(),
            vpc_endpoints: specs
                .all::<VpcEndpoint>()
                .map(|(name, _)| name.to_owned())
                .collect(),
            namespace: specs.all::<Namespace>().next().map(|(_, space)| space.name),
            ways: recorded_rules(specs).ways(specs),
            services,
        }
    }

    /// A service by its name in the stack file.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }
}

impl Entrance {
    /// The URL of a host, or of the load balancer itself; none before that exists.
    pub fn url(&self, host: Option<&str>, path: &str) -> Option<String> {
        let usual = matches!((self.scheme, self.port), ("http", 80) | ("https", 443));
        let port = match usual {
            true => String::new(),
            false => format!(":{}", self.port),
        };
        let host = host.or(self.dns_name.as_deref())?;
        Some(format!("{}://{host}{port}{path}", self.scheme))
    }
}

fn name_of<K: Resource>(reference: &Ref<K>) -> String {
    reference.address().name().to_owned()
}

fn entrance(specs: &Specs) -> Option<Entrance> {
    let listeners: Vec<Listener> = specs.all().map(|(_, listener)| listener).collect();
    // The one that serves, not the one that only sends there.
    let listener = listeners
        .iter()
        .find(|listener| listener.protocol == ListenerProtocol::Https)
        .or_else(|| listeners.first())?;
    let load_balancer: LoadBalancer = specs.at(&listener.load_balancer)?;
    let outputs: Option<LoadBalancerOutputs> =
        specs.outputs::<LoadBalancer>(listener.load_balancer.address());
    Some(Entrance {
        name: load_balancer.name,
        dns_name: outputs.map(|outputs| outputs.dns_name),
        internal: load_balancer.scheme == Scheme::Internal,
        subnets: load_balancer.subnets.iter().map(name_of).collect(),
        scheme: match listener.protocol {
            ListenerProtocol::Http => "http",
            ListenerProtocol::Https => "https",
        },
        port: listener.port,
    })
}

fn service(specs: &Specs, name: &str, spec: &EcsService) -> Service {
    let address = Address::new(EcsService::KIND, name);
    let definition: Option<TaskDefinition> = specs.at(&spec.task_definition);
    let scaling = specs
        .all::<ScalableTarget>()
        .find(|(_, target)| *target.service.address() == address)
        .map(|(_, target)| Scaling {
            minimum: target.min_capacity,
            maximum: target.max_capacity,
        });
    let spot = |provider: &str| provider == "FARGATE_SPOT";
    Service {
        name: name.to_owned(),
        ecs_name: spec.name.clone(),
        outputs: specs.outputs::<EcsService>(&address),
        desired: spec.desired_count,
        scaling,
        cpu: definition.as_ref().map_or(0, |definition| definition.cpu),
        memory: definition
            .as_ref()
            .map_or(0, |definition| definition.memory),
        arm: definition
            .as_ref()
            .is_some_and(|definition| definition.architecture == Architecture::Arm64),
        spot: spec
            .capacity_provider_strategy
            .iter()
            .any(|item| item.weight > 0 && spot(&item.capacity_provider))
            && spec
                .capacity_provider_strategy
                .iter()
                .all(|item| item.weight == 0 || spot(&item.capacity_provider)),
        containers: definition.map(containers).unwrap_or_default(),
        routes: routes(specs, spec),
        discovered_as: spec
            .service_registry
            .as_ref()
            .and_then(|registry| discovered(specs, name, registry)),
        subnets: spec.subnets.iter().map(name_of).collect(),
        public: spec.assign_public_ip,
        execute_command: spec.enable_execute_command,
        depends_on: spec.depends_on.iter().map(name_of).collect(),
    }
}

fn containers(definition: TaskDefinition) -> Vec<Container> {
    let containers = definition.containers.into_iter();
    containers
        .map(|container| Container {
            name: container.name,
            image: container.image,
            ports: container
                .port_mappings
                .iter()
                .map(|mapping| mapping.container_port)
                .collect(),
            logs: container.log_configuration.map(|logs| LogTarget {
                group: logs.group,
                stream_prefix: logs.stream_prefix,
            }),
        })
        .collect()
}

/// In the order in which the load balancer tries them; what takes all other requests comes last.
fn routes(specs: &Specs, spec: &EcsService) -> Vec<Route> {
    let mut routes = Vec::new();
    for balanced in &spec.load_balancers {
        let address = balanced.target_group.address();
        let health_check = specs
            .at(&balanced.target_group)
            .map(|group: TargetGroup| group.health_check)
            .unwrap_or_default();
        let outputs: Option<TargetGroupOutputs> = specs.outputs::<TargetGroup>(address);
        let route = |host: Option<&String>, path: Option<&String>| Route {
            host: host.cloned(),
            path: path.cloned(),
            container: balanced.container_name.clone(),
            port: balanced.container_port,
            health_check: health_check.clone(),
            target_group_arn: outputs.as_ref().map(|outputs| outputs.arn.clone()),
        };
        let mut rules: Vec<ListenerRule> = specs
            .all::<ListenerRule>()
            .map(|(_, rule)| rule)
            .filter(|rule| rule.target_group.address() == address)
            .collect();
        rules.sort_by_key(|rule| rule.priority);
        for rule in &rules {
            for host in some_or_any(&rule.host_headers) {
                for path in some_or_any(&rule.path_patterns) {
                    routes.push(route(host, path));
                }
            }
        }
        let takes_the_rest = specs.all::<Listener>().any(|(_, listener)| {
            matches!(&listener.default_action, DefaultAction::Forward(group) if group.address() == address)
        });
        if takes_the_rest {
            routes.push(route(None, None));
        }
    }
    routes
}

fn some_or_any(conditions: &[String]) -> Vec<Option<&String>> {
    match conditions {
        [] => vec![None],
        some => some.iter().map(Some).collect(),
    }
}

fn discovered(
    specs: &Specs,
    service: &str,
    registry: &Ref<DiscoveryService>,
) -> Option<super::Name> {
    let spec: DiscoveryService = specs.at(registry)?;
    let space: Namespace = specs.at(&spec.namespace)?;
    let outputs = specs.outputs::<discovery_service::DiscoveryService>(registry.address());
    let space_outputs: Option<NamespaceOutputs> =
        specs.outputs::<Namespace>(spec.namespace.address());
    Some(super::Name {
        service: service.to_owned(),
        name: format!("{}.{}", spec.name, space.name),
        service_id: outputs.map(|outputs| outputs.service_id),
        zone_id: space_outputs.and_then(|outputs| outputs.hosted_zone_id),
    })
}

fn subnet_of(specs: &Specs, name: &str, spec: subnet::Subnet) -> Subnet {
    let outputs: Option<SubnetOutputs> =
        specs.outputs::<subnet::Subnet>(&Address::new(subnet::Subnet::KIND, name));
    let own = spec.lookup.is_none();
    Subnet {
        name: name.to_owned(),
        id: outputs.as_ref().map(|outputs| outputs.subnet_id.clone()),
        cidr: own.then_some(spec.cidr_block),
        zone: outputs
            .map(|outputs| outputs.availability_zone)
            .or(match spec.availability_zone {
                AvailabilityZone::Name(zone) if own => Some(zone),
                _ => None,
            }),
        // The stack file's own word for the tier, in the address.
        public: name.starts_with("public"),
    }
}
