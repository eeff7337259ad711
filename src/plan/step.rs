//! What is one step of a plan?

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::resource::{Address, AnyResource, Change, Observed};

/// What is done to one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Make it.
    Create,
    /// Change it in place.
    Update,
    /// Make a successor beside it, because some field can't be changed in place. The old object, deposed,
    /// has a step of its own in which it goes.
    Replace,
    /// Remove it.
    Delete,
    /// It exists, but was not usable when it was last looked at: wait.
    Wait,
    /// It is only looked up: note its outputs.
    LookUp,
    /// It is as wanted, but was recorded with another spec, whose edges would order its removal:
    /// note the new one.
    Record,
    /// It was only looked up and is no longer wanted: forget it, touching nothing.
    Forget,
    /// Nothing.
    Noop,
}

/// Why a step is in the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "because")]
pub enum Reason {
    /// The stack wants it and there is none.
    Missing,
    /// It was there at the last run and is not any more.
    Vanished,
    /// Its removal had begun and has to be finished first.
    RemovalBegun,
    /// Some fields differ; see the step's change.
    Differs,
    /// It can serve only one at a time, and the successor of this one needs one of its own.
    Exclusive {
        /// Whose successor.
        to: Address,
    },
    /// Its successor has taken its address.
    Succeeded,
    /// It leads to what is old and what is new, or stands behind both, until traffic has moved.
    HandsOver,
    /// It is not usable yet.
    NotReady {
        /// What it waits for.
        why: String,
    },
    /// The stack no longer wants it.
    NotWanted,
    /// The whole stack is to go.
    Down,
    /// All is as wanted.
    AsWanted,
}

/// One step. Steps of one plan have different addresses.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is worked on.
    pub address: Address,
    /// What is done to it.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// Which fields differ; empty for all but updates and replacements.
    pub change: Change,
    /// The wanted resource, or the recorded one when it is to go.
    pub resource: Arc<dyn AnyResource>,
    /// The outputs, when it exists.
    pub outputs: Option<Value>,
    /// What AWS has, when it was seen.
    pub seen: Option<Observed>,
    /// The recorded resource that must be gone before this one is made ([`Reason::RemovalBegun`]).
    pub remove_first: Option<Arc<dyn AnyResource>>,
    /// Where the old object is recorded while its successor is made. For a replacement.
    pub deposes: Option<Address>,
    /// What somebody outside may notice of it, in words.
    pub notice: Option<String>,
}

impl Step {
    /// Whether the step does anything at all.
    pub fn acts(&self) -> bool {
        self.action != Action::Noop
    }

    /// Whether the step changes anything in the account.
    pub fn mutates(&self) -> bool {
        matches!(
            self.action,
            Action::Create | Action::Update | Action::Replace | Action::Delete
        )
    }
}
