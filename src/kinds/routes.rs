//! How does AWS write the routes of a route table, and how is a single one set? Used by `route_table`.

use aws_sdk_ec2::types::{Route, RouteOrigin, RouteState};

use crate::aws::{Aws, Settle, send, settle};
use crate::resource::{CallError, ErrorClass};

/// Destination and target of a route that is the stack's business; `None` for one that is not.
///
/// The target is an ID. That of a route which leads nowhere, because its target is gone, differs from
/// every wanted one (aws-behaviour §2.4, `blackhole`).
pub fn destination_and_target(route: &Route) -> Option<(String, String)> {
    if !is_set_by_hand(route) {
        return None;
    }
    let destination = first([
        &route.destination_cidr_block,
        &route.destination_ipv6_cidr_block,
        &route.destination_prefix_list_id,
    ])?;
    let target = first([
        &route.gateway_id,
        &route.nat_gateway_id,
        &route.transit_gateway_id,
        &route.vpc_peering_connection_id,
        &route.network_interface_id,
        &route.instance_id,
        &route.egress_only_internet_gateway_id,
        &route.carrier_gateway_id,
        &route.local_gateway_id,
        &route.core_network_arn,
    ])
    .unwrap_or("(nothing)");
    let target = match route.state == Some(RouteState::Blackhole) {
        true => format!("{target} (blackhole)"),
        false => target.to_owned(),
    };
    Some((destination.to_owned(), target))
}

/// Not the stack's business: the local route, routes that a gateway or a route server propagates, and
/// those of VPC endpoints and VPC Lattice (aws-behaviour §2.4 "read / drift").
fn is_set_by_hand(route: &Route) -> bool {
    let by_hand = match &route.origin {
        Some(origin) => *origin == RouteOrigin::CreateRoute,
        None => true,
    };
    let gateway_id = route.gateway_id.as_deref().unwrap_or_default();
    by_hand
        && gateway_id != "local"
        && gateway_id != "VpcLattice"
        && !gateway_id.starts_with("vpce-")
}

fn first<const N: usize>(members: [&Option<String>; N]) -> Option<&str> {
    members.into_iter().find_map(|member| member.as_deref())
}

/// Adds a route, or turns the one that is there already. A gateway made a moment ago may not be known
/// everywhere yet (aws-behaviour §2.4 "retry").
pub async fn create_route(
    aws: &Aws,
    route_table_id: &str,
    destination: &str,
    target: &str,
) -> Result<(), CallError> {
    let (gateway_id, nat_gateway_id) = target_members(target);
    let answer = settle("ec2:CreateRoute", Settle::Fresh, || {
        aws.ec2
            .create_route()
            .route_table_id(route_table_id)
            .destination_cidr_block(destination)
            .set_gateway_id(gateway_id.clone())
            .set_nat_gateway_id(nat_gateway_id.clone())
            .send()
    })
    .await;
    match answer {
        // Also the answer to a second sending after a lost first answer.
        Err(error) if error.class == ErrorClass::AlreadyExists => {
            replace_route(aws, route_table_id, destination, target).await
        }
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

/// Turns a route to another target.
pub async fn replace_route(
    aws: &Aws,
    route_table_id: &str,
    destination: &str,
    target: &str,
) -> Result<(), CallError> {
    let (gateway_id, nat_gateway_id) = target_members(target);
    settle("ec2:ReplaceRoute", Settle::Fresh, || {
        aws.ec2
            .replace_route()
            .route_table_id(route_table_id)
            .destination_cidr_block(destination)
            .set_gateway_id(gateway_id.clone())
            .set_nat_gateway_id(nat_gateway_id.clone())
            .send()
    })
    .await
    .map(|_| ())
}

/// Takes a route away. The stack itself wants IPv4 routes only; others come from somebody else.
pub async fn delete_route(
    aws: &Aws,
    route_table_id: &str,
    destination: &str,
) -> Result<(), CallError> {
    let call = aws.ec2.delete_route().route_table_id(route_table_id);
    let call = match destination {
        list if list.starts_with("pl-") => call.destination_prefix_list_id(list),
        block if block.contains(':') => call.destination_ipv6_cidr_block(block),
        block => call.destination_cidr_block(block),
    };
    match send("ec2:DeleteRoute", call.send()).await {
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

/// The members of a request that name this target: `GatewayId` and `NatGatewayId`.
fn target_members(target: &str) -> (Option<String>, Option<String>) {
    match target.starts_with("nat-") {
        true => (None, Some(target.to_owned())),
        false => (Some(target.to_owned()), None),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::builders::RouteBuilder;

    use super::*;

    fn route(destination: &str, origin: RouteOrigin) -> RouteBuilder {
        Route::builder()
            .destination_cidr_block(destination)
            .origin(origin)
            .state(RouteState::Active)
    }

    #[test]
    fn routes_that_nobody_set_by_hand_do_not_count() {
        let routes = [
            route("10.0.0.0/16", RouteOrigin::CreateRouteTable).gateway_id("local"),
            route("192.168.0.0/16", RouteOrigin::EnableVgwRoutePropagation).gateway_id("vgw-1"),
            route("192.168.1.0/24", RouteOrigin::Advertisement).network_interface_id("eni-1"),
            Route::builder()
                .destination_prefix_list_id("pl-1")
                .origin(RouteOrigin::CreateRoute)
                .gateway_id("vpce-1"),
            Route::builder()
                .destination_prefix_list_id("pl-2")
                .origin(RouteOrigin::CreateRoute)
                .gateway_id("VpcLattice"),
        ];
        for route in routes {
            let route = route.build();
            assert_eq!(destination_and_target(&route), None, "{route:?}");
        }
    }

    #[test]
    fn routes_set_by_hand_do_count() {
        let cases = [
            (
                route("0.0.0.0/0", RouteOrigin::CreateRoute).nat_gateway_id("nat-1"),
                ("0.0.0.0/0", "nat-1"),
            ),
            (
                route("0.0.0.0/0", RouteOrigin::CreateRoute)
                    .nat_gateway_id("nat-1")
                    .state(RouteState::Blackhole),
                ("0.0.0.0/0", "nat-1 (blackhole)"),
            ),
            (
                route("10.9.0.0/16", RouteOrigin::CreateRoute).vpc_peering_connection_id("pcx-1"),
                ("10.9.0.0/16", "pcx-1"),
            ),
            (
                Route::builder()
                    .destination_ipv6_cidr_block("::/0")
                    .gateway_id("igw-1"),
                ("::/0", "igw-1"),
            ),
        ];
        for (route, (destination, target)) in cases {
            assert_eq!(
                destination_and_target(&route.build()),
                Some((destination.to_owned(), target.to_owned()))
            );
        }
    }

    #[test]
    fn a_target_goes_into_its_own_member() {
        assert_eq!(target_members("nat-1"), (None, Some("nat-1".to_owned())));
        assert_eq!(target_members("igw-1"), (Some("igw-1".to_owned()), None));
    }
}
