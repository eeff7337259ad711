//! Who has the names that are to be given? One batched look per service; tags are read only where
//! somebody has one.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_ec2::types::Filter;
use aws_sdk_ecs::types::{ClusterField, ServiceField};
use aws_sdk_elasticloadbalancingv2::types::LoadBalancerTypeEnum;
use aws_sdk_route53::types::{ResourceRecordSet, TagResourceType};
use aws_sdk_servicediscovery::types::Tag as CloudMapTag;
use futures::future::{try_join, try_join_all};
use serde_json::json;

use super::{Aws, canonical_name, cloud_map, send, zone_records};
use crate::resource::{CallError, TagMap};

/// DescribeClusters takes this many names per call.
const CLUSTERS_PER_CALL: usize = 100;
/// DescribeServices takes this many names per call.
const SERVICES_PER_CALL: usize = 10;
/// DescribeTags of load balancing takes this many ARNs per call.
const ARNS_PER_CALL: usize = 20;

/// Something that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namesake {
    /// The name it has.
    pub name: String,
    /// Its ARN, or its ID where AWS gives no ARN.
    pub id: String,
    /// All its tags; empty also for what takes none (a record).
    pub tags: TagMap,
}

/// A load balancer or target group as a listing tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Whether it is an application load balancer.
    pub is_application: bool,
}

/// Every load balancer of the region. Asking for names instead fails when one of them is free, and
/// the number is wanted as well.
pub async fn load_balancers_of_the_region(aws: &Aws) -> Result<Arc<Vec<Listed>>, CallError> {
    const OPERATION: &str = "elb:DescribeLoadBalancers";
    let list = async {
        let pages = aws.elb.describe_load_balancers().into_paginator().items();
        let all: Vec<_> = send(OPERATION, pages.send().collect::<Result<_, _>>()).await?;
        Ok(all
            .into_iter()
            .map(|balancer| Listed {
                name: balancer.load_balancer_name.unwrap_or_default(),
                arn: balancer.load_balancer_arn.unwrap_or_default(),
                is_application: balancer.r#type == Some(LoadBalancerTypeEnum::Application),
            })
            .collect())
    };
    aws.memo.once(format!("{OPERATION} all"), list).await
}

/// Every target group of the region.
pub async fn target_groups_of_the_region(aws: &Aws) -> Result<Arc<Vec<Listed>>, CallError> {
    const OPERATION: &str = "elb:DescribeTargetGroups";
    let list = async {
        let pages = aws.elb.describe_target_groups().into_paginator().items();
        let all: Vec<_> = send(OPERATION, pages.send().collect::<Result<_, _>>()).await?;
        Ok(all
            .into_iter()
            .map(|group| Listed {
                name: group.target_group_name.unwrap_or_default(),
                arn: group.target_group_arn.unwrap_or_default(),
                is_application: false,
            })
            .collect())
    };
    aws.memo.once(format!("{OPERATION} all"), list).await
}

/// The load balancers of these names.
pub async fn load_balancers(aws: &Aws, names: &[String]) -> Result<Vec<Namesake>, CallError> {
    tagged(aws, &load_balancers_of_the_region(aws).await?, names).await
}

/// The target groups of these names.
pub async fn target_groups(aws: &Aws, names: &[String]) -> Result<Vec<Namesake>, CallError> {
    tagged(aws, &target_groups_of_the_region(aws).await?, names).await
}

async fn tagged(aws: &Aws, all: &[Listed], names: &[String]) -> Result<Vec<Namesake>, CallError> {
    let taken: Vec<&Listed> = all
        .iter()
        .filter(|listed| names.contains(&listed.name))
        .collect();
    let mut found = Vec::new();
    for some in taken.chunks(ARNS_PER_CALL) {
        let arns = some.iter().map(|listed| listed.arn.clone()).collect();
        let call = aws.elb.describe_tags().set_resource_arns(Some(arns));
        let answer = send("elb:DescribeTags", call.send()).await?;
        let mut tags: BTreeMap<String, TagMap> = answer
            .tag_descriptions
            .unwrap_or_default()
            .into_iter()
            .filter_map(|description| {
                let tags = description.tags.unwrap_or_default();
                let tags = tags.into_iter();
                let tags = tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())));
                Some((description.resource_arn?, tags.collect()))
            })
            .collect();
        found.extend(some.iter().map(|listed| Namesake {
            name: listed.name.clone(),
            id: listed.arn.clone(),
            tags: tags.remove(&listed.arn).unwrap_or_default(),
        }));
    }
    Ok(found)
}

/// The roles of these names. IAM tells one role per call, with its tags.
pub async fn roles(aws: &Aws, names: &[String]) -> Result<Vec<Namesake>, CallError> {
    let roles = try_join_all(names.iter().map(async |name| {
        let call = aws.iam.get_role().role_name(name);
        match send("iam:GetRole", call.send()).await {
            Ok(answer) => Ok(answer.role),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }))
    .await?;
    Ok(roles
        .into_iter()
        .flatten()
        .map(|role| Namesake {
            name: role.role_name,
            id: role.arn,
            tags: role
                .tags
                .unwrap_or_default()
                .into_iter()
                .map(|tag| (tag.key, tag.value))
                .collect(),
        })
        .collect())
}

/// The living clusters of these names.
pub async fn clusters(aws: &Aws, names: &[String]) -> Result<Vec<Namesake>, CallError> {
    let mut found = Vec::new();
    for some in names.chunks(CLUSTERS_PER_CALL) {
        let call = aws.ecs.describe_clusters().include(ClusterField::Tags);
        let call = call.set_clusters(Some(some.to_vec()));
        let answer = send("ecs:DescribeClusters", call.send()).await?;
        let living = answer.clusters.unwrap_or_default().into_iter();
        found.extend(
            living
                // A deleted one is shown for a while (aws-behaviour §2.17).
                .filter(|cluster| cluster.status.as_deref() != Some("INACTIVE"))
                .map(|cluster| Namesake {
                    name: cluster.cluster_name.unwrap_or_default(),
                    id: cluster.cluster_arn.unwrap_or_default(),
                    tags: ecs_tags(cluster.tags),
                }),
        );
    }
    Ok(found)
}

/// The living services of these names in one cluster; none when there is no such cluster.
pub async fn services(
    aws: &Aws,
    cluster: &str,
    names: &[String],
) -> Result<Vec<Namesake>, CallError> {
    let mut found = Vec::new();
    for some in names.chunks(SERVICES_PER_CALL) {
        let call = aws.ecs.describe_services().cluster(cluster);
        let call = call.include(ServiceField::Tags);
        let call = call.set_services(Some(some.to_vec()));
        let answer = match send("ecs:DescribeServices", call.send()).await {
            Ok(answer) => answer,
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let living = answer.services.unwrap_or_default().into_iter();
        found.extend(
            living
                // The name of an INACTIVE one is free; a draining one goes by itself (aws-behaviour §2.18).
                .filter(|service| service.status.as_deref() == Some("ACTIVE"))
                .map(|service| Namesake {
                    name: service.service_name.unwrap_or_default(),
                    id: service.service_arn.unwrap_or_default(),
                    tags: ecs_tags(service.tags),
                }),
        );
    }
    Ok(found)
}

fn ecs_tags(tags: Option<Vec<aws_sdk_ecs::types::Tag>>) -> TagMap {
    tags.unwrap_or_default()
        .into_iter()
        .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
        .collect()
}

/// The security groups of these names in one VPC. Names are unique there whatever the case of their
/// letters (aws-behaviour §2.7), so all groups of the VPC are listed.
pub async fn security_groups(
    aws: &Aws,
    vpc_id: &str,
    names: &[String],
) -> Result<Vec<Namesake>, CallError> {
    let in_vpc = Filter::builder().name("vpc-id").values(vpc_id).build();
    let pages = aws.ec2.describe_security_groups().filters(in_vpc);
    let groups: Vec<_> = send(
        "ec2:DescribeSecurityGroups",
        pages
            .into_paginator()
            .items()
            .send()
            .collect::<Result<_, _>>(),
    )
    .await?;
    Ok(groups
        .into_iter()
        .filter_map(|group| {
            let name = group.group_name.unwrap_or_default();
            let wanted = names
                .iter()
                .find(|wanted| wanted.eq_ignore_ascii_case(&name))?;
            Some(Namesake {
                name: wanted.clone(),
                id: group.group_id.unwrap_or_default(),
                tags: group
                    .tags
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
                    .collect(),
            })
        })
        .collect())
}

/// The tags of these log groups, which are there: their names, with their ARNs.
pub async fn log_groups(
    aws: &Aws,
    groups: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<Namesake>, CallError> {
    try_join_all(groups.into_iter().map(async |(name, arn)| {
        let call = aws.logs.list_tags_for_resource().resource_arn(&arn);
        let answer = send("logs:ListTagsForResource", call.send()).await?;
        Ok(Namesake {
            name,
            id: arn,
            tags: answer.tags.unwrap_or_default().into_iter().collect(),
        })
    }))
    .await
}

/// The tags of these hosted zones, which are there: their names, with their IDs.
pub async fn hosted_zones(
    aws: &Aws,
    zones: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<Namesake>, CallError> {
    try_join_all(zones.into_iter().map(async |(name, id)| {
        let call = aws.route53.list_tags_for_resource();
        let call = call.resource_type(TagResourceType::Hostedzone);
        let call = call.resource_id(&id);
        let answer = send("route53:ListTagsForResource", call.send()).await?;
        let tags = answer.resource_tag_set.and_then(|set| set.tags);
        let tags = tags.unwrap_or_default().into_iter();
        Ok(Namesake {
            name,
            id,
            tags: tags
                .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
                .collect(),
        })
    }))
    .await
}

/// The records at these names of a zone that keep an A record from being made: another A, or a CNAME,
/// which allows no other beside it. A record carries no tags.
pub async fn records(
    aws: &Aws,
    zone_id: &str,
    names: &[String],
) -> Result<Vec<Namesake>, CallError> {
    let records = zone_records(aws, zone_id).await?;
    Ok(records
        .as_ref()
        .as_deref()
        .unwrap_or_default()
        .iter()
        .filter(|record| ["A", "CNAME"].contains(&record.r#type.as_str()))
        .filter_map(|record| {
            let name = canonical_name(&record.name);
            let target = match &record.alias_target {
                Some(alias) => format!("an alias of {}", canonical_name(&alias.dns_name)),
                None => record
                    .resource_records()
                    .iter()
                    .map(|value| value.value.clone())
                    .collect::<Vec<_>>()
                    .join(", "),
            };
            names.contains(&name).then(|| Namesake {
                id: format!("{} {} {target}", name, record.r#type.as_str()),
                name,
                tags: TagMap::new(),
            })
        })
        .collect())
}

/// A record that stands where another is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingRecord {
    /// Whether it is an A record that is an alias, and the only one of its name.
    pub is_plain_alias: bool,
    /// The command that removes it; for one of several of its name, that shows them.
    pub way: String,
}

/// The record that has the name, if there is one. A removal has to repeat all of the record (aws-behaviour §2.12).
pub async fn standing_record(
    aws: &Aws,
    zone_id: &str,
    name: &str,
) -> Result<Option<StandingRecord>, CallError> {
    let records = zone_records(aws, zone_id).await?;
    let records = records.as_ref().as_deref().unwrap_or_default().iter();
    let mut of_name = records.filter(|record| {
        ["A", "CNAME"].contains(&record.r#type.as_str()) && canonical_name(&record.name) == name
    });
    Ok(of_name.next().map(|record| standing(zone_id, record)))
}

fn standing(zone_id: &str, record: &ResourceRecordSet) -> StandingRecord {
    let kind = record.r#type.as_str();
    // One of several of its name has more to it than can be put in a line.
    if record.set_identifier.is_some() {
        return StandingRecord {
            is_plain_alias: false,
            way: format!(
                "aws route53 list-resource-record-sets --hosted-zone-id {zone_id} --query \
                 \"ResourceRecordSets[?Name=='{}']\"",
                record.name
            ),
        };
    }
    let mut set = json!({"Name": record.name, "Type": kind});
    match &record.alias_target {
        Some(alias) => {
            set["AliasTarget"] = json!({
                "HostedZoneId": alias.hosted_zone_id,
                "DNSName": alias.dns_name,
                "EvaluateTargetHealth": alias.evaluate_target_health,
            });
        }
        None => {
            let values = record.resource_records().iter();
            let values: Vec<_> = values.map(|one| json!({"Value": one.value})).collect();
            set["TTL"] = json!(record.ttl);
            set["ResourceRecords"] = json!(values);
        }
    }
    let batch = json!({"Changes": [{"Action": "DELETE", "ResourceRecordSet": set}]});
    StandingRecord {
        is_plain_alias: kind == "A" && record.alias_target.is_some(),
        way: format!(
            "aws route53 change-resource-record-sets --hosted-zone-id {zone_id} --change-batch '{batch}'"
        ),
    }
}

/// The private hosted zones of these names that a VPC sees, Cloud Map's among them: a namespace of
/// the same name is refused there (aws-behaviour §2.16). The tags are those of the namespace, where
/// Cloud Map made the zone for one.
pub async fn private_zones(
    aws: &Aws,
    vpc_id: &str,
    names: &[String],
) -> Result<Vec<Namesake>, CallError> {
    let zones = zones_of_vpc(aws, vpc_id, names).await?;
    if zones.is_empty() {
        return Ok(zones);
    }
    let arns = namespace_arns(aws, names);
    let (mut zones, arns) = try_join(async { Ok(zones) }, arns).await?;
    let tags = try_join_all(arns.iter().map(async |(zone_id, arn)| {
        Ok::<_, CallError>((zone_id.clone(), cloud_map_tags(aws, arn).await?))
    }))
    .await?;
    let mut tags: BTreeMap<String, TagMap> = tags.into_iter().collect();
    for zone in &mut zones {
        zone.tags = tags.remove(&zone.id).unwrap_or_default();
    }
    Ok(zones)
}

async fn zones_of_vpc(
    aws: &Aws,
    vpc_id: &str,
    names: &[String],
) -> Result<Vec<Namesake>, CallError> {
    let mut found = Vec::new();
    let mut next_token = None;
    loop {
        // The SDK has no paginator for this operation.
        let call = aws.route53.list_hosted_zones_by_vpc().vpc_id(vpc_id);
        let call = call.vpc_region(aws.region.as_str().into());
        let page = send(
            "route53:ListHostedZonesByVPC",
            call.set_next_token(next_token).send(),
        )
        .await?;
        found.extend(page.hosted_zone_summaries.into_iter().filter_map(|zone| {
            let name = canonical_name(&zone.name);
            names.contains(&name).then_some(Namesake {
                name,
                id: zone.hosted_zone_id,
                tags: TagMap::new(),
            })
        }));
        next_token = page.next_token;
        if next_token.is_none() {
            return Ok(found);
        }
    }
}

/// The ARNs of the namespaces of these names, by the zone that Cloud Map made for each.
async fn namespace_arns(
    aws: &Aws,
    names: &[String],
) -> Result<BTreeMap<String, String>, CallError> {
    Ok(cloud_map::namespaces(aws)
        .await?
        .iter()
        .filter(|namespace| {
            let name = namespace.name().unwrap_or_default();
            names.contains(&canonical_name(name))
        })
        .filter_map(|namespace| {
            let dns = namespace.properties()?.dns_properties()?;
            Some((dns.hosted_zone_id.clone()?, namespace.arn.clone()?))
        })
        .collect())
}

/// The services of these names in a namespace; none when the namespace is gone.
pub async fn discovery_services(
    aws: &Aws,
    namespace_id: &str,
    names: &[String],
) -> Result<Vec<Namesake>, CallError> {
    let services = cloud_map::services_in(aws, namespace_id).await?;
    let taken = services.into_iter().filter_map(|service| {
        let name = service.name?;
        let wanted = names
            .iter()
            .find(|wanted| wanted.eq_ignore_ascii_case(&name))?;
        Some((wanted.clone(), service.arn?))
    });
    try_join_all(taken.map(async |(name, arn)| {
        let tags = cloud_map_tags(aws, &arn).await?;
        Ok(Namesake {
            name,
            id: arn,
            tags,
        })
    }))
    .await
}

async fn cloud_map_tags(aws: &Aws, arn: &str) -> Result<TagMap, CallError> {
    let call = aws.cloud_map.list_tags_for_resource().resource_arn(arn);
    let answer = send("servicediscovery:ListTagsForResource", call.send()).await?;
    let tags: Vec<CloudMapTag> = answer.tags.unwrap_or_default();
    Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

#[cfg(test)]
mod tests {
    use aws_sdk_route53::types::{AliasTarget, ResourceRecord, RrType};

    use super::*;

    fn alias(set_identifier: Option<&str>) -> ResourceRecordSet {
        let target = AliasTarget::builder()
            .hosted_zone_id("Z14GRHDCWA56QT")
            .dns_name("dualstack.old-1.ap-northeast-1.elb.amazonaws.com.")
            .evaluate_target_health(true)
            .build()
            .unwrap();
        ResourceRecordSet::builder()
            .name("www.example.test.")
            .r#type(RrType::A)
            .alias_target(target)
            .set_set_identifier(set_identifier.map(str::to_owned))
            .build()
            .unwrap()
    }

    #[test]
    fn an_alias_that_stands_alone_can_be_taken_over() {
        let record = standing("Z1", &alias(None));
        assert!(record.is_plain_alias);
        let target = r#""AliasTarget":{"HostedZoneId":"Z14GRHDCWA56QT","DNSName":"dualstack.old-1.ap-northeast-1.elb.amazonaws.com.","EvaluateTargetHealth":true}"#;
        assert!(record.way.contains(target), "{}", record.way);
    }

    #[test]
    fn one_of_several_of_a_name_is_looked_at_first() {
        let record = standing("Z1", &alias(Some("blue")));
        assert!(!record.is_plain_alias);
        assert_eq!(
            record.way,
            "aws route53 list-resource-record-sets --hosted-zone-id Z1 --query \
             \"ResourceRecordSets[?Name=='www.example.test.']\""
        );
    }

    #[test]
    fn what_removes_a_record_repeats_all_of_it() {
        let record = ResourceRecordSet::builder()
            .name("www.example.test.")
            .r#type(RrType::Cname)
            .ttl(300)
            .resource_records(
                ResourceRecord::builder()
                    .value("old.example.test")
                    .build()
                    .unwrap(),
            )
            .build()
            .unwrap();
        let record = standing("Z1", &record);
        assert!(!record.is_plain_alias);
        let set = r#"{"Name":"www.example.test.","Type":"CNAME","TTL":300,"ResourceRecords":[{"Value":"old.example.test"}]}"#;
        assert!(record.way.contains(set), "{}", record.way);
    }
}
