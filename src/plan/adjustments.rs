//! What does it take to change single resources now, whatever the stack file says?

use std::sync::Arc;

use super::planner::{Plan, PlanError, step, unchanged};
use super::recorded::Recorded;
use super::step::{Action, Reason, Step};
use crate::observe::Observation;
use crate::resource::{Address, AnyResource, Change};

/// One recorded resource as it is to be from now on.
#[derive(Clone, Debug)]
pub struct Adjustment {
    /// Which.
    pub address: Address,
    /// What is recorded of it afterwards.
    pub resource: Arc<dyn AnyResource>,
    /// What is changed of it; nothing else is looked at. Empty: it is only waited for, if it needs that.
    pub change: Change,
}

/// The plan for these alone. What is not recorded, or was not seen, is left out.
pub fn plan_adjustments(
    adjustments: Vec<Adjustment>,
    observation: &Observation,
    recorded: &Recorded,
) -> Result<Plan, PlanError> {
    let steps = adjustments
        .into_iter()
        .filter_map(|adjustment| {
            let (record, _) = recorded.get(&adjustment.address)?;
            let seen = observation.seen.get(&adjustment.address)?;
            let (address, resource) = (adjustment.address, adjustment.resource);
            let (action, reason) = match adjustment.change.is_empty() {
                true => unchanged(&resource, record, seen),
                false => (Action::Update, Reason::Differs),
            };
            Some(Step {
                change: adjustment.change,
                outputs: Some(resource.outputs(seen)),
                seen: Some(seen.clone()),
                ..step(&address, action, reason, &resource)
            })
        })
        .collect();
    Plan::new(steps, recorded)
}
