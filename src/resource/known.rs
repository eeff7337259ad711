//! What do resources tell their dependents? The outputs known so far, by address.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Address, Ref, Resource};

/// The outputs (IDs, ARNs, DNS names) of every resource that exists.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    outputs: BTreeMap<Address, Value>,
}

impl Known {
    /// The outputs of the resource at the far end of `reference`, if it exists.
    pub fn outputs<K: Resource>(&self, reference: &Ref<K>) -> Option<K::Outputs> {
        let value = self.outputs.get(reference.address())?;
        serde_json::from_value(value.clone()).ok()
    }

    /// One field of the outputs at the far end, if it exists.
    pub fn get<K: Resource, T>(
        &self,
        reference: &Ref<K>,
        field: impl FnOnce(K::Outputs) -> T,
    ) -> Option<T> {
        self.outputs(reference).map(field)
    }

    /// One field of the outputs of every reference, or `None` if one of them is still to be made.
    pub fn all<K: Resource, T>(
        &self,
        references: &[Ref<K>],
        field: impl Fn(K::Outputs) -> T,
    ) -> Option<Vec<T>> {
        references
            .iter()
            .map(|reference| self.outputs(reference).map(&field))
            .collect()
    }

    /// The outputs as they are recorded.
    pub fn value(&self, address: &Address) -> Option<&Value> {
        self.outputs.get(address)
    }

    /// The outputs of those that the resource at this address succeeds, and that are still there.
    pub fn predecessors<'a>(&'a self, address: &'a Address) -> impl Iterator<Item = &'a Value> {
        self.outputs
            .iter()
            .filter(move |(other, _)| other.is_deposed() && other.current() == *address)
            .map(|(_, outputs)| outputs)
    }

    /// Records the outputs of a resource.
    pub fn insert(&mut self, address: Address, outputs: Value) {
        self.outputs.insert(address, outputs);
    }

    /// Forgets a resource, so that its dependents see it as still to be made.
    pub fn remove(&mut self, address: &Address) {
        self.outputs.remove(address);
    }
}
