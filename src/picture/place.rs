//! Where does everything in a picture stand? Rows from those who reach to those who are reached, within the lanes of
//! their subnets; room for arrows between the rows, none through a box.

use super::route::{Channels, Path, route};
use super::scene::{Arrow, NodeKind, Picture};

/// In pixels, from the top left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rect {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

/// A picture with everything in its place.
#[derive(Clone, Debug, Default)]
pub(super) struct Placed {
    pub width: i32,
    pub height: i32,
    pub vpc: Rect,
    /// As the picture's lanes.
    pub lanes: Vec<Rect>,
    /// As the picture's nodes.
    pub nodes: Vec<Rect>,
    /// As the picture's arrows.
    pub paths: Vec<Path>,
    /// Where the remarks begin, below the lanes.
    pub remarks: i32,
    /// Where the key begins, below the VPC.
    pub key: i32,
}

/// Around everything.
pub(super) const MARGIN: i32 = 24;
/// The title of the picture.
const TITLE: i32 = 44;
/// Between a frame and what is in it.
pub(super) const PADDING: i32 = 14;
/// The title of the VPC.
pub(super) const HEADING: i32 = 30;
/// Where a lane names its subnets.
pub(super) const SIDEBAR: i32 = 196;
/// One subnet in it: its zone and its block, and a NAT gateway.
pub(super) const CELL: i32 = 36;
pub(super) const NAT: i32 = 17;
/// Between boxes.
const GAP: i32 = 22;
const NARROWEST: i32 = 230;
const LEAST_CONTENT: i32 = 460;
/// A box's title, and each line below it.
pub(super) const BOX_TITLE: i32 = 30;
pub(super) const BOX_LINE: i32 = 17;
pub(super) const REMARK: i32 = 19;
/// The boxes of a row stay readable side by side up to here.
const MOST_IN_A_ROW: usize = 5;

/// What stands side by side.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub lane: Option<usize>,
    pub nodes: Vec<usize>,
}

impl Rect {
    pub fn right(&self) -> i32 {
        self.x + self.width
    }

    pub fn bottom(&self) -> i32 {
        self.y + self.height
    }

    pub fn middle(&self) -> i32 {
        self.x + self.width / 2
    }
}

pub(super) fn place(picture: &Picture) -> Placed {
    let rows = rows(picture);
    let channels = Channels::of(picture, &rows);
    let mut nodes = sizes(picture, &channels);
    let content = rows
        .iter()
        .map(|row| row_width(row, &nodes))
        .max()
        .unwrap_or(0)
        .max(LEAST_CONTENT);
    let left = MARGIN + PADDING + SIDEBAR + PADDING;
    let right = left + content + PADDING;
    let mut placed = Placed {
        lanes: vec![Rect::default(); picture.lanes.len()],
        ..Placed::default()
    };
    let mut y = MARGIN + TITLE;
    let mut tops = Vec::new();
    let lane_x = MARGIN + PADDING;
    let mut row_index = 0;
    let mut place_rows = |lane: Option<usize>, y: &mut i32, nodes: &mut Vec<Rect>| {
        while let Some(row) = rows.get(row_index).filter(|row| row.lane == lane) {
            *y += channels.height(row_index);
            tops.push(*y);
            let mut x = left + (content - row_width(row, nodes)) / 2;
            let height = row.nodes.iter().map(|node| nodes[*node].height).max();
            for node in &row.nodes {
                let rect = &mut nodes[*node];
                (rect.x, rect.y) = (x, *y);
                rect.height = height.unwrap_or(0);
                x += rect.width + GAP;
            }
            *y += height.unwrap_or(0);
            row_index += 1;
        }
    };
    place_rows(None, &mut y, &mut nodes);
    if !nodes.is_empty() && rows.first().is_some_and(|row| row.lane.is_none()) {
        y += PADDING;
    }
    let vpc_top = y;
    y += HEADING;
    for (index, lane) in picture.lanes.iter().enumerate() {
        let top = y;
        place_rows(Some(index), &mut y, &mut nodes);
        let cells: i32 = lane
            .subnets
            .iter()
            .map(|cell| CELL + if cell.nat.is_some() { NAT } else { 0 })
            .sum();
        y = (y + PADDING).max(top + HEADING + cells + PADDING);
        placed.lanes[index] = Rect {
            x: lane_x,
            y: top,
            width: right - lane_x,
            height: y - top,
        };
        y += PADDING;
    }
    // Who goes back up does it below the last row.
    y += channels.height(rows.len());
    placed.remarks = y;
    y += REMARK * i32::try_from(picture.remarks.len()).unwrap_or(0);
    if !picture.remarks.is_empty() {
        y += PADDING / 2;
    }
    let margin = channels.margin_width();
    placed.vpc = Rect {
        x: MARGIN,
        y: vpc_top,
        width: right + margin + PADDING - MARGIN,
        height: y - vpc_top,
    };
    placed.key = placed.vpc.bottom() + 8;
    let with_key = placed.key + if picture.marks().is_empty() { 0 } else { 30 };
    placed.height = with_key + MARGIN - 8;
    placed.width = placed.vpc.right() + MARGIN;
    placed.paths = route(picture, &rows, &nodes, &channels, right);
    placed.nodes = nodes;
    placed
}

fn row_width(row: &Row, nodes: &[Rect]) -> i32 {
    let boxes: i32 = row.nodes.iter().map(|node| nodes[*node].width).sum();
    boxes + GAP * (i32::try_from(row.nodes.len()).unwrap_or(1) - 1)
}

fn sizes(picture: &Picture, channels: &Channels) -> Vec<Rect> {
    let narrowest = |kind| match kind {
        NodeKind::Internet | NodeKind::Outside => 130,
        NodeKind::LoadBalancer => 300,
        NodeKind::Service => NARROWEST,
    };
    let nodes = picture.nodes.iter().enumerate();
    nodes
        .map(|(index, node)| Rect {
            width: narrowest(node.kind).max(channels.entries_width(index) + 24),
            height: match node.lines.len() {
                0 => BOX_TITLE + 4,
                lines => BOX_TITLE + BOX_LINE * i32::try_from(lines).unwrap_or(0) + 10,
            },
            ..Rect::default()
        })
        .collect()
}

/// By lane; in a lane, each below all that reach it, as far as they don't reach each other.
fn rows(picture: &Picture) -> Vec<Row> {
    let mut lanes: Vec<Option<usize>> = picture.nodes.iter().map(|node| node.lane).collect();
    lanes.sort();
    lanes.dedup();
    let mut rows: Vec<Row> = Vec::new();
    for lane in lanes {
        let here: Vec<usize> = (0..picture.nodes.len())
            .filter(|node| picture.nodes[*node].lane == lane)
            .collect();
        for rank in ranks(&here, &picture.arrows) {
            let rank = near_their_sources(rank, &rows, &picture.arrows);
            let count = rank.len().div_ceil(MOST_IN_A_ROW).max(1);
            for nodes in rank.chunks(rank.len().div_ceil(count)) {
                rows.push(Row {
                    lane,
                    nodes: nodes.to_vec(),
                });
            }
        }
    }
    rows
}

/// Layers of nodes: the first ones are reached by none of the others. Of those that reach each other in a circle, the
/// one that the fewest still reach goes first.
fn ranks(nodes: &[usize], arrows: &[Arrow]) -> Vec<Vec<usize>> {
    let mut left = nodes.to_vec();
    let mut ranks = Vec::new();
    while !left.is_empty() {
        let reached_by = |node: usize| {
            let into = arrows.iter().filter(|arrow| arrow.to == node);
            into.filter(|arrow| left.contains(&arrow.from)).count()
        };
        let fewest = left.iter().map(|node| reached_by(*node)).min().unwrap_or(0);
        let mut first: Vec<usize> = left
            .iter()
            .copied()
            .filter(|node| reached_by(*node) == fewest)
            .collect();
        if fewest > 0 {
            first.truncate(1);
        }
        left.retain(|node| !first.contains(node));
        ranks.push(first);
    }
    ranks
}

/// Sorted so that arrows cross little: by where those stand that reach them.
fn near_their_sources(mut rank: Vec<usize>, rows: &[Row], arrows: &[Arrow]) -> Vec<usize> {
    let place = |node: usize| {
        rows.iter().find_map(|row| {
            let index = row.nodes.iter().position(|other| *other == node)?;
            Some((2 * index + 1) * 1000 / (2 * row.nodes.len()))
        })
    };
    rank.sort_by_key(|node| {
        let sources = arrows.iter().filter(|arrow| arrow.to == *node);
        let places: Vec<usize> = sources.filter_map(|arrow| place(arrow.from)).collect();
        let middle = match places.len() {
            0 => 500,
            count => places.iter().sum::<usize>() / count,
        };
        (middle, *node)
    });
    rank
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::scene::{Lane, Node};

    /// Fifty services in two lanes behind a load balancer, each reaching two others, some of them in circles.
    fn crowd(services: usize) -> Picture {
        let node = |kind, lane, title: String| Node {
            kind,
            lane,
            title,
            lines: Vec::new(),
            mark: None,
        };
        let mut nodes = vec![
            node(NodeKind::Internet, None, "internet".to_owned()),
            node(NodeKind::LoadBalancer, Some(0), "load balancer".to_owned()),
        ];
        nodes.extend((0..services).map(|index| {
            let lane = Some(usize::from(index % 5 != 0));
            node(NodeKind::Service, lane, format!("service-{index}"))
        }));
        nodes.sort_by_key(|node| (node.lane.map_or(0, |lane| lane + 1), node.kind));
        let arrow = |from, to, port: usize| Arrow {
            from,
            to,
            ports: format!("tcp {port}"),
            mark: None,
        };
        let mut arrows = vec![arrow(0, 1, 443)];
        for index in 0..services {
            arrows.push(arrow(1, 2 + index, 80));
            arrows.push(arrow(2 + index, 2 + (index * 7 + 3) % services, 8080));
            arrows.push(arrow(2 + index, 2 + (index + 1) % services, 9000));
        }
        arrows.retain(|arrow| arrow.from != arrow.to);
        Picture {
            nodes,
            arrows,
            lanes: vec![Lane::default(), Lane::default()],
            ..Picture::default()
        }
    }

    fn overlap(one: &Rect, other: &Rect) -> bool {
        one.x < other.right()
            && other.x < one.right()
            && one.y < other.bottom()
            && other.y < one.bottom()
    }

    #[test]
    fn no_two_boxes_overlap_and_each_is_in_its_lane() {
        for services in [1, 2, 7, 50] {
            let picture = crowd(services);
            let placed = place(&picture);
            for (index, one) in placed.nodes.iter().enumerate() {
                for other in &placed.nodes[index + 1..] {
                    assert!(!overlap(one, other), "{services}: {one:?} {other:?}");
                }
                let frame = match picture.nodes[index].lane {
                    Some(lane) => placed.lanes[lane],
                    None => Rect {
                        width: placed.width,
                        height: placed.vpc.y,
                        ..Rect::default()
                    },
                };
                assert!(one.x >= frame.x && one.right() <= frame.right(), "{one:?}");
                assert!(
                    one.y >= frame.y && one.bottom() <= frame.bottom(),
                    "{one:?}"
                );
            }
            for (lane, below) in placed.lanes.iter().zip(&placed.lanes[1..]) {
                assert!(lane.bottom() < below.y);
            }
        }
    }

    #[test]
    fn no_arrow_runs_through_a_box() {
        let picture = crowd(50);
        let placed = place(&picture);
        assert_eq!(placed.paths.len(), picture.arrows.len());
        for (arrow, path) in picture.arrows.iter().zip(&placed.paths) {
            for pair in path.points.windows(2) {
                let [(x, y), (to_x, to_y)] = [pair[0], pair[1]];
                assert!(x == to_x || y == to_y, "{:?}", path.points);
                // Its ends touch the boxes that it connects.
                let line = Rect {
                    x: x.min(to_x),
                    y: y.min(to_y) + 1,
                    width: (x - to_x).abs() + 1,
                    height: (y - to_y).abs() - 1,
                };
                for (index, node) in placed.nodes.iter().enumerate() {
                    assert!(
                        !overlap(&line, node),
                        "{arrow:?} through {index}: {:?}",
                        path.points
                    );
                }
            }
            let last = path.points[path.points.len() - 1];
            assert_eq!(last.1, placed.nodes[arrow.to].y);
            assert_eq!(path.points[0].1, placed.nodes[arrow.from].bottom());
        }
    }
}
