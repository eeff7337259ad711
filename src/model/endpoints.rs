//! By which endpoints do private subnets reach AWS's services without a way to the internet?

use super::{Builder, MAIN};
use crate::kinds::security_group_rules::{PeerRule, SecurityGroupRules};
use crate::kinds::vpc_endpoint::{VpcEndpoint, Way};
use crate::resource::Ref;
use crate::stack::{Endpoint, Nat, Tier, names};

/// The group of all interface endpoints, within its kind. No service can have a name with an underscore.
const GROUP: &str = "vpc_endpoints";

/// AWS's services are spoken to by HTTPS.
const PORT: u16 = 443;

impl Builder<'_> {
    pub(super) fn endpoints(&mut self) {
        let endpoints = &self.stack.network.endpoints;
        if endpoints.iter().any(|endpoint| !endpoint.is_gateway()) {
            self.endpoint_group();
        }
        for endpoint in endpoints {
            for service in endpoint.services() {
                self.endpoint(*endpoint, service);
            }
        }
    }

    /// With private DNS the names lead to the endpoints from everywhere in the VPC, so every service is let in:
    /// one in a public subnet as well, which would else have lost its way.
    fn endpoint_group(&mut self) {
        let name = names::endpoint_security_group(self.stack);
        self.security_group(GROUP, name, "VPC endpoints", Vec::new());
        let rules = self
            .stack
            .services
            .iter()
            .map(|service| PeerRule::tcp(PORT, Ref::exists(&service.name)))
            .collect();
        self.graph.add(
            GROUP,
            SecurityGroupRules {
                group: Ref::exists(GROUP),
                rules,
            },
        );
    }

    fn endpoint(&mut self, endpoint: Endpoint, service: &str) {
        let way = match endpoint.is_gateway() {
            true => Way::Gateway {
                route_tables: self.route_tables(Tier::Private),
            },
            false => Way::Interface {
                subnets: self.subnets(Tier::Private),
                security_groups: vec![Ref::exists(GROUP)],
                security_group_rules: vec![Ref::exists(GROUP)],
            },
        };
        let tags = self.tags::<VpcEndpoint>(service, &names::endpoint(self.stack, service));
        self.graph.add(
            service,
            VpcEndpoint {
                vpc: Ref::exists(MAIN),
                service_name: format!("com.amazonaws.{}.{service}", self.region),
                way,
                tags,
            },
        );
    }

    /// The rules that let tasks into the endpoints.
    pub(super) fn endpoint_rules(&self) -> Vec<Ref<SecurityGroupRules>> {
        match self.interface_services().is_empty() {
            true => Vec::new(),
            false => vec![Ref::exists(GROUP)],
        }
    }

    /// The endpoints that tasks of the tier need to start, usable: like NAT gateways (aws-behaviour §1 row 34, §2.19).
    pub(super) fn vpc_endpoints(&self, tier: Tier) -> Vec<Ref<VpcEndpoint>> {
        let endpoints = &self.stack.network.endpoints;
        match tier {
            Tier::Public => Vec::new(),
            Tier::Private => endpoints
                .iter()
                .flat_map(|endpoint| endpoint.services())
                .map(|service| Ref::ready(*service))
                .collect(),
        }
    }

    /// What else leads out of private subnets that have no NAT gateway. A table that gives up its route waits for
    /// these; on `down` the two may go in any order.
    pub(super) fn instead_of_nat(&self) -> Vec<Ref<VpcEndpoint>> {
        match self.stack.network.nat {
            Nat::None => self
                .interface_services()
                .into_iter()
                .map(|service| Ref::exists(service).unordered_on_delete())
                .collect(),
            Nat::Single | Nat::PerZone => Vec::new(),
        }
    }

    fn interface_services(&self) -> Vec<&'static str> {
        let endpoints = self.stack.network.endpoints.iter();
        endpoints
            .filter(|endpoint| !endpoint.is_gateway())
            .flat_map(|endpoint| endpoint.services().iter().copied())
            .collect()
    }
}
