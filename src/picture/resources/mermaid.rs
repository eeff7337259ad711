//! How is the resource graph written for Mermaid? From left to right in the order of making.

use std::fmt::Write;

use super::super::dot::signed;
use super::super::mermaid::{class, classes, label};
use super::{Resources, word};
use crate::resource::Gate;

impl Resources {
    pub fn mermaid(&self) -> String {
        let mut text = String::new();
        let mut line = |content: &str| {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{content}");
        };
        line("flowchart LR");
        for (index, node) in self.nodes.iter().enumerate() {
            let label = label(&[signed(node.mark, &node.address.to_string())]);
            line(&format!("  n{index}[{label}]{}", class(node.mark)));
        }
        for (from, to, gate) in self.edges() {
            let arrow = match gate {
                Gate::None => "-.->",
                Gate::Exists => "-->",
                Gate::Ready => "==>",
            };
            line(&format!("  n{to} {arrow}|{}| n{from}", word(gate)));
        }
        for class in classes(&self.marks()) {
            line(&format!("  {class}"));
        }
        text
    }
}
