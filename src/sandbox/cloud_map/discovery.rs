//! Where is a service to be had? Asked by the names of namespace and service.

use serde_json::{Value, json};

use super::{instance::health, request::invalid, service::Service, state::CloudMap};
use crate::sandbox::{call::Call, fault::Fault, world::Context};

fn find<'a>(cloud_map: &'a CloudMap, call: &Call) -> Result<(&'a str, &'a Service), Fault> {
    let parameters = call.parameters();
    let namespace_name = parameters.required_string("NamespaceName")?;
    let service_name = parameters.required_string("ServiceName")?;
    let namespace = cloud_map
        .namespaces
        .values()
        .find(|namespace| namespace.name == namespace_name)
        .ok_or_else(|| {
            Fault::new(
                "NamespaceNotFound",
                format!("Namespace not found: {namespace_name}"),
            )
        })?;
    let service = cloud_map
        .services_of(&namespace.id)
        .find(|service| service.name == service_name)
        .ok_or_else(|| {
            Fault::new(
                "ServiceNotFound",
                format!("Service not found: {service_name}"),
            )
        })?;
    Ok((&namespace.name, service))
}

pub fn discover(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let cloud_map = &context.region.cloud_map;
    let (namespace_name, service) = find(cloud_map, call)?;
    let required = parameters.structure("QueryParameters");
    let has_attributes = |instance: &&super::instance::Instance| {
        required
            .iter()
            .filter_map(|required| required.value().as_object())
            .flatten()
            .all(|(name, value)| {
                instance.attributes.get(name).map(String::as_str) == value.as_str()
            })
    };
    let all: Vec<_> = cloud_map
        .instances_of(&service.id)
        .filter(has_attributes)
        .collect();
    let of_health = |wanted: bool| {
        all.iter()
            .copied()
            .filter(|instance| instance.is_healthy == wanted)
            .collect::<Vec<_>>()
    };
    let healthy = of_health(true);
    let shown = match parameters
        .string("HealthStatus")
        .unwrap_or("HEALTHY_OR_ELSE_ALL")
    {
        "HEALTHY" => healthy,
        "UNHEALTHY" => of_health(false),
        "ALL" => all,
        "HEALTHY_OR_ELSE_ALL" if healthy.is_empty() => all,
        "HEALTHY_OR_ELSE_ALL" => healthy,
        other => return Err(invalid(format!("'{other}' is not a valid health status"))),
    };
    let most = parameters.integer("MaxResults")?.unwrap_or(100);
    let instances: Value = shown
        .into_iter()
        .take(usize::try_from(most).unwrap_or(100))
        .map(|instance| {
            json!({
                "InstanceId": instance.id,
                "NamespaceName": namespace_name,
                "ServiceName": service.name,
                "HealthStatus": health(service, instance),
                "Attributes": instance.attributes,
            })
        })
        .collect();
    Ok(json!({"Instances": instances, "InstancesRevision": cloud_map.revision}))
}

pub fn revision(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let cloud_map = &context.region.cloud_map;
    find(cloud_map, call)?;
    Ok(json!({"InstancesRevision": cloud_map.revision}))
}
