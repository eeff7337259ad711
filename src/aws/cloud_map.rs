//! What do the kinds that meet in Cloud Map share? Operations to follow, services of a namespace, registered instances.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_servicediscovery::types::{
    FilterCondition, HealthStatus, InstanceSummary, NamespaceSummary, OperationStatus,
    OperationTargetType, ServiceFilter, ServiceFilterName, ServiceSummary,
};

use super::{Aws, send};
use crate::resource::{CallError, Holder};

/// How far Cloud Map is with a request that it answered before it carried it out (aws-behaviour §2.16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationProgress {
    /// Still at it.
    Running,
    /// Done. A new namespace's ID is only told here (aws-behaviour §1 row 24).
    Done {
        /// The namespace it was about.
        namespace_id: Option<String>,
    },
    /// Given up; the text is Cloud Map's code and message.
    Failed(String),
    /// Cloud Map remembers no such operation.
    Forgotten,
}

/// Asks how far an operation is.
pub async fn operation(aws: &Aws, operation_id: &str) -> Result<OperationProgress, CallError> {
    let call = aws.cloud_map.get_operation().operation_id(operation_id);
    let operation = match send("servicediscovery:GetOperation", call.send()).await {
        Ok(answer) => answer.operation,
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(error),
    };
    let Some(operation) = operation else {
        return Ok(OperationProgress::Forgotten);
    };
    Ok(match operation.status {
        Some(OperationStatus::Success) => OperationProgress::Done {
            namespace_id: operation
                .targets
                .and_then(|mut targets| targets.remove(&OperationTargetType::Namespace)),
        },
        Some(OperationStatus::Fail) => OperationProgress::Failed(format!(
            "{}: {}",
            operation.error_code.as_deref().unwrap_or("FAIL"),
            operation
                .error_message
                .as_deref()
                .unwrap_or("no further explanation"),
        )),
        _ => OperationProgress::Running,
    })
}

/// Every namespace of the region, asked for once in a sweep.
pub async fn namespaces(aws: &Aws) -> Result<Arc<Vec<NamespaceSummary>>, CallError> {
    const OPERATION: &str = "servicediscovery:ListNamespaces";
    let list = async {
        let pages = aws.cloud_map.list_namespaces().into_paginator();
        let pages: Vec<_> = send(OPERATION, pages.send().collect::<Result<_, _>>()).await?;
        Ok(pages
            .into_iter()
            .flat_map(|page| page.namespaces.unwrap_or_default())
            .collect())
    };
    aws.memo.once(format!("{OPERATION} all"), list).await
}

/// Every service of a namespace; none when the namespace is gone.
pub async fn services_in(aws: &Aws, namespace_id: &str) -> Result<Vec<ServiceSummary>, CallError> {
    let filter = ServiceFilter::builder()
        .name(ServiceFilterName::NamespaceId)
        .values(namespace_id)
        .condition(FilterCondition::Eq)
        .build()
        .expect("both required members are set");
    let pages = aws.cloud_map.list_services().filters(filter);
    let answer: Result<Vec<_>, CallError> = send(
        "servicediscovery:ListServices",
        pages.into_paginator().send().collect(),
    )
    .await;
    let pages = none_if_gone(answer)?;
    Ok(pages
        .into_iter()
        .flat_map(|page| page.services.unwrap_or_default())
        .collect())
}

/// Every instance registered in a service; none when the service is gone.
pub async fn instances_of(aws: &Aws, service_id: &str) -> Result<Vec<InstanceSummary>, CallError> {
    let pages = aws.cloud_map.list_instances().service_id(service_id);
    let answer: Result<Vec<_>, CallError> = send(
        "servicediscovery:ListInstances",
        pages.into_paginator().send().collect(),
    )
    .await;
    let pages = none_if_gone(answer)?;
    Ok(pages
        .into_iter()
        .flat_map(|page| page.instances.unwrap_or_default())
        .collect())
}

/// The health of a service's instances by their identifiers. It lags registration for a moment: one without an entry has
/// no health yet.
pub async fn health_of(
    aws: &Aws,
    service_id: &str,
) -> Result<HashMap<String, HealthStatus>, CallError> {
    let pages = aws
        .cloud_map
        .get_instances_health_status()
        .service_id(service_id);
    let answer: Result<Vec<_>, CallError> = send(
        "servicediscovery:GetInstancesHealthStatus",
        pages.into_paginator().send().collect(),
    )
    .await;
    Ok(none_if_gone(answer)?
        .into_iter()
        .flat_map(|page| page.status.unwrap_or_default())
        .collect())
}

/// How many instances of a service its readers get to see: those registered and not called unhealthy.
pub async fn visible_instances(aws: &Aws, service_id: &str) -> Result<usize, CallError> {
    let instances = instances_of(aws, service_id).await?;
    if instances.is_empty() {
        return Ok(0);
    }
    // No health yet is not a bad one.
    let health = health_of(aws, service_id).await?;
    let unhealthy = health
        .values()
        .filter(|one| **one == HealthStatus::Unhealthy);
    Ok(instances.len().saturating_sub(unhealthy.count()))
}

/// A listing below something that is gone is empty.
fn none_if_gone<T>(answer: Result<Vec<T>, CallError>) -> Result<Vec<T>, CallError> {
    match answer {
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        other => other,
    }
}

/// Whether ECS registered the instance for a task: it says so in the attributes (ECS developer guide,
/// service discovery). Any other one is somebody else's.
pub fn is_made_by_ecs(instance: &InstanceSummary) -> bool {
    let attributes = instance.attributes.as_ref();
    attributes.is_some_and(|attributes| attributes.contains_key("ECS_SERVICE_NAME"))
}

/// The IPv4 address that the instance stands for.
pub fn address_of(instance: &InstanceSummary) -> Option<&String> {
    instance.attributes.as_ref()?.get("AWS_INSTANCE_IPV4")
}

/// An instance as a holder of its service.
pub fn instance_holder(instance: InstanceSummary) -> Holder {
    let what = match address_of(&instance) {
        Some(address) => format!("registered instance with address {address}"),
        None => "registered instance".to_owned(),
    };
    Holder {
        id: instance.id.unwrap_or_default(),
        what,
    }
}
