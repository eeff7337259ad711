//! What is an Elastic IP? A public address that an account keeps.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    describe::{Filters, Noun, page, page_size, tag_values},
    request::{done, tag_set, tags_at_create},
};
use crate::sandbox::{call::Call, fault::Fault, tags::Tags, world::Context};

/// A region's default quota (aws-behaviour §2.5, §5).
const MOST_ADDRESSES: usize = 5;

#[derive(Debug, Serialize)]
pub struct Address {
    pub allocation_id: String,
    pub public_ip: String,
    pub border_group: String,
    pub association: Option<Association>,
    pub tags: Tags,
}

/// What an address is mapped to.
#[derive(Debug, Serialize)]
pub struct Association {
    pub id: String,
    pub network_interface_id: String,
    pub interface_owner: String,
    pub private_ip: String,
}

impl Address {
    fn to_value(&self) -> Value {
        let association = self.association.as_ref();
        json!({
            "allocationId": self.allocation_id,
            "publicIp": self.public_ip,
            "domain": "vpc",
            "publicIpv4Pool": "amazon",
            "networkBorderGroup": self.border_group,
            "associationId": association.map(|association| &association.id),
            "networkInterfaceId": association.map(|association| &association.network_interface_id),
            "networkInterfaceOwnerId": association.map(|association| &association.interface_owner),
            "privateIpAddress": association.map(|association| &association.private_ip),
            "tagSet": tag_set(&self.tags),
        })
    }
}

impl Noun for Address {
    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn filter_values(&self, filter: &str) -> Option<Vec<String>> {
        let association = self.association.iter();
        Some(match filter {
            "allocation-id" => vec![self.allocation_id.clone()],
            "public-ip" => vec![self.public_ip.clone()],
            "domain" => vec!["vpc".to_owned()],
            "network-border-group" => vec![self.border_group.clone()],
            "association-id" => association
                .map(|association| association.id.clone())
                .collect(),
            "network-interface-id" => association
                .map(|association| association.network_interface_id.clone())
                .collect(),
            "private-ip-address" => association
                .map(|association| association.private_ip.clone())
                .collect(),
            _ => return None,
        })
    }
}

pub fn not_found(id: &str) -> Fault {
    Fault::new(
        "InvalidAllocationID.NotFound",
        format!("The allocation ID '{id}' does not exist"),
    )
}

/// The sandbox's own limit: it gives out only addresses that are kept for documentation.
pub fn none_left() -> Fault {
    Fault::new(
        "InsufficientAddressCapacity",
        "There are not enough free public addresses to satisfy the request.",
    )
}

/// No token, and each call makes one more (aws-behaviour §2.5).
pub fn allocate(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let tags = tags_at_create(call, "elastic-ip")?;
    let ec2 = &mut context.region.ec2;
    if ec2.addresses.len() >= MOST_ADDRESSES {
        return Err(Fault::new(
            "AddressLimitExceeded",
            "The maximum number of addresses has been reached.",
        ));
    }
    let public_ip = context
        .ids
        .public_address(|address| ec2.is_public_address_taken(address))
        .ok_or_else(none_left)?;
    let address = Address {
        allocation_id: context.ids.resource("eipalloc"),
        public_ip,
        border_group: context.region_name.to_owned(),
        association: None,
        tags,
    };
    let answer = json!({
        "allocationId": address.allocation_id,
        "publicIp": address.public_ip,
        "domain": "vpc",
        "publicIpv4Pool": "amazon",
        "networkBorderGroup": address.border_group,
    });
    ec2.addresses.insert(address.allocation_id.clone(), address);
    Ok(answer)
}

/// The one EC2 list here that has no pages, and a second parameter to name things by.
pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let addresses = &context.region.ec2.addresses;
    let (ids, public) = (
        parameters.strings("AllocationId"),
        parameters.strings("PublicIp"),
    );
    if let Some(unknown) = ids.iter().find(|id| !addresses.contains_key(**id)) {
        return Err(not_found(unknown));
    }
    let is_known = |public: &str| {
        addresses
            .values()
            .any(|address| address.public_ip == public)
    };
    if let Some(unknown) = public.iter().find(|public| !is_known(public)) {
        return Err(Fault::new(
            "InvalidAddress.NotFound",
            format!("Address '{unknown}' not found."),
        ));
    }
    let filters = Filters::of(&parameters)?;
    let mut found = Vec::new();
    for address in addresses.values() {
        let is_named = (ids.is_empty() || ids.contains(&address.allocation_id.as_str()))
            && (public.is_empty() || public.contains(&address.public_ip.as_str()));
        let is_wanted = filters.matches(|name| {
            tag_values(&address.tags, name).or_else(|| address.filter_values(name))
        })?;
        if is_named && is_wanted {
            found.push(address.to_value());
        }
    }
    Ok(json!({"addressesSet": found}))
}

/// The one attribute there is, a reverse DNS name, needs a change that the sandbox does not serve: no address has one.
/// That such addresses are listed all the same is inferred.
pub fn describe_attribute(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let size = page_size(&parameters)?;
    if let Some(attribute) = parameters.string("Attribute")
        && attribute != "domain-name"
    {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("Value ({attribute}) for parameter attribute is invalid."),
        ));
    }
    let addresses = &context.region.ec2.addresses;
    let ids = parameters.strings("AllocationId");
    if let Some(unknown) = ids.iter().find(|id| !addresses.contains_key(**id)) {
        return Err(not_found(unknown));
    }
    let found = addresses
        .values()
        .filter(|address| ids.is_empty() || ids.contains(&address.allocation_id.as_str()))
        .map(|address| {
            let id = &address.allocation_id;
            let shown = json!({"allocationId": id, "publicIp": address.public_ip});
            (id.clone(), shown)
        })
        .collect();
    page(&parameters, "addressSet", found, size)
}

/// What maps addresses here is AWS's own, and callers may not undo it (inferred). Terraform asks it of an address whose
/// NAT gateway has gone meanwhile.
pub fn disassociate(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let id = call.parameters().required_string("AssociationId")?;
    let associations = context.region.ec2.addresses.values();
    let mut associations = associations.filter_map(|address| address.association.as_ref());
    match associations.any(|association| association.id == id) {
        true => Err(Fault::new(
            "AuthFailure",
            "You do not have permission to access the specified resource.",
        )),
        false => Err(Fault::new(
            "InvalidAssociationID.NotFound",
            format!("The association ID '{id}' does not exist"),
        )),
    }
}

/// Only once nothing is mapped to it: after its NAT gateway is deleted, not deleting (aws-behaviour §2.5).
pub fn release(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let id = call.parameters().required_string("AllocationId")?;
    let addresses = &mut context.region.ec2.addresses;
    let address = addresses.get(id).ok_or_else(|| not_found(id))?;
    if address.association.is_some() {
        return Err(Fault::new(
            "InvalidIPAddress.InUse",
            format!("Address {} is in use.", address.public_ip),
        ));
    }
    addresses.remove(id);
    Ok(done())
}
