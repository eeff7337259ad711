//! How does traffic move from what is old to what is new without anybody being turned away?
//!
//! A *director* (a listener rule, alias records) decides which workload gets the visitors. Where it has to turn
//! from a deposed object to its successor, it does so only once the workloads behind the new one serve in full:
//!
//! 1. the director leads to both, with nothing for the new one yet (its bridge; ECS takes only target groups that a
//!    rule names, aws-behaviour §1 row 30);
//! 2. a workload that stays is registered with both (its bridge); one that has a successor gets it beside it;
//! 3. the director turns to the new one alone;
//! 4. the workload leaves the old one, or the old workload goes;
//! 5. the old object goes.
//!
//! A director that is new takes its visitors from another one that served them so far (a rule for `/api/*` before one for the
//! whole host). It begins as a bridge, too: it leads them to where they were led until its own workload serves.
//!
//! And one that goes hands its visitors to another that is to have them, before its own workload goes.
//!
//! A run that is cut off in between is taken up where it was: the bridges are ordinary specs, recorded as such.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::needs::{Need, Until, before_making, before_turning, waits_for};
use super::recorded::Recorded;
use super::step::{Action, Reason, Step};
use crate::observe::Observation;
use crate::resource::{Address, AnyResource, Edge, Known};

/// Adds the steps of the bridges and lets the others wait for them. `index` finds the main step of an address.
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
        .map(|(at, step)| (step.address.clone(), at))
        .collect();
    let mut turning = turning_directors(steps, recorded);
    let mut bridges = begin(steps, needs, recorded, observation, known, &index);
    let begun: Vec<usize> = bridges.keys().copied().collect();
    end(steps, needs, recorded, known, &index, &turning);
    if turning.is_empty() && begun.is_empty() {
        return;
    }
    for &director in &turning {
        if let Some(bridge) = bridge(steps, director, recorded, observation, known, Action::Noop) {
            let wanted = before_turning(&bridge.resource, steps, &index).collect();
            bridges.insert(director, steps.len());
            needs[director].push(complete(steps.len()));
            steps.push(bridge);
            needs.push(wanted);
        }
    }
    let turned = turning.clone();
    turning.extend(begun);
    // What it turns away from somebody else may take: who is made for that is there before, and finds the place that the
    // director had free as soon as that has its bridge.
    for at in 0..steps.len() {
        if steps[at].action != Action::Create || !steps[at].resource.directs_traffic() {
            continue;
        }
        for need in &mut needs[at] {
            need.step = bridges
                .get(&need.step)
                .copied()
                .filter(|&bridge| bridge != at)
                .unwrap_or(need.step);
        }
        for &director in &turned {
            if steps[director].address.kind() == steps[at].address.kind()
                && !waits_for(needs, at, director)
            {
                needs[director].push(Need {
                    step: at,
                    until: Until::Exists,
                });
            }
        }
    }
    let workloads: Vec<usize> = (0..steps.len())
        .filter(|&at| comes_to_serve(&steps[at]))
        .collect();
    // By the main step of a workload, the step in which it comes to serve behind what is new.
    let mut serving_steps: BTreeMap<usize, usize> = BTreeMap::new();
    for workload in workloads {
        let behind = references(&steps[workload].resource, &turning, &index);
        if behind.is_empty() {
            continue;
        }
        let serving = match bridge(steps, workload, recorded, observation, known, Action::Wait) {
            Some(bridge) => {
                let mut wanted: Vec<Need> =
                    before_turning(&bridge.resource, steps, &index).collect();
                point_at_bridges(&mut wanted, &bridges, &turning);
                let at = steps.len();
                steps.push(bridge);
                needs.push(wanted);
                for &director in &behind {
                    needs[workload].push(complete(director));
                }
                needs[workload].push(complete(at));
                at
            }
            None => {
                point_at_bridges(&mut needs[workload], &bridges, &turning);
                workload
            }
        };
        serving_steps.insert(workload, serving);
        for &director in &behind {
            needs[director].push(complete(serving));
        }
    }
    // Who serves before traffic moves needs the others as they are then, not as they are afterwards.
    for &serving in serving_steps.values() {
        for need in &mut needs[serving] {
            if let Some(&other) = serving_steps.get(&need.step) {
                need.step = other;
            }
        }
    }
    // Who stays but is no longer led to, too.
    for at in 0..steps.len() {
        let step = &steps[at];
        if step.action != Action::Update || !step.resource.is_workload() {
            continue;
        }
        let Some((_, before)) = recorded.get(&step.address) else {
            continue;
        };
        let behind = references(&step.resource, &turning, &index);
        for director in references(before, &turning, &index) {
            if !behind.contains(&director) && !waits_for(needs, director, at) {
                needs[at].push(complete(director));
            }
        }
    }
    // Who goes stays until the visitors are led elsewhere.
    for at in 0..steps.len() {
        if steps[at].action == Action::Delete && steps[at].resource.is_workload() {
            for director in references(&steps[at].resource, &turning, &index) {
                needs[at].push(complete(director));
            }
        }
    }
}

fn complete(step: usize) -> Need {
    Need {
        step,
        until: Until::Complete,
    }
}

/// The directors that have to turn away from something deposed, or that is no longer wanted, or from one to the other.
fn turning_directors(steps: &[Step], recorded: &Recorded) -> BTreeSet<usize> {
    let going = steps.iter().filter(|step| step.action == Action::Delete);
    let goes: BTreeSet<Address> = going.map(|step| step.address.clone()).collect();
    (0..steps.len())
        .filter(|&at| {
            let step = &steps[at];
            step.resource.directs_traffic()
                && step.action == Action::Update
                && recorded
                    .get(&step.address)
                    .is_some_and(|(record, resource)| {
                        let mut edges = record.edges().into_iter();
                        edges.any(|edge| edge.to.is_deposed() || goes.contains(&edge.to))
                            || (step.resource.bridge(&**resource).is_some() && awaited(steps, step))
                    })
        })
        .collect()
}

/// Divides the steps of those directors that take their visitors from another one: made as a bridge, then turned. Answers
/// the bridge of each. The director whose visitors they are gives none of them up before.
fn begin(
    steps: &mut Vec<Step>,
    needs: &mut Vec<Vec<Need>>,
    recorded: &Recorded,
    observation: &Observation,
    known: &Known,
    index: &BTreeMap<Address, usize>,
) -> BTreeMap<usize, usize> {
    let serving: Vec<(&Address, &dyn AnyResource)> = recorded
        .iter()
        .filter(|(_, _, resource)| resource.directs_traffic())
        .filter(|(address, _, resource)| serves_and_stays(steps, index, address, &***resource))
        .map(|(address, _, resource)| (address, &**resource as &dyn AnyResource))
        .collect();
    let mut bridges = BTreeMap::new();
    for at in 0..steps.len() {
        let main = &steps[at];
        if main.action != Action::Create
            || !main.resource.directs_traffic()
            || !awaited(steps, main)
        {
            continue;
        }
        let Some((other, bridge)) = main.resource.begins_as(&serving) else {
            continue;
        };
        // It is led as the other is until it turns.
        let Some(seen) = observation.seen.get(&other) else {
            continue;
        };
        let mut change = main.resource.diff(seen, None, known);
        change
            .fields
            .retain(|field| is_left(bridge.fields, &field.field));
        let first = Step {
            reason: Reason::HandsOver,
            resource: bridge.resource,
            ..main.clone()
        };
        let made = steps.len();
        let mut before = std::mem::replace(&mut needs[at], vec![complete(made)]);
        before.extend(before_making(&first.resource, steps, index));
        let main = &mut steps[at];
        main.action = Action::Update;
        main.reason = Reason::Differs;
        main.change = change;
        main.seen = Some(seen.clone());
        steps.push(first);
        needs.push(before);
        bridges.insert(at, made);
        let other = index[&other];
        if steps[other].action == Action::Update && !waits_for(needs, made, other) {
            needs[other].push(Need {
                step: made,
                until: Until::Exists,
            });
        }
    }
    bridges
}

/// Has those directors that go lead to where their visitors will be led, before the workloads behind them go or turn away.
/// They go only when the others take those visitors.
fn end(
    steps: &mut Vec<Step>,
    needs: &mut Vec<Vec<Need>>,
    recorded: &Recorded,
    known: &Known,
    index: &BTreeMap<Address, usize>,
    turning: &BTreeSet<usize>,
) {
    let wanted: Vec<(Address, Arc<dyn AnyResource>)> = index
        .values()
        .filter(|at| steps[**at].resource.directs_traffic())
        // Not where nobody serves yet.
        .filter(|at| !turning.contains(at) || !awaited(steps, &steps[**at]))
        .map(|&at| (steps[at].address.clone(), steps[at].resource.clone()))
        .filter(|(address, resource)| serves_and_stays(steps, index, address, &**resource))
        .collect();
    let wanted: Vec<(&Address, &dyn AnyResource)> = wanted
        .iter()
        .map(|(address, resource)| (address, &**resource))
        .collect();
    for &at in index.values() {
        let going = &steps[at];
        let goes = going.action == Action::Delete && going.resource.directs_traffic();
        if !goes || going.address.is_deposed() {
            continue;
        }
        let (Some((other, bridge)), Some(seen), Some((record, _))) = (
            going.resource.begins_as(&wanted),
            &going.seen,
            recorded.get(&going.address),
        ) else {
            continue;
        };
        let other = index[&other];
        if steps[other].acts() && !waits_for(needs, other, at) {
            needs[at].push(complete(other));
        }
        let change = bridge.resource.diff(seen, Some(&record.spec), known);
        if change.is_empty() {
            continue;
        }
        let last = Step {
            action: Action::Update,
            reason: Reason::HandsOver,
            change,
            resource: bridge.resource,
            ..going.clone()
        };
        let address = going.address.clone();
        let handed_over = steps.len();
        steps.push(last);
        needs.push(Vec::new());
        needs[at].push(complete(handed_over));
        let is_behind = |edges: Vec<Edge>| edges.iter().any(|edge| edge.to == address);
        for workload in 0..handed_over {
            let step = &steps[workload];
            let was_behind = recorded
                .get(&step.address)
                .is_some_and(|(record, _)| is_behind(record.edges()));
            let leaves = match step.action {
                Action::Delete => true,
                Action::Update | Action::Replace => !is_behind(step.resource.edges()),
                _ => false,
            };
            if step.resource.is_workload() && was_behind && leaves {
                needs[workload].push(complete(handed_over));
            }
        }
    }
}

/// Whether the director is there and leads only to what is there, and both stay.
fn serves_and_stays(
    steps: &[Step],
    index: &BTreeMap<Address, usize>,
    address: &Address,
    director: &dyn AnyResource,
) -> bool {
    let stays = |address: &Address| {
        index.get(address).is_some_and(|&at| {
            matches!(
                steps[at].action,
                Action::Noop | Action::Record | Action::Update
            )
        })
    };
    stays(address) && director.edges().iter().all(|edge| stays(&edge.to))
}

/// A workload that serves as it is wanted only once its step is done.
fn comes_to_serve(step: &Step) -> bool {
    step.resource.is_workload()
        && matches!(
            step.action,
            Action::Create | Action::Update | Action::Replace | Action::Wait
        )
}

/// Whether there is somebody to wait for behind the director: else it turns at once.
fn awaited(steps: &[Step], director: &Step) -> bool {
    steps
        .iter()
        .filter(|step| comes_to_serve(step))
        .any(|step| {
            let mut edges = step.resource.edges().into_iter();
            edges.any(|edge| edge.to == director.address)
        })
}

/// The step that brings the resource between old and new, and takes from its main step what is done by it.
/// A bridge that an earlier run built already is only waited for, or not needed (`built`).
pub(super) fn bridge(
    steps: &mut [Step],
    at: usize,
    recorded: &Recorded,
    observation: &Observation,
    known: &Known,
    built: Action,
) -> Option<Step> {
    let main = &steps[at];
    if main.action != Action::Update {
        return None;
    }
    let (record, resource) = recorded.get(&main.address)?;
    let bridge = main.resource.bridge(&**resource)?;
    let seen = observation.seen.get(&main.address)?;
    let is_built = bridge.resource.value() == record.spec;
    if is_built && built == Action::Noop {
        return None;
    }
    let change = bridge.resource.diff(seen, Some(&record.spec), known);
    let step = Step {
        action: if is_built { built } else { Action::Update },
        reason: Reason::HandsOver,
        change,
        resource: bridge.resource,
        notice: None,
        ..main.clone()
    };
    let main = &mut steps[at];
    main.change
        .fields
        .retain(|field| is_left(bridge.fields, &field.field));
    // What the bridge answers is newer than what was seen.
    main.outputs = None;
    Some(step)
}

/// Whether the field, or the one that it is a part of, is one of those that a bridge leaves.
fn is_left(fields: &[&str], field: &str) -> bool {
    let whole = field.split('.').next().unwrap_or_default();
    fields.contains(&field) || fields.contains(&whole)
}

/// Which of these steps the resource refers to.
fn references(
    resource: &Arc<dyn AnyResource>,
    among: &BTreeSet<usize>,
    index: &BTreeMap<Address, usize>,
) -> Vec<usize> {
    let edges = resource.edges();
    let mut found: Vec<usize> = edges
        .iter()
        .filter_map(|edge| index.get(&edge.to).copied())
        .filter(|step| among.contains(step))
        .collect();
    found.dedup();
    found
}

/// A workload that is to serve behind a director needs its bridge, not its end: that waits for the workload.
fn point_at_bridges(
    needs: &mut Vec<Need>,
    bridges: &BTreeMap<usize, usize>,
    turning: &BTreeSet<usize>,
) {
    for need in needs.iter_mut() {
        if let Some(&bridge) = bridges.get(&need.step) {
            need.step = bridge;
        }
    }
    needs.retain(|need| !turning.contains(&need.step));
}
