//! Which instances does Cloud Map have of each name, and which addresses does DNS give for it?

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::aws::cloud_map::{address_of, health_of, instances_of};
use crate::aws::{AddressRecord, Aws, address_records};
use crate::resource::CallError;

/// A name by which a service is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Name {
    /// As the stack file calls the service.
    pub service: String,
    /// `backend.ecs-navi.local`.
    pub name: String,
    /// Cloud Map's, once it exists.
    #[serde(skip)]
    pub service_id: Option<String>,
    /// Of the namespace, once it exists.
    #[serde(skip)]
    pub zone_id: Option<String>,
}

/// What stands behind a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NameNow {
    /// As the stack file calls the service.
    pub service: String,
    /// `backend.ecs-navi.local`.
    pub name: String,
    /// In seconds; none without a record.
    pub ttl: Option<i64>,
    /// By address.
    pub entries: Vec<Entry>,
}

/// One address, with what Cloud Map and what DNS know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// IPv4.
    pub address: String,
    /// None where DNS gives an address that nothing is registered with.
    pub instance: Option<String>,
    /// As Cloud Map says it: `HEALTHY`, `UNHEALTHY`; none where it doesn't say.
    pub health: Option<String>,
    /// Whether DNS gives it.
    pub a_record: bool,
}

/// Looks at names that exist. Those of one namespace share one listing of its zone: Route 53 answers five requests a
/// second (aws-behaviour §4).
pub async fn names_now(aws: &Aws, names: &[Name]) -> Result<Vec<NameNow>, CallError> {
    let zone_ids: BTreeSet<&str> = names
        .iter()
        .filter_map(|one| one.zone_id.as_deref())
        .collect();
    let mut zones: BTreeMap<&str, Vec<AddressRecord>> = BTreeMap::new();
    for zone_id in zone_ids {
        zones.insert(zone_id, address_records(aws, zone_id).await?);
    }
    let none = Vec::new();
    let looks = names.iter().filter_map(|one| {
        let service_id = one.service_id.as_deref()?;
        let zone = one.zone_id.as_deref().and_then(|id| zones.get(id));
        Some(look(aws, one, service_id, zone.unwrap_or(&none)))
    });
    futures::future::try_join_all(looks).await
}

async fn look(
    aws: &Aws,
    name: &Name,
    service_id: &str,
    zone: &[AddressRecord],
) -> Result<NameNow, CallError> {
    let (instances, health) =
        futures::try_join!(instances_of(aws, service_id), health_of(aws, service_id))?;
    let registered = instances
        .iter()
        .map(|instance| {
            let id = instance.id.clone().unwrap_or_default();
            let health = health.get(&id).map(|health| health.as_str().to_owned());
            let address = address_of(instance).cloned().unwrap_or_default();
            (address, id, health)
        })
        .collect();
    Ok(side_by_side(name, registered, zone))
}

fn side_by_side(
    name: &Name,
    registered: Vec<(String, String, Option<String>)>,
    zone: &[AddressRecord],
) -> NameNow {
    // Cloud Map makes a set of its own for each instance (article, "Aレコード作成").
    let records: Vec<&AddressRecord> = zone
        .iter()
        .filter(|record| record.name == name.name)
        .collect();
    let mut given: BTreeSet<&str> = records
        .iter()
        .map(|record| record.address.as_str())
        .collect();
    let mut entries: Vec<Entry> = registered
        .into_iter()
        .map(|(address, instance, health)| Entry {
            a_record: given.remove(address.as_str()),
            address,
            instance: Some(instance),
            health,
        })
        .collect();
    entries.extend(given.into_iter().map(|address| Entry {
        address: address.to_owned(),
        instance: None,
        health: None,
        a_record: true,
    }));
    entries.sort_by_key(|entry| entry.address.parse::<std::net::Ipv4Addr>().ok());
    NameNow {
        service: name.service.clone(),
        name: name.name.clone(),
        ttl: records.first().and_then(|record| record.ttl),
        entries,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, address: &str) -> AddressRecord {
        AddressRecord {
            name: name.to_owned(),
            address: address.to_owned(),
            ttl: Some(60),
        }
    }

    #[test]
    fn instances_and_records_meet_by_their_address() {
        let backend = Name {
            service: "backend".to_owned(),
            name: "backend.ecs-navi.local".to_owned(),
            service_id: Some("srv-1".to_owned()),
            zone_id: Some("Z1".to_owned()),
        };
        let zone = [
            record("backend.ecs-navi.local", "10.0.11.82"),
            record("backend.ecs-navi.local", "10.0.9.9"),
            record("other.ecs-navi.local", "10.0.10.7"),
        ];
        let unhealthy = Some("UNHEALTHY".to_owned());
        let registered = vec![
            ("10.0.11.120".to_owned(), "task-c".to_owned(), unhealthy),
            ("10.0.11.82".to_owned(), "task-b".to_owned(), None),
        ];
        let found = side_by_side(&backend, registered, &zone);
        let entry = |address: &str, instance: Option<&str>, health: Option<&str>, a_record| Entry {
            address: address.to_owned(),
            instance: instance.map(str::to_owned),
            health: health.map(str::to_owned),
            a_record,
        };
        assert_eq!(found.ttl, Some(60));
        assert_eq!(
            found.entries,
            [
                entry("10.0.9.9", None, None, true),
                entry("10.0.11.82", Some("task-b"), None, true),
                entry("10.0.11.120", Some("task-c"), Some("UNHEALTHY"), false),
            ]
        );
    }
}
