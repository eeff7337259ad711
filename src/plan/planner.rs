//! How does desired, observed and recorded become a plan? Start here. No I/O, no clock, no randomness.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::drift::{Drift, drift};
use super::handover;
use super::needs::{self, Need};
use super::recorded::Recorded;
use super::step::{Action, Reason, Step};
use super::withdrawal;
use crate::graph::{Node, ResourceGraph};
use crate::observe::Observation;
use crate::resource::{Address, AnyResource, Change, Known, Observed, Readiness};
use crate::state::{Record, Status};

/// Every step, dependencies first; no-ops included, so that dependents can be told from strangers.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// For each step, what has to have happened before it may start.
    pub needs: Vec<Vec<Need>>,
    /// What others changed since the last run. Some of the steps bring it back.
    pub drift: Vec<Drift>,
    /// What the stack calls otherwise now: the address at which it is still recorded, and the one that the
    /// steps take it to have.
    pub moved: Vec<(Address, Address)>,
}

impl Plan {
    /// Works out what each step has to wait for. `recorded` gives the edges as of the last run.
    pub(super) fn new(steps: Vec<Step>, recorded: &Recorded) -> Result<Self, PlanError> {
        let needs = needs::of(&steps, recorded)?;
        Ok(Plan {
            steps,
            needs,
            drift: Vec::new(),
            moved: Vec::new(),
        })
    }

    /// The address at which the resource of a step is still recorded, if that is another.
    pub fn was(&self, address: &Address) -> Option<&Address> {
        let mut was = None;
        for (from, to) in self.moved.iter().rev() {
            if to == was.unwrap_or(address) {
                was = Some(from);
            }
        }
        was.filter(|was| *was != address)
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
    /// A successor that AWS won't make while the old object is there, and that can't go before.
    #[error(
        "{address} has to be made anew, but there is no room for it beside the old {other} ({claim})"
    )]
    NoRoomBeside {
        /// What is to be made.
        address: Address,
        /// What is in the way.
        other: Address,
        /// What only one of them can have.
        claim: String,
    },
    /// Steps that would wait for each other for ever.
    #[error("these changes wait for each other: {}", addresses(.0))]
    Circle(Vec<Address>),
    /// Something is to be looked up that navi itself made for the stack.
    #[error("navi made {address} for this stack: it can't be looked up instead")]
    MadeNotLookedUp {
        /// What it is.
        address: Address,
    },
    /// The stack is to have one of its own of what it was built in and only looked up.
    #[error(
        "{address} was looked up, and what navi made for this stack lies in it: it can't be made instead"
    )]
    LookedUpNotMade {
        /// What it is.
        address: Address,
    },
}

fn addresses(list: &[Address]) -> String {
    let texts: Vec<String> = list.iter().map(Address::to_string).collect();
    texts.join(", ")
}

/// The plan that brings the account to what the stack wants.
pub fn plan_up(
    desired: &ResourceGraph,
    observation: &Observation,
    recorded: &Recorded,
) -> Result<Plan, PlanError> {
    let drift = drift(observation, recorded);
    let (mut steps, mut known) = compare(desired, observation, recorded)?;
    let moves = deposed(&steps, recorded);
    for (from, to) in &moves {
        if let Some((record, _)) = recorded.get(from) {
            known.insert(to.clone(), record.outputs.clone());
        }
    }
    // What goes is still led to until its visitors are led elsewhere.
    for (address, record, _) in recorded.iter() {
        if desired.get(address).is_none() {
            known.insert(address.clone(), record.outputs.clone());
        }
    }
    let recorded = &recorded.relocating(&moves);
    let origins: BTreeMap<&Address, &Address> = moves.iter().map(|(from, to)| (to, from)).collect();
    for step in &mut steps {
        succeed(step, desired, &moves, recorded)?;
    }
    let gone = recorded
        .iter()
        .filter(|(address, _, _)| desired.get(address).is_none())
        .map(|(address, record, resource)| {
            let reason = match address.is_deposed() {
                true => Reason::Succeeded,
                false => Reason::NotWanted,
            };
            let seen_at = origins.get(address).copied().unwrap_or(address);
            removal(
                address,
                record,
                resource,
                observation.seen.get(seen_at),
                reason,
            )
        });
    steps.extend(gone);
    let mut plan = Plan::new(steps, recorded)?;
    handover::add(
        &mut plan.steps,
        &mut plan.needs,
        recorded,
        observation,
        &known,
    );
    withdrawal::add(
        &mut plan.steps,
        &mut plan.needs,
        recorded,
        observation,
        &known,
    );
    plan.drift = drift;
    match needs::circle(&plan.needs) {
        Some(circle) => Err(PlanError::Circle(
            circle
                .into_iter()
                .map(|step| plan.steps[step].address.clone())
                .collect(),
        )),
        None => Ok(plan),
    }
}

/// What is to be done at each wanted address, and the outputs that stay. A successor whose predecessor
/// keeps what only one can have gets one of its own: until nothing more has to be made for that.
fn compare(
    desired: &ResourceGraph,
    observation: &Observation,
    recorded: &Recorded,
) -> Result<(Vec<Step>, Known), PlanError> {
    let mut yielding: BTreeMap<Address, Address> = BTreeMap::new();
    loop {
        let mut known = Known::default();
        let mut steps = Vec::with_capacity(desired.len());
        for node in desired.in_order() {
            let mut step = if node.resource.is_lookup() {
                look_up(node, observation, recorded)?
            } else {
                wanted(node, observation, recorded, &known)?
            };
            if let Some(to) = yielding.get(&step.address)
                && step.outputs.is_some()
                && step.action != Action::Replace
            {
                step.action = Action::Replace;
                step.reason = Reason::Exclusive { to: to.clone() };
            }
            match &step.outputs {
                // New outputs are only known once the step is done: dependents see "known after apply".
                Some(outputs) if !renews(&step) => {
                    known.insert(step.address.clone(), outputs.clone());
                }
                _ => known.remove(&step.address),
            }
            steps.push(step);
        }
        let before = yielding.len();
        for step in steps.iter().filter(|step| step.action == Action::Replace) {
            let kept = recorded.get(&step.address).map(|(_, old)| old.exclusive());
            for address in kept.unwrap_or_default() {
                if step.resource.exclusive().contains(&address) {
                    yielding.insert(address, step.address.clone());
                }
            }
        }
        if yielding.len() == before {
            return Ok((steps, known));
        }
    }
}

/// Where each object is recorded while its successor is made.
fn deposed(steps: &[Step], recorded: &Recorded) -> BTreeMap<Address, Address> {
    steps
        .iter()
        .filter(|step| step.action == Action::Replace)
        .map(|step| {
            let to = step.address.deposed(|address| recorded.contains(address));
            (step.address.clone(), to)
        })
        .collect()
}

/// Lets a step take into account what is deposed beside it: a free name for what is made, a record that
/// names the successors for what only refers to them, words for what is interrupted.
fn succeed(
    step: &mut Step,
    desired: &ResourceGraph,
    moves: &BTreeMap<Address, Address>,
    recorded: &Recorded,
) -> Result<(), PlanError> {
    match step.action {
        Action::Create | Action::Replace => {
            if let Some(node) = desired.get(&step.address) {
                step.resource = beside_deposed(&node.resource, &step.address, recorded)?;
            }
            step.deposes = moves.get(&step.address).cloned();
        }
        // Its record names the deposed object from now on, until it is written anew.
        Action::Noop
            if step
                .resource
                .edges()
                .iter()
                .any(|edge| moves.contains_key(&edge.to)) =>
        {
            step.action = Action::Record;
        }
        _ => {}
    }
    if matches!(step.action, Action::Update | Action::Replace) {
        step.notice = step.resource.notice(&step.change);
    }
    Ok(())
}

/// The resource by a name that no deposed object has. Deposed objects that it can't stand beside, whatever
/// its name, are an error: AWS would refuse it only in the middle of the run.
fn beside_deposed(
    wanted: &Arc<dyn AnyResource>,
    address: &Address,
    recorded: &Recorded,
) -> Result<Arc<dyn AnyResource>, PlanError> {
    let stand: Vec<(&Address, &Arc<dyn AnyResource>)> = recorded
        .iter()
        .filter(|(other, _, _)| other.is_deposed() && other.kind() == address.kind())
        .map(|(other, _, resource)| (other, resource))
        .collect();
    let in_the_way = |resource: &dyn AnyResource| {
        stand
            .iter()
            .find(|(_, other)| resource.excludes(&***other))
            .map(|(other, _)| other.current())
    };
    let Some(other) = in_the_way(&**wanted) else {
        return Ok(wanted.clone());
    };
    let named = wanted.unique_name().and_then(|name| {
        name.candidates()
            .map(|name| wanted.renamed(name))
            .find(|renamed| in_the_way(&**renamed).is_none())
    });
    named.ok_or_else(|| PlanError::NoRoomBeside {
        address: address.clone(),
        other,
        claim: wanted.claim().unwrap_or_default(),
    })
}

/// The plan that removes everything that is recorded. Needs no stack file and no look at AWS.
pub fn plan_down(recorded: &Recorded) -> Plan {
    let steps = recorded
        .iter()
        .map(|(address, record, resource)| removal(address, record, resource, None, Reason::Down))
        .collect();
    // Nothing is made, so nothing has to make room.
    Plan::new(steps, recorded).unwrap_or_default()
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

fn wanted(
    node: &Node,
    observation: &Observation,
    recorded: &Recorded,
    known: &Known,
) -> Result<Step, PlanError> {
    let new = |action, reason| step(&node.address, action, reason, &node.resource);
    let Some((record, recorded_resource)) = recorded.get(&node.address) else {
        return Ok(new(Action::Create, Reason::Missing));
    };
    // It was only looked up: another's, and never to be changed or recorded as ours.
    if record.lookup {
        if !node.resource.follows_lookup() {
            return Err(PlanError::LookedUpNotMade {
                address: node.address.clone(),
            });
        }
        return Ok(new(Action::Create, Reason::Missing));
    }
    let seen = observation.seen.get(&node.address);
    if record.status == Status::Deleting {
        return Ok(Step {
            outputs: None,
            remove_first: seen.map(|_| recorded_resource.clone()),
            ..new(Action::Create, Reason::RemovalBegun)
        });
    }
    if observation.trusted.contains(&node.address) {
        return Ok(Step {
            outputs: Some(record.outputs.clone()),
            ..new(Action::Noop, Reason::AsWanted)
        });
    }
    let Some(seen) = seen else {
        return Ok(new(Action::Create, Reason::Vanished));
    };
    let resource = by_recorded_name(&node.resource, recorded_resource, record);
    let change = resource.diff(seen, Some(&record.spec), known);
    let (action, reason) = if change.replaces() {
        (Action::Replace, Reason::Differs)
    } else if !change.is_empty() {
        (Action::Update, Reason::Differs)
    } else {
        unchanged(&resource, record, seen)
    };
    Ok(Step {
        change,
        outputs: Some(resource.outputs(seen)),
        seen: Some(seen.clone()),
        ..step(&node.address, action, reason, &resource)
    })
}

/// A successor keeps the name that it got when the plain one was taken, and what was adopted the one that it came with.
fn by_recorded_name(
    wanted: &Arc<dyn AnyResource>,
    recorded: &Arc<dyn AnyResource>,
    record: &Record,
) -> Arc<dyn AnyResource> {
    let stands_for = |plain: &str| record.stands_for.as_deref() == Some(plain);
    match (wanted.unique_name(), recorded.unique_name()) {
        (Some(plain), Some(given))
            if plain != given && (plain.covers(&given.name) || stands_for(&plain.name)) =>
        {
            wanted.renamed(given.name)
        }
        _ => wanted.clone(),
    }
}

/// Nothing differs: done, unless it was never seen to be usable or has ceased to be.
pub(super) fn unchanged(
    resource: &Arc<dyn AnyResource>,
    record: &Record,
    seen: &Observed,
) -> (Action, Reason) {
    match resource.readiness(seen) {
        // Fields that differ without a call to make: edges that carry no value, a default spelled out.
        // `down` knows the order of removal from the record alone.
        Readiness::Ready if record.status == Status::Ready => {
            match record.spec == resource.value() {
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
    seen: Option<&Observed>,
    reason: Reason,
) -> Step {
    let action = match record.lookup {
        true => Action::Forget,
        false => Action::Delete,
    };
    Step {
        outputs: Some(record.outputs.clone()),
        seen: seen.cloned(),
        ..step(address, action, reason, resource)
    }
}

pub(super) fn step(
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
        deposes: None,
        notice: None,
    }
}
