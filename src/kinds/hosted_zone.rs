//! The public hosted zone, looked up by name or made by the stack: how is it found, made and removed?

use aws_sdk_route53::types::{ResourceRecordSet, RrType, TagResourceType};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::aws::{
    Aws, Settle, canonical_name, fresh_zone_records, ours_or_taken, send, settle, tags, taken,
    zone_records,
};
use crate::resource::{
    CallError, Change, Context, Effect, Known, Lookup, Resource, STACK_TAG, StepError, TagMap,
};

/// What the stack wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostedZone {
    /// `example.com`: lower case, no trailing dot.
    pub name: String,
    /// Whether the zone is somebody else's and only looked up: never made, changed or deleted.
    pub lookup: bool,
    /// Tags of a zone that the stack makes.
    pub tags: TagMap,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct HostedZoneObserved {
    /// `Z…`, without `/hostedzone/`.
    pub zone_id: String,
    /// Without trailing dot.
    pub name: String,
    /// Where the domain has to be delegated to.
    pub name_servers: Vec<String>,
    /// See [`HostedZoneOutputs::tagged`].
    pub tagged: bool,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostedZoneOutputs {
    /// `Z…`, without `/hostedzone/`.
    pub zone_id: String,
    /// Where the domain has to be delegated to.
    pub name_servers: Vec<String>,
    /// Whether the tags were set. Route 53 takes them in a second call (aws-behaviour §2.12), and
    /// reading them back in every sweep would cost a third: a run that broke off between the two is
    /// told by this.
    pub tagged: bool,
}

impl Resource for HostedZone {
    const KIND: &'static str = "hosted_zone";
    type Cloud = Aws;
    type Observed = HostedZoneObserved;
    type Outputs = HostedZoneOutputs;

    fn is_lookup(&self) -> bool {
        self.lookup
    }

    fn diff(&self, seen: &HostedZoneObserved, recorded: Option<&Self>, _known: &Known) -> Change {
        let mut change = Change::default();
        if self.lookup {
            return change;
        }
        change.field("name", &seen.name, &self.name, Effect::Replace);
        match seen.tagged {
            true => change.recorded_tags(recorded.map(|recorded| &recorded.tags), &self.tags),
            false => change.tags(&TagMap::new(), &self.tags),
        }
        change
    }

    fn outputs(&self, seen: &HostedZoneObserved) -> HostedZoneOutputs {
        HostedZoneOutputs {
            zone_id: seen.zone_id.clone(),
            name_servers: seen.name_servers.clone(),
            tagged: seen.tagged,
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<HostedZoneObserved>>, CallError> {
        try_join_all(lookups.iter().map(|lookup| observe(aws, lookup.outputs))).await
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<HostedZoneOutputs>, CallError> {
        let aws = context.cloud;
        let zones = public_zones(aws, &self.name).await?;
        if !self.lookup {
            let reference = caller_reference(&self.tags, context.token);
            let made = zones
                .into_iter()
                .find(|zone| zone.caller_reference == reference);
            return match made {
                Some(zone) => self.described(aws, &zone.id, false).await.map(Some),
                None => Ok(None),
            };
        }
        match zones.as_slice() {
            [] => Ok(None),
            [zone] => self.described(aws, &zone.id, true).await.map(Some),
            many => Err(ambiguous(&self.name, many)),
        }
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<HostedZoneOutputs, StepError> {
        let aws = context.cloud;
        let outputs = match self.find(context).await? {
            Some(ours) => ours,
            None => self.make(context).await?,
        };
        self.retag(aws, &outputs.zone_id, Vec::new())
            .await
            .map_err(|error| StepError::after(&outputs, error))?;
        Ok(HostedZoneOutputs {
            tagged: true,
            ..outputs
        })
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &HostedZoneOutputs,
        _seen: &HostedZoneObserved,
        change: &Change,
    ) -> Result<HostedZoneOutputs, StepError> {
        let dropped = change.dropped_tag_keys(&self.tags);
        self.retag(context.cloud, &outputs.zone_id, dropped).await?;
        Ok(HostedZoneOutputs {
            tagged: true,
            ..outputs.clone()
        })
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &HostedZoneOutputs,
    ) -> Result<(), StepError> {
        if self.lookup {
            return Ok(());
        }
        let aws = context.cloud;
        let answer = settle("route53:DeleteHostedZone", Settle::Throttling, || {
            aws.route53.delete_hosted_zone().id(&outputs.zone_id).send()
        })
        .await;
        match answer {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) if error.code.as_deref() == Some("HostedZoneNotEmpty") => {
                Err(self.not_empty(aws, &outputs.zone_id, error).await.into())
            }
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }
}

impl HostedZone {
    async fn make(&self, context: &Context<'_, Aws>) -> Result<HostedZoneOutputs, CallError> {
        const OPERATION: &str = "route53:CreateHostedZone";
        let aws = context.cloud;
        // Route 53 allows any number of zones of one name (aws-behaviour §2.12), but the domain is
        // delegated to one of them: a second one would serve nobody.
        if let Some(stranger) = public_zones(aws, &self.name).await?.first() {
            let what = format!(
                "the hosted zone `{}` ({})",
                self.name,
                bare_id(&stranger.id)
            );
            let error = taken(OPERATION, &what);
            let message = format!("{}; or let the stack file look it up", error.message);
            return Err(CallError { message, ..error });
        }
        let reference = caller_reference(&self.tags, context.token);
        let created = settle(OPERATION, Settle::Throttling, || {
            aws.route53
                .create_hosted_zone()
                .name(&self.name)
                .caller_reference(&reference)
                .send()
        })
        .await;
        match created {
            Ok(answer) => Ok(HostedZoneOutputs {
                zone_id: answer
                    .hosted_zone
                    .map(|zone| bare_id(&zone.id))
                    .ok_or_else(|| CallError::incomplete(OPERATION, "the answer holds no zone"))?,
                name_servers: answer
                    .delegation_set
                    .map(|set| set.name_servers)
                    .unwrap_or_default(),
                tagged: false,
            }),
            Err(error) => {
                let what = format!("the hosted zone `{}`", self.name);
                ours_or_taken(error, &what, || self.find(context)).await
            }
        }
    }

    async fn described(
        &self,
        aws: &Aws,
        id: &str,
        tagged: bool,
    ) -> Result<HostedZoneOutputs, CallError> {
        let zone_id = bare_id(id);
        let records = zone_records(aws, &zone_id).await?;
        let records = records.as_ref().as_deref().unwrap_or_default();
        Ok(HostedZoneOutputs {
            zone_id,
            name_servers: name_servers(records, &self.name),
            tagged,
        })
    }

    async fn retag(&self, aws: &Aws, zone_id: &str, dropped: Vec<String>) -> Result<(), CallError> {
        if self.tags.is_empty() && dropped.is_empty() {
            return Ok(());
        }
        let added = (!self.tags.is_empty()).then(|| tags::route53(&self.tags));
        let dropped = (!dropped.is_empty()).then_some(dropped);
        settle("route53:ChangeTagsForResource", Settle::Fresh, || {
            aws.route53
                .change_tags_for_resource()
                .resource_type(TagResourceType::Hostedzone)
                .resource_id(zone_id)
                .set_add_tags(added.clone())
                .set_remove_tag_keys(dropped.clone())
                .send()
        })
        .await
        .map(|_| ())
    }

    /// The refusal of a zone that still holds records: navi's own go before, as far as they are as it
    /// made them.
    async fn not_empty(&self, aws: &Aws, zone_id: &str, error: CallError) -> CallError {
        let records = fresh_zone_records(aws, zone_id).await.ok().flatten();
        let left: Vec<String> = records
            .unwrap_or_default()
            .iter()
            .filter(|record| !is_zones_own(record, &self.name))
            .map(|record| {
                format!(
                    "{} {}",
                    canonical_name(&record.name),
                    record.r#type.as_str()
                )
            })
            .collect();
        CallError {
            message: format!(
                "{} Still in it: {}. navi removes no record that it did not make or that was changed \
                 since; remove these, then run this again.",
                error.message,
                left.join(", ")
            ),
            ..error
        }
    }
}

/// Takes these tags off a zone.
pub(super) async fn untag(aws: &Aws, zone_id: &str, keys: &[String]) -> Result<(), CallError> {
    let call = aws.route53.change_tags_for_resource();
    let call = call.resource_type(TagResourceType::Hostedzone);
    let call = call.resource_id(zone_id);
    let call = call.set_remove_tag_keys(Some(keys.to_vec()));
    send("route53:ChangeTagsForResource", call.send())
        .await
        .map(drop)
}

/// `TOKEN/STACK`, at most 128 characters (the API model's Nonce). The tags come by a second call: the zone of a run that
/// was cut off between the two is the stack's by this alone.
fn caller_reference(tags: &TagMap, token: &str) -> String {
    let stack = tags.get(STACK_TAG).map_or("", String::as_str);
    format!("{token}/{stack}")
}

/// Token and stack, if navi made the zone.
pub(super) fn maker(caller_reference: &str) -> Option<(&str, &str)> {
    caller_reference.split_once('/')
}

async fn observe(
    aws: &Aws,
    outputs: &HostedZoneOutputs,
) -> Result<Option<HostedZoneObserved>, CallError> {
    let records = zone_records(aws, &outputs.zone_id).await?;
    Ok(records.as_ref().as_ref().map(|records| {
        // Every zone has one SOA record, at its own name.
        let name = records
            .iter()
            .find(|record| record.r#type == RrType::Soa)
            .map(|record| canonical_name(&record.name))
            .unwrap_or_default();
        HostedZoneObserved {
            zone_id: outputs.zone_id.clone(),
            name_servers: name_servers(records, &name),
            name,
            tagged: outputs.tagged,
        }
    }))
}

/// The public zones of exactly this name. The listing is sorted by name and starts at the one asked for.
async fn public_zones(
    aws: &Aws,
    name: &str,
) -> Result<Vec<aws_sdk_route53::types::HostedZone>, CallError> {
    let mut zones = Vec::new();
    let (mut start, mut start_id) = (Some(name.to_owned()), None);
    loop {
        let call = aws.route53.list_hosted_zones_by_name();
        let call = call.set_dns_name(start).set_hosted_zone_id(start_id);
        let page = send("route53:ListHostedZonesByName", call.send()).await?;
        zones.extend(page.hosted_zones.into_iter().filter(|zone| {
            let private = zone
                .config
                .as_ref()
                .is_some_and(|config| config.private_zone);
            !private && canonical_name(&zone.name) == name
        }));
        (start, start_id) = (page.next_dns_name, page.next_hosted_zone_id);
        let goes_on = start
            .as_deref()
            .is_some_and(|next| canonical_name(next) == name);
        if !page.is_truncated || !goes_on {
            return Ok(zones);
        }
    }
}

/// The IDs of the public zones of exactly this name.
pub async fn ids_of_public_zones(aws: &Aws, name: &str) -> Result<Vec<String>, CallError> {
    let zones = public_zones(aws, name).await?;
    Ok(zones.iter().map(|zone| bare_id(&zone.id)).collect())
}

fn ambiguous(name: &str, zones: &[aws_sdk_route53::types::HostedZone]) -> CallError {
    let ids: Vec<String> = zones.iter().map(|zone| bare_id(&zone.id)).collect();
    CallError::local(
        "route53:ListHostedZonesByName",
        format!(
            "{} public hosted zones are called `{name}` ({}); navi can't tell which one the domain \
             is delegated to. Remove the ones that are not used.",
            zones.len(),
            ids.join(", ")
        ),
    )
}

/// Route 53 answers `/hostedzone/Z…` in some places and `Z…` in others.
pub(super) fn bare_id(id: &str) -> String {
    id.trim_start_matches("/hostedzone/").to_owned()
}

fn is_zones_own(record: &ResourceRecordSet, zone: &str) -> bool {
    matches!(record.r#type, RrType::Soa | RrType::Ns) && canonical_name(&record.name) == zone
}

pub(super) fn name_servers(records: &[ResourceRecordSet], zone: &str) -> Vec<String> {
    records
        .iter()
        .filter(|record| record.r#type == RrType::Ns && is_zones_own(record, zone))
        .flat_map(|record| record.resource_records())
        .map(|server| canonical_name(&server.value))
        .collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_route53::types::ResourceRecord;

    use super::*;
    use crate::kinds::every_field::{Edit, Row, each_field};

    fn wanted() -> HostedZone {
        HostedZone {
            name: "example.com".into(),
            lookup: false,
            tags: TagMap::from([("team".into(), "web".into())]),
        }
    }

    fn seen() -> HostedZoneObserved {
        HostedZoneObserved {
            zone_id: "Z1".into(),
            name: "example.com".into(),
            name_servers: vec!["ns-1.awsdns-1.com".into()],
            tagged: true,
        }
    }

    #[test]
    fn a_zone_as_made_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &Known::default());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<HostedZone>] = &[
            (
                "name",
                |zone| zone.name = "example.org".into(),
                Effect::Replace,
            ),
            (
                "tags.owner",
                |zone| drop(zone.tags.insert("owner".into(), "a".into())),
                Effect::InPlace,
            ),
            ("tags.team", |zone| zone.tags.clear(), Effect::InPlace),
        ];
        let diff = |changed: &HostedZone| changed.diff(&seen(), Some(&wanted()), &Known::default());
        let no_difference: &[(&str, Edit<HostedZone>)] = &[("lookup", |zone| zone.lookup = true)];
        each_field(&wanted(), diff, rows, no_difference);
    }

    #[test]
    fn tags_that_a_broken_off_create_left_out_are_a_difference() {
        let mut seen = seen();
        seen.tagged = false;
        let change = wanted().diff(&seen, Some(&wanted()), &Known::default());
        assert_eq!(change.fields.len(), 1);
        assert!(change.touches("tags"));
    }

    #[test]
    fn a_zone_that_is_looked_up_never_differs() {
        let mut zone = wanted();
        zone.lookup = true;
        zone.name = "example.org".into();
        assert!(zone.diff(&seen(), None, &Known::default()).is_empty());
    }

    fn record(name: &str, of: RrType, value: &str) -> ResourceRecordSet {
        ResourceRecordSet::builder()
            .name(name)
            .r#type(of)
            .resource_records(ResourceRecord::builder().value(value).build().unwrap())
            .build()
            .unwrap()
    }

    #[test]
    fn name_servers_are_those_of_the_zone_itself() {
        let records = [
            record("example.com.", RrType::Ns, "ns-1.awsdns-1.com."),
            record(
                "example.com.",
                RrType::Soa,
                "ns-1.awsdns-1.com. hostmaster.",
            ),
            record("sub.example.com.", RrType::Ns, "ns.elsewhere.org."),
        ];
        assert_eq!(name_servers(&records, "example.com"), ["ns-1.awsdns-1.com"]);
        assert!(is_zones_own(&records[1], "example.com"));
        assert!(!is_zones_own(&records[2], "example.com"));
    }

    #[test]
    fn two_zones_of_one_name_are_not_guessed_between() {
        let zone = |id: &str| {
            aws_sdk_route53::types::HostedZone::builder()
                .id(id)
                .name("example.com.")
                .caller_reference("x")
                .build()
                .unwrap()
        };
        let error = ambiguous(
            "example.com",
            &[zone("/hostedzone/Z1"), zone("/hostedzone/Z2")],
        );
        assert!(error.message.contains("(Z1, Z2)"), "{}", error.message);
    }
}
