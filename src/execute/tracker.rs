//! Which step may start next? Each step's open needs are counted down; among those without any,
//! the one with the longest expected remaining path goes first.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

use super::experience::Experience;
use crate::graph::{Expected, Waiting, longest_remaining};
use crate::plan::{Need, Plan, Until};

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Some need is open, or it waits for its turn.
    Waiting,
    /// Its call is under way.
    Running,
    /// It exists; it is not ready yet.
    Exists,
    /// Nothing more to do: ready, gone, or nothing to do from the start.
    Finished,
    /// It failed.
    Failed,
    /// It can't start: the step of this index failed.
    Blocked(usize),
}

/// Whom a failed step is in the way of.
pub(super) struct InTheWay {
    /// These are blocked from now on.
    pub first: Vec<usize>,
    /// These were blocked already, by another one.
    pub further: Vec<usize>,
}

/// The stages of all steps and the queue of those that may start.
pub(super) struct Tracker {
    stages: Vec<Stage>,
    open: Vec<usize>,
    /// For each step, who waits for it and until when.
    dependents: Vec<Vec<(usize, Until)>>,
    /// For each step, the need that was met last.
    freed_by: Vec<Option<Need>>,
    expected: Vec<Expected>,
    /// For each step, how long the run is expected to go on from its beginning.
    remaining: Vec<Duration>,
    queue: BinaryHeap<(Duration, Reverse<usize>)>,
}

impl Tracker {
    /// Lowers the needs that `lower` names to plain existence (`--no-wait` and the user's workloads).
    pub(super) fn new(plan: &Plan, experience: &Experience, lower: impl Fn(usize) -> bool) -> Self {
        let count = plan.steps.len();
        let mut tracker = Tracker {
            stages: vec![Stage::Waiting; count],
            open: vec![0; count],
            dependents: vec![Vec::new(); count],
            freed_by: vec![None; count],
            expected: Vec::new(),
            remaining: Vec::new(),
            queue: BinaryHeap::new(),
        };
        for (index, needs) in plan.needs.iter().enumerate() {
            for &Need { step, until } in needs {
                let until = match until {
                    Until::Ready if lower(step) => Until::Exists,
                    until => until,
                };
                tracker.open[index] += 1;
                tracker.dependents[step].push((index, until));
            }
        }
        let waiting: Vec<Vec<Waiting>> = tracker
            .dependents
            .iter()
            .map(|list| list.iter().map(|&(node, until)| waiting(node, until)))
            .map(Iterator::collect)
            .collect();
        let steps = plan.steps.iter();
        tracker.expected = steps.map(|step| experience.expected(step)).collect();
        tracker.remaining = longest_remaining(&tracker.expected, &waiting);
        for (index, step) in plan.steps.iter().enumerate() {
            if !step.acts() {
                tracker.stages[index] = Stage::Finished;
            } else if tracker.open[index] == 0 {
                tracker
                    .queue
                    .push((tracker.remaining[index], Reverse(index)));
            }
        }
        tracker
    }

    /// The most urgent step that may start, now marked as running.
    pub(super) fn start_next(&mut self) -> Option<usize> {
        let (_, Reverse(index)) = self.queue.pop()?;
        self.stages[index] = Stage::Running;
        Some(index)
    }

    /// Those who need more of the step than that it exists.
    pub(super) fn waiting_for(&self, index: usize) -> impl Iterator<Item = usize> {
        let dependents = self.dependents[index].iter();
        dependents
            .filter(|(_, until)| *until != Until::Exists)
            .map(|(dependent, _)| *dependent)
    }

    /// The step's call has returned: those who need no more may go on.
    pub(super) fn exists(&mut self, index: usize) {
        self.stages[index] = Stage::Exists;
        self.satisfy(index, |until| until == Until::Exists);
    }

    /// The step's resource serves: those who need it ready may go on, the step itself goes on waiting.
    pub(super) fn serves(&mut self, index: usize) {
        self.satisfy(index, |until| until == Until::Ready);
    }

    /// The step is complete.
    pub(super) fn finished(&mut self, index: usize) {
        let existed = self.stages[index] == Stage::Exists;
        self.stages[index] = Stage::Finished;
        self.satisfy(index, |until| !existed || until != Until::Exists);
    }

    fn satisfy(&mut self, index: usize, which: impl Fn(Until) -> bool) {
        for (dependent, until) in std::mem::take(&mut self.dependents[index]) {
            if !which(until) {
                self.dependents[index].push((dependent, until));
                continue;
            }
            self.open[dependent] -= 1;
            if self.open[dependent] == 0 && self.stages[dependent] == Stage::Waiting {
                self.freed_by[dependent] = Some(Need { step: index, until });
                self.queue
                    .push((self.remaining[dependent], Reverse(dependent)));
            }
        }
    }

    /// The step failed. Answers the steps that need it, directly or through others.
    pub(super) fn failed(&mut self, index: usize) -> InTheWay {
        self.stages[index] = Stage::Failed;
        let mut dependents = BTreeSet::new();
        let mut open = vec![index];
        while let Some(at) = open.pop() {
            for &(dependent, _) in &self.dependents[at] {
                let hopes = matches!(self.stages[dependent], Stage::Waiting | Stage::Blocked(_));
                if hopes && dependents.insert(dependent) {
                    open.push(dependent);
                }
            }
        }
        let (first, further): (Vec<_>, Vec<_>) = dependents
            .into_iter()
            .partition(|&dependent| self.stages[dependent] == Stage::Waiting);
        for &dependent in &first {
            self.stages[dependent] = Stage::Blocked(index);
        }
        InTheWay { first, further }
    }

    /// Whether another step waits for this one to come so far.
    pub(super) fn is_needed(&self, index: usize, until: Until) -> bool {
        self.dependents[index]
            .iter()
            .any(|&(dependent, needed)| needed == until && self.stages[dependent] == Stage::Waiting)
    }

    /// Which need of the step was met last; none if it could start from the beginning.
    pub(super) fn freed_by(&self, index: usize) -> Option<Need> {
        self.freed_by[index]
    }

    /// How long the step itself is expected to take.
    pub(super) fn expected(&self, index: usize) -> Duration {
        self.expected[index].whole
    }

    /// How long the run is expected to go on from the step's beginning.
    pub(super) fn remaining(&self, index: usize) -> Duration {
        self.remaining[index]
    }

    /// Where the step is.
    pub(super) fn stage(&self, index: usize) -> Stage {
        self.stages[index]
    }

    /// The steps that never started.
    pub(super) fn not_started(&self) -> Vec<usize> {
        (0..self.stages.len())
            .filter(|&index| self.stages[index] == Stage::Waiting)
            .collect()
    }
}

fn waiting(node: usize, until: Until) -> Waiting {
    Waiting {
        node,
        for_calls: until == Until::Exists,
    }
}
