//! Which resource needs which, and how far must that one be? The resource graph as a picture, in every format.

mod columns;
mod dot;
mod mermaid;
mod svg;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::mark::{Mark, Marks};
use crate::resource::{Address, Edge, Gate};

/// The graph, dependencies first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    pub stack: String,
    /// What it shows of the stack: `as recorded`.
    pub caption: String,
    pub nodes: Vec<ResourceNode>,
}

/// One resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceNode {
    pub address: Address,
    /// How many resources stand below it on its longest way down.
    pub depth: usize,
    /// How far each dependency must be; `none` where only the order of removal counts.
    pub needs: BTreeMap<Address, Gate>,
    pub mark: Option<Mark>,
}

impl Resources {
    /// The graph of these resources. What an edge names and is not among them is left out.
    pub fn of(
        stack: &str,
        caption: &str,
        resources: impl IntoIterator<Item = (Address, Vec<Edge>)>,
        marks: &Marks,
    ) -> Self {
        let resources: BTreeMap<Address, Vec<Edge>> = resources.into_iter().collect();
        let mut needs: BTreeMap<&Address, BTreeMap<Address, Gate>> = BTreeMap::new();
        for (address, edges) in &resources {
            let own = needs.entry(address).or_default();
            for edge in edges.iter().filter(|edge| resources.contains_key(&edge.to)) {
                let gate = own.entry(edge.to.clone()).or_insert(edge.gate);
                *gate = edge.gate.max(*gate);
            }
        }
        let mut depths = BTreeMap::new();
        for address in needs.keys() {
            depth(address, &needs, &mut BTreeSet::new(), &mut depths);
        }
        let mut nodes: Vec<ResourceNode> = needs
            .iter()
            .map(|(address, needs)| ResourceNode {
                address: (*address).clone(),
                depth: depths.get(*address).copied().unwrap_or(0),
                needs: needs.clone(),
                mark: marks.of_address(address),
            })
            .collect();
        nodes.sort_by(|one, other| (one.depth, &one.address).cmp(&(other.depth, &other.address)));
        Resources {
            stack: stack.to_owned(),
            caption: caption.to_owned(),
            nodes,
        }
    }

    /// The marks that are in use, for the key.
    pub fn marks(&self) -> Vec<Mark> {
        let in_use = |mark: &Mark| self.nodes.iter().any(|node| node.mark == Some(*mark));
        Mark::ALL.into_iter().filter(in_use).collect()
    }

    /// Every edge: who needs, who is needed, how far that one must be.
    fn edges(&self) -> impl Iterator<Item = (usize, usize, Gate)> {
        let place: BTreeMap<&Address, usize> = (0..)
            .zip(&self.nodes)
            .map(|(index, node)| (&node.address, index))
            .collect();
        self.nodes
            .iter()
            .enumerate()
            .flat_map(move |(index, node)| {
                let needs: Vec<_> = node
                    .needs
                    .iter()
                    .filter_map(|(to, gate)| Some((index, *place.get(to)?, *gate)))
                    .collect();
                needs
            })
    }
}

/// How far a dependency must be, in a word.
fn word(gate: Gate) -> &'static str {
    match gate {
        Gate::None => "removal only",
        Gate::Exists => "exists",
        Gate::Ready => "ready",
    }
}

/// What the file wants and what is recorded may together go in a circle, which neither does alone: it is cut.
fn depth<'a>(
    address: &'a Address,
    needs: &'a BTreeMap<&Address, BTreeMap<Address, Gate>>,
    path: &mut BTreeSet<&'a Address>,
    depths: &mut BTreeMap<&'a Address, usize>,
) -> usize {
    if let Some(known) = depths.get(address) {
        return *known;
    }
    if !path.insert(address) {
        return 0;
    }
    let below = needs.get(address).into_iter().flat_map(BTreeMap::keys);
    let deepest = below
        .map(|to| 1 + depth(to, needs, path, depths))
        .max()
        .unwrap_or(0);
    path.remove(address);
    depths.insert(address, deepest);
    deepest
}
