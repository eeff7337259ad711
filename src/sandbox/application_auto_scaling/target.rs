//! What is a scalable target? A service whose count is kept between two bounds.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    request::{
        DIMENSION, NAMESPACE, check_dimension, invalid, namespace, object_not_found, page,
        resource_id,
    },
    scaling,
    target_tags::read_tags,
};
use crate::sandbox::{
    call::Call, clock::Moment, ecs, fault::Fault, iam, tags::Tags, world::Context,
};

const LARGEST_PAGE: i64 = 50;
const ROLE_OWNER: &str = "ecs.application-autoscaling.amazonaws.com";

/// Which kinds of scaling rest, by the names that the API gives them.
const SUSPENSIONS: [&str; 3] = [
    "DynamicScalingInSuspended",
    "DynamicScalingOutSuspended",
    "ScheduledScalingSuspended",
];

#[derive(Clone, Debug, Serialize)]
pub struct ScalableTarget {
    pub arn: String,
    /// `service/CLUSTER/SERVICE`.
    pub resource_id: String,
    pub min_capacity: i64,
    pub max_capacity: i64,
    pub role_arn: String,
    pub created: Moment,
    /// As the API writes it.
    pub suspended: Value,
    pub tags: Tags,
}

impl ScalableTarget {
    pub fn is_suspended(&self, what: &str) -> bool {
        self.suspended[what] == json!(true)
    }

    fn to_value(&self) -> Value {
        json!({
            "ServiceNamespace": NAMESPACE,
            "ResourceId": self.resource_id,
            "ScalableDimension": DIMENSION,
            "MinCapacity": self.min_capacity,
            "MaxCapacity": self.max_capacity,
            "RoleARN": self.role_arn,
            "CreationTime": self.created.seconds(),
            "SuspendedState": self.suspended,
            "ScalableTargetARN": self.arn,
        })
    }
}

pub fn not_registered(resource_id: &str) -> Fault {
    object_not_found(format!(
        "No scalable target registered for service namespace: {NAMESPACE}, resource ID: {resource_id}, scalable dimension: {DIMENSION}"
    ))
}

/// Again for the same service it changes what it names (aws-behaviour §2.19). Bounds that the count is outside of bring it within
/// them at once (user guide, "scaling activities").
pub fn register(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = resource_id(call)?;
    let tags = read_tags(&parameters)?;
    if !ecs::is_active_service(context, &id) {
        return Err(invalid(format!("ECS service doesn't exist: {id}")));
    }
    let existing = context
        .region
        .application_auto_scaling
        .scalable_targets
        .get(&id)
        .cloned();
    let bound = |name: &str, before: Option<i64>| -> Result<i64, Fault> {
        let bound = parameters.integer(name)?.or(before).ok_or_else(|| {
            invalid(format!(
                "{name} must be specified when a new scalable target is registered."
            ))
        })?;
        match bound {
            0.. => Ok(bound),
            _ => Err(invalid(format!("{name} cannot be less than 0."))),
        }
    };
    let min = bound(
        "MinCapacity",
        existing.as_ref().map(|target| target.min_capacity),
    )?;
    let max = bound(
        "MaxCapacity",
        existing.as_ref().map(|target| target.max_capacity),
    )?;
    if min > max {
        return Err(invalid(
            "Maximum capacity cannot be less than minimum capacity.",
        ));
    }
    let mut suspended = existing.as_ref().map_or_else(
        || json!({SUSPENSIONS[0]: false, SUSPENSIONS[1]: false, SUSPENSIONS[2]: false}),
        |target| target.suspended.clone(),
    );
    if let Some(asked) = parameters.structure("SuspendedState") {
        for name in SUSPENSIONS {
            suspended[name] = json!(asked.boolean(name)?.unwrap_or(false));
        }
    }
    let target = match existing {
        Some(target) => ScalableTarget {
            min_capacity: min,
            max_capacity: max,
            suspended,
            ..target
        },
        None => {
            iam::ensure_service_linked_role(context, ROLE_OWNER);
            let id_in_arn = context.ids.hexadecimal(36);
            ScalableTarget {
                arn: context.arn(
                    "application-autoscaling",
                    format_args!("scalable-target/{id_in_arn}"),
                ),
                resource_id: id.clone(),
                min_capacity: min,
                max_capacity: max,
                role_arn: format!(
                    "arn:aws:iam::{}:role/aws-service-role/{ROLE_OWNER}/AWSServiceRoleForApplicationAutoScaling_ECSService",
                    context.account
                ),
                created: context.now,
                suspended,
                tags,
            }
        }
    };
    let arn = target.arn.clone();
    context
        .region
        .application_auto_scaling
        .scalable_targets
        .insert(id.clone(), target);
    scaling::bring_within_bounds(context, &id);
    Ok(json!({"ScalableTargetARN": arn}))
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let is_ours = namespace(call)? == NAMESPACE;
    check_dimension(&parameters, "ResourceIds")?;
    let wanted = parameters.strings("ResourceIds");
    let targets = &context.region.application_auto_scaling.scalable_targets;
    let found = targets
        .iter()
        .filter(|(id, _)| is_ours && (wanted.is_empty() || wanted.contains(&id.as_str())))
        .map(|(id, target)| (id.clone(), target.to_value()))
        .collect();
    page(&parameters, "ScalableTargets", found, LARGEST_PAGE)
}

/// Its policies go with it (aws-behaviour §2.19).
pub fn deregister(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let id = resource_id(call)?;
    let scaling = &mut context.region.application_auto_scaling;
    scaling
        .scalable_targets
        .remove(&id)
        .ok_or_else(|| not_registered(&id))?;
    scaling
        .scaling_policies
        .retain(|_, policy| policy.resource_id != id);
    Ok(json!({}))
}
