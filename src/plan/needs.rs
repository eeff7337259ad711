//! What must have happened before a step may start? The graph's edges for what is made, the recorded
//! edges turned round for what goes (aws-behaviour §1 and §3).

use std::collections::HashMap;

use super::recorded::Recorded;
use super::step::{Action, Step};
use crate::resource::{Address, Gate, OnDelete, edges_in};

/// How far another step must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Until {
    /// Its call has returned: the resource exists, or is as wanted.
    Exists,
    /// AWS says that the resource is usable.
    Ready,
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

/// The needs of every step.
pub(super) fn of(steps: &[Step], recorded: &Recorded) -> Vec<Vec<Need>> {
    let index: HashMap<&Address, usize> = steps
        .iter()
        .enumerate()
        .map(|(index, step)| (&step.address, index))
        .collect();
    let mut needs = vec![Vec::new(); steps.len()];
    for (at, step) in steps.iter().enumerate() {
        match step.action {
            Action::Create | Action::Update | Action::Replace => {
                needs[at].extend(before_making(step, steps, &index));
            }
            // What exists is only looked at: nothing has to happen before.
            Action::Delete
            | Action::Wait
            | Action::LookUp
            | Action::Record
            | Action::Forget
            | Action::Noop => {}
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
    for list in &mut needs {
        list.sort();
        list.dedup();
    }
    needs
}

/// A resource is made or changed once its dependencies are as far as its edges ask.
fn before_making<'a>(
    step: &'a Step,
    steps: &'a [Step],
    index: &'a HashMap<&Address, usize>,
) -> impl Iterator<Item = Need> + 'a {
    step.resource.edges().into_iter().filter_map(|edge| {
        let &other = index.get(&edge.to)?;
        if matches!(steps[other].action, Action::Noop | Action::Record) {
            return None;
        }
        let until = match edge.gate {
            Gate::None => return None,
            Gate::Exists => Until::Exists,
            Gate::Ready => Until::Ready,
        };
        Some(Need { step: other, until })
    })
}

/// A resource goes once the recorded dependents are gone, or no longer refer to it.
fn before_removing(
    steps: &[Step],
    dependent: usize,
    dependency: usize,
    on_delete: OnDelete,
) -> Option<Need> {
    // A resource whose removal has to be finished before it is made anew is removed too.
    let removed = |step: &Step| step.action == Action::Delete;
    if !removed(&steps[dependency]) {
        return None;
    }
    match (steps[dependent].action, on_delete) {
        (Action::Delete, OnDelete::Gone) => Some(Need {
            step: dependent,
            until: Until::Gone,
        }),
        (Action::Update | Action::Replace, _) => Some(Need {
            step: dependent,
            until: Until::Ready,
        }),
        _ => None,
    }
}
