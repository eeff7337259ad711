//! How does what carries traffic let go of what somebody still stands on? It widens first and withdraws last.
//!
//! A *carrier* (a route table, a load balancer, the rules of a security group, a role) carries traffic for workloads that stand
//! in its subnets, its zones, the groups that it lets in, or on what it lets them read. Where it has to let go of some that are to go:
//!
//! 1. it takes on the new ones and keeps the old ones (its bridge);
//! 2. the workloads move, and whatever else refers to the old ones lets go of them or goes;
//! 3. the carrier lets go;
//! 4. what it let go of goes.

use std::collections::{BTreeMap, BTreeSet};

use super::handover;
use super::needs::{Need, Until, before_turning};
use super::recorded::Recorded;
use super::step::{Action, Reason, Step};
use crate::observe::Observation;
use crate::resource::{Address, Known};

/// Adds the steps of the bridges and lets the carriers wait for whoever stands on them.
pub(super) fn add(
    steps: &mut Vec<Step>,
    needs: &mut Vec<Vec<Need>>,
    recorded: &Recorded,
    observation: &Observation,
    known: &Known,
) {
    let index: BTreeMap<Address, usize> = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.reason != Reason::HandsOver)
        .map(|(at, step)| (step.address.clone(), at))
        .collect();
    let mains: Vec<usize> = index.values().copied().collect();
    for &carrier in &mains {
        let step = &steps[carrier];
        if step.action != Action::Update || !step.resource.carries_traffic() {
            continue;
        }
        let Some((record, resource)) = recorded.get(&step.address) else {
            continue;
        };
        if step.resource.bridge(&**resource).is_none() {
            continue;
        }
        let wanted = addresses(step);
        let dropped: BTreeSet<Address> = record
            .edges()
            .into_iter()
            .map(|edge| edge.to)
            .filter(|address| !wanted.contains(address))
            .collect();
        // Nobody is to be kept on what stays: another carrier took it over.
        let goes = |address: &Address| {
            let step = index.get(address).map(|&step| &steps[step]);
            step.is_some_and(|step| step.action == Action::Delete)
        };
        // Or what it drops is nobody's address: a port that tasks still listen on.
        let moves_on_it = |step: &Step| {
            step.resource.is_workload()
                && matches!(step.action, Action::Update | Action::Replace)
                && addresses(step).contains(&steps[carrier].address)
        };
        let is_needed = match dropped.is_empty() {
            true => steps.iter().any(moves_on_it),
            false => dropped.iter().any(goes),
        };
        if !is_needed {
            continue;
        }
        let widened = handover::bridge(steps, carrier, recorded, observation, known, Action::Noop)
            .filter(|bridge| !bridge.change.is_empty());
        let widened = widened.map(|bridge| {
            let before = before_turning(&bridge.resource, steps, &index).collect();
            steps.push(bridge);
            needs.push(before);
            steps.len() - 1
        });
        // Who is made or moved needs what is there by then, not what is left in the end.
        for (at, list) in needs.iter_mut().enumerate() {
            if at == carrier || steps[at].action == Action::Delete {
                continue;
            }
            for need in list.iter_mut().filter(|need| need.step == carrier) {
                need.step = widened.unwrap_or(carrier);
            }
            list.retain(|need| need.step != carrier);
        }
        needs[carrier].extend(widened.map(|bridge| Need {
            step: bridge,
            until: Until::Exists,
        }));
        for &other in &mains {
            if other != carrier && stands_on(&steps[other], &steps[carrier], &dropped, recorded) {
                needs[carrier].push(Need {
                    step: other,
                    until: match steps[other].action {
                        Action::Delete => Until::Gone,
                        _ => Until::Complete,
                    },
                });
            }
        }
    }
}

/// Whether the carrier has to wait for the step: a workload that moves or goes, or what still refers to something
/// that the carrier lets go of. Not what the carrier itself stands on.
fn stands_on(
    step: &Step,
    carrier: &Step,
    dropped: &BTreeSet<Address>,
    recorded: &Recorded,
) -> bool {
    if !matches!(
        step.action,
        Action::Update | Action::Replace | Action::Delete
    ) || dropped.contains(&step.address)
    {
        return false;
    }
    let refers = recorded.get(&step.address).is_some_and(|(record, _)| {
        let mut edges = record.edges().into_iter();
        edges.any(|edge| dropped.contains(&edge.to))
    });
    step.resource.is_workload() || (refers && !addresses(carrier).contains(&step.address))
}

fn addresses(step: &Step) -> BTreeSet<Address> {
    let edges = step.resource.edges().into_iter();
    edges.map(|edge| edge.to).collect()
}
