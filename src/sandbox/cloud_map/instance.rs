//! What is an instance? One place where a service is to be had, and its records in the namespace's zone.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    request::{invalid, page},
    service::Service,
};
use crate::sandbox::{
    call::Call,
    clock::Moment,
    fault::Fault,
    route53::{DnsName, Record},
    world::Context,
};

#[derive(Clone, Debug, Serialize)]
pub struct Instance {
    pub id: String,
    pub service_id: String,
    pub attributes: BTreeMap<String, String>,
    pub is_healthy: bool,
    /// When it was last registered, or last became healthy.
    pub found_since: Moment,
    pub creator_request_id: String,
}

impl Instance {
    pub fn key(service: &str, id: &str) -> String {
        format!("{service}/{id}")
    }

    /// The records of a healthy instance; a sick one has none. Answers of many values have one set per instance.
    fn records(&self, service: &Service, name: &DnsName) -> Vec<Record> {
        if !self.is_healthy {
            return Vec::new();
        }
        let routing = match service.routing_policy.as_str() {
            "WEIGHTED" => Map::from_iter([("Weight".to_owned(), json!(1))]),
            _ => Map::from_iter([("MultiValueAnswer".to_owned(), json!(true))]),
        };
        let attribute = |name: &str| self.attributes.get(name).cloned();
        service
            .records
            .iter()
            .filter_map(|settings| {
                let value = match settings.kind.as_str() {
                    "A" => attribute("AWS_INSTANCE_IPV4"),
                    "AAAA" => attribute("AWS_INSTANCE_IPV6"),
                    "CNAME" => attribute("AWS_INSTANCE_CNAME"),
                    _ => attribute("AWS_INSTANCE_PORT")
                        .map(|port| format!("1 1 {port} {}.{}", self.id, name.text())),
                }?;
                Some(Record {
                    name: name.clone(),
                    kind: settings.kind.clone(),
                    set_identifier: Some(self.id.clone()),
                    routing: routing.clone(),
                    ttl: Some(settings.ttl),
                    values: vec![value],
                    alias: None,
                })
            })
            .collect()
    }
}

pub fn not_found(id: &str) -> Fault {
    Fault::new(
        "InstanceNotFound",
        format!("No instance exists with the specified ID: {id}"),
    )
}

/// Makes the zone say what the service's instances are.
pub fn write_records(context: &mut Context<'_>, service_id: &str) {
    let cloud_map = &mut context.region.cloud_map;
    cloud_map.revision += 1;
    let Some(service) = cloud_map.services.get(service_id) else {
        return;
    };
    let Some(name) = service.dns_name(cloud_map) else {
        return;
    };
    let zone = cloud_map
        .namespaces
        .get(&service.namespace_id)
        .and_then(|namespace| {
            let zones = &mut context.global.route53.hosted_zones;
            zones.get_mut(&namespace.hosted_zone_id)
        });
    if let Some(zone) = zone {
        zone.records.retain(|_, record| record.name != name);
        for instance in cloud_map.instances_of(service_id) {
            for record in instance.records(service, &name) {
                zone.insert(record);
            }
        }
    }
}

pub fn get(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let cloud_map = &context.region.cloud_map;
    let service = cloud_map.service(parameters.required_string("ServiceId")?)?;
    let id = parameters.required_string("InstanceId")?;
    let instance = cloud_map
        .instances
        .get(&Instance::key(&service.id, id))
        .ok_or_else(|| not_found(id))?;
    Ok(json!({"Instance": {
        "Id": instance.id,
        "CreatorRequestId": instance.creator_request_id,
        "Attributes": instance.attributes,
    }}))
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let cloud_map = &context.region.cloud_map;
    let service = cloud_map.service(parameters.required_string("ServiceId")?)?;
    let shown = cloud_map
        .instances_of(&service.id)
        .map(|instance| {
            let value = json!({"Id": instance.id, "Attributes": instance.attributes});
            (instance.id.clone(), value)
        })
        .collect();
    page(&parameters, "Instances", shown)
}

pub fn health_status(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let cloud_map = &context.region.cloud_map;
    let service = cloud_map.service(parameters.required_string("ServiceId")?)?;
    let asked = parameters.strings("Instances");
    for id in &asked {
        if !cloud_map
            .instances
            .contains_key(&Instance::key(&service.id, id))
        {
            return Err(not_found(id));
        }
    }
    let shown = cloud_map
        .instances_of(&service.id)
        .filter(|instance| asked.is_empty() || asked.contains(&instance.id.as_str()))
        .map(|instance| {
            (
                instance.id.clone(),
                json!([instance.id, health(service, instance)]),
            )
        })
        .collect();
    let mut answer = page(&parameters, "Status", shown)?;
    let status: Map<String, Value> = answer["Status"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|pair| Some((pair[0].as_str()?.to_owned(), pair[1].clone())))
        .collect();
    answer["Status"] = Value::Object(status);
    Ok(answer)
}

/// Without any health check nobody knows.
pub fn health(service: &Service, instance: &Instance) -> &'static str {
    match (service.has_custom_health_check, instance.is_healthy) {
        (false, _) => "UNKNOWN",
        (true, true) => "HEALTHY",
        (true, false) => "UNHEALTHY",
    }
}

/// Since when an instance is found; none if it isn't.
pub fn found_since(context: &Context<'_>, service_id: &str, id: &str) -> Option<Moment> {
    let instances = &context.region.cloud_map.instances;
    let instance = instances.get(&Instance::key(service_id, id))?;
    instance.is_healthy.then_some(instance.found_since)
}

/// What ECS tells of a task whose containers pass their health checks.
pub fn become_healthy(context: &mut Context<'_>, service_id: &str, id: &str) {
    let key = Instance::key(service_id, id);
    if let Some(instance) = context.region.cloud_map.instances.get_mut(&key) {
        instance.is_healthy = true;
        instance.found_since = context.now;
        write_records(context, service_id);
    }
}

pub fn update_custom_health(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = parameters.required_string("InstanceId")?;
    let is_healthy = match parameters.required_string("Status")? {
        "HEALTHY" => true,
        "UNHEALTHY" => false,
        other => return Err(invalid(format!("'{other}' is not a valid status"))),
    };
    let cloud_map = &mut context.region.cloud_map;
    let service = cloud_map.service(parameters.required_string("ServiceId")?)?;
    if !service.has_custom_health_check {
        return Err(Fault::new(
            "CustomHealthNotFound",
            "Custom health check not configured for service",
        ));
    }
    let service_id = service.id.clone();
    let instance = cloud_map
        .instances
        .get_mut(&Instance::key(&service_id, id))
        .ok_or_else(|| not_found(id))?;
    if is_healthy && !instance.is_healthy {
        instance.found_since = context.now;
    }
    instance.is_healthy = is_healthy;
    write_records(context, &service_id);
    Ok(json!({}))
}
