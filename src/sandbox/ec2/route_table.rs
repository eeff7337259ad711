//! What is a route table? Which subnets use it, and where do its routes lead?

use ipnet::Ipv4Net;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    describe::{Listing, Noun},
    request::{done, remembered, tag_set, tags_at_create},
    state::Ec2,
    vpc_endpoint::VpcEndpoint,
};
use crate::sandbox::{call::Call, fault::Fault, ids::Ids, tags::Tags, world::Context};

#[derive(Debug, Serialize)]
pub struct RouteTable {
    pub id: String,
    pub owner: String,
    pub vpc_id: String,
    pub routes: Vec<Route>,
    pub associations: Vec<Association>,
    pub tags: Tags,
}

#[derive(Debug, Serialize)]
pub struct Route {
    pub destination: Ipv4Net,
    pub target: Target,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Local,
    InternetGateway(String),
    NatGateway(String),
    NetworkInterface(String),
}

/// With a subnet, or, without one, with the VPC as its main table.
#[derive(Debug, Serialize)]
pub struct Association {
    pub id: String,
    pub subnet_id: Option<String>,
}

impl RouteTable {
    pub fn new(ids: &mut Ids, owner: &str, vpc_id: &str, cidr: Ipv4Net) -> Self {
        Self {
            id: ids.resource("rtb"),
            owner: owner.to_owned(),
            vpc_id: vpc_id.to_owned(),
            routes: vec![Route {
                destination: cidr,
                target: Target::Local,
            }],
            associations: Vec::new(),
            tags: Tags::default(),
        }
    }

    pub fn is_main(&self) -> bool {
        self.associations
            .iter()
            .any(|association| association.subnet_id.is_none())
    }

    pub fn association_of(&self, subnet_id: &str) -> Option<&Association> {
        self.associations
            .iter()
            .find(|association| association.subnet_id.as_deref() == Some(subnet_id))
    }

    pub fn default_route(&self) -> Option<&Target> {
        self.routes
            .iter()
            .find(|route| route.destination.prefix_len() == 0)
            .map(|route| &route.target)
    }

    fn endpoints<'a>(&'a self, ec2: &'a Ec2) -> impl Iterator<Item = &'a VpcEndpoint> {
        ec2.vpc_endpoints
            .values()
            .filter(|endpoint| endpoint.route_tables.contains(&self.id))
    }

    fn to_value(&self, ec2: &Ec2) -> Value {
        let routes = self.routes.iter().map(|route| route.to_value(ec2));
        // A gateway endpoint's route can only be changed with the endpoint.
        let endpoint_routes = self.endpoints(ec2).map(|endpoint| {
            json!({
                "destinationPrefixListId": endpoint.prefix_list_id(),
                "gatewayId": endpoint.id,
                "state": "active",
                "origin": "CreateRoute",
            })
        });
        let associations: Value = self
            .associations
            .iter()
            .map(|association| {
                json!({
                    "routeTableAssociationId": association.id,
                    "routeTableId": self.id,
                    "subnetId": association.subnet_id,
                    "main": association.subnet_id.is_none(),
                    "associationState": {"state": "associated"},
                })
            })
            .collect();
        json!({
            "routeTableId": self.id,
            "vpcId": self.vpc_id,
            "ownerId": self.owner,
            "routeSet": routes.chain(endpoint_routes).collect::<Vec<_>>(),
            "associationSet": associations,
            "propagatingVgwSet": [],
            "tagSet": tag_set(&self.tags),
        })
    }
}

impl Route {
    fn to_value(&self, ec2: &Ec2) -> Value {
        let (member, id) = match &self.target {
            Target::Local => ("gatewayId", "local"),
            Target::InternetGateway(id) => ("gatewayId", id.as_str()),
            Target::NatGateway(id) => ("natGatewayId", id.as_str()),
            Target::NetworkInterface(id) => ("networkInterfaceId", id.as_str()),
        };
        json!({
            "destinationCidrBlock": self.destination,
            member: id,
            "state": if ec2.leads_somewhere(&self.target) { "active" } else { "blackhole" },
            "origin": if self.target == Target::Local { "CreateRouteTable" } else { "CreateRoute" },
        })
    }
}

impl Noun for RouteTable {
    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn filter_values(&self, filter: &str) -> Option<Vec<String>> {
        let associations = self.associations.iter();
        let targets = self.routes.iter().map(|route| &route.target);
        Some(match filter {
            "route-table-id" => vec![self.id.clone()],
            "vpc-id" => vec![self.vpc_id.clone()],
            "owner-id" => vec![self.owner.clone()],
            "association.main" => associations
                .map(|association| association.subnet_id.is_none().to_string())
                .collect(),
            "association.subnet-id" => associations
                .filter_map(|association| association.subnet_id.clone())
                .collect(),
            "association.route-table-association-id" => associations
                .map(|association| association.id.clone())
                .collect(),
            "association.route-table-id" => associations.map(|_| self.id.clone()).collect(),
            "route.destination-cidr-block" => self
                .routes
                .iter()
                .map(|route| route.destination.to_string())
                .collect(),
            "route.gateway-id" => targets
                .filter_map(|target| match target {
                    Target::InternetGateway(id) => Some(id.clone()),
                    Target::Local => Some("local".to_owned()),
                    _ => None,
                })
                .collect(),
            "route.nat-gateway-id" => targets
                .filter_map(|target| match target {
                    Target::NatGateway(id) => Some(id.clone()),
                    _ => None,
                })
                .collect(),
            _ => return None,
        })
    }
}

pub fn not_found(id: &str) -> Fault {
    Fault::new(
        "InvalidRouteTableID.NotFound",
        format!("The routeTable ID '{id}' does not exist"),
    )
}

pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    remembered(context, call, "CreateRouteTable", |context| {
        let vpc_id = call.parameters().required_string("VpcId")?;
        let tags = tags_at_create(call, "route-table")?;
        let ec2 = &mut context.region.ec2;
        let cidr = ec2.vpc(vpc_id)?.cidr;
        let mut table = RouteTable::new(context.ids, context.account, vpc_id, cidr);
        table.tags = tags;
        let answer = json!({
            "routeTable": table.to_value(ec2),
            "clientToken": call.parameters().string("ClientToken"),
        });
        ec2.route_tables.insert(table.id.clone(), table);
        Ok(answer)
    })
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let ec2 = &context.region.ec2;
    Listing {
        ids: "RouteTableId",
        set: "routeTableSet",
        not_found,
    }
    .answer_with(
        call,
        &ec2.route_tables,
        |table, filter| {
            let mut values = match filter {
                "route.destination-prefix-list-id" => Vec::new(),
                _ => table.filter_values(filter)?,
            };
            values.extend(table.endpoints(ec2).filter_map(|endpoint| match filter {
                "route.destination-prefix-list-id" => Some(endpoint.prefix_list_id()),
                "route.gateway-id" => Some(endpoint.id.clone()),
                _ => None,
            }));
            Some(values)
        },
        |table| table.to_value(ec2),
    )
}

/// Its routes go with it, its associations hold it (aws-behaviour §2.4).
pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let id = call.parameters().required_string("RouteTableId")?;
    let tables = &mut context.region.ec2.route_tables;
    let table = tables.get(id).ok_or_else(|| not_found(id))?;
    if !table.associations.is_empty() {
        return Err(Fault::new(
            "DependencyViolation",
            format!("The routeTable '{id}' has dependencies and cannot be deleted."),
        ));
    }
    tables.remove(id);
    for endpoint in context.region.ec2.vpc_endpoints.values_mut() {
        endpoint.route_tables.retain(|table| table != id);
    }
    Ok(done())
}

fn association_not_found(id: &str) -> Fault {
    Fault::new(
        "InvalidAssociationID.NotFound",
        format!("The association ID '{id}' does not exist"),
    )
}

pub fn associate(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let table_id = parameters.required_string("RouteTableId")?;
    let subnet_id = parameters.required_string("SubnetId")?;
    let ec2 = &mut context.region.ec2;
    let vpc_of_subnet = ec2.subnet(subnet_id)?.vpc_id.clone();
    let table = ec2
        .route_tables
        .get(table_id)
        .ok_or_else(|| not_found(table_id))?;
    if table.vpc_id != vpc_of_subnet {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("Route table {table_id} and subnet {subnet_id} belong to different networks"),
        ));
    }
    if let Some(existing) = table.association_of(subnet_id) {
        return Ok(associated("associationId", &existing.id));
    }
    // A subnet has at most one explicit association (aws-behaviour §2.4).
    if ec2
        .route_tables
        .values()
        .any(|other| other.association_of(subnet_id).is_some())
    {
        return Err(Fault::new(
            "Resource.AlreadyAssociated",
            format!(
                "the specified association for route table {table_id} conflicts with an existing association"
            ),
        ));
    }
    let association = Association {
        id: context.ids.resource("rtbassoc"),
        subnet_id: Some(subnet_id.to_owned()),
    };
    let answer = associated("associationId", &association.id);
    if let Some(table) = ec2.route_tables.get_mut(table_id) {
        table.associations.push(association);
    }
    Ok(answer)
}

fn associated(member: &str, id: &str) -> Value {
    json!({member: id, "associationState": {"state": "associated"}})
}

pub fn disassociate(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let id = call.parameters().required_string("AssociationId")?;
    let (table, position) = find_association(&mut context.region.ec2, id)?;
    if table.associations[position].subnet_id.is_none() {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("cannot disassociate the main route table association {id}"),
        ));
    }
    table.associations.remove(position);
    Ok(done())
}

/// The table that holds the association, and where in it.
fn find_association<'a>(ec2: &'a mut Ec2, id: &str) -> Result<(&'a mut RouteTable, usize), Fault> {
    ec2.route_tables
        .values_mut()
        .find_map(|table| {
            let position = table
                .associations
                .iter()
                .position(|association| association.id == id)?;
            Some((table, position))
        })
        .ok_or_else(|| association_not_found(id))
}

/// Moves a subnet, or the VPC's main association, to another table; the association gets a new identifier (aws-behaviour §2.4).
pub fn replace_association(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = parameters.required_string("AssociationId")?;
    let table_id = parameters.required_string("RouteTableId")?;
    let ec2 = &mut context.region.ec2;
    let vpc_id = ec2
        .route_tables
        .get(table_id)
        .ok_or_else(|| not_found(table_id))?
        .vpc_id
        .clone();
    let (old_table, position) = find_association(ec2, id)?;
    if old_table.vpc_id != vpc_id {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("Route table {table_id} and association {id} belong to different networks"),
        ));
    }
    let association = Association {
        id: context.ids.resource("rtbassoc"),
        ..old_table.associations.remove(position)
    };
    let answer = associated("newAssociationId", &association.id);
    if let Some(table) = ec2.route_tables.get_mut(table_id) {
        table.associations.push(association);
    }
    Ok(answer)
}
