//! Where does a load balancer stand? With one interface in one subnet of each of its zones.

use serde::Serialize;
use serde_json::{Value, json};

use super::{load_balancer::LoadBalancer, request::invalid};
use crate::sandbox::{
    call::Call,
    ec2::{
        Ec2,
        network_interface::{self, NewInterface, PublicAddress},
    },
    fault::Fault,
    pace::Doing,
    world::Context,
};

/// Free addresses that the service wants in a subnet (aws-behaviour §1 row 14).
const FEWEST_FREE: usize = 8;
const SMALLEST_SUBNET: u8 = 27;

#[derive(Clone, Debug, Serialize)]
pub struct Placement {
    pub zone: String,
    pub subnet_id: String,
    pub interface_id: String,
}

/// Two zones at least, one subnet in each, all of one VPC, which comes back.
pub fn check_subnets(ec2: &Ec2, ids: &[&str]) -> Result<String, Fault> {
    let mut zones: Vec<&str> = Vec::new();
    let mut vpc: Option<&str> = None;
    for id in ids {
        let subnet = ec2.subnet(id).map_err(|_| {
            Fault::new(
                "SubnetNotFound",
                format!("The subnet ID '{id}' is not valid"),
            )
        })?;
        if vpc.is_some_and(|vpc| vpc != subnet.vpc_id) {
            return Err(Fault::new(
                "InvalidConfigurationRequest",
                "All subnets must belong to the same VPC",
            ));
        }
        if zones.contains(&subnet.zone.as_str()) {
            return Err(Fault::new(
                "InvalidConfigurationRequest",
                "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
            ));
        }
        let size = 1_usize << (32 - subnet.cidr.prefix_len().min(32));
        let free = size.saturating_sub(5 + ec2.interfaces_in_subnet(id));
        if subnet.cidr.prefix_len() > SMALLEST_SUBNET || free < FEWEST_FREE {
            return Err(Fault::new(
                "InvalidSubnet",
                format!(
                    "Not enough IP space available in {id}. ELB requires at least {FEWEST_FREE} free IP addresses in each subnet."
                ),
            ));
        }
        zones.push(&subnet.zone);
        vpc = Some(&subnet.vpc_id);
    }
    match vpc {
        Some(vpc) if zones.len() >= 2 => Ok(vpc.to_owned()),
        _ => Err(invalid(
            "At least two subnets in two different Availability Zones must be specified",
        )),
    }
}

/// The groups asked for, or the VPC's default one.
pub fn groups_or_default(ec2: &Ec2, vpc_id: &str, asked: &[&str]) -> Result<Vec<String>, Fault> {
    if asked.is_empty() {
        let default = ec2.default_security_group(vpc_id);
        return Ok(default.map(|group| group.id.clone()).into_iter().collect());
    }
    asked
        .iter()
        .map(|id| check_group(ec2, vpc_id, id))
        .collect()
}

fn check_group(ec2: &Ec2, vpc_id: &str, id: &str) -> Result<String, Fault> {
    let group = ec2.security_group(id).map_err(|_| {
        Fault::new(
            "InvalidSecurityGroup",
            format!("The security group '{id}' does not exist"),
        )
    })?;
    if group.vpc_id != vpc_id {
        return Err(Fault::new(
            "InvalidConfigurationRequest",
            format!("Security group '{id}' does not belong to VPC '{vpc_id}'"),
        ));
    }
    Ok(id.to_owned())
}

/// Puts an interface for the load balancer into a subnet.
pub fn place(
    context: &mut Context<'_>,
    load_balancer: &LoadBalancer,
    subnet_id: &str,
) -> Result<Placement, Fault> {
    let public_address = if load_balancer.is_internet_facing() {
        PublicAddress::Lent
    } else {
        PublicAddress::None
    };
    let interface = network_interface::create(
        context,
        NewInterface {
            subnet_id,
            security_groups: load_balancer.security_groups.clone(),
            description: format!("ELB {}", load_balancer.path()),
            interface_type: "interface",
            requester: "amazon-elb",
            attachment_owner: "amazon-elb",
            public_address,
        },
    )?;
    Ok(Placement {
        zone: interface.zone,
        subnet_id: subnet_id.to_owned(),
        interface_id: interface.id,
    })
}

/// The interfaces stay for a while, and hold subnets, groups and the internet gateway (aws-behaviour §2.13).
pub fn release(context: &mut Context<'_>, placements: Vec<Placement>) {
    context.schedule(Doing::LoadBalancerInterfacesGo, move |context| {
        for placement in placements {
            network_interface::delete(context, &placement.interface_id);
        }
    });
}

pub fn set_subnets(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = parameters.required_string("LoadBalancerArn")?;
    let mut subnets = parameters.strings("Subnets");
    let mappings = parameters.list("SubnetMappings");
    for mapping in &mappings {
        subnets.push(mapping.required_string("SubnetId")?);
    }
    let vpc_id = check_subnets(&context.region.ec2, &subnets)?;
    let mut load_balancer = context
        .region
        .elb
        .load_balancers
        .remove(arn)
        .ok_or_else(super::load_balancer::not_found)?;
    let result = move_to(context, &mut load_balancer, &vpc_id, &subnets);
    let zones: Value = load_balancer
        .placements
        .iter()
        .map(|placement| json!({"ZoneName": placement.zone, "SubnetId": placement.subnet_id}))
        .collect();
    let ip_address_type = load_balancer.ip_address_type.clone();
    context
        .region
        .elb
        .load_balancers
        .insert(arn.to_owned(), load_balancer);
    result?;
    Ok(json!({"AvailabilityZones": zones, "IpAddressType": ip_address_type}))
}

fn move_to(
    context: &mut Context<'_>,
    load_balancer: &mut LoadBalancer,
    vpc_id: &str,
    subnets: &[&str],
) -> Result<(), Fault> {
    if vpc_id != load_balancer.vpc_id {
        return Err(Fault::new(
            "InvalidConfigurationRequest",
            format!(
                "All subnets must belong to the VPC '{}'",
                load_balancer.vpc_id
            ),
        ));
    }
    for subnet in subnets {
        let is_there = load_balancer
            .placements
            .iter()
            .any(|placement| placement.subnet_id == *subnet);
        if !is_there {
            let placement = place(context, load_balancer, subnet)?;
            load_balancer.placements.push(placement);
        }
    }
    let (kept, left) = std::mem::take(&mut load_balancer.placements)
        .into_iter()
        .partition(|placement: &Placement| subnets.contains(&placement.subnet_id.as_str()));
    load_balancer.placements = kept;
    release(context, left);
    Ok(())
}

pub fn set_security_groups(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = parameters.required_string("LoadBalancerArn")?;
    let region = &mut *context.region;
    let load_balancer = region.elb.load_balancer_mut(arn)?;
    let asked = parameters.strings("SecurityGroups");
    if asked.is_empty() {
        return Err(invalid("At least one security group must be specified"));
    }
    let groups = groups_or_default(&region.ec2, &load_balancer.vpc_id, &asked)?;
    for placement in &load_balancer.placements {
        if let Some(interface) = region
            .ec2
            .network_interfaces
            .get_mut(&placement.interface_id)
        {
            interface.security_groups.clone_from(&groups);
        }
    }
    load_balancer.security_groups = groups;
    Ok(json!({"SecurityGroupIds": load_balancer.security_groups}))
}
