//! What is written to the journal? One entry per fact, in the order in which they became true.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Identity;
use crate::resource::{Address, CallError, Certainty, ErrorClass, Leftover, Protection, StepError};

/// The number of a journal entry. Without gaps over the whole life of a stack.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Sequence(u64);

impl Sequence {
    /// The number after this one.
    pub fn next(self) -> Self {
        Sequence(self.0 + 1)
    }
}

impl From<u64> for Sequence {
    fn from(number: u64) -> Self {
        Sequence(number)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// An entry with its number and time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamped {
    /// Its number.
    pub sequence: Sequence,
    /// When it was written, in milliseconds since 1970. The order is told by `sequence` alone.
    pub at: u64,
    /// The fact.
    pub entry: Entry,
}

/// One fact. What each does to the state is in `transition.rs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// A run that changes something has begun.
    RunBegan {
        /// Its ID.
        run: String,
        /// The command, `up` or `down`.
        command: String,
        /// The stack, so that a journal can't be taken for another stack's.
        stack: String,
        /// The version of the navi that wrote it.
        navi_version: String,
    },
    /// The account and region are known.
    Identified(Identity),
    /// The availability zones are chosen.
    Zones {
        /// Their names, in order.
        zones: Vec<String>,
    },
    /// What may neither be replaced nor removed from here on.
    Protected {
        /// All of it; what was protected before and is not in it no longer is.
        what: Protection,
    },
    /// A call that changes the resource is about to be made.
    Intent {
        /// The resource.
        address: Address,
        /// What is about to be done.
        intent: Intent,
    },
    /// What came of an intent.
    Outcome {
        /// The entry that holds the intent.
        intent: Sequence,
        /// What came of it.
        outcome: Outcome,
    },
    /// The resource is usable.
    Ready {
        /// The resource.
        address: Address,
        /// Its outputs as last read.
        outputs: Value,
    },
    /// A resource that the stack doesn't own was found.
    LookedUp {
        /// The resource.
        address: Address,
        /// How it was looked up.
        spec: Value,
        /// Its outputs.
        outputs: Value,
    },
    /// The resource is navi's no more: it is gone without navi's doing, or only was looked up.
    Forgotten {
        /// The resource.
        address: Address,
    },
    /// The object is its owner's again, and is remembered as such. Its tags may still be on it: it is the intent to
    /// take them off.
    GivenBack {
        /// Where it was recorded.
        address: Address,
    },
    /// The stack's tags are off an object that was given back.
    Untagged {
        /// Where it was recorded.
        address: Address,
        /// Its ID.
        id: Option<String>,
    },
    /// An object that no run recorded is the stack's from here on: its tags say so, or its owner does.
    Adopted {
        /// Its address.
        address: Address,
        /// What it is taken for. The next diff tells what differs.
        spec: Value,
        /// Its outputs.
        outputs: Value,
        /// The token of the create that made it; empty where nothing tells.
        token: String,
        /// Whether it was usable when it was found.
        ready: bool,
        /// The unique name that the stack wants, where the object has another one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stands_for: Option<String>,
    },
    /// The object is known by another address from here on, and every spec that referred to it says so:
    /// it makes room for its successor, or the stack file calls it by another name.
    Moved {
        /// Where it was recorded.
        from: Address,
        /// Where it is recorded now.
        to: Address,
    },
    /// The run ended by itself, well or not.
    RunEnded {
        /// Its ID.
        run: String,
    },
}

/// What is about to be done to a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Intent {
    /// Make it.
    Create {
        /// The token that the call carries. See [`super::State::token_for`].
        token: String,
        /// What AWS is asked for.
        spec: Value,
    },
    /// Change it in place.
    Update {
        /// The token that the call carries.
        token: String,
        /// The new spec. It counts once the update is done.
        spec: Value,
    },
    /// Remove it.
    Delete,
}

impl Intent {
    /// The verb, for messages.
    pub fn verb(&self) -> &'static str {
        match self {
            Intent::Create { .. } => "create",
            Intent::Update { .. } => "update",
            Intent::Delete => "delete",
        }
    }
}

/// What came of an intent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// AWS did it. For a create or an update.
    Done {
        /// The outputs.
        outputs: Value,
        /// Whether it is usable already.
        ready: bool,
    },
    /// The resource is gone. For a delete.
    Gone,
    /// A call failed.
    Failed {
        /// Which, and how.
        failure: Failure,
        /// What it left in the account.
        leftover: Leftover,
    },
    /// Nothing came of it, as far as a look can tell: no call was made, or nothing of it is found.
    NotApplied,
}

impl Outcome {
    /// The outcome of a step that failed.
    pub fn failed(error: &StepError) -> Self {
        Outcome::Failed {
            failure: Failure::from(&error.source),
            leftover: error.leftover.clone(),
        }
    }
}

/// A failed call, as far as it may be kept. AWS's free text is left out: it can quote what was sent
/// (a `SignatureDoesNotMatch` quotes the signed headers, the session token among them).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Service and operation, `ec2:CreateVpc`.
    pub operation: String,
    /// AWS's error code, when it answered.
    pub code: Option<String>,
    /// AWS's request ID, when it answered.
    pub request_id: Option<String>,
    /// What the error asks for.
    pub class: ErrorClass,
    /// Whether the call may have had its effect.
    pub certainty: Certainty,
}

impl From<&CallError> for Failure {
    fn from(error: &CallError) -> Self {
        Failure {
            operation: error.operation.clone(),
            code: error.code.clone(),
            request_id: error.request_id.clone(),
            class: error.class,
            certainty: error.certainty,
        }
    }
}

/// The entry's name for messages. Specs and outputs are left out: they are long.
impl fmt::Display for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::RunBegan { command, .. } => {
                write!(formatter, "beginning of a run of `{command}`")
            }
            Entry::Identified(identity) => write!(
                formatter,
                "account {} in {}",
                identity.account, identity.region
            ),
            Entry::Zones { zones } => write!(formatter, "zones {}", zones.join(", ")),
            Entry::Protected { what } => write!(formatter, "protection {what}"),
            Entry::Intent { address, intent } => {
                write!(formatter, "intent to {} {address}", intent.verb())
            }
            Entry::Outcome { intent, outcome } => {
                let word = match outcome {
                    Outcome::Done { .. } => "done",
                    Outcome::Gone => "gone",
                    Outcome::Failed { .. } => "failed",
                    Outcome::NotApplied => "not applied",
                };
                write!(formatter, "outcome `{word}` of intent {intent}")
            }
            Entry::Ready { address, .. } => write!(formatter, "readiness of {address}"),
            Entry::LookedUp { address, .. } => write!(formatter, "lookup of {address}"),
            Entry::Forgotten { address } => write!(formatter, "forgetting of {address}"),
            Entry::GivenBack { address } => write!(formatter, "giving back of {address}"),
            Entry::Untagged { address, .. } => write!(formatter, "untagging of {address}"),
            Entry::Adopted { address, .. } => write!(formatter, "adoption of {address}"),
            Entry::Moved { from, to } => write!(formatter, "move of {from} to {to}"),
            Entry::RunEnded { .. } => write!(formatter, "end of a run"),
        }
    }
}
