//! How is a picture drawn as SVG? Real text, light and dark, and readable without its colours.

use super::draw::{at, badge, begin, fitted, heading, key, text};
use super::markup::Markup;
use super::place::{
    BOX_LINE, BOX_TITLE, CELL, HEADING, MARGIN, NAT, PADDING, REMARK, Rect, SIDEBAR, place,
};
use super::route::Path;
use super::scene::{Arrow, Lane, Line, Node, NodeKind, Picture, Remark};

/// So many arrows are told apart by colour before the colours come again.
const COLOURS: usize = 6;
/// The average width of a character at the sizes used.
const CHARACTER: f64 = 6.6;

impl Picture {
    pub fn svg(&self) -> String {
        let placed = place(self);
        let title = format!("{}, {}", self.stack, self.caption);
        let mut svg = begin(placed.width, placed.height, &title, &self.described());
        heading(&mut svg, MARGIN, MARGIN + 16, &self.stack, &self.caption);
        frame(&mut svg, "vpc", &placed.vpc, "10");
        remark(
            &mut svg,
            "title in-vpc",
            placed.vpc.x + PADDING,
            placed.vpc.y + 20,
            &self.vpc,
        );
        for (lane, rect) in self.lanes.iter().zip(&placed.lanes) {
            draw_lane(&mut svg, lane, rect);
        }
        // What stays is drawn over what changes, where they share a track.
        for changes in [true, false] {
            for (arrow, path) in self.arrows.iter().zip(&placed.paths) {
                if arrow.mark.is_some() == changes {
                    draw_arrow(&mut svg, arrow, path, self);
                }
            }
        }
        for (node, rect) in self.nodes.iter().zip(&placed.nodes) {
            draw_node(&mut svg, node, rect);
        }
        let mut y = placed.remarks + 12;
        for line in &self.remarks {
            remark(&mut svg, "in-vpc", placed.vpc.x + PADDING, y, line);
            y += REMARK;
        }
        svg.newline();
        key(&mut svg, &self.marks(), MARGIN, placed.key);
        svg.finish() + "\n"
    }
}

fn frame(svg: &mut Markup, class: &str, rect: &Rect, radius: &str) {
    svg.empty(
        "rect",
        &[
            ("class", class),
            ("x", &at(rect.x)),
            ("y", &at(rect.y)),
            ("width", &at(rect.width)),
            ("height", &at(rect.height)),
            ("rx", radius),
        ],
    );
}

/// A line with the sign of what becomes of it in front.
fn remark(svg: &mut Markup, class: &str, x: i32, y: i32, line: &Remark) {
    svg.open("text", &[("class", class), ("x", &at(x)), ("y", &at(y))]);
    if let Some(mark) = line.mark {
        svg.open("tspan", &[("class", &format!("sign {}", mark.class()))]);
        svg.element("title", &[], mark.word())
            .text(mark.sign())
            .close()
            .text(" ");
    }
    svg.text(&line.text).close();
}

fn draw_lane(svg: &mut Markup, lane: &Lane, rect: &Rect) {
    let tier = match lane.title.starts_with("public") {
        true => "public",
        false => "private",
    };
    frame(svg, &format!("lane {tier}"), rect, "8");
    let x = rect.x + PADDING;
    let class = format!("title in-{tier}");
    text(svg, &class, x, rect.y + 20, &lane.title);
    let mut y = rect.y + HEADING;
    let room = SIDEBAR - PADDING;
    for cell in &lane.subnets {
        let zone = cell.zone.as_ref().unwrap_or(&cell.name);
        let line = Remark {
            text: fitted(zone, room, CHARACTER),
            mark: cell.mark,
        };
        remark(svg, "", x, y + 14, &line);
        let below = match (&cell.cidr, &cell.zone) {
            (Some(cidr), _) => cidr.as_str(),
            (None, Some(_)) => cell.name.as_str(),
            (None, None) => "looked up",
        };
        text(svg, "faint", x, y + 29, &fitted(below, room, CHARACTER));
        y += CELL;
        if let Some(nat) = &cell.nat {
            remark(svg, &format!("in-{tier}"), x, y + 9, nat);
            y += NAT;
        }
    }
    svg.newline();
}

fn draw_arrow(svg: &mut Markup, arrow: &Arrow, path: &Path, picture: &Picture) {
    let [from, to] = [arrow.from, arrow.to].map(|index| picture.nodes[index].title.as_str());
    let marked = arrow
        .mark
        .map_or_else(String::new, |mark| format!(" marked {}", mark.class()));
    let class = format!("way a{}{marked}", arrow.from % COLOURS);
    svg.open("g", &[("class", &class)]);
    let becomes = arrow
        .mark
        .map_or_else(String::new, |mark| format!(" ({})", mark.word()));
    svg.element(
        "title",
        &[],
        format!("{from} reaches {to}: {}{becomes}", arrow.ports),
    );
    svg.empty("path", &[("d", &rounded(&path.points))]);
    if let Some((x, y)) = path.points.last() {
        let head = format!("{},{} {x},{y} {},{}", x - 4, y - 8, x + 4, y - 8);
        svg.empty("polygon", &[("points", &head)]);
    }
    if let Some((x, y)) = path.label {
        let sign = arrow
            .mark
            .map_or_else(String::new, |mark| format!("{} ", mark.sign()));
        text(svg, "", x, y, &format!("{sign}{}", arrow.ports));
    }
    svg.close().newline();
}

/// Lines with round corners.
fn rounded(points: &[(i32, i32)]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let (before, after) = (
            index.checked_sub(1).map(|before| points[before]),
            points.get(index + 1),
        );
        match (before, after) {
            (Some(before), Some(after)) => {
                let (from, to) = (towards((*x, *y), before), towards((*x, *y), *after));
                path.push_str(&format!("L{} {}Q{x} {y} {} {}", from.0, from.1, to.0, to.1));
            }
            (None, _) => path.push_str(&format!("M{x} {y}")),
            // The head covers the end.
            (Some(_), None) => path.push_str(&format!("L{x} {}", y - 4)),
        }
    }
    path
}

/// A few pixels from a corner, or half the way.
fn towards(corner: (i32, i32), point: (i32, i32)) -> (i32, i32) {
    let near = |from: i32, to: i32| {
        let half = (to - from) / 2;
        from + half.clamp(-6, 6)
    };
    (near(corner.0, point.0), near(corner.1, point.1))
}

fn draw_node(svg: &mut Markup, node: &Node, rect: &Rect) {
    let kind = match node.kind {
        NodeKind::Internet | NodeKind::Outside => "outside",
        NodeKind::LoadBalancer => "load_balancer",
        NodeKind::Service => "service",
    };
    let marked = node
        .mark
        .map_or_else(String::new, |mark| format!(" marked {}", mark.class()));
    svg.open("g", &[("class", &format!("{kind}{marked}"))]);
    let mut whole = node.title.clone();
    for line in &node.lines {
        whole.push('\n');
        whole.push_str(line.text());
    }
    if let Some(mark) = node.mark {
        whole.push_str(&format!("\n{}", mark.word()));
    }
    svg.element("title", &[], whole);
    let is_outside = kind == "outside";
    frame(svg, "box", rect, if is_outside { "17" } else { "6" });
    if is_outside {
        svg.element(
            "text",
            &[
                ("class", "title"),
                ("x", &at(rect.middle())),
                ("y", &at(rect.y + 22)),
                ("text-anchor", "middle"),
            ],
            fitted(&node.title, rect.width - 16, CHARACTER + 0.4),
        );
    } else {
        let stripe = Rect { width: 5, ..*rect };
        frame(svg, "stripe", &stripe, "2");
        let room = rect.width - 28;
        let title = fitted(&node.title, room - 12, CHARACTER + 0.8);
        text(svg, "title", rect.x + 16, rect.y + 21, &title);
        for (index, line) in (0..).zip(&node.lines) {
            let class = match line {
                Line::Fact(_) => "faint",
                Line::Route(_) => "",
                Line::Name(_) => "name",
            };
            let y = rect.y + BOX_TITLE + BOX_LINE * index + 11;
            text(
                svg,
                class,
                rect.x + 16,
                y,
                &fitted(line.text(), room, CHARACTER),
            );
        }
    }
    if let Some(mark) = node.mark {
        badge(svg, mark, rect.right() - 4, rect.y + 4);
    }
    svg.close().newline();
}
