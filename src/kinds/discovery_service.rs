//! The Cloud Map service that a service's tasks are registered in: how is it made, compared, changed and removed?

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_servicediscovery::types as api;
use serde::{Deserialize, Serialize};

use super::namespace::Namespace;
use crate::aws::cloud_map::{self, OperationProgress};
use crate::aws::{Aws, Settle, ours_or_taken, send, settle, tags};
use crate::resource::{
    CallError, Change, Context, Effect, ErrorClass, Holder, Known, Lookup, Readiness, Ref,
    Resource, StepError, TagMap, Timing,
};

/// What the stack wants: a name with one A record per healthy task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiscoveryService {
    /// Where the name lives. `Ref::ready`: aws-behaviour §1 row 25.
    pub namespace: Ref<Namespace>,
    /// `backend` in `backend.ecs-navi.local`.
    pub name: String,
    /// Description; `None` leaves it to AWS.
    pub description: Option<String>,
    /// How long resolvers may keep the A records, in seconds.
    pub ttl: u32,
    /// Lets ECS say which tasks are healthy; `None` for no health check.
    pub health_check_custom_config: Option<HealthCheckCustomConfig>,
    /// Tags.
    pub tags: TagMap,
}

/// Health as ECS reports it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthCheckCustomConfig {
    /// How often 30 seconds to wait before a reported change counts. AWS takes the number and keeps 1 (aws-behaviour §2.16),
    /// so it is sent and never compared.
    pub failure_threshold: u32,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscoveryServiceObserved {
    /// How far the last request is.
    pub progress: Readiness,
    /// `srv-…`.
    pub service_id: String,
    /// `arn:aws:servicediscovery:…:service/srv-…`.
    pub arn: String,
    /// `ns-…`.
    pub namespace_id: String,
    /// The name.
    pub name: String,
    /// The description; `None` also for an empty one.
    pub description: Option<String>,
    /// Record types with their times to live.
    pub dns_records: BTreeMap<String, i64>,
    /// Whether it has a custom health check.
    pub has_custom_health_check: bool,
    /// The operation still to be followed.
    pub operation_id: Option<String>,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiscoveryServiceOutputs {
    /// `srv-…`.
    pub service_id: String,
    /// `arn:aws:servicediscovery:…:service/srv-…`.
    pub arn: String,
    /// `ns-…`.
    pub namespace_id: String,
    /// The operation of an update, still to be followed.
    pub operation_id: Option<String>,
}

impl Resource for DiscoveryService {
    const KIND: &'static str = "discovery_service";
    const TIMING: Timing = Timing {
        // Instances whose deregistration lags hold it up (aws-behaviour §2.16).
        gone: Duration::from_secs(2),
        ..Timing::IMMEDIATE
    };
    type Cloud = Aws;
    type Observed = DiscoveryServiceObserved;
    type Outputs = DiscoveryServiceOutputs;

    fn claim(&self) -> Option<String> {
        Some(format!("{} in {}", self.name, self.namespace.address()))
    }

    fn diff(
        &self,
        seen: &DiscoveryServiceObserved,
        recorded: Option<&Self>,
        known: &Known,
    ) -> Change {
        let mut change = Change::default();
        change.reference(
            "namespace",
            &seen.namespace_id,
            known
                .get(&self.namespace, |namespace| namespace.namespace_id)
                .flatten()
                .as_ref(),
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
        // Another type of record needs a new service, another time to live does not (aws-behaviour §2.16).
        let same_types = seen.dns_records.keys().eq(["A"]);
        change.field(
            "dns_records",
            &seen.dns_records,
            &BTreeMap::from([("A".to_owned(), i64::from(self.ttl))]),
            if same_types {
                Effect::InPlace
            } else {
                Effect::Replace
            },
        );
        change.field(
            "health_check_custom_config",
            &seen.has_custom_health_check,
            &self.health_check_custom_config.is_some(),
            Effect::Replace,
        );
        change.recorded_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &DiscoveryServiceObserved) -> DiscoveryServiceOutputs {
        DiscoveryServiceOutputs {
            service_id: seen.service_id.clone(),
            arn: seen.arn.clone(),
            namespace_id: seen.namespace_id.clone(),
            operation_id: seen.operation_id.clone(),
        }
    }

    fn readiness(&self, seen: &DiscoveryServiceObserved) -> Readiness {
        seen.progress.clone()
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<DiscoveryServiceObserved>>, CallError> {
        // One listing per namespace tells all but the tags.
        let mut listings: HashMap<&str, Vec<api::ServiceSummary>> = HashMap::new();
        for lookup in lookups {
            let namespace_id = lookup.outputs.namespace_id.as_str();
            if !listings.contains_key(namespace_id) {
                listings.insert(
                    namespace_id,
                    cloud_map::services_in(aws, namespace_id).await?,
                );
            }
        }
        let mut seen = Vec::with_capacity(lookups.len());
        for lookup in lookups {
            let outputs = lookup.outputs;
            let summary = listings[outputs.namespace_id.as_str()]
                .iter()
                .find(|summary| summary.id() == Some(&outputs.service_id));
            seen.push(match summary {
                Some(summary) => Some(observe(aws, lookup, summary).await?),
                None => None,
            });
        }
        Ok(seen)
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<DiscoveryServiceOutputs>, CallError> {
        let aws = context.cloud;
        let namespace_id = self.namespace_id(context)?;
        let services = cloud_map::services_in(aws, &namespace_id).await?;
        let Some(service_id) = services
            .into_iter()
            .find(|service| service.name() == Some(&self.name))
            .and_then(|service| service.id)
        else {
            return Ok(None);
        };
        // Only GetService tells who made it.
        let call = aws.cloud_map.get_service().id(&service_id);
        let answer = match send("servicediscovery:GetService", call.send()).await {
            Ok(answer) => answer,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(answer
            .service
            .filter(|service| service.creator_request_id() == Some(context.token))
            .map(|service| outputs_of(service, namespace_id)))
    }

    async fn create(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<DiscoveryServiceOutputs, StepError> {
        let namespace_id = self.namespace_id(context)?;
        let wanted = tags::with_token(&self.tags, context.token);
        let health_check = self.health_check_custom_config.as_ref().map(health_check);
        let answer = settle("servicediscovery:CreateService", Settle::Fresh, || {
            context
                .cloud
                .cloud_map
                .create_service()
                .name(&self.name)
                .namespace_id(&namespace_id)
                .creator_request_id(context.token)
                .set_description(self.description.clone())
                .dns_config(
                    api::DnsConfig::builder()
                        // ECS registers every task of a service under the one name.
                        .routing_policy(api::RoutingPolicy::Multivalue)
                        .dns_records(self.dns_record())
                        .build()
                        .expect("its required member is set"),
                )
                .set_health_check_custom_config(health_check.clone())
                .set_tags(Some(tags::cloud_map(&wanted)))
                .send()
        })
        .await;
        match answer {
            Ok(answer) => {
                let service = answer.service.ok_or_else(|| {
                    CallError::incomplete(
                        "servicediscovery:CreateService",
                        "the answer holds no service",
                    )
                })?;
                Ok(outputs_of(service, namespace_id))
            }
            Err(error) => {
                let what = format!("the Cloud Map service `{}`", self.name);
                Ok(ours_or_taken(error, &what, || self.find(context)).await?)
            }
        }
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &DiscoveryServiceOutputs,
        seen: &DiscoveryServiceObserved,
        change: &Change,
    ) -> Result<DiscoveryServiceOutputs, StepError> {
        let aws = context.cloud;
        let mut outputs = outputs.clone();
        if change.touches("tags") {
            let dropped = change.dropped_tag_keys(&self.tags);
            tags::retag_cloud_map(aws, &outputs.arn, &self.tags, &dropped).await?;
        }
        if change.touches("description") || change.touches("dns_records") {
            // What an update leaves out is deleted, but for the custom health check (aws-behaviour §2.16).
            let description = self
                .description
                .clone()
                .or_else(|| seen.description.clone());
            let records = api::DnsConfigChange::builder()
                .dns_records(self.dns_record())
                .build()
                .expect("its required member is set");
            let wanted = api::ServiceChange::builder()
                .set_description(description)
                .dns_config(records)
                .build();
            let call = aws
                .cloud_map
                .update_service()
                .id(&outputs.service_id)
                .service(wanted);
            let answer = send("servicediscovery:UpdateService", call.send()).await?;
            outputs.operation_id = answer.operation_id;
        }
        Ok(outputs)
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &DiscoveryServiceOutputs,
    ) -> Result<(), StepError> {
        let aws = context.cloud;
        let call = aws.cloud_map.delete_service().id(&outputs.service_id);
        match send("servicediscovery:DeleteService", call.send()).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) if error.class == ErrorClass::InUse => {
                deregister_leftovers(aws, &outputs.service_id).await;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn holders(
        &self,
        context: &Context<'_, Aws>,
        outputs: &DiscoveryServiceOutputs,
    ) -> Vec<Holder> {
        let instances = cloud_map::instances_of(context.cloud, &outputs.service_id).await;
        instances
            .unwrap_or_default()
            .into_iter()
            .map(cloud_map::instance_holder)
            .collect()
    }
}

impl DiscoveryService {
    fn namespace_id(&self, context: &Context<'_, Aws>) -> Result<String, CallError> {
        context.outputs(&self.namespace)?.namespace_id.ok_or_else(|| {
            CallError::local(
                "navi",
                format!(
                    "{} needs the ID of {}, which is still being made; this is a defect of navi",
                    context.address,
                    self.namespace.address()
                ),
            )
        })
    }

    fn dns_record(&self) -> api::DnsRecord {
        api::DnsRecord::builder()
            .r#type(api::RecordType::A)
            .ttl(i64::from(self.ttl))
            .build()
            .expect("both required members are set")
    }
}

fn health_check(wanted: &HealthCheckCustomConfig) -> api::HealthCheckCustomConfig {
    // AWS calls the member deprecated and still answers with it; the stack's word is passed on as it is.
    #[allow(deprecated)]
    api::HealthCheckCustomConfig::builder()
        .failure_threshold(i32::try_from(wanted.failure_threshold).unwrap_or(i32::MAX))
        .build()
}

/// The last resort of aws-behaviour §2.16: instances that ECS left behind. By the time that this service is
/// deleted its ECS service is gone, so no living task is meant. Best effort: the delete is tried again anyway.
async fn deregister_leftovers(aws: &Aws, service_id: &str) {
    let instances = cloud_map::instances_of(aws, service_id).await;
    let ids = instances
        .unwrap_or_default()
        .into_iter()
        .filter(cloud_map::is_made_by_ecs)
        .filter_map(|instance| instance.id);
    let calls = ids.map(|instance_id| {
        let call = aws
            .cloud_map
            .deregister_instance()
            .service_id(service_id)
            .instance_id(instance_id);
        send("servicediscovery:DeregisterInstance", call.send())
    });
    futures::future::join_all(calls).await;
}

async fn observe(
    aws: &Aws,
    lookup: &Lookup<'_, DiscoveryService>,
    summary: &api::ServiceSummary,
) -> Result<DiscoveryServiceObserved, CallError> {
    let mut operation_id = lookup.outputs.operation_id.clone();
    let mut progress = Readiness::Ready;
    if let Some(operation) = &operation_id {
        match cloud_map::operation(aws, operation).await? {
            OperationProgress::Running => {
                progress = Readiness::Pending("Cloud Map is changing the records".to_owned());
            }
            OperationProgress::Failed(why) if lookup.waiting => {
                progress =
                    Readiness::Failed(format!("Cloud Map could not change the service: {why}"));
            }
            _ => operation_id = None,
        }
    }
    let records = summary
        .dns_config()
        .map(|dns| dns.dns_records())
        .unwrap_or_default();
    Ok(DiscoveryServiceObserved {
        progress,
        service_id: summary.id.clone().unwrap_or_default(),
        arn: summary.arn.clone().unwrap_or_default(),
        namespace_id: lookup.outputs.namespace_id.clone(),
        name: summary.name.clone().unwrap_or_default(),
        description: summary.description.clone().filter(|text| !text.is_empty()),
        dns_records: records
            .iter()
            .map(|record| (record.r#type().as_str().to_owned(), record.ttl()))
            .collect(),
        has_custom_health_check: summary.health_check_custom_config.is_some(),
        operation_id,
    })
}

fn outputs_of(service: api::Service, namespace_id: String) -> DiscoveryServiceOutputs {
    DiscoveryServiceOutputs {
        service_id: service.id.unwrap_or_default(),
        arn: service.arn.unwrap_or_default(),
        namespace_id,
        operation_id: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Row, each_field};

    fn wanted() -> DiscoveryService {
        DiscoveryService {
            namespace: Ref::ready("main"),
            name: "backend".into(),
            description: None,
            ttl: 60,
            health_check_custom_config: Some(HealthCheckCustomConfig {
                failure_threshold: 1,
            }),
            tags: TagMap::from([("team".into(), "a".into())]),
        }
    }

    fn seen() -> DiscoveryServiceObserved {
        DiscoveryServiceObserved {
            progress: Readiness::Ready,
            service_id: "srv-1".into(),
            arn: "arn:aws:servicediscovery:eu-west-1:123456789012:service/srv-1".into(),
            namespace_id: "ns-1".into(),
            name: "backend".into(),
            description: None,
            dns_records: BTreeMap::from([("A".into(), 60)]),
            has_custom_health_check: true,
            operation_id: None,
        }
    }

    fn known() -> Known {
        let mut known = Known::default();
        known.insert(
            "namespace.main".parse().unwrap(),
            json!({
                "namespace_id": "ns-1", "arn": "a", "hosted_zone_id": "Z1", "vpc_id": "vpc-1",
                "creator_request_id": "t", "operation_id": null,
            }),
        );
        known
    }

    #[test]
    fn what_aws_adds_is_no_difference() {
        let mut described = seen();
        described.description = Some("written by somebody".into());
        assert!(
            wanted()
                .diff(&described, Some(&wanted()), &known())
                .is_empty()
        );
    }

    #[test]
    fn the_threshold_that_aws_fixes_is_no_difference() {
        let mut patient = wanted();
        patient.health_check_custom_config = Some(HealthCheckCustomConfig {
            failure_threshold: 3,
        });
        assert!(patient.diff(&seen(), Some(&wanted()), &known()).is_empty());
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<DiscoveryService>] = &[
            (
                "namespace",
                |service| service.namespace = Ref::ready("new"),
                Effect::Replace,
            ),
            (
                "name",
                |service| service.name = "other".into(),
                Effect::Replace,
            ),
            (
                "description",
                |service| service.description = Some("x".into()),
                Effect::InPlace,
            ),
            ("dns_records", |service| service.ttl = 10, Effect::InPlace),
            (
                "health_check_custom_config",
                |service| service.health_check_custom_config = None,
                Effect::Replace,
            ),
            (
                "tags.team",
                |service| drop(service.tags.insert("team".into(), "b".into())),
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &DiscoveryService| changed.diff(&seen(), Some(&wanted()), &known());
        each_field(&wanted(), diff, rows, &[]);
    }

    #[test]
    fn another_type_of_record_needs_a_new_service() {
        let mut other = seen();
        other.dns_records = BTreeMap::from([("SRV".into(), 60)]);
        assert!(wanted().diff(&other, Some(&wanted()), &known()).replaces());
    }

    #[test]
    fn an_update_under_way_is_not_ready() {
        let mut pending = seen();
        pending.progress = Readiness::Pending("changing".into());
        assert!(matches!(
            wanted().readiness(&pending),
            Readiness::Pending(_)
        ));
        assert_eq!(wanted().readiness(&seen()), Readiness::Ready);
    }
}
