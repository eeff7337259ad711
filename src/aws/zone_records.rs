//! Which records does a hosted zone hold, and how is one batch of them written or removed?

use std::sync::Arc;

use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ResourceRecordSet, RrType};

use super::{Aws, Settle, send, settle};
use crate::resource::CallError;

const LIST: &str = "route53:ListResourceRecordSets";
const CHANGE: &str = "route53:ChangeResourceRecordSets";

/// The records of the zone as of this sweep, `None` when there is no such zone. The zone itself, its
/// alias records and certificates all compare with them, and Route 53 answers five requests a second
/// for the whole account (aws-behaviour §4), so they share one listing.
pub async fn zone_records(
    aws: &Aws,
    zone_id: &str,
) -> Result<Arc<Option<Vec<ResourceRecordSet>>>, CallError> {
    aws.memo
        .once(
            format!("{LIST} {zone_id}"),
            fresh_zone_records(aws, zone_id),
        )
        .await
}

/// The records of the zone at this moment, `None` when there is no such zone.
pub async fn fresh_zone_records(
    aws: &Aws,
    zone_id: &str,
) -> Result<Option<Vec<ResourceRecordSet>>, CallError> {
    let mut records = Vec::new();
    let mut call = aws
        .route53
        .list_resource_record_sets()
        .hosted_zone_id(zone_id);
    loop {
        let page = match send(LIST, call.send()).await {
            Ok(page) => page,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        records.extend(page.resource_record_sets);
        if !page.is_truncated {
            return Ok(Some(records));
        }
        // The SDK has no paginator for this operation.
        call = aws
            .route53
            .list_resource_record_sets()
            .hosted_zone_id(zone_id)
            .set_start_record_name(page.next_record_name)
            .set_start_record_type(page.next_record_type)
            .set_start_record_identifier(page.next_record_identifier);
    }
}

/// One address that a name has in DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressRecord {
    /// Lower case, without the last dot.
    pub name: String,
    /// IPv4.
    pub address: String,
    /// In seconds; an alias has none of its own.
    pub ttl: Option<i64>,
}

/// The A records of a zone at this moment, one for each address; none when there is no such zone. Aliases have no
/// addresses of their own and are left out.
pub async fn address_records(aws: &Aws, zone_id: &str) -> Result<Vec<AddressRecord>, CallError> {
    let records = fresh_zone_records(aws, zone_id).await?.unwrap_or_default();
    Ok(records
        .iter()
        .filter(|record| *record.r#type() == RrType::A)
        .flat_map(|record| {
            record.resource_records().iter().map(|value| AddressRecord {
                name: canonical_name(record.name()),
                address: value.value().to_owned(),
                ttl: record.ttl(),
            })
        })
        .collect())
}

/// Makes all changes or none, in one batch. Waits out a zone that is too fresh to be known
/// everywhere and another change of the same zone (aws-behaviour §2.12). Reading back `INSYNC` is not
/// waited for: nothing else in a stack needs it (aws-behaviour §1 rows 20, 21 and 23).
pub async fn change_records(
    aws: &Aws,
    zone_id: &str,
    changes: Vec<(ChangeAction, ResourceRecordSet)>,
) -> Result<(), CallError> {
    apply(aws, zone_id, changes, Settle::Fresh).await
}

/// Removes those of `ours` that the zone still holds with our values, in one batch. A missing record,
/// one that somebody changed since, and a missing zone are no error.
pub async fn remove_records(
    aws: &Aws,
    zone_id: &str,
    ours: Vec<ResourceRecordSet>,
) -> Result<(), CallError> {
    if ours.is_empty() {
        return Ok(());
    }
    let refused = match delete(aws, zone_id, ours.clone()).await {
        Ok(()) => return Ok(()),
        Err(error) if is_refused_batch(&error) => error,
        Err(error) if error.is_not_found() => return Ok(()),
        Err(error) => return Err(error),
    };
    // One record that is not there as described refuses the whole batch (aws-behaviour §2.12): take
    // the zone's own word for the values, and leave out what is no longer ours.
    let held: Vec<_> = fresh_zone_records(aws, zone_id)
        .await?
        .unwrap_or_default()
        .into_iter()
        .filter(|held| ours.iter().any(|record| is_same_record(record, held)))
        .collect();
    if held.is_empty() {
        return Ok(());
    }
    if held == ours {
        return Err(refused);
    }
    delete(aws, zone_id, held).await
}

fn is_refused_batch(error: &CallError) -> bool {
    error.code.as_deref() == Some("InvalidChangeBatch")
}

async fn delete(
    aws: &Aws,
    zone_id: &str,
    records: Vec<ResourceRecordSet>,
) -> Result<(), CallError> {
    let changes = records
        .into_iter()
        .map(|record| (ChangeAction::Delete, record))
        .collect();
    // Not `Fresh`: here "not found" is an answer.
    apply(aws, zone_id, changes, Settle::Throttling).await
}

async fn apply(
    aws: &Aws,
    zone_id: &str,
    changes: Vec<(ChangeAction, ResourceRecordSet)>,
    wait: Settle,
) -> Result<(), CallError> {
    let changes = changes
        .into_iter()
        .map(|(action, record)| {
            Change::builder()
                .action(action)
                .resource_record_set(record)
                .build()
        })
        .collect::<Result<Vec<_>, _>>();
    let batch = changes
        .and_then(|changes| ChangeBatch::builder().set_changes(Some(changes)).build())
        .map_err(|error| CallError::local(CHANGE, error.to_string()))?;
    settle(CHANGE, wait, || {
        aws.route53
            .change_resource_record_sets()
            .hosted_zone_id(zone_id)
            .change_batch(batch.clone())
            .send()
    })
    .await
    .map(|_| ())
}

/// A DNS name in one form: Route 53 answers lower case, with a trailing dot, and with `\052` for `*`
/// (aws-behaviour §2.12).
pub fn canonical_name(name: &str) -> String {
    name.trim_end_matches('.')
        .to_ascii_lowercase()
        .replace("\\052", "*")
}

/// The target of an alias in one form: the console puts `dualstack.` in front of a load balancer's
/// name, which means the same target (aws-behaviour §2.12).
pub fn canonical_target(dns_name: &str) -> String {
    let name = canonical_name(dns_name);
    match name.strip_prefix("dualstack.") {
        Some(rest) => rest.to_owned(),
        None => name,
    }
}

fn is_same_record(one: &ResourceRecordSet, other: &ResourceRecordSet) -> bool {
    let target = |record: &ResourceRecordSet| {
        record.alias_target.as_ref().map(|target| {
            (
                canonical_target(&target.dns_name),
                target.hosted_zone_id.clone(),
            )
        })
    };
    let values = |record: &ResourceRecordSet| {
        let mut values: Vec<_> = record
            .resource_records
            .iter()
            .flatten()
            .map(|value| canonical_name(&value.value))
            .collect();
        values.sort();
        values
    };
    canonical_name(&one.name) == canonical_name(&other.name)
        && one.r#type == other.r#type
        && target(one) == target(other)
        && values(one) == values(other)
}

#[cfg(test)]
mod tests {
    use aws_sdk_route53::types::{AliasTarget, ResourceRecord, RrType};

    use super::*;

    #[test]
    fn names_have_one_form() {
        for name in ["*.Example.com", "\\052.example.com.", "*.example.com."] {
            assert_eq!(canonical_name(name), "*.example.com");
        }
        for target in [
            "Web-1.elb.amazonaws.com",
            "dualstack.web-1.elb.amazonaws.com.",
        ] {
            assert_eq!(canonical_target(target), "web-1.elb.amazonaws.com");
        }
    }

    fn alias(name: &str, target: &str) -> ResourceRecordSet {
        let target = AliasTarget::builder()
            .dns_name(target)
            .hosted_zone_id("Z1")
            .evaluate_target_health(false)
            .build()
            .unwrap();
        ResourceRecordSet::builder()
            .name(name)
            .r#type(RrType::A)
            .alias_target(target)
            .build()
            .unwrap()
    }

    #[test]
    fn a_record_is_recognised_in_route_53s_spelling_and_only_with_our_target() {
        let ours = alias("Example.com", "web.elb.amazonaws.com");
        let held = alias("example.com.", "dualstack.web.elb.amazonaws.com.");
        assert!(is_same_record(&ours, &held));
        assert!(!is_same_record(
            &ours,
            &alias("example.com.", "other.elb.amazonaws.com.")
        ));
    }

    #[test]
    fn another_value_or_time_to_live_counts_only_as_far_as_it_is_another_record() {
        let cname = |ttl, value: &str| {
            ResourceRecordSet::builder()
                .name("_a.example.com.")
                .r#type(RrType::Cname)
                .ttl(ttl)
                .resource_records(ResourceRecord::builder().value(value).build().unwrap())
                .build()
                .unwrap()
        };
        assert!(is_same_record(&cname(300, "_b.acm."), &cname(60, "_b.acm")));
        assert!(!is_same_record(
            &cname(300, "_b.acm."),
            &cname(300, "_c.acm.")
        ));
    }
}
