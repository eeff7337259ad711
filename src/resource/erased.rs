//! How does the engine handle resources of any kind? Through these adapters, which box once.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;

use super::{
    Address, AnyFound, Bridge, CallError, Change, Changing, Context, Diagnosis, Edge, Findable,
    Found, Holder, Known, Lookup, Permissions, Permitted, Readiness, Remains, Resource,
    RolloutProgress, Search, StepError, Territory, Timing, UniqueName, edges_in, redirect,
};

/// A future that can be kept in a list with others.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What AWS has of a resource of any kind.
#[derive(Clone)]
pub struct Observed(Arc<dyn ObservedValue>);

trait ObservedValue: Any + Debug + Send + Sync {}
impl<T: Any + Debug + Send + Sync> ObservedValue for T {}

impl Observed {
    /// Wraps what a kind's `read` answered.
    pub fn new<T: Any + Debug + Send + Sync>(value: T) -> Self {
        Observed(Arc::new(value))
    }

    /// What the kind `K` has read; `None` if another kind read it.
    pub fn of<K: Resource>(&self) -> Option<&K::Observed> {
        let any: &dyn Any = &*self.0;
        any.downcast_ref()
    }
}

impl Debug for Observed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A recorded spec that this navi can't read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The kind's name is not one of ours.
    #[error("unknown kind of resource `{0}`; a newer navi may have written the state")]
    UnknownKind(String),
    /// The recorded spec does not have the kind's form.
    #[error("the recorded {kind} can't be read: {message}")]
    Malformed {
        /// The kind.
        kind: String,
        /// What serde said.
        message: String,
    },
}

/// The pure half of a resource of any kind: what the graph and the planner need.
pub trait AnyResource: Debug + Send + Sync {
    /// The kind's name.
    fn kind(&self) -> &'static str;
    /// How long it takes.
    fn timing(&self) -> Timing;
    /// Whether its readiness is the user's own programs' doing.
    fn is_workload(&self) -> bool;
    /// Whether it is only looked up.
    fn is_lookup(&self) -> bool;
    /// Whether the stack may make one where it looked one up before.
    fn follows_lookup(&self) -> bool;
    /// What only one object of the kind can have at a time.
    fn claim(&self) -> Option<String>;
    /// Whether it decides which workload gets the visitors.
    fn directs_traffic(&self) -> bool;
    /// [`Resource::CARRIES_TRAFFIC`].
    fn carries_traffic(&self) -> bool;
    /// Whether the two, of one kind, can't stand side by side.
    fn excludes(&self, other: &dyn AnyResource) -> bool;
    /// Its physical name, where a successor may have another.
    fn unique_name(&self) -> Option<UniqueName>;
    /// [`Resource::KNOWN_BY`].
    fn known_by(&self) -> &'static [&'static str];
    /// By what its object is known again when the stack calls it otherwise.
    fn identity(&self) -> Option<String>;
    /// The same by another name.
    fn renamed(&self, name: String) -> Arc<dyn AnyResource>;
    /// What serves only one object at a time.
    fn exclusive(&self) -> Vec<Address>;
    /// What it serves, and no other of its kind at the same time.
    fn serves(&self) -> Vec<Address>;
    /// What it adds something of its own to, without being a part of it.
    fn adds_to(&self) -> Vec<Address>;
    /// What it is while what it leads to changes places; `recorded` is of the same kind.
    fn bridge(&self, recorded: &dyn AnyResource) -> Option<AnyBridge>;
    /// What it is at first where one of these, of the same kind, serves its visitors now, and which one.
    fn begins_as(&self, others: &[(&Address, &dyn AnyResource)]) -> Option<(Address, AnyBridge)>;
    /// What somebody outside may notice of the change.
    fn notice(&self, change: &Change) -> Option<String>;
    /// The same with its references to the addresses on the left naming those on the right.
    fn redirected(&self, moves: &BTreeMap<Address, Address>) -> Option<Arc<dyn AnyResource>>;
    /// The spec as it is recorded.
    fn value(&self) -> Value;
    /// What it depends on.
    fn edges(&self) -> Vec<Edge>;
    /// What differs from what AWS has.
    fn diff(&self, seen: &Observed, recorded: Option<&Value>, known: &Known) -> Change;
    /// Whether the change gives new outputs.
    fn renews_outputs(&self, change: &Change) -> bool;
    /// What dependents may read, from what AWS has.
    fn outputs(&self, seen: &Observed) -> Value;
    /// Whether it is usable.
    fn readiness(&self, seen: &Observed) -> Readiness;
    /// [`Resource::diagnosis`].
    fn diagnosis(&self, seen: &Observed) -> Diagnosis;
    /// Whether dependents may go on though it is not ready.
    fn serves_already(&self, seen: &Observed) -> bool;
    /// How far its tasks are, where it has some.
    fn rollout(&self, seen: &Observed) -> Option<RolloutProgress>;
    /// The typed resource behind.
    fn as_any(&self) -> &dyn Any;
}

/// A bridge of any kind. See [`Bridge`].
#[derive(Clone, Debug)]
pub struct AnyBridge {
    /// The spec in between.
    pub resource: Arc<dyn AnyResource>,
    /// The fields that are left.
    pub fields: &'static [&'static str],
}

impl<K: Resource> From<Bridge<K>> for AnyBridge {
    fn from(Bridge { spec, fields }: Bridge<K>) -> Self {
        AnyBridge {
            resource: Arc::new(spec),
            fields,
        }
    }
}

/// The adapter's promise: an observation handed to a resource was read by its own kind.
const WRONG_KIND: &str = "an observation was read by the kind it is handed to";

impl<K: Resource> AnyResource for K {
    fn kind(&self) -> &'static str {
        K::KIND
    }

    fn timing(&self) -> Timing {
        Resource::timing(self)
    }

    fn is_workload(&self) -> bool {
        K::WORKLOAD
    }

    fn is_lookup(&self) -> bool {
        Resource::is_lookup(self)
    }

    fn follows_lookup(&self) -> bool {
        K::FOLLOWS_LOOKUP
    }

    fn claim(&self) -> Option<String> {
        Resource::claim(self)
    }

    fn directs_traffic(&self) -> bool {
        K::DIRECTS_TRAFFIC
    }

    fn carries_traffic(&self) -> bool {
        K::CARRIES_TRAFFIC
    }

    fn excludes(&self, other: &dyn AnyResource) -> bool {
        let other = other.as_any().downcast_ref::<K>();
        other.is_some_and(|other| Resource::excludes(self, other))
    }

    fn unique_name(&self) -> Option<UniqueName> {
        Resource::unique_name(self)
    }

    fn known_by(&self) -> &'static [&'static str] {
        K::KNOWN_BY
    }

    fn identity(&self) -> Option<String> {
        Resource::identity(self)
    }

    fn renamed(&self, name: String) -> Arc<dyn AnyResource> {
        Arc::new(Resource::renamed(self, name))
    }

    fn exclusive(&self) -> Vec<Address> {
        Resource::exclusive(self)
    }

    fn serves(&self) -> Vec<Address> {
        Resource::serves(self)
    }

    fn adds_to(&self) -> Vec<Address> {
        Resource::adds_to(self)
    }

    fn bridge(&self, recorded: &dyn AnyResource) -> Option<AnyBridge> {
        let recorded = recorded.as_any().downcast_ref::<K>()?;
        Resource::bridge(self, recorded).map(AnyBridge::from)
    }

    fn begins_as(&self, others: &[(&Address, &dyn AnyResource)]) -> Option<(Address, AnyBridge)> {
        let others: Vec<(&Address, &K)> = others
            .iter()
            .filter_map(|(address, other)| Some((*address, other.as_any().downcast_ref()?)))
            .collect();
        let (address, bridge) = Resource::begins_as(self, &others)?;
        Some((address, bridge.into()))
    }

    fn notice(&self, change: &Change) -> Option<String> {
        Resource::notice(self, change)
    }

    fn redirected(&self, moves: &BTreeMap<Address, Address>) -> Option<Arc<dyn AnyResource>> {
        let mut value = AnyResource::value(self);
        for (from, to) in moves {
            redirect(&mut value, from, to);
        }
        let resource: K = serde_json::from_value(value).ok()?;
        Some(Arc::new(resource))
    }

    fn value(&self) -> Value {
        // A spec is plain data (strings, numbers, lists, maps with string keys): serde_json can't refuse it.
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    fn edges(&self) -> Vec<Edge> {
        edges_in(&AnyResource::value(self))
    }

    fn diff(&self, seen: &Observed, recorded: Option<&Value>, known: &Known) -> Change {
        let recorded: Option<K> =
            recorded.and_then(|value| serde_json::from_value(value.clone()).ok());
        Resource::diff(
            self,
            seen.of::<K>().expect(WRONG_KIND),
            recorded.as_ref(),
            known,
        )
    }

    fn renews_outputs(&self, change: &Change) -> bool {
        Resource::renews_outputs(self, change)
    }

    fn outputs(&self, seen: &Observed) -> Value {
        let outputs = Resource::outputs(self, seen.of::<K>().expect(WRONG_KIND));
        serde_json::to_value(outputs).unwrap_or(Value::Null)
    }

    fn readiness(&self, seen: &Observed) -> Readiness {
        Resource::readiness(self, seen.of::<K>().expect(WRONG_KIND))
    }

    fn diagnosis(&self, seen: &Observed) -> Diagnosis {
        Resource::diagnosis(self, seen.of::<K>().expect(WRONG_KIND))
    }

    fn serves_already(&self, seen: &Observed) -> bool {
        Resource::serves_already(self, seen.of::<K>().expect(WRONG_KIND))
    }

    fn rollout(&self, seen: &Observed) -> Option<RolloutProgress> {
        Resource::rollout(self, seen.of::<K>().expect(WRONG_KIND))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A lookup of any kind. See [`Lookup`].
#[derive(Clone, Debug)]
pub struct AnyLookup {
    /// Its address.
    pub address: Address,
    /// The wanted or the recorded spec.
    pub resource: Arc<dyn AnyResource>,
    /// What the create call told of it.
    pub outputs: Value,
    /// Whether somebody waits for it to be usable.
    pub waiting: bool,
}

/// What a step of any kind may use. See [`Context`].
#[derive(Clone, Debug)]
pub struct AnyContext {
    /// The resource at work.
    pub address: Address,
    /// The step's token.
    pub token: String,
    /// The outputs of everything that exists.
    pub known: Arc<Known>,
    /// What the run changes in place.
    pub changing: Arc<Changing>,
    /// See [`Context::drain`].
    pub drain: bool,
}

/// Every kind's calls behind one door. `kinds/` implements it for AWS; the engine's own tests
/// implement it for simulated kinds in virtual time.
pub trait Cloud: Send + Sync {
    /// The spec of a recorded resource.
    fn decode(&self, kind: &str, spec: &Value) -> Result<Arc<dyn AnyResource>, DecodeError>;

    /// Says that what is read from now on must be asked of AWS anew.
    fn begin_sweep(&self);

    /// Reads resources that are all of one kind.
    fn read<'a>(
        &'a self,
        kind: &'a str,
        lookups: &'a [AnyLookup],
        known: &'a Known,
    ) -> BoxFuture<'a, Result<Vec<Option<Observed>>, CallError>>;

    /// Looks for what a create made, or for the object of a lookup.
    fn find<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
    ) -> BoxFuture<'a, Result<Option<Value>, CallError>>;

    /// Makes the object and answers its outputs.
    fn create<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
    ) -> BoxFuture<'a, Result<Value, StepError>>;

    /// Changes the object in place and answers its outputs.
    fn update<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
        outputs: &'a Value,
        seen: &'a Observed,
        change: &'a Change,
    ) -> BoxFuture<'a, Result<Value, StepError>>;

    /// Asks AWS to remove the object.
    fn delete<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
        outputs: &'a Value,
    ) -> BoxFuture<'a, Result<(), StepError>>;

    /// Who keeps the object from being deleted.
    fn holders<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
        outputs: &'a Value,
    ) -> BoxFuture<'a, Vec<Holder>>;

    /// Every kind, in the order of the registry. A cloud whose objects carry no tags has none to look for.
    fn kinds(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// The objects of a kind that carry the stack's tag. `wanted` is what the stack file wants of it.
    fn tagged<'a>(
        &'a self,
        _kind: &'a str,
        _stack: &'a str,
        _wanted: &'a [Arc<dyn AnyResource>],
    ) -> BoxFuture<'a, Result<Vec<AnyFound>, CallError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// The objects of a kind that are found through those.
    fn attached<'a>(
        &'a self,
        _kind: &'a str,
        _stack: &'a str,
        _wanted: &'a [Arc<dyn AnyResource>],
        _remains: &'a Remains,
    ) -> BoxFuture<'a, Result<Vec<AnyFound>, CallError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// The object that a person calls `id`.
    fn identify<'a>(
        &'a self,
        _resource: &'a dyn AnyResource,
        _context: &'a AnyContext,
        _id: &'a str,
    ) -> BoxFuture<'a, Result<Option<AnyFound>, CallError>> {
        Box::pin(async { Ok(None) })
    }

    /// Takes these tags off an object.
    fn untag<'a>(
        &'a self,
        _kind: &'a str,
        _outputs: &'a Value,
        _keys: &'a [String],
    ) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async { Ok(()) })
    }

    /// A spec for the removal of an object that no stack file describes.
    fn remnant(
        &self,
        found: &AnyFound,
        _address: &Address,
        _remains: &Remains,
    ) -> Result<Arc<dyn AnyResource>, DecodeError> {
        Err(DecodeError::UnknownKind(found.kind.to_owned()))
    }
}

/// The typed halves of [`Cloud`], one function per door, for the registry in `kinds/` to route to.
pub mod dispatch {
    use super::*;

    fn typed<K: Resource>(resource: &dyn AnyResource) -> Result<&K, CallError> {
        resource.as_any().downcast_ref().ok_or_else(|| {
            CallError::local(
                "navi",
                format!(
                    "{} was routed to {}; this is a defect of navi",
                    resource.kind(),
                    K::KIND
                ),
            )
        })
    }

    fn recorded<K: Resource>(outputs: &Value) -> Result<K::Outputs, CallError> {
        serde_json::from_value(outputs.clone()).map_err(|error| {
            CallError::local(
                "navi",
                format!(
                    "the recorded outputs of a {} can't be read: {error}",
                    K::KIND
                ),
            )
        })
    }

    fn context<'a, C>(cloud: &'a C, context: &'a AnyContext) -> Context<'a, C> {
        Context {
            cloud,
            address: &context.address,
            token: &context.token,
            known: &context.known,
            changing: &context.changing,
            drain: context.drain,
        }
    }

    fn value<T: serde::Serialize>(outputs: T) -> Result<Value, CallError> {
        serde_json::to_value(outputs).map_err(|error| {
            CallError::local("navi", format!("outputs can't be recorded: {error}"))
        })
    }

    fn search<'a, K: Resource>(
        stack: &'a str,
        wanted: &'a [Arc<dyn AnyResource>],
    ) -> Result<Search<'a, K>, CallError> {
        Ok(Search {
            stack,
            wanted: wanted
                .iter()
                .map(|wanted| typed::<K>(&**wanted))
                .collect::<Result<_, _>>()?,
        })
    }

    fn erased<K: Resource>(found: Found<K>) -> Result<AnyFound, CallError> {
        Ok(AnyFound {
            kind: K::KIND,
            outputs: value(found.outputs)?,
            tags: found.tags,
            name: found.name,
            within: found.within,
            mentions: found.mentions,
        })
    }

    /// What a resource of kind `K` takes of IAM.
    pub fn permissions<K: Permitted>(
        resource: &dyn AnyResource,
        territory: &Territory,
    ) -> Result<Permissions, CallError> {
        Ok(typed::<K>(resource)?.permissions(territory))
    }

    /// The tagged objects of kind `K`.
    pub async fn tagged<K: Findable>(
        cloud: &K::Cloud,
        stack: &str,
        wanted: &[Arc<dyn AnyResource>],
    ) -> Result<Vec<AnyFound>, CallError> {
        let search = search::<K>(stack, wanted)?;
        let found = K::tagged(cloud, &search).await?;
        found.into_iter().map(erased).collect()
    }

    /// The objects of kind `K` that are found through others.
    pub async fn attached<K: Findable>(
        cloud: &K::Cloud,
        stack: &str,
        wanted: &[Arc<dyn AnyResource>],
        remains: &Remains,
    ) -> Result<Vec<AnyFound>, CallError> {
        let search = search::<K>(stack, wanted)?;
        let found = K::attached(cloud, &search, remains).await?;
        found.into_iter().map(erased).collect()
    }

    /// The object of kind `K` that a person calls `id`.
    pub async fn identify<K: Findable>(
        cloud: &K::Cloud,
        resource: &dyn AnyResource,
        any: &AnyContext,
        id: &str,
    ) -> Result<Option<AnyFound>, CallError> {
        let context = context(cloud, any);
        let found = typed::<K>(resource)?.identify(&context, id).await?;
        found.map(erased).transpose()
    }

    /// Takes these tags off an object of kind `K`.
    pub async fn untag<K: Findable>(
        cloud: &K::Cloud,
        outputs: &Value,
        keys: &[String],
    ) -> Result<(), CallError> {
        K::untag(cloud, &recorded::<K>(outputs)?, keys).await
    }

    /// A spec for the removal of an object of kind `K`.
    pub fn remnant<K: Findable>(
        found: &AnyFound,
        address: &Address,
        remains: &Remains,
    ) -> Result<Arc<dyn AnyResource>, DecodeError> {
        let outputs = serde_json::from_value(found.outputs.clone()).map_err(|error| {
            DecodeError::Malformed {
                kind: K::KIND.to_owned(),
                message: error.to_string(),
            }
        })?;
        let found = Found::<K> {
            outputs,
            tags: found.tags.clone(),
            name: found.name.clone(),
            within: found.within.clone(),
            mentions: found.mentions.clone(),
        };
        Ok(Arc::new(K::remnant(&found, address.name(), remains)))
    }

    /// Decodes a recorded spec of kind `K`.
    pub fn decode<K: Resource>(spec: &Value) -> Result<Arc<dyn AnyResource>, DecodeError> {
        match serde_json::from_value::<K>(spec.clone()) {
            Ok(spec) => Ok(Arc::new(spec)),
            Err(error) => Err(DecodeError::Malformed {
                kind: K::KIND.to_owned(),
                message: error.to_string(),
            }),
        }
    }

    /// Reads resources of kind `K`.
    pub async fn read<K: Resource>(
        cloud: &K::Cloud,
        lookups: &[AnyLookup],
        known: &Known,
    ) -> Result<Vec<Option<Observed>>, CallError> {
        let outputs = lookups
            .iter()
            .map(|lookup| recorded::<K>(&lookup.outputs))
            .collect::<Result<Vec<_>, _>>()?;
        let lookups = lookups
            .iter()
            .zip(&outputs)
            .map(|(lookup, outputs)| {
                Ok(Lookup {
                    address: &lookup.address,
                    spec: typed::<K>(&*lookup.resource)?,
                    outputs,
                    known,
                    waiting: lookup.waiting,
                })
            })
            .collect::<Result<Vec<_>, CallError>>()?;
        let seen = K::read(cloud, &lookups).await?;
        debug_assert_eq!(seen.len(), lookups.len(), "{} read", K::KIND);
        Ok(seen
            .into_iter()
            .map(|seen| seen.map(Observed::new))
            .collect())
    }

    /// Finds a resource of kind `K`.
    pub async fn find<K: Resource>(
        cloud: &K::Cloud,
        resource: &dyn AnyResource,
        any: &AnyContext,
    ) -> Result<Option<Value>, CallError> {
        let found = typed::<K>(resource)?.find(&context(cloud, any)).await?;
        found.map(value).transpose()
    }

    /// Creates a resource of kind `K`.
    pub async fn create<K: Resource>(
        cloud: &K::Cloud,
        resource: &dyn AnyResource,
        any: &AnyContext,
    ) -> Result<Value, StepError> {
        let outputs = typed::<K>(resource)?.create(&context(cloud, any)).await?;
        Ok(value(outputs)?)
    }

    /// Updates a resource of kind `K`.
    pub async fn update<K: Resource>(
        cloud: &K::Cloud,
        resource: &dyn AnyResource,
        any: &AnyContext,
        outputs: &Value,
        seen: &Observed,
        change: &Change,
    ) -> Result<Value, StepError> {
        let outputs = recorded::<K>(outputs)?;
        let seen = seen.of::<K>().expect(WRONG_KIND);
        let outputs = typed::<K>(resource)?
            .update(&context(cloud, any), &outputs, seen, change)
            .await?;
        Ok(value(outputs)?)
    }

    /// Deletes a resource of kind `K`.
    pub async fn delete<K: Resource>(
        cloud: &K::Cloud,
        resource: &dyn AnyResource,
        any: &AnyContext,
        outputs: &Value,
    ) -> Result<(), StepError> {
        let outputs = recorded::<K>(outputs)?;
        typed::<K>(resource)?
            .delete(&context(cloud, any), &outputs)
            .await
    }

    /// The holders of a resource of kind `K`.
    pub async fn holders<K: Resource>(
        cloud: &K::Cloud,
        resource: &dyn AnyResource,
        any: &AnyContext,
        outputs: &Value,
    ) -> Vec<Holder> {
        let (Ok(resource), Ok(outputs)) = (typed::<K>(resource), recorded::<K>(outputs)) else {
            return Vec::new();
        };
        resource.holders(&context(cloud, any), &outputs).await
    }
}
