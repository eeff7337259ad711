//! What is each AWS object of a stack called?
//!
//! Pure functions from the stack to physical names, so that the stack file's check of lengths and alphabets and the
//! resource graph cannot come to differ. A name the user gives in the file goes before the derived one.

use super::resolved::{Service, Stack, Subnet, Tier};

fn derived(given: Option<&String>, stack: &Stack, suffix: &str) -> String {
    given
        .cloned()
        .unwrap_or_else(|| format!("{}-{suffix}", stack.name))
}

pub fn vpc(stack: &Stack) -> String {
    derived(stack.names.vpc.as_ref(), stack, "vpc")
}

pub fn subnet(stack: &Stack, subnet: &Subnet) -> String {
    format!(
        "{}-subnet-{}-{}",
        stack.name,
        subnet.tier.as_str(),
        subnet.zone.label()
    )
}

pub fn internet_gateway(stack: &Stack) -> String {
    format!("{}-internet-gateway", stack.name)
}

/// Named after the zone of the public subnet it stands in.
pub fn nat_gateway(stack: &Stack, subnet: &Subnet) -> String {
    format!("{}-nat-gateway-{}", stack.name, subnet.zone.label())
}

pub fn elastic_ip(stack: &Stack, subnet: &Subnet) -> String {
    format!("{}-elastic-ip-{}", stack.name, subnet.zone.label())
}

/// The one route table of all public subnets, or of all private ones that share a NAT gateway.
pub fn route_table(stack: &Stack, tier: Tier) -> String {
    format!("{}-route-table-{}", stack.name, tier.as_str())
}

/// The route table of one private subnet that has a NAT gateway of its own.
pub fn zonal_route_table(stack: &Stack, subnet: &Subnet) -> String {
    format!(
        "{}-route-table-{}-{}",
        stack.name,
        subnet.tier.as_str(),
        subnet.zone.label()
    )
}

pub fn load_balancer(stack: &Stack) -> String {
    derived(stack.names.load_balancer.as_ref(), stack, "lb")
}

pub fn load_balancer_security_group(stack: &Stack) -> String {
    derived(
        stack.names.load_balancer_security_group.as_ref(),
        stack,
        "sg",
    )
}

/// Of the VPC endpoints that are interfaces.
pub fn endpoint_security_group(stack: &Stack) -> String {
    derived(
        stack.names.endpoint_security_group.as_ref(),
        stack,
        "vpc-endpoints-sg",
    )
}

/// Named after AWS's service.
pub fn endpoint(stack: &Stack, service: &str) -> String {
    format!("{}-endpoint-{}", stack.name, service.replace('.', "-"))
}

pub fn cluster(stack: &Stack) -> String {
    derived(stack.names.cluster.as_ref(), stack, "cluster")
}

pub fn role(stack: &Stack) -> String {
    derived(stack.names.role.as_ref(), stack, "ecs-task-execution-role")
}

pub fn policy(stack: &Stack) -> String {
    derived(
        stack.names.policy.as_ref(),
        stack,
        "ecs-task-execution-policy",
    )
}

pub fn service(stack: &Stack, service: &Service) -> String {
    derived(
        service.names.service.as_ref(),
        stack,
        &format!("{}-service", service.name),
    )
}

pub fn task_family(stack: &Stack, service: &Service) -> String {
    derived(
        service.names.family.as_ref(),
        stack,
        &format!("{}-task", service.name),
    )
}

pub fn target_group(stack: &Stack, service: &Service) -> String {
    derived(
        service.names.target_group.as_ref(),
        stack,
        &format!("{}-tg", service.name),
    )
}

pub fn security_group(stack: &Stack, service: &Service) -> String {
    derived(
        service.names.security_group.as_ref(),
        stack,
        &format!("{}-sg", service.name),
    )
}

/// One policy for each metric, `cpu`.
pub fn scaling_policy(stack: &Stack, service: &Service, metric: &str) -> String {
    format!("{}-{}-{metric}", stack.name, service.name)
}

/// The group of a container that names none: one per service.
pub fn default_log_group(stack_name: &str, service_name: &str) -> String {
    format!("/ecs/{stack_name}/{service_name}")
}
