//! In what order and in which pages does Route 53 list? A page names the first item of the next one.

use serde_json::{Map, Value};

use super::{DnsName, HostedZone, RecordKey};
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    world::Context,
};

fn page_size(parameters: &Parameters<'_>, most: usize) -> Result<usize, Fault> {
    let asked = parameters.integer("maxitems")?;
    let size = asked.map_or(Ok(most), usize::try_from).unwrap_or(0);
    if size == 0 {
        return Err(Fault::new("InvalidInput", "MaxItems must be at least 1"));
    }
    Ok(size.min(most))
}

/// The page, and what comes first after it.
fn cut<T>(items: impl Iterator<Item = T>, size: usize) -> (Vec<T>, Option<T>) {
    let mut items = items;
    let page = items.by_ref().take(size).collect();
    (page, items.next())
}

fn text(value: &str) -> Value {
    Value::String(value.to_owned())
}

pub fn zones(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let size = page_size(&parameters, 100)?;
    let marker = parameters.string("marker").unwrap_or_default();
    let only_private = parameters.string("hostedzonetype") == Some("PrivateHostedZone");
    let zones = context.global.route53.hosted_zones.values();
    let asked_for = zones
        .filter(|zone| zone.id.as_str() >= super::bare(marker))
        .filter(|zone| zone.is_private || !only_private);
    let (page, next) = cut(asked_for, size);
    let mut answer = Map::new();
    answer.insert(
        "HostedZones".to_owned(),
        page.into_iter().map(HostedZone::to_value).collect(),
    );
    if !marker.is_empty() {
        answer.insert("Marker".to_owned(), text(marker));
    }
    answer.insert("IsTruncated".to_owned(), next.is_some().into());
    if let Some(next) = next {
        answer.insert("NextMarker".to_owned(), text(&next.id));
    }
    answer.insert("MaxItems".to_owned(), text(&size.to_string()));
    Ok(answer.into())
}

/// Not only the zones of the name asked for: those that come after it, too.
pub fn zones_by_name(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let size = page_size(&parameters, 100)?;
    let name = parameters.string("dnsname");
    let id = parameters.string("hostedzoneid").map(super::bare);
    let start = (
        name.map(|name| DnsName::new(name).reversed())
            .unwrap_or_default(),
        id.unwrap_or_default().to_owned(),
    );
    let mut zones: Vec<_> = context.global.route53.hosted_zones.values().collect();
    let key = |zone: &HostedZone| (zone.name.reversed(), zone.id.clone());
    zones.retain(|zone| key(zone) >= start);
    zones.sort_by_key(|zone| key(zone));
    let (page, next) = cut(zones.into_iter(), size);
    let mut answer = Map::new();
    answer.insert(
        "HostedZones".to_owned(),
        page.into_iter().map(HostedZone::to_value).collect(),
    );
    if let Some(name) = name {
        answer.insert("DNSName".to_owned(), text(name));
    }
    if let Some(id) = id {
        answer.insert("HostedZoneId".to_owned(), text(id));
    }
    answer.insert("IsTruncated".to_owned(), next.is_some().into());
    if let Some(next) = next {
        answer.insert("NextDNSName".to_owned(), text(next.name.text()));
        answer.insert("NextHostedZoneId".to_owned(), text(&next.id));
    }
    answer.insert("MaxItems".to_owned(), text(&size.to_string()));
    Ok(answer.into())
}

pub fn records(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let size = page_size(&parameters, 300)?;
    let zone = context
        .global
        .route53
        .zone(parameters.required_string("Id")?)?;
    let kind = parameters.string("type");
    let start = match (parameters.string("name"), kind) {
        (Some(name), _) => Some(RecordKey::new(
            &DnsName::new(name),
            kind.unwrap_or_default(),
            parameters.string("identifier"),
        )),
        (None, None) => None,
        (None, Some(_)) => {
            return Err(Fault::new(
                "InvalidInput",
                "The input is not valid: a type needs a name to start from",
            ));
        }
    };
    let asked_for = zone
        .records
        .iter()
        .filter(|(key, _)| start.as_ref().is_none_or(|start| *key >= start));
    let (page, next) = cut(asked_for.map(|(_, record)| record), size);
    let mut answer = Map::new();
    answer.insert(
        "ResourceRecordSets".to_owned(),
        page.into_iter().map(|record| record.to_value()).collect(),
    );
    answer.insert("IsTruncated".to_owned(), next.is_some().into());
    if let Some(next) = next {
        answer.insert("NextRecordName".to_owned(), text(next.name.text()));
        answer.insert("NextRecordType".to_owned(), text(&next.kind));
        if let Some(identifier) = &next.set_identifier {
            answer.insert("NextRecordIdentifier".to_owned(), text(identifier));
        }
    }
    answer.insert("MaxItems".to_owned(), text(&size.to_string()));
    Ok(answer.into())
}
