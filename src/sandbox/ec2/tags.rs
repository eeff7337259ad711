//! How are tags added to what exists, removed, and listed over all kinds?

use serde_json::{Value, json};

use super::{
    describe::{Filters, page, page_size},
    elastic_ip, internet_gateway, nat_gateway, network_acl, network_interface, request,
    route_table, security_group, security_group_rule,
    state::Ec2,
    subnet, vpc, vpc_endpoint,
};
use crate::sandbox::{call::Call, fault::Fault, tags::Tags, world::Context};

pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let ids = required_ids(call)?;
    let added =
        Tags::from_list(&parameters.list("Tag"), "Key", "Value").map_err(request::invalid_tags)?;
    if added.is_empty() {
        return Err(call.service.missing_parameter("Tag"));
    }
    let ec2 = &mut context.region.ec2;
    for id in &ids {
        let mut merged = ec2.tags_of(id)?.clone();
        merged.merge(&added).map_err(request::invalid_tags)?;
    }
    for id in &ids {
        ec2.tags_of(id)?
            .merge(&added)
            .map_err(request::invalid_tags)?;
    }
    Ok(request::done())
}

/// Without tags all go; with a value only a tag of that value; what isn't there is no error.
pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let removed = call.parameters().list("Tag");
    for id in required_ids(call)? {
        let tags = context.region.ec2.tags_of(id)?;
        if removed.is_empty() {
            *tags = Tags::default();
        }
        for tag in &removed {
            let key = tag.required_string("Key")?;
            let value = tag.string("Value");
            if value.is_none() || value == tags.get(key) {
                tags.remove(key);
            }
        }
    }
    Ok(request::done())
}

fn required_ids(call: &Call) -> Result<Vec<&str>, Fault> {
    let ids = call.parameters().strings("ResourceId");
    if ids.is_empty() {
        return Err(call.service.missing_parameter("ResourceId"));
    }
    Ok(ids)
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let size = page_size(&parameters)?;
    let filters = Filters::of(&parameters)?;
    let mut found = Vec::new();
    for (resource_type, id, tags) in context.region.ec2.all_tags() {
        for (key, value) in tags.iter() {
            let is_wanted = filters.matches(|filter| {
                let text = match filter {
                    "resource-id" => id,
                    "resource-type" => resource_type,
                    "key" => key,
                    "value" => value,
                    _ => match filter.strip_prefix("tag:") {
                        Some(name) if name == key => value,
                        Some(_) => return Some(Vec::new()),
                        None => return None,
                    },
                };
                Some(vec![text.to_owned()])
            })?;
            if is_wanted {
                found.push((
                    format!("{id}/{key}"),
                    json!({"resourceId": id, "resourceType": resource_type, "key": key, "value": value}),
                ));
            }
        }
    }
    found.sort_by(|(left, _), (right, _)| left.cmp(right));
    page(&parameters, "tagSet", found, size)
}

/// One line per kind that takes tags: prefix of its identifiers, AWS's name for it, where they are kept, how its absence is told.
macro_rules! taggable_kinds {
    ($($prefix:literal $resource_type:literal $map:ident $not_found:path;)*) => {
        impl Ec2 {
            fn tags_of(&mut self, id: &str) -> Result<&mut Tags, Fault> {
                let prefix = id.split_once('-').map_or("", |(prefix, _)| prefix);
                match prefix {
                    $($prefix => self.$map.get_mut(id).map(|thing| &mut thing.tags).ok_or_else(|| $not_found(id)),)*
                    _ => Err(Fault::new("InvalidID", format!("The ID '{id}' is not valid"))),
                }
            }

            /// AWS's name for the kind, the identifier and the tags of everything that takes some.
            pub fn all_tags(&self) -> Vec<(&'static str, &str, &Tags)> {
                let mut all = Vec::new();
                $(all.extend(self.$map.iter().map(|(id, thing)| ($resource_type, id.as_str(), &thing.tags)));)*
                all
            }
        }
    };
}

taggable_kinds! {
    "vpc" "vpc" vpcs vpc::not_found;
    "subnet" "subnet" subnets subnet::not_found;
    "igw" "internet-gateway" internet_gateways internet_gateway::not_found;
    "eipalloc" "elastic-ip" addresses elastic_ip::not_found;
    "nat" "natgateway" nat_gateways nat_gateway::not_found;
    "rtb" "route-table" route_tables route_table::not_found;
    "sg" "security-group" security_groups security_group::not_found;
    "sgr" "security-group-rule" security_group_rules security_group_rule::not_found;
    "eni" "network-interface" network_interfaces network_interface::not_found;
    "acl" "network-acl" network_acls network_acl::not_found;
    "vpce" "vpc-endpoint" vpc_endpoints vpc_endpoint::not_found;
}
