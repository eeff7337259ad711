//! How does a private namespace come into being? By an operation that makes its hosted zone.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    namespace::{self, Namespace},
    operation,
    request::{invalid, tags_at_create},
};
use crate::sandbox::{
    call::Call,
    client_token::Replay,
    fault::Fault,
    pace::Doing,
    route53::{self, DnsName, LinkedService, NewZone, ZoneVpc},
    tags::Tags,
    world::Context,
};

/// The region's default quota (aws-behaviour §5).
const MOST_NAMESPACES: usize = 50;
/// How long a missing name is remembered (aws-behaviour §1 row 36).
const SOA_TTL: i64 = 15;
/// How long the identifier of a request is remembered [I].
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3600);

struct Wanted {
    name: String,
    vpc: ZoneVpc,
    description: Option<String>,
    creator_request_id: String,
    soa_ttl: i64,
    tags: Tags,
}

/// The same request again is answered with the operation that it began (aws-behaviour §2.16).
pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let token = parameters.string("CreatorRequestId").unwrap_or_default();
    let tokens = &context.region.cloud_map.tokens;
    match tokens.look(
        "CreatePrivateDnsNamespace",
        token,
        &call.parameters,
        context.now,
        TOKEN_LIFETIME,
    ) {
        Replay::Same(operation) if !token.is_empty() => {
            return Ok(json!({"OperationId": operation}));
        }
        Replay::Mismatch if !token.is_empty() => {
            return Err(invalid(format!(
                "The CreatorRequestId '{token}' was used for a request with other parameters"
            )));
        }
        _ => {}
    }
    let wanted = read(context, call)?;
    let cloud_map = &context.region.cloud_map;
    if cloud_map.namespaces.len() >= MOST_NAMESPACES {
        return Err(Fault::new(
            "ResourceLimitExceeded",
            format!("The maximum number of namespaces has been reached: {MOST_NAMESPACES}"),
        ));
    }
    let operation = operation::begin(
        context,
        "CREATE_NAMESPACE",
        Doing::NamespaceOperation,
        move |context| make(context, wanted),
    );
    let now = context.now;
    context.region.cloud_map.tokens.remember(
        "CreatePrivateDnsNamespace",
        token,
        &call.parameters,
        json!(operation),
        now,
    );
    Ok(json!({"OperationId": operation}))
}

fn read(context: &mut Context<'_>, call: &Call) -> Result<Wanted, Fault> {
    let parameters = call.parameters();
    let name = parameters.required_string("Name")?;
    if !DnsName::new(name).is_valid() || name.ends_with('.') {
        return Err(invalid(format!(
            "'{name}' is not a valid name of a namespace"
        )));
    }
    let vpc_id = parameters.required_string("Vpc")?;
    context
        .region
        .ec2
        .vpc(vpc_id)
        .map_err(|_| invalid(format!("The VPC '{vpc_id}' does not exist")))?;
    let soa_ttl = parameters
        .structure("Properties")
        .and_then(|properties| properties.structure("DnsProperties"))
        .and_then(|properties| properties.structure("SOA"))
        .map_or(Ok(None), |soa| soa.integer("TTL"))?;
    Ok(Wanted {
        name: name.to_owned(),
        vpc: ZoneVpc {
            region: context.region_name.to_owned(),
            id: vpc_id.to_owned(),
        },
        description: parameters.string("Description").map(str::to_owned),
        creator_request_id: match parameters.string("CreatorRequestId") {
            Some(given) => given.to_owned(),
            None => context.ids.uuid(),
        },
        soa_ttl: soa_ttl.unwrap_or(SOA_TTL),
        tags: tags_at_create(&parameters)?,
    })
}

/// A VPC that has a zone of the name already makes the operation fail, not the request (aws-behaviour §2.16).
fn make(
    context: &mut Context<'_>,
    wanted: Wanted,
) -> Result<serde_json::Map<String, Value>, (&'static str, String)> {
    let id = format!("ns-{}", context.ids.alphanumeric(16));
    let arn = context.arn("servicediscovery", format_args!("namespace/{id}"));
    let zone = NewZone {
        name: DnsName::new(&wanted.name),
        caller_reference: format!("{id}:{}", wanted.creator_request_id),
        comment: wanted.description.clone(),
        vpcs: vec![wanted.vpc],
        is_private: true,
        linked_service: Some(LinkedService {
            principal: "servicediscovery.amazonaws.com".to_owned(),
            resource: arn.clone(),
        }),
        negative_ttl: wanted.soa_ttl,
    };
    let hosted_zone_id = route53::establish(context, zone).map_err(|fault| {
        (
            "CANNOT_CREATE_HOSTED_ZONE",
            format!(
                "{} (Service: AmazonRoute53; Error Code: {})",
                fault.message, fault.code
            ),
        )
    })?;
    let namespace = Namespace {
        id: id.clone(),
        arn,
        name: wanted.name,
        description: wanted.description,
        hosted_zone_id,
        soa_ttl: wanted.soa_ttl,
        created: context.now,
        creator_request_id: wanted.creator_request_id,
        tags: wanted.tags,
    };
    let made = namespace::targets(&id);
    context.region.cloud_map.namespaces.insert(id, namespace);
    Ok(made)
}
