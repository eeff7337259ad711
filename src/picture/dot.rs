//! How is a picture written for Graphviz? Clusters in clusters, and one edge for each arrow.

use std::fmt::Write;

use super::mark::Mark;
use super::scene::{Node, NodeKind, Picture, SubnetCell};

/// A text between quotes, lines broken as Graphviz breaks them.
pub(super) fn quoted(text: &str) -> String {
    let safe = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{safe}\"")
}

/// A label with the sign of what becomes of it.
pub(super) fn signed(mark: Option<Mark>, text: &str) -> String {
    match mark {
        Some(mark) => format!("{} {text}", mark.sign()),
        None => text.to_owned(),
    }
}

/// What a mark looks like; the sign in the label says the same.
pub(super) fn look(mark: Option<Mark>) -> &'static str {
    match mark {
        None => "",
        Some(Mark::Create) => ", color=\"#157a3a\", penwidth=2",
        Some(Mark::Change) => ", color=\"#0b6aa6\", penwidth=2",
        Some(Mark::Replace) => ", color=\"#9a5a00\", penwidth=2",
        Some(Mark::Remove) => ", color=\"#b91c1c\", penwidth=2, style=\"dashed\"",
        Some(Mark::Open) => ", color=\"#5b6776\", style=\"dashed\"",
        Some(Mark::Failed) => ", color=\"#b91c1c\", penwidth=3",
    }
}

impl Picture {
    pub fn dot(&self) -> String {
        let mut text = String::new();
        let mut line = |content: &str| {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{content}");
        };
        line(&format!("digraph {} {{", quoted(&self.stack)));
        line("  graph [fontname=\"Helvetica\", labelloc=t, labeljust=l, compound=true];");
        line("  node [shape=box, fontname=\"Helvetica\", fontsize=11, margin=\"0.15,0.1\"];");
        line("  edge [fontname=\"Helvetica\", fontsize=10];");
        line(&format!(
            "  label={};",
            quoted(&format!("{}, {}", self.stack, self.caption))
        ));
        for (index, node) in self.nodes.iter().enumerate() {
            if node.lane.is_none() {
                line(&format!("  {}", statement(index, node)));
            }
        }
        line("  subgraph cluster_vpc {");
        let mut label = vec![signed(self.vpc.mark, &self.vpc.text)];
        let remarks = self.remarks.iter();
        label.extend(remarks.map(|remark| signed(remark.mark, &remark.text)));
        line(&format!("    label={};", quoted(&label.join("\n"))));
        for (number, lane) in self.lanes.iter().enumerate() {
            line(&format!("    subgraph cluster_lane_{number} {{"));
            line(&format!("      label={};", quoted(&lane.title)));
            line("      style=\"dashed\";");
            for cell in &lane.subnets {
                line(&format!("      {}", subnet(cell)));
            }
            for (index, node) in self.nodes.iter().enumerate() {
                if node.lane == Some(number) {
                    line(&format!("      {}", statement(index, node)));
                }
            }
            line("    }");
        }
        line("  }");
        for arrow in &self.arrows {
            line(&format!(
                "  n{} -> n{} [label={}{}];",
                arrow.from,
                arrow.to,
                quoted(&signed(arrow.mark, &arrow.ports)),
                look(arrow.mark)
            ));
        }
        line("}");
        text
    }
}

fn subnet(cell: &SubnetCell) -> String {
    let mut label = signed(cell.mark, &cell.name);
    let facts = [cell.zone.as_deref(), cell.cidr.as_deref()];
    for fact in facts.into_iter().flatten() {
        label.push('\n');
        label.push_str(fact);
    }
    if let Some(nat) = &cell.nat {
        label.push('\n');
        label.push_str(&signed(nat.mark, &nat.text));
    }
    format!(
        "{} [shape=plaintext, label={}{}];",
        quoted(&format!("subnet {}", cell.name)),
        quoted(&label),
        look(cell.mark)
    )
}

fn statement(index: usize, node: &Node) -> String {
    let mut label = signed(node.mark, &node.title);
    for line in &node.lines {
        label.push('\n');
        label.push_str(line.text());
    }
    let shape = match node.kind {
        NodeKind::Internet | NodeKind::Outside => ", shape=ellipse",
        NodeKind::LoadBalancer | NodeKind::Service => "",
    };
    format!(
        "n{index} [label={}{shape}{}];",
        quoted(&label),
        look(node.mark)
    )
}
