//! How are hosted zones, certificates and alias records found? Their lists tell no tags; records point to what was found.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use aws_sdk_route53::types::{ResourceRecordSet, RrType, TagResourceType};
use futures::future::try_join_all;

use super::{each, last};
use crate::aws::{Aws, canonical_name, canonical_target, send, tags, zone_records};
use crate::kinds::alias_records::{AliasRecords, AliasRecordsOutputs};
use crate::kinds::certificate::{self, Certificate, CertificateOutputs};
use crate::kinds::certificate_search::{bare_domain, described, summaries};
use crate::kinds::hosted_zone::{self, HostedZone, HostedZoneOutputs, bare_id, name_servers};
use crate::kinds::load_balancer::{LoadBalancer, LoadBalancerOutputs};
use crate::kinds::validation_records::validation_records;
use crate::resource::{
    CallError, Context, Findable, Found, OPERATION_TAG, Remains, STACK_TAG, Search, TagMap,
};

/// ListTagsForResources takes this many zones per call.
const TAGS_PER_CALL: usize = 10;

/// A public zone of the account.
#[derive(Clone)]
struct Zone {
    id: String,
    name: String,
    caller_reference: String,
}

/// The public zones of the account, listed once per sweep.
async fn public_zones(aws: &Aws) -> Result<Arc<Vec<Zone>>, CallError> {
    const OPERATION: &str = "route53:ListHostedZones";
    let ask = async {
        let pages = aws.route53.list_hosted_zones().into_paginator();
        let zones = send(
            OPERATION,
            pages.items().send().collect::<Result<Vec<_>, _>>(),
        )
        .await?;
        let public = zones.into_iter().filter(|zone| {
            let config = zone.config.as_ref();
            !config.is_some_and(|config| config.private_zone)
        });
        Ok(public
            .map(|zone| Zone {
                id: bare_id(&zone.id),
                name: canonical_name(&zone.name),
                caller_reference: zone.caller_reference,
            })
            .collect())
    };
    aws.memo.once(OPERATION.to_owned(), ask).await
}

/// The tags of these zones.
async fn tags_of(aws: &Aws, zones: &[&Zone]) -> Result<HashMap<String, TagMap>, CallError> {
    let calls = zones.chunks(TAGS_PER_CALL).map(async |some| {
        let ids = some.iter().map(|zone| zone.id.clone()).collect();
        let call = aws.route53.list_tags_for_resources();
        let call = call.resource_type(TagResourceType::Hostedzone);
        let call = call.set_resource_ids(Some(ids));
        let answer = send("route53:ListTagsForResources", call.send()).await?;
        Ok::<_, CallError>(answer.resource_tag_sets)
    });
    Ok(try_join_all(calls)
        .await?
        .into_iter()
        .flatten()
        .map(|set| {
            let tags = set.tags.unwrap_or_default().into_iter();
            let tags = tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())));
            (set.resource_id.unwrap_or_default(), tags.collect())
        })
        .collect())
}

async fn found_zone(
    aws: &Aws,
    zone: &Zone,
    mut tags: TagMap,
) -> Result<Found<HostedZone>, CallError> {
    let records = zone_records(aws, &zone.id).await?;
    let records = records.as_ref().as_deref().unwrap_or_default();
    let outputs = HostedZoneOutputs {
        zone_id: zone.id.clone(),
        name_servers: name_servers(records, &zone.name),
        tagged: !tags.is_empty(),
    };
    if let Some((token, stack)) = hosted_zone::maker(&zone.caller_reference)
        && tags.get(STACK_TAG).is_some_and(|tag| tag == stack)
    {
        tags.insert(OPERATION_TAG.to_owned(), token.to_owned());
    }
    Ok(Found::new(outputs, tags))
}

impl Findable for HostedZone {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        // A stack that only looks zones up has none of its own. Without the file, who knows.
        if !search.wanted.is_empty() && search.wanted.iter().all(|zone| zone.lookup) {
            return Ok(Vec::new());
        }
        let zones = public_zones(aws).await?;
        let zones: Vec<&Zone> = zones.iter().collect();
        let mut tags = tags_of(aws, &zones).await?;
        let mut found = Vec::new();
        for zone in zones {
            let tags = tags.remove(&zone.id).unwrap_or_default();
            let maker = hosted_zone::maker(&zone.caller_reference);
            if tags.get(STACK_TAG).map(String::as_str) == Some(search.stack) {
                found.push(found_zone(aws, zone, tags).await?);
            } else if tags.is_empty() && maker.is_some_and(|(_, stack)| stack == search.stack) {
                // Cut off before its tags came: its maker's mark says as much as the tag would.
                let name = zone.name.trim_end_matches('.');
                let mut cut_off = found_zone(aws, zone, tags).await?.named(name);
                let stack = search.stack.to_owned();
                cut_off.tags.insert(STACK_TAG.to_owned(), stack);
                found.push(cut_off);
            }
        }
        Ok(found)
    }

    /// Zones of others that hold records of the stack: the removal of those needs their IDs.
    async fn attached(
        aws: &Aws,
        _search: &Search<'_, Self>,
        remains: &Remains,
    ) -> Result<Vec<Found<Self>>, CallError> {
        let own = remains.outputs::<HostedZone>();
        let mut found = Vec::new();
        for (zone, records) in zones_with_records(aws, remains).await? {
            let ours = Records::of(remains);
            let any = records.iter().any(|record| ours.hold(record));
            if any && own.iter().all(|(_, outputs)| outputs.zone_id != zone.id) {
                let lookup = found_zone(aws, &zone, TagMap::new()).await?;
                found.push(lookup.named(&zone.name));
            }
        }
        Ok(found)
    }

    /// By ID or by name.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let aws = context.cloud;
        let zones = public_zones(aws).await?;
        let called = |zone: &&Zone| zone.id == bare_id(id) || zone.name == canonical_name(id);
        let named: Vec<&Zone> = zones.iter().filter(called).collect();
        let [zone] = named.as_slice() else {
            return match named.len() {
                0 => Ok(None),
                count => Err(CallError::local(
                    "navi",
                    format!("{count} public hosted zones are called `{id}`; name one by its ID"),
                )),
            };
        };
        let mut tags = tags_of(aws, &named).await?;
        let tags = tags.remove(&zone.id).unwrap_or_default();
        let mut found = found_zone(aws, zone, tags).await?;
        found.outputs.tagged = true;
        Ok(Some(found))
    }

    async fn untag(
        aws: &Aws,
        outputs: &HostedZoneOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        // Its tag `Name` stays: a zone of the stack's making without any tag is taken for one that was cut off.
        hosted_zone::untag(aws, &outputs.zone_id, keys).await
    }

    fn remnant(found: &Found<Self>, name: &str, _remains: &Remains) -> Self {
        HostedZone {
            name: name.to_owned(),
            lookup: !found.tags.contains_key(STACK_TAG),
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

/// The records by which a stack is led to or proved: what points to its load balancers, and what its
/// certificates are validated by.
struct Records {
    targets: BTreeSet<String>,
    validations: BTreeSet<String>,
}

impl Records {
    fn of(remains: &Remains) -> Self {
        let balancers = remains.outputs::<LoadBalancer>().into_iter();
        let certificates = remains.outputs::<Certificate>().into_iter();
        Records {
            targets: balancers
                .map(|(_, balancer)| canonical_target(&balancer.dns_name))
                .collect(),
            validations: certificates
                .flat_map(|(_, certificate)| certificate.validation_records)
                .map(|record| canonical_name(&record.name))
                .collect(),
        }
    }

    fn hold(&self, record: &ResourceRecordSet) -> bool {
        let name = canonical_name(&record.name);
        match &record.alias_target {
            Some(target) => {
                record.r#type == RrType::A
                    && self.targets.contains(&canonical_target(&target.dns_name))
            }
            None => record.r#type == RrType::Cname && self.validations.contains(&name),
        }
    }
}

/// Every public zone with its records, if the stack has anything that a record may lead to.
async fn zones_with_records(
    aws: &Aws,
    remains: &Remains,
) -> Result<Vec<(Zone, Vec<ResourceRecordSet>)>, CallError> {
    let ours = Records::of(remains);
    if ours.targets.is_empty() && ours.validations.is_empty() {
        return Ok(Vec::new());
    }
    let zones = public_zones(aws).await?;
    each(zones.to_vec(), async |zone: Zone| {
        let records = zone_records(aws, &zone.id).await?;
        Ok(records.as_ref().clone().map(|records| (zone, records)))
    })
    .await
}

impl Findable for AliasRecords {
    async fn tagged(_aws: &Aws, _search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        Ok(Vec::new())
    }

    async fn attached(
        aws: &Aws,
        search: &Search<'_, Self>,
        remains: &Remains,
    ) -> Result<Vec<Found<Self>>, CallError> {
        let balancers = remains.outputs::<LoadBalancer>();
        let mut found = Vec::new();
        for (zone, records) in zones_with_records(aws, remains).await? {
            let wanted = search.wanted.iter().flat_map(|wanted| &wanted.names);
            let wanted: Vec<&String> = wanted.collect();
            for (_, balancer) in &balancers {
                if let Some(outputs) = records_to(balancer, &zone.id, &records, &wanted) {
                    found.push(Found::new(outputs, TagMap::new()).named(&zone.name));
                }
            }
        }
        Ok(found)
    }

    /// By the zone that holds them or by one of the names. What points to the stack's load balancer
    /// is taken, whoever wrote it; where nothing does, what points to one and the same other target: an
    /// update turns it to the stack's.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let known = context.known;
        let Some(zone) = known.outputs(&self.hosted_zone) else {
            return Err(CallError::local(
                "navi",
                format!(
                    "records are known by their zone; adopt {} first",
                    self.hosted_zone.address()
                ),
            ));
        };
        let name = canonical_name(id);
        let meant = bare_id(id) == zone.zone_id
            || self.hosted_zone.address().name() == name
            || self.names.contains(&name);
        if !meant {
            return Ok(None);
        }
        let records = zone_records(context.cloud, &zone.zone_id).await?;
        let records = records.as_ref().as_deref().unwrap_or_default();
        let wanted: Vec<&String> = self.names.iter().collect();
        let balancer = known.outputs(&self.load_balancer);
        let to_ours = balancer
            .and_then(|balancer| records_to(&balancer, &zone.zone_id, records, &wanted))
            .filter(|outputs| outputs.names.iter().any(|name| self.names.contains(name)));
        let named = wanted.iter().copied().find(|wanted| **wanted == name);
        let outputs = to_ours.or_else(|| {
            let balancer = pointed_to(records, named, &wanted)?;
            records_to(&balancer, &zone.zone_id, records, &wanted)
        });
        Ok(outputs.map(|mut outputs| {
            // What the stack doesn't want stays whoever's it is.
            outputs.names.retain(|name| self.names.contains(name));
            Found::new(outputs, TagMap::new())
        }))
    }

    fn remnant(found: &Found<Self>, _name: &str, remains: &Remains) -> Self {
        AliasRecords {
            hosted_zone: remains.held_by(Some(&found.outputs.zone_id)),
            load_balancer: remains
                .held_by(Some(&found.outputs.dns_name))
                .unordered_on_delete(),
            names: found.outputs.names.clone(),
            evaluate_target_health: found.outputs.evaluate_target_health,
        }
    }
}

/// Where the record of the name points to, or of the first of the wanted names that has one. One of several records of
/// a name can't be changed like one that is alone.
fn pointed_to(
    records: &[ResourceRecordSet],
    named: Option<&String>,
    wanted: &[&String],
) -> Option<LoadBalancerOutputs> {
    let of = |name: &String| {
        let mut aliases = records.iter().filter(|record| {
            record.r#type == RrType::A
                && record.set_identifier.is_none()
                && canonical_name(&record.name) == *name
        });
        aliases.find_map(|record| record.alias_target.as_ref())
    };
    let target = match named {
        Some(name) => of(name),
        None => wanted.iter().find_map(|name| of(name)),
    }?;
    Some(LoadBalancerOutputs {
        arn: String::new(),
        dns_name: canonical_target(&target.dns_name),
        canonical_hosted_zone_id: target.hosted_zone_id.clone(),
    })
}

/// The names in the zone that lead to the load balancer, in the order in which they are wanted.
fn records_to(
    balancer: &LoadBalancerOutputs,
    zone_id: &str,
    records: &[ResourceRecordSet],
    wanted: &[&String],
) -> Option<AliasRecordsOutputs> {
    let target = canonical_target(&balancer.dns_name);
    let leading = records.iter().filter_map(|record| {
        let alias = record.alias_target.as_ref()?;
        let leads = record.r#type == RrType::A && canonical_target(&alias.dns_name) == target;
        leads.then(|| (canonical_name(&record.name), alias.evaluate_target_health))
    });
    let mut leading: Vec<(String, bool)> = leading.collect();
    let place = |name: &String| wanted.iter().position(|one| *one == name);
    leading.sort_by_key(|(name, _)| (place(name).unwrap_or(usize::MAX), name.clone()));
    let (_, evaluate_target_health) = *leading.first()?;
    Some(AliasRecordsOutputs {
        zone_id: zone_id.to_owned(),
        dns_name: balancer.dns_name.clone(),
        canonical_hosted_zone_id: balancer.canonical_hosted_zone_id.clone(),
        evaluate_target_health,
        names: leading.into_iter().map(|(name, _)| name).collect(),
    })
}

impl Findable for Certificate {
    /// ListCertificates tells no tags: with the file at hand only those of the wanted domains are
    /// asked about, without it all.
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        let wanted = search
            .wanted
            .iter()
            .map(|one| bare_domain(&one.domain_name));
        let wanted: BTreeSet<String> = wanted.collect();
        let listed = summaries(aws, false).await?.into_iter();
        let arns = listed.filter_map(|summary| {
            let domain = bare_domain(summary.domain_name.as_deref().unwrap_or_default());
            let asked = wanted.is_empty() || wanted.contains(&domain);
            summary.certificate_arn.filter(|_| asked)
        });
        let stack = search.stack;
        each(arns, async |arn| {
            let tags = tags_of_certificate(aws, &arn).await?;
            match tags.get(STACK_TAG).map(String::as_str) == Some(stack) {
                true => certificate(aws, &arn, tags).await,
                false => Ok(None),
            }
        })
        .await
    }

    /// By ARN, by its last part, or by the domain if there is one certificate for it.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let aws = context.cloud;
        let listed = summaries(aws, false).await?.into_iter();
        let arns = listed.filter_map(|summary| {
            let domain = canonical_name(summary.domain_name.as_deref().unwrap_or_default());
            let arn = summary.certificate_arn?;
            (arn == id || last(&arn) == id || domain == canonical_name(id)).then_some(arn)
        });
        let found = each(arns, async |arn| {
            let tags = tags_of_certificate(aws, &arn).await?;
            certificate(aws, &arn, tags).await
        });
        super::only(found.await?, id)
    }

    async fn untag(
        aws: &Aws,
        outputs: &CertificateOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        certificate::untag(aws, &outputs.arn, keys).await
    }

    fn remnant(found: &Found<Self>, name: &str, remains: &Remains) -> Self {
        // The zone of the longest name that the domain lies in.
        let domain = bare_domain(name);
        let zones = remains.all::<HostedZone>().into_iter();
        let zone = zones
            .filter(|zone| {
                let zone = zone.address().name();
                domain == zone || domain.ends_with(&format!(".{zone}"))
            })
            .max_by_key(|zone| zone.address().name().len());
        Certificate {
            domain_name: name.to_owned(),
            subject_alternative_names: Vec::new(),
            // Without a zone it would count as looked up, and stay.
            hosted_zone: Some(zone.unwrap_or_else(|| remains.held_by(None))),
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

async fn tags_of_certificate(aws: &Aws, arn: &str) -> Result<TagMap, CallError> {
    let call = aws.acm.list_tags_for_certificate().certificate_arn(arn);
    match send("acm:ListTagsForCertificate", call.send()).await {
        Ok(answer) => Ok(answer
            .tags
            .unwrap_or_default()
            .into_iter()
            .map(|tag| (tag.key, tag.value.unwrap_or_default()))
            .collect()),
        Err(error) if error.is_not_found() => Ok(TagMap::new()),
        Err(error) => Err(error),
    }
}

async fn certificate(
    aws: &Aws,
    arn: &str,
    tags: TagMap,
) -> Result<Option<Found<Certificate>>, CallError> {
    Ok(described(aws, arn).await?.map(|detail| {
        let outputs = CertificateOutputs {
            arn: arn.to_owned(),
            validation_records: validation_records(&detail),
        };
        Found::new(outputs, tags)
    }))
}
