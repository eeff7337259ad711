//! What is a private namespace? A name, a VPC that sees it, and the hosted zone behind it.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    operation,
    request::{Filters, page},
    state::CloudMap,
};
use crate::sandbox::{
    call::Call, clock::Moment, fault::Fault, pace::Doing, tags::Tags, world::Context,
};

#[derive(Debug, Serialize)]
pub struct Namespace {
    pub id: String,
    pub arn: String,
    pub name: String,
    pub description: Option<String>,
    pub hosted_zone_id: String,
    pub soa_ttl: i64,
    pub created: Moment,
    pub creator_request_id: String,
    pub tags: Tags,
}

impl Namespace {
    fn summary(&self, cloud_map: &CloudMap) -> Value {
        let mut value = json!({
            "Id": self.id,
            "Arn": self.arn,
            "Name": self.name,
            "Type": "DNS_PRIVATE",
            "ServiceCount": cloud_map.services_of(&self.id).count(),
            "Properties": {
                "DnsProperties": {"HostedZoneId": self.hosted_zone_id, "SOA": {"TTL": self.soa_ttl}},
                "HttpProperties": {"HttpName": self.name},
            },
            "CreateDate": self.created.seconds(),
        });
        if let Some(description) = &self.description {
            value["Description"] = json!(description);
        }
        value
    }
}

pub fn not_found(id: &str) -> Fault {
    Fault::new(
        "NamespaceNotFound",
        format!("No namespace exists with the specified ID: {id}"),
    )
}

pub fn targets(id: &str) -> Map<String, Value> {
    operation::targets([("NAMESPACE", id)])
}

pub fn get(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let cloud_map = &context.region.cloud_map;
    let namespace = cloud_map.namespace(call.parameters().required_string("Id")?)?;
    let mut value = namespace.summary(cloud_map);
    value["CreatorRequestId"] = json!(namespace.creator_request_id);
    Ok(json!({"Namespace": value}))
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let filters = Filters::of(
        &parameters,
        &["TYPE", "NAME", "HTTP_NAME", "RESOURCE_OWNER"],
    )?;
    let cloud_map = &context.region.cloud_map;
    let shown = cloud_map
        .namespaces
        .values()
        .filter(|namespace| {
            filters.match_values(|name| match name {
                "TYPE" => "DNS_PRIVATE".to_owned(),
                "RESOURCE_OWNER" => "SELF".to_owned(),
                _ => namespace.name.clone(),
            })
        })
        .map(|namespace| (namespace.id.clone(), namespace.summary(cloud_map)))
        .collect();
    page(&parameters, "Namespaces", shown)
}

/// What is not given stays (aws-behaviour §2.16).
pub fn update(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = context
        .region
        .cloud_map
        .namespace(parameters.required_string("Id")?)?
        .id
        .clone();
    let wanted = parameters
        .structure("Namespace")
        .ok_or_else(|| call.service.missing_parameter("namespace"))?;
    let description = wanted.string("Description").map(str::to_owned);
    let soa_ttl = wanted
        .structure("Properties")
        .and_then(|properties| properties.structure("DnsProperties"))
        .and_then(|properties| properties.structure("SOA"))
        .map_or(Ok(None), |soa| soa.integer("TTL"))?;
    let operation = operation::begin(
        context,
        "UPDATE_NAMESPACE",
        Doing::NamespaceOperation,
        move |context| {
            let gone = |fault: Fault| ("NAMESPACE_NOT_FOUND", fault.message);
            let namespace = context.region.cloud_map.namespace_mut(&id).map_err(gone)?;
            namespace.description = description.or(namespace.description.take());
            namespace.soa_ttl = soa_ttl.unwrap_or(namespace.soa_ttl);
            let (zone_id, ttl) = (namespace.hosted_zone_id.clone(), namespace.soa_ttl);
            if let Ok(zone) = context.global.route53.zone_mut(&zone_id) {
                zone.set_soa_ttl(ttl);
            }
            Ok(targets(&id))
        },
    );
    Ok(json!({"OperationId": operation}))
}

/// Its services go first, its hosted zone goes with it (aws-behaviour §2.16).
pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let cloud_map = &context.region.cloud_map;
    let namespace = cloud_map.namespace(call.parameters().required_string("Id")?)?;
    let id = namespace.id.clone();
    refuse_if_used(cloud_map, &id)?;
    let operation = operation::begin(
        context,
        "DELETE_NAMESPACE",
        Doing::NamespaceOperation,
        move |context| {
            let cloud_map = &mut context.region.cloud_map;
            refuse_if_used(cloud_map, &id).map_err(|fault| ("RESOURCE_IN_USE", fault.message))?;
            if let Some(namespace) = cloud_map.namespaces.remove(&id) {
                let zones = &mut context.global.route53.hosted_zones;
                zones.remove(&namespace.hosted_zone_id);
            }
            Ok(targets(&id))
        },
    );
    Ok(json!({"OperationId": operation}))
}

fn refuse_if_used(cloud_map: &CloudMap, id: &str) -> Result<(), Fault> {
    if cloud_map.services_of(id).next().is_none() {
        return Ok(());
    }
    Err(Fault::new(
        "ResourceInUse",
        "Namespace has associated services; delete the services before deleting the namespace",
    ))
}
