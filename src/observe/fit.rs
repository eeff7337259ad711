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
    let named = by_its_successor_s_name(wanted, seen, known);
    Fit::of(&named.as_ref().unwrap_or(wanted).diff(seen, None, known))
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
fn by_its_successor_s_name(
    wanted: &Arc<dyn AnyResource>,
    seen: &Observed,
    known: &Known,
) -> Option<Arc<dyn AnyResource>> {
    let plain = replacing(&wanted.diff(seen, None, known));
    if plain == 0 {
        return Some(wanted.clone());
    }
    let name = wanted.unique_name()?;
    name.candidates()
        .map(|name| wanted.renamed(name))
        .find(|renamed| replacing(&renamed.diff(seen, None, known)) < plain)
}

/// What is wanted, by the name that an object has.
#[derive(Clone, Debug)]
pub struct Named {
    /// The resource by that name.
    pub resource: Arc<dyn AnyResource>,
    /// The unique name that the stack wants, where the object has one of its own.
    pub stands_for: Option<String>,
}

impl Named {
    /// The wanted resource by the name that the object has: a successor's, or one of its own that `is_ours` takes for
    /// the wanted one. AWS can change none of them (aws-behaviour §2).
    pub fn of(
        wanted: &Arc<dyn AnyResource>,
        seen: &Observed,
        known: &Known,
        is_ours: impl Fn(&str) -> bool,
    ) -> Self {
        let plainly = |resource: &Arc<dyn AnyResource>| Named {
            resource: resource.clone(),
            stands_for: None,
        };
        if let Some(resource) = by_its_successor_s_name(wanted, seen, known) {
            return plainly(&resource);
        }
        let Some(name) = wanted.unique_name().map(|unique| unique.name) else {
            return plainly(wanted);
        };
        let change = wanted.diff(seen, None, known);
        let own = change
            .fields
            .iter()
            .find(|field| field.effect == Effect::Replace && field.new == name);
        match own {
            Some(own) if is_ours(&name) => Named {
                resource: wanted.renamed(own.old.clone()),
                stands_for: Some(name),
            },
            _ => plainly(wanted),
        }
    }
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
