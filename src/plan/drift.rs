//! What did others change or delete since the last run? What AWS has, against what navi had made.

use serde::Serialize;

use super::recorded::Recorded;
use crate::observe::Observation;
use crate::resource::{Address, FieldChange, Known};
use crate::state::Status;

/// One resource that is not as the last run left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// Which.
    pub address: Address,
    /// Whether it is gone altogether.
    pub gone: bool,
    /// The fields that somebody changed: `old` is what AWS has, `new` what navi had made.
    pub fields: Vec<FieldChange>,
}

/// Everything that others changed, in the order of the addresses. What is looked up is theirs to change,
/// and what no run has finished yet differs by navi's own doing.
pub fn drift(observation: &Observation, recorded: &Recorded) -> Vec<Drift> {
    let mut known = Known::default();
    for (address, record, _) in recorded.iter() {
        known.insert(address.clone(), record.outputs.clone());
    }
    recorded
        .iter()
        .filter(|(address, record, _)| {
            record.status == Status::Ready
                && !record.lookup
                && !observation.trusted.contains(address)
        })
        .filter_map(|(address, record, resource)| {
            let mut drift = Drift {
                address: address.clone(),
                gone: false,
                fields: Vec::new(),
            };
            match observation.seen.get(address) {
                None => drift.gone = true,
                Some(seen) => {
                    let change = resource.diff(seen, Some(&record.spec), &known);
                    drift.fields = change.fields;
                    drift.fields.retain(|field| !field.condition);
                }
            }
            (drift.gone || !drift.fields.is_empty()).then_some(drift)
        })
        .collect()
}
