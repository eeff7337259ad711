//! Which step may start next? Each step's open needs are counted down; among those without any,
//! the one with the longest expected remaining path goes first.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

use crate::graph::longest_remaining;
use crate::plan::{Action, Need, Plan, Until};

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
    priority: Vec<Duration>,
    queue: BinaryHeap<(Duration, Reverse<usize>)>,
}

impl Tracker {
    /// Lowers the needs that `lower` names to plain existence (`--no-wait` and the user's workloads).
    pub(super) fn new(plan: &Plan, lower: impl Fn(usize) -> bool) -> Self {
        let count = plan.steps.len();
        let mut tracker = Tracker {
            stages: vec![Stage::Waiting; count],
            open: vec![0; count],
            dependents: vec![Vec::new(); count],
            priority: Vec::new(),
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
        let waiting: Vec<Vec<usize>> = tracker
            .dependents
            .iter()
            .map(|list| list.iter().map(|(index, _)| *index).collect())
            .collect();
        let durations: Vec<Duration> = plan
            .steps
            .iter()
            .map(|step| match step.action {
                Action::Noop | Action::LookUp | Action::Record | Action::Forget => Duration::ZERO,
                Action::Delete => step.resource.timing().gone,
                _ => step.resource.timing().ready,
            })
            .collect();
        tracker.priority = longest_remaining(&durations, &waiting);
        for (index, step) in plan.steps.iter().enumerate() {
            if !step.acts() {
                tracker.stages[index] = Stage::Finished;
            } else if tracker.open[index] == 0 {
                tracker
                    .queue
                    .push((tracker.priority[index], Reverse(index)));
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
                self.queue
                    .push((self.priority[dependent], Reverse(dependent)));
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
