//! How do instances come and go? By operations, whoever asks: a caller, or ECS for its tasks.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    instance::{self, Instance, write_records},
    operation,
    request::invalid,
};
use crate::sandbox::{call::Call, fault::Fault, pace::Doing, world::Context};

/// Instances per service (aws-behaviour §2.16).
const MOST_INSTANCES: usize = 1000;

pub fn register_instance(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let cloud_map = &context.region.cloud_map;
    let service = cloud_map.service(parameters.required_string("ServiceId")?)?;
    let id = parameters.required_string("InstanceId")?;
    let attributes: BTreeMap<String, String> = parameters
        .structure("Attributes")
        .and_then(|attributes| attributes.value().as_object().cloned())
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
        .collect();
    for record in &service.records {
        let needed = match record.kind.as_str() {
            "A" => "AWS_INSTANCE_IPV4",
            "AAAA" => "AWS_INSTANCE_IPV6",
            "CNAME" => "AWS_INSTANCE_CNAME",
            _ => "AWS_INSTANCE_PORT",
        };
        if !attributes.contains_key(needed) {
            return Err(invalid(format!(
                "For a {} record the attribute {needed} must be specified",
                record.kind
            )));
        }
    }
    let is_new = !cloud_map
        .instances
        .contains_key(&Instance::key(&service.id, id));
    if is_new && cloud_map.instances_of(&service.id).count() >= MOST_INSTANCES {
        return Err(Fault::new(
            "ResourceLimitExceeded",
            format!("The maximum number of instances has been reached: {MOST_INSTANCES}"),
        ));
    }
    let service_id = service.id.clone();
    let creator = match parameters.string("CreatorRequestId") {
        Some(given) => given.to_owned(),
        None => context.ids.uuid(),
    };
    let operation = begin_registration(context, &service_id, id, attributes, creator);
    Ok(json!({"OperationId": operation}))
}

/// Registers an instance for a service of AWS, which needs no answer.
pub fn register(
    context: &mut Context<'_>,
    service_id: &str,
    id: &str,
    attributes: BTreeMap<String, String>,
) {
    let creator = context.ids.uuid();
    begin_registration(context, service_id, id, attributes, creator);
}

/// The same identifier again replaces the instance.
fn begin_registration(
    context: &mut Context<'_>,
    service_id: &str,
    id: &str,
    attributes: BTreeMap<String, String>,
    creator_request_id: String,
) -> String {
    // Without a health check of the caller's own nobody could ever tell that it has become healthy.
    let has_check = context
        .region
        .cloud_map
        .service(service_id)
        .is_ok_and(|service| service.has_custom_health_check);
    let status = attributes.get("AWS_INIT_HEALTH_STATUS").map(String::as_str);
    let begins_unhealthy = has_check && status == Some("UNHEALTHY");
    let mut instance = Instance {
        id: id.to_owned(),
        service_id: service_id.to_owned(),
        is_healthy: !begins_unhealthy,
        found_since: context.now,
        attributes,
        creator_request_id,
    };
    operation::begin(
        context,
        "REGISTER_INSTANCE",
        Doing::InstanceOperation,
        move |context| {
            instance.found_since = context.now;
            let Instance { id, service_id, .. } = instance.clone();
            let cloud_map = &mut context.region.cloud_map;
            cloud_map
                .service(&service_id)
                .map_err(|fault| ("SERVICE_NOT_FOUND", fault.message))?;
            cloud_map
                .instances
                .insert(Instance::key(&service_id, &id), instance);
            write_records(context, &service_id);
            Ok(operation::targets([
                ("INSTANCE", &id),
                ("SERVICE", &service_id),
            ]))
        },
    )
}

pub fn deregister_instance(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let cloud_map = &context.region.cloud_map;
    let service = cloud_map.service(parameters.required_string("ServiceId")?)?;
    let id = parameters.required_string("InstanceId")?;
    if !cloud_map
        .instances
        .contains_key(&Instance::key(&service.id, id))
    {
        return Err(instance::not_found(id));
    }
    let service_id = service.id.clone();
    let operation = begin_deregistration(context, &service_id, id);
    Ok(json!({"OperationId": operation}))
}

/// Deregisters for a service of AWS, which needs no answer.
pub fn deregister(context: &mut Context<'_>, service_id: &str, id: &str) {
    begin_deregistration(context, service_id, id);
}

fn begin_deregistration(context: &mut Context<'_>, service_id: &str, id: &str) -> String {
    let (service_id, id) = (service_id.to_owned(), id.to_owned());
    operation::begin(
        context,
        "DEREGISTER_INSTANCE",
        Doing::InstanceOperation,
        move |context| {
            let key = Instance::key(&service_id, &id);
            context.region.cloud_map.instances.remove(&key);
            write_records(context, &service_id);
            Ok(operation::targets([
                ("INSTANCE", &id),
                ("SERVICE", &service_id),
            ]))
        },
    )
}
