//! Who changes a service's count by itself? Application Auto Scaling: bounds for it, and policies that follow a metric.

mod activity;
mod policy;
mod request;
mod scaling;
mod target;
mod target_tags;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use super::dispatch::Operation;
use activity::Activity;
use policy::Policy;
use target::ScalableTarget;

pub use scaling::scale;

/// Targets by the service that they scale, policies by that and their name.
#[derive(Debug, Default, Serialize)]
pub struct ApplicationAutoScaling {
    pub scalable_targets: BTreeMap<String, ScalableTarget>,
    pub scaling_policies: BTreeMap<String, Policy>,
    /// The newest last.
    #[serde(skip)]
    pub activities: Vec<Activity>,
}

pub fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "RegisterScalableTarget" => target::register,
        "DescribeScalableTargets" => target::describe,
        "DeregisterScalableTarget" => target::deregister,
        "PutScalingPolicy" => policy::put,
        "DescribeScalingPolicies" => policy::describe,
        "DeleteScalingPolicy" => policy::delete,
        "DescribeScalingActivities" => activity::describe,
        "ListTagsForResource" => target_tags::list,
        "TagResource" => target_tags::tag,
        "UntagResource" => target_tags::untag,
        _ => return None,
    })
}
