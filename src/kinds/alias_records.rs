//! The alias records of one hosted zone that point to the load balancer: how are they made, compared, changed and removed?

use std::collections::BTreeMap;

use aws_sdk_route53::types::{AliasTarget, ChangeAction, ResourceRecordSet, RrType};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::hosted_zone::HostedZone;
use super::load_balancer::{LoadBalancer, LoadBalancerOutputs};
use crate::aws::{
    Aws, canonical_name, canonical_target, change_records, fresh_zone_records, ours_or_taken,
    remove_records, zone_records,
};
use crate::resource::{
    CallError, Change, Context, Effect, Known, Lookup, Ref, Resource, StepError,
    UNKNOWN_UNTIL_APPLIED,
};

/// What the stack wants: A records, all made in one batch. Records take no tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AliasRecords {
    /// `exists` (aws-behaviour §1 row 21).
    pub hosted_zone: Ref<HostedZone>,
    /// `exists` (aws-behaviour §1 row 20), and on `down` in any order: a record may outlive what it
    /// points to (§3 step 2).
    pub load_balancer: Ref<LoadBalancer>,
    /// `api.example.com`: lower case, no trailing dot.
    pub names: Vec<String>,
    /// Whether Route 53 answers only while targets are healthy.
    pub evaluate_target_health: bool,
}

/// Where a record points to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    dns_name: String,
    zone_id: String,
    evaluate_target_health: bool,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct AliasRecordsObserved {
    /// The zone's ID.
    pub zone_id: String,
    /// The A records at the names of the last run and of this one.
    pub records: BTreeMap<String, ResourceRecordSet>,
    /// What was recorded of the records that the stack made.
    pub recorded: AliasRecordsOutputs,
}

/// What dependents may read. All that a deletion has to repeat is here, since the load balancer may be
/// gone by then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AliasRecordsOutputs {
    /// The zone's ID.
    pub zone_id: String,
    /// The load balancer's name.
    pub dns_name: String,
    /// The zone of that name.
    pub canonical_hosted_zone_id: String,
    /// As in the spec.
    pub evaluate_target_health: bool,
    /// The names that the stack made a record for.
    pub names: Vec<String>,
}

impl Resource for AliasRecords {
    const KIND: &'static str = "alias_records";
    const DIRECTS_TRAFFIC: bool = true;
    type Cloud = Aws;
    type Observed = AliasRecordsObserved;
    type Outputs = AliasRecordsOutputs;

    fn diff(&self, seen: &AliasRecordsObserved, _recorded: Option<&Self>, known: &Known) -> Change {
        let mut change = Change::default();
        let zone_id = known.get(&self.hosted_zone, |zone| zone.zone_id);
        change.reference(
            "hosted_zone",
            &seen.zone_id,
            zone_id.as_ref(),
            Effect::Replace,
        );
        let wanted = known.get(&self.load_balancer, |balancer| self.target(&balancer));
        for name in &self.names {
            let old = seen.records.get(name);
            if old.is_none() || old.and_then(target_of) != wanted {
                let new = wanted.as_ref().map_or_else(
                    || UNKNOWN_UNTIL_APPLIED.to_owned(),
                    |wanted| wanted.to_string(),
                );
                change.note(&field(name), described(old), new, Effect::InPlace);
            }
        }
        for name in seen.dropped(&self.names) {
            let old = described(seen.records.get(name));
            change.note(&field(name), old, "(none)".to_owned(), Effect::InPlace);
        }
        change
    }

    fn outputs(&self, seen: &AliasRecordsObserved) -> AliasRecordsOutputs {
        seen.recorded.clone()
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<AliasRecordsObserved>>, CallError> {
        try_join_all(lookups.iter().map(|lookup| observe(aws, lookup))).await
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<AliasRecordsOutputs>, CallError> {
        let zone = context.outputs(&self.hosted_zone)?;
        let balancer = context.outputs(&self.load_balancer)?;
        let wanted = self.target(&balancer);
        // Records carry no token, but a load balancer's name never comes twice: what points to this
        // stack's was made by this stack. The batch was carried out as a whole or not at all.
        let records = fresh_zone_records(context.cloud, &zone.zone_id).await?;
        let records = address_records(records.as_deref().unwrap_or_default(), &self.names);
        let all = self
            .names
            .iter()
            .all(|name| records.get(name).and_then(target_of).as_ref() == Some(&wanted));
        Ok(all.then(|| self.recorded(&zone.zone_id, &balancer)))
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<AliasRecordsOutputs, StepError> {
        let zone = context.outputs(&self.hosted_zone)?;
        let balancer = context.outputs(&self.load_balancer)?;
        let wanted = self.target(&balancer);
        // CREATE, not UPSERT: a stranger's record of that name is refused, not overwritten.
        let changes = self
            .names
            .iter()
            .map(|name| Ok((ChangeAction::Create, wanted.record(name)?)))
            .collect::<Result<_, CallError>>()?;
        match change_records(context.cloud, &zone.zone_id, changes).await {
            Ok(()) => Ok(self.recorded(&zone.zone_id, &balancer)),
            Err(error) => {
                let what = format!("a record for {}", self.names.join(" or "));
                Ok(ours_or_taken(error, &what, || self.find(context)).await?)
            }
        }
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &AliasRecordsOutputs,
        seen: &AliasRecordsObserved,
        _change: &Change,
    ) -> Result<AliasRecordsOutputs, StepError> {
        let balancer = context.outputs(&self.load_balancer)?;
        let changes = self.changes(&self.target(&balancer), outputs, seen)?;
        if !changes.is_empty() {
            change_records(context.cloud, &outputs.zone_id, changes).await?;
        }
        Ok(self.recorded(&outputs.zone_id, &balancer))
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &AliasRecordsOutputs,
    ) -> Result<(), StepError> {
        let target = outputs.target();
        let mut names = outputs.names.clone();
        // A run that broke off in an update may have made more than was recorded; they point to the
        // same load balancer, or they are left alone.
        names.extend(
            self.names
                .iter()
                .filter(|name| !outputs.names.contains(name))
                .cloned(),
        );
        let ours = names
            .iter()
            .map(|name| target.record(name))
            .collect::<Result<_, _>>()?;
        Ok(remove_records(context.cloud, &outputs.zone_id, ours).await?)
    }
}

impl AliasRecords {
    fn target(&self, balancer: &LoadBalancerOutputs) -> Target {
        Target {
            dns_name: canonical_target(&balancer.dns_name),
            zone_id: balancer.canonical_hosted_zone_id.clone(),
            evaluate_target_health: self.evaluate_target_health,
        }
    }

    fn recorded(&self, zone_id: &str, balancer: &LoadBalancerOutputs) -> AliasRecordsOutputs {
        AliasRecordsOutputs {
            zone_id: zone_id.to_owned(),
            dns_name: balancer.dns_name.clone(),
            canonical_hosted_zone_id: balancer.canonical_hosted_zone_id.clone(),
            evaluate_target_health: self.evaluate_target_health,
            names: self.names.clone(),
        }
    }

    /// The one batch that brings the zone from what was seen to what is wanted. Only a record that the
    /// state says is ours is overwritten or removed.
    fn changes(
        &self,
        wanted: &Target,
        outputs: &AliasRecordsOutputs,
        seen: &AliasRecordsObserved,
    ) -> Result<Vec<(ChangeAction, ResourceRecordSet)>, CallError> {
        let mut changes = Vec::new();
        for name in &self.names {
            if seen.records.get(name).and_then(target_of).as_ref() == Some(wanted) {
                continue;
            }
            let action = match outputs.names.contains(name) {
                true => ChangeAction::Upsert,
                false => ChangeAction::Create,
            };
            changes.push((action, wanted.record(name)?));
        }
        for name in seen.dropped(&self.names) {
            if let Some(record) = seen.records.get(name) {
                changes.push((ChangeAction::Delete, record.clone()));
            }
        }
        Ok(changes)
    }
}

impl AliasRecordsOutputs {
    fn target(&self) -> Target {
        Target {
            dns_name: canonical_target(&self.dns_name),
            zone_id: self.canonical_hosted_zone_id.clone(),
            evaluate_target_health: self.evaluate_target_health,
        }
    }
}

impl AliasRecordsObserved {
    /// The records that the stack made, that nobody changed since, and that are not wanted any more.
    fn dropped<'a>(&'a self, wanted: &'a [String]) -> impl Iterator<Item = &'a String> {
        let ours = self.recorded.target();
        self.recorded
            .names
            .iter()
            .filter(move |name| !wanted.contains(name))
            .filter(move |name| self.records.get(*name).and_then(target_of).as_ref() == Some(&ours))
    }
}

impl Target {
    fn record(&self, name: &str) -> Result<ResourceRecordSet, CallError> {
        AliasTarget::builder()
            .dns_name(&self.dns_name)
            .hosted_zone_id(&self.zone_id)
            .evaluate_target_health(self.evaluate_target_health)
            .build()
            .and_then(|target| {
                ResourceRecordSet::builder()
                    .name(name)
                    .r#type(RrType::A)
                    .alias_target(target)
                    .build()
            })
            .map_err(|error| {
                CallError::local("route53:ChangeResourceRecordSets", error.to_string())
            })
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "alias of {}", self.dns_name)?;
        match self.evaluate_target_health {
            true => write!(formatter, ", while its targets are healthy"),
            false => Ok(()),
        }
    }
}

async fn observe(
    aws: &Aws,
    lookup: &Lookup<'_, AliasRecords>,
) -> Result<Option<AliasRecordsObserved>, CallError> {
    let outputs = lookup.outputs;
    let records = zone_records(aws, &outputs.zone_id).await?;
    let held = records.as_ref().as_deref().unwrap_or_default();
    let names = [outputs.names.as_slice(), &lookup.spec.names].concat();
    let seen = AliasRecordsObserved {
        zone_id: outputs.zone_id.clone(),
        records: address_records(held, &names),
        recorded: outputs.clone(),
    };
    // Where none points to the stack's load balancer, the stack has no record here: what stands at
    // these names is somebody else's.
    let ours = outputs.target();
    let any = seen
        .records
        .values()
        .any(|record| target_of(record).as_ref() == Some(&ours));
    Ok(any.then_some(seen))
}

/// The A records at these names.
fn address_records(
    held: &[ResourceRecordSet],
    names: &[String],
) -> BTreeMap<String, ResourceRecordSet> {
    held.iter()
        .filter(|record| record.r#type == RrType::A)
        .map(|record| (canonical_name(&record.name), record.clone()))
        .filter(|(name, _)| names.contains(name))
        .collect()
}

/// Where an alias points to; `None` for a record with addresses of its own.
fn target_of(record: &ResourceRecordSet) -> Option<Target> {
    record.alias_target.as_ref().map(|target| Target {
        dns_name: canonical_target(&target.dns_name),
        zone_id: target.hosted_zone_id.clone(),
        evaluate_target_health: target.evaluate_target_health,
    })
}

fn described(record: Option<&ResourceRecordSet>) -> String {
    match (record, record.and_then(target_of)) {
        (None, _) => "(none)".to_owned(),
        (Some(_), Some(target)) => target.to_string(),
        (Some(_), None) => "a record with addresses of its own".to_owned(),
    }
}

fn field(name: &str) -> String {
    format!("names.{name}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Row, each_field};
    use crate::resource::Address;

    fn wanted() -> AliasRecords {
        AliasRecords {
            hosted_zone: Ref::exists("example.com"),
            load_balancer: Ref::exists("main").unordered_on_delete(),
            names: vec!["example.com".into(), "*.example.com".into()],
            evaluate_target_health: false,
        }
    }

    fn balancer() -> LoadBalancerOutputs {
        LoadBalancerOutputs {
            arn: "arn:lb".into(),
            dns_name: "Web-lb-1.ap-northeast-1.elb.amazonaws.com".into(),
            canonical_hosted_zone_id: "Z14GRHDCWA56QT".into(),
        }
    }

    /// The records as Route 53 spells them.
    fn seen() -> AliasRecordsObserved {
        let target = Target {
            dns_name: "dualstack.web-lb-1.ap-northeast-1.elb.amazonaws.com.".into(),
            ..wanted().target(&balancer())
        };
        let held = ["example.com.", "\\052.example.com.", "other.example.com."]
            .map(|name| target.record(name).unwrap());
        AliasRecordsObserved {
            zone_id: "Z1".into(),
            records: address_records(&held, &wanted().names),
            recorded: wanted().recorded("Z1", &balancer()),
        }
    }

    fn known() -> Known {
        let mut known = Known::default();
        known.insert(
            Address::new("hosted_zone", "example.com"),
            json!({ "zone_id": "Z1", "name_servers": [], "tagged": true }),
        );
        known.insert(Address::new("load_balancer", "main"), json!(balancer()));
        known
    }

    fn actions(wanted: &AliasRecords, seen: &AliasRecordsObserved) -> Vec<(String, String)> {
        let target = wanted.target(&balancer());
        let changes = wanted.changes(&target, &seen.recorded, seen).unwrap();
        changes
            .into_iter()
            .map(|(action, record)| (action.as_str().to_owned(), canonical_name(&record.name)))
            .collect()
    }

    fn pair(action: &str, name: &str) -> (String, String) {
        (action.to_owned(), name.to_owned())
    }

    #[test]
    fn route_53s_spelling_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &known());
        assert!(change.is_empty(), "{change:?}");
        assert!(actions(&wanted(), &seen()).is_empty());
    }

    #[test]
    fn each_name_changes_in_place_and_the_zone_does_not() {
        let rows: &[Row<AliasRecords>] = &[
            (
                "hosted_zone",
                |records| records.hosted_zone = Ref::exists("other"),
                Effect::Replace,
            ),
            (
                "names.a.example.com",
                |records| records.names.push("a.example.com".into()),
                Effect::InPlace,
            ),
            (
                "names.example.com",
                |records| records.names.clear(),
                Effect::InPlace,
            ),
            (
                "names.example.com",
                |records| records.load_balancer = Ref::exists("new"),
                Effect::InPlace,
            ),
            (
                "names.example.com",
                |records| records.evaluate_target_health = true,
                Effect::InPlace,
            ),
        ];
        // Of a single name there is a single change.
        let single = AliasRecords {
            names: vec!["example.com".into()],
            ..wanted()
        };
        let mut alone = seen();
        alone.records.retain(|name, _| name == "example.com");
        alone.recorded.names = single.names.clone();
        let diff = |changed: &AliasRecords| changed.diff(&alone, Some(&single), &known());
        each_field(&single, diff, rows, &[]);
    }

    #[test]
    fn a_load_balancer_still_to_be_made_changes_every_name() {
        let mut known = known();
        known.remove(&Address::new("load_balancer", "main"));
        let change = wanted().diff(&seen(), Some(&wanted()), &known);
        assert_eq!(change.fields.len(), 2);
        assert!(
            change
                .fields
                .iter()
                .all(|field| field.new == UNKNOWN_UNTIL_APPLIED)
        );
    }

    #[test]
    fn only_records_that_are_ours_are_overwritten() {
        let mut records = wanted();
        records.names.push("new.example.com".into());
        let mut seen = seen();
        let strangers = Target {
            dns_name: "elsewhere.example.org".into(),
            ..records.target(&balancer())
        };
        seen.records.insert(
            "example.com".into(),
            strangers.record("example.com.").unwrap(),
        );
        assert_eq!(
            actions(&records, &seen),
            [
                pair("UPSERT", "example.com"),
                pair("CREATE", "new.example.com")
            ]
        );
    }

    #[test]
    fn a_name_that_is_dropped_goes_unless_somebody_took_it_over() {
        let mut records = wanted();
        records.names.pop();
        let mut seen = seen();
        assert_eq!(actions(&records, &seen), [pair("DELETE", "*.example.com")]);
        let theirs = Target {
            zone_id: "Z9".into(),
            ..records.target(&balancer())
        };
        seen.records.insert(
            "*.example.com".into(),
            theirs.record("*.example.com").unwrap(),
        );
        assert!(actions(&records, &seen).is_empty());
    }
}
