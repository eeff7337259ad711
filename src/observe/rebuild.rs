//! What does AWS have of a stack that its state doesn't know? Everything that carries its tags, and what hangs on that.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::try_join_all;
use serde_json::Value;

use super::ObserveError;
use super::fit::{Named, fit, read_one};
use crate::graph::ResourceGraph;
use crate::resource::{
    Address, AnyFound, AnyLookup, AnyResource, CallError, Cloud, Known, Observed, Readiness,
    Remains, STACK_TAG, id_of,
};
use crate::state::State;

/// One object of the stack, as it is to be recorded.
#[derive(Clone, Debug)]
pub struct Rebuilt {
    /// Where.
    pub address: Address,
    /// What it is taken for: what the stack file wants there, or what its removal needs.
    pub resource: Arc<dyn AnyResource>,
    /// Its outputs.
    pub outputs: Value,
    /// The token of the create that made it.
    pub token: String,
    /// Whether it is usable and, where the stack file wants it, as wanted.
    pub ready: bool,
    /// The unique name that the stack wants, where the object was adopted with one of its own.
    pub stands_for: Option<String>,
}

/// Finds everything of the stack that `state` doesn't record, but for what it gave back. What says the address of a recorded object, and is
/// another one, is taken for deposed: a create that AWS carried out after everybody had stopped looking. With the stack file's graph at hand each object is taken for what is
/// wanted at its address, so that a plan shows what differs; without it, or for what isn't wanted, for
/// what its removal needs.
pub async fn rebuild(
    cloud: &dyn Cloud,
    stack: &str,
    desired: Option<&ResourceGraph>,
    state: &State,
) -> Result<Vec<Rebuilt>, ObserveError> {
    cloud.begin_sweep();
    let wanted = wanted_by_kind(desired);
    let found = find(cloud, stack, &wanted, state).await?;
    let placed = place(cloud, found, desired, state).await?;
    let mut remains = Remains::default();
    let mut known = Known::default();
    for (address, found) in &placed {
        remains.add(address.clone(), found.clone());
        known.insert(address.clone(), found.outputs.clone());
    }
    let mut resources: BTreeMap<Address, Arc<dyn AnyResource>> = BTreeMap::new();
    for (address, found) in &placed {
        let wanted = desired.and_then(|graph| graph.get(address));
        let remnant = || {
            let remnant = cloud.remnant(found, address, &remains);
            remnant.map_err(|source| ObserveError::Decode {
                address: address.clone(),
                source,
            })
        };
        let resource = match wanted {
            // By what it carries it is another's, which the file doesn't know: a zone that holds records of the stack.
            Some(node) if !node.resource.is_lookup() && !found.tags.contains_key(STACK_TAG) => {
                let remnant = remnant()?;
                match remnant.is_lookup() {
                    true => remnant,
                    false => node.resource.clone(),
                }
            }
            Some(node) => node.resource.clone(),
            None => remnant()?,
        };
        resources.insert(address.clone(), resource);
    }
    let seen = look(cloud, &placed, &resources, &known).await?;
    Ok(placed
        .into_iter()
        .filter(|(address, _)| !is_taken(state, address))
        .filter_map(|(address, found)| {
            let mut resource = resources.remove(&address)?;
            if resource.is_lookup() {
                // The stack file's own lookups are made anew by every run.
                let of_others = desired.is_none_or(|graph| graph.get(&address).is_none());
                return of_others.then_some(Rebuilt {
                    outputs: found.outputs,
                    address,
                    resource,
                    token: String::new(),
                    ready: true,
                    stands_for: None,
                });
            }
            // One that is going, or went meanwhile.
            let seen = seen.get(&address)?;
            let mut ready = matches!(resource.readiness(seen), Readiness::Ready);
            let mut stands_for = None;
            if desired.is_some_and(|graph| graph.get(&address).is_some()) {
                // Its tags say what it is, whatever its name.
                let named = Named::of(&resource, seen, &known, |_| true);
                (resource, stands_for) = (named.resource, named.stands_for);
                // What differs is still to be set: nobody knows whether others changed it, or the file.
                ready &= resource.diff(seen, None, &known).is_empty();
            }
            Some(Rebuilt {
                outputs: resource.outputs(seen),
                ready,
                token: found.token(),
                address,
                resource,
                stands_for,
            })
        })
        .collect())
}

type Wanted = BTreeMap<&'static str, Vec<Arc<dyn AnyResource>>>;

fn wanted_by_kind(desired: Option<&ResourceGraph>) -> Wanted {
    let mut wanted = Wanted::new();
    for node in desired.iter().flat_map(|graph| graph.in_order()) {
        let of_kind = wanted.entry(node.resource.kind()).or_default();
        of_kind.push(node.resource.clone());
    }
    wanted
}

/// All kinds at once: what carries tags, then what is found through that.
async fn find(
    cloud: &dyn Cloud,
    stack: &str,
    wanted: &Wanted,
    state: &State,
) -> Result<Vec<AnyFound>, CallError> {
    const NONE: &[Arc<dyn AnyResource>] = &[];
    let of = |kind: &str| wanted.get(kind).map_or(NONE, Vec::as_slice);
    let kinds = cloud.kinds();
    let tagged = kinds.iter().map(|kind| cloud.tagged(kind, stack, of(kind)));
    let tagged = try_join_all(tagged).await?.into_iter().flatten();
    // Before anything is looked for through it.
    let mut found: Vec<AnyFound> = tagged
        .filter(|found| !is_given_back(state, found))
        .collect();
    let mut remains = Remains::default();
    for found in &found {
        if let Some(address) = found.address() {
            remains.add(address, found.clone());
        }
    }
    if found.is_empty() {
        return Ok(found);
    }
    let attached = kinds
        .iter()
        .map(|kind| cloud.attached(kind, stack, of(kind), &remains));
    let attached = try_join_all(attached).await?.into_iter().flatten();
    found.extend(attached.filter(|found| !is_given_back(state, found)));
    Ok(found)
}

/// Whether the object went back to its owner: whatever its tags say, it is not the stack's.
fn is_given_back(state: &State, found: &AnyFound) -> bool {
    let address = found.name.as_ref().and_then(|_| found.address());
    let token = found.token();
    let mut given_back = state.given_back.iter();
    given_back.any(|given| given.is(found.kind, &found.outputs, &token, address.as_ref()))
}

/// Whether the state has something at the address.
fn is_taken(state: &State, address: &Address) -> bool {
    state.resources.contains_key(address) || state.pending.contains_key(address)
}

/// Where the state records the object.
fn recorded_at(state: &State, found: &AnyFound) -> Option<Address> {
    let id = found.id();
    let is_it = |address: &Address| {
        let record = state.resources.get(address);
        record.is_some_and(|record| id_of(&record.outputs) == id)
    };
    let own = found.address().filter(is_it);
    // One that was moved since, or deposed. What takes no tags has no ID of its own to tell it by.
    own.or_else(|| {
        let mut addresses = state.resources.keys();
        let tagged = found.name.is_none() && id.is_some();
        let moved = addresses.find(|address| address.kind() == found.kind && is_it(address));
        moved.filter(|_| tagged).cloned()
    })
}

/// Gives each object its address. A recorded one has that of its record. Where two others say the same one (a
/// replacement that was cut off), the one that fits what is wanted best has it, unless the state records something
/// there, and the rest are deposed, to be removed.
async fn place(
    cloud: &dyn Cloud,
    found: Vec<AnyFound>,
    desired: Option<&ResourceGraph>,
    state: &State,
) -> Result<BTreeMap<Address, AnyFound>, CallError> {
    let mut placed: BTreeMap<Address, AnyFound> = BTreeMap::new();
    let mut candidates: BTreeMap<Address, Vec<AnyFound>> = BTreeMap::new();
    let mut known = Known::default();
    for found in found {
        if let Some(recorded) = recorded_at(state, &found) {
            known.insert(recorded.clone(), found.outputs.clone());
            placed.insert(recorded, found);
        } else if let Some(address) = found.address() {
            candidates.entry(address).or_default().push(found);
        }
    }
    for (address, found) in &candidates {
        if let ([only], false) = (found.as_slice(), is_taken(state, address)) {
            known.insert(address.clone(), only.outputs.clone());
        }
    }
    // Dependencies first: what a candidate should lead to is settled before it is judged.
    let wanted: Vec<Address> = desired
        .iter()
        .flat_map(|graph| graph.in_order())
        .map(|node| node.address.clone())
        .filter(|address| !is_taken(state, address))
        .collect();
    for address in &wanted {
        let Some(several) = candidates.get_mut(address).filter(|found| found.len() > 1) else {
            continue;
        };
        let Some(node) = desired.and_then(|graph| graph.get(address)) else {
            continue;
        };
        let fits = try_join_all(several.iter().map(async |found| {
            let seen = read_one(cloud, address, &node.resource, &found.outputs, &known).await?;
            Ok::<_, CallError>(fit(&node.resource, seen.as_ref(), &known))
        }))
        .await?;
        let mut judged: Vec<_> = fits.into_iter().zip(std::mem::take(several)).collect();
        judged.sort_by_key(|(fit, _)| *fit);
        several.extend(judged.into_iter().map(|(_, found)| found));
        known.insert(address.clone(), several[0].outputs.clone());
    }
    for (address, found) in candidates {
        let mut found = found.into_iter();
        if !is_taken(state, &address)
            && let Some(current) = found.next()
        {
            placed.insert(address.clone(), current);
        }
        for old in found {
            let is_there = |taken: &Address| placed.contains_key(taken) || is_taken(state, taken);
            let deposed = address.deposed(is_there);
            placed.insert(deposed, old);
        }
    }
    Ok(placed)
}

/// One batched read per kind, as in any sweep.
async fn look(
    cloud: &dyn Cloud,
    placed: &BTreeMap<Address, AnyFound>,
    resources: &BTreeMap<Address, Arc<dyn AnyResource>>,
    known: &Known,
) -> Result<BTreeMap<Address, Observed>, CallError> {
    let mut batches: BTreeMap<&str, Vec<AnyLookup>> = BTreeMap::new();
    for (address, found) in placed {
        let resource = &resources[address];
        if !resource.is_lookup() {
            batches.entry(address.kind()).or_default().push(AnyLookup {
                address: address.clone(),
                resource: resource.clone(),
                outputs: found.outputs.clone(),
                waiting: false,
            });
        }
    }
    super::read(cloud, &batches, known).await
}
