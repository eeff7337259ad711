//! How well does an object that is there fit what the stack wants in its place?

use std::sync::Arc;

use serde_json::Value;

use crate::resource::{
    Address, AnyLookup, AnyResource, CallError, Change, Cloud, Effect, Known, Observed,
};

/// How ill an object fits: gone is worst, then fields that would take a new one, then fields that change in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fit {
    gone: bool,
    /// How many fields differ that can't be changed in place.
    pub replacing: usize,
    fields: usize,
}

/// Judges one.
pub fn fit(wanted: &Arc<dyn AnyResource>, seen: Option<&Observed>, known: &Known) -> Fit {
    let Some(seen) = seen else {
        return Fit {
            gone: true,
            replacing: 0,
            fields: 0,
        };
    };
    Fit::of(&by_its_name(wanted, seen, known).diff(seen, None, known))
}

impl Fit {
    /// By what differs.
    pub fn of(change: &Change) -> Self {
        Fit {
            gone: false,
            replacing: replacing(change),
            fields: change.fields.len(),
        }
    }
}

fn replacing(change: &Change) -> usize {
    let fields = change.fields.iter();
    fields
        .filter(|field| field.effect == Effect::Replace)
        .count()
}

/// The wanted resource by the name that the object has, where that is a successor's.
pub fn by_its_name(
    wanted: &Arc<dyn AnyResource>,
    seen: &Observed,
    known: &Known,
) -> Arc<dyn AnyResource> {
    let plain = replacing(&wanted.diff(seen, None, known));
    if plain == 0 {
        return wanted.clone();
    }
    let named = wanted.unique_name().into_iter();
    named
        .flat_map(|name| name.candidates().collect::<Vec<_>>())
        .map(|name| wanted.renamed(name))
        .find(|renamed| replacing(&renamed.diff(seen, None, known)) < plain)
        .unwrap_or_else(|| wanted.clone())
}

/// Reads a single object.
pub async fn read_one(
    cloud: &dyn Cloud,
    address: &Address,
    resource: &Arc<dyn AnyResource>,
    outputs: &Value,
    known: &Known,
) -> Result<Option<Observed>, CallError> {
    let lookup = AnyLookup {
        address: address.clone(),
        resource: resource.clone(),
        outputs: outputs.clone(),
        waiting: false,
    };
    let seen = cloud
        .read(address.kind(), std::slice::from_ref(&lookup), known)
        .await?;
    Ok(seen.into_iter().next().flatten())
}
