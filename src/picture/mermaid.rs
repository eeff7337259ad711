//! How is a picture written for Mermaid, which GitHub draws in Markdown? Subgraphs in subgraphs.

use std::fmt::Write;

use super::dot::signed;
use super::mark::Mark;
use super::scene::{Node, NodeKind, Picture, SubnetCell};

/// A label between quotes: Mermaid reads entities by number, and anything else of HTML as HTML.
pub(super) fn label(lines: &[String]) -> String {
    let mut safe = String::new();
    for character in lines.join("\n").chars() {
        match character {
            '\n' => safe.push_str("<br/>"),
            '"' | '#' | '&' | '<' | '>' | '`' | ';' => {
                let _ = write!(safe, "#{};", u32::from(character));
            }
            other => safe.push(other),
        }
    }
    format!("\"{safe}\"")
}

/// The looks of the marks that are in use; the sign in a label says the same.
pub(super) fn classes(marks: &[Mark]) -> Vec<String> {
    let look = |mark: &Mark| match mark {
        Mark::Create => "stroke:#157a3a,stroke-width:3px",
        Mark::Change => "stroke:#0b6aa6,stroke-width:3px",
        Mark::Replace => "stroke:#9a5a00,stroke-width:3px",
        Mark::Remove => "stroke:#b91c1c,stroke-width:3px,stroke-dasharray:6 4",
        Mark::Open => "stroke:#5b6776,stroke-dasharray:6 4",
        Mark::Failed => "stroke:#b91c1c,stroke-width:4px",
    };
    marks
        .iter()
        .map(|mark| format!("classDef {} {}", mark.class(), look(mark)))
        .collect()
}

/// How a node is given the look of its mark.
pub(super) fn class(mark: Option<Mark>) -> String {
    mark.map_or_else(String::new, |mark| format!(":::{}", mark.class()))
}

impl Picture {
    pub fn mermaid(&self) -> String {
        let mut text = String::new();
        let mut line = |content: &str| {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{content}");
        };
        line("flowchart TB");
        for (index, node) in self.nodes.iter().enumerate() {
            if node.lane.is_none() {
                line(&format!("  {}", statement(index, node)));
            }
        }
        let mut vpc = vec![signed(self.vpc.mark, &self.vpc.text)];
        let remarks = self.remarks.iter();
        vpc.extend(remarks.map(|remark| signed(remark.mark, &remark.text)));
        line(&format!("  subgraph vpc[{}]", label(&[vpc.join(", ")])));
        for (number, lane) in self.lanes.iter().enumerate() {
            let title = label(std::slice::from_ref(&lane.title));
            line(&format!("    subgraph lane{number}[{title}]"));
            for (place, cell) in lane.subnets.iter().enumerate() {
                line(&format!("      s{number}x{place}{}", subnet(cell)));
            }
            for (index, node) in self.nodes.iter().enumerate() {
                if node.lane == Some(number) {
                    line(&format!("      {}", statement(index, node)));
                }
            }
            line("    end");
        }
        line("  end");
        for arrow in &self.arrows {
            line(&format!(
                "  n{} -->|{}| n{}",
                arrow.from,
                label(&[signed(arrow.mark, &arrow.ports)]),
                arrow.to
            ));
        }
        for class in classes(&self.marks()) {
            line(&format!("  {class}"));
        }
        text
    }
}

fn subnet(cell: &SubnetCell) -> String {
    let mut lines = vec![signed(cell.mark, &cell.name)];
    lines.extend(cell.zone.clone());
    lines.extend(cell.cidr.clone());
    lines.extend(cell.nat.as_ref().map(|nat| signed(nat.mark, &nat.text)));
    format!("[/{}/]{}", label(&lines), class(cell.mark))
}

fn statement(index: usize, node: &Node) -> String {
    let mut lines = vec![signed(node.mark, &node.title)];
    lines.extend(node.lines.iter().map(|line| line.text().to_owned()));
    let label = label(&lines);
    let shape = match node.kind {
        NodeKind::Internet | NodeKind::Outside => format!("([{label}])"),
        NodeKind::LoadBalancer => format!("{{{{{label}}}}}"),
        NodeKind::Service => format!("[{label}]"),
    };
    format!("n{index}{shape}{}", class(node.mark))
}
