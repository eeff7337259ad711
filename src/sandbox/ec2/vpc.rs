//! What is a VPC? Its address block and its DNS attributes.

use ipnet::Ipv4Net;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    describe::{Listing, Noun},
    network_acl::NetworkAcl,
    request::{done, network, tag_set, tags_at_create},
    route_table::{Association, RouteTable},
    security_group,
    security_group_rule::{Peer, Ports, SecurityGroupRule},
    state::Ec2,
};
use crate::sandbox::{call::Call, fault::Fault, tags::Tags, world::Context};

/// A region's default quota (aws-behaviour §2.1, §5).
const MOST_VPCS: usize = 5;

#[derive(Debug, Serialize)]
pub struct Vpc {
    pub id: String,
    pub owner: String,
    pub cidr: Ipv4Net,
    pub association_id: String,
    pub dhcp_options_id: String,
    pub tenancy: String,
    pub is_default: bool,
    /// On from the start (aws-behaviour §2.1).
    pub enable_dns_support: bool,
    /// Off from the start, except in the default VPC.
    pub enable_dns_hostnames: bool,
    pub enable_network_address_usage_metrics: bool,
    pub tags: Tags,
}

/// Makes a VPC with all that AWS makes along with it: main route table, default security group, default network ACL.
pub fn establish(context: &mut Context<'_>, cidr: Ipv4Net) -> String {
    let id = context.ids.resource("vpc");
    let vpc = Vpc {
        id: id.clone(),
        owner: context.account.to_owned(),
        cidr,
        association_id: context.ids.resource("vpc-cidr-assoc"),
        dhcp_options_id: context.ids.resource("dopt"),
        tenancy: "default".to_owned(),
        is_default: false,
        enable_dns_support: true,
        enable_dns_hostnames: false,
        enable_network_address_usage_metrics: false,
        tags: Tags::default(),
    };
    context.region.ec2.vpcs.insert(id.clone(), vpc);
    let mut table = RouteTable::new(context.ids, context.account, &id, cidr);
    table.associations.push(Association {
        id: context.ids.resource("rtbassoc"),
        subnet_id: None,
    });
    let acl = NetworkAcl::new(context.ids, context.account, &id);
    let ec2 = &mut context.region.ec2;
    ec2.route_tables.insert(table.id.clone(), table);
    ec2.network_acls.insert(acl.id.clone(), acl);
    let group = security_group::establish(context, &id, "default", "default VPC security group");
    let members = Peer::Group {
        id: group.clone(),
        owner: context.account.to_owned(),
    };
    SecurityGroupRule::new(&group, false, Ports::all(), members, None).establish(context);
    id
}

impl Vpc {
    fn to_value(&self, state: &str) -> Value {
        json!({
            "vpcId": self.id,
            "ownerId": self.owner,
            "state": state,
            "cidrBlock": self.cidr,
            "cidrBlockAssociationSet": [{
                "associationId": self.association_id,
                "cidrBlock": self.cidr,
                "cidrBlockState": {"state": "associated"},
            }],
            "ipv6CidrBlockAssociationSet": [],
            "dhcpOptionsId": self.dhcp_options_id,
            "instanceTenancy": self.tenancy,
            "isDefault": self.is_default,
            "tagSet": tag_set(&self.tags),
        })
    }
}

impl Noun for Vpc {
    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn filter_values(&self, filter: &str) -> Option<Vec<String>> {
        let value = match filter {
            "vpc-id" => self.id.clone(),
            "cidr" | "cidr-block-association.cidr-block" => self.cidr.to_string(),
            "cidr-block-association.association-id" => self.association_id.clone(),
            "cidr-block-association.state" => "associated".to_owned(),
            "dhcp-options-id" => self.dhcp_options_id.clone(),
            "is-default" | "isDefault" => self.is_default.to_string(),
            "owner-id" => self.owner.clone(),
            "state" => "available".to_owned(),
            _ => return None,
        };
        Some(vec![value])
    }
}

pub fn not_found(id: &str) -> Fault {
    Fault::new(
        "InvalidVpcID.NotFound",
        format!("The vpc ID '{id}' does not exist"),
    )
}

pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let cidr = network(parameters.required_string("CidrBlock")?)?;
    if !(16..=28).contains(&cidr.prefix_len()) {
        return Err(Fault::new(
            "InvalidVpc.Range",
            format!("The CIDR '{cidr}' is invalid."),
        ));
    }
    let tags = tags_at_create(call, "vpc")?;
    if context.region.ec2.vpcs.len() >= MOST_VPCS {
        return Err(Fault::new(
            "VpcLimitExceeded",
            "The maximum number of VPCs has been reached.",
        ));
    }
    let id = establish(context, cidr);
    let vpc = context
        .region
        .ec2
        .vpcs
        .get_mut(&id)
        .ok_or_else(|| not_found(&id))?;
    vpc.tags = tags;
    if let Some(tenancy) = parameters.string("InstanceTenancy") {
        vpc.tenancy = tenancy.to_owned();
    }
    // Usable at once, though the answer still says pending (aws-behaviour §2.1).
    Ok(json!({"vpc": vpc.to_value("pending")}))
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    Listing {
        ids: "VpcId",
        set: "vpcSet",
        not_found,
    }
    .answer(call, &context.region.ec2.vpcs, |vpc| {
        vpc.to_value("available")
    })
}

/// What came with it goes with it; everything else holds it (aws-behaviour §2.1).
pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let id = call.parameters().required_string("VpcId")?;
    let ec2 = &mut context.region.ec2;
    ec2.vpc(id)?;
    if is_held(ec2, id) {
        return Err(Fault::new(
            "DependencyViolation",
            format!("The vpc '{id}' has dependencies and cannot be deleted."),
        ));
    }
    let groups: Vec<String> = ec2
        .security_groups
        .values()
        .filter(|group| group.vpc_id == id)
        .map(|group| group.id.clone())
        .collect();
    for group in groups {
        security_group::remove(ec2, &group);
    }
    ec2.route_tables.retain(|_, table| table.vpc_id != id);
    ec2.network_acls.retain(|_, acl| acl.vpc_id != id);
    ec2.vpcs.remove(id);
    Ok(done())
}

fn is_held(ec2: &Ec2, id: &str) -> bool {
    let has_subnet = ec2.subnets.values().any(|subnet| subnet.vpc_id == id);
    let has_interface = ec2
        .network_interfaces
        .values()
        .any(|interface| interface.vpc_id == id);
    let has_group = ec2
        .security_groups
        .values()
        .any(|group| group.vpc_id == id && group.name != "default");
    let has_table = ec2
        .route_tables
        .values()
        .any(|table| table.vpc_id == id && !table.is_main());
    let has_endpoint = ec2
        .vpc_endpoints
        .values()
        .any(|endpoint| endpoint.vpc_id == id);
    has_subnet
        || has_interface
        || has_group
        || has_table
        || has_endpoint
        || ec2.has_internet_gateway(id)
}

pub fn describe_attribute(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = parameters.required_string("VpcId")?;
    let attribute = parameters.required_string("Attribute")?;
    let vpc = context
        .region
        .ec2
        .vpcs
        .get(id)
        .ok_or_else(|| not_found(id))?;
    let value = match attribute {
        "enableDnsSupport" => vpc.enable_dns_support,
        "enableDnsHostnames" => vpc.enable_dns_hostnames,
        "enableNetworkAddressUsageMetrics" => vpc.enable_network_address_usage_metrics,
        _ => {
            return Err(Fault::new(
                "InvalidParameterValue",
                format!(
                    "Value ({attribute}) for parameter attribute is invalid. Unknown attribute."
                ),
            ));
        }
    };
    Ok(json!({"vpcId": id, attribute: {"value": value}}))
}

pub fn modify_attribute(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = parameters.required_string("VpcId")?;
    let vpc = context
        .region
        .ec2
        .vpcs
        .get_mut(id)
        .ok_or_else(|| not_found(id))?;
    let wanted = |name: &str| {
        parameters
            .structure(name)
            .map_or(Ok(None), |attribute| attribute.boolean("Value"))
    };
    let support = wanted("EnableDnsSupport")?;
    let hostnames = wanted("EnableDnsHostnames")?;
    let metrics = wanted("EnableNetworkAddressUsageMetrics")?;
    // One attribute per request, and host names need DNS support (aws-behaviour §1 row 3).
    match (support, hostnames, metrics) {
        (Some(support), None, None) => vpc.enable_dns_support = support,
        (None, Some(true), None) if !vpc.enable_dns_support => {
            return Err(Fault::new(
                "InvalidParameterCombination",
                "Enabling DNS hostnames requires that DNS support is enabled",
            ));
        }
        (None, Some(hostnames), None) => vpc.enable_dns_hostnames = hostnames,
        (None, None, Some(metrics)) => vpc.enable_network_address_usage_metrics = metrics,
        (None, None, None) => {
            return Err(Fault::new(
                "MissingParameter",
                "The request must contain an attribute to modify",
            ));
        }
        _ => {
            return Err(Fault::new(
                "InvalidParameterCombination",
                "Fields for multiple attribute types specified: only one attribute can be modified at a time",
            ));
        }
    }
    Ok(done())
}
