//! The private DNS namespace of Cloud Map: how is it made, followed, compared, changed and removed?

use std::time::Duration;

use aws_sdk_servicediscovery::error::SdkError;
use aws_sdk_servicediscovery::operation::create_private_dns_namespace::CreatePrivateDnsNamespaceError;
use aws_sdk_servicediscovery::types as api;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::vpc::Vpc;
use crate::aws::cloud_map::{self, OperationProgress};
use crate::aws::{Aws, Settle, ours_or_taken, send, settle, tags};
use crate::resource::{
    CallError, Change, Context, Effect, ErrorClass, Holder, Known, Lookup, Readiness, Ref,
    Resource, StepError, TagMap, Timing,
};

/// What the stack wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Namespace {
    /// Where its names resolve. `Ref::exists`: aws-behaviour §1 row 24.
    pub vpc: Ref<Vpc>,
    /// `ecs-navi.local`.
    pub name: String,
    /// Description; `None` leaves it to AWS.
    pub description: Option<String>,
    /// Tags.
    pub tags: TagMap,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct NamespaceObserved {
    /// How far the last request is.
    pub progress: Readiness,
    /// The name.
    pub name: String,
    /// The description; `None` also for an empty one.
    pub description: Option<String>,
    /// What is known of it, as dependents read it.
    pub outputs: NamespaceOutputs,
}

/// What dependents may read. The IDs are there once the namespace is ready, hence dependents use `Ref::ready`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamespaceOutputs {
    /// `ns-…`.
    pub namespace_id: Option<String>,
    /// `arn:aws:servicediscovery:…:namespace/ns-…`.
    pub arn: Option<String>,
    /// The private hosted zone that Cloud Map made for it.
    pub hosted_zone_id: Option<String>,
    /// The VPC it was made for, which no read tells.
    pub vpc_id: String,
    /// The token of the create: Cloud Map keeps it, so it proves whose namespace this is.
    pub creator_request_id: String,
    /// The operation still to be followed: a create's, or an update's.
    pub operation_id: Option<String>,
}

impl Resource for Namespace {
    const KIND: &'static str = "namespace";
    // aws-behaviour §2.16 "ready" and §6.4.
    const TIMING: Timing = Timing {
        ready: Duration::from_secs(38),
        gone: Duration::from_secs(30),
        look_every: Duration::from_secs(2),
        ready_within: Duration::from_secs(300),
        gone_within: Duration::from_secs(600),
    };
    type Cloud = Aws;
    type Observed = NamespaceObserved;
    type Outputs = NamespaceOutputs;

    fn diff(&self, seen: &NamespaceObserved, recorded: Option<&Self>, known: &Known) -> Change {
        let mut change = Change::default();
        change.reference(
            "vpc",
            &seen.outputs.vpc_id,
            known.get(&self.vpc, |vpc| vpc.vpc_id).as_ref(),
            Effect::Replace,
        );
        change.field("name", &seen.name, &self.name, Effect::Replace);
        if self.description.is_some() {
            change.field(
                "description",
                &seen.description,
                &self.description,
                Effect::InPlace,
            );
        }
        change.recorded_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &NamespaceObserved) -> NamespaceOutputs {
        seen.outputs.clone()
    }

    fn readiness(&self, seen: &NamespaceObserved) -> Readiness {
        seen.progress.clone()
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<NamespaceObserved>>, CallError> {
        // Cloud Map has no batched read, and ListNamespaces tells no VPC and no creator.
        try_join_all(lookups.iter().map(|lookup| read_one(aws, lookup))).await
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<NamespaceOutputs>, CallError> {
        let vpc_id = context.outputs(&self.vpc)?.vpc_id;
        let found = made_by(context.cloud, &self.name, context.token).await?;
        Ok(found.map(|namespace| outputs_of(namespace, vpc_id, context.token)))
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<NamespaceOutputs, StepError> {
        let aws = context.cloud;
        let vpc_id = context.outputs(&self.vpc)?.vpc_id;
        let wanted = tags::with_token(&self.tags, context.token);
        let answer = settle(
            "servicediscovery:CreatePrivateDnsNamespace",
            Settle::Fresh,
            async || {
                let call = aws
                    .cloud_map
                    .create_private_dns_namespace()
                    .name(&self.name)
                    .vpc(&vpc_id)
                    .set_description(self.description.clone())
                    .creator_request_id(context.token)
                    .set_tags(Some(tags::cloud_map(&wanted)));
                match call.send().await {
                    Ok(answer) => Ok(answer.operation_id),
                    // The same request is under way already: what it makes is checked once it is there.
                    Err(error) => duplicate_operation(&error).map(Some).ok_or(error),
                }
            },
        )
        .await;
        let operation_id = match answer {
            Ok(operation_id) => operation_id.ok_or_else(|| {
                CallError::incomplete(
                    "servicediscovery:CreatePrivateDnsNamespace",
                    "the answer holds no operation ID",
                )
            })?,
            Err(error) => {
                let what = format!("the namespace `{}`", self.name);
                return Ok(ours_or_taken(error, &what, || self.find(context)).await?);
            }
        };
        Ok(NamespaceOutputs {
            namespace_id: None,
            arn: None,
            hosted_zone_id: None,
            vpc_id,
            creator_request_id: context.token.to_owned(),
            operation_id: Some(operation_id),
        })
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &NamespaceOutputs,
        seen: &NamespaceObserved,
        change: &Change,
    ) -> Result<NamespaceOutputs, StepError> {
        let aws = context.cloud;
        let mut outputs = outputs.clone();
        let known = seen
            .outputs
            .namespace_id
            .clone()
            .zip(seen.outputs.arn.clone());
        let (namespace_id, arn) = known.ok_or_else(|| {
            CallError::local("navi", format!("{} is still being made", context.address))
        })?;
        if change.touches("tags") {
            let dropped = change.dropped_tag_keys(&self.tags);
            tags::retag_cloud_map(aws, &arn, &self.tags, &dropped).await?;
        }
        if change.touches("description") {
            let wanted = api::PrivateDnsNamespaceChange::builder()
                .set_description(self.description.clone())
                .build();
            let call = aws
                .cloud_map
                .update_private_dns_namespace()
                .id(namespace_id)
                .updater_request_id(context.token)
                .namespace(wanted);
            let answer = send("servicediscovery:UpdatePrivateDnsNamespace", call.send()).await?;
            outputs.operation_id = answer.operation_id;
        }
        Ok(outputs)
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &NamespaceOutputs,
    ) -> Result<(), StepError> {
        let aws = context.cloud;
        let Some(namespace_id) = self.id_to_delete(aws, outputs).await? else {
            return Ok(());
        };
        let call = aws.cloud_map.delete_namespace().id(namespace_id);
        match send("servicediscovery:DeleteNamespace", call.send()).await {
            Err(error) if error.is_not_found() => Ok(()),
            // An earlier delete is under way.
            Err(error) if error.code.as_deref() == Some("DuplicateRequest") => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }

    async fn holders(&self, context: &Context<'_, Aws>, outputs: &NamespaceOutputs) -> Vec<Holder> {
        let Some(namespace_id) = &outputs.namespace_id else {
            return Vec::new();
        };
        let services = cloud_map::services_in(context.cloud, namespace_id).await;
        services
            .unwrap_or_default()
            .into_iter()
            .map(|service| Holder {
                id: service.id.unwrap_or_default(),
                what: format!("Cloud Map service {}", service.name.unwrap_or_default()),
            })
            .collect()
    }
}

impl Namespace {
    /// The ID of what there is to delete; `None` when a failed create left nothing.
    async fn id_to_delete(
        &self,
        aws: &Aws,
        outputs: &NamespaceOutputs,
    ) -> Result<Option<String>, CallError> {
        if outputs.namespace_id.is_some() {
            return Ok(outputs.namespace_id.clone());
        }
        match follow(aws, outputs).await? {
            Some(OperationProgress::Done { namespace_id }) => Ok(namespace_id),
            Some(OperationProgress::Failed(_)) => Ok(None),
            Some(OperationProgress::Running) => Err(CallError {
                class: ErrorClass::InUse,
                ..CallError::local(
                    "servicediscovery:DeleteNamespace",
                    "Cloud Map is still making the namespace",
                )
            }),
            Some(OperationProgress::Forgotten) | None => {
                let found = made_by(aws, &self.name, &outputs.creator_request_id).await?;
                Ok(found.and_then(|namespace| namespace.id))
            }
        }
    }
}

/// The operation that the error says is doing the same already.
fn duplicate_operation<R>(error: &SdkError<CreatePrivateDnsNamespaceError, R>) -> Option<String> {
    match error.as_service_error()? {
        CreatePrivateDnsNamespaceError::DuplicateRequest(duplicate) => {
            duplicate.duplicate_operation_id.clone()
        }
        _ => None,
    }
}

async fn follow(
    aws: &Aws,
    outputs: &NamespaceOutputs,
) -> Result<Option<OperationProgress>, CallError> {
    match &outputs.operation_id {
        Some(operation_id) => cloud_map::operation(aws, operation_id).await.map(Some),
        None => Ok(None),
    }
}

async fn read_one(
    aws: &Aws,
    lookup: &Lookup<'_, Namespace>,
) -> Result<Option<NamespaceObserved>, CallError> {
    let outputs = lookup.outputs;
    let progress = follow(aws, outputs).await?;
    let namespace = match (&outputs.namespace_id, &progress) {
        (Some(namespace_id), _) => get(aws, namespace_id).await?,
        (None, Some(OperationProgress::Running)) => {
            return Ok(Some(in_the_making(
                lookup,
                Readiness::Pending(MAKING.to_owned()),
            )));
        }
        (None, Some(OperationProgress::Failed(why))) => {
            // A failed operation leaves nothing: only who waits for it has use for the reason.
            return Ok(lookup
                .waiting
                .then(|| in_the_making(lookup, cannot_make(why))));
        }
        (
            None,
            Some(OperationProgress::Done {
                namespace_id: Some(namespace_id),
            }),
        ) => get(aws, namespace_id).await?,
        (None, _) => made_by(aws, &lookup.spec.name, &outputs.creator_request_id).await?,
    };
    let Some(namespace) = namespace else {
        return Ok(None);
    };
    // Ours was a repetition of another's request for the same name.
    if namespace
        .creator_request_id()
        .is_some_and(|creator| creator != outputs.creator_request_id)
    {
        let why = format!(
            "a namespace `{}` that this stack does not own is there already",
            lookup.spec.name
        );
        return Ok(lookup
            .waiting
            .then(|| in_the_making(lookup, cannot_make(&why))));
    }
    let (vpc_id, token) = (outputs.vpc_id.clone(), &outputs.creator_request_id);
    let mut observed = NamespaceObserved {
        progress: Readiness::Ready,
        name: namespace.name.clone().unwrap_or_default(),
        description: namespace
            .description
            .clone()
            .filter(|text| !text.is_empty()),
        outputs: outputs_of(namespace, vpc_id, token),
    };
    match progress {
        Some(OperationProgress::Running) => {
            observed.progress =
                Readiness::Pending("Cloud Map is changing the namespace".to_owned());
            observed.outputs.operation_id = outputs.operation_id.clone();
        }
        Some(OperationProgress::Failed(why)) if lookup.waiting => {
            observed.progress =
                Readiness::Failed(format!("Cloud Map could not change the namespace: {why}"));
        }
        _ => {}
    }
    Ok(Some(observed))
}

const MAKING: &str = "Cloud Map is making the namespace and its private hosted zone";

fn cannot_make(why: &str) -> Readiness {
    // CANNOT_CREATE_HOSTED_ZONE: the VPC has a zone of an overlapping name (aws-behaviour §2.16).
    Readiness::Failed(format!("Cloud Map could not make the namespace: {why}"))
}

/// What stands for a namespace that has no ID yet: as wanted, since nothing else can be said of it.
fn in_the_making(lookup: &Lookup<'_, Namespace>, progress: Readiness) -> NamespaceObserved {
    NamespaceObserved {
        progress,
        name: lookup.spec.name.clone(),
        description: lookup.spec.description.clone(),
        outputs: lookup.outputs.clone(),
    }
}

pub(super) async fn get(
    aws: &Aws,
    namespace_id: &str,
) -> Result<Option<api::Namespace>, CallError> {
    let call = aws.cloud_map.get_namespace().id(namespace_id);
    match send("servicediscovery:GetNamespace", call.send()).await {
        Ok(answer) => Ok(answer.namespace),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The namespace of this name that the create with this token made.
async fn made_by(aws: &Aws, name: &str, token: &str) -> Result<Option<api::Namespace>, CallError> {
    let filter = |key, value: &str| {
        api::NamespaceFilter::builder()
            .name(key)
            .values(value)
            .condition(api::FilterCondition::Eq)
            .build()
            .expect("both required members are set")
    };
    let pages = aws
        .cloud_map
        .list_namespaces()
        .filters(filter(api::NamespaceFilterName::Type, "DNS_PRIVATE"))
        .filters(filter(api::NamespaceFilterName::Name, name));
    let pages: Vec<_> = send(
        "servicediscovery:ListNamespaces",
        pages.into_paginator().send().collect::<Result<_, _>>(),
    )
    .await?;
    let ids = pages
        .iter()
        .flat_map(|page| page.namespaces())
        .filter_map(|summary| summary.id());
    let namespaces = try_join_all(ids.map(|id| get(aws, id))).await?;
    Ok(namespaces
        .into_iter()
        .flatten()
        .find(|namespace| namespace.creator_request_id() == Some(token)))
}

fn outputs_of(namespace: api::Namespace, vpc_id: String, token: &str) -> NamespaceOutputs {
    NamespaceOutputs {
        namespace_id: namespace.id,
        arn: namespace.arn,
        hosted_zone_id: namespace
            .properties
            .and_then(|properties| properties.dns_properties)
            .and_then(|dns| dns.hosted_zone_id),
        vpc_id,
        creator_request_id: token.to_owned(),
        operation_id: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Row, each_field};

    fn wanted() -> Namespace {
        Namespace {
            vpc: Ref::exists("main"),
            name: "ecs-navi.local".into(),
            description: Some("Private DNS namespace".into()),
            tags: TagMap::from([("team".into(), "a".into())]),
        }
    }

    fn seen() -> NamespaceObserved {
        NamespaceObserved {
            progress: Readiness::Ready,
            name: "ecs-navi.local".into(),
            description: Some("Private DNS namespace".into()),
            outputs: NamespaceOutputs {
                namespace_id: Some("ns-1".into()),
                arn: Some("arn:aws:servicediscovery:eu-west-1:123456789012:namespace/ns-1".into()),
                hosted_zone_id: Some("Z1".into()),
                vpc_id: "vpc-1".into(),
                creator_request_id: "t".into(),
                operation_id: None,
            },
        }
    }

    fn known() -> Known {
        let mut known = Known::default();
        known.insert("vpc.main".parse().unwrap(), json!({ "vpc_id": "vpc-1" }));
        known
    }

    #[test]
    fn what_aws_has_as_wanted_is_no_difference() {
        assert!(wanted().diff(&seen(), Some(&wanted()), &known()).is_empty());
    }

    #[test]
    fn a_description_that_the_stack_leaves_alone_is_no_difference() {
        let mut silent = wanted();
        silent.description = None;
        assert!(silent.diff(&seen(), Some(&wanted()), &known()).is_empty());
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<Namespace>] = &[
            (
                "vpc",
                |namespace| namespace.vpc = Ref::exists("new"),
                Effect::Replace,
            ),
            (
                "name",
                |namespace| namespace.name = "other.local".into(),
                Effect::Replace,
            ),
            (
                "description",
                |namespace| namespace.description = Some("x".into()),
                Effect::InPlace,
            ),
            (
                "tags.team",
                |namespace| drop(namespace.tags.insert("team".into(), "b".into())),
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &Namespace| changed.diff(&seen(), Some(&wanted()), &known());
        each_field(&wanted(), diff, rows, &[]);
    }

    #[test]
    fn a_failed_operation_says_what_cloud_map_said() {
        let mut failed = seen();
        failed.progress = cannot_make("CANNOT_CREATE_HOSTED_ZONE: ConflictingDomainExists");
        let Readiness::Failed(why) = wanted().readiness(&failed) else {
            panic!("not failed");
        };
        assert!(why.contains("ConflictingDomainExists"), "{why}");
    }

    #[test]
    fn an_operation_in_progress_is_not_ready() {
        let outputs = NamespaceOutputs {
            operation_id: Some("op-1".into()),
            namespace_id: None,
            ..seen().outputs
        };
        let address = "namespace.main".parse().unwrap();
        let (spec, known) = (wanted(), Known::default());
        let lookup = Lookup {
            address: &address,
            spec: &spec,
            outputs: &outputs,
            known: &known,
            waiting: true,
        };
        let pending = in_the_making(&lookup, Readiness::Pending(MAKING.to_owned()));
        assert!(matches!(spec.readiness(&pending), Readiness::Pending(_)));
        assert_eq!(spec.outputs(&pending).operation_id.as_deref(), Some("op-1"));
    }
}
