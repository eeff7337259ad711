//! Which way does an arrow take? Down from its box into the room between two rows, along a track of its own, and into
//! the box below; what leads further away takes a track at the right edge. All arrows of one box share its tracks.

use std::collections::BTreeMap;

use super::place::{PADDING, Rect, Row};
use super::scene::Picture;

/// An arrow's way, corner by corner, and where its ports are written.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    pub points: Vec<(i32, i32)>,
    /// None where the arrow beside it says the same.
    pub label: Option<(i32, i32)>,
}

/// Between two tracks.
const TRACK: i32 = 9;
/// Below the tracks: the arrow's head and its ports.
const HEAD: i32 = 30;
/// Between two arrows into one box that have the same ports.
const BESIDE: i32 = 14;

/// Who runs where. Channel `n` is the room above row `n`; one more is below the last.
#[derive(Debug)]
pub(super) struct Channels {
    /// By channel: the boxes whose arrows run along it, in the order of their tracks.
    tracks: Vec<Vec<usize>>,
    /// The boxes with arrows along the edge.
    edge: Vec<usize>,
    /// By box that is reached: its arrows from left to right, each with its offset from the first.
    entries: BTreeMap<usize, Entries>,
    row_of: BTreeMap<usize, usize>,
}

#[derive(Debug, Default)]
struct Entries {
    width: i32,
    /// Arrow, offset, and whether its ports are written beside it.
    arrows: Vec<(usize, i32, bool)>,
}

impl Channels {
    pub fn of(picture: &Picture, rows: &[Row]) -> Self {
        let mut row_of = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            row_of.extend(row.nodes.iter().map(|node| (*node, index)));
        }
        let mut channels = Channels {
            tracks: vec![Vec::new(); rows.len() + 1],
            edge: Vec::new(),
            entries: BTreeMap::new(),
            row_of,
        };
        for arrow in &picture.arrows {
            let (below, into) = (channels.row(arrow.from) + 1, channels.row(arrow.to));
            channels.take_track(below, arrow.from);
            if below != into {
                channels.take_track(into, arrow.from);
                if !channels.edge.contains(&arrow.from) {
                    channels.edge.push(arrow.from);
                }
            }
        }
        for node in 0..picture.nodes.len() {
            let entries = Entries::into(node, picture);
            if !entries.arrows.is_empty() {
                channels.entries.insert(node, entries);
            }
        }
        channels
    }

    fn row(&self, node: usize) -> usize {
        self.row_of.get(&node).copied().unwrap_or(0)
    }

    fn take_track(&mut self, channel: usize, source: usize) {
        let tracks = &mut self.tracks[channel];
        if !tracks.contains(&source) {
            tracks.push(source);
        }
    }

    /// How much room a channel needs.
    pub fn height(&self, channel: usize) -> i32 {
        match (channel, self.tracks[channel].len()) {
            (0, 0) => 12,
            (last, tracks) if last + 1 == self.tracks.len() => below_all(tracks),
            (_, 0) => 20,
            (_, tracks) => HEAD + TRACK * i32::try_from(tracks).unwrap_or(0) + 6,
        }
    }

    /// How much room the edge needs.
    pub fn margin_width(&self) -> i32 {
        match self.edge.len() {
            0 => 0,
            tracks => 8 + TRACK * i32::try_from(tracks).unwrap_or(0),
        }
    }

    /// How wide a box must be for all that lead into it.
    pub fn entries_width(&self, node: usize) -> i32 {
        self.entries.get(&node).map_or(0, |entries| entries.width)
    }

    /// How far above the end of its channel a track runs.
    fn rise(&self, channel: usize, source: usize) -> i32 {
        let after = self.tracks[channel].len() - 1 - self.index(channel, source);
        HEAD + TRACK * i32::try_from(after).unwrap_or(0)
    }

    fn index(&self, channel: usize, source: usize) -> usize {
        let mut tracks = self.tracks[channel].iter();
        tracks.position(|other| *other == source).unwrap_or(0)
    }
}

/// The room for tracks below the last row, where no arrow ends.
fn below_all(tracks: usize) -> i32 {
    TRACK * i32::try_from(tracks).unwrap_or(0)
}

impl Entries {
    /// What has the same ports stands together, and says them once.
    fn into(node: usize, picture: &Picture) -> Self {
        let arrows = picture.arrows.iter().enumerate();
        let mut into: Vec<usize> = arrows
            .filter(|(_, arrow)| arrow.to == node)
            .map(|(index, _)| index)
            .collect();
        let look = |index: usize| (picture.arrows[index].mark, &picture.arrows[index].ports);
        into.sort_by_key(|index| (look(*index), picture.arrows[*index].from));
        let mut entries = Entries::default();
        let mut x = 0;
        for (place, arrow) in into.iter().enumerate() {
            let last_of_its_kind = into
                .get(place + 1)
                .is_none_or(|next| look(*next) != look(*arrow));
            entries.arrows.push((*arrow, x, last_of_its_kind));
            let label = i32::try_from(picture.arrows[*arrow].ports.chars().count()).unwrap_or(0);
            x += match last_of_its_kind {
                true => 7 * label + 26,
                false => BESIDE,
            };
        }
        entries.width = x;
        entries
    }
}

/// The way of every arrow, in the picture's order. `right` is where the lanes end.
pub(super) fn route(
    picture: &Picture,
    rows: &[Row],
    nodes: &[Rect],
    channels: &Channels,
    right: i32,
) -> Vec<Path> {
    let mut into: BTreeMap<usize, (i32, bool)> = BTreeMap::new();
    for (node, entries) in &channels.entries {
        let first = nodes[*node].x + (nodes[*node].width - entries.width) / 2 + 10;
        for (arrow, offset, labelled) in &entries.arrows {
            into.insert(*arrow, (first + offset, *labelled));
        }
    }
    let ends = row_ends(rows, nodes);
    let track = |channel: usize, source: usize| match nodes_top(rows, nodes, channel) {
        Some(top) => top - channels.rise(channel, source),
        None => ends + PADDING + below_all(channels.index(channel, source)) + 4,
    };
    let exits = exits(picture, channels, nodes, &into);
    let arrows = picture.arrows.iter().enumerate();
    arrows
        .map(|(index, arrow)| {
            let (source, target) = (nodes[arrow.from], nodes[arrow.to]);
            let (entry, labelled) = into[&index];
            let exit = exits[&arrow.from];
            let (below, above) = (channels.row(arrow.from) + 1, channels.row(arrow.to));
            let leaves = track(below, arrow.from);
            let mut points = vec![(exit, source.bottom()), (exit, leaves)];
            if below != above {
                let place = channels.edge.iter().position(|other| *other == arrow.from);
                let edge = right + 8 + TRACK * i32::try_from(place.unwrap_or(0)).unwrap_or(0);
                let enters = track(above, arrow.from);
                points.extend([(edge, leaves), (edge, enters), (entry, enters)]);
            } else {
                points.push((entry, leaves));
            }
            points.push((entry, target.y));
            Path {
                points: without_stops(points),
                label: labelled.then_some((entry + 7, target.y - 9)),
            }
        })
        .collect()
}

fn nodes_top(rows: &[Row], nodes: &[Rect], row: usize) -> Option<i32> {
    let first = rows.get(row)?.nodes.first()?;
    Some(nodes[*first].y)
}

fn row_ends(rows: &[Row], nodes: &[Rect]) -> i32 {
    let last = rows.last().and_then(|row| row.nodes.first());
    last.map_or(0, |node| nodes[*node].bottom())
}

/// Where each box's arrows leave it: straight above one that they lead to, if there is one; never where an arrow of
/// another box comes down, for the two would look like one.
fn exits(
    picture: &Picture,
    channels: &Channels,
    nodes: &[Rect],
    into: &BTreeMap<usize, (i32, bool)>,
) -> BTreeMap<usize, i32> {
    let mut exits = BTreeMap::new();
    for (node, rect) in nodes.iter().enumerate() {
        let below = channels.row(node) + 1;
        let in_channel = |own: bool| {
            let arrows = picture.arrows.iter().enumerate();
            arrows
                .filter(move |(_, arrow)| (arrow.from == node) == own)
                .filter(|(_, arrow)| channels.row(arrow.to) == below)
                .map(|(index, _)| into[&index].0)
        };
        let foreign: Vec<i32> = in_channel(false).collect();
        let straight = in_channel(true)
            .filter(|x| (rect.x + 12..rect.right() - 12).contains(x))
            .min_by_key(|x| (x - rect.middle()).abs());
        let aside = (0..rect.width / 2 - 12)
            .flat_map(|by| [rect.middle() - by, rect.middle() + by])
            .find(|x| foreign.iter().all(|other| (other - x).abs() > 5));
        exits.insert(node, straight.or(aside).unwrap_or(rect.middle()));
    }
    exits
}

/// Without corners that are none.
fn without_stops(points: Vec<(i32, i32)>) -> Vec<(i32, i32)> {
    let mut corners: Vec<(i32, i32)> = Vec::new();
    for point in points {
        if corners.last() == Some(&point) {
            continue;
        }
        if let [.., before, last] = corners.as_slice()
            && ((before.0 == last.0 && last.0 == point.0)
                || (before.1 == last.1 && last.1 == point.1))
        {
            corners.pop();
        }
        corners.push(point);
    }
    corners
}
