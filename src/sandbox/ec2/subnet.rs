//! What is a subnet? A part of a VPC's addresses in one zone.

use ipnet::Ipv4Net;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    describe::{Listing, Noun},
    request::{done, network, tag_set, tags_at_create},
    state::Ec2,
    zones,
};
use crate::sandbox::{call::Call, fault::Fault, tags::Tags, world::Context};

#[derive(Debug, Serialize)]
pub struct Subnet {
    pub id: String,
    pub arn: String,
    pub owner: String,
    pub vpc_id: String,
    pub cidr: Ipv4Net,
    pub zone: String,
    pub zone_id: String,
    pub is_default: bool,
    pub map_public_ip_on_launch: bool,
    pub enable_dns64: bool,
    pub network_acl_association_id: String,
    pub tags: Tags,
}

/// Makes a subnet without asking whether it fits.
pub fn establish(
    context: &mut Context<'_>,
    vpc_id: &str,
    cidr: Ipv4Net,
    zone: &zones::Zone,
) -> Subnet {
    let id = context.ids.resource("subnet");
    Subnet {
        arn: context.arn("ec2", format_args!("subnet/{id}")),
        id,
        owner: context.account.to_owned(),
        vpc_id: vpc_id.to_owned(),
        cidr,
        zone: zone.name.clone(),
        zone_id: zone.id.clone(),
        is_default: false,
        map_public_ip_on_launch: false,
        enable_dns64: false,
        network_acl_association_id: context.ids.resource("aclassoc"),
        tags: Tags::default(),
    }
}

impl Subnet {
    /// AWS keeps five addresses of every subnet.
    fn available_addresses(&self, ec2: &Ec2) -> usize {
        let all = 1_usize << (32 - self.cidr.prefix_len().min(32));
        all.saturating_sub(5 + ec2.interfaces_in_subnet(&self.id))
    }

    fn to_value(&self, state: &str, ec2: &Ec2) -> Value {
        json!({
            "subnetId": self.id,
            "subnetArn": self.arn,
            "ownerId": self.owner,
            "vpcId": self.vpc_id,
            "state": state,
            "cidrBlock": self.cidr,
            "availabilityZone": self.zone,
            "availabilityZoneId": self.zone_id,
            "availableIpAddressCount": self.available_addresses(ec2),
            "defaultForAz": self.is_default,
            "mapPublicIpOnLaunch": self.map_public_ip_on_launch,
            "mapCustomerOwnedIpOnLaunch": false,
            "assignIpv6AddressOnCreation": false,
            "ipv6CidrBlockAssociationSet": [],
            "enableDns64": self.enable_dns64,
            "ipv6Native": false,
            "privateDnsNameOptionsOnLaunch": {
                "hostnameType": "ip-name",
                "enableResourceNameDnsARecord": false,
                "enableResourceNameDnsAAAARecord": false,
            },
            "tagSet": tag_set(&self.tags),
        })
    }
}

impl Noun for Subnet {
    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn filter_values(&self, filter: &str) -> Option<Vec<String>> {
        let value = match filter {
            "subnet-id" => self.id.clone(),
            "subnet-arn" => self.arn.clone(),
            "vpc-id" => self.vpc_id.clone(),
            "cidr-block" | "cidr" | "cidrBlock" => self.cidr.to_string(),
            "availability-zone" | "availabilityZone" => self.zone.clone(),
            "availability-zone-id" | "availabilityZoneId" => self.zone_id.clone(),
            "default-for-az" | "defaultForAz" => self.is_default.to_string(),
            "map-public-ip-on-launch" => self.map_public_ip_on_launch.to_string(),
            "owner-id" => self.owner.clone(),
            "state" => "available".to_owned(),
            _ => return None,
        };
        Some(vec![value])
    }
}

pub fn not_found(id: &str) -> Fault {
    Fault::new(
        "InvalidSubnetID.NotFound",
        format!("The subnet ID '{id}' does not exist"),
    )
}

pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let vpc_id = parameters.required_string("VpcId")?;
    let cidr = network(parameters.required_string("CidrBlock")?)?;
    let tags = tags_at_create(call, "subnet")?;
    let vpc = context.region.ec2.vpc(vpc_id)?;
    if !vpc.cidr.contains(&cidr) || !(16..=28).contains(&cidr.prefix_len()) {
        return Err(Fault::new(
            "InvalidSubnet.Range",
            format!("The CIDR '{cidr}' is invalid."),
        ));
    }
    let is_overlapping = |subnet: &Subnet| {
        subnet.vpc_id == vpc_id && (subnet.cidr.contains(&cidr) || cidr.contains(&subnet.cidr))
    };
    if context.region.ec2.subnets.values().any(is_overlapping) {
        return Err(Fault::new(
            "InvalidSubnet.Conflict",
            format!("The CIDR '{cidr}' conflicts with another subnet"),
        ));
    }
    let zone = zone_asked_for(context.region_name, call)?;
    let mut subnet = establish(context, vpc_id, cidr, &zone);
    subnet.tags = tags;
    let ec2 = &mut context.region.ec2;
    // Usable at once, though the answer still says pending (aws-behaviour §2.2).
    let answer = subnet.to_value("pending", ec2);
    ec2.subnets.insert(subnet.id.clone(), subnet);
    Ok(json!({"subnet": answer}))
}

fn zone_asked_for(region: &str, call: &Call) -> Result<zones::Zone, Fault> {
    let parameters = call.parameters();
    let zones = zones::of(region);
    let (name, id) = (
        parameters.string("AvailabilityZone"),
        parameters.string("AvailabilityZoneId"),
    );
    let names: Vec<String> = zones.iter().map(|zone| zone.name.clone()).collect();
    zones
        .into_iter()
        .find(|zone| name.is_none_or(|name| name == zone.name) && id.is_none_or(|id| id == zone.id))
        .ok_or_else(|| {
            let asked = name.or(id).unwrap_or_default();
            Fault::new(
                "InvalidParameterValue",
                format!(
                    "Value ({asked}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: {}.",
                    names.join(", ")
                ),
            )
        })
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let ec2 = &context.region.ec2;
    Listing {
        ids: "SubnetId",
        set: "subnetSet",
        not_found,
    }
    .answer(call, &ec2.subnets, |subnet| {
        subnet.to_value("available", ec2)
    })
}

pub fn modify_attribute(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = parameters.required_string("SubnetId")?;
    let subnet = context
        .region
        .ec2
        .subnets
        .get_mut(id)
        .ok_or_else(|| not_found(id))?;
    let wanted = |name: &str| {
        parameters
            .structure(name)
            .map_or(Ok(None), |attribute| attribute.boolean("Value"))
    };
    // One attribute per call (aws-behaviour §2.2).
    match (wanted("MapPublicIpOnLaunch")?, wanted("EnableDns64")?) {
        (Some(map), None) => subnet.map_public_ip_on_launch = map,
        (None, Some(enable)) => subnet.enable_dns64 = enable,
        (None, None) => {
            return Err(Fault::new(
                "MissingParameter",
                "The request must contain an attribute to modify",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(Fault::new(
                "InvalidParameterCombination",
                "Fields for multiple attribute types specified: only one attribute can be modified at a time",
            ));
        }
    }
    Ok(done())
}

/// Interfaces hold a subnet (aws-behaviour §2.2); its route table association goes with it.
pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let id = call.parameters().required_string("SubnetId")?;
    let ec2 = &mut context.region.ec2;
    ec2.subnet(id)?;
    if ec2.interfaces_in_subnet(id) > 0 {
        return Err(Fault::new(
            "DependencyViolation",
            format!("The subnet '{id}' has dependencies and cannot be deleted."),
        ));
    }
    for table in ec2.route_tables.values_mut() {
        table
            .associations
            .retain(|association| association.subnet_id.as_deref() != Some(id));
    }
    ec2.subnets.remove(id);
    Ok(done())
}
