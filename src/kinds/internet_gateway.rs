//! The internet gateway and its attachment to the VPC: how is it made, compared, changed and removed?

use std::collections::HashMap;

use aws_sdk_ec2::types::{AttachmentStatus, Filter, ResourceType};
use serde::{Deserialize, Serialize};

use super::vpc::Vpc;
use crate::aws::{Aws, InterfaceFilter, Settle, holders_among_interfaces, send, settle, tags};
use crate::resource::{
    CallError, Change, Context, Effect, ErrorClass, Holder, Known, Lookup, Readiness, Ref,
    Resource, StepError, TagMap,
};

/// What the stack wants: a gateway that is attached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// The VPC it is attached to; its ID is enough (aws-behaviour §1 row 5).
    pub vpc: Ref<Vpc>,
    /// Tags, `Name` among them.
    pub tags: TagMap,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct InternetGatewayObserved {
    /// `igw-…`.
    pub internet_gateway_id: String,
    /// The VPC it is attached or being attached to.
    pub attachment: Option<String>,
    /// Whether the attachment is complete.
    pub attached: bool,
    /// Tags but AWS's own.
    pub tags: TagMap,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InternetGatewayOutputs {
    /// `igw-…`.
    pub internet_gateway_id: String,
}

impl Resource for InternetGateway {
    const KIND: &'static str = "internet_gateway";
    type Cloud = Aws;
    type Observed = InternetGatewayObserved;
    type Outputs = InternetGatewayOutputs;

    fn diff(
        &self,
        seen: &InternetGatewayObserved,
        recorded: Option<&Self>,
        known: &Known,
    ) -> Change {
        let mut change = Change::default();
        let vpc_id = known.get(&self.vpc, |vpc| Some(vpc.vpc_id));
        // One that lost its attachment gets it back; out of another VPC it is not torn, where all that
        // stands there would be cut off.
        change.reference(
            "attachment",
            &seen.attachment,
            vpc_id.as_ref(),
            match seen.attachment {
                Some(_) => Effect::Replace,
                None => Effect::InPlace,
            },
        );
        change.tags(&seen.tags, &self.tags);
        change.dropped_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &InternetGatewayObserved) -> InternetGatewayOutputs {
        InternetGatewayOutputs {
            internet_gateway_id: seen.internet_gateway_id.clone(),
        }
    }

    /// Ready means attached: what NAT gateways, load balancers and routes wait for
    /// (aws-behaviour §1 rows 6, 7 and 13).
    fn readiness(&self, seen: &InternetGatewayObserved) -> Readiness {
        match seen.attached {
            true => Readiness::Ready,
            false => Readiness::Pending("internet gateway is not attached yet".to_owned()),
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<InternetGatewayObserved>>, CallError> {
        let ids = lookups
            .iter()
            .map(|lookup| lookup.outputs.internet_gateway_id.clone());
        let found: HashMap<_, _> = list(aws, by_id(ids.collect()))
            .await?
            .into_iter()
            .map(|gateway| (gateway.internet_gateway_id.clone(), gateway))
            .collect();
        Ok(lookups
            .iter()
            .map(|lookup| found.get(&lookup.outputs.internet_gateway_id).cloned())
            .collect())
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<InternetGatewayOutputs>, CallError> {
        let found = list(context.cloud, tags::made_by(context.token)).await?;
        Ok(found.first().map(|gateway| self.outputs(gateway)))
    }

    async fn create(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<InternetGatewayOutputs, StepError> {
        let aws = context.cloud;
        let vpc_id = context.outputs(&self.vpc)?.vpc_id;
        // No client token: never sent twice by the SDK (aws-behaviour §2).
        let answer = settle("ec2:CreateInternetGateway", Settle::Throttling, || {
            aws.ec2_once
                .create_internet_gateway()
                .tag_specifications(tags::specification(
                    ResourceType::InternetGateway,
                    &self.tags,
                    context.token,
                ))
                .send()
        })
        .await?;
        let internet_gateway_id = answer
            .internet_gateway
            .and_then(|gateway| gateway.internet_gateway_id)
            .ok_or_else(|| {
                CallError::incomplete(
                    "ec2:CreateInternetGateway",
                    "the answer holds no internet gateway ID",
                )
            })?;
        let outputs = InternetGatewayOutputs {
            internet_gateway_id,
        };
        attach(aws, &outputs, &vpc_id)
            .await
            .map_err(|error| StepError::after(&outputs, error))?;
        Ok(outputs)
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &InternetGatewayOutputs,
        seen: &InternetGatewayObserved,
        change: &Change,
    ) -> Result<InternetGatewayOutputs, StepError> {
        let aws = context.cloud;
        let vpc_id = context.outputs(&self.vpc)?.vpc_id;
        if seen.attachment.as_ref() != Some(&vpc_id) {
            if let Some(other) = &seen.attachment {
                detach(aws, outputs, other).await?;
            }
            attach(aws, outputs, &vpc_id).await?;
        }
        if change.touches("tags") {
            tags::retag_ec2(
                aws,
                &outputs.internet_gateway_id,
                &self.tags,
                &change.dropped_tag_keys(&self.tags),
            )
            .await?;
        }
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &InternetGatewayOutputs,
    ) -> Result<(), StepError> {
        let aws = context.cloud;
        // Refused as in use while any public address is mapped in the VPC: a NAT gateway's, a load
        // balancer's, a task's (aws-behaviour §2.3).
        if let Some(vpc_id) = context.known.get(&self.vpc, |vpc| vpc.vpc_id) {
            detach(aws, outputs, &vpc_id).await?;
        }
        let answer = send(
            "ec2:DeleteInternetGateway",
            aws.ec2
                .delete_internet_gateway()
                .internet_gateway_id(&outputs.internet_gateway_id)
                .send(),
        )
        .await;
        match answer {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }

    async fn holders(
        &self,
        context: &Context<'_, Aws>,
        _outputs: &InternetGatewayOutputs,
    ) -> Vec<Holder> {
        match context.known.get(&self.vpc, |vpc| vpc.vpc_id) {
            Some(vpc_id) => {
                holders_among_interfaces(context.cloud, InterfaceFilter::PublicInVpc(&vpc_id)).await
            }
            None => Vec::new(),
        }
    }
}

async fn attach(
    aws: &Aws,
    outputs: &InternetGatewayOutputs,
    vpc_id: &str,
) -> Result<(), CallError> {
    let answer = settle("ec2:AttachInternetGateway", Settle::Fresh, || {
        aws.ec2
            .attach_internet_gateway()
            .internet_gateway_id(&outputs.internet_gateway_id)
            .vpc_id(vpc_id)
            .send()
    })
    .await;
    match answer {
        Ok(_) => Ok(()),
        // Also the answer to a second sending after a lost first answer (aws-behaviour §2.3).
        Err(error) if error.class == ErrorClass::AlreadyExists => {
            let gateways = list(aws, by_id(vec![outputs.internet_gateway_id.clone()])).await?;
            match gateways
                .iter()
                .any(|gateway| gateway.attachment.as_deref() == Some(vpc_id))
            {
                true => Ok(()),
                false => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

async fn detach(
    aws: &Aws,
    outputs: &InternetGatewayOutputs,
    vpc_id: &str,
) -> Result<(), CallError> {
    let answer = send(
        "ec2:DetachInternetGateway",
        aws.ec2
            .detach_internet_gateway()
            .internet_gateway_id(&outputs.internet_gateway_id)
            .vpc_id(vpc_id)
            .send(),
    )
    .await;
    match answer {
        // The gateway is gone, or `Gateway.NotAttached`.
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

/// A filter instead of `InternetGatewayIds`: one unknown ID would fail the whole call.
fn by_id(ids: Vec<String>) -> Filter {
    Filter::builder()
        .name("internet-gateway-id")
        .set_values(Some(ids))
        .build()
}

async fn list(aws: &Aws, filter: Filter) -> Result<Vec<InternetGatewayObserved>, CallError> {
    let pages = aws
        .ec2
        .describe_internet_gateways()
        .filters(filter)
        .into_paginator();
    let gateways = send(
        "ec2:DescribeInternetGateways",
        pages.items().send().collect::<Result<Vec<_>, _>>(),
    )
    .await?;
    Ok(gateways.into_iter().map(observed).collect())
}

fn observed(gateway: aws_sdk_ec2::types::InternetGateway) -> InternetGatewayObserved {
    // A gateway has at most one attachment; a detached one answers an empty list (aws-behaviour §2.3).
    let attachment = gateway
        .attachments
        .unwrap_or_default()
        .into_iter()
        .find(|attachment| {
            !matches!(
                attachment.state,
                Some(AttachmentStatus::Detached | AttachmentStatus::Detaching)
            )
        });
    // AWS answers `available`, which its own list of states lacks (aws-behaviour §2.3).
    let attached = attachment
        .as_ref()
        .and_then(|attachment| attachment.state.as_ref())
        .is_some_and(|state| matches!(state.as_str(), "available" | "attached"));
    InternetGatewayObserved {
        internet_gateway_id: gateway.internet_gateway_id.unwrap_or_default(),
        attachment: attachment.and_then(|attachment| attachment.vpc_id),
        attached,
        tags: tags::from_ec2(gateway.tags),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{InternetGatewayAttachment, Tag};
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Row, each_field};

    fn wanted() -> InternetGateway {
        InternetGateway {
            vpc: Ref::exists("main"),
            tags: TagMap::from([("Name".into(), "navi-igw".into())]),
        }
    }

    fn gateway(state: Option<&str>) -> InternetGatewayObserved {
        let attachment = state.map(|state| {
            InternetGatewayAttachment::builder()
                .vpc_id("vpc-1")
                .state(AttachmentStatus::from(state))
                .build()
        });
        observed(
            aws_sdk_ec2::types::InternetGateway::builder()
                .internet_gateway_id("igw-1")
                .owner_id("123456789012")
                .set_attachments(attachment.map(|attachment| vec![attachment]))
                .tags(Tag::builder().key("Name").value("navi-igw").build())
                .tags(Tag::builder().key("navi:op").value("0123").build())
                .build(),
        )
    }

    fn known() -> Known {
        let mut known = Known::default();
        known.insert(wanted().vpc.address().clone(), json!({ "vpc_id": "vpc-1" }));
        known
    }

    #[test]
    fn what_aws_adds_is_no_difference() {
        let change = wanted().diff(&gateway(Some("available")), Some(&wanted()), &known());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<InternetGateway>] = &[
            (
                "attachment",
                |gateway| gateway.vpc = Ref::exists("other"),
                Effect::Replace,
            ),
            (
                "tags.team",
                |gateway| drop(gateway.tags.insert("team".into(), "a".into())),
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &InternetGateway| {
            changed.diff(&gateway(Some("available")), Some(&wanted()), &known())
        };
        each_field(&wanted(), diff, rows, &[]);
    }

    #[test]
    fn a_detached_gateway_is_attached_again_in_place() {
        for state in [None, Some("detached"), Some("detaching")] {
            let change = wanted().diff(&gateway(state), Some(&wanted()), &known());
            assert_eq!(change.fields.len(), 1, "{state:?}");
            assert_eq!(change.fields[0].field, "attachment");
            assert_eq!(change.fields[0].old, "(none)");
            assert_eq!(change.fields[0].new, "vpc-1");
            assert!(!change.replaces());
        }
    }

    #[test]
    fn a_gateway_is_ready_once_attached() {
        for state in ["available", "attached"] {
            assert_eq!(wanted().readiness(&gateway(Some(state))), Readiness::Ready);
        }
        for state in [None, Some("attaching"), Some("detached")] {
            assert!(
                matches!(wanted().readiness(&gateway(state)), Readiness::Pending(_)),
                "{state:?}"
            );
        }
    }
}
