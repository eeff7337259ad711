//! What must have happened before a step may start? The graph's edges for what is made, the recorded
//! edges turned round for what goes (aws-behaviour §1 and §3).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::PlanError;
use super::recorded::Recorded;
use super::step::{Action, Step};
use crate::resource::{Address, AnyResource, Gate, OnDelete, edges_in};

/// How far another step must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Until {
    /// Its call has returned: the resource exists, or is as wanted.
    Exists,
    /// AWS says that the resource is usable.
    Ready,
    /// It is usable in full: all the tasks, where one would do for [`Until::Ready`]. Whether the user
    /// wants to wait or not, for what is old goes only then.
    Complete,
    /// AWS says that the resource is gone.
    Gone,
}

/// One condition of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Need {
    /// Index of the other step.
    pub step: usize,
    /// How far it must be.
    pub until: Until,
}

/// The needs of every step, or what can never be met.
pub(super) fn of(steps: &[Step], recorded: &Recorded) -> Result<Vec<Vec<Need>>, PlanError> {
    let index: BTreeMap<Address, usize> = steps
        .iter()
        .enumerate()
        .map(|(index, step)| (step.address.clone(), index))
        .collect();
    let mut needs = vec![Vec::new(); steps.len()];
    for (at, step) in steps.iter().enumerate() {
        match step.action {
            Action::Create | Action::Replace => {
                needs[at].extend(before_making(&step.resource, steps, &index));
            }
            Action::Update => needs[at].extend(before_turning(&step.resource, steps, &index)),
            // What it names must stand at its address when it is written down.
            Action::Record => {
                let successors = before_making(&step.resource, steps, &index)
                    .filter(|need| steps[need.step].action == Action::Replace);
                needs[at].extend(successors.map(|need| Need {
                    until: Until::Exists,
                    ..need
                }));
            }
            Action::Delete if step.address.is_deposed() => {
                needs[at].extend(after_successor(step, steps, &index));
            }
            // What exists is only looked at: nothing has to happen before.
            Action::Delete | Action::Wait | Action::LookUp | Action::Forget | Action::Noop => {}
        }
    }
    for (address, record, _) in recorded.iter() {
        let Some(&dependent) = index.get(address) else {
            continue;
        };
        for edge in edges_in(&record.spec) {
            let Some(&dependency) = index.get(&edge.to) else {
                continue;
            };
            if let Some(need) = before_removing(steps, dependent, dependency, edge.on_delete) {
                needs[dependency].push(need);
            }
        }
    }
    add_takeovers(&mut needs, steps, recorded, &index);
    add_additions(&mut needs, steps, &index);
    add_claims(&mut needs, steps, recorded, &index)?;
    for list in &mut needs {
        list.sort();
        list.dedup();
    }
    Ok(needs)
}

/// A deposed object goes once its successor does its work.
fn after_successor(step: &Step, steps: &[Step], index: &BTreeMap<Address, usize>) -> Option<Need> {
    let &successor = index.get(&step.address.current())?;
    let acts = !matches!(
        steps[successor].action,
        Action::Noop | Action::Record | Action::Delete | Action::Forget
    );
    acts.then_some(Need {
        step: successor,
        until: Until::Complete,
    })
}

/// A resource is made or changed once its dependencies are as far as its edges ask.
pub(super) fn before_making<'a>(
    resource: &Arc<dyn AnyResource>,
    steps: &'a [Step],
    index: &'a BTreeMap<Address, usize>,
) -> impl Iterator<Item = Need> + use<'a> {
    resource.edges().into_iter().filter_map(|edge| {
        let &other = index.get(&edge.to)?;
        // What goes is there already: a bridge may lead to what is deposed.
        if matches!(
            steps[other].action,
            Action::Noop | Action::Record | Action::Delete
        ) {
            return None;
        }
        let until = match edge.gate {
            // Not before the address is the successor's: else the record of this one would be taken to
            // name the old object.
            Gate::None if steps[other].action == Action::Replace => Until::Exists,
            Gate::None => return None,
            Gate::Exists => Until::Exists,
            Gate::Ready => Until::Ready,
        };
        Some(Need { step: other, until })
    })
}

/// What serves already turns to something new only when that is usable: a route that leads to a gateway still
/// pending would cut its subnets off (aws-behaviour §2.6), where a fresh one has nobody to cut off (§1 row 10).
pub(super) fn before_turning<'a>(
    resource: &Arc<dyn AnyResource>,
    steps: &'a [Step],
    index: &'a BTreeMap<Address, usize>,
) -> impl Iterator<Item = Need> + use<'a> {
    before_making(resource, steps, index).map(|need| match steps[need.step].action {
        Action::Create | Action::Replace if need.until == Until::Exists => Need {
            until: Until::Ready,
            ..need
        },
        _ => need,
    })
}

/// A resource goes once the recorded dependents are gone, or no longer refer to it.
fn before_removing(
    steps: &[Step],
    dependent: usize,
    dependency: usize,
    on_delete: OnDelete,
) -> Option<Need> {
    let on_delete = match steps[dependency].action {
        Action::Delete => on_delete,
        // Nothing of AWS's has an order here, but removing the dependent may take the outputs.
        Action::Forget => OnDelete::Gone,
        _ => return None,
    };
    match (steps[dependent].action, on_delete) {
        // Its removal had begun and goes on, and then it is made anew.
        (Action::Create, OnDelete::Gone) if steps[dependent].remove_first.is_some() => Some(Need {
            step: dependent,
            until: Until::Exists,
        }),
        (Action::Delete, OnDelete::Gone) => Some(Need {
            step: dependent,
            until: Until::Gone,
        }),
        (Action::Update | Action::Replace | Action::Record, _) => Some(Need {
            step: dependent,
            // By all of it: the last task that stands on it may be one of the old ones.
            until: Until::Complete,
        }),
        _ => None,
    }
}

/// What one object serves, another of the stack may serve from now on: a subnet comes to follow another route table.
/// Who takes it over is usable in full by then; who had it lets go only then, and keeps what it needs for it.
fn add_takeovers(
    needs: &mut [Vec<Need>],
    steps: &[Step],
    recorded: &Recorded,
    index: &BTreeMap<Address, usize>,
) {
    for (address, record, resource) in recorded.iter() {
        let served = resource.serves();
        let Some(&giver) = index.get(address).filter(|_| !served.is_empty()) else {
            continue;
        };
        let takers: Vec<usize> = (0..steps.len())
            .filter(|&at| at != giver && steps[at].address.kind() == address.kind())
            .filter(|&at| matches!(steps[at].action, Action::Create | Action::Update))
            .filter(|&at| {
                let takes = steps[at].resource.serves();
                takes.iter().any(|taken| served.contains(taken))
            })
            .collect();
        for &taker in &takers {
            needs[taker].extend(before_turning(&steps[taker].resource, steps, index));
            let after = Need {
                step: taker,
                until: Until::Ready,
            };
            if waits_for(needs, taker, giver) {
                continue;
            }
            if matches!(steps[giver].action, Action::Delete | Action::Update) {
                needs[giver].push(after);
            }
            // On `down` these have no order; here somebody is still led through them.
            for edge in edges_in(&record.spec) {
                let Some(&dependency) = index.get(&edge.to) else {
                    continue;
                };
                if steps[dependency].action == Action::Delete
                    && !waits_for(needs, taker, dependency)
                {
                    needs[dependency].push(after);
                }
            }
        }
    }
}

/// Who adds something to a resource needs no more than that it exists; the resource may change only for what was added
/// (its only other route goes), so that comes first. What takes away again what it added waits for the change.
fn add_additions(needs: &mut [Vec<Need>], steps: &[Step], index: &BTreeMap<Address, usize>) {
    for at in 0..steps.len() {
        for address in steps[at].resource.adds_to() {
            let Some(&base) = index.get(&address) else {
                continue;
            };
            if steps[base].action != Action::Update {
                continue;
            }
            match steps[at].action {
                Action::Create => {
                    needs[at].retain(|need| need.step != base);
                    needs[base].push(Need {
                        step: at,
                        until: Until::Ready,
                    });
                }
                Action::Delete => needs[at].push(Need {
                    step: base,
                    until: Until::Ready,
                }),
                _ => {}
            }
        }
    }
}

/// What one object lets go of, another of the stack may take: the listener on port 80 becomes the one
/// on 443, and a new one redirects from port 80. A step waits for the one that has its claim now.
fn add_claims(
    needs: &mut [Vec<Need>],
    steps: &[Step],
    recorded: &Recorded,
    index: &BTreeMap<Address, usize>,
) -> Result<(), PlanError> {
    let holders: HashMap<(&str, String), usize> = recorded
        .iter()
        .filter_map(|(address, _, resource)| {
            let claim = resource.claim()?;
            Some(((address.kind(), claim), *index.get(address)?))
        })
        .collect();
    for (at, step) in steps.iter().enumerate() {
        if !matches!(step.action, Action::Create | Action::Update) {
            continue;
        }
        let claim = step.resource.claim();
        let held = claim.and_then(|claim| holders.get(&(step.address.kind(), claim)));
        let Some(&holder) = held.filter(|&&holder| holder != at) else {
            continue;
        };
        let until = match steps[holder].action {
            Action::Delete => Until::Gone,
            Action::Update => Until::Exists,
            _ => continue,
        };
        if !waits_for(needs, holder, at) {
            needs[at].push(Need {
                step: holder,
                until,
            });
        } else if steps[holder].action == Action::Delete {
            return Err(PlanError::NoRoomBeside {
                address: step.address.clone(),
                other: steps[holder].address.clone(),
                claim: step.resource.claim().unwrap_or_default(),
            });
        }
        // Two that change places in place can't wait for each other; their kind sees to that.
    }
    Ok(())
}

/// Whether the step waits, by whatever detour, for the other.
pub(super) fn waits_for(needs: &[Vec<Need>], step: usize, other: usize) -> bool {
    let mut seen = vec![false; needs.len()];
    let mut open = vec![step];
    while let Some(at) = open.pop() {
        if at == other {
            return true;
        }
        if !std::mem::replace(&mut seen[at], true) {
            open.extend(needs[at].iter().map(|need| need.step));
        }
    }
    false
}

/// Steps that wait for each other, or for such steps: what is left once every other step is done.
pub(super) fn circle(needs: &[Vec<Need>]) -> Option<Vec<usize>> {
    let mut open: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for (at, list) in needs.iter().enumerate() {
        for need in list {
            dependents[need.step].push(at);
        }
    }
    let mut free: Vec<usize> = (0..needs.len()).filter(|&at| open[at] == 0).collect();
    while let Some(done) = free.pop() {
        for &dependent in &dependents[done] {
            open[dependent] -= 1;
            if open[dependent] == 0 {
                free.push(dependent);
            }
        }
    }
    let stuck: Vec<usize> = (0..needs.len()).filter(|&at| open[at] > 0).collect();
    (!stuck.is_empty()).then_some(stuck)
}
