//! What is a hosted zone? Who answers for a domain name, to the world or to a few VPCs.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{DnsName, Record, RecordKey, change};
use crate::sandbox::{call::Call, fault::Fault, tags::Tags, world::Context};

/// The account's default quota (aws-behaviour §5).
const MOST_ZONES: usize = 500;
const MOST_RECORDS: usize = 10_000;

#[derive(Debug, Serialize)]
pub struct HostedZone {
    pub id: String,
    pub name: DnsName,
    pub caller_reference: String,
    pub comment: Option<String>,
    pub is_private: bool,
    pub vpcs: Vec<ZoneVpc>,
    pub linked_service: Option<LinkedService>,
    pub name_servers: Vec<String>,
    pub records: BTreeMap<RecordKey, Record>,
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ZoneVpc {
    pub region: String,
    pub id: String,
}

/// The service that made the zone and alone may change it.
#[derive(Clone, Debug, Serialize)]
pub struct LinkedService {
    pub principal: String,
    /// The ARN of what it made the zone for.
    pub resource: String,
}

/// What a zone is made from.
pub struct NewZone {
    pub name: DnsName,
    pub caller_reference: String,
    pub comment: Option<String>,
    pub vpcs: Vec<ZoneVpc>,
    pub is_private: bool,
    pub linked_service: Option<LinkedService>,
    pub negative_ttl: i64,
}

impl HostedZone {
    pub fn to_value(&self) -> Value {
        let mut config = Map::new();
        if let Some(comment) = &self.comment {
            config.insert("Comment".to_owned(), json!(comment));
        }
        config.insert("PrivateZone".to_owned(), json!(self.is_private));
        let linked = self.linked_service.as_ref().map(|linked| {
            json!({
                "ServicePrincipal": linked.principal,
                "Description": format!("Created by AWS Cloud Map namespace with ARN {}", linked.resource),
            })
        });
        json!({
            "Id": format!("/hostedzone/{}", self.id),
            "Name": self.name,
            "CallerReference": self.caller_reference,
            "Config": config,
            "ResourceRecordSetCount": self.records.len(),
            "LinkedService": linked,
        })
    }

    /// A private zone has VPCs, a public one a delegation set.
    fn surroundings(&self) -> (Value, Value) {
        if self.is_private {
            let vpcs: Value = self
                .vpcs
                .iter()
                .map(|vpc| json!({"VPCRegion": vpc.region, "VPCId": vpc.id}))
                .collect();
            (Value::Null, vpcs)
        } else {
            (json!({"NameServers": self.name_servers}), Value::Null)
        }
    }

    /// Its own NS and SOA records, which come and go with it.
    pub fn is_own_record(&self, record: &Record) -> bool {
        record.name == self.name && matches!(record.kind.as_str(), "NS" | "SOA")
    }

    /// The zone of a namespace is changed through Cloud Map (aws-behaviour §2.12, "Cloud Map zones").
    pub fn refuse_if_linked(&self) -> Result<(), Fault> {
        match &self.linked_service {
            None => Ok(()),
            Some(linked) => Err(Fault::new(
                "AccessDenied",
                format!(
                    "The resource hostedzone/{} can only be managed through AWS Cloud Map ({})",
                    self.id, linked.resource
                ),
            )
            .with_status(403)),
        }
    }

    pub fn insert(&mut self, record: Record) {
        self.records.insert(record.key(), record);
    }

    /// What Cloud Map does when a namespace is to remember missing names for another time.
    pub fn set_soa_ttl(&mut self, ttl: i64) {
        for record in self.records.values_mut() {
            if record.kind == "SOA" {
                record.ttl = Some(ttl);
            }
        }
    }

    fn add_own_records(&mut self, negative_ttl: i64) {
        let own = |kind: &str, ttl: i64, values: Vec<String>| Record {
            name: self.name.clone(),
            kind: kind.to_owned(),
            set_identifier: None,
            routing: Map::new(),
            ttl: Some(ttl),
            values,
            alias: None,
        };
        let first = self.name_servers.first().cloned().unwrap_or_default();
        let authority =
            format!("{first}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 {negative_ttl}");
        let servers = self
            .name_servers
            .iter()
            .map(|server| format!("{server}."))
            .collect();
        let records = [
            own("NS", 172_800, servers),
            own(
                "SOA",
                if self.linked_service.is_some() {
                    negative_ttl
                } else {
                    900
                },
                vec![authority],
            ),
        ];
        records.into_iter().for_each(|record| self.insert(record));
    }
}

pub fn not_found(id: &str) -> Fault {
    Fault::new(
        "NoSuchHostedZone",
        format!("No hosted zone found with ID: {}", super::bare(id)),
    )
    .with_status(404)
}

/// A VPC can see only one private zone of a name.
pub fn conflicting<'a>(
    zones: impl IntoIterator<Item = &'a HostedZone>,
    name: &DnsName,
    vpc: &ZoneVpc,
) -> Option<Fault> {
    zones
        .into_iter()
        .find(|zone| zone.is_private && zone.name == *name && zone.vpcs.contains(vpc))
        .map(|zone| {
            Fault::new(
                "ConflictingDomainExists",
                format!(
                    "The VPC {} in region {} has already been associated with the hosted zone {} with the same domain name.",
                    vpc.id, vpc.region, zone.id
                ),
            )
        })
}

/// Makes a zone with its NS and SOA records; the identifier comes back. Used by Cloud Map too.
pub fn establish(context: &mut Context<'_>, new: NewZone) -> Result<String, Fault> {
    let zones = &context.global.route53.hosted_zones;
    for vpc in &new.vpcs {
        if let Some(conflict) = conflicting(zones.values(), &new.name, vpc) {
            return Err(conflict);
        }
    }
    if zones.len() >= MOST_ZONES {
        return Err(Fault::new(
            "TooManyHostedZones",
            "You have reached the limit on the number of hosted zones that can be created with the current AWS account.",
        ));
    }
    let servers = if new.is_private {
        ["com", "net", "org", "co.uk"]
            .map(|domain| {
                format!(
                    "ns-{}.awsdns-00.{domain}",
                    if domain == "co.uk" { 1536 } else { 0 }
                )
            })
            .to_vec()
    } else {
        let mut server = |domain| {
            format!(
                "ns-{}.awsdns-{:02}.{domain}",
                context.ids.below(2048),
                context.ids.below(64)
            )
        };
        ["com", "net", "org", "co.uk"].map(&mut server).to_vec()
    };
    let mut zone = HostedZone {
        id: format!("Z{}", context.ids.capitals(20)),
        name: new.name,
        caller_reference: new.caller_reference,
        comment: new.comment,
        is_private: new.is_private,
        vpcs: new.vpcs,
        linked_service: new.linked_service,
        name_servers: servers,
        records: BTreeMap::new(),
        tags: Tags::default(),
    };
    zone.add_own_records(new.negative_ttl);
    let id = zone.id.clone();
    context.global.route53.hosted_zones.insert(id.clone(), zone);
    Ok(id)
}

/// Names may be taken twice; the caller reference may not, ever (aws-behaviour §2.12).
pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let name = DnsName::new(parameters.required_string("Name")?);
    let reference = parameters.required_string("CallerReference")?;
    if !name.is_valid() {
        return Err(Fault::new(
            "InvalidDomainName",
            format!("{} is not a valid domain name", name.text()),
        ));
    }
    if context.global.route53.caller_references.contains(reference) {
        return Err(Fault::new(
            "HostedZoneAlreadyExists",
            "A hosted zone has already been created with the specified caller reference.",
        )
        .with_status(409));
    }
    let vpcs = match parameters.structure("VPC") {
        None => Vec::new(),
        Some(vpc) => vec![ZoneVpc {
            region: vpc.required_string("VPCRegion")?.to_owned(),
            id: vpc.required_string("VPCId")?.to_owned(),
        }],
    };
    let comment = parameters
        .structure("HostedZoneConfig")
        .and_then(|config| config.string("Comment"));
    let id = establish(
        context,
        NewZone {
            name,
            caller_reference: reference.to_owned(),
            comment: comment.map(str::to_owned),
            is_private: !vpcs.is_empty(),
            vpcs,
            linked_service: None,
            negative_ttl: 86_400,
        },
    )?;
    context
        .global
        .route53
        .caller_references
        .insert(reference.to_owned());
    let change = change::submit(context, None);
    let zone = context.global.route53.zone(&id)?;
    let (delegation_set, vpcs) = zone.surroundings();
    Ok(json!({
        "HostedZone": zone.to_value(),
        "ChangeInfo": change,
        "DelegationSet": delegation_set,
        "VPC": vpcs.get(0),
        "Location": format!("https://route53.amazonaws.com/2013-04-01/hostedzone/{id}"),
    }))
}

pub fn get(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let zone = context
        .global
        .route53
        .zone(call.parameters().required_string("Id")?)?;
    let (delegation_set, vpcs) = zone.surroundings();
    Ok(json!({
        "HostedZone": zone.to_value(),
        "DelegationSet": delegation_set,
        "VPCs": vpcs,
    }))
}

pub fn update_comment(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let zone = context
        .global
        .route53
        .zone_mut(parameters.required_string("Id")?)?;
    zone.refuse_if_linked()?;
    zone.comment = parameters.string("Comment").map(str::to_owned);
    Ok(json!({"HostedZone": zone.to_value()}))
}

pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let id = call.parameters().required_string("Id")?;
    let zone = context.global.route53.zone(id)?;
    zone.refuse_if_linked()?;
    if !zone
        .records
        .values()
        .all(|record| zone.is_own_record(record))
    {
        return Err(Fault::new(
            "HostedZoneNotEmpty",
            "The specified hosted zone contains non-required resource record sets and so cannot be deleted.",
        ));
    }
    let id = zone.id.clone();
    context.global.route53.hosted_zones.remove(&id);
    Ok(json!({"ChangeInfo": change::submit(context, None)}))
}

pub fn count(context: &mut Context<'_>, _call: &Call) -> Result<Value, Fault> {
    Ok(json!({"HostedZoneCount": context.global.route53.hosted_zones.len()}))
}

pub fn limit(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let zone = context
        .global
        .route53
        .zone(parameters.required_string("Id")?)?;
    let kind = parameters.required_string("Type")?;
    let (most, count) = match kind {
        "MAX_RRSETS_BY_ZONE" => (MOST_RECORDS, zone.records.len()),
        "MAX_VPCS_ASSOCIATED_BY_ZONE" => (300, zone.vpcs.len()),
        _ => {
            return Err(Fault::new(
                "InvalidInput",
                format!("Invalid limit type {kind}"),
            ));
        }
    };
    Ok(json!({"Limit": {"Type": kind, "Value": most}, "Count": count}))
}

pub fn get_dnssec(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    context
        .global
        .route53
        .zone(call.parameters().required_string("Id")?)?;
    Ok(json!({"Status": {"ServeSignature": "NOT_SIGNING"}, "KeySigningKeys": []}))
}
