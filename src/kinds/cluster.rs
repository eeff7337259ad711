//! The ECS cluster: how is it made, compared, changed and removed?

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_ecs::types as api;
use aws_sdk_ecs::types::ClusterField;
use serde::{Deserialize, Serialize};

use crate::aws::{Aws, Settle, send, settle, tags, taken};
use crate::resource::{
    CallError, Change, Context, Effect, Holder, Known, Lookup, Readiness, Resource, StepError,
    TagMap, Timing,
};

/// DescribeClusters takes this many names per call.
pub(super) const CLUSTERS_PER_CALL: usize = 100;

/// What the stack wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// Unique in account and region.
    pub name: String,
    /// What its services may run on besides the launch type: `FARGATE`, `FARGATE_SPOT`. What was given to the cluster
    /// once stays: it costs nothing, and AWS takes nothing away that a task still runs on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity_providers: Vec<String>,
    /// Tags.
    pub tags: TagMap,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterObserved {
    /// `arn:aws:ecs:…:cluster/…`.
    pub arn: String,
    /// The name.
    pub name: String,
    /// What its services may run on.
    pub capacity_providers: BTreeSet<String>,
    /// What services run on that don't say; somebody else's, for ours always say.
    pub default_strategy: Vec<api::CapacityProviderStrategyItem>,
    /// What it is still busy with; none once it is usable.
    pub busy: Option<String>,
    /// Tags but AWS's own.
    pub tags: TagMap,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterOutputs {
    /// `arn:aws:ecs:…:cluster/…`.
    pub arn: String,
    /// The name.
    pub name: String,
}

impl Resource for Cluster {
    const KIND: &'static str = "cluster";
    type Cloud = Aws;
    type Observed = ClusterObserved;
    type Outputs = ClusterOutputs;

    fn timing(&self) -> Timing {
        // With capacity providers it is PROVISIONING for a while (aws-behaviour §2.17).
        match self.capacity_providers.is_empty() {
            true => Timing::IMMEDIATE,
            false => Timing {
                ready: Duration::from_secs(5),
                ..Timing::IMMEDIATE
            },
        }
    }

    fn diff(&self, seen: &ClusterObserved, recorded: Option<&Self>, _known: &Known) -> Change {
        let mut change = Change::default();
        change.field("name", &seen.name, &self.name, Effect::Replace);
        let wanted = self.with_those_of(&seen.capacity_providers);
        change.field(
            "capacity_providers",
            &seen.capacity_providers,
            &wanted,
            Effect::InPlace,
        );
        change.tags(&seen.tags, &self.tags);
        change.dropped_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &ClusterObserved) -> ClusterOutputs {
        ClusterOutputs {
            arn: seen.arn.clone(),
            name: seen.name.clone(),
        }
    }

    fn readiness(&self, seen: &ClusterObserved) -> Readiness {
        match &seen.busy {
            Some(what) => Readiness::Pending(what.clone()),
            None => Readiness::Ready,
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<ClusterObserved>>, CallError> {
        let mut found = HashMap::new();
        for some in lookups.chunks(CLUSTERS_PER_CALL) {
            let arns = some.iter().map(|lookup| lookup.outputs.arn.clone());
            for cluster in describe(aws, arns.collect()).await? {
                let seen = observe(cluster);
                found.insert(seen.arn.clone(), seen);
            }
        }
        Ok(lookups
            .iter()
            .map(|lookup| found.get(&lookup.outputs.arn).cloned())
            .collect())
    }

    async fn find(&self, context: &Context<'_, Aws>) -> Result<Option<ClusterOutputs>, CallError> {
        let found = describe(context.cloud, vec![self.name.clone()]).await?;
        Ok(found
            .into_iter()
            .find(|cluster| tags::ecs_made_by(cluster.tags.as_deref(), context.token))
            .and_then(|cluster| cluster.cluster_arn)
            .map(|arn| self.outputs_of(arn)))
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<ClusterOutputs, StepError> {
        let aws = context.cloud;
        // CreateCluster answers with the cluster of that name if there is one (aws-behaviour §2,
        // "name-idempotent"), whoever made it, and would so hand us a stranger's.
        for cluster in describe(aws, vec![self.name.clone()]).await? {
            if !tags::ecs_made_by(cluster.tags.as_deref(), context.token) {
                return Err(
                    taken("ecs:CreateCluster", &format!("the cluster `{}`", self.name)).into(),
                );
            }
        }
        let wanted = tags::with_token(&self.tags, context.token);
        let answer = settle("ecs:CreateCluster", Settle::Throttling, || {
            aws.ecs
                .create_cluster()
                .cluster_name(&self.name)
                .set_capacity_providers(
                    Some(self.capacity_providers.clone()).filter(|list| !list.is_empty()),
                )
                .set_tags(Some(tags::ecs(&wanted)))
                .send()
        })
        .await?;
        let arn = answer
            .cluster
            .and_then(|cluster| cluster.cluster_arn)
            .ok_or_else(|| CallError::incomplete("ecs:CreateCluster", "the answer holds no ARN"))?;
        Ok(self.outputs_of(arn))
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &ClusterOutputs,
        seen: &ClusterObserved,
        change: &Change,
    ) -> Result<ClusterOutputs, StepError> {
        if change.touches("capacity_providers") {
            let providers = self.with_those_of(&seen.capacity_providers);
            // Both lists are replaced whole, and another such change may be in progress.
            settle("ecs:PutClusterCapacityProviders", Settle::Contended, || {
                let call = context.cloud.ecs.put_cluster_capacity_providers();
                call.cluster(&outputs.arn)
                    .set_capacity_providers(Some(providers.iter().cloned().collect()))
                    .set_default_capacity_provider_strategy(Some(seen.default_strategy.clone()))
                    .send()
            })
            .await?;
        }
        if change.touches("tags") {
            let dropped = change.dropped_tag_keys(&self.tags);
            tags::retag_ecs(context.cloud, &outputs.arn, &self.tags, &dropped).await?;
        }
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &ClusterOutputs,
    ) -> Result<(), StepError> {
        let call = context.cloud.ecs.delete_cluster().cluster(&outputs.arn);
        match send("ecs:DeleteCluster", call.send()).await {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }

    async fn holders(&self, context: &Context<'_, Aws>, outputs: &ClusterOutputs) -> Vec<Holder> {
        let found = describe(context.cloud, vec![outputs.arn.clone()]).await;
        let clusters = found.unwrap_or_default();
        clusters
            .iter()
            .flat_map(|cluster| {
                [
                    (cluster.active_services_count, "service"),
                    (cluster.running_tasks_count, "running task"),
                    (cluster.pending_tasks_count, "starting task"),
                ]
            })
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| Holder {
                id: outputs.name.clone(),
                what: match count {
                    1 => format!("1 {what} of the cluster"),
                    _ => format!("{count} {what}s of the cluster"),
                },
            })
            .collect()
    }
}

impl Cluster {
    fn outputs_of(&self, arn: String) -> ClusterOutputs {
        ClusterOutputs {
            arn,
            name: self.name.clone(),
        }
    }

    fn with_those_of(&self, seen: &BTreeSet<String>) -> BTreeSet<String> {
        seen.iter()
            .chain(&self.capacity_providers)
            .cloned()
            .collect()
    }
}

fn observe(cluster: api::Cluster) -> ClusterObserved {
    let is_attaching = cluster.attachments_status.as_deref() == Some("UPDATE_IN_PROGRESS");
    let busy = match cluster.status.as_deref() {
        Some(status @ "PROVISIONING") => Some(status.to_owned()),
        _ if is_attaching => Some("its capacity providers are being attached".to_owned()),
        _ => None,
    };
    ClusterObserved {
        arn: cluster.cluster_arn.unwrap_or_default(),
        name: cluster.cluster_name.unwrap_or_default(),
        capacity_providers: cluster
            .capacity_providers
            .unwrap_or_default()
            .into_iter()
            .collect(),
        default_strategy: cluster
            .default_capacity_provider_strategy
            .unwrap_or_default(),
        busy,
        tags: tags::from_ecs(cluster.tags),
    }
}

/// The clusters that live. A deleted one is shown as INACTIVE for a while, and a missing one is told
/// in `failures`, not as an error (aws-behaviour §2.17).
pub(super) async fn describe(
    aws: &Aws,
    names_or_arns: Vec<String>,
) -> Result<Vec<aws_sdk_ecs::types::Cluster>, CallError> {
    let call = aws
        .ecs
        .describe_clusters()
        .set_clusters(Some(names_or_arns))
        .include(ClusterField::Tags);
    let answer = send("ecs:DescribeClusters", call.send()).await?;
    Ok(answer
        .clusters
        .unwrap_or_default()
        .into_iter()
        .filter(|cluster| cluster.status() != Some("INACTIVE"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::every_field::{Row, each_field};

    fn wanted() -> Cluster {
        Cluster {
            name: "ecs-navi-cluster".into(),
            capacity_providers: Vec::new(),
            tags: TagMap::from([("navi:stack".into(), "ecs-navi".into())]),
        }
    }

    fn seen() -> ClusterObserved {
        ClusterObserved {
            arn: "arn:aws:ecs:eu-west-1:123456789012:cluster/ecs-navi-cluster".into(),
            name: "ecs-navi-cluster".into(),
            capacity_providers: BTreeSet::from(["somebody-s".into()]),
            default_strategy: Vec::new(),
            busy: None,
            tags: TagMap::from([
                ("navi:stack".into(), "ecs-navi".into()),
                ("somebody".into(), "else".into()),
            ]),
        }
    }

    #[test]
    fn what_others_add_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &Known::default());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<Cluster>] = &[
            (
                "name",
                |cluster| cluster.name = "other".into(),
                Effect::Replace,
            ),
            (
                "capacity_providers",
                |cluster| cluster.capacity_providers = fargate(),
                Effect::InPlace,
            ),
            (
                "tags.team",
                |cluster| drop(cluster.tags.insert("team".into(), "a".into())),
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &Cluster| changed.diff(&seen(), Some(&wanted()), &Known::default());
        each_field(&wanted(), diff, rows, &[]);
    }

    fn fargate() -> Vec<String> {
        vec!["FARGATE".into(), "FARGATE_SPOT".into()]
    }

    #[test]
    fn a_provider_that_is_there_stays() {
        let mut spot = wanted();
        spot.capacity_providers = fargate();
        let change = spot.diff(&seen(), Some(&wanted()), &Known::default());
        assert!(
            change.fields[0].new.contains("somebody-s"),
            "what others attached is kept: {change:?}"
        );
        let mut attached = seen();
        attached.capacity_providers.extend(fargate());
        let kept = spot.diff(&attached, Some(&spot), &Known::default());
        assert!(kept.is_empty(), "{kept:?}");
        let given_up = wanted().diff(&attached, Some(&spot), &Known::default());
        assert!(given_up.is_empty(), "{given_up:?}");
    }

    #[test]
    fn a_cluster_that_gets_providers_is_not_ready_at_once() {
        let cluster = |status: &str, attachments: Option<&str>| {
            let cluster = api::Cluster::builder().status(status);
            let seen = observe(
                cluster
                    .set_attachments_status(attachments.map(str::to_owned))
                    .build(),
            );
            wanted().readiness(&seen)
        };
        assert_eq!(cluster("ACTIVE", None), Readiness::Ready);
        assert_eq!(cluster("ACTIVE", Some("UPDATE_COMPLETE")), Readiness::Ready);
        assert_eq!(
            cluster("PROVISIONING", None),
            Readiness::Pending("PROVISIONING".into())
        );
        assert!(matches!(
            cluster("ACTIVE", Some("UPDATE_IN_PROGRESS")),
            Readiness::Pending(_)
        ));
        let mut spot = wanted();
        spot.capacity_providers = fargate();
        assert!(wanted().timing().is_ready_at_once() && !spot.timing().is_ready_at_once());
    }
}
