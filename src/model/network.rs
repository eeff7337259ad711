//! Which network does a stack want? VPC, subnets, gateways, route tables.

use super::{Builder, MAIN};
use crate::kinds::elastic_ip::ElasticIp;
use crate::kinds::internet_gateway::InternetGateway;
use crate::kinds::nat_gateway::NatGateway;
use crate::kinds::route_table::{Route, RouteTable, RouteTarget};
use crate::kinds::subnet::{AvailabilityZone, Subnet, SubnetLookup};
use crate::kinds::vpc::{Vpc, VpcLookup};
use crate::resource::Ref;
use crate::stack::{self, ExistingVpc, Nat, Tier, Zone, names};

const EVERYWHERE: &str = "0.0.0.0/0";

/// The name of a subnet within its kind: `public-1a`.
pub(super) fn subnet_name(subnet: &stack::Subnet) -> String {
    format!("{}-{}", subnet.tier.as_str(), subnet.zone.label())
}

/// The name of the private route table of a zone with a NAT gateway of its own: `private-1a`.
fn zonal_table_name(subnet: &stack::Subnet) -> String {
    subnet_name(subnet)
}

impl Builder<'_> {
    pub(super) fn network(&mut self) {
        let network = &self.stack.network;
        if let Some(existing) = &network.existing {
            self.existing_network(existing);
            return;
        }
        self.graph.add(
            MAIN,
            Vpc {
                cidr_block: network.cidr.to_string(),
                enable_dns_support: network.dns_support,
                enable_dns_hostnames: network.dns_hostnames,
                tags: self.tags::<Vpc>(MAIN, &names::vpc(self.stack)),
                lookup: None,
            },
        );
        for subnet in &network.subnets {
            self.subnet(subnet);
        }
        if network.has_internet_gateway() {
            let tags = self.tags::<InternetGateway>(MAIN, &names::internet_gateway(self.stack));
            self.graph.add(
                MAIN,
                InternetGateway {
                    vpc: Ref::exists(MAIN),
                    tags,
                },
            );
            self.public_route_table();
        }
        for subnet in network.nat_subnets() {
            self.nat_gateway(subnet);
        }
        self.private_route_tables();
    }

    /// Its routes and gateways are its owner's: navi makes none.
    fn existing_network(&mut self, existing: &ExistingVpc) {
        let has_load_balancer = self.stack.ingress.is_some();
        let public = existing.subnets_of(Tier::Public).map(str::to_owned);
        let lookup = VpcLookup {
            find: existing.find.clone(),
            resolves_names: self.stack.namespace.is_some(),
            load_balancer_subnets: public.filter(|_| has_load_balancer).collect(),
        };
        self.graph.add(MAIN, Vpc::looked_up(lookup));
        for (_, find) in &existing.subnets {
            let lookup = SubnetLookup {
                find: find.clone(),
                vpc: existing.find.clone(),
            };
            self.graph
                .add(find, Subnet::looked_up(Ref::exists(MAIN), lookup));
        }
    }

    fn subnet(&mut self, subnet: &stack::Subnet) {
        let name = subnet_name(subnet);
        let availability_zone = match (&subnet.zone, subnet.zone.full_name(self.region)) {
            (_, Some(zone)) => AvailabilityZone::Name(zone),
            (Zone::Ordinal(ordinal), None) => AvailabilityZone::Ordinal(*ordinal),
            // `full_name` answers for every suffix.
            (Zone::Suffix(suffix), None) => AvailabilityZone::Name(suffix.clone()),
        };
        let tags = self.tags::<Subnet>(&name, &names::subnet(self.stack, subnet));
        self.graph.add(
            name,
            Subnet {
                vpc: Ref::exists(MAIN),
                cidr_block: subnet.cidr.to_string(),
                availability_zone,
                map_public_ip_on_launch: subnet.public_ip_on_launch,
                tags,
                lookup: None,
            },
        );
    }

    fn public_route_table(&mut self) {
        let name = Tier::Public.as_str();
        let tags = self.tags::<RouteTable>(name, &names::route_table(self.stack, Tier::Public));
        self.graph.add(
            name,
            RouteTable {
                vpc: Ref::exists(MAIN),
                routes: vec![Route {
                    destination_cidr_block: EVERYWHERE.to_owned(),
                    // Attached (aws-behaviour §1 row 6); on `down` the two have no order (§3 step 4).
                    target: RouteTarget::InternetGateway(Ref::ready(MAIN).unordered_on_delete()),
                }],
                subnets: self.subnets(Tier::Public),
                vpc_endpoints: Vec::new(),
                tags,
            },
        );
    }

    /// The gateway is named after the zone it stands in.
    fn nat_gateway(&mut self, subnet: &stack::Subnet) {
        let zone = subnet.zone.label();
        let tags = self.tags::<ElasticIp>(&zone, &names::elastic_ip(self.stack, subnet));
        self.graph.add(zone.clone(), ElasticIp { tags });
        let tags = self.tags::<NatGateway>(&zone, &names::nat_gateway(self.stack, subnet));
        self.graph.add(
            zone.clone(),
            NatGateway {
                subnet: Ref::exists(subnet_name(subnet)),
                elastic_ip: Ref::exists(zone),
                // Attached, or the gateway fails minutes later (aws-behaviour §1 row 7).
                internet_gateway: Ref::ready(MAIN),
                route_tables: vec![Ref::removal_only(Tier::Public.as_str())],
                tags,
            },
        );
    }

    fn private_route_tables(&mut self) {
        let network = &self.stack.network;
        let mut private = network.subnets_of(Tier::Private).peekable();
        if private.peek().is_none() {
            return;
        }
        match network.nat {
            Nat::PerZone => {
                for subnet in private {
                    let physical = names::zonal_route_table(self.stack, subnet);
                    let zone = subnet.zone.label();
                    let reference = Ref::exists(subnet_name(subnet));
                    self.private_route_table(
                        zonal_table_name(subnet),
                        &physical,
                        Some(zone),
                        vec![reference],
                    );
                }
            }
            Nat::Single | Nat::None => {
                let physical = names::route_table(self.stack, Tier::Private);
                let zone = network
                    .nat_subnets()
                    .first()
                    .map(|subnet| subnet.zone.label());
                let subnets = self.subnets(Tier::Private);
                self.private_route_table(
                    Tier::Private.as_str().to_owned(),
                    &physical,
                    zone,
                    subnets,
                );
            }
        }
    }

    fn private_route_table(
        &mut self,
        name: String,
        physical_name: &str,
        nat_zone: Option<String>,
        subnets: Vec<Ref<Subnet>>,
    ) {
        let tags = self.tags::<RouteTable>(&name, physical_name);
        let routes = nat_zone.map(|zone| Route {
            destination_cidr_block: EVERYWHERE.to_owned(),
            // A pending gateway will do (aws-behaviour §1 row 10); on `down` the route just turns
            // into a blackhole (§2.6).
            target: RouteTarget::NatGateway(Ref::exists(zone).unordered_on_delete()),
        });
        self.graph.add(
            name,
            RouteTable {
                vpc: Ref::exists(MAIN),
                routes: routes.into_iter().collect(),
                subnets,
                vpc_endpoints: self.instead_of_nat(),
                tags,
            },
        );
    }

    /// All subnets of the tier.
    pub(super) fn subnets(&self, tier: Tier) -> Vec<Ref<Subnet>> {
        let network = &self.stack.network;
        match &network.existing {
            Some(existing) => existing.subnets_of(tier).map(Ref::exists).collect(),
            None => network
                .subnets_of(tier)
                .map(|subnet| Ref::exists(subnet_name(subnet)))
                .collect(),
        }
    }

    /// The route tables of the tier's subnets.
    pub(super) fn route_tables(&self, tier: Tier) -> Vec<Ref<RouteTable>> {
        let network = &self.stack.network;
        if network.subnets_of(tier).next().is_none() {
            return Vec::new();
        }
        match (tier, network.nat) {
            (Tier::Private, Nat::PerZone) => network
                .subnets_of(tier)
                .map(|subnet| Ref::exists(zonal_table_name(subnet)))
                .collect(),
            _ => vec![Ref::exists(tier.as_str())],
        }
    }

    /// The NAT gateways through which tasks of the tier reach the internet, usable.
    pub(super) fn nat_gateways(&self, tier: Tier) -> Vec<Ref<NatGateway>> {
        match tier {
            Tier::Public => Vec::new(),
            // A task that starts before it can pull its image is backed off by ECS for up to
            // 15 minutes (aws-behaviour §1 row 34).
            Tier::Private => self
                .stack
                .network
                .nat_subnets()
                .into_iter()
                .map(|subnet| Ref::ready(subnet.zone.label()))
                .collect(),
        }
    }
}
