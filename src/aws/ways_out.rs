//! Do the subnets of a VPC lead out, to where images and AWS's services are? Their route tables and the VPC's endpoints say it.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, RouteState, RouteTable};

use super::{Aws, send};
use crate::resource::CallError;

/// How a subnet leads out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayOut {
    /// Through an internet gateway, which serves public addresses only (aws-behaviour §1 row 34).
    InternetGateway,
    /// Through something that has an address for those who have none: a NAT gateway, a transit gateway.
    Translated,
    /// Not to everywhere, but to some addresses outside.
    Partly,
    /// Not at all.
    Nowhere,
}

/// What a VPC has of ways out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaysOut {
    by_subnet: BTreeMap<String, WayOut>,
    /// Of subnets that no table names.
    main: Option<WayOut>,
    /// Whether an endpoint leads to ECR.
    pub has_registry_endpoint: bool,
}

impl WaysOut {
    /// How this subnet leads out.
    pub fn of(&self, subnet_id: &str) -> WayOut {
        let explicit = self.by_subnet.get(subnet_id).copied();
        explicit.or(self.main).unwrap_or(WayOut::Nowhere)
    }
}

/// The ways out of all subnets of a VPC.
pub async fn ways_out(aws: &Aws, vpc_id: &str) -> Result<WaysOut, CallError> {
    let of_vpc = Filter::builder().name("vpc-id").values(vpc_id).build();
    let tables = aws.ec2.describe_route_tables().filters(of_vpc.clone());
    let tables = tables.into_paginator().items().send();
    let endpoints = aws.ec2.describe_vpc_endpoints().filters(of_vpc);
    let endpoints = endpoints.into_paginator().items().send();
    let (tables, endpoints) = tokio::try_join!(
        send(
            "ec2:DescribeRouteTables",
            tables.collect::<Result<Vec<_>, _>>()
        ),
        send(
            "ec2:DescribeVpcEndpoints",
            endpoints.collect::<Result<Vec<_>, _>>()
        ),
    )?;
    let mut ways = read(&tables);
    ways.has_registry_endpoint = endpoints.iter().any(|endpoint| {
        endpoint
            .service_name()
            .is_some_and(|name| name.ends_with(".ecr.dkr"))
    });
    Ok(ways)
}

fn read(tables: &[RouteTable]) -> WaysOut {
    let mut ways = WaysOut::default();
    for table in tables {
        let way = way_of(table);
        for association in table.associations() {
            if let Some(subnet) = association.subnet_id() {
                ways.by_subnet.insert(subnet.to_owned(), way);
            } else if association.main() == Some(true) {
                ways.main = Some(way);
            }
        }
    }
    ways
}

fn way_of(table: &RouteTable) -> WayOut {
    let active = table.routes().iter().filter(|route| {
        route.state() == Some(&RouteState::Active) && route.gateway_id() != Some("local")
    });
    let mut best = WayOut::Nowhere;
    for route in active {
        let gateway = route.gateway_id().unwrap_or_default();
        if route.destination_cidr_block() == Some("0.0.0.0/0") {
            return match gateway.starts_with("igw-") {
                true => WayOut::InternetGateway,
                false => WayOut::Translated,
            };
        }
        // A gateway endpoint leads to one service only.
        if !gateway.starts_with("vpce-") {
            best = WayOut::Partly;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{Route, RouteTableAssociation};

    use super::*;

    fn table(subnet: Option<&str>, routes: &[(&str, &str)]) -> RouteTable {
        let routes = routes.iter().map(|(to, through)| {
            Route::builder()
                .destination_cidr_block(*to)
                .gateway_id(*through)
                .state(RouteState::Active)
                .build()
        });
        let association = RouteTableAssociation::builder()
            .set_subnet_id(subnet.map(str::to_owned))
            .main(subnet.is_none())
            .build();
        RouteTable::builder()
            .set_routes(Some(routes.collect()))
            .associations(association)
            .build()
    }

    #[test]
    fn each_subnet_follows_its_own_table_or_the_main_one() {
        let local = ("10.0.0.0/16", "local");
        let mut broken = table(Some("subnet-broken"), &[local]);
        let lost = Route::builder()
            .destination_cidr_block("0.0.0.0/0")
            .nat_gateway_id("nat-1")
            .state(RouteState::Blackhole);
        broken.routes.get_or_insert_default().push(lost.build());
        let ways = read(&[
            table(None, &[local]),
            table(Some("subnet-public"), &[local, ("0.0.0.0/0", "igw-1")]),
            table(Some("subnet-hub"), &[local, ("0.0.0.0/0", "tgw-1")]),
            table(Some("subnet-office"), &[local, ("192.168.0.0/16", "vgw-1")]),
            broken,
        ]);
        assert_eq!(ways.of("subnet-public"), WayOut::InternetGateway);
        assert_eq!(ways.of("subnet-hub"), WayOut::Translated);
        assert_eq!(ways.of("subnet-office"), WayOut::Partly);
        assert_eq!(ways.of("subnet-broken"), WayOut::Nowhere);
        assert_eq!(ways.of("subnet-other"), WayOut::Nowhere);
    }
}
