//! Who holds a subnet, a security group, a VPC? Its network interfaces (aws-behaviour §3, last lines).

use aws_sdk_ec2::types::{Filter, NetworkInterface};

use super::{Aws, send};
use crate::resource::Holder;

/// Which interfaces to look at.
#[derive(Clone, Copy, Debug)]
pub enum InterfaceFilter<'a> {
    /// Those in this VPC.
    Vpc(&'a str),
    /// Those in this VPC that have a public address.
    PublicInVpc(&'a str),
    /// Those in this subnet.
    Subnet(&'a str),
    /// Those that use this security group.
    SecurityGroup(&'a str),
    /// The one that has this elastic IP, by its allocation ID.
    ElasticIp(&'a str),
}

/// The interfaces that match, as holders. Empty when AWS can't be asked: the list is an explanation,
/// and lacking it must not fail a `down`.
pub async fn holders_among_interfaces(aws: &Aws, filter: InterfaceFilter<'_>) -> Vec<Holder> {
    let (name, value) = match filter {
        InterfaceFilter::Vpc(id) | InterfaceFilter::PublicInVpc(id) => ("vpc-id", id),
        InterfaceFilter::Subnet(id) => ("subnet-id", id),
        InterfaceFilter::SecurityGroup(id) => ("group-id", id),
        InterfaceFilter::ElasticIp(id) => ("association.allocation-id", id),
    };
    let answer = send(
        "ec2:DescribeNetworkInterfaces",
        aws.ec2
            .describe_network_interfaces()
            .filters(Filter::builder().name(name).values(value).build())
            .send(),
    )
    .await;
    match answer {
        Ok(answer) => answer
            .network_interfaces
            .unwrap_or_default()
            .into_iter()
            .filter(|interface| {
                interface.association.is_some()
                    || !matches!(filter, InterfaceFilter::PublicInVpc(_))
            })
            .map(holder)
            .collect(),
        Err(_) => Vec::new(),
    }
}

fn holder(interface: NetworkInterface) -> Holder {
    let description = interface.description.unwrap_or_default();
    // The description is all that says for whom AWS made an interface: `ELB app/name/id`,
    // `Interface for NAT Gateway nat-…`, `arn:aws:ecs:…:attachment/…` for a task.
    let what = if let Some(load_balancer) = description.strip_prefix("ELB app/") {
        let name = load_balancer.split('/').next().unwrap_or(load_balancer);
        format!("network interface of load balancer {name}")
    } else if let Some(gateway) = description.strip_prefix("Interface for NAT Gateway ") {
        format!("network interface of NAT gateway {gateway}")
    } else if let Some(endpoint) = description.strip_prefix("VPC Endpoint Interface ") {
        format!("network interface of VPC endpoint {endpoint}")
    } else if description.starts_with("arn:aws:ecs:") {
        "network interface of an ECS task".to_owned()
    } else if description.is_empty() {
        "network interface".to_owned()
    } else {
        format!("network interface \"{description}\"")
    };
    Holder {
        id: interface.network_interface_id.unwrap_or_default(),
        what,
    }
}
