//! What does EC2 hold in one region of one account, and how do its things hang together?

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::{
    elastic_ip::Address,
    internet_gateway::InternetGateway,
    nat_gateway::{NatGateway, NatState},
    network_acl::NetworkAcl,
    network_interface::NetworkInterface,
    route_table::{RouteTable, Target},
    security_group::{self, SecurityGroup},
    security_group_rule::SecurityGroupRule,
    subnet::{self, Subnet},
    vpc::{self, Vpc},
    vpc_endpoint::VpcEndpoint,
};
use crate::sandbox::{client_token::ClientTokens, fault::Fault};

/// How long EC2 remembers client tokens (aws-behaviour §2, idempotency tokens).
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Every kind by its identifier.
#[derive(Debug, Default, Serialize)]
pub struct Ec2 {
    pub vpcs: BTreeMap<String, Vpc>,
    pub subnets: BTreeMap<String, Subnet>,
    pub internet_gateways: BTreeMap<String, InternetGateway>,
    pub addresses: BTreeMap<String, Address>,
    pub nat_gateways: BTreeMap<String, NatGateway>,
    pub route_tables: BTreeMap<String, RouteTable>,
    pub security_groups: BTreeMap<String, SecurityGroup>,
    pub security_group_rules: BTreeMap<String, SecurityGroupRule>,
    pub network_interfaces: BTreeMap<String, NetworkInterface>,
    pub network_acls: BTreeMap<String, NetworkAcl>,
    pub vpc_endpoints: BTreeMap<String, VpcEndpoint>,
    #[serde(skip)]
    pub client_tokens: ClientTokens,
}

/// By which way a subnet's tasks reach the internet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Egress {
    InternetGateway,
    NatGateway { id: String, available: bool },
    Nothing,
}

impl Ec2 {
    pub fn vpc(&self, id: &str) -> Result<&Vpc, Fault> {
        self.vpcs.get(id).ok_or_else(|| vpc::not_found(id))
    }

    pub fn default_vpc(&self) -> Option<&Vpc> {
        self.vpcs.values().find(|vpc| vpc.is_default)
    }

    pub fn subnet(&self, id: &str) -> Result<&Subnet, Fault> {
        self.subnets.get(id).ok_or_else(|| subnet::not_found(id))
    }

    pub fn security_group(&self, id: &str) -> Result<&SecurityGroup, Fault> {
        self.security_groups
            .get(id)
            .ok_or_else(|| security_group::not_found(id))
    }

    /// What a load balancer or a task gets when it asks for no group.
    pub fn default_security_group(&self, vpc_id: &str) -> Option<&SecurityGroup> {
        self.security_groups
            .values()
            .find(|group| group.vpc_id == vpc_id && group.name == "default")
    }

    /// Whether an internet gateway is attached to the VPC; NAT gateways and internet-facing load balancers need one
    /// (aws-behaviour §1 rows 7 and 13).
    pub fn has_internet_gateway(&self, vpc_id: &str) -> bool {
        self.internet_gateways
            .values()
            .any(|gateway| gateway.vpc_id.as_deref() == Some(vpc_id))
    }

    /// The route table in force for a subnet: its own, else the VPC's main one.
    pub fn route_table_of(&self, subnet: &Subnet) -> Option<&RouteTable> {
        self.route_tables
            .values()
            .find(|table| table.association_of(&subnet.id).is_some())
            .or_else(|| {
                self.route_tables
                    .values()
                    .find(|table| table.vpc_id == subnet.vpc_id && table.is_main())
            })
    }

    /// Where the default route of a subnet leads. Without a way out, tasks in it can't pull images (aws-behaviour §1 row 34).
    pub fn egress(&self, subnet_id: &str) -> Egress {
        let target = self
            .subnets
            .get(subnet_id)
            .and_then(|subnet| self.route_table_of(subnet))
            .and_then(RouteTable::default_route);
        match target {
            Some(target @ Target::InternetGateway(_)) if self.leads_somewhere(target) => {
                Egress::InternetGateway
            }
            Some(Target::NatGateway(id)) => match self.nat_gateways.get(id).map(|nat| nat.state) {
                Some(NatState::Available) => Egress::NatGateway {
                    id: id.clone(),
                    available: true,
                },
                Some(NatState::Pending) => Egress::NatGateway {
                    id: id.clone(),
                    available: false,
                },
                _ => Egress::Nothing,
            },
            _ => Egress::Nothing,
        }
    }

    /// A route whose target is gone stays, as a black hole (aws-behaviour §2.4).
    pub fn leads_somewhere(&self, target: &Target) -> bool {
        match target {
            Target::Local => true,
            Target::InternetGateway(id) => self
                .internet_gateways
                .get(id)
                .is_some_and(|gateway| gateway.vpc_id.is_some()),
            Target::NatGateway(id) => self
                .nat_gateways
                .get(id)
                .is_some_and(|nat| !matches!(nat.state, NatState::Deleted | NatState::Failed)),
            Target::NetworkInterface(id) => self.network_interfaces.contains_key(id),
        }
    }

    pub fn interfaces_in_subnet(&self, subnet_id: &str) -> usize {
        self.network_interfaces
            .values()
            .filter(|interface| interface.subnet_id == subnet_id)
            .count()
    }

    pub fn is_public_address_taken(&self, address: &str) -> bool {
        self.addresses
            .values()
            .any(|elastic| elastic.public_ip == address)
            || self
                .network_interfaces
                .values()
                .filter_map(|interface| interface.association.as_ref())
                .any(|association| association.public_ip == address)
    }
}
