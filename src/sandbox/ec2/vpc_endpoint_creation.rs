//! What does it take to make a VPC endpoint? A service that offers its kind, and subnets or route tables of the VPC.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    endpoint_service,
    network_interface::{self, NewInterface, PublicAddress},
    request::{remembered, tags_at_create},
    route_table,
    state::Ec2,
    vpc_endpoint::{EndpointKind, EndpointState, VpcEndpoint},
};
use crate::sandbox::{call::Call, fault::Fault, pace::Doing, world::Context};

/// The default quotas: interface endpoints of a VPC, gateway endpoints of a region (aws-behaviour §5).
const MOST_INTERFACE_ENDPOINTS: usize = 50;
const MOST_GATEWAY_ENDPOINTS: usize = 20;

/// What an endpoint has that was given none: everything is allowed.
pub const FULL_ACCESS: &str = r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

/// One of AWS's own accounts, which asks for the interfaces of endpoints.
const REQUESTER: &str = "727180483921";

pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    remembered(context, call, "CreateVpcEndpoint", |context| {
        let endpoint = make(context, call)?;
        let answer = json!({
            "vpcEndpoint": endpoint.to_value(&context.region.ec2),
            "clientToken": call.parameters().string("ClientToken"),
        });
        let id = endpoint.id.clone();
        let is_pending = endpoint.state == EndpointState::Pending;
        context
            .region
            .ec2
            .vpc_endpoints
            .insert(id.clone(), endpoint);
        if is_pending {
            context.schedule(Doing::VpcEndpointBecomesAvailable, move |context| {
                if let Some(endpoint) = context.region.ec2.vpc_endpoints.get_mut(&id)
                    && endpoint.state == EndpointState::Pending
                {
                    endpoint.state = EndpointState::Available;
                }
            });
        }
        Ok(answer)
    })
}

fn make(context: &mut Context<'_>, call: &Call) -> Result<VpcEndpoint, Fault> {
    let parameters = call.parameters();
    let vpc_id = parameters.required_string("VpcId")?;
    let service_name = parameters.required_string("ServiceName")?;
    let kind = match parameters.string("VpcEndpointType") {
        None | Some("Gateway") => EndpointKind::Gateway,
        Some("Interface") => EndpointKind::Interface,
        Some(other) => {
            return Err(Fault::new(
                "NotImplemented",
                format!(
                    "the sandbox serves gateway and interface endpoints, and none of type {other}"
                ),
            )
            .with_status(501));
        }
    };
    let tags = tags_at_create(call, "vpc-endpoint")?;
    context.region.ec2.vpc(vpc_id)?;
    let service = endpoint_service::find(context.region_name, service_name, kind)?;
    let policy = parameters.string("PolicyDocument").unwrap_or(FULL_ACCESS);
    check_policy(policy)?;
    let mut endpoint = VpcEndpoint {
        id: context.ids.resource("vpce"),
        owner: context.account.to_owned(),
        region: context.region_name.to_owned(),
        vpc_id: vpc_id.to_owned(),
        service,
        kind,
        state: EndpointState::Available,
        policy_document: policy.to_owned(),
        route_tables: Vec::new(),
        interfaces: BTreeMap::new(),
        security_groups: Vec::new(),
        has_private_dns: false,
        dns_suffix: context.ids.alphanumeric(8),
        created: context.now,
        tags,
    };
    let tables = strings(parameters.strings("RouteTableId"));
    let subnets = strings(parameters.strings("SubnetId"));
    let groups = strings(parameters.strings("SecurityGroupId"));
    check_quota(&context.region.ec2, &endpoint)?;
    match kind {
        EndpointKind::Gateway => {
            refuse_unless_empty(&subnets, "Subnet IDs", EndpointKind::Interface)?;
            refuse_unless_empty(&groups, "Security group IDs", EndpointKind::Interface)?;
            if parameters.boolean("PrivateDnsEnabled")? == Some(true) {
                return Err(only_for("Private DNS", EndpointKind::Interface));
            }
            check_tables(&context.region.ec2, &endpoint, &tables)?;
            endpoint.route_tables = tables;
        }
        EndpointKind::Interface => {
            refuse_unless_empty(&tables, "Route table IDs", EndpointKind::Gateway)?;
            endpoint.state = EndpointState::Pending;
            endpoint.security_groups = match groups.is_empty() {
                true => default_group(&context.region.ec2, vpc_id),
                false => groups,
            };
            check_groups(&context.region.ec2, vpc_id, &endpoint.security_groups)?;
            check_subnets(&context.region.ec2, vpc_id, &subnets)?;
            // On unless it is said otherwise; the two big services' names stay those of their gateways.
            let by_default = !matches!(service, "s3" | "dynamodb");
            if parameters
                .boolean("PrivateDnsEnabled")?
                .unwrap_or(by_default)
            {
                check_private_dns(&context.region.ec2, &endpoint)?;
                endpoint.has_private_dns = true;
            }
            add_interfaces(context, &mut endpoint, &subnets)?;
        }
    }
    Ok(endpoint)
}

pub fn strings(list: Vec<&str>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    list.into_iter()
        .filter(|text| seen.insert(*text))
        .map(str::to_owned)
        .collect()
}

fn invalid(message: String) -> Fault {
    Fault::new("InvalidParameter", message)
}

fn only_for(what: &str, kind: EndpointKind) -> Fault {
    invalid(format!(
        "{what} can only be specified for VPC endpoints of type {}.",
        kind.text()
    ))
}

pub fn refuse_unless_empty(list: &[String], what: &str, kind: EndpointKind) -> Result<(), Fault> {
    match list.is_empty() {
        true => Ok(()),
        false => Err(only_for(what, kind)),
    }
}

pub fn check_policy(text: &str) -> Result<(), Fault> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(_)) => Ok(()),
        _ => Err(Fault::new(
            "InvalidPolicyDocument",
            "The specified policy document is not a valid JSON policy document.",
        )),
    }
}

fn check_quota(ec2: &Ec2, new: &VpcEndpoint) -> Result<(), Fault> {
    let of_kind = ec2
        .vpc_endpoints
        .values()
        .filter(|endpoint| endpoint.kind == new.kind);
    let is_reached = match new.kind {
        EndpointKind::Gateway => of_kind.count() >= MOST_GATEWAY_ENDPOINTS,
        EndpointKind::Interface => {
            let in_vpc = of_kind.filter(|endpoint| endpoint.vpc_id == new.vpc_id);
            in_vpc.count() >= MOST_INTERFACE_ENDPOINTS
        }
    };
    if !is_reached {
        return Ok(());
    }
    Err(Fault::new(
        "VpcEndpointLimitExceeded",
        "The maximum number of VPC endpoints has been reached.",
    ))
}

/// A route table has one route to a service's addresses.
pub fn check_tables(ec2: &Ec2, endpoint: &VpcEndpoint, tables: &[String]) -> Result<(), Fault> {
    for id in tables {
        let table = ec2
            .route_tables
            .get(id)
            .ok_or_else(|| route_table::not_found(id))?;
        if table.vpc_id != endpoint.vpc_id {
            return Err(invalid(format!(
                "Route table {id} and VPC endpoint belong to different networks"
            )));
        }
        let has_route = ec2.vpc_endpoints.values().any(|other| {
            other.id != endpoint.id
                && other.service == endpoint.service
                && other.route_tables.contains(id)
        });
        if has_route {
            return Err(Fault::new(
                "RouteAlreadyExists",
                format!(
                    "route table {id} already has a route with destination-prefix-list-id {}",
                    endpoint.prefix_list_id()
                ),
            ));
        }
    }
    Ok(())
}

fn default_group(ec2: &Ec2, vpc_id: &str) -> Vec<String> {
    let group = ec2.default_security_group(vpc_id);
    group.map(|group| group.id.clone()).into_iter().collect()
}

pub fn check_groups(ec2: &Ec2, vpc_id: &str, groups: &[String]) -> Result<(), Fault> {
    if groups.is_empty() {
        return Err(invalid(
            "A VPC endpoint of type Interface must have at least one security group.".to_owned(),
        ));
    }
    for id in groups {
        if ec2.security_group(id)?.vpc_id != vpc_id {
            return Err(invalid(format!(
                "Security group {id} and VPC endpoint belong to different networks"
            )));
        }
    }
    Ok(())
}

/// One subnet in each zone.
pub fn check_subnets(ec2: &Ec2, vpc_id: &str, subnets: &[String]) -> Result<(), Fault> {
    let mut zones = BTreeSet::new();
    for id in subnets {
        let subnet = ec2.subnet(id)?;
        if subnet.vpc_id != vpc_id {
            return Err(invalid(format!(
                "Subnet {id} and VPC endpoint belong to different networks"
            )));
        }
        if !zones.insert(&subnet.zone) {
            return Err(Fault::new(
                "DuplicateSubnetsInSameZone",
                format!(
                    "Found another VPC endpoint subnet in the availability zone of {id}. VPC endpoint subnets should be in different availability zones supported by the VPC endpoint service."
                ),
            ));
        }
    }
    Ok(())
}

/// It needs both of the VPC's DNS attributes (aws-behaviour §1 row 2), and no other endpoint that has the names already.
pub fn check_private_dns(ec2: &Ec2, endpoint: &VpcEndpoint) -> Result<(), Fault> {
    let vpc = ec2.vpc(&endpoint.vpc_id)?;
    if !vpc.enable_dns_support || !vpc.enable_dns_hostnames {
        return Err(invalid(format!(
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for {}",
            vpc.id
        )));
    }
    let is_taken = ec2.vpc_endpoints.values().any(|other| {
        other.id != endpoint.id
            && other.vpc_id == endpoint.vpc_id
            && other.service == endpoint.service
            && other.has_private_dns
    });
    if is_taken {
        let names = endpoint_service::private_dns_names(endpoint.service, &endpoint.region);
        let name = names.last().map_or("", String::as_str);
        return Err(invalid(format!(
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain for {name} in the VPC {}",
            vpc.id
        )));
    }
    Ok(())
}

/// An interface in each of the subnets, or in none of them.
pub fn add_interfaces(
    context: &mut Context<'_>,
    endpoint: &mut VpcEndpoint,
    subnets: &[String],
) -> Result<(), Fault> {
    let mut made = BTreeMap::new();
    for subnet in subnets {
        let interface = network_interface::create(
            context,
            NewInterface {
                subnet_id: subnet,
                security_groups: endpoint.security_groups.clone(),
                description: format!("VPC Endpoint Interface {}", endpoint.id),
                interface_type: "vpc_endpoint",
                requester: REQUESTER,
                attachment_owner: "amazon-aws",
                public_address: PublicAddress::None,
            },
        );
        match interface {
            Ok(interface) => made.insert(subnet.clone(), interface.id),
            Err(fault) => {
                for id in made.values() {
                    network_interface::delete(context, id);
                }
                return Err(fault);
            }
        };
    }
    endpoint.interfaces.extend(made);
    Ok(())
}
