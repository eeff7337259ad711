//! Which way has a task to one of AWS's services? An endpoint of its VPC, else what its subnet's default route leads to.

use std::net::IpAddr;

use aws_sdk_ec2::types::{
    Filter, IpPermission, NetworkInterface, Route, RouteState, SecurityGroup, VpcEndpoint,
};
use ipnet::IpNet;

use super::{Aws, send};
use crate::resource::CallError;

/// AWS's services are spoken to by HTTPS.
const PORT: i32 = 443;

/// A way, or that there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WayToService {
    /// A VPC endpoint.
    Endpoint(String),
    /// A VPC endpoint has the service's name, and its security groups don't let the task in: the name leads to it all
    /// the same, whatever other way there is (aws-behaviour §2.19).
    ShutEndpoint(String),
    /// A NAT gateway.
    NatGateway(String),
    /// The internet gateway, from this public address.
    PublicAddress(String),
    /// The internet gateway, but the task has no public address.
    NoPublicAddress,
    /// Something that leads on to where only its owner knows: a transit gateway, an instance.
    Elsewhere(String),
    /// The default route leads to something that is gone.
    BlackHole(String),
    /// The subnet has no default route.
    NoRoute,
}

/// What of a task's network decides.
struct Surroundings {
    interface: NetworkInterface,
    endpoints: Vec<VpcEndpoint>,
    groups: Vec<SecurityGroup>,
    routes: Vec<Route>,
}

/// The way from a network interface to a service, which is called as in the name of its endpoint: `ssmmessages`.
pub async fn way_to_service(
    aws: &Aws,
    interface_id: &str,
    service: &str,
) -> Result<WayToService, CallError> {
    let call = aws.ec2.describe_network_interfaces();
    let call = call.network_interface_ids(interface_id);
    let answer = send("ec2:DescribeNetworkInterfaces", call.send()).await?;
    let interface = answer.network_interfaces.unwrap_or_default().pop();
    let interface = interface.unwrap_or_else(|| NetworkInterface::builder().build());
    let (vpc, subnet) = (
        interface.vpc_id.clone().unwrap_or_default(),
        interface.subnet_id.clone().unwrap_or_default(),
    );
    let ((endpoints, groups), routes) = futures::try_join!(
        endpoints_for(aws, &vpc, service),
        routes_of(aws, &vpc, &subnet)
    )?;
    Ok(Surroundings {
        interface,
        endpoints,
        groups,
        routes,
    }
    .way())
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// The endpoints with their security groups.
async fn endpoints_for(
    aws: &Aws,
    vpc: &str,
    service: &str,
) -> Result<(Vec<VpcEndpoint>, Vec<SecurityGroup>), CallError> {
    let name = format!("com.amazonaws.{}.{service}", aws.region);
    let call = aws
        .ec2
        .describe_vpc_endpoints()
        .filters(filter("vpc-id", vpc))
        .filters(filter("service-name", &name));
    let answer = send("ec2:DescribeVpcEndpoints", call.send()).await?;
    let endpoints = answer.vpc_endpoints.unwrap_or_default();
    let ids: Vec<String> = endpoints
        .iter()
        .flat_map(VpcEndpoint::groups)
        .filter_map(|group| group.group_id.clone())
        .collect();
    if ids.is_empty() {
        return Ok((endpoints, Vec::new()));
    }
    let call = aws.ec2.describe_security_groups().set_group_ids(Some(ids));
    let answer = send("ec2:DescribeSecurityGroups", call.send()).await?;
    Ok((endpoints, answer.security_groups.unwrap_or_default()))
}

/// A subnet without a table of its own follows the VPC's main one.
async fn routes_of(aws: &Aws, vpc: &str, subnet: &str) -> Result<Vec<Route>, CallError> {
    let own = vec![filter("association.subnet-id", subnet)];
    let main = vec![filter("vpc-id", vpc), filter("association.main", "true")];
    for filters in [own, main] {
        let call = aws.ec2.describe_route_tables().set_filters(Some(filters));
        let answer = send("ec2:DescribeRouteTables", call.send()).await?;
        if let Some(table) = answer.route_tables.unwrap_or_default().pop() {
            return Ok(table.routes.unwrap_or_default());
        }
    }
    Ok(Vec::new())
}

impl Surroundings {
    fn way(&self) -> WayToService {
        let is_available = |endpoint: &&VpcEndpoint| {
            // EC2 writes it in small letters, other than its model.
            let state = endpoint.state.as_ref();
            state.is_some_and(|state| state.as_str().eq_ignore_ascii_case("available"))
                && endpoint.private_dns_enabled == Some(true)
        };
        if let Some(endpoint) = self.endpoints.iter().find(is_available) {
            let id = endpoint.vpc_endpoint_id.clone().unwrap_or_default();
            return match self.lets_in(endpoint) {
                true => WayToService::Endpoint(id),
                false => WayToService::ShutEndpoint(id),
            };
        }
        let default = self
            .routes
            .iter()
            .find(|route| route.destination_cidr_block() == Some("0.0.0.0/0"));
        match default {
            Some(route) => self.way_by(route),
            None => WayToService::NoRoute,
        }
    }

    fn way_by(&self, route: &Route) -> WayToService {
        let others = [
            route.transit_gateway_id(),
            route.vpc_peering_connection_id(),
            route.instance_id(),
            route.network_interface_id(),
            route.carrier_gateway_id(),
            route.local_gateway_id(),
        ];
        let gateways = [route.nat_gateway_id(), route.gateway_id()];
        let mut targets = gateways.into_iter().chain(others).flatten();
        let target = targets.next().unwrap_or_default().to_owned();
        if route.state == Some(RouteState::Blackhole) {
            return WayToService::BlackHole(target);
        }
        if route.nat_gateway_id.is_some() {
            return WayToService::NatGateway(target);
        }
        if !target.starts_with("igw-") {
            return WayToService::Elsewhere(target);
        }
        let association = self.interface.association.as_ref();
        match association.and_then(|association| association.public_ip.clone()) {
            Some(address) => WayToService::PublicAddress(address),
            None => WayToService::NoPublicAddress,
        }
    }

    fn lets_in(&self, endpoint: &VpcEndpoint) -> bool {
        let has = |id: Option<&str>| {
            let mut groups = endpoint.groups().iter();
            groups.any(|group| group.group_id() == id)
        };
        let groups = self.groups.iter().filter(|group| has(group.group_id()));
        let mut permissions = groups.flat_map(SecurityGroup::ip_permissions);
        permissions.any(|permission| covers(permission) && self.is_among(permission))
    }

    fn is_among(&self, permission: &IpPermission) -> bool {
        let own = |id: Option<&str>| {
            let mut groups = self.interface.groups().iter();
            groups.any(|group| group.group_id() == id)
        };
        let address = self.interface.private_ip_address();
        let address: Option<IpAddr> = address.and_then(|address| address.parse().ok());
        let within = |block: Option<&str>| {
            let block: Option<IpNet> = block.and_then(|block| block.parse().ok());
            block.is_some_and(|block| address.is_some_and(|address| block.contains(&address)))
        };
        // What a prefix list holds is not looked at: it lets in what its owner meant it to.
        !permission.prefix_list_ids().is_empty()
            || permission
                .user_id_group_pairs()
                .iter()
                .any(|pair| own(pair.group_id()))
            || permission
                .ip_ranges()
                .iter()
                .any(|range| within(range.cidr_ip()))
    }
}

fn covers(permission: &IpPermission) -> bool {
    match permission.ip_protocol() {
        Some("-1") => true,
        Some("tcp" | "6") => {
            permission.from_port.is_none_or(|first| first <= PORT)
                && permission.to_port.is_none_or(|last| last >= PORT)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{
        GroupIdentifier, IpRange, NetworkInterfaceAssociation, SecurityGroupIdentifier, State,
    };

    use super::*;

    fn task(public: Option<&str>) -> NetworkInterface {
        let association = public.map(|address| {
            NetworkInterfaceAssociation::builder()
                .public_ip(address)
                .build()
        });
        NetworkInterface::builder()
            .private_ip_address("10.0.10.7")
            .groups(GroupIdentifier::builder().group_id("sg-task").build())
            .set_association(association)
            .build()
    }

    fn route(to: impl FnOnce(aws_sdk_ec2::types::builders::RouteBuilder) -> Route) -> Vec<Route> {
        vec![
            Route::builder()
                .destination_cidr_block("10.0.0.0/16")
                .gateway_id("local")
                .build(),
            to(Route::builder().destination_cidr_block("0.0.0.0/0")),
        ]
    }

    fn way(public: Option<&str>, routes: Vec<Route>) -> WayToService {
        Surroundings {
            interface: task(public),
            endpoints: Vec::new(),
            groups: Vec::new(),
            routes,
        }
        .way()
    }

    #[test]
    fn a_default_route_is_a_way_if_what_it_leads_to_can_be_used() {
        let nat = || route(|route| route.nat_gateway_id("nat-1").build());
        assert_eq!(
            way(None, nat()),
            WayToService::NatGateway("nat-1".to_owned())
        );
        let internet = || route(|route| route.gateway_id("igw-1").build());
        assert_eq!(way(None, internet()), WayToService::NoPublicAddress);
        assert_eq!(
            way(Some("203.0.113.9"), internet()),
            WayToService::PublicAddress("203.0.113.9".to_owned())
        );
        let hole = route(|route| {
            let route = route.nat_gateway_id("nat-1");
            route.state(RouteState::Blackhole).build()
        });
        assert_eq!(way(None, hole), WayToService::BlackHole("nat-1".to_owned()));
        let transit = route(|route| route.transit_gateway_id("tgw-1").build());
        assert_eq!(
            way(None, transit),
            WayToService::Elsewhere("tgw-1".to_owned())
        );
        assert_eq!(way(None, Vec::new()), WayToService::NoRoute);
    }

    #[test]
    fn an_endpoint_goes_before_every_route_and_its_groups_decide() {
        let endpoint = |dns: bool| {
            VpcEndpoint::builder()
                .vpc_endpoint_id("vpce-1")
                .state(State::from("available"))
                .private_dns_enabled(dns)
                .groups(
                    SecurityGroupIdentifier::builder()
                        .group_id("sg-end")
                        .build(),
                )
                .build()
        };
        let group = |block: &str, port: i32| {
            let permission = IpPermission::builder()
                .ip_protocol("tcp")
                .from_port(port)
                .to_port(port)
                .ip_ranges(IpRange::builder().cidr_ip(block).build())
                .build();
            SecurityGroup::builder()
                .group_id("sg-end")
                .ip_permissions(permission)
                .build()
        };
        let way = |dns: bool, group: SecurityGroup| {
            Surroundings {
                interface: task(None),
                endpoints: vec![endpoint(dns)],
                groups: vec![group],
                routes: route(|route| route.nat_gateway_id("nat-1").build()),
            }
            .way()
        };
        let id = || "vpce-1".to_owned();
        let nat = WayToService::NatGateway("nat-1".to_owned());
        assert_eq!(
            way(true, group("10.0.0.0/16", 443)),
            WayToService::Endpoint(id())
        );
        assert_eq!(
            way(true, group("10.0.0.0/16", 80)),
            WayToService::ShutEndpoint(id())
        );
        assert_eq!(
            way(true, group("10.9.0.0/16", 443)),
            WayToService::ShutEndpoint(id())
        );
        assert_eq!(way(false, group("10.0.0.0/16", 443)), nat);
    }
}
