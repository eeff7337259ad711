//! How is the resource graph drawn as SVG? What is made first stands on the left.

use std::collections::BTreeMap;

use super::super::draw::{at, badge, begin, fitted, heading, key, text};
use super::super::markup::Markup;
use super::super::place::{MARGIN, Rect};
use super::columns::{Columns, Item, Link};
use super::{ResourceNode, Resources};
use crate::resource::Gate;

const WIDTH: i32 = 250;
const HEIGHT: i32 = 30;
/// Between columns: room for the curves.
const BETWEEN: i32 = 76;
const BELOW: i32 = 12;
/// What a lane takes of a column.
const LANE: i32 = 7;
const TOP: i32 = 96;

impl Resources {
    pub fn svg(&self) -> String {
        let columns = Columns::of(self);
        let (places, height) = place(&columns);
        let count = i32::try_from(columns.columns.len()).unwrap_or(0);
        let width = (2 * MARGIN + count * (WIDTH + BETWEEN) - BETWEEN).max(560);
        let height = TOP + height + MARGIN + if self.marks().is_empty() { 0 } else { 32 };
        let title = format!("{}, {}", self.stack, self.caption);
        let description = format!(
            "{} resources of {}; each stands to the right of those that it needs.",
            self.nodes.len(),
            self.stack
        );
        let mut svg = begin(width, height, &title, &description);
        heading(&mut svg, MARGIN, MARGIN + 16, &self.stack, &self.caption);
        explain(&mut svg);
        for link in &columns.links {
            self.draw_link(&mut svg, link, &places);
        }
        for (column, items) in columns.columns.iter().enumerate() {
            for item in items {
                let rect = places[&(column, *item)];
                match item {
                    Item::Resource(index) => draw_node(&mut svg, &self.nodes[*index], &rect),
                    Item::Lane(source, gate) => self.draw_lane(&mut svg, *source, *gate, &rect),
                }
            }
        }
        key(&mut svg, &self.marks(), MARGIN, height - MARGIN - 24);
        svg.finish() + "\n"
    }

    fn draw_link(&self, svg: &mut Markup, link: &Link, places: &BTreeMap<(usize, Item), Rect>) {
        let (from, to) = (
            places[&(link.column, link.from)],
            places[&(link.column + 1, link.to)],
        );
        let (x, y) = (from.right(), from.y + from.height / 2);
        let (to_x, to_y) = (to.x, to.y + to.height / 2);
        let half = (to_x - x) / 2;
        svg.open("g", &[("class", class(link.gate))]);
        if let Item::Resource(dependent) = link.to {
            let [dependent, source] =
                [dependent, link.source].map(|index| &self.nodes[index].address);
            svg.element(
                "title",
                &[],
                meaning(&dependent.to_string(), &source.to_string(), link.gate),
            );
        }
        let path = format!(
            "M{x} {y}C{} {y} {} {to_y} {to_x} {to_y}",
            x + half,
            to_x - half
        );
        svg.empty("path", &[("d", &path)]);
        if let Item::Resource(_) = link.to {
            svg.empty(
                "circle",
                &[("cx", &at(to_x)), ("cy", &at(to_y)), ("r", "3")],
            );
        }
        svg.close().newline();
    }

    fn draw_lane(&self, svg: &mut Markup, source: usize, gate: Gate, rect: &Rect) {
        let y = rect.y + rect.height / 2;
        svg.open("g", &[("class", class(gate))]);
        let source = self.nodes[source].address.to_string();
        svg.element("title", &[], meaning("what follows", &source, gate));
        svg.empty(
            "path",
            &[("d", &format!("M{} {y}H{}", rect.x, rect.right()))],
        );
        svg.close().newline();
    }
}

fn meaning(dependent: &str, dependency: &str, gate: Gate) -> String {
    match gate {
        Gate::None => format!("{dependent} must be gone before {dependency} is removed"),
        Gate::Exists => format!("{dependent} needs {dependency} to exist"),
        Gate::Ready => format!("{dependent} needs {dependency} to be ready"),
    }
}

fn class(gate: Gate) -> &'static str {
    match gate {
        Gate::None => "edge removal",
        Gate::Exists => "edge exists",
        Gate::Ready => "edge ready",
    }
}

/// What the lines mean: told by their weight and pattern, not by colour alone.
fn explain(svg: &mut Markup) {
    let mut x = MARGIN;
    for (gate, what, room) in [
        (Gate::Ready, "must be ready", 150),
        (Gate::Exists, "must exist", 130),
        (Gate::None, "only the order of removal", 0),
    ] {
        svg.open("g", &[("class", class(gate))]);
        svg.empty("path", &[("d", &format!("M{x} 64h34"))]);
        svg.close();
        text(svg, "", x + 42, 68, what);
        x += room;
    }
    svg.newline();
}

/// Every item with its place, and how high it all is. A column stands in the middle of the highest.
fn place(columns: &Columns) -> (BTreeMap<(usize, Item), Rect>, i32) {
    let height_of = |item: &Item| match item {
        Item::Resource(_) => HEIGHT + BELOW,
        Item::Lane(..) => LANE,
    };
    let heights: Vec<i32> = columns
        .columns
        .iter()
        .map(|items| items.iter().map(height_of).sum())
        .collect();
    let highest = heights.iter().copied().max().unwrap_or(0);
    let mut places = BTreeMap::new();
    let mut x = MARGIN;
    for (column, items) in columns.columns.iter().enumerate() {
        let mut y = TOP + (highest - heights[column]) / 2;
        for item in items {
            let height = match item {
                Item::Resource(_) => HEIGHT,
                Item::Lane(..) => LANE,
            };
            let rect = Rect {
                x,
                y,
                width: WIDTH,
                height,
            };
            places.insert((column, *item), rect);
            y += height_of(item);
        }
        x += WIDTH + BETWEEN;
    }
    (places, highest)
}

fn draw_node(svg: &mut Markup, node: &ResourceNode, rect: &Rect) {
    let marked = node
        .mark
        .map_or_else(String::new, |mark| format!(" marked {}", mark.class()));
    svg.open("g", &[("class", &format!("resource{marked}"))]);
    let becomes = node
        .mark
        .map_or_else(String::new, |mark| format!(", {}", mark.word()));
    svg.element("title", &[], format!("{}{becomes}", node.address));
    svg.empty(
        "rect",
        &[
            ("class", "box"),
            ("x", &at(rect.x)),
            ("y", &at(rect.y)),
            ("width", &at(rect.width)),
            ("height", &at(rect.height)),
            ("rx", "5"),
        ],
    );
    let kind = format!("{}.", node.address.kind());
    let room = rect.width - 18 - i32::try_from(kind.len() * 13 / 2).unwrap_or(0);
    svg.open("text", &[("x", &at(rect.x + 9)), ("y", &at(rect.y + 19))])
        .element("tspan", &[("class", "kind")], kind)
        .element(
            "tspan",
            &[("class", "title")],
            fitted(node.address.name(), room, 6.9),
        )
        .close();
    if let Some(mark) = node.mark {
        badge(svg, mark, rect.right() - 4, rect.y + 3);
    }
    svg.close().newline();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{Mark, Marks};
    use crate::resource::{Address, Edge, OnDelete};

    /// Sixty resources in a chain of tens, each needing what is one, three and nine before it.
    fn many() -> Resources {
        let address = |index: usize| Address::new("thing", format!("{index:02}"));
        let mut marks = Marks::default();
        marks.set(&address(7), Mark::Replace);
        let resources = (0..60_usize).map(|index| {
            let needed = [(1, Gate::Ready), (3, Gate::Exists), (9, Gate::None)];
            let edges = needed.into_iter().filter_map(|(back, gate)| {
                Some(Edge {
                    to: address(index.checked_sub(back * 5)?),
                    gate,
                    on_delete: OnDelete::Gone,
                })
            });
            (address(index), edges.collect())
        });
        Resources::of("many", "as recorded", resources, &marks)
    }

    #[test]
    fn no_two_items_of_a_column_overlap_and_edges_lead_to_the_right() {
        let resources = many();
        let columns = Columns::of(&resources);
        let (places, height) = place(&columns);
        for (column, items) in columns.columns.iter().enumerate() {
            for pair in items.windows(2) {
                let [one, other] = [places[&(column, pair[0])], places[&(column, pair[1])]];
                assert!(one.bottom() <= other.y, "{pair:?}");
                assert!(other.bottom() <= TOP + height);
            }
        }
        assert_eq!(
            resources
                .nodes
                .iter()
                .filter(|node| node.mark.is_some())
                .count(),
            1
        );
        // Whoever follows the links from a resource comes to all that need it, and to nobody else.
        for (dependent, source, gate) in resources.edges() {
            let end = resources.nodes[dependent].depth;
            let arrives = columns.links.iter().any(|link| {
                link.to == Item::Resource(dependent)
                    && (link.source, link.gate, link.column + 1) == (source, gate, end)
            });
            assert!(arrives, "{dependent} needs {source}");
        }
    }
}
