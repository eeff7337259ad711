//! What does navi remember of a stack? The state as it is kept in memory and in the snapshot.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Intent, Sequence, StateError};
use crate::resource::{Address, Edge, Known, Protection, edges_in, id_of};

/// The form of snapshot and journal that this navi writes. A newer one is refused, never rewritten; an
/// older one is read and written on in this form. 2 added the entries `moved`, `adopted` and `protected`, 3 what was
/// given back.
pub const FORMAT_VERSION: u32 = 3;

/// Everything that navi knows of one stack.
///
/// Only [`State::apply`] changes it, while a run goes on and when the journal is read back alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The form it is written in, [`FORMAT_VERSION`].
    pub version: u32,
    /// Made at the stack's first run and never changed: a journal of another lineage is not ours.
    pub lineage: String,
    /// Counts the snapshots written.
    pub serial: u64,
    /// The stack's name.
    pub stack: String,
    /// The last journal entry that this state contains.
    pub sequence: Sequence,
    /// Where the stack lives; unknown until the first run has asked AWS.
    pub identity: Option<Identity>,
    /// The availability zones chosen at the first run, so that a new zone of AWS's moves no subnet.
    pub zones: Vec<String>,
    /// What may neither be replaced nor removed, as the last `up` read it in the stack file.
    #[serde(default)]
    pub protection: Protection,
    /// The run under way, or the one that was cut off.
    pub run: Option<Run>,
    /// What exists.
    pub resources: BTreeMap<Address, Record>,
    /// What was begun and has no outcome yet. Recovery settles it.
    pub pending: BTreeMap<Address, Pending>,
    /// Creates whose fate stayed unknown.
    pub unresolved: BTreeMap<Address, Unresolved>,
    /// What was the stack's and is its owner's again. Whatever its tags say, it is never found as the stack's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_back: Vec<GivenBack>,
}

/// The account and region a stack lives in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// AWS account ID.
    pub account: String,
    /// AWS region.
    pub region: String,
    /// The endpoint, when it is not AWS's own. For people; an emulator's port changes.
    pub endpoint: Option<String>,
}

/// One run of a command that changes the stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Its ID.
    pub id: String,
    /// The command, such as `up`.
    pub command: String,
    /// When it wrote its first entry, in milliseconds since 1970.
    pub began: u64,
}

/// One resource that exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What AWS was asked for. The edges are in it.
    pub spec: Value,
    /// What AWS answered: IDs, ARNs, DNS names.
    pub outputs: Value,
    /// How far it is.
    pub status: Status,
    /// The token of the create that made it. Empty for a lookup, which nobody made.
    pub token: String,
    /// Whether the stack only looks it up: then it is never changed or deleted.
    pub lookup: bool,
    /// The unique name that the stack wanted when it took over an object of another name, which can't be changed and
    /// is kept for as long as the stack wants the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<String>,
}

impl Record {
    /// What it depends on, read off its spec.
    pub fn edges(&self) -> Vec<Edge> {
        edges_in(&self.spec)
    }
}

/// How far a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The create call returned; it may be unusable or unfinished.
    Created,
    /// It was usable when last seen.
    Ready,
    /// A delete was begun; it may still be there.
    Deleting,
}

/// A step that was begun and has no outcome yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// The journal entry that began it.
    pub sequence: Sequence,
    /// What it is about to do.
    pub intent: Intent,
    /// When it was begun, in milliseconds since 1970. Only recovery's patience depends on it.
    pub at: u64,
}

/// A create that AWS may or may not have carried out. The next attempt with an equal spec uses the
/// token again, so that AWS, or a look by tag, can tell that it is the same one (aws-behaviour §2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unresolved {
    /// The token that the create carried.
    pub token: String,
    /// What it asked for.
    pub spec: Value,
    /// When it was begun, in milliseconds since 1970.
    pub at: u64,
}

/// An object that was the stack's until its owner took it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenBack {
    /// Where it was recorded.
    pub address: Address,
    /// What AWS answered; null for a create whose fate was unknown.
    pub outputs: Value,
    /// The token of the create that made it; empty where nothing tells.
    pub token: String,
    /// Whether the stack's tags may still be on it.
    pub tagged: bool,
}

impl GivenBack {
    /// Its ID, where one is known.
    pub fn id(&self) -> Option<String> {
        id_of(&self.outputs)
    }

    /// Whether the stack's tags can be taken off it, and may still be on.
    pub fn is_to_be_untagged(&self) -> bool {
        self.tagged && !self.outputs.is_null()
    }

    /// Whether it is the object of this kind with these outputs and this token. What takes no tags has no ID of its own,
    /// only that of what holds it: there `address` tells.
    pub fn is(&self, kind: &str, outputs: &Value, token: &str, address: Option<&Address>) -> bool {
        let same_token = !token.is_empty() && self.token == token;
        let same_id = self.id().is_some_and(|id| id_of(outputs) == Some(id));
        self.address.kind() == kind
            && (same_token || same_id)
            && address.is_none_or(|address| *address == self.address)
    }
}

impl State {
    /// The state of a stack that has none: a new lineage, nothing recorded.
    pub fn new(stack: &str) -> Self {
        State {
            version: FORMAT_VERSION,
            lineage: new_token(),
            serial: 0,
            stack: stack.to_owned(),
            sequence: Sequence::default(),
            identity: None,
            zones: Vec::new(),
            protection: Protection::Nothing,
            run: None,
            resources: BTreeMap::new(),
            pending: BTreeMap::new(),
            unresolved: BTreeMap::new(),
            given_back: Vec::new(),
        }
    }

    /// Whether nothing of the stack is left: nothing exists, and of nothing is it unknown.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.pending.is_empty() && self.unresolved.is_empty()
    }

    /// The outputs of everything that exists, for specs to refer to.
    pub fn known(&self) -> Known {
        let mut known = Known::default();
        for (address, record) in &self.resources {
            known.insert(address.clone(), record.outputs.clone());
        }
        known
    }

    /// The token for creating `spec` at `address`: that of an unresolved create of an equal spec,
    /// else a new one. A token must not serve two different creates (aws-behaviour §2).
    pub fn token_for(&self, address: &Address, spec: &Value) -> String {
        match self.unresolved.get(address) {
            Some(unresolved) if unresolved.spec == *spec => unresolved.token.clone(),
            _ => new_token(),
        }
    }

    /// Refuses to work on another account's or region's stack. A stack that never ran fits any.
    pub fn check_identity(&self, account: &str, region: &str) -> Result<(), StateError> {
        match &self.identity {
            Some(recorded) if recorded.account != account || recorded.region != region => {
                Err(StateError::OtherIdentity {
                    stack: self.stack.clone(),
                    recorded: Box::new(recorded.clone()),
                    account: account.to_owned(),
                    region: region.to_owned(),
                })
            }
            _ => Ok(()),
        }
    }
}

/// A token that no other create has: 32 characters of hexadecimal, which every API's
/// token field takes (aws-behaviour §2: ACM allows 32, ECS 36).
pub fn new_token() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// The wall clock, in milliseconds since 1970. A clock before 1970 counts as 1970.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_equal_spec_uses_the_unresolved_token_again_and_another_does_not() {
        let mut state = State::new("demo");
        let address = Address::new("vpc", "main");
        let spec = json!({"cidr": "10.0.0.0/16", "tags": {"a": "1"}});
        state.unresolved.insert(
            address.clone(),
            Unresolved {
                token: "t1".into(),
                spec: spec.clone(),
                at: 0,
            },
        );
        assert_eq!(state.token_for(&address, &spec), "t1");
        let other = state.token_for(&address, &json!({"cidr": "10.1.0.0/16"}));
        assert_ne!(other, "t1");
        assert_eq!(other.len(), 32);
        assert!(other.chars().all(|c| c.is_ascii_hexdigit()));
    }

    #[test]
    fn another_account_or_region_is_refused_and_both_are_named() {
        let mut state = State::new("demo");
        state.check_identity("111111111111", "eu-west-1").unwrap();
        state.identity = Some(Identity {
            account: "111111111111".into(),
            region: "eu-west-1".into(),
            endpoint: None,
        });
        state.check_identity("111111111111", "eu-west-1").unwrap();
        for (account, region) in [("222222222222", "eu-west-1"), ("111111111111", "us-east-1")] {
            let message = state
                .check_identity(account, region)
                .unwrap_err()
                .to_string();
            for named in ["111111111111", "eu-west-1", account, region] {
                assert!(message.contains(named), "{message}");
            }
        }
    }
}
