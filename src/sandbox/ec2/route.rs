//! Which routes does a route table have, and where do they lead?

use ipnet::Ipv4Net;
use serde_json::Value;

use super::{
    nat_gateway::NatState,
    network_interface,
    request::{done, network},
    route_table::{self, Route, RouteTable, Target},
    state::Ec2,
};
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    world::Context,
};

const TARGETS: [&str; 3] = ["GatewayId", "NatGatewayId", "NetworkInterfaceId"];

pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let (id, destination) = identity(call)?;
    let ec2 = &mut context.region.ec2;
    let target = target(ec2, &call.parameters(), &id)?;
    let table = table(ec2, &id)?;
    if table
        .routes
        .iter()
        .any(|route| route.destination == destination)
    {
        return Err(Fault::new(
            "RouteAlreadyExists",
            format!("The route identified by {destination} already exists."),
        ));
    }
    table.routes.push(Route {
        destination,
        target,
    });
    Ok(done())
}

pub fn replace(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let (id, destination) = identity(call)?;
    let ec2 = &mut context.region.ec2;
    let target = target(ec2, &call.parameters(), &id)?;
    let route = table(ec2, &id)?
        .routes
        .iter_mut()
        .find(|route| route.destination == destination)
        .ok_or_else(|| {
            Fault::new(
                "InvalidParameterValue",
                format!("There is no route defined for '{destination}' in the route table. Use CreateRoute instead."),
            )
        })?;
    route.target = target;
    Ok(done())
}

pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let (id, destination) = identity(call)?;
    let table = table(&mut context.region.ec2, &id)?;
    let position = table
        .routes
        .iter()
        .position(|route| route.destination == destination)
        .ok_or_else(|| {
            Fault::new(
                "InvalidRoute.NotFound",
                format!("no route with destination-cidr-block {destination} in route table {id}"),
            )
        })?;
    if table.routes[position].target == Target::Local {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("cannot remove local route {destination} in route table {id}"),
        ));
    }
    table.routes.remove(position);
    Ok(done())
}

fn identity(call: &Call) -> Result<(String, Ipv4Net), Fault> {
    let parameters = call.parameters();
    let id = parameters.required_string("RouteTableId")?;
    if let Some(list) = parameters.string("DestinationPrefixListId") {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!(
                "The route to {list} in route table {id} belongs to a VPC endpoint, and changes with it only"
            ),
        ));
    }
    let destination = network(parameters.required_string("DestinationCidrBlock")?)?;
    Ok((id.to_owned(), destination))
}

fn table<'a>(ec2: &'a mut Ec2, id: &str) -> Result<&'a mut RouteTable, Fault> {
    ec2.route_tables
        .get_mut(id)
        .ok_or_else(|| route_table::not_found(id))
}

/// The one target that the request names: it must exist, and stand in the table's own VPC.
fn target(ec2: &Ec2, parameters: &Parameters<'_>, table_id: &str) -> Result<Target, Fault> {
    let table = ec2
        .route_tables
        .get(table_id)
        .ok_or_else(|| route_table::not_found(table_id))?;
    let named: Vec<(&str, &str)> = TARGETS
        .into_iter()
        .filter_map(|name| Some((name, parameters.string(name)?)))
        .collect();
    let (kind, id) = match named.as_slice() {
        [one] => *one,
        [] => {
            return Err(Fault::new(
                "MissingParameter",
                "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId",
            ));
        }
        _ => {
            return Err(Fault::new(
                "InvalidParameterCombination",
                "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId",
            ));
        }
    };
    let (vpc_id, target) = match kind {
        "GatewayId" => internet_gateway(ec2, id)?,
        "NatGatewayId" => nat_gateway(ec2, id)?,
        _ => {
            let interface = ec2.network_interfaces.get(id);
            let interface = interface.ok_or_else(|| network_interface::not_found(id))?;
            (
                Some(&interface.vpc_id),
                Target::NetworkInterface(id.to_owned()),
            )
        }
    };
    // An internet gateway that is not attached belongs to no network yet (aws-behaviour §1 row 6).
    if vpc_id != Some(&table.vpc_id) {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("route table {table_id} and network gateway {id} belong to different networks"),
        ));
    }
    Ok(target)
}

fn internet_gateway<'a>(ec2: &'a Ec2, id: &str) -> Result<(Option<&'a String>, Target), Fault> {
    let gateway = ec2.internet_gateways.get(id).ok_or_else(|| {
        Fault::new(
            "InvalidGatewayID.NotFound",
            format!("The gateway ID '{id}' does not exist"),
        )
    })?;
    Ok((
        gateway.vpc_id.as_ref(),
        Target::InternetGateway(id.to_owned()),
    ))
}

/// One that is still pending will do (aws-behaviour §1 row 10).
fn nat_gateway<'a>(ec2: &'a Ec2, id: &str) -> Result<(Option<&'a String>, Target), Fault> {
    let gateway = ec2
        .nat_gateways
        .get(id)
        .filter(|gateway| matches!(gateway.state, NatState::Pending | NatState::Available))
        .ok_or_else(|| {
            Fault::new(
                "InvalidNatGatewayID.NotFound",
                format!("The natGateway ID '{id}' does not exist"),
            )
        })?;
    Ok((Some(&gateway.vpc_id), Target::NatGateway(id.to_owned())))
}
