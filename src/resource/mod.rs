//! What is a resource, how does one name another, what can go wrong? The vocabulary every other room speaks.
//! This room imports no other room of navi.

mod address;
mod call_count;
mod cause;
mod change;
mod changing;
mod confidential;
mod contract;
mod diagnosis;
mod erased;
mod error;
mod findable;
mod known;
mod permission;
mod protection;
mod reference;
mod rollout;
mod selector;
mod succession;

pub use address::{Address, AddressError};
pub use call_count::CallCount;
pub use cause::Cause;
pub use change::{Change, Effect, FieldChange, Readiness, TagMap, UNKNOWN_UNTIL_APPLIED};
pub use changing::Changing;
pub use confidential::Confidential;
pub use contract::{Bridge, Context, Holder, Lookup, Resource, Timing};
pub use diagnosis::{Diagnosis, LogExcerpt};
pub use erased::{
    AnyBridge, AnyContext, AnyLookup, AnyResource, BoxFuture, Cloud, DecodeError, Observed,
    dispatch,
};
pub use error::{CallError, Certainty, ErrorClass, Leftover, StepError};
pub use findable::{
    ADDRESS_TAG, AnyFound, Findable, Found, OPERATION_TAG, OWN_TAGS, Remains, STACK_TAG, Search,
    id_of,
};
pub use known::Known;
pub use permission::{Aim, Conditions, Permission, Permissions, Permitted, Scope, Territory};
pub use protection::Protection;
pub use reference::{Edge, Gate, OnDelete, Ref, edges_in, redirect};
pub use rollout::{RolloutCounts, RolloutProgress};
pub use selector::{NothingSelected, Selector, is_of_service, select};
pub use succession::UniqueName;
