//! Where do the specs of a stack come from? From what is recorded, or from what its file wants.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::graph::ResourceGraph;
use crate::resource::{Address, Ref, Resource};
use crate::state::{State, Status};

/// Specs and outputs by address. What has a successor, is going, or can't be read, is left out: nobody is led there.
#[derive(Clone, Debug, Default)]
pub struct Specs(BTreeMap<Address, (Value, Value)>);

impl Specs {
    /// What is recorded.
    pub fn recorded(state: &State) -> Self {
        let living = state
            .resources
            .iter()
            .filter(|(address, record)| !address.is_deposed() && record.status != Status::Deleting);
        Specs(
            living
                .map(|(address, record)| {
                    let (spec, outputs) = (record.spec.clone(), record.outputs.clone());
                    (address.clone(), (spec, outputs))
                })
                .collect(),
        )
    }

    /// What is wanted; nothing of it has outputs yet.
    pub fn wanted(graph: &ResourceGraph) -> Self {
        Specs(
            graph
                .in_order()
                .map(|node| (node.address.clone(), (node.resource.value(), Value::Null)))
                .collect(),
        )
    }

    /// These, whatever they are of: each with its spec and its outputs.
    pub fn these(resources: impl IntoIterator<Item = (Address, Value, Value)>) -> Self {
        let resources = resources.into_iter();
        Specs(
            resources
                .map(|(address, spec, outputs)| (address, (spec, outputs)))
                .collect(),
        )
    }

    /// These, and what only the others have: resources, and outputs that are not known here yet.
    pub fn over(mut self, others: &Specs) -> Self {
        for (address, (spec, outputs)) in &others.0 {
            let own = self.0.entry(address.clone());
            let (_, known) = own.or_insert_with(|| (spec.clone(), Value::Null));
            if known.is_null() {
                known.clone_from(outputs);
            }
        }
        self
    }

    /// All resources of a kind, by their names.
    pub fn all<K: Resource>(&self) -> impl Iterator<Item = (&str, K)> {
        self.0
            .iter()
            .filter(|(address, _)| address.kind() == K::KIND)
            .filter_map(|(address, (spec, _))| {
                Some((address.name(), serde_json::from_value(spec.clone()).ok()?))
            })
    }

    /// The spec at the far end of a reference.
    pub fn at<K: Resource>(&self, reference: &Ref<K>) -> Option<K> {
        let (spec, _) = self.0.get(reference.address())?;
        serde_json::from_value(spec.clone()).ok()
    }

    /// What AWS told of the resource at this address.
    pub fn outputs<K: Resource>(&self, address: &Address) -> Option<K::Outputs> {
        let (_, outputs) = self.0.get(address)?;
        serde_json::from_value(outputs.clone()).ok()
    }
}
