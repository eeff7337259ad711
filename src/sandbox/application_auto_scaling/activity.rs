//! What has been scaled, when and why?

use serde_json::{Value, json};

use super::request::{DIMENSION, NAMESPACE, check_dimension, namespace, page};
use crate::sandbox::{call::Call, clock::Moment, fault::Fault, world::Context};

const LARGEST_PAGE: i64 = 50;

#[derive(Clone, Debug)]
pub struct Activity {
    pub id: String,
    pub resource_id: String,
    pub count: i64,
    pub cause: String,
    pub at: Moment,
}

impl Activity {
    fn to_value(&self) -> Value {
        json!({
            "ActivityId": self.id,
            "ServiceNamespace": NAMESPACE,
            "ResourceId": self.resource_id,
            "ScalableDimension": DIMENSION,
            "Description": format!("Setting desired count to {}.", self.count),
            "Cause": self.cause,
            "StartTime": self.at.seconds(),
            "EndTime": self.at.seconds(),
            "StatusCode": "Successful",
            "StatusMessage": format!("Successfully set desired count to {}. Change successfully fulfilled by ecs.", self.count),
        })
    }
}

/// The newest first.
pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let is_ours = namespace(call)? == NAMESPACE;
    check_dimension(&parameters, "ResourceId")?;
    let resource = parameters.string("ResourceId");
    let activities = &context.region.application_auto_scaling.activities;
    let found = activities
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, activity)| is_ours && resource.is_none_or(|id| activity.resource_id == id))
        .map(|(index, activity)| {
            // Pages follow the keys upwards.
            (format!("{:010}", usize::MAX - index), activity.to_value())
        })
        .collect();
    page(&parameters, "ScalingActivities", found, LARGEST_PAGE)
}
