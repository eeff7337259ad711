//! What happens when a service is scaled? Its desired count changes, within the bounds, and a scaling activity tells of it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::activity::Activity;
use crate::sandbox::{
    clock::Moment,
    ecs,
    world::{Context, World},
};

/// What somebody outside wants an alarm to have done.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// An ARN.
    service: String,
    desired: i64,
}

/// The count that the service now has, or why it was not scaled.
pub fn scale(world: &mut World, now: Moment, asked: &Scale) -> Result<Value, String> {
    let mut parts = asked.service.split(':').skip(3);
    let (Some(region), Some(account), Some(id)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(format!("{:?} is not the ARN of a service", asked.service));
    };
    world.within(account, region, now, |context| {
        let targets = &context.region.application_auto_scaling.scalable_targets;
        let target = targets
            .get(id)
            .ok_or_else(|| format!("{id} is no scalable target"))?;
        let desired = asked
            .desired
            .clamp(target.min_capacity, target.max_capacity);
        let current = ecs::desired_count(context, id).ok_or_else(|| format!("there is no {id}"))?;
        let (suspension, alarm) = match desired < current {
            true => ("DynamicScalingInSuspended", "AlarmLow"),
            false => ("DynamicScalingOutSuspended", "AlarmHigh"),
        };
        if target.is_suspended(suspension) {
            return Err(format!("{suspension} holds for {id}"));
        }
        let policies = &context.region.application_auto_scaling.scaling_policies;
        let policy = policies
            .values()
            .find(|policy| policy.resource_id == id)
            .ok_or_else(|| format!("{id} has no scaling policy"))?;
        let alarm = policy
            .alarms
            .iter()
            .find(|found| found.name.contains(alarm))
            .map_or_else(|| "an alarm".to_owned(), |alarm| alarm.name.clone());
        let cause = format!(
            "monitor alarm {alarm} in state ALARM triggered policy {}",
            policy.name
        );
        set(context, id, desired, cause);
        Ok(json!({"desired": desired}))
    })
}

/// A count below the minimum or above the maximum is moved to it.
pub fn bring_within_bounds(context: &mut Context<'_>, id: &str) {
    let targets = &context.region.application_auto_scaling.scalable_targets;
    let (Some(target), Some(current)) = (targets.get(id), ecs::desired_count(context, id)) else {
        return;
    };
    let (min, max) = (target.min_capacity, target.max_capacity);
    if current < min {
        set(
            context,
            id,
            min,
            format!("minimum capacity was set to {min}"),
        );
    } else if current > max {
        set(
            context,
            id,
            max,
            format!("maximum capacity was set to {max}"),
        );
    }
}

fn set(context: &mut Context<'_>, id: &str, count: i64, cause: String) {
    if ecs::desired_count(context, id) == Some(count) {
        return;
    }
    ecs::set_desired_count(context, id, count);
    let activity = Activity {
        id: context.ids.uuid(),
        resource_id: id.to_owned(),
        count,
        cause,
        at: context.now,
    };
    context
        .region
        .application_auto_scaling
        .activities
        .push(activity);
}
