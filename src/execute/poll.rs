//! How does navi wait? One batched read per kind for everything of that kind that waits, soon at first,
//! then less often up to the kind's own pause, slower only when AWS throttles (aws-behaviour §6.4).
//!
//! The SDK's waiters are not used: their fixed pauses of 15 to 120 s overshoot by most of a minute.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use crate::aws;
use crate::resource::{
    AnyLookup, BoxFuture, CallError, Cause, Cloud, Diagnosis, ErrorClass, Known, Observed,
    Readiness, RolloutProgress,
};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// How long AWS may not show what it has shown before: a read may flap for seconds (aws-behaviour §2), not longer.
const HIDDEN_FOR: Duration = Duration::from_secs(60);
/// How long AWS may not show what is fresh, at most (aws-behaviour §2, EC2 eventual consistency).
const NOT_SHOWN_FOR: Duration = Duration::from_secs(300);
const LONGEST_PAUSE_WHEN_THROTTLED: Duration = Duration::from_secs(30);

/// What a step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitFor {
    Ready,
    Gone,
}

/// What a look has shown.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// Usable; what was seen last.
    Ready(Observed),
    /// Gone, as asked.
    Gone,
    /// Not yet; why.
    Pending(String),
    /// Not all of it yet, but dependents may go on; what is missing.
    Serves(String),
    /// It will never be, or not in time; why, and what is known of that.
    Failed(String, Diagnosis),
}

/// What a look at one waiter's resource has brought.
pub(super) struct Look {
    pub step: usize,
    pub verdict: Verdict,
    /// How far its tasks are, where it has some.
    pub rollout: Option<RolloutProgress>,
}

struct Waiter {
    step: usize,
    lookup: AnyLookup,
    wait_for: WaitFor,
    began: Instant,
    last_shown: Option<Instant>,
}

impl Waiter {
    /// Nobody cares for the tasks of what is to go.
    fn rollout(&self, seen: &Observed) -> Option<RolloutProgress> {
        match self.wait_for {
            WaitFor::Ready => self.lookup.resource.rollout(seen),
            WaitFor::Gone => None,
        }
    }
}

struct Queue {
    waiters: Vec<Waiter>,
    next_look: Instant,
    pause: Duration,
    looking: bool,
}

type Looked = (String, Vec<usize>, Result<Vec<Option<Observed>>, CallError>);

/// Everything that waits, by kind.
pub(super) struct Poller<'a> {
    cloud: &'a dyn Cloud,
    queues: BTreeMap<String, Queue>,
    looks: FuturesUnordered<BoxFuture<'a, Looked>>,
}

impl<'a> Poller<'a> {
    pub(super) fn new(cloud: &'a dyn Cloud) -> Self {
        Poller {
            cloud,
            queues: BTreeMap::new(),
            looks: FuturesUnordered::new(),
        }
    }

    /// Nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queues.values().all(|queue| queue.waiters.is_empty())
    }

    /// Adds a waiter; its kind is looked at soon.
    pub(super) fn add(&mut self, step: usize, mut lookup: AnyLookup, wait_for: WaitFor) {
        lookup.waiting = wait_for == WaitFor::Ready;
        let now = Instant::now();
        let queue = self
            .queues
            .entry(lookup.address.kind().to_owned())
            .or_insert(Queue {
                waiters: Vec::new(),
                next_look: now,
                pause: FIRST_PAUSE,
                looking: false,
            });
        // The first look is at once: what AWS does synchronously is done.
        queue.next_look = now;
        queue.pause = FIRST_PAUSE;
        queue.waiters.push(Waiter {
            step,
            lookup,
            wait_for,
            began: now,
            last_shown: None,
        });
    }

    /// Nobody waits any more; answers who did.
    pub(super) fn drain(&mut self) -> Vec<usize> {
        self.queues
            .values_mut()
            .flat_map(|queue| std::mem::take(&mut queue.waiters))
            .map(|waiter| waiter.step)
            .collect()
    }

    /// The verdicts of the next look. May be dropped and called again at any time; nothing is lost.
    pub(super) async fn next(&mut self, known: &Arc<Known>) -> Vec<Look> {
        loop {
            self.start_looks(known);
            let next_look = self
                .queues
                .values()
                .filter(|queue| !queue.looking && !queue.waiters.is_empty())
                .map(|queue| queue.next_look)
                .min();
            tokio::select! {
                Some((kind, steps, seen)) = self.looks.next(), if !self.looks.is_empty() => {
                    return self.judge(&kind, &steps, seen);
                }
                () = sleep_until(next_look.unwrap_or_else(Instant::now)), if next_look.is_some() => {}
                // Nobody waits: the caller has other futures to wait for.
                else => std::future::pending().await,
            }
        }
    }

    fn start_looks(&mut self, known: &Arc<Known>) {
        let now = Instant::now();
        let due: Vec<String> = self
            .queues
            .iter()
            .filter(|(_, queue)| {
                !queue.looking && !queue.waiters.is_empty() && queue.next_look <= now
            })
            .map(|(kind, _)| kind.clone())
            .collect();
        if !due.is_empty() {
            self.cloud.begin_sweep();
        }
        for kind in due {
            let Some(queue) = self.queues.get_mut(&kind) else {
                continue;
            };
            queue.looking = true;
            let steps: Vec<usize> = queue.waiters.iter().map(|waiter| waiter.step).collect();
            let lookups: Vec<AnyLookup> = queue
                .waiters
                .iter()
                .map(|waiter| waiter.lookup.clone())
                .collect();
            let cloud = self.cloud;
            let known = known.clone();
            self.looks.push(Box::pin(async move {
                let seen = cloud.read(&kind, &lookups, &known).await;
                (kind, steps, seen)
            }));
        }
    }

    fn judge(
        &mut self,
        kind: &str,
        steps: &[usize],
        seen: Result<Vec<Option<Observed>>, CallError>,
    ) -> Vec<Look> {
        let Some(queue) = self.queues.get_mut(kind) else {
            return Vec::new();
        };
        queue.looking = false;
        let now = Instant::now();
        let look_every = queue.waiters.first().map_or(FIRST_PAUSE, |waiter| {
            waiter.lookup.resource.timing().look_every
        });
        let longest = match &seen {
            Err(error) if error.class == ErrorClass::Throttled => LONGEST_PAUSE_WHEN_THROTTLED,
            _ => look_every,
        };
        queue.next_look = now + queue.pause;
        queue.pause = (queue.pause * 2).min(longest);
        let mut looks = Vec::new();
        for (position, &step) in steps.iter().enumerate() {
            let mut waiters = queue.waiters.iter_mut();
            let Some(waiter) = waiters.find(|waiter| waiter.step == step) else {
                continue;
            };
            let (verdict, rollout) = match &seen {
                Ok(seen) => {
                    let seen = seen.get(position).and_then(Option::as_ref);
                    waiter.last_shown = seen.map_or(waiter.last_shown, |_| Some(now));
                    let rollout = seen.and_then(|seen| waiter.rollout(seen));
                    (verdict(waiter, seen, now), rollout)
                }
                Err(error) => (refused(error), None),
            };
            let seen = seen
                .as_ref()
                .ok()
                .and_then(|seen| seen.get(position)?.as_ref());
            looks.push(Look {
                step,
                verdict: in_time(waiter, seen, now, verdict),
                rollout,
            });
        }
        looks
            .iter()
            .filter(|look| !matches!(look.verdict, Verdict::Pending(_) | Verdict::Serves(_)))
            .for_each(|look| queue.waiters.retain(|waiter| waiter.step != look.step));
        looks
    }
}

fn verdict(waiter: &Waiter, seen: Option<&Observed>, now: Instant) -> Verdict {
    match (waiter.wait_for, seen) {
        (WaitFor::Gone, None) => Verdict::Gone,
        (WaitFor::Gone, Some(_)) => Verdict::Pending("AWS is removing it".to_owned()),
        (WaitFor::Ready, None) => not_shown(waiter, now),
        (WaitFor::Ready, Some(seen)) => match waiter.lookup.resource.readiness(seen) {
            Readiness::Ready => Verdict::Ready(seen.clone()),
            Readiness::Pending(why) if waiter.lookup.resource.serves_already(seen) => {
                Verdict::Serves(why)
            }
            Readiness::Pending(why) => Verdict::Pending(why),
            Readiness::Failed(why) => Verdict::Failed(why, waiter.lookup.resource.diagnosis(seen)),
        },
    }
}

/// An object can be missing from a read for a moment (aws-behaviour §2, flapping reads). One that stays away does so because
/// somebody has deleted it, and no waiting brings it back.
fn not_shown(waiter: &Waiter, now: Instant) -> Verdict {
    let (since, within, how) = match waiter.last_shown {
        Some(shown) => (shown, HIDDEN_FOR, "any more"),
        None => (waiter.began, NOT_SHOWN_FOR, "yet"),
    };
    if now.duration_since(since) <= within {
        return Verdict::Pending(format!("AWS does not show it {how}"));
    }
    let why = format!(
        "AWS has not shown it for {} s: somebody has deleted it during this run. Run the command again, and it is made anew",
        within.as_secs()
    );
    Verdict::Failed(why, Cause::Vanished.into())
}

/// A look that AWS refused: a read may be repeated, unless it can never succeed.
fn refused(error: &CallError) -> Verdict {
    match error.class {
        ErrorClass::Denied | ErrorClass::Invalid => {
            let diagnosis = aws::cause_of(error).map(Diagnosis::from);
            Verdict::Failed(error.to_string(), diagnosis.unwrap_or_default())
        }
        _ => Verdict::Pending(format!("could not look: {error}")),
    }
}

fn in_time(waiter: &Waiter, seen: Option<&Observed>, now: Instant, verdict: Verdict) -> Verdict {
    let timing = waiter.lookup.resource.timing();
    let within = match waiter.wait_for {
        WaitFor::Ready => timing.ready_within,
        WaitFor::Gone => timing.gone_within,
    };
    match verdict {
        Verdict::Pending(why) | Verdict::Serves(why)
            if now.duration_since(waiter.began) > within =>
        {
            let why = format!("gave up after {} s; last seen: {why}", within.as_secs());
            // What is seen of one that goes says nothing of why it stays.
            let seen = seen.filter(|_| waiter.wait_for == WaitFor::Ready);
            let diagnosis = seen.map(|seen| waiter.lookup.resource.diagnosis(seen));
            Verdict::Failed(why, diagnosis.unwrap_or_default())
        }
        verdict => verdict,
    }
}
