//! How does one resource depend on another? By a typed `Ref` in its spec; the edges are read off the spec itself.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Address, Resource};

/// How far a dependency must be before its dependent may be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Not at all: the edge only keeps the order of removal.
    None,
    /// Its ID is known: the create call has returned.
    Exists,
    /// AWS says that it is usable.
    Ready,
}

/// What the edge means when both ends are to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// The dependent must be gone before the dependency's delete call.
    Gone,
    /// The two may go in any order (aws-behaviour §3 has no gate between them).
    Unordered,
}

/// A typed edge to another resource. A `Ref` to the wrong kind does not compile.
///
/// The edge is derived from the spec that holds the `Ref`, so that it cannot be forgotten.
/// An edge that carries no value (a service needs its listener rule) is a `Ref` field as well.
pub struct Ref<K> {
    address: Address,
    gate: Gate,
    on_delete: OnDelete,
    kind: PhantomData<fn() -> K>,
}

impl<K: Resource> Ref<K> {
    /// The dependent needs the ID of the resource called `name`, no more.
    pub fn exists(name: impl Into<String>) -> Self {
        Self::new(name, Gate::Exists)
    }

    /// The dependent needs the resource called `name` to be usable.
    pub fn ready(name: impl Into<String>) -> Self {
        Self::new(name, Gate::Ready)
    }

    /// Nothing is needed to make the dependent; but it must be gone before the other goes.
    pub fn removal_only(name: impl Into<String>) -> Self {
        Self::new(name, Gate::None)
    }

    fn new(name: impl Into<String>, gate: Gate) -> Self {
        Ref {
            address: Address::new(K::KIND, name),
            gate,
            on_delete: OnDelete::Gone,
            kind: PhantomData,
        }
    }

    /// On `down`, neither end waits for the other.
    pub fn unordered_on_delete(mut self) -> Self {
        self.on_delete = OnDelete::Unordered;
        self
    }
}

impl<K> Ref<K> {
    /// The address at the far end.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

// Derives would ask for `K: Clone` and so on, though no `K` is held.
impl<K> Clone for Ref<K> {
    fn clone(&self) -> Self {
        Ref {
            address: self.address.clone(),
            gate: self.gate,
            on_delete: self.on_delete,
            kind: PhantomData,
        }
    }
}

impl<K> fmt::Debug for Ref<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Ref({}, {:?})", self.address, self.gate)
    }
}

impl<K> PartialEq for Ref<K> {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address
            && self.gate == other.gate
            && self.on_delete == other.on_delete
    }
}

impl<K> Eq for Ref<K> {}

/// One edge of the graph: who is needed, how far it must be, and what that means on `down`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// The dependency.
    #[serde(rename = "$ref")]
    pub to: Address,
    /// How far the dependency must be.
    pub gate: Gate,
    /// Whether `down` must keep the order.
    pub on_delete: OnDelete,
}

impl<K> Serialize for Ref<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Edge {
            to: self.address.clone(),
            gate: self.gate,
            on_delete: self.on_delete,
        }
        .serialize(serializer)
    }
}

impl<'de, K: Resource> Deserialize<'de> for Ref<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let edge = Edge::deserialize(deserializer)?;
        if edge.to.kind() != K::KIND {
            return Err(serde::de::Error::custom(format!(
                "{} is not a {}",
                edge.to,
                K::KIND
            )));
        }
        Ok(Ref {
            address: edge.to,
            gate: edge.gate,
            on_delete: edge.on_delete,
            kind: PhantomData,
        })
    }
}

/// Every edge that a serialised spec holds, in the order of its fields.
///
/// Reading them off the serialised form is what makes an edge impossible to forget:
/// whatever field, list or variant holds a `Ref`, it is written, hence found.
pub fn edges_in(spec: &Value) -> Vec<Edge> {
    let mut edges = Vec::new();
    collect(spec, &mut edges);
    edges
}

/// Lets every reference to `from` in a serialised spec name `to`: the object moved to another address.
pub fn redirect(spec: &mut Value, from: &Address, to: &Address) {
    match spec {
        Value::Object(fields) => match fields.get_mut("$ref") {
            Some(Value::String(address)) if *address == from.to_string() => {
                *address = to.to_string();
            }
            _ => fields
                .values_mut()
                .for_each(|field| redirect(field, from, to)),
        },
        Value::Array(items) => items.iter_mut().for_each(|item| redirect(item, from, to)),
        _ => {}
    }
}

fn collect(value: &Value, edges: &mut Vec<Edge>) {
    match value {
        Value::Object(fields) if fields.contains_key("$ref") => {
            if let Ok(edge) = serde_json::from_value::<Edge>(value.clone())
                && !edges.contains(&edge)
            {
                edges.push(edge);
            }
        }
        Value::Object(fields) => fields.values().for_each(|field| collect(field, edges)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, edges)),
        _ => {}
    }
}
