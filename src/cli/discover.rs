//! `navi discover`: which instances does Cloud Map have of each name, and which addresses does DNS give for it?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use aws_sdk_route53::types::{ResourceRecordSet, RrType};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::arguments::GlobalOptions;
use super::error::CommandError;
use super::reading::{self, Reading};
use super::stack_file::StackChoice;
use super::{exit_code, output};
use crate::aws::cloud_map::{address_of, health_of, instances_of};
use crate::aws::{Aws, canonical_name, fresh_zone_records};
use crate::kinds::discovery_service::{DiscoveryService, DiscoveryServiceOutputs};
use crate::kinds::namespace::{Namespace, NamespaceOutputs};
use crate::observe::ObserveError;
use crate::report::{Palette, counted};
use crate::resource::{CallError, Resource};
use crate::state::State;

/// Show the instances that services are found by, beside the A records of their names
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It reads AWS and changes nothing; it needs no stack file. An instance has the ID of its task.

Examples:
  navi discover
  navi discover backend
  navi discover backend.ecs-navi.local --output json")]
pub struct DiscoverArguments {
    /// Only this service, as the stack file calls it, or this name
    name: Option<String>,

    #[command(flatten)]
    stack: StackChoice,
}

/// A name as the state records it.
#[derive(Debug)]
struct Recorded {
    service: String,
    name: String,
    service_id: String,
    zone_id: Option<String>,
}

/// What stands behind a name.
#[derive(Debug, Serialize)]
struct Discovered {
    service: String,
    name: String,
    /// In seconds; none without a record.
    ttl: Option<i64>,
    entries: Vec<Entry>,
}

/// One address, with what Cloud Map and what DNS know of it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Entry {
    address: String,
    /// None where DNS gives an address that nothing is registered with.
    instance: Option<String>,
    /// As Cloud Map says it: `HEALTHY`, `UNHEALTHY`; none where it doesn't say.
    health: Option<String>,
    a_record: bool,
}

pub async fn run(
    global: &GlobalOptions,
    arguments: &DiscoverArguments,
) -> Result<u8, CommandError> {
    let Reading {
        chosen,
        session,
        connection,
        ..
    } = reading::begin(global, &arguments.stack).await?;
    let recorded = chosen_names(
        session.with_state(recorded_names),
        arguments.name.as_deref(),
        &chosen.name,
    )?;
    let looked = look(&connection.aws, &recorded).await;
    let names = looked.map_err(ObserveError::Call)?;
    if global.json() {
        output::document(&json!({
            "stack": chosen.name,
            "account": connection.account,
            "region": connection.region,
            "names": names,
        }))?;
    } else if names.is_empty() {
        output::notice(&format!(
            "no service of {} has a name in Cloud Map",
            chosen.name
        ));
    } else {
        output::data(&text(&names, &Palette::for_stdout()))?;
    }
    Ok(exit_code::DONE)
}

/// Every name that the stack's services are found by, in the order of their addresses.
fn recorded_names(state: &State) -> Vec<Recorded> {
    state
        .resources
        .iter()
        .filter(|(address, _)| address.kind() == DiscoveryService::KIND && !address.is_deposed())
        .filter_map(|(address, record)| {
            let spec: DiscoveryService = read(&record.spec)?;
            let outputs: DiscoveryServiceOutputs = read(&record.outputs)?;
            let namespace = state.resources.get(spec.namespace.address())?;
            let space: Namespace = read(&namespace.spec)?;
            let space_outputs: NamespaceOutputs = read(&namespace.outputs)?;
            Some(Recorded {
                service: address.name().to_owned(),
                name: format!("{}.{}", spec.name, space.name),
                service_id: outputs.service_id,
                zone_id: space_outputs.hosted_zone_id,
            })
        })
        .collect()
}

fn read<T: DeserializeOwned>(value: &serde_json::Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

fn chosen_names(
    names: Vec<Recorded>,
    only: Option<&str>,
    stack: &str,
) -> Result<Vec<Recorded>, CommandError> {
    let Some(only) = only else {
        return Ok(names);
    };
    let called = canonical_name(only);
    let (found, others): (Vec<_>, Vec<_>) = names
        .into_iter()
        .partition(|one| one.service == only || one.name == called);
    match found.is_empty() {
        true => Err(CommandError::UnknownService {
            name: only.to_owned(),
            stack: stack.to_owned(),
            known: others.into_iter().map(|other| other.service).collect(),
        }),
        false => Ok(found),
    }
}

/// Names of one namespace share one listing of its zone: Route 53 answers five requests a second (aws-behaviour §4).
async fn look(aws: &Aws, recorded: &[Recorded]) -> Result<Vec<Discovered>, CallError> {
    let zone_ids: BTreeSet<&str> = recorded
        .iter()
        .filter_map(|one| one.zone_id.as_deref())
        .collect();
    let mut zones: BTreeMap<&str, Vec<ResourceRecordSet>> = BTreeMap::new();
    for zone_id in zone_ids {
        let records = fresh_zone_records(aws, zone_id).await?;
        zones.insert(zone_id, records.unwrap_or_default());
    }
    let none = Vec::new();
    let looks = recorded.iter().map(async |one| {
        let zone = one.zone_id.as_deref().and_then(|id| zones.get(id));
        let (instances, health) = futures::try_join!(
            instances_of(aws, &one.service_id),
            health_of(aws, &one.service_id)
        )?;
        let registered = instances
            .iter()
            .map(|instance| {
                let id = instance.id.clone().unwrap_or_default();
                let health = health.get(&id).map(|health| health.as_str().to_owned());
                let address = address_of(instance).cloned().unwrap_or_default();
                (address, id, health)
            })
            .collect();
        let records = records_of(&one.name, zone.unwrap_or(&none));
        Ok::<_, CallError>(side_by_side(one, registered, &records))
    });
    futures::future::try_join_all(looks).await
}

/// The A records of the name: Cloud Map makes a set of its own for each instance (article, "Aレコード作成").
fn records_of<'a>(name: &str, zone: &'a [ResourceRecordSet]) -> Vec<&'a ResourceRecordSet> {
    zone.iter()
        .filter(|record| *record.r#type() == RrType::A && canonical_name(record.name()) == name)
        .collect()
}

fn side_by_side(
    recorded: &Recorded,
    registered: Vec<(String, String, Option<String>)>,
    records: &[&ResourceRecordSet],
) -> Discovered {
    let mut given: BTreeSet<&str> = records
        .iter()
        .flat_map(|record| record.resource_records())
        .map(|record| record.value())
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
    Discovered {
        service: recorded.service.clone(),
        name: recorded.name.clone(),
        ttl: records.first().and_then(|record| record.ttl()),
        entries,
    }
}

fn text(names: &[Discovered], palette: &Palette) -> String {
    let Palette {
        heading,
        faint,
        warning,
        ..
    } = palette;
    let mut text = String::new();
    for (index, found) in names.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        let _ = write!(text, "{gap}{heading}{}{heading:#}", found.name);
        if let Some(ttl) = found.ttl {
            let _ = write!(text, "  {faint}answers may be kept for {ttl} s{faint:#}");
        }
        let _ = writeln!(
            text,
            "\n  {faint}{:<15}  {:<8}  {:<9}  instance{faint:#}",
            "address", "A record", "health"
        );
        for entry in &found.entries {
            let health = entry.health.as_deref().unwrap_or("-");
            let instance = entry.instance.as_deref();
            let style = match entry.a_record && instance.is_some() {
                true => anstyle::Style::new(),
                false => *warning,
            };
            let _ = writeln!(
                text,
                "  {style}{:<15}  {:<8}  {:<9}  {}{style:#}",
                entry.address,
                if entry.a_record { "yes" } else { "no" },
                health.to_ascii_lowercase(),
                instance.unwrap_or("none is registered with it"),
            );
        }
        let count = |holds: fn(&Entry) -> bool| found.entries.iter().filter(|e| holds(e)).count();
        let _ = writeln!(
            text,
            "  {}, {}",
            counted(count(|entry| entry.instance.is_some()), "instance"),
            counted(count(|entry| entry.a_record), "A record"),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_route53::types::ResourceRecord;

    /// As Cloud Map writes it: a set for each instance, told apart by the instance's identifier.
    fn record(name: &str, instance: &str, address: &str) -> ResourceRecordSet {
        let value = ResourceRecord::builder().value(address).build().unwrap();
        ResourceRecordSet::builder()
            .name(name)
            .r#type(RrType::A)
            .set_identifier(instance)
            .multi_value_answer(true)
            .ttl(60)
            .resource_records(value)
            .build()
            .unwrap()
    }

    fn backend() -> Recorded {
        Recorded {
            service: "backend".to_owned(),
            name: "backend.ecs-navi.local".to_owned(),
            service_id: "srv-1".to_owned(),
            zone_id: Some("Z1".to_owned()),
        }
    }

    #[test]
    fn instances_and_records_meet_by_their_address() {
        let zone = [
            record("backend.ecs-navi.local.", "task-b", "10.0.11.82"),
            record("backend.ecs-navi.local.", "task-z", "10.0.9.9"),
            record("other.ecs-navi.local.", "task-o", "10.0.10.7"),
        ];
        let registered = vec![
            (
                "10.0.11.120".to_owned(),
                "task-c".to_owned(),
                Some("UNHEALTHY".to_owned()),
            ),
            ("10.0.11.82".to_owned(), "task-b".to_owned(), None),
        ];
        let records = records_of("backend.ecs-navi.local", &zone);
        let found = side_by_side(&backend(), registered, &records);
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
        let told = text(&[found], &Palette::default());
        assert!(
            told.contains("10.0.9.9         yes       -          none is registered with it"),
            "{told}"
        );
        assert!(told.contains("2 instances, 2 A records"), "{told}");
    }

    #[test]
    fn a_name_is_known_by_service_and_by_what_it_is_called_in_dns() {
        for only in [
            "backend",
            "backend.ecs-navi.local",
            "Backend.ecs-navi.local.",
        ] {
            assert_eq!(
                chosen_names(vec![backend()], Some(only), "demo")
                    .unwrap()
                    .len(),
                1
            );
        }
        let error = chosen_names(vec![backend()], Some("backedn"), "demo").unwrap_err();
        assert!(
            matches!(error, CommandError::UnknownService { known, .. } if known == ["backend"])
        );
    }
}
