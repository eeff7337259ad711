//! Where does each resource stand in a drawing? In columns by depth; an edge over several columns has a lane in each
//! of them, which all edges from one resource that ask the same share, so that none runs through a box.

use std::collections::BTreeMap;

use super::Resources;
use crate::resource::Gate;

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Resource(usize),
    /// Of the edges from this resource, with this gate.
    Lane(usize, Gate),
}

/// From one column to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    pub column: usize,
    pub from: Item,
    pub to: Item,
    pub source: usize,
    pub gate: Gate,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    /// From top to bottom.
    pub columns: Vec<Vec<Item>>,
    pub links: Vec<Link>,
}

/// How often the order is improved. More makes no difference one can see.
const SWEEPS: usize = 6;

impl Columns {
    pub fn of(resources: &Resources) -> Self {
        let depth = |node: usize| resources.nodes[node].depth;
        let deepest = resources.nodes.iter().map(|node| node.depth).max();
        let mut columns = vec![Vec::new(); deepest.map_or(0, |deepest| deepest + 1)];
        for node in 0..resources.nodes.len() {
            columns[depth(node)].push(Item::Resource(node));
        }
        let mut links = Vec::new();
        for (dependent, source, gate) in resources.edges() {
            let mut from = Item::Resource(source);
            // Only an edge of a circle that was cut leads back.
            for column in depth(source)..depth(dependent) {
                let to = match column + 1 == depth(dependent) {
                    true => Item::Resource(dependent),
                    false => Item::Lane(source, gate),
                };
                if matches!(to, Item::Lane(..)) && !columns[column + 1].contains(&to) {
                    columns[column + 1].push(to);
                }
                links.push(Link {
                    column,
                    from,
                    to,
                    source,
                    gate,
                });
                from = to;
            }
        }
        links.sort();
        links.dedup();
        let mut placed = Columns { columns, links };
        for sweep in 0..SWEEPS {
            placed.sweep(sweep % 2 == 0);
        }
        placed
    }

    /// Puts each item near the middle of those that it is linked with in the column before (or after) it.
    fn sweep(&mut self, forwards: bool) {
        let count = self.columns.len();
        for step in 1..count {
            let column = if forwards { step } else { count - 1 - step };
            let beside = if forwards { column - 1 } else { column + 1 };
            let place: BTreeMap<Item, usize> = self.columns[beside]
                .iter()
                .enumerate()
                .map(|(index, item)| (*item, index))
                .collect();
            let middle = |item: &Item| {
                let linked = self.links.iter().filter_map(|link| {
                    let (own, other) = match forwards {
                        true => (link.to, link.from),
                        false => (link.from, link.to),
                    };
                    let between = if forwards {
                        link.column + 1
                    } else {
                        link.column
                    };
                    (own == *item && between == column).then(|| place.get(&other))?
                });
                let places: Vec<usize> = linked.copied().collect();
                (!places.is_empty()).then(|| places.iter().sum::<usize>() * 1000 / places.len())
            };
            let mut items = self.columns[column].clone();
            // What is linked with nothing there stays near where it is.
            let scale = self.columns[beside].len().max(1) * 1000 / items.len().max(1);
            let keys: BTreeMap<Item, usize> = items
                .iter()
                .enumerate()
                .map(|(index, item)| (*item, middle(item).unwrap_or(index * scale)))
                .collect();
            items.sort_by_key(|item| keys[item]);
            self.columns[column] = items;
        }
    }
}
