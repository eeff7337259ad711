//! What does ECS hold in one region, and how do its things hang together?

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    cluster::{self, Cluster},
    service::{self, Service},
    task::{Task, TaskState},
    task_definition::{self, Status, TaskDefinition},
};
use crate::sandbox::fault::Fault;

/// Every kind by its ARN. What has ended is still described for a while, but no inventory counts it.
#[derive(Debug, Default, Serialize)]
pub struct Ecs {
    pub clusters: BTreeMap<String, Cluster>,
    pub services: BTreeMap<String, Service>,
    pub tasks: BTreeMap<String, Task>,
    pub task_definitions: BTreeMap<String, TaskDefinition>,
    #[serde(skip)]
    pub inactive_clusters: BTreeMap<String, Cluster>,
    #[serde(skip)]
    pub inactive_services: BTreeMap<String, Service>,
    #[serde(skip)]
    pub stopped_tasks: BTreeMap<String, Task>,
    /// The last revision of each family, which survives the deletion of them all (aws-behaviour §2.17).
    #[serde(skip)]
    pub last_revisions: BTreeMap<String, u64>,
}

impl Ecs {
    /// By name or ARN; without either the one named `default`.
    pub fn cluster(&self, id: Option<&str>) -> Result<&Cluster, Fault> {
        let id = id.unwrap_or("default");
        self.clusters
            .values()
            .find(|cluster| cluster.arn == id || cluster.name == id)
            .ok_or_else(cluster::not_found)
    }

    /// By name or ARN.
    pub fn service(&self, cluster: &str, id: &str) -> Result<&Service, Fault> {
        find_service(&self.services, cluster, id).ok_or_else(service::not_found)
    }

    pub fn inactive_service(&self, cluster: &str, id: &str) -> Option<&Service> {
        find_service(&self.inactive_services, cluster, id)
    }

    pub fn tasks_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Task> {
        self.tasks
            .values()
            .filter(move |task| task.service.as_deref() == Some(service))
    }

    /// By identifier or ARN, stopped ones too.
    pub fn task(&self, cluster: &str, id: &str) -> Option<&Task> {
        self.tasks
            .values()
            .chain(self.stopped_tasks.values())
            .find(|task| task.cluster == cluster && (task.arn == id || task.id == id))
    }

    /// By ARN, family and revision, or family, which means its latest active revision.
    pub fn task_definition(&self, id: &str) -> Result<&TaskDefinition, Fault> {
        let name = task_definition::name_in(id);
        let found = match name.rsplit_once(':') {
            Some((family, revision)) => self.task_definitions.values().find(|definition| {
                definition.family == family && definition.revision.to_string() == revision
            }),
            None => self
                .task_definitions
                .values()
                .filter(|definition| {
                    definition.family == name && definition.status == Status::Active
                })
                .max_by_key(|definition| definition.revision),
        };
        found.ok_or_else(task_definition::not_found)
    }

    /// How many services and tasks still use a task definition.
    pub fn users_of(&self, task_definition: &str) -> usize {
        let services = self.services.values().filter(|service| {
            service
                .deployments
                .iter()
                .any(|deployment| deployment.settings.task_definition == task_definition)
        });
        let tasks = self
            .tasks
            .values()
            .filter(|task| task.task_definition == task_definition);
        services.count() + tasks.count()
    }

    pub fn count_tasks(&self, cluster: &str, is_counted: impl Fn(TaskState) -> bool) -> usize {
        self.tasks
            .values()
            .filter(|task| task.cluster == cluster && is_counted(task.state))
            .count()
    }
}

fn find_service<'a>(
    services: &'a BTreeMap<String, Service>,
    cluster: &str,
    id: &str,
) -> Option<&'a Service> {
    services
        .values()
        .find(|service| service.cluster == cluster && (service.arn == id || service.name == id))
}
