//! What do the requests of Application Auto Scaling have in common? What they are about, refusals, pages.

use serde_json::{Value, json};

use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    pagination::{InvalidToken, paginate},
};

/// The only thing that the sandbox has to scale.
pub const NAMESPACE: &str = "ecs";
pub const DIMENSION: &str = "ecs:service:DesiredCount";

const NAMESPACES: [&str; 14] = [
    "appstream",
    "cassandra",
    "comprehend",
    "custom-resource",
    "dynamodb",
    "ec2",
    "ecs",
    "elasticache",
    "elasticmapreduce",
    "kafka",
    "lambda",
    "neptune",
    "rds",
    "sagemaker",
];

pub fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("ValidationException", message)
}

pub fn object_not_found(message: impl Into<String>) -> Fault {
    Fault::new("ObjectNotFoundException", message)
}

fn unknown_value(name: &str, value: &str) -> Fault {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must satisfy enum value set"
    ))
}

pub fn namespace(call: &Call) -> Result<&str, Fault> {
    let namespace = call.parameters().required_string("ServiceNamespace")?;
    match NAMESPACES.contains(&namespace) {
        true => Ok(namespace),
        false => Err(unknown_value("serviceNamespace", namespace)),
    }
}

/// Namespace and dimension must be what can be scaled here; the answer is the identifier of the resource.
pub fn resource_id(call: &Call) -> Result<String, Fault> {
    let namespace = namespace(call)?;
    let parameters = call.parameters();
    let id = parameters.required_string("ResourceId")?;
    let dimension = parameters.required_string("ScalableDimension")?;
    if namespace != NAMESPACE {
        return Err(Fault::new(
            "NotImplemented",
            format!("the sandbox scales services of ECS, and nothing of {namespace}"),
        )
        .with_status(501));
    }
    if dimension != DIMENSION {
        return Err(invalid(format!(
            "Unsupported service namespace, resource type or scalable dimension: {dimension}"
        )));
    }
    let parts: Vec<&str> = id.split('/').collect();
    match parts[..] {
        ["service", cluster, service] if !cluster.is_empty() && !service.is_empty() => {
            Ok(id.to_owned())
        }
        _ => Err(invalid(format!(
            "Unsupported service namespace, resource type or scalable dimension: {id}"
        ))),
    }
}

/// A dimension alone picks nothing.
pub fn check_dimension(parameters: &Parameters<'_>, ids: &str) -> Result<(), Fault> {
    match parameters.string("ScalableDimension") {
        Some(_) if !parameters.has(ids) => Err(invalid(
            "Scalable dimension can't be specified without a resource ID.",
        )),
        Some(DIMENSION) | None => Ok(()),
        Some(other) => Err(unknown_value("scalableDimension", other)),
    }
}

/// One page of `items`, which are sorted by their keys.
pub fn page(
    parameters: &Parameters<'_>,
    list: &str,
    items: Vec<(String, Value)>,
    largest: i64,
) -> Result<Value, Fault> {
    let size = parameters.integer("MaxResults")?.unwrap_or(largest);
    if !(1..=largest).contains(&size) {
        return Err(invalid(format!(
            "MaxResults must be between 1 and {largest}."
        )));
    }
    let size = usize::try_from(size).unwrap_or(1);
    let page = paginate(items, size, parameters.string("NextToken")).map_err(|InvalidToken| {
        Fault::new("InvalidNextTokenException", "The next token is invalid.")
    })?;
    let mut answer = json!({list: page.items});
    if let Some(next) = page.next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}
