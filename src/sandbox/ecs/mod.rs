//! What does ECS keep? Clusters, task definitions, services, and the tasks that the scheduler runs for them.

mod breaker;
mod capacity;
mod cluster;
mod command_session;
mod container_definition;
mod container_log;
mod container_rules;
mod container_start;
mod deployment;
mod fargate;
mod health;
mod request;
mod scheduler;
mod secret_access;
mod service;
mod service_changes;
mod service_count;
mod service_creation;
mod service_deployments;
mod service_settings;
mod state;
mod tags;
mod task;
mod task_definition;
mod task_definition_listing;
mod task_definition_removal;
mod task_listing;
mod task_placement;
mod task_start;
mod task_stop;
#[cfg(test)]
mod tests;

pub use self::{
    container_log::say,
    health::{Reply, reply},
    service::Service,
    service_count::{desired_count, is_active_service, set_desired_count},
    state::Ecs,
    task::Task,
    task_start::reaches_internet,
};
use super::dispatch::Operation;

pub fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateCluster" => cluster::create,
        "DescribeClusters" => cluster::describe,
        "ListClusters" => cluster::list,
        "DeleteCluster" => cluster::delete,
        "PutClusterCapacityProviders" => capacity::put,
        "DescribeCapacityProviders" => capacity::describe,
        "RegisterTaskDefinition" => task_definition::register,
        "DescribeTaskDefinition" => task_definition::describe,
        "ListTaskDefinitions" => task_definition_listing::revisions,
        "ListTaskDefinitionFamilies" => task_definition_listing::families,
        "DeregisterTaskDefinition" => task_definition_removal::deregister,
        "DeleteTaskDefinitions" => task_definition_removal::delete,
        "CreateService" => service_creation::create,
        "DescribeServices" => service::describe,
        "ListServices" => service::list,
        "UpdateService" => service_changes::update,
        "DeleteService" => service_changes::delete,
        "ListServiceDeployments" => service_deployments::list,
        "DescribeServiceDeployments" => service_deployments::describe,
        "ListTasks" => task_listing::list,
        "DescribeTasks" => task_listing::describe,
        "StopTask" => task_listing::stop,
        "ExecuteCommand" => command_session::open,
        "TagResource" => tags::tag,
        "UntagResource" => tags::untag,
        "ListTagsForResource" => tags::list,
        _ => return None,
    })
}
