//! What does Route 53 keep? Hosted zones and their records. It belongs to no region.

mod change;
mod change_batch;
mod dns_name;
mod hosted_zone;
mod listing;
mod record;
#[cfg(test)]
mod tests;
mod zone_tags;
mod zone_vpcs;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use self::change::Change;
pub use self::{
    dns_name::DnsName,
    hosted_zone::{HostedZone, LinkedService, NewZone, ZoneVpc, establish},
    record::{Record, RecordKey},
};
use super::{dispatch::Operation, fault::Fault};

#[derive(Debug, Default, Serialize)]
pub struct Route53 {
    /// By identifier, without the `/hostedzone/` that answers put before it.
    pub hosted_zones: BTreeMap<String, HostedZone>,
    #[serde(skip)]
    changes: BTreeMap<String, Change>,
    /// Never forgotten, whatever becomes of the zone (aws-behaviour §2.12).
    #[serde(skip)]
    caller_references: BTreeSet<String>,
}

impl Route53 {
    pub fn zone(&self, id: &str) -> Result<&HostedZone, Fault> {
        self.hosted_zones
            .get(bare(id))
            .ok_or_else(|| hosted_zone::not_found(id))
    }

    pub fn zone_mut(&mut self, id: &str) -> Result<&mut HostedZone, Fault> {
        self.hosted_zones
            .get_mut(bare(id))
            .ok_or_else(|| hosted_zone::not_found(id))
    }

    /// The records of a name in the public zone that is responsible for it: the one with the longest matching name.
    pub fn public_records(&self, name: &DnsName) -> Vec<&Record> {
        resolve(
            self.hosted_zones.values().filter(|zone| !zone.is_private),
            name,
        )
    }

    /// The same among the private zones that a VPC sees.
    pub fn private_records(&self, vpc_id: &str, name: &DnsName) -> Vec<&Record> {
        let visible = self
            .hosted_zones
            .values()
            .filter(|zone| zone.is_private && zone.vpcs.iter().any(|vpc| vpc.id == vpc_id));
        resolve(visible, name)
    }
}

fn resolve<'a>(zones: impl Iterator<Item = &'a HostedZone>, name: &DnsName) -> Vec<&'a Record> {
    let responsible = zones
        .filter(|zone| name.is_within(&zone.name))
        .max_by_key(|zone| zone.name.text().len());
    let Some(zone) = responsible else {
        return Vec::new();
    };
    let named = |name: &DnsName| -> Vec<&'a Record> {
        zone.records
            .values()
            .filter(|record| record.name == *name)
            .collect()
    };
    // A wildcard stands for names that are not there themselves.
    let exact = named(name);
    match (exact.is_empty(), name.wildcard()) {
        (true, Some(wildcard)) => named(&wildcard),
        _ => exact,
    }
}

fn bare(id: &str) -> &str {
    id.trim_start_matches("/hostedzone/")
}

pub fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateHostedZone" => hosted_zone::create,
        "GetHostedZone" => hosted_zone::get,
        "UpdateHostedZoneComment" => hosted_zone::update_comment,
        "DeleteHostedZone" => hosted_zone::delete,
        "GetHostedZoneCount" => hosted_zone::count,
        "GetHostedZoneLimit" => hosted_zone::limit,
        "GetDNSSEC" => hosted_zone::get_dnssec,
        "ListHostedZones" => listing::zones,
        "ListHostedZonesByName" => listing::zones_by_name,
        "ListHostedZonesByVPC" => zone_vpcs::list_zones,
        "AssociateVPCWithHostedZone" => zone_vpcs::associate,
        "DisassociateVPCFromHostedZone" => zone_vpcs::disassociate,
        "ChangeResourceRecordSets" => change_batch::apply,
        "ListResourceRecordSets" => listing::records,
        "GetChange" => change::get,
        "ChangeTagsForResource" => zone_tags::change,
        "ListTagsForResource" => zone_tags::list,
        "ListTagsForResources" => zone_tags::list_many,
        _ => return None,
    })
}
