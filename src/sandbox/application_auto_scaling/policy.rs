//! What is a scaling policy? A metric and the value at which it is kept, or steps for an alarm.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    request::{
        DIMENSION, NAMESPACE, check_dimension, invalid, namespace, object_not_found, page,
        resource_id,
    },
    target::not_registered,
};
use crate::sandbox::{
    call::{Call, Parameters},
    clock::Moment,
    elb,
    fault::Fault,
    world::Context,
};

const LARGEST_PAGE: i64 = 10;
const MOST_OF_A_TARGET: usize = 50;

const TRACKING: &str = "TargetTrackingScalingPolicyConfiguration";
const STEPS: &str = "StepScalingPolicyConfiguration";

/// What ECS and its load balancers measure by themselves (the API model's MetricType).
const OF_THE_SERVICE: [&str; 4] = [
    "ECSServiceAverageCPUUtilization",
    "ECSServiceAverageCPUUtilizationHighResolution",
    "ECSServiceAverageMemoryUtilization",
    "ECSServiceAverageMemoryUtilizationHighResolution",
];
const OF_THE_LOAD_BALANCER: &str = "ALBRequestCountPerTarget";

#[derive(Clone, Debug, Serialize)]
pub struct Policy {
    pub arn: String,
    pub name: String,
    /// Of its target.
    pub resource_id: String,
    pub policy_type: String,
    /// As the API writes it, by the name that its type has there.
    pub configuration: Value,
    pub alarms: Vec<Alarm>,
    pub created: Moment,
}

/// Of CloudWatch, which watches the metric.
#[derive(Clone, Debug, Serialize)]
pub struct Alarm {
    pub name: String,
    pub arn: String,
}

impl Policy {
    /// What it follows; two policies of a target can't follow the same.
    fn metric(&self) -> Option<&Value> {
        metric(&self.configuration)
    }

    fn alarms_to_value(&self) -> Value {
        self.alarms
            .iter()
            .map(|alarm| json!({"AlarmName": alarm.name, "AlarmARN": alarm.arn}))
            .collect()
    }

    fn to_value(&self) -> Value {
        let configuration = match self.policy_type.as_str() {
            "StepScaling" => STEPS,
            _ => TRACKING,
        };
        json!({
            "PolicyARN": self.arn,
            "PolicyName": self.name,
            "ServiceNamespace": NAMESPACE,
            "ResourceId": self.resource_id,
            "ScalableDimension": DIMENSION,
            "PolicyType": self.policy_type,
            configuration: self.configuration,
            "Alarms": self.alarms_to_value(),
            "CreationTime": self.created.seconds(),
        })
    }
}

fn metric(configuration: &Value) -> Option<&Value> {
    [
        "PredefinedMetricSpecification",
        "CustomizedMetricSpecification",
    ]
    .into_iter()
    .map(|name| &configuration[name])
    .find(|metric| metric.is_object())
}

fn key(resource_id: &str, name: &str) -> String {
    format!("{resource_id}|{name}")
}

fn policy_not_found(resource_id: &str, name: &str) -> Fault {
    object_not_found(format!(
        "No scaling policy found for service namespace: {NAMESPACE}, resource ID: {resource_id}, scalable dimension: {DIMENSION}, policy name: {name}"
    ))
}

/// The name again changes the policy that has it (aws-behaviour §2.19).
pub fn put(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = resource_id(call)?;
    let name = parameters.required_string("PolicyName")?;
    let scaling = &context.region.application_auto_scaling;
    if !scaling.scalable_targets.contains_key(&id) {
        return Err(not_registered(&id));
    }
    let existing = scaling.scaling_policies.get(&key(&id, name)).cloned();
    let policy_type = parameters
        .string("PolicyType")
        .or(existing.as_ref().map(|policy| policy.policy_type.as_str()))
        .ok_or_else(|| invalid("PolicyType must be specified for a new scaling policy."))?
        .to_owned();
    let configuration = match policy_type.as_str() {
        "TargetTrackingScaling" => read_tracking(context, &parameters)?,
        "StepScaling" => read_steps(&parameters)?,
        other => {
            return Err(Fault::new(
                "NotImplemented",
                format!("the sandbox serves policies for target tracking and step scaling, and none of type {other}"),
            )
            .with_status(501));
        }
    };
    let mut others = scaling
        .scaling_policies
        .values()
        .filter(|policy| policy.resource_id == id && policy.name != name);
    if others.clone().count() >= MOST_OF_A_TARGET {
        return Err(Fault::new(
            "LimitExceededException",
            format!("A scalable target can have at most {MOST_OF_A_TARGET} scaling policies."),
        ));
    }
    if let Some(metric) = metric(&configuration)
        && others.any(|policy| policy.metric() == Some(metric))
    {
        return Err(invalid(
            "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
        ));
    }
    let alarms = match policy_type.as_str() {
        "StepScaling" => Vec::new(),
        _ => alarms(context, &id, &configuration),
    };
    let arn = existing.as_ref().map_or_else(
        || {
            let uuid = context.ids.uuid();
            context.arn(
                "autoscaling",
                format_args!("scalingPolicy:{uuid}:resource/{NAMESPACE}/{id}:policyName/{name}"),
            )
        },
        |policy| policy.arn.clone(),
    );
    let policy = Policy {
        arn,
        name: name.to_owned(),
        resource_id: id.clone(),
        policy_type,
        configuration,
        alarms,
        created: existing.map_or(context.now, |policy| policy.created),
    };
    let answer = json!({"PolicyARN": policy.arn, "Alarms": policy.alarms_to_value()});
    context
        .region
        .application_auto_scaling
        .scaling_policies
        .insert(key(&id, name), policy);
    Ok(answer)
}

fn read_tracking(context: &Context<'_>, parameters: &Parameters<'_>) -> Result<Value, Fault> {
    let asked = parameters.structure(TRACKING).ok_or_else(|| {
        invalid(format!(
            "{TRACKING} must be specified for the policy type TargetTrackingScaling."
        ))
    })?;
    let mut configuration = asked.value().clone();
    if !configuration["TargetValue"].is_number() {
        return Err(invalid("TargetValue must be specified."));
    }
    if ["ScaleOutCooldown", "ScaleInCooldown"].iter().any(|name| {
        configuration[name]
            .as_i64()
            .is_some_and(|seconds| seconds < 0)
    }) {
        return Err(invalid("Cooldown cannot be less than 0."));
    }
    match (
        asked.structure("PredefinedMetricSpecification"),
        asked.structure("CustomizedMetricSpecification"),
    ) {
        (Some(predefined), None) => check_predefined(context, &predefined)?,
        (None, Some(_)) => {}
        _ => {
            return Err(invalid(
                "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified.",
            ));
        }
    }
    if configuration["DisableScaleIn"].is_null() {
        configuration["DisableScaleIn"] = json!(false);
    }
    Ok(configuration)
}

fn check_predefined(context: &Context<'_>, asked: &Parameters<'_>) -> Result<(), Fault> {
    let metric = asked.required_string("PredefinedMetricType")?;
    let label = asked.string("ResourceLabel");
    if OF_THE_SERVICE.contains(&metric) {
        return match label {
            None => Ok(()),
            Some(_) => Err(invalid(format!(
                "ResourceLabel can't be specified for the metric type {metric}."
            ))),
        };
    }
    if metric != OF_THE_LOAD_BALANCER {
        return Err(invalid(format!(
            "Unsupported predefined metric type for service namespace {NAMESPACE}: {metric}"
        )));
    }
    let label = label.ok_or_else(|| {
        invalid(format!(
            "ResourceLabel must be specified for the metric type {metric}."
        ))
    })?;
    let parts: Vec<&str> = label.split('/').collect();
    let [_, _, _, "targetgroup", _, _] = parts[..] else {
        return Err(invalid(format!(
            "Invalid resource label: {label}. It must be app/LOAD-BALANCER/ID/targetgroup/TARGET-GROUP/ID."
        )));
    };
    // The final portions of the ARNs of a load balancer and of a target group that it leads to.
    let is_there = elb::leads_to(
        &context.region.elb,
        &parts[..3].join("/"),
        &parts[3..].join("/"),
    );
    match is_there {
        true => Ok(()),
        false => Err(invalid(format!(
            "Invalid resource label: {label}. The target group is not attached to the load balancer."
        ))),
    }
}

fn read_steps(parameters: &Parameters<'_>) -> Result<Value, Fault> {
    let asked = parameters.structure(STEPS).ok_or_else(|| {
        invalid(format!(
            "{STEPS} must be specified for the policy type StepScaling."
        ))
    })?;
    asked.required_string("AdjustmentType")?;
    if asked.list("StepAdjustments").is_empty() {
        return Err(invalid("StepAdjustments must be specified."));
    }
    Ok(asked.value().clone())
}

/// One for too much, and one for too little unless nothing is to be taken away.
fn alarms(context: &mut Context<'_>, resource_id: &str, configuration: &Value) -> Vec<Alarm> {
    let sides: &[&str] = match configuration["DisableScaleIn"] == json!(true) {
        true => &["AlarmHigh"],
        false => &["AlarmHigh", "AlarmLow"],
    };
    sides
        .iter()
        .map(|side| {
            let uuid = context.ids.uuid();
            let name = format!("TargetTracking-{resource_id}-{side}-{uuid}");
            Alarm {
                arn: context.arn("cloudwatch", format_args!("alarm:{name}")),
                name,
            }
        })
        .collect()
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let is_ours = namespace(call)? == NAMESPACE;
    check_dimension(&parameters, "ResourceId")?;
    let names = parameters.strings("PolicyNames");
    let resource = parameters.string("ResourceId");
    let policies = &context.region.application_auto_scaling.scaling_policies;
    let found = policies
        .iter()
        .filter(|(_, policy)| {
            is_ours
                && resource.is_none_or(|id| policy.resource_id == id)
                && (names.is_empty() || names.contains(&policy.name.as_str()))
        })
        .map(|(key, policy)| (key.clone(), policy.to_value()))
        .collect();
    page(&parameters, "ScalingPolicies", found, LARGEST_PAGE)
}

pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let id = resource_id(call)?;
    let parameters = call.parameters();
    let name = parameters.required_string("PolicyName")?;
    context
        .region
        .application_auto_scaling
        .scaling_policies
        .remove(&key(&id, name))
        .ok_or_else(|| policy_not_found(&id, name))?;
    Ok(json!({}))
}
