//! What does a stack want, as a whole? Every resource with its edges, checked to be complete and free of cycles.

use std::collections::{BTreeMap, BTreeSet};
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

/// Dependencies first; among equals by address, so that the order is always the same.
fn order(nodes: &BTreeMap<Address, Node>) -> Result<Vec<Address>, GraphError> {
    let mut placed: BTreeSet<&Address> = BTreeSet::new();
    let mut order = Vec::with_capacity(nodes.len());
    let mut path = Vec::new();
    for address in nodes.keys() {
        visit(nodes, address, &mut placed, &mut path, &mut order)?;
    }
    Ok(order)
}

fn visit<'a>(
    nodes: &'a BTreeMap<Address, Node>,
    address: &'a Address,
    placed: &mut BTreeSet<&'a Address>,
    path: &mut Vec<&'a Address>,
    order: &mut Vec<Address>,
) -> Result<(), GraphError> {
    if placed.contains(address) {
        return Ok(());
    }
    if let Some(start) = path.iter().position(|visited| *visited == address) {
        let mut cycle: Vec<Address> = path[start..]
            .iter()
            .map(|&visited| visited.clone())
            .collect();
        cycle.push(address.clone());
        return Err(GraphError::Cycle(cycle));
    }
    path.push(address);
    if let Some(node) = nodes.get(address) {
        for edge in &node.edges {
            visit(nodes, &edge.to, placed, path, order)?;
        }
    }
    path.pop();
    placed.insert(address);
    order.push(address.clone());
    Ok(())
}
