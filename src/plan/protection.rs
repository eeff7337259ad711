//! Which steps of a plan replace or remove what is protected?

use std::fmt;

use serde::Serialize;

use super::planner::Plan;
use super::step::{Action, Reason, Step};
use super::values::readable;
use crate::resource::{Address, Effect, FieldChange, Protection};

/// A step that may not be carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// What is protected.
    pub address: Address,
    /// What the step would do.
    pub action: Action,
    /// Why it would.
    pub reason: Reason,
    /// The fields that need a new one.
    pub fields: Vec<FieldChange>,
}

/// The steps that may not be carried out, in the order of their addresses. Of a limited plan, only those in it.
pub fn refused(plan: &Plan, protection: &Protection) -> Vec<Refused> {
    let mut refused: Vec<Refused> = plan
        .steps
        .iter()
        .filter(|step| takes_away(step) && protection.covers(&step.address))
        .map(|step| Refused {
            address: step.address.clone(),
            action: step.action,
            reason: step.reason.clone(),
            fields: step
                .change
                .fields
                .iter()
                .filter(|field| field.effect == Effect::Replace)
                .cloned()
                .collect(),
        })
        .collect();
    refused.sort_by(|one, other| one.address.cmp(&other.address));
    refused
}

/// Whether the object at the address goes, at once or once its successor does its work. One that was only
/// looked up stays; one that vanished is gone already.
fn takes_away(step: &Step) -> bool {
    match step.action {
        Action::Replace | Action::Delete => true,
        Action::Create => step.remove_first.is_some(),
        Action::Update
        | Action::Wait
        | Action::LookUp
        | Action::Record
        | Action::Forget
        | Action::Noop => false,
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.action {
            Action::Replace => "replaced",
            Action::Create => "removed and made again",
            _ => "removed",
        };
        write!(formatter, "{} would be {what}", self.address)?;
        match &self.reason {
            Reason::NotWanted => write!(formatter, ": it is no longer in the stack file"),
            Reason::RemovalBegun => write!(formatter, ": its removal had begun"),
            Reason::Exclusive { to } => {
                write!(formatter, ": the new {to} needs one of its own")
            }
            _ => {
                let fields: Vec<String> = self
                    .fields
                    .iter()
                    .map(|field| {
                        let (old, new) = (readable(&field.old), readable(&field.new));
                        format!("{} {old} → {new}", field.field)
                    })
                    .collect();
                match fields.is_empty() {
                    true => Ok(()),
                    false => write!(formatter, ": {}", fields.join(", ")),
                }
            }
        }
    }
}
