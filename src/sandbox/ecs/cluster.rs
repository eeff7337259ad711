//! What is a cluster? A name under which services run.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    capacity::{Share, begin_update, read_providers, read_strategy, to_list},
    request::{client, includes, invalid, is_name, missing, page, tag_list, tags_at_create},
    state::Ecs,
    task::TaskState,
};
use crate::sandbox::{call::Call, fault::Fault, iam, tags::Tags, world::Context};

#[derive(Clone, Debug, Serialize)]
pub struct Cluster {
    pub arn: String,
    pub name: String,
    pub is_active: bool,
    pub container_insights: String,
    pub capacity_providers: Vec<String>,
    /// Of services that ask for nothing else.
    pub default_strategy: Vec<Share>,
    /// While providers are attached or taken away.
    pub is_updating: bool,
    /// Whether the providers that it was made with have been attached.
    pub is_provisioned: bool,
    pub tags: Tags,
}

impl Cluster {
    pub fn to_value(&self, ecs: &Ecs, shows_settings: bool, shows_tags: bool) -> Value {
        let services = ecs
            .services
            .values()
            .filter(|service| service.cluster == self.arn)
            .count();
        let settings = match shows_settings {
            true => json!([{"name": "containerInsights", "value": self.container_insights}]),
            false => json!([]),
        };
        let tags = match shows_tags {
            true => tag_list(&self.tags),
            false => json!([]),
        };
        let mut value = json!({
            "clusterArn": self.arn,
            "clusterName": self.name,
            "status": self.status(),
            "registeredContainerInstancesCount": 0,
            "runningTasksCount": ecs.count_tasks(&self.arn, TaskState::is_running),
            "pendingTasksCount": ecs.count_tasks(&self.arn, TaskState::is_pending),
            "activeServicesCount": services,
            "statistics": [],
            "tags": tags,
            "settings": settings,
            "capacityProviders": self.capacity_providers,
            "defaultCapacityProviderStrategy": to_list(&self.default_strategy),
        });
        if !self.capacity_providers.is_empty() {
            value["attachmentsStatus"] = match self.is_updating {
                true => json!("UPDATE_IN_PROGRESS"),
                false => json!("UPDATE_COMPLETE"),
            };
        }
        value
    }

    fn status(&self) -> &'static str {
        match (self.is_active, self.is_provisioned) {
            (false, _) => "INACTIVE",
            (true, false) => "PROVISIONING",
            (true, true) => "ACTIVE",
        }
    }
}

pub fn not_found() -> Fault {
    Fault::new("ClusterNotFoundException", "Cluster not found.")
}

/// The name again gives the cluster that has it (aws-behaviour §2, name-idempotent).
pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let name = parameters.string("clusterName").unwrap_or("default");
    if !is_name(name) {
        return Err(invalid("Invalid cluster name"));
    }
    let tags = tags_at_create(&parameters)?;
    let arn = context.arn("ecs", format_args!("cluster/{name}"));
    if let Some(existing) = context.region.ecs.clusters.get(&arn) {
        return Ok(json!({"cluster": existing.to_value(&context.region.ecs, true, true)}));
    }
    let providers = read_providers(&parameters)?;
    let default_strategy = read_strategy(
        &parameters.list("defaultCapacityProviderStrategy"),
        &providers,
    )?;
    let insights = parameters
        .list("settings")
        .iter()
        .find(|setting| setting.string("name") == Some("containerInsights"))
        .and_then(|setting| setting.string("value"))
        .unwrap_or("disabled");
    let cluster = Cluster {
        arn: arn.clone(),
        name: name.to_owned(),
        is_active: true,
        container_insights: insights.to_owned(),
        is_provisioned: providers.is_empty(),
        capacity_providers: providers,
        default_strategy,
        is_updating: false,
        tags,
    };
    // The first cluster of an account brings the service's role (aws-behaviour §2.9).
    iam::ensure_service_linked_role(context, "ecs.amazonaws.com");
    let ecs = &mut context.region.ecs;
    ecs.inactive_clusters.remove(&arn);
    let has_providers = !cluster.capacity_providers.is_empty();
    ecs.clusters.insert(arn.clone(), cluster);
    // With providers it is not active at once (aws-behaviour §2.17).
    if has_providers {
        begin_update(context, &arn);
    }
    let ecs = &context.region.ecs;
    let answer = ecs.cluster(Some(&arn))?.to_value(ecs, true, true);
    Ok(json!({"cluster": answer}))
}

/// A cluster that was deleted is still shown for a while, as inactive (aws-behaviour §2.17).
pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let ecs = &context.region.ecs;
    let asked = parameters.strings("clusters");
    let asked = if asked.is_empty() {
        vec!["default"]
    } else {
        asked
    };
    let (shows_settings, shows_tags) = (
        includes(&parameters, "SETTINGS"),
        includes(&parameters, "TAGS"),
    );
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for id in asked {
        let found = ecs.cluster(Some(id)).ok().or_else(|| {
            let mut inactive = ecs.inactive_clusters.values();
            inactive.find(|cluster| cluster.arn == id || cluster.name == id)
        });
        match found {
            Some(cluster) => clusters.push(cluster.to_value(ecs, shows_settings, shows_tags)),
            None if id.starts_with("arn:") => failures.push(missing(id.to_owned())),
            None => failures.push(missing(context.arn("ecs", format_args!("cluster/{id}")))),
        }
    }
    Ok(json!({"clusters": clusters, "failures": failures}))
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let arns = context.region.ecs.clusters.keys().cloned().collect();
    page(&call.parameters(), "clusterArns", arns, 100)
}

/// After its services and tasks (aws-behaviour §2.17).
pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = parameters
        .string("cluster")
        .ok_or_else(|| client("Cluster can not be blank."))?;
    let ecs = &mut context.region.ecs;
    let cluster = ecs.cluster(Some(id))?;
    cluster.refuse_while_updating()?;
    let arn = cluster.arn.clone();
    if ecs.services.values().any(|service| service.cluster == arn) {
        return Err(Fault::new(
            "ClusterContainsServicesException",
            "The Cluster cannot be deleted while Services are active.",
        ));
    }
    if ecs.count_tasks(&arn, |_| true) > 0 {
        return Err(Fault::new(
            "ClusterContainsTasksException",
            "The Cluster cannot be deleted while Tasks are active.",
        ));
    }
    let mut cluster = ecs.clusters.remove(&arn).ok_or_else(not_found)?;
    cluster.is_active = false;
    let answer = cluster.to_value(ecs, false, true);
    ecs.inactive_clusters.insert(arn, cluster);
    Ok(json!({"cluster": answer}))
}
