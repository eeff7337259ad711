//! How does desired, observed and recorded become a plan? Start here. No I/O, no clock, no randomness.

use std::sync::Arc;

use serde_json::Value;

use super::needs::{self, Need};
use super::recorded::Recorded;
use super::step::{Action, Reason, Step};
use crate::graph::{Node, ResourceGraph};
use crate::observe::Observation;
use crate::resource::{Address, AnyResource, Change, Known, Readiness};
use crate::state::{Record, Status};

/// Every step, dependencies first; no-ops included, so that dependents can be told from strangers.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// For each step, what has to have happened before it may start.
    pub needs: Vec<Vec<Need>>,
}

impl Plan {
    /// Works out what each step has to wait for. `recorded` gives the edges as of the last run.
    fn new(steps: Vec<Step>, recorded: &Recorded) -> Self {
        let needs = needs::of(&steps, recorded);
        Plan { steps, needs }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| !step.acts())
    }

    /// Whether carrying it out would change anything in the account.
    pub fn mutates(&self) -> bool {
        self.steps.iter().any(Step::mutates)
    }

    /// How many steps do this.
    pub fn count(&self, action: Action) -> usize {
        self.steps
            .iter()
            .filter(|step| step.action == action)
            .count()
    }

    /// The steps that would make a resource anew.
    pub fn replacements(&self) -> impl Iterator<Item = &Step> {
        self.steps
            .iter()
            .filter(|step| step.action == Action::Replace)
    }
}

/// A plan that can't be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Something that the stack looks up is not there.
    #[error("{address} is looked up, but there is none")]
    LookedUpMissing {
        /// What was looked up.
        address: Address,
        /// Its spec, which says by what.
        spec: Value,
    },
    /// Something is to be looked up that navi itself made for the stack.
    #[error("navi made {address} for this stack: it can't be looked up instead")]
    MadeNotLookedUp {
        /// What it is.
        address: Address,
    },
}

/// The plan that brings the account to what the stack wants.
pub fn plan_up(
    desired: &ResourceGraph,
    observation: &Observation,
    recorded: &Recorded,
) -> Result<Plan, PlanError> {
    let mut known = Known::default();
    let mut steps = Vec::with_capacity(desired.len());
    for node in desired.in_order() {
        let step = if node.resource.is_lookup() {
            look_up(node, observation, recorded)?
        } else {
            wanted(node, observation, recorded, &known)
        };
        match &step.outputs {
            // New outputs are only known once the step is done: dependents see "known after apply".
            Some(outputs) if !renews(&step) => known.insert(step.address.clone(), outputs.clone()),
            _ => known.remove(&step.address),
        }
        steps.push(step);
    }
    let gone = recorded
        .iter()
        .filter(|(address, _, _)| desired.get(address).is_none())
        .map(|(address, record, resource)| {
            let reason = Reason::NotWanted;
            removal(address, record, resource, observation, reason)
        });
    steps.extend(gone);
    Ok(Plan::new(steps, recorded))
}

/// The plan that removes everything that is recorded. Needs no stack file and no look at AWS.
pub fn plan_down(recorded: &Recorded) -> Plan {
    let observation = Observation::default();
    let steps = recorded
        .iter()
        .map(|(address, record, resource)| {
            removal(address, record, resource, &observation, Reason::Down)
        })
        .collect();
    Plan::new(steps, recorded)
}

/// A step that makes new outputs.
fn renews(step: &Step) -> bool {
    match step.action {
        Action::Replace => true,
        Action::Update => step.resource.renews_outputs(&step.change),
        _ => false,
    }
}

fn look_up(node: &Node, observation: &Observation, recorded: &Recorded) -> Result<Step, PlanError> {
    if let Some((record, _)) = recorded.get(&node.address)
        && !record.lookup
    {
        return Err(PlanError::MadeNotLookedUp {
            address: node.address.clone(),
        });
    }
    let found = observation
        .found
        .get(&node.address)
        .ok_or_else(|| PlanError::LookedUpMissing {
            address: node.address.clone(),
            spec: node.resource.value(),
        })?;
    let noted = recorded
        .get(&node.address)
        .is_some_and(|(record, _)| record.lookup && record.outputs == *found);
    let (action, reason) = match noted {
        true => (Action::Noop, Reason::AsWanted),
        false => (Action::LookUp, Reason::Missing),
    };
    Ok(Step {
        outputs: Some(found.clone()),
        ..step(&node.address, action, reason, &node.resource)
    })
}

fn wanted(node: &Node, observation: &Observation, recorded: &Recorded, known: &Known) -> Step {
    let new = |action, reason| step(&node.address, action, reason, &node.resource);
    let Some((record, recorded_resource)) = recorded.get(&node.address) else {
        return new(Action::Create, Reason::Missing);
    };
    // It was only looked up: another's, and never to be changed or recorded as ours.
    if record.lookup {
        return new(Action::Create, Reason::Missing);
    }
    let seen = observation.seen.get(&node.address);
    if record.status == Status::Deleting {
        return Step {
            outputs: None,
            remove_first: seen.map(|_| recorded_resource.clone()),
            ..new(Action::Create, Reason::RemovalBegun)
        };
    }
    let Some(seen) = seen else {
        return new(Action::Create, Reason::Vanished);
    };
    let change = node.resource.diff(seen, Some(&record.spec), known);
    let (action, reason) = if change.replaces() {
        (Action::Replace, Reason::Differs)
    } else if !change.is_empty() {
        (Action::Update, Reason::Differs)
    } else {
        unchanged(node, record, seen)
    };
    Step {
        change,
        outputs: Some(node.resource.outputs(seen)),
        seen: Some(seen.clone()),
        ..new(action, reason)
    }
}

/// Nothing differs: done, unless it was never seen to be usable or has ceased to be.
fn unchanged(node: &Node, record: &Record, seen: &crate::resource::Observed) -> (Action, Reason) {
    match node.resource.readiness(seen) {
        // Fields that differ without a call to make: edges that carry no value, a default spelled out.
        // `down` knows the order of removal from the record alone.
        Readiness::Ready if record.status == Status::Ready => {
            match record.spec == node.resource.value() {
                true => (Action::Noop, Reason::AsWanted),
                false => (Action::Record, Reason::AsWanted),
            }
        }
        // A plain read may see less than a waiting one does, so the wait decides.
        Readiness::Ready => (
            Action::Wait,
            Reason::NotReady {
                why: "the last run did not see it usable".to_owned(),
            },
        ),
        Readiness::Pending(why) | Readiness::Failed(why) => {
            (Action::Wait, Reason::NotReady { why })
        }
    }
}

fn removal(
    address: &Address,
    record: &Record,
    resource: &Arc<dyn AnyResource>,
    observation: &Observation,
    reason: Reason,
) -> Step {
    let action = match record.lookup {
        true => Action::Forget,
        false => Action::Delete,
    };
    Step {
        outputs: Some(record.outputs.clone()),
        seen: observation.seen.get(address).cloned(),
        ..step(address, action, reason, resource)
    }
}

fn step(
    address: &Address,
    action: Action,
    reason: Reason,
    resource: &Arc<dyn AnyResource>,
) -> Step {
    Step {
        address: address.clone(),
        action,
        reason,
        change: Change::default(),
        resource: resource.clone(),
        outputs: None,
        seen: None,
        remove_first: None,
    }
}
