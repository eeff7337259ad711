//! How is an object found without the state? By the stack's tags on it, through what holds it, or by the name that a person gives.

use std::collections::BTreeSet;
use std::future::Future;

use serde_json::Value;

use super::{Address, CallError, Context, Ref, Resource, TagMap};

/// The tag that carries the stack's name.
pub const STACK_TAG: &str = "navi:stack";
/// The tag that carries the address within the stack.
pub const ADDRESS_TAG: &str = "navi:address";
/// The tag that carries the token of the create that made an object.
pub const OPERATION_TAG: &str = "navi:op";

/// All of navi's own tags: what says whose an object is.
pub const OWN_TAGS: [&str; 3] = [STACK_TAG, ADDRESS_TAG, OPERATION_TAG];

/// What is looked for: the objects of one stack.
#[derive(Debug)]
pub struct Search<'a, K: Resource> {
    /// The stack's name.
    pub stack: &'a str,
    /// What the stack file wants of this kind. Where a service has no listing by tag, the names in
    /// here (and names that begin with the stack's) are what is asked for. Empty without a file.
    pub wanted: Vec<&'a K>,
}

/// An object that is there.
#[derive(Clone, Debug)]
pub struct Found<K: Resource> {
    /// What finds it again.
    pub outputs: K::Outputs,
    /// Its tags, navi's own among them. Empty for what takes none.
    pub tags: TagMap,
    /// The name within the kind, for what takes no tags and is named after what holds it.
    pub name: Option<String>,
    /// The ID of what holds it: a subnet's VPC, a listener's load balancer.
    pub within: Option<String>,
    /// Names of other objects, each with its kind, that it speaks of: a task definition's roles.
    pub mentions: Vec<(&'static str, String)>,
}

impl<K: Resource> Found<K> {
    /// An object with these tags.
    pub fn new(outputs: K::Outputs, tags: TagMap) -> Self {
        Found {
            outputs,
            tags,
            name: None,
            within: None,
            mentions: Vec::new(),
        }
    }

    /// The same, held by the object of this ID.
    pub fn within(mut self, id: impl Into<String>) -> Self {
        self.within = Some(id.into());
        self
    }

    /// The same, under this name within its kind.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// What a kind must be able to do so that a lost state can be rebuilt and existing objects adopted.
pub trait Findable: Resource {
    /// The account's and region's objects that carry the stack's tag, with as few calls as AWS
    /// allows. Not by the Resource Groups Tagging API, which shows deleted objects for hours.
    fn tagged(
        cloud: &Self::Cloud,
        search: &Search<'_, Self>,
    ) -> impl Future<Output = Result<Vec<Found<Self>>, CallError>> + Send;

    /// What takes no tags, or is only named by what was found, once the tagged ones are known.
    fn attached(
        _cloud: &Self::Cloud,
        _search: &Search<'_, Self>,
        _remains: &Remains,
    ) -> impl Future<Output = Result<Vec<Found<Self>>, CallError>> + Send {
        async { Ok(Vec::new()) }
    }

    /// The object that a person calls `id`: by ID, ARN or name, whosever it is. `self` is what the
    /// stack wants in its place.
    fn identify(
        &self,
        context: &Context<'_, Self::Cloud>,
        id: &str,
    ) -> impl Future<Output = Result<Option<Found<Self>>, CallError>> + Send;

    /// Takes these tags off the object. What takes no tags has none.
    fn untag(
        _cloud: &Self::Cloud,
        _outputs: &Self::Outputs,
        _keys: &[String],
    ) -> impl Future<Output = Result<(), CallError>> + Send {
        async { Ok(()) }
    }

    /// A spec for an object that no stack file describes: what its removal needs, with references to
    /// all that it must go before. More of them than needed only slow the removal down.
    fn remnant(found: &Found<Self>, name: &str, remains: &Remains) -> Self;
}

/// A found object of any kind. See [`Found`].
#[derive(Clone, Debug)]
pub struct AnyFound {
    /// The kind's name.
    pub kind: &'static str,
    /// What finds it again.
    pub outputs: Value,
    /// Its tags.
    pub tags: TagMap,
    /// The name within the kind, for what takes no tags.
    pub name: Option<String>,
    /// The ID of what holds it.
    pub within: Option<String>,
    /// Names of other objects that it speaks of.
    pub mentions: Vec<(&'static str, String)>,
}

impl AnyFound {
    /// Its place in the stack, as its tags or what holds it say.
    pub fn address(&self) -> Option<Address> {
        if let Some(name) = &self.name {
            return Some(Address::new(self.kind, name));
        }
        let address: Address = self.tags.get(ADDRESS_TAG)?.parse().ok()?;
        (address.kind() == self.kind).then_some(address)
    }

    /// The token of the create that made it; empty where nothing tells.
    pub fn token(&self) -> String {
        self.tags.get(OPERATION_TAG).cloned().unwrap_or_default()
    }

    /// The ID that people see: the first text of the outputs.
    pub fn id(&self) -> Option<String> {
        id_of(&self.outputs)
    }
}

/// The first text among the outputs: the ID or the ARN.
pub fn id_of(outputs: &Value) -> Option<String> {
    outputs
        .as_object()?
        .values()
        .find_map(Value::as_str)
        .map(str::to_owned)
}

/// All objects of one stack that were found, by address.
#[derive(Clone, Debug, Default)]
pub struct Remains {
    found: Vec<(Address, AnyFound)>,
}

impl Remains {
    /// Adds one.
    pub fn add(&mut self, address: Address, found: AnyFound) {
        self.found.push((address, found));
    }

    fn of<K: Resource>(&self) -> impl Iterator<Item = &(Address, AnyFound)> {
        self.found.iter().filter(|(_, found)| found.kind == K::KIND)
    }

    /// References to all of a kind.
    pub fn all<K: Resource>(&self) -> Vec<Ref<K>> {
        self.of::<K>()
            .map(|(address, _)| Ref::exists(address.name()))
            .collect()
    }

    /// The one of a kind that has this ID among its outputs.
    pub fn holder<K: Resource>(&self, id: Option<&str>) -> Option<Ref<K>> {
        let id = id?;
        self.of::<K>()
            .find(|(_, found)| {
                let outputs = found.outputs.as_object();
                outputs.is_some_and(|outputs| outputs.values().any(|text| text == id))
            })
            .map(|(address, _)| Ref::exists(address.name()))
    }

    /// The one of this name, else any.
    pub fn one<K: Resource>(&self, name: &str) -> Option<Ref<K>> {
        let all = self.all::<K>();
        let same = all.iter().find(|one| one.address().name() == name);
        same.or(all.first()).cloned()
    }

    /// The one of a kind with this ID, else any; a reference that leads nowhere where there is none.
    pub fn held_by<K: Resource>(&self, id: Option<&str>) -> Ref<K> {
        self.holder(id)
            .or_else(|| self.all().into_iter().next())
            .unwrap_or_else(|| Ref::exists("main"))
    }

    /// Name and outputs of all of a kind.
    pub fn outputs<K: Resource>(&self) -> Vec<(String, K::Outputs)> {
        self.of::<K>()
            .filter_map(|(address, found)| {
                let outputs = serde_json::from_value(found.outputs.clone()).ok()?;
                Some((address.name().to_owned(), outputs))
            })
            .collect()
    }

    /// The names of objects of a kind that others speak of.
    pub fn mentioned<K: Resource>(&self) -> BTreeSet<String> {
        self.found
            .iter()
            .flat_map(|(_, found)| &found.mentions)
            .filter(|(kind, _)| *kind == K::KIND)
            .map(|(_, name)| name.clone())
            .collect()
    }
}
