//! Can what stands in a subnet reach one of AWS's services? By an endpoint of its VPC, else by the way out.

use super::{
    network_interface::NetworkInterface,
    security_group_rule::Peer,
    state::{Ec2, Egress},
    vpc_endpoint::{EndpointKind, EndpointState, VpcEndpoint},
};

/// AWS's services are spoken to by HTTPS.
const PORT: i64 = 443;

impl Ec2 {
    /// By the subnet's default route; through an internet gateway only with a public address (aws-behaviour §1 row 34).
    pub fn reaches_internet(&self, interface: &NetworkInterface) -> bool {
        match self.egress(&interface.subnet_id) {
            Egress::InternetGateway => interface.association.is_some(),
            Egress::NatGateway { available, .. } => available,
            Egress::Nothing => false,
        }
    }

    /// With private DNS the service's name leads to the endpoint, and to nothing else: a group that lets nobody in is then a dead end,
    /// whatever other way there is (aws-behaviour §2.19).
    pub fn reaches_service(&self, interface: &NetworkInterface, service: &str) -> bool {
        let endpoints = || {
            self.vpc_endpoints.values().filter(|endpoint| {
                endpoint.service == service
                    && endpoint.vpc_id == interface.vpc_id
                    && endpoint.state == EndpointState::Available
            })
        };
        if let Some(named) = endpoints().find(|endpoint| self.has_names(endpoint)) {
            return named
                .interfaces
                .values()
                .filter_map(|id| self.network_interfaces.get(id))
                .any(|other| self.lets_through(interface, other, PORT));
        }
        let table = self
            .subnets
            .get(&interface.subnet_id)
            .and_then(|subnet| self.route_table_of(subnet));
        let routed = endpoints().find(|endpoint| {
            endpoint.kind == EndpointKind::Gateway
                && table.is_some_and(|table| endpoint.route_tables.contains(&table.id))
        });
        match routed {
            Some(endpoint) => self.lets_out_to_list(interface, &endpoint.prefix_list_id()),
            None => self.reaches_internet(interface),
        }
    }

    fn has_names(&self, endpoint: &VpcEndpoint) -> bool {
        let vpc = self.vpcs.get(&endpoint.vpc_id);
        endpoint.has_private_dns
            && vpc.is_some_and(|vpc| vpc.enable_dns_support && vpc.enable_dns_hostnames)
    }

    /// The addresses of a service are public ones; a rule may name them by their list.
    fn lets_out_to_list(&self, interface: &NetworkInterface, list: &str) -> bool {
        self.security_group_rules
            .values()
            .filter(|rule| rule.is_egress && interface.security_groups.contains(&rule.group_id))
            .any(|rule| {
                rule.covers(PORT)
                    && match &rule.peer {
                        Peer::PrefixList(id) => id == list,
                        Peer::Ipv4(block) => block == "0.0.0.0/0",
                        _ => false,
                    }
            })
    }
}
