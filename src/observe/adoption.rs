//! Which object that is there already could the stack take over, and what would differ then?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::ObserveError;
use super::fit::{Fit, Named, read_one};
use crate::graph::{Node, ResourceGraph};
use crate::resource::{
    Address, AnyContext, AnyFound, AnyResource, CallError, Change, Cloud, Effect, FieldChange,
    Known, Readiness, Remains, STACK_TAG, TagMap,
};
use crate::state::State;

/// An object that could be recorded at an address of the stack.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Where.
    pub address: Address,
    /// What is recorded: what the stack wants, with the tags that the object has of those.
    pub resource: Arc<dyn AnyResource>,
    /// The object.
    pub found: AnyFound,
    /// Its outputs.
    pub outputs: Value,
    /// Whether it is usable and as wanted. What differs is still to be set, and nobody's drift.
    pub ready: bool,
    /// What differs from what the stack wants.
    pub change: Change,
    /// The unique name that the stack wants, where the object has one of its own, which it keeps.
    pub stands_for: Option<String>,
}

impl Candidate {
    /// Whether the stack can have it as it is, with changes in place at most.
    pub fn fits(&self) -> bool {
        self.fit().replacing == 0
    }

    /// The fields that tell it to be another one than is looked for, or that can't be changed.
    pub fn strange_fields(&self) -> impl Iterator<Item = &FieldChange> {
        let known_by = self.resource.known_by();
        let fields = self.change.fields.iter();
        fields.filter(move |field| {
            field.effect == Effect::Replace || known_by.contains(&field.field.as_str())
        })
    }

    /// Whether nobody would have to say that it is the one that is looked for.
    fn is_it(&self) -> bool {
        self.strange_fields().next().is_none()
    }

    /// Whether it differs in more than tags.
    fn differs(&self) -> bool {
        let mut fields = self.change.fields.iter();
        fields.any(|field| !field.field.starts_with("tags."))
    }

    fn fit(&self) -> Fit {
        Fit::of(&self.change)
    }

    /// The other stack of navi's that it belongs to.
    pub fn other_stack(&self, ours: &str) -> Option<&str> {
        let stack = self.found.tags.get(STACK_TAG)?;
        (stack != ours).then_some(stack)
    }
}

/// What is known before anything is adopted: the outputs of what is recorded, and of what the stack looks up.
pub async fn known_before(
    cloud: &dyn Cloud,
    desired: &ResourceGraph,
    state: &State,
) -> Result<Known, ObserveError> {
    let mut known = state.known();
    for node in desired.in_order() {
        if !node.resource.is_lookup() {
            continue;
        }
        let context = context(&node.address, &known);
        if let Some(outputs) = cloud.find(&*node.resource, &context).await? {
            known.insert(node.address.clone(), outputs);
        }
    }
    Ok(known)
}

/// The object that a person calls `id`, as a candidate for an address. It keeps its name, whatever that is.
pub async fn candidate(
    cloud: &dyn Cloud,
    node: &Node,
    id: &str,
    known: &Known,
) -> Result<Option<Candidate>, ObserveError> {
    match identified(cloud, node, id, known).await? {
        Some(found) => judged(cloud, node, found, known, &|_, _| true).await,
        None => Ok(None),
    }
}

async fn identified(
    cloud: &dyn Cloud,
    node: &Node,
    id: &str,
    known: &Known,
) -> Result<Option<AnyFound>, CallError> {
    let context = context(&node.address, known);
    cloud.identify(&*node.resource, &context, id).await
}

/// Whether an object with a name of its own is the one that should have the wanted name: AWS's consoles and Terraform
/// show the tag for its name, and Terraform makes up the unique name of what it was given none for.
fn is_tagged_so(found: &AnyFound, wanted: &str) -> bool {
    found.tags.get("Name").is_some_and(|name| name == wanted)
}

async fn judged(
    cloud: &dyn Cloud,
    node: &Node,
    found: AnyFound,
    known: &Known,
    is_ours: &(dyn Fn(&AnyFound, &str) -> bool + Sync),
) -> Result<Option<Candidate>, ObserveError> {
    let Node {
        address, resource, ..
    } = node;
    let Some(seen) = read_one(cloud, address, resource, &found.outputs, known).await? else {
        return Ok(None);
    };
    let Named {
        resource,
        stands_for,
    } = Named::of(resource, &seen, known, |name| is_ours(&found, name));
    let recorded = with_tags_of(cloud, address, &resource, &found.tags)?;
    // As the next plan will: tags that the object has and the stack doesn't want are its own affair.
    let change = resource.diff(&seen, Some(&recorded.value()), known);
    Ok(Some(Candidate {
        address: address.clone(),
        outputs: resource.outputs(&seen),
        ready: change.is_empty() && matches!(resource.readiness(&seen), Readiness::Ready),
        change,
        resource: recorded,
        found,
        stands_for,
    }))
}

/// The spec with those of its tags that the object has, as the object has them: the others are still to be set, and a
/// plan says so; and those that the stack doesn't want were never the stack's to remove.
fn with_tags_of(
    cloud: &dyn Cloud,
    address: &Address,
    resource: &Arc<dyn AnyResource>,
    tags: &TagMap,
) -> Result<Arc<dyn AnyResource>, ObserveError> {
    let mut spec = resource.value();
    let Some(wanted) = spec.get_mut("tags").and_then(Value::as_object_mut) else {
        return Ok(resource.clone());
    };
    wanted.retain(|key, _| tags.contains_key(key));
    for (key, value) in wanted.iter_mut() {
        *value = Value::from(tags[key].clone());
    }
    cloud
        .decode(address.kind(), &spec)
        .map_err(|source| ObserveError::Decode {
            address: address.clone(),
            source,
        })
}

fn context(address: &Address, known: &Known) -> AnyContext {
    AnyContext {
        address: address.clone(),
        token: String::new(),
        known: Arc::new(known.clone()),
        changing: Arc::default(),
        drain: false,
    }
}

/// An object of which somebody says that it is there, and of which kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The kind.
    pub kind: &'static str,
    /// Its ID, ARN or name.
    pub id: String,
}

/// Which offered objects fill which places of the stack.
#[derive(Clone, Debug, Default)]
pub struct Matching {
    /// In dependency order, with the index of the offer; `None` for what was found through another.
    pub matched: Vec<(Candidate, Option<usize>)>,
    /// Places for which something of the kind was offered, and nothing that could be taken as it is; with the nearest.
    pub misfits: Vec<(Candidate, usize)>,
    /// Places for which there is nothing.
    pub missing: Vec<Address>,
    /// Offers that AWS doesn't know.
    pub unknown: BTreeSet<usize>,
}

/// An offered object as it would be at a place.
async fn offered_for(
    cloud: &dyn Cloud,
    node: &Node,
    offer: &str,
    known: &Known,
) -> Result<Option<Candidate>, ObserveError> {
    match identified(cloud, node, offer, known).await? {
        Some(found) => judged(cloud, node, found, known, &is_tagged_so).await,
        None => Ok(None),
    }
}

/// Whether one of the places that come later is rather the offer's. Asked only where more than tags would have to
/// change: an object that is all that is looked for is no other place's.
async fn fits_better(
    cloud: &dyn Cloud,
    rivals: &[&Node],
    offer: &str,
    candidate: &Candidate,
    known: &Known,
) -> Result<bool, ObserveError> {
    if !candidate.differs() {
        return Ok(false);
    }
    for rival in rivals {
        let there = offered_for(cloud, rival, offer, known).await?;
        if there.is_some_and(|there| there.is_it() && there.fit() < candidate.fit()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Gives each place of the stack that is not recorded yet the offered object that fits it best, dependencies first: what
/// a subnet is compared with is the VPC that was chosen. What takes no ID of its own, such as the rules of a security
/// group, is then found through what was matched.
pub async fn match_offered(
    cloud: &dyn Cloud,
    desired: &ResourceGraph,
    state: &State,
    offered: &[Offered],
) -> Result<Matching, ObserveError> {
    cloud.begin_sweep();
    let mut known = known_before(cloud, desired, state).await?;
    let mut matching = Matching::default();
    let mut free: BTreeSet<usize> = (0..offered.len()).collect();
    let mut seen_in_aws: BTreeSet<usize> = BTreeSet::new();
    let open =
        |node: &&Node| !node.resource.is_lookup() && !state.resources.contains_key(&node.address);
    let places: Vec<&Node> = desired.in_order().filter(open).collect();
    for (at, node) in places.iter().enumerate() {
        let mut candidates: Vec<(Candidate, usize)> = Vec::new();
        let of_kind = |index: &&usize| offered[**index].kind == node.address.kind();
        for &index in free.iter().filter(of_kind) {
            let offer = &offered[index].id;
            if let Some(candidate) = offered_for(cloud, node, offer, &known).await? {
                seen_in_aws.insert(index);
                candidates.push((candidate, index));
            }
        }
        candidates.sort_by_key(|(candidate, _)| candidate.fit());
        let rivals: Vec<&Node> = places[at + 1..]
            .iter()
            .copied()
            .filter(|other| other.address.kind() == node.address.kind())
            .collect();
        let mut taken = None;
        for (place, (candidate, index)) in candidates.iter().enumerate() {
            let offer = &offered[*index].id;
            if candidate.is_it() && !fits_better(cloud, &rivals, offer, candidate, &known).await? {
                taken = Some(place);
                break;
            }
        }
        match (taken, candidates.is_empty()) {
            (Some(place), _) => {
                let (candidate, index) = candidates.swap_remove(place);
                free.remove(&index);
                known.insert(candidate.address.clone(), candidate.outputs.clone());
                matching.matched.push((candidate, Some(index)));
            }
            (None, false) => matching.misfits.push(candidates.swap_remove(0)),
            (None, true) => matching.missing.push(node.address.clone()),
        }
    }
    // What has found its place is not what another place misses.
    let (nearest, elsewhere): (Vec<_>, Vec<_>) = matching
        .misfits
        .into_iter()
        .partition(|(_, index)| free.contains(index));
    matching.misfits = nearest;
    let elsewhere = elsewhere.into_iter();
    matching
        .missing
        .extend(elsewhere.map(|(candidate, _)| candidate.address));
    let asked = |index: &usize| {
        let kind = offered[*index].kind;
        desired.in_order().any(|node| node.address.kind() == kind)
    };
    matching.unknown = free
        .iter()
        .copied()
        .filter(|index| asked(index) && !seen_in_aws.contains(index))
        .collect();
    through_others(cloud, desired, state, &mut matching, &known).await?;
    Ok(matching)
}

/// What hangs on what was matched and has no ID of its own.
async fn through_others(
    cloud: &dyn Cloud,
    desired: &ResourceGraph,
    state: &State,
    matching: &mut Matching,
    known: &Known,
) -> Result<(), ObserveError> {
    let mut remains = Remains::default();
    for (candidate, _) in &matching.matched {
        remains.add(candidate.address.clone(), candidate.found.clone());
    }
    let mut missing: BTreeMap<&'static str, Vec<Arc<dyn AnyResource>>> = BTreeMap::new();
    for address in &matching.missing {
        if let Some(node) = desired.get(address) {
            let of_kind = missing.entry(node.resource.kind()).or_default();
            of_kind.push(node.resource.clone());
        }
    }
    for (kind, wanted) in missing {
        let found = cloud
            .attached(kind, &state.stack, &wanted, &remains)
            .await?;
        for found in found {
            let Some(address) = found.address() else {
                continue;
            };
            let place = matching.missing.iter().position(|open| *open == address);
            let (Some(place), Some(node)) = (place, desired.get(&address)) else {
                continue;
            };
            match judged(cloud, node, found, known, &is_tagged_so).await? {
                Some(candidate) if candidate.fits() => {
                    matching.missing.remove(place);
                    matching.matched.push((candidate, None));
                }
                _ => {}
            }
        }
    }
    Ok(())
}
