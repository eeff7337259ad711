//! What can happen during a run, as far as anybody who watches it wants to know?
//!
//! The executor sends these; the renderers (`plain`, `tty`, `json`, `summary`) turn them into text. Times come as
//! values, counted from the run's beginning or the step's, so that a renderer needs no clock.

use std::fmt;

use serde::{Deserialize, Serialize};

pub use crate::resource::id_of;
use crate::resource::{
    Address, CallCount, CallError, Cause, Holder, Leftover, LogExcerpt, RolloutCounts,
};

/// The version of the events' form. It grows when a field or an event goes or changes its meaning, not when one is added.
pub const SCHEMA: u32 = 1;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first event. `steps` counts the steps that do something.
    RunBegan {
        command: Command,
        stack: String,
        account: String,
        region: String,
        steps: usize,
        /// [`SCHEMA`].
        schema: u32,
    },
    /// What an earlier, interrupted run left open was looked up and settled.
    Recovered { address: Address, what: String },
    /// A step started. `at_milliseconds` since the run began: with the step's duration it gives the run's time line.
    StepBegan {
        address: Address,
        action: Action,
        at_milliseconds: u64,
        /// What it had to wait for last; nothing, when it could start with the run.
        after: Option<After>,
        /// How long the step is expected to take, by earlier runs or by its kind.
        expected_milliseconds: u64,
        /// How long the run is expected to go on from here on because of this step and of all that waits for it.
        remaining_milliseconds: u64,
        /// The steps that can't begin before this one is ready, or gone.
        awaited_by: Vec<Address>,
    },
    /// What a running step waits for, and who holds it up. Sent when that changes.
    StepProgress {
        address: Address,
        message: String,
        /// Since the step began.
        milliseconds: u64,
    },
    /// How far the tasks of a service are. Sent when that changes.
    RolloutProgress {
        address: Address,
        #[serde(flatten)]
        counts: RolloutCounts,
    },
    /// What ECS says of a service while it is waited for, in its own words.
    ServiceEvent { address: Address, message: String },
    /// What a step called, once its calls are over.
    StepCalled {
        address: Address,
        calls: Vec<CallCount>,
    },
    /// AWS accepted the create: the ID is known, dependents that need no more may go on, the step still waits for ready.
    StepExists {
        address: Address,
        id: Option<String>,
        milliseconds: u64,
    },
    /// AWS took the delete: the step still waits until the resource is gone.
    StepGoing { address: Address, milliseconds: u64 },
    /// Dependents that need it ready may go on, the step itself still waits for the rest: the first healthy task of three.
    StepServes { address: Address, milliseconds: u64 },
    /// The step is complete: ready, or gone; or it exists and, with `--no-wait`, is not `awaited`.
    StepDone {
        address: Address,
        action: Action,
        id: Option<String>,
        awaited: bool,
        milliseconds: u64,
    },
    /// The step failed; its dependents are blocked, everything else goes on.
    StepFailed {
        address: Address,
        action: Action,
        /// The cause, by its code, if it is one of the catalogue (docs/errors/).
        code: Option<Cause>,
        error: CallError,
        /// Where containers wrote last; a program gets the place, a person the lines.
        logs: Vec<LogExcerpt>,
        /// What kept AWS from doing it, as far as AWS tells.
        holders: Vec<Holder>,
        leftover: LeftBehind,
        milliseconds: u64,
    },
    /// The step can't start because `by` failed. `by` is the failed step itself, not another blocked one.
    StepBlocked {
        address: Address,
        action: Action,
        by: Address,
    },
    /// A blocked step needs this failed one too.
    StepBlockedToo { address: Address, by: Address },
    /// The step did not start because the run was interrupted or ran out of time.
    StepSkipped { address: Address, action: Action },
    /// Ctrl-C: the first lets what runs finish, the second (`again`) stops at once.
    Interrupted { again: bool },
    /// `--timeout` is over: nothing more is started or waited for.
    TimedOut,
    /// What was called to look at all that had to be waited for: each look is at many at once.
    Looked { calls: Vec<CallCount> },
    /// Something the user should know that stops nothing.
    Warning { message: String },
    /// The last event.
    RunEnded {
        done: usize,
        failed: usize,
        blocked: usize,
        skipped: usize,
        milliseconds: u64,
    },
}

/// How far another step had to come before a step could start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    pub address: Address,
    pub until: Until,
}

/// How far a step is, as far as others wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// Its call has returned.
    Exists,
    /// It is usable.
    Ready,
    /// It is usable in full.
    Complete,
    Gone,
}

/// The command whose run it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Up,
    Down,
    Redeploy,
    Scale,
}

/// What a step does, as a person reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Create,
    Update,
    Replace,
    Delete,
    Adopt,
    /// It exists already, from an earlier run, and is only waited for.
    Wait,
}

/// What a failed step left in the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum LeftBehind {
    Nothing,
    /// Nobody knows: the next run looks for it by its token, tag or name.
    Perhaps,
    /// It exists, unfinished; the next run finishes or removes it.
    Exists {
        id: Option<String>,
    },
}

/// Who watches a run.
pub trait Sink: Send + Sync {
    fn event(&self, event: &Event);
}

impl From<&Leftover> for LeftBehind {
    fn from(leftover: &Leftover) -> Self {
        match leftover {
            Leftover::None => LeftBehind::Nothing,
            Leftover::Maybe => LeftBehind::Perhaps,
            Leftover::Known(outputs) => LeftBehind::Exists { id: id_of(outputs) },
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Command::Up => "up",
            Command::Down => "down",
            Command::Redeploy => "redeploy",
            Command::Scale => "scale",
        })
    }
}

impl Action {
    /// What the step is busy with: `creating`.
    pub fn running(self) -> &'static str {
        match self {
            Action::Create => "creating",
            Action::Update => "updating",
            Action::Replace => "replacing",
            Action::Delete => "deleting",
            Action::Adopt => "adopting",
            Action::Wait => "waiting for",
        }
    }

    /// What the step has brought about: `ready`, `gone`.
    pub fn done(self) -> &'static str {
        match self {
            Action::Create | Action::Wait => "ready",
            Action::Update => "updated",
            Action::Replace => "replaced",
            Action::Delete => "gone",
            Action::Adopt => "adopted",
        }
    }

    /// The step as an attempt: `could not create`.
    pub fn attempt(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Replace => "replace",
            Action::Delete => "delete",
            Action::Adopt => "adopt",
            Action::Wait => "wait for",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_object_named_by_its_event_field() {
        let event = Event::StepDone {
            address: Address::new("subnet", "public-1a"),
            action: Action::Create,
            id: Some("subnet-1".to_owned()),
            awaited: true,
            milliseconds: 1250,
        };
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"event":"step_done","address":"subnet.public-1a","action":"create","id":"subnet-1","awaited":true,"milliseconds":1250}"#
        );
    }

    #[test]
    fn the_first_text_of_the_outputs_is_the_id() {
        let outputs = serde_json::json!({"count": 1, "vpc_id": "vpc-1", "name": "main"});
        assert_eq!(id_of(&outputs).as_deref(), Some("vpc-1"));
        assert_eq!(id_of(&serde_json::json!({})), None);
    }
}
