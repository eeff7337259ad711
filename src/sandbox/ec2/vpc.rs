//! The VPC: its address block and its DNS attributes.

use ipnet::Ipv4Net;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    describe::{Listing, Noun},
    request::{done, network, tag_set, tags_at_create},
};
use crate::sandbox::{call::Call, fault::Fault, ids::Ids, tags::Tags, world::Context};

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

impl Vpc {
    pub fn new(ids: &mut Ids, owner: &str, cidr: Ipv4Net) -> Self {
        Self {
            id: ids.resource("vpc"),
            owner: owner.to_owned(),
            cidr,
            association_id: ids.resource("vpc-cidr-assoc"),
            dhcp_options_id: ids.resource("dopt"),
            tenancy: "default".to_owned(),
            is_default: false,
            enable_dns_support: true,
            enable_dns_hostnames: false,
            enable_network_address_usage_metrics: false,
            tags: Tags::default(),
        }
    }

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
    let mut vpc = Vpc::new(context.ids, context.account, cidr);
    vpc.tags = tags;
    if let Some(tenancy) = parameters.string("InstanceTenancy") {
        vpc.tenancy = tenancy.to_owned();
    }
    // Usable at once, though the answer still says pending (aws-behaviour §2.1).
    let answer = vpc.to_value("pending");
    context.region.ec2.vpcs.insert(vpc.id.clone(), vpc);
    Ok(json!({"vpc": answer}))
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

pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let id = call.parameters().required_string("VpcId")?;
    context
        .region
        .ec2
        .vpcs
        .remove(id)
        .ok_or_else(|| not_found(id))?;
    Ok(done())
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
