//! What is a discovery service? A name in a namespace, and which records its instances get.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    instance, operation,
    request::{Filters, invalid, page, tags_at_create},
    state::CloudMap,
};
use crate::sandbox::{
    call::{Call, Parameters},
    client_token::Replay,
    clock::Moment,
    fault::Fault,
    pace::Doing,
    route53::DnsName,
    tags::Tags,
    world::Context,
};

/// How long the identifier of a request is remembered [I].
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Serialize)]
pub struct Service {
    pub id: String,
    pub arn: String,
    pub name: String,
    pub namespace_id: String,
    pub description: Option<String>,
    pub routing_policy: String,
    pub records: Vec<RecordSettings>,
    /// Whoever registers instances also says how they are.
    pub has_custom_health_check: bool,
    pub created: Moment,
    pub creator_request_id: String,
    pub tags: Tags,
}

#[derive(Clone, Debug, Serialize)]
pub struct RecordSettings {
    pub kind: String,
    pub ttl: i64,
}

impl Service {
    fn summary(&self, cloud_map: &CloudMap) -> Value {
        let records: Value = self
            .records
            .iter()
            .map(|record| json!({"Type": record.kind, "TTL": record.ttl}))
            .collect();
        let mut value = json!({
            "Id": self.id,
            "Arn": self.arn,
            "Name": self.name,
            "Type": if self.records.is_empty() { "HTTP" } else { "DNS_HTTP" },
            "InstanceCount": cloud_map.instances_of(&self.id).count(),
            "DnsConfig": {"RoutingPolicy": self.routing_policy, "DnsRecords": records},
            "CreateDate": self.created.seconds(),
        });
        if let Some(description) = &self.description {
            value["Description"] = json!(description);
        }
        if self.has_custom_health_check {
            // Fixed at 1 whatever was asked for (aws-behaviour §2.16).
            value["HealthCheckCustomConfig"] = json!({"FailureThreshold": 1});
        }
        value
    }

    fn to_value(&self, cloud_map: &CloudMap) -> Value {
        let mut value = self.summary(cloud_map);
        value["NamespaceId"] = json!(self.namespace_id);
        value["DnsConfig"]["NamespaceId"] = json!(self.namespace_id);
        value["CreatorRequestId"] = json!(self.creator_request_id);
        value
    }

    pub fn dns_name(&self, cloud_map: &CloudMap) -> Option<DnsName> {
        let namespace = cloud_map.namespaces.get(&self.namespace_id)?;
        Some(DnsName::new(&format!("{}.{}", self.name, namespace.name)))
    }
}

pub fn not_found(id: &str) -> Fault {
    Fault::new(
        "ServiceNotFound",
        format!("No service exists with the specified ID: {id}"),
    )
}

fn read_records(config: Option<Parameters<'_>>) -> Result<Vec<RecordSettings>, Fault> {
    let mut records = Vec::new();
    for record in config.iter().flat_map(|config| config.list("DnsRecords")) {
        let kind = record.required_string("Type")?;
        if !["A", "AAAA", "SRV", "CNAME"].contains(&kind) {
            return Err(invalid(format!("'{kind}' is not a valid type of a record")));
        }
        let ttl = record
            .integer("TTL")?
            .ok_or_else(|| invalid("A record needs a TTL"))?;
        records.push(RecordSettings {
            kind: kind.to_owned(),
            ttl,
        });
    }
    Ok(records)
}

/// Synchronous; the namespace must be ready (aws-behaviour §1 row 25).
pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let token = parameters.string("CreatorRequestId").unwrap_or_default();
    let cloud_map = &context.region.cloud_map;
    let seen = cloud_map.tokens.look(
        "CreateService",
        token,
        &call.parameters,
        context.now,
        TOKEN_LIFETIME,
    );
    if let Replay::Same(id) = seen
        && !token.is_empty()
        && let Some(existing) = id.as_str().and_then(|id| cloud_map.services.get(id))
    {
        return Ok(json!({"Service": existing.to_value(cloud_map)}));
    }
    let service = read(context, call)?;
    let cloud_map = &mut context.region.cloud_map;
    let id = service.id.clone();
    let now = context.now;
    cloud_map
        .tokens
        .remember("CreateService", token, &call.parameters, json!(id), now);
    cloud_map.services.insert(id.clone(), service);
    Ok(json!({"Service": cloud_map.service(&id)?.to_value(cloud_map)}))
}

fn read(context: &mut Context<'_>, call: &Call) -> Result<Service, Fault> {
    let parameters = call.parameters();
    let name = parameters.required_string("Name")?;
    let config = parameters.structure("DnsConfig");
    let namespace_id = parameters
        .string("NamespaceId")
        .or_else(|| config.and_then(|config| config.string("NamespaceId")))
        .ok_or_else(|| invalid("A service needs the ID of a namespace"))?;
    let cloud_map = &context.region.cloud_map;
    let namespace = cloud_map.namespace(namespace_id)?;
    if let Some(taken) = cloud_map
        .services_of(&namespace.id)
        .find(|service| service.name.eq_ignore_ascii_case(name))
    {
        return Err(
            Fault::new("ServiceAlreadyExists", "Service already exists.")
                .with_member("CreatorRequestId", taken.creator_request_id.as_str())
                .with_member("ServiceId", taken.id.as_str())
                .with_member("ServiceArn", taken.arn.as_str()),
        );
    }
    if !DnsName::new(&format!("{name}.{}", namespace.name)).is_valid() {
        return Err(invalid(format!(
            "'{name}' is not a valid name of a service"
        )));
    }
    if parameters.has("HealthCheckConfig") {
        return Err(invalid(
            "HealthCheckConfig is not supported for services in private DNS namespaces",
        ));
    }
    let namespace_id = namespace.id.clone();
    let id = format!("srv-{}", context.ids.alphanumeric(16));
    Ok(Service {
        arn: context.arn("servicediscovery", format_args!("service/{id}")),
        id,
        name: name.to_owned(),
        namespace_id,
        description: parameters.string("Description").map(str::to_owned),
        routing_policy: config
            .and_then(|config| config.string("RoutingPolicy"))
            .unwrap_or("MULTIVALUE")
            .to_owned(),
        records: read_records(config)?,
        has_custom_health_check: parameters.has("HealthCheckCustomConfig"),
        created: context.now,
        creator_request_id: match parameters.string("CreatorRequestId") {
            Some(given) => given.to_owned(),
            None => context.ids.uuid(),
        },
        tags: tags_at_create(&parameters)?,
    })
}

pub fn get(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let cloud_map = &context.region.cloud_map;
    let service = cloud_map.service(call.parameters().required_string("Id")?)?;
    Ok(json!({"Service": service.to_value(cloud_map)}))
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let filters = Filters::of(&parameters, &["NAMESPACE_ID", "RESOURCE_OWNER"])?;
    let cloud_map = &context.region.cloud_map;
    let shown = cloud_map
        .services
        .values()
        .filter(|service| {
            filters.match_values(|name| match name {
                "NAMESPACE_ID" => service.namespace_id.clone(),
                _ => "SELF".to_owned(),
            })
        })
        .map(|service| (service.id.clone(), service.summary(cloud_map)))
        .collect();
    page(&parameters, "Services", shown)
}

/// What is not given is deleted, unlike in a namespace's update (aws-behaviour §2.16).
pub fn update(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = context
        .region
        .cloud_map
        .service(parameters.required_string("Id")?)?
        .id
        .clone();
    let wanted = parameters
        .structure("Service")
        .ok_or_else(|| call.service.missing_parameter("service"))?;
    let description = wanted.string("Description").map(str::to_owned);
    let records = read_records(wanted.structure("DnsConfig"))?;
    let operation = operation::begin(
        context,
        "UPDATE_SERVICE",
        Doing::InstanceOperation,
        move |context| {
            let gone = |fault: Fault| ("INVALID_INPUT", fault.message);
            let service = context.region.cloud_map.service_mut(&id).map_err(gone)?;
            service.description = description;
            service.records = records;
            instance::write_records(context, &id);
            Ok(operation::targets([("SERVICE", &id)]))
        },
    );
    Ok(json!({"OperationId": operation}))
}

/// Refused while instances are registered (aws-behaviour §2.16).
pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let cloud_map = &mut context.region.cloud_map;
    let id = cloud_map
        .service(call.parameters().required_string("Id")?)?
        .id
        .clone();
    if cloud_map.instances_of(&id).next().is_some() {
        return Err(Fault::new(
            "ResourceInUse",
            "Service contains registered instances; delete the instances before deleting the service",
        ));
    }
    cloud_map.services.remove(&id);
    Ok(json!({}))
}
