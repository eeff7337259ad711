//! How long will a step take? As long as it took the last times; else as its kind's table says.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::graph::Expected;
use crate::plan::{Action, Step};
use crate::report::event;
use crate::resource::{Address, Timing};

/// What a step did, as far as its duration depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Work {
    Make,
    Update,
    Remove,
}

impl Work {
    /// What is to be learned from a step with this action; a resource that was only waited for had begun before.
    fn of(action: event::Action) -> Option<Self> {
        match action {
            event::Action::Create | event::Action::Replace => Some(Work::Make),
            event::Action::Update => Some(Work::Update),
            event::Action::Delete => Some(Work::Remove),
            event::Action::Adopt | event::Action::Wait => None,
        }
    }
}

/// Milliseconds from a step's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Took {
    calls: u64,
    whole: u64,
}

impl Took {
    /// The newest run counts as much as all before it, so that a change shows soon and one odd run does not rule.
    fn and(self, newer: Took) -> Took {
        Took {
            calls: self.calls.midpoint(newer.calls),
            whole: self.whole.midpoint(newer.whole),
        }
    }

    fn expected(self) -> Expected {
        Expected {
            calls: Duration::from_millis(self.calls),
            whole: Duration::from_millis(self.whole),
        }
    }
}

/// What earlier runs of a stack have taught, by address. It outlives the resources: the next `up` after a `down`
/// makes the same ones again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Experience(BTreeMap<String, BTreeMap<Work, Took>>);

impl Experience {
    /// A step came to its good end: `calls` and `whole` milliseconds after it had begun its calls had returned,
    /// and all of it was done.
    pub fn learn(&mut self, address: &Address, action: event::Action, calls: u64, whole: u64) {
        let Some(work) = Work::of(action) else {
            return;
        };
        let newer = Took { calls, whole };
        let known = self.0.entry(address.current().to_string()).or_default();
        let took = known.get(&work).map_or(newer, |older| older.and(newer));
        known.insert(work, took);
    }

    /// How long a step of a plan will take.
    pub(super) fn expected(&self, step: &Step) -> Expected {
        let timing = step.resource.timing();
        let (work, whole) = match step.action {
            Action::Create | Action::Replace | Action::Wait => (Work::Make, timing.ready),
            Action::Update => (Work::Update, timing.ready),
            Action::Delete => (Work::Remove, timing.gone),
            Action::Noop | Action::LookUp | Action::Record | Action::Forget => {
                return Expected::default();
            }
        };
        let recorded = self
            .of_address(&step.address, work)
            .or_else(|| self.of_kind(step.address.kind(), work));
        match (recorded, step.action) {
            // It is there already and waits for the rest.
            (Some(took), Action::Wait) => Expected {
                calls: Duration::ZERO,
                ..took.expected()
            },
            (Some(took), _) => took.expected(),
            (None, _) => Expected {
                calls: Timing::IMMEDIATE.ready.min(whole),
                whole,
            },
        }
    }

    fn of_address(&self, address: &Address, work: Work) -> Option<Took> {
        let known = self.0.get(&address.current().to_string())?;
        known.get(&work).copied()
    }

    /// The mean of all that is known of the kind.
    fn of_kind(&self, kind: &str, work: Work) -> Option<Took> {
        let known: Vec<Took> = self
            .0
            .iter()
            .filter(|(address, _)| address.split('.').next() == Some(kind))
            .filter_map(|(_, known)| known.get(&work).copied())
            .collect();
        let count = u64::try_from(known.len()).ok().filter(|count| *count > 0)?;
        Some(Took {
            calls: known.iter().map(|took| took.calls).sum::<u64>() / count,
            whole: known.iter().map(|took| took.whole).sum::<u64>() / count,
        })
    }
}
