//! What does AWS have of this stack? One batched sweep over everything recorded, plus the objects
//! that the stack only looks up.

mod adoption;
mod fit;
mod rebuild;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use serde_json::Value;
use tokio::time::sleep;

pub use adoption::{Candidate, Matching, Offered, candidate, known_before, match_offered};
pub use rebuild::{Rebuilt, rebuild};

use crate::graph::ResourceGraph;
use crate::resource::{
    Address, AnyContext, AnyLookup, AnyResource, CallError, Cloud, DecodeError, Known, Observed,
};
use crate::state::{State, Status};

/// What AWS has. The planner compares it with what the stack wants.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// Every recorded resource that is there.
    pub seen: BTreeMap<Address, Observed>,
    /// The outputs of the objects that the stack looks up, where there is such an object.
    pub found: BTreeMap<Address, Value>,
    /// Recorded resources that were not looked at: their records are taken at their word.
    pub trusted: BTreeSet<Address>,
}

/// A sweep that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// AWS refused a read.
    #[error("could not read what AWS has: {0}")]
    Call(#[from] CallError),
    /// The state holds something that this navi can't read.
    #[error("{address} in the state: {source}")]
    Decode {
        /// Whose record it is.
        address: Address,
        /// What is wrong with it.
        source: DecodeError,
    },
}

/// Decodes what is recorded, by address.
pub fn recorded_resources(
    cloud: &dyn Cloud,
    state: &State,
) -> Result<BTreeMap<Address, Arc<dyn AnyResource>>, ObserveError> {
    state
        .resources
        .iter()
        .map(|(address, record)| {
            let resource = cloud
                .decode(address.kind(), &record.spec)
                .map_err(|source| ObserveError::Decode {
                    address: address.clone(),
                    source,
                })?;
            Ok((address.clone(), resource))
        })
        .collect()
}

/// Reads everything that is recorded, all kinds at once and each kind in one batch, and looks up
/// what `desired` only looks up.
pub async fn observe(
    cloud: &dyn Cloud,
    desired: &ResourceGraph,
    recorded: &BTreeMap<Address, Arc<dyn AnyResource>>,
    state: &State,
    refresh: Refresh,
) -> Result<Observation, ObserveError> {
    cloud.begin_sweep();
    let trusted = match refresh {
        Refresh::All => BTreeSet::new(),
        Refresh::Changed => unchanged(desired, state),
    };
    let known = known(state);
    let mut batches: BTreeMap<&str, Vec<AnyLookup>> = BTreeMap::new();
    let mut lookups = Vec::new();
    for node in desired.in_order().filter(|node| node.resource.is_lookup()) {
        lookups.push((node.address.clone(), node.resource.clone()));
    }
    for (address, resource) in recorded {
        let wanted = desired.get(address).map(|node| &node.resource);
        if wanted.is_some_and(|wanted| wanted.is_lookup()) || trusted.contains(address) {
            continue;
        }
        batches.entry(address.kind()).or_default().push(AnyLookup {
            address: address.clone(),
            // The wanted spec, so that a read may leave out what the stack no longer asks about.
            resource: wanted.unwrap_or(resource).clone(),
            outputs: state.resources[address].outputs.clone(),
            waiting: false,
        });
    }
    let reads = present(cloud, state, batches, &known);
    let finds = try_join_all(lookups.iter().map(async |(address, resource)| {
        let context = AnyContext {
            address: address.clone(),
            token: String::new(),
            known: Arc::new(known.clone()),
            changing: Arc::default(),
            drain: false,
        };
        let found = cloud.find(&**resource, &context).await?;
        Ok::<_, CallError>(found.map(|outputs| (address.clone(), outputs)))
    }));
    let (seen, found) = tokio::try_join!(reads, finds)?;
    Ok(Observation {
        seen,
        found: found.into_iter().flatten().collect(),
        trusted,
    })
}

/// How much of what is recorded is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refresh {
    /// All of it.
    #[default]
    All,
    /// What the stack wants otherwise than it is recorded, what no run has finished, and what depends on
    /// either: there the difference has to be told exactly. The rest is as its record says.
    Changed,
}

/// What need not be looked at.
fn unchanged(desired: &ResourceGraph, state: &State) -> BTreeSet<Address> {
    let mut trusted: BTreeSet<Address> = BTreeSet::new();
    // Dependencies come first, so one pass reaches every dependent.
    for node in desired.in_order().filter(|node| !node.resource.is_lookup()) {
        let as_recorded = state.resources.get(&node.address).is_some_and(|record| {
            record.status == Status::Ready && !record.lookup && record.spec == node.resource.value()
        });
        let on_trusted = node.edges.iter().all(|edge| {
            trusted.contains(&edge.to)
                || desired
                    .get(&edge.to)
                    .is_some_and(|other| other.resource.is_lookup())
        });
        if as_recorded && on_trusted {
            trusted.insert(node.address.clone());
        }
    }
    trusted
}

/// How long to wait before looking again for what is recorded and does not show.
const LOOK_AGAIN_AFTER: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1500)];

/// What is there of all these. A recorded object that is missing from one read may only be too fresh
/// for it, or be shown again by the next (aws-behaviour §2, EC2 eventual consistency and flapping
/// reads). Believed gone it would be made a second time, and the first one lost: so it must be missing
/// three times. One that is being removed may be gone, and is not waited for.
async fn present(
    cloud: &dyn Cloud,
    state: &State,
    mut batches: BTreeMap<&str, Vec<AnyLookup>>,
    known: &Known,
) -> Result<BTreeMap<Address, Observed>, CallError> {
    let mut seen = read(cloud, &batches, known).await?;
    for pause in LOOK_AGAIN_AFTER {
        for batch in batches.values_mut() {
            batch.retain(|lookup| {
                !seen.contains_key(&lookup.address)
                    && state.resources[&lookup.address].status != Status::Deleting
            });
        }
        batches.retain(|_, batch| !batch.is_empty());
        if batches.is_empty() {
            break;
        }
        sleep(pause).await;
        cloud.begin_sweep();
        seen.extend(read(cloud, &batches, known).await?);
    }
    Ok(seen)
}

/// One batched read per kind, all at once.
async fn read(
    cloud: &dyn Cloud,
    batches: &BTreeMap<&str, Vec<AnyLookup>>,
    known: &Known,
) -> Result<BTreeMap<Address, Observed>, CallError> {
    let reads = try_join_all(batches.iter().map(async |(kind, batch)| {
        let seen = cloud.read(kind, batch, known).await?;
        Ok::<_, CallError>(
            batch
                .iter()
                .zip(seen)
                .filter_map(|(lookup, seen)| Some((lookup.address.clone(), seen?)))
                .collect::<Vec<_>>(),
        )
    }));
    Ok(reads.await?.into_iter().flatten().collect())
}

/// The recorded outputs, for reads that need another resource's ID.
fn known(state: &State) -> Known {
    let mut known = Known::default();
    for (address, record) in &state.resources {
        known.insert(address.clone(), record.outputs.clone());
    }
    known
}
