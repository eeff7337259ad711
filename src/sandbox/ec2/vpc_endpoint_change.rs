//! How does a VPC endpoint change, and how does it go? Its routes and interfaces follow it.

use serde_json::{Value, json};

use super::{
    network_interface,
    request::done,
    vpc_endpoint::{self, EndpointKind, EndpointState, VpcEndpoint},
    vpc_endpoint_creation::{
        FULL_ACCESS, add_interfaces, check_groups, check_policy, check_private_dns, check_subnets,
        check_tables, refuse_unless_empty, strings,
    },
};
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    pace::Doing,
    world::Context,
};

/// Two lists of a request: what comes and what goes.
struct Change {
    added: Vec<String>,
    removed: Vec<String>,
}

impl Change {
    fn of(parameters: &Parameters<'_>, name: &str) -> Self {
        Self {
            added: strings(parameters.strings(&format!("Add{name}"))),
            removed: strings(parameters.strings(&format!("Remove{name}"))),
        }
    }

    /// What comes of `current`.
    fn applied(&self, current: &[String]) -> Vec<String> {
        let mut all = current.to_vec();
        all.retain(|id| !self.removed.contains(id));
        for id in &self.added {
            if !all.contains(id) {
                all.push(id.clone());
            }
        }
        all
    }

    fn refuse(&self, what: &str, kind: EndpointKind) -> Result<(), Fault> {
        refuse_unless_empty(&self.added, what, kind)?;
        refuse_unless_empty(&self.removed, what, kind)
    }
}

/// Everything is checked before anything is changed.
pub fn modify(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = parameters.required_string("VpcEndpointId")?;
    let ec2 = &context.region.ec2;
    let mut endpoint = ec2
        .vpc_endpoints
        .get(id)
        .filter(|endpoint| endpoint.state != EndpointState::Deleting)
        .ok_or_else(|| vpc_endpoint::not_found(id))?
        .clone();
    if parameters.boolean("ResetPolicy")? == Some(true) {
        endpoint.policy_document = FULL_ACCESS.to_owned();
    }
    if let Some(policy) = parameters.string("PolicyDocument") {
        check_policy(policy)?;
        endpoint.policy_document = policy.to_owned();
    }
    let tables = Change::of(&parameters, "RouteTableId");
    let subnets = Change::of(&parameters, "SubnetId");
    let groups = Change::of(&parameters, "SecurityGroupId");
    let private_dns = parameters.boolean("PrivateDnsEnabled")?;
    match endpoint.kind {
        EndpointKind::Gateway => {
            subnets.refuse("Subnet IDs", EndpointKind::Interface)?;
            groups.refuse("Security group IDs", EndpointKind::Interface)?;
            let is_on: Vec<String> = private_dns
                .filter(|is_on| *is_on)
                .map(|_| String::new())
                .into_iter()
                .collect();
            refuse_unless_empty(&is_on, "Private DNS", EndpointKind::Interface)?;
            check_tables(ec2, &endpoint, &tables.added)?;
            endpoint.route_tables = tables.applied(&endpoint.route_tables);
        }
        EndpointKind::Interface => {
            tables.refuse("Route table IDs", EndpointKind::Gateway)?;
            endpoint.security_groups = groups.applied(&endpoint.security_groups);
            check_groups(ec2, &endpoint.vpc_id, &endpoint.security_groups)?;
            let current: Vec<String> = endpoint.interfaces.keys().cloned().collect();
            check_subnets(ec2, &endpoint.vpc_id, &subnets.applied(&current))?;
            if let Some(is_on) = private_dns {
                if is_on {
                    check_private_dns(ec2, &endpoint)?;
                }
                endpoint.has_private_dns = is_on;
            }
            move_interfaces(context, &mut endpoint, &subnets)?;
        }
    }
    context
        .region
        .ec2
        .vpc_endpoints
        .insert(endpoint.id.clone(), endpoint);
    Ok(done())
}

fn move_interfaces(
    context: &mut Context<'_>,
    endpoint: &mut VpcEndpoint,
    subnets: &Change,
) -> Result<(), Fault> {
    let new: Vec<String> = subnets
        .added
        .iter()
        .filter(|id| !endpoint.interfaces.contains_key(*id))
        .cloned()
        .collect();
    add_interfaces(context, endpoint, &new)?;
    for subnet in &subnets.removed {
        if let Some(interface) = endpoint.interfaces.remove(subnet) {
            network_interface::delete(context, &interface);
        }
    }
    for id in endpoint.interfaces.values() {
        if let Some(interface) = context.region.ec2.network_interfaces.get_mut(id) {
            interface.security_groups = endpoint.security_groups.clone();
        }
    }
    Ok(())
}

/// What can't be deleted is listed in the answer, which is a success all the same (aws-behaviour §2.19).
pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let ids = call.parameters().strings("VpcEndpointId");
    if ids.is_empty() {
        return Err(call.service.missing_parameter("VpcEndpointId"));
    }
    let mut unsuccessful = Vec::new();
    for id in ids {
        let Some(endpoint) = context.region.ec2.vpc_endpoints.get_mut(id) else {
            unsuccessful.push(json!({
                "resourceId": id,
                "error": {
                    "code": "InvalidVpcEndpoint.NotFound",
                    "message": format!("The Vpc Endpoint Id '{id}' does not exist"),
                },
            }));
            continue;
        };
        if endpoint.kind == EndpointKind::Gateway {
            context.region.ec2.vpc_endpoints.remove(id);
        } else if endpoint.state != EndpointState::Deleting {
            endpoint.state = EndpointState::Deleting;
            let own = id.to_owned();
            context.schedule(Doing::VpcEndpointIsDeleted, move |context| {
                let Some(endpoint) = context.region.ec2.vpc_endpoints.remove(&own) else {
                    return;
                };
                for interface in endpoint.interfaces.values() {
                    network_interface::delete(context, interface);
                }
            });
        }
    }
    Ok(json!({"unsuccessful": unsuccessful}))
}
