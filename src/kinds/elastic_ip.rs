//! The elastic IP: how is the address allocated, compared and released?

use std::collections::HashMap;

use aws_sdk_ec2::types::{DomainType, Filter, ResourceType};
use serde::{Deserialize, Serialize};

use crate::aws::{Aws, InterfaceFilter, Settle, holders_among_interfaces, send, settle, tags};
use crate::resource::{
    CallError, Change, Context, Holder, Known, Lookup, Resource, StepError, TagMap,
};

/// What the stack wants. It depends on nothing: allocating needs no internet gateway (aws-behaviour §2.5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElasticIp {
    /// Tags, `Name` among them.
    pub tags: TagMap,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct ElasticIpObserved {
    /// `eipalloc-…`.
    pub allocation_id: String,
    /// The address itself.
    pub public_ip: String,
    /// Tags but AWS's own.
    pub tags: TagMap,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElasticIpOutputs {
    /// `eipalloc-…`.
    pub allocation_id: String,
    /// The address itself, as strangers see it: what firewalls elsewhere must let in.
    pub public_ip: String,
}

impl Resource for ElasticIp {
    const KIND: &'static str = "elastic_ip";
    type Cloud = Aws;
    type Observed = ElasticIpObserved;
    type Outputs = ElasticIpOutputs;

    fn notice(&self, change: &Change) -> Option<String> {
        // It is made anew only for another gateway, never for a field of its own.
        change.is_empty().then(|| {
            "the address by which tasks are seen on the internet changes: firewalls elsewhere that name it have to follow"
                .to_owned()
        })
    }

    fn diff(&self, seen: &ElasticIpObserved, recorded: Option<&Self>, _known: &Known) -> Change {
        let mut change = Change::default();
        change.tags(&seen.tags, &self.tags);
        change.dropped_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &ElasticIpObserved) -> ElasticIpOutputs {
        ElasticIpOutputs {
            allocation_id: seen.allocation_id.clone(),
            public_ip: seen.public_ip.clone(),
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<ElasticIpObserved>>, CallError> {
        // A filter instead of `AllocationIds`: one unknown ID would fail the whole call.
        let ids = lookups
            .iter()
            .map(|lookup| lookup.outputs.allocation_id.clone());
        let by_id = Filter::builder()
            .name("allocation-id")
            .set_values(Some(ids.collect()))
            .build();
        let found: HashMap<_, _> = list(aws, by_id)
            .await?
            .into_iter()
            .map(|address| (address.allocation_id.clone(), address))
            .collect();
        Ok(lookups
            .iter()
            .map(|lookup| found.get(&lookup.outputs.allocation_id).cloned())
            .collect())
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<ElasticIpOutputs>, CallError> {
        let found = list(context.cloud, tags::made_by(context.token)).await?;
        Ok(found.first().map(|address| self.outputs(address)))
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<ElasticIpOutputs, StepError> {
        let aws = context.cloud;
        // No client token, and each address is billed: never sent twice by the SDK (aws-behaviour §2.5).
        let answer = settle("ec2:AllocateAddress", Settle::Throttling, || {
            aws.ec2_once
                .allocate_address()
                .domain(DomainType::Vpc)
                .tag_specifications(tags::specification(
                    ResourceType::ElasticIp,
                    &self.tags,
                    context.token,
                ))
                .send()
        })
        .await?;
        let allocation_id = answer.allocation_id.ok_or_else(|| {
            CallError::incomplete("ec2:AllocateAddress", "the answer holds no allocation ID")
        })?;
        Ok(ElasticIpOutputs {
            allocation_id,
            public_ip: answer.public_ip.unwrap_or_default(),
        })
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &ElasticIpOutputs,
        _seen: &ElasticIpObserved,
        change: &Change,
    ) -> Result<ElasticIpOutputs, StepError> {
        tags::retag_ec2(
            context.cloud,
            &outputs.allocation_id,
            &self.tags,
            &change.dropped_tag_keys(&self.tags),
        )
        .await?;
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &ElasticIpOutputs,
    ) -> Result<(), StepError> {
        let answer = send(
            "ec2:ReleaseAddress",
            context
                .cloud
                .ec2
                .release_address()
                .allocation_id(&outputs.allocation_id)
                .send(),
        )
        .await;
        match answer {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }

    async fn holders(&self, context: &Context<'_, Aws>, outputs: &ElasticIpOutputs) -> Vec<Holder> {
        let filter = InterfaceFilter::ElasticIp(&outputs.allocation_id);
        holders_among_interfaces(context.cloud, filter).await
    }
}

async fn list(aws: &Aws, filter: Filter) -> Result<Vec<ElasticIpObserved>, CallError> {
    // The one listing of EC2 without pages.
    let answer = send(
        "ec2:DescribeAddresses",
        aws.ec2.describe_addresses().filters(filter).send(),
    )
    .await?;
    Ok(answer
        .addresses
        .unwrap_or_default()
        .into_iter()
        .map(observed)
        .collect())
}

fn observed(address: aws_sdk_ec2::types::Address) -> ElasticIpObserved {
    ElasticIpObserved {
        allocation_id: address.allocation_id.unwrap_or_default(),
        public_ip: address.public_ip.unwrap_or_default(),
        tags: tags::from_ec2(address.tags),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::Tag;

    use super::*;
    use crate::kinds::every_field::{Row, each_field};
    use crate::resource::{Effect, Readiness};

    fn wanted() -> ElasticIp {
        ElasticIp {
            tags: TagMap::from([("Name".into(), "navi-eip".into())]),
        }
    }

    fn seen() -> ElasticIpObserved {
        observed(
            aws_sdk_ec2::types::Address::builder()
                .allocation_id("eipalloc-1")
                .public_ip("198.51.100.7")
                .domain(DomainType::Vpc)
                .association_id("eipassoc-1")
                .network_interface_id("eni-1")
                .private_ip_address("10.0.1.12")
                .tags(Tag::builder().key("Name").value("navi-eip").build())
                .tags(Tag::builder().key("navi:op").value("0123").build())
                .build(),
        )
    }

    #[test]
    fn what_aws_adds_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &Known::default());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<ElasticIp>] = &[(
            "tags.team",
            |address| drop(address.tags.insert("team".into(), "a".into())),
            Effect::InPlace,
        )];
        let diff = |changed: &ElasticIp| changed.diff(&seen(), Some(&wanted()), &Known::default());
        each_field(&wanted(), diff, rows, &[]);
    }

    #[test]
    fn a_tag_that_the_stack_drops_is_taken_away() {
        let mut tagged = wanted();
        tagged.tags.insert("team".into(), "a".into());
        let change = wanted().diff(&seen(), Some(&tagged), &Known::default());
        assert_eq!(change.dropped_tag_keys(&wanted().tags), ["team"]);
    }

    #[test]
    fn an_address_is_usable_at_once() {
        assert_eq!(wanted().readiness(&seen()), Readiness::Ready);
        assert_eq!(wanted().outputs(&seen()).public_ip, "198.51.100.7");
    }
}
