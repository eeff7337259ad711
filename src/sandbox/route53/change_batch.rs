//! What is a change batch? All of its changes happen, or none (aws-behaviour §2.12).

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde_json::{Value, json};

use super::{DnsName, HostedZone, Record, RecordKey, Route53, change};
use crate::sandbox::{
    call::{Call, Parameters},
    elb,
    fault::Fault,
    world::Context,
};

pub fn apply(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = parameters.required_string("Id")?;
    let batch = parameters
        .structure("ChangeBatch")
        .ok_or_else(|| call.service.missing_parameter("changeBatch"))?;
    let changes = batch.list("Changes");
    if changes.is_empty() {
        return Err(call.service.missing_parameter("changeBatch.changes"));
    }
    let route53 = &context.global.route53;
    let zone = route53.zone(id)?;
    zone.refuse_if_linked()?;
    let mut records = zone.records.clone();
    let mut refusals = Vec::new();
    for change in &changes {
        let asked = Asked::read(change)?;
        match asked.problem(route53, zone, &records) {
            Some(refusal) => refusals.push(refusal),
            None => asked.apply(&mut records),
        }
    }
    if refusals.is_empty() {
        refusals = conflicts(zone, &records);
    }
    if !refusals.is_empty() {
        return Err(Fault::new(
            "InvalidChangeBatch",
            format!("[{}]", refusals.join(", ")),
        ));
    }
    context.global.route53.zone_mut(id)?.records = records;
    Ok(json!({"ChangeInfo": change::submit(context, batch.string("Comment"))}))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Create,
    Upsert,
    Delete,
}

struct Asked {
    action: Action,
    record: Record,
}

impl Asked {
    fn read(change: &Parameters<'_>) -> Result<Self, Fault> {
        let action = match change.required_string("Action")? {
            "CREATE" => Action::Create,
            "UPSERT" => Action::Upsert,
            "DELETE" => Action::Delete,
            other => {
                return Err(Fault::new(
                    "InvalidInput",
                    format!(
                        "1 validation error detected: Value '{other}' at 'changeBatch.changes.1.member.action' failed to satisfy constraint: Member must satisfy enum value set: [CREATE, DELETE, UPSERT]"
                    ),
                ));
            }
        };
        let set = change.structure("ResourceRecordSet").ok_or_else(|| {
            Fault::new(
                "InvalidInput",
                "Invalid XML ; a change needs a ResourceRecordSet",
            )
        })?;
        let record = Record::read(&set)?;
        if record.alias.is_none() && record.ttl.is_none() {
            let spelled = format!(
                "Action={}, Name={}, Type={}, SetIdentifier={}",
                change.required_string("Action")?,
                record.name.text(),
                record.kind,
                record.set_identifier.as_deref().unwrap_or("null"),
            );
            return Err(Fault::new(
                "InvalidInput",
                format!("Invalid request: Missing field 'TTL' in Change with [{spelled}]"),
            ));
        }
        Ok(Self { action, record })
    }

    fn problem(
        &self,
        route53: &Route53,
        zone: &HostedZone,
        records: &BTreeMap<RecordKey, Record>,
    ) -> Option<String> {
        let Record { name, kind, .. } = &self.record;
        if !name.is_within(&zone.name) {
            return Some(format!(
                "RRSet with DNS name {} is not permitted in zone {}",
                name.text(),
                zone.name.text()
            ));
        }
        let spelled = match &self.record.set_identifier {
            None => format!("[name='{}', type='{kind}']", name.text()),
            Some(set) => format!(
                "[name='{}', type='{kind}', set-identifier='{set}']",
                name.text()
            ),
        };
        let existing = records.get(&self.record.key());
        match (self.action, existing) {
            (Action::Create, Some(_)) => Some(format!(
                "Tried to create resource record set {spelled} but it already exists"
            )),
            (Action::Delete, None) => Some(format!(
                "Tried to delete resource record set {spelled} but it was not found"
            )),
            (Action::Delete, Some(existing)) if !existing.says_the_same_as(&self.record) => {
                Some(format!(
                    "Tried to delete resource record set {spelled} but the values provided do not match the current values"
                ))
            }
            (Action::Delete, Some(existing)) if zone.is_own_record(existing) => {
                Some(if kind == "NS" {
                    "A HostedZone must contain at least one NS record for the zone itself."
                        .to_owned()
                } else {
                    "A HostedZone must contain exactly one SOA record.".to_owned()
                })
            }
            (Action::Delete, Some(_)) => None,
            (Action::Create | Action::Upsert, _) => self.value_problem(route53),
        }
    }

    fn value_problem(&self, route53: &Route53) -> Option<String> {
        let Record {
            kind,
            values,
            alias,
            ..
        } = &self.record;
        if let Some(target) = alias {
            return alias_problem(route53, &target.zone_id, &target.name, kind);
        }
        let problem = |problem: &str, value: &str| {
            Some(format!(
                "Invalid Resource Record: 'FATAL problem: {problem} encountered with '{value}''"
            ))
        };
        for value in values {
            match kind.as_str() {
                "A" if value.parse::<Ipv4Addr>().is_err() => {
                    return problem(
                        "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)",
                        value,
                    );
                }
                "TXT" if !(value.starts_with('"') && value.ends_with('"')) => {
                    return problem(
                        "InvalidCharacterString (Value should be enclosed in quotation marks)",
                        value,
                    );
                }
                "CNAME" if !DnsName::new(value).is_valid() => {
                    return problem("DomainLabelEmpty (Domain label is empty)", value);
                }
                _ => {}
            }
        }
        if kind == "CNAME" && values.len() > 1 {
            return Some("Invalid Resource Record: 'FATAL problem: CNAMERRDATAMultipleValues (A CNAME record can have only one value)'".to_owned());
        }
        if values.is_empty() {
            return Some(
                "Invalid Resource Record: 'FATAL problem: RRDATANotFound (No resource records)'"
                    .to_owned(),
            );
        }
        None
    }

    fn apply(self, records: &mut BTreeMap<RecordKey, Record>) {
        match self.action {
            Action::Delete => {
                records.remove(&self.record.key());
            }
            Action::Create | Action::Upsert => {
                records.insert(self.record.key(), self.record);
            }
        }
    }
}

/// An alias leads to a name in the target's zone. Of a load balancer only the name is asked, not whether it exists or is active
/// (aws-behaviour §1 row 20).
fn alias_problem(route53: &Route53, zone_id: &str, target: &DnsName, kind: &str) -> Option<String> {
    let outside = Some(format!(
        "Tried to create an alias that targets {}, type {kind} in zone {zone_id}, but the alias target name does not lie within the target zone",
        target.text()
    ));
    if let Some(domain) = elb::domain_of_zone(zone_id) {
        return if target.is_within(&DnsName::new(&domain)) {
            None
        } else {
            outside
        };
    }
    let Ok(zone) = route53.zone(zone_id) else {
        return outside;
    };
    if !target.is_within(&zone.name) {
        return outside;
    }
    let exists = zone
        .records
        .values()
        .any(|record| record.name == *target && record.kind == kind);
    (!exists).then(|| {
        format!(
            "Tried to create an alias that targets {}, type {kind} in zone {zone_id}, but that target was not found",
            target.text()
        )
    })
}

/// A CNAME stands alone under its name, and never at the top of a zone.
fn conflicts(zone: &HostedZone, records: &BTreeMap<RecordKey, Record>) -> Vec<String> {
    records
        .values()
        .filter(|record| record.kind == "CNAME")
        .filter_map(|record| {
            let name = record.name.text();
            if record.name == zone.name {
                return Some(format!(
                    "RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {name}"
                ));
            }
            records
                .values()
                .any(|other| other.name == record.name && other.kind != "CNAME")
                .then(|| {
                    format!(
                        "RRSet of type CNAME with DNS name {name} is not permitted as it conflicts with other records with the same DNS name in zone {}",
                        zone.name.text()
                    )
                })
        })
        .collect()
}
