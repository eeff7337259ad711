//! What does a stack want, as a whole? Every resource with its edges, checked to be complete and free of cycles.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::resource::{Address, AnyResource, Edge, Ref, Resource};

/// One wanted resource.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands.
    pub address: Address,
    /// What is wanted.
    pub resource: Arc<dyn AnyResource>,
    /// What it needs; read off the spec.
    pub edges: Vec<Edge>,
}

/// The desired state. Never changed once it is built.
#[derive(Clone, Debug, Default)]
pub struct ResourceGraph {
    nodes: BTreeMap<Address, Node>,
    order: Vec<Address>,
}

/// A graph that can't be carried out. The stack file's checks keep users from seeing these.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two resources of one address.
    #[error("two resources are called {0}")]
    Duplicate(Address),
    /// A reference to nothing.
    #[error("{from} refers to {to}, which is not in the stack")]
    Dangling {
        /// The dependent.
        from: Address,
        /// What it names.
        to: Address,
    },
    /// Resources that need each other.
    #[error("these resources need each other: {}", join(.0))]
    Cycle(Vec<Address>),
}

fn join(addresses: &[Address]) -> String {
    let names: Vec<String> = addresses.iter().map(Address::to_string).collect();
    names.join(" → ")
}

/// Collects resources; [`GraphBuilder::finish`] checks them.
#[derive(Debug, Default)]
pub struct GraphBuilder {
    nodes: BTreeMap<Address, Node>,
    duplicate: Option<Address>,
}

impl GraphBuilder {
    /// Adds a resource and answers the plainest reference to it.
    pub fn add<K: Resource>(&mut self, name: impl Into<String>, resource: K) -> Ref<K> {
        let reference = Ref::exists(name);
        let address = reference.address().clone();
        let resource: Arc<dyn AnyResource> = Arc::new(resource);
        let node = Node {
            address: address.clone(),
            edges: resource.edges(),
            resource,
        };
        if self.nodes.insert(address.clone(), node).is_some() {
            self.duplicate.get_or_insert(address);
        }
        reference
    }

    /// The finished graph.
    pub fn finish(self) -> Result<ResourceGraph, GraphError> {
        if let Some(address) = self.duplicate {
            return Err(GraphError::Duplicate(address));
        }
        for node in self.nodes.values() {
            for edge in &node.edges {
                if !self.nodes.contains_key(&edge.to) {
                    return Err(GraphError::Dangling {
                        from: node.address.clone(),
                        to: edge.to.clone(),
                    });
                }
            }
        }
        let order = order(&self.nodes)?;
        Ok(ResourceGraph {
            nodes: self.nodes,
            order,
        })
    }
}

impl ResourceGraph {
    /// All resources, dependencies first.
    pub fn in_order(&self) -> impl Iterator<Item = &Node> {
        self.order
            .iter()
            .filter_map(|address| self.nodes.get(address))
    }

    /// The resource at this address.
    pub fn get(&self, address: &Address) -> Option<&Node> {
        self.nodes.get(address)
    }

    /// How many resources there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// Dependencies first: by the longest way down to a resource that needs nothing, then by address,
/// so that the order is always the same and reads from the ground up.
fn order(nodes: &BTreeMap<Address, Node>) -> Result<Vec<Address>, GraphError> {
    let mut depths = BTreeMap::new();
    for address in nodes.keys() {
        depth(nodes, address, &mut Vec::new(), &mut depths)?;
    }
    let mut order: Vec<(usize, &Address)> = depths
        .into_iter()
        .map(|(address, depth)| (depth, address))
        .collect();
    order.sort();
    Ok(order
        .into_iter()
        .map(|(_, address)| address.clone())
        .collect())
}

fn depth<'a>(
    nodes: &'a BTreeMap<Address, Node>,
    address: &'a Address,
    path: &mut Vec<&'a Address>,
    depths: &mut BTreeMap<&'a Address, usize>,
) -> Result<usize, GraphError> {
    if let Some(&known) = depths.get(address) {
        return Ok(known);
    }
    if let Some(start) = path.iter().position(|visited| *visited == address) {
        let mut cycle: Vec<Address> = path[start..].iter().copied().cloned().collect();
        cycle.push(address.clone());
        return Err(GraphError::Cycle(cycle));
    }
    path.push(address);
    let mut deepest = 0;
    for edge in nodes.get(address).iter().flat_map(|node| &node.edges) {
        deepest = deepest.max(1 + depth(nodes, &edge.to, path, depths)?);
    }
    path.pop();
    depths.insert(address, deepest);
    Ok(deepest)
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::resource::{CallError, Change, Context, Known, Lookup, Ref, StepError};

    /// A resource that is nothing but its edges.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Bare {
        needs: Vec<Ref<Bare>>,
    }

    impl Resource for Bare {
        const KIND: &'static str = "bare";
        type Cloud = ();
        type Observed = ();
        type Outputs = ();

        fn diff(&self, _seen: &(), _recorded: Option<&Self>, _known: &Known) -> Change {
            Change::default()
        }
        fn outputs(&self, _seen: &()) {}
        async fn read(
            _cloud: &(),
            lookups: &[Lookup<'_, Self>],
        ) -> Result<Vec<Option<()>>, CallError> {
            Ok(vec![None; lookups.len()])
        }
        async fn find(&self, _context: &Context<'_, ()>) -> Result<Option<()>, CallError> {
            Ok(None)
        }
        async fn create(&self, _context: &Context<'_, ()>) -> Result<(), StepError> {
            Ok(())
        }
        async fn update(
            &self,
            _context: &Context<'_, ()>,
            _outputs: &(),
            _seen: &(),
            _change: &Change,
        ) -> Result<(), StepError> {
            Ok(())
        }
        async fn delete(&self, _context: &Context<'_, ()>, _outputs: &()) -> Result<(), StepError> {
            Ok(())
        }
    }

    fn graph(resources: &[(&str, &[&str])]) -> Result<ResourceGraph, GraphError> {
        let mut builder = GraphBuilder::default();
        for (name, needs) in resources {
            builder.add(
                *name,
                Bare {
                    needs: needs.iter().map(|need| Ref::exists(*need)).collect(),
                },
            );
        }
        builder.finish()
    }

    #[test]
    fn dependencies_come_first_and_equals_by_name() {
        let graph = graph(&[("c", &["a"]), ("b", &[]), ("a", &[]), ("d", &["c", "b"])]).unwrap();
        let order: Vec<&str> = graph.in_order().map(|node| node.address.name()).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_cycle_is_told_from_end_to_end() {
        let error = graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"])]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "these resources need each other: bare.a → bare.b → bare.c → bare.a"
        );
    }

    #[test]
    fn a_reference_to_nothing_is_refused() {
        let error = graph(&[("a", &["gone"])]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "bare.a refers to bare.gone, which is not in the stack"
        );
    }

    #[test]
    fn two_resources_of_one_address_are_refused() {
        let error = graph(&[("a", &[]), ("a", &[])]).unwrap_err();
        assert_eq!(error.to_string(), "two resources are called bare.a");
    }
}
