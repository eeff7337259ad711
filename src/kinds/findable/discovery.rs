//! How are the namespace and its services found? Cloud Map lists without tags: they are read for each.

use std::sync::Arc;

use aws_sdk_servicediscovery::types as api;
use futures::future::try_join_all;

use super::{each, last, of_stack, only};
use crate::aws::{Aws, cloud_map, send, tags};
use crate::kinds::discovery_service::{DiscoveryService, DiscoveryServiceOutputs};
use crate::kinds::namespace::{Namespace, NamespaceOutputs, get};
use crate::resource::{CallError, Context, Findable, Found, Remains, Search, TagMap};

/// The private namespaces of the account, at most 50 (aws-behaviour §2.16), with their tags.
async fn namespaces(aws: &Aws) -> Result<Arc<Vec<Found<Namespace>>>, CallError> {
    const OPERATION: &str = "servicediscovery:ListNamespaces";
    let ask = async {
        let private = api::NamespaceFilter::builder()
            .name(api::NamespaceFilterName::Type)
            .values("DNS_PRIVATE")
            .condition(api::FilterCondition::Eq)
            .build()
            .expect("both required members are set");
        let pages = aws.cloud_map.list_namespaces().filters(private);
        let pages: Vec<_> = send(
            OPERATION,
            pages.into_paginator().send().collect::<Result<_, _>>(),
        )
        .await?;
        let all = pages
            .into_iter()
            .flat_map(|page| page.namespaces.unwrap_or_default());
        each(all, async |summary: api::NamespaceSummary| {
            let (Some(id), Some(arn)) = (summary.id, summary.arn) else {
                return Ok(None);
            };
            let tags = tags_of(aws, &arn).await?;
            let outputs = NamespaceOutputs {
                namespace_id: Some(id),
                arn: Some(arn),
                hosted_zone_id: summary
                    .properties
                    .and_then(|properties| properties.dns_properties)
                    .and_then(|dns| dns.hosted_zone_id),
                vpc_id: String::new(),
                creator_request_id: String::new(),
                operation_id: None,
            };
            Ok(Some(
                Found::new(outputs, tags).named(summary.name.unwrap_or_default()),
            ))
        })
        .await
    };
    aws.memo.once(format!("{OPERATION} tagged"), ask).await
}

async fn namespaces_of(aws: &Aws, stack: &str) -> Result<Vec<Found<Namespace>>, CallError> {
    Ok(of_stack(namespaces(aws).await?.to_vec(), stack))
}

/// What the listing leaves out: who made it, and the VPC, which only its hosted zone tells.
async fn completed(
    aws: &Aws,
    mut found: Found<Namespace>,
) -> Result<Option<Found<Namespace>>, CallError> {
    // Its name was for finding it; its address is in its tags.
    found.name = None;
    let outputs = &mut found.outputs;
    let Some(id) = &outputs.namespace_id else {
        return Ok(None);
    };
    let Some(namespace) = get(aws, id).await? else {
        return Ok(None);
    };
    outputs.creator_request_id = namespace.creator_request_id.unwrap_or_default();
    if let Some(zone_id) = &outputs.hosted_zone_id {
        let call = aws.route53.get_hosted_zone().id(zone_id);
        let answer = match send("route53:GetHostedZone", call.send()).await {
            Ok(answer) => answer,
            Err(error) if error.is_not_found() => return Ok(Some(found)),
            Err(error) => return Err(error),
        };
        let vpc_id = answer.vpcs().first().and_then(|vpc| vpc.vpc_id.clone());
        outputs.vpc_id = vpc_id.unwrap_or_default();
    }
    found.within = Some(found.outputs.vpc_id.clone());
    Ok(Some(found))
}

async fn tags_of(aws: &Aws, arn: &str) -> Result<TagMap, CallError> {
    let call = aws.cloud_map.list_tags_for_resource().resource_arn(arn);
    match send("servicediscovery:ListTagsForResource", call.send()).await {
        Ok(answer) => Ok(answer
            .tags
            .unwrap_or_default()
            .into_iter()
            .map(|tag| (tag.key, tag.value))
            .collect()),
        Err(error) if error.is_not_found() => Ok(TagMap::new()),
        Err(error) => Err(error),
    }
}

impl Findable for Namespace {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        let ours = namespaces_of(aws, search.stack).await?;
        each(ours, async |found| completed(aws, found).await).await
    }

    /// By ID, ARN or name.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let all = namespaces(context.cloud).await?;
        let meant = all.iter().filter(|found| {
            found.outputs.namespace_id.as_deref() == Some(last(id))
                || found.name.as_deref() == Some(id)
        });
        match only(meant.cloned().collect(), id)? {
            Some(found) => completed(context.cloud, found).await,
            None => Ok(None),
        }
    }

    async fn untag(
        aws: &Aws,
        outputs: &NamespaceOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        match &outputs.arn {
            Some(arn) => tags::untag_cloud_map(aws, arn, keys).await,
            None => Err(CallError::local(
                "servicediscovery:UntagResource",
                "the namespace is still being made",
            )),
        }
    }

    fn remnant(found: &Found<Self>, _name: &str, remains: &Remains) -> Self {
        Namespace {
            vpc: remains.held_by(found.within.as_deref()),
            name: String::new(),
            description: None,
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

impl Findable for DiscoveryService {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        let namespaces = namespaces_of(aws, search.stack).await?;
        let ids = namespaces
            .iter()
            .filter_map(|one| one.outputs.namespace_id.as_deref());
        let found = try_join_all(ids.map(async |id| services_in(aws, id).await)).await?;
        Ok(of_stack(
            found.into_iter().flatten().collect(),
            search.stack,
        ))
    }

    /// By ID, by an ARN that ends in it, or by its name in the stack's namespace.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let namespace = context.known.get(&self.namespace, |one| one.namespace_id);
        let Some(namespace_id) = namespace.flatten() else {
            return Err(CallError::local(
                "navi",
                format!(
                    "a Cloud Map service is listed under its namespace; adopt {} first",
                    self.namespace.address()
                ),
            ));
        };
        let services = cloud_map::services_in(context.cloud, &namespace_id).await?;
        let meant = services
            .into_iter()
            .find(|service| service.id() == Some(last(id)) || service.name() == Some(id));
        match meant {
            Some(summary) => service(context.cloud, summary, &namespace_id).await,
            None => Ok(None),
        }
    }

    async fn untag(
        aws: &Aws,
        outputs: &DiscoveryServiceOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        tags::untag_cloud_map(aws, &outputs.arn, keys).await
    }

    fn remnant(found: &Found<Self>, _name: &str, remains: &Remains) -> Self {
        DiscoveryService {
            namespace: remains.held_by(found.within.as_deref()),
            name: String::new(),
            description: None,
            ttl: 0,
            health_check_custom_config: None,
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

async fn services_in(
    aws: &Aws,
    namespace_id: &str,
) -> Result<Vec<Found<DiscoveryService>>, CallError> {
    let services = cloud_map::services_in(aws, namespace_id).await?;
    each(services, async |summary| {
        service(aws, summary, namespace_id).await
    })
    .await
}

async fn service(
    aws: &Aws,
    summary: api::ServiceSummary,
    namespace_id: &str,
) -> Result<Option<Found<DiscoveryService>>, CallError> {
    let (Some(service_id), Some(arn)) = (summary.id, summary.arn) else {
        return Ok(None);
    };
    let tags = tags_of(aws, &arn).await?;
    let outputs = DiscoveryServiceOutputs {
        service_id,
        arn,
        namespace_id: namespace_id.to_owned(),
        operation_id: None,
    };
    Ok(Some(Found::new(outputs, tags).within(namespace_id)))
}
