//! When does which step start, and when is the run over? Start here.
//!
//! A step starts the moment its own needs are met: there are no waves. Waiting holds nobody up.
//! Forward only: a failed step blocks its dependents, everything else goes on, nothing is undone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::experience::Experience;
use super::poll::{Look, Poller, Verdict, WaitFor};
use super::report::{RunReport, milliseconds};
use super::step::{self, End, Work};
use super::tracker::{InTheWay, Stage, Tracker};
use crate::aws::{self, CallLog};
use crate::plan::{Action, Plan, Reason, Until};
use crate::report::event::{self, Event, Sink};
use crate::resource::{
    Address, AnyLookup, BoxFuture, CallCount, CallError, Cause, Changing, Cloud, Known, Leftover,
    RolloutProgress, StepError,
};
use crate::state::{Outcome, Sequence, Session, StateError};

/// How many steps may have calls under way at once. AWS's token buckets hold 50 and more
/// (aws-behaviour §4); waiting does not count.
const CALLS_AT_ONCE: usize = 40;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether to wait until everything serves. `--no-wait` ends when everything exists.
    pub wait: bool,
    /// When to stop waiting. What exists stays, and is reported.
    pub timeout: Option<Duration>,
    /// Whether services that go let open requests end for as long as their target groups say. Where nobody is to
    /// be served any more, that only costs time: minutes, as AWS sets it.
    pub drain: bool,
    /// How long earlier runs took. It decides which of two steps goes first, and what is told of the time left.
    pub experience: Experience,
}

/// What the user did on the keyboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interrupt {
    /// Nothing.
    #[default]
    None,
    /// Ctrl-C once: start nothing more, finish what is in flight.
    Once,
    /// Ctrl-C again: stop at once; the journal covers it.
    Twice,
}

/// Carries out a plan.
pub async fn execute(
    plan: &Plan,
    session: &Session,
    cloud: &dyn Cloud,
    sink: &dyn Sink,
    options: Options,
    mut interrupts: watch::Receiver<Interrupt>,
) -> RunReport {
    let (progress, mut said) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(false);
    let began = Instant::now();
    let deadline = options.timeout.map(|timeout| began + timeout);
    let tracker = Tracker::new(plan, &options.experience, |step| {
        !options.wait && plan.steps[step].resource.is_workload()
    });
    let mut executor = Executor {
        plan,
        session,
        cloud,
        sink,
        options,
        began,
        tracker,
        poller: Poller::new(cloud),
        calls: FuturesUnordered::new(),
        known: Arc::new(known(plan, session)),
        changing: Arc::new(changing(plan)),
        started: HashMap::new(),
        logs: HashMap::new(),
        serving: HashSet::new(),
        last_said: HashMap::new(),
        rollouts: HashMap::new(),
        going: HashMap::new(),
        progress,
        stop,
        stopped,
        report: RunReport::default(),
    };
    let looks = CallLog::default();
    loop {
        executor.start_steps();
        if executor.is_over() {
            break;
        }
        tokio::select! {
            Some((index, end)) = executor.calls.next(), if !executor.calls.is_empty() => {
                executor.ended(index, end).await;
            }
            found = looks.during(executor.poller.next(&executor.known)), if !executor.poller.is_empty() => {
                for Look { step, verdict, rollout } in found {
                    executor.tell_rollout(step, rollout);
                    executor.looked(step, verdict).await;
                }
            }
            Some((index, message)) = said.recv() => executor.say(index, message),
            // A sender that is gone will never interrupt.
            Ok(()) = interrupts.changed() => {
                let interrupt = *interrupts.borrow_and_update();
                executor.interrupted(interrupt);
                if interrupt == Interrupt::Twice {
                    break;
                }
            }
            () = sleep_until(deadline.unwrap_or(began)), if deadline.is_some() && !executor.report.timed_out => {
                executor.timed_out();
            }
        }
    }
    executor.finish(looks.counts())
}

/// What exists, what the plan deposes by its new address too: whoever leads to both names both.
fn known(plan: &Plan, session: &Session) -> Known {
    let mut known = session.known();
    for step in &plan.steps {
        if let (Some(deposed), Some(outputs)) = (&step.deposes, &step.outputs) {
            known.insert(deposed.clone(), outputs.clone());
        }
    }
    known
}

/// What it changes in place, as it is to be in the end: not its bridges.
fn changing(plan: &Plan) -> Changing {
    plan.steps
        .iter()
        .filter(|step| step.action == Action::Update && step.reason != Reason::HandsOver)
        .map(|step| (step.address.clone(), step.resource.clone()))
        .collect()
}

struct Executor<'a> {
    plan: &'a Plan,
    session: &'a Session,
    cloud: &'a dyn Cloud,
    sink: &'a dyn Sink,
    options: Options,
    began: Instant,
    tracker: Tracker,
    poller: Poller<'a>,
    calls: FuturesUnordered<BoxFuture<'a, (usize, End)>>,
    known: Arc<Known>,
    changing: Arc<Changing>,
    started: HashMap<usize, Instant>,
    /// What the calls under way have called so far.
    logs: HashMap<usize, CallLog>,
    /// Those that serve already and are not complete yet.
    serving: HashSet<usize>,
    last_said: HashMap<usize, String>,
    /// What was told last of the tasks of those that wait for some.
    rollouts: HashMap<usize, RolloutProgress>,
    /// The intents of deletes that AWS took and that are not seen to be gone yet.
    going: HashMap<usize, Sequence>,
    progress: mpsc::UnboundedSender<(usize, String)>,
    stop: watch::Sender<bool>,
    stopped: watch::Receiver<bool>,
    report: RunReport,
}

impl<'a> Executor<'a> {
    fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    fn is_over(&self) -> bool {
        self.calls.is_empty() && self.poller.is_empty()
    }

    fn start_steps(&mut self) {
        while !self.stopping() && self.calls.len() < CALLS_AT_ONCE {
            let Some(index) = self.tracker.start_next() else {
                return;
            };
            let step = &self.plan.steps[index];
            let now = Instant::now();
            self.started.insert(index, now);
            if let Some(action) = shown(step.action) {
                self.sink.event(&Event::StepBegan {
                    address: step.address.clone(),
                    action,
                    at_milliseconds: milliseconds(now - self.began),
                    after: self.after(index),
                    expected_milliseconds: milliseconds(self.tracker.expected(index)),
                    remaining_milliseconds: milliseconds(self.tracker.remaining(index)),
                    awaited_by: self.awaited_by(index),
                });
            }
            let work = Work {
                cloud: self.cloud,
                session: self.session,
                known: self.known.clone(),
                changing: self.changing.clone(),
                drain: self.options.drain,
                progress: self.progress.clone(),
                stop: self.stopped.clone(),
            };
            let log = CallLog::default();
            self.logs.insert(index, log.clone());
            self.calls.push(Box::pin(async move {
                (index, log.during(step::run(index, step, work)).await)
            }));
        }
    }

    /// What the step waited for last. What goes unmentioned itself is looked through.
    fn after(&self, index: usize) -> Option<event::After> {
        let need = self.tracker.freed_by(index)?;
        let step = &self.plan.steps[need.step];
        if shown(step.action).is_none() {
            return self.after(need.step);
        }
        Some(event::After {
            address: step.address.clone(),
            until: match need.until {
                Until::Exists => event::Until::Exists,
                Until::Ready => event::Until::Ready,
                Until::Complete => event::Until::Complete,
                Until::Gone => event::Until::Gone,
            },
        })
    }

    /// Who can't begin before the step is through. What goes unmentioned itself is not told.
    fn awaited_by(&self, index: usize) -> Vec<Address> {
        let waiting = self.tracker.waiting_for(index);
        let mut waiting: Vec<Address> = waiting
            .map(|other| &self.plan.steps[other])
            .filter(|step| shown(step.action).is_some())
            .map(|step| step.address.clone())
            .collect();
        waiting.sort();
        waiting.dedup();
        waiting
    }

    /// A step's calls are over.
    async fn ended(&mut self, index: usize, end: End) {
        let address = self.plan.steps[index].address.clone();
        self.tell_calls(index);
        match end {
            End::Exists { outputs } => {
                self.learn(index, outputs.clone());
                self.tracker.exists(index);
                self.sink.event(&Event::StepExists {
                    address,
                    id: event::id_of(&outputs),
                    milliseconds: self.took(index),
                });
                if self.waits_for_ready(index) {
                    self.wait(index, outputs, WaitFor::Ready);
                } else {
                    self.done(index, Some(&outputs), false);
                }
            }
            End::Ready { outputs } => {
                self.learn(index, outputs.clone());
                self.done(index, Some(&outputs), true);
            }
            End::Going { intent } => {
                self.going.insert(index, intent);
                self.sink.event(&Event::StepGoing {
                    address,
                    milliseconds: self.took(index),
                });
                let outputs = self.plan.steps[index].outputs.clone().unwrap_or_default();
                self.wait(index, outputs, WaitFor::Gone);
            }
            End::Gone => {
                self.forget(index);
                self.done(index, None, true);
            }
            End::Failed(error) => self.failed(index, &error),
            End::StateBroken(error) => self.state_broken(index, &error),
        }
    }

    fn tell_calls(&mut self, index: usize) {
        let calls = self.logs.remove(&index).unwrap_or_default().counts();
        let step = &self.plan.steps[index];
        if shown(step.action).is_some() && !calls.is_empty() {
            self.sink.event(&Event::StepCalled {
                address: step.address.clone(),
                calls,
            });
        }
    }

    /// Whether somebody still has to know that the step's resource is usable.
    fn waits_for_ready(&self, index: usize) -> bool {
        if self.stopping() {
            return false;
        }
        let workload = self.plan.steps[index].resource.is_workload();
        self.options.wait
            || (!workload && self.tracker.is_needed(index, Until::Ready))
            || self.tracker.is_needed(index, Until::Complete)
    }

    fn wait(&mut self, index: usize, outputs: Value, wait_for: WaitFor) {
        if self.stopping() {
            self.unfinished(index, "it was not waited for");
            return;
        }
        let step = &self.plan.steps[index];
        let lookup = AnyLookup {
            address: step.address.clone(),
            resource: step.resource.clone(),
            outputs,
            waiting: true,
        };
        self.poller.add(index, lookup, wait_for);
    }

    /// A look at a waiting resource.
    async fn looked(&mut self, index: usize, verdict: Verdict) {
        let step = &self.plan.steps[index];
        match verdict {
            Verdict::Pending(why) => self.say(index, why),
            Verdict::Serves(why) => {
                if self.serving.insert(index) {
                    self.sink.event(&Event::StepServes {
                        address: step.address.clone(),
                        milliseconds: self.took(index),
                    });
                    self.tracker.serves(index);
                }
                self.say(index, why);
            }
            Verdict::Ready(seen) => {
                let outputs = step.resource.outputs(&seen);
                let recorded = self.session.ready(&step.address, outputs.clone()).await;
                self.learn(index, outputs.clone());
                match recorded {
                    Ok(()) => self.done(index, Some(&outputs), true),
                    Err(error) => self.state_broken(index, &error),
                }
            }
            Verdict::Gone => {
                self.forget(index);
                let recorded = match self.going.remove(&index) {
                    Some(intent) => self.session.settle(intent, Outcome::Gone).await,
                    None => Ok(()),
                };
                match recorded {
                    Ok(()) => self.done(index, None, true),
                    Err(error) => self.state_broken(index, &error),
                }
            }
            Verdict::Failed(why, diagnosis) => {
                let error = CallError::local(step.address.kind(), why);
                let outputs = self.known.value(&step.address).cloned().unwrap_or_default();
                let failure = StepError::after(&outputs, error).diagnosed(diagnosis);
                let recorded = match self.going.remove(&index) {
                    Some(intent) => self.session.settle(intent, Outcome::failed(&failure)).await,
                    None => Ok(()),
                };
                match recorded {
                    Ok(()) => self.failed(index, &failure),
                    Err(error) => self.state_broken(index, &error),
                }
            }
        }
    }

    fn learn(&mut self, index: usize, outputs: Value) {
        let address = self.plan.steps[index].address.clone();
        Arc::make_mut(&mut self.known).insert(address, outputs);
    }

    fn forget(&mut self, index: usize) {
        Arc::make_mut(&mut self.known).remove(&self.plan.steps[index].address);
    }

    fn done(&mut self, index: usize, outputs: Option<&Value>, awaited: bool) {
        let step = &self.plan.steps[index];
        self.tracker.finished(index);
        self.report.done += 1;
        if let Some(action) = shown(step.action) {
            self.sink.event(&Event::StepDone {
                address: step.address.clone(),
                action,
                id: outputs.and_then(event::id_of),
                awaited,
                milliseconds: self.took(index),
            });
        }
    }

    fn failed(&mut self, index: usize, error: &StepError) {
        let step = &self.plan.steps[index];
        self.report.failed += 1;
        self.sink.event(&Event::StepFailed {
            address: step.address.clone(),
            action: shown(step.action).unwrap_or(event::Action::Wait),
            code: error.cause.or_else(|| aws::cause_of(&error.source)),
            error: error.source.clone(),
            logs: error.logs.clone(),
            holders: error.holders.clone(),
            leftover: (&error.leftover).into(),
            milliseconds: self.took(index),
        });
        let InTheWay { first, further } = self.tracker.failed(index);
        for blocked in first {
            let other = &self.plan.steps[blocked];
            self.report.blocked += 1;
            self.sink.event(&Event::StepBlocked {
                address: other.address.clone(),
                action: shown(other.action).unwrap_or(event::Action::Wait),
                by: step.address.clone(),
            });
        }
        for blocked in further {
            self.sink.event(&Event::StepBlockedToo {
                address: self.plan.steps[blocked].address.clone(),
                by: step.address.clone(),
            });
        }
    }

    /// Without a durable state nothing more may be started: it could not be found again.
    fn state_broken(&mut self, index: usize, error: &StateError) {
        self.report
            .state_error
            .get_or_insert_with(|| error.to_string());
        let error = CallError::local("navi", format!("the state could not be written: {error}"));
        let failure = StepError {
            leftover: Leftover::Maybe,
            ..StepError::from(error)
        };
        self.failed(index, &failure.diagnosed(Cause::StateUnwritable.into()));
        self.stop_starting();
    }

    fn say(&mut self, index: usize, message: String) {
        if self.last_said.get(&index) != Some(&message) {
            self.sink.event(&Event::StepProgress {
                address: self.plan.steps[index].address.clone(),
                message: message.clone(),
                milliseconds: self.took(index),
            });
            self.last_said.insert(index, message);
        }
    }

    /// Tells what is new since the last look at a workload's tasks.
    fn tell_rollout(&mut self, index: usize, seen: Option<RolloutProgress>) {
        let Some(seen) = seen else { return };
        let address = &self.plan.steps[index].address;
        let before = self.rollouts.get(&index);
        if before.is_none_or(|before| before.counts != seen.counts) {
            self.sink.event(&Event::RolloutProgress {
                address: address.clone(),
                counts: seen.counts,
            });
        }
        // AWS's list only grows while one deployment is under way; with another it begins anew.
        let told = before.map_or(0, |before| before.said.len());
        for message in seen.said.iter().skip(told) {
            self.sink.event(&Event::ServiceEvent {
                address: address.clone(),
                message: message.clone(),
            });
        }
        self.rollouts.insert(index, seen);
    }

    fn interrupted(&mut self, interrupt: Interrupt) {
        self.report.interrupted = true;
        self.sink.event(&Event::Interrupted {
            again: interrupt == Interrupt::Twice,
        });
        self.stop_starting();
    }

    fn timed_out(&mut self) {
        self.report.timed_out = true;
        self.sink.event(&Event::TimedOut);
        self.stop_starting();
    }

    /// Nothing more is started or waited for; calls under way are let finish.
    fn stop_starting(&mut self) {
        self.stop.send_replace(true);
        for index in self.poller.drain() {
            let said = self.last_said.get(&index).cloned();
            self.unfinished(
                index,
                &said.unwrap_or_else(|| "not looked at yet".to_owned()),
            );
        }
    }

    /// A step whose resource exists, or is going, and is not waited for any longer.
    fn unfinished(&mut self, index: usize, last_seen: &str) {
        let step = &self.plan.steps[index];
        if self.report.timed_out {
            let error = CallError::local(
                step.address.kind(),
                format!("not done when --timeout was over; last seen: {last_seen}"),
            );
            let outputs = self.known.value(&step.address).cloned().unwrap_or_default();
            self.failed(index, &StepError::after(&outputs, error));
        } else {
            self.skipped(index);
        }
    }

    fn skipped(&mut self, index: usize) {
        let step = &self.plan.steps[index];
        self.report.skipped += 1;
        if let Some(action) = shown(step.action) {
            self.sink.event(&Event::StepSkipped {
                address: step.address.clone(),
                action,
            });
        }
    }

    fn took(&self, index: usize) -> u64 {
        let started = self.started.get(&index).copied().unwrap_or(self.began);
        milliseconds(started.elapsed())
    }

    fn finish(mut self, looks: Vec<CallCount>) -> RunReport {
        for index in self.tracker.not_started() {
            self.skipped(index);
        }
        let running: Vec<usize> = (0..self.plan.steps.len())
            .filter(|&index| self.tracker.stage(index) == Stage::Running)
            .collect();
        // Only after the second Ctrl-C: what was in flight is found again by the next run.
        for index in running {
            self.skipped(index);
        }
        if !looks.is_empty() {
            self.sink.event(&Event::Looked { calls: looks });
        }
        let event = self.report.event(self.began.elapsed());
        self.sink.event(&event);
        self.report
    }
}

/// The action as events show it. Looking up, recording and forgetting touch nothing and go unmentioned.
fn shown(action: Action) -> Option<event::Action> {
    match action {
        Action::Create => Some(event::Action::Create),
        Action::Update => Some(event::Action::Update),
        Action::Replace => Some(event::Action::Replace),
        Action::Delete => Some(event::Action::Delete),
        Action::Wait => Some(event::Action::Wait),
        Action::LookUp | Action::Record | Action::Forget | Action::Noop => None,
    }
}
