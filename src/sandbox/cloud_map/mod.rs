//! What does Cloud Map keep? Namespaces, services and the instances that register under them, in an API and in DNS.

mod discovery;
mod instance;
mod instance_registration;
mod namespace;
mod namespace_creation;
mod operation;
mod request;
mod service;
mod state;
mod tags;
#[cfg(test)]
mod tests;

pub use self::{
    instance::{become_healthy, found_since},
    instance_registration::{deregister, register},
    state::CloudMap,
};
use super::dispatch::Operation;

pub fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreatePrivateDnsNamespace" => namespace_creation::create,
        "GetNamespace" => namespace::get,
        "ListNamespaces" => namespace::list,
        "UpdatePrivateDnsNamespace" => namespace::update,
        "DeleteNamespace" => namespace::delete,
        "CreateService" => service::create,
        "GetService" => service::get,
        "ListServices" => service::list,
        "UpdateService" => service::update,
        "DeleteService" => service::delete,
        "RegisterInstance" => instance_registration::register_instance,
        "DeregisterInstance" => instance_registration::deregister_instance,
        "GetInstance" => instance::get,
        "ListInstances" => instance::list,
        "GetInstancesHealthStatus" => instance::health_status,
        "UpdateInstanceCustomHealthStatus" => instance::update_custom_health,
        "DiscoverInstances" => discovery::discover,
        "DiscoverInstancesRevision" => discovery::revision,
        "GetOperation" => operation::get,
        "ListOperations" => operation::list,
        "TagResource" => tags::tag,
        "UntagResource" => tags::untag,
        "ListTagsForResource" => tags::list,
        _ => return None,
    })
}
