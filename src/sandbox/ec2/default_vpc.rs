//! What is in a region before anybody made anything? AWS's default VPC: a stranger to whoever calls, to be left alone.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{
    internet_gateway,
    route_table::{Route, Target},
    subnet, vpc, zones,
};
use crate::sandbox::{tags::Tags, world::Context};

/// The same in every region.
const BLOCK: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(172, 31, 0, 0), 16);

/// VPC, a public subnet in each zone, internet gateway, and the default route to it in the main route table.
pub fn create(context: &mut Context<'_>) {
    let vpc_id = vpc::establish(context, BLOCK);
    for (zone, cidr) in zones::of(context.region_name)
        .iter()
        .zip(BLOCK.subnets(20).into_iter().flatten())
    {
        let mut subnet = subnet::establish(context, &vpc_id, cidr, zone);
        subnet.is_default = true;
        subnet.map_public_ip_on_launch = true;
        context.region.ec2.subnets.insert(subnet.id.clone(), subnet);
    }
    let mut gateway = internet_gateway::establish(context, Tags::default());
    gateway.vpc_id = Some(vpc_id.clone());
    let ec2 = &mut context.region.ec2;
    for table in ec2.route_tables.values_mut() {
        table.routes.push(Route {
            destination: Ipv4Net::default(),
            target: Target::InternetGateway(gateway.id.clone()),
        });
    }
    ec2.internet_gateways.insert(gateway.id.clone(), gateway);
    if let Some(vpc) = ec2.vpcs.get_mut(&vpc_id) {
        vpc.is_default = true;
        vpc.enable_dns_hostnames = true;
    }
}
