//! How is a plan limited to some addresses? To their steps, what these wait for, and what they would leave behind.
//!
//! A limited plan is whole in itself: what is made or changed has what it needs, and nothing goes that something
//! left alone refers to. What is left out is for another run.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::needs::Need;
use super::planner::Plan;
use super::step::{Action, Step};
use super::text::sign;
use crate::resource::{Address, Edge, NothingSelected, Selector, select};

/// What a limited plan leaves out. Of a plan that is not limited: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// What the plan is limited to, as it was written.
    pub targets: Vec<String>,
    /// The steps that would be in the whole plan.
    pub steps: Vec<LeftOutStep>,
}

/// One step that a limited plan leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOutStep {
    /// Whose.
    pub address: Address,
    /// What it would do.
    pub action: Action,
}

impl LeftOut {
    /// Whether the plan is all that there is to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// Limits the plan to what the selectors mean and what that takes. Without selectors it stays whole.
/// Each selector must mean something of the stack.
pub fn limit(plan: Plan, selectors: &[Selector]) -> Result<(Plan, LeftOut), NothingSelected> {
    if selectors.is_empty() {
        return Ok((plan, LeftOut::default()));
    }
    // What waits to go once its successor does its work belongs to it.
    let names = |step: &Step| [step.address.clone(), step.address.current()];
    let all: Vec<Address> = plan.steps.iter().flat_map(names).collect();
    let targets = select(selectors, &all)?;
    let is_target = |step: &Step| names(step).iter().any(|name| targets.contains(name));
    let chosen = (0..plan.steps.len()).filter(|&step| is_target(&plan.steps[step]));
    let kept = closure(&plan, chosen.collect());

    let mut place = vec![None; plan.steps.len()];
    let mut limited = Plan::default();
    let mut left_out = LeftOut {
        targets: selectors.iter().map(Selector::to_string).collect(),
        steps: Vec::new(),
    };
    for (at, step) in plan.steps.into_iter().enumerate() {
        if !kept.contains(&at) && step.acts() {
            left_out.steps.push(LeftOutStep {
                address: step.address,
                action: step.action,
            });
            continue;
        }
        place[at] = Some(limited.steps.len());
        limited.steps.push(step);
    }
    for (at, needs) in plan.needs.into_iter().enumerate() {
        if place[at].is_some() {
            let needs = needs.into_iter().filter_map(|need| {
                let step = place[need.step]?;
                Some(Need { step, ..need })
            });
            limited.needs.push(needs.collect());
        }
    }
    limited.drift = plan.drift;
    limited.moved = plan.moved;
    limited.drift.retain(|drift| {
        limited
            .steps
            .iter()
            .any(|step| step.acts() && step.address == drift.address)
    });
    Ok((limited, left_out))
}

/// These steps and all that they take, by whatever detour.
fn closure(plan: &Plan, chosen: Vec<usize>) -> BTreeSet<usize> {
    let mut kept = BTreeSet::new();
    let mut open: Vec<usize> = chosen
        .into_iter()
        .filter(|&step| plan.steps[step].acts())
        .collect();
    while let Some(at) = open.pop() {
        if kept.insert(at) {
            open.extend(plan.needs[at].iter().map(|need| need.step));
            open.extend(followers(plan, at));
        }
    }
    kept
}

/// The steps without which this one would leave something half done, or take away what others refer to.
fn followers(plan: &Plan, at: usize) -> Vec<usize> {
    let step = &plan.steps[at];
    let follows = |other: &Step| {
        // A bridge and its end are one change.
        if other.address == step.address {
            return true;
        }
        match step.action {
            Action::Replace => step.deposes.as_ref() == Some(&other.address),
            // Also where AWS keeps no order: what stays would lead nowhere.
            Action::Delete | Action::Forget => refers_until_removed(other, &step.address),
            // Whoever was made with the old outputs is to have the new ones.
            Action::Update if step.resource.renews_outputs(&step.change) => {
                other.mutates() && refers(&other.resource.edges(), &step.address)
            }
            _ => false,
        }
    };
    let steps = plan.steps.iter().enumerate();
    steps
        .filter(|(other, step)| *other != at && step.acts() && follows(step))
        .map(|(other, _)| other)
        .collect()
}

/// Whether the step takes away an object that refers to the address.
fn refers_until_removed(step: &Step, address: &Address) -> bool {
    let goes = match step.action {
        Action::Delete | Action::Forget => Some(&step.resource),
        _ => step.remove_first.as_ref(),
    };
    // What is to go before it is made again may still be known to refer to the address before it was deposed.
    goes.is_some_and(|resource| {
        let edges = resource.edges();
        refers(&edges, address) || refers(&edges, &address.current())
    })
}

fn refers(edges: &[Edge], address: &Address) -> bool {
    edges.iter().any(|edge| edge.to == *address)
}

/// What is said beneath a limited plan.
impl fmt::Display for LeftOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.targets.is_empty() {
            return Ok(());
        }
        write!(
            formatter,
            "Limited to {} and what that takes.",
            self.targets.join(", ")
        )?;
        if self.steps.is_empty() {
            return write!(formatter, " There is nothing else to do.");
        }
        let named: BTreeSet<String> = self
            .steps
            .iter()
            .map(|step| format!("{} {}", sign(step.action), step.address))
            .collect();
        let first: Vec<String> = named.iter().take(8).cloned().collect();
        write!(formatter, " Left out: {}", first.join(", "))?;
        match named.len().saturating_sub(first.len()) {
            0 => write!(formatter, "."),
            more => write!(formatter, " and {more} more."),
        }
    }
}
